import { assertEquals } from "@std/assert";
import { getI64 } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { sampleDisk } from "../store/sample_store.ts";
import { TimerHarness } from "./timer_harness.ts";

/** When the sample's broker was stopped: its message of 3 seconds was delivered, those of 2 hours and 2 days were not. */
const STOPPED_MS = 1_795_238_220_000;
const HOURS_2 = 1_795_238_185_724 + 7_200_000;
const DAYS_2 = 1_795_410_985_729;

Deno.test("pending timers of a RocketMQ store are delivered, to the millisecond, and delivered ones are not again", async () => {
  const clock = new SimClock(STOPPED_MS);
  const h = await new TimerHarness(sampleDisk("store-5.5.0-clean", clock), clock).start();
  const page = await h.pending.list("TopicTimer", { dueMs: 0, queueOffset: -1 }, 10);
  assertEquals(page.messages.map((m) => [m.keys, m.dueMs, m.queueId]), [["t2", HOURS_2, 2], ["t3", DAYS_2, 3]]);
  assertEquals(h.disk.stat("/store/timerlog"), null, "it is put aside");
  assertEquals(h.disk.stat("/store/timerlog.imported")?.isDirectory, true);
  clock.jumpWall(HOURS_2 - clock.now() - 1000);
  await clock.advance(1500);
  assertEquals(h.store.maxOffset("TopicTimer", 2), 1);
  assertEquals(h.store.maxOffset("TopicTimer", 1), 1, "what RocketMQ delivered");
  await h.close();

  const again = await h.on(h.disk.kill()).start();
  assertEquals(again.timer.figures().pending, 1);
  clock.jumpWall(DAYS_2 - clock.now() - 1000);
  await clock.advance(1500);
  assertEquals([1, 2, 3].map((q) => again.store.maxOffset("TopicTimer", q)), [1, 1, 1]);
  await again.close();
});

Deno.test("a killed RocketMQ broker's timers are taken over, too", async () => {
  const clock = new SimClock(1_795_411_160_000);
  const h = await new TimerHarness(sampleDisk("store-5.5.0-crashed", clock), clock).start();
  await clock.advance(1000);
  // Its last checkpoint may be from before the first delivery: that one may come twice.
  assertEquals([0, 1].map((q) => h.store.maxOffset("TopicTimer", q)), [1, 1]);
  await h.close();
});

Deno.test("a RocketMQ broker or slave that takes over finds the time up to which timers are delivered", async () => {
  const h = await TimerHarness.fresh().start();
  const t0 = h.clock.now();
  for (let i = 0; i < 5; i++) h.send(`m${i}`, { TIMER_DELAY_SEC: String(3 + 3 * i) });
  await h.clock.advance(7500);
  const check = h.timer.encodeCheck();
  assertEquals(check.length, 56);
  assertEquals([getI64(check, 0) - t0, getI64(check, 8), getI64(check, 16), getI64(check, 24)], [7000, 0, 5, 5]);
  assertEquals(JSON.parse(h.timer.metricsText()).timingCount.T.count, 3);
  await h.close();
  const file = readWhole(h.disk.kill(), "/store/config/timercheck")!;
  assertEquals([file.length, getI64(file, 0) - t0, getI64(file, 16) <= 2], [4096, 7000, true]);
});

Deno.test("a slave's timers follow the master's progress and go on from there", async () => {
  const h = await TimerHarness.fresh().start(false);
  const t0 = h.clock.now();
  for (let i = 0; i < 40; i++) h.send(`m${i}`, { TIMER_DELAY_MS: String(1000 * (1 + i)) });
  await h.clock.advance(20_000);
  await h.timer.followMaster(t0 + 18_000, 40);
  h.timer.start();
  await h.clock.advance(60_000);
  assertEquals(await h.bodies(), Array.from({ length: 22 }, (_, i) => `m${18 + i}`));
  await h.close();
});
