import { assertEquals, assertMatch } from "@std/assert";
import { HaGate, type HaGateOptions } from "../../../src/store/ha_gate.ts";

const END = 1000;
const OPTIONS: HaGateOptions = {
  inSyncReplicas: 1,
  minInSyncReplicas: 1,
  enableAutoInSyncReplicas: false,
  allAckInSyncStateSet: false,
  haMaxGapNotInSync: 500,
};

/** The gate of a master at 1000 whose slaves have acknowledged so much; negative: from a slave that nobody knows. */
function gate(acks: readonly number[], options: Partial<HaGateOptions> = {}): HaGate {
  const replicas = acks.map((ack) => ({ isKnown: ack >= 0, hasBegun: true, ackOffset: Math.abs(ack) }));
  return new HaGate(replicas, () => END, () => ({ ...OPTIONS, ...options }));
}

function answers(tested: HaGate): [boolean, number] {
  return [tested.available(), tested.replicatedOffset()];
}

Deno.test("without a slave that counts the promise is the master's own", () => {
  assertEquals(gate([]).available(), false);
  assertEquals(gate([-1000]).available(), false, "a stranger does not count");
  assertEquals(gate([500]).available(), false, "too far behind");
  assertEquals(gate([501]).available(), true);
});

Deno.test("one slave is enough, the fastest, unless more are wanted", () => {
  assertEquals(answers(gate([900, 700])), [true, 900]);
  assertEquals(answers(gate([900, 700, 800], { inSyncReplicas: 3 })), [true, 800]);
  assertEquals(gate([900], { inSyncReplicas: 3 }).available(), false);
  assertEquals(answers(gate([900], { inSyncReplicas: 3, enableAutoInSyncReplicas: true })), [true, 900]);
  assertEquals(answers(gate([900, 700, 800], { allAckInSyncStateSet: true })), [true, 700]);
  assertEquals(answers(gate([900, 100], { allAckInSyncStateSet: true })), [true, 900]);
});

Deno.test("with fewer than minInSyncReplicas nothing is promised and nothing taken", () => {
  const tested = gate([], { inSyncReplicas: 2, minInSyncReplicas: 2 });
  assertEquals(answers(tested), [true, 0]);
  assertMatch(tested.refusal() ?? "", /1 in-sync replicas with the master, minInSyncReplicas is 2/);
  assertEquals(gate([900], { inSyncReplicas: 2, minInSyncReplicas: 2 }).refusal(), null);
});
