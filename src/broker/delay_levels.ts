/**
 * The delay levels: `messageDelayLevel` as a table, and the rewriting of a message with a level into one that waits in the
 * schedule topic. Level n waits in queue n − 1 of SCHEDULE_TOPIC_XXXX; its unit in the queue carries the due time, its
 * properties REAL_TOPIC and REAL_QID where it goes then.
 *
 * RocketMQ counterpart: `ScheduleMessageService#parseDelayLevel`, `HookUtils#handleScheduleMessage`.
 *
 * @module
 */
import { Property } from "../protocol/message.ts";
import { type BrokerMessage, isTransactional, type PutRefusal } from "./message_put.ts";
import { SystemTopic } from "./system_topics.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Levels by number, beginning with 1. */
export class DelayLevels {
  readonly #delaysMs: readonly number[];

  /**
   * @param text `messageDelayLevel`: numbers with unit s, m, h or d, separated by blanks.
   * @throws {TypeError} when an item is neither.
   */
  constructor(text: string) {
    this.#delaysMs = text.trim().split(/\s+/).map((item) => {
      const match = /^(\d+)([smhd])$/.exec(item);
      if (match === null) {
        throw new TypeError(`messageDelayLevel: "${item}" is no delay; expected e.g. 30s, 5m, 2h, 1d`);
      }
      return Number(match[1]) * UNIT_MS[match[2]!]!;
    });
  }

  /** The highest level. */
  get max(): number {
    return this.#delaysMs.length;
  }

  /** Delay of a level in milliseconds; levels above the highest have its delay. */
  delayMs(level: number): number {
    return this.#delaysMs[Math.min(level, this.max) - 1] ?? 1000;
  }

  /** Sends a message that has a level to the schedule topic; others are left alone. Never refuses. */
  readonly rewrite = (message: BrokerMessage): PutRefusal | null => {
    const level = Number(message.properties.get(Property.DELAY) ?? 0);
    if (!(level > 0) || isTransactionalEnd(message)) return null;
    const capped = Math.min(Math.trunc(level), this.max);
    message.properties.set(Property.DELAY, String(capped));
    // A level wins over a time.
    for (const name of [Property.TIMER_DELAY_SEC, Property.TIMER_DELAY_MS, Property.TIMER_DELIVER_MS]) {
      message.properties.delete(name);
    }
    message.properties.set(Property.REAL_TOPIC, message.topic);
    message.properties.set(Property.REAL_QID, String(message.queueId));
    message.topic = SystemTopic.SCHEDULE;
    message.queueId = capped - 1;
    message.deliverDelayMs = this.delayMs(capped);
    return null;
  };
}

function isTransactionalEnd(message: BrokerMessage): boolean {
  // Prepared and rollback records are in no queue; a commit (8) is an ordinary message again.
  return isTransactional(message.sysFlag) && (message.sysFlag & 0xc) !== 0x8;
}
