/**
 * Turns the text of a configuration file and the settings of a command line into frozen, typed option values, one object for
 * each table that shares the file (a broker's file fills four).
 *
 * Nothing is guessed in silence: a value that cannot be read is an error with file and line, all errors are reported
 * together in one {@link ConfigError}, and everything else that the author may not expect (a comment cut from a value, an
 * unknown key, a key without effect) is one warning each. Unknown keys are kept, for they are written back on update.
 *
 * RocketMQ counterpart: `MixAll.properties2Object`, `Configuration`.
 *
 * @module
 */
import { nearestName } from "./edit_distance.ts";
import { createEnvironment, type Environment } from "./environment.ts";
import { defaultOptions, type Option, type OptionTable, type OptionValue, type OptionValues } from "./option.ts";
import { readValue } from "./option_value.ts";
import { parseProperties, type Properties, type PropertyEntry } from "./properties.ts";

export type { Option, OptionTable, OptionValue, OptionValues } from "./option.ts";

/** Tables by the name under which their values are returned. */
export type OptionTables = Readonly<Record<string, OptionTable>>;

/** What a key that is no option any more does when it is set: returns a warning, or null where it makes no difference. */
export type RetiredKey = (value: string) => string | null;

/** Where options are read from. */
export interface OptionsSource {
  /** The file's text, or its parsed form; empty without a file. */
  readonly properties?: string | Properties;
  /** Name of the file for messages. */
  readonly fileName?: string;
  /** Settings of the command line: they come after the file. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Where defaults come from; by default one that depends on no machine. */
  readonly environment?: Environment;
  /** Keys of former versions that are known to have no effect. */
  readonly retired?: Readonly<Record<string, RetiredKey>>;
}

/** What was read. */
export interface OptionsResult<T extends OptionTables> {
  /** For each table the values of its options; frozen. */
  readonly values: { readonly [K in keyof T]: OptionValues<T[K]> };
  /** What the operator should know, in the order of the file; each begins with `file:line: key=value`. */
  readonly warnings: readonly string[];
  /** Entries that no table knows. */
  readonly unknown: readonly PropertyEntry[];
  /** The options that the source set, and where: `file:line` or `command line`. */
  readonly assigned: ReadonlyMap<string, string>;
}

/** One setting that cannot be used. */
export interface ConfigProblem {
  /** `file:line`, or `command line`. */
  readonly place: string;
  readonly key: string;
  readonly value: string;
  /** What is wrong, or what is allowed. */
  readonly message: string;
}

/** A configuration that cannot be used; the process must not start with it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** All that is wrong, in the order of the file. */
  readonly problems: readonly ConfigProblem[];
  /** Exit code for the process; RocketMQ's where it has one (253 is its −3). */
  readonly exitCode: number;

  /** @param summary a message of its own instead of the list of problems. */
  constructor(problems: readonly ConfigProblem[], summary?: string, exitCode = 1) {
    super(summary ?? describeProblems(problems));
    this.problems = problems;
    this.exitCode = exitCode;
  }
}

/**
 * The refusal of a setting that cannot be used beside others, or without one: told with the place of the setting that asks
 * for it, as a value that cannot be read is.
 *
 * @param setting the key that was set, and its value (`***` for a secret).
 * @param assigned where each key was set; one that was not is told as `default`.
 */
export function settingRefusal(
  setting: { readonly key: string; readonly value: string },
  message: string,
  assigned: ReadonlyMap<string, string>,
): ConfigError {
  return new ConfigError([{ place: assigned.get(setting.key) ?? "default", ...setting, message }]);
}

/** A setting and where it came from. */
interface Setting {
  readonly key: string;
  readonly value: string;
  readonly place: string;
  readonly comment: string | null;
}

/**
 * Reads the options of all `tables` from one source.
 *
 * @throws {ConfigError} when any value cannot be read.
 */
export function readOptions<T extends OptionTables>(tables: T, source: OptionsSource): OptionsResult<T> {
  const environment = source.environment ?? createEnvironment();
  const fileName = source.fileName ?? "configuration";
  const parsed = typeof source.properties === "string" ? parseProperties(source.properties) : source.properties;
  const entries = parsed?.entries ?? [];
  const reader = new OptionReader(tables, environment, source.retired ?? {});
  for (const problem of parsed?.problems ?? []) {
    reader.problems.push({ place: `${fileName}:${problem.line}`, key: "", value: "", message: problem.message });
  }
  reader.warnAboutRepetitions(entries, fileName);
  for (const setting of settingsOf(entries, source.overrides ?? {}, fileName)) reader.take(setting);
  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  const values: Record<string, Readonly<Record<string, OptionValue>>> = {};
  for (const [name, table] of Object.entries(tables)) values[name] = reader.valuesOf(table);
  return {
    values: Object.freeze(values) as OptionsResult<T>["values"],
    warnings: reader.warnings,
    unknown: entries.filter((entry) => !reader.isKnown(entry.key)),
    assigned: reader.assigned,
  };
}

/** A table and the values of its options; more properties may be in the same object. */
export type OptionPart = readonly [table: OptionTable, values: Readonly<Record<string, OptionValue>>];

/**
 * `name=value` lines of a table, in its order, as `mqbroker -p` (all) and `-m` (`importantOnly`) print them; null is
 * empty, secrets are `***`.
 */
export function printOptions<T extends OptionTable>(
  table: T,
  values: OptionValues<T>,
  importantOnly = false,
): string[] {
  return Object.entries(table)
    .filter(([, option]) => !importantOnly || option.important)
    .map(([name, option]) => `${name}=${formatValue(option, values[name as keyof T])}`);
}

/** Stands for a secret in everything that is printed. */
export const SECRET = "***";

/** An option's value as Java prints it: a double always with a fraction, null as nothing; a secret as `***`. */
export function formatValue(option: Option<OptionValue>, value: OptionValue): string {
  if (value === null) return "";
  if (option.isSecret && value !== "") return SECRET;
  if (option.type === "double" && Number.isInteger(value)) return (value as number).toFixed(1);
  return String(value);
}

/** Collects values, warnings and problems while the settings are taken one by one. */
class OptionReader {
  readonly warnings: string[] = [];
  readonly problems: ConfigProblem[] = [];
  readonly assigned = new Map<string, string>();
  /** Values by option; one key may belong to several tables, with different rules. */
  readonly #values = new Map<Option<OptionValue>, OptionValue>();
  readonly #names: ReadonlySet<string>;

  constructor(
    readonly tables: OptionTables,
    readonly environment: Environment,
    readonly retired: Readonly<Record<string, RetiredKey>>,
  ) {
    this.#names = new Set(Object.values(tables).flatMap((table) => Object.keys(table)));
  }

  isKnown(key: string): boolean {
    return this.#names.has(key) || Object.hasOwn(this.retired, key);
  }

  warnAboutRepetitions(entries: readonly PropertyEntry[], fileName: string): void {
    const last = new Map<string, PropertyEntry>();
    for (const entry of entries) {
      const before = last.get(entry.key);
      if (before !== undefined && before.value !== entry.value) {
        this.warnings.push(`${fileName}:${entry.line}: ${entry.key} is set again, line ${before.line} does not count`);
      }
      last.set(entry.key, entry);
    }
  }

  take(setting: Setting): void {
    if (setting.comment !== null) {
      this.#warn(
        setting,
        `"${setting.comment}" is taken for a comment; put it on a line of its own, for Java RocketMQ takes it as part of the value`,
      );
    }
    if (!this.#names.has(setting.key)) return this.#takeOther(setting);
    const seen = new Set<string>();
    let isAssigned = false;
    for (const table of Object.values(this.tables)) {
      if (!Object.hasOwn(table, setting.key)) continue;
      const { isDefault, warnings } = this.#assign(table, table[setting.key]!, setting);
      if (!isDefault) isAssigned = true;
      for (const message of warnings) seen.add(message);
    }
    for (const message of seen) this.#warn(setting, message);
    if (isAssigned) this.assigned.set(setting.key, setting.place);
    else this.assigned.delete(setting.key); // an earlier line with this key does not count
  }

  valuesOf(table: OptionTable): Readonly<Record<string, OptionValue>> {
    const overrides: Record<string, OptionValue> = {};
    for (const [name, option] of Object.entries(table)) {
      const value = this.#values.get(option);
      if (value !== undefined) overrides[name] = value;
    }
    return defaultOptions(table, this.environment, overrides);
  }

  /** Reads the setting for one option and all of its other names; says whether it leaves the default. */
  #assign(
    table: OptionTable,
    option: Option<OptionValue>,
    setting: Setting,
  ): { readonly isDefault: boolean; readonly warnings: string[] } {
    const read = readValue(option, setting.value, this.environment);
    if (read.error !== undefined) {
      this.#refuse(setting, read.error);
      return { isDefault: false, warnings: [] };
    }
    const value = read.value!;
    const warnings = read.warning === undefined ? [] : [read.warning];
    if (option.effect === "later" && value !== defaultOptions(table, this.environment)[setting.key]) {
      if (option.refuse !== undefined) this.#refuse(setting, option.refuse);
      else warnings.push("this is not supported yet and has no effect");
    }
    const mainName = option.aliasOf ?? setting.key;
    for (const [name, each] of Object.entries(table)) {
      if (name === mainName || each.aliasOf === mainName) this.#values.set(each, value);
    }
    return { isDefault: read.isDefault === true, warnings };
  }

  #takeOther(setting: Setting): void {
    if (Object.hasOwn(this.retired, setting.key)) {
      const warning = this.retired[setting.key]!(setting.value);
      if (warning !== null) this.#warn(setting, warning);
      return;
    }
    const near = nearestName(setting.key, this.#names);
    this.#warn(setting, `unknown key${near === null ? "" : `, did you mean ${near}?`}`);
  }

  #warn(setting: Setting, message: string): void {
    this.warnings.push(`${setting.place}: ${setting.key}=${this.#shown(setting)}: ${message}`);
  }

  #shown(setting: Setting): string {
    const isSecret = Object.values(this.tables).some((table) => table[setting.key]?.isSecret);
    return isSecret ? SECRET : setting.value;
  }

  #refuse(setting: Setting, message: string): void {
    const problem = { place: setting.place, key: setting.key, value: this.#shown(setting), message };
    const isSame = (other: ConfigProblem) => other.place === problem.place && other.message === message;
    if (!this.problems.some(isSame)) this.problems.push(problem);
  }
}

/** The settings that count, in order: of a key that occurs again the last one, the command line's after the file's. */
function settingsOf(
  entries: readonly PropertyEntry[],
  overrides: Readonly<Record<string, string>>,
  fileName: string,
): Setting[] {
  const settings = new Map<string, Setting>();
  const put = (setting: Setting) => {
    settings.delete(setting.key);
    settings.set(setting.key, setting);
  };
  for (const { key, value, comment, line } of entries) {
    put({ key, value: value.trim(), comment, place: `${fileName}:${line}` });
  }
  for (const [key, value] of Object.entries(overrides)) {
    put({ key, value: value.trim(), comment: null, place: "command line" });
  }
  return [...settings.values()];
}

function describeProblems(problems: readonly ConfigProblem[]): string {
  const lines = problems.map(({ place, key, value, message }) => {
    return key === "" ? `${place}: ${message}` : `${place}: ${key}=${value}: ${message}`;
  });
  return lines.length === 1
    ? lines[0]!
    : `${lines.length} settings cannot be used:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
