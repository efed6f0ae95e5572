import { assertEquals, assertThrows } from "@std/assert";
import { auditConsumed, auditStored, parsePlaces } from "./accounting.ts";

const place = (msgId: string, queueId: number, queueOffset: number) => ({ msgId, queueId, queueOffset });

Deno.test("a list of messages leaves out a last line that is not finished", () => {
  assertEquals(parsePlaces("A 0 5\nB 1 6\nC 1"), [place("A", 0, 5), place("B", 1, 6)]);
  assertThrows(() => parsePlaces("A zero 5\n"), Error, "A zero 5");
});

Deno.test("a store with every acknowledged message and one without acknowledgement is in order", () => {
  const acknowledged = [place("A", 0, 0), place("C", 0, 2)];
  assertEquals(auditStored(acknowledged, [place("A", 0, 0), place("B", 0, 1), place("C", 0, 2)]), []);
});

Deno.test("an acknowledged message that is not stored is named", () => {
  assertEquals(auditStored([place("A", 0, 0), place("B", 0, 1)], [place("A", 0, 0)]), [
    "1 acknowledged and missing: B (queue 0 offset 1)",
  ]);
});

Deno.test("a message that moved to another offset, and the gap that it left, are named", () => {
  assertEquals(auditStored([place("B", 0, 1)], [place("A", 0, 0), place("B", 0, 2)]), [
    "1 stored at another place than acknowledged: B (queue 0 offset 1)",
    "1 gaps between the offsets of a queue: queue 0 from 0 to 2",
  ]);
});

Deno.test("an offset given to two messages is named, whether read back or acknowledged", () => {
  assertEquals(auditStored([], [place("A", 3, 7), place("B", 3, 7)]), [
    "1 offsets given to two messages: queue 3 offset 7 holds A and B",
  ]);
  assertEquals(auditStored([place("A", 3, 7), place("B", 3, 7)], [place("A", 3, 7)]), [
    "1 acknowledged and missing: B (queue 3 offset 7)",
    "1 offsets acknowledged to two producers: queue 3 offset 7",
  ]);
});

Deno.test("a consumer may be given a message twice but not never", () => {
  const acknowledged = [place("A", 0, 0), place("B", 0, 1)];
  assertEquals(auditConsumed(acknowledged, [place("A", 0, 0), place("A", 0, 0)]), [
    "1 acknowledged and not consumed: B (queue 0 offset 1)",
  ]);
});
