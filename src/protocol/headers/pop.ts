/**
 * Headers of POP: consumption in which the broker hands out messages for a time and clients only acknowledge them. The
 * codes are above 32767, so these requests come with JSON headers alone.
 * Source: RocketMQ `PopMessageRequestHeader`, `AckMessageRequestHeader`, `ChangeInvisibleTimeRequestHeader`,
 * `PeekMessageRequestHeader`, `NotificationRequestHeader`, `PollingInfoRequestHeader`.
 *
 * @module
 */
import { header, type HeaderOf } from "../header.ts";

/** POP_MESSAGE (200050). `queueId` −1 is any queue; times are milliseconds, `bornTime` on the client's clock. */
export const POP_MESSAGE_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  maxMsgNums: "int!",
  invisibleTime: "long!",
  pollTime: "long!",
  bornTime: "long",
  initMode: "int!",
  expType: "string",
  exp: "string",
  order: "boolean",
  attemptId: "string",
});

/** A decoded POP_MESSAGE. */
export type PopMessageRequest = HeaderOf<typeof POP_MESSAGE_REQUEST>;

/** Answer to POP_MESSAGE; the infos are in `broker/pop/receipt.ts`. */
export const POP_MESSAGE_RESPONSE = header({
  popTime: "long!",
  invisibleTime: "long!",
  reviveQid: "int!",
  restNum: "long!",
  startOffsetInfo: "string",
  msgOffsetInfo: "string",
  orderCountInfo: "string",
});

/** ACK_MESSAGE (200051). `topic` is where the message lies: for one that came again the retry topic. */
export const ACK_MESSAGE_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  extraInfo: "string!",
  offset: "long!",
});

/** CHANGE_MESSAGE_INVISIBLETIME (200053): invisible for `invisibleTime` milliseconds from now on. */
export const CHANGE_INVISIBLE_TIME_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  extraInfo: "string!",
  offset: "long!",
  invisibleTime: "long!",
  suspend: "boolean",
});

/** Answer to CHANGE_MESSAGE_INVISIBLETIME: the new receipt consists of it. */
export const CHANGE_INVISIBLE_TIME_RESPONSE = header({ popTime: "long!", invisibleTime: "long!", reviveQid: "int!" });

/** PEEK_MESSAGE (200052). */
export const PEEK_MESSAGE_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  maxMsgNums: "int!",
});

/** NOTIFICATION (200054): wait until there is something to pop. */
export const NOTIFICATION_REQUEST = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  pollTime: "long!",
  bornTime: "long",
  order: "boolean",
  attemptId: "string",
});

/** A decoded NOTIFICATION. */
export type NotificationRequest = HeaderOf<typeof NOTIFICATION_REQUEST>;

/** POLLING_INFO (200055): how many pops wait. */
export const POLLING_INFO_REQUEST = header({ consumerGroup: "string!", topic: "string!", queueId: "int!" });
