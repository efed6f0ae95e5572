/**
 * Headers of the requests about consumer groups that tools and slaves send to a broker. Those with which a group is made
 * (200, 225) have only bodies.
 * Source: RocketMQ `*RequestHeader` of the same names.
 *
 * @module
 */
import { header } from "../header.ts";

/** DELETE_SUBSCRIPTIONGROUP (207): 4.9 says `removeOffset`, 5.x `cleanOffset`. */
export const DELETE_GROUP_REQUEST = header({
  groupName: "string!",
  removeOffset: "boolean",
  cleanOffset: "boolean",
});

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201): without fields everything; since 5.3.3 a page. */
export const GET_ALL_GROUPS_REQUEST = header({ groupSeq: "int", dataVersion: "string", maxGroupNum: "int" });

/** Answer to 201. */
export const GET_ALL_GROUPS_RESPONSE = header({ totalGroupNum: "int" });

/** GET_SUBSCRIPTIONGROUP_CONFIG (352), QUERY_TOPICS_BY_CONSUMER (343). */
export const GROUP_REQUEST = header({ group: "string!" });

/** QUERY_SUBSCRIPTION_BY_CONSUMER (345), QUERY_CONSUME_TIME_SPAN (303). */
export const GROUP_TOPIC_REQUEST = header({ group: "string!", topic: "string!" });

/** UPDATE_AND_GET_GROUP_FORBIDDEN (353); without `readable` it only asks. */
export const GROUP_FORBIDDEN_REQUEST = header({ group: "string!", topic: "string!", readable: "boolean" });

/** GET_CONSUMER_CONNECTION_LIST (203). */
export const CONSUMER_CONNECTION_REQUEST = header({ consumerGroup: "string!" });

/** GET_PRODUCER_CONNECTION_LIST (204). */
export const PRODUCER_CONNECTION_REQUEST = header({ producerGroup: "string!" });

/** GET_CONSUME_STATS (208); `topicList` is joined by `;`, since 5.x. */
export const CONSUME_STATS_REQUEST = header({ consumerGroup: "string!", topic: "string", topicList: "string" });

/** INVOKE_BROKER_TO_RESET_OFFSET (222): `timestamp` −1 is the end; `queueId` −1 all queues, since 5.x like `offset`. */
export const RESET_OFFSET_REQUEST = header({
  topic: "string!",
  group: "string!",
  timestamp: "time!",
  isForce: "boolean",
  queueId: "int",
  offset: "long",
});

/** QUERY_CORRECTION_OFFSET (308); `filterGroups` is joined by commas. */
export const CORRECTION_OFFSET_REQUEST = header({
  compareGroup: "string!",
  topic: "string!",
  filterGroups: "string",
});

/** CLONE_GROUP_OFFSET (314). */
export const CLONE_GROUP_OFFSET_REQUEST = header({
  srcGroup: "string!",
  destGroup: "string!",
  topic: "string",
  offline: "boolean",
});
