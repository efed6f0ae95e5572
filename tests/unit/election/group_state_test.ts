import { assertEquals, assertThrows } from "@std/assert";
import { changed, elected, GroupKeys, NO_STATE, released, withInSync } from "../../../src/election/group_state.ts";

const TERM = { epoch: 5, leader: 2, startOffset: 90, atMs: 7 };
const BEFORE = changed(NO_STATE, { epoch: 4, leader: 1, inSync: [1, 2, 3], heldOffset: 80 });

Deno.test("after an election those who were in sync and are there remain so, the former leader only where nobody else does", () => {
  const inSync = (there: number[], before = BEFORE) => elected(before, TERM, there).inSync;
  assertEquals(inSync([2, 3]), [2, 3]);
  assertEquals(inSync([1, 2, 3]), [2, 3]);
  assertEquals(inSync([1, 2]), [1, 2]);
  assertEquals(inSync([2]), [2]);
  assertEquals(inSync([2, 3, 4]), [2, 3], "who was not in sync is not");
  assertEquals(inSync([2, 3], changed(BEFORE, { removed: [3] })), [2], "nor is who was removed");
  assertEquals(elected(null, TERM, [1, 2, 3]).inSync, [2]);
});

Deno.test("an election says nothing of how much those in sync have, and ends what the last leader left", () => {
  const state = elected(released(BEFORE, 3), TERM, [2, 3]);
  assertEquals([state.heldOffset, state.released, state.next, state.epoch, state.leader], [80, false, null, 5, 2]);
  assertEquals(state.history.at(-1), TERM);
});

Deno.test("a leader that was alone in sync and lost the end of its log with its power does not keep its followers from standing", () => {
  const alone = changed(BEFORE, { inSync: [2], heldOffset: 120 });
  assertEquals(elected(alone, TERM, [1, 2, 3]).heldOffset, TERM.startOffset, "who has all of its log has no more");
});

Deno.test("every change of a state has another version", () => {
  const states = [NO_STATE, BEFORE, elected(BEFORE, TERM, []), withInSync(elected(BEFORE, TERM, []), [3])];
  assertEquals(states.map(({ version }) => version), [0, 1, 2, 3]);
});

Deno.test("a state of an earlier version, which does not say how much those in sync have, says where its leader began", () => {
  const keys = new GroupKeys("/r", "C", "b");
  const { heldOffset: _held, version: _version, ...old } = elected(BEFORE, TERM, []);
  const entry = (value: string) => [{ key: keys.state, value, createRevision: 1, modRevision: 1, lease: "" }];
  const { heldOffset, version } = keys.view(entry(JSON.stringify(old))).state!.value;
  assertEquals([heldOffset, version], [90, 0]);
  assertEquals(keys.view(entry(JSON.stringify(BEFORE))).state!.value, BEFORE);
  assertThrows(() => keys.view(entry(JSON.stringify({ ...old, heldOffset: "x" }))), TypeError, "heldOffset");
});
