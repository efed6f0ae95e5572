/**
 * Pulls that found nothing and wait for a message: each is tried again when its queue gets one and answered when that finds
 * something, or when its time is over.
 *
 * A try that examines messages and wants none of them moves the waiting pull behind them, so that no message is examined
 * twice for it.
 *
 * RocketMQ counterpart: `PullRequestHoldService`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";

/** How often deadlines are looked at. RocketMQ: 5 s. */
const SCAN_PERIOD_MS = 500;

/** A pull that waits. */
export interface HeldPull {
  readonly topic: string;
  readonly queueId: number;
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Whether anybody still waits for the answer. */
  isAlive(): boolean;
  /** Tries again; true when it was answered. `last`: answer in any case. */
  retry(last: boolean): boolean;
}

/** The waiting pulls of a broker. */
export class PullHold {
  readonly #byTopic = new Map<string, Map<number, HeldPull[]>>();
  readonly #clock: Clock;
  readonly #max: number;
  readonly #scan: Timer;
  #count = 0;

  /** @param max when this many wait, more are answered at once. */
  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
    this.#scan = clock.every(SCAN_PERIOD_MS, () => this.#expire());
  }

  /** How many wait. */
  get count(): number {
    return this.#count;
  }

  /** Lets a pull wait; false when too many do. */
  hold(pull: HeldPull): boolean {
    if (this.#count >= this.#max) return false;
    const queues = this.#byTopic.get(pull.topic) ?? new Map<number, HeldPull[]>();
    this.#byTopic.set(pull.topic, queues);
    const waiting = queues.get(pull.queueId);
    if (waiting === undefined) queues.set(pull.queueId, [pull]);
    else waiting.push(pull);
    this.#count++;
    return true;
  }

  /** Tries the pulls that wait for messages of a queue; to be called when it has got one. */
  arrived(topic: string, queueId: number): void {
    const queues = this.#byTopic.get(topic);
    if (queues === undefined) return;
    const waiting = queues.get(queueId);
    if (waiting === undefined || waiting.length === 0) return;
    this.#retryAll(queues, queueId, waiting, (pull) => !pull.isAlive() || pull.retry(false));
  }

  /** Tries all pulls of a topic one last time: its messages or permissions have changed. */
  release(topic: string): void {
    const queues = this.#byTopic.get(topic);
    if (queues === undefined) return;
    for (const [queueId, waiting] of [...queues]) {
      this.#retryAll(queues, queueId, waiting, (pull) => !pull.isAlive() || pull.retry(true));
    }
  }

  /** Answers all that wait and stops. */
  close(): void {
    this.#scan.cancel();
    for (const topic of [...this.#byTopic.keys()]) this.release(topic);
  }

  /** Keeps those of a queue's pulls which `done` says no to. Pulls that are held meanwhile stay behind them. */
  #retryAll(
    queues: Map<number, HeldPull[]>,
    queueId: number,
    waiting: HeldPull[],
    done: (pull: HeldPull) => boolean,
  ): void {
    queues.set(queueId, []);
    const left = waiting.filter((pull) => !done(pull));
    this.#count -= waiting.length - left.length;
    const added = queues.get(queueId)!;
    if (left.length > 0) queues.set(queueId, left.concat(added));
    else if (added.length === 0) queues.delete(queueId);
  }

  #expire(): void {
    const now = this.#clock.monotonicMs();
    for (const [topic, queues] of this.#byTopic) {
      for (const [queueId, waiting] of [...queues]) {
        const ends = (pull: HeldPull) => !pull.isAlive() || (now >= pull.deadlineMs && pull.retry(true));
        if (waiting.some((pull) => now >= pull.deadlineMs || !pull.isAlive())) {
          this.#retryAll(queues, queueId, waiting, ends);
        }
      }
      if (queues.size === 0) this.#byTopic.delete(topic);
    }
  }
}
