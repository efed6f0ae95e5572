/**
 * `rucola namesrv`: reads the command line and the file, runs a name server until SIGTERM or SIGINT, and prints what
 * mqnamesrv prints.
 *
 * RocketMQ counterpart: `NamesrvStartup`, `ServerUtil`, `ShutdownHookThread`.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import type { CommandLine } from "../common/command_line.ts";
import type { ConfigFile } from "../common/config_file.ts";
import { reloadConfiguration } from "../common/config_reload.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { type Environment, systemEnvironment } from "../common/environment.ts";
import { messageOf } from "../common/errors.ts";
import { catchHangup } from "../common/hangup_signal.ts";
import { logDirectory } from "../common/log_files.ts";
import { openLogging } from "../common/log_setup.ts";
import type { Logger, Logging } from "../common/logger.ts";
import { formatAddress } from "../common/net.ts";
import { DenoNet } from "../common/net_deno.ts";
import { type ServiceManager, serviceManager } from "../common/net_notify.ts";
import { printOptions } from "../common/options.ts";
import { runServerCommand } from "../common/run_command.ts";
import { announceProcess, runDirectory, runningOfUser } from "../common/run_file.ts";
import { explainStartFailure } from "../common/start_failure.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { printError, printLine } from "../common/terminal.ts";
import { openNamesrvConfiguration } from "./configuration.ts";
import { NameServer } from "./namesrv.ts";
import { NAMESRV_OPTIONS, namesrvOptionParts, type NamesrvSettings } from "./options.ts";

const USAGE = `usage: rucola namesrv [-c <arg>] [-h] [-n <arg>] [-p] [--log-dir <arg>]
 -c,--configFile <arg>      Name server config properties file
 -h,--help                  Print help
 -n,--namesrvAddr <arg>     Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'; accepted, not used
 -p,--printConfigItem       Print all config items
    --log-dir <arg>         Directory of the log files`;

const OPTIONS = {
  configFile: { names: ["-c", "--configFile"], hasValue: true },
  // Accepted as mqnamesrv does; a name server asks no other.
  namesrvAddr: { names: ["-n", "--namesrvAddr"], hasValue: true },
  logDir: { names: ["--log-dir"], hasValue: true },
  help: { names: ["-h", "--help"], hasValue: false },
  print: { names: ["-p", "--printConfigItem"], hasValue: false },
} as const;

type Arguments = CommandLine<keyof typeof OPTIONS>;

/** Runs the subcommand; resolves to the exit code when the name server has stopped. */
export function runNamesrv(args: string[]): Promise<number> {
  return runServerCommand({ name: "rucola namesrv", usage: USAGE, options: OPTIONS, run: runConfigured }, args);
}

async function runConfigured(given: Arguments): Promise<number> {
  const disk = new DenoDisk();
  const environment = systemEnvironment();
  const logDir = given.logDir?.at(-1);
  const overrides = logDir === undefined ? {} : { logDir };
  const configuration = openNamesrvConfiguration({ disk, environment, path: given.configFile?.at(-1), overrides });
  const { settings } = configuration;
  const { configStorePath } = settings.namesrv;
  if (disk.stat(configStorePath) !== null) printLine(`load config properties file OK, ${configStorePath}`);
  if (given.print !== undefined) {
    console.log(settingLines(settings).join("\n"));
    return 0;
  }
  for (const warning of settings.warnings) printError(`warning: ${warning}`);
  const clock = new SystemClock();
  const print = (line: string) => printLine(line.trimEnd());
  try {
    using logging = openLogging({ options: settings.log, environment, clock, disk, print });
    return await serve({ disk, clock, logging, environment, configuration });
  } catch (error) {
    throw explainStartFailure(error, {
      parts: namesrvOptionParts(settings),
      assigned: settings.assigned,
      ports: [{ port: settings.remoting.listenPort, key: "listenPort" }],
      directories: new Map([["logDir", logDirectory(environment, settings.log.logDir)]]),
      interfaces: () => new DenoNet().interfaces(),
      running: () => runningOfUser(runDirectory(disk, environment)),
    });
  }
}

/** What a run is made of. */
interface Run {
  readonly disk: DenoDisk;
  readonly clock: SystemClock;
  readonly logging: Logging;
  readonly environment: Environment;
  readonly configuration: ConfigFile<NamesrvSettings>;
}

async function serve(run: Run): Promise<number> {
  const { disk, clock, logging, environment, configuration } = run;
  const log = logging.logger("namesrv");
  const { settings } = configuration;
  for (const warning of settings.warnings) log.warn(warning);
  for (const line of settingLines(settings)) log.info(line);
  const server = new NameServer({ net: new DenoNet(), clock, disk, log, configuration });
  const manager = serviceManager(environment, (text) => log.warn(text));
  const stopped = stopSignal();
  // However the change comes: by the file, or by a request.
  configuration.subscribe((settings) => {
    logging.setLevel(settings.log.logLevel);
    server.announceChanges();
  });
  using hangup = catchHangup({ reload: () => reload(run, manager), end: () => stopped.stop() });
  try {
    const address = await server.start();
    const serializeType = environment.property("rocketmq.serialize.type") ??
      environment.variable("ROCKETMQ_SERIALIZE_TYPE") ?? "JSON";
    const tip = `The Name Server boot success. serializeType=${serializeType}, address ${formatAddress(address)}`;
    log.info(tip);
    printLine(tip);
    logging.flush();
    using _announced = announceProcess({
      directory: runDirectory(disk, environment),
      clock,
      pid: Deno.pid,
      roles: ["namesrv"],
      stopped,
      warn: (text) => log.warn(text),
    });
    manager.ready(`serves at ${formatAddress(address)}`);
    hangup.started();
    await stopped.promise;
    manager.stopping();
    await stop(server, clock, log);
    return 0;
  } catch (error) {
    log.error(messageOf(error));
    throw error;
  } finally {
    stopped.ignore();
  }
}

/** What a name server reads only at its start; all else counts at once. */
const START_KEYS = new Set(["bindAddress", "kvConfigPath", "configStorePath", "scanNotActiveBrokerInterval"]);

function reload({ clock, logging, configuration }: Run, manager: ServiceManager): void {
  manager.reloading(clock.monotonicMs() * 1000);
  const isLive = (key: string) => (key in NAMESRV_OPTIONS && !START_KEYS.has(key)) || key === "logLevel";
  reloadConfiguration({ configuration, partsOf: namesrvOptionParts, isLive, log: logging.logger("namesrv") });
  logging.flush();
  manager.ready("the configuration was read again");
}

async function stop(server: NameServer, clock: SystemClock, log: Logger): Promise<void> {
  log.info("shutdown hook was invoked, 1 times.");
  const startMs = clock.monotonicMs();
  await server.stop();
  log.info(`shutdown hook done, consuming time total(ms): ${Math.round(clock.monotonicMs() - startMs)}`);
}

function settingLines(settings: NamesrvSettings): string[] {
  return namesrvOptionParts(settings).flatMap(([table, values]) => printOptions(table, values));
}
