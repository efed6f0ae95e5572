/**
 * When a message with timer properties is due, and how RocketMQ writes that down.
 *
 * RocketMQ counts in ticks (`timerPrecisionMs`): TIMER_OUT_MS is the due time rounded down to a tick, one tick earlier when it
 * is a whole tick already, and a message is delivered when its tick is over. So a message with TIMER_OUT_MS t is due within
 * `(t, t + tick]`. We store the same TIMER_OUT_MS, so that RocketMQ understands our messages, and find the exact time again
 * in the property that asked for it.
 *
 * Source: RocketMQ 5.x `HookUtils#handleScheduleMessage`, `TimerMessageStore#doEnqueue`.
 *
 * @module
 */
import { Property } from "../../protocol/message.ts";

/** Later than any date that a clock shows; what is further away is a mistake. Ours: the end of the year 9999. */
export const DUE_MS_MAX = 253_402_300_799_999;
/** RocketMQ's tick; a store may have been written with it whatever the configuration says now. */
const DEFAULT_TICK_MS = 1000;

/** Properties of a message. */
export type Properties = ReadonlyMap<string, string>;

/** Whether a message asks for a time of delivery. */
export function hasTimerProperty(properties: Properties): boolean {
  return properties.has(Property.TIMER_DELIVER_MS) || properties.has(Property.TIMER_DELAY_MS) ||
    properties.has(Property.TIMER_DELAY_SEC);
}

/**
 * The time that a message asks for, milliseconds since the epoch; a delay counts from `fromMs`. Of several properties
 * TIMER_DELAY_SEC wins, then TIMER_DELAY_MS, as in RocketMQ. NaN when the one that counts is no integer.
 */
export function requestedDueMs(properties: Properties, fromMs: number): number {
  const seconds = properties.get(Property.TIMER_DELAY_SEC);
  if (seconds !== undefined) return fromMs + integerOf(seconds) * 1000;
  const delayMs = properties.get(Property.TIMER_DELAY_MS);
  if (delayMs !== undefined) return fromMs + integerOf(delayMs);
  return integerOf(properties.get(Property.TIMER_DELIVER_MS) ?? "");
}

function integerOf(text: string): number {
  return /^[+-]?\d{1,19}$/.test(text) ? Number(text) : NaN;
}

/** TIMER_OUT_MS of a due time. */
export function outMsOf(dueMs: number, tickMs: number): number {
  return dueMs % tickMs === 0 ? dueMs - tickMs : slotOf(dueMs, tickMs);
}

/** The tick in which a time lies: messages and their deletions meet when TIMER_OUT_MS of both is in the same. */
export function slotOf(outMs: number, tickMs: number): number {
  return Math.floor(outMs / tickMs) * tickMs;
}

/** A stored timer message, as far as its time is concerned. */
export interface StoredTimes {
  readonly properties: Properties;
  readonly storeTimestamp: number;
  readonly bornTimestamp: number;
}

/**
 * When a stored timer message is due: exactly where a property tells, else when the tick of its TIMER_OUT_MS is over. Null
 * when it has no TIMER_OUT_MS that can be read: it is no timer message.
 */
export function storedDueMs(message: StoredTimes, tickMs: number): number | null {
  const { properties } = message;
  const outMs = integerOf(properties.get(Property.TIMER_OUT_MS) ?? "");
  if (!(Math.abs(outMs) <= DUE_MS_MAX)) return null;
  const latest = outMs + Math.max(tickMs, DEFAULT_TICK_MS);
  const isExact = (dueMs: number) => dueMs > outMs && dueMs <= latest;
  // A message that was stored again (TIMER_ROLL_TIMES) has another store time; then the delivery time was noted with it, or,
  // in RocketMQ, only the time of birth is near the time that its delay counted from.
  const candidates = [
    integerOf(properties.get(Property.TIMER_DELIVER_MS) ?? ""),
    requestedDueMs(properties, message.storeTimestamp),
    requestedDueMs(properties, message.bornTimestamp),
  ];
  return candidates.find(isExact) ?? outMs + tickMs;
}
