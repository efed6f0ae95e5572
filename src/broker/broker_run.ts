/**
 * One broker from its command line to its end: configuration, logs, boot lines, reload, stop. It runs in the process's own
 * thread, or beside others in a worker (`broker_worker.ts`); what differs between the two is the {@link RunHost}.
 *
 * @module
 */
import { SystemClock } from "../common/clock.ts";
import type { CommandLine } from "../common/command_line.ts";
import { ConfigFile } from "../common/config_file.ts";
import { reloadConfiguration } from "../common/config_reload.ts";
import type { Disk } from "../common/disk.ts";
import { DenoDisk } from "../common/disk_deno.ts";
import { type Environment, systemEnvironment } from "../common/environment.ts";
import { messageOf } from "../common/errors.ts";
import type { HangupCatcher, HangupListeners } from "../common/hangup_signal.ts";
import { ipBytes } from "../common/ip.ts";
import { logDirectory } from "../common/log_files.ts";
import { openLogging } from "../common/log_setup.ts";
import type { Logger, Logging } from "../common/logger.ts";
import { type Net, unbracket } from "../common/net.ts";
import { DenoNet } from "../common/net_deno.ts";
import type { ServiceManager } from "../common/net_notify.ts";
import { printOptions } from "../common/options.ts";
import { secretText, SystemRandom } from "../common/random.ts";
import { runDirectory, runningOfUser } from "../common/run_file.ts";
import { explainStartFailure, type StartFacts } from "../common/start_failure.ts";
import type { StopSignal } from "../common/stop_signal.ts";
import { printError, printLine } from "../common/terminal.ts";
import { addressAdvice } from "./advertised_address.ts";
import { Broker, type BrokerParts, type Notice } from "./broker.ts";
import { ElectedBroker } from "./elected_broker.ts";
import { openEtcd } from "./election_settings.ts";
import { isLiveBrokerKey } from "./live_keys.ts";
import { tellOfNameServers } from "./name_server_warnings.ts";
import { processCpuMs } from "./process_facts.ts";
import { brokerOptionParts, type BrokerSettings, readBrokerOptions, VIP_PORT_DISTANCE } from "./read_options.ts";

/** The options of `rucola broker`. */
export const BROKER_COMMAND_LINE = {
  configFile: { names: ["-c", "--configFile"], hasValue: true },
  namesrvAddr: { names: ["-n", "--namesrvAddr"], hasValue: true },
  logDir: { names: ["--log-dir"], hasValue: true },
  help: { names: ["-h", "--help"], hasValue: false },
  print: { names: ["-p", "--printConfigItem"], hasValue: false },
  printImportant: { names: ["-m", "--printImportantConfig"], hasValue: false },
} as const;

/** What a command line of `rucola broker` says. */
export type BrokerArguments = CommandLine<keyof typeof BROKER_COMMAND_LINE>;

/** Recovery tells how far it is at most this often. */
const PROGRESS_PERIOD_MS = 2000;
/** How long systemd is to wait for the next sign of a recovery that makes progress. */
const RECOVERY_PATIENCE_MS = 60_000;

/** What the surroundings of a run give it. */
export interface RunHost {
  /** When the broker is to end. */
  readonly stopped: StopSignal;
  /** Who is told when it is ready. */
  readonly manager: (environment: Environment, warn: (text: string) => void) => ServiceManager;
  /** Calls the listeners when the configuration is to be read again. */
  readonly hangup: (listeners: HangupListeners) => HangupCatcher;
  /** Makes the process known to `rucola shutdown`, when it is one of its own. */
  readonly announce: (disk: DenoDisk, environment: Environment, warn: (text: string) => void) => Disposable;
}

/**
 * Runs a broker until it is stopped; resolves to the exit code.
 *
 * @throws {ConfigError} when the configuration cannot be used.
 * @throws {DiskError | ConnectionError | CorruptError} when it cannot start.
 */
export async function runOneBroker(given: BrokerArguments, host: RunHost): Promise<number> {
  const disk = new DenoDisk();
  const environment = systemEnvironment((name) => disk.stat(`/sys/class/net/${name}/bridge`) !== null);
  const configuration = openBrokerConfiguration(disk, environment, given);
  const { settings } = configuration;
  const isImportant = given.printImportant !== undefined;
  if (given.print !== undefined || isImportant) {
    console.log(settingLines(settings, isImportant).join("\n"));
    return 0;
  }
  for (const warning of settings.warnings) printError(`warning: ${warning}`);
  const clock = new SystemClock();
  const { brokerName, brokerId, isolateLogEnable } = settings.broker;
  try {
    using logging = openLogging({
      options: settings.log,
      environment,
      clock,
      disk,
      print: (line: string) => printLine(line.trimEnd()),
      ...(isolateLogEnable && { isolatedName: `${brokerName}_${brokerId}` }),
    });
    return await serve({ disk, clock, logging, environment, configuration }, host);
  } catch (error) {
    throw explainStartFailure(error, startFacts(settings, disk, environment));
  }
}

/** What a start that failed is explained by. */
export function startFacts(settings: BrokerSettings, disk: Disk, environment: Environment): StartFacts {
  const { assigned, remoting: { listenPort }, store: { haListenPort }, log } = settings;
  return {
    parts: brokerOptionParts(settings),
    assigned,
    ports: [
      { port: listenPort, key: "listenPort" },
      { port: listenPort - VIP_PORT_DISTANCE, key: "listenPort", remark: "its VIP port, listenPort - 2" },
      { port: haListenPort, key: "haListenPort" },
    ],
    directories: new Map([["logDir", logDirectory(environment, log.logDir)]]),
    interfaces: () => new DenoNet().interfaces(),
    running: () => runningOfUser(runDirectory(disk, environment)),
  };
}

/** The configuration that a command line asks for. @throws {ConfigError | DiskError} */
export function openBrokerConfiguration(
  disk: DenoDisk,
  environment: Environment,
  given: BrokerArguments,
): ConfigFile<BrokerSettings> {
  const files = given.configFile ?? [];
  const overrides: Record<string, string> = {};
  const namesrvAddr = given.namesrvAddr?.at(-1);
  if (namesrvAddr !== undefined) overrides["namesrvAddr"] = namesrvAddr;
  if (given.logDir !== undefined) overrides["logDir"] = given.logDir.at(-1)!;
  const path = files[0];
  if (path !== undefined) overrides["brokerConfigPath"] = path;
  return new ConfigFile({
    disk,
    // Without a file, changes at run time go to one below the home directory.
    path: path ?? `${environment.userHome}/store/config/broker.properties`,
    mustExist: path !== undefined,
    read: readBrokerOptions,
    partsOf: brokerOptionParts,
    source: { environment, overrides },
  });
}

/** What a run is made of. */
interface Run {
  readonly disk: DenoDisk;
  readonly clock: SystemClock;
  readonly logging: Logging;
  readonly environment: Environment;
  readonly configuration: ConfigFile<BrokerSettings>;
}

/** A broker, or a replica whose role is elected. */
type RunningBroker = Pick<
  Broker,
  "start" | "stop" | "advertisedAddress" | "nameServers" | "announceChanges"
>;

/** @throws {ConfigError} when a certificate cannot be read. */
function electedBroker(parts: BrokerParts, { broker, assigned }: BrokerSettings): ElectedBroker {
  const uptimeMs = () => Deno.osUptime() * 1000;
  const replicaKey = secretText();
  const authority = openEtcd(broker, parts, assigned);
  return new ElectedBroker({ ...parts, uptimeMs, replicaKey, authority });
}

function print({ text, isWarning }: Notice): void {
  if (isWarning) printError(`warning: ${text}`);
  else printLine(text);
}

async function serve(run: Run, host: RunHost): Promise<number> {
  const { disk, clock, logging, environment, configuration } = run;
  const log = logging.logger("broker");
  const net = new DenoNet();
  const { settings } = configuration;
  for (const warning of settings.warnings) log.warn(warning);
  for (const line of settingLines(settings, false)) log.info(line);
  const warn = (text: string) => log.warn(text);
  const manager = host.manager(environment, warn);
  const parts: BrokerParts = {
    net,
    clock,
    disk,
    random: new SystemRandom(),
    configuration,
    log: (name) => logging.logger(name),
    cpuMs: processCpuMs,
    memoryBytes: Deno.systemMemoryInfo().total,
    onProgress: progressPrinter(clock, log, manager),
    notify: print,
  };
  const broker = settings.broker.haElection === "" ? new Broker(parts) : electedBroker(parts, settings);
  const { stopped } = host;
  // However the change comes: by the file, or by a request.
  configuration.subscribe(({ log }) => {
    logging.setLevel(log.logLevel);
    broker.announceChanges();
  });
  using hangup = host.hangup({ reload: () => reload(run, manager), end: () => stopped.stop() });
  try {
    await broker.start();
    announce(broker, settings, environment, log);
    const place = settings.assigned.get("namesrvAddr") ?? "NAMESRV_ADDR";
    using _asked = tellOfNameServers({
      clock,
      nameServers: () => broker.nameServers,
      setting: `${place}: namesrvAddr=${settings.broker.namesrvAddr}`,
      warn: (text) => print({ text, isWarning: true }),
    });
    await adviseHaAddress(net, settings, log);
    logging.flush();
    using _announced = host.announce(disk, environment, warn);
    manager.ready(`${settings.broker.brokerName} serves at ${broker.advertisedAddress}`);
    hangup.started();
    await stopped.promise;
    manager.stopping();
    await stop(broker, clock, log);
    return 0;
  } catch (error) {
    log.error(messageOf(error), error);
    throw error;
  } finally {
    stopped.ignore();
  }
}

function announce(broker: RunningBroker, settings: BrokerSettings, environment: Environment, log: Logger): void {
  const { brokerName, brokerIP1, namesrvAddr } = settings.broker;
  const serializeType = environment.property("rocketmq.serialize.type") ??
    environment.variable("ROCKETMQ_SERIALIZE_TYPE") ?? "JSON";
  const nameServers = namesrvAddr === null || namesrvAddr === "" ? "" : ` and name server is ${namesrvAddr}`;
  const tip =
    `The broker[${brokerName}, ${broker.advertisedAddress}] boot success. serializeType=${serializeType}${nameServers}`;
  log.info(tip);
  printLine(tip);
  printLine(`Clients are told to connect to ${broker.advertisedAddress} (brokerIP1 and listenPort)`);
  const { haElection, haReplicaId } = settings.broker;
  if (haElection !== "") {
    printLine(
      `Replica ${haReplicaId} of ${brokerName} asks ${haElection} who leads: it serves clients when it does so itself`,
    );
  }
  const advice = addressAdvice(brokerIP1, settings.remoting.bindAddress);
  if (advice !== null) {
    log.warn(advice);
    printError(`warning: ${advice}`);
  }
  if (nameServers === "") {
    printError("warning: no name server is configured: give -n or namesrvAddr, else no client finds this broker");
  }
}

/** Slaves are told `brokerIP2`; a name that leads nowhere here most likely leads nowhere there. */
async function adviseHaAddress(net: Net, { broker, store, assigned }: BrokerSettings, log: Logger): Promise<void> {
  const { brokerIP2 } = broker;
  const host = unbracket(brokerIP2);
  if (store.brokerRole === "SLAVE" || ipBytes(host) !== null) return;
  try {
    await net.resolve(host);
  } catch (error) {
    const place = assigned.get("brokerIP2") ?? "default";
    const advice = `${place}: brokerIP2=${brokerIP2}: ${messageOf(error)}; slaves are told this address: ` +
      "set an IP address or a name that can be resolved";
    log.warn(advice);
    printError(`warning: ${advice}`);
  }
}

/** Reads the file again. */
function reload({ clock, logging, configuration }: Run, manager: ServiceManager): void {
  const log = logging.logger("broker");
  manager.reloading(clock.monotonicMs() * 1000);
  reloadConfiguration({ configuration, partsOf: brokerOptionParts, isLive: isLiveBrokerKey, log });
  logging.flush();
  manager.ready("the configuration was read again");
}

async function stop(broker: RunningBroker, clock: SystemClock, log: Logger): Promise<void> {
  log.info("Shutdown hook was invoked, 1");
  const startMs = clock.monotonicMs();
  await broker.stop();
  log.info(`Shutdown hook over, consuming total time(ms): ${Math.round(clock.monotonicMs() - startMs)}`);
}

function progressPrinter(
  clock: SystemClock,
  log: Logger,
  manager: ServiceManager,
): (pass: string, done: number, total: number) => void {
  let lastMs = clock.monotonicMs();
  return (pass, done, total) => {
    const now = clock.monotonicMs();
    if (now - lastMs < PROGRESS_PERIOD_MS) return;
    lastMs = now;
    const percent = total === 0 ? 100 : Math.floor(100 * done / total);
    const line = `recovery, ${pass}: ${percent} % of ${Math.ceil(total / 1048576)} MiB`;
    log.info(line);
    printLine(line);
    manager.extend(RECOVERY_PATIENCE_MS, line);
  };
}

function settingLines(settings: BrokerSettings, importantOnly: boolean): string[] {
  return brokerOptionParts(settings).flatMap(([table, values]) => printOptions(table, values, importantOnly));
}
