/**
 * How long storing a message took, in the steps in which RocketMQ tells it. RocketMQ counterpart: `StoreStatsService`.
 *
 * @module
 */

/** Upper ends of the steps, milliseconds, and what RocketMQ calls them. */
const STEPS: readonly (readonly [number, string])[] = [
  [0, "[<=0ms]"],
  [10, "[0~10ms]"],
  [50, "[10~50ms]"],
  [100, "[50~100ms]"],
  [200, "[100~200ms]"],
  [500, "[200~500ms]"],
  [1000, "[500ms~1s]"],
  [2000, "[1~2s]"],
  [3000, "[2~3s]"],
  [4000, "[3~4s]"],
  [5000, "[4~5s]"],
  [10_000, "[5~10s]"],
  [Infinity, "[10s~]"],
];

/** A histogram of whole milliseconds. */
export class PutLatency {
  /** Longest time so far, milliseconds. */
  maxMs = 0;
  /** Attempts that failed. */
  failed = 0;
  readonly #counts: number[] = STEPS.map(() => 0);

  /** Counts a time. */
  add(ms: number): void {
    if (ms > this.maxMs) this.maxMs = ms;
    let step = 0;
    while (ms > STEPS[step]![0]) step++;
    this.#counts[step]!++;
  }

  /** The time, milliseconds, within which `share` (0–1) of all were done, as exactly as the steps allow. */
  within(share: number): number {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [step, count] of this.#counts.entries()) {
      seen += count;
      if (seen > 0 && seen >= total * share) return Math.min(STEPS[step]![0], this.maxMs);
    }
    return 0;
  }

  /** All steps with their counts, as RocketMQ writes them. */
  text(): string {
    return STEPS.map(([, name], step) => `${name}:${this.#counts[step]}`).join(" ");
  }
}
