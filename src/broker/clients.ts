/**
 * The clients that are online: members of consumer groups and of producer groups, as their heartbeats tell. A client is
 * gone at once when its connection ends, and when nothing was heard of it for `channelExpiredTimeout` (120 s).
 *
 * Who depends on members of a consumer group is told by {@linkcode ClientTable.onGroupChange}.
 *
 * RocketMQ counterpart: `ConsumerManager`, `ProducerManager`, `ClientHousekeepingService`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { Random } from "../common/random.ts";
import type { Divergence } from "../protocol/bodies/connection.ts";
import type { ConsumerData, SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { Connection } from "../remoting/connection.ts";
import { type ClientChannel, ConsumerGroup, type GroupChange } from "./consumer_group.ts";

export { type ClientChannel, ConsumerGroup } from "./consumer_group.ts";

/** How often clients that fell silent are looked for. */
const EXPIRY_SCAN_PERIOD_MS = 10_000;
/** Divergences remembered as logged; beyond that they may be logged again. */
const LOGGED_MAX = 10_000;

/** What a client table is made of. */
export interface ClientTableParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  /** A client silent for this long is gone, milliseconds (`channelExpiredTimeout`). */
  readonly expiryMs: number;
}

/** Who sent a heartbeat. */
export type ClientIdentity = Pick<ClientChannel, "connection" | "clientId" | "language" | "version">;

/** The table; see the module's text. */
export class ClientTable {
  readonly #parts: ClientTableParts;
  readonly #consumers = new Map<string, ConsumerGroup>();
  readonly #producers = new Map<string, Map<Connection, ClientChannel>>();
  readonly #groupsOfConnection = new Map<Connection, { consumers: Set<string>; producers: Set<string> }>();
  readonly #listeners: ((group: ConsumerGroup) => void)[] = [];
  readonly #logged = new Set<string>();
  readonly #scan: Timer;

  constructor(parts: ClientTableParts) {
    this.#parts = parts;
    this.#scan = parts.clock.every(EXPIRY_SCAN_PERIOD_MS, () => this.#expire());
  }

  /** Calls `fn` when members of a consumer group came or went, or the topics that it subscribes to did. */
  onGroupChange(fn: (group: ConsumerGroup) => void): void {
    this.#listeners.push(fn);
  }

  /** The consumer group when it has members. */
  consumerGroup(group: string): ConsumerGroup | undefined {
    return this.#consumers.get(group);
  }

  /** What a group that is online wants of a topic. */
  subscription(group: string, topic: string): SubscriptionData | undefined {
    return this.#consumers.get(group)?.subscription(topic);
  }

  /** Groups that are online and subscribe to a topic. */
  groupsOf(topic: string): string[] {
    const groups: string[] = [];
    for (const group of this.#consumers.values()) if (group.subscription(topic) !== undefined) groups.push(group.name);
    return groups;
  }

  /** Takes the part of a heartbeat that is about a consumer group; returns what changed. */
  registerConsumer(client: ClientIdentity, data: ConsumerData, withoutSubscriptions = false): GroupChange {
    let group = this.#consumers.get(data.groupName);
    if (group === undefined) {
      group = new ConsumerGroup(data.groupName, data);
      this.#consumers.set(data.groupName, group);
    }
    const change = group.update(this.#channel(client), data, withoutSubscriptions);
    this.#follow(client.connection).consumers.add(data.groupName);
    if (change.joined) {
      this.#parts.log.info(
        `new consumer connected, group: ${group.name} ${data.consumeType} ${data.messageModel} channel: ${
          text(client)
        }`,
      );
    }
    for (const [old, now] of change.replaced) {
      this.#parts.log.info(
        `subscription changed, group: ${group.name} topic: ${now.topic} OLD: ${old.subString} NEW: ${now.subString}`,
      );
    }
    if (change.joined || change.resubscribed || change.replaced.length > 0) this.#logDivergences(group);
    if (change.joined || change.resubscribed) this.#tell(group);
    return change;
  }

  /** Takes the part of a heartbeat that is about a producer group. */
  registerProducer(client: ClientIdentity, group: string): void {
    const members = this.#producers.get(group) ?? new Map<Connection, ClientChannel>();
    this.#producers.set(group, members);
    const known = members.get(client.connection);
    if (known !== undefined && known.clientId === client.clientId) {
      known.lastUpdateMs = this.#parts.clock.now();
      return;
    }
    members.set(client.connection, this.#channel(client));
    this.#follow(client.connection).producers.add(group);
    this.#parts.log.info(`new producer connected, group: ${group} channel: ${text(client)}`);
  }

  /** Takes a consumer's leave of a group. */
  unregisterConsumer(connection: Connection, group: string): void {
    this.#groupsOfConnection.get(connection)?.consumers.delete(group);
    this.#removeConsumer(connection, group, "unregistered");
  }

  /** Takes a producer's leave of a group. */
  unregisterProducer(connection: Connection, group: string): void {
    this.#groupsOfConnection.get(connection)?.producers.delete(group);
    this.#removeProducer(connection, group, "unregistered");
  }

  /** The members of a producer group; empty when there are none. */
  producers(group: string): ClientChannel[] {
    return [...this.#producers.get(group)?.values() ?? []];
  }

  /** All producer groups with members. */
  get producerGroups(): ReadonlyMap<string, ReadonlyMap<Connection, ClientChannel>> {
    return this.#producers;
  }

  /** A member of the producer group that can be asked now, one at random; undefined when there is none. */
  someProducer(group: string): ClientChannel | undefined {
    const alive = this.producers(group).filter((member) => !member.connection.closed);
    return alive[this.#parts.random.int(Math.max(1, alive.length))];
  }

  /** The producer with a client id, whatever its group; undefined when it is not online. */
  producerByClientId(clientId: string): ClientChannel | undefined {
    for (const members of this.#producers.values()) {
      for (const member of members.values()) {
        if (member.clientId === clientId && !member.connection.closed) return member;
      }
    }
    return undefined;
  }

  /** Members of consumer groups that want different things of the same topic, now. */
  divergences(): Divergence[] {
    return [...this.#consumers.values()].flatMap((group) => group.divergences());
  }

  /** Forgets everybody and stops looking for silent clients. */
  close(): void {
    this.#scan.cancel();
    this.#consumers.clear();
    this.#producers.clear();
    this.#groupsOfConnection.clear();
  }

  #channel(client: ClientIdentity): ClientChannel {
    return { ...client, lastUpdateMs: this.#parts.clock.now() };
  }

  /** The groups of a connection; its end ends its memberships. */
  #follow(connection: Connection): { consumers: Set<string>; producers: Set<string> } {
    const known = this.#groupsOfConnection.get(connection);
    if (known !== undefined) return known;
    const groups = { consumers: new Set<string>(), producers: new Set<string>() };
    this.#groupsOfConnection.set(connection, groups);
    connection.onClose(() => this.#removeConnection(connection, "connection closed"));
    return groups;
  }

  #removeConnection(connection: Connection, why: string): void {
    const groups = this.#groupsOfConnection.get(connection);
    if (groups === undefined) return;
    this.#groupsOfConnection.delete(connection);
    for (const group of groups.consumers) this.#removeConsumer(connection, group, why);
    for (const group of groups.producers) this.#removeProducer(connection, group, why);
  }

  #removeConsumer(connection: Connection, name: string, why: string): void {
    const group = this.#consumers.get(name);
    const member = group?.remove(connection);
    if (group === undefined || member === undefined) return;
    this.#parts.log.info(`remove consumer from group: ${name} channel: ${text(member)}, ${why}`);
    if (group.size === 0) {
      this.#consumers.delete(name);
      this.#parts.log.info(`unregister consumer ok, no any connection, and remove consumer group, ${name}`);
    }
    this.#tell(group);
  }

  #removeProducer(connection: Connection, name: string, why: string): void {
    const members = this.#producers.get(name);
    const member = members?.get(connection);
    if (members === undefined || member === undefined) return;
    members.delete(connection);
    if (members.size === 0) this.#producers.delete(name);
    this.#parts.log.info(`remove producer from group: ${name} channel: ${text(member)}, ${why}`);
  }

  #expire(): void {
    const silentSince = this.#parts.clock.now() - this.#parts.expiryMs;
    const silent: (readonly [Connection, string])[] = [];
    for (const group of this.#consumers.values()) {
      for (const member of group.members) {
        if (member.lastUpdateMs < silentSince) silent.push([member.connection, group.name]);
      }
    }
    for (const [connection, group] of silent) this.#removeSilent(connection, group);
    this.#expireProducers(silentSince);
  }

  #removeSilent(connection: Connection, group: string): void {
    this.#groupsOfConnection.get(connection)?.consumers.delete(group);
    this.#removeConsumer(connection, group, "no heartbeat");
    // Closed as RocketMQ does: a client that is there after all connects anew and tells everything.
    connection.close("no heartbeat");
  }

  #expireProducers(silentSince: number): void {
    for (const [group, members] of [...this.#producers]) {
      for (const member of [...members.values()]) {
        if (member.lastUpdateMs >= silentSince) continue;
        this.#groupsOfConnection.get(member.connection)?.producers.delete(group);
        this.#removeProducer(member.connection, group, "no heartbeat");
        member.connection.close("no heartbeat");
      }
    }
  }

  #tell(group: ConsumerGroup): void {
    for (const listener of this.#listeners) listener(group);
  }

  #logDivergences(group: ConsumerGroup): void {
    for (const each of group.divergences()) {
      const key = JSON.stringify(each);
      if (this.#logged.has(key)) continue;
      if (this.#logged.size >= LOGGED_MAX) this.#logged.clear();
      this.#logged.add(key);
      this.#parts.log.warn(
        `divergent subscriptions in consumer group ${each.group}, messages will be missed: topic ${each.topic}: ` +
          `${each.clientId} wants ${quoted(each.expression)}, ${each.otherClientId} wants ${
            quoted(each.otherExpression)
          }`,
      );
    }
  }
}

function quoted(expression: string | null): string {
  return expression === null ? "nothing (not subscribed)" : `"${expression}"`;
}

function text(client: ClientIdentity): string {
  return `[${client.clientId} ${client.connection.remoteText} ${client.language} ${client.version}]`;
}
