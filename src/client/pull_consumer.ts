/**
 * For owners who decide themselves what to pull when: queues and offsets in, messages out. The group's offsets can be
 * stored at the broker. Nothing is rebalanced but the queues of topics that were registered for it.
 *
 * ```ts
 * const consumer = client.pullConsumer({ group: "audit" });
 * await consumer.start();
 * for (const queue of await consumer.fetchMessageQueues("Topic")) {
 *   for await (const message of consumer.messages(queue, await consumer.minOffset(queue))) console.log(message.text());
 * }
 * ```
 *
 * Source: RocketMQ `DefaultMQPullConsumer`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { ConsumerData, MessageModel, SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { ConsumeDirectlyResult, ConsumerRunningInfo } from "../protocol/bodies/running_info.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import { buildSubscription, SUB_ALL } from "../protocol/subscription.ts";
import { type AllocationStrategy, averagely } from "./allocation.ts";
import { runningInfoOf } from "./consumer_info.ts";
import { ClientError } from "./errors.ts";
import { ConsumeHooks, type ConsumeMessageHook, type FilterMessageHook } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ConsumerMember } from "./members.ts";
import type { ReceivedMessage } from "./message.ts";
import { checkConsumerGroup, checkTopic, retryTopicOf } from "./names.ts";
import { LocalOffsetStore, type OffsetStore, RemoteOffsetStore } from "./offset_store.ts";
import { Puller, type PullResult } from "./pull_request.ts";
import { Rebalance } from "./rebalance.ts";
import { Stop } from "./stop.ts";
import { findTopics } from "./subscription_check.ts";

export type { PullResult } from "./pull_request.ts";
export type { PullStatus } from "./broker_calls.ts";

const NOT_SUSPENDED_TIMEOUT_MS = 10_000;
const SUSPEND_MS = 20_000;
const SUSPENDED_TIMEOUT_MS = 30_000;
const INT_MAX = 2147483647;

/** Options of a pull consumer. */
export interface PullConsumerOptions {
  readonly group: string;
  /** BROADCASTING keeps the offsets in a local file. */
  readonly messageModel?: MessageModel;
  /** How the queues of registered topics are shared in the group. */
  readonly allocationStrategy?: AllocationStrategy;
}

/**
 * Hears which queues of a registered topic are this consumer's, whenever that changes. When it resolves, nothing may be under
 * way with queues that are gone: their offsets are stored and forgotten then.
 */
export type QueuesChanged = (topic: string, queues: readonly MessageQueue[]) => Promise<void> | void;

/** How one pull differs. */
export interface PullOptions {
  /** Tags, `*` by default. */
  readonly expression?: string;
  readonly type?: "TAG" | "SQL92";
  /** 32 by default. */
  readonly maxMessages?: number;
  readonly timeoutMs?: number;
}

/** See the module's text. */
export class PullConsumer implements ConsumerMember {
  readonly group: string;
  readonly #instance: ClientInstance;
  readonly #messageModel: MessageModel;
  readonly #puller: Puller;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #queues = new Map<string, MessageQueue>();
  readonly #hooks: ConsumeHooks;
  readonly #stop: Stop;
  readonly #rebalance: Rebalance;
  /** By registered topic. */
  readonly #shares = new Map<string, { queues: readonly MessageQueue[]; readonly changed: QueuesChanged | null }>();
  #offsets: OffsetStore | null = null;
  #state: "new" | "running" | "closed" = "new";
  #startMs = 0;

  /** Made by `Client.pullConsumer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: PullConsumerOptions) {
    checkConsumerGroup(options.group);
    const group = instance.namespace.wrap(options.group);
    const messageModel = options.messageModel ?? "CLUSTERING";
    this.group = group;
    this.#instance = instance;
    this.#messageModel = messageModel;
    this.#hooks = new ConsumeHooks(instance.world.log);
    this.#puller = new Puller(instance, group, this.#hooks);
    this.#stop = new Stop(instance.world.clock);
    this.#rebalance = new Rebalance({
      instance,
      group,
      messageModel,
      strategy: options.allocationStrategy ?? averagely,
      stop: this.#stop,
      topics: () => this.#shares.keys(),
      assign: (topic, share) => this.#assign(topic, share),
    });
  }

  /** Adds a hook that sees messages when they are handed out. */
  registerConsumeMessageHook(hook: ConsumeMessageHook): void {
    this.#hooks.addConsume(hook);
  }

  /** Adds a hook that chooses which messages are handed out. */
  registerFilterMessageHook(hook: FilterMessageHook): void {
    this.#hooks.addFilter(hook);
  }

  /**
   * Shares the queues of a topic with the other members of the group; all of them are to register it.
   *
   * @param changed hears of the share, and of each change. @throws {ClientError} for a name that no topic can have.
   */
  registerTopic(topic: string, changed: QueuesChanged | null = null): void {
    checkTopic(topic);
    const named = this.#instance.namespace.wrap(topic);
    this.#shares.set(named, { queues: [], changed });
    this.#subscription(named, SUB_ALL, "TAG");
    if (this.#state === "running") this.#instance.heartbeat().then(() => this.rebalance());
  }

  /** This consumer's share of the queues of a registered topic; none before it is known. */
  queuesInBalance(topic: string): readonly MessageQueue[] {
    return this.#shares.get(this.#instance.namespace.wrap(topic))?.queues ?? [];
  }

  async #assign(topic: string, share: readonly MessageQueue[]): Promise<boolean> {
    const known = this.#shares.get(topic);
    if (known === undefined) return true;
    const { namespace, world } = this.#instance;
    const queues = namespace.unwrapQueues(share);
    const keys = new Set(queues.map(messageQueueKey));
    const lost = known.queues.filter((each) => !keys.has(messageQueueKey(each)));
    if (lost.length === 0 && keys.size === known.queues.length) return true;
    known.queues = queues;
    try {
      await known.changed?.(namespace.unwrap(topic), queues);
      await this.#leave(lost.map((queue) => namespace.wrapQueue(queue)));
    } catch (error) {
      world.log.error(`cannot tell which queues of topic ${topic} are ours now: ${messageOf(error)}`);
    }
    return true;
  }

  /** Stores and forgets the offsets of queues that are somebody else's now. */
  async #leave(queues: readonly MessageQueue[]): Promise<void> {
    await this.#offsets?.persist(queues, true);
    for (const queue of queues) {
      this.#offsets?.remove(queue);
      this.#queues.delete(messageQueueKey(queue));
    }
  }

  /** Makes it known to the client. @throws {ClientError} */
  async start(): Promise<void> {
    if (this.#state !== "new") {
      throw new ClientError(`The PullConsumer service state not OK, maybe started once, ${this.#state}`);
    }
    this.#offsets = this.#messageModel === "CLUSTERING"
      ? new RemoteOffsetStore(this.#instance, this.group)
      : new LocalOffsetStore(this.#instance, this.group);
    this.#instance.addConsumer(this);
    this.#state = "running";
    this.#startMs = this.#instance.world.clock.now();
    await findTopics(this.#instance, this.#shares.keys());
    await this.#instance.heartbeat();
    if (this.#shares.size > 0) await this.#rebalance.run();
  }

  /** Stores the offsets and takes the consumer off all brokers. Idempotent. */
  async shutdown(): Promise<void> {
    const wasRunning = this.#state === "running";
    this.#state = "closed";
    if (!wasRunning) return;
    this.#stop.stop();
    await this.#offsets!.persist(this.#queues.values(), true);
    await this.#instance.removeConsumer(this);
  }

  /** {@linkcode shutdown}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** The queues of a topic that can be read. @throws {ClientError} when there is no such topic. @throws {ConnectionError} */
  async fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    const { namespace, routes } = this.#instance;
    const route = await routes.find(namespace.wrap(topic));
    if (route === null) {
      throw new ClientError(`Can not find Message Queue for this topic, ${topic}`, { retriable: true });
    }
    return namespace.unwrapQueues(route.readQueues);
  }

  /**
   * Pulls what is there now.
   *
   * @throws {BrokerError} @throws {ClientError} @throws {ConnectionError}
   */
  pull(queue: MessageQueue, offset: number, options: PullOptions = {}): Promise<PullResult> {
    return this.#pull(queue, offset, 0, options);
  }

  /** Pulls, and waits at the broker for up to 20 s when nothing is there. @throws as {@linkcode pull}. */
  pullBlockIfNotFound(queue: MessageQueue, offset: number, options: PullOptions = {}): Promise<PullResult> {
    return this.#pull(queue, offset, SUSPEND_MS, options);
  }

  async #pull(given: MessageQueue, offset: number, suspendMs: number, options: PullOptions): Promise<PullResult> {
    this.#checkRunning();
    const queue = this.#instance.namespace.wrapQueue(given);
    const { expression = SUB_ALL, type = "TAG", maxMessages = 32 } = options;
    const defaultTimeoutMs = suspendMs > 0 ? SUSPENDED_TIMEOUT_MS : NOT_SUSPENDED_TIMEOUT_MS;
    const result = await this.#puller.pull({
      queue,
      offset,
      maxMessages,
      maxBytes: INT_MAX,
      subscription: this.#subscription(queue.topic, expression, type),
      carrySubscription: true,
      commitOffset: -1,
      suspendMs,
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    });
    this.#hooks.handedOut(this.group, queue, result.messages);
    return result;
  }

  #subscription(topic: string, expression: string, type: string): SubscriptionData {
    const known = this.#subscriptions.get(topic);
    if (known?.subString === expression && known.expressionType === type) return known;
    const made = buildSubscription(topic, expression, type, BigInt(this.#instance.world.clock.now()));
    this.#subscriptions.set(topic, made);
    if (known === undefined) this.#instance.heartbeatSoon();
    return made;
  }

  /**
   * All messages of a queue from `offset` to its end as it was at the beginning, or, with `follow`, for ever. An offset
   * outside of the queue is moved to its nearest end.
   *
   * @throws as {@linkcode pull}, at the first failure.
   */
  async *messages(
    queue: MessageQueue,
    offset: number,
    options: PullOptions & { readonly follow?: boolean } = {},
  ): AsyncGenerator<ReceivedMessage, void, void> {
    let next = offset;
    const end = options.follow ? Infinity : await this.maxOffset(queue);
    while (next < end && this.#state === "running") {
      const result = await this.#pull(queue, next, options.follow ? SUSPEND_MS : 0, options);
      for (const message of result.messages) {
        if (message.queueOffset >= end) return;
        yield message;
      }
      if (!options.follow && result.status !== "FOUND" && result.nextBeginOffset <= next) return;
      next = result.nextBeginOffset;
    }
  }

  /** The offset that the next message of a queue will get. @throws as {@linkcode pull}. */
  async maxOffset(queue: MessageQueue): Promise<number> {
    const { address, named } = await this.#locate(queue);
    return await this.#instance.calls.maxOffset(address, named);
  }

  /** The oldest offset that is still there. @throws as {@linkcode pull}. */
  async minOffset(queue: MessageQueue): Promise<number> {
    const { address, named } = await this.#locate(queue);
    return await this.#instance.calls.minOffset(address, named);
  }

  /** The first offset stored at `timestampMs` or later. @throws as {@linkcode pull}. */
  async searchOffset(queue: MessageQueue, timestampMs: number): Promise<number> {
    const { address, named } = await this.#locate(queue);
    return await this.#instance.calls.searchOffset(address, named, timestampMs);
  }

  async #locate(queue: MessageQueue): Promise<{ address: string; named: MessageQueue }> {
    const named = this.#instance.namespace.wrapQueue(queue);
    return { named, address: await this.#instance.routes.findReadAddress(named.topic, named.brokerName, 0) };
  }

  /** The group's offset: the one set last, else the stored one; −1 when there is none. @throws as {@linkcode pull}. */
  async fetchConsumeOffset(queue: MessageQueue, fromStore = false): Promise<number> {
    this.#checkRunning();
    const named = this.#instance.namespace.wrapQueue(queue);
    const known = fromStore ? -1 : this.#offsets!.peek(named);
    return known >= 0 ? known : await this.#offsets!.read(named);
  }

  /** Sets the group's offset; it is stored within seconds, and at shutdown. */
  updateConsumeOffset(queue: MessageQueue, offset: number): void {
    this.#checkRunning();
    const named = this.#instance.namespace.wrapQueue(queue);
    this.#queues.set(messageQueueKey(named), named);
    this.#offsets!.update(named, offset, false);
  }

  /** Has a message delivered to the group again later; −1 dead letter at once, 0 the broker decides. @throws {BrokerError} */
  async sendMessageBack(message: ReceivedMessage, delayLevel: number): Promise<void> {
    const address = this.#instance.routes.masterAddress(message.brokerName) ?? message.storeHost;
    await this.#instance.calls.sendBack(address, {
      group: this.group,
      physicalOffset: message.physicalOffset,
      delayLevel,
      originMsgId: message.msgId,
      originTopic: this.#instance.namespace.wrap(message.topic),
      maxReconsumeTimes: 16,
      brokerName: message.brokerName,
    });
  }

  #checkRunning(): void {
    if (this.#state === "running") return;
    throw new ClientError(`The PullConsumer service state not OK, ${this.#state}`);
  }

  /** For the client: see {@link ConsumerMember}. */
  consumerData(): ConsumerData {
    return {
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      consumeType: "CONSUME_ACTIVELY",
      groupName: this.group,
      messageModel: this.#messageModel,
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    };
  }

  /** For the client: see {@link ConsumerMember}. */
  topics(): Iterable<string> {
    return [...this.#subscriptions.keys(), retryTopicOf(this.group)];
  }

  /** For the client: compares the shares of registered topics. */
  rebalance(): void {
    if (this.#state === "running" && this.#shares.size > 0) this.#rebalance.run();
  }

  /** For the client: see {@link ConsumerMember}. */
  async persistOffsets(): Promise<void> {
    await this.#offsets?.persist(this.#queues.values(), false);
  }

  /** For the client: see {@link ConsumerMember}. */
  async resetOffsets(_topic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void> {
    for (const [queue, offset] of offsets) this.updateConsumeOffset(queue, offset);
    await this.#offsets!.persist(offsets.keys(), true);
  }

  /** For the client: see {@link ConsumerMember}. */
  consumeStatus(topic: string): Map<MessageQueue, number> {
    const own = [...this.#queues.values()].filter((queue) => queue.topic === topic);
    return new Map(own.map((queue) => [queue, this.#offsets!.peek(queue)]));
  }

  /** For the client: see {@link ConsumerMember}. */
  runningInfo(): ConsumerRunningInfo {
    return runningInfoOf(this.#instance, { consumeType: "CONSUME_ACTIVELY", startMs: this.#startMs }, {
      subscriptions: [...this.#subscriptions.values()],
    });
  }

  /** For the client: a pull consumer has no listener. */
  consumeDirectly(_message: ReceivedMessage): Promise<ConsumeDirectlyResult | null> {
    return Promise.resolve(null);
  }
}
