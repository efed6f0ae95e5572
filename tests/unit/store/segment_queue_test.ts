import { assertEquals, assertStrictEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { OpenFiles } from "../../../src/store/open_files.ts";
import { SegmentQueue } from "../../../src/store/segment_queue.ts";
import { StoreHarness } from "./store_harness.ts";

const SIZE = 4096;

function newQueue() {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1), clock });
  const queue = new SegmentQueue({
    disk,
    files: new OpenFiles(disk, 16),
    directories: ["/log"],
    sizeBytes: SIZE,
    sizeIsCertain: true,
    warn: () => {},
  });
  const names = () => disk.list("/log").map(({ name }) => Number(name));
  return { clock, disk, queue, names };
}

Deno.test("a segment that was made before it was needed is taken without a word to the disk", async () => {
  const { disk, queue, names } = newQueue();
  queue.append(0, true);

  await queue.prepareNext(0);
  const before = disk.faults.changes;
  const segment = queue.append(SIZE, true);

  assertEquals(disk.faults.changes, before);
  assertStrictEquals(queue.last, segment);
  assertEquals(names(), [0, SIZE]);
});

Deno.test("what is appended while the next segment is being made stays", async () => {
  const { clock, disk, queue, names } = newQueue();
  queue.append(0, true);
  disk.faults.slow({ operation: "sync", latencyMs: 100 });

  const prepared = queue.prepareNext(0);
  queue.append(SIZE, false).write(Uint8Array.of(7), 0);
  await clock.advance(200);
  await prepared;

  const read = new Uint8Array(1);
  queue.last!.read(read, 0);
  assertEquals([read[0], names()], [7, [0, SIZE]]);
});

Deno.test("a file that was appended and taken back while the next segment is being made is made again", async () => {
  const { clock, disk, queue, names } = newQueue();
  queue.append(0, true);
  disk.faults.slow({ operation: "sync", latencyMs: 100 });

  const prepared = queue.prepareNext(0);
  queue.append(SIZE, false);
  queue.cutAt(SIZE);
  assertEquals(names(), [0]);
  await clock.advance(200);
  await prepared;

  queue.append(SIZE, true);
  assertEquals(names(), [0, SIZE]);
});

Deno.test("a segment that was made before it was needed goes with those before it, and at a close", async () => {
  const { queue, names } = newQueue();
  queue.append(0, true);
  queue.append(SIZE, true);
  await queue.prepareNext(0);
  assertEquals(names(), [0, SIZE, 2 * SIZE]);

  queue.cutAt(SIZE);
  assertEquals(names(), [0]);

  await queue.prepareNext(0);
  queue.close();
  assertEquals(names(), [0]);
});

Deno.test("a next segment that cannot be made is made when it is needed", async () => {
  const { disk, queue, names } = newQueue();
  queue.append(0, true);
  disk.faults.fail({ operation: "sync", nth: 1, fault: "io" });

  await queue.prepareNext(0);
  queue.append(SIZE, true);

  assertEquals([queue.last?.startOffset, names()], [SIZE, [0, SIZE]]);
});

Deno.test("the first file of an empty log is there before its first message, and gone after a stop without one", async () => {
  const h = StoreHarness.fresh();
  const disk = h.disk as SimDisk;
  await h.open();
  await h.clock.advance(500);
  assertEquals(disk.list("/store/commitlog").map(({ name }) => Number(name)), [0]);

  const changes = () => disk.faults.changes;
  const before = changes();
  h.append({});
  assertEquals(changes(), before, "an append alone makes, sizes and syncs no file");
  h.endTurn();
  assertEquals((await h.readAll("T", 0)).length, 1);
  await h.store.close();

  const unused = StoreHarness.fresh();
  await unused.open();
  await unused.clock.advance(500);
  await unused.store.close();
  assertEquals(unused.disk.list("/store/commitlog"), []);
});

Deno.test("a store that was killed before its first message still begins, as a slave, where its master's log does", async () => {
  const master = StoreHarness.fresh();
  await master.open();
  const size = master.options.mappedFileSizeCommitLog;
  while (master.store.replicaLog.newestFileOffset === 0) {
    master.append({ body: "x".repeat(1000) });
    master.endTurn();
  }
  const { newestFileOffset } = master.store.replicaLog;
  const part = new Uint8Array(size);
  const count = await master.store.replicaLog.read(part, newestFileOffset);
  const unused = StoreHarness.fresh();
  await unused.open();
  await unused.clock.advance(500);

  const slave = new StoreHarness((unused.disk as SimDisk).kill(), unused.clock, {
    ...unused.options,
    brokerRole: "SLAVE",
  });
  await slave.open();
  slave.store.appendReplica(newestFileOffset, part.subarray(0, count));
  slave.endTurn();

  assertEquals(slave.store.replicaLog.minOffset, newestFileOffset);
  assertEquals(slave.store.replicaLog.endOffset, newestFileOffset + count);
  assertEquals(slave.disk.list("/store/commitlog").map(({ name }) => Number(name)), [newestFileOffset]);
  await slave.store.close();
  await master.store.close();
});
