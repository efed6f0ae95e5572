/**
 * Reads a header field by field where it lies, in either encoding, without building objects or strings: for the requests
 * that arrive a million times. Whatever it does not expect it gives up on ({@linkcode HeaderScanner.failed}), and the
 * general decoder takes the frame.
 *
 * Use: {@linkcode HeaderScanner.start}, then {@linkcode HeaderScanner.next} until it returns false, then look at
 * {@linkcode HeaderScanner.failed}; `opaque` and `flag` are known only then, for in a JSON header they come behind the
 * ext fields.
 *
 * @module
 */
import { getI16, getI32, getU16 } from "../common/bytes.ts";
import { SERIALIZE_ROCKETMQ } from "./command.ts";
import type { Frame } from "./frame.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const BLANK = 0x20;

/** Walks over the ext fields of one header at a time; see the module's text. */
export class HeaderScanner {
  bytes: Uint8Array = new Uint8Array(0);
  opaque = 0;
  flag = 0;
  version = 0;
  /** True when the header has a form that this scanner leaves to the general decoder. */
  failed = false;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Whether the value, in a JSON header, contains escapes (see {@linkcode unescapeJson}). */
  escaped = false;
  #at = 0;
  #end = 0;
  #json = false;
  #inExt = false;

  /** Begins with the header of `frame`. */
  start(frame: Frame): void {
    this.bytes = frame.bytes;
    this.#at = frame.headerStart;
    this.#end = frame.bodyStart;
    this.#json = frame.serialize !== SERIALIZE_ROCKETMQ;
    this.failed = false;
    this.opaque = this.flag = this.version = 0;
    if (this.#json) this.#startJson();
    else this.#startBinary();
  }

  /** Moves to the next ext field; false at the end, and when it gives up. */
  next(): boolean {
    if (this.failed) return false;
    return this.#json ? this.#nextJson() : this.#nextBinary();
  }

  /** The value as a decimal integer; sets {@linkcode failed} when it is none or is not safe. */
  integer(): number {
    const value = decimal(this.bytes, this.valueStart, this.valueEnd);
    if (Number.isSafeInteger(value)) return value;
    this.failed = true;
    return 0;
  }

  /** Whether the value is `true`. */
  isTrue(): boolean {
    return this.valueEnd - this.valueStart === 4 && (this.bytes[this.valueStart]! | 0x20) === 0x74;
  }

  #startBinary(): void {
    const b = this.bytes;
    const at = this.#at;
    if (this.#end - at < 21 || getI32(b, at + 13) !== 0) { // a request has no remark
      this.failed = true;
      return;
    }
    this.version = getI16(b, at + 3);
    this.opaque = getI32(b, at + 5);
    this.flag = getI32(b, at + 9);
    this.#at = at + 21;
    this.failed = getI32(b, at + 17) !== this.#end - this.#at;
  }

  #nextBinary(): boolean {
    const b = this.bytes;
    if (this.#at >= this.#end) return false;
    this.nameStart = this.#at + 2;
    this.nameEnd = this.nameStart + getU16(b, this.#at);
    this.valueStart = this.nameEnd + 4;
    if (this.valueStart > this.#end) return this.#fail();
    const size = getI32(b, this.nameEnd);
    this.valueEnd = this.valueStart + size;
    if (size < 0 || this.valueEnd > this.#end) return this.#fail();
    this.escaped = false;
    this.#at = this.valueEnd;
    return true;
  }

  #startJson(): void {
    this.#inExt = false;
    if (this.bytes[this.#at] === OPEN) this.#at++;
    else this.failed = true;
  }

  #nextJson(): boolean {
    for (;;) {
      const c = this.#skipBlanks();
      if (c === CLOSE) {
        this.#at++;
        if (!this.#inExt) return false;
        this.#inExt = false;
        continue;
      }
      if (c === COMMA) {
        this.#at++;
        continue;
      }
      if (c !== QUOTE || !this.#name()) return this.#fail();
      if (this.#inExt) return this.#extValue();
      if (!this.#member()) return this.#fail();
    }
  }

  #fail(): boolean {
    this.failed = true;
    return false;
  }

  /** The next byte that is no blank, or −1 at the end. */
  #skipBlanks(): number {
    while (this.#at < this.#end) {
      const c = this.bytes[this.#at]!;
      if (c > BLANK) return c;
      this.#at++;
    }
    return -1;
  }

  /** Reads a member's name and the colon behind it. */
  #name(): boolean {
    this.nameStart = this.#at + 1;
    if (!this.#string()) return false;
    this.nameEnd = this.#at - 1;
    if (this.#skipBlanks() !== COLON) return false;
    this.#at++;
    return this.#skipBlanks() !== -1;
  }

  /** Moves behind the string that begins here; false when it does not end. Tells in `escaped` whether it has escapes. */
  #string(): boolean {
    const b = this.bytes;
    const end = this.#end;
    let at = this.#at + 1;
    this.escaped = false;
    while (at < end) {
      const c = b[at]!;
      if (c === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (c === BACKSLASH) {
        this.escaped = true;
        at++;
      }
      at++;
    }
    return false;
  }

  #extValue(): boolean {
    if (this.bytes[this.#at] !== QUOTE) return this.#fail();
    this.valueStart = this.#at + 1;
    if (!this.#string()) return this.#fail();
    this.valueEnd = this.#at - 1;
    return true;
  }

  /** Reads a top-level member's value. */
  #member(): boolean {
    const c = this.bytes[this.#at]!;
    if (c === OPEN) {
      if (this.nameEnd - this.nameStart !== 9) return false; // only extFields is an object
      this.#inExt = true;
      this.#at++;
      return true;
    }
    if (c === QUOTE) return this.#string();
    const start = this.#at;
    while (this.#at < this.#end && this.bytes[this.#at] !== COMMA && this.bytes[this.#at] !== CLOSE) this.#at++;
    return this.#number(start);
  }

  #number(start: number): boolean {
    const value = decimal(this.bytes, start, this.#at);
    switch (this.bytes[this.nameStart]) {
      case 0x66: // flag
        this.flag = value;
        return Number.isSafeInteger(value);
      case 0x6f: // opaque
        this.opaque = value | 0;
        return Number.isSafeInteger(value);
      case 0x76: // version
        this.version = value;
        return true;
      default: // code is known; anything else does not matter
        return true;
    }
  }
}

/** The decimal integer in `[start, end)`, or NaN. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative) at++;
  if (at >= end || end - at > 16) return NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/**
 * Writes the text of a JSON string (between its quotes, in `[start, end)`) as UTF-8 to `out` at `at`; returns the end, or
 * −1 when it has escapes other than those of one byte (surrogates and the like), or `out` is too small.
 */
export function unescapeJson(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  if (out.length - at < end - start) return -1;
  let to = at;
  for (let i = start; i < end; i++) {
    const c = bytes[i]!;
    if (c !== BACKSLASH) {
      out[to++] = c;
      continue;
    }
    const escape = bytes[++i]!;
    if (escape === 0x75) { // \u00XX below 0x80
      const value = hex(bytes, i + 1);
      if (value < 0 || value > 0x7f) return -1;
      out[to++] = value;
      i += 4;
    } else {
      const plain = PLAIN_ESCAPES.indexOf(escape);
      if (plain < 0) return -1;
      out[to++] = PLAIN_VALUES[plain]!;
    }
  }
  return to;
}

/** `" \ / b f n r t` */
const PLAIN_ESCAPES = [0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74];
const PLAIN_VALUES = [0x22, 0x5c, 0x2f, 0x08, 0x0c, 0x0a, 0x0d, 0x09];

/** Four hexadecimal digits at `at`, or −1. */
function hex(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i]!;
    const lower = c | 0x20;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
