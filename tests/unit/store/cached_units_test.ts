import { assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { StoreHarness } from "./store_harness.ts";

Deno.test("units that come behind a cached part of a queue's file are read, not passed over, once memory lets go of them", async () => {
  const h = StoreHarness.fresh({ mappedFileSizeCommitLog: 1 << 20, mappedFileSizeConsumeQueue: 200_000 });
  await h.open();
  // The second block of the file, 2,048 units each, is in use.
  for (let i = 0; i < 4000; i++) h.send({ body: `${i}` });
  await h.clock.advance(2000);
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  await next.clock.advance(2000);
  for (let i = 4000; i < 4090; i++) next.send({ body: `${i}` });
  assertEquals((await next.readAll("T", 0)).length, 4090);
  // A checkpoint writes the new units, and the idle queue's memory goes.
  await next.clock.advance(130_000);
  assertEquals(
    (await next.readAll("T", 0, 3990)).map(({ body }) => Number(body)),
    Array.from({ length: 100 }, (_, i) => 3990 + i),
  );
  await next.store.close();
});
