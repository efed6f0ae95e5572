/**
 * Delivers messages at any time: the timer topic is the truth, the index ({@linkcode PendingIndex}) the order, the progress
 * file what is done. A reader follows the timer topic and files what it finds by due time; delivery takes what is due, stores
 * it where it belongs, and moves on when it is as safe as producers are promised. So a crash may deliver a message twice and
 * never loses one.
 *
 * What is due when it is found (its time came while the broker was down, the clock was set forward) is late: it waits in a
 * heap of its own, for its place in the order is passed already. Everything that was found before a restart is delivered in
 * order of due time; equal due times are delivered in order of arrival.
 *
 * RocketMQ counterpart: `TimerMessageStore`.
 *
 * @module
 */
import { getI64, javaHash } from "../../common/bytes.ts";
import type { Clock, Timer as ClockTimer } from "../../common/clock.ts";
import { type Disk, makeDurableDirectory } from "../../common/disk.ts";
import { CorruptError, messageOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { stringifyJson } from "../../protocol/json.ts";
import { decodeProperties, Property } from "../../protocol/message.ts";
import { RecordAt, RecordKind, RecordView } from "../../protocol/record.ts";
import { dataVersionJson } from "../../protocol/bodies/register.ts";
import { type MessageStore, PullResult, PullStatus, PutStatus } from "../../store/store.ts";
import { firstVersion, nextVersion } from "../data_version.ts";
import { type MessagePut, staysStored } from "../message_put.ts";
import { readStoredMessage, storedAgain, type StoredMessage } from "../stored_message.ts";
import { SystemTopic } from "../system_topics.ts";
import { Deletions } from "./deletions.ts";
import { slotOf, storedDueMs } from "./due_time.ts";
import { compareKeys, endOf, LAST_KEY, type TimerEntry, type TimerKey } from "./entry.ts";
import { EntryHeap } from "./entry_heap.ts";
import { type JavaTimers, readJavaTimers, retireJavaTimers } from "./java_files.ts";
import { PendingIndex } from "./pending_index.ts";
import {
  encodeTimerCheck,
  FIRST_MARK,
  type Mark,
  markOf,
  type Progress,
  ProgressFile,
  type RollPass,
} from "./progress.ts";

const TOPIC = SystemTopic.TIMER;
const QUEUE_ID = 0;
/** Messages that are read from the timer topic at once. */
const READ_MAX = 1024;
const READ_BYTES_MAX = 4194304;
/** Longest stretch of reading or delivering, after which others have their turn. */
const SLICE_MS = 4;
/** Messages that are delivered together. */
const BATCH_MAX = 256;
/** After a delivery failed, the next attempt comes this much later. */
const RETRY_MS = 1000;
/** Longest time a timer is set for: the wall clock may be set meanwhile. */
const WAIT_MAX_MS = 1000;
const SAVE_INTERVAL_MS = 1000;
/** Time between two saves of the files that RocketMQ reads: they are exact after a clean stop. */
const JAVA_SAVE_INTERVAL_MS = 30_000;
/** Late messages that are listed one by one; with more, what was read with and after them may be delivered twice. */
const LATE_LISTED_MAX = 50_000;

/** What timers are made of. */
export interface TimerParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: TimerSettings;
}

/** What timers must know of the configuration. */
export interface TimerSettings {
  /** `storePathRootDir`. */
  readonly rootDir: string;
  /** `timerPrecisionMs`: of RocketMQ's notation, not of our delivery. */
  readonly tickMs: number;
  /** For tests: entries in memory at which a run is written. */
  readonly heapMax?: number;
}

/** What was known when reading began. */
interface Restored {
  readonly mark: Mark;
  /** Messages below it that are due behind the mark's watermark are in the runs. */
  readonly indexedOffset: number;
  readonly isRebuilt: boolean;
  readonly java: JavaTimers | null;
  /** `mark.late`. */
  readonly late: ReadonlySet<number>;
}

/** Timers of a broker; delivers between {@linkcode start} and {@linkcode stop}. */
export class Timer {
  readonly #parts: TimerParts;
  readonly #index: PendingIndex;
  readonly #file: ProgressFile;
  readonly #deletions: Deletions;
  readonly #late = new EntryHeap();
  readonly #view = new RecordView();
  readonly #counts = new Map<string, number>();
  #version;
  /** Late entries that are on their way. */
  #takenLate: TimerEntry[] = [];
  /** Deletions that are in force: they are listed as late, so that they are found again after a restart. */
  #inForce: TimerEntry[] = [];
  /** What was taken is not delivered yet, or could not be: it is to be taken back first. */
  #isUnderWay = false;
  #restored: Restored = { mark: FIRST_MARK, indexedOffset: 0, isRebuilt: true, java: null, late: new Set() };
  #nextRead = 0;
  #rolledBelow = 0;
  #roll: RollPass | null = null;
  /** Where the last message stored here ends in the log. */
  #storedEnd = 0;
  #syncedMark: Mark = FIRST_MARK;
  #waitingMark: Mark | null = null;
  #savedMark: Mark | null = null;
  #savedRuns = "";
  #savedForJavaMs = -Infinity;
  #reading: Promise<void> | null = null;
  #readAgain = false;
  #isCaughtUp = false;
  #isDelivering = false;
  #delivering: Promise<void> | null = null;
  #deliverAgain = false;
  #wakeUp: ClockTimer | null = null;
  #saveTimer: ClockTimer | null = null;
  #saving: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(parts: TimerParts) {
    const { disk, clock, settings, log } = parts;
    this.#parts = parts;
    this.#version = firstVersion(clock.now());
    this.#file = new ProgressFile(disk, `${settings.rootDir}/config`);
    this.#deletions = new Deletions(settings.tickMs);
    this.#index = new PendingIndex({
      disk,
      clock,
      directory: `${settings.rootDir}/timer`,
      isDead: (entry) => this.isDead(entry),
      onFailed: (error) => {
        if (error instanceof CorruptError) this.#rebuild(error.message);
        else log.error(`timers: cannot write the index, trying again: ${messageOf(error)}`);
      },
      ...(settings.heapMax !== undefined && { heapMax: settings.heapMax }),
    });
  }

  /** The order of what is pending. */
  get index(): PendingIndex {
    return this.#index;
  }

  /** Storing messages again; set by {@linkcode TimerRoll}. */
  get roll(): RollPass | null {
    return this.#roll;
  }

  /** Physical offset of the oldest message that is needed; Infinity when none is. Retention must not go beyond. */
  get neededOffset(): number {
    // As a loop: with the clock set back, more are late than a call has room for arguments.
    let needed = this.#index.minPhysicalOffset;
    for (const { physicalOffset } of this.#late.items) needed = Math.min(needed, physicalOffset);
    for (const { physicalOffset } of this.#takenLate) needed = Math.min(needed, physicalOffset);
    return needed;
  }

  /** Messages that are due and not delivered, and how far reading is behind: for runtime information. */
  figures(): { readBehindMs: number; offsetBehind: number; pending: number } {
    const { store, clock } = this.#parts;
    let pending = 0;
    for (const count of this.#counts.values()) pending += count;
    return {
      readBehindMs: Math.max(0, clock.now() - this.#index.watermark.dueMs),
      offsetBehind: Math.max(0, store.maxOffset(TOPIC, QUEUE_ID) - this.#nextRead),
      pending,
    };
  }

  /**
   * Loads what is known, or learns it from RocketMQ's files, and reads the rest of the timer topic. Resolves when everything
   * that is in the topic is filed.
   *
   * @throws {CorruptError} when the progress file and its backup cannot be read. @throws {DiskError}
   */
  async open(): Promise<void> {
    const { store, disk, settings, log, clock } = this.#parts;
    const progress = this.#file.load();
    const java = readJavaTimers(disk, settings.rootDir);
    if (java !== null) {
      log.info(
        `timers: taking over from RocketMQ's timer log, delivered up to ${new Date(java.readTimeMs).toISOString()}`,
      );
      this.#begin(markOf(java.readTimeMs, java.queueOffset), java);
    } else if (progress === null) this.#begin(FIRST_MARK, null);
    else await this.#resume(progress);
    this.#nextRead = Math.max(this.#nextRead, store.minOffset(TOPIC, QUEUE_ID));
    await this.arrived();
    this.#isCaughtUp = true;
    // A full disk must not keep readers from a broker; what a RocketMQ store is taken over from must be safe before it goes.
    if (java === null) await this.#save();
    else await this.#saveNow(false);
    retireJavaTimers(disk, settings.rootDir);
    this.#restored = { ...this.#restored, java: null };
    this.#saveTimer = clock.every(SAVE_INTERVAL_MS, () => void this.#save());
  }

  /** Begins to deliver. */
  start(): void {
    this.#isDelivering = true;
    this.#wake();
  }

  /** To be called when the timer topic has got messages; resolves when they are filed. */
  arrived(): Promise<void> {
    this.#readAgain = true;
    return this.#reading ??= this.#readLoop();
  }

  /** Stops delivering; resolves when what has begun is done. */
  async stop(): Promise<void> {
    this.#isDelivering = false;
    this.#wakeUp?.cancel();
    await this.#delivering;
  }

  /** Stops and saves everything. @throws {DiskError} */
  async close(): Promise<void> {
    await this.stop();
    this.#isClosed = true;
    this.#saveTimer?.cancel();
    await this.#reading;
    await this.#saving;
    if (this.#isCaughtUp) {
      this.#index.writeRun();
      await this.#save();
    }
    await this.#index.close();
  }

  /** On a slave: the master has delivered everything in slots before `readTimeMs` of messages below `queueOffset`. */
  async followMaster(readTimeMs: number, queueOffset: number): Promise<void> {
    while ((await this.#index.take(readTimeMs, BATCH_MAX)).length > 0) this.#index.commit(this.#index.horizon);
    if (readTimeMs > this.#index.watermark.dueMs) this.#index.commit(endOf(readTimeMs));
    for (const entry of this.#late.drain()) if (entry.queueOffset >= queueOffset) this.#late.push(entry);
  }

  /** RocketMQ's timer checkpoint (request 60). */
  encodeCheck(queueOffset: number = this.#nextRead): Uint8Array {
    const { tickMs } = this.#parts.settings;
    const { dueMs, queueOffset: last } = this.#index.watermark;
    // Only the end of a time says that everything due then is delivered.
    const readTimeMs = Math.max(0, slotOf(last === endOf(dueMs).queueOffset ? dueMs : dueMs - 1, tickMs));
    return encodeTimerCheck(readTimeMs, queueOffset, this.#version);
  }

  /** Pending messages by topic, as RocketMQ's JSON (request 61). */
  metricsText(): string {
    const timeStamp = this.#version.timestamp;
    const timingCount = Object.fromEntries([...this.#counts].map(([topic, count]) => [topic, { count, timeStamp }]));
    return stringifyJson({ dataVersion: dataVersionJson(this.#version), timingCount });
  }

  /** Whether an entry has been stored again or delivered before a roll. */
  isDead(entry: TimerEntry): boolean {
    if (entry.queueOffset < this.#rolledBelow) return true;
    const roll = this.#roll;
    return roll !== null && entry.queueOffset < roll.below && compareKeys(entry, roll.from) > 0 &&
      compareKeys(entry, roll.done) <= 0;
  }

  /** The message of an entry, null (and a line in the log) when it is gone. */
  async load(entry: TimerEntry): Promise<StoredMessage | null> {
    const record = await this.#parts.store.messageAt(entry.physicalOffset);
    const message = record === null ? null : readStoredMessage(record);
    if (message?.topic === TOPIC && message.queueOffset === entry.queueOffset) return message;
    this.#parts.log.error(
      `timer message ${entry.queueOffset} at ${entry.physicalOffset} is not there any more: it cannot be delivered`,
    );
    return null;
  }

  /** Says how far storing again has come; `storedEnd` is the end of what was stored. Null ends it. */
  rolled(roll: RollPass | null, storedEnd = 0): void {
    if (roll === null && this.#roll !== null) this.#rolledBelow = Math.max(this.#rolledBelow, this.#roll.below);
    this.#roll = roll;
    this.#storedEnd = Math.max(this.#storedEnd, storedEnd);
  }

  #begin(mark: Mark, java: JavaTimers | null): void {
    makeDurableDirectory(this.#parts.disk, `${this.#parts.settings.rootDir}/timer`);
    this.#index.reset(mark.watermark);
    this.#useMark(mark);
    this.#counts.clear();
    this.#restored = { mark, indexedOffset: 0, isRebuilt: true, java, late: new Set(mark.late) };
    this.#nextRead = 0;
  }

  async #resume(progress: Progress): Promise<void> {
    const { store, log } = this.#parts;
    const end = store.figures().maxPhysicalOffset;
    const mark = progress.mark.endOffset <= end ? progress.mark : progress.syncedMark;
    if (mark !== progress.mark || progress.indexedEnd > end) {
      log.warn(`timers: the log ends at ${end}, before messages that timers know of: reading the timer topic again`);
      return this.#begin(mark, null);
    }
    try {
      await this.#index.open(progress, mark.watermark);
    } catch (error) {
      log.warn(`timers: reading the timer topic again, the index is of no use: ${messageOf(error)}`);
      return this.#begin(mark, null);
    }
    this.#useMark(mark);
    for (const [topic, count] of mark.counts) this.#counts.set(topic, count);
    this.#restored = {
      mark,
      indexedOffset: progress.indexedOffset,
      isRebuilt: false,
      java: null,
      late: new Set(mark.late),
    };
    this.#nextRead = Math.min(progress.indexedOffset, mark.readOffset, mark.late[0] ?? Infinity);
  }

  #useMark(mark: Mark): void {
    this.#rolledBelow = mark.rolledBelow;
    this.#roll = mark.roll;
    this.#storedEnd = mark.endOffset;
    this.#syncedMark = mark;
  }

  #rebuild(why: string): void {
    this.#parts.log.warn(`timers: reading the timer topic again, the index is of no use: ${why}`);
    const mark = this.#mark();
    this.#isCaughtUp = false;
    this.#late.drain();
    this.#inForce = [];
    this.#begin({ ...mark, counts: new Map() }, null);
    this.arrived().then(() => {
      this.#isCaughtUp = true;
      this.#wake();
    });
  }

  // Reading

  async #readLoop(): Promise<void> {
    while (this.#readAgain && !this.#isClosed) {
      this.#readAgain = false;
      try {
        await this.#readToEnd();
      } catch (error) {
        this.#parts.log.error(
          `timers: cannot read the timer topic, trying again in ${RETRY_MS} ms: ${messageOf(error)}`,
        );
        await this.#parts.clock.sleep(RETRY_MS);
        this.#readAgain = true;
      }
    }
    this.#reading = null;
    this.#wake();
  }

  async #readToEnd(): Promise<void> {
    const { store, clock } = this.#parts;
    const result = new PullResult();
    let since = clock.monotonicMs();
    while (!this.#isClosed) {
      const queue = store.queue(TOPIC, QUEUE_ID);
      switch (store.pull(queue, this.#nextRead, READ_MAX, READ_BYTES_MAX, null, result)) {
        case PullStatus.FOUND:
          for (const part of result.parts) this.#fileRecords(part);
          this.#nextRead = result.nextBeginOffset;
          break;
        case PullStatus.PENDING:
          await store.load([...result.missing]);
          break;
        default:
          if (queue === null || result.nextBeginOffset <= this.#nextRead || this.#nextRead >= queue.maxOffset) return;
          this.#nextRead = result.nextBeginOffset;
      }
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(0);
      since = clock.monotonicMs();
    }
  }

  #fileRecords(part: Uint8Array): void {
    const view = this.#view;
    for (let at = 0; at < part.length; at += view.size) {
      if (view.read(part, at, part.length) !== RecordKind.RECORD) return;
      const properties = decodeProperties(part.subarray(view.propertiesStart, view.propertiesEnd));
      const bornTimestamp = getI64(part, at + RecordAt.BORN_TIMESTAMP);
      this.#fileMessage(view, properties, bornTimestamp);
    }
  }

  #fileMessage(view: RecordView, properties: Map<string, string>, bornTimestamp: number): void {
    const { tickMs } = this.#parts.settings;
    const { queueOffset, physicalOffset, size: sizeBytes, storeTimestamp } = view;
    const dueMs = storedDueMs({ properties, storeTimestamp, bornTimestamp }, tickMs);
    const topic = properties.get(Property.REAL_TOPIC);
    if (dueMs === null || topic === undefined) {
      return this.#parts.log.error(`timer message ${queueOffset} does not say when or where to: it is not delivered`);
    }
    const isDelete = properties.has(Property.TIMER_DEL_UNIQKEY);
    const entry: TimerEntry = {
      dueMs: isDelete ? slotOf(Number(properties.get(Property.TIMER_OUT_MS)), tickMs) : dueMs,
      queueOffset,
      physicalOffset,
      sizeBytes,
      isDelete,
      topicHash: javaHash(topic),
    };
    if (this.#isDone(entry)) return;
    if (compareKeys(entry, this.#index.horizon) <= 0) this.#late.push(entry);
    else if (queueOffset >= this.#restored.indexedOffset) this.#index.add(entry);
    if (!isDelete && (this.#restored.isRebuilt || queueOffset >= this.#restored.mark.readOffset)) this.#count(topic, 1);
  }

  /** Whether a message that is read was delivered before this process began. */
  #isDone(entry: TimerEntry): boolean {
    const { mark, java, late } = this.#restored;
    if (this.isDead(entry)) return true;
    if (java !== null && entry.queueOffset < java.queueOffset && !java.isPending(entry.physicalOffset)) return true;
    if (entry.queueOffset >= mark.readOffset || compareKeys(entry, mark.watermark) > 0) return false;
    return !late.has(entry.queueOffset);
  }

  #count(topic: string, change: number): void {
    const count = (this.#counts.get(topic) ?? 0) + change;
    if (count > 0) this.#counts.set(topic, count);
    else this.#counts.delete(topic);
  }

  // Delivering

  #wake(): void {
    if (!this.#isDelivering || !this.#isCaughtUp) return;
    this.#deliverAgain = true;
    this.#delivering ??= this.#deliverLoop();
  }

  async #deliverLoop(): Promise<void> {
    let waitMs = Infinity;
    while (this.#deliverAgain && this.#isDelivering) {
      this.#deliverAgain = false;
      try {
        waitMs = await this.#deliverDue();
      } catch (error) {
        if (error instanceof CorruptError) this.#rebuild(error.message);
        else this.#parts.log.error(`timers: ${messageOf(error)}; trying again in ${RETRY_MS} ms`);
        waitMs = RETRY_MS;
      }
    }
    this.#delivering = null;
    this.#wakeUp?.cancel();
    if (!this.#isDelivering || waitMs === Infinity) return;
    this.#wakeUp = this.#parts.clock.after(Math.max(0, Math.min(waitMs, WAIT_MAX_MS)), () => this.#wake());
  }

  /** Delivers what is due; returns how long to wait for more. */
  async #deliverDue(): Promise<number> {
    const { clock } = this.#parts;
    if (this.#isUnderWay) await this.#takeBack();
    for (let since = clock.monotonicMs(); this.#isDelivering && this.#isCaughtUp;) {
      const now = clock.now();
      this.#takeLate(now);
      this.#isUnderWay = true;
      const batch = this.#takenLate.length > 0 ? this.#takenLate : await this.#index.take(now, BATCH_MAX);
      if (batch.length === 0) {
        this.#isUnderWay = false;
        const nextMs = Math.min(await this.#index.idle(now), this.#late.peek()?.dueMs ?? Infinity);
        this.#expireDeletions(now);
        this.#finishRoll();
        return nextMs - clock.now();
      }
      if (!await this.#deliver(batch)) return RETRY_MS;
      this.#isUnderWay = false;
      // What is in memory is read and stored without waiting for anything.
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(0);
      since = clock.monotonicMs();
    }
    return Infinity;
  }

  /** Of ticks in which nothing can become due any more: the clock may have been set back behind the watermark. */
  #expireDeletions(now: number): void {
    const timeMs = Math.min(now, this.#index.watermark.dueMs, this.#late.peek()?.dueMs ?? Infinity);
    this.#deletions.expire(timeMs);
    const { tickMs } = this.#parts.settings;
    this.#inForce = this.#inForce.filter((entry) => entry.dueMs + 2 * tickMs >= timeMs);
  }

  #takeLate(now: number): void {
    while (this.#takenLate.length < BATCH_MAX && (this.#late.peek()?.dueMs ?? Infinity) <= now) {
      this.#takenLate.push(this.#late.pop()!);
    }
  }

  async #takeBack(): Promise<void> {
    for (const entry of this.#takenLate) this.#late.push(entry);
    this.#takenLate = [];
    await this.#index.rewind();
    this.#isUnderWay = false;
  }

  /** Delivers entries in their order and commits them; false when not all could be. */
  async #deliver(batch: readonly TimerEntry[]): Promise<boolean> {
    const { put } = this.#parts;
    const messages = await Promise.all(batch.map((entry) => this.isDead(entry) ? null : this.load(entry)));
    const delivered: string[] = [];
    let last = null;
    let done = 0;
    for (; done < batch.length; done++) {
      const message = messages[done]!;
      if (message === null || this.isDead(batch[done]!)) continue;
      if (batch[done]!.isDelete) this.#deletions.add(message);
      else {
        const topic = message.properties.get(Property.REAL_TOPIC)!;
        const outcome = this.#deletions.has(message) ? null : put.putAsIs(this.#dueMessage(message));
        if (outcome !== null && !isSettled(outcome.status)) break;
        if (outcome !== null && outcome.status !== PutStatus.PUT_OK) {
          this.#parts.log.error(`timer message ${message.queueOffset} for ${topic} cannot be stored: dropped`);
        } else if (outcome !== null) last = outcome.result;
        delivered.push(topic);
      }
    }
    if (last !== null) {
      if (!await staysStored(put, last, () => !this.#isDelivering)) return false;
      this.#storedEnd = Math.max(this.#storedEnd, last.endOffset);
    }
    for (const topic of delivered) this.#count(topic, -1);
    this.#commit(batch, done);
    return done === batch.length;
  }

  #commit(batch: readonly TimerEntry[], done: number): void {
    for (let i = 0; i < done; i++) if (batch[i]!.isDelete) this.#inForce.push(batch[i]!);
    if (batch === this.#takenLate) this.#takenLate = batch.slice(done);
    else if (done > 0) this.#index.commit(batch[done - 1]!);
  }

  #dueMessage(message: StoredMessage) {
    const { clock, settings } = this.#parts;
    const { properties } = message;
    properties.set(Property.TIMER_ENQUEUE_MS, String(slotOf(message.storeTimestamp, settings.tickMs)));
    properties.set(Property.TIMER_DEQUEUE_MS, String(clock.now()));
    const queueId = Number(properties.get(Property.REAL_QID) ?? 0);
    return storedAgain(message, properties.get(Property.REAL_TOPIC)!, queueId);
  }

  /** A roll is over when what it left to delivery is delivered. */
  #finishRoll(): void {
    const roll = this.#roll;
    if (roll === null || roll.done.dueMs !== LAST_KEY.dueMs || compareKeys(this.#index.watermark, roll.from) < 0) {
      return;
    }
    this.rolled(null);
    void this.#index.compactBelow(roll.below);
  }

  // Progress

  #mark(): Mark {
    const late = [...this.#late.items, ...this.#takenLate, ...this.#inForce]
      .map((each) => each.queueOffset).sort((a, b) => a - b);
    const isListed = late.length <= LATE_LISTED_MAX;
    return {
      watermark: this.#index.watermark,
      readOffset: isListed ? this.#nextRead : late[0]!,
      late: isListed ? late : [],
      rolledBelow: this.#rolledBelow,
      roll: this.#roll,
      endOffset: this.#storedEnd,
      counts: new Map(this.#counts),
    };
  }

  #save(isForJava = true): Promise<void> {
    return this.#saving = this.#saving.then(() => this.#saveNow(isForJava)).catch((error) => {
      this.#parts.log.error(`timers: cannot save how far they are, trying again: ${messageOf(error)}`);
    });
  }

  async #saveNow(isForJava: boolean): Promise<void> {
    if (!this.#isCaughtUp) return;
    const { store, clock } = this.#parts;
    const mark = this.#mark();
    const runsText = this.#index.runs.map((run) => run.name).join();
    this.#moveSyncedMark(mark, store.figures().flushedOffset);
    const old = this.#savedMark;
    const isSame = old !== null && runsText === this.#savedRuns && old.readOffset === mark.readOffset &&
      old.late.length === mark.late.length &&
      old.endOffset === mark.endOffset && old.roll === mark.roll && !this.#isWorthSaving(old.watermark) &&
      !this.#isClosed;
    if (isSame) return;
    this.#version = nextVersion(this.#version, clock.now());
    const oldest = Math.min(mark.readOffset, mark.late[0] ?? Infinity, this.#index.minQueueOffset);
    const check = this.encodeCheck(oldest);
    const snapshot = this.#index.snapshot();
    let isListed = false;
    try {
      await this.#index.sync(snapshot);
      await this.#file.save({ ...snapshot, mark, syncedMark: this.#syncedMark });
      isListed = true;
    } finally {
      this.#index.settle(snapshot, isListed);
    }
    this.#savedMark = mark;
    this.#savedRuns = runsText;
    const now = clock.monotonicMs();
    if (!isForJava || (now - this.#savedForJavaMs < JAVA_SAVE_INTERVAL_MS && !this.#isClosed)) return;
    this.#savedForJavaMs = now;
    await this.#file.saveForJava(this.metricsText(), check);
  }

  /** Idle time alone is written down once a minute. */
  #isWorthSaving(saved: TimerKey): boolean {
    return this.#index.watermark.dueMs - saved.dueMs > 60_000;
  }

  #moveSyncedMark(mark: Mark, flushedOffset: number): void {
    if (this.#waitingMark !== null && this.#waitingMark.endOffset <= flushedOffset) {
      this.#syncedMark = this.#waitingMark;
      this.#waitingMark = null;
    }
    if (mark.endOffset <= flushedOffset) this.#syncedMark = mark;
    else this.#waitingMark ??= mark;
  }
}

/** Whether it makes no sense to try again. */
function isSettled(status: PutStatus): boolean {
  return status === PutStatus.PUT_OK || status === PutStatus.MESSAGE_ILLEGAL ||
    status === PutStatus.PROPERTIES_SIZE_EXCEEDED;
}
