/**
 * Finds where good records go on behind bytes that are none.
 *
 * @module
 */
import { RECORD_MAGIC_V1, RecordKind, RecordView } from "../protocol/record.ts";

const MAGIC_FIRST_BYTE = (RECORD_MAGIC_V1 >>> 24) & 0xff;

/**
 * Index of the first record in `bytes[from, limit)` that is whole, matches its CRC and says that it lies where it lies; −1
 * when there is none.
 *
 * @param offset physical offset of the first of `bytes`.
 */
export function nextGoodRecord(bytes: Uint8Array, from: number, limit: number, offset: number): number {
  const view = new RecordView();
  for (
    let m = bytes.indexOf(MAGIC_FIRST_BYTE, from + 4);
    m >= 0 && m < limit;
    m = bytes.indexOf(MAGIC_FIRST_BYTE, m + 1)
  ) {
    const at = m - 4;
    if (view.read(bytes, at, limit, offset + at, true) === RecordKind.RECORD) return at;
  }
  return -1;
}
