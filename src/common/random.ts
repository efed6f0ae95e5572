/**
 * Randomness, passed in, so that a run can be repeated from its seed.
 *
 * @module
 */

/** A source of random numbers; not for secrets. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [0, bound), `bound` at most 2^32. */
  int(bound: number): number;
}

/** Numbers from the platform's generator. */
export class SystemRandom implements Random {
  /** @inheritdoc */
  next(): number {
    return Math.random();
  }

  /** @inheritdoc */
  int(bound: number): number {
    return Math.floor(Math.random() * bound);
  }
}

/** A text that nobody can guess. */
export function secretText(): string {
  return crypto.randomUUID();
}

/** The same numbers for the same seed (mulberry32). */
export class SeededRandom implements Random {
  #state: number;

  /** @param seed any integer; only its low 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @inheritdoc */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** @inheritdoc */
  int(bound: number): number {
    return Math.floor(this.next() * bound);
  }
}
