/**
 * Percentiles of measured values.
 *
 * @module
 */

/**
 * The smallest value that at least the share `p` of all is not above (nearest rank).
 *
 * @param p in (0, 1]. @throws {RangeError} without values.
 */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(p * sorted.length))) - 1]!;
}
