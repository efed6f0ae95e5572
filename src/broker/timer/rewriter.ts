/**
 * Sends a message that asks for a time of delivery to the timer topic, where {@linkcode Timer} finds it; a rewriter of
 * `MessagePut` that must come before the one of the delay levels. What it stores is what RocketMQ stores: topic
 * rmq_sys_wheel_timer, queue 0, TIMER_OUT_MS, REAL_TOPIC, REAL_QID.
 *
 * RocketMQ counterpart: `HookUtils#handleScheduleMessage`, `#transformTimerMessage`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import { Property, SysFlag } from "../../protocol/message.ts";
import { type BrokerMessage, isTransactional, type PutRefusal, type PutRewriter } from "../message_put.ts";
import { RETRY_PREFIX, SystemTopic } from "../system_topics.ts";
import { DUE_MS_MAX, hasTimerProperty, outMsOf, requestedDueMs } from "./due_time.ts";

/** Default of `timerMaxDelaySec`: RocketMQ's three days. */
const TIMER_MAX_DELAY_SEC_DEFAULT = 259_200;

/** What rewriting must know of the configuration; read at each message. */
export interface TimerRewriteSettings {
  /** `timerWheelEnable`. */
  isEnabled(): boolean;
  /** `timerPrecisionMs`. */
  readonly tickMs: number;
  /** Longest delay; {@linkcode delayMaxMs}. */
  delayMaxMs(): number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * The longest delay that `timerMaxDelaySec` allows. The default stands for "no limit" here, for there is no wheel that a
 * message could be too far ahead for; another value is a limit that somebody wanted.
 */
export function delayMaxMs(timerMaxDelaySec: number): number {
  return timerMaxDelaySec === TIMER_MAX_DELAY_SEC_DEFAULT ? Infinity : timerMaxDelaySec * 1000;
}

/** The rewriter. */
export function timerRewriter(settings: TimerRewriteSettings): PutRewriter {
  return (message) => isTimed(message) ? rewrite(message, settings) : null;
}

function isTimed({ properties, topic, sysFlag }: BrokerMessage): boolean {
  if (!hasTimerProperty(properties) || properties.has(Property.TIMER_OUT_MS) || topic === SystemTopic.TIMER) {
    return false;
  }
  // A delay level wins over a time.
  if (Number(properties.get(Property.DELAY) ?? 0) > 0) return false;
  return !isTransactional(sysFlag) || (sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_COMMIT;
}

function rewrite(message: BrokerMessage, settings: TimerRewriteSettings): PutRefusal | null {
  if (!settings.isEnabled()) {
    return {
      code: ResponseCode.SYSTEM_ERROR,
      remark: "accurate timer message is not enabled, timerWheelEnable is false",
    };
  }
  const now = settings.now();
  const maxMs = settings.delayMaxMs();
  const dueMs = requestedDueMs(message.properties, now);
  const isDeletion = message.properties.has(Property.TIMER_DEL_UNIQKEY);
  if (!(dueMs <= DUE_MS_MAX) || dueMs - now > maxMs || (isDeletion && dueMs <= now)) return illegal(maxMs);
  if (dueMs <= now) return null; // due already: an ordinary message
  toTimerTopic(message, outMsOf(dueMs, settings.tickMs));
  return null;
}

function illegal(maxMs: number): PutRefusal {
  const limit = Number.isFinite(maxMs)
    ? `bigger than the max delay ${maxMs}ms`
    : `beyond the year 9999, or anything but an integer`;
  return {
    code: ResponseCode.MESSAGE_ILLEGAL,
    remark:
      `timer message illegal, the delay time should not be ${limit}; or if set del msg, the delay time should be ` +
      "bigger than the current time",
  };
}

/** Makes a message wait in the timer topic. */
export function toTimerTopic(message: BrokerMessage, outMs: number): void {
  message.properties.set(Property.TIMER_OUT_MS, String(outMs));
  message.properties.set(Property.REAL_TOPIC, message.topic);
  message.properties.set(Property.REAL_QID, String(message.queueId));
  message.topic = SystemTopic.TIMER;
  message.queueId = 0;
}

/**
 * By what the sender of a timer message can recall it (the answer's `recallHandle`, since 5.3); null for other messages.
 * Source: RocketMQ `SendMessageProcessor#attachRecallHandle`, `RecallMessageHandle`.
 */
export function recallHandleOf(message: BrokerMessage, brokerName: string): string | null {
  const { properties } = message;
  const outMs = properties.get(Property.TIMER_OUT_MS);
  const topic = properties.get(Property.REAL_TOPIC);
  if (outMs === undefined || topic === undefined || topic.startsWith(RETRY_PREFIX)) return null;
  const uniqueKey = properties.get(Property.UNIQ_KEY) ?? "";
  return encodeRecallHandle({ topic, brokerName, timeMs: Number(outMs) + 1, uniqueKey });
}

/** What a recall handle says. */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** A time within the tick of the message. */
  readonly timeMs: number;
  readonly uniqueKey: string;
}

/** `v1 topic broker time key` in URL-safe Base64, padded. */
export function encodeRecallHandle({ topic, brokerName, timeMs, uniqueKey }: RecallHandle): string {
  const bytes = utf8(`v1 ${topic} ${brokerName} ${timeMs} ${uniqueKey}`);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** Reads a recall handle; null when it is none. `timeMs` is −1 when it is no number. */
export function decodeRecallHandle(text: string): RecallHandle | null {
  let parts: string[];
  try {
    const latin1 = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    parts = new TextDecoder().decode(Uint8Array.from(latin1, (c) => c.charCodeAt(0))).split(" ");
  } catch {
    return null;
  }
  const [version, topic, brokerName, time, uniqueKey] = parts;
  if (version !== "v1" || uniqueKey === undefined) return null;
  return { topic: topic!, brokerName: brokerName!, timeMs: /^\d+$/.test(time!) ? Number(time) : -1, uniqueKey };
}
