/**
 * Everything that is read other than by a pull, and seldom: by time, by physical offset, by key. All of it waits for the
 * disk off the event loop.
 *
 * RocketMQ counterpart: `DefaultMessageStore#getOffsetInQueueByTime`, `#lookMessageByOffset`, `#queryMessage`.
 *
 * @module
 */
import { getI32, getI64, javaHash, utf8Text } from "../common/bytes.ts";
import { decodeProperties, KEY_SEPARATOR, Property } from "../protocol/message.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue, UNIT_SIZE, unitOffset } from "./consumequeue.ts";
import type { MessageIndex } from "./message_index.ts";

/** Which end of several messages with the same time {@linkcode Lookups.offsetByTime} takes. */
export type TimeBoundary = "LOWER" | "UPPER";

/** What a query by key finds. */
export interface KeyQueryResult {
  /** Stored records, newest first; copies. */
  readonly records: Uint8Array[];
  readonly indexLastUpdateTimestamp: number;
  readonly indexLastUpdatePhyoffset: number;
}

/** A query by key. */
export interface KeyQuery {
  readonly topic: string;
  readonly key: string;
  readonly maxNum: number;
  /** Store times, both inclusive. */
  readonly beginTime: number;
  readonly endTime: number;
}

/** Bytes of a record that hold its size and store time, whatever its hosts. */
const HEAD_SIZE = 76;

/** Lookups in one store. */
export class Lookups {
  readonly #log: Commitlog;
  readonly #index: MessageIndex | null;
  readonly #readableOffset: () => number;

  /** @param readableOffset messages that end behind it do not exist for readers yet. */
  constructor(log: Commitlog, index: MessageIndex | null, readableOffset: () => number) {
    this.#log = log;
    this.#index = index;
    this.#readableOffset = readableOffset;
  }

  /** The record at a physical offset (a copy), or null when there is none. @throws {DiskError} */
  async recordAt(physicalOffset: number): Promise<Uint8Array | null> {
    if (physicalOffset < this.#log.minOffset || physicalOffset >= this.#readableOffset()) return null;
    const head = await this.#log.readCopy(physicalOffset, 8);
    if (head.length < 8) return null;
    const size = getI32(head, 0);
    if (!this.#log.holds(physicalOffset, size) || physicalOffset + size > this.#readableOffset()) return null;
    const record = await this.#log.readCopy(physicalOffset, size);
    const kind = new RecordView().read(record, 0, record.length, physicalOffset, true);
    return kind === RecordKind.RECORD && record.length === size ? record : null;
  }

  /** Store time of the queue's message at `offset`, −1 when there is none. @throws {DiskError} */
  async storeTimeAt(queue: Consumequeue, offset: number): Promise<number> {
    if (offset < queue.minOffset || offset >= queue.visibleMax) return -1;
    const unit = queue.readNow(offset, 1);
    if (getI32(unit, 8) === BLANK_UNIT_SIZE) return -1;
    return await this.#storeTimeOf(unitOffset(unit, 0));
  }

  /**
   * LOWER: the first message stored at `timestamp` or later, the end of the queue when there is none. UPPER: the last one
   * stored at `timestamp` or before, the first of the queue when there is none. Source: RocketMQ 5.x `ConsumeQueue`.
   * @throws {DiskError}
   */
  async offsetByTime(queue: Consumequeue, timestamp: number, boundary: TimeBoundary): Promise<number> {
    const min = queue.minOffset;
    const max = queue.visibleMax;
    if (boundary === "LOWER") return await this.#firstAtOrAfter(queue, min, max, timestamp);
    return Math.max(min, await this.#firstAtOrAfter(queue, min, max, timestamp + 1) - 1);
  }

  /** Units `[offset, offset + count)` that readers may see (a copy). @throws {DiskError} */
  units(queue: Consumequeue, offset: number, count: number): Uint8Array {
    const start = Math.max(offset, queue.minOffset);
    const end = Math.min(offset + count, queue.visibleMax);
    return end > start ? queue.readNow(start, end - start) : new Uint8Array(0);
  }

  /** Messages by key; only those that really have it. @throws {DiskError} */
  async byKey(query: KeyQuery): Promise<KeyQueryResult> {
    const index = this.#index;
    if (index === null) return { records: [], indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 };
    const hash = javaHash(`${query.topic}#${query.key}`);
    // Other keys with the same hash take places, so ask for more than are wanted.
    const offsets = await index.query(hash, query.maxNum * 4 + 16, query.beginTime, query.endTime);
    const records: Uint8Array[] = [];
    for (const offset of offsets) {
      if (records.length >= query.maxNum) break;
      const record = await this.recordAt(offset);
      if (record !== null && hasKey(record, query)) records.push(record);
    }
    return {
      records,
      indexLastUpdateTimestamp: index.lastTimestamp,
      indexLastUpdatePhyoffset: index.lastPhysicalOffset,
    };
  }

  async #storeTimeOf(physicalOffset: number): Promise<number> {
    const head = await this.#log.readCopy(physicalOffset, HEAD_SIZE);
    if (head.length < HEAD_SIZE) return -1;
    const at = 48 + (getI32(head, 36) & 0x10 ? 20 : 8);
    return head[at] === 0 && head[at + 1]! < 0x20 ? getI64(head, at) : -1;
  }

  /** The first offset in `[low, high)` whose message was stored at `timestamp` or later, `high` when there is none. */
  async #firstAtOrAfter(queue: Consumequeue, low: number, high: number, timestamp: number): Promise<number> {
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#storeTimeNear(queue, middle, high) < timestamp) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Store time of the message at `offset`, or of the next one that is there; Infinity when there is none before `end`. */
  async #storeTimeNear(queue: Consumequeue, offset: number, end: number): Promise<number> {
    for (let at = offset; at < end; at++) {
      const unit = queue.readNow(at, 1);
      const time = unit.length < UNIT_SIZE ? -1 : await this.#storeTimeOf(unitOffset(unit, 0));
      if (time >= 0) return time;
    }
    return Infinity;
  }
}

function hasKey(record: Uint8Array, query: KeyQuery): boolean {
  const view = new RecordView();
  if (view.read(record, 0, record.length) !== RecordKind.RECORD) return false;
  if (view.storeTimestamp < query.beginTime || view.storeTimestamp > query.endTime) return false;
  if (utf8Text(record.subarray(view.topicStart, view.topicEnd)) !== query.topic) return false;
  const properties = decodeProperties(record.subarray(view.propertiesStart, view.propertiesEnd));
  if (properties.get(Property.UNIQ_KEY) === query.key) return true;
  if (properties.get(Property.KEYS)?.split(KEY_SEPARATOR).includes(query.key)) return true;
  return query.key.startsWith("T#") && properties.get(Property.TAGS) === query.key.slice(2);
}
