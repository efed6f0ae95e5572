/**
 * The flusher under load that never pauses: who waits for a sync waits for what was written before, not for silence.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { StoreHarness } from "./store_harness.ts";

/** Room for everything in one file, so that only the flusher syncs the log. */
const LARGE = { mappedFileSizeCommitLog: 2 ** 24, mappedFileSizeConsumeQueue: 300_000 };

async function loaded(h: StoreHarness, forMs: number): Promise<void> {
  const load = h.clock.every(1, () => h.send({ body: "x" }));
  await h.clock.advance(forMs);
  load.cancel();
}

/** Where the store on a disk that lost its broker begins to read the log again. */
async function recoveryStart(h: StoreHarness): Promise<number> {
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  const start = next.log.map((line) => line.match(/recovery starts at the checkpoint (\d+)/)?.[1]).find((at) => at);
  await next.store.close();
  return Number(start);
}

Deno.test("a checkpoint is made before its time when much was appended since the last one", async () => {
  const h = StoreHarness.fresh({ ...LARGE, storeCheckpointBytes: 1_048_576 });
  await h.open();
  await loaded(h, h.options.flushConsumeQueueThoroughInterval / 2);
  const { maxPhysicalOffset } = h.store.figures();
  assert(maxPhysicalOffset > 2_500_000, `${maxPhysicalOffset} bytes`);
  const start = await recoveryStart(h);
  assert(start > maxPhysicalOffset / 4, `recovery started at ${start} of ${maxPhysicalOffset}`);
});

for (const flushDiskType of ["ASYNC_FLUSH", "SYNC_FLUSH"] as const) {
  Deno.test(`checkpoints are made and units written while messages never cease to come, ${flushDiskType}`, async () => {
    const h = StoreHarness.fresh({ ...LARGE, flushDiskType });
    await h.open();
    const slow = (h.disk as SimDisk).faults.slow({ operation: "sync", path: /commitlog/, latencyMs: 5 });
    await loaded(h, 2 * h.options.flushConsumeQueueThoroughInterval);
    const { dirtyUnits, maxPhysicalOffset } = h.store.figures();
    assert(dirtyUnits < 3000, `${dirtyUnits} units are in memory alone`);
    slow.cancel();
    const start = await recoveryStart(h);
    assert(start > maxPhysicalOffset / 4, `recovery started at ${start} of ${maxPhysicalOffset}`);
  });
}

Deno.test("with ASYNC_FLUSH the log is synced by the interval and not without a pause", async () => {
  const h = StoreHarness.fresh({ ...LARGE, flushDiskType: "ASYNC_FLUSH" });
  await h.open();
  const disk = h.disk as SimDisk;
  disk.faults.slow({ operation: "sync", path: /commitlog/, latencyMs: 5 });
  let flushes = 0;
  let last = 0;
  const watch = h.clock.every(1, () => {
    const { flushedOffset } = h.store.figures();
    if (flushedOffset > last) flushes++;
    last = flushedOffset;
  });
  await loaded(h, 10 * h.options.flushIntervalCommitLog);
  watch.cancel();
  assertEquals(flushes <= 11, true, `${flushes} syncs`);
  await Promise.all([h.store.close(), h.clock.advance(500)]);
});
