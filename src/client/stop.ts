/**
 * Waiting that ends at once when its owner stops, so that nothing outlives a shutdown.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";

/** One owner's waits. After {@linkcode Stop.stop} every wait, present and future, ends at once. */
export class Stop {
  readonly #clock: Clock;
  readonly #waits = new Set<() => void>();
  #stopped = false;

  /** @param clock what waits are measured by. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the owner has stopped. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Resolves after `delayMs`, or when stopped. */
  sleep(delayMs: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = () => {
        timer?.cancel();
        this.#waits.delete(end);
        resolve();
      };
      this.#waits.add(end);
      timer = this.#clock.after(delayMs, end);
    });
  }

  /** Ends all waits. Idempotent. */
  stop(): void {
    this.#stopped = true;
    for (const end of [...this.#waits]) end();
  }
}
