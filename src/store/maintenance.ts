/**
 * What the store does on its own, by the clock: syncs the log (ASYNC_FLUSH), writes consumequeue units and index entries to
 * their files, and makes checkpoints.
 *
 * A checkpoint first brings everything derived from the log's part below D to the device, then the log itself, and then says
 * so. Recovery never has to look below the last D, so one is made each minute, and earlier when much was appended. Work over
 * many queues goes in slices, so that it never holds the event loop for long.
 *
 * To make files takes longest, so files of new queues are made and synced in the round after they came, and not all
 * together at the next checkpoint or stop. A stop writes everything, but syncs queues only for so long: the checkpoint stays
 * where it is then, and the next start makes the units behind it again.
 *
 * RocketMQ counterpart: `FlushRealTimeService`, `FlushConsumeQueueService`, `StoreCheckpoint`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import type { Appender } from "./appender.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Commitlog } from "./commitlog.ts";
import type { Consumequeue } from "./consumequeue.ts";
import type { LogFlusher } from "./log_flusher.ts";
import type { IndexCheckpoint, MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";
import type { StoreOptions } from "./store_options_type.ts";

const PAGE_SIZE = 4096;
/** Queues whose files are synced together. */
const SYNCS_AT_A_TIME = 16;
/** Units that a round writes at once; a queue with fewer waits for the next checkpoint, which writes all. */
const UNITS_WORTH_WRITING = 128;
/** A queue that gets so many units between two rounds is busy: it is written again this much later, and not a whole round later. */
const UNITS_BUSY = 4096;
const BUSY_MS = 100;
/** Longest stretch of work over queues, and the pause behind it. */
const SLICE_MS = 4;
const PAUSE_MS = 8;
/** To sync one more queue is worth reading so many bytes of the log again at a start after a crash. */
const BYTES_A_QUEUE = 1_048_576;
/** Time for which a stop syncs queues. */
const STOP_SYNC_MS = 5000;
/** A queue without messages for this long lets go of its memory. */
const IDLE_MS = 30_000;

/** What maintenance works on. */
export interface MaintenanceParts {
  readonly disk: Disk;
  /** Directory of all consumequeues. */
  readonly directory: string;
  readonly clock: Clock;
  readonly options: StoreOptions;
  readonly log: Commitlog;
  readonly flusher: LogFlusher;
  readonly queues: QueueTable;
  readonly index: MessageIndex | null;
  readonly appender: Appender;
  readonly checkpoint: Checkpoint;
  /** Whether the files can still be written. */
  readonly isWritable: () => boolean;
  /** A write or sync of a derived file failed. */
  readonly onFailed: (what: string, error: unknown) => void;
}

/** The rounds. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #timers: Timer[] = [];
  /** Queues that hold memory for units which are in their files. */
  #warm = new Set<Consumequeue>();
  /** Queues with files that are not synced. */
  #unsynced = new Set<Consumequeue>();
  /** Queues that are written more often, so that few of their units are in memory. */
  #busy = new Set<Consumequeue>();
  #busyTimer: Timer | null = null;
  #lastFlushMs = 0;
  /** Where the log ended at the last checkpoint, or when the rounds began. */
  #checkpointedOffset = 0;
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  /** {@linkcode start} begins the rounds. */
  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /** Begins the rounds. */
  start(): void {
    const { clock, options } = this.#parts;
    this.#lastFlushMs = clock.monotonicMs();
    this.#checkpointedOffset = this.#parts.log.appendedOffset;
    if (options.flushDiskType === "ASYNC_FLUSH") {
      this.#timers.push(clock.every(options.flushIntervalCommitLog, () => this.#flushRound()));
    }
    this.#timers.push(clock.every(options.flushIntervalConsumeQueue, () => this.#queueRound(() => this.#writeRound())));
    this.#timers.push(
      clock.every(options.flushConsumeQueueThoroughInterval, () => this.#queueRound(() => this.makeCheckpoint())),
    );
    this.#queueRound(() => this.#prepareSegment());
  }

  /** Ends the rounds; resolves when the present one is over, which syncs no more queues. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#busyTimer?.cancel();
    await this.#working;
  }

  /** Runs a checkpoint after the work under way. */
  checkpointSoon(): Promise<void> {
    return this.#queueRound(() => this.makeCheckpoint());
  }

  /** Does `work` while no round is under way. @throws what the work throws. */
  async alone(work: () => Promise<void>): Promise<void> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    await done;
  }

  /** Brings everything to the device and says so in the checkpoint, unless a stop comes in between. @throws {DiskError} */
  async makeCheckpoint(): Promise<void> {
    const { appender, queues, flusher, checkpoint, log, index } = this.#parts;
    // A turn may be under way: what it has made is not written and does not count.
    const dispatchedOffset = this.#checkpointedOffset = log.appendedOffset;
    const lastRecordOffset = appender.lastWrittenRecord;
    const storeTimestamp = appender.turnTime;
    await this.#bringToDevice(queues.takeDirty());
    if (this.#stopped) return;
    const indexed = index === null ? null : await index.save();
    await flusher.flush();
    if (flusher.flushedOffset < dispatchedOffset || !this.#parts.isWritable()) return;
    this.#fill(dispatchedOffset, lastRecordOffset, indexed);
    checkpoint.physicMsgTimestamp = Math.max(checkpoint.physicMsgTimestamp, storeTimestamp);
    checkpoint.logicsMsgTimestamp = Math.max(checkpoint.logicsMsgTimestamp, storeTimestamp);
    await checkpoint.save();
    this.#coolDown();
  }

  /** As {@linkcode makeCheckpoint} at a clean stop, when nothing is appended any more. @throws {DiskError} */
  async finish(): Promise<void> {
    const { appender, queues, flusher, checkpoint, log, index, clock } = this.#parts;
    for (const queue of queues.takeDirty()) {
      queue.writeDirty();
      this.#unsynced.add(queue);
    }
    // Where there is no checkpoint of ours that could stay, everything is brought to the device.
    const deadlineMs = checkpoint.dispatch === null ? Infinity : clock.monotonicMs() + STOP_SYNC_MS;
    await this.#syncQueues(this.#unsynced, () => clock.monotonicMs() >= deadlineMs);
    const indexed = index === null ? null : index.saveNow();
    flusher.flushNow();
    checkpoint.physicMsgTimestamp = Math.max(checkpoint.physicMsgTimestamp, appender.turnTime);
    if (this.#unsynced.size === 0) {
      this.#fill(log.appendedOffset, appender.lastWrittenRecord, indexed);
      checkpoint.logicsMsgTimestamp = Math.max(checkpoint.logicsMsgTimestamp, appender.turnTime);
    } else if (checkpoint.dispatch !== null && indexed !== null) {
      checkpoint.dispatch = { ...checkpoint.dispatch, ...indexed };
    }
    if (index !== null && index.indexedOffset === log.appendedOffset) {
      checkpoint.indexMsgTimestamp = Math.max(checkpoint.indexMsgTimestamp, index.lastTimestamp);
    }
    checkpoint.saveNow();
  }

  /** Queues are about to be deleted: the next start must not miss them. @throws {DiskError} */
  forget(gone: readonly Consumequeue[]): void {
    const { checkpoint } = this.#parts;
    if (checkpoint.dispatch !== null && gone.length > 0) {
      checkpoint.dispatch.queueCount = Math.max(0, checkpoint.dispatch.queueCount - gone.length);
      checkpoint.saveNow();
    }
    for (const queue of gone) {
      this.#warm.delete(queue);
      this.#unsynced.delete(queue);
      this.#busy.delete(queue);
    }
  }

  #fill(dispatchedOffset: number, lastRecordOffset: number, indexed: IndexCheckpoint | null): void {
    const { checkpoint, queues, log, index } = this.#parts;
    if (index !== null) checkpoint.indexMsgTimestamp = Math.max(checkpoint.indexMsgTimestamp, index.savedTimestamp);
    checkpoint.dispatch = {
      dispatchedOffset,
      lastRecordOffset,
      commitlogFileSize: log.segments.segmentSize,
      consumequeueFileSize: queues.fileSize,
      queueCount: queues.countOnDisk(),
      indexedOffset: indexed?.indexedOffset ?? 0,
      indexName: indexed?.indexName ?? "",
      indexHeader: indexed?.indexHeader ?? new Uint8Array(0),
    };
  }

  /** One piece of work at a time; a round that comes while one is under way waits for it. */
  #queueRound(work: () => Promise<void>): Promise<void> {
    const { isWritable, onFailed } = this.#parts;
    return this.#working = this.#working.then(async () => {
      if (this.#stopped || !isWritable()) return;
      try {
        await work();
      } catch (error) {
        onFailed("write consumequeues, index or checkpoint", error);
      }
    });
  }

  #flushRound(): void {
    const { flusher, log, options, clock } = this.#parts;
    const dirty = log.appendedOffset - flusher.flushedOffset;
    const now = clock.monotonicMs();
    const isThorough = now - this.#lastFlushMs >= options.flushCommitLogThoroughInterval;
    if (dirty === 0 || (!isThorough && dirty < options.flushCommitLogLeastPages * PAGE_SIZE)) return;
    this.#lastFlushMs = now;
    flusher.flush();
  }

  async #writeRound(): Promise<void> {
    const { queues, index } = this.#parts;
    const dirty = queues.takeDirty();
    const fresh = dirty.filter((queue) => queue.written === 0);
    for (const queue of dirty) if (queue.dirtyUnits >= UNITS_BUSY) this.#busy.add(queue);
    await this.#writeQueues(dirty, UNITS_WORTH_WRITING);
    index?.writeEntries();
    await this.#syncQueues(fresh);
    await this.#prepareSegment();
    if (this.#isMuchToRead()) await this.makeCheckpoint();
    this.#writeBusySoon();
  }

  /** Whether a start after a crash would have to read much of the log again. */
  #isMuchToRead(): boolean {
    const { log, options } = this.#parts;
    const bytes = log.appendedOffset - this.#checkpointedOffset;
    return bytes >= options.storeCheckpointBytes + this.#unsynced.size * BYTES_A_QUEUE;
  }

  #writeBusySoon(): void {
    if (this.#stopped || this.#busy.size === 0 || this.#busyTimer !== null) return;
    this.#busyTimer = this.#parts.clock.after(BUSY_MS, () => {
      this.#busyTimer = null;
      this.#queueRound(() => this.#writeBusy());
    });
  }

  /** Writes the busy queues; those that are not busy any more wait for the round again. */
  async #writeBusy(): Promise<void> {
    const busy = [...this.#busy];
    for (const queue of busy) if (queue.isRemoved || queue.dirtyUnits < UNITS_WORTH_WRITING) this.#busy.delete(queue);
    await this.#writeQueues(busy, UNITS_WORTH_WRITING);
    this.#writeBusySoon();
  }

  /**
   * Makes the log's next file once the last one is half full, and the first one of an empty log at once, so that no message has
   * to wait for it. Where a slave's first file starts, its master says.
   */
  async #prepareSegment(): Promise<void> {
    const { log: { segments, appendedOffset }, options } = this.#parts;
    const { last, segmentSize } = segments;
    const isDue = last === undefined
      ? options.brokerRole !== "SLAVE" && appendedOffset % segmentSize === 0
      : appendedOffset - last.startOffset > segmentSize / 2;
    if (isDue) await segments.prepareNext(appendedOffset);
  }

  /**
   * Writes and syncs all of `dirty`, and syncs what was written before: a few at a time, so that each file is opened once. Not
   * all of it when a stop comes.
   */
  async #bringToDevice(dirty: readonly Consumequeue[]): Promise<void> {
    const { queues, options } = this.#parts;
    const count = Math.ceil(options.storeOpenFilesMax / 4);
    let rest = dirty;
    try {
      while (rest.length > 0 && !this.#stopped) {
        const some = rest.slice(0, count);
        rest = rest.slice(count);
        await this.#writeQueues(some, 1);
        await this.#syncQueues(some);
      }
    } finally {
      for (const queue of rest) if (!queue.isRemoved) queues.markDirty(queue);
    }
    await this.#syncQueues(this.#unsynced);
  }

  /** Writes the queues with at least `unitsMin` units to write, and new ones; marks the others again. */
  async #writeQueues(dirty: readonly Consumequeue[], unitsMin: number): Promise<void> {
    const { clock, queues } = this.#parts;
    let done = 0;
    try {
      for (let since = clock.monotonicMs(); done < dirty.length; done++) {
        const queue = dirty[done]!;
        if (queue.isRemoved) continue;
        // None at all: recovery has written them, and they are not synced.
        if (queue.written > 0 && queue.dirtyUnits > 0 && queue.dirtyUnits < unitsMin) {
          queues.markDirty(queue);
          continue;
        }
        queue.writeDirty();
        this.#unsynced.add(queue);
        this.#warm.add(queue);
        if (clock.monotonicMs() - since < SLICE_MS) continue;
        await clock.sleep(PAUSE_MS);
        since = clock.monotonicMs();
      }
    } finally {
      // After a failure the rest is still to be written.
      for (; done < dirty.length; done++) if (!dirty[done]!.isRemoved) queues.markDirty(dirty[done]!);
    }
  }

  /**
   * Syncs those of `among` that were written, until it is over: several at a time, the file system can then do them together.
   * What is not done stays in the list.
   */
  async #syncQueues(among: Iterable<Consumequeue>, isOver = () => this.#stopped): Promise<void> {
    const queues = [...among];
    const named: Consumequeue[] = [];
    let next = 0;
    const work = async () => {
      while (next < queues.length && !isOver()) {
        const queue = queues[next++]!;
        if (!this.#unsynced.delete(queue) || queue.isRemoved) continue;
        try {
          if (await queue.sync()) named.push(queue);
        } catch (error) {
          this.#unsynced.add(queue);
          throw error;
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: SYNCS_AT_A_TIME }, work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
    await this.#syncNames(named);
  }

  /** Syncs the directories that hold new queues and new topics. */
  async #syncNames(named: readonly Consumequeue[]): Promise<void> {
    const topics = new Set(named.filter((queue) => !queue.isRemoved).map((queue) => queue.topic));
    if (topics.size === 0) return;
    const { disk, directory } = this.#parts;
    const rest = topics.values();
    const work = async () => {
      for (const topic of rest) {
        try {
          await disk.syncDirectoryAsync(`${directory}/${topic}`);
        } catch (error) {
          if (disk.stat(`${directory}/${topic}`) !== null) throw error;
          // Deleted meanwhile: its name is of no use.
        }
      }
    };
    await Promise.all(Array.from({ length: SYNCS_AT_A_TIME }, work));
    await disk.syncDirectoryAsync(directory);
  }

  #coolDown(): void {
    const before = this.#parts.clock.now() - IDLE_MS;
    for (const queue of this.#warm) {
      if (queue.usedAtMs > before || queue.dirtyUnits > 0) continue;
      queue.dropTail();
      this.#warm.delete(queue);
    }
  }
}
