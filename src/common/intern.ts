/**
 * Strings for bytes that come again and again (topic and group names in requests): the same bytes give the same string
 * object, without decoding it anew.
 *
 * @module
 */
import { utf8Text } from "./bytes.ts";

/** Names longer than this are decoded each time. */
const NAME_SIZE_MAX = 255;

interface Entry {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** A bounded table from bytes to their text. A newer name takes the place of an older one with the same hash. */
export class Interner {
  readonly #slots: (Entry | undefined)[];
  readonly #mask: number;

  /** @param slots how many names it holds at most; a power of two. */
  constructor(slots = 4096) {
    this.#slots = new Array(slots).fill(undefined);
    this.#mask = slots - 1;
  }

  /** The text of the UTF-8 bytes in `[start, end)`. */
  text(bytes: Uint8Array, start: number, end: number): string {
    const size = end - start;
    if (size > NAME_SIZE_MAX) return utf8Text(bytes.subarray(start, end));
    let hash = size;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slot = (hash ^ (hash >>> 15)) & this.#mask;
    const entry = this.#slots[slot];
    if (entry !== undefined && sameBytes(entry.bytes, bytes, start, size)) return entry.text;
    const own = bytes.slice(start, end);
    const text = utf8Text(own);
    this.#slots[slot] = { bytes: own, text };
    return text;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array, start: number, size: number): boolean {
  if (a.length !== size) return false;
  for (let i = 0; i < size; i++) if (a[i] !== b[start + i]) return false;
  return true;
}
