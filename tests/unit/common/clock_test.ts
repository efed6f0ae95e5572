/** The machine's clock. Real time passes here, as little as shows the order of things. @module */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SystemClock } from "../../../src/common/clock.ts";

Deno.test("now is wall time in whole milliseconds and monotonic time does not go back", () => {
  const clock = new SystemClock();
  const now = clock.now();
  assert(Number.isInteger(now) && Math.abs(now - Date.now()) < 1000);
  let last = clock.monotonicMs();
  for (let i = 0; i < 1000; i++) {
    const next = clock.monotonicMs();
    assert(next >= last);
    last = next;
  }
});

Deno.test("a timer runs once, a cancelled one never", async () => {
  const clock = new SystemClock();
  const ran: string[] = [];
  clock.after(1, () => ran.push("a"));
  const cancelled = clock.after(1, () => ran.push("cancelled"));
  cancelled.cancel();
  cancelled.cancel();

  await clock.sleep(5);

  assertEquals(ran, ["a"]);
});

Deno.test("a periodic timer runs until it is cancelled", async () => {
  const clock = new SystemClock();
  let count = 0;
  await new Promise<void>((resolve) => {
    const timer = clock.every(1, () => {
      if (++count < 3) return;
      timer.cancel();
      resolve();
    });
  });

  await clock.sleep(5);

  assertEquals(count, 3);
});

Deno.test("a sleep ends early with the reason of its signal", async () => {
  const clock = new SystemClock();
  const abort = new AbortController();
  const sleep = clock.sleep(60_000, abort.signal);
  abort.abort(new Error("stop"));

  await assertRejects(() => sleep, Error, "stop");
  await assertRejects(() => clock.sleep(60_000, abort.signal), Error, "stop");
});
