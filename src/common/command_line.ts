/**
 * Command lines as RocketMQ's start scripts have them: short and long options, some with a value. By hand, for a parser
 * would cost a tenth of the start.
 *
 * RocketMQ counterpart: `ServerUtil`, commons-cli.
 *
 * @module
 */

/** One option. */
export interface CommandLineOption {
  /** Spellings, e.g. `["-c", "--configFile"]`. */
  readonly names: readonly string[];
  readonly hasValue: boolean;
}

/** What a command line said: values of each option in the order in which they came; `""` for an option without value. */
export type CommandLine<K extends string> = Readonly<Partial<Record<K, readonly string[]>>>;

/**
 * Reads arguments by a table of options.
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
    const [name, inline] = splitArgument(args[at]!);
    const key = keyOf.get(name);
    if (key === undefined) throw new TypeError(`Unrecognized option: ${args[at]}`);
    if (!options[key].hasValue && inline !== undefined) throw new TypeError(`Unrecognized option: ${args[at]}`);
    const value = options[key].hasValue ? inline ?? args[++at] : "";
    if (value === undefined) throw new TypeError(`Missing argument for option: ${name.replace(/^-+/, "")}`);
    (found[key] ??= []).push(value);
  }
  return found;
}

/** `--name=value` in two. */
function splitArgument(argument: string): [name: string, value: string | undefined] {
  const at = argument.startsWith("--") ? argument.indexOf("=") : -1;
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
