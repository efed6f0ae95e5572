import { assertEquals, assertThrows } from "@std/assert";
import { Outgoing } from "../../../../scripts/bench/wire_connection.ts";
import {
  countRecords,
  encodeRequest,
  FIRST_OPAQUE,
  readReply,
  replyFields,
  SendTemplate,
  topicName,
} from "../../../../scripts/bench/wire_frames.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../../../src/remoting/command.ts";
import { decodeFrameBytes, encodeFrame } from "../../../../src/remoting/frame.ts";

const SHAPE = { topic: "Bench", topics: 1, queues: 4, bodySize: 10, batch: 0, delayLevel: 0, isHalf: false };

function frames(out: Outgoing): ReturnType<typeof decodeFrameBytes>[] {
  const found = [];
  const view = new DataView(out.bytes.buffer);
  for (let at = 0; at < out.length; at += 4 + view.getUint32(at)) {
    found.push(decodeFrameBytes(out.bytes.slice(at, at + 4 + view.getUint32(at))));
  }
  return found;
}

for (const encoding of ["binary", "json"] as const) {
  Deno.test(`patched ${encoding} requests decode to the opaque, queue, key and topic that were meant`, () => {
    const template = new SendTemplate({ ...SHAPE, encoding, topics: 300, delayLevel: 2 });
    const out = new Outgoing();
    for (const number of [1, 4 * 250 + 2]) {
      out.reserve(template.size);
      template.write(out, FIRST_OPAQUE + 7, number);
    }

    const [first, second] = frames(out);

    assertEquals([first!.code, first!.opaque], [310, FIRST_OPAQUE + 7]);
    assertEquals([first!.ext["b"], first!.ext["e"]], [topicName("Bench", 0), "1"]);
    assertEquals([second!.ext["b"], second!.ext["e"]], [topicName("Bench", 250), "2"]);
    assertEquals(second!.ext["i"]?.includes("7F000001162C18B4AAC2000000001002"), true);
    assertEquals(second!.ext["i"]?.includes("DELAY\x012\x02"), true);
    assertEquals(second!.body.length, 10);
  });

  Deno.test(`${encoding} answers are read: code, opaque, fields and where the body is`, () => {
    const serialize = encoding === "json" ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ;
    const header = { code: 21, language: "JAVA", version: 477, opaque: 100_003, flag: 1, remark: 'no "code" here' };
    const body = Uint8Array.of(1, 2, 3);
    const frame = encodeFrame({ ...header, ext: { nextBeginOffset: "12" } }, body, serialize);

    const reply = readReply(frame, new DataView(frame.buffer, frame.byteOffset), 0);

    assertEquals([reply.code, reply.opaque, reply.isAnswer], [21, 100_003, true]);
    assertEquals(frame.subarray(reply.bodyAt, reply.end), body);
    assertEquals(replyFields(reply).get("nextBeginOffset"), "12");
  });
}

Deno.test("each message of a batch has a key of its own", () => {
  const template = new SendTemplate({ ...SHAPE, encoding: "binary", batch: 2 });
  const out = new Outgoing();
  out.reserve(template.size);

  template.write(out, FIRST_OPAQUE, 20);

  const text = new TextDecoder().decode(frames(out)[0]!.body);
  const keys = Array.from(text.matchAll(/AAC2(\d{12})/g), (match) => match[1]);
  assertEquals(keys, ["000000000020", "000000000021"]);
});

Deno.test("stored records in the body of a pull's answer are counted by their sizes", () => {
  const body = new Uint8Array(10 + 20 + 4);
  const sizes = new DataView(body.buffer);
  sizes.setUint32(0, 10);
  sizes.setUint32(10, 20);
  sizes.setUint32(30, 4);
  const frame = encodeRequest("binary", { code: 0, opaque: FIRST_OPAQUE, fields: [], body });

  assertEquals(countRecords(readReply(frame, new DataView(frame.buffer), 0)), 3);
});

Deno.test("a request of the broker's own is not taken for an answer", () => {
  const frame = encodeRequest("json", { code: 40, opaque: 3, fields: [] });

  assertEquals(readReply(frame, new DataView(frame.buffer), 0).isAnswer, false);
});

Deno.test("more queues than a digit can name are refused", () => {
  assertThrows(() => new SendTemplate({ ...SHAPE, encoding: "binary", queues: 10 }), RangeError, "1 to 9");
});
