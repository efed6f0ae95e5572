/**
 * Micro-benchmarks of the codec: `deno task bench:micro`. What an append and a pull cost, `append_bench.ts` measures.
 *
 * @module
 */
import { encodeRequest, SendTemplate } from "../../scripts/bench/wire_frames.ts";
import { Outgoing } from "../../scripts/bench/wire_connection.ts";
import { utf8 } from "../../src/common/bytes.ts";
import { bodyCrc } from "../../src/protocol/record.ts";
import { encodeProperties, findProperty, parseProperties, propertyName } from "../../src/protocol/message.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ } from "../../src/remoting/command.ts";
import { decodeFrameBytes, encodeFrame } from "../../src/remoting/frame.ts";

const PROPERTIES =
  "UNIQ_KEY\x017F000001162C18B4AAC2000000000000\x02WAIT\x01true\x02TAGS\x01TagA\x02KEYS\x01order-17\x02";

function sendFrame(encoding: "binary" | "json"): Uint8Array {
  const shape = {
    topic: "BenchmarkTest",
    topics: 1,
    queues: 4,
    bodySize: 1024,
    batch: 0,
    delayLevel: 0,
    isHalf: false,
  };
  const template = new SendTemplate({ ...shape, encoding });
  const out = new Outgoing();
  out.reserve(template.size);
  template.write(out, 100_000, 1);
  return out.bytes.slice(0, out.length);
}

for (const [name, serialize] of [["json", SERIALIZE_JSON], ["binary", SERIALIZE_ROCKETMQ]] as const) {
  const request = sendFrame(name);
  Deno.bench(`decode a send request, ${name} header`, () => {
    decodeFrameBytes(request);
  });
  const ext = { msgId: "7F00000100002A9F0000000000000000", queueId: "3", queueOffset: "123456" };
  const header = { code: 0, language: "JAVA", version: 477, opaque: 7, flag: 1, remark: null, ext };
  const body = new Uint8Array(0);
  Deno.bench(`encode the answer to a send, ${name} header`, () => {
    encodeFrame(header, body, serialize);
  });
}

const properties = utf8(PROPERTIES);
const tags = propertyName("TAGS");
Deno.bench("find a property in its bytes", () => {
  findProperty(properties, 0, properties.length, tags);
});
Deno.bench("parse all properties", () => {
  parseProperties(PROPERTIES);
});
const parsed = parseProperties(PROPERTIES);
Deno.bench("encode all properties", () => {
  encodeProperties(parsed);
});
const body = new Uint8Array(1024).fill(0x78);
Deno.bench("CRC of 1 KiB", () => {
  bodyCrc(body, 0, body.length);
});
const fields = [["a", "wireload"], ["b", "T"]] as const;
Deno.bench("encode a request by the generator", () => {
  encodeRequest("binary", { code: 11, opaque: 1, fields });
});
