/**
 * Headers of requests that a broker sends to a client, on the connection which the client made: 39, 220, 221, 307, 309,
 * 326 (40 is in `client.ts`). The same tables serve what admin tools send to a broker for forwarding (307, 309).
 * Source: RocketMQ `CheckTransactionStateRequestHeader`, `ResetOffsetRequestHeader`, `GetConsumerStatusRequestHeader`,
 * `GetConsumerRunningInfoRequestHeader`, `ConsumeMessageDirectlyResultRequestHeader`, `ReplyMessageRequestHeader`.
 *
 * @module
 */
import { header } from "../header.ts";

/** CHECK_TRANSACTION_STATE (39), one-way; the body is the half message as a stored record. */
export const CHECK_TRANSACTION_STATE = header({
  topic: "string",
  tranStateTableOffset: "long!",
  commitLogOffset: "long!",
  msgId: "string",
  transactionId: "string",
  offsetMsgId: "string",
  bname: "string",
});

/** RESET_CONSUMER_CLIENT_OFFSET (220), one-way; the body is in `bodies/offset_table.ts`. */
export const RESET_CONSUMER_CLIENT_OFFSET = header({
  topic: "string!",
  group: "string!",
  timestamp: "time!",
  isForce: "boolean",
});

/** GET_CONSUMER_STATUS_FROM_CLIENT (221); the answer's body is in `bodies/offset_table.ts`. */
export const GET_CONSUMER_STATUS = header({ topic: "string!", group: "string!", clientAddr: "string" });

/** GET_CONSUMER_RUNNING_INFO (307); the answer's body is in `bodies/running_info.ts`. */
export const GET_CONSUMER_RUNNING_INFO = header({
  consumerGroup: "string!",
  clientId: "string!",
  jstackEnable: "boolean",
});

/** CONSUME_MESSAGE_DIRECTLY (309); topic and flags since 5.x. The body to a client is one stored record. */
export const CONSUME_MESSAGE_DIRECTLY = header({
  consumerGroup: "string!",
  clientId: "string",
  msgId: "string",
  brokerName: "string",
  topic: "string",
  topicSysFlag: "int",
  groupSysFlag: "int",
});

/** PUSH_REPLY_MESSAGE_TO_CLIENT (326); hosts are `ip:port`, the body is the message's body. */
export const PUSH_REPLY_MESSAGE = header({
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
  bornHost: "string!",
  storeHost: "string!",
  storeTimestamp: "long!",
});
