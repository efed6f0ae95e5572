/**
 * Pieces of store files that readers who are behind have asked for. Whoever needs bytes asks for the block that holds them;
 * if it is not there, a {@link BlockMiss} tells {@linkcode BlockCache.load} what to read, off the event loop. When there are
 * too many bytes, the oldest blocks that were not asked for since the last look at them are dropped.
 *
 * Who goes through a file waits only once: the first block of what was read for him is marked, and when he comes to it, what
 * follows is read while he is at the rest, twice as much each time, since a read costs a thread's attention whatever its size.
 * What was read ahead waits for its reader apart from the other blocks, so that a quick reader does not push out what a slow
 * one has not come to yet. It takes three quarters of the room at most; when that is not enough, less is read ahead.
 *
 * A block holds what was in the file when it was read: it may end before the data that was appended since. Bytes that a
 * block holds never change (files are only appended to, or cut before anybody could read what is cut).
 *
 * The memory of dropped blocks is used again. A view of a block is valid until the turn ends: a read takes the memory of its
 * blocks when it begins, from what was dropped before, and fills it when it ends, in a later turn. What the device reads into,
 * perhaps at once and in a thread, is memory of its own.
 *
 * @module
 */
import type { MissingBlock } from "./pull_result.ts";
import type { SegmentFile } from "./segment_file.ts";

/** Bytes of a block: a multiple of a page and of a consumequeue unit, so that no unit crosses two blocks. */
export const BLOCK_SIZE = 40960;
/** Blocks that one read fetches when a reader begins to go through a file. */
const BLOCKS_AHEAD = 8;
/** Blocks that one read fetches at most, of a file of which that is not more than a {@linkcode AHEAD_PART}th. */
const BLOCKS_AHEAD_MAX = 64;
const AHEAD_PART = 256;
/** Most blocks that one read fetches when so many are asked for. */
const RUN_BLOCKS_MAX = 32;
/** Reads that begin nothing ahead after something was dropped in vain although little was read ahead. */
const READS_WITHOUT_AHEAD = 64;
/** Reads ahead, none of which was in vain, after which more is read ahead again. */
const AHEADS_TO_GROW = 256;
/** Blocks without content that are kept for the next reads. */
const FREE_BLOCKS_MAX = 64;
const MAX_BLOCKS_OF_A_FILE = 2 ** 24;

/** A block that is not in the cache; `validEnd` is the file offset up to which the file has data. */
export class BlockMiss implements MissingBlock {
  constructor(readonly segment: SegmentFile, readonly blockIndex: number, readonly validEnd: number) {}
}

/** Where something lies: in `bytes` from `at` on. Filled again by whoever looks for the next one. */
export class BytePlace {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
}

/** A cached block. */
interface Block {
  readonly bytes: Uint8Array;
  /** Asked for since the cache last looked for something to drop, or new. */
  used: boolean;
  /** What to read when somebody asks for this block. */
  ahead: Ahead | null;
}

/** What follows a read, and how many blocks of it to read when a reader comes there. */
interface Ahead {
  readonly miss: BlockMiss;
  readonly count: number;
}

/** Cached blocks, in the order in which they may be dropped. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #unreadBytesMax: number;
  readonly #blocks = new Map<number, Block>();
  /** Blocks that were read ahead and nobody has come to yet, oldest first. */
  readonly #unread = new Map<number, Block>();
  readonly #loading = new Map<number, Promise<void>>();
  /** Memory of dropped blocks of full size. */
  readonly #free: Uint8Array[] = [];
  /** What a read of one block, and the longest of several, went into, kept for the next one. */
  #one: Uint8Array<ArrayBuffer> | null = null;
  #run: Uint8Array<ArrayBuffer> | null = null;
  #bytes = 0;
  #unreadBytes = 0;
  /** Grows when everything is forgotten: what was being read then is not kept. */
  #generation = 0;
  #readsWithoutAhead = 0;
  #aheadBlocksUnderWay = 0;
  /** Most blocks that are read ahead at a time now. */
  #aheadMax = BLOCKS_AHEAD_MAX;
  #aheadsInARow = 0;

  /** @param bytesMax bytes that blocks may take, at least a few blocks. */
  constructor(bytesMax: number) {
    this.#bytesMax = Math.max(bytesMax, 4 * BLOCKS_AHEAD * BLOCK_SIZE);
    this.#unreadBytesMax = 0.75 * this.#bytesMax;
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Bytes of block `blockIndex`, at least up to `fileOffsetEnd` or the block's end; null when they must be loaded. */
  get(segment: SegmentFile, blockIndex: number, fileOffsetEnd: number): Uint8Array | null {
    const key = blockKey(segment, blockIndex);
    const block = this.#blocks.get(key) ?? this.#unread.get(key);
    if (block === undefined) return null;
    const { bytes } = block;
    if (bytes.length < BLOCK_SIZE && blockIndex * BLOCK_SIZE + bytes.length < fileOffsetEnd) return null;
    if (!block.used) {
      block.used = true;
      this.#reached(key, block);
    }
    if (block.ahead !== null) {
      this.#readAhead(block.ahead);
      block.ahead = null;
    }
    return bytes;
  }

  /** Reads the blocks, and a few behind one whose predecessor was asked for before. @throws {DiskError} */
  async load(misses: readonly BlockMiss[]): Promise<void> {
    const pending = new Set<Promise<void>>();
    for (let i = 0; i < misses.length;) {
      const { segment, blockIndex, validEnd } = misses[i]!;
      const loading = this.#loading.get(blockKey(segment, blockIndex));
      let count = 1;
      if (loading === undefined) {
        while (count < RUN_BLOCKS_MAX && this.#continues(misses, i, count)) count++;
        pending.add(this.#begin(segment, blockIndex, validEnd, count));
      } else pending.add(loading);
      i += count;
    }
    await Promise.all(pending);
  }

  /** Forgets everything, e.g. because files were cut. */
  clear(): void {
    this.#blocks.clear();
    this.#unread.clear();
    this.#bytes = this.#unreadBytes = 0;
    this.#generation++;
  }

  /** Whether the miss `count` behind number `i` is the block `count` behind that one, and nobody reads it yet. */
  #continues(misses: readonly BlockMiss[], i: number, count: number): boolean {
    const first = misses[i]!;
    const next = misses[i + count];
    return next !== undefined && next.segment === first.segment && next.blockIndex === first.blockIndex + count &&
      !this.#loading.has(blockKey(next.segment, next.blockIndex));
  }

  /** Begins to read `wanted` blocks, more where a reader goes through the file; the promise is theirs. */
  #begin(segment: SegmentFile, blockIndex: number, validEnd: number, wanted: number): Promise<void> {
    const key = blockKey(segment, blockIndex);
    const isSequential = this.#has(key - 1);
    const mayRead = this.#readsWithoutAhead === 0;
    if (!mayRead) this.#readsWithoutAhead--;
    const count = isSequential && mayRead ? Math.max(wanted, BLOCKS_AHEAD) : wanted;
    return this.#read({ segment, blockIndex, validEnd, count, wanted, marks: isSequential && mayRead });
  }

  /** Reads what follows a block that somebody has come to. Errors are for who asks for it. */
  #readAhead({ miss: { segment, blockIndex, validEnd }, count }: Ahead): void {
    const key = blockKey(segment, blockIndex);
    if (segment.removed || this.#has(key) || this.#loading.has(key)) return;
    // What is under way has its memory already, and counts for nobody: with many readers it must stay a part of the cache.
    const underWay = (this.#aheadBlocksUnderWay + count) * BLOCK_SIZE;
    if (this.#readsWithoutAhead > 0 || underWay > this.#bytesMax / 2) return;
    if (++this.#aheadsInARow >= AHEADS_TO_GROW) {
      this.#aheadsInARow = 0;
      this.#aheadMax = Math.min(2 * this.#aheadMax, BLOCKS_AHEAD_MAX);
    }
    this.#aheadBlocksUnderWay += count;
    this.#read({ segment, blockIndex, validEnd, count, wanted: 0, marks: true })
      .catch(() => {}).finally(() => this.#aheadBlocksUnderWay -= count);
  }

  #read(run: Run): Promise<void> {
    const key = blockKey(run.segment, run.blockIndex);
    const keys: number[] = [];
    for (let i = 0; i < run.count; i++) if (!this.#loading.has(key + i)) keys.push(key + i);
    const reading = this.#readRun(run).finally(() => {
      for (const each of keys) this.#loading.delete(each);
    });
    for (const each of keys) this.#loading.set(each, reading);
    return reading;
  }

  async #readRun({ segment, blockIndex, validEnd, count, wanted, marks }: Run): Promise<void> {
    const start = blockIndex * BLOCK_SIZE;
    const size = Math.min(validEnd - start, count * BLOCK_SIZE);
    if (size <= 0 || segment.removed) return;
    const generation = this.#generation;
    // Blocks of one read must not keep each other's memory alive: each has its own.
    const blocks: Uint8Array[] = [];
    for (let at = 0; at < size; at += BLOCK_SIZE) blocks.push(this.#takeBlock(Math.min(BLOCK_SIZE, size - at)));
    const bytes = this.#takeRun(size);
    bytes.fill(0, await segment.readAsync(bytes, start)); // a file may be shorter than it should be
    if (generation !== this.#generation) return;
    const next = marks && start + size < validEnd
      ? { miss: new BlockMiss(segment, blockIndex + count, validEnd), count: this.#nextCount(segment, count) }
      : null;
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!;
      block.set(bytes.subarray(i * BLOCK_SIZE, i * BLOCK_SIZE + block.length));
      const isUnread = i >= wanted;
      this.#put(
        blockKey(segment, blockIndex + i),
        { bytes: block, used: !isUnread, ahead: i === 0 ? next : null },
        isUnread,
      );
    }
    this.#keepRun(bytes);
  }

  /** Blocks to read ahead after `count` were read. */
  #nextCount(segment: SegmentFile, count: number): number {
    const part = Math.floor(segment.sizeBytes / AHEAD_PART / BLOCK_SIZE);
    const room = Math.floor(this.#bytesMax / 8 / BLOCK_SIZE);
    return Math.max(BLOCKS_AHEAD, Math.min(2 * count, this.#aheadMax, part, room));
  }

  #takeBlock(size: number): Uint8Array {
    return (size === BLOCK_SIZE ? this.#free.pop() : undefined) ?? new Uint8Array(size);
  }

  #takeRun(size: number): Uint8Array<ArrayBuffer> {
    const isOne = size <= BLOCK_SIZE;
    const kept = isOne ? this.#one : this.#run;
    if (kept === null || kept.length < size) return new Uint8Array(Math.max(size, BLOCK_SIZE)).subarray(0, size);
    if (isOne) this.#one = null;
    else this.#run = null;
    return kept.subarray(0, size);
  }

  #keepRun({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === BLOCK_SIZE) this.#one = new Uint8Array(buffer);
    else if (buffer.byteLength >= (this.#run?.length ?? 0)) this.#run = new Uint8Array(buffer);
  }

  #has(key: number): boolean {
    return this.#blocks.has(key) || this.#unread.has(key);
  }

  /** Somebody has come to a block that may have been read ahead for him. */
  #reached(key: number, block: Block): void {
    if (!this.#unread.delete(key)) return;
    this.#unreadBytes -= block.bytes.length;
    this.#blocks.set(key, block);
  }

  #put(key: number, block: Block, isUnread: boolean): void {
    this.#remove(key);
    this.#bytes += block.bytes.length;
    if (isUnread) this.#unreadBytes += block.bytes.length;
    (isUnread ? this.#unread : this.#blocks).set(key, block);
    if (this.#unreadBytes > this.#unreadBytesMax) this.#dropUnread();
    if (this.#bytes > this.#bytesMax) this.#drop();
  }

  #remove(key: number): Block | undefined {
    const block = this.#blocks.get(key) ?? this.#unread.get(key);
    if (block === undefined) return undefined;
    this.#bytes -= block.bytes.length;
    if (!this.#blocks.delete(key) && this.#unread.delete(key)) this.#unreadBytes -= block.bytes.length;
    return block;
  }

  /** Drops what was read ahead in vain, the oldest first, and reads less ahead from now on. */
  #dropUnread(): void {
    for (const key of this.#unread.keys()) {
      if (this.#unreadBytes <= this.#unreadBytesMax) break;
      this.#keepFree(this.#remove(key)!);
    }
    this.#aheadsInARow = 0;
    if (this.#aheadMax <= BLOCKS_AHEAD) this.#readsWithoutAhead = READS_WITHOUT_AHEAD;
    else this.#aheadMax /= 2;
  }

  /** Drops the first blocks that were not used; a used one goes to the end, where it is not used any more. */
  #drop(): void {
    for (const [key, block] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) break;
      if (block.used) {
        block.used = false;
        this.#blocks.delete(key);
        this.#blocks.set(key, block);
      } else this.#keepFree(this.#remove(key)!);
    }
  }

  #keepFree({ bytes }: Block): void {
    if (bytes.length === BLOCK_SIZE && this.#free.length < FREE_BLOCKS_MAX) this.#free.push(bytes);
  }
}

/** One read: `count` blocks, the first `wanted` of which somebody waits for. */
interface Run {
  readonly segment: SegmentFile;
  readonly blockIndex: number;
  readonly validEnd: number;
  readonly count: number;
  readonly wanted: number;
  /** Whether who comes to the first of them makes what follows be read. */
  readonly marks: boolean;
}

function blockKey(segment: SegmentFile, blockIndex: number): number {
  return segment.id * MAX_BLOCKS_OF_A_FILE + blockIndex;
}
