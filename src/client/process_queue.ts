/**
 * The messages of one queue that were pulled and are not yet consumed, in the order of their offsets.
 *
 * Invariants: `sizeBytes` is the sum of the bodies of the waiting and the taken messages; the offset that
 * {@linkcode ProcessQueue.remove} and {@linkcode ProcessQueue.commit} return is such that every message below it was
 * consumed, so it is safe to be stored.
 *
 * Source: RocketMQ `ProcessQueue`.
 *
 * @module
 */
import type { ProcessQueueInfo } from "../protocol/bodies/running_info.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import type { ReceivedMessage } from "./message.ts";

/** An order lock that was not renewed for this long counts as lost. */
export const LOCK_LIVE_MS = 30_000;
/** A queue that was not pulled for this long is given up, to be assigned afresh. */
export const PULL_IDLE_MS = 120_000;

/** How much of a queue may wait in memory. */
export interface QueueLimits {
  readonly messageCount: number;
  readonly sizeBytes: number;
  /** Largest distance of offsets; Infinity for none. */
  readonly span: number;
}

/** See the module's text. Times are milliseconds since the epoch. */
export class ProcessQueue {
  readonly queue: MessageQueue;
  /** {@linkcode messageQueueKey} of the queue. */
  readonly key: string;
  lastPullMs: number;
  lastConsumeMs: number;
  lastLockMs: number;
  /** Whether a broker gave us the order lock. */
  locked = false;
  /** Whether a listener has, or is about to get, messages of this queue (orderly only). */
  consuming = false;
  readonly #waiting = new Map<number, ReceivedMessage>();
  readonly #taken = new Map<number, ReceivedMessage>();
  #sizeBytes = 0;
  #offsetMax = -1;
  #dropped = false;
  #abandoned = false;
  #wakePuller: (() => void) | null = null;
  readonly #users = new Set<Promise<unknown>>();

  /** An empty queue. */
  constructor(queue: MessageQueue, nowMs: number) {
    this.queue = queue;
    this.key = messageQueueKey(queue);
    this.lastPullMs = this.lastConsumeMs = this.lastLockMs = nowMs;
  }

  /** Whether the queue is being given up: nothing more of it is pulled or consumed. What a listener has still counts. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Whether what is consumed of it does not count any more, because its offset was set to another place. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Messages that are not consumed. */
  get count(): number {
    return this.#waiting.size + this.#taken.size;
  }

  /** Bytes of their bodies. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Distance between the first and the last offset that are not consumed. */
  get span(): number {
    const first = this.#firstOffset();
    return first < 0 ? 0 : this.#offsetMax - first;
  }

  /** Gives the queue up. */
  drop(): void {
    this.#dropped = true;
    this.#wake();
  }

  /** {@linkcode drop}, forgetting everything, because consumption goes on at another place. */
  abandon(): void {
    this.#abandoned = true;
    this.#waiting.clear();
    this.#taken.clear();
    this.#sizeBytes = 0;
    this.drop();
  }

  /** Adds messages that were pulled, in ascending order of offsets. Those that are there already are kept as they are. */
  put(messages: readonly ReceivedMessage[]): void {
    for (const message of messages) {
      const offset = message.queueOffset;
      if (this.#waiting.has(offset) || this.#taken.has(offset)) continue;
      this.#waiting.set(offset, message);
      this.#sizeBytes += message.body.length;
      if (offset > this.#offsetMax) this.#offsetMax = offset;
    }
  }

  /** Removes consumed messages; returns the offset to be stored, −1 when there was nothing to remove from. */
  remove(messages: readonly ReceivedMessage[], nowMs: number): number {
    this.lastConsumeMs = nowMs;
    if (this.#waiting.size === 0) return -1;
    for (const { queueOffset, body } of messages) {
      if (this.#waiting.delete(queueOffset)) this.#sizeBytes -= body.length;
    }
    this.#wake();
    return this.#safeOffset();
  }

  /** Takes up to `count` messages from the front, for an orderly listener. */
  take(count: number, nowMs: number): ReceivedMessage[] {
    this.lastConsumeMs = nowMs;
    const taken: ReceivedMessage[] = [];
    for (const [offset, message] of this.#waiting) {
      if (taken.length === count) break;
      taken.push(message);
      this.#taken.set(offset, message);
    }
    for (const { queueOffset } of taken) this.#waiting.delete(queueOffset);
    return taken;
  }

  /** The taken messages were consumed; returns the offset to be stored, −1 when none were taken. */
  commit(): number {
    if (this.#taken.size === 0) return -1;
    for (const { body } of this.#taken.values()) this.#sizeBytes -= body.length;
    this.#taken.clear();
    this.#wake();
    return this.#safeOffset();
  }

  /** The taken messages were not consumed: they are the first again. */
  giveBack(): void {
    const rest = [...this.#waiting];
    this.#waiting.clear();
    for (const [offset, message] of this.#taken) this.#waiting.set(offset, message);
    for (const [offset, message] of rest) this.#waiting.set(offset, message);
    this.#taken.clear();
  }

  /** The first message that waits, or is being consumed by a concurrent listener. */
  first(): ReceivedMessage | undefined {
    return this.#waiting.values().next().value;
  }

  /** Whether pulling has to pause. */
  isFull(limits: QueueLimits): boolean {
    return this.count >= limits.messageCount || this.#sizeBytes >= limits.sizeBytes || this.span > limits.span;
  }

  /** Resolves when messages were consumed or the queue was dropped; one waiter at a time. */
  untilChanged(): Promise<void> {
    if (this.#dropped) return Promise.resolve();
    return new Promise((resolve) => this.#wakePuller = resolve);
  }

  /** Wakes {@linkcode untilChanged}. */
  #wake(): void {
    const wake = this.#wakePuller;
    this.#wakePuller = null;
    wake?.();
  }

  /** Counts `use` as a call of the listener that still has messages of this queue. */
  use(use: Promise<unknown>): void {
    this.#users.add(use);
    const done = () => void this.#users.delete(use);
    use.then(done, done);
  }

  /** Resolves when no listener has messages of this queue. */
  async unused(): Promise<void> {
    await Promise.allSettled(this.#users);
  }

  /** Whether the lock is ours now. */
  holdsLock(nowMs: number): boolean {
    return this.locked && nowMs - this.lastLockMs <= LOCK_LIVE_MS;
  }

  /** Whether the puller seems to be gone; one that waits for room is not. */
  isPullExpired(nowMs: number): boolean {
    return this.#wakePuller === null && nowMs - this.lastPullMs > PULL_IDLE_MS;
  }

  /** For GET_CONSUMER_RUNNING_INFO. */
  info(commitOffset: number): ProcessQueueInfo {
    const first = this.#waiting.keys().next().value ?? 0;
    const firstTaken = this.#taken.keys().next().value ?? 0;
    return {
      cachedMsgCount: this.#waiting.size,
      cachedMsgMaxOffset: this.#waiting.size > 0 ? this.#offsetMax : 0,
      cachedMsgMinOffset: first,
      cachedMsgSizeInMiB: Math.floor(this.#sizeBytes / (1024 * 1024)),
      commitOffset,
      droped: this.#dropped,
      lastConsumeTimestamp: this.lastConsumeMs,
      lastLockTimestamp: this.lastLockMs,
      lastPullTimestamp: this.lastPullMs,
      locked: this.locked,
      transactionMsgCount: this.#taken.size,
      transactionMsgMaxOffset: this.#taken.size > 0 ? firstTaken + this.#taken.size - 1 : 0,
      transactionMsgMinOffset: firstTaken,
      tryUnlockTimes: 0,
    };
  }

  #firstOffset(): number {
    return this.#taken.keys().next().value ?? this.#waiting.keys().next().value ?? -1;
  }

  #safeOffset(): number {
    const first = this.#firstOffset();
    return first < 0 ? this.#offsetMax + 1 : first;
  }
}
