/** Integers, checksums and hashes as RocketMQ's formats have them. @module */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  concatBytes,
  crc32,
  EMPTY,
  equalBytes,
  getBigI64,
  getI16,
  getI32,
  getI64,
  getU16,
  javaHash,
  putBigI64,
  putI16,
  putI32,
  putI64,
  utf8,
  utf8Slice,
  utf8Text,
} from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The hexadecimal form of what `put` writes into `size` bytes. */
function written(size: number, put: (b: Uint8Array) => void): string {
  const b = new Uint8Array(size).fill(0xee);
  put(b);
  return hex(b);
}

Deno.test("16-bit integers are big-endian, signed or not", () => {
  for (
    const [value, form] of [[0, "0000"], [1, "0001"], [0x1234, "1234"], [32767, "7fff"], [-1, "ffff"], [
      -32768,
      "8000",
    ]] as const
  ) {
    const b = new Uint8Array(4);
    putI16(b, 1, value);
    assertEquals(hex(b), `00${form}00`);
    assertEquals(getI16(b, 1), value);
    assertEquals(getU16(b, 1), value & 0xffff);
  }
});

Deno.test("32-bit integers are big-endian and signed", () => {
  const cases = [
    [0, "00000000"],
    [0x12345678, "12345678"],
    [2147483647, "7fffffff"],
    [-1, "ffffffff"],
    [-2147483648, "80000000"],
    // RocketMQ's magic code of a message is negative as an int.
    [-626843481, "daa320a7"],
  ] as const;
  for (const [value, form] of cases) {
    assertEquals(written(6, (b) => putI32(b, 1, value)), `ee${form}ee`);
    const b = new Uint8Array(5);
    putI32(b, 1, value);
    assertEquals(getI32(b, 1), value);
  }
  assertEquals(written(4, (b) => putI32(b, 0, 0xdaa320a7)), "daa320a7", "an unsigned value keeps its bits");
});

Deno.test("64-bit integers keep every safe integer, negative ones too", () => {
  const cases = [
    [0, "0000000000000000"],
    [1, "0000000000000001"],
    [-1, "ffffffffffffffff"],
    [4294967295, "00000000ffffffff"],
    [4294967296, "0000000100000000"],
    [-4294967296, "ffffffff00000000"],
    [-4294967297, "fffffffeffffffff"],
    [1073741824, "0000000040000000"],
    [Number.MAX_SAFE_INTEGER, "001fffffffffffff"],
    [Number.MIN_SAFE_INTEGER, "ffe0000000000001"],
  ] as const;
  for (const [value, form] of cases) {
    assertEquals(written(8, (b) => putI64(b, 0, value)), form, `${value}`);
    assertEquals(written(8, (b) => putBigI64(b, 0, BigInt(value))), form, `${value}n`);
    const b = new Uint8Array(9);
    putI64(b, 1, value);
    assertEquals(getI64(b, 1), value);
    assertEquals(getBigI64(b, 1), BigInt(value));
  }
});

Deno.test("random 64-bit values agree with DataView", () => {
  const random = new SeededRandom(3);
  const b = new Uint8Array(8);
  const view = new DataView(b.buffer);
  for (let i = 0; i < 10_000; i++) {
    const value = Math.trunc((random.next() - 0.5) * 2 ** random.int(54));
    putI64(b, 0, value);
    assertEquals(view.getBigInt64(0), BigInt(value));
    assertEquals(getI64(b, 0), value === 0 ? 0 : value);
    view.setUint32(0, random.int(2 ** 32));
    view.setUint32(4, random.int(2 ** 32));
    assertEquals(getBigI64(b, 0), view.getBigInt64(0));
    putBigI64(b, 0, getBigI64(b, 0));
    assertEquals(getI32(b, 4), view.getInt32(4));
    assertEquals(getU16(b, 2), view.getUint16(2));
  }
});

Deno.test("a 64-bit value that is no safe integer is rejected, and readable as bigint", () => {
  for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    const b = new Uint8Array(8);
    putBigI64(b, 0, value);
    assertThrows(() => getI64(b, 0), RangeError, "64-bit value at 0 is out of range");
    assertEquals(getBigI64(b, 0), value);
  }
});

Deno.test("CRC-32 is zlib's with the sign bit cleared", () => {
  // The check value of CRC-32 is cbf43926.
  assertEquals(crc32(utf8("123456789")), 0x4bf43926);
  assertEquals(crc32(utf8("a")), 0xe8b7be43 & 0x7fffffff);
  assertEquals(crc32(utf8("The quick brown fox jumps over the lazy dog")), 0x414fa339);
  assertEquals(crc32(EMPTY), 0);
  assertEquals(crc32(concatBytes([utf8("xx"), utf8("123456789")]).subarray(2)), 0x4bf43926);
});

Deno.test("hashes are Java's String.hashCode", () => {
  assertEquals(javaHash(""), 0);
  assertEquals(javaHash("a"), 97);
  assertEquals(javaHash("hello"), 99162322);
  assertEquals(javaHash("TagA"), 2598919);
  assertEquals(javaHash("TagB"), 2598920);
  // Known to hash to the smallest integer and to zero.
  assertEquals(javaHash("polygenelubricants"), -2147483648);
  assertEquals(javaHash("f5a5a608"), 0);
  // Over UTF-16 units: a pair of surrogates counts as two.
  assertEquals(javaHash("😀"), 0xd83d * 31 + 0xde00);
});

Deno.test("text goes to UTF-8 and back; malformed bytes become replacement characters", () => {
  for (const text of ["", "topic", "主题", "😀 é"]) assertEquals(utf8Text(utf8(text)), text);
  assertEquals(hex(utf8("主")), "e4b8bb");
  assertEquals(utf8Text(new Uint8Array([0x61, 0xff, 0x62])), "a\ufffdb");
});

Deno.test("a stretch of bytes is read as the same text, whether short or long, ASCII or not", () => {
  const whole = utf8("0123456789abcdefghijklmnopqrstuvwxyz é主😀 0123456789abcdefghijklmnop");
  const broken = Uint8Array.of(0x61, 0xff, 0x62, 0x80, 0xef, 0xbb, 0xbf, 0x63, 0x7f, 0);
  for (const bytes of [whole, broken]) {
    for (let start = 0; start <= bytes.length; start++) {
      for (let end = start; end <= bytes.length; end++) {
        assertEquals(utf8Slice(bytes, start, end), utf8Text(bytes.subarray(start, end)));
      }
    }
  }
});

Deno.test("byte arrays are compared and joined", () => {
  const a = new Uint8Array([1, 2, 3]);
  assert(equalBytes(a, new Uint8Array([0, 1, 2, 3]).subarray(1)));
  assert(!equalBytes(a, new Uint8Array([1, 2])) && !equalBytes(a, new Uint8Array([1, 2, 4])));
  assert(equalBytes(EMPTY, new Uint8Array(0)));
  const joined = concatBytes([a, EMPTY, a.subarray(1)]);
  assertEquals(joined, new Uint8Array([1, 2, 3, 2, 3]));
  joined[0] = 9;
  assertEquals(a[0], 1);
  assertEquals(concatBytes([]), EMPTY);
});
