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
