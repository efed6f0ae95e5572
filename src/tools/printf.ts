/**
 * The part of Java's `String.format` that RocketMQ's tools print with, so that columns come out as scripts expect them.
 *
 * @module
 */

/** What can be printed. */
export type Printable = string | number | boolean | null | undefined;

const SPECIFIER = /%(-?)(0?)(\d*)(?:\.(\d+))?([sdfn%])/g;

/**
 * Formats as Java does: `%s %d %f %n %%` with `-`, `0`, width and precision. A missing argument prints as `null`.
 *
 * @throws {TypeError} when `%d` or `%f` gets something else than a number.
 */
export function printf(format: string, ...args: readonly Printable[]): string {
  let next = 0;
  return format.replace(
    SPECIFIER,
    (_all, left: string, zero: string, width: string, precision: string, kind: string) => {
      if (kind === "n") return "\n";
      if (kind === "%") return "%";
      const text = convert(args[next++], kind, precision);
      const size = Number(width || 0);
      if (left === "-") return text.padEnd(size);
      return zero === "0" ? text.padStart(size, "0") : text.padStart(size);
    },
  );
}

function convert(value: Printable, kind: string, precision: string | undefined): string {
  if (kind === "s") return String(value ?? null);
  if (typeof value !== "number") throw new TypeError(`%${kind} of ${value}`);
  return kind === "d" ? String(Math.trunc(value)) : fixed(value, precision === undefined ? 6 : Number(precision));
}

/** Digits behind the point, rounded half up as the number is written: 2.005 with two digits is 2.01. */
function fixed(value: number, digits: number): string {
  const [whole = "0", fraction = ""] = String(Math.abs(value)).split(".");
  if (fraction.length <= digits || fraction.includes("e")) return value.toFixed(digits);
  const kept = BigInt(whole + fraction.slice(0, digits)) + (fraction[digits]! >= "5" ? 1n : 0n);
  const text = String(kept).padStart(digits + 1, "0");
  const sign = value < 0 && kept > 0n ? "-" : "";
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** A double as Java prints it: at least one digit behind the point, exponents from 10^7 on and below 10^-3. */
export function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
    return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** A name cut to its first `sizeMax` characters, as the tools do in columns. Source: RocketMQ `UtilAll#frontStringAtLeast`. */
export function front(text: string, sizeMax: number): string {
  return text.length > sizeMax ? text.slice(0, sizeMax) : text;
}

/** Local time as `yyyy-MM-dd HH:mm:ss`. @param timeMs milliseconds since the epoch. */
export function timeText(timeMs: number): string {
  const date = new Date(timeMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** {@linkcode timeText} with milliseconds behind a comma. */
export function timeTextMs(timeMs: number): string {
  return `${timeText(timeMs)},${String(new Date(timeMs).getMilliseconds()).padStart(3, "0")}`;
}

/** Local time as digits alone, to the millisecond. @param timeMs milliseconds since the epoch. */
export function compactTime(timeMs: number): string {
  return timeTextMs(timeMs).replace(/\D/g, "");
}

/**
 * Reads a time as the tools take it: milliseconds since the epoch, or local `yyyy-MM-dd#HH:mm:ss:SSS`.
 *
 * @throws {TypeError} when it is neither.
 */
export function parseTime(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  const match = /^(\d{4})-(\d\d)-(\d\d)#(\d\d):(\d\d):(\d\d):(\d{1,3})$/.exec(text);
  if (match === null) throw new TypeError(`"${text}" is not a time: expected milliseconds or yyyy-MM-dd#HH:mm:ss:SSS`);
  const [, year, month, day, hour, minute, second, ms] = match.map(Number);
  return new Date(year!, month! - 1, day, hour, minute, second, ms).getTime();
}

/** A map as Java's `toString` prints it: `{a=1, b=2}`. */
export function mapText(entries: Iterable<readonly [Printable, Printable]>): string {
  return `{${Array.from(entries, ([key, value]) => `${key}=${value}`).join(", ")}}`;
}
