/**
 * `rucola tools COMMAND …`: what mqadmin, tools.sh and the benchmark scripts do. Finds the command whatever the case of its
 * name, reads its options, connects to the name servers and runs it.
 *
 * Exit codes are RocketMQ's: 1 when the command line cannot be understood, 0 for everything else, also when a command
 * failed (its error is on standard error). With `--json`, which only our own scripts know, a command that failed exits with
 * 1, and its error is a JSON object in a line of standard error; standard output has what was done before, if anything.
 *
 * RocketMQ counterpart: `MQAdminStartup`.
 *
 * @module
 */
import { plainDashes } from "../common/command_line.ts";
import { nearestName } from "../common/edit_distance.ts";
import { ConnectionError, isBrokenPipe, messageOf } from "../common/errors.ts";
import { openEtcd } from "../broker/election_settings.ts";
import { BrokerError } from "../client/errors.ts";
import { COMMON_OPTIONS, keyOf, type OptionSpec, parseArguments, UsageError, type Values } from "./arguments.ts";
import { type CommandContext, GivenOptions, type ToolCommand } from "./command.ts";
import { jsonOutput, textOutput } from "./output.ts";
import { printf } from "./printf.ts";
import { findProgram, programNames, shortProgramName } from "./programs.ts";
import { absenceOf, commandList, findCommand, nameSpellings, ownCommandList } from "./registry.ts";
import { usageText } from "./usage.ts";
import { connect, nameServers, type ToolWorld, unreachableAdvice } from "./world.ts";

const EXIT_OK = 0;
const EXIT_FAILED = 1;

/** Runs one command; resolves to the exit code. @param args the command's name and its options. */
export async function runTools(args: readonly string[], world: ToolWorld): Promise<number> {
  const [first = "", ...rest] = args;
  const given = plainDashes(first);
  if (given === "" || isHelp(given) && rest.length === 0) return help(world);
  const name = isHelp(given) ? rest[0]! : given;
  const program = findProgram(name);
  if (program !== undefined) return (await program())(isHelp(given) ? ["-h"] : rest, world);
  const command = findCommand(name);
  if (command === undefined) return unknown(name, rest, world);
  return isHelp(given) ? describe(command, world) : await runCommand(command, rest, world);
}

function isHelp(text: string): boolean {
  return text === "help" || text === "-h" || text === "--help";
}

/** RocketMQ's list of commands, and ours below it. */
function help({ write }: ToolWorld): number {
  write("The most commonly used mqadmin commands are:\n");
  for (const { name, summary } of commandList()) write(printf("   %-35s %s%n", name, summary));
  write("\nCommands that only Rucola has are:\n");
  for (const { name, summary } of ownCommandList()) write(printf("   %-35s %s%n", name, summary));
  write("\nSee 'mqadmin help <command>' for more information on a specific command.\n");
  return EXIT_OK;
}

function unknown(name: string, rest: readonly string[], { write, writeError }: ToolWorld): number {
  const isJson = rest.some(isJsonFlag);
  const absence = absenceOf(name);
  if (absence !== undefined) {
    const text = `${absence.name}: ${absence.reason}`;
    writeError(isJson ? errorJson(absence.name, text) : `${text}\n`);
    return EXIT_FAILED;
  }
  const words = `The sub command ${name} not exist.`;
  const nearest = nearestName(shortProgramName(name), [...nameSpellings().values(), ...programNames()]);
  const advice = nearest === null ? "" : `Did you mean ${nearest}?`;
  if (isJson) {
    writeError(errorJson(name, `${words} ${advice}`.trim()));
    return EXIT_FAILED;
  }
  write(`${words}\n`);
  if (advice !== "") writeError(`${advice}\n`);
  return EXIT_OK;
}

function isJsonFlag(argument: string): boolean {
  return /^--?json$/.test(plainDashes(argument));
}

/** An error as a line of JSON. @param error what was thrown, or a text. */
function errorJson(command: string, error: unknown): string {
  const answer = error instanceof BrokerError ? { code: error.code, remark: error.remark, address: error.address } : {};
  return `${JSON.stringify({ command, error: errorText(error), ...answer })}\n`;
}

function describe(command: ToolCommand, { write }: ToolWorld): number {
  write(`${usageText(`mqadmin ${command.name}`, optionsOf(command))}\n`);
  write(`\nexample: rucola tools ${command.name} ${command.example}\n`);
  write("--json prints the same as JSON.\n");
  return EXIT_OK;
}

/** The options of a command; its own description of a common option counts. */
function optionsOf({ options }: ToolCommand): OptionSpec[] {
  const own = new Set(options.map(keyOf));
  return [...COMMON_OPTIONS.filter((each) => !own.has(keyOf(each))), ...options];
}

async function runCommand(command: ToolCommand, args: readonly string[], world: ToolWorld): Promise<number> {
  const specs = optionsOf(command);
  let values: Values;
  let namesrvAddrs: string[];
  try {
    values = parseArguments(args, specs);
    namesrvAddrs = nameServers(values.get("n"), world.environment);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    misused(error, command, args.some(isJsonFlag), world);
    return EXIT_FAILED;
  }
  if (values.has("h")) return describe(command, world);
  const isJson = values.has("json");
  const out = isJson ? jsonOutput(world.write) : textOutput(world.write);
  await using client = connect(namesrvAddrs, world);
  const problem = (error: unknown) => {
    if (isBrokenPipe(error)) throw error;
    world.writeError(isJson ? errorJson(command.name, error) : `${errorText(error)}\n`);
  };
  const { clock, disk } = world;
  const context: CommandContext = {
    options: new GivenOptions(values),
    admin: client.admin(),
    client,
    out,
    problem,
    clock,
    disk,
    openAuthority: (election) => openEtcd(election, { disk, clock }),
  };
  try {
    await command.run(context);
    out.flush();
    return EXIT_OK;
  } catch (error) {
    if (error instanceof UsageError) return misused(error, command, isJson, world);
    if (isBrokenPipe(error)) throw error;
    out.abandon();
    const isUnreached = error instanceof ConnectionError && namesrvAddrs.some((each) => error.message.includes(each));
    const advice = isUnreached ? `\n(${unreachableAdvice(values.get("n"), world.environment)})` : "";
    if (isJson) {
      world.writeError(errorJson(command.name, error));
      return EXIT_FAILED;
    }
    world.writeError(`SubCommandException: ${command.name} command failed\nCaused by: ${errorText(error)}${advice}\n`);
    return EXIT_OK;
  }
}

/** Says what is wrong with the options. For what only the command itself found out the exit code is 0, as RocketMQ's. */
function misused(error: UsageError, command: ToolCommand, isJson: boolean, { write, writeError }: ToolWorld): number {
  if (isJson) {
    writeError(errorJson(command.name, error));
    return EXIT_FAILED;
  }
  writeError(`${error.message}\n`);
  write(`${usageText(`mqadmin ${command.name}`, optionsOf(command))}\n`);
  return EXIT_OK;
}

/** An error as RocketMQ's tools print it: `CODE: 17  DESC: …`. */
export function errorText(error: unknown): string {
  if (!(error instanceof BrokerError)) return messageOf(error);
  const broker = error.address === "" ? "" : ` BROKER: ${error.address}`;
  return `CODE: ${error.code}  DESC: ${error.remark}${broker}`;
}
