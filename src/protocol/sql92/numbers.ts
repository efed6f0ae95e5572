/**
 * Numbers as Java reads them from text: a property's value meets a number in a comparison, and what Java makes of the text
 * decides. All functions take time in proportion to the text.
 *
 * Source: `Integer.valueOf`, `Long.valueOf`, `Double.valueOf` of the JDK.
 *
 * @module
 */

const INT_MAX = 2 ** 31 - 1;
const LONG_MAX = 2n ** 63n - 1n;
/** Integers with fewer digits are exact in a double. */
const SAFE_DIGITS = 15;
/** No long has more digits. */
const LONG_DIGITS_MAX = 19;

/** Reads a 32-bit integer: a sign or none, digits of any script. Null where Java throws: blanks, overflow, anything else. */
export function parseInt32(text: string): number | null {
  const digits = decimalDigits(text);
  if (digits === null || digits.length > SAFE_DIGITS) return null;
  const isNegative = text.charCodeAt(0) === MINUS;
  const magnitude = Number(digits);
  if (magnitude > (isNegative ? INT_MAX + 1 : INT_MAX)) return null;
  return isNegative && magnitude > 0 ? -magnitude : magnitude;
}

/** Reads a 64-bit integer, otherwise as {@linkcode parseInt32}. */
export function parseInt64(text: string): bigint | null {
  const digits = decimalDigits(text);
  if (digits === null || digits.length > LONG_DIGITS_MAX) return null;
  const isNegative = text.charCodeAt(0) === MINUS;
  const magnitude = BigInt(digits);
  if (magnitude > (isNegative ? LONG_MAX + 1n : LONG_MAX)) return null;
  return isNegative ? -magnitude : magnitude;
}

/**
 * Reads a double: blanks around it, a sign, then decimal (`1`, `.5`, `1e3`), hexadecimal (`0x1.8p3`), `NaN` or `Infinity`,
 * with `f`, `F`, `d` or `D` behind a number. Null where Java throws.
 */
export function parseDouble(text: string): number | null {
  const [start, end] = trimmed(text);
  const isSigned = text.charCodeAt(start) === MINUS || text.charCodeAt(start) === PLUS;
  const magnitude = parseMagnitude(text.slice(isSigned ? start + 1 : start, end));
  return magnitude === null ? null : text.charCodeAt(start) === MINUS ? -magnitude : magnitude;
}

/** The digits of an integer's text in ASCII without leading zeros ("0" for none), or null when it is none. */
function decimalDigits(text: string): string | null {
  const first = text.charCodeAt(0);
  const start = first === MINUS || first === PLUS ? 1 : 0;
  if (text.length === start) return null;
  let isAscii = true;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= ZERO && c <= ZERO + 9) continue;
    if (digitValue(c) < 0) return null;
    isAscii = false;
  }
  const digits = isAscii ? text.slice(start) : asciiDigits(text, start);
  let zeros = 0;
  while (zeros < digits.length - 1 && digits.charCodeAt(zeros) === ZERO) zeros++;
  return zeros === 0 ? digits : digits.slice(zeros);
}

function asciiDigits(text: string, start: number): string {
  const digits: number[] = [];
  for (let i = start; i < text.length; i++) digits.push(digitValue(text.charCodeAt(i)));
  return digits.join("");
}

/** The zero of each script that has digits within 16 bits; its nine others follow it. Source: `Character.digit`. */
// deno-fmt-ignore
const ZEROS: readonly number[] = [
  0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
  0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
  0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

function digitValue(c: number): number {
  for (const zero of ZEROS) if (c >= zero && c <= zero + 9) return c - zero;
  return -1;
}

/** What Java's `trim` leaves: everything up to the space is a blank. */
function trimmed(text: string): [start: number, end: number] {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= SPACE) start++;
  while (end > start && text.charCodeAt(end - 1) <= SPACE) end--;
  return [start, end];
}

/** Numbers, perhaps with a type letter. Each has one way only to match a text, so that none makes it try long. */
const DECIMAL = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const HEXADECIMAL = /^0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?[pP]([+-]?\d+)[fFdD]?$/;

function parseMagnitude(text: string): number | null {
  if (DECIMAL.test(text)) return Number(hasTypeLetter(text) ? text.slice(0, -1) : text);
  if (text === "NaN") return NaN;
  if (text === "Infinity") return Infinity;
  const [, whole, fraction = "", exponent] = HEXADECIMAL.exec(text) ?? [];
  if (whole === undefined || whole.length + fraction.length === 0) return null;
  return hexadecimal(whole, fraction, Number(exponent));
}

function hasTypeLetter(text: string): boolean {
  return text.charCodeAt(text.length - 1) > ZERO + 9;
}

/** Hexadecimal digits that are looked at one by one; of those behind only matters whether all are zero. */
const HEX_DIGITS_MAX = 16;
const PRECISION = 53;
const EXPONENT_MAX = 1023;
const EXPONENT_MIN = -1022;

/** `whole.fraction × 2^exponent`, rounded once to the nearest double, to the even one of two. */
function hexadecimal(whole: string, fraction: string, exponent: number): number {
  const digits = whole + fraction;
  let first = 0;
  while (first < digits.length && digits.charCodeAt(first) === ZERO) first++;
  if (first === digits.length) return 0;
  const kept = digits.slice(first, first + HEX_DIGITS_MAX);
  const dropped = digits.length - first - kept.length;
  const isInexact = trailingZerosFrom(digits, first + kept.length) > first + kept.length;
  // The value is mantissa × 2^scale, and a little more when inexact.
  const mantissa = BigInt(`0x${kept}`);
  const scale = exponent + 4 * (dropped - fraction.length);
  const bits = mantissa.toString(2).length;
  const top = bits - 1 + scale;
  if (top > EXPONENT_MAX) return Infinity;
  const precision = top >= EXPONENT_MIN ? PRECISION : PRECISION - (EXPONENT_MIN - top);
  if (precision < 0) return 0;
  const cut = Math.max(0, bits - precision);
  return Number(roundedShift(mantissa, cut, isInexact)) * 2 ** (scale + cut);
}

/** `value / 2^cut` rounded to the nearest integer, to the even one of two unless something was lost before. */
function roundedShift(value: bigint, cut: number, isInexact: boolean): bigint {
  if (cut === 0) return value;
  const low = BigInt.asUintN(cut, value);
  const half = 1n << BigInt(cut - 1);
  const high = value >> BigInt(cut);
  const isUp = low > half || (low === half && (isInexact || (high & 1n) === 1n));
  return isUp ? high + 1n : high;
}

/** Where the zeros begin that end `digits`, but not before `from`. */
function trailingZerosFrom(digits: string, from: number): number {
  let at = digits.length;
  while (at > from && digits.charCodeAt(at - 1) === ZERO) at--;
  return at;
}

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
