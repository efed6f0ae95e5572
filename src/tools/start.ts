/**
 * `rucola start [--data DIR]`: a name server and a broker in this process, ready for the first message, with nothing to
 * configure. Ours: RocketMQ needs two processes and a file.
 *
 * @module
 */
import { VIP_PORT_DISTANCE } from "../broker/read_options.ts";
import { SystemClock } from "../common/clock.ts";
import type { CommandLine } from "../common/command_line.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { systemEnvironment } from "../common/environment.ts";
import { DiskError, ListenError } from "../common/errors.ts";
import { catchHangup } from "../common/hangup_signal.ts";
import { openLogging } from "../common/log_setup.ts";
import { DenoNet } from "../common/net_deno.ts";
import { SystemRandom } from "../common/random.ts";
import { runServerCommand } from "../common/run_command.ts";
import { announceProcess, runDirectory, runningOfUser } from "../common/run_file.ts";
import { endOrElse, whoHasPort } from "../common/start_failure.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { printError, printLine } from "../common/terminal.ts";
import { type AllInOne, allInOneBrokerConfiguration, type AllInOneOptions, startAllInOne } from "./all_in_one.ts";

const USAGE = `usage: rucola start [--data <dir>] [--namesrv-port <port>] [--broker-port <port>] [--ip <address>]
    --data <dir>             Directory of store, logs and configuration (./data)
    --namesrv-port <port>    Port of the name server (9876)
    --broker-port <port>     Port of the broker (10911)
    --ip <address>           Address that clients are told to connect to (this machine's)
 -h,--help                   Print help`;

const OPTIONS = {
  data: { names: ["--data"], hasValue: true },
  namesrvPort: { names: ["--namesrv-port"], hasValue: true },
  brokerPort: { names: ["--broker-port"], hasValue: true },
  ip: { names: ["--ip"], hasValue: true },
  help: { names: ["-h", "--help"], hasValue: false },
} as const;

/** Runs the subcommand; resolves to the exit code when it was told to end. */
export function runStart(args: string[]): Promise<number> {
  return runServerCommand({
    name: "rucola start",
    usage: USAGE,
    options: OPTIONS,
    check: readOptions,
    run: async (given) => {
      await serve(readOptions(given));
      return 0;
    },
    advice,
  }, args);
}

/** What to do about a start that failed. */
function advice(error: unknown): string {
  const running = () => runningOfUser(runDirectory(new DenoDisk(), systemEnvironment()));
  if (error instanceof ListenError && error.reason === "taken") {
    const who = whoHasPort(error.address.port, running());
    return `; ${who}: end that, or choose others with --namesrv-port and --broker-port`;
  }
  if (error instanceof DiskError && error.fault === "locked") {
    return `; ${endOrElse(running(), "choose another directory with --data")}`;
  }
  return "";
}

function readOptions(given: CommandLine<keyof typeof OPTIONS>): AllInOneOptions {
  const brokerIp = given.ip?.at(-1);
  const dataDirectory = given.data?.at(-1) ?? "data";
  if (dataDirectory.trim() === "") throw new TypeError("--data: a directory is expected");
  return {
    dataDirectory: dataDirectory.replace(/(?<=.)\/+$/, ""),
    namesrvPort: readPort("--namesrv-port", given.namesrvPort?.at(-1) ?? "9876"),
    brokerPort: readPort("--broker-port", given.brokerPort?.at(-1) ?? "10911"),
    ...(brokerIp !== undefined && { brokerIp }),
  };
}

function readPort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65535)) throw new TypeError(`${name} ${text}: expected a port`);
  if (name === "--broker-port" && port > 0 && port <= VIP_PORT_DISTANCE) {
    throw new TypeError(`${name} ${text}: the broker needs the port less ${VIP_PORT_DISTANCE} as well`);
  }
  return port;
}

async function serve(options: AllInOneOptions): Promise<void> {
  const clock = new SystemClock();
  const startMs = clock.monotonicMs();
  const disk = new DenoDisk();
  const environment = systemEnvironment((name) => disk.stat(`/sys/class/net/${name}/bridge`) !== null);
  const { settings } = allInOneBrokerConfiguration({ disk, environment, options }, "");
  for (const warning of settings.warnings) printError(`warning: ${warning}`);
  disk.makeDirectory(options.dataDirectory);
  const print = (line: string) => printLine(line.trimEnd());
  using logging = openLogging({ options: settings.log, environment, clock, disk, print });
  const stopped = stopSignal();
  // The end of its terminal ends it as Ctrl-C does; for a process without one (nohup) there is nothing to read again.
  let isHungUp = false;
  const hangUp = () => {
    isHungUp = true;
    stopped.stop();
  };
  using _hangup = catchHangup({ reload: () => {}, end: hangUp });
  try {
    await using running = await startAllInOne({
      net: new DenoNet(),
      clock,
      disk,
      random: new SystemRandom(),
      environment,
      options,
      log: (name) => logging.logger(name),
      memoryBytes: Deno.systemMemoryInfo().total,
      onSettings: ({ log }) => logging.setLevel(log.logLevel),
    });
    using _announced = announceProcess({
      directory: runDirectory(disk, environment),
      clock,
      pid: Deno.pid,
      roles: ["namesrv", "broker"],
      stopped,
      warn: (text) => printError(`warning: ${text}`),
    });
    printReady(running, options, clock.monotonicMs() - startMs);
    logging.flush();
    await stopped.promise;
    if (!isHungUp) printLine("Stopping.");
  } finally {
    stopped.ignore();
  }
}

function printReady({ namesrvAddr, brokerAddr }: AllInOne, options: AllInOneOptions, elapsedMs: number): void {
  printLine(
    `Rucola is up after ${Math.round(elapsedMs)} ms: name server ${namesrvAddr}, broker ${brokerAddr}, ` +
      `files in ${options.dataDirectory}`,
  );
  const namesrv = namesrvAddr === "127.0.0.1:9876" ? "" : ` -n ${namesrvAddr}`;
  printLine(
    `Next: point your programs at NAMESRV_ADDR=${namesrvAddr}, or try \`rucola tools quickstart.Producer${namesrv}\` ` +
      `and \`rucola tools quickstart.Consumer${namesrv}\`; Ctrl-C ends it.`,
  );
}
