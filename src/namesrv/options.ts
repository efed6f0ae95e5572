/**
 * Options of a name server: the keys of RocketMQ's `NamesrvConfig`, with its defaults of 5.5.0. The file they stand in also
 * holds options of the remoting layer and of logs.
 *
 * @module
 */
import type { Settings } from "../common/config_file.ts";
import { createEnvironment, type Environment } from "../common/environment.ts";
import { LOG_OPTIONS, type LogOptions } from "../common/log_options.ts";
import {
  accepted,
  bool,
  defaultOptions,
  int,
  later,
  long,
  optionalText,
  type OptionValues,
  text,
} from "../common/option.ts";
import { type OptionPart, type OptionsSource, readOptions } from "../common/options.ts";
import {
  joinRemotingOptions,
  REMOTING_CLIENT_OPTIONS,
  REMOTING_SERVER_OPTIONS,
  type RemotingOptions,
} from "../remoting/options.ts";

/** Port of a name server that names none. */
export const DEFAULT_NAMESRV_PORT = 9876;

/** All keys, by name. */
export const NAMESRV_OPTIONS = {
  clientRequestThreadPoolNums: int(8, "threads", "Threads for route queries", accepted),
  clientRequestThreadPoolQueueCapacity: int(50_000, "requests", "Queue length of the pool for route queries", accepted),
  clusterTest: bool(false, "Fall through to another env for routes", later),
  configBlackList: text(
    "configBlackList;configStorePath;kvConfigPath",
    "Keys that refuse remote update, separated by `;`",
    { isList: true },
  ),
  configStorePath: text(
    (environment) => `${environment.userHome}/namesrv/namesrv.properties`,
    "Where updated configuration is saved; -c sets it",
    { blankIsDefault: true, isPath: true },
  ),
  defaultThreadPoolNums: int(16, "threads", "Threads for other requests", accepted),
  defaultThreadPoolQueueCapacity: int(10_000, "requests", "Queue length of that pool", accepted),
  deleteTopicWithBrokerRegistration: bool(false, "Drop topics a broker no longer lists"),
  enableAllTopicList: bool(true, "Serve the full topic list"),
  enableControllerInNamesrv: bool(false, "Run a controller inside", {
    ...later,
    refuse: "a controller inside the name server is not supported; brokers that need one would have none",
  }),
  enableTopicList: bool(true, "Serve topic lists"),
  kvConfigPath: text((environment) => `${environment.userHome}/namesrv/kvConfig.json`, "KV config JSON file", {
    blankIsDefault: true,
    isPath: true,
  }),
  needWaitForService: bool(false, "Refuse routes right after start"),
  notifyMinBrokerIdChanged: bool(false, "Push min brokerId changes", later),
  orderMessageEnable: bool(false, "Return ORDER_TOPIC_CONFIG in routes"),
  productEnvName: text("center", "Environment name for clusterTest", later),
  returnOrderTopicConfigToBroker: bool(true, "Order config in register reply"),
  rocketmqHome: optionalText("From -Drocketmq.home.dir or ROCKETMQ_HOME", {}, rocketmqHome),
  scanNotActiveBrokerInterval: long(5000, "ms", "Time between dead broker scans", { min: 1 }),
  supportActingMaster: bool(false, "Route slave as acting master", later),
  unRegisterBrokerQueueCapacity: int(3000, "requests", "Async unregister queue", accepted),
  waitSecondsForService: int(45, "s", "Seconds refused after start"),
};

/** Values of {@linkcode NAMESRV_OPTIONS}. */
export type NamesrvOptions = OptionValues<typeof NAMESRV_OPTIONS>;

/** All tables of a name server's file, in the order in which they are printed. */
export const NAMESRV_TABLES = {
  namesrv: NAMESRV_OPTIONS,
  server: REMOTING_SERVER_OPTIONS,
  client: REMOTING_CLIENT_OPTIONS,
  log: LOG_OPTIONS,
};

/** What a name server is configured by. */
export interface NamesrvSettings extends Settings {
  readonly namesrv: NamesrvOptions;
  readonly remoting: RemotingOptions;
  readonly log: LogOptions;
}

/**
 * Reads a name server's file and the settings of its command line. The path of the file, where there is one, belongs into
 * the overrides as `configStorePath`, for updates are saved there.
 *
 * @throws {ConfigError} when a value cannot be read.
 */
export function readNamesrvOptions(source: OptionsSource): NamesrvSettings {
  const { values, warnings, unknown, assigned } = readOptions(NAMESRV_TABLES, source);
  const listenPort = assigned.has("listenPort") ? values.server.listenPort : DEFAULT_NAMESRV_PORT;
  return {
    namesrv: values.namesrv,
    remoting: joinRemotingOptions({ ...values.server, listenPort }, values.client),
    log: values.log,
    warnings,
    unknown,
    assigned,
  };
}

/** The values of each table, in the order in which they are printed. */
export function namesrvOptionParts({ namesrv, remoting, log }: NamesrvSettings): OptionPart[] {
  return [
    [NAMESRV_OPTIONS, namesrv],
    [REMOTING_SERVER_OPTIONS, remoting],
    [REMOTING_CLIENT_OPTIONS, remoting],
    [LOG_OPTIONS, log],
  ];
}

/** The defaults with some values replaced: for tests and embedded use. */
export function defaultNamesrvOptions(
  overrides: Partial<NamesrvOptions> = {},
  environment: Environment = createEnvironment(),
): NamesrvOptions {
  return defaultOptions(NAMESRV_OPTIONS, environment, overrides);
}

function rocketmqHome(environment: Environment): string | null {
  return environment.property("rocketmq.home.dir") ?? environment.variable("ROCKETMQ_HOME") ?? null;
}
