import { assert, assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { CRASH, SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import { SMALL, StoreHarness } from "./store_harness.ts";

const QUEUES = 300;
const LARGE = { ...SMALL, mappedFileSizeCommitLog: 1_048_576 };

/** A store on a disk whose syncs take `latencyMs` of virtual time. */
function harness(latencyMs: number): { h: StoreHarness; disk: SimDisk } {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1), clock, latencyMs });
  return { h: new StoreHarness(disk, clock, LARGE), disk };
}

/** Runs what takes virtual time. */
async function during<T>(h: StoreHarness, work: Promise<T>): Promise<{ result: T; tookMs: number }> {
  const before = h.clock.monotonicMs();
  let isOver = false;
  work.finally(() => isOver = true);
  while (!isOver) await h.clock.advance(1);
  return { result: await work, tookMs: h.clock.monotonicMs() - before };
}

Deno.test("files of new queues are on the device soon after they came, not at the next checkpoint", async () => {
  const { h, disk } = harness(1);
  await during(h, h.open());
  for (let i = 0; i < QUEUES; i++) h.send({ topic: `T${i % 10}`, queueId: Math.floor(i / 10) });
  await h.clock.advance(5000);
  const after = disk.crash(CRASH.dropUnsynced);
  for (let i = 0; i < QUEUES; i++) {
    assert(after.stat(`/store/consumequeue/T${i % 10}/${Math.floor(i / 10)}/00000000000000000000`) !== null, `${i}`);
  }
});

Deno.test("a stop does not wait for the device longer than it may; the next start makes again what was not synced", async () => {
  const { h, disk } = harness(800);
  await during(h, h.open());
  for (let i = 0; i < QUEUES; i++) h.send({ topic: `T${i % 10}`, queueId: Math.floor(i / 10), keys: `k${i}` });
  // 300 syncs of 800 ms, 16 at a time, are 15 s.
  const { tookMs } = await during(h, h.store.close());
  assert(tookMs < 9000, `${tookMs} ms`);
  assertEquals(disk.stat("/store/abort"), null);
  for (const policy of ["keepAll", "dropUnsynced", "reordered"] as const) {
    const next = h.on(disk.crash(CRASH[policy]));
    await during(next, next.open());
    for (let i = 0; i < QUEUES; i += 43) {
      const [topic, queueId] = [`T${i % 10}`, Math.floor(i / 10)];
      assertEquals(next.store.maxOffset(topic, queueId), 1, `${policy} ${topic}-${queueId}`);
      const { result } = await during(next, next.store.queryMessages(topic, `k${i}`, 9, 0, Infinity));
      assertEquals(result.records.length, 1);
    }
    await during(next, next.store.close());
    const audit = inspectStore({ disk: next.disk, clock: h.clock, options: h.options });
    const { counts, findings } = (await during(next, audit)).result;
    assertEquals([counts.lost, counts.derived], [0, 0], `${policy}: ${JSON.stringify(findings)}`);
  }
});

Deno.test("a stop does not wait for the checkpoint under way to bring all queues to the device, and that one claims nothing", async () => {
  const { h, disk } = harness(0);
  await during(h, h.open());
  const send = () => {
    for (let i = 0; i < QUEUES; i++) h.send({ topic: `T${i % 10}`, queueId: Math.floor(i / 10) });
  };
  send();
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval + 1000);
  send();
  disk.faults.slow({ operation: "sync", path: /consumequeue/, latencyMs: 800 });
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval);

  const { tookMs } = await during(h, h.store.close());

  assert(tookMs < 9000, `${tookMs} ms`);
  const next = h.on(disk.crash(CRASH.dropUnsynced));
  await during(next, next.open());
  for (let i = 0; i < QUEUES; i++) assertEquals(next.store.maxOffset(`T${i % 10}`, Math.floor(i / 10)), 2);
  await during(next, next.store.close());
});

Deno.test("a slave that is stopped before its cut log has a checkpoint brings all queues to the device, however long it takes", async () => {
  const { h: master } = harness(0);
  await during(master, master.open());
  const sendAll = () => {
    const sent = Array.from({ length: QUEUES }, (_, i) => {
      return master.send({ topic: `T${i % 10}`, queueId: Math.floor(i / 10) }).out;
    });
    return sent.at(-1)!;
  };
  const [first, second] = [sendAll(), sendAll()];
  master.send({ body: "cut off" });
  const { replicaLog } = master.store;
  const bytes = (await replicaLog.bytes(0, replicaLog.endOffset))!;
  await during(master, master.store.close());
  const { h, disk } = harness(0);
  const slave = new StoreHarness(disk, h.clock, { ...LARGE, brokerRole: "SLAVE" });
  await during(slave, slave.open());
  slave.store.appendReplica(0, bytes.subarray(0, first.endOffset));
  slave.endTurn();
  await slave.clock.advance(h.options.flushConsumeQueueThoroughInterval + 1000);
  slave.store.appendReplica(first.endOffset, bytes.subarray(first.endOffset));
  slave.endTurn();
  disk.faults.slow({ operation: "sync", path: /consumequeue/, latencyMs: 800 });

  const cut = slave.store.truncate(second.endOffset, second.physicalOffset);
  await slave.clock.advance(2000);
  await during(slave, Promise.all([slave.store.close(), cut]));

  const next = slave.on(disk.crash(CRASH.dropUnsynced));
  await during(next, next.open());
  for (let i = 0; i < QUEUES; i++) assertEquals(next.store.maxOffset(`T${i % 10}`, Math.floor(i / 10)), 2);
  await during(next, next.store.close());
});

Deno.test("a checkpoint that fails half-way leaves nothing out of the next one", async () => {
  const queueIds = Array.from({ length: 20 }, (_, queueId) => queueId);
  const h = StoreHarness.fresh({ storeOpenFilesMax: 16, flushDiskType: "SYNC_FLUSH" });
  await h.open();
  const disk = h.disk as SimDisk;
  for (const queueId of queueIds) await h.send({ queueId }).settled;
  await h.clock.advance(5000); // All have their files.
  for (const queueId of queueIds) await h.send({ queueId, body: "second" }).settled;

  const fault = disk.faults.fail({ path: /consumequeue\/T\/7\//, operation: "write", fault: "no-space" });
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval - 2000);
  assert(h.log.some((line) => line.includes("Cannot write consumequeues, index or checkpoint for now")));
  const dirty = h.store.figures().dirtyUnits;
  fault.cancel();
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval);

  // The seven before the one that failed are written; it and the parts that were not begun wait.
  assertEquals(dirty, 13);
  assertEquals(h.store.figures().dirtyUnits, 0);
  const next = h.on(disk.crash(CRASH.dropUnsynced));
  await next.open();
  assertEquals(queueIds.map((queueId) => next.store.maxOffset("T", queueId)), queueIds.map(() => 2));
  await next.store.close();
});
