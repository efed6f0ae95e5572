/**
 * Finds how many units of a queue on disk are good, at its first use after a start. What comes behind the last good unit is
 * zeroed, so that no later start can take it for good.
 *
 * A queue's used units are a prefix of its files, so the end is found by bisection. Units behind the end of the log, and
 * units whose record is not theirs, come from before a crash or a truncation (Java leaves such units on disk) and are
 * dropped from the end.
 *
 * @module
 */
import { getI32, utf8Text } from "../common/bytes.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue, UNIT_SIZE, unitOffset } from "./consumequeue.ts";

const UNITS_A_BLOCK = 200;

const view = new RecordView();

/**
 * Opens a queue at its last good unit.
 * @throws {DiskError} @throws {CorruptError}
 */
export function openQueue(queue: Consumequeue, log: Commitlog, warn: (text: string) => void): void {
  const used = usedUnits(queue);
  const start = (queue.segments.first?.startOffset ?? 0) / UNIT_SIZE;
  const isBefore = (offset: number) => endsBefore(queue, offset, log.appendedOffset);
  let end = used === start || isBefore(used - 1) ? used : bisect(start, used, isBefore);
  while (end > start && !isGood(queue, end - 1, log)) end--;
  if (end < used) {
    warn(
      `consumequeue ${queue.topic}-${queue.queueId}: dropped ${used - end} units from ${end} on that lead to no record`,
    );
    queue.cutAt(end);
  } else if (hasMoreBehind(queue, end)) {
    // A power loss kept some of the units that were not synced, but not those before them.
    queue.cutAt(end);
  } else {
    queue.openAt(end);
  }
}

/** Whether the file goes on with something else than zeros. */
function hasMoreBehind(queue: Consumequeue, end: number): boolean {
  const segment = queue.segments.find(end * UNIT_SIZE);
  if (segment === null) return false;
  const count = Math.min(UNITS_A_BLOCK, segment.endOffset / UNIT_SIZE - end);
  return queue.readNow(end, count).some((byte) => byte !== 0);
}

/** Units in the files, good or not. */
function usedUnits(queue: Consumequeue): number {
  const { segments } = queue.segments;
  for (let i = segments.length - 1; i >= 0; i--) {
    const first = segments[i]!.startOffset / UNIT_SIZE;
    const end = usedEnd(queue, first, segments[i]!.endOffset / UNIT_SIZE);
    if (end > first || i === 0) return end;
  }
  return 0;
}

/** Where the used units of a file end: nearly always in its first block, which one read brings. */
function usedEnd(queue: Consumequeue, first: number, fileEnd: number): number {
  const blockEnd = Math.min(fileEnd, first + UNITS_A_BLOCK);
  const block = queue.readNow(first, blockEnd - first);
  if (isUsed(block, block.length - UNIT_SIZE)) {
    return bisect(blockEnd, fileEnd, (offset) => isUsed(queue.readNow(offset, 1), 0));
  }
  return first + bisect(0, blockEnd - first - 1, (i) => isUsed(block, i * UNIT_SIZE));
}

/** The first number in `[low, high)` for which `test` fails; it holds below and fails above. */
function bisect(low: number, high: number, test: (offset: number) => boolean): number {
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (test(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether anything was ever written at a unit's place: damage to a unit must not look like the end of its queue. */
function isUsed(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + UNIT_SIZE; i++) if (bytes[i] !== 0) return true;
  return false;
}

function endsBefore(queue: Consumequeue, offset: number, logEnd: number): boolean {
  const unit = queue.readNow(offset, 1);
  return unitOffset(unit, 0) < logEnd;
}

function isGood(queue: Consumequeue, offset: number, log: Commitlog): boolean {
  const unit = queue.readNow(offset, 1);
  const physicalOffset = unitOffset(unit, 0);
  const size = getI32(unit, 8);
  if (size <= 0 || physicalOffset < 0) return false;
  if (log.damages.some((each) => physicalOffset >= each.startOffset && physicalOffset < each.endOffset)) return false;
  if (size === BLANK_UNIT_SIZE || physicalOffset + size <= log.minOffset) return true;
  if (!log.holds(physicalOffset, size)) return false;
  const record = new Uint8Array(size);
  if (log.readNow(record, physicalOffset) < size) return false;
  return view.read(record, 0, size, physicalOffset) === RecordKind.RECORD && view.size === size &&
    view.queueId === queue.queueId && view.queueOffset === offset &&
    utf8Text(record.subarray(view.topicStart, view.topicEnd)) === queue.topic;
}
