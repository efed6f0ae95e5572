/**
 * Suggestions for mistyped names.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { editDistance, nearestName } from "../../../src/common/edit_distance.ts";

Deno.test("the distance counts insertions, removals, replacements and swaps", () => {
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("abc", "abc"), 0);
  assertEquals(editDistance("brokerNmae", "brokerName"), 1);
  assertEquals(editDistance("flush", "flash"), 1);
  assertEquals(editDistance("kitten", "sitting"), 3);
});

Deno.test("the nearest name is found regardless of case, and none when all are far", () => {
  const names = ["brokerName", "brokerId", "listenPort", "haListenPort"];
  assertEquals(nearestName("brokername", names), "brokerName");
  assertEquals(nearestName("listenport ", names), "listenPort");
  assertEquals(nearestName("brokerIdd", names), "brokerId");
  assertEquals(nearestName("somethingElse", names), null);
});
