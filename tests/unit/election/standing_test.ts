import { assertEquals, assertStringIncludes } from "@std/assert";
import { type GroupState, type GroupView, NO_STATE, NO_VERSION } from "../../../src/election/group_state.ts";
import { type Standing, standingObstacle } from "../../../src/election/standing.ts";

const STATE: GroupState = { ...NO_STATE, epoch: 4, leader: 1, inSync: [1, 2] };

function view(state: Partial<GroupState> | null, others: GroupView["replicas"] = []): GroupView {
  const entry = { createRevision: 1, modRevision: 9, lease: "" };
  return {
    state: state && { ...entry, value: { ...STATE, ...state } },
    leader: null,
    handOver: null,
    replicas: others,
  };
}

/** What keeps replica 2, which has long been there, from standing. */
function obstacle(changes: Partial<Standing>): string | null {
  return standingObstacle({
    view: view({}),
    replica: 2,
    now: 100_000,
    leaseMs: 3000,
    startedMs: 0,
    stateSeenMs: 0,
    grant: { untilMs: -Infinity, epoch: 0 },
    sickUntilMs: -Infinity,
    illness: null,
    endOffset: 500,
    isTrusted: true,
    epoch: 4,
    newestState: NO_VERSION,
    logBytes: 0,
    ...changes,
  });
}

Deno.test("a replica that is in sync stands, one that is not does not", () => {
  assertEquals(obstacle({}), null);
  assertStringIncludes(obstacle({ view: view({ inSync: [1] }) })!, "not in sync, and only those who are may lead (1)");
  assertStringIncludes(obstacle({ view: view({ removed: [2] }) })!, "removed");
  assertStringIncludes(obstacle({ illness: "the disk is full" })!, "disk is full");
});

Deno.test("what was promised to a leader holds to its time, also over a restart, unless that leader has let go", () => {
  const grant = { untilMs: 100_001, epoch: 4 };
  assertStringIncludes(obstacle({ grant })!, "promised the leader of epoch 4");
  assertEquals(obstacle({ grant: { ...grant, untilMs: 100_000 } }), null);
  assertStringIncludes(obstacle({ startedMs: 98_000 })!, "before it started");
  assertEquals(obstacle({ grant, startedMs: 98_000, view: view({ released: true }) }), null);
  assertStringIncludes(obstacle({ grant: { ...grant, epoch: 5 }, view: view({ released: true }) })!, "epoch 5");
  assertEquals(
    obstacle({ startedMs: 98_000, view: view({ leader: 2 }) }),
    null,
    "it led last, so that nobody else was promised",
  );
  assertStringIncludes(
    obstacle({ startedMs: 98_000, epoch: 3, view: view({ leader: 2 }) })!,
    "before it started",
    "it was elected and ended before it had noted that: the leader before may have been promised something since",
  );
});

Deno.test("a log that may lack what it acknowledged stands only where nobody else is in sync", () => {
  assertStringIncludes(obstacle({ isTrusted: false })!, "lost power");
  assertEquals(obstacle({ isTrusted: false, view: view({ inSync: [2] }) }), null);
});

Deno.test("a replica whose store was emptied does not stand for the log that it had, but when an operator has named it", () => {
  const heldOffset = 400;
  assertEquals(obstacle({ view: view({ heldOffset }) }), null);
  assertStringIncludes(obstacle({ view: view({ heldOffset }), endOffset: 399 })!, "its log ends at 399");
  assertStringIncludes(obstacle({ view: view({ heldOffset, inSync: [2] }), endOffset: 0 })!, "its store was emptied");
  assertEquals(obstacle({ view: view({ heldOffset, inSync: [2] }), endOffset: 399 }), null, "there is nobody better");
  assertStringIncludes(obstacle({ epoch: 0, endOffset: 0 })!, "its store was emptied");
  assertStringIncludes(obstacle({ logBytes: 7, endOffset: 0, view: view({ inSync: [2] }) })!, "had at least 7 bytes");
  assertEquals(obstacle({ logBytes: 0, endOffset: 0 }), null, "nobody has written anything yet");
  assertEquals(obstacle({ epoch: 0, endOffset: 0, view: view({ heldOffset, inSync: [2], next: 2 }) }), null);
});

Deno.test("nobody stands by a state that is older than what was seen, but for whom an operator has named", () => {
  assertStringIncludes(obstacle({ epoch: 5 })!, "has epoch 4, and epoch 5 was seen");
  const other = {
    replica: 3,
    brokerAddr: "",
    haAddr: "",
    epoch: 6,
    endOffset: 10,
    idle: null,
    key: null,
    newestState: NO_VERSION,
  };
  const others = [{ value: other, createRevision: 1, modRevision: 1, lease: "1" }];
  assertStringIncludes(obstacle({ view: view({}, others) })!, "epoch 6 was seen");
  assertEquals(obstacle({ epoch: 5, view: view({ inSync: [2], next: 2 }) }), null);
});

Deno.test("whoever is handed over to goes first, for a lease's time", () => {
  const handedOver = view({ released: true, next: 1 });
  assertStringIncludes(obstacle({ view: handedOver, stateSeenMs: 98_000 })!, "replica 1 is to lead");
  assertEquals(obstacle({ view: handedOver, stateSeenMs: 96_000 }), null);
});

Deno.test("a new group is begun by an empty replica that has waited for others, never over messages", () => {
  const fresh = { view: view(null), endOffset: 0, epoch: 0 };
  assertEquals(obstacle(fresh), null);
  assertStringIncludes(obstacle({ ...fresh, startedMs: 98_000 })!, "waits for other replicas");
  assertStringIncludes(obstacle({ ...fresh, endOffset: 10 })!, "forceMaster");
  assertStringIncludes(obstacle({ ...fresh, epoch: 4 })!, "lost the group's state");
  const other = {
    replica: 1,
    brokerAddr: "",
    haAddr: "",
    epoch: 0,
    endOffset: 10,
    idle: null,
    key: null,
    newestState: NO_VERSION,
  };
  const others = [{ value: other, createRevision: 1, modRevision: 1, lease: "1" }];
  assertStringIncludes(obstacle({ ...fresh, view: view(null, others) })!, "replica 1 has messages");
});

Deno.test("nobody stands by a state of the same epoch that was set back, but for whom an operator has named", () => {
  const present = { version: 5 };
  assertEquals(obstacle({ view: view(present), newestState: { epoch: 4, version: 5 } }), null);
  assertStringIncludes(obstacle({ view: view(present), newestState: { epoch: 4, version: 6 } })!, "was set back");
  const other = { replica: 3, brokerAddr: "", haAddr: "", epoch: 4, endOffset: 10, idle: null, key: null };
  const seen = { ...other, newestState: { epoch: 4, version: 6 } };
  const others = [{ value: seen, createRevision: 1, modRevision: 1, lease: "1" }];
  assertStringIncludes(obstacle({ view: view(present, others) })!, "was set back");
  assertEquals(obstacle({ view: view({ ...present, inSync: [2], next: 2 }, others) }), null);
  assertEquals(obstacle({ view: view({ epoch: 5, version: 0 }, others) }), null, "another has led since");
});
