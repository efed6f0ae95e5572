/**
 * Attributes of topics (5.x): which there are, which values they take, and how a change is written: `+key=value` sets,
 * `-key` removes. RocketMQ counterpart: `TopicAttributes`, `AttributeParser`, `AttributeUtil`.
 *
 * @module
 */
import { systemError } from "../protocol/response_error.ts";

/** Key to value. */
export type Attributes = Readonly<Record<string, string>>;

/** What is allowed of an attribute. */
export interface AttributeRule {
  /** Whether it may be changed once the topic exists. */
  readonly isChangeable: boolean;
  /** Why a value is refused, or null. */
  readonly fault: (value: string) => string | null;
}

const oneOf = (...values: string[]) => (value: string) =>
  values.includes(value) ? null : `value is not in set: [${values.join(", ")}]`;

/** What the value of `message.type` can be. */
export const MESSAGE_TYPES: readonly string[] = [
  "UNSPECIFIED",
  "NORMAL",
  "FIFO",
  "DELAY",
  "TRANSACTION",
  "PRIORITY",
  "MIXED",
  "LITE",
];

/** Name of the attribute that says which kind of messages a topic takes. */
export const MESSAGE_TYPE_ATTRIBUTE = "message.type";

const RULES: ReadonlyMap<string, AttributeRule> = new Map([
  ["queue.type", { isChangeable: false, fault: oneOf("BatchCQ", "SimpleCQ") }],
  ["cleanup.policy", { isChangeable: false, fault: oneOf("DELETE", "COMPACTION") }],
  [MESSAGE_TYPE_ATTRIBUTE, { isChangeable: true, fault: oneOf(...MESSAGE_TYPES) }],
  ["reserve.time", {
    isChangeable: true,
    fault: (value: string) => /^-1$|^\d{1,19}$/.test(value) ? null : `value is not in range [-1, Long.MAX_VALUE]`,
  }],
]);

/** Reads `+k=v,-k2`; keys keep their sign. @throws {ResponseError} when it is written wrong. */
export function parseAttributeChange(text: string | undefined): Attributes {
  const change: Record<string, string> = {};
  for (const part of (text ?? "").split(",")) {
    if (part === "") continue;
    const [key = "", value] = part.split("=");
    const sign = value === undefined ? "-" : "+";
    if (!key.includes(sign)) {
      throw systemError(`${sign === "+" ? "add/alter" : "delete"} attribute format is wrong: ${key}`);
    }
    if (key in change) throw systemError(`key duplication: ${key}`);
    change[key] = value ?? "";
  }
  return change;
}

/**
 * The attributes after a change.
 *
 * @param current null when the topic is made by the change.
 * @param change keys with their sign.
 * @throws {ResponseError} with RocketMQ's words for what is not allowed.
 */
export function alterAttributes(
  current: Attributes | null,
  change: Attributes,
  rules: ReadonlyMap<string, AttributeRule> = RULES,
): Attributes {
  const altered: Record<string, string> = { ...current };
  const seen = new Set<string>();
  for (const [signed, value] of Object.entries(change)) {
    const key = signed.slice(1);
    if (key === "" || key.includes("+") || key.includes("-")) throw systemError("kv string format wrong.");
    if (seen.has(key)) throw systemError(`alter duplication key. key: ${key}`);
    seen.add(key);
    checkSign(current, signed, key);
    checkRule(rules.get(key), key, current === null, signed.startsWith("-") ? null : value);
    if (signed.startsWith("-")) delete altered[key];
    else altered[key] = value;
  }
  return altered;
}

function checkSign(current: Attributes | null, signed: string, key: string): void {
  const sign = signed[0];
  if (current === null) {
    if (sign !== "+") throw systemError(`only add attribute is supported while creating topic. key: ${key}`);
  } else if (sign === "-") {
    if (!(key in current)) throw systemError(`attempt to delete a nonexistent key: ${key}`);
  } else if (sign !== "+") {
    throw systemError(`wrong format key: ${key}`);
  }
}

function checkRule(rule: AttributeRule | undefined, key: string, isNew: boolean, value: string | null): void {
  if (rule === undefined) throw systemError(`unsupported key: ${key}`);
  if (!isNew && !rule.isChangeable) throw systemError(`attempt to update an unchangeable attribute. key: ${key}`);
  const fault = value === null ? null : rule.fault(value);
  if (fault !== null) throw systemError(`${fault}, key: ${key}, value: ${value}`);
}

/** How many percent of a group's pops of a topic of priorities look by priority. */
const PRIORITY_FACTOR_ATTRIBUTE = "priority.factor";
const PRIORITY_FACTOR_MAX = 100;

/** Attributes of groups (5.5). Those of lite topics are refused: there are none here. */
const GROUP_RULES: ReadonlyMap<string, AttributeRule> = new Map([
  [PRIORITY_FACTOR_ATTRIBUTE, {
    isChangeable: true,
    fault: (value: string) =>
      /^\d{1,3}$/.test(value) && Number(value) <= PRIORITY_FACTOR_MAX ? null : "value is not in range(0, 100)",
  }],
]);

/** The attributes of a group after a change; see {@linkcode alterAttributes}. */
export function alterGroupAttributes(current: Attributes | null, change: Attributes): Attributes {
  return alterAttributes(current, change, GROUP_RULES);
}

/** How many percent of a group's pops look by priority. Source: RocketMQ `SubscriptionGroupConfig#getPriorityFactor`. */
export function priorityFactorOf(group: { readonly attributes?: Attributes | undefined }): number {
  return Number(group.attributes?.[PRIORITY_FACTOR_ATTRIBUTE] ?? PRIORITY_FACTOR_MAX);
}
