/**
 * Delivers delayed messages when they are due: one reader for each level, in the order of its queue. How far each has come
 * is kept in `config/delayOffset.json`; it moves only when the delivered message is as safe as producers are promised, so
 * that a crash may deliver a message twice but never loses one.
 *
 * RocketMQ counterpart: `ScheduleMessageService`.
 *
 * @module
 */
import { getI64 } from "../common/bytes.ts";
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { Property } from "../protocol/message.ts";
import { type MessageStore, PullResult, PullStatus, PutStatus } from "../store/store.ts";
import type { DelayLevels } from "./delay_levels.ts";
import type { DelayOffsets } from "./delay_offsets.ts";
import { type MessagePut, staysStored } from "./message_put.ts";
import { readStoredMessages, storedAgain, type StoredMessage } from "./stored_message.ts";
import { SystemTopic } from "./system_topics.ts";

/** Messages of a level that are read and delivered together. */
const BATCH_MAX = 64;
const BATCH_BYTES_MAX = 1048576;
/** Longest stretch of delivering, after which others have their turn. */
const SLICE_MS = 4;
/** After a delivery failed, the next attempt comes this much later. */
const RETRY_MS = 1000;
const UNIT_SIZE = 20;
/** Longest time a timer is set for: the wall clock may be set meanwhile. */
const TIMER_MAX_MS = 60_000;

/** What the delivery is made of. */
export interface ScheduleParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly levels: DelayLevels;
  readonly offsets: DelayOffsets;
  readonly clock: Clock;
  readonly log: Log;
}

/** The delivery of delayed messages; does nothing between {@linkcode stop} and {@linkcode start} (on a slave). */
export class Schedule {
  readonly #parts: ScheduleParts;
  #readers: LevelReader[] = [];

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  /** Starts a reader for each level. */
  start(): void {
    for (let level = 1; level <= this.#parts.levels.max; level++) {
      const reader = new LevelReader(this.#parts, level);
      this.#readers.push(reader);
      reader.wake();
    }
  }

  /** To be called when a queue of the schedule topic has got a message. */
  arrived(queueId: number): void {
    this.#readers[queueId]?.arrived();
  }

  /** Stops delivering; resolves when what has begun is done. */
  async stop(): Promise<void> {
    const readers = this.#readers;
    this.#readers = [];
    await Promise.all(readers.map((reader) => reader.stop()));
  }
}

/** Reads one level's queue and delivers what is due. */
class LevelReader {
  readonly #parts: ScheduleParts;
  readonly #level: number;
  readonly #queueId: number;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;

  constructor(parts: ScheduleParts, level: number) {
    this.#parts = parts;
    this.#level = level;
    this.#queueId = level - 1;
  }

  /** Looks at the queue, now or after what is under way. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** There is a new message: it is due after those before it, so one that is waited for already is enough to wake up for. */
  arrived(): void {
    if (this.#timer === null) this.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs = Infinity;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        waitMs = await this.#deliverDue();
      } catch (error) {
        this.#parts.log.error(`delay level ${this.#level}: ${messageOf(error)}; trying again in ${RETRY_MS} ms`);
        waitMs = RETRY_MS;
      }
    }
    this.#running = null;
    if (this.#stopped || waitMs === Infinity) return;
    this.#timer = this.#parts.clock.after(Math.min(waitMs, TIMER_MAX_MS), () => {
      this.#timer = null;
      this.wake();
    });
  }

  /** Delivers everything that is due; returns the time until the next is, Infinity when none waits. */
  async #deliverDue(): Promise<number> {
    const { clock } = this.#parts;
    for (let since = clock.monotonicMs(); !this.#stopped;) {
      const offset = this.#correctedOffset();
      const batch = await this.#read(offset);
      if (batch.length === 0) {
        if (this.#isAtEnd(offset)) return Infinity;
        continue;
      }
      const due = await this.#countDue(batch);
      if (due.count > 0 && !await this.#deliver(batch.slice(0, due.count))) return RETRY_MS;
      if (due.count < batch.length) return due.waitMs;
      // What is in memory is read and stored without waiting for anything.
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(0);
      since = clock.monotonicMs();
    }
    return Infinity;
  }

  /** Where to go on, inside what the queue still has. */
  #correctedOffset(): number {
    const { store, offsets } = this.#parts;
    const stored = offsets.get(this.#level);
    const queue = store.queue(SystemTopic.SCHEDULE, this.#queueId);
    if (queue === null) return stored;
    return Math.min(Math.max(stored, queue.minOffset), queue.maxOffset);
  }

  #isAtEnd(offset: number): boolean {
    return offset >= this.#parts.store.maxOffset(SystemTopic.SCHEDULE, this.#queueId);
  }

  /**
   * Some messages from `offset` on; none at the end of the queue, and where messages are lost (removed before they were due,
   * or damaged): the level then moves behind them, so that it does not stop for ever.
   */
  async #read(offset: number): Promise<StoredMessage[]> {
    const { store } = this.#parts;
    const result = new PullResult();
    for (;;) {
      const queue = store.queue(SystemTopic.SCHEDULE, this.#queueId);
      const status = store.pull(queue, offset, BATCH_MAX, BATCH_BYTES_MAX, null, result);
      if (status === PullStatus.PENDING) {
        await store.load([...result.missing]);
        continue;
      }
      const messages = status === PullStatus.FOUND ? readStoredMessages(result.parts) : [];
      if (messages.length === 0 && !this.#isAtEnd(offset)) {
        this.#skip(offset, status === PullStatus.FOUND ? offset + 1 : Math.max(offset + 1, result.nextBeginOffset));
      }
      return messages;
    }
  }

  #skip(offset: number, next: number): void {
    const { log, offsets } = this.#parts;
    log.error(`delay level ${this.#level}: messages from offset ${offset} to ${next - 1} are not there: skipped`);
    offsets.set(this.#level, next);
  }

  /** How many of the messages are due, from the first on: the due time stands in the queue's unit. */
  async #countDue(messages: readonly StoredMessage[]): Promise<{ count: number; waitMs: number }> {
    const first = messages[0]!.queueOffset;
    const unitCount = messages.at(-1)!.queueOffset - first + 1;
    const units = await this.#parts.store.unitsAt(SystemTopic.SCHEDULE, this.#queueId, first, unitCount);
    const now = this.#parts.clock.now();
    for (const [i, message] of messages.entries()) {
      const dueMs = getI64(units, (message.queueOffset - first) * UNIT_SIZE + 12);
      const waitMs = dueMs - now;
      // Further away than the level's delay: the clock was set back. Due now, as in RocketMQ.
      if (waitMs > 0 && waitMs <= this.#parts.levels.delayMs(this.#level)) return { count: i, waitMs };
    }
    return { count: messages.length, waitMs: 0 };
  }

  /** Stores the messages where they belong and moves on when they are safe. False when some were refused. */
  async #deliver(messages: readonly StoredMessage[]): Promise<boolean> {
    const { put, offsets, log } = this.#parts;
    let next = messages[0]!.queueOffset;
    let last = null;
    for (const message of messages) {
      const outcome = put.putAsIs(dueMessage(message));
      if (outcome.status !== PutStatus.PUT_OK && outcome.status !== PutStatus.MESSAGE_ILLEGAL) break;
      if (outcome.status === PutStatus.PUT_OK) last = outcome.result;
      else log.error(`delayed message at offset ${message.queueOffset} of level ${this.#level} is illegal: dropped`);
      next = message.queueOffset + 1;
    }
    if (last !== null && !await staysStored(put, last, () => this.#stopped)) return false;
    offsets.set(this.#level, next);
    return next > messages.at(-1)!.queueOffset;
  }
}

/** The message as it is delivered. Its property string keeps DELAY, REAL_TOPIC and REAL_QID, as in RocketMQ. */
function dueMessage(message: StoredMessage) {
  const topic = message.properties.get(Property.REAL_TOPIC) ?? message.topic;
  const queueId = Number(message.properties.get(Property.REAL_QID) ?? message.queueId);
  return storedAgain(message, topic, queueId);
}
