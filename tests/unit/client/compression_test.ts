import { assertEquals, assertThrows } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { compressBody, COMPRESSED_SYS_FLAG, decompressBody, ZLIB_SYS_FLAG } from "../../../src/client/compression.ts";
import { ClientError } from "../../../src/client/errors.ts";

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

Deno.test("a body compressed with either type reads as before, and is marked with its type", () => {
  const body = new TextEncoder().encode("worth compressing ".repeat(500));
  for (const type of ["ZLIB", "ZSTD"] as const) {
    const bytes = compressBody(body, 5, type);
    assertEquals(bytes.length < 200, true);
    assertEquals(decompressBody(bytes, COMPRESSED_SYS_FLAG[type]), body);
  }
  assertEquals(COMPRESSED_SYS_FLAG.ZSTD, COMPRESSED | golden.bodies["zstd"]!.flag);
});
