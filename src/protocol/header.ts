/**
 * Custom headers ("ext fields") as tables of typed fields. On the wire every field is a string; a table says what it
 * means and whether it must be there, and gives the TypeScript type of the decoded header.
 *
 * Types: `string`, `int` (32 bit), `long` (64 bit, a safe integer), `time` (64 bit; values beyond the safe range, such as
 * Java's `Long.MAX_VALUE`, become the largest safe integer), `wide` (64 bit, exact bigint), `boolean`, `double`; with `!`
 * when the field is required.
 *
 * Source: RocketMQ `CommandCustomHeader`, `@CFNotNull`, `RemotingCommand#decodeCommandCustomHeader`.
 *
 * @module
 */
import { systemError } from "./response_error.ts";

/** Ext fields as they are on the wire. */
export type ExtFields = Readonly<Record<string, string>>;

/** A field's type, `!` when it must be present. */
export type FieldType = "string" | "int" | "long" | "time" | "wide" | "boolean" | "double";

/** A header: field name to type. */
export type HeaderTable = Readonly<Record<string, FieldType | `${FieldType}!`>>;

/** The TypeScript type of a field type. */
export type ValueOf<F extends string> = F extends "string" | "string!" ? string
  : F extends "boolean" | "boolean!" ? boolean
  : F extends "wide" | "wide!" ? bigint
  : number;

/** The decoded form of a header table: required fields as their type, the others also undefined. */
export type HeaderOf<T extends HeaderTable> = {
  readonly [K in keyof T]: T[K] extends `${string}!` ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

/** Declares a header table, keeping its literal type. */
export function header<const T extends HeaderTable>(table: T): T {
  return table;
}

/**
 * Decodes ext fields by a table.
 *
 * @throws {ResponseError} SYSTEM_ERROR naming the field that is missing or cannot be read.
 */
export function readHeader<T extends HeaderTable>(table: T, ext: ExtFields): HeaderOf<T> {
  const out: Record<string, string | number | bigint | boolean | undefined> = {};
  for (const name in table) {
    const type = table[name]!;
    const required = type.endsWith("!");
    const text = ext[name];
    if (text === undefined || text === null) {
      if (required) throw systemError(`RemotingCommandException: the custom field <${name}> is null`);
      out[name] = undefined;
    } else {
      out[name] = readField(name, required ? type.slice(0, -1) : type, text);
    }
  }
  return out as HeaderOf<T>;
}

/** Ext fields from values; null and undefined ones are left out. */
export function writeHeader(
  values: Readonly<Record<string, string | number | bigint | boolean | null | undefined>>,
): Record<string, string> {
  const ext: Record<string, string> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== undefined && value !== null) ext[name] = String(value);
  }
  return ext;
}

const INTEGER = /^[+-]?\d{1,19}$/;

function readField(name: string, type: string, text: string): string | number | bigint | boolean {
  switch (type) {
    case "string":
      return text;
    case "boolean":
      return text.toLowerCase() === "true";
    case "double": {
      const value = Number(text);
      if (text.trim() === "" || Number.isNaN(value)) throw badNumber(name, text);
      return value;
    }
    case "wide":
      if (!INTEGER.test(text)) throw badNumber(name, text);
      return BigInt(text);
    default:
      return readInteger(name, type, text);
  }
}

function readInteger(name: string, type: string, text: string): number {
  if (!INTEGER.test(text)) throw badNumber(name, text);
  const value = Number(text);
  if (type === "int" && (value > 2147483647 || value < -2147483648)) throw badNumber(name, text);
  if (Number.isSafeInteger(value)) return value;
  if (type !== "time") throw badNumber(name, text);
  return value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

function badNumber(name: string, text: string): Error {
  return systemError(`NumberFormatException: For input string: "${text}", the custom field <${name}>`);
}
