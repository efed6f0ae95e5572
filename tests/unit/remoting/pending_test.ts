/** Requests that wait for their response, on virtual time. @module */
import { assert, assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import { command } from "../../../src/remoting/command.ts";
import { PendingRequests } from "../../../src/remoting/pending.ts";

/** Waits, and notes how it ended. */
function waiter(pending: PendingRequests, clock: SimClock, ends: string[]) {
  return (opaque: number, timeoutMs: number) => {
    pending.wait(opaque, 11, timeoutMs).then(
      (response) => ends.push(`${opaque} answered ${response.code} at ${clock.monotonicMs()}`),
      (error) => {
        assert(error instanceof ConnectionError);
        ends.push(`${opaque} ${error.fault} at ${clock.monotonicMs()}: ${error.message}`);
      },
    );
  };
}

Deno.test("each request times out at its own deadline, whatever the order of asking", async () => {
  const clock = new SimClock();
  const pending = new PendingRequests(clock, "10.0.0.1:10911");
  const ends: string[] = [];
  const wait = waiter(pending, clock, ends);
  wait(1, 3000);
  wait(2, 1000);
  wait(3, 2000);
  pending.settle(command({ code: 0, opaque: 2 }));
  assertEquals(pending.size, 2);

  await clock.advance(5000);

  const late = "no response from 10.0.0.1:10911 to request 11 in time";
  assertEquals(ends, ["2 answered 0 at 0", `3 timeout at 2000: ${late}`, `1 timeout at 3000: ${late}`]);
  assertEquals([pending.size, clock.pendingTimers], [0, 0]);
});

Deno.test("a response that nobody waits for, or not any more, is told", async () => {
  const clock = new SimClock();
  const pending = new PendingRequests(clock, "peer");
  const ends: string[] = [];
  waiter(pending, clock, ends)(-2147483648, 10);

  assertEquals(pending.settle(command({ code: 0, opaque: 5 })), false);
  assertEquals(pending.settle(command({ code: 7, opaque: -2147483648 })), true);
  assertEquals(pending.settle(command({ code: 7, opaque: -2147483648 })), false);
  await clock.advance(20);
  assertEquals(ends, ["-2147483648 answered 7 at 0"]);
});

Deno.test("the end of the connection fails all that wait, and later ones still time out", async () => {
  const clock = new SimClock();
  const pending = new PendingRequests(clock, "peer");
  const ends: string[] = [];
  const wait = waiter(pending, clock, ends);
  wait(1, 100);
  wait(2, 200);
  pending.failAll("reset");
  assertEquals(clock.pendingTimers, 0);
  wait(3, 300);
  await clock.advance(1000);

  const closed = "connection to peer closed: reset";
  assertEquals(ends, [
    `1 closed at 0: ${closed}`,
    `2 closed at 0: ${closed}`,
    "3 timeout at 300: no response from peer to request 11 in time",
  ]);
});
