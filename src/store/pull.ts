/**
 * Reads messages of a queue from an offset on, as many as wanted, allowed and there. Recent messages are views of the log's
 * memory; older ones come from the block cache, and where that lacks blocks the answer is PENDING with what to load.
 *
 * A record from disk is checked before it is served: place, queue, queue offset and CRC. One that is not what its unit says
 * is passed over like one that was removed.
 *
 * RocketMQ counterpart: `DefaultMessageStore#getMessage`.
 *
 * @module
 */
import { getI32 } from "../common/bytes.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import { hasRecordCrc, isRecordCrcGood } from "../protocol/record_crc.ts";
import { type BlockCache, BytePlace } from "./block_cache.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue, unitOffset, unitTagsCode } from "./consumequeue.ts";
import { type MessageFilter, type PullResult, PullStatus } from "./pull_result.ts";

/** Units that one pull examines at least while nothing matches. Source: RocketMQ, 16000 bytes of consumequeue. */
const UNITS_EXAMINED = 800;
/** Missing blocks that one load fetches. */
const MISSES_MAX = 32;

/** What limits a pull. */
export interface PullLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** Reads queues of one store. */
export class Puller {
  readonly #log: Commitlog;
  readonly #cache: BlockCache;
  readonly #checksRecordCrc: boolean;
  readonly #warn: (text: string) => void;
  readonly #place = new BytePlace();
  readonly #recordPlace = new BytePlace();
  readonly #view = new RecordView();
  /** The part under way, `[#partStart, #partEnd)` of these bytes: records that follow each other in memory are one part. */
  #partBytes: Uint8Array | null = null;
  #partStart = 0;
  #partEnd = 0;
  #reported = -1;

  /** @param checksRecordCrc whether the CRC over a whole record counts, where there is one. @param warn told of records that are not what their units say. */
  constructor(log: Commitlog, cache: BlockCache, checksRecordCrc: boolean, warn: (text: string) => void) {
    this.#log = log;
    this.#checksRecordCrc = checksRecordCrc;
    this.#cache = cache;
    this.#warn = warn;
  }

  /** Fills `out`; see `MessageStore.pull`. */
  pull(
    queue: Consumequeue | null,
    offset: number,
    limits: PullLimits,
    filter: MessageFilter | null,
    out: PullResult,
  ): PullStatus {
    out.reset();
    this.#partBytes = null; // of a pull that could not read a file
    if (queue === null) return out.status = PullStatus.NO_MATCHED_LOGIC_QUEUE;
    out.maxOffset = queue.visibleMax;
    out.minOffset = queue.minOffset;
    const outside = outsideStatus(offset, out);
    if (outside !== null) return out.status = outside;
    out.status = PullStatus.NO_MATCHED_MESSAGE;
    const end = Math.min(queue.visibleMax, offset + Math.max(UNITS_EXAMINED, limits.maxMessages * 20));
    let next = offset;
    while (next < end && out.count < limits.maxMessages) {
      if (!this.#take(queue, next, limits, filter, out)) break;
      next++;
    }
    this.#endPart(out);
    out.nextBeginOffset = next;
    if (out.count > 0) {
      out.status = PullStatus.FOUND;
      out.missing.length = 0;
    } else if (out.missing.length > 0) {
      this.#lookAhead(queue, next + 1, Math.min(end, next + limits.maxMessages), filter, out);
      out.status = PullStatus.PENDING;
    }
    return out.status;
  }

  /** Takes or passes over one message; false when the pull must end before it. */
  #take(
    queue: Consumequeue,
    offset: number,
    limits: PullLimits,
    filter: MessageFilter | null,
    out: PullResult,
  ): boolean {
    const place = this.#place;
    if (!queue.findUnit(offset, place, out.missing, this.#cache)) return false;
    const size = getI32(place.bytes, place.at + 8);
    if (size === BLANK_UNIT_SIZE) return true;
    const physicalOffset = unitOffset(place.bytes, place.at);
    if (size <= 0 || physicalOffset < 0) return this.#removed(out);
    if (filter !== null && !matchesUnit(filter, place)) return true;
    if (out.count > 0 && out.sizeBytes + size > limits.maxBytes) return false;
    const chunk = this.#log.recentChunk(physicalOffset, size);
    if (chunk !== null) {
      const at = physicalOffset - chunk.start;
      if (!isRecordHere(chunk.bytes, at, size, offset)) return this.#removed(out);
      if (filter?.matchesRecord !== undefined && !filter.matchesRecord(chunk.bytes.subarray(at, at + size))) {
        return true;
      }
      this.#add(chunk.bytes, at, size, out);
    } else {
      if (!this.#log.holds(physicalOffset, size)) return this.#removed(out);
      const record = this.#recordPlace;
      if (!this.#log.findCached(physicalOffset, size, record, out.missing)) return false;
      const { bytes, at } = record;
      if (!this.#isGood(record, size, queue, offset, physicalOffset)) return this.#removed(out);
      if (filter?.matchesRecord !== undefined && !filter.matchesRecord(bytes.subarray(at, at + size))) return true;
      this.#add(bytes, at, size, out);
    }
    out.behindBytes = this.#log.appendedOffset - physicalOffset - size;
    return true;
  }

  #removed(out: PullResult): boolean {
    out.status = PullStatus.MESSAGE_WAS_REMOVING;
    return true;
  }

  /** Adds a record, joined to the part before it where it follows it in memory. */
  #add(bytes: Uint8Array, at: number, size: number, out: PullResult): void {
    if (this.#partBytes !== bytes || this.#partEnd !== at) {
      this.#endPart(out);
      this.#partBytes = bytes;
      this.#partStart = at;
    }
    this.#partEnd = at + size;
    out.count++;
    out.sizeBytes += size;
  }

  /** Adds the part under way to the answer. */
  #endPart(out: PullResult): void {
    if (this.#partBytes === null) return;
    out.parts.push(this.#partBytes.subarray(this.#partStart, this.#partEnd));
    this.#partBytes = null;
  }

  #isGood(place: BytePlace, size: number, queue: Consumequeue, offset: number, physicalOffset: number): boolean {
    const { bytes, at } = place;
    const view = this.#view;
    const kind = view.read(bytes, at, at + size, physicalOffset, true);
    if (
      kind === RecordKind.RECORD && view.size === size && view.queueId === queue.queueId &&
      view.queueOffset === offset && isTopic(view, queue.entry.bytes) && this.#isWhole(bytes, at, size)
    ) return true;
    if (this.#reported !== physicalOffset) {
      this.#reported = physicalOffset;
      const reason = kind === RecordKind.BAD ? view.problem : "it is another message, or was changed";
      this.#warn(`message ${queue.topic}-${queue.queueId} ${offset} at ${physicalOffset} cannot be served: ${reason}`);
    }
    return false;
  }

  #isWhole(bytes: Uint8Array, at: number, size: number): boolean {
    if (!this.#checksRecordCrc || !hasRecordCrc(bytes, at, size)) return true;
    return isRecordCrcGood(bytes, at, size);
  }

  /** Adds what the messages behind a missing one lack, so that one load serves a whole pull. */
  #lookAhead(queue: Consumequeue, from: number, end: number, filter: MessageFilter | null, out: PullResult): void {
    const place = this.#place;
    for (let offset = from; offset < end && out.missing.length < MISSES_MAX; offset++) {
      if (!queue.findUnit(offset, place, out.missing, this.#cache)) return;
      const size = getI32(place.bytes, place.at + 8);
      if (filter !== null && !matchesUnit(filter, place)) continue;
      const physicalOffset = unitOffset(place.bytes, place.at);
      if (this.#log.holds(physicalOffset, size)) {
        this.#log.findCached(physicalOffset, size, this.#recordPlace, out.missing);
      }
    }
  }
}

/** Whether the unit's code lets its record through; a code that cannot be read leaves that to whoever reads the record. */
function matchesUnit(filter: MessageFilter, place: BytePlace): boolean {
  const code = unitTagsCode(place.bytes, place.at);
  return Number.isNaN(code) || filter.matchesCode(code);
}

/** Whether what lies in memory is the record that a unit, which may come from a file, says it is. */
function isRecordHere(b: Uint8Array, at: number, size: number, queueOffset: number): boolean {
  return getI32(b, at) === size && getI32(b, at + 24) === (queueOffset | 0);
}

/** The status of a pull that begins where there are no messages, with the offset that the reader should go on from. */
function outsideStatus(offset: number, out: PullResult): PullStatus | null {
  const { minOffset, maxOffset } = out;
  if (maxOffset === 0) return PullStatus.NO_MESSAGE_IN_QUEUE;
  if (offset < minOffset) {
    out.nextBeginOffset = minOffset;
    return PullStatus.OFFSET_TOO_SMALL;
  }
  if (offset < maxOffset) return null;
  out.nextBeginOffset = maxOffset;
  return offset === maxOffset ? PullStatus.OFFSET_OVERFLOW_ONE : PullStatus.OFFSET_OVERFLOW_BADLY;
}

function isTopic(view: RecordView, topic: Uint8Array): boolean {
  if (view.topicEnd - view.topicStart !== topic.length) return false;
  for (let i = 0; i < topic.length; i++) if (view.bytes[view.topicStart + i] !== topic[i]) return false;
  return true;
}
