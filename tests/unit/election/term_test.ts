import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InvariantError } from "../../../src/common/errors.ts";
import { elected, type Entry, type GroupState, withInSync } from "../../../src/election/group_state.ts";
import { Term } from "../../../src/election/term.ts";

const STATE = elected(null, { epoch: 3, leader: 1, startOffset: 0, atMs: 0 }, []);

function stateAt(modRevision: number): Entry<GroupState> {
  return { value: STATE, createRevision: 1, modRevision, lease: "" };
}

/** The term of replica 1 in which those named are not late, `holders` have its log, and 3 has everything. */
function begin(there: readonly number[] = [], inSync: readonly number[] = [1], holders = new Set([2, 3, 4])): Term {
  const followers = {
    require: () => {},
    isLate: (replica: number) => !there.includes(replica),
    connected: () => there,
    hasPromised: (replica: number) => holders.has(replica),
    hasEverything: (replica: number) => replica === 3,
  };
  const lease = { id: "7", deadlineMs: 100 };
  return new Term({ replica: 1, epoch: 3, inSync, followers, createRevision: 5, lease });
}

Deno.test("whom a write may have named stays required until the state has another revision, or a later write is done", () => {
  const term = begin();
  assertEquals([term.requireAlso([1, 2, 3]), term.requireAlso([2])], [true, false]);
  term.mayBeWritten(withInSync(STATE, [2]), 9);
  term.mayBeWritten(withInSync(STATE, [3]), 9);
  term.stateRead(stateAt(9));
  term.requireOnly([1]);
  assertEquals([...term.required], [2, 3]);
  term.stateRead(stateAt(10));
  assertEquals(term.requireOnly([1, 2]), true);
  assertEquals([...term.required], [2]);
  term.mayBeWritten(withInSync(STATE, [2]), 10);
  term.written();
  term.requireOnly([1]);
  assertEquals([...term.required], []);
});

Deno.test("nobody is named as in sync who is not required", () => {
  const term = begin();
  term.requireAlso([2]);
  term.willWrite(withInSync(STATE, [2]));
  assertThrows(() => term.willWrite(withInSync(STATE, [2, 3])), InvariantError, "1,2,3");
});

Deno.test("beyond its lease a leader acts while all who are required have granted it time", () => {
  const term = begin();
  assertEquals(term.open(), true);
  term.requireAlso([2, 3]);
  assertEquals(term.refusal(99), null);
  term.granted(2, 150);
  assertStringIncludes(term.refusal(100)!, "replica 3");
  term.granted(3, 200);
  term.granted(3, 120);
  assertEquals(term.refusal(149), null);
  assertStringIncludes(term.refusal(150)!, "replica 2");
  term.requireOnly([1]);
  assertEquals(term.refusal(1e9), null, "nobody else can be elected");
});

Deno.test("a term goes to a required follower that is there, best to one that has everything", () => {
  const successor = (there: readonly number[]) => {
    const term = begin(there);
    term.requireAlso([2, 3]);
    return term.successor();
  };
  assertEquals([[2, 3], [2], [4], []].map(successor), [3, 2, null, null]);
});

Deno.test("a term is open once everybody in sync has had the log it began with, or is not required any more", () => {
  const holders = new Set([2]);
  const term = begin([], [1, 2, 3], holders);
  assertEquals(term.open(), false);
  assertStringIncludes(term.refusal(0)!, "in sync (2, 3) do not have the leader's log yet");
  holders.add(3);
  assertEquals([term.open(), term.refusal(0)], [true, null]);
  holders.clear();
  assertEquals(term.refusal(0), null, "what is behind later is not what others may lead without");
  const another = begin([], [1, 2, 3], new Set([2]));
  another.requireOnly([1, 2]);
  assertEquals([another.open(), another.refusal(0)], [true, null]);
});

Deno.test("who is named in sync by a state that was restored stays so only with everything that was promised", () => {
  const holders = new Set([2]);
  const term = begin([], [1, 2], holders);
  const restored = { ...stateAt(9), value: withInSync(STATE, [2, 3]) };
  assertEquals(term.stateRead(restored), [3]);
  term.requireOnly([1, 2, 3]);
  assertEquals([term.stateRead(restored), term.isProven(2), term.isProven(3)], [[], true, false]);
  holders.add(3);
  assertEquals(term.isProven(3), true);
  holders.clear();
  assertEquals(term.isProven(3), true);
});
