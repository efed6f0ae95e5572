/**
 * Pieces of answers that are written a million times, put where they go byte by byte: texts made ready once, numbers in
 * digits, fields of a binary header. Each function writes at a position and returns where it ended.
 *
 * @module
 */
import { putI16, putI32, utf8 } from "../common/bytes.ts";

/** Writes a short text: a loop is quicker than `set`, which has a fixed cost of a call into the engine. */
export function putBytes(b: Uint8Array, at: number, part: Uint8Array): number {
  return putPrefix(b, at, part, part.length);
}

/** Writes the first `size` bytes of `part`. */
export function putPrefix(b: Uint8Array, at: number, part: Uint8Array, size: number): number {
  for (let i = 0; i < size; i++) b[at + i] = part[i]!;
  return at + size;
}

/** Writes a safe integer in decimal digits at `at`; returns the end. */
export function putDecimal(b: Uint8Array, at: number, value: number): number {
  let rest = value;
  let start = at;
  if (rest < 0) {
    b[start++] = 0x2d;
    rest = -rest;
  }
  let end = start;
  do {
    const tenth = Math.floor(rest / 10);
    b[end++] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  } while (rest > 0);
  for (let i = start, j = end - 1; i < j; i++, j--) {
    const digit = b[i]!;
    b[i] = b[j]!;
    b[j] = digit;
  }
  return end;
}

/** Writes the size of what was put behind it, in `[at + 4, end)`, at `at`; returns `end`. */
export function putSized(b: Uint8Array, at: number, end: number): number {
  putI32(b, at, end - at - 4);
  return end;
}

/** A field's name as it stands in a binary header. */
export function binaryName(name: string): Uint8Array {
  const text = utf8(name);
  const out = new Uint8Array(2 + text.length);
  putI16(out, 0, text.length);
  out.set(text, 2);
  return out;
}

/** Whole fields as they stand in a binary header. */
export function binaryFields(fields: readonly (readonly [string, string])[]): Uint8Array {
  const out: number[] = [];
  for (const [name, value] of fields) {
    const valueBytes = utf8(value);
    const size = new Uint8Array(4);
    putI32(size, 0, valueBytes.length);
    out.push(...binaryName(name), ...size, ...valueBytes);
  }
  return Uint8Array.from(out);
}
