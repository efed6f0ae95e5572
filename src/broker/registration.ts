/**
 * Keeps the broker known to the name servers: registers with each of them at start, at every change of a topic and every
 * `registerNameServerPeriod`, and takes itself off their lists at stop.
 *
 * Each name server is served for itself (`name_server_link.ts`): one that is slow or away holds up nobody, and is told of in
 * the log once when it goes and once when it is back. What registrations bring back (the master's addresses for a slave, the
 * list of ordered topics) is handed on.
 *
 * RocketMQ counterpart: `BrokerController#registerBrokerAll`, `BrokerOuterAPI`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { RegisterBrokerBody, TopicConfig } from "../protocol/bodies/register.ts";
import { Perm } from "../protocol/message.ts";
import type { RemotingClient } from "../remoting/client.ts";
import {
  type BrokerIdentity,
  type LinkParts,
  NameServerLink,
  type RegisterResult,
  type RegistrationOptions,
} from "./name_server_link.ts";
import type { TopicTable } from "./topics.ts";

export type { BrokerIdentity, RegisterResult, RegistrationOptions } from "./name_server_link.ts";

/** What registration is made of. */
export interface RegistrationParts {
  readonly client: RemotingClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly topics: TopicTable;
  readonly options: RegistrationOptions;
  /** The present identity; the id changes when the broker's role does. */
  readonly identity: () => BrokerIdentity;
  /** `brokerPermission`: a mask over the permissions of all topics. */
  readonly permission: () => number;
  /** The present list of name servers; asked at each round, so that a changed configuration counts. */
  readonly nameServers?: () => readonly string[];
  /** Takes what a name server answered. */
  readonly onRegistered?: (result: RegisterResult) => void;
  /** Whether the broker is what it would register as; always, when absent. */
  readonly mayRegister?: () => boolean;
}

/** Time for a name server to take note of the broker's end, milliseconds. */
const UNREGISTER_TIMEOUT_MS = 3000;
/** A port that is left out. */
const DEFAULT_PORT = 9876;

/** Addresses in a list separated by `;`, each with a port, none twice. */
export function nameServerAddresses(list: string | null): string[] {
  const addresses = (list ?? "").split(";").map((each) => each.trim()).filter((each) => each !== "");
  return [...new Set(addresses.map((address) => /:\d+$/.test(address) ? address : `${address}:${DEFAULT_PORT}`))];
}

/** Registers one broker; see the module's text. */
export class Registration {
  readonly #parts: RegistrationParts;
  #links: NameServerLink[] = [];
  #timers: Timer[] = [];
  #stopped = false;

  constructor(parts: RegistrationParts, nameServers: readonly string[]) {
    this.#parts = parts;
    this.setNameServers(nameServers);
    parts.topics.onChange((changed) => this.#topicsChanged(changed));
  }

  /** The name servers, whether the last attempt to register with them succeeded, and else why not. */
  get nameServers(): readonly {
    readonly address: string;
    readonly isRegistered: boolean;
    readonly failure: string | null;
  }[] {
    return this.#links;
  }

  /** Replaces the list of name servers; new ones are registered with at once when registration has started. */
  setNameServers(addresses: readonly string[]): void {
    const known = new Map(this.#links.map((link) => [link.address, link]));
    this.#links = addresses.map((address) =>
      known.get(address) ?? new NameServerLink(address, this.#linkParts(), (changed) => this.#body(changed))
    );
    for (const link of known.values()) if (!addresses.includes(link.address)) link.close();
    if (this.#timers.length === 0) return;
    for (const link of this.#links) if (!known.has(link.address)) void link.register();
  }

  /** Registers everywhere, now and from now on; resolves when each name server has answered or failed. */
  async start(): Promise<void> {
    const { clock, options } = this.#parts;
    this.#timers.push(clock.every(options.registerNameServerPeriod, () => this.#refresh()));
    if (options.enableSlaveActingMaster) {
      this.#timers.push(clock.every(options.brokerHeartbeatInterval, () => this.#heartbeat()));
    }
    await this.registerNow();
  }

  /** Registers everywhere with all topics; resolves when each name server has answered or failed. */
  async registerNow(): Promise<void> {
    if (this.#stopped) return;
    await Promise.all(this.#links.map((link) => link.register()));
  }

  /** Resolves when what has changed so far was told to each name server or could not be, at the latest after `patienceMs`. */
  async settled(patienceMs: number): Promise<void> {
    const patience = new AbortController();
    const waited = this.#parts.clock.sleep(patienceMs, patience.signal).catch(() => {});
    await Promise.race([Promise.all(this.#links.map((link) => link.settled())), waited]);
    patience.abort();
  }

  /** Registers no more, and leaves the lists as they are: the same address is registered in another role at once. */
  leave(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    for (const link of this.#links) link.close();
  }

  /** Takes the broker off all lists and registers no more; takes at most 3 s. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    await Promise.all(this.#links.map((link) => link.unregister(UNREGISTER_TIMEOUT_MS)));
  }

  #linkParts(): LinkParts {
    return { ...this.#parts, onRegistered: (result) => this.#registered(result) };
  }

  #registered(result: RegisterResult): void {
    if (result.orderTopics !== null) this.#parts.topics.setOrdered(new Set(result.orderTopics.keys()));
    this.#parts.onRegistered?.(result);
  }

  #refresh(): void {
    const present = this.#parts.nameServers?.();
    if (present !== undefined) this.setNameServers(present);
    for (const link of this.#links) void link.refresh();
  }

  #heartbeat(): void {
    for (const link of this.#links) void link.heartbeat();
  }

  #topicsChanged(changed: readonly TopicConfig[]): void {
    if (this.#stopped || this.#timers.length === 0) return;
    for (const link of this.#links) link.topicsChanged(changed);
  }

  /** What is registered: all topics, or those that changed. */
  #body(changed: Iterable<string> | null): RegisterBrokerBody {
    const { topics, permission } = this.#parts;
    const mask = permission();
    const isMasked = (mask & (Perm.READ | Perm.WRITE)) !== (Perm.READ | Perm.WRITE);
    const table = new Map<string, TopicConfig>();
    for (const name of changed ?? topics.topics.keys()) {
      const topic = topics.get(name);
      if (topic !== undefined) table.set(name, isMasked ? { ...topic, perm: topic.perm & mask } : topic);
    }
    return {
      dataVersion: topics.dataVersion,
      topicConfigTable: table,
      filterServerList: [],
      topicQueueMappingInfoMap: new Map(),
    };
  }
}
