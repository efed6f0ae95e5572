/**
 * Stores pending messages again before the log forgets them: a message that waits longer than `fileReservedTime` outlives the
 * commitlog file that holds it. When the oldest pending message is half of that time old, everything older than a quarter of
 * it is stored again, in the order of delivery, with TIMER_ROLL_TIMES one higher; the index then skips the older copies.
 *
 * RocketMQ does the same with every message that is too far ahead for its wheel.
 *
 * @module
 */
import type { Clock, Timer as ClockTimer } from "../../common/clock.ts";
import { messageOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { Property } from "../../protocol/message.ts";
import { type MessageStore, PutStatus } from "../../store/store.ts";
import { type MessagePut, staysStored } from "../message_put.ts";
import { storedAgain, type StoredMessage } from "../stored_message.ts";
import { SystemTopic } from "../system_topics.ts";
import { Deletions, TIMER_DEL_QUEUE_OFFSET } from "./deletions.ts";
import { compareKeys, endOf, LAST_KEY, type TimerEntry } from "./entry.ts";
import type { RollPass } from "./progress.ts";
import type { Timer } from "./timer.ts";

const TOPIC = SystemTopic.TIMER;
const BATCH_MAX = 128;
/** Time between two looks at the oldest message, and the pause between batches: this work is never urgent. */
const LOOK_INTERVAL_MS = 60_000;
const PAUSE_MS = 5;
const RETRY_MS = 1000;
/** Parts of `fileReservedTime`: age of the oldest message at which a pass begins, and of the youngest it takes. */
const BEGIN_AT = 1 / 2;
const TAKE_FROM = 1 / 4;
/** Messages that are due sooner than this part of `fileReservedTime` are left to delivery. */
const LEAVE_WITHIN = 1 / 16;

/** What storing again needs. */
export interface TimerRollParts {
  readonly timer: Timer;
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly clock: Clock;
  readonly log: Log;
  /** `timerPrecisionMs`. */
  readonly tickMs: number;
  /** `fileReservedTime` in milliseconds. */
  readonly keptMs: () => number;
}

/** The passes; runs where {@linkcode Timer} delivers. */
export class TimerRoll {
  readonly #parts: TimerRollParts;
  #look: ClockTimer | null = null;
  #running: Promise<void> | null = null;
  #stopped = true;

  constructor(parts: TimerRollParts) {
    this.#parts = parts;
  }

  /** Looks now and then every minute. */
  start(): void {
    this.#stopped = false;
    this.#look = this.#parts.clock.every(LOOK_INTERVAL_MS, () => this.wake());
    this.wake();
  }

  /** Ends after the present batch. A pass goes on with the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#look?.cancel();
    await this.#running;
  }

  /** Looks whether messages are old enough, unless that is under way. */
  wake(): void {
    if (this.#stopped || this.#running !== null) return;
    this.#running = this.#run().catch((error) => {
      this.#parts.log.error(`timers: cannot store old messages again: ${messageOf(error)}`);
    }).finally(() => this.#running = null);
  }

  async #run(): Promise<void> {
    const { timer, log } = this.#parts;
    const roll = timer.roll ?? await this.#newPass();
    if (roll === null || compareKeys(roll.done, LAST_KEY) === 0) return;
    log.info(`timers: storing pending messages below ${roll.below} of the timer topic again`);
    timer.rolled(roll);
    const count = await this.#pass(roll);
    log.info(`timers: stored ${count} pending messages again`);
  }

  async #newPass(): Promise<RollPass | null> {
    const { timer, store, clock } = this.#parts;
    const keptMs = this.#parts.keptMs();
    const oldest = timer.index.minQueueOffset;
    if (oldest === Infinity) return null;
    const now = clock.now();
    const storedMs = await store.storeTimeAt(TOPIC, 0, oldest);
    if (storedMs >= 0 && now - storedMs < keptMs * BEGIN_AT) return null;
    const below = await store.offsetByTime(TOPIC, 0, now - keptMs * TAKE_FROM);
    const from = endOf(now + keptMs * LEAVE_WITHIN);
    return below > oldest ? { below, from, done: from } : null;
  }

  async #pass(first: RollPass): Promise<number> {
    const { timer, put, clock } = this.#parts;
    const deletions = new Deletions(this.#parts.tickMs);
    let roll = first;
    let count = 0;
    while (!this.#stopped) {
      const entries = await timer.index.scan(roll.done, BATCH_MAX);
      if (entries.length === 0) {
        timer.rolled({ ...roll, done: LAST_KEY });
        break;
      }
      const messages = await Promise.all(
        entries.map((entry) => this.#isWanted(entry, roll) ? timer.load(entry) : null),
      );
      let done = 0;
      let stored = 0;
      let storedEnd = 0;
      let end: number | null = 0;
      for (; done < entries.length && !this.#stopped; done++) {
        end = this.#storeAgain(entries[done]!, messages[done]!, deletions, roll);
        if (end === null) break;
        if (end > 0) {
          storedEnd = end;
          stored++;
        }
      }
      // Copies that were taken back with their turn are made again.
      const isThere = storedEnd === 0 || await staysStored(put, { endOffset: storedEnd }, () => this.#stopped);
      if (isThere && done > 0) {
        roll = { ...roll, done: entries[done - 1]! };
        count += stored;
        timer.rolled(roll, storedEnd);
        deletions.expire(roll.done.dueMs);
      }
      await clock.sleep(isThere && end !== null ? PAUSE_MS : RETRY_MS);
    }
    return count;
  }

  /** Deletions are looked at whatever their age: what they delete need not be stored again. */
  #isWanted(entry: TimerEntry, roll: RollPass): boolean {
    return entry.isDelete || entry.queueOffset < roll.below;
  }

  /** Stores one message again; returns where its copy ends, 0 when none is needed, null when it is to be tried again. */
  #storeAgain(
    entry: TimerEntry,
    message: StoredMessage | null,
    deletions: Deletions,
    roll: RollPass,
  ): number | null {
    const { timer, put } = this.#parts;
    if (message === null || timer.isDead(entry)) return 0;
    if (entry.isDelete) deletions.add(message);
    // What is on its way is delivered, not stored again.
    if (entry.queueOffset >= roll.below || compareKeys(entry, timer.index.horizon) <= 0) return 0;
    // A deletion of one message means the copy that is here: its work is done when that is not stored again.
    if (entry.isDelete ? message.properties.has(TIMER_DEL_QUEUE_OFFSET) : deletions.has(message)) return 0;
    const outcome = put.putAsIs(copyOf(message, entry));
    if (outcome.status === PutStatus.PUT_OK) return outcome.result.endOffset;
    return outcome.status === PutStatus.MESSAGE_ILLEGAL || outcome.status === PutStatus.PROPERTIES_SIZE_EXCEEDED
      ? 0
      : null;
  }
}

function copyOf(message: StoredMessage, entry: TimerEntry) {
  const { properties } = message;
  properties.set(Property.TIMER_ROLL_TIMES, String(Number(properties.get(Property.TIMER_ROLL_TIMES) ?? 0) + 1));
  // The copy has another store time, from which no delay counts.
  if (!entry.isDelete) properties.set(Property.TIMER_DELIVER_MS, String(entry.dueMs));
  return storedAgain(message, SystemTopic.TIMER, 0);
}
