/**
 * The JSON header encoding: `{"code":…,"extFields":{…},"flag":…,"language":…,"opaque":…,"version":…}`.
 * Source: RocketMQ `RemotingSerializable`; every peer of ours reads strict JSON here.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { CURRENT_VERSION } from "../protocol/codes.ts";
import type { ExtFields } from "../protocol/header.ts";
import { parseJson, stringifyJson } from "../protocol/json.ts";
import { NO_EXT } from "./command.ts";
import { FrameError, type HeaderFields } from "./header_fields.ts";

/**
 * Decodes a JSON header. Unknown members are ignored; ext values that are numbers or booleans become strings.
 *
 * @throws {FrameError} when it is not a JSON object with an integer code and opaque.
 */
export function decodeJsonHeader(bytes: Uint8Array): HeaderFields {
  const json = parse(utf8Text(bytes));
  return {
    code: integer(json, "code"),
    language: typeof json.language === "string" ? json.language : "",
    version: integer(json, "version"),
    opaque: integer(json, "opaque"),
    flag: integer(json, "flag"),
    remark: typeof json.remark === "string" ? json.remark : null,
    ext: extFields(json.extFields),
  };
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = parseLenient(text);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof Map) {
    throw new FrameError("header is not a JSON object");
  }
  return value as Record<string, unknown>;
}

function parseLenient(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw new FrameError(`unparsable JSON header: ${error instanceof Error ? error.message : error}`);
  }
}

function integer(json: Record<string, unknown>, name: string): number {
  const value = json[name];
  if (value === undefined || value === null) return 0;
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) {
    throw new FrameError(`header member ${name} is no integer`);
  }
  return number | 0;
}

function extFields(value: unknown): ExtFields {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return NO_EXT;
  const fields = value as Record<string, unknown>;
  for (const name in fields) {
    const member = fields[name];
    if (typeof member === "string") continue;
    if (member === null || member === undefined) delete fields[name];
    else fields[name] = typeof member === "object" ? nestedText(member) : String(member);
  }
  return fields as Record<string, string>;
}

function nestedText(member: unknown): string {
  try {
    return stringifyJson(member);
  } catch {
    throw new FrameError("an ext field is nested too deeply");
  }
}

/** Encodes a header as JSON, members in Java's (alphabetical) order and, as Java does, without what is empty. */
export function encodeJsonHeader(header: HeaderFields): Uint8Array {
  const remark = header.remark === null ? "" : `"remark":${JSON.stringify(header.remark)},`;
  const extText = JSON.stringify(header.ext);
  const ext = extText === "{}" ? "" : `"extFields":${extText},`;
  return utf8(
    `{"code":${header.code},${ext}"flag":${header.flag},"language":"${
      header.language || "JAVA"
    }","opaque":${header.opaque},${remark}"serializeTypeCurrentRPC":"JSON","version":${
      header.version || CURRENT_VERSION
    }}`,
  );
}
