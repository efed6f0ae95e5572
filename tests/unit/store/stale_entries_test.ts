import { assert, assertEquals } from "@std/assert";
import { getI64 } from "../../../src/common/bytes.ts";
import { type Disk, readWhole } from "../../../src/common/disk.ts";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import { segmentName } from "../../../src/store/segment_file.ts";
import { BusyClock } from "../../support/busy_clock.ts";
import { StoreHarness } from "./store_harness.ts";

/** Zeroes the log from `offset` on, in all its files. */
function tear(disk: Disk, offset: number): void {
  for (const { name, sizeBytes } of disk.list("/store/commitlog")) {
    const from = Math.max(0, offset - Number(name));
    if (from >= sizeBytes) continue;
    const file = disk.open(`/store/commitlog/${name}`);
    file.write(new Uint8Array(sizeBytes - from), from);
    file.close();
  }
}

/** Has the checkpoint look as Java leaves it: our part is not there. */
function forgetOurs(disk: Disk): void {
  const file = disk.open("/store/checkpoint");
  file.write(new Uint8Array(200), 64);
  file.close();
}

async function findings(h: StoreHarness) {
  const report = await inspectStore({ disk: h.disk, clock: h.clock, options: h.options });
  return report.findings.filter(({ severity }) => severity !== "note");
}

async function keys(h: StoreHarness, key: string): Promise<number[]> {
  const { records } = await h.store.queryMessages("T", key, 10, 0, Infinity);
  return records.map((record) => getI64(record, 28));
}

/** Messages in several log, queue and index files; what the disk became after a kill, and where each message lies. */
async function killed(): Promise<{ h: StoreHarness; offsets: number[] }> {
  const h = StoreHarness.fresh();
  await h.open();
  const offsets: number[] = [];
  for (let i = 0; i < 200; i++) {
    offsets.push(
      h.send({ queueId: i % 7, body: `${i} ${"x".repeat(100)}`, keys: `k${i}`, tags: "t" }).out.physicalOffset,
    );
    if (i === 120) await h.clock.advance(70_000);
  }
  await h.clock.advance(3000);
  return { h: h.on((h.disk as SimDisk).kill()), offsets };
}

for (const at of [0, 1, 60, 121, 122, 150, 199]) {
  Deno.test(`a log torn at message ${at} after a run of Java: no entry and no unit leads behind the cut, nor does any come back`, async () => {
    const { h, offsets } = await killed();
    forgetOurs(h.disk);
    tear(h.disk, offsets[at]! + 40);
    // A log that had messages and has none is refused.
    if (at === 0) h.disk.remove("/store/checkpoint");
    await h.open();
    assertEquals(h.store.figures().maxPhysicalOffset, offsets[at]);
    await h.store.indexed();
    assertEquals(await keys(h, `k${at}`), []);
    if (at > 0) assertEquals(await keys(h, `k${at - 1}`), [offsets[at - 1]!]);
    // Only one of the queues is used again, and other messages come to where the lost ones were.
    for (let i = 0; i < 30; i++) {
      h.send({ queueId: 0, body: `other ${i} ${"x".repeat(100)}`, keys: `o${i}`, tags: "t" });
    }
    await h.store.close();
    assertEquals(await findings(h), []);
    await h.open();
    assertEquals((await keys(h, "o7")).length, 1);
    assertEquals(await keys(h, `k${at}`), []);
    await h.store.close();
  });
}

Deno.test("a power loss that takes the log's end and keeps the units of a queue leaves none in it that nobody uses", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 5; i++) h.send({ queueId: i, body: "safe" });
  await h.store.close();
  await h.open();
  const end = h.store.figures().maxPhysicalOffset;
  for (let i = 0; i < 400; i++) h.send({ topic: "Q", queueId: i % 2, body: `lost ${i}` });
  await h.clock.advance(2000);
  const after = h.on((h.disk as SimDisk).kill());
  tear(after.disk, end);
  await after.open();
  assertEquals(after.store.figures().maxPhysicalOffset, end);
  after.send({ queueId: 1, body: "more" });
  await after.store.close();
  assertEquals(await findings(after), []);
  for (const { name } of after.disk.list("/store/consumequeue/Q/1")) {
    assert(readWhole(after.disk, `/store/consumequeue/Q/1/${name}`)!.every((byte) => byte === 0), name);
  }
});

Deno.test("what a slave cuts off its log leaves the index and the queues nobody has used, too", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const offsets: number[] = [];
  for (let i = 0; i < 200; i++) offsets.push(h.send({ queueId: i % 5, keys: `k${i}` }).out.physicalOffset);
  await h.store.close();
  const slave = new StoreHarness(h.disk, h.clock, { ...h.options, brokerRole: "SLAVE" });
  await slave.open();
  await slave.store.truncate(offsets[100]!, offsets[99]!);
  await slave.store.indexed();
  assertEquals(await keys(slave, "k100"), []);
  assertEquals(await keys(slave, "k99"), [offsets[99]!]);
  await slave.store.close();
  assertEquals(await findings(slave), []);
});

Deno.test("no look at queues goes on when the store is closed, however often its log was cut", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const offsets: number[] = [];
  for (let i = 0; i < 200; i++) offsets.push(h.send({ queueId: i, body: "m" }).out.physicalOffset);
  await h.store.close();
  const clock = new BusyClock();
  const slave = new StoreHarness(h.disk, clock, { ...h.options, brokerRole: "SLAVE" });
  await slave.open();
  const timersAtClose = (async () => {
    for (const at of [150, 100]) await slave.store.truncate(offsets[at]!, offsets[at - 1]!);
    await slave.store.close();
    return clock.pendingTimers;
  })();
  await clock.advance(60_000);
  assertEquals(await timersAtClose, 0);
});

Deno.test("keys of a stretch that turns out to be damaged are not found any more, those behind it are", async () => {
  const { h, offsets } = await killed();
  const file = h.disk.open(`/store/commitlog/${segmentName(0)}`);
  file.write(new Uint8Array(100), offsets[10]! + 20);
  file.close();
  // Everything is walked over again.
  h.disk.remove("/store/checkpoint");
  await h.open();
  assertEquals(h.store.damages.length, 1);
  await h.store.indexed();
  assertEquals(await keys(h, "k10"), []);
  for (const i of [9, 11, 199]) assertEquals(await keys(h, `k${i}`), [offsets[i]!]);
  await h.store.close();
  assertEquals((await findings(h)).map(({ invariant }) => invariant), ["commitlog.record"]);
});
