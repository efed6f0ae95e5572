import { assertEquals, assertThrows } from "@std/assert";
import { missingCount, parseClientRecord, whatClientsSaw } from "../../../scripts/cluster/client_record.ts";

const SENDS = [
  "1 1000 1010 SEND_OK",
  "2 1010 1500 MQClientException",
  "3 1500 4600 SLAVE_NOT_AVAILABLE",
  "4 4600 4610 SEND_OK",
  "5 4620 46", // its writer was still at it
].join("\n");

Deno.test("A period has the failures, pauses, duplicates and losses of the sends that ended in it", () => {
  const record = parseClientRecord(SENDS, "1 1020\n3 4700\n1 4710\n");
  const [first, second] = whatClientsSaw(record, [{ fromMs: 1000, toMs: 2000 }, { fromMs: 2000, toMs: 5000 }]);
  assertEquals(first, {
    sends: 2,
    failed: new Map([["MQClientException", 1]]),
    warned: new Map(),
    longestSendPauseMs: 990,
    slowestSendMs: 10,
    longestReceivePauseMs: 980,
    duplicates: 0,
    missing: 0,
  });
  assertEquals(second, {
    sends: 2,
    failed: new Map(),
    warned: new Map([["SLAVE_NOT_AVAILABLE", 1]]),
    longestSendPauseMs: 2600,
    slowestSendMs: 3100,
    longestReceivePauseMs: 2700,
    duplicates: 1,
    missing: 1,
  });
  assertEquals(missingCount(record), 1);
});

Deno.test("A line of another shape is not taken for a send", () => {
  assertThrows(() => parseClientRecord("1 2 3\n", ""), Error, "Not a line of 4 words: 1 2 3");
});
