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
import type { Timer } from "../common/clock.ts";
import type { ConsumerData, SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import {
  type ConsumeDirectlyResult,
  type ConsumerRunningInfo,
  type ConsumeStatus,
  RunningInfoProperty,
} from "../protocol/bodies/running_info.ts";
import { CURRENT_VERSION, versionName } from "../protocol/codes.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { buildSubscription, isTagType, SUB_ALL } from "../protocol/subscription.ts";
import { AssignedQueues } from "./assigned_queues.ts";
import { ConcurrentConsumption } from "./consume_concurrently.ts";
import { OrderlyConsumption } from "./consume_orderly.ts";
import { ConsumeStats } from "./consume_stats.ts";
import type { ConsumerContext, ConsumeService } from "./consumer_context.ts";
import { BrokerError, ClientError } from "./errors.ts";
import type { ClientInstance } from "./instance.ts";
import type { ConcurrentListener, OrderlyListener } from "./listener.ts";
import type { ConsumerMember } from "./members.ts";
import type { ReceivedMessage } from "./message.ts";
import { checkConsumerGroup, checkTopic, retryTopicOf } from "./names.ts";
import { LocalOffsetStore, type OffsetStore, RemoteOffsetStore } from "./offset_store.ts";
import { type PushConsumerOptions, type PushConsumerSettings, pushConsumerSettings } from "./options.ts";
import { QueueLocks } from "./queue_locks.ts";
import { Rebalance } from "./rebalance.ts";
import { SendBacker } from "./send_back.ts";
import { Stop } from "./stop.ts";

const LOCK_INTERVAL_MS = 20_000;
const FIRST_LOCK_MS = 1000;

/** See the module's text. */
export class PushConsumer implements ConsumerMember {
  readonly group: string;
  readonly #instance: ClientInstance;
  readonly #settings: PushConsumerSettings;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #stop: Stop;
  #concurrent: ConcurrentListener | null = null;
  #orderly: OrderlyListener | null = null;
  #state: "new" | "running" | "closed" = "new";
  #paused = false;
  /** Whether brokers have heard of it; before that the group cannot be shared. */
  #known = false;
  #startMs = 0;
  #parts: RunningParts | null = null;

  /** Made by `Client.pushConsumer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: PushConsumerOptions) {
    checkConsumerGroup(options.group);
    this.group = options.group;
    this.#instance = instance;
    this.#settings = pushConsumerSettings(options, instance.world.clock.now());
    this.#stop = new Stop(instance.world.clock);
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
    const version = BigInt(this.#instance.world.clock.now());
    this.#subscriptions.set(topic, buildSubscription(topic, expression, type, version));
    this.#subscriptionsChanged();
  }

  /** Ends a subscription. */
  unsubscribe(topic: string): void {
    if (!this.#subscriptions.delete(topic)) return;
    this.#subscriptionsChanged();
    this.#parts?.queues.dropTopic(topic);
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
    const parts = this.#makeParts();
    this.#instance.addConsumer(this);
    this.#parts = parts;
    this.#state = "running";
    try {
      await this.#findTopics();
      await this.#checkSubscriptions();
    } catch (error) {
      await this.shutdown();
      throw error;
    }
    await this.#instance.heartbeat();
    this.#known = true;
    await parts.rebalance.run();
  }

  #makeParts(): RunningParts {
    const instance = this.#instance;
    const isClustering = this.#settings.messageModel === "CLUSTERING";
    const offsets = isClustering
      ? new RemoteOffsetStore(instance, this.group)
      : new LocalOffsetStore(instance, this.group);
    const context: ConsumerContext = {
      instance,
      settings: this.#settings,
      offsets,
      stats: new ConsumeStats(),
      stop: this.#stop,
      subscriptions: this.#subscriptions,
      isPaused: () => this.#paused,
    };
    const locks = this.#orderly !== null && isClustering ? new QueueLocks(instance, this.group) : null;
    const backer = new SendBacker(context);
    const concurrent = this.#concurrent === null ? null : new ConcurrentConsumption(context, this.#concurrent, backer);
    const service = concurrent ??
      new OrderlyConsumption(context, this.#orderly!, backer, locks ?? new QueueLocks(instance, this.group));
    const queues = new AssignedQueues({ context, service, locks, moved: () => this.rebalance() });
    const rebalance = new Rebalance({
      instance,
      group: this.group,
      messageModel: this.#settings.messageModel,
      strategy: this.#settings.allocationStrategy,
      stop: this.#stop,
      topics: () => this.#subscriptions.keys(),
      assign: async (topic, share) => {
        const before = queues.countOf(topic);
        const complete = await queues.assign(topic, share);
        if (queues.countOf(topic) !== before) instance.heartbeatSoon();
        return complete;
      },
    });
    return {
      context,
      offsets,
      locks,
      service,
      queues,
      rebalance,
      timers: this.#startTimers(queues, locks, concurrent),
    };
  }

  #startTimers(queues: AssignedQueues, locks: QueueLocks | null, concurrent: ConcurrentConsumption | null): Timer[] {
    const { clock } = this.#instance.world;
    const timers: Timer[] = [];
    if (locks !== null) {
      const lockAll = () => void locks.lockAll(queues.all());
      timers.push(clock.after(FIRST_LOCK_MS, lockAll), clock.every(LOCK_INTERVAL_MS, lockAll));
    }
    if (concurrent !== null && this.#settings.messageModel === "CLUSTERING") {
      timers.push(clock.every(this.#settings.consumeTimeoutMs, () => {
        for (const each of queues.all()) concurrent.sendBackExpired(each);
      }));
    }
    return timers;
  }

  async #findTopics(): Promise<void> {
    for (const topic of this.#subscriptions.keys()) {
      try {
        await this.#instance.routes.refresh(topic);
      } catch (error) {
        this.#instance.world.log.warn(`cannot find the route of topic ${topic}: ${messageOf(error)}`);
      }
    }
  }

  /** A wrong SQL expression shall not look like a topic without messages. */
  async #checkSubscriptions(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) {
      if (isTagType(subscription.expressionType)) continue;
      const address = this.#instance.routes.anyBrokerAddress(subscription.topic);
      if (address === undefined) continue;
      const { clientId } = this.#instance;
      try {
        await this.#instance.calls.checkClientConfig(address, {
          clientId,
          group: this.group,
          namespace: null,
          subscription,
        });
      } catch (error) {
        if (!(error instanceof BrokerError)) continue; // not reachable now: pulling will tell
        const { topic, subString } = subscription;
        const text = `the broker does not take the subscription "${subString}" of topic ${topic}: ${error.remark}`;
        throw new ClientError(text, { code: error.code, cause: error });
      }
    }
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
    return this.#parts?.queues.all().map(({ queue }) => queue) ?? [];
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
    return {
      properties: {
        [RunningInfoProperty.NAMESERVER_ADDR]: this.#instance.nameServers.addresses.join(";"),
        [RunningInfoProperty.CONSUME_TYPE]: "CONSUME_PASSIVELY",
        [RunningInfoProperty.CLIENT_VERSION]: versionName(CURRENT_VERSION),
        [RunningInfoProperty.CONSUMER_START_TIMESTAMP]: String(this.#startMs),
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
      subscriptions: [...this.#subscriptions.values()],
      queues: new Map(
        parts?.queues.all().map((each) => [each.queue, each.info(parts.offsets.peek(each.queue))]) ?? [],
      ),
      status,
      jstack: null,
    };
  }

  /** For the client: see {@link ConsumerMember}. */
  consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult | null> {
    return this.#parts?.service.consumeDirectly(message) ?? Promise.resolve(null);
  }
}

interface RunningParts {
  readonly context: ConsumerContext;
  readonly offsets: OffsetStore;
  readonly locks: QueueLocks | null;
  readonly service: ConsumeService;
  readonly queues: AssignedQueues;
  readonly rebalance: Rebalance;
  readonly timers: readonly Timer[];
}
