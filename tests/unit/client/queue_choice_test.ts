import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { SeededRandom } from "../../../src/common/random.ts";
import { avoidanceMs, LatencyFault } from "../../../src/client/latency_fault.ts";
import { QueueChoice } from "../../../src/client/queue_choice.ts";

const queues = ["a", "b"].flatMap((brokerName) => [0, 1, 2].map((queueId) => ({ brokerName, queueId, topic: "T" })));

Deno.test("messages go to the queues in turn", () => {
  const choice = new QueueChoice(new SeededRandom(1), null);

  const chosen = queues.map(() => choice.choose(queues, null, 0));

  assertEquals(new Set(chosen).size, queues.length);
  assertEquals(choice.choose(queues, null, 0), chosen[0]);
});

Deno.test("after a failure another broker is chosen, and the same one when there is no other", () => {
  const choice = new QueueChoice(new SeededRandom(1), null);

  for (let i = 0; i < 10; i++) assertNotEquals(choice.choose(queues, "a", 0).brokerName, "a");
  assertEquals(choice.choose(queues.slice(0, 3), "a", 0).brokerName, "a");
});

Deno.test("a broker that was slow is avoided for the time of the table, then chosen again", () => {
  const fault = new LatencyFault();
  const choice = new QueueChoice(new SeededRandom(1), fault);
  const brokersAt = (nowMs: number) => new Set(queues.map(() => choice.choose(queues, null, nowMs).brokerName));

  fault.record("a", 600, false, 1000);
  assertEquals(brokersAt(1000), new Set(["b"]));
  assertEquals(brokersAt(3000), new Set(["a", "b"]));
  fault.record("b", 5, true, 3000);
  assertEquals(brokersAt(3000), new Set(["a"]));
  fault.record("a", 5, true, 3000);
  assertEquals(brokersAt(3000), new Set(["a", "b"]), "when all are avoided none is");
});

Deno.test("the table of avoidance is RocketMQ's", () => {
  const latencies = [0, 50, 100, 549, 550, 1800, 3000, 5000, 14999, 15000];
  assertEquals(latencies.map(avoidanceMs), [0, 0, 0, 0, 2000, 5000, 6000, 10000, 10000, 30000]);
  assert(new LatencyFault().isAvailable("never heard of", 0));
});
