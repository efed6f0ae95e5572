import { assertEquals } from "@std/assert";
import {
  type AllocationStrategy,
  averagely,
  averagelyByCircle,
  byConfig,
  byMachineRoom,
  consistentHash,
  nearbyMachineRoom,
} from "../../../src/client/allocation.ts";
import type { MessageQueue } from "../../../src/protocol/message_queue.ts";

function queuesOf(count: number, brokerName = "broker-a"): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ brokerName, queueId, topic: "T" }));
}

/** Queue ids of each member, as a table. */
function shares(strategy: AllocationStrategy, queueCount: number, memberCount: number): number[][] {
  const members = Array.from({ length: memberCount }, (_, i) => `c${i}`);
  return members.map((member) =>
    strategy.allocate(member, queuesOf(queueCount), members).map(({ queueId }) => queueId)
  );
}

Deno.test("AVG gives neighbours, one more to the first members", () => {
  assertEquals(shares(averagely, 8, 3), [[0, 1, 2], [3, 4, 5], [6, 7]]);
  assertEquals(shares(averagely, 4, 4), [[0], [1], [2], [3]]);
  assertEquals(shares(averagely, 2, 4), [[0], [1], [], []]);
  assertEquals(shares(averagely, 10, 4), [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]);
  assertEquals(shares(averagely, 5, 1), [[0, 1, 2, 3, 4]]);
});

Deno.test("AVG_BY_CIRCLE deals the queues out one by one", () => {
  assertEquals(shares(averagelyByCircle, 8, 3), [[0, 3, 6], [1, 4, 7], [2, 5]]);
  assertEquals(shares(averagelyByCircle, 2, 3), [[0], [1], []]);
});

Deno.test("every strategy that shares gives each queue to exactly one member", () => {
  for (const strategy of [averagely, averagelyByCircle, consistentHash()]) {
    for (const [queueCount, memberCount] of [[1, 1], [7, 3], [16, 5], [3, 8], [64, 7]] as const) {
      const all = shares(strategy, queueCount, memberCount).flat().sort((a, b) => a - b);
      assertEquals(all, queuesOf(queueCount).map(({ queueId }) => queueId), strategy.name);
    }
  }
});

Deno.test("who is not a member gets nothing", () => {
  for (const strategy of [averagely, averagelyByCircle, consistentHash()]) {
    assertEquals(strategy.allocate("stranger", queuesOf(4), ["c0", "c1"]), []);
  }
});

Deno.test("CONSISTENT_HASH moves only the queues of a member that goes", () => {
  const strategy = consistentHash();
  const before = new Map(
    ["a", "b", "c", "d"].map((member) =>
      [member, strategy.allocate(member, queuesOf(40), ["a", "b", "c", "d"])] as const
    ),
  );

  for (const member of ["a", "b", "c"]) {
    const after = strategy.allocate(member, queuesOf(40), ["a", "b", "c"]);
    const kept = before.get(member)!.filter(({ queueId }) => after.some((each) => each.queueId === queueId));
    assertEquals(kept, before.get(member));
  }
});

Deno.test("CONFIG and MACHINE_ROOM follow the operator", () => {
  assertEquals(byConfig(queuesOf(2)).allocate("c0", queuesOf(9), ["c0", "c1"]), queuesOf(2));
  const queues = [...queuesOf(3, "room1@broker-a"), ...queuesOf(2, "room2@broker-b")];
  const strategy = byMachineRoom(new Set(["room1"]));
  assertEquals(strategy.allocate("c0", queues, ["c0", "c1"]).map(({ queueId }) => queueId), [0, 2]);
  assertEquals(strategy.allocate("c1", queues, ["c0", "c1"]).map(({ queueId }) => queueId), [1]);
});

Deno.test("MACHINE_ROOM_NEARBY keeps queues in their room and shares those of rooms without members", () => {
  const queues = [...queuesOf(2, "r1-a"), ...queuesOf(2, "r2-b"), ...queuesOf(2, "r3-c")];
  const strategy = nearbyMachineRoom(averagely, {
    brokerRoom: ({ brokerName }) => brokerName.slice(0, 2),
    clientRoom: (clientId) => clientId.slice(0, 2),
  });
  const names = (member: string) =>
    strategy.allocate(member, queues, ["r1-x", "r2-y"]).map(({ brokerName, queueId }) => `${brokerName}${queueId}`);

  assertEquals(names("r1-x"), ["r1-a0", "r1-a1", "r3-c0"]);
  assertEquals(names("r2-y"), ["r2-b0", "r2-b1", "r3-c1"]);
});
