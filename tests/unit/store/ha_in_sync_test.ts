import { assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { type Follower, InSyncSet } from "../../../src/store/ha_in_sync.ts";

function harness(minInSyncReplicas = 1) {
  const clock = new SimClock();
  const connections: Follower[] = [];
  const log = { endOffset: 100, promised: 40 };
  let reviews = 0;
  const set = new InSyncSet({
    clock,
    connections,
    endOffset: () => log.endOffset,
    promisedOffset: () => log.promised,
    minInSyncReplicas: () => minInSyncReplicas,
    lateMs: 3000,
    onChange: () => {},
    onReview: () => reviews++,
  });
  const tick = async (ms: number) => {
    for (let at = 0; at < ms; at += 100) {
      await clock.advance(100);
      set.tick();
    }
  };
  return { clock, connections, log, set, tick, reviews: () => reviews };
}

const follower = (replicaId: number, ackOffset: number, hasBegun = true): Follower => ({
  replicaId,
  ackOffset,
  hasBegun,
});

Deno.test("everything must be acknowledged by all who are required; without a connection nothing goes on", () => {
  const { set, connections } = harness();
  assertEquals([set.available(), set.refusal()], [false, null], "alone: the leader's own promise");
  connections.push(follower(2, 90), follower(3, 70), follower(9, 10));
  set.require(new Set([2, 3]));
  assertEquals([set.available(), set.replicatedOffset()], [true, 70]);
  set.require(new Set([2, 3, 4]));
  assertEquals(set.replicatedOffset(), 0);
});

Deno.test("fewer than minInSyncReplicas refuse messages, and promise nothing", () => {
  const { set, connections } = harness(2);
  assertEquals([set.available(), set.replicatedOffset()], [true, 0]);
  assertEquals(set.refusal(), "1 in-sync replicas with the leader, minInSyncReplicas is 2");
  connections.push(follower(2, 90));
  set.require(new Set([2]));
  assertEquals([set.refusal(), set.replicatedOffset()], [null, 90]);
});

Deno.test("only a replica's newest connection counts, also before it has begun", () => {
  const { set, connections } = harness();
  connections.push(follower(2, 90), follower(2, 60));
  set.require(new Set([2]));
  assertEquals(set.replicatedOffset(), 60);
  connections.push(follower(2, -1, false));
  assertEquals(set.replicatedOffset(), 0);
});

Deno.test("late is who has gone for a second, or is behind for too long", async () => {
  const { set, connections, log, tick } = harness();
  connections.push(follower(2, 100), follower(3, 100));
  set.require(new Set([2, 3]));
  await tick(500);
  connections.pop();
  await tick(1200);
  assertEquals([set.isLate(2), set.isLate(3)], [false, true]);
  log.endOffset = 200;
  await tick(2500);
  assertEquals(set.isLate(2), false);
  await tick(1500);
  assertEquals(set.isLate(2), true);
});

Deno.test("a replica that has what was promised asks for a review, once", async () => {
  const { set, connections, tick, reviews } = harness();
  connections.push(follower(2, 30));
  await tick(300);
  assertEquals([reviews(), set.hasPromised(2)], [0, false]);
  connections[0] = follower(2, 45);
  await tick(300);
  assertEquals([reviews(), set.hasPromised(2), set.hasEverything(2)], [1, true, false]);
});
