/**
 * Reads one option's value from its text: what is accepted, what is accepted with a warning, and what is an error.
 *
 * A value means what its author meant. Where Java would silently fall back to a default (`flushDiskType=sync_flush`,
 * `listenPort=10911 # x`, `autoCreateTopicEnable=true `), it is read with a warning if there is only one thing it can mean,
 * and refused otherwise.
 *
 * @module
 */
import { defaultOf, type Option, type OptionValue } from "./option.ts";
import type { Environment } from "./environment.ts";

/** What a text was read as. Exactly one of `value` and `error` is there. */
export interface ReadValue {
  readonly value?: OptionValue;
  /** What is wrong with it. */
  readonly error?: string;
  /** Something the operator should know. */
  readonly warning?: string;
  /** The text was empty and the default stays, as if the setting were not there. */
  readonly isDefault?: true;
}

/** Reads `input`, which has no comment and no blanks around any more. */
export function readValue(option: Option<OptionValue>, input: string, environment: Environment): ReadValue {
  if (option.type === "string") {
    if (option.choices !== undefined) return readChoice(option, option.choices, input, environment);
    return readText(option, input, environment);
  }
  // No boolean and no number ends in a semicolon; some people end every line with one.
  const bare = input.replace(/\s*;+$/, "");
  const cut = bare === input ? {} : { warning: `the ";" at its end is ignored` };
  if (bare === "") return keepDefault(option, environment);
  const read = option.type === "boolean" ? readBoolean(bare) : readNumber(option, bare);
  return read.error === undefined ? { ...cut, ...read } : read;
}

/** The path with `~` at its beginning replaced by the user's home, as a shell does. */
export function expandHome(path: string, environment: Environment): string {
  return path === "~" || path.startsWith("~/") ? environment.userHome + path.slice(1) : path;
}

/** What an option allows, for messages: "an integer from 1 to 65535". */
export function allowedValues(option: Option<OptionValue>): string {
  if (option.choices !== undefined) return `one of ${option.choices.join(", ")}`;
  if (option.type === "boolean") return "true or false";
  if (option.type === "string") return "a text";
  const kind = option.type === "double" ? "a number" : "an integer";
  const unit = option.unit === "" ? "" : ` (${option.unit})`;
  if (option.min !== undefined && option.max !== undefined) return `${kind} from ${option.min} to ${option.max}${unit}`;
  if (option.min !== undefined) return `${kind} of at least ${option.min}${unit}`;
  return kind + unit;
}

function keepDefault(option: Option<OptionValue>, environment: Environment): ReadValue {
  const value = defaultOf(option, environment);
  const shown = option.isDerivedByDefault ? "its default" : `the default ${value}`;
  return {
    value,
    warning: `it is empty, so ${value === null ? "it counts as not set" : `${shown} stays`}`,
    isDefault: true,
  };
}

function readBoolean(input: string): ReadValue {
  const lower = input.toLowerCase();
  if (lower === "true" || lower === "false") return { value: lower === "true" };
  return { error: "true or false is expected" };
}

function readNumber(option: Option<OptionValue>, input: string): ReadValue {
  const pattern = option.type === "double" ? /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/ : /^[+-]?\d+$/;
  if (!pattern.test(input)) return { error: `${allowedValues(option)} is expected` };
  const value = Number(input.replace(/[dDfF]$/, ""));
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, clamp } = option;
  if (value < min || value > max) return { error: `${allowedValues(option)} is expected` };
  if (clamp !== undefined && (value < clamp[0] || value > clamp[1])) {
    const nearest = value < clamp[0] ? clamp[0] : clamp[1];
    return { value: nearest, warning: `it must lie between ${clamp[0]} and ${clamp[1]}, so ${nearest} is used` };
  }
  if (option.type === "long" && !Number.isSafeInteger(value)) {
    const nearest = Math.sign(value) * Number.MAX_SAFE_INTEGER;
    return { value: nearest, warning: `it is read as ${nearest}, the largest size of a number here` };
  }
  const step = option.roundUpTo;
  return { value: step === undefined ? value : Math.ceil(value / step) * step };
}

function readChoice(
  option: Option<OptionValue>,
  choices: readonly string[],
  input: string,
  environment: Environment,
): ReadValue {
  if (choices.includes(input)) return { value: input };
  const bare = input.replace(/\s*;+$/, "");
  if (bare === "") return keepDefault(option, environment);
  const synonyms = Object.entries(option.synonyms ?? {});
  const meant = choices.find((each) => each.toLowerCase() === bare.toLowerCase()) ??
    synonyms.find(([name]) => name.toLowerCase() === bare.toLowerCase())?.[1];
  if (meant === undefined) return { error: `${allowedValues(option)} is expected` };
  return { value: meant, warning: `it is read as ${meant}` };
}

function readText(option: Option<OptionValue>, input: string, environment: Environment): ReadValue {
  let value = input;
  if (option.isList) value = input.split(";").map((item) => item.trim()).filter((item) => item !== "").join(";");
  if (option.isPath) value = expandHome(input, environment);
  if (value === "" && option.blankIsDefault) return keepDefault(option, environment);
  const wrong = value === "" ? null : option.check?.(value) ?? null;
  return wrong === null ? { value } : { error: wrong };
}
