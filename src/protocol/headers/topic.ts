/**
 * Headers of the requests about topics that tools and slaves send to a broker: 17, 21, 202, 215, 300, 351.
 * UPDATE_AND_CREATE_TOPIC_LIST (18) and GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305) have none.
 * Source: RocketMQ `*RequestHeader` of the same names.
 *
 * @module
 */
import { header } from "../header.ts";

/** UPDATE_AND_CREATE_TOPIC (17); `attributes` is `+key=value,-key2`, since 5.x like `force`. */
export const CREATE_TOPIC_REQUEST = header({
  topic: "string!",
  defaultTopic: "string",
  readQueueNums: "int!",
  writeQueueNums: "int!",
  perm: "int!",
  topicFilterType: "string!",
  topicSysFlag: "int",
  order: "boolean",
  attributes: "string",
  force: "boolean",
});

/** GET_TOPIC_STATS_INFO (202), DELETE_TOPIC_IN_BROKER (215), QUERY_TOPIC_CONSUME_BY_WHO (300). */
export const TOPIC_REQUEST = header({ topic: "string!" });

/** GET_TOPIC_CONFIG (351); `lo` asks for the mapping of a static topic too. */
export const GET_TOPIC_CONFIG_REQUEST = header({ topic: "string!", lo: "boolean" });

/** GET_ALL_TOPIC_CONFIG (21): without fields everything; since 5.3.3 a page, from number `topicSeq` on. */
export const GET_ALL_TOPIC_CONFIG_REQUEST = header({ topicSeq: "int", dataVersion: "string", maxTopicNum: "int" });

/** Answer to 21. */
export const GET_ALL_TOPIC_CONFIG_RESPONSE = header({ totalTopicNum: "int" });
