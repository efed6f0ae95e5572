/**
 * Pieces of store files that readers who are behind have asked for. Whoever needs bytes asks for the block that holds them;
 * if it is not there, a {@link BlockMiss} tells {@linkcode BlockCache.load} what to read, off the event loop. When there are
 * too many bytes, the oldest blocks that were not asked for since the last look at them are dropped.
 *
 * Who goes through a file waits only once: the first block of what was read for him is marked, and when he comes to it, what
 * follows is read while he is at the rest, unless that is done for so many at a time that it would take half of the room.
 *
 * A block holds what was in the file when it was read: it may end before the data that was appended since. Bytes that a
 * block holds never change (files are only appended to, or cut before anybody could read what is cut).
 *
 * The memory of dropped blocks is used again. A view of a block is valid until the turn ends: a read takes its memory when it
 * begins, from what was dropped before, and fills it in a later turn.
 *
 * @module
 */
import type { MissingBlock } from "./pull_result.ts";
import type { SegmentFile } from "./segment_file.ts";

/** Bytes of a block: a multiple of a page and of a consumequeue unit, so that no unit crosses two blocks. */
export const BLOCK_SIZE = 40960;
/** Blocks that one read fetches when a reader goes through a file. */
const BLOCKS_AHEAD = 8;
/** Most blocks that one read fetches when so many are asked for. */
const RUN_BLOCKS_MAX = 32;
/** Reads that begin nothing ahead after something was dropped that had been read ahead in vain. */
const READS_WITHOUT_AHEAD = 64;
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
  /** Read ahead, and nobody has asked for it yet. */
  unread: boolean;
  /** What to read when somebody asks for this block. */
  ahead: BlockMiss | null;
}

/** Cached blocks, in the order in which they may be dropped. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #blocks = new Map<number, Block>();
  readonly #loading = new Map<number, Promise<void>>();
  /** Memory of dropped blocks of full size. */
  readonly #free: Uint8Array[] = [];
  /** What reads of {@linkcode BLOCKS_AHEAD} blocks went into, kept for the next one. */
  #run: Uint8Array | null = null;
  #bytes = 0;
  /** Grows when everything is forgotten: what was being read then is not kept. */
  #generation = 0;
  #readsWithoutAhead = 0;
  #aheadsUnderWay = 0;

  /** @param bytesMax bytes that blocks may take, at least a few blocks. */
  constructor(bytesMax: number) {
    this.#bytesMax = Math.max(bytesMax, 4 * BLOCKS_AHEAD * BLOCK_SIZE);
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Bytes of block `blockIndex`, at least up to `fileOffsetEnd` or the block's end; null when they must be loaded. */
  get(segment: SegmentFile, blockIndex: number, fileOffsetEnd: number): Uint8Array | null {
    const block = this.#blocks.get(blockKey(segment, blockIndex));
    if (block === undefined) return null;
    const { bytes } = block;
    if (bytes.length < BLOCK_SIZE && blockIndex * BLOCK_SIZE + bytes.length < fileOffsetEnd) return null;
    block.used = true;
    block.unread = false;
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
    this.#bytes = 0;
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
    const isSequential = this.#blocks.has(key - 1);
    const mayRead = this.#readsWithoutAhead === 0;
    if (!mayRead) this.#readsWithoutAhead--;
    const count = isSequential && mayRead ? Math.max(wanted, BLOCKS_AHEAD) : wanted;
    return this.#read({ segment, blockIndex, validEnd, count, wanted, marks: isSequential && mayRead });
  }

  /** Reads what follows a block that somebody has come to. Errors are for who asks for it. */
  #readAhead({ segment, blockIndex, validEnd }: BlockMiss): void {
    const key = blockKey(segment, blockIndex);
    if (segment.removed || this.#blocks.has(key) || this.#loading.has(key)) return;
    // What is under way has its memory already, and counts for nobody: with many readers it must stay a part of the cache.
    const underWay = (this.#aheadsUnderWay + 1) * BLOCKS_AHEAD * BLOCK_SIZE;
    if (this.#readsWithoutAhead > 0 || underWay > this.#bytesMax / 2) return;
    this.#aheadsUnderWay++;
    this.#read({ segment, blockIndex, validEnd, count: BLOCKS_AHEAD, wanted: 0, marks: true })
      .catch(() => {}).finally(() => this.#aheadsUnderWay--);
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
    const bytes = blocks.length === 1 ? blocks[0]! : this.#takeRun(size);
    bytes.fill(0, await segment.readAsync(bytes, start)); // a file may be shorter than it should be
    if (generation !== this.#generation) return;
    const next = start + size < validEnd ? new BlockMiss(segment, blockIndex + count, validEnd) : null;
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!;
      if (block !== bytes) block.set(bytes.subarray(i * BLOCK_SIZE, i * BLOCK_SIZE + block.length));
      this.#put(blockKey(segment, blockIndex + i), {
        bytes: block,
        used: true,
        unread: i >= wanted,
        ahead: marks && i === 0 ? next : null,
      });
    }
    if (bytes.length === BLOCKS_AHEAD * BLOCK_SIZE) this.#run = bytes;
  }

  #takeBlock(size: number): Uint8Array {
    return (size === BLOCK_SIZE ? this.#free.pop() : undefined) ?? new Uint8Array(size);
  }

  #takeRun(size: number): Uint8Array {
    const kept = this.#run;
    if (kept === null || kept.length !== size) return new Uint8Array(size);
    this.#run = null;
    return kept;
  }

  #put(key: number, block: Block): void {
    this.#bytes += block.bytes.length - (this.#blocks.get(key)?.bytes.length ?? 0);
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    if (this.#bytes > this.#bytesMax) this.#drop();
  }

  /** Drops the first blocks that were not used; a used one goes to the end, where it is not used any more. */
  #drop(): void {
    for (const [key, block] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#blocks.delete(key);
      if (block.used) {
        block.used = false;
        this.#blocks.set(key, block);
      } else {
        this.#bytes -= block.bytes.length;
        if (block.bytes.length === BLOCK_SIZE && this.#free.length < FREE_BLOCKS_MAX) this.#free.push(block.bytes);
        if (block.unread) this.#readsWithoutAhead = READS_WITHOUT_AHEAD;
      }
    }
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
