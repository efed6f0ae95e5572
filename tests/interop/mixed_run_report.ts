/**
 * The mixed run's books as text: what is wrong, and the table of figures.
 *
 * @module
 */
import type { Account, Ledger, Outage, Spread } from "./mixed_run_ledger.ts";

/** A delayed message may be this much before its time: RocketMQ's timers count in such steps. */
const EARLY_TOLERANCE_MS = 100;
const SHOWN = 5;

/** Everything that breaks the law of the books, each as a sentence about its first few messages; empty when all is well. */
export function findingsOf(ledger: Ledger): string[] {
  const ofAccounts = ledger.accounts(Date.now()).flatMap((account) => [
    ...finding(`${account.name}: acknowledged and not consumed`, account.missing),
    ...finding(`${account.name}: given though not its own`, account.wrong),
  ]);
  return [
    ...ofAccounts,
    ...finding("ordered messages out of order", ledger.orderFaults()),
    ...finding("times that two members of the orderly group worked on one queue", ledger.overlaps()),
    ...finding("delayed messages early", ledger.early(EARLY_TOLERANCE_MS)),
  ];
}

/** The figures, a line each. */
export function reportOf(ledger: Ledger, outages: readonly Outage[], events: readonly string[]): string[] {
  const unsure = Array.from(ledger.unsure, ([outcome, count]) => `${count} ${outcome}`).join(", ") || "none";
  const acknowledged = Array.from(ledger.sent.values()).filter((sent) => sent.outcome === "OK");
  return [
    `${acknowledged.length} messages acknowledged, ${ledger.deliveries} deliveries; sends without acknowledgement: ${unsure}`,
    ...events,
    row(["group", "acked", "consumed", "dead", "pending", "missing", "wrong", "unsure", "again", "copies", "retries"]),
    ...ledger.accounts(Date.now()).map((account) => row(columns(account))),
    ...["delayed", "timed"].flatMap((kind) => [
      `late, ${kind}: ${spreadText(ledger.lateness(kind, outages, "outside"))}`,
      `late, ${kind}, sent or due while the broker was away: ${spreadText(ledger.lateness(kind, outages, "inside"))}`,
    ]),
    ...["MixedAll", "MixedPop", "MixedOrderly"].map((group) =>
      `from producer to ${group}: ${spreadText(ledger.latency(group))}`
    ),
  ];
}

function columns(account: Account): (string | number)[] {
  return [
    account.name,
    account.acknowledged,
    account.consumed,
    account.deadLettered,
    account.pending,
    account.missing.length,
    account.wrong.length,
    account.unsureConsumed,
    account.again,
    account.copies,
    account.retries,
  ];
}

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, index) => index === 0 ? String(cell).padEnd(18) : String(cell).padStart(9)).join("");
}

function spreadText({ count, least, p50, p99, most }: Spread): string {
  return `${count} messages, least ${least}, p50 ${p50}, p99 ${p99}, most ${most} ms`;
}

function finding(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  return [`${items.length} ${what}: ${items.slice(0, SHOWN).join("; ")}${items.length > SHOWN ? " …" : ""}`];
}
