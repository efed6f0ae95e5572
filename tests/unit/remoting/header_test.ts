/** Header decoders: what they accept, what they refuse, and that the scanner agrees with them or gives up. @module */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes, putI32, utf8 } from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { command, SERIALIZE_ROCKETMQ } from "../../../src/remoting/command.ts";
import { decodeHeader, encodeFrame, FrameError, type FrameReader } from "../../../src/remoting/frame.ts";
import { HeaderScanner, unescapeJson } from "../../../src/remoting/header_scanner.ts";
import { readerOn } from "./golden_frames.ts";
import { generalFields, scannedFields } from "./scanning.ts";

const SEND_HEADER =
  '{"code":310,"extFields":{"a":"P","i":"KEYS\\u0001k\\u0002"},"flag":0,"language":"JAVA","opaque":5,' +
  '"serializeTypeCurrentRPC":"JSON","version":413}';

function frameWith(header: Uint8Array, type: number): FrameReader {
  const head = new Uint8Array(8);
  putI32(head, 0, 4 + header.length);
  putI32(head, 4, (type << 24) | header.length);
  return readerOn(concatBytes([head, header]));
}

const json = (header: string) => frameWith(utf8(header), 0);

Deno.test("unknown members, unknown languages and values that are no strings are accepted in a JSON header", () => {
  const header = decodeHeader(json(
    '{"code":"17","flag":0,"opaque":4294967295,"language":5,"suspended":false,' +
      '"extFields":{"n":7,"b":true,"z":null,"o":{"k":[1,9007199254740993]}}}',
  ));
  assertEquals([header.code, header.opaque, header.language, header.version], [17, -1, "", 0]);
  assertEquals({ ...header.ext }, { n: "7", b: "true", o: '{"k":[1,9007199254740992]}' });
});

Deno.test("JSON headers that are none are refused with the reason", () => {
  for (const text of ["", "[]", "null", "17", '"x"', "{", '{"code":1', '{"code":1}x', "\u0000"]) {
    assertThrows(() => decodeHeader(json(text)), FrameError, "header", text);
  }
  assertThrows(() => decodeHeader(json('{"code":1.5}')), FrameError, "header member code is no integer");
  const deep = `{"code":1,"extFields":{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`;
  assertThrows(() => decodeHeader(json(deep)), FrameError, "nested");
});

Deno.test("binary headers are refused wherever a length goes beyond", () => {
  const whole = encodeFrame(command({ code: 5, remark: "r", ext: { k: "value" } }), new Uint8Array(0), 1).subarray(8);
  for (let size = 0; size < whole.length; size++) {
    assertThrows(() => decodeHeader(frameWith(whole.slice(0, size), 1)), FrameError);
  }
  for (let at = 13; at < whole.length; at++) {
    const bad = whole.slice();
    bad[at] = 0xff;
    try {
      decodeHeader(frameWith(bad, 1));
    } catch (error) {
      assert(error instanceof FrameError, `byte ${at}: ${error}`);
    }
  }
});

Deno.test("the scanner gives up on what only the general decoder understands", () => {
  const scanner = new HeaderScanner();
  assert(scannedFields(scanner, json(SEND_HEADER)) !== null);
  const left = [
    SEND_HEADER + "x",
    SEND_HEADER.replace('"a":"P"', '"a":7'),
    SEND_HEADER.replace('"a":"P"', '"\\u0061":"P"'),
    SEND_HEADER.replace('"flag":0', '"flag":"2"'),
    SEND_HEADER.replace('"flag":0', '"fl\\u0061g":2'),
    SEND_HEADER.replace('"flag":0', '"flag":0,"flag":2'),
    SEND_HEADER.replace('"flag":0', '"flag":0.0'),
    SEND_HEADER.replace('"flag":0', '"extFields":{"a":"Q"}'),
    SEND_HEADER.replace('"flag":0', '"other":{"a":"Q"}'),
    SEND_HEADER.replace('"flag":0', ',"flag":0'),
    SEND_HEADER.replace('"flag":0,', '"flag":0'),
    SEND_HEADER.replace("}", ",}"),
    SEND_HEADER.replace('"language":"JAVA"', '"language":"\\q"'),
    SEND_HEADER.replace('"language":"JAVA"', '"language":"\\u00g0"'),
    SEND_HEADER.slice(0, -1),
    "",
  ];
  for (const header of left) assertEquals(scannedFields(scanner, json(header)), null, header);
  const remarked = encodeFrame(command({ code: 5, remark: "r" }), new Uint8Array(0), SERIALIZE_ROCKETMQ);
  assertEquals(scannedFields(scanner, readerOn(remarked)), null);
});

Deno.test("members whose names only look like known ones do not matter", () => {
  const scanner = new HeaderScanner();
  const header = json(SEND_HEADER.replace('"flag":0', '"food":9,"flag":2,"opaqua":3,"versiom":4'));
  assertEquals(scannedFields(scanner, header)?.flag, 2);
  assertEquals(scannedFields(scanner, header), generalFields(header));
});

Deno.test("scanner and general decoder agree on random and mutated headers, or the scanner gives up (property)", () => {
  const scanner = new HeaderScanner();
  const binary = encodeFrame(
    command({ code: 310, ext: { a: "P", b: "T", e: "3", i: "K\u0001ü€😀\u0002" } }),
    new Uint8Array(0),
    SERIALIZE_ROCKETMQ,
  ).slice(8);
  let agreed = 0;
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = new SeededRandom(seed);
    const type = random.int(2);
    const header = mutated(type === 0 ? utf8(SEND_HEADER) : binary, random);
    const scanned = scannedFields(scanner, frameWith(header, type));
    if (scanned === null) continue;
    assertEquals(scanned, generalFields(frameWith(header, type)), `seed ${seed}`);
    agreed++;
  }
  assert(agreed > 2000, `only ${agreed} headers were read by both`);
});

Deno.test("JSON strings are unescaped like JSON.parse does, or left to it", () => {
  const random = new SeededRandom(5);
  const pieces = [
    '\\"',
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0001",
    "\\u007F",
    "\\u0080",
    "\\ud83d",
    "a",
    "é",
  ];
  for (let i = 0; i < 2000; i++) {
    const text = Array.from({ length: random.int(8) }, () => pieces[random.int(pieces.length)]!).join("");
    const bytes = utf8(text);
    const out = new Uint8Array(bytes.length + 3);
    const end = unescapeJson(bytes, 0, bytes.length, out, 3);
    const isLeft = /\\u0080|\\ud83d/.test(text);
    assertEquals(end < 0, isLeft, text);
    if (!isLeft) assertEquals(out.subarray(3, end), utf8(JSON.parse(`"${text}"`) as string), text);
  }
  assertEquals(unescapeJson(utf8("abcd"), 0, 4, new Uint8Array(3), 0), -1);
});

function mutated(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const out = bytes.slice();
  const interesting = utf8('{}[]",:\\0123456789-.aeflnru \t\u0000\u00ff');
  for (let i = random.int(4); i > 0; i--) {
    const at = random.int(out.length);
    const kind = random.int(3);
    if (kind === 0) out[at] = interesting[random.int(interesting.length)]!;
    else if (kind === 1) out[at] = random.int(256);
    else out.copyWithin(at, random.int(out.length), random.int(out.length));
  }
  return random.int(6) === 0 ? out.subarray(0, random.int(out.length + 1)) : out;
}
