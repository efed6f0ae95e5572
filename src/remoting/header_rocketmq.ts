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
import { concatBytes, getI16, getI32, getU16, putI16, putI32, utf8, utf8Text } from "../common/bytes.ts";
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

function decodeExtFields(bytes: Uint8Array, start: number, end: number): ExtFields {
  const ext: Record<string, string> = Object.create(null);
  for (let at = start; at < end;) {
    if (at + 2 > end) throw new FrameError("binary header: cut ext field");
    const nameEnd = at + 2 + getU16(bytes, at);
    if (nameEnd + 4 > end) throw new FrameError("binary header: cut ext field");
    const valueSize = sizeAt(bytes, nameEnd);
    const valueEnd = nameEnd + 4 + valueSize;
    if (valueEnd > end) throw new FrameError("binary header: cut ext field");
    if (valueSize > 0) ext[utf8Text(bytes.subarray(at + 2, nameEnd))] = utf8Text(bytes.subarray(nameEnd + 4, valueEnd));
    at = valueEnd;
  }
  return ext;
}

/** Encodes a header in the binary form. The code must fit 16 bits. */
export function encodeRocketmqHeader(header: HeaderFields): Uint8Array {
  const remark = header.remark === null ? new Uint8Array(0) : utf8(header.remark);
  const ext = encodeExtFields(header.ext);
  const out = new Uint8Array(FIXED_SIZE + 4 + remark.length + 4 + ext.length);
  putI16(out, 0, header.code);
  out[2] = languageOrdinal(header.language);
  putI16(out, 3, header.version || CURRENT_VERSION);
  putI32(out, 5, header.opaque);
  putI32(out, 9, header.flag);
  putI32(out, FIXED_SIZE, remark.length);
  out.set(remark, FIXED_SIZE + 4);
  putI32(out, FIXED_SIZE + 4 + remark.length, ext.length);
  out.set(ext, FIXED_SIZE + 8 + remark.length);
  return out;
}

function languageOrdinal(language: string): number {
  const ordinal = LANGUAGES.indexOf(language as Language);
  return ordinal < 0 ? 0 : ordinal;
}

function encodeExtFields(ext: ExtFields): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const name in ext) {
    const nameBytes = utf8(name);
    const valueBytes = utf8(ext[name]!);
    const sizes = new Uint8Array(6 + nameBytes.length);
    putI16(sizes, 0, nameBytes.length);
    sizes.set(nameBytes, 2);
    putI32(sizes, 2 + nameBytes.length, valueBytes.length);
    parts.push(sizes, valueBytes);
  }
  return concatBytes(parts);
}
