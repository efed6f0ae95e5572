/**
 * JSON as RocketMQ's Java library (fastjson) writes and reads it, in bodies and in `config/*.json`:
 * maps may have bare integer keys (`{0:"a"}`) and objects as keys (`{{"brokerName":"b","queueId":1,"topic":"T"}:5}`), and
 * 64-bit integers are exact.
 *
 * Reading: ordinary objects become plain objects; an object with object keys becomes a `Map` whose keys are the decoded
 * objects; integers beyond 2^53 become bigint. Writing: a `Map` with object keys is written with object keys in the order
 * of the key's members, a `Map` with string or number keys as an ordinary object with quoted keys (every tested reader
 * accepts quoted integers); members that are null or undefined are left out, as Java does.
 *
 * @module
 */

/** A value that {@linkcode parseJson} gives. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonValue[]
  | JsonObject
  | Map<JsonValue, JsonValue>;

/** An object that {@linkcode parseJson} gives; has no prototype's members in it. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** The text is not JSON, nor Java's dialect of it. */
export class JsonError extends SyntaxError {
  override readonly name = "JsonError";
}

/** How deep values may be nested. */
const DEPTH_MAX = 200;

/**
 * Reads Java's dialect.
 *
 * @throws {JsonError} naming the position.
 */
export function parseJson(text: string): JsonValue {
  const strict = parseStrict(text);
  return strict === undefined ? new Parser(text).document() : strict;
}

/** Reads an object in Java's dialect. @throws {JsonError} also when it is something else. */
export function parseJsonObject(text: string): JsonObject {
  const value = parseJson(text);
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Map) {
    throw new JsonError("expected a JSON object");
  }
  return value;
}

/** Anything with 16 digits or more in a row, or an exponent of three, may not fit a double: for the exact parser. */
const LARGE_NUMBER = /\d{16}|\d[eE]\+?\d{3}/;

function parseStrict(text: string): JsonValue | undefined {
  if (LARGE_NUMBER.test(text)) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined; // Java's dialect, or an error that the exact parser will name
  }
}

/** Writes a value as Java reads it; see the module's text. */
export function stringifyJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      break;
    default:
      return "null";
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(",")}]`;
  if (value instanceof Set) return `[${[...value].map(stringifyJson).join(",")}]`;
  if (value instanceof Map) return stringifyMap(value);
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined && member !== null) members.push(`${JSON.stringify(key)}:${stringifyJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

function stringifyMap(map: ReadonlyMap<unknown, unknown>): string {
  const members: string[] = [];
  for (const [key, member] of map) {
    const name = typeof key === "object" ? stringifyJson(key) : JSON.stringify(String(key));
    members.push(`${name}:${stringifyJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#error("text after the value");
    return value;
  }

  #error(what: string): JsonError {
    return new JsonError(`${what} at position ${this.#at}`);
  }

  #blanks(): void {
    while (this.#at < this.#text.length && " \t\r\n".includes(this.#text[this.#at]!)) this.#at++;
  }

  #value(): JsonValue {
    this.#blanks();
    if (++this.#depth > DEPTH_MAX) throw this.#error(`nesting deeper than ${DEPTH_MAX}`);
    const value = this.#valueHere();
    this.#depth--;
    return value;
  }

  #valueHere(): JsonValue {
    const c = this.#text[this.#at];
    if (c === "{") return this.#object();
    if (c === "[") return this.#array();
    if (c === '"') return this.#string();
    const word = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(this.#text.slice(this.#at, this.#at + 64))
      ?.[0];
    if (word === undefined) throw this.#error("expected a value");
    this.#at += word.length;
    if (word === "true") return true;
    if (word === "false") return false;
    if (word === "null") return null;
    const number = numberOf(word);
    if (number === Infinity || number === -Infinity) throw this.#error("number too large for 64 bits");
    return number;
  }

  #string(): string {
    const start = this.#at++;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    }
    if (this.#at >= this.#text.length) throw this.#error("string without end");
    this.#at++;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#lenientString(start);
    }
  }

  /** Java writes control characters raw in some versions. */
  #lenientString(start: number): string {
    // deno-lint-ignore no-control-regex
    const escaped = this.#text.slice(start, this.#at).replace(
      /[\u0000-\u001f]/g,
      (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"),
    );
    try {
      return JSON.parse(escaped) as string;
    } catch {
      throw this.#error("malformed string");
    }
  }

  #array(): JsonValue[] {
    const out: JsonValue[] = [];
    this.#at++;
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] === "]") {
        this.#at++;
        return out;
      }
      out.push(this.#value());
      this.#separator("]");
    }
  }

  #object(): JsonObject | Map<JsonValue, JsonValue> {
    const plain: JsonObject = {};
    let keyed: Map<JsonValue, JsonValue> | null = null;
    this.#at++;
    for (;;) {
      this.#blanks();
      if (this.#text[this.#at] === "}") {
        this.#at++;
        return keyed ?? plain;
      }
      const key = this.#key();
      this.#blanks();
      if (this.#text[this.#at] !== ":") throw this.#error('expected ":"');
      this.#at++;
      const value = this.#value();
      if (typeof key === "string") {
        Object.defineProperty(plain, key, { value, enumerable: true, writable: true, configurable: true });
      } else {
        (keyed ??= new Map()).set(key, value);
      }
      this.#separator("}");
    }
  }

  #key(): JsonValue {
    const c = this.#text[this.#at];
    if (c === '"') return this.#string();
    if (c === "{") return this.#value();
    const bare = /^-?\d+|^[A-Za-z_$][\w$]*/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0];
    if (bare === undefined) throw this.#error("expected a key");
    this.#at += bare.length;
    return bare;
  }

  #separator(end: string): void {
    this.#blanks();
    const c = this.#text[this.#at];
    if (c === ",") this.#at++;
    else if (c !== end) throw this.#error(`expected "," or "${end}"`);
  }
}

function numberOf(word: string): number | bigint {
  const value = Number(word);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(word) ? value : BigInt(word);
}
