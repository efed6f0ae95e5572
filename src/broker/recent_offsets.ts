/**
 * The offsets that were added last, in two generations of which the older is forgotten as a whole. (A set from which the
 * oldest is taken one by one has to step over all that were taken before: several microseconds for each.)
 *
 * @module
 */

/** Remembers the last offsets: at least as many as told, at most twice as many. */
export class RecentOffsets {
  readonly #min: number;
  #newer = new Set<number>();
  #older = new Set<number>();

  /** @param min how many offsets are remembered at least. */
  constructor(min: number) {
    this.#min = min;
  }

  /** Remembers an offset. */
  add(offset: number): void {
    if (this.#newer.size >= this.#min) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(offset);
  }

  /** Whether it was added lately. */
  has(offset: number): boolean {
    return this.#newer.has(offset) || this.#older.has(offset);
  }

  /** Forgets everything. */
  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
