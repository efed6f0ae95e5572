/**
 * Messages as send requests, and answers as {@link SendResult}s. What a message looks like on the wire is prepared once,
 * so that a retry sends the same bytes with the same unique id.
 *
 * A batch is a body of small messages, one behind the other:
 *
 * ```text
 * i32 size · i32 magic 0 · i32 CRC 0 · i32 flag · i32 body size, body · i16 properties size, properties
 * ```
 *
 * Source: RocketMQ `DefaultMQProducerImpl#sendKernelImpl`, `MessageDecoder#encodeMessages`, `MessageBatch`,
 * `MQClientAPIImpl#processSendResponse`.
 *
 * @module
 */
import { EMPTY, putI16, putI32 } from "../common/bytes.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader } from "../protocol/header.ts";
import { SEND_MESSAGE_RESPONSE } from "../protocol/headers/message.ts";
import { encodeProperties, formatProperties, PROPERTIES_SIZE_MAX, Property, SysFlag } from "../protocol/message.ts";
import { type MessageQueue, messageQueue } from "../protocol/message_queue.ts";
import type { TraceMessageType } from "../protocol/trace.ts";
import type { Command, Outgoing } from "../remoting/command.ts";
import { brokerError } from "./broker_calls.ts";
import { compressBody, COMPRESSED_SYS_FLAG } from "./compression.ts";
import { ClientError } from "./errors.ts";
import { bodyBytes, type Message, messageProperties, type SendResult, type SendStatus } from "./message.ts";
import { checkSendTopic, RETRY_PREFIX } from "./names.ts";
import type { ProducerSettings } from "./options.ts";

/** A message or batch, ready for any queue of its topic. */
export interface PreparedSend {
  readonly topic: string;
  /** 310, 320 or 325. */
  readonly code: number;
  readonly body: Uint8Array;
  readonly sysFlag: number;
  readonly flag: number;
  /** The property string. */
  readonly properties: string;
  readonly isBatch: boolean;
  /** Unique id; joined by commas for a batch. */
  readonly msgId: string;
  /** What it was made of. */
  readonly messages: readonly Message[];
  /** Only for messages to retry topics: how often they were consumed, and may be at most. */
  readonly retry: { readonly reconsumeTimes: number; readonly maxReconsumeTimes: number } | null;
}

const BATCH_OVERHEAD = 22;
/** Region of brokers that name none. */
const DEFAULT_REGION = "DefaultRegion";

const SEND_STATUS: ReadonlyMap<number, SendStatus> = new Map([
  [ResponseCode.SUCCESS, "SEND_OK"],
  [ResponseCode.FLUSH_DISK_TIMEOUT, "FLUSH_DISK_TIMEOUT"],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, "FLUSH_SLAVE_TIMEOUT"],
  [ResponseCode.SLAVE_NOT_AVAILABLE, "SLAVE_NOT_AVAILABLE"],
]);

/** What {@linkcode prepareSend} and {@linkcode prepareBatch} need of a producer's settings. */
export type SendLimits = Pick<
  ProducerSettings,
  "maxMessageSizeBytes" | "compressMsgBodyOverHowmuchBytes" | "compressLevel" | "compressType"
>;

/**
 * Checks a message and makes it ready. A `UNIQ_KEY` among its properties is kept, else it gets the id `nextId` makes.
 *
 * @throws {ClientError} when it may not be sent.
 */
export function prepareSend(message: Message, limits: SendLimits, nextId: () => string): PreparedSend {
  const body = checkedBody(message, limits.maxMessageSizeBytes);
  const properties = messageProperties(message);
  const msgId = ensureUniqueId(properties, nextId);
  const isCompressed = body.length > limits.compressMsgBodyOverHowmuchBytes;
  const isHalf = properties.get(Property.TRAN_MSG) === "true";
  return {
    topic: message.topic,
    code: properties.get(Property.MSG_TYPE) === "reply"
      ? RequestCode.SEND_REPLY_MESSAGE_V2
      : RequestCode.SEND_MESSAGE_V2,
    body: isCompressed ? compressBody(body, limits.compressLevel, limits.compressType) : body,
    sysFlag: (isCompressed ? COMPRESSED_SYS_FLAG[limits.compressType] : 0) |
      (isHalf ? SysFlag.TRANSACTION_PREPARED : 0),
    flag: message.flag ?? 0,
    properties: formatProperties(properties),
    isBatch: false,
    msgId,
    messages: [message],
    retry: message.topic.startsWith(RETRY_PREFIX) ? takeRetry(properties) : null,
  };
}

/** What kind of message it is, for hooks and traces. */
export function messageTypeOf({ sysFlag, messages: [message] }: PreparedSend): TraceMessageType {
  const isDelayed = message!.delayLevel || message!.delayMs !== undefined || message!.deliverAtMs !== undefined;
  if (isDelayed || message!.properties?.[Property.DELAY] !== undefined) return "Delay_Msg";
  return (sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_PREPARED ? "Trans_Msg_Half" : "Normal_Msg";
}

function takeRetry(properties: Map<string, string>): PreparedSend["retry"] {
  const times = Number(properties.get(Property.RECONSUME_TIME) ?? 0);
  const max = Number(properties.get(Property.MAX_RECONSUME_TIMES) ?? 16);
  return { reconsumeTimes: times, maxReconsumeTimes: max };
}

function checkedBody(message: Message, sizeMax: number): Uint8Array {
  checkSendTopic(message.topic);
  const body = bodyBytes(message.body);
  if (body.length === 0) throw illegal("the message body length is zero");
  if (body.length > sizeMax) throw illegal(`the message body size over max value, MAX: ${sizeMax}`);
  return body;
}

function illegal(text: string): ClientError {
  return new ClientError(text, { code: ResponseCode.MESSAGE_ILLEGAL });
}

function ensureUniqueId(properties: Map<string, string>, nextId: () => string): string {
  const known = properties.get(Property.UNIQ_KEY);
  if (known !== undefined) return known;
  const id = nextId();
  properties.set(Property.UNIQ_KEY, id);
  return id;
}

/**
 * Checks messages of one batch and makes them ready.
 *
 * @throws {ClientError} when one of them may not be sent, or not together with the others.
 */
export function prepareBatch(messages: readonly Message[], limits: SendLimits, nextId: () => string): PreparedSend {
  const first = messages[0];
  if (first === undefined) throw illegal("the batch is empty");
  checkBatch(messages, first);
  const parts = messages.map((message) => {
    const body = checkedBody(message, limits.maxMessageSizeBytes);
    const properties = messageProperties(message);
    const id = ensureUniqueId(properties, nextId);
    return { id, flag: message.flag ?? 0, body, properties: encodeProperties(properties) };
  });
  const body = encodeBatch(parts);
  if (body.length > limits.maxMessageSizeBytes) {
    throw illegal(`the message body size over max value, MAX: ${limits.maxMessageSizeBytes}`);
  }
  // No unique id here, unlike Java's 5.x producer: 4.x brokers give the batch's properties to each of its messages, which
  // would all have the same id then.
  const properties = new Map([[Property.WAIT, String(first.waitStoreMsgOk ?? true)]]);
  return {
    topic: first.topic,
    code: RequestCode.SEND_BATCH_MESSAGE,
    body,
    sysFlag: 0,
    flag: 0,
    properties: formatProperties(properties),
    isBatch: true,
    msgId: parts.map(({ id }) => id).join(","),
    messages,
    retry: null,
  };
}

function checkBatch(messages: readonly Message[], first: Message): void {
  for (const message of messages) {
    if (message.delayLevel || message.delayMs !== undefined || message.deliverAtMs !== undefined) {
      throw new ClientError("TimeDelayLevel is not supported for batching");
    }
    if (message.topic.startsWith(RETRY_PREFIX)) throw new ClientError("Retry Group is not supported for batching");
    if (message.topic !== first.topic) {
      throw new ClientError("The topic of the messages in one batch should be the same");
    }
    if ((message.waitStoreMsgOk ?? true) !== (first.waitStoreMsgOk ?? true)) {
      throw new ClientError("The waitStoreMsgOK of the messages in one batch should the same");
    }
  }
}

/** One message of a batch. */
export interface BatchPart {
  /** The user's own 32 bits. */
  readonly flag: number;
  readonly body: Uint8Array;
  /** The property string. */
  readonly properties: Uint8Array;
}

/** The body of a batch. @throws {ClientError} when the properties of a message are too long. */
export function encodeBatch(parts: readonly BatchPart[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + BATCH_OVERHEAD + part.body.length + part.properties.length, 0);
  const out = new Uint8Array(size);
  let at = 0;
  for (const { flag, body, properties } of parts) {
    if (properties.length > PROPERTIES_SIZE_MAX) throw illegal(`the properties are longer than ${PROPERTIES_SIZE_MAX}`);
    putI32(out, at, BATCH_OVERHEAD + body.length + properties.length);
    putI32(out, at + 12, flag);
    putI32(out, at + 16, body.length);
    out.set(body, at + 20);
    at += 20 + body.length;
    putI16(out, at, properties.length);
    out.set(properties, at + 2);
    at += 2 + properties.length;
  }
  return out;
}

/** What a send request says of the producer. */
export interface SenderIdentity {
  readonly group: string;
  readonly createTopicKey: string;
  readonly defaultTopicQueueNums: number;
}

/** The request that sends to one queue. */
export function sendRequest(
  send: PreparedSend,
  queue: MessageQueue,
  sender: SenderIdentity,
  bornTimestamp: number,
): Outgoing {
  const ext: Record<string, string> = {
    a: sender.group,
    b: send.topic,
    c: sender.createTopicKey,
    d: String(sender.defaultTopicQueueNums),
    e: String(queue.queueId),
    f: String(send.sysFlag),
    g: String(bornTimestamp),
    h: String(send.flag),
    i: send.properties,
    j: String(send.retry?.reconsumeTimes ?? 0),
    k: "false",
    m: String(send.isBatch),
    n: queue.brokerName,
  };
  if (send.retry !== null) ext.l = String(send.retry.maxReconsumeTimes);
  return { code: send.code, ext, body: send.body ?? EMPTY };
}

/**
 * Reads the answer to a send.
 *
 * @throws {BrokerError} when the message was not stored.
 */
export function readSendResult(
  response: Command,
  send: PreparedSend,
  queue: MessageQueue,
  address: string,
): SendResult {
  const sendStatus = SEND_STATUS.get(response.code);
  if (sendStatus === undefined) throw brokerError(response, address);
  const header = readHeader(SEND_MESSAGE_RESPONSE, response.ext);
  return {
    sendStatus,
    msgId: send.msgId,
    offsetMsgId: header.msgId,
    queue: messageQueue(queue.brokerName, header.queueId, queue.topic),
    queueOffset: header.queueOffset,
    transactionId: header.transactionId ?? null,
    recallHandle: header.recallHandle ?? null,
    regionId: response.ext[Property.MSG_REGION] ?? DEFAULT_REGION,
    traceOn: response.ext[Property.TRACE_ON] !== "false",
  };
}
