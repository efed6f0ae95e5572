import { assert, assertEquals } from "@std/assert";
import { CRASH } from "../../../src/common/disk_sim.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { TimerHarness } from "./timer_harness.ts";

const DAY_MS = 86_400_000;
const TIMER = "rmq_sys_wheel_timer";

Deno.test("a message is delivered at its time to the millisecond, in order of due time, with RocketMQ's properties", async () => {
  const h = await TimerHarness.fresh().start();
  const t0 = h.clock.now();
  h.send("c", { TIMER_DELAY_MS: "2750" });
  h.send("b", { TIMER_DELAY_SEC: "2" });
  h.send("d", { TIMER_DELIVER_MS: String(t0 + 40 * DAY_MS) });
  h.send("a", { TIMER_DELAY_MS: "100" });
  await h.clock.advance(5000);
  assertEquals(await h.bodies(), ["a", "b", "c"]);
  const [a, b, c] = await h.read();
  assertEquals([a!, b!, c!].map((m) => m.storeTimestamp - t0), [100, 2000, 2750]);
  assertEquals(b!.properties.get("TIMER_OUT_MS"), String(t0 + 1000), "an exact tick is noted one tick earlier");
  assertEquals(c!.properties.get("TIMER_OUT_MS"), String(t0 + 2000));
  assertEquals(c!.properties.get("REAL_TOPIC"), "T");
  assertEquals(c!.properties.get("TIMER_ENQUEUE_MS"), String(t0));
  assertEquals(c!.properties.get("TIMER_DEQUEUE_MS"), String(t0 + 2750));
  h.clock.jumpWall(40 * DAY_MS - 7000);
  await h.clock.advance(3000);
  assertEquals((await h.bodies()).length, 4);
  assertEquals((await h.read())[3]!.storeTimestamp - t0, 40 * DAY_MS);
  await h.close();
});

Deno.test("what is due already is an ordinary message; a level wins; nonsense is refused", async () => {
  const h = await TimerHarness.fresh().start();
  h.send("past", { TIMER_DELIVER_MS: "1000" });
  assertEquals(h.send("level", { TIMER_DELAY_MS: "9000", DELAY: "1" }).refusal, null);
  assertEquals(h.send("nonsense", { TIMER_DELAY_MS: "soon" }).refusal?.code, ResponseCode.MESSAGE_ILLEGAL);
  assertEquals(h.send("never", { TIMER_DELIVER_MS: "9".repeat(19) }).refusal?.code, ResponseCode.MESSAGE_ILLEGAL);
  const late = h.send("x", { TIMER_DELIVER_MS: "1000", TIMER_DEL_UNIQKEY: "T+y" });
  assertEquals(late.refusal?.code, ResponseCode.MESSAGE_ILLEGAL);
  await h.clock.settle();
  assertEquals(await h.bodies(), ["past", "level"]);
  await h.close();
});

Deno.test("after a long stop everything due is delivered at once, in order of due time and then of arrival", async () => {
  const h = await TimerHarness.fresh().start();
  const t0 = h.clock.now();
  for (let i = 0; i < 100; i++) h.send(`m${i}`, { TIMER_DELIVER_MS: String(t0 + 60_000 + (i * 37 % 10) * 1000) });
  h.send("far", { TIMER_DELAY_SEC: "8640000" });
  await h.clock.advance(10_000);
  await h.close();
  h.clock.jumpWall(10 * DAY_MS);
  const again = await h.on(h.disk.kill()).start();
  await h.clock.advance(50);
  const expected = Array.from({ length: 100 }, (_, i) => i)
    .sort((a, b) => a * 37 % 10 - b * 37 % 10 || a - b).map((i) => `m${i}`);
  assertEquals(await again.bodies(), expected);
  assertEquals(again.timer.figures().pending, 1);
  await again.close();
});

Deno.test("a deletion takes away every message with its key in its tick, sent before or after it", async () => {
  const h = await TimerHarness.fresh().start();
  const due = h.clock.now() + 20_000;
  h.send("before", { TIMER_DELIVER_MS: String(due + 400) });
  h.send("del1", { TIMER_DELIVER_MS: String(due + 900), TIMER_DEL_UNIQKEY: "T+Ubefore" });
  h.send("del2", { TIMER_DELIVER_MS: String(due + 900), TIMER_DEL_UNIQKEY: "T+Uafter" });
  h.send("after", { TIMER_DELIVER_MS: String(due + 100) });
  h.send("other tick", { TIMER_DELIVER_MS: String(due + 5000) });
  h.send("del3", { TIMER_DELIVER_MS: String(due + 9000), TIMER_DEL_UNIQKEY: "T+Uother tick" });
  await h.clock.advance(10_000);
  const again = await h.on(h.disk.kill()).start();
  await h.clock.advance(30_000);
  assertEquals(await again.bodies(), ["other tick"]);
  await again.close();
});

Deno.test("administrators list, cancel and re-time pending messages", async () => {
  const h = await TimerHarness.fresh().start();
  const t0 = h.clock.now();
  for (let i = 0; i < 40; i++) h.send(`m${i}`, { TIMER_DELAY_MS: String(60_000 + 10 * (40 - i)) }, i % 2 ? "T" : "S");
  await h.clock.advance(1000);
  const first = await h.pending.list("T", { dueMs: 0, queueOffset: -1 }, 15);
  const second = await h.pending.list("T", first.next!, 15);
  assertEquals(
    [...first.messages, ...second.messages].map((m) => m.uniqueKey).join(),
    Array.from({ length: 20 }, (_, i) => `Um${39 - 2 * i}`).join(),
  );
  assertEquals(second.next, null);
  assertEquals(first.messages[0]!.dueMs, t0 + 60_010);

  const [offset] = await h.pending.find("T", "Um39");
  assertEquals(offset, first.messages[0]!.queueOffset);
  assertEquals(await h.drive(() => h.pending.cancel(offset!)), "changed");
  assertEquals(await h.drive(() => h.pending.cancel(offset!)), "not-pending");
  const moved = first.messages[1]!;
  assertEquals(await h.drive(() => h.pending.retime(moved.queueOffset, moved.dueMs + 5)), "changed");
  assertEquals(await h.drive(() => h.pending.retime(first.messages[2]!.queueOffset, t0 + 90_000)), "changed");
  const third = await h.pending.list("T", { dueMs: 0, queueOffset: -1 }, 100);
  assertEquals(third.messages.length, 19);
  await h.clock.advance(100_000);
  const bodies = await h.bodies();
  assertEquals(bodies.length, 19);
  assertEquals(bodies[0], "m37");
  assertEquals(bodies[18], "m35");
  assertEquals((await h.read())[0]!.storeTimestamp, moved.dueMs + 5);
  assertEquals(await h.drive(() => h.pending.cancel(offset!)), "not-pending");
  await h.close();
});

Deno.test("a message that waits longer than files are kept is stored again in time, and delivered once", async () => {
  const h = await TimerHarness.fresh(1, { fileReservedTime: 72 }).start();
  h.roll.start();
  const t0 = h.clock.now();
  for (let i = 0; i < 50; i++) h.send(`m${i}`, { TIMER_DELAY_SEC: String(20 * 86400 + i) });
  for (const end = t0 + 19 * DAY_MS; h.clock.now() < end;) {
    h.clock.jumpWall(4 * 3_600_000);
    await h.clock.advance(61_000);
  }
  const stored = h.store.maxOffset(TIMER, 0);
  assert(stored >= 50 * 9 && stored <= 50 * 14, `${stored} copies`);
  // What was stored in the first days is not needed any more.
  assert(await h.store.storeTimeAt(TIMER, 0, h.timer.index.minQueueOffset) > t0 + 16 * DAY_MS);
  h.clock.jumpWall(t0 + 20 * DAY_MS - 1000 - h.clock.now());
  await h.clock.advance(52_000);
  const messages = await h.read();
  assertEquals(messages.length, 50);
  assertEquals(
    messages.map((m) => m.storeTimestamp - t0 - 20 * DAY_MS),
    Array.from({ length: 50 }, (_, i) => i * 1000),
  );
  assert(Number(messages[0]!.properties.get("TIMER_ROLL_TIMES")) >= 9);
  await h.close();
});

Deno.test("copies of old messages that find no space are made again when there is some", async () => {
  const h = await TimerHarness.fresh(1, { fileReservedTime: 72 }).start();
  h.roll.start();
  const t0 = h.clock.now();
  for (let i = 0; i < 50; i++) h.send(`m${i}`, { TIMER_DELAY_SEC: String(20 * 86400 + i) });
  await h.clock.advance(1);
  for (const end = t0 + 19 * DAY_MS; h.clock.now() < end;) {
    const full = h.disk.faults.fail({ path: /commitlog/, operation: "write", nth: 1, fault: "no-space" });
    h.clock.jumpWall(4 * 3_600_000);
    await h.clock.advance(61_000);
    full.cancel();
  }
  assert(h.log.some((line) => line.includes("No space left")));
  h.clock.jumpWall(t0 + 20 * DAY_MS - 1000 - h.clock.now());
  await h.clock.advance(52_000);
  assertEquals(await h.bodies(), Array.from({ length: 50 }, (_, i) => `m${i}`));
  await h.close();
});

Deno.test("the index is made again when its files are damaged or gone", async () => {
  for (const spoil of ["flip", "remove"]) {
    const h = await TimerHarness.fresh().start();
    for (let i = 0; i < 60; i++) h.send(`m${i}`, { TIMER_DELAY_MS: String(1000 + 100 * i) });
    await h.clock.advance(3050);
    await h.close();
    const disk = h.disk.kill();
    for (const { name } of disk.list("/store/timer")) {
      if (spoil === "flip") disk.flipBit(`/store/timer/${name}`, 100, 3);
      else disk.remove(`/store/timer/${name}`);
    }
    const again = await h.on(disk).start();
    await h.clock.advance(10_000);
    assertEquals(await again.bodies(), Array.from({ length: 60 }, (_, i) => `m${i}`), spoil);
    assert(again.log.some((line) => line.includes("reading the timer topic again")), spoil);
    await again.close();
  }
});

Deno.test("after a power loss that takes deliveries back they are made again", async () => {
  const h = await TimerHarness.fresh(3, { flushIntervalCommitLog: 3_600_000 }).start();
  for (let i = 0; i < 30; i++) h.send(`m${i}`, { TIMER_DELAY_MS: String(2000 + i) });
  await h.clock.advance(500);
  h.disk.settle();
  await h.clock.advance(5000);
  assertEquals((await h.bodies()).length, 30);
  const again = await h.on(h.disk.crash(CRASH.dropUnsynced)).start();
  await h.clock.advance(5000);
  assertEquals([...new Set(await again.bodies())].length, 30);
  await again.close();
});
