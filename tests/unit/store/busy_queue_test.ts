import { assert } from "@std/assert";
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
