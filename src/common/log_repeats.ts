/**
 * Keeps one fault from filling a disk: of like lines in ten seconds only the first few are passed on, the rest is counted and
 * told in one line with the first record that comes after the ten seconds, or at the end.
 *
 * Lines are alike when log, level and text are the same; for warnings and errors numbers in the text may differ.
 *
 * @module
 */
import type { LogRecord } from "./logger.ts";

const WINDOW_MS = 10_000;
/** Kinds of lines told apart at a time; beyond that the oldest is forgotten. */
const MAX_KINDS = 1000;

interface Kind {
  readonly sinceMs: number;
  passed: number;
  heldBack: number;
  last: LogRecord;
}

/** Passes records on, but not too many that are alike. */
export class RepeatFilter {
  /** In the order of their beginning, so that those whose time is over stand first. */
  readonly #kinds = new Map<string, Kind>();

  constructor(readonly limit: number, readonly pass: (record: LogRecord) => void) {}

  /** Passes the record on or counts it; before that, tells of kinds whose ten seconds are over. */
  take(record: LogRecord): void {
    this.#summarizeUntil(record.timeMs - WINDOW_MS, record.timeMs);
    const key = kindOf(record);
    const kind = this.#kinds.get(key);
    if (kind === undefined) {
      if (this.#kinds.size >= MAX_KINDS) this.#forgetOldest(record.timeMs);
      this.#kinds.set(key, { sinceMs: record.timeMs, passed: 1, heldBack: 0, last: record });
    } else if (kind.passed >= this.limit) {
      kind.heldBack++;
      kind.last = record;
      return;
    } else {
      kind.passed++;
    }
    this.pass(record);
  }

  /** Tells of everything held back, and forgets it. */
  summarizeAll(nowMs: number): void {
    this.#summarizeUntil(Infinity, nowMs);
  }

  #summarizeUntil(sinceMs: number, nowMs: number): void {
    for (const [key, kind] of this.#kinds) {
      // A clock set backward must not keep a kind closed for long.
      if (kind.sinceMs > sinceMs && kind.sinceMs <= nowMs) return;
      this.#kinds.delete(key);
      this.#summarize(kind, nowMs);
    }
  }

  #forgetOldest(nowMs: number): void {
    for (const [key, kind] of this.#kinds) {
      this.#kinds.delete(key);
      this.#summarize(kind, nowMs);
      return;
    }
  }

  #summarize(kind: Kind, nowMs: number): void {
    if (kind.heldBack === 0) return;
    const seconds = Math.max(1, Math.round((kind.last.timeMs - kind.sinceMs) / 1000));
    const text = `${kind.last.text} [and ${kind.heldBack} more like this within ${seconds} s]`;
    this.pass({ ...kind.last, timeMs: nowMs, text });
  }
}

function kindOf(record: LogRecord): string {
  const isFault = record.level === "WARN" || record.level === "ERROR";
  const text = isFault ? record.text.replace(/\d+/g, "0") : record.text;
  return `${record.log} ${record.level} ${text}`;
}
