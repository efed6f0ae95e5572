/**
 * Pulls on a schedule: for each queue of this member's share a task of the owner is called, again and again, and says itself
 * when the next time is. Queues come and go with the group; each has one call under way at most.
 *
 * ```ts
 * const schedule = client.pullSchedule({ group: "hourly" });
 * schedule.registerPullTask("Topic", async (queue, { consumer }) => {
 *   const offset = Math.max(0, await consumer.fetchConsumeOffset(queue));
 *   const { messages, nextBeginOffset } = await consumer.pull(queue, offset);
 *   for (const message of messages) console.log(message.text());
 *   consumer.updateConsumeOffset(queue, nextBeginOffset);
 *   return 1000;
 * });
 * await schedule.start();
 * ```
 *
 * Source: RocketMQ `MQPullConsumerScheduleService`, `PullTaskCallback`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import type { ClientInstance } from "./instance.ts";
import { PullConsumer, type PullConsumerOptions } from "./pull_consumer.ts";
import { Stop } from "./stop.ts";

/** Pause when a task does not say one. */
const NEXT_DELAY_MS = 200;
/** Pause after a task that failed. */
const AFTER_ERROR_MS = 1000;

/** What a task works with. */
export interface PullTaskContext {
  readonly consumer: PullConsumer;
}

/** Handles one queue once; resolves to the milliseconds until the next time, 200 when it names none. */
export type PullTask = (queue: MessageQueue, context: PullTaskContext) => Promise<number | void> | number | void;

/** See the module's text. */
export class PullSchedule {
  /** The consumer that tasks pull with. */
  readonly consumer: PullConsumer;
  readonly #instance: ClientInstance;
  /** By queue; stops when the queue is not ours any more. */
  readonly #running = new Map<
    string,
    { readonly queue: MessageQueue; readonly stop: Stop; readonly end: Promise<void> }
  >();
  #closed = false;

  /** Made by `Client.pullSchedule`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: PullConsumerOptions) {
    this.#instance = instance;
    this.consumer = new PullConsumer(instance, options);
  }

  /** Has `task` called for each queue of a topic that is ours. @throws {ClientError} for a name that no topic can have. */
  registerPullTask(topic: string, task: PullTask): void {
    this.consumer.registerTopic(topic, (changed, queues) => this.#put(changed, queues, task));
  }

  /** Starts. @throws {ClientError} when the group has a consumer here already. */
  start(): Promise<void> {
    return this.consumer.start();
  }

  /** Waits for calls under way, stores the offsets and takes the consumer off all brokers. Idempotent. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.stop();
    await Promise.all(running.map(({ end }) => end));
    await this.consumer.shutdown();
  }

  /** {@linkcode shutdown}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** Resolves when no task is under way for queues of the topic that are not ours any more. */
  async #put(topic: string, queues: readonly MessageQueue[], task: PullTask): Promise<void> {
    if (this.#closed) return;
    const ends: Promise<void>[] = [];
    const wanted = new Set(queues.map(messageQueueKey));
    for (const [key, { queue, stop, end }] of this.#running) {
      if (queue.topic !== topic || wanted.has(key)) continue;
      stop.stop();
      ends.push(end);
      this.#running.delete(key);
    }
    for (const queue of queues) {
      const key = messageQueueKey(queue);
      if (this.#running.has(key)) continue;
      const stop = new Stop(this.#instance.world.clock);
      this.#running.set(key, { queue, stop, end: this.#repeat(queue, task, stop) });
    }
    await Promise.all(ends);
  }

  async #repeat(queue: MessageQueue, task: PullTask, stop: Stop): Promise<void> {
    while (!stop.stopped) {
      let delayMs = NEXT_DELAY_MS;
      try {
        delayMs = (await task(queue, { consumer: this.consumer })) ?? NEXT_DELAY_MS;
      } catch (error) {
        this.#instance.world.log.error(`the pull task of ${messageQueueKey(queue)} failed: ${messageOf(error)}`);
        delayMs = AFTER_ERROR_MS;
      }
      await stop.sleep(delayMs);
    }
  }
}
