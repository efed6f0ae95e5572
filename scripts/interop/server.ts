/**
 * What the checks and benchmarks need from a name server or a broker, whoever made it. `java_server.ts` and
 * `rucola_server.ts` each implement {@link Platform}; everything else is written against these types alone, so that
 * every check can first be run against Java RocketMQ itself.
 *
 * @module
 */
import type { ChildProcess } from "./process.ts";

/** A running server. */
export interface Server {
  /** HOST:PORT where clients reach it. */
  readonly address: string;
  readonly process: ChildProcess;
}

/** A broker to start. Starting the same options again continues with the same store. */
export interface BrokerOptions {
  /** Holds configuration, store, logs and output. */
  readonly dir: string;
  readonly port: number;
  readonly namesrvAddr: string;
  /** Further lines of the configuration file, which win over the ones made here. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A name server to start. */
export interface NamesrvOptions {
  readonly dir: string;
  readonly port: number;
}

/** Starts servers of one make. Both functions return when the server has said that it is ready. */
export interface Platform {
  /** For reports, e.g. `java 5.5.0`. */
  readonly label: string;
  /** The words that start our executable; absent for Java. */
  readonly command?: readonly string[];
  startNamesrv(options: NamesrvOptions): Promise<Server>;
  startBroker(options: BrokerOptions): Promise<Server>;
}

/** How long a server may take until it has said that it is ready. A JVM on a busy small machine needs most of it. */
export const BOOT_TIMEOUT_MS = 90_000;

/** The line with which name servers and brokers of every make say that they are ready. */
export const BOOT_LINE = /boot success\..*\n/;

/** The cluster and broker names that every started broker has. */
export const CLUSTER_NAME = "DefaultCluster";
export const BROKER_NAME = "broker-a";

/** The text of a broker's configuration file: a master on the loopback address with its store in `dir/store`. */
export function brokerProperties(options: BrokerOptions): string {
  return propertiesText({
    brokerClusterName: CLUSTER_NAME,
    brokerName: BROKER_NAME,
    brokerId: "0",
    brokerIP1: "127.0.0.1",
    listenPort: String(options.port),
    namesrvAddr: options.namesrvAddr,
    storePathRootDir: `${options.dir}/store`,
    storePathCommitLog: `${options.dir}/store/commitlog`,
    autoCreateTopicEnable: "true",
    autoCreateSubscriptionGroup: "true",
    ...options.properties,
  });
}

/** The text of a name server's configuration file, with its own files in `dir`. */
export function namesrvProperties(options: NamesrvOptions): string {
  return propertiesText({
    listenPort: String(options.port),
    kvConfigPath: `${options.dir}/namesrv/kvConfig.json`,
    configStorePath: `${options.dir}/namesrv/namesrv.properties`,
  });
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join("");
}
