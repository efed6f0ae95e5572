/**
 * Requests about timer messages: GET_TIMER_CHECK_POINT (60) and GET_TIMER_METRICS (61) of slaves, RECALL_MESSAGE (370) of
 * producers, and ours of administrators: list, cancel, move to another time.
 * Source: RocketMQ `AdminBrokerProcessor#getTimerCheckPoint`, `RecallMessageProcessor`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { encodeTimerMessagePage } from "../../protocol/bodies/timer.ts";
import { OwnRequestCode, RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import {
  CANCEL_TIMER_MESSAGE_REQUEST,
  LIST_TIMER_MESSAGES_REQUEST,
  RECALL_MESSAGE_REQUEST,
  RETIME_TIMER_MESSAGE_REQUEST,
} from "../../protocol/headers/timer.ts";
import { Property } from "../../protocol/message.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import type { Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { brokerMessage, type MessagePut } from "../message_put.ts";
import { peerOf } from "../peer.ts";
import { storedCode } from "../send_reply.ts";
import { DUE_MS_MAX } from "../timer/due_time.ts";
import { FIRST_KEY } from "../timer/entry.ts";
import type { ChangeOutcome, PendingMessages } from "../timer/pending_messages.ts";
import { decodeRecallHandle } from "../timer/rewriter.ts";
import type { Timer } from "../timer/timer.ts";

/** Messages of a page when the request does not say, and at most. */
const PAGE_DEFAULT = 32;
const PAGE_MAX = 1000;
/** Tag of the message that recalls another. Source: RocketMQ `RecallMessageProcessor`. */
const RECALL_TAG = "_RECALL_TAG_";
/** Of no interest to RocketMQ but stored by it with a recall. */
const BORN_TIMESTAMP = "BORN_TIMESTAMP";

/** What the handlers need. */
export interface TimerHandlerParts {
  /** Null when `timerWheelEnable` is false. */
  readonly timer: Timer | null;
  readonly pending: PendingMessages | null;
  readonly put: MessagePut;
  readonly settings: TimerHandlerSettings;
}

/** What they must know of the configuration. */
export interface TimerHandlerSettings {
  readonly brokerName: string;
  readonly regionId: string;
  /** `recallMessageEnable`. */
  isRecallEnabled(): boolean;
  /** Whether changes are a master's business. */
  isSlave(): boolean;
  /** Why messages are not taken now, or null: permission, start time. */
  takesNothing(): string | null;
  /** Whether there is such a topic. */
  hasTopic(topic: string): boolean;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Handlers of all six requests. */
export function timerHandlers(parts: TimerHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.GET_TIMER_CHECK_POINT, () => checkPoint(parts)],
    [RequestCode.GET_TIMER_METRICS, () => metrics(parts)],
    [RequestCode.RECALL_MESSAGE, (request: Request) => recall(parts, request)],
    [OwnRequestCode.LIST_TIMER_MESSAGES, (request: Request) => list(parts, request)],
    [OwnRequestCode.CANCEL_TIMER_MESSAGE, (request: Request) => cancel(parts, request)],
    [OwnRequestCode.RETIME_TIMER_MESSAGE, (request: Request) => retime(parts, request)],
  ]);
}

function checkPoint({ timer }: TimerHandlerParts): Reply {
  if (timer === null) throw systemError("The checkpoint is null");
  return { body: timer.encodeCheck() };
}

function metrics({ timer }: TimerHandlerParts): Reply {
  if (timer === null) throw systemError("The timer message store is null");
  return { body: utf8(timer.metricsText()) };
}

async function recall(parts: TimerHandlerParts, request: Request): Promise<Reply> {
  const ext = { MSG_REGION: parts.settings.regionId };
  try {
    return { ext: { ...ext, ...writeHeader({ msgId: await recalledKey(parts, request) }) } };
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    return { code: error.code, remark: error.remark, ext };
  }
}

async function recalledKey({ put, settings }: TimerHandlerParts, { command, connection }: Request): Promise<string> {
  const header = readHeader(RECALL_MESSAGE_REQUEST, command.ext);
  checkRecall(settings, header.topic);
  const illegal = (remark: string) => new ResponseError(ResponseCode.ILLEGAL_OPERATION, remark);
  const handle = decodeRecallHandle(header.recallHandle);
  if (handle === null) throw illegal("recall handle is invalid");
  if (handle.topic !== header.topic) throw illegal("recall failed, topic not match");
  if (handle.brokerName !== settings.brokerName) throw illegal("recall failed, broker service not available");
  const now = settings.now();
  if (handle.timeMs <= now || handle.timeMs > DUE_MS_MAX) throw illegal("recall failed, timestamp invalid");
  const outcome = await put.putSafely(brokerMessage({
    topic: handle.topic,
    bornTimestamp: now,
    bornHost: peerOf(connection),
    body: utf8("0"),
    properties: new Map([
      [Property.TAGS, RECALL_TAG],
      [Property.TIMER_DEL_UNIQKEY, `${handle.topic}+${handle.uniqueKey}`],
      [Property.UNIQ_KEY, handle.uniqueKey],
      [Property.TIMER_DELIVER_MS, String(handle.timeMs)],
      [BORN_TIMESTAMP, String(now)],
      ...(header.producerGroup === undefined ? [] : [[Property.PGROUP, header.producerGroup] as const]),
    ]),
  }));
  if (outcome.refusal !== null || storedCode(outcome.status) < 0) throw systemError("recall failed, execute error");
  return handle.uniqueKey;
}

function checkRecall(settings: TimerHandlerSettings, topic: string): void {
  if (!settings.isRecallEnabled()) {
    throw new ResponseError(
      ResponseCode.NO_PERMISSION,
      "recall failed, operation is forbidden (recallMessageEnable=false)",
    );
  }
  if (settings.isSlave()) {
    throw new ResponseError(ResponseCode.SLAVE_NOT_AVAILABLE, "recall failed, broker service not available");
  }
  const reason = settings.takesNothing();
  if (reason !== null) {
    throw new ResponseError(
      ResponseCode.SERVICE_NOT_AVAILABLE,
      `recall failed, broker service not available: ${reason}`,
    );
  }
  if (!settings.hasTopic(topic)) {
    throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${topic}] not exist`);
  }
}

async function list({ pending }: TimerHandlerParts, { command }: Request): Promise<Reply> {
  const header = readHeader(LIST_TIMER_MESSAGES_REQUEST, command.ext);
  const from = header.afterDueMs === undefined
    ? FIRST_KEY
    : { dueMs: header.afterDueMs, queueOffset: header.afterOffset ?? -1 };
  const max = Math.min(Math.max(1, header.maxNum ?? PAGE_DEFAULT), PAGE_MAX);
  const page = await enabled(pending).list(header.topic ?? null, from, max);
  return { body: encodeTimerMessagePage(page) };
}

async function cancel(parts: TimerHandlerParts, { command }: Request): Promise<Reply> {
  const header = readHeader(CANCEL_TIMER_MESSAGE_REQUEST, command.ext);
  const pending = changeable(parts);
  return await change(pending, header, (queueOffset) => pending.cancel(queueOffset));
}

async function retime(parts: TimerHandlerParts, { command }: Request): Promise<Reply> {
  const header = readHeader(RETIME_TIMER_MESSAGE_REQUEST, command.ext);
  const { deliverMs } = header;
  if (!(deliverMs >= 0 && deliverMs <= DUE_MS_MAX)) {
    throw new ResponseError(ResponseCode.INVALID_PARAMETER, `deliverMs is ${deliverMs}: not a time`);
  }
  const pending = changeable(parts);
  return await change(pending, header, (queueOffset) => pending.retime(queueOffset, deliverMs));
}

/** What of timer messages the request means. */
interface WhichMessages {
  readonly topic: string | undefined;
  readonly msgId: string | undefined;
  readonly timerOffset: number | undefined;
}

async function change(
  pending: PendingMessages,
  which: WhichMessages,
  apply: (queueOffset: number) => Promise<ChangeOutcome>,
): Promise<Reply> {
  let count = 0;
  for (const queueOffset of await offsetsOf(pending, which)) {
    const outcome = await apply(queueOffset);
    if (outcome === "refused") {
      throw new ResponseError(ResponseCode.SERVICE_NOT_AVAILABLE, "the store takes no messages now");
    }
    if (outcome === "changed") count++;
  }
  if (count > 0) return { ext: writeHeader({ count }) };
  throw new ResponseError(
    ResponseCode.QUERY_NOT_FOUND,
    "no such message is pending: it was delivered or cancelled already",
  );
}

async function offsetsOf(pending: PendingMessages, { topic, msgId, timerOffset }: WhichMessages): Promise<number[]> {
  if (timerOffset !== undefined) return [timerOffset];
  if (topic !== undefined && msgId !== undefined) return await pending.find(topic, msgId);
  throw new ResponseError(ResponseCode.INVALID_PARAMETER, "give timerOffset, or topic and msgId");
}

function changeable({ pending, settings }: TimerHandlerParts): PendingMessages {
  if (settings.isSlave()) {
    throw new ResponseError(ResponseCode.SLAVE_NOT_AVAILABLE, "a slave cannot change messages: ask the master");
  }
  return enabled(pending);
}

function enabled(pending: PendingMessages | null): PendingMessages {
  if (pending !== null) return pending;
  throw systemError("accurate timer message is not enabled, timerWheelEnable is false");
}
