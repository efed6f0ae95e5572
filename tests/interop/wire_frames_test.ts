import { assertEquals, assertThrows } from "@std/assert";
import {
  countRecords,
  encodeRequest,
  FIRST_OPAQUE,
  nextBeginOffset,
  readReply,
  SendTemplate,
} from "../../scripts/bench/wire_frames.ts";

const NOW_MS = 1_700_000_000_123;

function writeOne(template: SendTemplate, number: number): Uint8Array {
  const out = new Uint8Array(template.size);
  assertEquals(template.write(out, 0, { opaque: FIRST_OPAQUE + 7, number, nowMs: NOW_MS }), template.size);
  return out;
}

Deno.test("a patched binary send request is the one that would be encoded anew", () => {
  const template = new SendTemplate({ encoding: "binary", topic: "T", queues: 4, bodySize: 3 });
  const expected = encodeRequest("binary", {
    code: 310,
    opaque: FIRST_OPAQUE + 7,
    fields: [
      ["a", "wireload"],
      ["b", "T"],
      ["c", "TBW102"],
      ["d", "4"],
      ["e", "2"],
      ["f", "0"],
      ["g", String(NOW_MS)],
      ["h", "0"],
      ["i", "UNIQ_KEY\x017F000001162C18B4AAC2000000000042\x02WAIT\x01true\x02"],
      ["j", "0"],
      ["k", "false"],
      ["l", "0"],
      ["m", "false"],
    ],
    body: new TextEncoder().encode("xxx"),
  });
  assertEquals(writeOne(template, 42), expected);
});

Deno.test("a patched JSON send request carries its opaque, queue, time and key", () => {
  const template = new SendTemplate({ encoding: "json", topic: "T", queues: 4, bodySize: 3 });
  const frame = writeOne(template, 43);
  const { headerLength } = readReply(frame);
  const header = JSON.parse(new TextDecoder().decode(frame.subarray(8, 8 + headerLength)));
  assertEquals(header.opaque, FIRST_OPAQUE + 7);
  assertEquals(header.extFields.e, "3");
  assertEquals(header.extFields.g, String(NOW_MS));
  assertEquals(header.extFields.i, "UNIQ_KEY\x017F000001162C18B4AAC2000000000043\x02WAIT\x01true\x02");
});

Deno.test("each message of a batch has a key of its own", () => {
  const template = new SendTemplate({ encoding: "binary", topic: "T", queues: 4, bodySize: 3, batch: 2 });
  const text = new TextDecoder().decode(writeOne(template, 10));
  assertEquals(Array.from(text.matchAll(/AAC2(\d{12})/g), (match) => match[1]), ["000000000020", "000000000021"]);
});

Deno.test("the answer of a pull tells its next offset and its number of records in both header encodings", () => {
  const records = Uint8Array.of(0, 0, 0, 6, 1, 1, 0, 0, 0, 4);
  for (const encoding of ["binary", "json"] as const) {
    const reply = readReply(encodeRequest(encoding, {
      code: 0,
      opaque: FIRST_OPAQUE,
      fields: [["suggestWhichBrokerId", "0"], ["nextBeginOffset", "123456"], ["minOffset", "0"]],
      body: records,
    }));
    assertEquals([reply.code, reply.opaque], [0, FIRST_OPAQUE]);
    assertEquals(nextBeginOffset(reply), 123456);
    assertEquals(countRecords(reply), 2);
  }
});

Deno.test("an answer without a next offset is refused", () => {
  const reply = readReply(encodeRequest("binary", { code: 0, opaque: FIRST_OPAQUE, fields: [] }));
  assertThrows(() => nextBeginOffset(reply), Error, "nextBeginOffset");
});
