/**
 * All consumequeues of a store. Start-up lists their directories and nothing more; a queue's files are looked at when
 * somebody asks for the queue. Every queue that {@linkcode QueueTable.get} and {@linkcode QueueTable.make} return is ready.
 *
 * It also keeps the list of queues with units that are not in files yet.
 *
 * RocketMQ counterpart: `ConsumeQueueStore`, `DefaultMessageStore#consumeQueueTable`.
 *
 * @module
 */
import { type Disk, removeTree } from "../common/disk.ts";
import { Interner } from "../common/intern.ts";
import type { RecordView } from "../protocol/record.ts";
import { Consumequeue, type LogBounds } from "./consumequeue.ts";
import type { OpenFiles } from "./open_files.ts";
import { SegmentQueue } from "./segment_queue.ts";
import { TopicEntry } from "./topic_entry.ts";

/** What the table needs. */
export interface QueueTableParts {
  readonly disk: Disk;
  readonly files: OpenFiles;
  readonly log: LogBounds;
  /** Directory of all consumequeues. */
  readonly directory: string;
  /** Size of a queue's file. */
  readonly fileSize: number;
  /** Whether files that are shorter were cut by a crash; else each queue's files decide their own size. */
  readonly fileSizeIsCertain: boolean;
  readonly warn: (text: string) => void;
  /** Finds how many units of a queue on disk are good. */
  readonly openQueue: (queue: Consumequeue) => void;
}

/** The table. */
export class QueueTable {
  readonly #parts: QueueTableParts;
  readonly #topics = new Map<string, TopicEntry>();
  readonly #names = new Interner();
  /** Queues on disk that nobody has asked for yet. */
  readonly #unopened = new Set<Consumequeue>();
  #dirty: Consumequeue[] = [];
  #count = 0;

  /** Starts empty; {@linkcode list} finds what is on disk. */
  constructor(parts: QueueTableParts) {
    this.#parts = parts;
  }

  /** Size of a queue's file. */
  get fileSize(): number {
    return this.#parts.fileSize;
  }

  /** Number of queues. */
  get count(): number {
    return this.#count;
  }

  /** Number of queues that have files: not those of the turn under way, or of one that could not be written. */
  countOnDisk(): number {
    let count = 0;
    for (const queue of this.all()) if (this.#unopened.has(queue) || queue.written > 0) count++;
    return count;
  }

  /** Names of the topics with at least one queue. */
  topics(): string[] {
    return [...this.#topics.values()].filter((entry) => entry.queues.size > 0).map((entry) => entry.name);
  }

  /** Finds the queues on disk by the names of their directories. @throws {DiskError} */
  list(): void {
    const { disk, directory } = this.#parts;
    for (const topic of disk.list(directory)) {
      if (!topic.isDirectory) continue;
      const entry = this.entry(topic.name);
      for (const queue of disk.list(`${directory}/${topic.name}`)) {
        if (!queue.isDirectory || !/^\d{1,10}$/.test(queue.name)) continue;
        if (entry.queues.has(Number(queue.name))) continue;
        this.#unopened.add(this.#add(entry, Number(queue.name)));
      }
    }
  }

  /** The entry of a topic; a new one without queues where there is none. */
  entry(topic: string): TopicEntry {
    let entry = this.#topics.get(topic);
    if (entry === undefined) this.#topics.set(topic, entry = new TopicEntry(topic));
    return entry;
  }

  /** The entry of a record's topic, whose name is decoded once and not for each record. */
  entryOf({ bytes, topicStart, topicEnd }: RecordView): TopicEntry {
    return this.entry(this.#names.text(bytes, topicStart, topicEnd));
  }

  /** Whether a queue exists; it is not looked at. */
  has(topic: string, queueId: number): boolean {
    return this.#topics.get(topic)?.queues.has(queueId) === true;
  }

  /** A queue, or null when it does not exist. @throws {DiskError} @throws {CorruptError} */
  get(topic: string, queueId: number): Consumequeue | null {
    const queue = this.#topics.get(topic)?.queues.get(queueId);
    if (queue === undefined) return null;
    if (this.#unopened.size > 0) this.#open(queue);
    return queue;
  }

  /** A queue, made where there is none. @throws {DiskError} @throws {CorruptError} */
  make(entry: TopicEntry, queueId: number): Consumequeue {
    const queue = entry.queues.get(queueId) ?? this.#add(entry, queueId);
    if (this.#unopened.size > 0) this.#open(queue);
    return queue;
  }

  /** The queues of a topic by number. @throws {DiskError} @throws {CorruptError} */
  queuesOf(topic: string): Consumequeue[] {
    const queues = [...this.#topics.get(topic)?.queues.values() ?? []];
    for (const queue of queues) this.#open(queue);
    return queues.sort((a, b) => a.queueId - b.queueId);
  }

  /** One beyond the highest queue number of a topic. */
  queueNums(topic: string): number {
    let queueNums = 0;
    for (const queueId of this.#topics.get(topic)?.queues.keys() ?? []) queueNums = Math.max(queueNums, queueId + 1);
    return queueNums;
  }

  /** Every queue, opened or not. */
  *all(): Generator<Consumequeue> {
    for (const entry of this.#topics.values()) yield* entry.queues.values();
  }

  /** Whether somebody asked for the queue already. */
  isOpened(queue: Consumequeue): boolean {
    return !this.#unopened.has(queue);
  }

  /**
   * Looks at the files of a queue that nobody has asked for as its first use would, so that units which lead to no record
   * go, and lets go of them again.
   * @throws {DiskError} @throws {CorruptError}
   */
  mend(queue: Consumequeue): void {
    if (!this.#unopened.has(queue)) return;
    try {
      this.#parts.openQueue(queue);
      queue.segments.syncNow();
    } finally {
      queue.closeFiles();
    }
  }

  /** Marks a queue as opened without looking at its files: recovery will say what is in it. */
  adopt(queue: Consumequeue): void {
    this.#unopened.delete(queue);
  }

  /** The queue has units that are not in a file yet. */
  markDirty(queue: Consumequeue): void {
    if (queue.isDirty) return;
    queue.isDirty = true;
    this.#dirty.push(queue);
  }

  /** Takes the list of dirty queues; the caller writes them or marks them again. */
  takeDirty(): Consumequeue[] {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const queue of dirty) queue.isDirty = false;
    return dirty;
  }

  /** Units that are not in a file yet. */
  dirtyUnits(): number {
    let units = 0;
    for (const queue of this.#dirty) units += queue.dirtyUnits;
    return units;
  }

  /** Forgets a topic and removes its files. @throws {DiskError} */
  deleteTopic(topic: string): boolean {
    const entry = this.#topics.get(topic);
    if (entry === undefined || entry.queues.size === 0) return false;
    const gone = new Set(entry.queues.values());
    this.#dirty = this.#dirty.filter((queue) => !gone.has(queue));
    for (const queue of gone) {
      this.#unopened.delete(queue);
      queue.isRemoved = true;
      queue.segments.removeAll();
    }
    this.#count -= gone.size;
    this.#topics.delete(topic);
    removeTree(this.#parts.disk, `${this.#parts.directory}/${topic}`);
    return true;
  }

  #add(entry: TopicEntry, queueId: number): Consumequeue {
    const queue = new Consumequeue(entry, queueId, this.#parts.log, () => this.#openSegments(entry.name, queueId));
    entry.queues.set(queueId, queue);
    this.#count++;
    return queue;
  }

  #open(queue: Consumequeue): void {
    if (!this.#unopened.has(queue)) return;
    this.#parts.openQueue(queue);
    this.#unopened.delete(queue);
  }

  #openSegments(topic: string, queueId: number): SegmentQueue {
    const { disk, files, directory, fileSize, fileSizeIsCertain, warn } = this.#parts;
    const segments = new SegmentQueue({
      disk,
      files,
      directories: [`${directory}/${topic}/${queueId}`],
      sizeBytes: fileSize,
      sizeIsCertain: fileSizeIsCertain,
      warn,
    });
    segments.load();
    return segments;
  }
}
