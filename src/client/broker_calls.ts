/**
 * Requests to brokers, one function each: values in, values out, errors as {@link BrokerError}. Nothing here decides which
 * broker to ask, or retries.
 *
 * Source: RocketMQ `MQClientAPIImpl`.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { type CheckClientConfig, encodeCheckClientConfig } from "../protocol/bodies/check_client.ts";
import { encodeHeartbeat, type HeartbeatData } from "../protocol/bodies/heartbeat.ts";
import { encodeLockRequest, type LockRequest, readLockResponse } from "../protocol/bodies/lock.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import { PULL_MESSAGE_RESPONSE, type PullMessageRequest } from "../protocol/headers/message.ts";
import { OFFSET_RESPONSE, TIMESTAMP_RESPONSE } from "../protocol/headers/offset.ts";
import { parseJsonObject } from "../protocol/json.ts";
import { textsMember } from "../protocol/json_members.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Command, Outgoing } from "../remoting/command.ts";
import { BrokerError } from "./errors.ts";
import type { Requests } from "./rpc_hooks.ts";

/** What a pull found. */
export type PullStatus = "FOUND" | "NO_NEW_MSG" | "NO_MATCHED_MSG" | "OFFSET_ILLEGAL";

/** A broker's answer to a pull. */
export interface PullAnswer {
  readonly status: PullStatus;
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  readonly maxOffset: number;
  /** Id of the broker to ask next time. */
  readonly suggestWhichBrokerId: number;
  /** Stored records, back to back. */
  readonly body: Uint8Array;
}

const PULL_STATUS: ReadonlyMap<number, PullStatus> = new Map([
  [ResponseCode.SUCCESS, "FOUND"],
  [ResponseCode.PULL_NOT_FOUND, "NO_NEW_MSG"],
  [ResponseCode.PULL_RETRY_IMMEDIATELY, "NO_MATCHED_MSG"],
  [ResponseCode.PULL_OFFSET_MOVED, "OFFSET_ILLEGAL"],
]);

/** A message to be delivered again later. */
export interface SendBack {
  readonly group: string;
  readonly physicalOffset: number;
  /** Negative: dead letter at once; 0: the broker decides. */
  readonly delayLevel: number;
  readonly originMsgId: string;
  readonly originTopic: string;
  readonly maxReconsumeTimes: number;
  readonly brokerName: string;
}

/** How calls are made. */
export interface BrokerCallsParts {
  readonly requests: Requests;
  /** Of every call which is not given one. */
  readonly timeoutMs: number;
  /** Whether sends, offsets and locks go to the port that brokers keep free of pulls. */
  readonly vipChannelEnabled: boolean;
}

/** A broker's port for everything but pulls is this far below the one that it tells. */
const VIP_PORT_DISTANCE = 2;

/** The calls. */
export class BrokerCalls {
  readonly #remoting: Requests;
  readonly #timeoutMs: number;
  readonly #vipChannelEnabled: boolean;

  constructor({ requests, timeoutMs, vipChannelEnabled }: BrokerCallsParts) {
    this.#remoting = requests;
    this.#timeoutMs = timeoutMs;
    this.#vipChannelEnabled = vipChannelEnabled;
  }

  /** The address for sends, offsets and locks. */
  #vip(address: string): string {
    if (!this.#vipChannelEnabled) return address;
    const colon = address.lastIndexOf(":");
    return `${address.slice(0, colon)}:${Number(address.slice(colon + 1)) - VIP_PORT_DISTANCE}`;
  }

  /** Sends messages, whatever the answer's code will be. @throws {ConnectionError} */
  send(address: string, request: Outgoing, timeoutMs: number): Promise<Command> {
    return this.#remoting.invoke(this.#vip(address), request, timeoutMs);
  }

  /** Sends messages without waiting. @throws {ConnectionError} */
  sendOneway(address: string, request: Outgoing): Promise<void> {
    return this.#remoting.oneway(this.#vip(address), request);
  }

  /**
   * Sends a request and gives back the successful answer.
   *
   * @throws {BrokerError} for any other answer. @throws {ConnectionError}
   */
  async call(address: string, request: Outgoing, timeoutMs: number = this.#timeoutMs): Promise<Command> {
    const response = await this.#remoting.invoke(address, request, timeoutMs);
    if (response.code !== ResponseCode.SUCCESS) throw brokerError(response, address);
    return response;
  }

  /** Sends a request whatever the answer's code will be. @throws {ConnectionError} */
  invoke(address: string, request: Outgoing, timeoutMs: number = this.#timeoutMs): Promise<Command> {
    return this.#remoting.invoke(address, request, timeoutMs);
  }

  /** Sends a request that wants no answer. @throws {ConnectionError} */
  oneway(address: string, request: Outgoing): Promise<void> {
    return this.#remoting.oneway(address, request);
  }

  /** Tells a broker who we are. */
  async heartbeat(address: string, data: HeartbeatData): Promise<void> {
    await this.call(address, { code: RequestCode.HEART_BEAT, body: encodeHeartbeat(data) });
  }

  /** Takes a group of ours off a broker. */
  async unregister(
    address: string,
    header: { clientID: string; producerGroup?: string; consumerGroup?: string },
  ): Promise<void> {
    await this.call(address, { code: RequestCode.UNREGISTER_CLIENT, ext: writeHeader(header) });
  }

  /** Asks whether a broker understands a subscription. */
  async checkClientConfig(address: string, check: CheckClientConfig): Promise<void> {
    await this.call(this.#vip(address), {
      code: RequestCode.CHECK_CLIENT_CONFIG,
      body: encodeCheckClientConfig(check),
    });
  }

  /** Client ids of a group's members. */
  async consumerIds(address: string, consumerGroup: string): Promise<string[]> {
    const ext = { consumerGroup };
    const { body } = await this.call(this.#vip(address), { code: RequestCode.GET_CONSUMER_LIST_BY_GROUP, ext });
    return body.length === 0 ? [] : textsMember(parseJsonObject(utf8Text(body)), "consumerIdList");
  }

  /** The stored offset of a group, −1 when there is none. */
  async consumerOffset(address: string, consumerGroup: string, queue: MessageQueue): Promise<number> {
    const ext = { consumerGroup, ...queueExt(queue) };
    const response = await this.invoke(this.#vip(address), { code: RequestCode.QUERY_CONSUMER_OFFSET, ext });
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return -1;
    if (response.code !== ResponseCode.SUCCESS) throw brokerError(response, address);
    return readHeader(OFFSET_RESPONSE, response.ext).offset;
  }

  /** Stores an offset of a group; resolves when the broker has it. */
  async updateConsumerOffset(address: string, group: string, queue: MessageQueue, offset: number): Promise<void> {
    await this.call(this.#vip(address), updateOffsetRequest(group, queue, offset));
  }

  /** {@linkcode updateConsumerOffset} without waiting. */
  updateConsumerOffsetOneway(address: string, group: string, queue: MessageQueue, offset: number): Promise<void> {
    return this.oneway(this.#vip(address), updateOffsetRequest(group, queue, offset));
  }

  /** The offset that the next message of a queue will get. */
  maxOffset(address: string, queue: MessageQueue): Promise<number> {
    return this.#offset(address, RequestCode.GET_MAX_OFFSET, { ...queueExt(queue), committed: "true" });
  }

  /** The oldest offset of a queue that is still there. */
  minOffset(address: string, queue: MessageQueue): Promise<number> {
    return this.#offset(address, RequestCode.GET_MIN_OFFSET, queueExt(queue));
  }

  /** The first offset of a queue whose message was stored at `timestampMs` or later. */
  searchOffset(address: string, queue: MessageQueue, timestampMs: number): Promise<number> {
    const ext = { ...queueExt(queue), timestamp: String(timestampMs), boundaryType: "LOWER" };
    return this.#offset(address, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, ext);
  }

  /** When the oldest message of a queue was stored; −1 when there is none. */
  async earliestStoreTime(address: string, queue: MessageQueue): Promise<number> {
    const request = { code: RequestCode.GET_EARLIEST_MSG_STORETIME, ext: queueExt(queue) };
    return readHeader(TIMESTAMP_RESPONSE, (await this.call(this.#vip(address), request)).ext).timestamp;
  }

  async #offset(address: string, code: number, ext: Record<string, string>): Promise<number> {
    return readHeader(OFFSET_RESPONSE, (await this.call(this.#vip(address), { code, ext })).ext).offset;
  }

  /** Locks queues; gives back those which are ours now. */
  async lock(address: string, request: LockRequest): Promise<MessageQueue[]> {
    const body = encodeLockRequest(request);
    return readLockResponse((await this.call(this.#vip(address), { code: RequestCode.LOCK_BATCH_MQ, body })).body);
  }

  /** Gives locks back. */
  async unlock(address: string, request: LockRequest): Promise<void> {
    await this.call(this.#vip(address), { code: RequestCode.UNLOCK_BATCH_MQ, body: encodeLockRequest(request) });
  }

  /** Has a message delivered again later. */
  async sendBack(address: string, back: SendBack): Promise<void> {
    const ext = writeHeader({
      offset: back.physicalOffset,
      group: back.group,
      delayLevel: back.delayLevel,
      originMsgId: back.originMsgId,
      originTopic: back.originTopic,
      unitMode: false,
      maxReconsumeTimes: back.maxReconsumeTimes,
      bname: back.brokerName,
    });
    await this.call(this.#vip(address), { code: RequestCode.CONSUMER_SEND_MSG_BACK, ext }, 5000);
  }

  /**
   * Pulls. With the suspend bit the answer may take `suspendTimeoutMillis`.
   *
   * @throws {BrokerError} for answers that are no pull results. @throws {ConnectionError}
   */
  async pull(address: string, request: PullMessageRequest, options: PullOptions): Promise<PullAnswer> {
    const ext = writeHeader({ ...request, bname: options.brokerName });
    const code = options.isLite ? RequestCode.LITE_PULL_MESSAGE : RequestCode.PULL_MESSAGE;
    const response = await this.invoke(address, { code, ext }, options.timeoutMs);
    const status = PULL_STATUS.get(response.code);
    if (status === undefined) throw brokerError(response, address);
    const header = readHeader(PULL_MESSAGE_RESPONSE, response.ext);
    return {
      status,
      nextBeginOffset: header.nextBeginOffset,
      minOffset: header.minOffset,
      maxOffset: header.maxOffset,
      suggestWhichBrokerId: header.suggestWhichBrokerId,
      body: response.body,
    };
  }

  /** The stored record at a physical offset. */
  async viewMessage(address: string, topic: string, physicalOffset: number): Promise<Uint8Array> {
    const ext = { topic, offset: String(physicalOffset) };
    return (await this.call(this.#vip(address), { code: RequestCode.VIEW_MESSAGE_BY_ID, ext })).body;
  }
}

/** Of a pull, besides what its header says. */
export interface PullOptions {
  readonly brokerName: string;
  readonly timeoutMs: number;
  /** Asks as a lite pull consumer does. */
  readonly isLite?: boolean;
}

/** The error for an answer that is none of those hoped for. */
export function brokerError(response: Command, address: string): BrokerError {
  return new BrokerError(response.code, response.remark ?? "", address);
}

function queueExt({ topic, queueId, brokerName }: MessageQueue): Record<string, string> {
  return { topic, queueId: String(queueId), bname: brokerName };
}

function updateOffsetRequest(consumerGroup: string, queue: MessageQueue, offset: number): Outgoing {
  const ext = { consumerGroup, ...queueExt(queue), commitOffset: String(offset) };
  return { code: RequestCode.UPDATE_CONSUMER_OFFSET, ext };
}
