/**
 * Headers of the requests that carry messages: send in its two spellings, pull, query, view and send-back.
 * Source: RocketMQ `SendMessageRequestHeader(V2)`, `PullMessageRequestHeader`, `QueryMessageRequestHeader`,
 * `ViewMessageRequestHeader`, `ConsumerSendMsgBackRequestHeader`.
 *
 * @module
 */
import { type ExtFields, header, type HeaderOf, readHeader, writeHeader } from "../header.ts";
import { RequestCode } from "../codes.ts";

/** SEND_MESSAGE (10), SEND_REPLY_MESSAGE (324). */
export const SEND_MESSAGE_REQUEST = header({
  producerGroup: "string!",
  topic: "string!",
  defaultTopic: "string!",
  defaultTopicQueueNums: "int!",
  queueId: "int!",
  sysFlag: "int!",
  bornTimestamp: "long!",
  flag: "int!",
  properties: "string",
  reconsumeTimes: "int",
  unitMode: "boolean",
  maxReconsumeTimes: "int",
  batch: "boolean",
});

/** A send request whatever its spelling was. */
export type SendMessageRequest = HeaderOf<typeof SEND_MESSAGE_REQUEST>;

/** SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_REPLY_MESSAGE_V2 (325): letter to name. */
const V2_NAMES: Readonly<Record<string, keyof typeof SEND_MESSAGE_REQUEST>> = {
  a: "producerGroup",
  b: "topic",
  c: "defaultTopic",
  d: "defaultTopicQueueNums",
  e: "queueId",
  f: "sysFlag",
  g: "bornTimestamp",
  h: "flag",
  i: "properties",
  j: "reconsumeTimes",
  k: "unitMode",
  l: "maxReconsumeTimes",
  m: "batch",
};

/** What RocketMQ's brokers do without; small clients of other languages leave it out. */
const SEND_DEFAULTS: ExtFields = { producerGroup: "", defaultTopic: "", defaultTopicQueueNums: "4" };

/**
 * Reads the header of a send request by its code. A group, a default topic and its number of queues may be missing.
 *
 * @throws {ResponseError} when a field is missing or cannot be read.
 */
export function readSendHeader(code: number, ext: ExtFields): SendMessageRequest {
  if (code === RequestCode.SEND_MESSAGE || code === RequestCode.SEND_REPLY_MESSAGE) {
    return readHeader(SEND_MESSAGE_REQUEST, { ...SEND_DEFAULTS, ...ext });
  }
  const named: Record<string, string> = { ...SEND_DEFAULTS };
  for (const letter in V2_NAMES) {
    const value = ext[letter];
    if (value !== undefined) named[V2_NAMES[letter]!] = value;
  }
  return readHeader(SEND_MESSAGE_REQUEST, named);
}

/** Ext fields of a send request in the short spelling. */
export function writeSendHeaderV2(request: SendMessageRequest): Record<string, string> {
  const ext: Record<string, string> = {};
  for (const letter in V2_NAMES) {
    const value = request[V2_NAMES[letter]!];
    if (value !== undefined) ext[letter] = String(value);
  }
  return ext;
}

/** Ext fields of a send request in the long spelling. */
export function writeSendHeaderV1(request: SendMessageRequest): Record<string, string> {
  return writeHeader(request);
}

/** Answer to a send: SUCCESS, FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT. */
export const SEND_MESSAGE_RESPONSE = header({
  msgId: "string!",
  queueId: "int!",
  queueOffset: "long!",
  transactionId: "string",
  batchUniqId: "string",
  recallHandle: "string",
});

/** PULL_MESSAGE (11), LITE_PULL_MESSAGE (361). What has to do with waiting and committing may be missing: 0. */
export const PULL_MESSAGE_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  queueOffset: "time!",
  maxMsgNums: "int!",
  sysFlag: "int!",
  commitOffset: "long",
  suspendTimeoutMillis: "time",
  subscription: "string",
  subVersion: "wide",
  expressionType: "string",
  maxMsgBytes: "int",
  requestSource: "int",
  proxyFrowardClientId: "string",
});

/** A pull request. */
export type PullMessageRequest = HeaderOf<typeof PULL_MESSAGE_REQUEST>;

/** Answer to a pull. */
export const PULL_MESSAGE_RESPONSE = header({
  suggestWhichBrokerId: "long!",
  nextBeginOffset: "long!",
  minOffset: "long!",
  maxOffset: "long!",
  topicSysFlag: "int",
  groupSysFlag: "int",
  forbiddenType: "int",
  offsetDelta: "long",
});

/** QUERY_MESSAGE (12). */
export const QUERY_MESSAGE_REQUEST = header({
  topic: "string!",
  key: "string!",
  maxNum: "int",
  beginTimestamp: "time!",
  endTimestamp: "time!",
  indexType: "string",
  lastKey: "string",
  _UNIQUE_KEY_QUERY: "boolean",
});

/** Answer to QUERY_MESSAGE. */
export const QUERY_MESSAGE_RESPONSE = header({
  indexLastUpdateTimestamp: "long!",
  indexLastUpdatePhyoffset: "long!",
});

/** VIEW_MESSAGE_BY_ID (33). */
export const VIEW_MESSAGE_REQUEST = header({ offset: "long!", topic: "string" });

/** CONSUMER_SEND_MSG_BACK (36). */
export const CONSUMER_SEND_MSG_BACK_REQUEST = header({
  offset: "long!",
  group: "string!",
  delayLevel: "int!",
  originMsgId: "string",
  originTopic: "string",
  unitMode: "boolean",
  maxReconsumeTimes: "int",
});
