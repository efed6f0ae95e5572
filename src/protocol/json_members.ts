/**
 * Members of decoded JSON bodies as values of one type. Missing, null and wrongly typed members become the default, as
 * Java's library leaves the field of a bean at its initial value; numbers and texts are converted into each other.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { JsonError, type JsonObject, type JsonValue, parseJson } from "./json.ts";

/** Reads the body of a frame as an object. @throws {JsonError} when it is empty or something else. */
export function readBody(body: Uint8Array): JsonObject {
  if (body.length === 0) throw new JsonError("the body is empty");
  return asObject(parseJson(utf8Text(body)));
}

/** The value as an object. @throws {JsonError} when it is something else. */
export function asObject(value: JsonValue | undefined): JsonObject {
  if (isObject(value)) return value;
  throw new JsonError("expected a JSON object");
}

/** Whether the value is an object with text keys. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** A text. */
export function textMember(object: JsonObject, name: string, missing = ""): string {
  const value = object[name];
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : missing;
}

/** A text, or null when there is none. */
export function optionalTextMember(object: JsonObject, name: string): string | null {
  const value = object[name];
  return value === undefined || value === null ? null : textMember(object, name);
}

/** An integer in the safe range; larger ones become the nearest safe integer. */
export function intMember(object: JsonObject, name: string, missing = 0): number {
  return intOf(object[name], missing);
}

/** {@linkcode intMember} of a value. */
export function intOf(value: JsonValue | undefined, missing = 0): number {
  if (typeof value === "string" && value !== "") value = Number(value);
  if (typeof value === "bigint") return value > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  return typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : missing;
}

/** A number with a fraction. */
export function doubleMember(object: JsonObject, name: string, missing = 0): number {
  const value = Number(object[name] ?? missing);
  return Number.isNaN(value) ? missing : value;
}

/** An exact 64-bit integer. */
export function wideMember(object: JsonObject, name: string): bigint {
  const value = object[name];
  if (typeof value === "bigint") return value;
  if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) return BigInt(value);
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : 0n;
}

/** A truth value; `"true"` and 1 count as true. */
export function boolMember(object: JsonObject, name: string, missing = false): boolean {
  const value = object[name];
  if (typeof value === "boolean") return value;
  if (typeof value === "string") return value.toLowerCase() === "true";
  return typeof value === "number" ? value !== 0 : missing;
}

/** A list; empty when missing. */
export function listMember(object: JsonObject, name: string): JsonValue[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}

/** A list of texts; what is no text in it is left out. */
export function textsMember(object: JsonObject, name: string): string[] {
  return listMember(object, name).filter((value) => typeof value === "string");
}

/** An object; empty when missing. */
export function objectMember(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isObject(value) ? value : {};
}

/** A table from text to text; members that are no text are left out. */
export function textTableMember(object: JsonObject, name: string): Record<string, string> {
  const table: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectMember(object, name))) {
    if (typeof value === "string") table[key] = value;
  }
  return table;
}

/** The entries of a map with object keys; an object without members has none. */
export function keyedEntries(object: JsonObject, name: string): [JsonValue, JsonValue][] {
  const value = object[name];
  return value instanceof Map ? [...value] : [];
}
