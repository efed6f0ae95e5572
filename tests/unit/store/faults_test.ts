import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { CRASH, type SimDisk } from "../../../src/common/disk_sim.ts";
import { DiskError } from "../../../src/common/errors.ts";
import { AppendResult, PutStatus } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

Deno.test("a turn that finds no space never was, and the store goes on when space is back", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  await h.send({ body: "before" }).settled;
  const fault = (h.disk as SimDisk).faults.fail({ path: /commitlog\/0/, operation: "write", fault: "no-space" });
  const lost = [h.sendInTurn({ body: "lost 1", keys: "lost" }), h.sendInTurn({ body: "lost 2", queueId: 1 })];
  h.endTurn();
  assertEquals(await Promise.all(lost.map((each) => each.settled)), [
    PutStatus.SERVICE_NOT_AVAILABLE,
    PutStatus.SERVICE_NOT_AVAILABLE,
  ]);
  assertMatch(h.store.refusal() ?? "", /no-space.*free/);
  assertEquals(h.store.maxOffset("T", 1), 0);
  fault.cancel();
  const { settled, out } = h.send({ body: "after" });
  assertEquals(await settled, PutStatus.PUT_OK);
  assertEquals(out.queueOffset, 1);
  assertEquals(h.store.refusal(), null);
  assertEquals((await h.readAll("T", 0)).map((m) => m.body), ["before", "after"]);
  assertEquals((await h.store.queryMessages("T", "lost", 10, 0, Infinity)).records, []);
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  assertEquals((await next.readAll("T", 0)).map((m) => m.body), ["before", "after"]);
  await next.store.close();
});

Deno.test("a refused message does not come back behind shorter ones after a kill", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const disk = h.disk as SimDisk;
  // The first of two segments is written, the second is not.
  const fault = disk.faults.fail({ path: /commitlog\/00000000000000016384/, operation: "write", fault: "no-space" });
  const refused = Array.from({ length: 4 }, (_, i) => h.sendInTurn({ body: `refused ${i} ${"x".repeat(5000)}` }));
  h.endTurn();
  for (const { settled } of refused) assertEquals(await settled, PutStatus.SERVICE_NOT_AVAILABLE);
  fault.cancel();
  await h.send({ body: `kept 0000 ${"x".repeat(5000)}`.slice(0, 5010) }).settled;
  const next = h.on(disk.kill());
  await next.open();
  assertEquals((await next.readAll("T", 0)).length, 1);
  await next.store.close();
});

Deno.test("a failed sync makes the store read-only, says so once, and promises nothing more", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH" });
  await h.open();
  await h.send({ body: "safe" }).settled;
  (h.disk as SimDisk).faults.fail({ path: /commitlog/, operation: "sync", nth: 1, fault: "io" });
  assertEquals(await h.send({ body: "unsafe" }).settled, PutStatus.UNKNOWN_ERROR);
  assertEquals(h.append({ body: "more" }).status, PutStatus.SERVICE_NOT_AVAILABLE);
  assertMatch(h.store.refusal() ?? "", /read-only since it could not sync the commitlog/);
  assertEquals(h.log.filter((line) => line.startsWith("error")).length, 1);
  assertEquals((await h.readAll("T", 0)).map((m) => m.body), ["safe"]);
  assertEquals(h.store.figures().flushedOffset < h.store.figures().maxPhysicalOffset, true);
  await h.store.close();
  assert(h.disk.stat("/store/abort") !== null);
});

Deno.test("a failed sync of a derived file makes the store read-only whatever it failed for: what it dropped is in no later sync", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH" });
  await h.open();
  const disk = h.disk as SimDisk;
  for (let i = 0; i < 20; i++) assertEquals(await h.send({ body: `message ${i}` }).settled, PutStatus.PUT_OK);
  const fault = disk.faults.fail({ path: /consumequeue\/T/, operation: "sync", fault: "no-space" });
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval);
  fault.cancel();
  assertMatch(h.store.refusal() ?? "", /read-only since it could not write consumequeues, index or checkpoint/);

  await h.clock.advance(2 * h.options.flushConsumeQueueThoroughInterval);
  const next = h.on(disk.crash(CRASH.dropUnsynced));
  await next.open();
  assertEquals(next.store.maxOffset("T", 0), 20);
  await next.store.close();
});

Deno.test("a failed sync of a derived file makes a slave that cuts its log read-only as well", async () => {
  const master = StoreHarness.fresh();
  await master.open();
  for (let i = 0; i < 10; i++) master.send({ body: `message ${i}` });
  const { replicaLog } = master.store;
  const starts = await replicaLog.recordStarts(0, replicaLog.endOffset);
  const slave = StoreHarness.fresh({ brokerRole: "SLAVE" });
  await slave.open();
  slave.store.appendReplica(0, (await replicaLog.bytes(0, replicaLog.endOffset))!);
  slave.endTurn();

  (slave.disk as SimDisk).faults.fail({ path: /consumequeue\/T/, operation: "sync", fault: "no-space" });
  await assertRejects(() => slave.store.truncate(starts[5]!, starts[4]!), DiskError);

  assertMatch(slave.store.illness() ?? "", /read-only since it could not write consumequeues, index or checkpoint/);
  await master.store.close();
  await slave.store.close();
});

Deno.test("whoever asks a store that has failed, or is closed, whether something is safe is told that it never will be", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH" });
  await h.open();
  const { out } = h.send({ body: "safe" });
  (h.disk as SimDisk).faults.fail({ path: /commitlog/, operation: "sync", nth: 1, fault: "io" });
  await h.send({ body: "unsafe" }).settled;
  const asked = (waits: boolean) => {
    const told = new Promise<PutStatus>((settle) => h.store.whenSafe(out.endOffset, waits, { settle }));
    h.endTurn();
    return told;
  };
  assertEquals([await asked(true), await asked(false)], [PutStatus.UNKNOWN_ERROR, PutStatus.UNKNOWN_ERROR]);
  await h.store.close();
  assertEquals(await asked(true), PutStatus.UNKNOWN_ERROR);
  await h.open();
  await h.store.close();
  assertEquals(await asked(true), PutStatus.SERVICE_NOT_AVAILABLE);
});

Deno.test("a write error other than no space makes the store read-only until it is opened again", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  await h.send({ body: "safe" }).settled;
  const fault = (h.disk as SimDisk).faults.fail({ path: /commitlog\/0/, operation: "write", fault: "io" });
  assertEquals(await h.send({ body: "unknown" }).settled, PutStatus.UNKNOWN_ERROR);
  fault.cancel();
  assertEquals(h.append({ body: "more" }).status, PutStatus.SERVICE_NOT_AVAILABLE);
  await h.store.close();
  await h.open();
  assertEquals((await h.readAll("T", 0)).map((m) => m.body), ["safe"]);
  assertEquals(await h.send({ body: "again" }).settled, PutStatus.PUT_OK);
  await h.store.close();
});

Deno.test("a slow sync is told to producers as FLUSH_DISK_TIMEOUT, and serves all who came meanwhile", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH", syncFlushTimeout: 50 });
  await h.open();
  const slow = (h.disk as SimDisk).faults.slow({ path: /commitlog/, operation: "sync", latencyMs: 80 });
  const first = h.send({ body: "first" });
  await h.clock.advance(60);
  assertEquals(await first.settled, PutStatus.FLUSH_DISK_TIMEOUT);
  slow.cancel();
  const others = Array.from({ length: 20 }, (_, i) => h.send({ body: `${i}` }));
  await h.clock.advance(100);
  for (const { settled } of others) assertEquals(await settled, PutStatus.PUT_OK);
  assertEquals(h.store.maxOffset("T", 0), 21);
  await h.store.close();
});

Deno.test("WAIT=false is answered after the write", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH" });
  await h.open();
  (h.disk as SimDisk).faults.slow({ path: /commitlog/, operation: "sync", latencyMs: 80 });
  const { out } = h.append({ body: "hasty" }, new AppendResult());
  let told = -1;
  h.store.whenSafe(out.endOffset, false, { settle: (status) => told = status });
  h.endTurn();
  assertEquals(told, PutStatus.PUT_OK);
  assertEquals(h.store.maxOffset("T", 0), 0);
  await h.clock.advance(100);
  assertEquals(h.store.maxOffset("T", 0), 1);
  await Promise.all([h.store.close(), h.clock.advance(1000)]);
});

Deno.test("a store that somebody has open is refused", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const other = h.on((h.disk as SimDisk).anotherProcess());
  const error = await assertRejects(() => other.open(), DiskError);
  assertEquals(error.fault, "locked");
  assertMatch(error.message, /Lock failed, MQ already started/);
  await h.store.close();
  await other.open();
  await other.store.close();
});

Deno.test("a next log file that cannot be removed at a close does not keep the store locked", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 10; i++) h.send({ body: "x".repeat(1000) });
  await h.clock.advance(2000);
  assertEquals(h.disk.list("/store/commitlog").length, 2);
  const fault = (h.disk as SimDisk).faults.fail({ path: /commitlog/, operation: "remove", fault: "permission" });
  await h.store.close();
  fault.cancel();
  await h.open();
  assertEquals((await h.readAll("T", 0)).length, 10);
  for (let i = 0; i < 10; i++) await h.send({ body: "y".repeat(1000) }).settled;
  assertEquals((await h.readAll("T", 0)).length, 20);
  await h.store.close();
});

Deno.test("damage in the middle is reported with its place and the messages behind it are kept", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const sent = Array.from({ length: 20 }, (_, i) => h.send({ body: `message ${i}` }).out);
  const dead = (h.disk as SimDisk).kill();
  dead.flipBit("/store/commitlog/00000000000000000000", sent[7]!.physicalOffset + 5, 3);
  const next = h.on(dead);
  await next.open();
  const bodies = (await next.readAll("T", 0)).map((m) => m.body);
  assertEquals(bodies, sent.map((_, i) => `message ${i}`).filter((_, i) => i !== 7));
  assertEquals(next.store.damages.map((d) => [d.startOffset, d.endOffset]), [
    [sent[7]!.physicalOffset, sent[8]!.physicalOffset],
  ]);
  assert(next.log.some((line) => line.includes("00000000000000000000 at ") && line.startsWith("warn")));
  assertEquals(next.send({ body: "next" }).out.queueOffset, 20);
  await next.store.close();
});

Deno.test("consumequeues that are gone are made again from the log", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 60; i++) h.send({ topic: `T${i % 3}`, queueId: i % 2, body: `message ${i}` });
  await h.store.close();
  const disk = h.disk;
  for (const { name } of disk.list("/store/consumequeue/T1/1")) disk.remove(`/store/consumequeue/T1/1/${name}`);
  disk.remove("/store/consumequeue/T1/1");
  await h.open();
  assertEquals(
    (await h.readAll("T1", 1)).map((m) => m.body),
    [1, 7, 13, 19, 25, 31, 37, 43, 49, 55].map((i) => `message ${i}`),
  );
  assertEquals((await h.readAll("T0", 0)).length, 10);
  await h.store.close();
});

Deno.test("a store that a process with another kind of lock has open is not opened, and written to no more when one comes", async () => {
  const h = StoreHarness.fresh();
  const disk = h.disk as SimDisk;
  disk.makeDirectory("/store");
  disk.setRival("/store/lock", "a Java process (pid 7)");
  await assertRejects(() => h.open(), DiskError, "MQ already started: a Java process (pid 7) has it open");
  assertEquals(disk.list("/store").filter((each) => each.name === "abort"), []);
  disk.setRival("/store/lock", null);
  await h.open();
  assertEquals(await h.send({}).settled, PutStatus.PUT_OK);
  disk.setRival("/store/lock", "a Java process (pid 8)");
  await h.clock.advance(h.options.cleanResourceInterval);
  assertEquals(await h.send({}).settled, PutStatus.SERVICE_NOT_AVAILABLE);
  assertStringIncludes(h.store.problem(), "a Java process (pid 8) has it open");
  await h.store.close();
  assert(disk.stat("/store/abort") !== null);
});
