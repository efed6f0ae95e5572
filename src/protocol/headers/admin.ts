/**
 * Headers of the requests about a broker as a whole: 26, 315, 317, 321.
 * Source: RocketMQ `*RequestHeader` of the same names.
 *
 * @module
 */
import { header } from "../header.ts";

/** Answer to GET_BROKER_CONFIG (26): the version is a DataVersion as JSON. */
export const GET_BROKER_CONFIG_RESPONSE = header({ version: "string!" });

/** VIEW_BROKER_STATS_DATA (315). */
export const VIEW_STATS_REQUEST = header({ statsName: "string!", statsKey: "string!" });

/** GET_BROKER_CONSUME_STATS (317). */
export const BROKER_CONSUME_STATS_REQUEST = header({ isOrder: "boolean" });

/** QUERY_CONSUME_QUEUE (321): `count` units from number `index` on. */
export const QUERY_CONSUME_QUEUE_REQUEST = header({
  topic: "string!",
  queueId: "int!",
  index: "long!",
  count: "int!",
  consumerGroup: "string",
});
