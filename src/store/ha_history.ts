/**
 * Finds how far a slave's log and its master's are the same, by checksums of stretches that the master computes.
 *
 * Two logs that once were one are the same up to some record and differ from there on: what follows has other times, other
 * offsets. So the place is found by halving (here: by sixteenths, several checksums in one question).
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

const BLOCK_SIZE = 64 * 1024;
/** Records are looked for from so far before a block, unless its file begins after that. */
const RECORD_SIZE_MAX = 8 * 1024 * 1024;

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
  const tail = Math.max(low, high - BLOCK_SIZE);
  if (await same(own, remote, [{ offset: tail, size: high - tail }]) === 1) return await recordBefore(own, low, high);
  const block = await firstDifferentBlock(own, remote, low, high);
  return await lastCommonRecord(own, remote, { low, block, high });
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

/** Start of the first block from `low` on that is not the same. */
async function firstDifferentBlock(own: ReplicaLog, remote: RemoteLog, low: number, high: number): Promise<number> {
  const blockAt = (n: number): Stretch => {
    const offset = low + n * BLOCK_SIZE;
    return { offset, size: Math.min(BLOCK_SIZE, high - offset) };
  };
  // Blocks below `first` are the same, block `last` is not.
  let first = 0;
  let last = Math.ceil((high - low) / BLOCK_SIZE) - 1;
  while (first < last) {
    const step = Math.max(1, Math.ceil((last - first) / STRETCHES_MAX));
    const probes: number[] = [];
    for (let n = first; n < last && probes.length < STRETCHES_MAX; n += step) probes.push(n);
    const count = await same(own, remote, probes.map(blockAt));
    if (count < probes.length) last = probes[count]!;
    if (count > 0) first = probes[count - 1]! + 1;
  }
  return low + last * BLOCK_SIZE;
}

/** The last record that ends in the same bytes in both; it ends in the first different block, or before it. */
async function lastCommonRecord(
  own: ReplicaLog,
  remote: RemoteLog,
  { low, block, high }: { low: number; block: number; high: number },
): Promise<CommonHistory> {
  const starts = await own.recordStarts(Math.max(low, block - RECORD_SIZE_MAX), Math.min(high, block + BLOCK_SIZE));
  // Everything below `block` is the same: a record that starts there or before it begins in common history.
  let index = starts.findLastIndex((start) => start <= block);
  for (let next = index + 1; next < starts.length; next++) {
    const start = starts[next]!;
    if (await same(own, remote, [{ offset: block, size: start - block }]) === 0) break;
    index = next;
  }
  if (index < 0 || starts[index]! <= low) return NOTHING;
  return { endOffset: starts[index]!, lastRecordOffset: index > 0 ? starts[index - 1]! : -1 };
}

async function recordBefore(own: ReplicaLog, low: number, endOffset: number): Promise<CommonHistory> {
  const starts = await own.recordStarts(Math.max(low, endOffset - RECORD_SIZE_MAX), endOffset);
  return { endOffset, lastRecordOffset: starts.findLast((start) => start < endOffset) ?? -1 };
}
