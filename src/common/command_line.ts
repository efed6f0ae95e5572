/**
 * Command lines as RocketMQ's start scripts have them: short and long options, some with a value. By hand, for a parser
 * would cost a tenth of the start.
 *
 * RocketMQ counterpart: `ServerUtil`, commons-cli.
 *
 * @module
 */

import { nearestName } from "./edit_distance.ts";

/** One option. */
export interface CommandLineOption {
  /** Spellings, e.g. `["-c", "--configFile"]`. */
  readonly names: readonly string[];
  readonly hasValue: boolean;
}

/** What a command line said: values of each option in the order in which they came; `""` for an option without value. */
export type CommandLine<K extends string> = Readonly<Partial<Record<K, readonly string[]>>>;

/**
 * An argument with the dashes at its beginning that a text processor made longer as plain ones; a long one in front of a word
 * stands for two.
 */
export function plainDashes(argument: string): string {
  return argument.replace(/^[\u2010-\u2013\u2212]{1,2}/, (dashes) => "-".repeat(dashes.length))
    .replace(/^[\u2014\u2015](?=..)/, "--").replace(/^[\u2014\u2015]/, "-");
}

/** RocketMQ's words about an option that there is not, and the one that was probably meant. */
export function unrecognizedOption(argument: string, names: Iterable<string>): string {
  const name = argument.replace(/=.*/s, "");
  // Short names are too short to be mistyped.
  const nearest = name.startsWith("--") ? nearestName(name, names) : null;
  return `Unrecognized option: ${argument}${nearest === null ? "" : `; did you mean ${nearest}?`}`;
}

/**
 * Reads arguments by a table of options. Dashes that a text processor made longer are read as dashes.
 *
 * @throws {TypeError} in the words of RocketMQ's parser.
 */
export function readCommandLine<K extends string>(
  options: Readonly<Record<K, CommandLineOption>>,
  args: readonly string[],
): CommandLine<K> {
  const keyOf = new Map<string, K>();
  for (const key in options) for (const name of options[key].names) keyOf.set(name, key);
  const found: Partial<Record<K, string[]>> = {};
  for (let at = 0; at < args.length; at++) {
    const argument = plainDashes(args[at]!);
    const [name, inline] = splitArgument(argument);
    const key = keyOf.get(name);
    if (key === undefined) throw new TypeError(unrecognizedOption(argument, keyOf.keys()));
    if (!options[key].hasValue && inline !== undefined) throw new TypeError(`Unrecognized option: ${argument}`);
    const value = options[key].hasValue ? inline ?? args[++at] : "";
    if (value === undefined || (inline === undefined && keyOf.has(plainDashes(value)))) {
      throw new TypeError(`Missing argument for option: ${name.replace(/^-+/, "")}`);
    }
    (found[key] ??= []).push(value);
  }
  return found;
}

/** `--name=value` in two. */
function splitArgument(argument: string): [name: string, value: string | undefined] {
  const at = argument.startsWith("--") ? argument.indexOf("=") : -1;
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
