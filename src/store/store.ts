/**
 * The store of a broker: appends messages, reads them back by queue, by position, by time and by key, and keeps its promises
 * about what survives. The only file of this folder that others import (with `options.ts`).
 *
 * What happens in a turn of the event loop: any number of appends make records in memory; when the turn ends, one write for
 * each touched file brings them to the page cache; then the promises (`promises.ts`) decide who is told and what readers
 * see. A turn that cannot be written for lack of space never was. Any other failure to write or sync makes the store
 * read-only until it is opened again.
 *
 * RocketMQ counterpart: `DefaultMessageStore`.
 *
 * @module
 */
import type { Timer } from "../common/clock.ts";
import { DiskError, invariant, messageOf } from "../common/errors.ts";
import { type AppendMessage, type AppendResult, PutStatus, type Waiter } from "./append_message.ts";
import { BlockMiss } from "./block_cache.ts";
import { Consumequeue } from "./consumequeue.ts";
import { clearDamage, readDamage, writeDamage } from "./damage_marker.ts";
import { refuseForeignFiles } from "./foreign_files.ts";
import { IndexCatchUp } from "./index_catch_up.ts";
import { refuseMissingParts } from "./log_files_check.ts";
import { LogFlusher } from "./log_flusher.ts";
import { type KeyQueryResult, Lookups, type TimeBoundary } from "./lookups.ts";
import { Maintenance } from "./maintenance.ts";
import type { MessageIndex } from "./message_index.ts";
import { QueueSweep } from "./queue_sweep.ts";
import { Promises, type ReplicaGate } from "./promises.ts";
import { type MessageFilter, type MissingBlock, type PullResult, PullStatus } from "./pull_result.ts";
import { Puller } from "./pull.ts";
import type { Damage, Recovered } from "./recovery.ts";
import { refuseHalfRepaired } from "./repair_swap.ts";
import { ReplicaAppender } from "./replica_append.ts";
import { ReplicaLog } from "./replica_log.ts";
import { Retention } from "./retention.ts";
import { makeCore, recoverCore, type StoreCore, type StoreParts, type StoreQueue } from "./store_core.ts";
import { lockStore, makeDirectories, markClean, markUnclean, storePaths } from "./store_files.ts";
import { keepTail } from "./truncated_tail.ts";

export * from "./append_message.ts";
export * from "./pull_result.ts";
export * from "./store_options_type.ts";
export type { KeyQueryResult, TimeBoundary } from "./lookups.ts";
export type { ReplicaGate } from "./promises.ts";
export { type MissingTable, missingTables, type TableName } from "./table_files.ts";
export type { Damage } from "./recovery.ts";
export type { StoreFence, StoreParts, StoreQueue } from "./store_core.ts";

/** Figures for administrators. Offsets are physical offsets. */
export interface StoreFigures {
  readonly minPhysicalOffset: number;
  readonly maxPhysicalOffset: number;
  readonly flushedOffset: number;
  /** Readers see messages that end at or below it. */
  readonly readableOffset: number;
  /** Bytes of the log that are not in the index yet. */
  readonly indexBehindBytes: number;
  /** Consumequeue units that are not in their files yet. */
  readonly dirtyUnits: number;
  readonly queueCount: number;
  readonly openFiles: number;
  /** Part of the commitlog's volume that is in use, 0–1. */
  readonly diskUsedRatio: number;
  /** Store time of the newest message. */
  readonly lastStoreTimestamp: number;
}

/** An open store. Everything but what returns a promise happens at once and on the event loop. */
export class MessageStore {
  /** Stretches of the log that recovery found damaged. */
  readonly damages: readonly Damage[];
  /** The log's raw bytes, for replication. */
  readonly replicaLog: ReplicaLog;
  readonly #parts: StoreParts;
  readonly #core: StoreCore;
  readonly #promises: Promises;
  readonly #flusher: LogFlusher;
  readonly #maintenance: Maintenance;
  readonly #retention: Retention;
  readonly #catchUp: IndexCatchUp | null;
  /** Null when no queue can have units that lead to no record. */
  #sweep: QueueSweep | null = null;
  readonly #puller: Puller;
  readonly #lookups: Lookups;
  readonly #replica: ReplicaAppender;
  readonly #waitsForSync: boolean;
  readonly #endTurn = () => this.#writeTurn();
  #turnEndAsked = false;
  /** Why nothing is written any more, until the store is opened again. */
  #failure: string | null = null;
  /** Why the last turn was taken back, while nothing shows that it would work now. */
  #noSpace: string | null = null;
  #closing: Promise<void> | null = null;
  #damagedFrom: number | null = null;
  #onAppended: (() => void) | null = null;
  readonly #rivalTimer: Timer;

  private constructor(parts: StoreParts, core: StoreCore, recovered: Recovered) {
    const { options, clock, disk } = parts;
    const { log, queues, index, appender, checkpoint, cache } = core;
    this.#parts = parts;
    this.#core = core;
    this.damages = recovered.damages;
    this.replicaLog = new ReplicaLog(log);
    this.#replica = new ReplicaAppender({
      log,
      queues,
      appender,
      tagsCodes: core.tagsCodes,
      endTurn: () => this.#writeTurn(),
    });
    this.#waitsForSync = options.flushDiskType === "SYNC_FLUSH";
    this.#flusher = new LogFlusher(log, {
      onFlushed: () => this.#promises.advance(),
      onFailed: (error) => this.#fail("sync the commitlog", error),
    });
    this.#promises = new Promises({
      clock,
      waitsForSync: this.#waitsForSync,
      waitsForReplicas: options.brokerRole === "SYNC_MASTER",
      syncTimeoutMs: options.syncFlushTimeout,
      replicaTimeoutMs: options.slaveTimeout,
      appendedOffset: () => log.appendedOffset,
      flushedOffset: () => this.#flusher.flushedOffset,
      onArrival: (queue) => parts.onArrival?.(queue),
      ...(parts.fence && { isFenced: () => parts.fence!.refusesPromises() !== null }),
    });
    appender.openAt(recovered.lastRecordOffset, recovered.lastStoreTimestamp);
    this.#flusher.openAt(recovered.endOffset);
    this.#promises.openAt(recovered.endOffset);
    this.#maintenance = new Maintenance({
      disk,
      directory: core.paths.consumequeue,
      clock,
      options,
      log,
      flusher: this.#flusher,
      queues,
      index,
      appender,
      checkpoint,
      isWritable: () => this.#failure === null,
      onFailed: (what, error) => this.#derivedFailed(what, error),
    });
    this.#retention = new Retention({
      disk,
      clock,
      options: parts.retentionOptions ?? options,
      log,
      queues,
      index,
      paths: core.paths,
      report: parts.log,
      flushedOffset: () => this.#flusher.flushedOffset,
      neededOffset: parts.neededOffset ?? (() => Infinity),
    });
    this.#catchUp = index === null
      ? null
      : new IndexCatchUp({ log, index, queues, clock, warn: (text) => parts.log.warn(text) });
    this.#puller = new Puller(log, cache, options.enabledAppendPropCRC, (text) => parts.log.warn(text));
    this.#lookups = new Lookups(log, index, () => this.#promises.readableOffset);
    this.#rivalTimer = clock.every(options.cleanResourceInterval, () => this.#checkRival());
    this.#maintenance.start();
    this.#retention.start();
    this.#catchUp?.wake();
  }

  /**
   * Locks the directory, recovers and opens.
   * @throws {DiskError} `locked` when another broker has the store.
   * @throws {CorruptError} when files cannot be understood; they are as they were then.
   */
  static async open(parts: StoreParts): Promise<MessageStore> {
    const { disk, options } = parts;
    const paths = storePaths(options);
    refuseForeignFiles(disk, paths);
    refuseHalfRepaired(disk, paths);
    refuseMissingParts(disk, paths, options);
    makeDirectories(disk, paths);
    const lock = lockStore(disk, paths);
    try {
      const crashed = disk.stat(paths.abort) !== null;
      parts.log.info(`last shutdown ${crashed ? "abnormally" : "normally"}, store path root dir: ${paths.root}`);
      const core = makeCore(parts, { paths, lock });
      const recovered = await recoverCore(parts, core, crashed);
      markUnclean(disk, paths);
      parts.log.info(`load over, and the max phy offset = ${recovered.endOffset}`);
      parts.log.info(`${paths.abort} create OK`);
      const store = new MessageStore(parts, core, recovered);
      store.#noteDamage();
      const { dispatch } = core.checkpoint;
      if (crashed || dispatch === null) store.#sweepQueues();
      const isAsSaved = recovered.records === 0 && dispatch?.dispatchedOffset === recovered.endOffset;
      const saved = isAsSaved ? null : store.#maintenance.checkpointSoon();
      if (dispatch === null || core.index?.wasCut === true) await saved;
      return store;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Puts a message into the current turn; it is written when the turn ends. `out` is filled when the status is PUT_OK. */
  append(message: AppendMessage, out: AppendResult): PutStatus {
    const refusal = this.#refusalStatus();
    if (refusal !== PutStatus.PUT_OK) return refusal;
    const status = this.#core.appender.append(message, out);
    this.#askForTurnEnd();
    return status;
  }

  /** As {@linkcode append}, with a batch body (request 320): all its messages or none. */
  appendBatch(message: AppendMessage, out: AppendResult): PutStatus {
    const refusal = this.#refusalStatus();
    if (refusal !== PutStatus.PUT_OK) return refusal;
    const status = this.#core.appender.appendBatch(message, out);
    this.#askForTurnEnd();
    return status;
  }

  /**
   * Makes sure that what is appended next in this turn, as long as its records have no more than `sizeBytes` in all, is taken
   * or refused as a whole. To be called in the turn of the appends, before the first.
   */
  reserve(sizeBytes: number): PutStatus {
    const refusal = this.#refusalStatus();
    if (refusal !== PutStatus.PUT_OK) return refusal;
    const status = this.#core.appender.reserve(sizeBytes);
    this.#askForTurnEnd();
    return status;
  }

  /**
   * Has the waiter told when everything below `endOffset` is as safe as producers are promised; with `waitsForStore` false
   * (property WAIT=false) as soon as it is written.
   */
  whenSafe(endOffset: number, waitsForStore: boolean, waiter: Waiter): void {
    this.#promises.ask(waiter, endOffset, waitsForStore);
    this.#askForTurnEnd();
  }

  /** Has the log synced now, whatever `flushDiskType` says; resolves when what was written is on the device or cannot be. */
  async sync(): Promise<void> {
    await this.#flusher.flush();
  }

  /** Why appends are refused now, with figures; null when they are taken. */
  refusal(): string | null {
    return this.#refusal() ?? this.#promises.refusal() ?? this.#noSpace;
  }

  /** Why this machine cannot store messages now, whatever replicas and elections say; null when it can. */
  illness(): string | null {
    return this.#failure ?? this.#noSpace ?? this.#retention.refusal();
  }

  /** What was wrong with the last append that got another status than PUT_OK. */
  problem(): string {
    return this.refusal() ?? this.#core.appender.problem;
  }

  /** The queue, or null when it has never been written. */
  queue(topic: string, queueId: number): StoreQueue | null {
    return this.#core.queues.get(topic, queueId);
  }

  /** All queues of a topic by number. */
  queuesOf(topic: string): StoreQueue[] {
    return this.#core.queues.queuesOf(topic);
  }

  /** Topics that have queues. */
  topics(): string[] {
    return this.#core.queues.topics();
  }

  /** One beyond the highest queue number of a topic; its queues are not looked at. */
  queueNums(topic: string): number {
    return this.#core.queues.queueNums(topic);
  }

  /** Reads from `offset` on. `queue` null gives NO_MATCHED_LOGIC_QUEUE. */
  pull(
    queue: StoreQueue | null,
    offset: number,
    maxMessages: number,
    maxBytes: number,
    filter: MessageFilter | null,
    out: PullResult,
  ): PullStatus {
    const { options } = this.#parts;
    const limits = {
      maxMessages: Math.min(maxMessages, options.maxTransferCountOnMessageInMemory),
      maxBytes: Math.min(maxBytes, options.maxTransferBytesOnMessageInMemory),
    };
    return this.#puller.pull(queue instanceof Consumequeue ? queue : null, offset, limits, filter, out);
  }

  /** Reads what a pull lacked from disk. @throws {DiskError} when it cannot be read. */
  async load(missing: readonly MissingBlock[]): Promise<void> {
    try {
      await this.#core.cache.load(missing.filter((miss) => miss instanceof BlockMiss));
    } catch (error) {
      this.#parts.log.warn(`Messages cannot be served: ${messageOf(error)}`);
      throw error;
    }
  }

  /** One beyond the last readable message; 0 when there is no such queue. */
  maxOffset(topic: string, queueId: number): number {
    return this.#core.queues.get(topic, queueId)?.maxOffset ?? 0;
  }

  /** The first message still there; 0 when there is no such queue. */
  minOffset(topic: string, queueId: number): number {
    return this.#core.queues.get(topic, queueId)?.minOffset ?? 0;
  }

  /**
   * LOWER: queue offset of the first message stored at `timestamp` or later. UPPER: of the last one stored at `timestamp` or
   * before. 0 when there is no such queue.
   */
  async offsetByTime(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: TimeBoundary = "LOWER",
  ): Promise<number> {
    const queue = this.#core.queues.get(topic, queueId);
    return queue === null ? 0 : await this.#lookups.offsetByTime(queue, timestamp, boundary);
  }

  /** storeTimestamp of the queue's message at `offset`, −1 when there is none. */
  async storeTimeAt(topic: string, queueId: number, offset: number): Promise<number> {
    const queue = this.#core.queues.get(topic, queueId);
    return queue === null ? -1 : await this.#lookups.storeTimeAt(queue, offset);
  }

  /** storeTimestamp of the queue's first message, −1 when there is none. */
  async earliestStoreTime(topic: string, queueId: number): Promise<number> {
    return await this.storeTimeAt(topic, queueId, this.minOffset(topic, queueId));
  }

  /** The stored record at a physical offset (a copy), or null when there is none. */
  async messageAt(physicalOffset: number): Promise<Uint8Array | null> {
    return await this.#lookups.recordAt(physicalOffset);
  }

  /** The consumequeue units `[offset, offset + count)` as far as they exist, 20 bytes each (a copy). */
  unitsAt(topic: string, queueId: number, offset: number, count: number): Promise<Uint8Array> {
    const queue = this.#core.queues.get(topic, queueId);
    return Promise.resolve(queue === null ? new Uint8Array(0) : this.#lookups.units(queue, offset, count));
  }

  /** Messages with `key` among their KEYS, or as their UNIQ_KEY, stored in `[beginTime, endTime]`; newest first. */
  async queryMessages(
    topic: string,
    key: string,
    maxNum: number,
    beginTime: number,
    endTime: number,
  ): Promise<KeyQueryResult> {
    const limit = Math.min(maxNum, this.#parts.options.maxMsgsNumBatch);
    return await this.#lookups.byKey({ topic, key, maxNum: limit, beginTime, endTime });
  }

  /** Forgets all queues of a topic and removes their files; the log keeps the records until they expire. */
  deleteTopic(topic: string): void {
    if (this.#core.appender.hasTurn) this.#writeTurn();
    const gone = this.#core.queues.queuesOf(topic);
    this.#maintenance.forget(gone);
    if (!this.#core.queues.deleteTopic(topic)) return;
    // Recovery must not go through records from before the deletion: they would bring the queues back.
    this.#maintenance.checkpointSoon();
  }

  /** Removes expired commitlog files in the next round whatever the hour (request DELETE_EXPIRED_COMMITLOG). */
  deleteExpiredFilesNow(): void {
    this.#retention.deleteNow();
  }

  /** Resolves when everything that was appended is in the index. */
  async indexed(): Promise<void> {
    await this.#catchUp?.idle();
  }

  /** Figures for administrators. */
  figures(): StoreFigures {
    const { log, queues, index, files, appender } = this.#core;
    return {
      minPhysicalOffset: log.minOffset,
      maxPhysicalOffset: log.appendedOffset,
      flushedOffset: this.#flusher.flushedOffset,
      readableOffset: this.#promises.readableOffset,
      indexBehindBytes: index === null ? 0 : log.appendedOffset - index.indexedOffset,
      dirtyUnits: queues.dirtyUnits(),
      queueCount: queues.count,
      openFiles: files.count,
      diskUsedRatio: this.#retention.usedRatio(),
      lastStoreTimestamp: appender.turnTime,
    };
  }

  /**
   * On a slave: takes whole records of the master's log, and the fillers between them, that the caller has checked; `offset`
   * is where our log ends, or any file's beginning when it is empty. They are written when the turn ends.
   *
   * @throws {Error} when they cannot be taken: the store is closed or has failed, or no segment can be made.
   */
  appendReplica(offset: number, bytes: Uint8Array): void {
    const refusal = this.#failure ?? (this.#closing === null ? null : "the store is closed");
    if (refusal !== null) throw new Error(refusal);
    if (this.replicaLog.isEmpty && offset > this.#core.log.tail) {
      // A master that was killed before its first message has left a file for it.
      this.#core.log.segments.removeAll();
      this.#moveEnd(offset, -1);
      if (this.#core.index !== null) this.#core.index.indexedOffset = offset;
    }
    this.#askForTurnEnd();
    this.#replica.append(offset, bytes);
  }

  /**
   * On a slave that follows nobody now: drops everything from `endOffset`, where a record ends, on the device too.
   *
   * @param lastRecordOffset where that record starts, −1 when that is not known.
   * @returns the file that keeps what was dropped.
   * @throws {DiskError} when it cannot be kept, or not be dropped: the store is read-only then.
   */
  async truncate(endOffset: number, lastRecordOffset: number): Promise<string> {
    const { disk, clock, options } = this.#parts;
    invariant(options.brokerRole === "SLAVE", "only a slave gives up messages");
    if (this.#core.appender.hasTurn) this.#writeTurn();
    const from = { offset: endOffset, now: clock.now() };
    const path = await keepTail(disk, this.#core.paths.root, this.replicaLog, from);
    // What works in the background must not meet files that are cut under it.
    await this.#catchUp?.idle();
    await this.#sweep?.finish();
    await this.#maintenance.alone(async () => {
      await this.#flusher.flush();
      try {
        this.#truncateNow(endOffset, lastRecordOffset);
      } catch (error) {
        this.#fail("cut the commitlog", error);
        throw error;
      }
      try {
        await this.#maintenance.makeCheckpoint();
      } catch (error) {
        this.#derivedFailed("write consumequeues, index or checkpoint", error);
        throw error;
      }
    });
    this.#catchUp?.wake();
    if (this.#damagedFrom !== null && endOffset <= this.#damagedFrom) {
      clearDamage(disk, this.#core.paths.root);
      this.#damagedFrom = null;
    }
    return path;
  }

  /** On a slave: where a damaged stretch of its log begins, which the master can mend; null when there is none. */
  get damagedFrom(): number | null {
    return this.#damagedFrom;
  }

  /** Has the promise include replicas (brokerRole SYNC_MASTER). */
  attachReplicas(gate: ReplicaGate): void {
    this.#promises.attachReplicas(gate);
  }

  /** Calls `fn` whenever the log has grown. */
  onAppended(fn: () => void): void {
    this.#onAppended = fn;
  }

  /** What `syncMasterFlushOffsetWhenStartup` looks at; kept in the checkpoint file. */
  get masterFlushedOffset(): number {
    return this.#core.checkpoint.masterFlushedOffset;
  }

  set masterFlushedOffset(offset: number) {
    this.#core.checkpoint.masterFlushedOffset = offset;
  }

  /** To be called when an answer of the {@link ReplicaGate} changed. */
  replicasChanged(): void {
    this.#promises.advance();
  }

  /** Writes and syncs everything, marks the stop as clean and lets go of the directory. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const { log, queues, index, lock, paths } = this.#core;
    if (this.#core.appender.hasTurn) this.#writeTurn();
    this.#rivalTimer.cancel();
    await this.#maintenance.stop();
    await this.#sweep?.finish();
    await this.#retention.stop();
    await this.#catchUp?.stop();
    await this.#flusher.flush();
    this.#flusher.stop();
    if (this.#failure === null) {
      try {
        await this.#maintenance.finish();
        this.#promises.advance();
        markClean(this.#parts.disk, paths);
        this.#parts.log.info(`${paths.abort} delete OK`);
      } catch (error) {
        this.#parts.log.error(`Cannot close the store cleanly, the abort file stays: ${messageOf(error)}`);
      }
    }
    this.#promises.fail(PutStatus.SERVICE_NOT_AVAILABLE);
    try {
      log.segments.close();
    } catch (error) {
      this.#parts.log.warn(`The next commitlog file, made before it was needed, stays: ${messageOf(error)}`);
    }
    for (const queue of queues.all()) if (queues.isOpened(queue)) queue.segments.close();
    index?.close();
    lock.release();
  }

  #refusal(): string | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#closing !== null) return "the store is closed";
    if (this.#parts.options.brokerRole === "SLAVE") return "the broker is a slave";
    return this.#parts.fence?.refusesAppends() ?? this.#retention.refusal();
  }

  #refusalStatus(): PutStatus {
    if (this.#refusal() !== null) return PutStatus.SERVICE_NOT_AVAILABLE;
    return this.#promises.refusal() === null ? PutStatus.PUT_OK : PutStatus.IN_SYNC_REPLICAS_NOT_ENOUGH;
  }

  #sweepQueues(): void {
    const { queues } = this.#core;
    this.#sweep = new QueueSweep({ queues, clock: this.#parts.clock, warn: (text) => this.#parts.log.warn(text) });
  }

  /** Whoever locks in another way and came after us writes where we write: nothing more may come from here. */
  #checkRival(): void {
    const rival = this.#core.lock.rival();
    if (rival !== null) this.#fail("keep the store to itself", new Error(`${rival} has it open`));
  }

  #noteDamage(): void {
    const { disk, options } = this.#parts;
    const { root } = this.#core.paths;
    if (options.brokerRole !== "SLAVE") return;
    const known = readDamage(disk, root);
    const found = this.damages[0]?.startOffset ?? Infinity;
    if (found < (known ?? Infinity)) writeDamage(disk, root, found);
    this.#damagedFrom = Math.min(found, known ?? Infinity);
    if (this.#damagedFrom === Infinity) this.#damagedFrom = null;
  }

  #truncateNow(endOffset: number, lastRecordOffset: number): void {
    const { log, queues, index, checkpoint, paths } = this.#core;
    // Recovery must not go by a checkpoint that lies behind the end.
    checkpoint.dispatch = null;
    checkpoint.saveNow();
    log.truncate(endOffset);
    log.segments.syncNow();
    for (const path of paths.commitlogs) this.#parts.disk.syncDirectory(path);
    for (const queue of queues.all()) if (queues.isOpened(queue)) queue.cutBefore(endOffset);
    this.#sweepQueues();
    index?.cutAt(endOffset);
    this.#moveEnd(endOffset, lastRecordOffset);
  }

  /** Everything goes on at `endOffset`. */
  #moveEnd(endOffset: number, lastRecordOffset: number): void {
    const { log, appender } = this.#core;
    log.openAt(endOffset);
    appender.openAt(lastRecordOffset, appender.turnTime);
    this.#flusher.openAt(endOffset);
    this.#promises.truncate(endOffset);
  }

  #askForTurnEnd(): void {
    if (this.#turnEndAsked) return;
    this.#turnEndAsked = true;
    this.#parts.atEndOfTurn(this.#endTurn);
  }

  #writeTurn(): void {
    this.#turnEndAsked = false;
    if (this.#failure !== null) return this.#promises.turnRefused();
    const { log, appender, index } = this.#core;
    const start = log.appendedOffset;
    let touched: Consumequeue[];
    try {
      touched = appender.commit();
    } catch (error) {
      return this.#turnFailed(error);
    }
    this.#noSpace = null;
    if (log.appendedOffset > start) this.#onAppended?.();
    if (log.appendedOffset > start && index !== null) this.#indexTurn(index, start);
    this.#promises.turnWritten(touched);
    if (this.#waitsForSync) this.#flusher.flush();
  }

  #indexTurn(index: MessageIndex, start: number): void {
    try {
      index.commitTurn(start, this.#core.log.appendedOffset);
    } catch (error) {
      // The message is stored; its keys will be found when the index catches up.
      this.#derivedFailed("write the index", error);
    }
    if (index.indexedOffset < this.#core.log.appendedOffset) this.#catchUp?.wake();
  }

  #turnFailed(error: unknown): void {
    this.#core.appender.rollBack();
    if (!(error instanceof DiskError && error.fault === "no-space")) return this.#fail("write the commitlog", error);
    try {
      this.#core.log.eraseFailedWrite();
    } catch (eraseError) {
      return this.#fail("take back a write that failed for lack of space", eraseError);
    }
    if (this.#noSpace === null) this.#parts.log.error(`No space left for messages: ${error.message}`);
    this.#noSpace = this.#retention.noSpaceText(error.message);
    this.#promises.turnFailed(PutStatus.SERVICE_NOT_AVAILABLE);
    this.#retention.wake();
  }

  /**
   * A file that can be made again could not be written: for lack of space it is written later. Else the disk is not to be trusted,
   * nor a sync that failed, for whatever reason: a later one would let a checkpoint claim what is not on the device.
   */
  #derivedFailed(what: string, error: unknown): void {
    if (error instanceof DiskError && error.retriable) {
      this.#parts.log.warn(`Cannot ${what} for now: ${error.message}`);
    } else this.#fail(what, error);
  }

  #fail(what: string, error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = `the store is read-only since it could not ${what}: ${messageOf(error)}`;
    this.#parts.log.error(`${this.#failure}. Restart the broker when the disk is well.`);
    this.#flusher.stop();
    this.#promises.fail(PutStatus.UNKNOWN_ERROR);
  }
}
