/**
 * What an audit of a store says.
 *
 * @module
 */

/**
 * How bad a finding is. `lost`: messages are damaged or gone. `derived`: a file that can be made again from the log is
 * wrong. `note`: not as it could be, but as it may be, e.g. after a crash.
 */
export type Severity = "lost" | "derived" | "note";

/** Everything that an audit checks, by name. */
export const INVARIANTS = {
  "store.understood": "no file of an engine that we do not have",
  "store.stopped": "the last stop was clean",
  "store.repaired": "no repair is half done",
  "checkpoint.agrees": "the checkpoint names a place at which a record ends",
  "config.there": "a store with messages has its broker's tables",
  "config.readable": "the tables in config are JSON",
  "commitlog.files": "files have one size and follow each other without a gap",
  "commitlog.record": "every stretch up to the end is a record or a filler, with the right place, sizes and CRC",
  "commitlog.record-crc": "a CRC over a whole record, where there is one, is that of its bytes",
  "commitlog.end": "nothing lies behind the end",
  "commitlog.time": "store times do not go back",
  "consumequeue.files": "files have one size and follow each other without a gap",
  "consumequeue.record-has-unit": "every queued record has its unit at its queue offset",
  "consumequeue.unit-has-record": "every unit leads to the record of its queue and offset",
  "consumequeue.tags-code": "a unit carries the code of its record's tag",
  "consumequeue.prefix": "used units are a prefix, and their places ascend",
  "index.files": "files have a layout that can be understood, and headers that fit to it",
  "index.chains": "slots lead to their newest entry and every entry to an older one of its slot",
  "index.entry-has-record": "every entry leads to a record that has a key with its hash",
  "index.record-has-entries": "every key of a record has an entry",
} as const;

/** The name of an invariant. */
export type Invariant = keyof typeof INVARIANTS;

/** One broken invariant. */
export interface Finding {
  readonly severity: Severity;
  readonly invariant: Invariant;
  readonly path: string;
  /** Byte position in the file. */
  readonly position: number;
  /** What was found and what was expected. */
  readonly detail: string;
}

/** What an audit came to. */
export interface StoreReport {
  /** Physical offsets between which the log was read. */
  minOffset: number;
  endOffset: number;
  records: number;
  queues: number;
  units: number;
  indexFiles: number;
  indexEntries: number;
  /** Findings by severity, those beyond the limit counted too. */
  readonly counts: Record<Severity, number>;
  /** The first of them. */
  readonly findings: Finding[];
}

/** Findings of one invariant that are kept; the rest is counted. */
const KEPT_OF_EACH = 100;

/** Collects what the parts of an audit find. */
export class Findings {
  readonly report: StoreReport = {
    minOffset: 0,
    endOffset: 0,
    records: 0,
    queues: 0,
    units: 0,
    indexFiles: 0,
    indexEntries: 0,
    counts: { lost: 0, derived: 0, note: 0 },
    findings: [],
  };
  readonly #kept = new Map<Invariant, number>();

  /** Adds a finding. */
  add(severity: Severity, invariant: Invariant, path: string, position: number, detail: string): void {
    this.report.counts[severity]++;
    const kept = this.#kept.get(invariant) ?? 0;
    if (kept >= KEPT_OF_EACH) return;
    this.#kept.set(invariant, kept + 1);
    this.report.findings.push({ severity, invariant, path, position, detail });
  }
}
