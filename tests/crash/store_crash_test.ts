/**
 * The store is stopped at changes of the disk; what it promised must be found when it is opened again, it must go on, and an
 * audit must find it in order. By default every ninth change of one run; `CRASH_STEP=1 CRASH_SEEDS=5` stops at each change of
 * five runs, which are well over 10,000 points for every flush setting.
 */
import { CRASH } from "../../src/common/disk_sim.ts";
import type { StoreOptions } from "../../src/store/store.ts";
import { check, live, promiseOnlySynced, unlessStopped } from "./store_run.ts";

const SEEDS = Number(Deno.env.get("CRASH_SEEDS") ?? 1);
const STEP = Number(Deno.env.get("CRASH_STEP") ?? 9);

/** What becomes of bytes that were not synced. */
type Policy = keyof typeof CRASH | "kill";

const POWER_LOSS: readonly Policy[] = ["dropUnsynced", "keepPrefix", "tornPrefix", "reordered"];

/** A flush setting. */
const SETTINGS: Readonly<Record<string, Partial<StoreOptions>>> = {
  "SYNC_FLUSH": { flushDiskType: "SYNC_FLUSH" },
  "ASYNC_FLUSH": { flushDiskType: "ASYNC_FLUSH" },
  "ASYNC_FLUSH at once": { flushDiskType: "ASYNC_FLUSH", flushIntervalCommitLog: 50, flushCommitLogLeastPages: 0 },
};

async function enumerate(options: Partial<StoreOptions>, policy: Policy): Promise<number> {
  let points = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { changes } = await live(seed, options);
    for (let stopAt = 1 + seed % STEP; stopAt <= changes; stopAt += STEP, points++) {
      const run = await live(seed, options, stopAt);
      const isPromised = policy === "kill" || options.flushDiskType === "SYNC_FLUSH";
      try {
        await check(
          isPromised ? run : promiseOnlySynced(run),
          run.disk.crash(policy === "kill" ? CRASH.keepAll : CRASH[policy]),
        );
      } catch (error) {
        throw new Error(`seed ${seed}, ${policy}, stopped at change ${stopAt} of ${changes}`, { cause: error });
      }
    }
  }
  return points;
}

for (const [name, options] of Object.entries(SETTINGS)) {
  Deno.test(`${name}: power loss at any change takes no message that was promised to survive it`, async () => {
    let points = 0;
    for (const policy of POWER_LOSS) points += await enumerate(options, policy);
    if (SEEDS > 1) console.log(`${name}, power loss: ${points} points`);
  });

  Deno.test(`${name}: a kill at any change takes no promised message`, async () => {
    const points = await enumerate(options, "kill");
    if (SEEDS > 1) console.log(`${name}, kill: ${points} points`);
  });
}

/** Stops a run at `stopAt`, and then each start after it, at every `STEP`th change that it makes. */
async function stopStarts(stopAt: number, policy: keyof typeof CRASH): Promise<void> {
  for (let change = 1;; change += STEP) {
    const run = await live(1, SETTINGS["SYNC_FLUSH"]!, stopAt);
    const disk = run.disk.crash(CRASH[policy]);
    disk.faults.stopAt(disk.faults.changes + change);
    const harness = run.harness.on(disk);
    const store = await unlessStopped(disk, harness.open());
    if (store !== undefined) return void await unlessStopped(disk, store.close());
    try {
      await check(run, disk.crash(CRASH[policy]));
    } catch (error) {
      throw new Error(`${policy}, stopped at ${stopAt}, its start at its change ${change}`, { cause: error });
    }
  }
}

for (const policy of ["keepAll", "dropUnsynced", "reordered"] as const) {
  Deno.test(`a start that is stopped as well takes no promised message (${policy})`, async () => {
    const { changes } = await live(1, SETTINGS["SYNC_FLUSH"]!);
    for (let stopAt = 10; stopAt < changes; stopAt += 6 * STEP) await stopStarts(stopAt, policy);
  });
}
