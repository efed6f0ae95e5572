/**
 * Declares options: one line each with type, default, unit, meaning and bounds. A table of such lines is the whole truth
 * about a configuration object; its TypeScript type ({@link OptionValues}), the reading of files (`options.ts`), the printed
 * lists and the checks of `conf/` all come from it.
 *
 * ```ts
 * const OPTIONS = {
 *   brokerClusterName: text("DefaultCluster", "Cluster this broker registers under"),
 *   defaultTopicQueueNums: int(8, "", "Queues of a topic made on first use", { min: 1 }),
 * };
 * type Options = OptionValues<typeof OPTIONS>; // { readonly brokerClusterName: string; readonly defaultTopicQueueNums: number }
 * ```
 *
 * RocketMQ counterpart: the fields of `BrokerConfig`, `MessageStoreConfig`, `NettyServerConfig`, …
 *
 * @module
 */
import type { Environment } from "./environment.ts";

/** What an option's value can be. */
export type OptionValue = boolean | number | string | null;

/**
 * What setting an option does: it is obeyed (`implemented`); it tunes something that exists only in Java (threads, Netty,
 * mmap, RocksDB) and is ignored in silence (`accepted`); or it is known but not supported, and setting it to anything but
 * its default gives a warning, or an error where {@linkcode OptionExtras.refuse} says why (`later`).
 */
export type OptionEffect = "implemented" | "accepted" | "later";

/** What most options do without. */
export interface OptionExtras {
  /** Default: `implemented`. */
  readonly effect?: OptionEffect;
  /** Shown by `-m` (Java: `@ImportantField`). */
  readonly important?: boolean;
  /** Smallest number allowed; a smaller one is an error. */
  readonly min?: number;
  /** Largest number allowed; a larger one is an error. */
  readonly max?: number;
  /** Numbers beyond these are moved to them with a warning, where Java clamps. */
  readonly clamp?: readonly [min: number, max: number];
  /** Numbers are rounded up to a multiple of this, as Java does for files of fixed-size entries. */
  readonly roundUpTo?: number;
  /** Other spellings of a choice, and what they are read as. */
  readonly synonyms?: Readonly<Record<string, string>>;
  /** The value is a `;`-separated list: blanks around and empty items are dropped. */
  readonly isList?: boolean;
  /** The text is a path: `~/` at its beginning is the user's home. */
  readonly isPath?: boolean;
  /** The text must not be shown to people: messages and printed lists have `***` instead. */
  readonly isSecret?: boolean;
  /** An empty text makes no sense here: the default stays, with a warning. */
  readonly blankIsDefault?: boolean;
  /** What counts where nothing is set follows from elsewhere: the default of this table is not named to people. */
  readonly isDerivedByDefault?: boolean;
  /** Says what is wrong with a text, or null. */
  readonly check?: (text: string) => string | null;
  /** Why any value but the default is refused while the option is not supported (data would be at risk). */
  readonly refuse?: string;
  /** Name of the option this one is another name of, in the same table; whichever comes last in a file counts. */
  readonly aliasOf?: string;
}

/** One option. */
export interface Option<V extends OptionValue> extends OptionExtras {
  readonly type: "boolean" | "int" | "long" | "double" | "string";
  /** The value when nothing sets it, or how to find it. */
  readonly defaultValue: OptionDefault<V>;
  /** Unit of a number (`ms`, `bytes`, …), or empty. */
  readonly unit: string;
  /** One line: what it means. */
  readonly doc: string;
  readonly effect: OptionEffect;
  /** The allowed values of a choice. */
  readonly choices?: readonly string[];
}

/** Options by name, in the order in which they are printed. */
export type OptionTable = Readonly<
  Record<string, Option<boolean> | Option<number> | Option<string> | Option<string | null>>
>;

/** The values of a table's options: one typed, read-only property each. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

/** Extras: ignored in silence, see {@link OptionEffect}. */
export const accepted = { effect: "accepted" } as const;

/** Extras: known but not supported, see {@link OptionEffect}. */
export const later = { effect: "later" } as const;

/** Extras: shown by `-m`. */
export const important = { important: true } as const;

const INT_MAX = 2147483647;

/** A default with a fixed value or computed from the environment. */
export type OptionDefault<V> = V | ((environment: Environment) => V);

/** `true` or `false`. */
export function bool(defaultValue: OptionDefault<boolean>, doc: string, extras: OptionExtras = {}): Option<boolean> {
  return { effect: "implemented", ...extras, type: "boolean", defaultValue, unit: "", doc };
}

/** A 32-bit integer. */
export function int(
  defaultValue: OptionDefault<number>,
  unit: string,
  doc: string,
  extras: OptionExtras = {},
): Option<number> {
  return { effect: "implemented", min: -INT_MAX - 1, max: INT_MAX, ...extras, type: "int", defaultValue, unit, doc };
}

/** A 64-bit integer; beyond ±(2^53 − 1) it is moved to that. */
export function long(
  defaultValue: OptionDefault<number>,
  unit: string,
  doc: string,
  extras: OptionExtras = {},
): Option<number> {
  return { effect: "implemented", ...extras, type: "long", defaultValue, unit, doc };
}

/** A number with a fraction. */
export function double(
  defaultValue: OptionDefault<number>,
  unit: string,
  doc: string,
  extras: OptionExtras = {},
): Option<number> {
  return { effect: "implemented", ...extras, type: "double", defaultValue, unit, doc };
}

/** A text. */
export function text(defaultValue: OptionDefault<string>, doc: string, extras: OptionExtras = {}): Option<string> {
  return { effect: "implemented", ...extras, type: "string", defaultValue, unit: "", doc };
}

/** A text, null when nothing sets it. */
export function optionalText(
  doc: string,
  extras: OptionExtras = {},
  defaultValue: OptionDefault<string | null> = null,
): Option<string | null> {
  return { effect: "implemented", ...extras, type: "string", defaultValue, unit: "", doc };
}

/** One of a few names. */
export function choice<const C extends readonly string[]>(
  choices: C,
  defaultValue: NoInfer<C[number]>,
  doc: string,
  extras: OptionExtras = {},
): Option<C[number]> {
  return { effect: "implemented", ...extras, type: "string", choices, defaultValue, unit: "", doc };
}

/** The default of an option here and now. */
export function defaultOf<V extends OptionValue>(option: Option<V>, environment: Environment): V {
  const value = option.defaultValue;
  return typeof value === "function" ? (value as (environment: Environment) => V)(environment) : value;
}

/** The defaults of a whole table, with some replaced: what tests and embedded use start from. Frozen. */
export function defaultOptions<T extends OptionTable>(
  table: T,
  environment: Environment,
  overrides: Partial<OptionValues<T>> = {},
): OptionValues<T> {
  const values: Record<string, OptionValue> = {};
  for (const [name, option] of Object.entries(table)) values[name] = defaultOf<OptionValue>(option, environment);
  return Object.freeze({ ...values, ...overrides }) as OptionValues<T>;
}
