/**
 * Finds how far a slave's log and its master's are the same, by checksums of stretches that the master computes.
 *
 * Two logs that once were one are the same up to some record and differ from there on: what follows has other times, other
 * offsets. These stand in the head of a record; behind it the same bytes may come again, for a producer sends the message that
 * a lost leader did not acknowledge once more, and fillers are all alike. So heads are compared, and the place is found by
 * halving (here: several checksums in one question).
 *
 * Ours: Java's default replication has nothing like it; its controller mode compares epochs.
 *
 * @module
 */
import type { ReplicaLog } from "./replica_log.ts";

/** A stretch of the log. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
}

/** The master's log as a slave can ask about it. */
export interface RemoteLog {
  readonly minOffset: number;
  readonly endOffset: number;
  /** CRC-32 of each stretch; null for one that it does not have. At most {@linkcode STRETCHES_MAX} at a time. */
  checksums(stretches: readonly Stretch[]): Promise<readonly (number | null)[]>;
}

/** Stretches in one question. */
export const STRETCHES_MAX = 32;

/** Bytes of a record that tell it from any other at its place: up to when it was stored, also with hosts of IPv6. */
const HEAD_SIZE = 84;
/** The search by halving ends here. */
const BLOCK_SIZE = 64 * 1024;
/** Records are looked for within so many bytes, unless a file begins between. */
const RECORD_SIZE_MAX = 8 * 1024 * 1024;
/** Bytes of one stretch. */
const STRETCH_SIZE = 1024 * 1024;

/** Where two logs part. */
export interface CommonHistory {
  /** Both are the same below; −1 when they have nothing in common. */
  readonly endOffset: number;
  /** Where the last common record begins, −1 when that is not known. */
  readonly lastRecordOffset: number;
}

/** Finds the end of what both have. @throws {DiskError} and whatever the remote log throws. */
export async function commonHistory(own: ReplicaLog, remote: RemoteLog): Promise<CommonHistory> {
  const low = Math.max(own.minOffset, remote.minOffset);
  const high = Math.min(own.endOffset, remote.endOffset);
  // What both had has expired at the master: there is nothing left to compare.
  if (high === low && high === own.endOffset) return { endOffset: high, lastRecordOffset: -1 };
  if (high <= low) return NOTHING;
  const last = (await own.recordStarts(Math.max(low, high - RECORD_SIZE_MAX), high)).findLast((each) => each < high);
  const tail = Math.max(low, Math.min(high - BLOCK_SIZE, last ?? high - RECORD_SIZE_MAX));
  if (await isSame(own, remote, tail, high)) return { endOffset: high, lastRecordOffset: last ?? -1 };
  return await lastCommonRecord(own, remote, await narrow(own, remote, { from: low, to: high }));
}

const NOTHING: CommonHistory = { endOffset: -1, lastRecordOffset: -1 };

/** How many stretches, from the first on, are the same in both. */
async function same(own: ReplicaLog, remote: RemoteLog, stretches: readonly Stretch[]): Promise<number> {
  const theirs = await remote.checksums(stretches);
  for (let i = 0; i < stretches.length; i++) {
    const { offset, size } = stretches[i]!;
    const mine = await own.checksum(offset, size);
    if (mine === null || mine !== theirs[i]) return i;
  }
  return stretches.length;
}

/** Whether every byte of `[from, to)` is the same: of a record, or a block. */
async function isSame(own: ReplicaLog, remote: RemoteLog, from: number, to: number): Promise<boolean> {
  const stretches: Stretch[] = [];
  for (let offset = from; offset < to; offset += STRETCH_SIZE) {
    stretches.push({ offset, size: Math.min(STRETCH_SIZE, to - offset) });
  }
  for (let i = 0; i < stretches.length; i += STRETCHES_MAX) {
    const some = stretches.slice(i, i + STRETCHES_MAX);
    if (await same(own, remote, some) < some.length) return false;
  }
  return true;
}

/** Where the logs part: a record that is the same begins at `from`, unless the logs begin there; `to` is one that differs, or the end. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const headAt = (start: number, end: number): Stretch => ({ offset: start, size: Math.min(HEAD_SIZE, end - start) });

/** Makes the span smaller as long as it has records that are a block away from each other. */
async function narrow(own: ReplicaLog, remote: RemoteLog, whole: Span): Promise<Span> {
  let { from, to } = whole;
  for (;;) {
    const step = Math.max(BLOCK_SIZE, Math.ceil((to - from) / STRETCHES_MAX));
    const probes: number[] = [];
    for (let at = from + step; at < to; at += step) {
      const start = await firstRecord(own, at, to);
      if (start !== null && start !== probes.at(-1)) probes.push(start);
    }
    if (probes.length === 0) return { from, to };
    const count = await same(own, remote, probes.map((start) => headAt(start, whole.to)));
    if (count < probes.length) to = probes[count]!;
    if (count > 0) from = probes[count - 1]!;
  }
}

/** Where the first record from `at` on begins, before `end`; null when there is none. */
async function firstRecord(own: ReplicaLog, at: number, end: number): Promise<number | null> {
  for (const size of [BLOCK_SIZE, RECORD_SIZE_MAX]) {
    const [start] = await own.recordStarts(at, Math.min(at + size, end));
    if (start !== undefined) return start < end ? start : null;
  }
  return null;
}

/** The last record of a span that is the same in both. */
async function lastCommonRecord(own: ReplicaLog, remote: RemoteLog, { from, to }: Span): Promise<CommonHistory> {
  const starts = (await own.recordStarts(from, to)).filter((each) => each < to);
  let count = 0;
  for (let i = 0; i < starts.length && count === i; i += STRETCHES_MAX) {
    const heads = starts.slice(i, i + STRETCHES_MAX).map((start) => headAt(start, to));
    count += await same(own, remote, heads);
  }
  // The head is the same; whether the rest is, and what lies between it and the next record, is looked at byte by byte.
  const isWhole = count > 0 && await isSame(own, remote, starts[count - 1]!, starts[count] ?? to);
  const ends = [...starts, to];
  const index = isWhole ? count : count - 1;
  if (index < 1) return NOTHING;
  return { endOffset: ends[index]!, lastRecordOffset: ends[index - 1]! };
}
