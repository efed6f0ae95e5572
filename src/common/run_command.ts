/**
 * A subcommand that runs a server: reads its command line, answers `-h`, and turns what ends it into words on standard
 * error and an exit code.
 *
 * RocketMQ counterpart: the `main` of `NamesrvStartup` and `BrokerStartup`.
 *
 * @module
 */
import { type CommandLine, type CommandLineOption, readCommandLine } from "./command_line.ts";
import { messageOf } from "./errors.ts";
import { ConfigError } from "./options.ts";

const EXIT_USAGE = 1;
/** Exit code of RocketMQ (−1) when something fails during start. */
const EXIT_START_FAILED = 255;

/** A subcommand with options of the names `K`. */
export interface ServerCommand<K extends string> {
  /** As it is typed, e.g. `rucola broker`; errors begin with it. */
  readonly name: string;
  readonly usage: string;
  readonly options: Readonly<Record<K | "help", CommandLineOption>>;
  /** Checks what the options say; what it throws is shown with the usage. By default nothing is to be checked. */
  readonly check?: (given: CommandLine<K | "help">) => void;
  /** Runs it; resolves to the exit code. */
  readonly run: (given: CommandLine<K | "help">) => Promise<number>;
  /** What to do about an error, to be said behind it; `""` when there is no more to say. */
  readonly advice?: (error: unknown) => string;
}

/** Runs a subcommand by its arguments; resolves to the exit code of the process. */
export async function runServerCommand<K extends string>(
  command: ServerCommand<K>,
  args: readonly string[],
): Promise<number> {
  let given: CommandLine<K | "help">;
  try {
    given = readCommandLine(command.options, args);
    command.check?.(given);
  } catch (error) {
    console.error(`${messageOf(error)}\n${command.usage}`);
    return EXIT_USAGE;
  }
  if (given.help !== undefined) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(given);
  } catch (error) {
    console.error(`${command.name}: ${messageOf(error)}${command.advice?.(error) ?? ""}`);
    return error instanceof ConfigError ? error.exitCode : EXIT_START_FAILED;
  }
}
