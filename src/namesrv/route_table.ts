/**
 * Who is where: brokers by name and cluster, and the topics that they have. A synchronous table in memory that does no I/O;
 * brokers fill it by registering, and leave it by unregistering, by silence ({@linkcode RouteTable.expire}) or when their
 * connection breaks ({@linkcode RouteTable.disconnect}). Name servers know nothing of each other: each holds what brokers
 * told it.
 *
 * Invariants: every address in a group belongs to that group only once; a group without addresses, a cluster without
 * groups and a topic without queues do not exist; every address in a group has a live entry.
 *
 * Topics (`topic_table.ts`) are taken from a group's master, or from the slave with the smallest id where there is no
 * master (5.x).
 *
 * RocketMQ counterpart: `RouteInfoManager`, `BatchUnregistrationService`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { RegistrationConflict } from "../protocol/bodies/conflicts.ts";
import { type DataVersion, type RegisterBrokerBody, sameDataVersion } from "../protocol/bodies/register.ts";
import {
  type BrokerData,
  type ClusterInfo,
  MASTER_ID,
  type QueueData,
  type TopicRouteData,
} from "../protocol/bodies/route.ts";
import { Perm } from "../protocol/message.ts";
import type { NetworkAddress } from "../protocol/network_addresses.ts";
import { type NetworkView, networkView } from "./network_view.ts";
import { queueDataText, TopicTable } from "./topic_table.ts";

/** A broker that names no timeout in its registration is dropped after this silence. */
export const BROKER_TIMEOUT_MS = 120_000;

/** Topics of this prefix are for the members of one group; acting masters do not concern them. */
const MEMBER_TOPIC_PREFIX = "rmq_sys_SYNC_BROKER_MEMBER_";

/** Options that the table follows; read at each use, for they can be updated. */
export interface RouteTableOptions {
  /** A topic that the broker no longer lists is dropped at its registration. */
  readonly deleteTopicWithBrokerRegistration: boolean;
  /** Routes show a slave as master where its group has none and allows it. */
  readonly supportActingMaster: boolean;
}

/** What tells one broker from the others. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerId: number;
  /** `host:port`. */
  readonly brokerAddr: string;
}

/** A registration. `P` identifies the connection that it came on. */
export interface Registration<P> extends BrokerIdentity {
  readonly haServerAddr: string;
  readonly zoneName?: string | undefined;
  /** What clients of some networks are told instead of `brokerAddr`. */
  readonly networkAddresses?: readonly NetworkAddress[];
  /** Undefined: {@linkcode BROKER_TIMEOUT_MS}. */
  readonly heartbeatTimeoutMs?: number | undefined;
  /** Undefined in registrations of brokers before 5.0. */
  readonly enableActingMaster?: boolean | undefined;
  readonly body: RegisterBrokerBody;
  readonly peer: P;
}

/** What a registration is answered with: a slave's master, where that is alive. */
export interface RegistrationResult {
  readonly masterAddr?: string;
  readonly haServerAddr?: string;
}

/** The smallest broker id of a group changed, which its members may want to know. */
export interface MinBrokerIdChange {
  readonly brokerName: string;
  readonly minBrokerId: number;
  readonly minBrokerAddr: string;
  /** The broker that left, where one did. */
  readonly offlineBrokerAddr?: string;
  readonly haBrokerAddr?: string;
  /** Brokers to tell. */
  readonly notifyAddrs: readonly string[];
}

/** What the table is made of. */
export interface RouteTableParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  readonly options: () => RouteTableOptions;
  /** Called when the route of a topic, or (null) of any topic, may have become another one. */
  readonly onRouteChange?: (topic: string | null) => void;
  /** Called when a group's smallest broker id has changed. */
  readonly onMinBrokerIdChange?: (change: MinBrokerIdChange) => void;
}

interface BrokerGroup extends BrokerData {
  readonly brokerAddrs: Map<number, string>;
  cluster: string;
  enableActingMaster: boolean;
  zoneName: string | undefined;
}

interface LiveBroker<P> extends BrokerIdentity {
  readonly timeoutMs: number;
  readonly dataVersion: DataVersion;
  readonly haServerAddr: string;
  readonly filterServers: readonly string[];
  readonly networkAddresses: readonly NetworkAddress[];
  readonly peer: P;
  heardAtMs: number;
}

/** The table; see the module's text. `P` identifies connections. */
export class RouteTable<P> {
  readonly #parts: RouteTableParts;
  /** By broker name. */
  readonly #groups = new Map<string, BrokerGroup>();
  /** Cluster to broker names. */
  readonly #clusters = new Map<string, Set<string>>();
  readonly #topics: TopicTable;
  /** By {@linkcode liveKey}. */
  readonly #live = new Map<string, LiveBroker<P>>();

  constructor(parts: RouteTableParts) {
    this.#parts = parts;
    this.#topics = new TopicTable({ log: parts.log, onChange: (topic) => parts.onRouteChange?.(topic) });
  }

  /** Number of topics. */
  get topicCount(): number {
    return this.#topics.size;
  }

  /** All clusters and their groups; valid until the next change. */
  get clusterInfo(): ClusterInfo {
    return { brokerAddrTable: this.#groups, clusterAddrTable: this.#clusters };
  }

  /**
   * Enters a broker with its topics.
   *
   * @returns null when it is refused: an unknown broker may not register a single topic. A broker whose place is held by
   * another address of a larger stateVersion is ignored.
   */
  register(broker: Registration<P>): RegistrationResult | null {
    const { clusterName, brokerName, brokerId, brokerAddr, body } = broker;
    this.#dropFormerSelves(broker);
    const known = this.#groups.get(brokerName);
    const minIdBefore = known === undefined ? MASTER_ID : smallestId(known.brokerAddrs);
    if (known !== undefined) this.#leaveOtherIds(known, broker);
    const addrBefore = known?.brokerAddrs.get(brokerId);
    if (addrBefore !== undefined && addrBefore !== brokerAddr && this.#isNewer(addrBefore, broker)) {
      this.#live.delete(liveKey(clusterName, brokerAddr));
      return {};
    }
    if (addrBefore === undefined && body.topicConfigTable.size === 1) {
      this.#parts.log.warn(
        `Can't register topicConfigWrapper=${[...body.topicConfigTable.keys()]} because ` +
          `broker[${brokerId}]=${brokerAddr} has not registered.`,
      );
      this.#live.delete(liveKey(clusterName, brokerAddr));
      if (known !== undefined) this.#dropIfEmpty(known);
      return null;
    }
    if (addrBefore !== undefined && addrBefore !== brokerAddr) this.#warnOfRival(addrBefore, broker);
    const group = this.#enterGroup(broker);
    this.#takeTopics(group, broker, addrBefore === undefined);
    this.#enterLive(broker);
    if (brokerId < minIdBefore) this.#announceMinId(group, { haBrokerAddr: broker.haServerAddr });
    return this.#masterFor(group, brokerId);
  }

  /** Takes a broker out of the table: the one that registered the address, whatever name it is given here. */
  unregister({ clusterName, brokerAddr }: BrokerIdentity): void {
    const { log } = this.#parts;
    const live = this.#live.get(liveKey(clusterName, brokerAddr));
    log.info(`unregisterBroker, remove from brokerLiveTable ${okOrFailed(live !== undefined)}, ${brokerAddr}`);
    if (live === undefined) return;
    this.#live.delete(liveKey(clusterName, brokerAddr));
    this.#parts.onRouteChange?.(null);
    const { brokerName } = live;
    const group = this.#groups.get(brokerName);
    if (group === undefined) return;
    const minIdBefore = smallestId(group.brokerAddrs);
    const id = idOf(group, brokerAddr);
    if (id !== undefined) group.brokerAddrs.delete(id);
    log.info(`unregisterBroker, remove addr from brokerAddrTable ${okOrFailed(id !== undefined)}, ${brokerAddr}`);
    if (id === undefined) return;
    if (group.brokerAddrs.size === 0) return this.#dropIfEmpty(group);
    if (group.enableActingMaster) {
      if (!group.brokerAddrs.has(MASTER_ID)) this.#topics.changePerms(brokerName, (perm) => perm & ~Perm.WRITE);
      if (id === minIdBefore) this.#announceMinId(group, { offlineBrokerAddr: brokerAddr });
    }
  }

  /** Takes out the brokers that registered on a connection which has ended. */
  disconnect(peer: P): void {
    for (const broker of [...this.#live.values()]) if (broker.peer === peer) this.#lose(broker);
  }

  /** Takes out the brokers that were silent for longer than their timeout; returns the connections they came on. */
  expire(): P[] {
    const now = this.#parts.clock.monotonicMs();
    const expired = [...this.#live.values()].filter((broker) => broker.heardAtMs + broker.timeoutMs < now);
    for (const broker of expired) {
      this.#parts.log.warn(`The broker channel expired, ${broker.brokerAddr} ${broker.timeoutMs}ms`);
      this.#lose(broker);
    }
    return expired.map((broker) => broker.peer);
  }

  /** Notes a sign of life; unknown brokers are ignored. */
  heartbeat(clusterName: string, brokerAddr: string): void {
    const live = this.#live.get(liveKey(clusterName, brokerAddr));
    if (live !== undefined) live.heardAtMs = this.#parts.clock.monotonicMs();
  }

  /** The version of the topics that a broker last registered; undefined when it is not here. */
  dataVersion(clusterName: string, brokerAddr: string): DataVersion | undefined {
    return this.#live.get(liveKey(clusterName, brokerAddr))?.dataVersion;
  }

  /** Broker id to address of a group; empty when there is none. */
  members(brokerName: string): ReadonlyMap<number, string> {
    return this.#groups.get(brokerName)?.brokerAddrs ?? new Map();
  }

  /** Where the queues of a topic are; null when no live broker has it. */
  route(topic: string): TopicRouteData | null {
    const queues = this.#topics.queues(topic);
    if (queues === undefined) return null;
    const groups = [...queues.keys()].map((name) => this.#groups.get(name)).filter((group) => group !== undefined);
    if (groups.length === 0) return null;
    const isActing = this.#parts.options().supportActingMaster && !topic.startsWith(MEMBER_TOPIC_PREFIX);
    return {
      queueDatas: [...queues.values()],
      brokerDatas: isActing ? groups.map((group) => withActingMaster(group, queues.get(group.brokerName)!)) : groups,
      filterServerTable: this.#filterServers(groups),
      topicQueueMappingByBroker: this.#topics.mapping(topic),
    };
  }

  /** How a client at an IP address sees the brokers; null when it is told what everybody is told. */
  viewOf(host: string): NetworkView | null {
    return networkView([...this.#live.values()], host);
  }

  /** Places that several live brokers register for, each with its own address: a mistake in their configuration. */
  conflicts(): RegistrationConflict[] {
    const places = new Map<string, RegistrationConflict & { addresses: string[] }>();
    for (const { clusterName, brokerName, brokerId, brokerAddr } of this.#live.values()) {
      const key = `${brokerName}\n${brokerId}`;
      const place = places.get(key) ?? { clusterName, brokerName, brokerId, addresses: [] };
      place.addresses.push(brokerAddr);
      places.set(key, place);
    }
    return [...places.values()].filter(({ addresses }) => addresses.length > 1)
      .map((place) => ({ ...place, addresses: place.addresses.sort() }));
  }

  /** The queues of a topic on one group. */
  queueData(topic: string, brokerName: string): QueueData | undefined {
    return this.#topics.queues(topic)?.get(brokerName);
  }

  /** Adds or replaces the queues of one topic; nothing happens when one of the brokers is unknown. */
  registerTopic(topic: string, queueDatas: readonly QueueData[]): void {
    const unknown = queueDatas.find((queue) => !this.#groups.has(queue.brokerName));
    if (unknown !== undefined) {
      this.#parts.log.warn(`Register topic contains illegal broker, ${topic}, ${queueDataText(unknown)}`);
      return;
    }
    for (const queue of queueDatas) this.#topics.put(topic, queue);
    this.#parts.log.info(`Register topic route:${topic}, ${queueDatas.map(queueDataText)}`);
  }

  /** Removes a topic, with `clusterName` from the brokers of that cluster only. */
  deleteTopic(topic: string, clusterName?: string): void {
    const brokerNames = clusterName === undefined
      ? this.#topics.queues(topic)?.keys()
      : this.#clusters.get(clusterName);
    for (const brokerName of [...brokerNames ?? []]) this.#topics.remove(topic, brokerName);
  }

  /** Takes the write permission from all topics of a group, until it registers a change; returns their number. */
  wipeWritePerm(brokerName: string): number {
    return this.#topics.changePerms(brokerName, (perm) => perm & ~Perm.WRITE);
  }

  /** Makes all topics of a group readable and writable, until it registers a change; returns their number. */
  addWritePerm(brokerName: string): number {
    return this.#topics.changePerms(brokerName, () => Perm.READ | Perm.WRITE);
  }

  /** The topics for which `matches` holds; it gets the queues of the topic on one of its groups. */
  topics(matches: (queue: QueueData) => boolean = () => true): string[] {
    return this.#topics.names((queues) => matches(queues.values().next().value!));
  }

  /** The topics on the brokers of a cluster. */
  topicsOfCluster(clusterName: string): string[] {
    const brokerNames = [...this.#clusters.get(clusterName) ?? []];
    return this.#topics.names((queues) => brokerNames.some((name) => queues.has(name)));
  }

  /** A broker that comes back under another name, or in another cluster, leaves its old place. */
  #dropFormerSelves({ clusterName, brokerName, brokerAddr }: BrokerIdentity): void {
    for (const other of [...this.#live.values()]) {
      const isRenamed = other.clusterName === clusterName && other.brokerName !== brokerName;
      const isMoved = other.clusterName !== clusterName && other.brokerName === brokerName;
      if (other.brokerAddr === brokerAddr && (isRenamed || isMoved)) this.unregister(other);
    }
  }

  /** An address has one id: a slave that became master leaves its old place. */
  #leaveOtherIds(group: BrokerGroup, { brokerId, brokerAddr }: BrokerIdentity): void {
    const id = idOf(group, brokerAddr);
    if (id === undefined || id === brokerId) return;
    group.brokerAddrs.delete(id);
    this.#parts.onRouteChange?.(null);
  }

  /** Whether another address that holds the place of `broker` registered with a larger stateVersion. */
  #isNewer(holderAddr: string, broker: Registration<P>): boolean {
    const { clusterName, brokerName, brokerId, brokerAddr, body } = broker;
    const holder = this.#live.get(liveKey(clusterName, holderAddr));
    if (holder === undefined || holder.dataVersion.stateVersion <= body.dataVersion.stateVersion) return false;
    this.#parts.log.warn(
      `Registering Broker conflicts with the existed one, just ignore.: Cluster:${clusterName}, ` +
        `BrokerName:${brokerName}, BrokerId:${brokerId}, Old BrokerAddr:${holderAddr}, ` +
        `Old Version:${holder.dataVersion.stateVersion}, New BrokerAddr:${brokerAddr}, ` +
        `New Version:${body.dataVersion.stateVersion}.`,
    );
    return true;
  }

  /** A broker that moved has left before it comes back; one that still lives has a rival, and clients see them in turn. */
  #warnOfRival(holderAddr: string, { clusterName, brokerName, brokerId, brokerAddr }: BrokerIdentity): void {
    if (!this.#live.has(liveKey(clusterName, holderAddr))) return;
    this.#parts.log.warn(
      `two brokers claim to be ${brokerName} with id ${brokerId} in ${clusterName}: ${holderAddr} and ${brokerAddr}; ` +
        "clients are told the one that registered last. Give one of them another brokerName or brokerId",
    );
  }

  #enterGroup(broker: Registration<P>): BrokerGroup {
    const { clusterName, brokerName, brokerId, brokerAddr, zoneName } = broker;
    const enableActingMaster = broker.enableActingMaster ?? false;
    let group = this.#groups.get(brokerName);
    const isChanged = group === undefined || group.brokerAddrs.get(brokerId) !== brokerAddr ||
      group.cluster !== clusterName || group.zoneName !== zoneName || group.enableActingMaster !== enableActingMaster;
    if (group === undefined) {
      group = { cluster: clusterName, brokerName, brokerAddrs: new Map(), enableActingMaster, zoneName };
      this.#groups.set(brokerName, group);
    } else if (group.cluster !== clusterName) {
      this.#leaveCluster(group);
      group.cluster = clusterName;
    }
    group.enableActingMaster = enableActingMaster;
    group.zoneName = zoneName;
    group.brokerAddrs.set(brokerId, brokerAddr);
    const brokerNames = this.#clusters.get(clusterName);
    if (brokerNames === undefined) this.#clusters.set(clusterName, new Set([brokerName]));
    else brokerNames.add(brokerName);
    if (isChanged) this.#parts.onRouteChange?.(null);
    return group;
  }

  /** @param isFirst whether this broker id was not registered before. */
  #takeTopics(group: BrokerGroup, broker: Registration<P>, isFirst: boolean): void {
    const { clusterName, brokerId, brokerAddr, body } = broker;
    const isMaster = brokerId === MASTER_ID;
    const isPrimeSlave = !isMaster && broker.enableActingMaster !== undefined &&
      brokerId === smallestId(group.brokerAddrs);
    if (!isMaster && !isPrimeSlave) return;
    if (this.#parts.options().deleteTopicWithBrokerRegistration && body.topicQueueMappingInfoMap.size === 0) {
      this.#topics.retain(group.brokerName, body.topicConfigTable);
    }
    const before = this.dataVersion(clusterName, brokerAddr);
    const isChanged = isFirst || before === undefined || !sameDataVersion(before, body.dataVersion);
    const permMask = isPrimeSlave && group.enableActingMaster ? ~Perm.WRITE : ~0;
    for (const topic of body.topicConfigTable.values()) {
      if (isChanged || this.queueData(topic.topicName, group.brokerName) === undefined) {
        this.#topics.put(topic.topicName, {
          brokerName: group.brokerName,
          readQueueNums: topic.readQueueNums,
          writeQueueNums: topic.writeQueueNums,
          perm: topic.perm & permMask,
          topicSysFlag: topic.topicSysFlag,
        });
      }
    }
    if (isChanged) { for (const [topic, info] of body.topicQueueMappingInfoMap) this.#topics.putMapping(topic, info); }
  }

  #enterLive(broker: Registration<P>): void {
    const { clusterName, brokerName, brokerId, brokerAddr, haServerAddr, body, peer } = broker;
    const { networkAddresses = [] } = broker;
    const key = liveKey(clusterName, brokerAddr);
    const before = this.#live.get(key);
    if (before === undefined) {
      this.#parts.log.info(`new broker registered, ${brokerAddr} HAServer: ${haServerAddr}`);
    }
    const isSame = sameTexts(before?.filterServers ?? [], body.filterServerList) &&
      sameTexts(networkTexts(before?.networkAddresses ?? []), networkTexts(networkAddresses));
    if (!isSame) this.#parts.onRouteChange?.(null);
    this.#live.set(key, {
      clusterName,
      brokerName,
      brokerId,
      brokerAddr,
      haServerAddr,
      peer,
      timeoutMs: broker.heartbeatTimeoutMs ?? BROKER_TIMEOUT_MS,
      dataVersion: body.dataVersion,
      filterServers: body.filterServerList,
      networkAddresses,
      heardAtMs: this.#parts.clock.monotonicMs(),
    });
  }

  #masterFor(group: BrokerGroup, brokerId: number): RegistrationResult {
    const masterAddr = brokerId === MASTER_ID ? undefined : group.brokerAddrs.get(MASTER_ID);
    const master = masterAddr === undefined ? undefined : this.#live.get(liveKey(group.cluster, masterAddr));
    return master === undefined ? {} : { masterAddr: master.brokerAddr, haServerAddr: master.haServerAddr };
  }

  #lose(broker: LiveBroker<P>): void {
    const { clusterName, brokerName, brokerAddr, brokerId } = broker;
    this.#parts.log.info(
      "the broker's channel destroyed, submit the unregister request at once, broker info: " +
        `${clusterName} ${brokerName} ${brokerId} ${brokerAddr}, submit result: true`,
    );
    this.unregister(broker);
  }

  #dropIfEmpty(group: BrokerGroup): void {
    if (group.brokerAddrs.size > 0) return;
    const { brokerName } = group;
    this.#groups.delete(brokerName);
    this.#parts.log.info(`unregisterBroker, remove name from brokerAddrTable OK, ${brokerName}`);
    this.#leaveCluster(group);
    this.#topics.removeGroup(brokerName);
  }

  #leaveCluster({ cluster, brokerName }: BrokerGroup): void {
    const brokerNames = this.#clusters.get(cluster);
    const wasThere = brokerNames?.delete(brokerName) ?? false;
    this.#parts.log.info(
      `unregisterBroker, remove name from clusterAddrTable ${okOrFailed(wasThere)}, ${brokerName}`,
    );
    if (brokerNames?.size !== 0) return;
    this.#clusters.delete(cluster);
    this.#parts.log.info(`unregisterBroker, remove cluster from clusterAddrTable ${cluster}`);
  }

  #filterServers(groups: readonly BrokerGroup[]): Map<string, readonly string[]> {
    const table = new Map<string, readonly string[]>();
    for (const group of groups) {
      for (const addr of group.brokerAddrs.values()) {
        const servers = this.#live.get(liveKey(group.cluster, addr))?.filterServers ?? [];
        if (servers.length > 0) table.set(addr, servers);
      }
    }
    return table;
  }

  #announceMinId(group: BrokerGroup, cause: { offlineBrokerAddr: string } | { haBrokerAddr: string }): void {
    const { brokerName, brokerAddrs } = group;
    const minBrokerId = smallestId(brokerAddrs);
    const isNewcomer = "haBrokerAddr" in cause && brokerAddrs.size > 1;
    const notifyAddrs = [...brokerAddrs].filter(([id]) => !isNewcomer || id !== minBrokerId).map(([, addr]) => addr);
    this.#parts.onMinBrokerIdChange?.({
      brokerName,
      minBrokerId,
      minBrokerAddr: brokerAddrs.get(minBrokerId)!,
      ...cause,
      notifyAddrs,
    });
  }
}

/** Addresses are unique in a cluster only. A cluster's name has no line break. */
function liveKey(clusterName: string, brokerAddr: string): string {
  return `${clusterName}\n${brokerAddr}`;
}

function smallestId(brokerAddrs: ReadonlyMap<number, string>): number {
  return brokerAddrs.size === 0 ? MASTER_ID : Math.min(...brokerAddrs.keys());
}

function idOf(group: BrokerData, brokerAddr: string): number | undefined {
  for (const [id, addr] of group.brokerAddrs) if (addr === brokerAddr) return id;
  return undefined;
}

/** The group as clients are to see it: without a master, its first slave stands in where the topic is read-only. */
function withActingMaster(group: BrokerGroup, queue: QueueData): BrokerData {
  const isNeeded = group.enableActingMaster && !group.brokerAddrs.has(MASTER_ID) && (queue.perm & Perm.WRITE) === 0;
  if (!isNeeded) return group;
  const minId = smallestId(group.brokerAddrs);
  const brokerAddrs = new Map([...group.brokerAddrs].map(([id, addr]) => [id === minId ? MASTER_ID : id, addr]));
  return { ...group, brokerAddrs };
}

function networkTexts(addresses: readonly NetworkAddress[]): string[] {
  return addresses.map(({ network, address }) => `${network.text}=${address}`);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function okOrFailed(ok: boolean): string {
  return ok ? "OK" : "Failed";
}
