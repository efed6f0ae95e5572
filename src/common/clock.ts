/**
 * Time, passed in. Everything that asks what time it is, waits or repeats takes a {@link Clock}, so that a test can own
 * time: with the simulated clock (`clock_sim.ts`) hours of protocol time pass in milliseconds.
 *
 * This file and `clock_sim.ts` alone touch `Date.now`, `performance.now` and timers.
 *
 * @module
 */

/** A pending call of a {@link Clock}; {@linkcode Timer.cancel} is idempotent. */
export interface Timer {
  /** Prevents every later call. */
  cancel(): void;
}

/** A source of time and of timers. */
export interface Clock {
  /** Wall clock time in milliseconds since the epoch, an integer; may step backward. */
  now(): number;
  /** Milliseconds since some fixed point, never going backward; has a fraction. */
  monotonicMs(): number;
  /** Calls `fn` once, `delayMs` from now; an exception thrown by `fn` is not caught. */
  after(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` every `periodMs`, the first time after one period. Calls never overlap: a late one delays the next. */
  every(periodMs: number, fn: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** {@linkcode Clock.sleep} in terms of {@linkcode Clock.after}; shared by all implementations. */
export function sleepOn(clock: Pick<Clock, "after">, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** The machine's clock. */
export class SystemClock implements Clock {
  /** @inheritdoc */
  now(): number {
    return Date.now();
  }

  /** @inheritdoc */
  monotonicMs(): number {
    return performance.now();
  }

  /** @inheritdoc */
  after(delayMs: number, fn: () => void): Timer {
    const id = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(id) };
  }

  /** @inheritdoc */
  every(periodMs: number, fn: () => void): Timer {
    const id = setInterval(fn, periodMs);
    return { cancel: () => clearInterval(id) };
  }

  /** @inheritdoc */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}
