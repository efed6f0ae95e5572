/**
 * Headers of the requests about offsets: of groups and of queues.
 *
 * @module
 */
import { header } from "../header.ts";

/** QUERY_CONSUMER_OFFSET (14). Source: RocketMQ `QueryConsumerOffsetRequestHeader`. */
export const QUERY_CONSUMER_OFFSET = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  setZeroIfNotFound: "boolean",
});

/** UPDATE_CONSUMER_OFFSET (15). Source: RocketMQ `UpdateConsumerOffsetRequestHeader`. */
export const UPDATE_CONSUMER_OFFSET = header({
  consumerGroup: "string!",
  topic: "string!",
  queueId: "int!",
  commitOffset: "long!",
});

/** Ours, beside {@linkcode UPDATE_CONSUMER_OFFSET}: `true` from a slave whose commit must not move the group back. */
export const FORWARD_ONLY_FIELD = "forwardOnly";

/** SEARCH_OFFSET_BY_TIMESTAMP (29). Source: RocketMQ `SearchOffsetRequestHeader`. */
export const SEARCH_OFFSET = header({
  topic: "string!",
  queueId: "int!",
  timestamp: "time!",
  /** `LOWER` (default) or `UPPER`: which of several messages of the same time. */
  boundaryType: "string",
});

/** GET_MAX_OFFSET (30). Source: RocketMQ `GetMaxOffsetRequestHeader`. */
export const GET_MAX_OFFSET = header({ topic: "string!", queueId: "int!", committed: "boolean" });

/** GET_MIN_OFFSET (31) and GET_EARLIEST_MSG_STORETIME (32). Source: RocketMQ `GetMinOffsetRequestHeader`. */
export const GET_MIN_OFFSET = header({ topic: "string!", queueId: "int!" });

/** The answers to 14, 29, 30 and 31. */
export const OFFSET_RESPONSE = header({ offset: "long!" });

/** The answer to 32: milliseconds since the epoch, −1 when the queue is empty. */
export const TIMESTAMP_RESPONSE = header({ timestamp: "long!" });
