/**
 * A consumer whose owner asks for messages: they are pulled ahead in the background and handed out by `poll`, or one by
 * one to a loop.
 *
 * ```ts
 * const consumer = client.litePullConsumer({ group: "readers" });
 * consumer.subscribe("Topic", "TagA");
 * await consumer.start();
 * for await (const message of consumer) console.log(message.text());
 * ```
 *
 * With `subscribe` the group shares the queues; with `assign` the owner says which. A message counts as consumed when the
 * next poll, or the loop's next turn, asks for more; offsets are stored in regular intervals, or by `commit` without
 * `autoCommit`.
 *
 * Source: RocketMQ `DefaultLitePullConsumer`.
 *
 * @module
 */
import type { ConsumeFromWhere, ConsumerData, MessageModel, SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { ConsumeDirectlyResult, ConsumerRunningInfo } from "../protocol/bodies/running_info.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import { buildSubscription, SUB_ALL } from "../protocol/subscription.ts";
import { type AllocationStrategy, averagely } from "./allocation.ts";
import { runningInfoOf } from "./consumer_info.ts";
import { ClientError } from "./errors.ts";
import type { ConsumeHooks, ConsumeMessageHook, FilterMessageHook } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import { type LiteQueue, LiteQueues } from "./lite_queues.ts";
import type { ConsumerMember } from "./members.ts";
import type { ReceivedMessage } from "./message.ts";
import { checkConsumerGroup, checkTopic } from "./names.ts";
import type { TraceSettings } from "./options.ts";
import { LocalOffsetStore, type OffsetStore, RemoteOffsetStore } from "./offset_store.ts";
import { Rebalance } from "./rebalance.ts";
import { Stop } from "./stop.ts";
import { findTopics } from "./subscription_check.ts";
import type { TraceDispatcher } from "./trace_dispatcher.ts";
import { consumeHooks } from "./trace_hooks.ts";

/** Options of a lite pull consumer. */
export interface LitePullConsumerOptions extends TraceSettings {
  readonly group: string;
  readonly messageModel?: MessageModel;
  readonly consumeFromWhere?: ConsumeFromWhere;
  /** With CONSUME_FROM_TIMESTAMP: milliseconds since the epoch; half an hour before the start by default. */
  readonly consumeTimestampMs?: number;
  readonly allocationStrategy?: AllocationStrategy;
  /** Whether what was polled is stored as consumed by itself; true by default. */
  readonly autoCommit?: boolean;
  /** Messages that one poll gives at most: those of one pull. */
  readonly pullBatchSize?: number;
  /** How long a poll waits for messages; 5 s by default. */
  readonly pollTimeoutMs?: number;
  /** Messages of one queue that wait in memory before pulling pauses. */
  readonly pullThresholdForQueue?: number;
}

/** See the module's text. */
export class LitePullConsumer implements ConsumerMember {
  readonly group: string;
  readonly #instance: ClientInstance;
  readonly #options: Required<LitePullConsumerOptions>;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #stop: Stop;
  readonly #hooks: ConsumeHooks;
  readonly #trace: TraceDispatcher | null;
  #assigned: readonly MessageQueue[] | null = null;
  #offsets: OffsetStore | null = null;
  #queues: LiteQueues | null = null;
  #rebalance: Rebalance | null = null;
  #state: "new" | "running" | "closed" = "new";
  #startMs = 0;

  /** Made by `Client.litePullConsumer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: LitePullConsumerOptions) {
    checkConsumerGroup(options.group);
    const group = instance.namespace.wrap(options.group);
    this.group = group;
    this.#instance = instance;
    const { hooks, trace } = consumeHooks(instance, group, options);
    this.#hooks = hooks;
    this.#trace = trace;
    this.#stop = new Stop(instance.world.clock);
    this.#options = {
      group,
      messageModel: options.messageModel ?? "CLUSTERING",
      consumeFromWhere: options.consumeFromWhere ?? "CONSUME_FROM_LAST_OFFSET",
      consumeTimestampMs: options.consumeTimestampMs ?? instance.world.clock.now() - 30 * 60_000,
      allocationStrategy: options.allocationStrategy ?? averagely,
      autoCommit: options.autoCommit ?? true,
      pullBatchSize: options.pullBatchSize ?? 10,
      pollTimeoutMs: options.pollTimeoutMs ?? 5000,
      pullThresholdForQueue: options.pullThresholdForQueue ?? 1000,
      enableMsgTrace: options.enableMsgTrace ?? false,
      customizedTraceTopic: options.customizedTraceTopic ?? null,
    };
  }

  /** Subscribes to a topic, whose queues the group shares. @throws {ClientError} after `assign`. @throws {ResponseError} */
  subscribe(topic: string, expression: string = SUB_ALL, type: "TAG" | "SQL92" = "TAG"): void {
    if (this.#assigned !== null) throw new ClientError("Subscribe and assign are mutually exclusive.");
    checkTopic(topic);
    const named = this.#instance.namespace.wrap(topic);
    this.#subscriptions.set(named, this.#subscription(named, expression, type));
    if (this.#state === "running") this.#instance.heartbeat().then(() => this.rebalance());
  }

  /** Ends a subscription. */
  unsubscribe(topic: string): void {
    const named = this.#instance.namespace.wrap(topic);
    if (!this.#subscriptions.delete(named)) return;
    this.#queues?.assign(named, []);
    this.#instance.heartbeatSoon();
  }

  /** Adds a hook that sees messages when they are handed out. */
  registerConsumeMessageHook(hook: ConsumeMessageHook): void {
    this.#hooks.addConsume(hook);
  }

  /** Adds a hook that chooses which messages are handed out. */
  registerFilterMessageHook(hook: FilterMessageHook): void {
    this.#hooks.addFilter(hook);
  }

  /** Takes exactly these queues, whoever else has them. @throws {ClientError} after `subscribe`. */
  async assign(given: readonly MessageQueue[], expression: string = SUB_ALL): Promise<void> {
    const queues = given.map((queue) => this.#instance.namespace.wrapQueue(queue));
    if (this.#assigned === null && this.#subscriptions.size > 0) {
      throw new ClientError("Subscribe and assign are mutually exclusive.");
    }
    const before = new Set(this.#subscriptions.keys());
    this.#assigned = queues;
    this.#subscriptions.clear();
    for (const { topic } of queues) this.#subscriptions.set(topic, this.#subscription(topic, expression, "TAG"));
    for (const topic of this.#subscriptions.keys()) before.delete(topic);
    for (const topic of before) await this.#queues?.assign(topic, []);
    if (this.#state === "running") await this.#takeAssigned();
  }

  #subscription(topic: string, expression: string, type: string): SubscriptionData {
    return buildSubscription(topic, expression, type, BigInt(this.#instance.world.clock.now()));
  }

  /** Starts to pull. @throws {ClientError} when the group has a consumer here already. */
  async start(): Promise<void> {
    if (this.#state !== "new") {
      throw new ClientError(`The PullConsumer service state not OK, maybe started once, ${this.#state}`);
    }
    const { messageModel, allocationStrategy: strategy } = this.#options;
    const offsets = messageModel === "CLUSTERING"
      ? new RemoteOffsetStore(this.#instance, this.group)
      : new LocalOffsetStore(this.#instance, this.group);
    this.#instance.addConsumer(this);
    const queues = new LiteQueues({
      instance: this.#instance,
      settings: this.#options,
      offsets,
      stop: this.#stop,
      subscriptions: this.#subscriptions,
      hooks: this.#hooks,
    });
    this.#offsets = offsets;
    this.#queues = queues;
    this.#state = "running";
    this.#startMs = this.#instance.world.clock.now();
    await findTopics(this.#instance, this.#subscriptions.keys());
    await this.#instance.heartbeat();
    if (this.#assigned !== null) return await this.#takeAssigned();
    this.#rebalance = new Rebalance({
      instance: this.#instance,
      group: this.group,
      messageModel,
      strategy,
      stop: this.#stop,
      topics: () => this.#assigned === null ? this.#subscriptions.keys() : [],
      assign: (topic, share) => queues.assign(topic, share),
    });
    await this.#rebalance.run();
  }

  async #takeAssigned(): Promise<void> {
    for (const topic of this.#subscriptions.keys()) {
      const own = this.#assigned!.filter((queue) => queue.topic === topic);
      await this.#instance.routes.find(topic);
      await this.#queues!.assign(topic, own);
    }
  }

  /** Ends: with `autoCommit` stores what was consumed; takes the consumer off all brokers. Idempotent. */
  async shutdown(): Promise<void> {
    const wasRunning = this.#state === "running";
    this.#state = "closed";
    if (!wasRunning) return;
    this.#stop.stop();
    if (this.#options.autoCommit) await this.#storeConsumed(true);
    this.#queues!.dropAll();
    await this.#trace?.flush();
    await this.#instance.removeConsumer(this);
  }

  /** {@linkcode shutdown}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /**
   * The next messages, of one queue; none when none come in time. What the poll before gave counts as consumed.
   *
   * @throws {ClientError} when the consumer does not run.
   */
  poll(timeoutMs: number = this.#options.pollTimeoutMs): Promise<readonly ReceivedMessage[]> {
    return this.#running().poll(timeoutMs);
  }

  /** All messages, one by one, until the consumer is shut down. One that the loop is left at counts as not consumed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, void> {
    while (this.#state === "running") {
      for (const message of await this.#running().poll(this.#options.pollTimeoutMs, true)) {
        yield message;
        if (this.#state !== "running") return;
        this.#queues!.consumed(message);
      }
    }
  }

  #running(): LiteQueues {
    if (this.#state === "running") return this.#queues!;
    throw new ClientError(`The PullConsumer service state not OK, ${this.#state}`);
  }

  /** Goes on at another offset; messages pulled ahead are forgotten. @throws {ClientError} when the queue is not ours. */
  seek(queue: MessageQueue, offset: number): void {
    this.#find(queue).seek(offset);
  }

  /** {@linkcode seek} to the oldest message. @throws {ClientError} @throws {ConnectionError} */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    const { address, named } = await this.#locate(queue);
    this.seek(queue, await this.#instance.calls.minOffset(address, named));
  }

  /** {@linkcode seek} behind the newest message. @throws {ClientError} @throws {ConnectionError} */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    const { address, named } = await this.#locate(queue);
    this.seek(queue, await this.#instance.calls.maxOffset(address, named));
  }

  /** Pulls and polls nothing of these queues until {@linkcode resume}. */
  pause(queues: readonly MessageQueue[]): void {
    for (const queue of queues) this.#find(queue).paused = true;
  }

  /** Ends a pause. */
  resume(queues: readonly MessageQueue[]): void {
    for (const queue of queues) this.#find(queue).resume();
  }

  #find(queue: MessageQueue): LiteQueue {
    const found = this.#running().get(messageQueueKey(this.#instance.namespace.wrapQueue(queue)));
    if (found === undefined) {
      throw new ClientError(`The message queue is not in assigned list: ${messageQueueKey(queue)}`);
    }
    return found;
  }

  /** Stores what was consumed; resolves when the brokers have it. */
  commit(): Promise<void> {
    this.#running();
    return this.#storeConsumed(true);
  }

  /** The stored offset of a queue; −1 when there is none. @throws {BrokerError} @throws {ConnectionError} */
  async committed(queue: MessageQueue): Promise<number> {
    const { address, named } = await this.#locate(queue);
    return await this.#instance.calls.consumerOffset(address, this.group, named);
  }

  /** The first offset of a queue that was stored at `timestampMs` or later. @throws as {@linkcode seekToBegin}. */
  async offsetForTimestamp(queue: MessageQueue, timestampMs: number): Promise<number> {
    const { address, named } = await this.#locate(queue);
    return await this.#instance.calls.searchOffset(address, named, timestampMs);
  }

  async #locate(queue: MessageQueue): Promise<{ address: string; named: MessageQueue }> {
    const named = this.#instance.namespace.wrapQueue(queue);
    return { named, address: await this.#instance.routes.findReadAddress(named.topic, named.brokerName, 0) };
  }

  /** The queues that this consumer has now. */
  assignment(): MessageQueue[] {
    return this.#queues?.all().map(({ queue }) => this.#instance.namespace.unwrapQueue(queue)) ?? [];
  }

  /** The queues of a topic. @throws {ClientError} when there is no such topic. @throws {ConnectionError} */
  async fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    const { namespace, routes } = this.#instance;
    const route = await routes.find(namespace.wrap(topic));
    if (route !== null) return namespace.unwrapQueues(route.readQueues);
    throw new ClientError(`Can not find Message Queue for this topic, ${topic}`, { retriable: true });
  }

  async #storeConsumed(wait: boolean): Promise<void> {
    const own = this.#queues!.all();
    for (const { queue, consumedOffset } of own) {
      if (consumedOffset >= 0) this.#offsets!.update(queue, consumedOffset, false);
    }
    await this.#offsets!.persist(own.map(({ queue }) => queue), wait);
  }

  /** For the client: see {@link ConsumerMember}. */
  consumerData(): ConsumerData {
    return {
      consumeFromWhere: this.#options.consumeFromWhere,
      consumeType: "CONSUME_ACTIVELY",
      groupName: this.group,
      messageModel: this.#options.messageModel,
      subscriptionDataSet: [...this.#subscriptions.values()],
      unitMode: false,
    };
  }

  /** For the client: see {@link ConsumerMember}. */
  topics(): Iterable<string> {
    return this.#subscriptions.keys();
  }

  /** For the client: see {@link ConsumerMember}. */
  rebalance(): void {
    if (this.#state === "running") this.#rebalance?.run();
  }

  /** For the client: see {@link ConsumerMember}. */
  async persistOffsets(): Promise<void> {
    if (this.#state === "running" && this.#options.autoCommit) await this.#storeConsumed(false);
  }

  /** For the client: see {@link ConsumerMember}. */
  async resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void> {
    for (const [queue, offset] of offsets) {
      const own = this.#queues?.get(messageQueueKey(queue));
      if (queue.topic === topic && own !== undefined) own.seek(offset);
    }
    await this.#storeConsumed(true);
  }

  /** For the client: see {@link ConsumerMember}. */
  consumeStatus(topic: string): Map<MessageQueue, number> {
    const own = this.#queues?.all().filter(({ queue }) => queue.topic === topic) ?? [];
    return new Map(own.map(({ queue, consumedOffset }) => [queue, consumedOffset]));
  }

  /** For the client: see {@link ConsumerMember}. */
  runningInfo(): ConsumerRunningInfo {
    return runningInfoOf(this.#instance, { consumeType: "CONSUME_ACTIVELY", startMs: this.#startMs }, {
      subscriptions: [...this.#subscriptions.values()],
      queues: new Map(this.#queues?.all().map((each) => [each.queue, each.info()]) ?? []),
    });
  }

  /** For the client: a lite pull consumer has no listener. */
  consumeDirectly(_message: ReceivedMessage): Promise<ConsumeDirectlyResult | null> {
    return Promise.resolve(null);
  }
}
