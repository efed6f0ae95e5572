/**
 * Reads a broker's properties file: one text that fills the options of broker, store, remoting, access control and logs, and
 * the rules between them that hold before a broker is built.
 *
 * RocketMQ counterpart: `BrokerStartup#parseCmdLine`, `#buildBrokerController`.
 *
 * @module
 */
import type { Settings } from "../common/config_file.ts";
import { LOG_OPTIONS, type LogOptions } from "../common/log_options.ts";
import { createEnvironment, type Environment } from "../common/environment.ts";
import { expandHome } from "../common/option_value.ts";
import { ConfigError, type OptionPart, type OptionsSource, readOptions } from "../common/options.ts";
import { parseProperties } from "../common/properties.ts";
import {
  joinRemotingOptions,
  REMOTING_CLIENT_OPTIONS,
  REMOTING_SERVER_OPTIONS,
  type RemotingOptions,
} from "../remoting/options.ts";
import { completeStoreOptions, retiredStoreKeys, STORE_OPTIONS, type StoreOptions } from "../store/options.ts";
import { AUTH_OPTIONS, type AuthOptions } from "./auth_options.ts";
import { checkElection } from "./election_settings.ts";
import { checkMasterAddress } from "./master_address.ts";
import { BROKER_OPTIONS, type BrokerOptions } from "./options.ts";

/** Port of a broker that names none. */
export const DEFAULT_BROKER_PORT = 10911;

/** All tables of a broker's file, in the order in which they are printed. */
export const BROKER_TABLES = {
  broker: BROKER_OPTIONS,
  server: REMOTING_SERVER_OPTIONS,
  client: REMOTING_CLIENT_OPTIONS,
  store: STORE_OPTIONS,
  auth: AUTH_OPTIONS,
  log: LOG_OPTIONS,
};

/** What a broker is configured by. */
export interface BrokerSettings extends Settings {
  readonly broker: BrokerOptions;
  readonly store: StoreOptions;
  readonly remoting: RemotingOptions;
  readonly auth: AuthOptions;
  readonly log: LogOptions;
}

/** The VIP port is the main one less this. */
export const VIP_PORT_DISTANCE = 2;

/** The exit code −3 of RocketMQ, as the system shows it. */
const EXIT_MINUS_3 = 253;

/**
 * Reads a broker's file and the settings of its command line.
 *
 * @throws {ConfigError} when a value cannot be read, with exit code 253 and RocketMQ's words where it has them: a slave without
 * an id, a name server address that is none.
 */
export function readBrokerOptions(source: OptionsSource): BrokerSettings {
  const environment = source.environment ?? createEnvironment();
  const properties = typeof source.properties === "string" ? parseProperties(source.properties) : source.properties;
  const root = source.overrides?.["storePathRootDir"] ??
    properties?.entries.findLast((entry) => entry.key === "storePathRootDir")?.value ?? `${environment.userHome}/store`;
  const retired = { ...source.retired, ...retiredStoreKeys(expandHome(root, environment)) };
  const read = readOptions(BROKER_TABLES, { ...source, environment, retired, ...(properties && { properties }) });
  const { values, assigned } = read;
  const warnings = [...read.warnings];

  const listenPort = assigned.has("listenPort") ? values.server.listenPort : DEFAULT_BROKER_PORT;
  const rules = new Rules(assigned, environment);
  rules.checkPorts(listenPort, values.store.haListenPort);
  rules.checkNamesrvAddr(values.broker.namesrvAddr);
  checkElection(values.broker, { store: values.store, assigned }, warnings);
  const { brokerIP1, brokerIP2 } = values.broker;
  const { bindAddress } = values.server;
  const own = { brokerIP1, brokerIP2, bindAddress, listenPort, vipPort: listenPort - VIP_PORT_DISTANCE };
  checkMasterAddress(completeStoreOptions(values.store, listenPort), { own, assigned }, warnings);
  const brokerId = rules.brokerIdOf(values.broker.brokerId, values.store.brokerRole, warnings);
  return {
    broker: Object.freeze({ ...values.broker, brokerId, listenPort }),
    store: completeStoreOptions(values.store, listenPort),
    remoting: joinRemotingOptions({ ...values.server, listenPort }, values.client),
    auth: values.auth,
    log: values.log,
    warnings,
    unknown: read.unknown,
    assigned,
  };
}

/** The values of each table, in the order in which they are printed. */
export function brokerOptionParts({ broker, store, remoting, auth, log }: BrokerSettings): OptionPart[] {
  return [
    [BROKER_OPTIONS, broker],
    [REMOTING_SERVER_OPTIONS, remoting],
    [REMOTING_CLIENT_OPTIONS, remoting],
    [STORE_OPTIONS, store],
    [AUTH_OPTIONS, auth],
    [LOG_OPTIONS, log],
  ];
}

/** What must hold between options; each method throws a ConfigError that names the setting to change. */
class Rules {
  readonly #assigned: ReadonlyMap<string, string>;
  readonly #environment: Environment;

  constructor(assigned: ReadonlyMap<string, string>, environment: Environment) {
    this.#assigned = assigned;
    this.#environment = environment;
  }

  /** The VIP port is the main one less 2, and no two may be the same. */
  checkPorts(listenPort: number, haListenPort: number): void {
    if (listenPort !== 0 && listenPort <= VIP_PORT_DISTANCE) {
      this.#refuse("listenPort", listenPort, "there is no room for the VIP port, which is listenPort - 2");
    }
    if (haListenPort > 0 && [listenPort, listenPort - VIP_PORT_DISTANCE].includes(haListenPort)) {
      this.#refuse("haListenPort", haListenPort, `it is taken by listenPort=${listenPort} or its VIP port`);
    }
  }

  /** Masters have id 0 whatever the file says; slaves must name theirs. */
  brokerIdOf(brokerId: number, role: StoreOptions["brokerRole"], warnings: string[]): number {
    if (role === "SLAVE") {
      const words = "Slave's brokerId must be > 0; give each slave of a master one of its own, 1, 2, …";
      if (brokerId > 0) return brokerId;
      // Where it is missing the role is what asks for it.
      if (!this.#assigned.has("brokerId")) this.#refuse("brokerRole", role, words, EXIT_MINUS_3);
      this.#refuse("brokerId", brokerId, words, EXIT_MINUS_3);
    }
    if (brokerId !== 0) {
      warnings.push(
        `${this.#place("brokerId")}: brokerId=${brokerId}: it is read as 0, for brokerRole=${role} is a master`,
      );
    }
    return 0;
  }

  /** Every address must be `host:port`; an IPv6 host may stand in brackets. */
  checkNamesrvAddr(addresses: string | null): void {
    for (const address of (addresses ?? "").split(";")) {
      if (address.trim() === "") continue;
      const port = Number(/^\S+:(\d{1,5})$/.exec(address.trim())?.[1] ?? NaN);
      if (port >= 1 && port <= 65535) continue;
      const hint = `please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"`;
      const words = `The Name Server Address[${addresses}] illegal, ${hint}`;
      this.#refuse("namesrvAddr", `${addresses}`, words, EXIT_MINUS_3);
    }
  }

  #place(key: string): string {
    const place = this.#assigned.get(key);
    if (place !== undefined || key !== "namesrvAddr") return place ?? "default";
    return this.#environment.property("rocketmq.namesrv.addr") !== undefined
      ? "-Drocketmq.namesrv.addr"
      : "NAMESRV_ADDR";
  }

  #refuse(key: string, value: number | string, message: string, exitCode = 1): never {
    const problem = { place: this.#place(key), key, value: String(value), message };
    throw new ConfigError([problem], undefined, exitCode);
  }
}
