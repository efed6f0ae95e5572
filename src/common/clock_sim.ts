/**
 * Virtual time. A {@link SimClock} stands still until its driver (a test, or `tests/support/world.ts`) moves it; then it
 * jumps from timer to timer, so that hours pass in milliseconds and a run is the same every time.
 *
 * Between two timers everything that the first one set off settles: promise chains of any length, because a whole turn
 * of the real event loop goes by, and real asynchronous work (digests, compression) that was handed to
 * {@linkcode SimClock.track}. Simulated disks and networks complete through promises and timers of the same clock only.
 *
 * Invariants: timers run in order of their time, those of equal time in the order in which they were made; nothing runs
 * earlier than asked for; monotonic time never goes backward, wall time does when {@linkcode SimClock.jumpWall} says so.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Clock, sleepOn, type Timer } from "./clock.ts";
import { invariant } from "./errors.ts";
import { TimerHeap } from "./timer_heap.ts";

/** Timers that may run at one instant before it is taken for an endless loop of zero delays. */
const TIMERS_PER_INSTANT_MAX = 1_000_000;

/** One turn of the real event loop: all promise reactions that are due now, and those they set off, run before it ends. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A clock that its driver moves. */
export class SimClock implements Clock {
  readonly #timers = new TimerHeap();
  readonly #tracked = new Set<Promise<unknown>>();
  #elapsedMs = 0;
  #wallAtZeroMs: number;
  #driven = false;
  #timersThisInstant = 0;

  /** @param wallStartMs wall time at the beginning, milliseconds since the epoch; 2024-01-01T00:00Z by default. */
  constructor(wallStartMs = 1_704_067_200_000) {
    this.#wallAtZeroMs = wallStartMs;
  }

  /** @inheritdoc */
  now(): number {
    return Math.floor(this.#wallAtZeroMs + this.#elapsedMs);
  }

  /** @inheritdoc */
  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** @inheritdoc */
  after(delayMs: number, fn: () => void): Timer {
    return this.#timers.add(this.#elapsedMs + (delayMs > 0 ? delayMs : 0), fn);
  }

  /** @inheritdoc */
  every(periodMs: number, fn: () => void): Timer {
    // As the platform's intervals: a period below a millisecond is one.
    const period = periodMs >= 1 ? periodMs : 1;
    let cancelled = false;
    const call = () => {
      // The next call is arranged first, so that it comes also when this one throws, and `fn` may cancel it.
      timer = this.after(period, call);
      fn();
      if (cancelled) timer.cancel();
    };
    let timer = this.after(period, call);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** @inheritdoc */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Timers that are waiting. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Monotonic time of the next timer, or null when none is waiting. */
  get nextTimerMs(): number | null {
    return this.#timers.peek()?.atMs ?? null;
  }

  /** Sets the wall clock forward or (negative) backward; monotonic time and timers do not notice. */
  jumpWall(byMs: number): void {
    this.#wallAtZeroMs += byMs;
  }

  /** Keeps time from moving until `promise`, which stands for real asynchronous work, has settled; returns it. */
  track<T>(promise: Promise<T>): Promise<T> {
    this.#tracked.add(promise);
    const done = () => void this.#tracked.delete(promise);
    promise.then(done, done);
    return promise;
  }

  /** Resolves when nothing is left to run at this instant except timers; time does not move. */
  async settle(): Promise<void> {
    do {
      await Promise.allSettled(this.#tracked);
      await eventLoopTurn();
    } while (this.#tracked.size > 0);
  }

  /**
   * Moves time by `byMs`, running what becomes due.
   *
   * @throws whatever a timer's function threw; time then stands where it was called.
   */
  advance(byMs: number): Promise<void> {
    return this.#drive(async () => {
      const endMs = this.#elapsedMs + byMs;
      await this.settle();
      for (let nextMs = this.nextTimerMs; nextMs !== null && nextMs <= endMs; nextMs = this.nextTimerMs) {
        await this.#runNextTimer();
      }
      this.#moveTo(endMs);
    });
  }

  /**
   * Moves time until `condition` holds, and not beyond. It is asked at the beginning and after every timer.
   *
   * @param what is named by the error: what was waited for.
   * @throws {Error} when it does not hold within `limitMs` of virtual time.
   */
  runUntil(condition: () => boolean, limitMs: number, what = "the condition"): Promise<void> {
    return this.#drive(async () => {
      const startMs = this.#elapsedMs;
      await this.settle();
      while (!condition()) {
        const nextMs = this.nextTimerMs;
        if (nextMs === null || nextMs > startMs + limitMs) {
          this.#moveTo(startMs + limitMs);
          if (condition()) return;
          const timers = nextMs === null
            ? "no timer is waiting: nothing can make it happen"
            : `the next timer is due at ${nextMs} ms, ${this.pendingTimers} are waiting`;
          throw new Error(
            `Waited ${limitMs} ms of virtual time for ${what} (from ${startMs} to ${this.#elapsedMs} ms); ${timers}`,
          );
        }
        await this.#runNextTimer();
      }
    });
  }

  /** Moves to the next timer, runs it and lets everything settle; false, without moving, when no timer is waiting. */
  step(): Promise<boolean> {
    return this.#drive(async () => {
      await this.settle();
      if (this.nextTimerMs === null) return false;
      await this.#runNextTimer();
      return true;
    });
  }

  /** Only one driver at a time, or each would let time pass under the other. */
  async #drive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#driven) {
      throw new Error("Virtual time is being moved already: wait with `await clock.sleep(ms)` instead of moving it");
    }
    this.#driven = true;
    try {
      return await work();
    } finally {
      this.#driven = false;
    }
  }

  async #runNextTimer(): Promise<void> {
    const timer = this.#timers.pop();
    invariant(timer !== null, "a timer is waiting");
    this.#moveTo(timer.atMs);
    if (++this.#timersThisInstant > TIMERS_PER_INSTANT_MAX) {
      throw new Error(`${TIMERS_PER_INSTANT_MAX} timers ran at ${this.#elapsedMs} ms: something waits 0 ms in a loop`);
    }
    timer.fn();
    await this.settle();
  }

  #moveTo(elapsedMs: number): void {
    if (elapsedMs <= this.#elapsedMs) return;
    this.#elapsedMs = elapsedMs;
    this.#timersThisInstant = 0;
  }
}
