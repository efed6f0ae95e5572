/**
 * Big-endian integers in byte arrays, CRC-32 and Java's string hash: what every format of RocketMQ is made of.
 *
 * 64-bit fields are plain numbers here. A value beyond 2^53 − 1 (or below −2^53 + 1) is rejected when read, for no offset,
 * size or time can be that large; only {@linkcode getBigI64} reads raw 64-bit patterns (hashes).
 *
 * @module
 */
import { crc32 as zlibCrc32 } from "node:zlib";

const TWO_32 = 4294967296;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** No bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** Signed 16-bit integer at `o`. */
export function getI16(b: Uint8Array, o: number): number {
  return ((b[o]! << 24) | (b[o + 1]! << 16)) >> 16;
}

/** Unsigned 16-bit integer at `o`. */
export function getU16(b: Uint8Array, o: number): number {
  return (b[o]! << 8) | b[o + 1]!;
}

/** Signed 32-bit integer at `o`. */
export function getI32(b: Uint8Array, o: number): number {
  return (b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!;
}

/** Signed 64-bit integer at `o`. @throws {RangeError} when it is not a safe integer. */
export function getI64(b: Uint8Array, o: number): number {
  const value = getI32(b, o) * TWO_32 + (getI32(b, o + 4) >>> 0);
  if (!Number.isSafeInteger(value)) throw new RangeError(`64-bit value at ${o} is out of range: ${value}`);
  return value;
}

/** Signed 64-bit integer at `o`, exact. */
export function getBigI64(b: Uint8Array, o: number): bigint {
  return (BigInt(getI32(b, o)) << 32n) | BigInt(getI32(b, o + 4) >>> 0);
}

/** Writes the low 16 bits of `v` at `o`. */
export function putI16(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 8;
  b[o + 1] = v;
}

/** Writes the low 32 bits of `v` at `o`. */
export function putI32(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 24;
  b[o + 1] = v >>> 16;
  b[o + 2] = v >>> 8;
  b[o + 3] = v;
}

/** Writes the safe integer `v` as 64 bits at `o`. */
export function putI64(b: Uint8Array, o: number, v: number): void {
  putI32(b, o, Math.floor(v / TWO_32) | 0);
  putI32(b, o + 4, v | 0); // the low 32 bits of any safe integer; a remainder of doubles is a division loop
}

/** Writes the low 64 bits of `v` at `o`. */
export function putBigI64(b: Uint8Array, o: number, v: bigint): void {
  putI32(b, o, Number(BigInt.asIntN(32, v >> 32n)));
  putI32(b, o + 4, Number(BigInt.asIntN(32, v)));
}

/** CRC-32 (zlib polynomial) with the sign bit cleared, as RocketMQ stores it. */
export function crc32(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : zlibCrc32(bytes) & 0x7fffffff;
}

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; malformed sequences become U+FFFD, and a byte order mark is a character like others. */
export function utf8Text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Longest text for which a loop over its bytes is quicker than the decoder. */
const SHORT_TEXT = 20;

/** {@linkcode utf8Text} of `bytes[start, end)`, quick for the short ASCII texts of which headers are made. */
export function utf8Slice(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  if (end - start <= SHORT_TEXT) {
    for (; at + 4 <= end; at += 4) {
      const a = bytes[at]!;
      const b = bytes[at + 1]!;
      const c = bytes[at + 2]!;
      const d = bytes[at + 3]!;
      if ((a | b | c | d) > 127) break;
      text += String.fromCharCode(a, b, c, d);
    }
    for (; at < end && bytes[at]! <= 127; at++) text += String.fromCharCode(bytes[at]!);
    if (at === end) return text;
  }
  return utf8Text(bytes.subarray(start, end));
}

const TRUE = encoder.encode("true");

/** Whether `bytes[start, end)` says `true`, in any case of letters: as Java's `Boolean.parseBoolean`. */
export function isTrueText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRUE.length) return false;
  for (let i = 0; i < TRUE.length; i++) if ((bytes[start + i]! | 0x20) !== TRUE[i]) return false;
  return true;
}

/** Java's `String.hashCode`: over UTF-16 code units, wrapping at 32 bits, signed. */
export function javaHash(text: string): number {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
  return h;
}

/** Whether two byte arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** One array with the bytes of all `parts`. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
