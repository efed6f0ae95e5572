/**
 * Headers of the requests that brokers, clients and tools send to a name server, and of its answers. Requests without
 * fields (106, 206, 304, 311–313, 318, 319) have no table.
 * Source: RocketMQ, package `org.apache.rocketmq.remoting.protocol.header.namesrv`.
 *
 * @module
 */
import { header, type HeaderOf } from "../header.ts";

/** Ext field of a registration or route request: the zone of the peer (`MixAll.ZONE_NAME`). */
export const ZONE_NAME_FIELD = "__ZONE_NAME";
/** Ext field of a route request: `true` asks for brokers of the own zone only (`MixAll.ZONE_MODE`). */
export const ZONE_MODE_FIELD = "__ZONE_MODE";

/** PUT_KV_CONFIG (100). */
export const PUT_KV_CONFIG_REQUEST = header({ namespace: "string!", key: "string!", value: "string!" });

/** GET_KV_CONFIG (101) and DELETE_KV_CONFIG (102). */
export const KV_KEY_REQUEST = header({ namespace: "string!", key: "string!" });

/** Answer to GET_KV_CONFIG. */
export const GET_KV_CONFIG_RESPONSE = header({ value: "string" });

/** GET_KVLIST_BY_NAMESPACE (219). */
export const GET_KVLIST_REQUEST = header({ namespace: "string!" });

/** REGISTER_BROKER (103); `enableActingMaster` is absent in what brokers before 5.0 send. */
export const REGISTER_BROKER_REQUEST = header({
  brokerName: "string!",
  brokerAddr: "string!",
  clusterName: "string!",
  haServerAddr: "string!",
  brokerId: "long!",
  heartbeatTimeoutMillis: "long",
  enableActingMaster: "boolean",
  compressed: "boolean",
  bodyCrc32: "int",
});

/** Header of a registration. */
export type RegisterBrokerRequest = HeaderOf<typeof REGISTER_BROKER_REQUEST>;

/** Answer to REGISTER_BROKER: filled when a slave registers and its master is alive. */
export const REGISTER_BROKER_RESPONSE = header({ haServerAddr: "string", masterAddr: "string" });

/** UNREGISTER_BROKER (104) and QUERY_DATA_VERSION (322). */
export const BROKER_IDENTITY_REQUEST = header({
  brokerName: "string!",
  brokerAddr: "string!",
  clusterName: "string!",
  brokerId: "long!",
});

/** Answer to QUERY_DATA_VERSION. */
export const QUERY_DATA_VERSION_RESPONSE = header({ changed: "boolean!" });

/** GET_ROUTEINFO_BY_TOPIC (105). */
export const GET_ROUTEINFO_REQUEST = header({ topic: "string!", acceptStandardJsonOnly: "boolean" });

/** WIPE_WRITE_PERM_OF_BROKER (205) and ADD_WRITE_PERM_OF_BROKER (327). */
export const WRITE_PERM_REQUEST = header({ brokerName: "string!" });

/** Answer to WIPE_WRITE_PERM_OF_BROKER. */
export const WIPE_WRITE_PERM_RESPONSE = header({ wipeTopicCount: "int!" });

/** Answer to ADD_WRITE_PERM_OF_BROKER. */
export const ADD_WRITE_PERM_RESPONSE = header({ addTopicCount: "int!" });

/** DELETE_TOPIC_IN_NAMESRV (216); without `clusterName` the topic goes from all clusters. */
export const DELETE_TOPIC_IN_NAMESRV_REQUEST = header({ topic: "string!", clusterName: "string" });

/** REGISTER_TOPIC_IN_NAMESRV (217). */
export const REGISTER_TOPIC_REQUEST = header({ topic: "string!" });

/** GET_TOPICS_BY_CLUSTER (224). */
export const GET_TOPICS_BY_CLUSTER_REQUEST = header({ cluster: "string!" });

/** GET_BROKER_MEMBER_GROUP (901). */
export const GET_BROKER_MEMBER_GROUP_REQUEST = header({ clusterName: "string!", brokerName: "string!" });

/** BROKER_HEARTBEAT (904). */
export const BROKER_HEARTBEAT_REQUEST = header({
  clusterName: "string!",
  brokerAddr: "string!",
  brokerName: "string!",
  brokerId: "long",
  epoch: "int",
  maxOffset: "long",
  confirmOffset: "long",
  heartbeatTimeoutMills: "long",
  electionPriority: "int",
});

/** NOTIFY_MIN_BROKER_ID_CHANGE (905), one-way, from name server to broker. */
export const NOTIFY_MIN_BROKER_ID_CHANGE_REQUEST = header({
  minBrokerId: "long",
  brokerName: "string",
  minBrokerAddr: "string",
  offlineBrokerAddr: "string",
  haBrokerAddr: "string",
});
