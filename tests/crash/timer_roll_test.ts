/**
 * Kills and power losses while pending timer messages are stored again before the log forgets them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { CRASH } from "../../src/common/disk_sim.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { TimerHarness } from "../unit/broker/timer_harness.ts";

const HOUR_MS = 3_600_000;
const COUNT = 400;
const DELAY_HOURS = 100;

Deno.test("a crash while messages are stored again loses none; without one each is delivered once", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new SeededRandom(seed);
    const how = seed % 3;
    let h = await TimerHarness.fresh(seed, { flushDiskType: "SYNC_FLUSH" }).start();
    for (let i = 0; i < COUNT; i++) {
      h.send(`m${i}`, { TIMER_DELAY_MS: String(DELAY_HOURS * HOUR_MS + random.int(20_000)) });
    }
    const gone = await h.pending.list("T", { dueMs: 0, queueOffset: -1 }, 3);
    await h.clock.advance(2000);
    for (const { queueOffset } of gone.messages) await h.drive(() => h.pending.cancel(queueOffset));
    h.clock.jumpWall(40 * HOUR_MS); // more than half of the 72 hours that files are kept
    h.roll.start();
    await h.clock.advance(random.int(120));
    if (how === 0) await h.close();
    const disk = how === 2 ? h.disk.crash(CRASH.keepPrefix) : h.disk.kill();
    h = await h.on(disk).start();
    h.roll.start();
    await h.clock.advance(5000);
    assertEquals(h.timer.roll === null || h.timer.roll.done.dueMs === Number.MAX_SAFE_INTEGER, true, `seed ${seed}`);
    h.clock.jumpWall((DELAY_HOURS - 40) * HOUR_MS - 10_000);
    await h.clock.advance(40_000);
    const bodies = await h.bodies();
    const taken = new Set(gone.messages.map((message) => message.uniqueKey.slice(1)));
    assertEquals(new Set(bodies).size, COUNT - taken.size, `seed ${seed}`);
    assert(bodies.every((body) => !taken.has(body)), `seed ${seed}: a cancelled message came`);
    if (how === 0) assertEquals(bodies.length, COUNT - taken.size, `seed ${seed}`);
    assert(h.store.maxOffset("rmq_sys_wheel_timer", 0) > COUNT + 3, `seed ${seed}: something was stored again`);
    await h.close();
  }
});
