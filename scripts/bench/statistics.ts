/**
 * Medians and spreads of repeated measurements.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";

/** All measurements of one scenario on one platform. */
export interface Series {
  readonly scenario: string;
  readonly platform: string;
  readonly runs: readonly Measurement[];
}

/** Median of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** `median (least–greatest)`, with so many digits behind the point; `–` of nothing. */
export function spread(values: readonly (number | null | undefined)[], digits: number): string {
  const known = values.filter((value): value is number => value !== null && value !== undefined);
  if (known.length === 0) return "–";
  const text = (value: number) => groupDigits(value.toFixed(digits));
  if (known.length === 1) return text(median(known));
  return `${text(median(known))} (${text(Math.min(...known))}–${text(Math.max(...known))})`;
}

/** Thousands separated by commas. */
function groupDigits(number: string): string {
  const [whole = "", fraction] = number.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
