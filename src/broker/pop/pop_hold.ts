/**
 * Pops that found nothing and wait. One is tried again when its topic, or a retry topic of its group, gets a message; when a
 * try finds nothing there is nothing for the others, so a message wakes as many as it can serve.
 *
 * RocketMQ counterpart: `PopLongPollingService`.
 *
 * @module
 */
import type { Clock, Timer } from "../../common/clock.ts";
import { popRetryTopicsOf } from "../system_topics.ts";

/** A request that waits. */
export interface HeldPop {
  readonly group: string;
  readonly topic: string;
  /** −1: any queue. */
  readonly queueId: number;
  /** Whether anybody still waits for the answer. */
  isAlive(): boolean;
  /** Tries again; true when it was answered, or goes on by itself. `last`: answer in any case. */
  retry(last: boolean): boolean;
}

/** Whether a request may wait: 209 and 210 are RocketMQ's words for no. */
export type HoldOutcome = "HELD" | "POLLING_FULL";

/** How many may wait. */
export interface PopHoldLimits {
  /** In all (`maxPopPollingSize`). */
  total(): number;
  /** For one queue of a topic and group (`popPollingSize`). */
  perQueue(): number;
}

/** One that waits, with its deadline. */
interface Waiting {
  readonly pop: HeldPop;
  readonly timer: Timer;
}

/** Those of one group that wait for one topic, by queue. */
type Waiters = Map<number, Waiting[]>;

/** The waiting requests of a broker. */
export class PopHold {
  readonly #clock: Clock;
  readonly #limits: PopHoldLimits;
  /** Topic to group. */
  readonly #byTopic = new Map<string, Map<string, Waiters>>();
  /** Retry topic to the topic and group that it belongs to, of those that wait. */
  readonly #byRetryTopic = new Map<string, { readonly topic: string; readonly group: string }>();
  #count = 0;

  constructor(clock: Clock, limits: PopHoldLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** How many wait for a queue. */
  countOf(topic: string, group: string, queueId: number): number {
    return this.#byTopic.get(topic)?.get(group)?.get(queueId)?.length ?? 0;
  }

  /** Lets a request wait for `waitMs`. */
  hold(pop: HeldPop, waitMs: number): HoldOutcome {
    const waiters = this.#waiters(pop);
    const list = waiters.get(pop.queueId) ?? [];
    if (this.#count >= this.#limits.total() || list.length >= this.#limits.perQueue()) {
      this.#tidy(pop.topic, pop.group);
      return "POLLING_FULL";
    }
    const waiting: Waiting = { pop, timer: this.#clock.after(waitMs, () => this.#expire(waiting)) };
    list.push(waiting);
    waiters.set(pop.queueId, list);
    this.#count++;
    return "HELD";
  }

  /** To be called when a queue has got a message. */
  arrived(topic: string, queueId: number): void {
    const retried = this.#byRetryTopic.get(topic);
    if (retried !== undefined) this.wakeGroup(retried.topic, retried.group);
    const groups = this.#byTopic.get(topic);
    if (groups === undefined) return;
    for (const group of [...groups.keys()]) this.wakeQueue(topic, group, queueId);
  }

  /** Tries those of a group that wait for this queue, or for any. */
  wakeQueue(topic: string, group: string, queueId: number): void {
    this.#wake(topic, group, -1);
    if (queueId >= 0) this.#wake(topic, group, queueId);
  }

  /** Tries those of a group that wait for the topic. */
  wakeGroup(topic: string, group: string): void {
    for (const queueId of [...this.#byTopic.get(topic)?.get(group)?.keys() ?? []]) this.#wake(topic, group, queueId);
  }

  /** Answers all. */
  close(): void {
    for (const groups of [...this.#byTopic.values()]) {
      for (const waiters of [...groups.values()]) {
        for (const waiting of [...waiters.values()].flat()) this.#expire(waiting);
      }
    }
  }

  #wake(topic: string, group: string, queueId: number): void {
    for (;;) {
      const waiting = this.#byTopic.get(topic)?.get(group)?.get(queueId)?.[0];
      if (waiting === undefined) return;
      // Taken out meanwhile: what the try does may wake others.
      this.#remove(waiting);
      if (waiting.pop.isAlive() && !waiting.pop.retry(false)) return this.#restore(waiting);
      waiting.timer.cancel();
    }
  }

  /** Puts back, as the first, one whose try found nothing. */
  #restore(waiting: Waiting): void {
    const waiters = this.#waiters(waiting.pop);
    waiters.set(waiting.pop.queueId, [waiting, ...waiters.get(waiting.pop.queueId) ?? []]);
    this.#count++;
  }

  #expire(waiting: Waiting): void {
    if (!this.#remove(waiting)) return;
    waiting.timer.cancel();
    if (waiting.pop.isAlive()) waiting.pop.retry(true);
  }

  /** Takes one out, whose timer goes on. */
  #remove(waiting: Waiting): boolean {
    const { topic, group, queueId } = waiting.pop;
    const list = this.#byTopic.get(topic)?.get(group)?.get(queueId);
    const index = list?.indexOf(waiting) ?? -1;
    if (list === undefined || index < 0) return false;
    list.splice(index, 1);
    this.#count--;
    if (list.length === 0) {
      this.#byTopic.get(topic)?.get(group)?.delete(queueId);
      this.#tidy(topic, group);
    }
    return true;
  }

  #waiters({ topic, group }: HeldPop): Waiters {
    const groups = this.#byTopic.get(topic) ?? new Map<string, Waiters>();
    this.#byTopic.set(topic, groups);
    let waiters = groups.get(group);
    if (waiters === undefined) {
      waiters = new Map();
      groups.set(group, waiters);
      for (const retry of popRetryTopicsOf(topic, group)) this.#byRetryTopic.set(retry, { topic, group });
    }
    return waiters;
  }

  /** Forgets a group that waits for nothing. */
  #tidy(topic: string, group: string): void {
    const groups = this.#byTopic.get(topic);
    if (groups === undefined || (groups.get(group)?.size ?? 0) > 0) return;
    groups.delete(group);
    for (const retry of popRetryTopicsOf(topic, group)) this.#byRetryTopic.delete(retry);
    if (groups.size === 0) this.#byTopic.delete(topic);
  }
}
