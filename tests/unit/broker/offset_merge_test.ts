import { assertEquals } from "@std/assert";
import { mergeOffsets } from "../../../src/broker/offset_merge.ts";

const table = (offset?: number) => new Map(offset === undefined ? [] : [["T@G", new Map([[0, offset]])]]);

/** What becomes of one offset: master now and before, own now and after the last merge. */
function merge(master?: number, masterBefore?: number | null, own?: number, ownBefore?: number | null) {
  const merged = mergeOffsets({
    master: table(master),
    masterBefore: masterBefore === null ? null : table(masterBefore),
    own: table(own),
    ownBefore: ownBefore === null ? null : table(ownBefore),
  });
  return { offset: merged.offsets.get("T@G")?.get(0), returned: merged.toReturn.map((each) => each.offset) };
}

Deno.test("a slave follows its master's offsets forward", () => {
  assertEquals(merge(7, 5, 5, 5), { offset: 7, returned: [] });
});

Deno.test("what was committed at the slave stays and goes back to the master", () => {
  assertEquals(merge(5, 5, 9, 5), { offset: 9, returned: [9] });
  assertEquals(merge(undefined, undefined, 9, undefined), { offset: 9, returned: [9] });
});

Deno.test("a reset at the master counts, whatever the slave has", () => {
  assertEquals(merge(2, 5, 5, 5), { offset: 2, returned: [] });
  assertEquals(merge(2, 5, 9, 5), { offset: 2, returned: [] });
});

Deno.test("a group that was deleted at the master is gone at the slave, one that it never had is kept", () => {
  assertEquals(merge(undefined, 5, 5, 5), { offset: undefined, returned: [] });
  assertEquals(merge(undefined, undefined, 5, 5), { offset: 5, returned: [] });
});

Deno.test("after a restart of the slave the larger offset counts and the master is left alone", () => {
  assertEquals(merge(5, null, 9, null), { offset: 9, returned: [] });
  assertEquals(merge(9, null, 5, null), { offset: 9, returned: [] });
});
