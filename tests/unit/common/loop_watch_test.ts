import { assertEquals } from "@std/assert";
import type { Clock } from "../../../src/common/clock.ts";
import { LoopWatch } from "../../../src/common/loop_watch.ts";

/** A watch whose timer fires when the test says so, and what the test drives it with. */
function watched() {
  let now = 0;
  let cpu = 0;
  let work = 0;
  let pending: { dueMs: number; fn: () => void } | null = null;
  const clock: Pick<Clock, "monotonicMs" | "after"> = {
    monotonicMs: () => now,
    after: (delayMs, fn) => {
      pending = { dueMs: now + delayMs, fn };
      return {
        cancel: () => {
          pending = null;
        },
      };
    },
  };
  const watch = new LoopWatch({ clock: clock as Clock, cpuMs: () => cpu, activity: () => work });
  watch.start();
  return {
    watch,
    /** Lets the timer fire so much too late, and so much CPU time be used; returns the period that it had. */
    fire(lateMs: number, cpuMs = 0, busy = true): number {
      const { dueMs, fn } = pending!;
      const periodMs = dueMs - now;
      now = dueMs + lateMs;
      cpu += cpuMs;
      if (busy) work++;
      fn();
      return periodMs;
    },
    isWaiting: () => pending !== null,
  };
}

Deno.test("a timer that fires late after work of ours counts as a pause", () => {
  const { watch, fire } = watched();

  fire(35, 30);
  fire(3, 5);

  assertEquals(watch.pauses(), {
    count: 1,
    longestMs: 35,
    longestLatelyMs: 35,
    starvedCount: 0,
    longestStarvedMs: 0,
  });
});

Deno.test("a timer that fires late without CPU time tells of the machine, not of us", () => {
  const { watch, fire } = watched();

  fire(200, 10);

  const { count, longestMs, starvedCount, longestStarvedMs } = watch.pauses();
  assertEquals([count, longestMs, starvedCount, longestStarvedMs], [0, 0, 1, 200]);
});

Deno.test("it looks every few milliseconds while there is work, and once a second while there is none", () => {
  const { fire } = watched();

  const periods = [fire(0), fire(0), fire(0, 0, false), fire(0, 0, false), fire(0)];

  assertEquals(periods, [1000, 5, 5, 1000, 1000]);
});

Deno.test("the longest of late is forgotten after two minutes, the longest of all is not", () => {
  const { watch, fire } = watched();

  fire(30, 30);
  for (let second = 0; second < 180; second++) fire(0, 0, false);

  const { longestMs, longestLatelyMs } = watch.pauses();
  assertEquals([longestMs, longestLatelyMs], [30, 0]);
});

Deno.test("a stopped watch leaves no timer", () => {
  const { watch, isWaiting } = watched();

  watch.stop();

  assertEquals(isWaiting(), false);
});
