/**
 * How much is thrown, and which: the same in each run of the tests, so that a change is judged by its own merits, and another
 * seed in each longer run (`FUZZ_COUNT=1000000 deno task fuzz`). `FUZZ_SEED` repeats what a failure prints.
 *
 * @module
 */
const count = Deno.env.get("FUZZ_COUNT");
const seed = Deno.env.get("FUZZ_SEED");

/** The seed of this run. */
export const FUZZ_SEED: number = seed !== undefined
  ? Number(seed)
  : count === undefined
  ? 1
  : crypto.getRandomValues(new Uint32Array(1))[0]!;

/** The number of inputs asked for, or `byDefault`. */
export function fuzzCount(byDefault: number): number {
  return Number(count ?? byDefault);
}
