/**
 * Headers of the requests about timer messages: RECALL_MESSAGE, and the three that are ours.
 * Source: RocketMQ `RecallMessageRequestHeader`, `RecallMessageResponseHeader`.
 *
 * @module
 */
import { header } from "../header.ts";

/** RECALL_MESSAGE (370). */
export const RECALL_MESSAGE_REQUEST = header({ topic: "string!", recallHandle: "string!", producerGroup: "string" });

/** Answer to RECALL_MESSAGE: the unique key of the message. */
export const RECALL_MESSAGE_RESPONSE = header({ msgId: "string!" });

/**
 * LIST_TIMER_MESSAGES (ours): pending messages for `topic` (absent: for any) in the order of delivery, behind the place
 * `afterDueMs`, `afterOffset`, or from the beginning. Answered with a `TimerMessagePage`.
 */
export const LIST_TIMER_MESSAGES_REQUEST = header({
  topic: "string",
  afterDueMs: "long",
  afterOffset: "long",
  maxNum: "int",
});

/**
 * CANCEL_TIMER_MESSAGE (ours): the message at `timerOffset` of the timer topic, or those for `topic` with the unique key
 * `msgId`. Answered with QUERY_NOT_FOUND when none is pending.
 */
export const CANCEL_TIMER_MESSAGE_REQUEST = header({ topic: "string", msgId: "string", timerOffset: "long" });

/** RETIME_TIMER_MESSAGE (ours): as CANCEL_TIMER_MESSAGE; the new time in milliseconds since the epoch. */
export const RETIME_TIMER_MESSAGE_REQUEST = header({
  topic: "string",
  msgId: "string",
  timerOffset: "long",
  deliverMs: "long!",
});

/** Answer to both: how many messages were changed. */
export const TIMER_MESSAGES_CHANGED = header({ count: "int!" });
