/**
 * What programs of tools.sh have in common, examples and benchmarks alike: they read their options, or print their usage, and
 * make clients for the cluster that was named.
 *
 * RocketMQ counterpart: `ServerUtil#parseCmdLine` in the programs' `main`.
 *
 * @module
 */
import { Client } from "../client/client.ts";
import type { ClientOptions } from "../client/options.ts";
import { messageOf } from "../common/errors.ts";
import { SILENT_LOG } from "../common/log.ts";
import { parseAddress } from "../common/net.ts";
import { COMMON_OPTIONS, type OptionSpec, parseArguments, UsageError, type Values } from "./arguments.ts";
import { GivenOptions } from "./command.ts";
import { usageText } from "./usage.ts";
import { nameServers, type ToolWorld, unreachableAdvice } from "./world.ts";

/** How long a program waits for a name server before it warns. */
const PROBE_TIMEOUT_MS = 1000;

/** A program with arguments of its own. Resolves to the exit code. */
export type Program = (args: readonly string[], world: ToolWorld) => Promise<number>;

/** What a program runs with. */
export interface ProgramRun {
  readonly options: GivenOptions;
  readonly values: Values;
  readonly namesrvAddrs: readonly string[];
  readonly world: ToolWorld;
  /** Writes a line. */
  print(line: string): void;
  /** A client of the cluster. */
  connect(options?: Partial<ClientOptions>): Client;
}

/** A program that runs with options. @param name for its usage. @param specs besides `-h` and `-n`. */
export function program(name: string, specs: readonly OptionSpec[], run: (run: ProgramRun) => Promise<void>): Program {
  const all = [...COMMON_OPTIONS, ...specs];
  const usage = () => `${usageText(`rucola tools ${name}`, all)}\n`;
  return async (args, world) => {
    let made: ProgramRun;
    try {
      const values = parseArguments(args, all);
      if (values.has("h")) {
        world.write(usage());
        return 0;
      }
      made = programRun(values, nameServers(values.get("n"), world.environment), world);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      world.writeError(`${error.message}\n${usage()}`);
      return 1;
    }
    await warnUnreachable(made);
    await run(made);
    return 0;
  };
}

/** Consumers wait in silence for a name server that is not there, as RocketMQ's do; who runs an example is to know. */
async function warnUnreachable({ namesrvAddrs, values, world }: ProgramRun): Promise<void> {
  let why = "";
  for (const address of namesrvAddrs) {
    try {
      (await world.net.connect(parseAddress(address), PROBE_TIMEOUT_MS)).close();
      return;
    } catch (error) {
      why = messageOf(error);
    }
  }
  world.writeError(`warning: ${why}; ${unreachableAdvice(values.get("n"), world.environment)}\n`);
}

function programRun(values: Values, namesrvAddrs: readonly string[], world: ToolWorld): ProgramRun {
  const { net, clock, random, disk, environment } = world;
  return {
    options: new GivenOptions(values),
    values,
    namesrvAddrs,
    world,
    print: (line) => world.write(`${line}\n`),
    connect: (options = {}) =>
      new Client({
        namesrvAddr: namesrvAddrs,
        clientIp: environment.hostAddress,
        processId: Deno.pid,
        homeDirectory: environment.userHome,
        ...options,
      }, { net, clock, random, disk, log: SILENT_LOG }),
  };
}
