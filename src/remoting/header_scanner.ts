/**
 * Reads a header field by field where it lies, in either encoding, without building objects or strings: for the requests
 * that arrive a million times. Whatever it does not expect (escaped or repeated member names, numbers in quotes, a remark
 * in a binary header) it gives up on ({@linkcode HeaderScanner.failed}), and the general decoder takes the frame.
 *
 * Invariant: when it reaches the end without giving up, the general decoder accepts the header too and reads the same.
 *
 * Use: {@linkcode HeaderScanner.start}, then {@linkcode HeaderScanner.next} until it returns false, then look at
 * {@linkcode HeaderScanner.failed}; `opaque` and `flag` are known only then, for in a JSON header they come behind the
 * ext fields.
 *
 * @module
 */
import { getI16, getI32, getU16, isTrueText, utf8 } from "../common/bytes.ts";
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
  /** A member has ended: a comma or the end of the object comes next. */
  #afterMember = false;
  /** Top-level members met so far, bits of MEMBER_…. */
  #seen = 0;

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

  /** Whether the value is `true`, in any case of letters. */
  isTrue(): boolean {
    return isTrueText(this.bytes, this.valueStart, this.valueEnd);
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

  /** A field without a value counts as absent. */
  #nextBinary(): boolean {
    const b = this.bytes;
    this.escaped = false;
    while (this.#at < this.#end) {
      this.nameStart = this.#at + 2;
      this.nameEnd = this.nameStart + getU16(b, this.#at);
      this.valueStart = this.nameEnd + 4;
      if (this.valueStart > this.#end) return this.#fail();
      const size = getI32(b, this.nameEnd);
      this.valueEnd = this.valueStart + size;
      if (size < 0 || this.valueEnd > this.#end) return this.#fail();
      this.#at = this.valueEnd;
      if (size > 0) return true;
    }
    return false;
  }

  #startJson(): void {
    this.#inExt = false;
    this.#afterMember = false;
    this.#seen = 0;
    if (this.#at < this.#end && this.bytes[this.#at] === OPEN) this.#at++;
    else this.failed = true;
  }

  #nextJson(): boolean {
    for (;;) {
      let c = this.#skipBlanks();
      if (c === CLOSE) {
        this.#at++;
        this.#afterMember = true;
        if (!this.#inExt) return this.#finishJson();
        this.#inExt = false;
        continue;
      }
      if (this.#afterMember) {
        if (c !== COMMA) return this.#fail();
        this.#at++;
        c = this.#skipBlanks();
      }
      if (c !== QUOTE || !this.#name()) return this.#fail();
      this.#afterMember = true;
      if (this.#inExt) return this.#extValue();
      if (!this.#member()) return this.#fail();
    }
  }

  /** Behind the last brace there may be nothing. */
  #finishJson(): boolean {
    if (this.#skipBlanks() !== -1) this.failed = true;
    this.#at = this.#end;
    this.#json = false; // the end stays the end, also when next() is called again
    return false;
  }

  #fail(): boolean {
    this.failed = true;
    return false;
  }

  /** The next byte that is no blank, or −1 at the end. */
  #skipBlanks(): number {
    while (this.#at < this.#end) {
      const c = this.bytes[this.#at]!;
      if (c > BLANK || !isBlank(c)) return c;
      this.#at++;
    }
    return -1;
  }

  /** Reads a member's name and the colon behind it. A name with escapes is left to the general decoder. */
  #name(): boolean {
    this.nameStart = this.#at + 1;
    if (!this.#string() || this.escaped) return false;
    this.nameEnd = this.#at - 1;
    if (this.#skipBlanks() !== COLON) return false;
    this.#at++;
    return this.#skipBlanks() !== -1;
  }

  /** Moves behind the string that begins here; false when it is malformed. Tells in `escaped` whether it has escapes. */
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
        const size = escapeSize(b, at + 1, end);
        if (size < 0) return false;
        this.escaped = true;
        at += size;
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
    const member = this.#memberBit();
    if ((this.#seen & member) !== 0) return false; // the last of equal names counts: let the general decoder see to it
    this.#seen |= member;
    const c = this.bytes[this.#at]!;
    if (c === OPEN) {
      this.#inExt = member === MEMBER_EXT;
      this.#afterMember = false;
      this.#at++;
      return this.#inExt;
    }
    if (c === QUOTE) return member === 0 && this.#string();
    return member !== MEMBER_EXT && this.#number(member);
  }

  /** Which member the name is, 0 for one that does not matter. */
  #memberBit(): number {
    switch (this.nameEnd - this.nameStart) {
      case 4:
        return this.#isNamed(NAME_FLAG) ? MEMBER_FLAG : this.#isNamed(NAME_CODE) ? MEMBER_CODE : 0;
      case 6:
        return this.#isNamed(NAME_OPAQUE) ? MEMBER_OPAQUE : 0;
      case 7:
        return this.#isNamed(NAME_VERSION) ? MEMBER_VERSION : 0;
      case 9:
        return this.#isNamed(NAME_EXT) ? MEMBER_EXT : 0;
      default:
        return 0;
    }
  }

  #isNamed(name: Uint8Array): boolean {
    for (let i = 0; i < name.length; i++) if (this.bytes[this.nameStart + i] !== name[i]) return false;
    return true;
  }

  #number(member: number): boolean {
    const start = this.#at;
    while (this.#at < this.#end && this.bytes[this.#at] !== COMMA && this.bytes[this.#at] !== CLOSE) this.#at++;
    const value = decimal(this.bytes, start, this.#at);
    if (!Number.isSafeInteger(value)) return false;
    if (member === MEMBER_FLAG) this.flag = value | 0;
    else if (member === MEMBER_OPAQUE) this.opaque = value | 0;
    else if (member === MEMBER_VERSION) this.version = value | 0;
    return true; // code is known; anything else does not matter
  }
}

const MEMBER_CODE = 1;
const MEMBER_FLAG = 2;
const MEMBER_OPAQUE = 4;
const MEMBER_VERSION = 8;
const MEMBER_EXT = 16;
const NAME_CODE = utf8("code");
const NAME_FLAG = utf8("flag");
const NAME_OPAQUE = utf8("opaque");
const NAME_VERSION = utf8("version");
const NAME_EXT = utf8("extFields");

function isBlank(c: number): boolean {
  return c === BLANK || c === 0x09 || c === 0x0a || c === 0x0d;
}

/** Bytes of the escape sequence at `at`, behind its backslash; −1 when it is none. */
function escapeSize(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  if (bytes[at] === 0x75) return at + 5 <= end && hex(bytes, at + 1) >= 0 ? 5 : -1;
  return PLAIN_ESCAPES.includes(bytes[at]!) ? 1 : -1;
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
