/**
 * The log of all messages: one address space of physical offsets over segment files. Records are made in memory and written
 * with one positioned write for each touched segment when the turn ends.
 *
 * Invariants: `minOffset <= appendedOffset <= tail`. Everything below `appendedOffset` is in the files and never changes;
 * everything from there to `tail` belongs to the turn under way and exists only in memory. A record never crosses a
 * segment: where the next one does not fit, a filler ends the segment, so at least 8 bytes are always left for it.
 *
 * Only the store and recovery call it. RocketMQ counterpart: `CommitLog`.
 *
 * @module
 */
import { putI32 } from "../common/bytes.ts";
import { FILLER_MAGIC, FILLER_SIZE } from "../protocol/record.ts";
import { BLOCK_SIZE, type BlockCache, BlockMiss, type BytePlace } from "./block_cache.ts";
import type { MissingBlock } from "./pull_result.ts";
import { type Chunk, RecentLog } from "./recent_log.ts";
import type { SegmentFile } from "./segment_file.ts";
import type { SegmentQueue } from "./segment_queue.ts";

/** The commitlog. */
export class Commitlog {
  readonly segments: SegmentQueue;
  /** Stretches that recovery found to hold no records though records follow them. */
  damages: readonly { readonly startOffset: number; readonly endOffset: number }[] = [];
  readonly #cache: BlockCache;
  readonly #recent: RecentLog;
  /** The segment that holds `#tail`, once there is one. */
  #current: SegmentFile | null = null;
  #tail = 0;
  #appendedOffset = 0;

  /** @param recentBytesMax bytes of the newest records that stay in memory. */
  constructor(segments: SegmentQueue, cache: BlockCache, recentBytesMax: number) {
    this.segments = segments;
    this.#cache = cache;
    this.#recent = new RecentLog(segments.segmentSize, recentBytesMax);
  }

  /** Where the oldest segment starts; the end of the log when there is none. */
  get minOffset(): number {
    return this.segments.first?.startOffset ?? this.#appendedOffset;
  }

  /** Everything below is in the files. */
  get appendedOffset(): number {
    return this.#appendedOffset;
  }

  /** Where the next record goes unless it needs a new segment. */
  get tail(): number {
    return this.#tail;
  }

  /** Largest record that a segment can take. */
  get recordSizeMax(): number {
    return this.segments.segmentSize - FILLER_SIZE;
  }

  /** Recovery found the end. */
  openAt(endOffset: number): void {
    this.#tail = endOffset;
    this.#appendedOffset = endOffset;
    this.#current = null;
  }

  /**
   * Makes sure that records of `groupSize` bytes in all can follow each other in one segment, ending the present one if
   * they do not fit. @throws {DiskError} when the next segment cannot be made; nothing has changed then.
   */
  startGroup(groupSize: number): void {
    let segment = this.#current;
    if (segment === null) segment = this.#current = this.#segmentAt(this.#tail);
    if (this.#tail + groupSize + FILLER_SIZE <= segment.endOffset) return;
    const next = this.#segmentAt(segment.endOffset);
    const chunk = this.#recent.reserve(this.#tail, FILLER_SIZE, segment.startOffset);
    const at = this.#tail - chunk.start;
    putI32(chunk.bytes, at, segment.endOffset - this.#tail);
    putI32(chunk.bytes, at + 4, FILLER_MAGIC);
    chunk.end += FILLER_SIZE;
    this.#tail = segment.endOffset;
    this.#current = next;
  }

  /** Room for one record at the tail: encode into the chunk at `tail - chunk.start`, then {@linkcode advance}. */
  room(size: number): Chunk {
    return this.#recent.reserve(this.#tail, size, this.#current?.startOffset ?? 0);
  }

  /**
   * As {@linkcode room}, for bytes of another log that lie in one segment there: they go to the same place here, whatever is
   * left of the segment. @throws {DiskError} when the next segment cannot be made; nothing has changed then.
   */
  roomForCopy(size: number): Chunk {
    const current = this.#current;
    const segment = current !== null && this.#tail < current.endOffset ? current : this.#segmentAt(this.#tail);
    this.#current = segment;
    return this.#recent.reserve(this.#tail, size, segment.startOffset);
  }

  /** A record of `size` bytes now lies at the tail. */
  advance(chunk: Chunk, size: number): void {
    chunk.end += size;
    this.#tail += size;
  }

  /** Writes the turn. @throws {DiskError} part of it may be in the files then: {@linkcode rollBack}. */
  commit(): void {
    const chunks = this.#recent.chunks;
    let first = chunks.length;
    while (first > 0 && chunks[first - 1]!.written < chunks[first - 1]!.end) first--;
    for (let i = first; i < chunks.length;) i = this.#writeRun(chunks, i);
    for (let i = first; i < chunks.length; i++) chunks[i]!.written = chunks[i]!.end;
    this.#appendedOffset = this.#tail;
    this.#recent.trim();
  }

  /** Writes chunk `i` and those that follow it without a gap in the same segment; returns the next one. */
  #writeRun(chunks: readonly Chunk[], i: number): number {
    const start = chunks[i]!.written;
    const segment = this.#segmentAt(start);
    let next = i + 1;
    while (
      next < chunks.length && chunks[next]!.start === chunks[next - 1]!.end && chunks[next]!.start < segment.endOffset
    ) {
      next++;
    }
    if (next === i + 1) segment.write(unwritten(chunks[i]!), start - segment.startOffset);
    else segment.writeMany(chunks.slice(i, next).map(unwritten), start - segment.startOffset);
    return next;
  }

  /** Forgets the turn. */
  rollBack(): void {
    this.#recent.rollBack(this.#appendedOffset);
    this.#tail = this.#appendedOffset;
    this.#current = null;
  }

  /** Drops everything from `offset` on, in memory and in the files; no turn is under way. @throws {DiskError} */
  truncate(offset: number): void {
    this.segments.cutLogAt(offset);
    this.#cache.clear();
    this.#recent.cutAt(offset);
    this.openAt(offset);
  }

  /** After a failed {@linkcode commit} and {@linkcode rollBack}: no byte of the turn stays in the files. @throws {DiskError} */
  eraseFailedWrite(): void {
    this.segments.cutLogAt(this.#appendedOffset);
  }

  /** `[offset, offset + size)` as a view of memory, or null when it is not there any more. */
  recentView(offset: number, size: number): Uint8Array | null {
    const chunk = this.#recent.find(offset, size);
    return chunk === null ? null : chunk.bytes.subarray(offset - chunk.start, offset - chunk.start + size);
  }

  /** The chunk that holds `[offset, offset + size)`, or null. */
  recentChunk(offset: number, size: number): Chunk | null {
    return this.#recent.find(offset, size);
  }

  /** As much of `[offset, offset + size)` as is written and lies together in memory, or null when it begins elsewhere. */
  recentPart(offset: number, size: number): Uint8Array | null {
    const end = Math.min(offset + size, this.#appendedOffset);
    const chunk = end > offset ? this.#recent.find(offset, 1) : null;
    if (chunk === null) return null;
    return chunk.bytes.subarray(offset - chunk.start, Math.min(end, chunk.end) - chunk.start);
  }

  /** Whether `[offset, offset + size)` lies in one segment and is written. */
  holds(offset: number, size: number): boolean {
    if (size < 0 || offset < this.minOffset || offset + size > this.#appendedOffset) return false;
    const segment = this.segments.find(offset);
    return segment !== null && offset + size <= segment.endOffset;
  }

  /**
   * Where `[offset, offset + size)` lies in memory when it is older; joined where it crosses blocks. False when blocks are
   * missing, which are then added to `misses`.
   */
  findCached(offset: number, size: number, place: BytePlace, misses: MissingBlock[]): boolean {
    const segment = this.segments.find(offset);
    if (segment === null) return false;
    const start = offset - segment.startOffset;
    const end = start + size;
    const firstIndex = Math.floor(start / BLOCK_SIZE);
    const lastIndex = Math.floor((end - 1) / BLOCK_SIZE);
    if (firstIndex === lastIndex) {
      const block = this.#cache.get(segment, firstIndex, end);
      if (block === null) misses.push(new BlockMiss(segment, firstIndex, this.#validEnd(segment)));
      else {
        place.bytes = block;
        place.at = start - firstIndex * BLOCK_SIZE;
      }
      return block !== null;
    }
    const missesBefore = misses.length;
    let joined: Uint8Array | null = null;
    for (let i = firstIndex; i <= lastIndex; i++) {
      const block = this.#cache.get(segment, i, end);
      if (block === null) {
        misses.push(new BlockMiss(segment, i, this.#validEnd(segment)));
        continue;
      }
      const from = Math.max(start, i * BLOCK_SIZE);
      const part = block.subarray(from - i * BLOCK_SIZE, Math.min(end - i * BLOCK_SIZE, BLOCK_SIZE));
      joined ??= new Uint8Array(size);
      joined.set(part, from - start);
    }
    if (joined === null || misses.length > missesBefore) return false;
    place.bytes = joined;
    place.at = 0;
    return true;
  }

  /** Where the data of a segment ends in its file. */
  #validEnd(segment: SegmentFile): number {
    return Math.min(segment.sizeBytes, this.#appendedOffset - segment.startOffset);
  }

  /** A copy of `[offset, offset + size)`, read off the event loop; shorter where the segment or the log ends. @throws {DiskError} */
  async readCopy(offset: number, size: number): Promise<Uint8Array> {
    const segment = this.segments.find(offset);
    if (segment === null) return new Uint8Array(0);
    const bytes = new Uint8Array(
      Math.max(0, Math.min(size, segment.endOffset - offset, this.#appendedOffset - offset)),
    );
    const recent = this.recentView(offset, bytes.length);
    if (recent === null) return bytes.subarray(0, await segment.readAsync(bytes, offset - segment.startOffset));
    bytes.set(recent);
    return bytes;
  }

  /** Reads bytes of a file into `into`, blocking; returns how many there were before the segment ended. @throws {DiskError} */
  readNow(into: Uint8Array, offset: number): number {
    const recent = this.recentView(offset, into.length);
    if (recent !== null) {
      into.set(recent);
      return into.length;
    }
    const segment = this.segments.find(offset);
    if (segment === null) return 0;
    const room = segment.endOffset - offset;
    return segment.read(room < into.length ? into.subarray(0, room) : into, offset - segment.startOffset);
  }

  #segmentAt(offset: number): SegmentFile {
    return this.segments.find(offset) ?? this.segments.append(offset, true);
  }
}

function unwritten(chunk: Chunk): Uint8Array {
  return chunk.bytes.subarray(chunk.written - chunk.start, chunk.end - chunk.start);
}
