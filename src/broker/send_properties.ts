/**
 * Finds in a property string what the send path needs, without strings or objects, and whether there is anything in it
 * that only the general path understands.
 *
 * @module
 */
import { isTrueText } from "../common/bytes.ts";
import { Property } from "../protocol/message.ts";
import { UNIQUE_KEY_SIZE_MAX } from "./send_reply.ts";

/** A message with more properties takes the general path. */
const PROPERTIES_MAX = 64;

/** Filled again by each {@linkcode SendProperties.scan}; an end that equals its start: absent. */
export class SendProperties {
  /** Where the tags lie. */
  tagsStart = 0;
  tagsEnd = 0;
  /** Where the unique key lies: printable ASCII that can stand in a JSON string as it is. */
  uniqueKeyStart = 0;
  uniqueKeyEnd = 0;
  /** Whether the producer wants to wait for the store's promise: property WAIT is absent or `true`. */
  waits = true;
  /** Hashes of the names so far. */
  readonly #names = new Int32Array(PROPERTIES_MAX);
  #count = 0;

  /**
   * Looks at the properties in `b[start, end)`. False when the general path would store other bytes than these (a repeated
   * name, an empty value, malformed UTF-8), when the unique key is not plain, or when a property makes the message special.
   */
  scan(b: Uint8Array, start: number, end: number): boolean {
    this.tagsStart =
      this.tagsEnd =
      this.uniqueKeyStart =
      this.uniqueKeyEnd =
        0;
    this.waits = true;
    this.#count = 0;
    let bits = 0; // all bytes or'ed
    for (let at = start; at < end;) {
      let hash = 0;
      let nameEnd = at;
      for (; nameEnd < end && b[nameEnd]! > 2; nameEnd++) {
        bits |= b[nameEnd]!;
        hash = (Math.imul(hash, 31) + b[nameEnd]!) | 0;
      }
      if (nameEnd === at || nameEnd >= end || b[nameEnd] !== 1) return false; // no pair
      let valueEnd = nameEnd + 1;
      for (; valueEnd < end && b[valueEnd] !== 2; valueEnd++) bits |= b[valueEnd]!;
      if (valueEnd === nameEnd + 1 || !this.#isNew(hash) || !this.#pair(b, at, nameEnd, valueEnd)) return false;
      at = valueEnd + 1;
    }
    return this.uniqueKeyEnd - this.uniqueKeyStart <= UNIQUE_KEY_SIZE_MAX &&
      isPlain(b, this.uniqueKeyStart, this.uniqueKeyEnd) && (bits < 128 || isUtf8(b, start, end));
  }

  /** Whether no name before had this hash (two names that only share it take the general path for nothing). */
  #isNew(hash: number): boolean {
    const names = this.#names;
    for (let i = 0; i < this.#count; i++) if (names[i] === hash) return false;
    if (this.#count === PROPERTIES_MAX) return false;
    names[this.#count++] = hash;
    return true;
  }

  #pair(b: Uint8Array, start: number, nameEnd: number, valueEnd: number): boolean {
    switch (b[start]) {
      case 0x54: // T
        if (is(b, start, nameEnd, TAGS)) {
          this.tagsStart = nameEnd + 1;
          this.tagsEnd = valueEnd;
          return true;
        }
        break;
      case 0x55: // U
        if (is(b, start, nameEnd, UNIQ_KEY)) {
          this.uniqueKeyStart = nameEnd + 1;
          this.uniqueKeyEnd = valueEnd;
          return true;
        }
        break;
      case 0x57: // W
        if (is(b, start, nameEnd, WAIT)) {
          this.waits = isTrueText(b, nameEnd + 1, valueEnd);
          return true;
        }
        break;
      case 0x4b: // K
        if (is(b, start, nameEnd, KEYS)) return true;
        break;
    }
    return !isSpecial(b, start, nameEnd);
  }
}

const encoder = new TextEncoder();
const TAGS = encoder.encode(Property.TAGS);
const UNIQ_KEY = encoder.encode(Property.UNIQ_KEY);
const WAIT = encoder.encode(Property.WAIT);
const KEYS = encoder.encode(Property.KEYS);
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Properties that the broker acts upon or sets itself. */
const SPECIAL = [
  Property.DELAY,
  Property.TRAN_MSG,
  Property.TIMER_DELAY_SEC,
  Property.TIMER_DELAY_MS,
  Property.TIMER_DELIVER_MS,
  Property.TIMER_DEL_UNIQKEY,
  Property.POP_CK,
  Property.INNER_MULTI_DISPATCH,
  Property.INNER_NUM,
  Property.PRIORITY,
  Property.CLUSTER,
  Property.MSG_REGION,
  Property.TRACE_ON,
  Property.CRC32,
].map((name) => encoder.encode(name));
/** First letters of {@linkcode SPECIAL}. */
const SPECIAL_FIRST = new Uint8Array(256);
for (const name of SPECIAL) SPECIAL_FIRST[name[0]!] = 1;

function isSpecial(b: Uint8Array, start: number, end: number): boolean {
  if (SPECIAL_FIRST[b[start]!] === 0) return false;
  return SPECIAL.some((name) => is(b, start, end, name));
}

function is(b: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (b[start + i] !== word[i]) return false;
  return true;
}

function isUtf8(b: Uint8Array, start: number, end: number): boolean {
  try {
    strictDecoder.decode(b.subarray(start, end));
    return true;
  } catch {
    return false;
  }
}

/** Printable ASCII without quote and backslash: can stand in a JSON string as it is. */
function isPlain(b: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = b[i]!;
    if (c < 0x20 || c > 0x7e || c === 0x22 || c === 0x5c) return false;
  }
  return true;
}
