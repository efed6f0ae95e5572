import { assert, assertEquals } from "@std/assert";
import { crc32, utf8, utf8Text } from "../../../src/common/bytes.ts";
import { hasRecordCrc, isRecordCrcGood, putRecordCrc, RECORD_CRC_SIZE } from "../../../src/protocol/record_crc.ts";

Deno.test("the CRC of a record is its last property, ten digits with the least one first", () => {
  const bytes = new Uint8Array(10 + 40 + RECORD_CRC_SIZE);
  bytes.set(utf8("something before a record of forty bytes that says nothing."), 0);
  putRecordCrc(bytes, 10, 60);
  const digits = String(crc32(bytes.subarray(10, 50))).padStart(10, "0").split("").reverse().join("");
  assertEquals(utf8Text(bytes.subarray(50)), `__CRC32#\u0001${digits}\u0002`);
  assert(hasRecordCrc(bytes, 10, 60) && isRecordCrcGood(bytes, 10, 60));
});

Deno.test("a changed byte is noticed, and so is a changed digit", () => {
  const bytes = new Uint8Array(60).fill(65);
  putRecordCrc(bytes, 0, 60);
  for (const at of [0, 20, 39, 49, 58]) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assert(hasRecordCrc(changed, 0, 60) && !isRecordCrcGood(changed, 0, 60), `byte ${at}`);
  }
  assert(!hasRecordCrc(new Uint8Array(60), 0, 60));
  assert(!hasRecordCrc(bytes, 50, 10));
});
