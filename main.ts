/**
 * The executable's entry: a table from subcommand to function, and nothing else. It parses no options; every subcommand
 * gets the arguments behind its name and answers with an exit code. Modules are loaded when their subcommand is called,
 * so that `rucola version` does not pay for the broker. Wrappers named as RocketMQ's scripts (`mqbroker`, `mqadmin`, …)
 * pass the subcommand themselves.
 *
 * @module
 */
import { plainDashes } from "./src/common/command_line.ts";
import { DenoDisk } from "./src/common/disk_deno.ts";
import { nearestName } from "./src/common/edit_distance.ts";
import { isBrokenPipe } from "./src/common/errors.ts";

/** As of a program that SIGPIPE ends: whoever read the output has enough. */
const EXIT_BROKEN_PIPE = 141;

/** One subcommand: what `help` says about it, and what it does. */
interface Subcommand {
  /** One line, without a full stop. */
  readonly summary: string;
  /** Runs it with the arguments behind its name; resolves to the exit code when it has ended. */
  readonly run: (args: string[]) => Promise<number>;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  start: {
    summary: "name server and broker in one process, with nothing to configure",
    run: async (args) => (await import("./src/tools/start.ts")).runStart(args),
  },
  demo: {
    summary: "sends and consumes 1,000 messages on free ports with a temporary store",
    run: async (args) => (await import("./src/tools/demo.ts")).runDemo(args),
  },
  namesrv: {
    summary: "a name server, with the options of mqnamesrv",
    run: async (args) => (await import("./src/namesrv/command.ts")).runNamesrv(args),
  },
  broker: {
    summary: "a broker, with the options of mqbroker",
    run: async (args) => (await import("./src/broker/command.ts")).runBroker(args),
  },
  tools: {
    summary: "mqadmin and tools.sh: commands that ask and change a running cluster, and the quickstart examples",
    run: async (args) => (await import("./src/tools/tools_command.ts")).runToolsCommand(args),
  },
  store: {
    summary: "check, dump or repair the directory of a store that no broker has open",
    run: async (args) => (await import("./src/tools/store/store_command.ts")).runStoreCommand(args),
  },
  shutdown: {
    summary: "asks the name servers or brokers of this user to end, as mqshutdown",
    run: async (args) => (await import("./src/tools/shutdown.ts")).runShutdownCommand(args),
  },
  doctor: {
    summary: "tests a cluster as a client would, and says what to change",
    run: async (args) => (await import("./src/tools/doctor/command.ts")).runDoctorCommand(args),
  },
  install: {
    summary: "lays down this executable, wrappers with RocketMQ's names, samples and systemd units",
    run: async (args) => (await import("./src/tools/install/install.ts")).runInstallCommand(args),
  },
  uninstall: {
    summary: "removes what install laid down, but no data and nothing that was edited",
    run: async (args) => (await import("./src/tools/install/install.ts")).runUninstallCommand(args),
  },
  version: {
    summary: "versions of this executable and of what it is built with",
    run: async () => (await import("./src/tools/version.ts")).printVersion(new DenoDisk()),
  },
  help: { summary: "this list", run: help },
};

const ALIASES: Readonly<Record<string, string>> = { "-h": "help", "--help": "help", "--version": "version" };

function help(): Promise<number> {
  const width = Math.max(...Object.keys(SUBCOMMANDS).map((name) => name.length));
  console.log("usage: rucola SUBCOMMAND [ARGUMENT…]\n");
  for (const [name, { summary }] of Object.entries(SUBCOMMANDS)) console.log(`  ${name.padEnd(width)}  ${summary}`);
  console.log("\n`rucola SUBCOMMAND -h` lists the options of one.");
  return Promise.resolve(0);
}

/** Runs the subcommand that `args` begin with; without one, says what there is. */
async function main(args: string[]): Promise<number> {
  const [given, ...rest] = args.map((argument, at) => at === 0 ? plainDashes(argument) : argument);
  if (given === undefined) {
    await help();
    return 1;
  }
  const name = ALIASES[given] ?? given;
  if (Object.hasOwn(SUBCOMMANDS, name)) return await SUBCOMMANDS[name]!.run(rest);
  const nearest = nearestName(given, Object.keys(SUBCOMMANDS));
  const advice = nearest === null ? "`rucola help` lists them all" : `did you mean \`${nearest}\`?`;
  console.error(`rucola: there is no subcommand \`${given}\`; ${advice}`);
  return 1;
}

if (import.meta.main) {
  let code: number;
  try {
    code = await main(Deno.args);
  } catch (error) {
    if (isBrokenPipe(error)) Deno.exit(EXIT_BROKEN_PIPE);
    console.error(`rucola: ${error instanceof Error ? error.message : error}`);
    if (Deno.env.has("RUCOLA_TRACE") && error instanceof Error) console.error(error.stack);
    code = 1;
  }
  Deno.exit(code);
}
