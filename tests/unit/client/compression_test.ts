import { assertEquals, assertThrows } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { compressBody, COMPRESSED_SYS_FLAG, decompressBody, ZLIB_SYS_FLAG } from "../../../src/client/compression.ts";
import { ClientError } from "../../../src/client/errors.ts";
import { readLz4Frames } from "../../../src/client/lz4.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const COMPRESSED = 1;
const LZ4 = 0x100;

interface Golden {
  readonly bodies: Readonly<Record<string, { readonly flag: number; readonly base64: string }>>;
}

const path = new URL("../../golden/client/compressed-bodies-5.5.0.json", import.meta.url);
const golden = JSON.parse(Deno.readTextFileSync(path)) as Golden;

function bytesOf(name: string): Uint8Array {
  return Uint8Array.from(atob(golden.bodies[name]!.base64), (c) => c.charCodeAt(0));
}

Deno.test("bodies that Java compressed with LZ4, Zstandard and zlib are read", () => {
  const expected = Array.from({ length: 300 }, (_, i) => `message ${i} of a body that is worth compressing; `).join("");

  for (const name of ["lz4", "zstd", "zlib"]) {
    const { flag } = golden.bodies[name]!;
    assertEquals(utf8Text(decompressBody(bytesOf(name), COMPRESSED | flag)), expected, name);
  }
});

Deno.test("LZ4 blocks that could not be compressed are read", () => {
  assertEquals(decompressBody(bytesOf("random"), COMPRESSED | LZ4), bytesOf("raw"));
});

Deno.test("a body without the flag is left alone, and ours reads as before", () => {
  const body = bytesOf("raw");

  assertEquals(decompressBody(body, LZ4), body);
  assertEquals(decompressBody(compressBody(body, 5), ZLIB_SYS_FLAG), body);
});

Deno.test("broken bytes are a client error, wherever they are cut or changed", () => {
  for (const name of ["lz4", "zstd", "zlib", "random"]) {
    const { flag } = golden.bodies[name]!;
    const bytes = bytesOf(name);
    for (const size of [3, 6, 11, bytes.length >> 1]) {
      assertThrows(() => decompressBody(bytes.subarray(0, size), COMPRESSED | flag), ClientError);
    }
  }
});

Deno.test("changed LZ4 bytes never do worse than an error", () => {
  const bytes = bytesOf("lz4");
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 0xff;
    try {
      decompressBody(changed, COMPRESSED | LZ4);
    } catch (error) {
      assertEquals(error instanceof ClientError, true);
    }
  }
});

Deno.test("a body compressed with any type reads as before, and is marked with its type", () => {
  const body = new TextEncoder().encode("worth compressing ".repeat(500));
  for (const type of ["ZLIB", "ZSTD", "LZ4"] as const) {
    const bytes = compressBody(body, 5, type);
    assertEquals(bytes.length < 200, true);
    assertEquals(decompressBody(bytes, COMPRESSED_SYS_FLAG[type]), body);
  }
  assertEquals(COMPRESSED_SYS_FLAG.ZSTD, COMPRESSED | golden.bodies["zstd"]!.flag);
  assertEquals(COMPRESSED_SYS_FLAG.LZ4, COMPRESSED | golden.bodies["lz4"]!.flag);
});

Deno.test("LZ4 frames have the head that Java's library writes, and bytes that do not get smaller are stored as they are", () => {
  assertEquals(compressBody(bytesOf("raw"), 5, "LZ4"), bytesOf("random"));
  const java = bytesOf("lz4");
  const ours = compressBody(decompressBody(java, COMPRESSED | LZ4), 5, "LZ4");
  assertEquals(ours.subarray(0, 7), java.subarray(0, 7));
  assertEquals(ours.length < java.length * 1.1, true, `${ours.length} bytes, Java's frame has ${java.length}`);
});

Deno.test("whatever is compressed with LZ4 reads as before: all lengths, random bytes, matches far away, several blocks", () => {
  const random = new SeededRandom(1);
  const bodies: Uint8Array[] = [];
  for (let size = 0; size < 400; size++) {
    bodies.push(new Uint8Array(size), Uint8Array.from({ length: size }, () => random.int(1 + size % 7)));
  }
  for (const size of [65_535, 65_536, 70_000, 300_000]) {
    const noise = Uint8Array.from({ length: size }, () => random.int(256));
    const twice = new Uint8Array(2 * size);
    twice.set(noise);
    twice.set(noise, size);
    bodies.push(noise, twice);
  }
  bodies.push(new Uint8Array(9 * 1024 * 1024).map((_, i) => i % 251));
  for (const body of bodies) {
    const frame = compressBody(body, 5, "LZ4");
    assertEquals(readLz4Frames(frame, body.length), body);
    assertEquals(frame.length <= body.length + 19, true);
  }
});
