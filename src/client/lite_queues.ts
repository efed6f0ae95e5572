/**
 * The queues of a lite pull consumer: each pulls ahead in the background, and what was pulled waits for polls.
 *
 * Invariant of a queue: messages in `waiting` have offsets from `consumedOffset` on, in ascending order, and
 * `#nextOffset` is behind them all. A seek begins a new life of the queue, so that the answer to a pull before it is dropped.
 *
 * Source: RocketMQ `DefaultLitePullConsumerImpl.PullTaskImpl`, `AssignedMessageQueue`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { ProcessQueueInfo } from "../protocol/bodies/running_info.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import type { ConsumeHooks } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ReceivedMessage } from "./message.ts";
import type { OffsetStore } from "./offset_store.ts";
import { Puller, type PullResult } from "./pull_request.ts";
import { startOffset, type StartPolicy } from "./start_offset.ts";
import type { Stop } from "./stop.ts";

const SUSPEND_MS = 20_000;
const TIMEOUT_MS = 30_000;
const AFTER_ERROR_MS = 1000;
const INT_MAX = 2147483647;

/** What the queues work with. */
export interface LiteQueuesParts {
  readonly instance: ClientInstance;
  readonly settings: StartPolicy & {
    readonly group: string;
    readonly pullBatchSize: number;
    readonly pullThresholdForQueue: number;
    readonly autoCommit: boolean;
  };
  readonly offsets: OffsetStore;
  readonly stop: Stop;
  readonly subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly hooks: ConsumeHooks;
}

/** One queue. */
export class LiteQueue {
  readonly queue: MessageQueue;
  /** Nothing is pulled or polled. */
  paused = false;
  /** Not ours any more. */
  dropped = false;
  /** The offset to be stored: behind all that was consumed. */
  consumedOffset: number;
  /** Pulled, not yet polled. */
  readonly waiting: ReceivedMessage[] = [];
  /** Number of seeks so far. */
  life = 0;
  /** Called when the queue is sought or dropped. */
  onLifeEnd: (() => void) | null = null;
  #nextOffset: number;
  #polledOffset: number;
  #lastPullMs = 0;
  #changed: (() => void)[] = [];

  constructor(queue: MessageQueue, offset: number) {
    this.queue = queue;
    this.consumedOffset = this.#nextOffset = this.#polledOffset = offset;
  }

  /** Where to pull next. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** A pull of this life was answered. */
  pulled(messages: readonly ReceivedMessage[], nextOffset: number, nowMs: number): void {
    this.waiting.push(...messages);
    this.#nextOffset = nextOffset;
    this.#lastPullMs = nowMs;
    if (this.waiting.length === 0 && this.#polledOffset === this.consumedOffset) {
      this.consumedOffset = this.#polledOffset = nextOffset; // what was skipped is not ours
    }
  }

  /** Takes up to `count` messages. */
  take(count: number): ReceivedMessage[] {
    const taken = this.waiting.splice(0, count);
    if (taken.length > 0) this.#polledOffset = taken.at(-1)!.queueOffset + 1;
    this.#wake();
    return taken;
  }

  /** All that was taken is consumed. */
  consumePolled(): void {
    this.consumedOffset = this.#polledOffset;
  }

  /** Goes on at `offset`. */
  seek(offset: number): void {
    this.life++;
    this.waiting.length = 0;
    this.consumedOffset = this.#nextOffset = this.#polledOffset = offset;
    this.onLifeEnd?.();
    this.#wake();
  }

  /** Ends a pause. */
  resume(): void {
    this.paused = false;
    this.#wake();
  }

  /** Gives the queue up. */
  drop(): void {
    this.dropped = true;
    this.onLifeEnd?.();
    this.#wake();
  }

  /** Resolves when something was taken, sought, resumed or dropped. */
  untilChanged(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  /** For GET_CONSUMER_RUNNING_INFO. */
  info(): ProcessQueueInfo {
    return {
      cachedMsgCount: this.waiting.length,
      cachedMsgMaxOffset: this.waiting.at(-1)?.queueOffset ?? 0,
      cachedMsgMinOffset: this.waiting[0]?.queueOffset ?? 0,
      cachedMsgSizeInMiB: 0,
      commitOffset: this.consumedOffset,
      droped: this.dropped,
      lastConsumeTimestamp: 0,
      lastLockTimestamp: 0,
      lastPullTimestamp: this.#lastPullMs,
      locked: false,
      transactionMsgCount: 0,
      transactionMsgMaxOffset: 0,
      transactionMsgMinOffset: 0,
      tryUnlockTimes: 0,
    };
  }
}

/** All queues. */
export class LiteQueues {
  readonly #parts: LiteQueuesParts;
  readonly #puller: Puller;
  readonly #queues = new Map<string, LiteQueue>();
  #polled: LiteQueue | null = null;
  #next = 0;
  #arrived: (() => void)[] = [];

  constructor(parts: LiteQueuesParts) {
    this.#parts = parts;
    this.#puller = new Puller(parts.instance, parts.settings.group, parts.hooks);
  }

  /** All queues. */
  all(): LiteQueue[] {
    return [...this.#queues.values()];
  }

  /** The queue with this `messageQueueKey`. */
  get(key: string): LiteQueue | undefined {
    return this.#queues.get(key);
  }

  /** Makes `share` the queues of a topic; false when a queue could not be taken yet. */
  async assign(topic: string, share: readonly MessageQueue[]): Promise<boolean> {
    const wanted = new Set(share.map(messageQueueKey));
    for (const [key, each] of this.#queues) {
      if (each.queue.topic === topic && !wanted.has(key)) await this.#giveUp(key, each);
    }
    const missing = share.filter((queue) => !this.#queues.has(messageQueueKey(queue)));
    return (await Promise.all(missing.map((queue) => this.#takeUp(queue)))).every((each) => each);
  }

  /** Drops all queues. */
  dropAll(): void {
    for (const each of this.#queues.values()) each.drop();
    this.#queues.clear();
    this.#wake();
  }

  /**
   * The next messages, of one queue.
   *
   * @param explicit whether the caller says itself what is consumed ({@linkcode consumed}); else the next poll says it.
   */
  async poll(timeoutMs: number, explicit = false): Promise<ReceivedMessage[]> {
    this.#polled?.consumePolled();
    this.#polled = null;
    const { clock } = this.#parts.instance.world;
    const endMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const queue = this.#nextWithMessages();
      if (queue !== undefined) {
        if (!explicit) this.#polled = queue;
        const taken = queue.take(this.#parts.settings.pullBatchSize);
        this.#parts.hooks.handedOut(this.#parts.settings.group, queue.queue, taken);
        return taken;
      }
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#parts.stop.stopped) return [];
      await this.#untilArrival(leftMs);
    }
  }

  /** One message that a poll gave was consumed, and all before it in its queue. */
  consumed(message: ReceivedMessage): void {
    const queue = this.#queues.get(messageQueueKey(message.queue));
    if (queue !== undefined && message.queueOffset >= queue.consumedOffset) {
      queue.consumedOffset = message.queueOffset + 1;
    }
  }

  #nextWithMessages(): LiteQueue | undefined {
    const queues = this.all();
    for (let i = 0; i < queues.length; i++) {
      const queue = queues[(this.#next + i) % queues.length]!;
      if (queue.waiting.length === 0 || queue.paused) continue;
      this.#next = (this.#next + i + 1) % queues.length;
      return queue;
    }
    return undefined;
  }

  async #untilArrival(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        timer.cancel();
        this.#arrived = this.#arrived.filter((each) => each !== end);
        resolve();
      };
      this.#arrived.push(end);
      const timer = this.#parts.instance.world.clock.after(timeoutMs, end);
    });
  }

  #wake(): void {
    for (const wake of [...this.#arrived]) wake();
  }

  async #giveUp(key: string, queue: LiteQueue): Promise<void> {
    queue.drop();
    this.#queues.delete(key);
    const { offsets, settings } = this.#parts;
    if (settings.autoCommit && queue.consumedOffset >= 0) {
      offsets.update(queue.queue, queue.consumedOffset, false);
      await offsets.persist([queue.queue], true);
    }
    offsets.remove(queue.queue);
  }

  async #takeUp(queue: MessageQueue): Promise<boolean> {
    const { instance, offsets, settings, stop } = this.#parts;
    const key = messageQueueKey(queue);
    try {
      const offset = await startOffset(instance, offsets, queue, settings);
      if (stop.stopped || this.#queues.has(key)) return true;
      const taken = new LiteQueue(queue, offset);
      this.#queues.set(key, taken);
      this.#pullLoop(taken);
      return true;
    } catch (error) {
      if (!stop.stopped) instance.world.log.warn(`where to begin ${key}? ${messageOf(error)}`);
      return false;
    }
  }

  async #pullLoop(queue: LiteQueue): Promise<void> {
    const { settings, stop, instance } = this.#parts;
    while (!queue.dropped && !stop.stopped) {
      if (queue.paused || queue.waiting.length >= settings.pullThresholdForQueue) {
        await queue.untilChanged();
        continue;
      }
      try {
        await this.#pullOnce(queue);
      } catch (error) {
        if (queue.dropped || stop.stopped) return;
        instance.world.log.warn(`cannot pull ${messageQueueKey(queue.queue)}: ${messageOf(error)}`);
        await stop.sleep(AFTER_ERROR_MS);
      }
    }
  }

  async #pullOnce(queue: LiteQueue): Promise<void> {
    const { settings, subscriptions, stop, instance } = this.#parts;
    const { life } = queue;
    const subscription = subscriptions.get(queue.queue.topic);
    if (subscription === undefined) return await stop.sleep(AFTER_ERROR_MS);
    const pull = this.#puller.pull({
      queue: queue.queue,
      offset: queue.nextOffset,
      maxMessages: settings.pullBatchSize,
      maxBytes: INT_MAX,
      subscription,
      carrySubscription: true,
      commitOffset: -1,
      suspendMs: SUSPEND_MS,
      timeoutMs: TIMEOUT_MS,
      isLite: true,
    });
    // A seek need not wait for the answer of a pull that the broker holds.
    const result = await new Promise<PullResult | null>((resolve, reject) => {
      queue.onLifeEnd = () => resolve(null);
      pull.then(resolve, reject);
    }).finally(() => queue.onLifeEnd = null);
    if (result === null || queue.life !== life) return void pull.catch(() => {});
    const nowMs = instance.world.clock.now();
    if (result.status === "OFFSET_ILLEGAL") queue.seek(result.nextBeginOffset);
    else queue.pulled(result.messages, result.nextBeginOffset, nowMs);
    if (result.messages.length > 0) this.#wake();
  }
}
