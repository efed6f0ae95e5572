/**
 * The part of an audit that compares consumequeues with the log: while the log is walked, each record looks for its unit;
 * afterwards each queue's units are counted, and only where there are more of them than records is each one followed.
 *
 * Memory: a few numbers for each queue and one window of units for those that were used last.
 *
 * @module
 */
import { getI32, getI64, utf8Text } from "../common/bytes.ts";
import type { Disk } from "../common/disk.ts";
import { CorruptError } from "../common/errors.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import { BLANK_UNIT_SIZE, UNIT_SIZE } from "./consumequeue.ts";
import type { Findings, Severity } from "./inspect_findings.ts";
import { OpenFiles } from "./open_files.ts";
import { SegmentQueue } from "./segment_queue.ts";

const OPEN_FILES_MAX = 256;
const WINDOWS_MAX = 2048;
const WINDOW_UNITS = 200;
/** Units of a queue that are read at once when all are looked at. */
const BULK_UNITS = 50_000;
const SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX";

/** One queue under audit. */
class QueueAudit {
  /** Records whose unit was found. */
  matched = 0;
  window: Uint8Array | null = null;
  windowStart = 0;

  constructor(readonly topic: string, readonly queueId: number, readonly segments: SegmentQueue) {}
}

/** What the audit of queues needs. */
export interface QueueAuditParts {
  readonly disk: Disk;
  readonly directory: string;
  /** Size of a queue's file where that is certain, else null. */
  readonly fileSize: number | null;
  /** Topics that exist, or null where nobody says. */
  readonly topics: ReadonlySet<string> | null;
  /** Records from here on may lack units: recovery makes them. */
  readonly unitsMayLackFrom: number;
  /** Copies bytes of the log; returns how many there were. */
  readonly readLog: (into: Uint8Array, physicalOffset: number) => number;
  readonly findings: Findings;
}

/** Audits all queues of a store. */
export class QueuesAudit {
  readonly #parts: QueueAuditParts;
  readonly #queues = new Map<string, Map<number, QueueAudit>>();
  readonly #windows = new Set<QueueAudit>();
  readonly #unknown = new Set<string>();
  readonly #view = new RecordView();
  #late = 0;
  #behind = 0;

  constructor(parts: QueueAuditParts) {
    this.#parts = parts;
    const files = new OpenFiles(parts.disk, OPEN_FILES_MAX);
    for (const topic of parts.disk.list(parts.directory)) {
      if (topic.isDirectory) this.#list(topic.name, files);
    }
  }

  #list(topic: string, files: OpenFiles): void {
    const { disk, directory, fileSize, findings } = this.#parts;
    const queues = new Map<number, QueueAudit>();
    for (const { name, isDirectory } of disk.list(`${directory}/${topic}`)) {
      if (!isDirectory || !/^\d{1,10}$/.test(name)) continue;
      const path = `${directory}/${topic}/${name}`;
      const segments = new SegmentQueue({
        disk,
        files,
        directories: [path],
        sizeBytes: fileSize ?? 0,
        sizeIsCertain: fileSize !== null,
        isReadOnly: true,
        warn: (text) => findings.add("derived", "consumequeue.files", path, 0, text),
      });
      try {
        segments.load();
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        findings.add("derived", "consumequeue.files", error.path, error.position, error.reason);
      }
      queues.set(Number(name), new QueueAudit(topic, Number(name), segments));
      findings.report.queues++;
    }
    this.#queues.set(topic, queues);
  }

  /** Whether the record's unit leads to it. */
  leadsTo(view: RecordView, physicalOffset: number): boolean {
    const queue = this.#queueOf(view);
    const unit = queue === undefined ? null : this.#unit(queue, view.queueOffset);
    return unit !== null && readOffset(unit) === physicalOffset && getI32(unit, 8) === view.size;
  }

  /** Checks a queued record's unit. @param tagsCode of its tag. */
  record(view: RecordView, physicalOffset: number, tagsCode: number): void {
    const queue = this.#queueOf(view);
    if (queue === undefined) return this.#noQueue(view, physicalOffset);
    const unit = this.#unit(queue, view.queueOffset);
    const size = unit === null ? 0 : getI32(unit, 8);
    if (unit === null || size === 0) return this.#noUnit(queue, view, physicalOffset);
    if (size === view.size && readOffset(unit) === physicalOffset) {
      queue.matched++;
      const code = getI64OrNull(unit, 12);
      if (code !== tagsCode && queue.topic !== SCHEDULE_TOPIC) {
        this.#add("derived", "consumequeue.tags-code", queue, view.queueOffset, `${code}, expected ${tagsCode}`);
      }
    } else if (!this.#isOfLaterTopic(queue, unit, view.queueOffset, physicalOffset)) {
      const found = `leads to ${
        readOffset(unit)
      } (${size} bytes), its record is at ${physicalOffset} (${view.size} bytes)`;
      this.#add("derived", "consumequeue.record-has-unit", queue, view.queueOffset, found);
    }
  }

  /** Checks all units once the whole log was walked up to `endOffset`. */
  finish(minOffset: number, endOffset: number): void {
    const { findings, directory } = this.#parts;
    if (this.#late > 0) {
      const detail = `${this.#late} records have no unit yet; the next start makes them`;
      findings.add("note", "consumequeue.record-has-unit", directory, 0, detail);
    }
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) this.#finishQueue(queue, minOffset, endOffset);
    }
    if (this.#behind > 0) {
      const detail = `${this.#behind} units lead behind the log's end at ${endOffset}; the next start drops them`;
      findings.add("note", "consumequeue.unit-has-record", directory, 0, detail);
    }
  }

  #finishQueue(queue: QueueAudit, minOffset: number, endOffset: number): void {
    let led = 0;
    let before = -1;
    let ended = -1;
    this.#eachUnit(queue, (offset, at, size) => {
      if (size === 0) {
        if (ended < 0) ended = offset;
        return;
      }
      if (ended >= 0) {
        this.#add("derived", "consumequeue.prefix", queue, offset, `is used, and unit ${ended} is not`);
        ended = -1;
      }
      this.#parts.findings.report.units++;
      if (size === BLANK_UNIT_SIZE || at < minOffset) return;
      if (at <= before) {
        this.#add("derived", "consumequeue.prefix", queue, offset, `leads to ${at}, the one before it to ${before}`);
      }
      before = at;
      led++;
    });
    if (led > queue.matched) this.#follow(queue, minOffset, endOffset);
  }

  /** Looks at the record of every unit. */
  #follow(queue: QueueAudit, minOffset: number, endOffset: number): void {
    this.#eachUnit(queue, (offset, at, size) => {
      if (size === 0 || size === BLANK_UNIT_SIZE || at < minOffset) return;
      if (at >= 0 && at + size <= endOffset && this.#isRecordOf(queue, at, size, offset)) return;
      if (at >= endOffset && this.#parts.unitsMayLackFrom < Infinity) {
        this.#behind++;
        return;
      }
      const what = at + size > endOffset || at < 0
        ? `leads to ${at}, behind the log's end at ${endOffset}`
        : `leads to ${at}, where no such message is`;
      this.#add("derived", "consumequeue.unit-has-record", queue, offset, what);
    });
  }

  #eachUnit(queue: QueueAudit, fn: (offset: number, physicalOffset: number, size: number) => void): void {
    for (const segment of queue.segments.segments) {
      for (let from = 0; from < segment.sizeBytes; from += BULK_UNITS * UNIT_SIZE) {
        const bytes = new Uint8Array(Math.min(BULK_UNITS * UNIT_SIZE, segment.sizeBytes - from));
        const count = segment.read(bytes, from);
        if (isZero(bytes)) {
          fn((segment.startOffset + from) / UNIT_SIZE, 0, 0);
          continue;
        }
        for (let at = 0; at + UNIT_SIZE <= count; at += UNIT_SIZE) {
          const unit = bytes.subarray(at, at + UNIT_SIZE);
          fn((segment.startOffset + from + at) / UNIT_SIZE, readOffset(unit), getI32(unit, 8));
        }
      }
    }
  }

  #queueOf(view: RecordView): QueueAudit | undefined {
    return this.#queues.get(topicOf(view))?.get(view.queueId);
  }

  #noQueue(view: RecordView, physicalOffset: number): void {
    const topic = topicOf(view);
    const name = `${topic}-${view.queueId}`;
    const { topics, unitsMayLackFrom, findings, directory } = this.#parts;
    if (physicalOffset >= unitsMayLackFrom) {
      this.#late++;
      return;
    }
    if (this.#unknown.has(name)) return;
    this.#unknown.add(name);
    const isDeleted = topics !== null && !topics.has(topic);
    const detail = `queue ${name} is not there, the message at ${physicalOffset} belongs to it` +
      (isDeleted ? "; the topic was deleted" : "");
    findings.add(isDeleted ? "note" : "derived", "consumequeue.record-has-unit", directory, 0, detail);
  }

  #noUnit(queue: QueueAudit, view: RecordView, physicalOffset: number): void {
    if (physicalOffset >= this.#parts.unitsMayLackFrom) {
      this.#late++;
      return;
    }
    if (this.#isOlderThan(queue, view.queueOffset, physicalOffset)) return;
    const detail = `is not there, its record is at ${physicalOffset} (${view.size} bytes)`;
    this.#add("derived", "consumequeue.record-has-unit", queue, view.queueOffset, detail);
  }

  /** The topic was deleted and made again since: the queue begins with a later record, at no larger offset. */
  #isOlderThan(queue: QueueAudit, offset: number, physicalOffset: number): boolean {
    const { first } = queue.segments;
    if (first === undefined) return false;
    const firstOffset = first.startOffset / UNIT_SIZE;
    const unit = this.#unit(queue, firstOffset);
    return firstOffset <= offset && unit !== null && getI32(unit, 8) > 0 && readOffset(unit) > physicalOffset;
  }

  /** The topic was deleted and made again since: the unit is that of a later record with the same offset. */
  #isOfLaterTopic(queue: QueueAudit, unit: Uint8Array, offset: number, physicalOffset: number): boolean {
    const at = readOffset(unit);
    return at > physicalOffset && this.#isRecordOf(queue, at, getI32(unit, 8), offset);
  }

  #isRecordOf(queue: QueueAudit, at: number, size: number, offset: number): boolean {
    if (size <= 0 || size > 0x4000000) return false;
    const record = new Uint8Array(size);
    const view = this.#view;
    return this.#parts.readLog(record, at) === size && view.read(record, 0, size, at, true) === RecordKind.RECORD &&
      view.size === size && view.queueId === queue.queueId && view.queueOffset === offset &&
      topicOf(view) === queue.topic;
  }

  #unit(queue: QueueAudit, offset: number): Uint8Array | null {
    let window = queue.window;
    if (window === null || offset < queue.windowStart || offset >= queue.windowStart + window.length / UNIT_SIZE) {
      const segment = queue.segments.find(offset * UNIT_SIZE);
      if (segment === null) return null;
      const from = offset * UNIT_SIZE - segment.startOffset;
      window = new Uint8Array(Math.min(WINDOW_UNITS * UNIT_SIZE, segment.sizeBytes - from));
      segment.read(window, from);
      this.#keep(queue, window, offset);
    }
    const at = (offset - queue.windowStart) * UNIT_SIZE;
    return window.subarray(at, at + UNIT_SIZE);
  }

  #keep(queue: QueueAudit, window: Uint8Array, start: number): void {
    this.#windows.delete(queue);
    if (this.#windows.size >= WINDOWS_MAX) {
      const oldest = this.#windows.values().next().value!;
      oldest.window = null;
      this.#windows.delete(oldest);
    }
    this.#windows.add(queue);
    queue.window = window;
    queue.windowStart = start;
  }

  #add(
    severity: Severity,
    invariant: Parameters<Findings["add"]>[1],
    queue: QueueAudit,
    offset: number,
    detail: string,
  ): void {
    const { findings, directory } = this.#parts;
    const segment = queue.segments.find(offset * UNIT_SIZE);
    const path = segment?.path ?? `${directory}/${queue.topic}/${queue.queueId}`;
    const position = segment === null ? 0 : offset * UNIT_SIZE - segment.startOffset;
    findings.add(severity, invariant, path, position, `${queue.topic}-${queue.queueId} unit ${offset} ${detail}`);
  }
}

function topicOf(view: RecordView): string {
  return utf8Text(view.bytes.subarray(view.topicStart, view.topicEnd));
}

/** The unit's physicalOffset, −1 when it is no place in a log. */
function readOffset(unit: Uint8Array): number {
  return unit[0] === 0 && unit[1]! < 0x20 ? getI64(unit, 0) : -1;
}

function getI64OrNull(bytes: Uint8Array, at: number): number | null {
  try {
    return getI64(bytes, at);
  } catch {
    return null;
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
