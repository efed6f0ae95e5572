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
import { getI32, getI64, utf8Text } from "../common/bytes.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue, UNIT_SIZE } from "./consumequeue.ts";

const view = new RecordView();

/**
 * Opens a queue at its last good unit.
 * @throws {DiskError} @throws {CorruptError}
 */
export function openQueue(queue: Consumequeue, log: Commitlog, warn: (text: string) => void): void {
  const used = usedUnits(queue);
  const start = (queue.segments.first?.startOffset ?? 0) / UNIT_SIZE;
  let end = bisect(start, used, (offset) => endsBefore(queue, offset, log.appendedOffset));
  while (end > start && !isGood(queue, end - 1, log)) end--;
  if (end < used) {
    warn(
      `consumequeue ${queue.topic}-${queue.queueId}: dropped ${used - end} units from ${end} on that lead to no record`,
    );
    queue.cutAt(end);
  } else {
    queue.openAt(end);
  }
}

/** Units in the files, good or not. */
function usedUnits(queue: Consumequeue): number {
  const { segments } = queue.segments;
  for (let i = segments.length - 1; i >= 0; i--) {
    const first = segments[i]!.startOffset / UNIT_SIZE;
    const end = bisect(first, segments[i]!.endOffset / UNIT_SIZE, (offset) => isUsed(queue, offset));
    if (end > first || i === 0) return end;
  }
  return 0;
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

function isUsed(queue: Consumequeue, offset: number): boolean {
  return getI32(queue.readNow(offset, 1), 8) > 0;
}

function endsBefore(queue: Consumequeue, offset: number, logEnd: number): boolean {
  const unit = queue.readNow(offset, 1);
  return unit[0] === 0 && unit[1]! < 0x20 && getI64(unit, 0) < logEnd;
}

function isGood(queue: Consumequeue, offset: number, log: Commitlog): boolean {
  const unit = queue.readNow(offset, 1);
  const physicalOffset = getI64(unit, 0);
  const size = getI32(unit, 8);
  if (size === BLANK_UNIT_SIZE || physicalOffset + size <= log.minOffset) return true;
  if (!log.holds(physicalOffset, size)) return false;
  const record = new Uint8Array(size);
  if (log.readNow(record, physicalOffset) < size) return false;
  return view.read(record, 0, size, physicalOffset) === RecordKind.RECORD && view.size === size &&
    view.queueId === queue.queueId && view.queueOffset === offset &&
    utf8Text(record.subarray(view.topicStart, view.topicEnd)) === queue.topic;
}
