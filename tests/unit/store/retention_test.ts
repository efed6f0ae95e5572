import { assert, assertEquals, assertMatch } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { PullResult, PullStatus, PutStatus } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

const HOUR_MS = 3_600_000;

function fill(h: StoreHarness, count: number): void {
  for (let i = 0; i < count; i++) h.send({ body: `${i} ${"x".repeat(900)}`, keys: `k${i}`, queueId: i % 2 });
}

Deno.test("expired files go at the hour of deleteWhen, never the last, and queues and index follow", async () => {
  const h = StoreHarness.fresh({ fileReservedTime: 1, deleteWhen: Array.from({ length: 24 }, (_, i) => i).join(";") });
  await h.open();
  fill(h, 100);
  await h.clock.advance(HOUR_MS / 2);
  assertEquals(h.store.figures().minPhysicalOffset, 0);
  await h.clock.advance(HOUR_MS);
  assertEquals(h.disk.list("/store/commitlog").length, 1);
  const min = h.store.minOffset("T", 0);
  assert(min > 0);
  assertEquals(
    (await h.readAll("T", 0)).map((m) => m.queueOffset),
    Array.from({ length: 50 - min }, (_, i) => min + i),
  );
  const out = new PullResult();
  assertEquals(h.store.pull(h.store.queue("T", 0), 0, 32, 1e6, null, out), PullStatus.OFFSET_TOO_SMALL);
  assertEquals(out.nextBeginOffset, min);
  assert(h.disk.list("/store/consumequeue/T/0")[0]!.name !== "00000000000000000000");
  assert(h.disk.list("/store/index").length < 4);
  await h.store.close();
  await h.open();
  assertEquals(h.store.minOffset("T", 0), min);
  assertEquals(h.send({ queueId: 0, body: "on" }).out.queueOffset, 50);
  await h.store.close();
});

Deno.test("a log that is cut between two removals keeps its last file", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const offsets = Array.from({ length: 100 }, () => h.send({ body: "x".repeat(900) }).out.physicalOffset);
  await h.store.close();
  const files = h.disk.list("/store/commitlog").map(({ name }) => Number(name));
  const slave = new StoreHarness(h.disk, h.clock, {
    ...h.options,
    brokerRole: "SLAVE",
    fileReservedTime: 1,
    deleteWhen: Array.from({ length: 24 }, (_, i) => i).join(";"),
    deleteCommitLogFilesInterval: 5000,
  });
  await slave.open();
  for (let i = 0; slave.store.figures().minPhysicalOffset === 0 && i < 10_000; i++) await h.clock.advance(1000);
  assertEquals(slave.store.figures().minPhysicalOffset, files[1]);
  const second = offsets.findIndex((offset) => offset === files[1]);
  await slave.store.truncate(offsets[second + 2]!, offsets[second + 1]!);
  await h.clock.advance(60_000);
  assertEquals(slave.store.figures().minPhysicalOffset, files[1]);
  assertEquals((await slave.readAll("T", 0)).map((m) => m.queueOffset), [second, second + 1]);
  await slave.store.close();
});

Deno.test("a shorter time that an operator sets while the disk fills up counts from the next round on", async () => {
  const h = StoreHarness.fresh({ fileReservedTime: 48, deleteWhen: Array.from({ length: 24 }, (_, i) => i).join(";") });
  let fileReservedTime = 48;
  const present = new Proxy(h.options, {
    get: (options, name) => name === "fileReservedTime" ? fileReservedTime : Reflect.get(options, name),
  });
  await h.open(10911, present);
  fill(h, 100);
  await h.clock.advance(3 * HOUR_MS);
  assertEquals(h.store.figures().minPhysicalOffset, 0);
  fileReservedTime = 2;
  await h.clock.advance(60_000);
  assert(h.store.figures().minPhysicalOffset > 0);
  await h.store.close();
});

Deno.test("outside the hours expired files stay until somebody asks", async () => {
  const h = StoreHarness.fresh({ fileReservedTime: 1, deleteWhen: "" });
  await h.open();
  fill(h, 100);
  await h.clock.advance(3 * HOUR_MS);
  assertEquals(h.store.figures().minPhysicalOffset, 0);
  h.store.deleteExpiredFilesNow();
  await h.clock.advance(2000);
  assert(h.store.figures().minPhysicalOffset > 0);
  await h.store.close();
});

Deno.test("a full volume refuses with its figures, and takes messages again when there is room", async () => {
  const h = StoreHarness.fresh({ cleanFileForciblyEnable: false });
  await h.open();
  const disk = h.disk as SimDisk;
  fill(h, 40);
  const used = disk.usage("/store").usedBytes;
  disk.setCapacity(Math.ceil(used / 0.95));
  await h.clock.advance(10_001);
  assertEquals(h.append({ body: "no" }).status, PutStatus.SERVICE_NOT_AVAILABLE);
  assertMatch(
    h.store.refusal() ?? "",
    /the disk is full: \/store\/commitlog: \d+ MiB used, \d+ MiB free \(9\d %\).*limit is 90 %.*hours/,
  );
  disk.setCapacity(used * 4);
  await h.clock.advance(10_001);
  assertEquals(h.store.refusal(), null);
  assertEquals(await h.send({ body: "yes" }).settled, PutStatus.PUT_OK);
  await h.store.close();
});

Deno.test("files go before they expire when the volume is too full, so that messages need not be refused", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const disk = h.disk as SimDisk;
  fill(h, 100);
  await h.clock.advance(60_000);
  disk.setCapacity(Math.ceil(disk.usage("/store").usedBytes / 0.95));
  await h.clock.advance(30_000);
  assert(h.store.figures().minPhysicalOffset > 0);
  assertEquals(h.store.refusal(), null);
  await h.store.close();
});

Deno.test("while enough bytes are free, a volume is not full whatever its percentage", async () => {
  const h = StoreHarness.fresh({ diskFreeBytesEnough: 4096 });
  await h.open();
  fill(h, 100);
  const disk = h.disk as SimDisk;
  await h.clock.advance(61_000);
  disk.setCapacity(disk.usage("/store").usedBytes + 8192);
  await h.clock.advance(20_000);
  assertEquals(h.store.refusal(), null);
  assertEquals(h.store.figures().minPhysicalOffset, 0);
  await h.store.close();
});

Deno.test("an expired file that cannot be removed stays the log's first, and goes in a later round", async () => {
  const h = StoreHarness.fresh({ fileReservedTime: 1, deleteWhen: Array.from({ length: 24 }, (_, i) => i).join(";") });
  await h.open();
  fill(h, 100);
  const first = "/store/commitlog/00000000000000000000";
  const fault = (h.disk as SimDisk).faults.fail({
    path: /commitlog\/0{20}$/,
    operation: "remove",
    fault: "permission",
  });
  await h.clock.advance(2 * HOUR_MS);
  assert(h.disk.stat(first) !== null);
  assertEquals(h.store.figures().minPhysicalOffset, 0);
  assertEquals((await h.readAll("T", 0)).length, 50);
  await h.store.close();
  await h.open();
  fault.cancel();
  await h.clock.advance(60_000);
  assertEquals(h.disk.stat(first), null);
  assertEquals(h.disk.list("/store/commitlog").length, 1);
  await h.store.close();
});
