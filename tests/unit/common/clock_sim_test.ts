/** Virtual time: order, settling, limits. @module */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";

Deno.test("timers run in order of time, and in order of making at the same time", async () => {
  const clock = new SimClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push(`c@${clock.monotonicMs()}`));
  clock.after(10, () => ran.push(`a@${clock.monotonicMs()}`));
  clock.after(10, () => ran.push(`b@${clock.monotonicMs()}`));
  clock.after(20.5, () => ran.push("never"));

  await clock.advance(20);

  assertEquals(ran, ["a@10", "b@10", "c@20"]);
  assertEquals(clock.monotonicMs(), 20);
  assertEquals(clock.pendingTimers, 1);
});

Deno.test("a thousand random timers, some cancelled, run as a sorted list would have them", async () => {
  const clock = new SimClock();
  const random = new SeededRandom(42);
  const expected: { atMs: number; id: number }[] = [];
  const ran: number[] = [];
  for (let id = 0; id < 1000; id++) {
    const atMs = random.int(50);
    const timer = clock.after(atMs, () => ran.push(id));
    if (random.int(3) === 0) {
      timer.cancel();
      timer.cancel();
    } else expected.push({ atMs, id });
  }
  assertEquals(clock.pendingTimers, expected.length);

  await clock.advance(50);

  assertEquals(ran, expected.sort((a, b) => a.atMs - b.atMs || a.id - b.id).map((timer) => timer.id));
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("a chain of a thousand awaits settles before time moves on", async () => {
  const clock = new SimClock();
  let finishedAtMs = -1;
  clock.after(1, async () => {
    for (let i = 0; i < 1000; i++) await Promise.resolve();
    finishedAtMs = clock.monotonicMs();
  });
  clock.after(1.001, () => {});

  await clock.advance(5);

  assertEquals(finishedAtMs, 1);
});

Deno.test("time waits for tracked real work and for what follows from it", async () => {
  const clock = new SimClock();
  let digestedAtMs = -1;
  clock.after(1, async () => {
    for (let i = 0; i < 3; i++) await clock.track(crypto.subtle.digest("SHA-256", new Uint8Array(100_000)));
    digestedAtMs = clock.monotonicMs();
  });

  await clock.advance(1000);

  assertEquals(digestedAtMs, 1);
});

Deno.test("tracked work that fails holds time no longer than its failure", async () => {
  const clock = new SimClock();
  const failed = clock.track(Promise.reject(new Error("no")));

  await clock.advance(1);

  await assertRejects(() => failed, Error, "no");
});

Deno.test("a sleeper that sleeps again wakes at the sum of both", async () => {
  const clock = new SimClock();
  const woke: number[] = [];
  const sleeper = (async () => {
    for (const ms of [5, 0, 7]) {
      await clock.sleep(ms);
      woke.push(clock.monotonicMs());
    }
  })();

  await clock.advance(100);

  await sleeper;
  assertEquals(woke, [5, 5, 12]);
});

Deno.test("an aborted sleep rejects with the reason and leaves no timer", async () => {
  const clock = new SimClock();
  const abort = new AbortController();
  const sleep = clock.sleep(1000, abort.signal);

  abort.abort(new Error("stop"));

  await assertRejects(() => sleep, Error, "stop");
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("a periodic call comes every period until cancelled, also by itself", async () => {
  const clock = new SimClock();
  const at: number[] = [];
  const timer = clock.every(10, () => {
    at.push(clock.monotonicMs());
    if (at.length === 3) timer.cancel();
  });

  await clock.advance(100);

  assertEquals(at, [10, 20, 30]);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("runUntil stops at the instant the condition holds", async () => {
  const clock = new SimClock();
  let count = 0;
  const timer = clock.every(10, () => count++);

  await clock.runUntil(() => count === 4, 1000);

  assertEquals(clock.monotonicMs(), 40);
  timer.cancel();
});

Deno.test("runUntil says what it waited for and when the next timer would have been", async () => {
  const clock = new SimClock();
  clock.after(500, () => {});

  const late = await assertRejects(() => clock.runUntil(() => false, 100, "the reply"), Error);
  assertStringIncludes(late.message, "Waited 100 ms of virtual time for the reply (from 0 to 100 ms)");
  assertStringIncludes(late.message, "next timer is due at 500 ms");

  const never = await assertRejects(() => clock.runUntil(() => false, 1000), Error);
  assertStringIncludes(never.message, "no timer is waiting");
  assertEquals(clock.monotonicMs(), 1100);
});

Deno.test("the wall clock jumps without timers or monotonic time noticing", async () => {
  const clock = new SimClock(1_000_000);
  const seen: number[] = [];
  clock.after(10, () => seen.push(clock.now(), clock.monotonicMs()));

  clock.jumpWall(-500_000);
  await clock.advance(10);

  assertEquals(seen, [500_010, 10]);
});

Deno.test("what a timer throws reaches whoever moves time, and the clock goes on afterwards", async () => {
  const clock = new SimClock();
  clock.after(1, () => {
    throw new Error("bang");
  });

  await assertRejects(() => clock.advance(5), Error, "bang");

  assertEquals(clock.monotonicMs(), 1);
  await clock.advance(4);
  assertEquals(clock.monotonicMs(), 5);
});

Deno.test("time has one driver", async () => {
  const clock = new SimClock();
  const first = clock.advance(1);

  await assertRejects(() => clock.advance(1), Error, "being moved already");

  await first;
  assertEquals(clock.monotonicMs(), 1);
});

Deno.test("step goes to the next timer and says when there is none", async () => {
  const clock = new SimClock();
  clock.after(7, () => {});

  assertEquals(await clock.step(), true);
  assertEquals(clock.monotonicMs(), 7);
  assertEquals(await clock.step(), false);
});
