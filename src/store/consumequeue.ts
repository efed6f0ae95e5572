/**
 * The messages of one topic-queue in order: a 20-byte unit for each, found at 20 × queueOffset of the queue's files.
 *
 * ```
 * at  size  field
 *  0  8     physicalOffset of the record
 *  8  4     size of the record
 * 12  8     tagsCode (delayed messages: due time)
 * ```
 *
 * The unit of a message that is not there (before a queue's first message, or lost) is *blank*: size 0x7FFFFFFF.
 * Never used space is zero.
 *
 * Invariants: `minOffset <= visibleMax <= committed <= nextOffset`, `written <= committed`, `tailStart <= written`. Units in
 * `[tailStart, nextOffset)` are in memory, units below `written` in files; readers see units below `visibleMax`. A queue
 * that nobody uses is a few numbers: files are looked for at first use, memory is let go when idle.
 *
 * Only the store, its queue table and recovery call it. RocketMQ counterpart: `ConsumeQueue`.
 *
 * @module
 */
import { getI32, getI64, putI32, putI64 } from "../common/bytes.ts";
import { invariant } from "../common/errors.ts";
import { BLOCK_SIZE, type BlockCache, BlockMiss, type BytePlace } from "./block_cache.ts";
import type { MissingBlock } from "./pull_result.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import type { TopicEntry } from "./topic_entry.ts";

/** Bytes of a unit. */
export const UNIT_SIZE = 20;
/** Size in a unit that stands for no message. */
export const BLANK_UNIT_SIZE = 0x7fffffff;

/** Units that fit into a tail when it is made. */
const TAIL_UNITS_FIRST = 12;
/** Units that a tail holds before written ones are dropped from it. */
const TAIL_UNITS_MAX = 4096;

/** The physicalOffset in the unit at `at`, −1 when it is none. */
export function unitOffset(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0 && bytes[at + 1]! < 0x20 ? getI64(bytes, at) : -1;
}

/** The tagsCode in the unit at `at`, NaN when it is none. */
export function unitTagsCode(bytes: Uint8Array, at: number): number {
  const high = getI32(bytes, at + 12);
  return high >= -0x200000 && high < 0x200000 ? high * 0x100000000 + (getI32(bytes, at + 16) >>> 0) : NaN;
}

/** What a queue must know of the log. */
export interface LogBounds {
  /** Where its oldest record starts. */
  readonly minOffset: number;
}

/** The consumequeue of one topic-queue. */
export class Consumequeue {
  readonly entry: TopicEntry;
  readonly queueId: number;
  /** Queue offset of the next message. */
  nextOffset = 0;
  /** Units below belong to turns that were written. */
  committed = 0;
  /** Units below may be read. */
  visibleMax = 0;
  /** Is in the table's list of queues with units to write. */
  isDirty = false;
  /** The topic was deleted: nothing may be written any more. */
  isRemoved = false;
  /** Clock when the last unit came. */
  usedAtMs = 0;
  #segments: SegmentQueue | null = null;
  readonly #openSegments: () => SegmentQueue;
  readonly #log: LogBounds;
  #written = 0;
  #tail: Uint8Array | null = null;
  #tailStart = 0;
  #minOffset = 0;
  #minFor = -1;

  /** @param openSegments finds the queue's files; called at first use. */
  constructor(entry: TopicEntry, queueId: number, log: LogBounds, openSegments: () => SegmentQueue) {
    this.#log = log;
    this.entry = entry;
    this.queueId = queueId;
    this.#openSegments = openSegments;
  }

  /** The topic's name. */
  get topic(): string {
    return this.entry.name;
  }

  /** The queue's files. @throws {DiskError} @throws {CorruptError} */
  get segments(): SegmentQueue {
    return this.#segments ??= this.#openSegments();
  }

  /** Units below are in files. */
  get written(): number {
    return this.#written;
  }

  /** Units that are not in a file yet and could be. */
  get dirtyUnits(): number {
    return this.committed - this.#written;
  }

  /** Recovery or the first use found how many units are good; those in the files from there on are zero. */
  openAt(endOffset: number): void {
    this.nextOffset = endOffset;
    this.committed = endOffset;
    this.visibleMax = endOffset;
    this.#written = endOffset;
    this.#tail = null;
    this.#tailStart = endOffset;
    this.#minFor = -1;
  }

  /** Adds the unit of the message with queue offset `nextOffset`. */
  push(physicalOffset: number, size: number, tagsCode: number): void {
    const at = (this.nextOffset - this.#tailStart) * UNIT_SIZE;
    let tail = this.#tail;
    if (tail === null || at + UNIT_SIZE > tail.length) tail = this.#grow();
    const p = (this.nextOffset - this.#tailStart) * UNIT_SIZE;
    putI64(tail, p, physicalOffset);
    putI32(tail, p + 8, size);
    putI64(tail, p + 12, tagsCode);
    this.nextOffset++;
  }

  /** The turn was not written: its units never were. */
  rollBack(): void {
    this.nextOffset = this.committed;
  }

  /** Removes units from `offset` on, in memory and in the files. For recovery, never at work. @throws {DiskError} */
  cutAt(offset: number): void {
    invariant(this.nextOffset === this.committed, "no turn is under way while a queue is cut");
    if (offset > this.#written) this.writeDirty();
    this.segments.cutAt(offset * UNIT_SIZE);
    this.openAt(offset);
  }

  /** Removes the units of records from `physicalOffset` on, which a slave has given up. No turn is under way. @throws {DiskError} */
  cutBefore(physicalOffset: number): void {
    let low = this.segments.first === undefined ? this.#tailStart : this.segments.first.startOffset / UNIT_SIZE;
    let high = this.nextOffset;
    const end = high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const unit = this.readNow(middle, 1);
      // One that a power loss left out, while it kept some behind it, counts as to be made again.
      if (getI32(unit, 8) > 0 && unitOffset(unit, 0) < physicalOffset) low = middle + 1;
      else high = middle;
    }
    if (low < end) this.cutAt(low);
  }

  /** Where the unit with this offset lies; null adds what must be loaded to `misses`. The unit must exist. */
  findUnit(offset: number, place: BytePlace, misses: MissingBlock[], cache: BlockCache): boolean {
    if (offset >= this.#tailStart && this.#tail !== null) {
      place.bytes = this.#tail;
      place.at = (offset - this.#tailStart) * UNIT_SIZE;
      return true;
    }
    const segment = this.segments.find(offset * UNIT_SIZE);
    if (segment === null) {
      place.bytes = BLANK_UNIT;
      place.at = 0;
      return true;
    }
    const position = offset * UNIT_SIZE - segment.startOffset;
    const index = Math.floor(position / BLOCK_SIZE);
    const at = position - index * BLOCK_SIZE;
    const block = cache.get(segment, index, position + UNIT_SIZE);
    if (block === null) {
      const validEnd = Math.min(segment.sizeBytes, this.#written * UNIT_SIZE - segment.startOffset);
      misses.push(new BlockMiss(segment, index, validEnd));
      return false;
    }
    place.bytes = block;
    place.at = at;
    return true;
  }

  /** Reads the units `[offset, offset + count)`, blocking; zeros where there are none. @throws {DiskError} */
  readNow(offset: number, count: number): Uint8Array {
    const out = new Uint8Array(count * UNIT_SIZE);
    for (let i = 0; i < count;) {
      const unit = offset + i;
      const into = out.subarray(i * UNIT_SIZE);
      if (unit >= this.#tailStart && this.#tail !== null) {
        const from = (unit - this.#tailStart) * UNIT_SIZE;
        const end = Math.min((this.nextOffset - this.#tailStart) * UNIT_SIZE, from + into.length);
        if (end > from) into.set(this.#tail.subarray(from, end));
        return out;
      }
      const segment = this.segments.find(unit * UNIT_SIZE);
      if (segment === null) return out;
      const limit = this.#tail === null ? offset + count : Math.min(offset + count, this.#tailStart);
      const room = Math.min(segment.endOffset / UNIT_SIZE, limit) - unit;
      segment.read(into.subarray(0, room * UNIT_SIZE), unit * UNIT_SIZE - segment.startOffset);
      i += room;
    }
    return out;
  }

  /** Writes committed units to the files; with `unitsMax` at most about that many. @throws {DiskError} */
  writeDirty(unitsMax = Infinity): void {
    const end = Math.min(this.committed, this.#written + unitsMax);
    while (this.#written < end) {
      const start = this.#written * UNIT_SIZE;
      const segment = this.segments.find(start) ?? this.#makeSegment(start);
      const stop = Math.min(end * UNIT_SIZE, segment.endOffset);
      const base = this.#tailStart * UNIT_SIZE;
      segment.write(this.#tail!.subarray(start - base, stop - base), start - segment.startOffset);
      this.#written = stop / UNIT_SIZE;
    }
  }

  /** Brings what was written to the device; true when files, and so perhaps the queue's directory, are new. @throws {DiskError} */
  async sync(): Promise<boolean> {
    for (const segment of [...this.segments.segments]) {
      if (segment.needsSync && !segment.removed) await segment.sync();
    }
    try {
      return await this.segments.syncNames();
    } catch (error) {
      if (this.isRemoved) return false; // Deleted meanwhile, with its directory.
      throw error;
    }
  }

  /** Lets go of the memory of written units, if all are. */
  dropTail(): void {
    if (this.#written !== this.nextOffset) return;
    this.#tail = null;
    this.#tailStart = this.nextOffset;
  }

  /** Lets go of the files; the next use finds them again. */
  closeFiles(): void {
    this.#segments?.close();
    this.#segments = null;
  }

  /** One beyond the last message that readers may see. */
  get maxOffset(): number {
    return this.visibleMax;
  }

  /** The first message whose record is still there. @throws {DiskError} */
  get minOffset(): number {
    const logMinOffset = this.#log.minOffset;
    if (this.#minFor !== logMinOffset) {
      this.#minOffset = this.#findMin(logMinOffset);
      this.#minFor = logMinOffset;
    }
    return Math.min(this.#minOffset, this.visibleMax);
  }

  /** Removes files whose units all lead to records that are gone; never the last one. @throws {DiskError} */
  removeExpired(): number {
    const min = this.minOffset * UNIT_SIZE;
    let removed = 0;
    for (let first = this.segments.first; first !== undefined && first !== this.segments.last;) {
      if (first.endOffset > min) break;
      this.segments.removeFirst();
      first = this.segments.first;
      removed++;
    }
    return removed;
  }

  #findMin(logMinOffset: number): number {
    const firstOfFiles = this.segments.first;
    let low = firstOfFiles === undefined ? this.#tailStart : firstOfFiles.startOffset / UNIT_SIZE;
    let high = this.committed;
    if (low < high && this.#isThere(low, logMinOffset)) return low;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#isThere(middle, logMinOffset)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #isThere(offset: number, logMinOffset: number): boolean {
    const unit = this.readNow(offset, 1);
    const physicalOffset = unitOffset(unit, 0);
    // A damaged unit says nothing; to take what is there for gone would be worse.
    if (physicalOffset < 0) return true;
    // Units before a queue's first message are blank and lead to 0, those of lost messages lead to the next record.
    return physicalOffset >= logMinOffset && !(physicalOffset === 0 && getI32(unit, 8) === BLANK_UNIT_SIZE);
  }

  /** Makes room for one more unit; returns the tail. */
  #grow(): Uint8Array {
    const used = this.nextOffset - this.#tailStart;
    const droppable = this.#written - this.#tailStart;
    if (this.#tail !== null && used >= TAIL_UNITS_MAX && droppable > used / 2) {
      this.#tail.copyWithin(0, droppable * UNIT_SIZE, used * UNIT_SIZE);
      this.#tailStart = this.#written;
      return this.#tail;
    }
    const bigger = new Uint8Array(Math.max(TAIL_UNITS_FIRST, used * 2) * UNIT_SIZE);
    if (this.#tail !== null) bigger.set(this.#tail.subarray(0, used * UNIT_SIZE));
    this.#tail = bigger;
    return bigger;
  }

  /** Makes the file for the unit at byte `start`; blank units fill it up to there if it is the queue's first. */
  #makeSegment(start: number): ReturnType<SegmentQueue["append"]> {
    const size = this.segments.segmentSize;
    const fileStart = start - start % size;
    const segment = this.segments.append(fileStart, false);
    if (start > fileStart) {
      const blank = new Uint8Array(start - fileStart);
      for (let at = 0; at < blank.length; at += UNIT_SIZE) blank.set(BLANK_UNIT, at);
      segment.write(blank, 0);
    }
    return segment;
  }
}

const BLANK_UNIT = new Uint8Array(UNIT_SIZE);
putI32(BLANK_UNIT, 8, BLANK_UNIT_SIZE);
