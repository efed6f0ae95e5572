/**
 * Pieces of store files that readers who are behind have asked for. Whoever needs bytes asks for the block that holds them;
 * if it is not there, a {@link BlockMiss} tells {@linkcode BlockCache.load} what to read, off the event loop. The blocks used
 * least recently are dropped when there are too many bytes.
 *
 * A block holds what was in the file when it was read: it may end before the data that was appended since. Bytes that a
 * block holds never change (files are only appended to, or cut before anybody could read what is cut).
 *
 * @module
 */
import type { MissingBlock } from "./pull_result.ts";
import type { SegmentFile } from "./segment_file.ts";

/** Bytes of a block: a multiple of a page and of a consumequeue unit, so that no unit crosses two blocks. */
export const BLOCK_SIZE = 40960;
/** Blocks that one read fetches when a reader goes through a file. */
const BLOCKS_AHEAD = 8;
const MAX_BLOCKS_OF_A_FILE = 2 ** 24;

/** A block that is not in the cache; `validEnd` is the file offset up to which the file has data. */
export class BlockMiss implements MissingBlock {
  constructor(readonly segment: SegmentFile, readonly blockIndex: number, readonly validEnd: number) {}
}

/** Cached blocks, least recently used first. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #loading = new Map<number, Promise<void>>();
  #bytes = 0;
  #newest = -1;

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
    const key = segment.id * MAX_BLOCKS_OF_A_FILE + blockIndex;
    const block = this.#blocks.get(key);
    if (block === undefined) return null;
    if (block.length < BLOCK_SIZE && blockIndex * BLOCK_SIZE + block.length < fileOffsetEnd) return null;
    if (key !== this.#newest) {
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
      this.#newest = key;
    }
    return block;
  }

  /** Reads the blocks, and a few behind each whose predecessor was asked for before. @throws {DiskError} */
  async load(misses: readonly BlockMiss[]): Promise<void> {
    const pending: Promise<void>[] = [];
    for (const miss of misses) {
      const key = miss.segment.id * MAX_BLOCKS_OF_A_FILE + miss.blockIndex;
      let loading = this.#loading.get(key);
      if (loading === undefined) {
        loading = this.#read(miss, key).finally(() => this.#loading.delete(key));
        this.#loading.set(key, loading);
      }
      pending.push(loading);
    }
    await Promise.all(pending);
  }

  /** Forgets everything, e.g. because files were cut. */
  clear(): void {
    this.#blocks.clear();
    this.#bytes = 0;
    this.#newest = -1;
  }

  async #read(miss: BlockMiss, key: number): Promise<void> {
    const { segment, blockIndex, validEnd } = miss;
    const start = blockIndex * BLOCK_SIZE;
    const isSequential = this.#blocks.has(key - 1);
    const size = Math.min(validEnd - start, (isSequential ? BLOCKS_AHEAD : 1) * BLOCK_SIZE);
    if (size <= 0 || segment.removed) return;
    const bytes = new Uint8Array(size);
    await segment.readAsync(bytes, start);
    for (let at = 0, k = key; at < size; at += BLOCK_SIZE, k++) {
      // Blocks read ahead must not keep each other's memory alive: each has its own.
      this.#put(k, size <= BLOCK_SIZE ? bytes : bytes.slice(at, at + BLOCK_SIZE));
    }
  }

  #put(key: number, bytes: Uint8Array): void {
    this.#bytes += bytes.length - (this.#blocks.get(key)?.length ?? 0);
    this.#blocks.delete(key);
    this.#blocks.set(key, bytes);
    this.#newest = key;
    for (const [oldest, block] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#blocks.delete(oldest);
      this.#bytes -= block.length;
    }
  }
}
