/**
 * A name server and a broker in one process, for `rucola start`, `rucola demo` and tests: nothing has to be configured,
 * everything is kept below one directory.
 *
 * ```text
 * data/conf/broker.properties    what operators change (made when the first option is changed; may be written by hand)
 * data/conf/namesrv.properties
 * data/namesrv/kvConfig.json
 * data/store/                    the broker's store, as RocketMQ lays it out
 * data/logs/
 * ```
 *
 * @module
 */
import type { OptionsSource } from "../common/options.ts";
import { parseProperties } from "../common/properties.ts";
import { Broker } from "../broker/broker.ts";
import { brokerOptionParts, type BrokerSettings, readBrokerOptions } from "../broker/read_options.ts";
import type { Clock } from "../common/clock.ts";
import { ConfigFile } from "../common/config_file.ts";
import type { Disk } from "../common/disk.ts";
import type { Environment } from "../common/environment.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Net } from "../common/net.ts";
import type { Random } from "../common/random.ts";
import { openNamesrvConfiguration } from "../namesrv/configuration.ts";
import { NameServer } from "../namesrv/namesrv.ts";

/** Where it keeps its files, and where it can be reached. */
export interface AllInOneOptions {
  /** The directory of everything. */
  readonly dataDirectory: string;
  /** 0: one that is free. */
  readonly namesrvPort: number;
  /** 0: one that is free. */
  readonly brokerPort: number;
  /** The address that clients are told; this machine's by default. */
  readonly brokerIp?: string;
  /** The address that both listen on; all by default. */
  readonly bindAddress?: string;
}

/** What it is made of. */
export interface AllInOneParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly environment: Environment;
  readonly options: AllInOneOptions;
  /** The log of each name. */
  readonly log: (name: string) => Log;
  /** Bytes of memory of the machine. */
  readonly memoryBytes?: number;
  /** Told when the broker's configuration was changed while it runs. */
  readonly onSettings?: (settings: BrokerSettings) => void;
}

/** A running one. */
export interface AllInOne extends AsyncDisposable {
  /** Where clients find the name server on this machine. */
  readonly namesrvAddr: string;
  /** Where clients are told to find the broker. */
  readonly brokerAddr: string;
  /** Ends the broker, then the name server. Idempotent. */
  stop(): Promise<void>;
}

/** The broker's configuration below a data directory. @throws {DiskError | ConfigError} */
export function allInOneBrokerConfiguration(
  { disk, environment, options }: Pick<AllInOneParts, "disk" | "environment" | "options">,
  namesrvAddr: string,
): ConfigFile<BrokerSettings> {
  const { dataDirectory, brokerPort, brokerIp, bindAddress } = options;
  const path = `${dataDirectory}/conf/broker.properties`;
  const overrides = {
    namesrvAddr,
    listenPort: String(brokerPort),
    storePathRootDir: `${dataDirectory}/store`,
    brokerConfigPath: path,
    logDir: `${dataDirectory}/logs`,
    ...(brokerIp !== undefined && { brokerIP1: brokerIp, brokerIP2: brokerIp }),
    ...(bindAddress !== undefined && { bindAddress }),
  };
  return new ConfigFile({
    disk,
    path,
    mustExist: false,
    // Nothing is to be configured here, and what RocketMQ's guides show is to work: SQL92 filters too.
    read: (source) => readBrokerOptions(withFilters(source)),
    partsOf: brokerOptionParts,
    source: { environment, overrides },
  });
}

/**
 * Starts the name server, then the broker, and resolves when the broker is registered or has tried.
 *
 * @throws {ConnectionError} when a port is taken. @throws {DiskError} when another process has the store.
 */
export async function startAllInOne(parts: AllInOneParts): Promise<AllInOne> {
  const { net, clock, disk, log } = parts;
  const configuration = namesrvConfiguration(parts);
  parts.disk.makeDirectory(`${parts.options.dataDirectory}/conf`);
  const namesrv = new NameServer({ net, clock, disk, log: log("namesrv"), configuration });
  const namesrvAddr = onLoopback(await namesrv.start());
  let broker: Broker;
  try {
    const configuration = allInOneBrokerConfiguration(parts, namesrvAddr);
    broker = new Broker({ ...parts, configuration });
    configuration.subscribe((settings) => {
      broker.announceChanges();
      parts.onSettings?.(settings);
    });
    await broker.start();
  } catch (error) {
    await namesrv.stop();
    throw error;
  }
  const stop = async () => {
    await broker.stop();
    await namesrv.stop();
  };
  return { namesrvAddr, brokerAddr: broker.advertisedAddress, stop, [Symbol.asyncDispose]: stop };
}

function namesrvConfiguration({ disk, environment, options }: AllInOneParts) {
  const { dataDirectory, namesrvPort, bindAddress } = options;
  const overrides = {
    listenPort: String(namesrvPort),
    kvConfigPath: `${dataDirectory}/namesrv/kvConfig.json`,
    configStorePath: `${dataDirectory}/conf/namesrv.properties`,
    ...(bindAddress !== undefined && { bindAddress }),
  };
  return openNamesrvConfiguration({ disk, environment, overrides });
}

/** How a process on the same machine reaches a listener. */
function onLoopback({ host, port }: Address): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return formatAddress({ host: reachable, port });
}

/** The source with SQL92 filters on, unless the file says otherwise. */
function withFilters(source: OptionsSource): OptionsSource {
  const properties = typeof source.properties === "string" ? parseProperties(source.properties) : source.properties;
  if (properties?.entries.some(({ key }) => key === "enablePropertyFilter")) return source;
  return { ...source, overrides: { enablePropertyFilter: "true", ...source.overrides } };
}
