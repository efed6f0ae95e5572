/**
 * Request frames as odd peers write them: fields in any order, twice, malformed, with more escapes than needed.
 *
 * @module
 */
import { concatBytes, putI16, putI32, utf8 } from "../../src/common/bytes.ts";
import type { Random } from "../../src/common/random.ts";

/** A field with its value, in bytes where it is no text. */
export type Field = readonly [name: string, value: string | Uint8Array];

/** How a frame is written. */
export interface Encoding {
  readonly code: number;
  readonly isBinary: boolean;
  readonly opaque: number;
  readonly flag: number;
  readonly body: Uint8Array;
  /** Draws how a JSON header is written; without it as Java does. */
  readonly random?: Random;
}

/** The bytes of a frame. */
export function encodeOddly(fields: readonly Field[], encoding: Encoding): Uint8Array {
  const header = encoding.isBinary ? binaryHeader(fields, encoding) : jsonHeader(fields, encoding);
  const head = new Uint8Array(8);
  putI32(head, 0, 4 + header.length + encoding.body.length);
  putI32(head, 4, (encoding.isBinary ? 1 << 24 : 0) | header.length);
  return concatBytes([head, header, encoding.body]);
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? utf8(value) : value;
}

function binaryHeader(fields: readonly Field[], { code, opaque, flag }: Encoding): Uint8Array {
  const parts = fields.flatMap(([name, value]) => {
    const [nameBytes, valueBytes] = [utf8(name), bytesOf(value)];
    const sizes = [new Uint8Array(2), new Uint8Array(4)];
    putI16(sizes[0]!, 0, nameBytes.length);
    putI32(sizes[1]!, 0, valueBytes.length);
    return [sizes[0]!, nameBytes, sizes[1]!, valueBytes];
  });
  const ext = concatBytes(parts);
  const fixed = new Uint8Array(21);
  putI16(fixed, 0, code);
  putI16(fixed, 3, 435);
  putI32(fixed, 5, opaque);
  putI32(fixed, 9, flag);
  putI32(fixed, 17, ext.length);
  return concatBytes([fixed, ext]);
}

function jsonHeader(fields: readonly Field[], { code, opaque, flag, random }: Encoding): Uint8Array {
  const style = random?.int(4) ?? 0;
  const gap = style === 3 ? utf8(" ") : new Uint8Array(0);
  const parts: Uint8Array[] = [utf8(`{"code":${code},"extFields":{`)];
  for (const [index, [name, value]] of fields.entries()) {
    if (index > 0) parts.push(utf8(","));
    parts.push(gap, utf8(jsonText(name, 0)), gap, utf8(":"), gap);
    parts.push(typeof value === "string" ? utf8(jsonText(value, style)) : concatBytes([utf8('"'), value, utf8('"')]));
  }
  parts.push(
    utf8(`},"flag":${flag},"language":"JAVA","opaque":${opaque},"serializeTypeCurrentRPC":"JSON","version":513}`),
  );
  return concatBytes(parts);
}

/** Style 0 as JSON.stringify, 1 without escapes where JSON is lenient, 2 everything escaped, 3 as 0. */
function jsonText(text: string, style: number): string {
  if (style === 1) return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
  if (style !== 2) return JSON.stringify(text);
  return `"${[...text].map((c) => escaped(c)).join("")}"`;
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Yes in this part of all cases. */
export function chance(random: Random, part: number): boolean {
  return random.int(1000) < part * 1000;
}

/** One of the choices. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.int(choices.length)]!;
}
