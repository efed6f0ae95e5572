/**
 * RocketMQ's binary header encoding:
 *
 * ```text
 * i16 code · u8 language · i16 version · i32 opaque · i32 flag
 * i32 n · remark (n bytes, 0 = none)
 * i32 m · ext fields (m bytes): { i16 k · name (k bytes) · i32 v · value (v bytes, 0 = null) }*
 * ```
 *
 * Codes above 32767 do not fit. Source: RocketMQ `RocketMQSerializable`.
 *
 * @module
 */
import { getI16, getI32, getU16, putI16, putI32, utf8Slice, utf8Text } from "../common/bytes.ts";
import { Interner } from "../common/intern.ts";
import { CURRENT_VERSION, type Language, LANGUAGES } from "../protocol/codes.ts";
import type { ExtFields } from "../protocol/header.ts";
import { FrameError, type HeaderFields } from "./header_fields.ts";

/** Bytes before the remark's length. */
const FIXED_SIZE = 13;

/**
 * Decodes a binary header.
 *
 * @throws {FrameError} when a length goes beyond the header.
 */
export function decodeRocketmqHeader(bytes: Uint8Array): HeaderFields {
  if (bytes.length < FIXED_SIZE + 8) throw new FrameError(`binary header of ${bytes.length} bytes is too short`);
  const remarkSize = sizeAt(bytes, FIXED_SIZE);
  const remarkEnd = FIXED_SIZE + 4 + remarkSize;
  const extSize = sizeAt(bytes, remarkEnd);
  return {
    code: getI16(bytes, 0),
    language: LANGUAGES[bytes[2]!] ?? "",
    version: getI16(bytes, 3),
    opaque: getI32(bytes, 5),
    flag: getI32(bytes, 9),
    remark: remarkSize === 0 ? null : utf8Text(bytes.subarray(FIXED_SIZE + 4, remarkEnd)),
    ext: decodeExtFields(bytes, remarkEnd + 4, remarkEnd + 4 + extSize),
  };
}

/** The size field at `at`, checked to lie with its content inside the header. */
function sizeAt(bytes: Uint8Array, at: number): number {
  const size = at + 4 <= bytes.length ? getI32(bytes, at) : -1;
  if (size < 0 || at + 4 + size > bytes.length) {
    throw new FrameError(`binary header: length at ${at} goes beyond its end`);
  }
  return size;
}

/** Names of fields: few, and in every request. */
const names = new Interner(1024);

function decodeExtFields(bytes: Uint8Array, start: number, end: number): ExtFields {
  const ext: Record<string, string> = Object.create(null);
  for (let at = start; at < end;) {
    if (at + 2 > end) throw new FrameError("binary header: cut ext field");
    const nameEnd = at + 2 + getU16(bytes, at);
    if (nameEnd + 4 > end) throw new FrameError("binary header: cut ext field");
    const valueSize = sizeAt(bytes, nameEnd);
    const valueEnd = nameEnd + 4 + valueSize;
    if (valueEnd > end) throw new FrameError("binary header: cut ext field");
    if (valueSize > 0) ext[names.text(bytes, at + 2, nameEnd)] = utf8Slice(bytes, nameEnd + 4, valueEnd);
    at = valueEnd;
  }
  return ext;
}

/** Encodes a header in the binary form. The code must fit 16 bits. */
export function encodeRocketmqHeader(header: HeaderFields): Uint8Array {
  const b = roomFor(header);
  putI16(b, 0, header.code);
  b[2] = languageOrdinal(header.language);
  putI16(b, 3, header.version || CURRENT_VERSION);
  putI32(b, 5, header.opaque);
  putI32(b, 9, header.flag);
  const remarkEnd = putText(b, FIXED_SIZE + 4, header.remark ?? "");
  putI32(b, FIXED_SIZE, remarkEnd - FIXED_SIZE - 4);
  let at = remarkEnd + 4;
  for (const name in header.ext) {
    const nameEnd = putText(b, at + 2, name);
    putI16(b, at, nameEnd - at - 2);
    at = putText(b, nameEnd + 4, header.ext[name]!);
    putI32(b, nameEnd, at - nameEnd - 4);
  }
  putI32(b, remarkEnd, at - remarkEnd - 4);
  return b.slice(0, at);
}

function languageOrdinal(language: string): number {
  const ordinal = LANGUAGES.indexOf(language as Language);
  return ordinal < 0 ? 0 : ordinal;
}

/** Headers are made here and then copied out at their size. */
let scratch = new Uint8Array(4096);

/** The scratch buffer, large enough for the header whatever its characters are. */
function roomFor(header: HeaderFields): Uint8Array {
  let characters = header.remark?.length ?? 0;
  let fields = 0;
  for (const name in header.ext) {
    characters += name.length + header.ext[name]!.length;
    fields++;
  }
  const size = FIXED_SIZE + 8 + 6 * fields + 3 * characters;
  if (size > scratch.length) scratch = new Uint8Array(size);
  return scratch;
}

const encoder = new TextEncoder();

/** Writes the UTF-8 bytes of `text` at `at`; returns their end. Most texts are short and ASCII, for which a loop is quickest. */
function putText(b: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || i === 64) return at + i + encoder.encodeInto(text.slice(i), b.subarray(at + i)).written;
    b[at + i] = code;
  }
  return at + text.length;
}
