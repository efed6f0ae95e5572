import { assert, assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { PullResult, PullStatus, PutStatus } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

Deno.test("messages of a turn are readable when it has ended, and after a reopen", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 10; i++) assertEquals(h.append({ queueId: i % 2, body: `m${i}` }).status, PutStatus.PUT_OK);
  assertEquals(h.store.maxOffset("T", 0), 0);
  h.endTurn();
  assertEquals(h.store.maxOffset("T", 0), 5);
  assertEquals((await h.readAll("T", 1)).map((m) => m.body), ["m1", "m3", "m5", "m7", "m9"]);
  await h.store.close();
  assertEquals(h.disk.stat("/store/abort"), null);
  await h.open();
  assertEquals((await h.readAll("T", 0)).map((m) => m.body), ["m0", "m2", "m4", "m6", "m8"]);
  assertEquals((await h.readAll("T", 1)).map((m) => m.queueOffset), [0, 1, 2, 3, 4]);
  h.send({ body: "next" });
  assertEquals((await h.readAll("T", 0, 5)).map((m) => m.body), ["next"]);
  await h.store.close();
});

Deno.test("a kill loses nothing that was written", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 300; i++) h.send({ queueId: i % 3, body: `message ${i}`, keys: `k${i}` });
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  for (let q = 0; q < 3; q++) {
    const read = await next.readAll("T", q);
    assertEquals(read.map((m) => m.body), Array.from({ length: 100 }, (_, i) => `message ${i * 3 + q}`));
  }
  await next.store.indexed();
  assertEquals((await next.store.queryMessages("T", "k123", 10, 0, Number.MAX_SAFE_INTEGER)).records.length, 1);
  next.send({ queueId: 0, body: "after" });
  assertEquals((await next.readAll("T", 0, 100)).map((m) => [m.queueOffset, m.body]), [[100, "after"]]);
  await next.store.close();
});

Deno.test("SYNC_FLUSH tells producers and shows readers only what is synced", async () => {
  const h = StoreHarness.fresh({ flushDiskType: "SYNC_FLUSH" });
  const disk = h.disk as SimDisk;
  await h.open();
  disk.faults.slow({ operation: "sync", path: /commitlog/, latencyMs: 10 });
  let status: PutStatus | null = null;
  const { settled } = h.send({ body: "a" });
  settled.then((s) => status = s);
  assertEquals(h.store.maxOffset("T", 0), 0);
  await h.clock.advance(5);
  assertEquals(status, null);
  await h.clock.advance(10);
  assertEquals(status, PutStatus.PUT_OK);
  assertEquals(h.store.maxOffset("T", 0), 1);
  assertEquals(h.arrivals, ["T-0:1"]);
  await Promise.all([h.store.close(), h.clock.advance(200)]);
});

Deno.test("pull says where a reader stands", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  const out = new PullResult();
  assertEquals(h.store.pull(h.store.queue("T", 0), 0, 32, 1e6, null, out), PullStatus.NO_MATCHED_LOGIC_QUEUE);
  for (let i = 0; i < 5; i++) h.send({ body: `${i}` });
  const queue = h.store.queue("T", 0);
  assertEquals(h.store.pull(queue, 5, 32, 1e6, null, out), PullStatus.OFFSET_OVERFLOW_ONE);
  assertEquals(out.nextBeginOffset, 5);
  assertEquals(h.store.pull(queue, 9, 32, 1e6, null, out), PullStatus.OFFSET_OVERFLOW_BADLY);
  assertEquals(out.nextBeginOffset, 5);
  assertEquals(h.store.pull(queue, -1, 32, 1e6, null, out), PullStatus.OFFSET_TOO_SMALL);
  assertEquals(out.nextBeginOffset, 0);
  assertEquals(h.store.pull(queue, 1, 2, 1e6, null, out), PullStatus.FOUND);
  assertEquals([out.count, out.nextBeginOffset, out.minOffset, out.maxOffset], [2, 3, 0, 5]);
  assertEquals(out.parts.length, 1);
  assertEquals(h.store.pull(queue, 1, 32, 1, null, out), PullStatus.FOUND);
  assertEquals(out.count, 1);
  const none = { matchesCode: () => false };
  assertEquals(h.store.pull(queue, 1, 32, 1, none, out), PullStatus.NO_MATCHED_MESSAGE);
  assertEquals(out.nextBeginOffset, 5);
  assert(out.parts.length === 0);
  await h.store.close();
});

Deno.test("a filler of exactly eight bytes ends the segment like any other", async () => {
  const h = StoreHarness.fresh({ mappedFileSizeCommitLog: 4096 });
  await h.open();
  h.send({ body: "first" });
  // So that the memory chunk of the log begins inside the segment, and could go on behind it.
  await h.store.close();
  await h.open();
  const used = h.store.figures().maxPhysicalOffset;
  const overhead = used - "first".length;
  h.send({ body: "x".repeat(4096 - 8 - used - overhead) });
  h.send({ body: "b" });
  assertEquals(h.store.figures().maxPhysicalOffset, 4096 + overhead + "b".length);
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  assertEquals((await next.readAll("T", 0)).map((m) => m.body.slice(0, 6)), ["first", "xxxxxx", "b"]);
  await next.store.close();
});
