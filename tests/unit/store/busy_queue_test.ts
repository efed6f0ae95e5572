import { assert, assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { StoreHarness } from "./store_harness.ts";

const FILES = { mappedFileSizeCommitLog: 16 * 1_048_576, mappedFileSizeConsumeQueue: 600_000 };
const TICK_MS = 10;
const UNITS_A_TICK = 80;

Deno.test("a queue with thousands of messages a second is written several times a second: few of its units are in memory", async () => {
  const h = StoreHarness.fresh(FILES);
  await h.open();
  const send = async (ticks: number) => {
    let dirtyMax = 0;
    for (let tick = 0; tick < ticks; tick++) {
      for (let i = 0; i < UNITS_A_TICK; i++) h.append({});
      h.endTurn();
      await h.clock.advance(TICK_MS);
      dirtyMax = Math.max(dirtyMax, h.store.figures().dirtyUnits);
    }
    return dirtyMax;
  };

  const beforeKnown = await send(100);
  const once = await send(100);

  assert(beforeKnown > 4096, `${beforeKnown} units of the first second`);
  assert(once < 2000, `${once} units`);
  await h.store.close();
});

Deno.test("a stop in the middle of a round leaves no timer behind that would begin another one", async () => {
  const h = StoreHarness.fresh({ ...FILES, flushIntervalConsumeQueue: 1000 });
  await h.open();
  for (let tick = 0; tick < 99; tick++) {
    for (let i = 0; i < UNITS_A_TICK; i++) h.append({});
    h.endTurn();
    await h.clock.advance(TICK_MS);
  }
  // A round syncs files of new queues, and goes on while the store is closed.
  (h.disk as SimDisk).faults.slow({ operation: "sync", path: /consumequeue/, latencyMs: 50 });
  let left = -1;
  h.clock.after(1010 - h.clock.monotonicMs(), async () => {
    await h.store.close();
    left = h.clock.pendingTimers;
  });
  await h.clock.advance(5000);

  assertEquals(left, 0);
});
