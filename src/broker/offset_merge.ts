/**
 * What a slave makes of its master's consumer offsets and its own. Consumers commit to a slave while the master is away, so
 * the slave may know better; an administrator may move a group back at the master, so the master may be right although it
 * has less. Which of the two it is shows in what the master said before.
 *
 * | the master's offset | then the slave's is |
 * |---|---|
 * | is less than the master's last answer | the master's: it was moved back there |
 * | otherwise | the larger of both |
 * | is gone, and was in the last answer | gone: the group or topic was deleted |
 * | was never there | kept |
 *
 * An offset that is larger here because somebody committed it here since the last merge goes back to the master.
 *
 * @module
 */
import type { OffsetsByGroup } from "../protocol/bodies/consumer_offset.ts";

/** An offset that the master should have. */
export interface OffsetToReturn {
  /** `topic@group`. */
  readonly key: string;
  readonly queueId: number;
  readonly offset: number;
}

/** What came of a merge. */
export interface MergedOffsets {
  readonly offsets: OffsetsByGroup;
  readonly toReturn: readonly OffsetToReturn[];
}

/** The tables that meet. */
export interface OffsetsToMerge {
  readonly master: OffsetsByGroup;
  /** The master's answer before this one; null when there was none. */
  readonly masterBefore: OffsetsByGroup | null;
  readonly own: OffsetsByGroup;
  /** What the last merge made; null when there was none. */
  readonly ownBefore: OffsetsByGroup | null;
}

/** Merges; see the module's text. */
export function mergeOffsets(tables: OffsetsToMerge): MergedOffsets {
  const { master, own } = tables;
  const offsets = new Map<string, Map<number, number>>();
  const toReturn: OffsetToReturn[] = [];
  for (const key of new Set([...master.keys(), ...own.keys()])) {
    const merged = new Map<number, number>();
    const theirs = master.get(key) ?? NONE;
    const mine = own.get(key) ?? NONE;
    for (const queueId of new Set([...theirs.keys(), ...mine.keys()])) {
      const offset = mergeOne(tables, key, queueId, toReturn);
      if (offset >= 0) merged.set(queueId, offset);
    }
    if (merged.size > 0) offsets.set(key, merged);
  }
  return { offsets, toReturn };
}

const NONE: ReadonlyMap<number, number> = new Map();

/** The offset of one queue, −1 for none. */
function mergeOne(
  { master, masterBefore, own, ownBefore }: OffsetsToMerge,
  key: string,
  queueId: number,
  toReturn: OffsetToReturn[],
): number {
  const at = (table: OffsetsByGroup | null) => table?.get(key)?.get(queueId) ?? -1;
  const theirs = at(master);
  const mine = at(own);
  if (theirs < at(masterBefore) || mine <= theirs) return theirs;
  // After our own restart nothing says who committed what: then the master is left alone.
  if (ownBefore !== null && at(ownBefore) !== mine) toReturn.push({ key, queueId, offset: mine });
  return mine;
}
