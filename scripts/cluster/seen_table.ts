/**
 * What clients saw, as a Markdown table for people.
 *
 * @module
 */
import type { Seen } from "./client_record.ts";

const COLUMNS: readonly { readonly name: string; text(seen: Seen): string }[] = [
  { name: "sends", text: ({ sends }) => `${sends}` },
  { name: "failed", text: ({ failed }) => countsText(failed) },
  { name: "not SEND_OK", text: ({ warned }) => countsText(warned) },
  { name: "no send for, s", text: ({ longestSendPauseMs }) => secondsText(longestSendPauseMs) },
  { name: "slowest send, s", text: ({ slowestSendMs }) => secondsText(slowestSendMs) },
  { name: "nothing received for, s", text: ({ longestReceivePauseMs }) => secondsText(longestReceivePauseMs) },
  { name: "twice", text: ({ duplicates }) => `${duplicates}` },
  { name: "missing", text: ({ missing }) => `${missing}` },
];

/** What clients saw under some labels. */
export interface SeenRow {
  /** As many as the table has in its head. */
  readonly labels: readonly string[];
  readonly seen: Seen;
}

/** The table. @param labels names of the first columns. */
export function seenTable(labels: readonly string[], rows: readonly SeenRow[]): string {
  const head = [...labels, ...COLUMNS.map(({ name }) => name)];
  const cells = rows.map((row) => [...row.labels, ...COLUMNS.map(({ text }) => text(row.seen))]);
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** For `JSON.stringify`: maps as objects. */
export function plain(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ") || "0";
}

function secondsText(ms: number): string {
  return (ms / 1000).toFixed(1);
}
