import { assert, assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { Promises } from "../../../src/store/promises.ts";
import { PutStatus } from "../../../src/store/store.ts";

/** A clock that counts the timers that are set. */
class CountingClock extends SimClock {
  timers = 0;

  override after(delayMs: number, fn: () => void) {
    this.timers++;
    return super.after(delayMs, fn);
  }
}

/** The promises of a SYNC_MASTER with SYNC_FLUSH whose offsets the test moves. */
function promisesOf(clock: SimClock) {
  const at = { appended: 0, flushed: 0, replicated: 0 };
  const promises = new Promises({
    clock,
    waitsForSync: true,
    waitsForReplicas: true,
    syncTimeoutMs: 5000,
    replicaTimeoutMs: 3000,
    appendedOffset: () => at.appended,
    flushedOffset: () => at.flushed,
    onArrival: () => {},
  });
  promises.attachReplicas({ available: () => true, replicatedOffset: () => at.replicated, refusal: () => null });
  const told: PutStatus[] = [];
  const append = (bytes: number) => {
    at.appended += bytes;
    promises.ask({ settle: (status) => void told.push(status) }, at.appended, true);
    promises.turnWritten([]);
  };
  return { at, promises, append, told };
}

Deno.test("under load a timer is set for seconds, not for each turn, and who is last still runs out of patience in time", async () => {
  const clock = new CountingClock();
  const { at, promises, append, told } = promisesOf(clock);
  for (let turn = 0; turn < 1000; turn++) {
    append(100);
    at.flushed = at.replicated = at.appended;
    promises.advance();
    await clock.advance(1);
  }
  assertEquals(told, Array(1000).fill(PutStatus.PUT_OK));
  assert(clock.timers <= 2, `${clock.timers} timers were set`);
  append(100);
  at.flushed = at.appended;
  promises.advance();
  await clock.advance(2990);
  assertEquals(told.length, 1000);
  await clock.advance(20);
  assertEquals(told.slice(1000), [PutStatus.FLUSH_SLAVE_TIMEOUT]);
});

Deno.test("patience that ends sooner when only the replica is missing is watched anew", async () => {
  const clock = new SimClock();
  const { at, promises, append, told } = promisesOf(clock);
  append(100);
  await clock.advance(1000);
  at.flushed = at.appended;
  promises.advance();
  await clock.advance(1990);
  assertEquals(told, []);
  await clock.advance(20);
  assertEquals(told, [PutStatus.FLUSH_SLAVE_TIMEOUT]);
});
