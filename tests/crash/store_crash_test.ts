/**
 * The store is stopped at every change of the disk; what it promised must be found when it is opened again. More seeds with
 * `CRASH_SEEDS=20`.
 */
import { CRASH } from "../../src/common/disk_sim.ts";
import { check, live } from "./store_run.ts";

const SEEDS = Number(Deno.env.get("CRASH_SEEDS") ?? 1);
const STEP = Number(Deno.env.get("CRASH_STEP") ?? 3);

async function enumerate(
  flushDiskType: "SYNC_FLUSH" | "ASYNC_FLUSH",
  policies: readonly (keyof typeof CRASH | "kill")[],
): Promise<void> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { changes } = await live(seed, { flushDiskType });
    for (const policy of policies) {
      for (let stopAt = 1 + seed % STEP; stopAt <= changes; stopAt += STEP) {
        const run = await live(seed, { flushDiskType }, stopAt);
        try {
          await check(run, policy === "kill" ? run.disk.crash(CRASH.keepAll) : run.disk.crash(CRASH[policy]));
        } catch (error) {
          throw new Error(`seed ${seed}, ${flushDiskType}, ${policy}, stopped at change ${stopAt} of ${changes}`, {
            cause: error,
          });
        }
      }
    }
  }
}

Deno.test("SYNC_FLUSH: power loss at any change takes no promised message", async () => {
  await enumerate("SYNC_FLUSH", ["dropUnsynced", "keepPrefix", "tornPrefix", "reordered"]);
});

Deno.test("SYNC_FLUSH: a kill at any change takes no promised message", async () => {
  await enumerate("SYNC_FLUSH", ["kill"]);
});

Deno.test("ASYNC_FLUSH: a kill at any change takes no promised message", async () => {
  await enumerate("ASYNC_FLUSH", ["kill"]);
});
