import { assert, assertEquals } from "@std/assert";
import { BLOCK_SIZE, BlockCache, BlockMiss } from "../../../src/store/block_cache.ts";
import type { SegmentFile } from "../../../src/store/segment_file.ts";

const BLOCKS = 200;
const SIZE = BLOCKS * BLOCK_SIZE;
/** The least that a cache may be told to hold. */
const BYTES_MAX = 32 * BLOCK_SIZE;

/** A file whose every byte tells its block. */
class FakeFile {
  readonly id: number = 1;
  readonly removed: boolean = false;
  /** Reads that are held back while this is not null. */
  held: (() => void)[] | null = null;
  /** First block and number of blocks of each read. */
  readonly reads: [number, number][] = [];

  constructor(readonly sizeBytes = SIZE) {}

  async readAsync(into: Uint8Array, at: number): Promise<number> {
    this.reads.push([at / BLOCK_SIZE, into.length / BLOCK_SIZE]);
    into.fill(0xee); // the device may begin at once
    if (this.held !== null) await new Promise<void>((resolve) => this.held!.push(resolve));
    const count = Math.max(0, Math.min(into.length, this.sizeBytes - at));
    for (let i = 0; i < count; i += BLOCK_SIZE) {
      into.fill(1 + (at + i) / BLOCK_SIZE, i, Math.min(count, i + BLOCK_SIZE));
    }
    return count;
  }

  get segment(): SegmentFile {
    return this as unknown as SegmentFile;
  }
}

function open(bytesMax = BYTES_MAX, file = new FakeFile()) {
  const cache = new BlockCache(bytesMax);
  const load = (...blocks: number[]) => cache.load(blocks.map((index) => new BlockMiss(file.segment, index, SIZE)));
  const get = (index: number) => cache.get(file.segment, index, (index + 1) * BLOCK_SIZE);
  return { cache, file, load, get };
}

/** Lets reads that are not held back end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("who goes through a file waits for its first blocks only, and gets every block as it is", async () => {
  const { file, load, get } = open();
  let waits = 0;
  for (let index = 0; index < BLOCKS; index++) {
    if (get(index) === null) {
      waits++;
      await load(index);
    }
    const block = get(index)!;
    assert(block.length === BLOCK_SIZE && block.every((byte) => byte === 1 + index), `block ${index}`);
    await settle();
  }
  assertEquals(waits, 2);
  assertEquals(file.reads.slice(0, 3), [[0, 1], [1, 8], [9, 8]]);
});

Deno.test("who goes through a large file gets more at a time, and every block as it is", async () => {
  const file = new FakeFile(16384 * BLOCK_SIZE);
  const cache = new BlockCache(1024 * BLOCK_SIZE);
  const get = (index: number) => cache.get(file.segment, index, (index + 1) * BLOCK_SIZE);
  for (let index = 0; index < 600; index++) {
    if (get(index) === null) await cache.load([new BlockMiss(file.segment, index, file.sizeBytes)]);
    const block = get(index)!;
    assert(block.length === BLOCK_SIZE && block.every((byte) => byte === ((1 + index) & 255)), `block ${index}`);
    await settle();
  }
  assertEquals(file.reads.slice(0, 7).map(([, count]) => count), [1, 8, 16, 32, 64, 64, 64]);
  assert(cache.sizeBytes <= 1024 * BLOCK_SIZE);
});

Deno.test("blocks that lie together are read at once, and nobody reads what is being read", async () => {
  const { file, load, get } = open();
  file.held = [];
  const both = [load(4, 5, 6, 20), load(5, 6)];
  await settle();
  assertEquals(file.reads, [[4, 3], [20, 1]]);
  for (const go of file.held.splice(0)) go();
  await Promise.all(both);
  assertEquals([4, 5, 6, 20].map((index) => get(index)![0]), [5, 6, 7, 21]);
});

Deno.test("a block that is asked for again and again seldom has to be read again", async () => {
  const { cache, file, load, get } = open();
  for (let index = 2; index < BLOCKS; index += 2) {
    await load(index);
    if (get(0) === null) await load(0);
    assert(cache.sizeBytes <= BYTES_MAX);
  }
  const reads = file.reads.filter(([index]) => index === 0).length;
  assert(reads <= BLOCKS / 2 / 30, `it was read ${reads} times`);
  assertEquals(get(2), null);
});

Deno.test("a quick reader does not push out what was read ahead for a slow one, who waits no more often", async () => {
  const file = new FakeFile(16384 * BLOCK_SIZE);
  const cache = new BlockCache(256 * BLOCK_SIZE);
  let waits = 0;
  const take = async (index: number) => {
    if (cache.get(file.segment, index, (index + 1) * BLOCK_SIZE) === null) {
      waits++;
      await cache.load([new BlockMiss(file.segment, index, file.sizeBytes)]);
    }
    assertEquals(cache.get(file.segment, index, (index + 1) * BLOCK_SIZE)![0], (1 + index) & 255);
    await settle();
  };
  for (let quick = 0; quick < 6000; quick++) {
    await take(quick);
    if (quick % 50 === 0) await take(8000 + quick / 50);
  }
  assertEquals(waits, 4); // each for its first two blocks
});

Deno.test("when fewer readers are left, as much is read ahead again as at first", async () => {
  const file = new FakeFile(65536 * BLOCK_SIZE);
  const cache = new BlockCache(512 * BLOCK_SIZE);
  const take = async (index: number) => {
    if (cache.get(file.segment, index, (index + 1) * BLOCK_SIZE) === null) {
      await cache.load([new BlockMiss(file.segment, index, file.sizeBytes)]);
    }
    assert(cache.get(file.segment, index, (index + 1) * BLOCK_SIZE) !== null);
    await settle();
  };
  for (let step = 0; step < 60; step++) {
    for (let reader = 0; reader < 40; reader++) await take(reader * 400 + step);
  }
  const longest = (from: number) => Math.max(...file.reads.slice(from).map(([, count]) => count));
  const crowded = file.reads.length;
  for (let step = 0; step < 100; step++) await take(20_000 + step);
  assert(longest(crowded) < 64, `${longest(crowded)} blocks at a time`);
  for (let step = 100; step < 40_000; step++) await take(20_000 + step);
  assertEquals(longest(file.reads.length - 10), 64);
});

Deno.test("with more readers than the cache has room for, nothing is read ahead in vain for ever", async () => {
  const { file, load, get } = open();
  for (let round = 0; round < 8; round++) {
    for (let reader = 0; reader < 20; reader++) {
      const index = reader * 10 + round;
      if (get(index) === null) await load(index);
      await settle();
    }
  }
  const read = file.reads.reduce((sum, [, count]) => sum + count, 0);
  assert(read < 2.5 * 8 * 20, `${read} blocks were read for 160`);
});

Deno.test("what is read ahead for many readers at a time stays a part of the cache, and they wait for themselves beyond that", async () => {
  const { file, load, get } = open();
  const readers = [0, 20, 40];
  for (const first of readers) {
    await load(first);
    await load(first + 1); // and seven more, of which the first is marked
  }
  file.held = [];
  const before = file.reads.length;
  for (const first of readers) assert(get(first + 1) !== null);
  await settle();
  assertEquals(file.reads.slice(before), [[9, 8], [29, 8]]);
  for (const go of file.held.splice(0)) go();
  file.held = null;
  await settle();
  await load(49);
  assertEquals(get(49)![0], 50);
});

Deno.test("a view stays as it is until the turn ends, also when its block is dropped and read into in that turn", async () => {
  const { file, load, get } = open();
  for (let index = 0; index < BYTES_MAX / BLOCK_SIZE; index++) await load(2 * index);
  file.held = [];
  const before = [100, 102, 104, 106, 108].map((index) => load(index));
  // In one turn: somebody looks at the oldest blocks, what was read before comes and takes their place, and a read begins.
  const views = new Map([0, 2, 4, 6, 8].map((index) => [index, get(index)!]));
  for (const go of file.held.splice(0)) go();
  await Promise.all(before);
  for (const index of views.keys()) assertEquals(get(index), null);
  const reading = load(120);

  for (const [index, view] of views) assert(view.every((byte) => byte === 1 + index), `block ${index}`);
  file.held[0]!();
  await reading;
  assert(get(120)!.every((byte) => byte === 121));
});

Deno.test("what was being read when everything was forgotten is not kept", async () => {
  const { cache, file, load, get } = open();
  file.held = [];
  const loading = load(3);
  await settle();
  cache.clear();
  for (const go of file.held.splice(0)) go();
  await loading;
  assertEquals(get(3), null);
  assertEquals(cache.sizeBytes, 0);
});

Deno.test("beyond the end of a file that is too short are zeros, whatever the memory held before", async () => {
  const { load, get } = open(BYTES_MAX, new FakeFile(100 * BLOCK_SIZE + 5));
  for (let index = 0; index < 100; index++) {
    if (get(index) === null) await load(index);
  }
  await load(100);
  assertEquals(get(100)!.subarray(0, 6), Uint8Array.of(101, 101, 101, 101, 101, 0));
  assert(get(100)!.subarray(5).every((byte) => byte === 0));
});
