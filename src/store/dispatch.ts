/**
 * What the store derives from a record: which queue it belongs to, what its unit carries, which keys find it. Used in the
 * turn of the append, and again when recovery or the index goes through the log.
 *
 * RocketMQ counterpart: `DispatchRequest`, `CommitLog#checkMessageAndReturnSize`, `IndexService#buildIndex`.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { extendHash, SysFlag } from "../protocol/message.ts";
import type { RecordView } from "../protocol/record.ts";
import type { TopicEntry } from "./topic_entry.ts";

const SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX";
const NAME_END = 1;
const VALUE_END = 2;
const SPACE = 32;
const K = 75, T = 84, D = 68, U = 85;
/** What a delay level that does not exist stands for. Source: RocketMQ `ScheduleMessageService#computeDeliverTimestamp`. */
const UNKNOWN_LEVEL_DELAY_MS = 1000;

/** Where the values of the properties that count lie; start −1 when absent. Filled again by each scan. */
export class PropertyPlaces {
  uniqStart = -1;
  uniqEnd = 0;
  keysStart = -1;
  keysEnd = 0;
  tagsStart = -1;
  tagsEnd = 0;
  delayStart = -1;
  delayEnd = 0;

  /** Finds the properties in `bytes[start, end)`, and then in a second stretch that follows it. */
  scan(bytes: Uint8Array, start: number, end: number): void {
    this.uniqStart =
      this.keysStart =
      this.tagsStart =
      this.delayStart =
        -1;
    for (let pair = start; pair < end;) {
      let nameEnd = -1;
      let at = pair;
      for (; at < end; at++) {
        const b = bytes[at]!;
        if (b === VALUE_END) break;
        if (b === NAME_END && nameEnd < 0) nameEnd = at;
      }
      if (nameEnd >= 0) this.#note(bytes, pair, nameEnd, at);
      pair = at + 1;
    }
  }

  #note(b: Uint8Array, name: number, nameEnd: number, valueEnd: number): void {
    const size = nameEnd - name;
    const first = b[name];
    if (size === 4) {
      if (first === K && b[name + 1] === 69 && b[name + 2] === 89 && b[name + 3] === 83) {
        this.keysStart = nameEnd + 1;
        this.keysEnd = valueEnd;
      } else if (first === T && b[name + 1] === 65 && b[name + 2] === 71 && b[name + 3] === 83) {
        this.tagsStart = nameEnd + 1;
        this.tagsEnd = valueEnd;
      }
    } else if (size === 8) {
      if (first === U && isText(b, name, "UNIQ_KEY")) {
        this.uniqStart = nameEnd + 1;
        this.uniqEnd = valueEnd;
      }
    } else if (size === 5 && first === D && isText(b, name, "DELAY")) {
      this.delayStart = nameEnd + 1;
      this.delayEnd = valueEnd;
    }
  }
}

function isText(b: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (b[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Takes index entries. */
export interface IndexSink {
  /**
   * Adds a key of a message.
   *
   * @param keyHash Java hash of the whole key, signed.
   */
  add(keyHash: number, physicalOffset: number, storeTimestamp: number): void;
}

/** Hands every key of a message to the index, in RocketMQ's order: UNIQ_KEY, each of KEYS, TAGS. */
export function indexKeys(
  sink: IndexSink,
  entry: TopicEntry,
  bytes: Uint8Array,
  places: PropertyPlaces,
  physicalOffset: number,
  storeTimestamp: number,
): void {
  if (places.uniqStart >= 0) {
    sink.add(extendHash(entry.keyHash, bytes, places.uniqStart, places.uniqEnd), physicalOffset, storeTimestamp);
  }
  if (places.keysStart >= 0) {
    for (let at = places.keysStart; at < places.keysEnd;) {
      let end = at;
      while (end < places.keysEnd && bytes[end] !== SPACE) end++;
      if (end > at) sink.add(extendHash(entry.keyHash, bytes, at, end), physicalOffset, storeTimestamp);
      at = end + 1;
    }
  }
  if (places.tagsStart >= 0 && places.tagsEnd > places.tagsStart) {
    sink.add(extendHash(entry.tagKeyHash, bytes, places.tagsStart, places.tagsEnd), physicalOffset, storeTimestamp);
  }
}

/** Whether records of this kind are in a queue: prepared and rolled back ones are not. */
export function isQueued(sysFlag: number): boolean {
  const kind = sysFlag & SysFlag.TRANSACTION_MASK;
  return kind === SysFlag.TRANSACTION_NOT || kind === SysFlag.TRANSACTION_COMMIT;
}

/** Whether records of this kind are in the index: rolled back ones are not. */
export function isIndexed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.TRANSACTION_MASK) !== SysFlag.TRANSACTION_ROLLBACK;
}

/** What a record's unit carries. */
export class TagsCodes {
  readonly #delaysMs: readonly number[];

  /** @param messageDelayLevel e.g. `1s 5s 1m 2h 1d`. */
  constructor(messageDelayLevel: string) {
    this.#delaysMs = messageDelayLevel.trim().split(/\s+/).map(delayMs);
  }

  /** The code of a stored record whose properties were scanned into `places`. */
  of(view: RecordView, entry: TopicEntry, places: PropertyPlaces): number {
    if (places.delayStart >= 0 && entry.name === SCHEDULE_TOPIC) {
      const level = Number(utf8Text(view.bytes.subarray(places.delayStart, places.delayEnd)));
      if (level > 0) return view.storeTimestamp + this.#delayOf(level);
    }
    if (places.tagsStart < 0) return 0;
    return extendHash(0, view.bytes, places.tagsStart, places.tagsEnd);
  }

  #delayOf(level: number): number {
    return this.#delaysMs[Math.min(level, this.#delaysMs.length) - 1] ?? UNKNOWN_LEVEL_DELAY_MS;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function delayMs(level: string): number {
  const unit = UNIT_MS[level.slice(-1)];
  const count = Number(level.slice(0, -1));
  return unit === undefined || !Number.isFinite(count) ? UNKNOWN_LEVEL_DELAY_MS : count * unit;
}
