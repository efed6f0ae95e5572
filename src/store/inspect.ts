/**
 * Audits a store directory without changing a byte of it: walks the whole log once and holds units, index entries and
 * checkpoint against it. Every broken invariant is named with file and position (`inspect_findings.ts` lists them).
 *
 * The store must not be in use meanwhile; what a crash leaves behind is told apart from damage.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { type Disk, readWhole } from "../common/disk.ts";
import { ReadOnlyDisk } from "../common/disk_read_only.ts";
import { CorruptError, messageOf } from "../common/errors.ts";
import { parseJson } from "../protocol/json.ts";
import type { RecordView } from "../protocol/record.ts";
import { hasRecordCrc, isRecordCrcGood } from "../protocol/record_crc.ts";
import { Checkpoint } from "./checkpoint.ts";
import { indexKeys, isIndexed, isQueued, PropertyPlaces, TagsCodes } from "./dispatch.ts";
import { findForeignFiles } from "./foreign_files.ts";
import { Findings, type StoreReport } from "./inspect_findings.ts";
import { IndexAudit } from "./inspect_index.ts";
import { QueuesAudit } from "./inspect_queues.ts";
import { findMissingParts } from "./log_files_check.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import { openLogToRead } from "./read_only_log.ts";
import { isPlanned, repairWork } from "./repair_swap.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import { type StorePaths, storePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";
import { missingTables } from "./table_files.ts";
import { TopicEntry } from "./topic_entry.ts";

const SLICE_MS = 20;

/** What an audit needs. */
export interface InspectParts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Where the store is; sizes count where the files do not say. */
  readonly options: StoreOptions;
  /** The directory is a broker's: its tables belong to it. */
  readonly holdsTables?: boolean;
  /** Told now and then how many bytes of the log are done. */
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** Audits a store. @throws {DiskError} when files cannot be read. */
export async function inspectStore(parts: InspectParts): Promise<StoreReport> {
  return await new Inspection(parts).run();
}

/** One audit. */
class Inspection {
  readonly #parts: InspectParts;
  readonly #disk: Disk;
  readonly #paths: StorePaths;
  readonly #checkpoint: Checkpoint;
  readonly #findings = new Findings();
  readonly #isCrashed: boolean;
  readonly #topics = new Map<string, TopicEntry>();
  readonly #places = new PropertyPlaces();
  readonly #tagsCodes: TagsCodes;
  #lastTime = 0;

  constructor(parts: InspectParts) {
    this.#parts = parts;
    this.#disk = new ReadOnlyDisk(parts.disk);
    this.#paths = storePaths(parts.options);
    this.#checkpoint = new Checkpoint(this.#disk, this.#paths.checkpoint);
    this.#checkpoint.load();
    this.#isCrashed = this.#disk.stat(this.#paths.abort) !== null;
    this.#tagsCodes = new TagsCodes(parts.options.messageDelayLevel);
  }

  async run(): Promise<StoreReport> {
    const { report } = this.#findings;
    const foreign = findForeignFiles(this.#disk, this.#paths);
    for (const { path, reason } of foreign) this.#findings.add("lost", "store.understood", path, 0, reason);
    if (foreign.length > 0) return report;
    if (isPlanned(this.#disk, this.#paths)) {
      const detail = "a repair was interrupted; `rucola store repair` finishes it";
      this.#findings.add("derived", "store.repaired", repairWork(this.#paths), 0, detail);
    }
    if (this.#isCrashed) {
      const detail = "the last stop was not clean, or a broker runs; the next start recovers";
      this.#findings.add("note", "store.stopped", this.#paths.abort, 0, detail);
    }
    const segments = this.#loadLog();
    if (segments === null) return report;
    const topics = this.#checkConfig();
    const { dispatch } = this.#checkpoint;
    const queues = new QueuesAudit({
      disk: this.#disk,
      directory: this.#paths.consumequeue,
      fileSize: dispatch?.consumequeueFileSize ?? null,
      topics,
      unitsMayLackFrom: this.#isCrashed ? dispatch?.dispatchedOffset ?? 0 : Infinity,
      readLog: (into, offset) => readAcross(segments, into, offset),
      findings: this.#findings,
    });
    const index = this.#openIndex();
    report.minOffset = segments.first?.startOffset ?? 0;
    report.endOffset = await this.#walk(segments, queues, index);
    queues.finish(report.minOffset, report.endOffset);
    index?.finish(report.minOffset);
    this.#checkCheckpoint(segments, report.endOffset);
    if (this.#parts.holdsTables === true && report.records > 0) this.#missTables();
    return report;
  }

  #loadLog(): SegmentQueue | null {
    const { options } = this.#parts;
    const paths = this.#paths;
    const add = this.#findings.add.bind(this.#findings);
    try {
      for (const { path, sizeBytes, reason } of findMissingParts(this.#disk, paths, options)) {
        add("lost", "commitlog.files", path, sizeBytes, reason);
      }
      // A crash between making a file and giving it its size is nothing to worry about.
      const severity = this.#isCrashed ? "note" : "lost";
      return openLogToRead(
        this.#disk,
        { paths, options },
        (text) => add(severity, "commitlog.files", paths.root, 0, text),
      );
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      add("lost", "commitlog.files", error.path, error.position, error.reason);
      return null;
    }
  }

  #openIndex(): IndexAudit | null {
    if (this.#disk.stat(this.#paths.index) === null) return null;
    const { options } = this.#parts;
    const { dispatch } = this.#checkpoint;
    const isOurs = this.#isCrashed && dispatch !== null;
    return new IndexAudit({
      disk: this.#disk,
      directory: this.#paths.index,
      configured: { slotCount: options.maxHashSlotNum, entryCountMax: options.maxIndexNum },
      active: isOurs ? { name: dispatch.indexName, header: dispatch.indexHeader } : null,
      isCrashed: this.#isCrashed,
      entriesMayLackFrom: dispatch?.indexedOffset ?? (this.#isCrashed ? 0 : Infinity),
      findings: this.#findings,
    });
  }

  /** Walks over the log; returns where it ends. */
  async #walk(segments: SegmentQueue, queues: QueuesAudit, index: IndexAudit | null): Promise<number> {
    const start = segments.first?.startOffset ?? 0;
    const scanner = new LogScanner(segments, start, undefined, true);
    const pause = this.#pauser(segments, start);
    let end = start;
    for (;;) {
      const step = scanner.step();
      if (step === ScanStep.RECORD) {
        this.#record(scanner, queues, index);
        scanner.advance();
        end = scanner.position;
      } else if (step === ScanStep.FILL) {
        await scanner.fill();
        await pause(scanner.position);
      } else if (step === ScanStep.END || !(await this.#passDamage(scanner, segments, queues, step))) return end;
    }
  }

  /** At a place that is no record: reports it; false when the log ends there. */
  async #passDamage(
    scanner: LogScanner,
    segments: SegmentQueue,
    queues: QueuesAudit,
    step: ScanStep,
  ): Promise<boolean> {
    const from = scanner.position;
    const { path } = scanner;
    const position = from - (segments.find(from)?.startOffset ?? 0);
    const reason = step === ScanStep.BLANK ? "zeros" : scanner.problem;
    const goesOn = await this.#skip(scanner, queues);
    if (goesOn) {
      const detail = `${reason}; ${scanner.position - from} bytes up to offset ${scanner.position} hold no message`;
      this.#findings.add("lost", "commitlog.record", path, position, detail);
      return true;
    }
    const known = this.#checkpoint.dispatch?.dispatchedOffset ?? 0;
    if (from < known) {
      const detail = `${reason}; messages up to offset ${known} were here`;
      this.#findings.add("lost", "commitlog.record", path, position, detail);
    } else if (step === ScanStep.BAD) {
      const what = this.#isCrashed ? "a write that was cut short, or older bytes" : "bytes that belong to no record";
      this.#findings.add("note", "commitlog.end", path, position, `behind the end are ${what}: ${reason}`);
    }
    return false;
  }

  /** Goes to the next good record, if that is one which counts: behind the end, Java leaves records that were cut off. */
  async #skip(scanner: LogScanner, queues: QueuesAudit): Promise<boolean> {
    if (!(await scanner.skipToRecord(Infinity))) return false;
    if (scanner.position < (this.#checkpoint.dispatch?.dispatchedOffset ?? 0)) return true;
    let step = scanner.step();
    if (step === ScanStep.FILL) {
      await scanner.fill();
      step = scanner.step();
    }
    return step === ScanStep.RECORD && (this.#isCrashed || queues.leadsTo(scanner.view, scanner.position));
  }

  #record(scanner: LogScanner, queues: QueuesAudit, index: IndexAudit | null): void {
    const { view, position } = scanner;
    const places = this.#places;
    this.#findings.report.records++;
    this.#checkRecord(scanner);
    if (!isQueued(view.sysFlag) && !isIndexed(view.sysFlag)) return;
    const entry = this.#topicOf(view);
    places.scan(view.bytes, view.propertiesStart, view.propertiesEnd);
    if (isQueued(view.sysFlag)) queues.record(view, position, this.#tagsCodes.of(view, entry, places));
    if (index === null) return;
    const required: number[] = [];
    const optional: number[] = [];
    if (isIndexed(view.sysFlag)) {
      const { tagsStart } = places;
      indexKeys({ add: (hash) => optional.push(hash) }, entry, view.bytes, places, position, view.storeTimestamp);
      places.tagsStart = -1;
      indexKeys({ add: (hash) => required.push(hash) }, entry, view.bytes, places, position, view.storeTimestamp);
      places.tagsStart = tagsStart;
    }
    index.record(position, required, optional);
  }

  #checkRecord({ view, position, path }: LogScanner): void {
    if (hasRecordCrc(view.bytes, view.at, view.size) && !isRecordCrcGood(view.bytes, view.at, view.size)) {
      this.#findings.add(
        "lost",
        "commitlog.record-crc",
        path,
        position,
        `the message at offset ${position} was changed`,
      );
    }
    if (this.#parts.options.enabledAppendPropCRC && !hasRecordCrc(view.bytes, view.at, view.size)) {
      this.#findings.add("note", "commitlog.record-crc", path, position, `the message at offset ${position} has none`);
    }
    if (view.storeTimestamp < this.#lastTime - 1000) {
      const detail = `stored at ${view.storeTimestamp}, the one before it at ${this.#lastTime}: a clock went back`;
      this.#findings.add("note", "commitlog.time", path, position, detail);
    }
    this.#lastTime = view.storeTimestamp;
  }

  #topicOf(view: RecordView): TopicEntry {
    const name = utf8Text(view.bytes.subarray(view.topicStart, view.topicEnd));
    let entry = this.#topics.get(name);
    if (entry === undefined) this.#topics.set(name, entry = new TopicEntry(name));
    return entry;
  }

  /** Checks that every table can be read; returns the topics that exist, or null when nothing says. */
  #checkConfig(): ReadonlySet<string> | null {
    const directory = `${this.#paths.root}/config`;
    let topics: ReadonlySet<string> | null = null;
    for (const { name } of this.#disk.list(directory)) {
      if (!name.endsWith(".json")) continue;
      const path = `${directory}/${name}`;
      try {
        const table = parseJson(utf8Text(readWhole(this.#disk, path) ?? new Uint8Array(0)));
        if (name === "topics.json") topics = namesOf(table);
      } catch (error) {
        this.#findings.add("lost", "config.readable", path, 0, messageOf(error));
      }
    }
    return topics;
  }

  #missTables(): void {
    for (const { path, consequence } of missingTables(this.#disk, this.#paths.root)) {
      this.#findings.add("lost", "config.there", path, 0, `is missing: at the next start ${consequence}`);
    }
  }

  #checkCheckpoint(segments: SegmentQueue, end: number): void {
    const { dispatch } = this.#checkpoint;
    const { checkpoint: path } = this.#paths;
    if (segments.first === undefined) return;
    if (this.#disk.stat(path) === null) {
      this.#findings.add("derived", "checkpoint.agrees", path, 0, "is not there: the next start reads much");
    } else if (dispatch !== null && dispatch.dispatchedOffset > end) {
      const detail = `says that the log reaches ${dispatch.dispatchedOffset}, it ends at ${end}`;
      this.#findings.add("lost", "checkpoint.agrees", path, 112, detail);
    } else if (this.#checkpoint.isDamaged) {
      this.#findings.add("derived", "checkpoint.agrees", path, 64, "its CRC differs");
    }
  }

  #pauser(segments: SegmentQueue, start: number): (position: number) => Promise<void> {
    const { clock, onProgress } = this.#parts;
    const total = (segments.last?.endOffset ?? start) - start;
    let since = clock.monotonicMs();
    return async (position) => {
      if (clock.monotonicMs() - since < SLICE_MS) return;
      onProgress?.("check", position - start, total);
      await clock.sleep(0);
      since = clock.monotonicMs();
    };
  }
}

/** Reads bytes of the log, which may lie in the present file only. */
function readAcross(segments: SegmentQueue, into: Uint8Array, offset: number): number {
  const segment = segments.find(offset);
  if (segment === null || offset + into.length > segment.endOffset) return 0;
  return segment.read(into, offset - segment.startOffset);
}

function namesOf(table: ReturnType<typeof parseJson>): ReadonlySet<string> | null {
  if (table === null || typeof table !== "object" || Array.isArray(table)) return null;
  const topics = (table as Record<string, unknown>)["topicConfigTable"];
  return topics !== null && typeof topics === "object" ? new Set(Object.keys(topics)) : null;
}
