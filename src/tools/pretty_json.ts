/**
 * JSON with an indentation of tabs and with integer keys bare, as RocketMQ's tools print objects (fastjson's pretty format).
 *
 * @module
 */

/** What can be printed; a map with numbers as keys is an object with bare keys. */
export type PrettyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly PrettyValue[]
  | ReadonlyMap<number, PrettyValue>
  | { readonly [name: string]: PrettyValue | undefined };

/** The text of a value; members that are undefined are left out. */
export function prettyJson(value: PrettyValue, indent = ""): string {
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return enclose("[", value.map((each) => prettyJson(each, `${indent}\t`)), "]", indent);
  const members: [string, PrettyValue | undefined][] = value instanceof Map
    ? [...value]
    : Object.entries(value).map(([name, member]) => [JSON.stringify(name), member]);
  const texts = members.flatMap(([name, member]) =>
    member === undefined ? [] : [`${name}:${prettyJson(member, `${indent}\t`)}`]
  );
  return enclose("{", texts, "}", indent);
}

function enclose(open: string, parts: readonly string[], close: string, indent: string): string {
  if (parts.length === 0) return open === "[" ? `[\n${indent}]` : "{}";
  return `${open}\n${parts.map((part) => `${indent}\t${part}`).join(",\n")}\n${indent}${close}`;
}
