/**
 * A limit on the bytes that a master sends to all its slaves in a second (`haFlowControlEnable`,
 * `maxHaTransferByteInSecond`), and the figure of how many they were.
 *
 * RocketMQ counterpart: `FlowMonitor`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";

const SECOND_MS = 1000;

/** Bytes in the second under way, and in the one before it. */
export class HaFlow {
  readonly #clock: Clock;
  readonly #limit: number;
  #secondStart = 0;
  #bytes = 0;
  #lastBytes = 0;

  /** @param limit bytes in a second; Infinity for none. */
  constructor(clock: Clock, limit = Infinity) {
    this.#clock = clock;
    this.#limit = limit;
    this.#secondStart = clock.monotonicMs();
  }

  /** Bytes of the last whole second. */
  get bytesInSecond(): number {
    this.#turnOver();
    return this.#lastBytes;
  }

  /** How many of `wanted` bytes may be sent now; 0 when the second is used up. */
  allowed(wanted: number): number {
    if (this.#limit === Infinity) return wanted;
    this.#turnOver();
    return Math.max(0, Math.min(wanted, this.#limit - this.#bytes));
  }

  /** So many bytes were sent. */
  sent(count: number): void {
    this.#turnOver();
    this.#bytes += count;
  }

  /** Milliseconds until the next second begins. */
  nextSecondMs(): number {
    return Math.max(1, this.#secondStart + SECOND_MS - this.#clock.monotonicMs());
  }

  #turnOver(): void {
    const elapsed = this.#clock.monotonicMs() - this.#secondStart;
    if (elapsed < SECOND_MS) return;
    this.#lastBytes = elapsed < 2 * SECOND_MS ? this.#bytes : 0;
    this.#bytes = 0;
    this.#secondStart += Math.floor(elapsed / SECOND_MS) * SECOND_MS;
  }
}
