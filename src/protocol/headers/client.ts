/**
 * Headers of the requests with which clients announce themselves and find each other, and of those that brokers send them.
 *
 * @module
 */
import { header } from "../header.ts";

/** UNREGISTER_CLIENT (35). Source: RocketMQ `UnregisterClientRequestHeader`. */
export const UNREGISTER_CLIENT = header({
  clientID: "string!",
  producerGroup: "string",
  consumerGroup: "string",
});

/** GET_CONSUMER_LIST_BY_GROUP (38). Source: RocketMQ `GetConsumerListByGroupRequestHeader`. */
export const CONSUMER_LIST = header({ consumerGroup: "string!" });

/** NOTIFY_CONSUMER_IDS_CHANGED (40), broker to client. Source: RocketMQ `NotifyConsumerIdsChangedRequestHeader`. */
export const NOTIFY_CONSUMER_IDS_CHANGED = header({ consumerGroup: "string!" });
