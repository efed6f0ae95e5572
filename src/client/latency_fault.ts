/**
 * Which brokers were slow or failed a moment ago, and for how long a producer had better avoid them.
 * Source: RocketMQ `MQFaultStrategy`, `LatencyFaultToleranceImpl`.
 *
 * @module
 */

/** After a send of at least `latencyMs` a broker is avoided for `avoidMs`. */
const AVOIDANCE: readonly (readonly [latencyMs: number, avoidMs: number])[] = [
  [15000, 30000],
  [5000, 10000],
  [3000, 6000],
  [1800, 5000],
  [550, 2000],
];

/** What a failed send counts as. */
const FAILED_LATENCY_MS = 10000;

/** For how long a broker is avoided after a send that took `latencyMs`. */
export function avoidanceMs(latencyMs: number): number {
  return AVOIDANCE.find(([from]) => latencyMs >= from)?.[1] ?? 0;
}

/** Remembers brokers by name; times are monotonic milliseconds. */
export class LatencyFault {
  readonly #availableAtMs = new Map<string, number>();

  /** A send took this long, or failed. */
  record(brokerName: string, latencyMs: number, failed: boolean, nowMs: number): void {
    const avoid = avoidanceMs(failed ? FAILED_LATENCY_MS : latencyMs);
    if (avoid > 0) this.#availableAtMs.set(brokerName, nowMs + avoid);
    else this.#availableAtMs.delete(brokerName);
  }

  /** Whether nothing speaks against a broker. */
  isAvailable(brokerName: string, nowMs: number): boolean {
    return (this.#availableAtMs.get(brokerName) ?? 0) <= nowMs;
  }
}
