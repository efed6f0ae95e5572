/**
 * Consumes topics for a group: messages come to a listener as they arrive, each queue at the place where the group left
 * off, shared with the other members or, broadcasting, all of them.
 *
 * ```ts
 * const consumer = client.pushConsumer({ group: "readers" });
 * consumer.subscribe("Topic", "TagA || TagB");
 * consumer.onMessages(async (messages) => {
 *   for (const message of messages) await handle(message.text());  // throw, and it is delivered again later
 * });
 * await consumer.start();
 * ```
 *
 * Source: RocketMQ `DefaultMQPushConsumer`, `DefaultMQPushConsumerImpl`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { ConsumerData, SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import {
  type ConsumeDirectlyResult,
  type ConsumerRunningInfo,
  type ConsumeStatus,
  RunningInfoProperty,
} from "../protocol/bodies/running_info.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { buildSubscription, SUB_ALL } from "../protocol/subscription.ts";
import { runningInfoOf } from "./consumer_info.ts";
import { ClientError } from "./errors.ts";
import type { ConsumeHooks, ConsumeMessageHook, FilterMessageHook } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ConcurrentListener, OrderlyListener } from "./listener.ts";
import type { ConsumerMember } from "./members.ts";
import type { ReceivedMessage } from "./message.ts";
import { checkConsumerGroup, checkTopic, retryTopicOf } from "./names.ts";
import { type PushConsumerOptions, type PushConsumerSettings, pushConsumerSettings } from "./options.ts";
import { makePushMachinery, type PushMachinery } from "./push_machinery.ts";
import { Stop } from "./stop.ts";
import { checkSubscriptions, findTopics } from "./subscription_check.ts";
import type { TraceDispatcher } from "./trace_dispatcher.ts";
import { consumeHooks } from "./trace_hooks.ts";

/** See the module's text. */
export class PushConsumer implements ConsumerMember {
  readonly group: string;
  readonly #instance: ClientInstance;
  readonly #settings: PushConsumerSettings;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #stop: Stop;
  readonly #hooks: ConsumeHooks;
  readonly #trace: TraceDispatcher | null;
  #concurrent: ConcurrentListener | null = null;
  #orderly: OrderlyListener | null = null;
  #state: "new" | "running" | "closed" = "new";
  #paused = false;
  /** Whether brokers have heard of it; before that the group cannot be shared. */
  #known = false;
  #startMs = 0;
  #parts: PushMachinery | null = null;

  /** Made by `Client.pushConsumer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: PushConsumerOptions) {
    checkConsumerGroup(options.group);
    const group = instance.namespace.wrap(options.group);
    this.group = group;
    this.#instance = instance;
    this.#settings = pushConsumerSettings({ ...options, group }, instance.world.clock.now());
    this.#stop = new Stop(instance.world.clock);
    const { hooks, trace } = consumeHooks(instance, group, options);
    this.#hooks = hooks;
    this.#trace = trace;
  }

  /**
   * Subscribes to a topic, before or after the start; a second subscription of a topic replaces the first. All members of
   * a group must subscribe to the same.
   *
   * @param expression tags (`TagA || TagB`, `*` for all), or with type `SQL92` an SQL expression.
   * @throws {ClientError} for a name that no topic can have. @throws {ResponseError} for a wrong expression.
   */
  subscribe(topic: string, expression: string = SUB_ALL, type: "TAG" | "SQL92" = "TAG"): void {
    checkTopic(topic);
    const { namespace, world } = this.#instance;
    const named = namespace.wrap(topic);
    this.#subscriptions.set(named, buildSubscription(named, expression, type, BigInt(world.clock.now())));
    this.#subscriptionsChanged();
  }

  /** Ends a subscription. */
  unsubscribe(topic: string): void {
    const named = this.#instance.namespace.wrap(topic);
    if (!this.#subscriptions.delete(named)) return;
    this.#subscriptionsChanged();
    this.#parts?.queues.dropTopic(named);
  }

  /** Adds a hook that sees messages before and after the listener. */
  registerConsumeMessageHook(hook: ConsumeMessageHook): void {
    this.#hooks.addConsume(hook);
  }

  /** Adds a hook that chooses which messages the listener gets. */
  registerFilterMessageHook(hook: FilterMessageHook): void {
    this.#hooks.addFilter(hook);
  }

  /** Sets the listener that gets messages in any order. */
  onMessages(listener: ConcurrentListener): void {
    this.#checkNew();
    this.#concurrent = listener;
    this.#orderly = null;
  }

  /** Sets the listener that gets the messages of each queue in their order. */
  onMessagesOrderly(listener: OrderlyListener): void {
    this.#checkNew();
    this.#orderly = listener;
    this.#concurrent = null;
  }

  /**
   * Starts to consume. Resolves when the brokers know the consumer and its queues were assigned as far as possible; what is
   * not there yet (topics, brokers) is taken up when it comes.
   *
   * @throws {ClientError} when something is missing, or the group has a consumer here already.
   * @throws {BrokerError} when the broker does not understand a subscription.
   */
  async start(): Promise<void> {
    this.#checkNew();
    const { clock } = this.#instance.world;
    if (this.#concurrent === null && this.#orderly === null) throw new ClientError("messageListener is null");
    if (this.#instance.nameServers.addresses.length === 0) {
      throw new ClientError("No name server address, please set it.");
    }
    if (this.#settings.messageModel === "CLUSTERING") {
      const retryTopic = retryTopicOf(this.group);
      this.#subscriptions.set(retryTopic, buildSubscription(retryTopic, SUB_ALL, "TAG", BigInt(clock.now())));
    }
    this.#startMs = clock.now();
    const parts = makePushMachinery({
      instance: this.#instance,
      settings: this.#settings,
      stop: this.#stop,
      subscriptions: this.#subscriptions,
      hooks: this.#hooks,
      isPaused: () => this.#paused,
      concurrent: this.#concurrent,
      orderly: this.#orderly,
      moved: () => this.rebalance(),
    });
    this.#instance.addConsumer(this);
    this.#parts = parts;
    this.#state = "running";
    try {
      await findTopics(this.#instance, this.#subscriptions.keys());
      await checkSubscriptions(this.#instance, this.group, this.#subscriptions.values());
    } catch (error) {
      await this.shutdown();
      throw error;
    }
    await this.#instance.heartbeat();
    this.#known = true;
    await parts.rebalance.run();
  }

  #subscriptionsChanged(): void {
    if (this.#state !== "running") return;
    this.#instance.heartbeat().then(() => this.rebalance());
  }

  #checkNew(): void {
    if (this.#state === "new") return;
    throw new ClientError(`The PushConsumer service state not OK, maybe started once, ${this.#state}`);
  }

  /**
   * Ends consumption: pulls nothing more, waits for the listener (`awaitTerminationMs` at most), stores the offsets, gives
   * the locks back and takes the consumer off all brokers, so that the others take over at once. Idempotent.
   */
  async shutdown(): Promise<void> {
    if (this.#state !== "running") {
      this.#state = "closed";
      return;
    }
    this.#state = "closed";
    this.#stop.stop();
    const { service, queues, offsets, locks, timers } = this.#parts!;
    for (const timer of timers) timer.cancel();
    const patience = new Stop(this.#instance.world.clock);
    await Promise.race([service.idle(), patience.sleep(this.#settings.awaitTerminationMs)]);
    patience.stop();
    const own = queues.all().map(({ queue }) => queue);
    queues.dropAll();
    try {
      await offsets.persist(own, true);
    } catch (error) {
      this.#instance.world.log.error(`cannot store the offsets of group ${this.group}: ${messageOf(error)}`);
    }
    if (locks !== null) await locks.unlock(own);
    await this.#trace?.flush();
    await this.#instance.removeConsumer(this);
  }

  /** {@linkcode shutdown}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** Pauses: nothing is pulled until {@linkcode resume}; what was pulled is consumed. */
  suspend(): void {
    this.#paused = true;
  }

  /** Ends a pause. */
  resume(): void {
    this.#paused = false;
    this.rebalance();
  }

  /** The queues that this consumer has now. */
  assignedQueues(): MessageQueue[] {
    return this.#parts?.queues.all().map(({ queue }) => this.#instance.namespace.unwrapQueue(queue)) ?? [];
  }

  /** For the client: see {@link ConsumerMember}. */
  consumerData(): ConsumerData {
    return {
      consumeFromWhere: this.#settings.consumeFromWhere,
      consumeType: "CONSUME_PASSIVELY",
      groupName: this.group,
      messageModel: this.#settings.messageModel,
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
    if (this.#state === "running" && this.#known && !this.#paused) this.#parts!.rebalance.run();
  }

  /** For the client: see {@link ConsumerMember}. */
  async persistOffsets(): Promise<void> {
    const parts = this.#parts;
    if (parts !== null) await parts.offsets.persist(parts.queues.all().map(({ queue }) => queue), false);
  }

  /** For the client: see {@link ConsumerMember}. */
  async resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void> {
    const parts = this.#parts;
    if (parts === null || this.#state !== "running") return;
    this.#paused = true;
    try {
      await parts.queues.reset(topic, offsets);
    } finally {
      this.#paused = false;
    }
    this.rebalance();
  }

  /** For the client: see {@link ConsumerMember}. */
  consumeStatus(topic: string): Map<MessageQueue, number> {
    const parts = this.#parts;
    const own = parts?.queues.all().filter(({ queue }) => queue.topic === topic) ?? [];
    return new Map(own.map(({ queue }) => [queue, parts!.offsets.peek(queue)]));
  }

  /** For the client: see {@link ConsumerMember}. */
  runningInfo(): ConsumerRunningInfo {
    const nowMs = this.#instance.world.clock.now();
    const parts = this.#parts;
    const status: Record<string, ConsumeStatus> = {};
    for (const topic of this.#subscriptions.keys()) {
      if (parts !== null) status[topic] = parts.context.stats.status(topic, nowMs);
    }
    return runningInfoOf(this.#instance, {
      consumeType: "CONSUME_PASSIVELY",
      startMs: this.#startMs,
      properties: {
        [RunningInfoProperty.CONSUME_ORDERLY]: String(this.#orderly !== null),
        [RunningInfoProperty.THREADPOOL_CORE_SIZE]: String(this.#settings.consumeConcurrency),
        consumerGroup: this.group,
        messageModel: this.#settings.messageModel,
        consumeFromWhere: this.#settings.consumeFromWhere,
        consumeMessageBatchMaxSize: String(this.#settings.consumeMessageBatchMaxSize),
        pullBatchSize: String(this.#settings.pullBatchSize),
        pullThresholdForQueue: String(this.#settings.pullThresholdForQueue),
        consumeConcurrentlyMaxSpan: String(this.#settings.consumeConcurrentlyMaxSpan),
        maxReconsumeTimes: String(this.#settings.maxReconsumeTimes),
      },
    }, {
      subscriptions: [...this.#subscriptions.values()],
      queues: new Map(
        parts?.queues.all().map((each) => [each.queue, each.info(parts.offsets.peek(each.queue))]) ?? [],
      ),
      status,
    });
  }

  /** For the client: see {@link ConsumerMember}. */
  consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult | null> {
    return this.#parts?.service.consumeDirectly(message) ?? Promise.resolve(null);
  }
}
