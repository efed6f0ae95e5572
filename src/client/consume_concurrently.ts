/**
 * Gives messages to a concurrent listener: several calls at once, in any order, whatever queue they come from. What fails
 * is sent back to the broker, or dropped when each member gets all messages; what cannot even be sent back is tried again
 * here.
 *
 * Source: RocketMQ `ConsumeMessageConcurrentlyService`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { ConsumeDirectlyResult } from "../protocol/bodies/running_info.ts";
import { messageQueueKey } from "../protocol/message_queue.ts";
import type { ConsumeReturnType } from "../protocol/trace.ts";
import { type ConsumerContext, type ConsumeService, presentToListener } from "./consumer_context.ts";
import type { ConcurrentListener, ConsumeConcurrentlyContext } from "./listener.ts";
import type { ReceivedMessage } from "./message.ts";
import type { ProcessQueue } from "./process_queue.ts";
import type { SendBacker } from "./send_back.ts";

const RETRY_HERE_MS = 5000;

interface Task {
  readonly messages: readonly ReceivedMessage[];
  readonly from: ProcessQueue;
}

/** See the module's text. */
export class ConcurrentConsumption implements ConsumeService {
  readonly #context: ConsumerContext;
  readonly #listener: ConcurrentListener;
  readonly #backer: SendBacker;
  #tasks: Task[] = [];
  #next = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(context: ConsumerContext, listener: ConcurrentListener, backer: SendBacker) {
    this.#context = context;
    this.#listener = listener;
    this.#backer = backer;
  }

  /** @inheritdoc */
  submit(messages: readonly ReceivedMessage[], from: ProcessQueue): void {
    const size = this.#context.settings.consumeMessageBatchMaxSize;
    for (let i = 0; i < messages.length; i += size) {
      this.#tasks.push({ messages: size >= messages.length ? messages : messages.slice(i, i + size), from });
    }
    this.#start();
  }

  /** @inheritdoc */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    const { settings, stop } = this.#context;
    while (this.#running < settings.consumeConcurrency && this.#next < this.#tasks.length && !stop.stopped) {
      const task = this.#tasks[this.#next++]!;
      if (this.#next === this.#tasks.length || this.#next > 1024) {
        this.#tasks = this.#tasks.slice(this.#next);
        this.#next = 0;
      }
      if (task.from.dropped) continue;
      this.#running++;
      const work = this.#consume(task);
      task.from.use(work);
      work.finally(() => {
        this.#running--;
        if (this.#running === 0) { for (const wake of this.#idle.splice(0)) wake(); }
        this.#start();
      });
    }
  }

  async #consume({ messages, from }: Task): Promise<void> {
    const { settings, stats, hooks } = this.#context;
    const { clock, log } = this.#context.instance.world;
    const context: ConsumeConcurrentlyContext = {
      queue: from.queue,
      delayLevelWhenNextConsume: 0,
      ackIndex: Number.MAX_SAFE_INTEGER,
    };
    const startMs = clock.now();
    for (const message of messages) presentToListener(message, this.#context, startMs);
    const seen = hooks.before(settings.group, from.queue, messages);
    let succeeded = 0;
    let returnType: ConsumeReturnType = "FAILED";
    try {
      const status = await this.#listener(messages, context);
      if (status !== "RECONSUME_LATER") {
        succeeded = Math.min(context.ackIndex + 1, messages.length);
        returnType = "SUCCESS";
      }
    } catch (error) {
      returnType = "EXCEPTION";
      log.warn(`the listener of group ${settings.group} failed on ${messages[0]!.msgId}: ${messageOf(error)}`);
    }
    const nowMs = clock.now();
    if (returnType !== "EXCEPTION" && nowMs - startMs >= settings.consumeTimeoutMs) returnType = "TIME_OUT";
    const status = succeeded > 0 ? "CONSUME_SUCCESS" : "RECONSUME_LATER";
    hooks.after(seen, { success: succeeded > 0, status, returnType });
    const failed = messages.slice(succeeded);
    stats.consumed(from.queue.topic, messages.length, failed.length, nowMs - startMs, nowMs);
    if (from.abandoned) return;
    const kept = await this.#handleFailed(failed, from, context.delayLevelWhenNextConsume);
    const done = kept.length === 0 ? messages : messages.filter((message) => !kept.includes(message));
    const offset = from.remove(done, nowMs);
    if (offset >= 0 && !from.abandoned) this.#context.offsets.update(from.queue, offset, true);
  }

  /** Returns those that stay in the queue. */
  async #handleFailed(
    failed: readonly ReceivedMessage[],
    from: ProcessQueue,
    delayLevel: number,
  ): Promise<readonly ReceivedMessage[]> {
    const { settings, instance } = this.#context;
    if (failed.length === 0 || from.dropped) return failed; // whoever gets the queue next gets them too
    if (settings.messageModel === "BROADCASTING") {
      for (const message of failed) {
        instance.world.log.warn(`BROADCASTING, the message consume failed, drop it, ${message.msgId}`);
      }
      return [];
    }
    const kept: ReceivedMessage[] = [];
    for (const message of failed) {
      if (await this.#backer.sendBack(message, delayLevel)) continue;
      message.reconsumeTimes++;
      kept.push(message);
    }
    if (kept.length > 0) this.#retryHere(kept, from);
    return kept;
  }

  #retryHere(messages: readonly ReceivedMessage[], from: ProcessQueue): void {
    this.#context.stop.sleep(RETRY_HERE_MS).then(() => {
      if (!from.dropped && !this.#context.stop.stopped) this.submit(messages, from);
    });
  }

  /** @inheritdoc */
  async consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult> {
    const { clock } = this.#context.instance.world;
    const startMs = clock.now();
    presentToListener(message, this.#context, startMs);
    const context: ConsumeConcurrentlyContext = { queue: message.queue, delayLevelWhenNextConsume: 0, ackIndex: 0 };
    const result = { autoCommit: true, order: false };
    try {
      const status = await this.#listener([message], context);
      const consumeResult = status === "RECONSUME_LATER" ? "CR_LATER" : "CR_SUCCESS";
      return { ...result, consumeResult, remark: null, spentTimeMills: clock.now() - startMs };
    } catch (error) {
      const remark = messageOf(error);
      return { ...result, consumeResult: "CR_THROW_EXCEPTION", remark, spentTimeMills: clock.now() - startMs };
    }
  }

  /** Sends back messages that have been with the listener for too long, so that they do not hold up the offset. */
  async sendBackExpired(from: ProcessQueue): Promise<void> {
    const { clock, log } = this.#context.instance.world;
    for (let i = 0; i < 16 && !from.dropped; i++) {
      const message = from.first();
      const startMs = Number(message?.properties.get("CONSUME_START_TIME"));
      if (message === undefined || !(clock.now() - startMs > this.#context.settings.consumeTimeoutMs)) return;
      log.warn(`${message.msgId} of ${messageQueueKey(from.queue)} is with the listener since ${startMs}: sent back`);
      if (!(await this.#backer.sendBack(message, 3)) || from.dropped) return;
      const offset = from.remove([message], clock.now());
      if (offset >= 0 && !from.abandoned) this.#context.offsets.update(from.queue, offset, true);
    }
  }
}
