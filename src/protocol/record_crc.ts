/**
 * The CRC over a whole record that RocketMQ 5.x keeps as its last property when `enabledAppendPropCRC` is set: the record's
 * own CRC covers the body alone.
 *
 * ```
 * at        size  the record's last 20 bytes
 * size−20   8     "__CRC32#"
 * size−12   1     1
 * size−11   10    CRC-32 of the record without these 20 bytes, 31 bits, in decimal digits, the least one first
 * size−1    1     2
 * ```
 *
 * Source: RocketMQ `MessageDecoder#createCrc32`, `CommitLog#checkMessageAndReturnSize`.
 *
 * @module
 */
import { crc32, utf8 } from "../common/bytes.ts";

/** Bytes that the property takes. */
export const RECORD_CRC_SIZE = 20;

const NAME = utf8("__CRC32#\u0001");
const DIGITS = 10;
const ZERO = 48;
const VALUE_END = 2;

/** What a property string ends with before {@linkcode putRecordCrc} has filled in the digits. */
export const RECORD_CRC_PLACEHOLDER: Uint8Array = utf8("__CRC32#\u00010000000000\u0002");

/** Writes the CRC of the complete record of `size` bytes at `at` into its last 20 bytes, which must be reserved for it. */
export function putRecordCrc(b: Uint8Array, at: number, size: number): void {
  const from = at + size - RECORD_CRC_SIZE;
  b.set(RECORD_CRC_PLACEHOLDER, from);
  let rest = crc32(b.subarray(at, from));
  for (let i = 0; i < DIGITS; i++) {
    b[from + NAME.length + i] = ZERO + rest % 10;
    rest = Math.trunc(rest / 10);
  }
}

/** Whether a record carries such a CRC. */
export function hasRecordCrc(b: Uint8Array, at: number, size: number): boolean {
  const from = at + size - RECORD_CRC_SIZE;
  if (from < at || b[at + size - 1] !== VALUE_END) return false;
  for (let i = 0; i < NAME.length; i++) if (b[from + i] !== NAME[i]) return false;
  return true;
}

/** Whether the CRC that a record carries ({@linkcode hasRecordCrc}) is that of its bytes. */
export function isRecordCrcGood(b: Uint8Array, at: number, size: number): boolean {
  const from = at + size - RECORD_CRC_SIZE;
  let expected = 0;
  for (let i = DIGITS - 1; i >= 0; i--) expected = expected * 10 + (b[from + NAME.length + i]! - ZERO);
  return crc32(b.subarray(at, from)) === expected;
}
