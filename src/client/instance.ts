/**
 * One client of a cluster: its connections, routes and identity, shared by all its producers and consumers. It polls
 * routes, sends heartbeats, has offsets stored and consumers rebalanced in regular intervals, and passes on what brokers
 * ask. Nothing runs before the first member is there.
 *
 * Invariant: a group has at most one producer and one consumer in a client.
 *
 * Source: RocketMQ `MQClientInstance`.
 *
 * @module
 */
import type { Timer } from "../common/clock.ts";
import { ConnectionError, messageOf } from "../common/errors.ts";
import type { HeartbeatData } from "../protocol/bodies/heartbeat.ts";
import { UniqueIds } from "../protocol/ids.ts";
import { RemotingClient } from "../remoting/client.ts";
import { BrokerCalls } from "./broker_calls.ts";
import { ClientError, ClientErrorCode } from "./errors.ts";
import type { ConsumerMember, ProducerMember } from "./members.ts";
import type { ReceivedMessage } from "./message.ts";
import { INNER_PRODUCER_GROUP } from "./names.ts";
import { Namespace } from "./namespace.ts";
import { NameServers } from "./name_servers.ts";
import { type ClientOptions, type ClientSettings, clientSettings, type ClientWorld } from "./options.ts";
import { pushRequestHandlers } from "./push_requests.ts";
import { Routes } from "./routes.ts";
import { withHooks } from "./rpc_hooks.ts";

/** Between a change that many may see at once and the heartbeat that tells of it. */
const HEARTBEAT_SOON_MS = 10;

let instanceCount = 0;

interface Waiting {
  resolve(reply: ReceivedMessage): void;
  reject(error: ClientError): void;
  readonly timer: Timer;
}

/** See the module's text. */
export class ClientInstance {
  /** `ip@instanceName`, by which brokers and groups know this client. */
  readonly clientId: string;
  readonly settings: ClientSettings;
  readonly namespace: Namespace;
  readonly world: ClientWorld;
  readonly nameServers: NameServers;
  readonly routes: Routes;
  readonly calls: BrokerCalls;
  /** Makes the ids of messages. */
  readonly uniqueIds: UniqueIds;
  readonly #remoting: RemotingClient;
  readonly #producers = new Map<string, ProducerMember>();
  readonly #consumers = new Map<string, ConsumerMember>();
  readonly #replies = new Map<string, Waiting>();
  readonly #greeted = new Set<string>();
  #timers: Timer[] = [];
  #heartbeatSoon: Timer | null = null;
  #closed = false;

  /** Reaches for nothing yet. */
  constructor(options: ClientOptions, world: ClientWorld) {
    const settings = clientSettings(options);
    this.settings = settings;
    this.namespace = new Namespace(settings.namespace);
    this.world = world;
    const count = instanceCount++;
    const unique = `${settings.processId}#${world.clock.now()}${String(count).padStart(3, "0")}`;
    this.clientId = `${settings.clientIp}@${settings.instanceName ?? unique}`;
    this.#remoting = new RemotingClient({
      net: world.net,
      clock: world.clock,
      log: world.log,
      connectTimeoutMs: settings.connectTimeoutMs,
      serialize: settings.headerEncoding === "ROCKETMQ" ? 1 : 0,
      handlers: pushRequestHandlers({
        clientId: this.clientId,
        log: world.log,
        producer: (group) => this.#producers.get(group),
        consumer: (group) => this.#consumers.get(group),
        takeReply: (correlationId, reply) => this.#takeReply(correlationId, reply),
      }),
    });
    const requests = withHooks(this.#remoting, settings.rpcHooks);
    this.nameServers = new NameServers(settings.namesrvAddrs, {
      remoting: requests,
      random: world.random,
      log: world.log,
    });
    this.routes = new Routes(this.nameServers, world.random, settings.mqClientApiTimeoutMs);
    this.routes.onChanged = (topic) => this.#routeChanged(topic);
    this.calls = new BrokerCalls({
      requests,
      timeoutMs: settings.mqClientApiTimeoutMs,
      vipChannelEnabled: settings.vipChannelEnabled,
    });
    this.uniqueIds = new UniqueIds(
      world.clock,
      addressBytes(settings.clientIp),
      settings.processId,
      maker(world, count),
    );
  }

  /** Whether {@linkcode close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Adds a producer. @throws {ClientError} when the group has one here already. */
  addProducer(producer: ProducerMember): void {
    this.#checkOpen();
    if (this.#producers.has(producer.group)) {
      throw new ClientError(
        `The producer group[${producer.group}] has been created before, specify another name please.`,
      );
    }
    this.#producers.set(producer.group, producer);
    this.#startTimers();
  }

  /** Adds a consumer. @throws {ClientError} when the group has one here already. */
  addConsumer(consumer: ConsumerMember): void {
    this.#checkOpen();
    if (this.#consumers.has(consumer.group)) {
      throw new ClientError(
        `The consumer group[${consumer.group}] has been created before, specify another name please.`,
      );
    }
    this.#consumers.set(consumer.group, consumer);
    this.#startTimers();
  }

  /** Removes a producer, here and at all brokers. */
  async removeProducer(producer: ProducerMember): Promise<void> {
    if (this.#producers.get(producer.group) !== producer) return;
    this.#producers.delete(producer.group);
    await this.#unregister({ producerGroup: producer.group }, true);
  }

  /** Removes a consumer, here and at all brokers. */
  async removeConsumer(consumer: ConsumerMember): Promise<void> {
    if (this.#consumers.get(consumer.group) !== consumer) return;
    this.#consumers.delete(consumer.group);
    await this.#unregister({ consumerGroup: consumer.group }, false);
  }

  /** Ends all members, then the connections. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled([...this.#consumers.values()].map((each) => each.shutdown()));
    await Promise.allSettled([...this.#producers.values()].map((each) => each.shutdown()));
    for (const timer of this.#timers) timer.cancel();
    this.#heartbeatSoon?.cancel();
    for (const waiting of this.#replies.values()) {
      waiting.timer.cancel();
      waiting.reject(new ClientError("the client is closed"));
    }
    this.#replies.clear();
    this.#remoting.close();
  }

  /** Sends a heartbeat to all known brokers; resolves when all have answered or failed. */
  async heartbeat(): Promise<void> {
    const data = this.#heartbeatData();
    if (data === null) return;
    const addresses = this.routes.brokerAddresses(data.consumerDataSet.length === 0);
    await Promise.all(addresses.map((address) => this.#heartbeatTo(address, data)));
  }

  /** Sends a heartbeat to one broker, which seems not to know us. */
  async heartbeatTo(address: string): Promise<void> {
    const data = this.#heartbeatData();
    if (data !== null) await this.#heartbeatTo(address, data);
  }

  /** Sends heartbeats a moment from now, once for all that ask until then. */
  heartbeatSoon(): void {
    if (this.#heartbeatSoon !== null || this.#closed) return;
    this.#heartbeatSoon = this.world.clock.after(HEARTBEAT_SOON_MS, () => {
      this.#heartbeatSoon = null;
      this.heartbeat();
    });
  }

  /**
   * Waits for the reply with this correlation id.
   *
   * @throws {ClientError} REQUEST_TIMEOUT after `timeoutMs`.
   */
  waitForReply(correlationId: string, timeoutMs: number): Promise<ReceivedMessage> {
    return new Promise((resolve, reject) => {
      const timer = this.world.clock.after(timeoutMs, () => {
        this.#replies.delete(correlationId);
        const text = `send request message success, but wait reply message timeout, ${timeoutMs} ms`;
        reject(new ClientError(text, { code: ClientErrorCode.REQUEST_TIMEOUT, retriable: true }));
      });
      this.#replies.set(correlationId, { resolve, reject, timer });
    });
  }

  /** Ends a {@linkcode waitForReply} whose request could not be sent. */
  abandonReply(correlationId: string, error: ClientError): void {
    const waiting = this.#replies.get(correlationId);
    if (waiting === undefined) return;
    this.#replies.delete(correlationId);
    waiting.timer.cancel();
    waiting.reject(error);
  }

  #takeReply(correlationId: string, reply: ReceivedMessage): boolean {
    const waiting = this.#replies.get(correlationId);
    if (waiting === undefined) return false;
    this.#replies.delete(correlationId);
    waiting.timer.cancel();
    waiting.resolve(reply);
    return true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new ClientError("the client is closed");
  }

  #startTimers(): void {
    if (this.#timers.length > 0) return;
    const { clock } = this.world;
    const { settings } = this;
    this.#timers = [
      clock.every(settings.pollNameServerIntervalMs, () => this.#pollRoutes()),
      clock.every(settings.heartbeatBrokerIntervalMs, () => this.heartbeat()),
      clock.every(settings.persistConsumerOffsetIntervalMs, () => this.#persistOffsets()),
      clock.every(settings.rebalanceIntervalMs, () => this.#rebalance()),
    ];
  }

  async #pollRoutes(): Promise<void> {
    const topics = new Set<string>();
    for (const member of [...this.#producers.values(), ...this.#consumers.values()]) {
      for (const topic of member.topics()) topics.add(topic);
    }
    await Promise.all(Array.from(topics, async (topic) => {
      try {
        await this.routes.refresh(topic);
      } catch (error) {
        this.world.log.warn(`cannot refresh the route of topic ${topic}: ${messageOf(error)}`);
      }
    }));
  }

  async #persistOffsets(): Promise<void> {
    for (const consumer of this.#consumers.values()) {
      try {
        await consumer.persistOffsets();
      } catch (error) {
        this.world.log.warn(`cannot store the offsets of group ${consumer.group}: ${messageOf(error)}`);
      }
    }
  }

  #rebalance(): void {
    for (const consumer of this.#consumers.values()) consumer.rebalance();
  }

  #heartbeatData(): HeartbeatData | null {
    if (this.#producers.size === 0 && this.#consumers.size === 0) return null;
    return {
      clientID: this.clientId,
      consumerDataSet: Array.from(this.#consumers.values(), (consumer) => consumer.consumerData()),
      heartbeatFingerprint: 0,
      producerDataSet: [...this.#producers.keys(), INNER_PRODUCER_GROUP].map((groupName) => ({ groupName })),
      withoutSub: false,
    };
  }

  async #heartbeatTo(address: string, data: HeartbeatData): Promise<void> {
    this.#greeted.add(address);
    try {
      await this.calls.heartbeat(address, data);
    } catch (error) {
      this.#greeted.delete(address);
      if (!this.#closed) this.world.log.warn(`heartbeat to ${address} failed: ${messageOf(error)}`);
    }
  }

  #routeChanged(topic: string): void {
    this.#greetNewBrokers();
    for (const consumer of this.#consumers.values()) {
      for (const each of consumer.topics()) if (each === topic) consumer.rebalance();
    }
  }

  #greetNewBrokers(): void {
    const addresses = this.routes.brokerAddresses(this.#consumers.size === 0);
    if (addresses.some((address) => !this.#greeted.has(address))) this.heartbeatSoon();
  }

  async #unregister(groups: { producerGroup?: string; consumerGroup?: string }, mastersOnly: boolean): Promise<void> {
    await Promise.all(
      this.routes.brokerAddresses(mastersOnly).map(async (address) => {
        try {
          if (!this.#greeted.has(address)) return;
          await this.calls.unregister(address, { clientID: this.clientId, ...groups });
        } catch (error) {
          if (!(error instanceof ConnectionError)) this.world.log.warn(`unregister at ${address}: ${messageOf(error)}`);
        }
      }),
    );
  }
}

/** Tells the ids of two clients in one process, or of two processes with equal ids in two containers, apart. */
function maker(world: ClientWorld, count: number): number {
  return (world.random.int(0x7fffffff) ^ count) | 0;
}

/** Four bytes of an address; of what is no IPv4 address, its first characters' codes. */
function addressBytes(ip: string): Uint8Array {
  const parts = ip.split(".").map(Number);
  if (parts.length === 4 && parts.every((part) => part >= 0 && part <= 255)) return Uint8Array.from(parts);
  const hash = [...ip].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) | 0, 7);
  return Uint8Array.of(0xfd, hash >>> 16, hash >>> 8, hash);
}
