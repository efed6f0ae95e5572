/**
 * One pending message in the index: 32 bytes that say when it is due and where it lies.
 *
 * ```
 * at  size  field                  (big-endian)
 *  0   8    dueMs
 *  8   8    queueOffset            in the timer topic; equal due times are delivered in this order
 * 16   8    physicalOffset
 * 24   4    size of the record; the highest bit is set when it deletes another message
 * 28   4    Java hash of the real topic
 * ```
 *
 * @module
 */
import { getI32, getI64, putI32, putI64 } from "../../common/bytes.ts";

/** Bytes of an entry in a file. */
export const ENTRY_SIZE = 32;

/** A place in the order of delivery: by due time, then by arrival. */
export interface TimerKey {
  readonly dueMs: number;
  readonly queueOffset: number;
}

/** A pending message. */
export interface TimerEntry extends TimerKey {
  readonly physicalOffset: number;
  readonly sizeBytes: number;
  /** It is not delivered, but says that others are not to be. Its `dueMs` is the beginning of their tick. */
  readonly isDelete: boolean;
  readonly topicHash: number;
}

/** Before everything. */
export const FIRST_KEY: TimerKey = { dueMs: 0, queueOffset: -1 };

/** Behind everything. */
export const LAST_KEY: TimerKey = { dueMs: Number.MAX_SAFE_INTEGER, queueOffset: Number.MAX_SAFE_INTEGER };

/** The last place of a time: everything due then or earlier is not behind it. */
export function endOf(dueMs: number): TimerKey {
  return { dueMs, queueOffset: Number.MAX_SAFE_INTEGER };
}

/** Less than, equal to or greater than 0 as `a` comes before `b`, is it, or comes after. */
export function compareKeys(a: TimerKey, b: TimerKey): number {
  return a.dueMs - b.dueMs || a.queueOffset - b.queueOffset;
}

/** Writes an entry. */
export function putEntry(bytes: Uint8Array, at: number, entry: TimerEntry): void {
  putI64(bytes, at, entry.dueMs);
  putI64(bytes, at + 8, entry.queueOffset);
  putI64(bytes, at + 16, entry.physicalOffset);
  putI32(bytes, at + 24, entry.sizeBytes | (entry.isDelete ? 1 << 31 : 0));
  putI32(bytes, at + 28, entry.topicHash);
}

/** Reads an entry. */
export function getEntry(bytes: Uint8Array, at: number): TimerEntry {
  const size = getI32(bytes, at + 24);
  return {
    dueMs: getI64(bytes, at),
    queueOffset: getI64(bytes, at + 8),
    physicalOffset: getI64(bytes, at + 16),
    sizeBytes: size & 0x7fffffff,
    isDelete: size < 0,
    topicHash: getI32(bytes, at + 28),
  };
}

/** Shift that leaves room for an entry's number below its due time, and the due times that fit above it. */
const NUMBER_BITS = 14;
const NUMBER_SPAN = 1 << NUMBER_BITS;
const DUE_SPAN_MS = 2 ** (53 - NUMBER_BITS);

/**
 * Entries in the order of delivery. Up to 16384 that lie within 17 years are sorted as numbers, without a comparator: a
 * millisecond instead of eight.
 */
export function sortEntries(entries: readonly TimerEntry[]): TimerEntry[] {
  let first = Infinity;
  let last = -Infinity;
  for (const { dueMs } of entries) {
    if (dueMs < first) first = dueMs;
    if (dueMs > last) last = dueMs;
  }
  if (entries.length > NUMBER_SPAN || !(last - first < DUE_SPAN_MS - 1)) return [...entries].sort(compareKeys);
  const byArrival = isAscending(entries) ? entries : [...entries].sort((a, b) => a.queueOffset - b.queueOffset);
  const keys = new Float64Array(entries.length);
  for (let i = 0; i < keys.length; i++) keys[i] = (byArrival[i]!.dueMs - first) * NUMBER_SPAN + i;
  return Array.from(keys.sort(), (key) => byArrival[key % NUMBER_SPAN]!);
}

function isAscending(entries: readonly TimerEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) if (entries[i]!.queueOffset < entries[i - 1]!.queueOffset) return false;
  return true;
}
