/**
 * Gives messages to an orderly listener: each queue in the order of its offsets, one call at a time, and, when the group
 * shares the messages, only while the broker's lock on the queue is ours. A failure stops the queue for a moment and is
 * tried again with the same messages.
 *
 * Source: RocketMQ `ConsumeMessageOrderlyService`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { ConsumeDirectlyResult } from "../protocol/bodies/running_info.ts";
import type { ConsumeReturnType } from "../protocol/trace.ts";
import { type ConsumerContext, type ConsumeService, presentToListener } from "./consumer_context.ts";
import type { ConsumeOrderlyContext, OrderlyListener } from "./listener.ts";
import type { ReceivedMessage } from "./message.ts";
import type { ProcessQueue } from "./process_queue.ts";
import type { QueueLocks } from "./queue_locks.ts";
import type { SendBacker } from "./send_back.ts";

const PAUSED_MS = 1000;
const LOCK_AGAIN_MS = 3000;
const SUSPEND_MS_MIN = 10;
const SUSPEND_MS_MAX = 30_000;

/** See the module's text. */
export class OrderlyConsumption implements ConsumeService {
  readonly #context: ConsumerContext;
  readonly #listener: OrderlyListener;
  readonly #backer: SendBacker;
  readonly #locks: QueueLocks;
  readonly #slotWaiters: (() => void)[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(context: ConsumerContext, listener: OrderlyListener, backer: SendBacker, locks: QueueLocks) {
    this.#context = context;
    this.#listener = listener;
    this.#backer = backer;
    this.#locks = locks;
  }

  /** @inheritdoc */
  submit(_messages: readonly ReceivedMessage[], from: ProcessQueue): void {
    if (from.consuming) return; // whoever consumes it takes these as well
    from.consuming = true;
    this.#consumeQueue(from);
  }

  /** @inheritdoc */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #consumeQueue(from: ProcessQueue): Promise<void> {
    const { stop, settings } = this.#context;
    while (!from.dropped && !stop.stopped) {
      if (this.#context.isPaused()) {
        await stop.sleep(PAUSED_MS);
      } else if (!(await this.#holdsLock(from))) {
        await stop.sleep(LOCK_AGAIN_MS);
      } else {
        await this.#takeSlot();
        if (from.dropped || stop.stopped) this.#freeSlot();
        else {
          const messages = from.take(settings.consumeMessageBatchMaxSize, this.#now());
          if (messages.length === 0) {
            this.#freeSlot();
            from.consuming = false;
            return;
          }
          const work = this.#consume(messages, from).finally(() => this.#freeSlot());
          from.use(work);
          const pauseMs = await work;
          if (pauseMs > 0) await stop.sleep(pauseMs);
        }
      }
    }
    from.consuming = false;
  }

  async #holdsLock(from: ProcessQueue): Promise<boolean> {
    if (this.#context.settings.messageModel === "BROADCASTING" || from.holdsLock(this.#now())) return true;
    return await this.#locks.lock(from);
  }

  /** Waits until one more call of the listener may run. */
  async #takeSlot(): Promise<void> {
    while (this.#running >= this.#context.settings.consumeConcurrency) {
      await new Promise<void>((resolve) => this.#slotWaiters.push(resolve));
    }
    this.#running++;
  }

  #freeSlot(): void {
    this.#running--;
    this.#slotWaiters.shift()?.();
    if (this.#running === 0) { for (const wake of this.#idle.splice(0)) wake(); }
  }

  /** Returns how long the queue has to pause, milliseconds. */
  async #consume(messages: readonly ReceivedMessage[], from: ProcessQueue): Promise<number> {
    const { settings, stats, offsets, hooks } = this.#context;
    const { log } = this.#context.instance.world;
    const context: ConsumeOrderlyContext = { queue: from.queue, suspendCurrentQueueTimeMs: -1 };
    const startMs = this.#now();
    for (const message of messages) presentToListener(message, this.#context, startMs);
    const seen = hooks.before(settings.group, from.queue, messages);
    let succeeded = false;
    let returnType: ConsumeReturnType = "FAILED";
    try {
      succeeded = (await this.#listener(messages, context)) !== "SUSPEND_CURRENT_QUEUE_A_MOMENT";
      if (succeeded) returnType = "SUCCESS";
    } catch (error) {
      returnType = "EXCEPTION";
      log.warn(`the listener of group ${settings.group} failed on ${messages[0]!.msgId}: ${messageOf(error)}`);
    }
    const nowMs = this.#now();
    if (returnType !== "EXCEPTION" && nowMs - startMs >= settings.consumeTimeoutMs) returnType = "TIME_OUT";
    const status = succeeded ? "SUCCESS" : "SUSPEND_CURRENT_QUEUE_A_MOMENT";
    hooks.after(seen, { success: succeeded, status, returnType });
    stats.consumed(from.queue.topic, messages.length, succeeded ? 0 : messages.length, nowMs - startMs, nowMs);
    if (!succeeded && await this.#mustSuspend(messages)) {
      from.giveBack();
      const pauseMs = context.suspendCurrentQueueTimeMs < 0
        ? settings.suspendCurrentQueueTimeMs
        : context.suspendCurrentQueueTimeMs;
      return Math.min(Math.max(pauseMs, SUSPEND_MS_MIN), SUSPEND_MS_MAX);
    }
    const offset = from.commit();
    if (offset >= 0 && !from.abandoned) offsets.update(from.queue, offset, false);
    return 0;
  }

  /** False when all of them were given to the broker, because they failed too often. */
  async #mustSuspend(messages: readonly ReceivedMessage[]): Promise<boolean> {
    const { maxReconsumeTimes } = this.#context.settings;
    const timesMax = maxReconsumeTimes < 0 ? Infinity : maxReconsumeTimes;
    let suspend = false;
    for (const message of messages) {
      if (message.reconsumeTimes >= timesMax && await this.#backer.sendCopy(message, timesMax)) continue;
      message.reconsumeTimes++;
      suspend = true;
    }
    return suspend;
  }

  /** @inheritdoc */
  async consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult> {
    const startMs = this.#now();
    presentToListener(message, this.#context, startMs);
    const result = { autoCommit: true, order: true };
    try {
      const status = await this.#listener([message], { queue: message.queue, suspendCurrentQueueTimeMs: -1 });
      const consumeResult = status === "SUSPEND_CURRENT_QUEUE_A_MOMENT" ? "CR_LATER" : "CR_SUCCESS";
      return { ...result, consumeResult, remark: null, spentTimeMills: this.#now() - startMs };
    } catch (error) {
      const remark = messageOf(error);
      return { ...result, consumeResult: "CR_THROW_EXCEPTION", remark, spentTimeMills: this.#now() - startMs };
    }
  }

  #now(): number {
    return this.#context.instance.world.clock.now();
  }
}
