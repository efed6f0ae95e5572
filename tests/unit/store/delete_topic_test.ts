import { assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { PutStatus } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

Deno.test("a topic that is deleted while its queues are synced does not stop the store", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  (h.disk as SimDisk).faults.slow({ operation: "sync", path: /consumequeue/, latencyMs: 50 });
  const topics = ["T0", "T1", "T2"];
  for (const topic of topics) h.send({ topic, body: "x" });
  // Into the middle of the sync of the first queue.
  await h.clock.advance(h.options.flushConsumeQueueThoroughInterval + 25);
  for (const topic of topics) h.store.deleteTopic(topic);
  await h.clock.advance(500);
  assertEquals(h.store.refusal(), null);
  assertEquals(h.append({ topic: "T", body: "x" }).status, PutStatus.PUT_OK);
  h.endTurn();
  await Promise.all([h.store.close(), h.clock.advance(500)]);
});

Deno.test("a checkpoint made amid a turn says what is written, so that the next start goes on from it", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  for (const topic of ["T0", "T1"]) h.send({ topic, body: "x" });
  h.store.deleteTopic("T0");
  for (const topic of ["T1", "T1", "T2"]) h.append({ topic, body: "y" });
  // The checkpoint begins here.
  for (let i = 0; i < 3; i++) await Promise.resolve();
  h.endTurn();
  await h.clock.advance(500);
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  assertEquals(next.log.filter((line) => line.includes("recovery starts at the checkpoint")).length, 1);
  assertEquals((await next.readAll("T1", 0)).length, 3);
  assertEquals(next.store.queue("T0", 0), null);
  await next.store.close();
});

Deno.test("a queue of which the only message was taken back is not missed at the next start", async () => {
  const h = StoreHarness.fresh();
  await h.open();
  h.send({ topic: "T0", body: "x" });
  const { faults } = h.disk as SimDisk;
  const fault = faults.fail({ path: /commitlog/, operation: "write", fault: "no-space" });
  h.send({ topic: "T1", body: "x" });
  fault.cancel();
  await h.clock.advance(2 * h.options.flushConsumeQueueThoroughInterval);
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  assertEquals(next.log.filter((line) => line.includes("are missing")), []);
  await next.store.close();
});
