/**
 * SEND_REPLY_MESSAGE (324) and its V2 form (325): the answer of the request–reply pattern. It is pushed to the producer that
 * asked, on that producer's own connection, and also stored in the cluster's reply topic when the broker is configured so.
 * Source: RocketMQ `ReplyMessageProcessor`.
 *
 * @module
 */
import { messageOf } from "../../common/errors.ts";
import { formatAddress } from "../../common/net.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { writeHeader } from "../../protocol/header.ts";
import { readSendHeader, type SendMessageRequest } from "../../protocol/headers/message.ts";
import { formatProperties, parseProperties, Property } from "../../protocol/message.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import type { Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { PutStatus } from "../../store/store.ts";
import type { ClientNotifier } from "../client_notify.ts";
import type { ClientTable } from "../clients.ts";
import { brokerMessage, type MessagePut } from "../message_put.ts";
import { peerOf } from "../peer.ts";
import type { SendAdmission } from "../send_admission.ts";

/** What replies need. */
export interface ReplyParts {
  readonly put: MessagePut;
  readonly admission: SendAdmission;
  readonly clients: ClientTable;
  readonly notifier: ClientNotifier;
  readonly counter: { countPut(topic: string, messages: number, bytes: number): void };
  readonly settings: ReplySettings;
}

/** What replies must know of the configuration. */
export interface ReplySettings {
  readonly regionId: string;
  readonly traceOn: boolean;
  /** Address that clients are told. */
  readonly brokerAddr: string;
  /** `storeReplyMessageEnable`. */
  readonly storesReplies: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** The offset message id of a position. */
  messageId(physicalOffset: number): string;
}

/** Handlers of the two requests. */
export function replyHandlers(parts: ReplyParts): HandlerTable {
  const handle: Handler = (request) => reply(parts, request);
  return new Map([
    [RequestCode.SEND_REPLY_MESSAGE, handle],
    [RequestCode.SEND_REPLY_MESSAGE_V2, handle],
  ]);
}

async function reply(parts: ReplyParts, request: Request): Promise<Reply> {
  const { regionId, traceOn } = parts.settings;
  const always = { MSG_REGION: regionId, TRACE_ON: String(traceOn) };
  const header = readSendHeader(request.command.code, request.command.ext);
  try {
    const topic = parts.admission.admit(header, request.connection.remoteText);
    const queueId = header.queueId < 0 ? 0 : Math.min(header.queueId, topic.writeQueueNums - 1);
    const stored = parts.settings.storesReplies ? store(parts, request, header, queueId) : null;
    await push(parts, request, header);
    // A reply that is not stored has an id all the same: clients cannot read an answer without one.
    return { ext: { ...writeHeader({ msgId: "0", queueId, queueOffset: 0, ...stored }), ...always } };
  } catch (error) {
    if (error instanceof ResponseError) return { code: error.code, remark: error.remark, ext: always };
    throw error;
  }
}

/** Keeps the reply in its topic; that this fails is no reason not to push it. */
function store(parts: ReplyParts, request: Request, header: SendMessageRequest, queueId: number) {
  const message = brokerMessage({
    topic: header.topic,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: peerOf(request.connection),
    reconsumeTimes: header.reconsumeTimes ?? 0,
    body: request.command.body,
    properties: replyProperties(parts, header),
  });
  const { status, result } = parts.put.put(message);
  if (status !== PutStatus.PUT_OK) return null;
  parts.counter.countPut(header.topic, 1, result.sizeBytes);
  return { msgId: parts.settings.messageId(result.physicalOffset), queueOffset: result.queueOffset };
}

/** The reply's properties with those that the broker adds. */
function replyProperties({ settings }: ReplyParts, header: SendMessageRequest): Map<string, string> {
  const properties = parseProperties(header.properties ?? "");
  properties.set(Property.MSG_REGION, settings.regionId);
  properties.set(Property.TRACE_ON, String(settings.traceOn));
  return properties;
}

async function push(parts: ReplyParts, request: Request, header: SendMessageRequest): Promise<void> {
  const properties = replyProperties(parts, header);
  const clientId = properties.get(Property.REPLY_TO_CLIENT);
  if (clientId === undefined) {
    throw systemError(`reply message properties[${Property.REPLY_TO_CLIENT}] is null`);
  }
  const asker = parts.clients.producerByClientId(clientId);
  if (asker === undefined) {
    throw systemError(`push reply message fail, channel of <${clientId}> not found.`);
  }
  const { now, brokerAddr } = parts.settings;
  properties.set(Property.PUSH_REPLY_TIME, String(now()));
  const { batch: _batch, maxReconsumeTimes: _max, ...fields } = header;
  const answer = await parts.notifier.call(asker.connection, {
    code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
    ext: writeHeader({
      ...fields,
      properties: formatProperties(properties),
      reconsumeTimes: header.reconsumeTimes ?? 0,
      unitMode: header.unitMode ?? false,
      bornHost: formatAddress(request.connection.remote),
      storeHost: brokerAddr,
      storeTimestamp: now(),
    }),
    body: request.command.body,
  }).catch((error: unknown) => {
    throw systemError(`push reply message to ${clientId}fail. ${messageOf(error)}`);
  });
  if (answer.code !== ResponseCode.SUCCESS) throw systemError(`push reply message to ${clientId}fail.`);
}
