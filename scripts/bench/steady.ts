/**
 * When warming up is over. A JVM optimizes its code in steps, between which its rate stays the same or falls: to stop at the
 * first that does would measure it half warm, and flatter whoever is compared with it.
 *
 * @module
 */

/** What counts as faster. */
const FASTER_SHARE = 0.05;

/** Whether the last `count` of some rates, in the order of time, were not faster than the best before them. */
export function isSteady(rates: readonly number[], count: number): boolean {
  const before = rates.slice(0, -count);
  return before.length > 0 && Math.max(...rates.slice(-count)) <= Math.max(...before) * (1 + FASTER_SHARE);
}
