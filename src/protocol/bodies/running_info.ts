/**
 * What a consumer tells about itself: its answers to GET_CONSUMER_RUNNING_INFO (307) and CONSUME_MESSAGE_DIRECTLY (309).
 * Source: RocketMQ `ConsumerRunningInfo`, `ProcessQueueInfo`, `ConsumeStatus`, `ConsumeMessageDirectlyResult`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import {
  boolMember,
  doubleMember,
  intMember,
  isObject,
  keyedEntries,
  listMember,
  objectMember,
  optionalTextMember,
  readBody,
  textMember,
  textTableMember,
} from "../json_members.ts";
import { type MessageQueue, readMessageQueue } from "../message_queue.ts";
import { readSubscriptionData, type SubscriptionData } from "./heartbeat.ts";

/** Keys of {@linkcode ConsumerRunningInfo.properties} that tools read. */
export const RunningInfoProperty = {
  NAMESERVER_ADDR: "PROP_NAMESERVER_ADDR",
  THREADPOOL_CORE_SIZE: "PROP_THREADPOOL_CORE_SIZE",
  CONSUME_ORDERLY: "PROP_CONSUMEORDERLY",
  CONSUME_TYPE: "PROP_CONSUME_TYPE",
  CLIENT_VERSION: "PROP_CLIENT_VERSION",
  CONSUMER_START_TIMESTAMP: "PROP_CONSUMER_START_TIMESTAMP",
} as const;

/** State of one queue that a consumer was given; times in milliseconds since the epoch. `droped` is spelled so. */
export interface ProcessQueueInfo {
  readonly cachedMsgCount: number;
  readonly cachedMsgMaxOffset: number;
  readonly cachedMsgMinOffset: number;
  readonly cachedMsgSizeInMiB: number;
  readonly commitOffset: number;
  readonly droped: boolean;
  readonly lastConsumeTimestamp: number;
  readonly lastLockTimestamp: number;
  readonly lastPullTimestamp: number;
  readonly locked: boolean;
  readonly transactionMsgCount: number;
  readonly transactionMsgMaxOffset: number;
  readonly transactionMsgMinOffset: number;
  readonly tryUnlockTimes: number;
}

/** Rates of one topic: response times in milliseconds, TPS for each second, failures in the last hour. */
export interface ConsumeStatus {
  readonly consumeFailedMsgs: number;
  readonly consumeFailedTPS: number;
  readonly consumeOKTPS: number;
  readonly consumeRT: number;
  readonly pullRT: number;
  readonly pullTPS: number;
}

/** State of one queue that a consumer pops from. */
export interface PopProcessQueueInfo {
  readonly droped: boolean;
  /** Milliseconds since the epoch. */
  readonly lastPopTimestamp: number;
  /** Messages that were popped and are not acknowledged yet. */
  readonly waitAckCount: number;
}

/** The whole answer to 307. */
export interface ConsumerRunningInfo {
  readonly properties: Readonly<Record<string, string>>;
  readonly subscriptions: readonly SubscriptionData[];
  readonly queues: ReadonlyMap<MessageQueue, ProcessQueueInfo>;
  /** Of Java's POP consumers alone. */
  readonly popQueues?: ReadonlyMap<MessageQueue, PopProcessQueueInfo>;
  /** By topic. */
  readonly status: Readonly<Record<string, ConsumeStatus>>;
  /** What the application added by itself; of Java's consumers alone, empty with others. */
  readonly userConsumerInfo: Readonly<Record<string, string>>;
  /** Stacks of the consumer's threads, when asked for. */
  readonly jstack: string | null;
}

/** Encodes the answer to 307, members in Java's order. */
export function encodeRunningInfo(info: ConsumerRunningInfo): Uint8Array {
  return utf8(stringifyJson({
    jstack: info.jstack,
    mqPopTable: info.popQueues ?? {},
    mqTable: info.queues,
    properties: info.properties,
    statusTable: info.status,
    subscriptionSet: info.subscriptions,
    userConsumerInfo: info.userConsumerInfo,
  }));
}

/** Decodes the answer to 307; what is missing becomes 0, false or empty. @throws {JsonError} */
export function decodeRunningInfo(body: Uint8Array): ConsumerRunningInfo {
  const json = readBody(body);
  const table = objectMember(json, "properties");
  const statusTable = objectMember(json, "statusTable");
  return {
    properties: Object.fromEntries(Object.keys(table).map((name) => [name, textMember(table, name)])),
    subscriptions: listMember(json, "subscriptionSet").filter(isObject).map(readSubscriptionData),
    queues: new Map(
      keyedEntries(json, "mqTable").map(([queue, info]) => [readMessageQueue(queue), readProcessQueue(objectOf(info))]),
    ),
    status: Object.fromEntries(
      Object.keys(statusTable).map((topic) => [topic, readStatus(objectMember(statusTable, topic))]),
    ),
    userConsumerInfo: isObject(json["userConsumerInfo"]) ? textTableMember(json, "userConsumerInfo") : {},
    ...readPopQueues(json),
    jstack: optionalTextMember(json, "jstack"),
  };
}

function readPopQueues(json: JsonObject): { popQueues?: Map<MessageQueue, PopProcessQueueInfo> } {
  const entries = keyedEntries(json, "mqPopTable");
  if (entries.length === 0) return {};
  const popQueues = entries.map(([queue, value]) => {
    const info = objectOf(value);
    return [readMessageQueue(queue), {
      droped: boolMember(info, "droped"),
      lastPopTimestamp: intMember(info, "lastPopTimestamp"),
      waitAckCount: intMember(info, "waitAckCount"),
    }] as const;
  });
  return { popQueues: new Map(popQueues) };
}

function objectOf(value: JsonValue): JsonObject {
  return isObject(value) ? value : {};
}

function readProcessQueue(json: JsonObject): ProcessQueueInfo {
  return {
    cachedMsgCount: intMember(json, "cachedMsgCount"),
    cachedMsgMaxOffset: intMember(json, "cachedMsgMaxOffset"),
    cachedMsgMinOffset: intMember(json, "cachedMsgMinOffset"),
    cachedMsgSizeInMiB: intMember(json, "cachedMsgSizeInMiB"),
    commitOffset: intMember(json, "commitOffset"),
    droped: boolMember(json, "droped"),
    lastConsumeTimestamp: intMember(json, "lastConsumeTimestamp"),
    lastLockTimestamp: intMember(json, "lastLockTimestamp"),
    lastPullTimestamp: intMember(json, "lastPullTimestamp"),
    locked: boolMember(json, "locked"),
    transactionMsgCount: intMember(json, "transactionMsgCount"),
    transactionMsgMaxOffset: intMember(json, "transactionMsgMaxOffset"),
    transactionMsgMinOffset: intMember(json, "transactionMsgMinOffset"),
    tryUnlockTimes: intMember(json, "tryUnlockTimes"),
  };
}

function readStatus(json: JsonObject): ConsumeStatus {
  return {
    consumeFailedMsgs: intMember(json, "consumeFailedMsgs"),
    consumeFailedTPS: doubleMember(json, "consumeFailedTPS"),
    consumeOKTPS: doubleMember(json, "consumeOKTPS"),
    consumeRT: doubleMember(json, "consumeRT"),
    pullRT: doubleMember(json, "pullRT"),
    pullTPS: doubleMember(json, "pullTPS"),
  };
}

/** What became of a message that was consumed on request. */
export type DirectlyResult =
  | "CR_SUCCESS"
  | "CR_LATER"
  | "CR_ROLLBACK"
  | "CR_COMMIT"
  | "CR_THROW_EXCEPTION"
  | "CR_RETURN_NULL";

/** The answer to 309. */
export interface ConsumeDirectlyResult {
  readonly autoCommit: boolean;
  readonly consumeResult: DirectlyResult;
  readonly order: boolean;
  readonly remark: string | null;
  /** Spelled so: milliseconds that the listener took. */
  readonly spentTimeMills: number;
}

/** Encodes the answer to 309, members in Java's order. */
export function encodeConsumeDirectlyResult(result: ConsumeDirectlyResult): Uint8Array {
  return utf8(stringifyJson(result));
}

/** Decodes the answer to 309. @throws {JsonError} */
export function decodeConsumeDirectlyResult(body: Uint8Array): ConsumeDirectlyResult {
  const json = readBody(body);
  return {
    autoCommit: boolMember(json, "autoCommit", true),
    consumeResult: textMember(json, "consumeResult", "CR_RETURN_NULL") as DirectlyResult,
    order: boolMember(json, "order"),
    remark: optionalTextMember(json, "remark"),
    spentTimeMills: intMember(json, "spentTimeMills"),
  };
}
