/**
 * SEND_MESSAGE (10), SEND_MESSAGE_V2 (310) and SEND_BATCH_MESSAGE (320) with all checks and remarks; what is ordinary was
 * already taken by `fast_send.ts`. Source: RocketMQ `SendMessageProcessor`, `AbstractSendMessageProcessor#msgCheck`.
 *
 * @module
 */
import type { Random } from "../../common/random.ts";
import type { TopicConfig } from "../../protocol/bodies/register.ts";
import { RequestCode, ResponseCode, VersionOrdinal } from "../../protocol/codes.ts";
import { writeHeader } from "../../protocol/header.ts";
import { readSendHeader, type SendMessageRequest } from "../../protocol/headers/message.ts";
import { OffsetMessageIds } from "../../protocol/ids.ts";
import { parseProperties, Property, SysFlag } from "../../protocol/message.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import type { Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { AppendMessage, AppendResult, type MessageStore, PutStatus } from "../../store/store.ts";
import { type BrokerMessage, brokerMessage, isTransactional, MessagePut, waitsForStore } from "../message_put.ts";
import { peerOf } from "../peer.ts";
import { type PutRemarkFacts, refusedReply } from "../put_remarks.ts";
import type { SendAdmission } from "../send_admission.ts";
import { storedCode } from "../send_reply.ts";
import { recallHandleOf } from "../timer/rewriter.ts";
import { DLQ_PREFIX, RETRY_PREFIX } from "../system_topics.ts";

/** Longest topic of a batch, in characters. */
const BATCH_TOPIC_LENGTH_MAX = 127;

/** What a stored message counts for. */
export interface PutCounter {
  /** Counts messages stored in a topic. */
  countPut(topic: string, messages: number, bytes: number): void;
}

/** What sends need. */
export interface SendParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly admission: SendAdmission;
  readonly counter: PutCounter;
  readonly random: Random;
  readonly settings: SendSettings;
}

/** What sends must know of the configuration. */
export interface SendSettings extends PutRemarkFacts {
  readonly ids: OffsetMessageIds;
  /** `regionId` and `traceOn`, told in every answer and stored with every message. */
  readonly regionId: string;
  readonly traceOn: boolean;
  readonly clusterName: string;
  readonly brokerName: string;
  /** Makes a unique key for a message without one. */
  uniqueKey(): string;
}

/** Handlers of the three send requests. */
export function sendHandlers(parts: SendParts): HandlerTable {
  const sends = new Sends(parts);
  const handle: Handler = (request) => sends.handle(request);
  return new Map([
    [RequestCode.SEND_MESSAGE, handle],
    [RequestCode.SEND_MESSAGE_V2, handle],
    [RequestCode.SEND_BATCH_MESSAGE, handle],
  ]);
}

class Sends {
  readonly #parts: SendParts;
  readonly #always: Readonly<Record<string, string>>;

  constructor(parts: SendParts) {
    this.#parts = parts;
    this.#always = { MSG_REGION: parts.settings.regionId, TRACE_ON: String(parts.settings.traceOn) };
  }

  async handle(request: Request): Promise<Reply> {
    try {
      return await this.#send(request);
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      return { code: error.code, remark: error.remark, ext: this.#always };
    }
  }

  #send(request: Request): Promise<Reply> {
    const header = readSendHeader(request.command.code, request.command.ext);
    const topic = this.#parts.admission.admit(header, request.connection.remoteText);
    const queueId = header.queueId < 0 ? this.#parts.random.int(Math.max(1, topic.writeQueueNums)) : header.queueId;
    const isBatch = header.batch === true || request.command.code === RequestCode.SEND_BATCH_MESSAGE;
    return isBatch ? this.#sendBatch(request, header, queueId) : this.#sendOne(request, header, topic, queueId);
  }

  async #sendOne(request: Request, header: SendMessageRequest, topic: TopicConfig, queueId: number): Promise<Reply> {
    const message = this.#message(request, header, queueId);
    if ((message.sysFlag & SysFlag.INNER_BATCH) !== 0) return this.#refused(PutStatus.MESSAGE_ILLEGAL);
    queueByPriority(message, topic.writeQueueNums);
    const { queueId: answeredQueueId } = message; // dead letters and what waits lie elsewhere
    if (topic.topicName.startsWith(RETRY_PREFIX)) {
      this.#parts.admission.redirectExhausted(message, header, request.command.version >= VersionOrdinal.V3_4_9);
    }
    const uniqueKey = message.properties.get(Property.UNIQ_KEY)!;
    const outcome = this.#parts.put.put(message);
    if (outcome.refusal !== null) return { ...outcome.refusal, ext: this.#always };
    if (outcome.status !== PutStatus.PUT_OK) return this.#refused(outcome.status);
    this.#parts.counter.countPut(message.topic, 1, outcome.result.sizeBytes);
    const status = await this.#parts.put.safe(outcome.result, waitsForStore(message));
    return this.#reply(status, {
      queueId: answeredQueueId,
      queueOffset: outcome.result.queueOffset,
      transactionId: uniqueKey,
      msgId: this.#parts.settings.ids.of(outcome.result.physicalOffset),
      recallHandle: recallHandleOf(message, this.#parts.settings.brokerName) ?? undefined,
    });
  }

  #message(request: Request, header: SendMessageRequest, queueId: number): BrokerMessage {
    const { regionId, traceOn, clusterName, uniqueKey } = this.#parts.settings;
    const properties = parseProperties(header.properties ?? "");
    properties.delete(Property.POP_CK);
    properties.delete(Property.CRC32);
    if (!properties.get(Property.UNIQ_KEY)) properties.set(Property.UNIQ_KEY, uniqueKey());
    properties.set(Property.MSG_REGION, regionId);
    properties.set(Property.TRACE_ON, String(traceOn));
    properties.set(Property.CLUSTER, clusterName);
    return brokerMessage({
      topic: header.topic,
      queueId,
      flag: header.flag,
      sysFlag: header.sysFlag,
      bornTimestamp: header.bornTimestamp,
      bornHost: peerOf(request.connection),
      reconsumeTimes: header.reconsumeTimes ?? 0,
      body: request.command.body,
      properties,
    });
  }

  async #sendBatch(request: Request, header: SendMessageRequest, queueId: number): Promise<Reply> {
    this.#checkBatch(header);
    const { store, counter, settings } = this.#parts;
    const result = new AppendResult();
    const status = store.appendBatch(batchMessage(request, header, queueId), result);
    if (status !== PutStatus.PUT_OK) return this.#refused(status);
    counter.countPut(header.topic, result.count, result.sizeBytes);
    const properties = parseProperties(header.properties ?? "");
    const settled = await this.#parts.put.safe(result, waitsForStore({ properties }));
    return this.#reply(settled, {
      queueId,
      queueOffset: result.queueOffset,
      transactionId: properties.get(Property.UNIQ_KEY),
      msgId: result.batchOffsets.slice(0, result.count).map((offset) => settings.ids.of(offset)).join(","),
    });
  }

  #checkBatch(header: SendMessageRequest): void {
    const illegal = (remark: string) => new ResponseError(ResponseCode.MESSAGE_ILLEGAL, remark);
    if (header.topic.length > BATCH_TOPIC_LENGTH_MAX) {
      throw illegal(`message topic length too long ${header.topic.length}`);
    }
    if (header.topic.startsWith(RETRY_PREFIX) || header.topic.startsWith(DLQ_PREFIX)) {
      throw illegal(`batch request does not support retry group ${header.topic}`);
    }
    const properties = parseProperties(header.properties ?? "");
    if (isTransactional(header.sysFlag) || properties.get(Property.TRAN_MSG) === "true") {
      throw illegal("a batch cannot be part of a transaction: send its messages one by one");
    }
    if (Number(properties.get(Property.DELAY) ?? 0) > 0) {
      throw illegal("a batch cannot be delayed: send its messages one by one");
    }
  }

  #reply(status: PutStatus, ext: Record<string, string | number | undefined>): Reply {
    const code = storedCode(status);
    return code < 0 ? this.#refused(status) : { code, ext: { ...writeHeader(ext), ...this.#always } };
  }

  #refused(status: PutStatus): Reply {
    return { ...refusedReply(status, this.#parts.settings), ext: this.#always };
  }
}

/** Properties of messages that cannot have a priority as well: delayed, ordered and transactional ones. */
const OTHER_KINDS = [
  Property.DELAY,
  Property.TIMER_DELAY_SEC,
  Property.TIMER_DELAY_MS,
  Property.TIMER_DELIVER_MS,
  Property.SHARDING_KEY,
];

/**
 * An ordinary message with a priority (5.5) goes to the queue of that number, or the last one. With other kinds the priority
 * counts for nothing and is taken away. Source: RocketMQ `SendMessageProcessor#sendMessage`, `TopicMessageType`.
 */
function queueByPriority(message: BrokerMessage, queueNums: number): void {
  const { properties } = message;
  const priority = properties.get(Property.PRIORITY);
  if (priority === undefined || !/^\d{1,9}$/.test(priority)) return;
  if (properties.get(Property.TRAN_MSG) === "true" || OTHER_KINDS.some((name) => properties.has(name))) {
    properties.delete(Property.PRIORITY);
  } else message.queueId = Math.min(Number(priority), Math.max(1, queueNums) - 1);
}

function batchMessage(request: Request, header: SendMessageRequest, queueId: number): AppendMessage {
  const message = new AppendMessage();
  const peer = peerOf(request.connection);
  message.topic = header.topic;
  message.queueId = queueId;
  message.flag = header.flag;
  message.sysFlag = header.sysFlag;
  message.bornTimestamp = header.bornTimestamp;
  message.bornHost = peer.hostBytes;
  message.bornPort = peer.port;
  message.reconsumeTimes = header.reconsumeTimes ?? 0;
  message.body = request.command.body;
  message.bodyEnd = request.command.body.length;
  return message;
}
