import { assert, assertEquals, assertRejects } from "@std/assert";
import { readWhole, removeTree } from "../../../src/common/disk.ts";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { CorruptError, DiskError } from "../../../src/common/errors.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import { repairStore } from "../../../src/store/repair.ts";
import { StoreHarness } from "./store_harness.ts";

/** A store with 90 messages in three queues, stopped cleanly; the physical offsets of the messages. */
async function makeStore(): Promise<{ h: StoreHarness; offsets: number[] }> {
  const h = StoreHarness.fresh();
  await h.open();
  const offsets: number[] = [];
  for (let i = 0; i < 90; i++) {
    offsets.push(h.send({ queueId: i % 3, body: `message ${i} ${"x".repeat(200)}`, keys: `k${i}` }).out.physicalOffset);
  }
  await h.store.close();
  return { h, offsets };
}

function repair(h: StoreHarness, truncateAt: number | null = null, acceptsLoss = false) {
  const { disk, clock, options } = h;
  const report = (text: string) => void h.log.push(text);
  return repairStore({ disk, clock, options, report }, { truncateAt, acceptsLoss });
}

async function countsOf(h: StoreHarness) {
  const { disk, clock, options } = h;
  const { lost, derived } = (await inspectStore({ disk, clock, options })).counts;
  return { lost, derived };
}

Deno.test("a repair makes units, index and checkpoint again and leaves every byte of the log alone", async () => {
  const { h } = await makeStore();
  const before = h.disk.list("/store/commitlog").map(({ name }) => readWhole(h.disk, `/store/commitlog/${name}`));
  const units = readWhole(h.disk, "/store/consumequeue/T/1/00000000000000000000");
  removeTree(h.disk, "/store/consumequeue/T/1");
  const index = h.disk.open(`/store/index/${h.disk.list("/store/index")[0]!.name}`);
  index.write(new Uint8Array(100).fill(7), 40);
  index.close();
  assert((await countsOf(h)).derived > 0);
  const repaired = await repair(h);
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
  assertEquals([repaired.records, repaired.queues], [90, 3]);
  const after = h.disk.list("/store/commitlog").map(({ name }) => readWhole(h.disk, `/store/commitlog/${name}`));
  assertEquals(after, before);
  assertEquals(readWhole(h.disk, "/store/consumequeue/T/1/00000000000000000000"), units);
  assert(h.disk.stat(`${repaired.copy}/index`) !== null);
  await h.open();
  assertEquals((await h.readAll("T", 1)).length, 30);
  assertEquals((await h.store.queryMessages("T", "k4", 10, 0, Infinity)).records.length, 1);
  assertEquals(h.send({ queueId: 1 }).out.queueOffset, 30);
  await h.store.close();
});

Deno.test("a repair with --truncate-at ends the log at a record and keeps what was behind it", async () => {
  const { h, offsets } = await makeStore();
  const at = offsets[50]!;
  const start = at - at % h.options.mappedFileSizeCommitLog;
  const log = readWhole(h.disk, `/store/commitlog/${String(start).padStart(20, "0")}`)!;
  const { copy } = await repair(h, at);
  const kept = h.disk.list(`${copy}/commitlog`).map(({ name }) => name);
  const name = String(at).padStart(20, "0");
  assert(kept.includes(name), kept.join(" "));
  const cut = readWhole(h.disk, `${copy}/commitlog/${name}`)!;
  assertEquals(cut.subarray(0, 300), log.subarray(at - start, at - start + 300));
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
  await h.open();
  assertEquals(h.store.figures().maxPhysicalOffset, at);
  assertEquals((await h.readAll("T", 0)).length, 17);
  assertEquals(h.send({ queueId: 0 }).out.queueOffset, 17);
  await h.store.close();
});

Deno.test("a repair does not cut the log within a record, and names the records around", async () => {
  const { h, offsets } = await makeStore();
  const error = await assertRejects(() => repair(h, offsets[50]! + 1), CorruptError);
  assert(error.message.includes(`one begins at ${offsets[50]}, the next at ${offsets[51]}`), error.message);
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
});

Deno.test("a queue whose messages have all expired keeps its offsets through a repair", async () => {
  const { h } = await makeStore();
  await h.open();
  h.send({ topic: "Later", body: "x".repeat(300) });
  for (let i = 0; i < 120; i++) h.send({ topic: "Later", body: "x".repeat(300) });
  await h.store.close();
  for (const { name } of h.disk.list("/store/commitlog").slice(0, 2)) h.disk.remove(`/store/commitlog/${name}`);
  await repair(h);
  await h.open();
  assertEquals(h.store.maxOffset("T", 1), 30);
  assertEquals(h.send({ queueId: 1 }).out.queueOffset, 30);
  await h.store.close();
});

Deno.test("a store that a broker has open is not repaired", async () => {
  const { h } = await makeStore();
  await h.open();
  await assertRejects(() => repair(h), DiskError, "Lock failed");
  await h.store.close();
});

Deno.test("two repairs in the same second keep a copy each", async () => {
  const { h } = await makeStore();
  const first = await repair(h);
  const second = await repair(h);
  assert(first.copy !== second.copy);
  for (const { copy } of [first, second]) assert(h.disk.stat(`${copy}/consumequeue`) !== null, copy);
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
});

Deno.test("a repair with --truncate-at leaves no unit behind the end, not even in queues that have no message before it", async () => {
  const { h } = await makeStore();
  await h.open();
  const end = h.store.figures().maxPhysicalOffset;
  for (let i = 0; i < 30; i++) h.send({ topic: "Later", body: `${i}` });
  await h.store.close();
  await repair(h, end);
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
  const units = h.disk.list("/store/consumequeue/Later/0").map(({ name }) =>
    readWhole(h.disk, `/store/consumequeue/Later/0/${name}`)!
  );
  assert(units.every((file) => file.every((byte) => byte === 0)));
});

Deno.test("a repair for which there is no room changes nothing and leaves nothing behind", async () => {
  const { h } = await makeStore();
  const before = h.disk.list("/store").map(({ name }) => name);
  const index = h.disk.list("/store/index").map(({ name }) => readWhole(h.disk, `/store/index/${name}`));
  const disk = h.disk as SimDisk;
  disk.setCapacity(disk.usage("/store").usedBytes + 8192);
  await assertRejects(() => repair(h), DiskError);
  disk.setCapacity(2 ** 40);
  assertEquals(h.disk.list("/store").map(({ name }) => name), before);
  assertEquals(h.disk.list("/store/index").map(({ name }) => readWhole(h.disk, `/store/index/${name}`)), index);
  assertEquals(await countsOf(h), { lost: 0, derived: 0 });
});
