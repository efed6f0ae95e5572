import { assert, assertEquals } from "@std/assert";
import { RecentOffsets } from "../../../src/broker/recent_offsets.ts";

Deno.test("the last offsets are remembered, at least as many as told and at most twice as many", () => {
  const recent = new RecentOffsets(10);
  for (let offset = 0; offset < 95; offset++) {
    recent.add(offset);
    for (let ago = 0; ago < Math.min(10, offset + 1); ago++) assert(recent.has(offset - ago), `${offset} − ${ago}`);
    assert(!recent.has(offset - 20), `${offset} − 20`);
  }
  recent.clear();
  assertEquals(recent.has(94), false);
});
