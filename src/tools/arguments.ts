/**
 * Reads the options of a tools command as RocketMQ's parser does, and prints their usage in its layout. What it adds:
 * dashes that a text processor made longer are read as dashes, and every command knows `--json`.
 *
 * `-t NAME`, `-tNAME`, `-t=NAME`, `--topic NAME`, `--topic=NAME` and unambiguous beginnings of a long name are the same.
 * A value may begin with `-` only when it is a number.
 *
 * RocketMQ counterpart: `ServerUtil#parseCmdLine`, over Apache Commons CLI.
 *
 * @module
 */
import { plainDashes, unrecognizedOption } from "../common/command_line.ts";

/** One option of a command. */
export interface OptionSpec {
  /** Letters behind one dash; absent when there is only the long form. */
  readonly short?: string;
  readonly long: string;
  readonly description: string;
  readonly hasValue: boolean;
  readonly isRequired: boolean;
  /** Of options with the same group one must be given, and only one. */
  readonly group?: string;
}

/** What was given, by option key (short name, or long where there is none). */
export type Values = ReadonlyMap<string, string>;

/** The command line cannot be understood; the text is RocketMQ's. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An option with a value that need not be given. */
export function option(short: string, long: string, description: string): OptionSpec {
  return { short, long, description, hasValue: true, isRequired: false };
}

/** An option with a value that must be given. */
export function required(short: string, long: string, description: string): OptionSpec {
  return { short, long, description, hasValue: true, isRequired: true };
}

/** An option without a value. */
export function flag(short: string, long: string, description: string): OptionSpec {
  return { short, long, description, hasValue: false, isRequired: false };
}

/** Options of which exactly one must be given. */
export function oneOf(...options: readonly OptionSpec[]): OptionSpec[] {
  const group = options.map(keyOf).join("|");
  return options.map((each) => ({ ...each, group }));
}

/** Options that every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  flag("h", "help", "Print help"),
  option("n", "namesrvAddr", "Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'"),
];

const JSON_OPTION: OptionSpec = { long: "json", description: "", hasValue: false, isRequired: false };
const NEGATIVE_NUMBER = /^-\d+(\.\d+)?$/;

/** The key of an option in {@linkcode Values}. */
export function keyOf(spec: OptionSpec): string {
  return spec.short ?? spec.long;
}

/**
 * Reads arguments. Whether required options are there is not checked when help is asked for.
 *
 * @param specs all options but `--json`, which is read in addition.
 * @throws {UsageError} in the words of RocketMQ's parser.
 */
export function parseArguments(args: readonly string[], specs: readonly OptionSpec[]): Values {
  const values = new Map<string, string>();
  const all = [...specs, JSON_OPTION];
  const chosen = new Map<string, OptionSpec>();
  for (let at = 0; at < args.length; at++) {
    const argument = plainDashes(args[at]!);
    if (!argument.startsWith("-") || argument === "-") continue;
    const { spec, inline } = findOption(argument, all);
    selectInGroup(spec, chosen);
    if (!spec.hasValue) values.set(keyOf(spec), "true");
    else values.set(keyOf(spec), inline ?? valueAt(args, ++at, spec, all));
  }
  if (!values.has("h")) checkRequired(specs, values, chosen);
  return values;
}

function findOption(argument: string, specs: readonly OptionSpec[]): { spec: OptionSpec; inline: string | undefined } {
  const equals = argument.indexOf("=");
  const name = (equals < 0 ? argument : argument.slice(0, equals)).replace(/^--?/, "");
  const inline = equals < 0 ? undefined : argument.slice(equals + 1);
  const exact = specs.find((spec) => spec.short === name || spec.long.trim() === name);
  if (exact !== undefined && (inline === undefined || exact.hasValue)) return { spec: exact, inline };
  const begun = specs.filter((spec) => spec.long.startsWith(name));
  if (argument.startsWith("--") && name.length > 1 && begun.length === 1) return { spec: begun[0]!, inline };
  const glued = argument.startsWith("--")
    ? undefined
    : specs.find((spec) => spec.hasValue && spec.short === argument[1]);
  if (glued !== undefined) return { spec: glued, inline: argument.slice(2) };
  throw new UsageError(unrecognizedOption(argument, specs.map((spec) => `--${spec.long.trim()}`)));
}

function valueAt(args: readonly string[], at: number, spec: OptionSpec, specs: readonly OptionSpec[]): string {
  const value = args[at];
  const isOption = value !== undefined && /^-./.test(value) && !NEGATIVE_NUMBER.test(value) && isKnown(value, specs);
  if (value === undefined || isOption) throw new UsageError(`Missing argument for option: ${keyOf(spec)}`);
  return value;
}

function isKnown(argument: string, specs: readonly OptionSpec[]): boolean {
  try {
    findOption(argument, specs);
    return true;
  } catch {
    return false;
  }
}

function selectInGroup(spec: OptionSpec, chosen: Map<string, OptionSpec>): void {
  if (spec.group === undefined) return;
  const other = chosen.get(spec.group);
  if (other !== undefined && other !== spec) {
    throw new UsageError(
      `The option '${keyOf(spec)}' was specified but an option from this group has already been selected: '${
        keyOf(other)
      }'`,
    );
  }
  chosen.set(spec.group, spec);
}

function checkRequired(specs: readonly OptionSpec[], values: Values, chosen: ReadonlyMap<string, OptionSpec>): void {
  const missing: string[] = [];
  const groups = new Set<string>();
  for (const spec of specs) {
    if (spec.group === undefined) {
      if (spec.isRequired && !values.has(keyOf(spec))) missing.push(keyOf(spec));
    } else if (!groups.has(spec.group) && !chosen.has(spec.group)) {
      groups.add(spec.group);
      const members = specs.filter((each) => each.group === spec.group);
      missing.push(`[${members.map((each) => `-${keyOf(each)} ${each.description}`).join(", ")}]`);
    }
  }
  if (missing.length === 0) return;
  throw new UsageError(`Missing required option${missing.length === 1 ? "" : "s"}: ${missing.join(", ")}`);
}
