/**
 * How long the event loop was held up: a timer says so that fires late. While there is work it fires every few
 * milliseconds, else once a second, so that a broker which idles stays idle.
 *
 * A loop may be late because it worked in one stretch, or because the machine gave the process no time. The two are told
 * apart by the process's own CPU time: of a pause of ours, at least half was spent on a processor.
 *
 * RocketMQ counterpart: none.
 *
 * @module
 */
import type { Clock, Timer } from "./clock.ts";

/** Time between two looks while there is work, and while there is none. */
const BUSY_MS = 5;
const IDLE_MS = 1000;
/** A pause of this length is counted. */
const PAUSE_MS = 20;
/** Of a pause of ours, at least this share is CPU time of the process. */
const OWN_SHARE = 0.5;
const MINUTE_MS = 60_000;

/** What the watch needs. */
export interface LoopWatchParts {
  readonly clock: Clock;
  /** CPU time of the process so far, milliseconds. */
  readonly cpuMs: () => number;
  /** A number that changes when there is work. */
  readonly activity: () => number;
}

/** Pauses so far. All times in milliseconds, rounded to the resolution of timers. */
export interface LoopPauses {
  /** Of 20 ms and more, with work of ours in them. */
  readonly count: number;
  readonly longestMs: number;
  /** In this minute or the one before it. */
  readonly longestLatelyMs: number;
  /** Of 20 ms and more in which the process had less than half of the time. */
  readonly starvedCount: number;
  readonly longestStarvedMs: number;
}

/** Watches an event loop from {@linkcode start} to {@linkcode stop}. */
export class LoopWatch {
  readonly #parts: LoopWatchParts;
  #timer: Timer | null = null;
  #count = 0;
  #longestMs = 0;
  #starvedCount = 0;
  #longestStarvedMs = 0;
  /** The longest of this minute and of the one before. */
  #minutes: [number, number] = [0, 0];
  #minute = 0;

  /** {@linkcode start} begins. */
  constructor(parts: LoopWatchParts) {
    this.#parts = parts;
  }

  /** Begins to look. */
  start(): void {
    this.#lookIn(IDLE_MS);
  }

  /** Looks no more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** What was seen so far. */
  pauses(): LoopPauses {
    this.#turnMinute();
    return {
      count: this.#count,
      longestMs: Math.round(this.#longestMs),
      longestLatelyMs: Math.round(Math.max(...this.#minutes)),
      starvedCount: this.#starvedCount,
      longestStarvedMs: Math.round(this.#longestStarvedMs),
    };
  }

  #lookIn(periodMs: number): void {
    const { clock, cpuMs, activity } = this.#parts;
    const dueMs = clock.monotonicMs() + periodMs;
    const cpuBeforeMs = cpuMs();
    const activityBefore = activity();
    this.#timer = clock.after(periodMs, () => {
      const lateMs = clock.monotonicMs() - dueMs;
      // What was used before the timer was due counts for nobody; a busy loop's period is short.
      const ownMs = cpuMs() - cpuBeforeMs;
      this.#note(lateMs, ownMs >= OWN_SHARE * lateMs);
      this.#lookIn(activity() === activityBefore ? IDLE_MS : BUSY_MS);
    });
  }

  #note(lateMs: number, isOurs: boolean): void {
    if (lateMs < PAUSE_MS) {
      if (lateMs > this.#longestMs) this.#longestMs = lateMs;
      return;
    }
    if (!isOurs) {
      this.#starvedCount++;
      this.#longestStarvedMs = Math.max(this.#longestStarvedMs, lateMs);
      return;
    }
    this.#turnMinute();
    this.#count++;
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    this.#minutes[0] = Math.max(this.#minutes[0], lateMs);
  }

  #turnMinute(): void {
    const minute = Math.floor(this.#parts.clock.monotonicMs() / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#minutes = [0, minute === this.#minute + 1 ? this.#minutes[0] : 0];
    this.#minute = minute;
  }
}
