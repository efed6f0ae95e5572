/**
 * Deletions that are in force: which messages of a tick are not to be delivered. A timer message with TIMER_DEL_UNIQKEY
 * (`topic+uniqueKey`, or the unique key alone) deletes every message with that key in its own tick, whether it was sent before
 * or after it, as in RocketMQ. With TIMER_DEL_QUEUE_OFFSET, which is ours, it deletes just the one at that offset of the timer
 * topic: that is how an administrator cancels a message and moves it to another time.
 *
 * @module
 */
import { Property } from "../../protocol/message.ts";
import type { StoredMessage } from "../stored_message.ts";
import { slotOf } from "./due_time.ts";

/** Ours: a deletion with it means one message only. RocketMQ does not look at it. */
export const TIMER_DEL_QUEUE_OFFSET = "TIMER_DEL_QUEUE_OFFSET";

/** Ticks behind the present one for which deletions are remembered. */
const TICKS_KEPT = 2;

/** Deletions of the present ticks. */
export class Deletions {
  readonly #tickMs: number;
  /** What is deleted in each tick. */
  readonly #byTick = new Map<number, { keys: Set<string>; offsets: Set<number> }>();

  /** @param tickMs `timerPrecisionMs`. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Puts a deletion into force. */
  add(message: StoredMessage): void {
    const tick = this.#tickOf(message);
    const deleted = this.#byTick.get(tick) ?? { keys: new Set(), offsets: new Set() };
    this.#byTick.set(tick, deleted);
    const offset = message.properties.get(TIMER_DEL_QUEUE_OFFSET);
    if (offset !== undefined) deleted.offsets.add(Number(offset));
    else deleted.keys.add(message.properties.get(Property.TIMER_DEL_UNIQKEY) ?? "");
  }

  /** Whether a message is deleted. */
  has(message: StoredMessage): boolean {
    if (this.#byTick.size === 0) return false;
    const deleted = this.#byTick.get(this.#tickOf(message));
    if (deleted === undefined) return false;
    const key = message.properties.get(Property.UNIQ_KEY);
    return deleted.offsets.has(message.queueOffset) ||
      (key !== undefined && (deleted.keys.has(key) ||
        deleted.keys.has(`${message.properties.get(Property.REAL_TOPIC)}+${key}`)));
  }

  /** Forgets those of ticks that are over at `timeMs`. */
  expire(timeMs: number): void {
    for (const tick of this.#byTick.keys()) {
      if (tick + TICKS_KEPT * this.#tickMs < timeMs) this.#byTick.delete(tick);
    }
  }

  #tickOf(message: StoredMessage): number {
    return slotOf(Number(message.properties.get(Property.TIMER_OUT_MS)), this.#tickMs);
  }
}
