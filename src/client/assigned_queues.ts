/**
 * The queues that a push consumer has at the moment, each with its messages and its puller.
 *
 * Invariant: a queue that is given up is first dropped, then waits until no listener has messages of it, then its offset
 * is stored and its lock given back; only then may it be taken again. So no message of an ordered queue is with two
 * members at once, and the next member begins where this one ended.
 *
 * Source: RocketMQ `RebalanceImpl#updateProcessQueueTableInRebalance`, `RebalancePushImpl`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import type { ConsumerContext, ConsumeService } from "./consumer_context.ts";
import { ProcessQueue, type QueueLimits } from "./process_queue.ts";
import { pullLoop, type PullLoopParts } from "./pull_loop.ts";
import { Puller } from "./pull_request.ts";
import type { QueueLocks } from "./queue_locks.ts";
import { startOffset } from "./start_offset.ts";

const MIB = 1024 * 1024;
/** How long a reset of offsets waits for listeners. */
const RESET_PATIENCE_MS = 10_000;

/** What this works with. */
export interface AssignedQueuesParts {
  readonly context: ConsumerContext;
  readonly service: ConsumeService;
  /** Null when queues need no locks. */
  readonly locks: QueueLocks | null;
  /** A queue was given up by itself and has to be assigned afresh. */
  moved(): void;
}

/** See the module's text. */
export class AssignedQueues {
  readonly #parts: AssignedQueuesParts;
  readonly #puller: Puller;
  readonly #queues = new Map<string, ProcessQueue>();
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(parts: AssignedQueuesParts) {
    this.#parts = parts;
    this.#puller = new Puller(parts.context.instance, parts.context.settings.group, parts.context.hooks);
  }

  /** All queues. */
  all(): ProcessQueue[] {
    return [...this.#queues.values()];
  }

  /** How many queues of a topic there are. */
  countOf(topic: string): number {
    return this.all().filter(({ queue }) => queue.topic === topic).length;
  }

  /** Makes `share` the queues of a topic; false when a queue could not be taken yet. */
  async assign(topic: string, share: readonly MessageQueue[]): Promise<boolean> {
    const { context } = this.#parts;
    const wanted = new Set(share.map(messageQueueKey));
    const nowMs = context.instance.world.clock.now();
    for (const each of this.all()) {
      if (each.queue.topic !== topic) continue;
      if (!wanted.has(each.key)) this.#giveUp(each);
      else if (each.isPullExpired(nowMs)) {
        context.instance.world.log.error(`the puller of ${each.key} is idle since ${each.lastPullMs}: start it afresh`);
        this.#giveUp(each);
      }
    }
    const taken = await Promise.all(
      share.filter((queue) => !this.#queues.has(messageQueueKey(queue))).map((queue) => this.#takeUp(queue)),
    );
    return taken.every((each) => each);
  }

  /** Gives up the queues of a topic. */
  dropTopic(topic: string): void {
    for (const each of this.all()) if (each.queue.topic === topic) this.#giveUp(each);
  }

  /** Drops all queues at once; the caller sees to offsets and locks. */
  dropAll(): void {
    for (const each of this.#queues.values()) each.drop();
    this.#queues.clear();
  }

  /** Sets offsets of a topic's queues to other places: gives the queues up, waits for the listener, stores the offsets. */
  async reset(topic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void> {
    const { context } = this.#parts;
    const targets = new Map(Array.from(offsets, ([queue, offset]) => [messageQueueKey(queue), offset]));
    const own = this.all().filter(({ queue, key }) => queue.topic === topic && targets.has(key));
    for (const each of own) each.abandon();
    await Promise.race([Promise.all(own.map((each) => each.unused())), context.stop.sleep(RESET_PATIENCE_MS)]);
    for (const { queue, key } of own) context.offsets.update(queue, targets.get(key)!, false);
    await context.offsets.persist(own.map(({ queue }) => queue), true);
    for (const each of own) this.#remove(each);
    if (this.#parts.locks !== null) await this.#parts.locks.unlock(own.map(({ queue }) => queue));
  }

  #giveUp(processQueue: ProcessQueue): void {
    const { key } = processQueue;
    if (this.#leaving.has(key)) return;
    processQueue.drop();
    const leaving = this.#leave(processQueue).finally(() => this.#leaving.delete(key));
    this.#leaving.set(key, leaving);
  }

  async #leave(processQueue: ProcessQueue): Promise<void> {
    const { context, locks } = this.#parts;
    await processQueue.unused();
    await this.#persist(processQueue, locks !== null);
    this.#remove(processQueue);
    if (locks !== null && !context.stop.stopped) await locks.unlock([processQueue.queue]);
  }

  /** A failure is logged: what was consumed will come again, which is better than keeping the queue. */
  async #persist({ queue, key }: ProcessQueue, wait: boolean): Promise<void> {
    const { offsets, instance } = this.#parts.context;
    try {
      await offsets.persist([queue], wait);
    } catch (error) {
      instance.world.log.error(`cannot store the offset of ${key}: ${messageOf(error)}`);
    }
  }

  #remove(processQueue: ProcessQueue): void {
    this.#queues.delete(processQueue.key);
    this.#parts.context.offsets.remove(processQueue.queue);
  }

  async #takeUp(queue: MessageQueue): Promise<boolean> {
    const { context, locks } = this.#parts;
    const { instance, settings, stop } = context;
    if (this.#leaving.has(messageQueueKey(queue))) return false;
    const processQueue = new ProcessQueue(queue, instance.world.clock.now());
    if (locks !== null && !(await locks.lock(processQueue))) return false;
    let offset: number;
    try {
      offset = await startOffset(instance, context.offsets, queue, settings);
    } catch (error) {
      if (!stop.stopped) instance.world.log.warn(`where to begin ${processQueue.key}? ${messageOf(error)}`);
      return false;
    }
    if (stop.stopped || !context.subscriptions.has(queue.topic) || this.#queues.has(processQueue.key)) return true;
    this.#queues.set(processQueue.key, processQueue);
    pullLoop(this.#loopParts(queue.topic), processQueue, offset);
    return true;
  }

  #loopParts(topic: string): PullLoopParts {
    return {
      context: this.#parts.context,
      puller: this.#puller,
      service: this.#parts.service,
      limits: () => this.#limits(topic),
      offsetMoved: (processQueue, nextOffset) => this.#offsetMoved(processQueue, nextOffset),
    };
  }

  #limits(topic: string): QueueLimits {
    const { settings } = this.#parts.context;
    const { pullThresholdForTopic, pullThresholdSizeForTopicMiB } = settings;
    const count = pullThresholdForTopic < 0 && pullThresholdSizeForTopicMiB < 0 ? 1 : this.countOf(topic) || 1;
    return {
      messageCount: pullThresholdForTopic < 0
        ? settings.pullThresholdForQueue
        : Math.max(1, Math.floor(pullThresholdForTopic / count)),
      sizeBytes: MIB *
        (pullThresholdSizeForTopicMiB < 0
          ? settings.pullThresholdSizeForQueueMiB
          : Math.max(1, Math.floor(pullThresholdSizeForTopicMiB / count))),
      span: this.#parts.locks === null ? settings.consumeConcurrentlyMaxSpan : Infinity,
    };
  }

  async #offsetMoved(processQueue: ProcessQueue, nextOffset: number): Promise<void> {
    const { context } = this.#parts;
    const { log } = context.instance.world;
    log.warn(
      `the pull offset of ${processQueue.key} is outside of the queue; fix the pull request offset to ${nextOffset}`,
    );
    processQueue.abandon();
    await processQueue.unused();
    context.offsets.update(processQueue.queue, nextOffset, false);
    await this.#persist(processQueue, true);
    this.#remove(processQueue);
    this.#parts.moved();
  }
}
