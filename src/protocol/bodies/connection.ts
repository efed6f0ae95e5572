/**
 * Bodies about the clients of a broker: members of a consumer group (203), members of a producer group (204), all producers
 * (328), a group's subscription of a topic (345), where each member of a group is (223).
 *
 * Source: RocketMQ `ConsumerConnection`, `ProducerConnection`, `Connection`, `ProducerTableInfo`, `ProducerInfo`,
 * `QuerySubscriptionResponseBody`, `GetConsumerStatusBody`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, stringifyJson } from "../json.ts";
import {
  intMember,
  intOf,
  isObject,
  listMember,
  objectMember,
  optionalTextMember,
  readBody,
  textMember,
} from "../json_members.ts";
import { type MessageQueue, readQueueMap } from "../message_queue.ts";
import {
  type ConsumeFromWhere,
  type ConsumeType,
  type MessageModel,
  readSubscriptionData,
  type SubscriptionData,
} from "./heartbeat.ts";

/** A client as tools show it. */
export interface ClientConnection {
  /** `host:port` of the client's end. */
  readonly clientAddr: string;
  readonly clientId: string;
  readonly language: string;
  /** MQVersion ordinal. */
  readonly version: number;
}

/** Members of a consumer group and what the group wants. */
export interface ConsumerConnection {
  readonly connections: readonly ClientConnection[];
  readonly consumeFromWhere: ConsumeFromWhere;
  readonly consumeType: ConsumeType;
  readonly messageModel: MessageModel;
  readonly subscriptions: ReadonlyMap<string, SubscriptionData>;
}

/** Writes the answer to GET_CONSUMER_CONNECTION_LIST. */
export function encodeConsumerConnection(group: ConsumerConnection): Uint8Array {
  return utf8(stringifyJson({
    connectionSet: group.connections,
    consumeFromWhere: group.consumeFromWhere,
    consumeType: group.consumeType,
    messageModel: group.messageModel,
    subscriptionTable: group.subscriptions,
  }));
}

/** Reads the answer to GET_CONSUMER_CONNECTION_LIST. @throws {JsonError} */
export function decodeConsumerConnection(body: Uint8Array): ConsumerConnection {
  const object = readBody(body);
  const subscriptions = new Map<string, SubscriptionData>();
  for (const [topic, value] of Object.entries(objectMember(object, "subscriptionTable"))) {
    if (isObject(value)) subscriptions.set(topic, readSubscriptionData(value));
  }
  return {
    connections: readConnections(object),
    consumeFromWhere: textMember(object, "consumeFromWhere") as ConsumeFromWhere,
    consumeType: textMember(object, "consumeType") as ConsumeType,
    messageModel: textMember(object, "messageModel") as MessageModel,
    subscriptions,
  };
}

/** Writes the answer to GET_PRODUCER_CONNECTION_LIST. */
export function encodeProducerConnection(connections: readonly ClientConnection[]): Uint8Array {
  return utf8(stringifyJson({ connectionSet: connections }));
}

/** Reads the answer to GET_PRODUCER_CONNECTION_LIST. @throws {JsonError} */
export function decodeProducerConnection(body: Uint8Array): ClientConnection[] {
  return readConnections(readBody(body));
}

function readConnections(object: JsonObject): ClientConnection[] {
  return listMember(object, "connectionSet").filter(isObject).map((connection) => ({
    clientAddr: textMember(connection, "clientAddr"),
    clientId: textMember(connection, "clientId"),
    language: textMember(connection, "language"),
    version: intMember(connection, "version"),
  }));
}

/** A producer as GET_ALL_PRODUCER_INFO tells of it. */
export interface ProducerInfo {
  readonly clientId: string;
  readonly language: string;
  /** Milliseconds since the epoch of its last heartbeat. */
  readonly lastUpdateTimestamp: number;
  /** `/host:port`. */
  readonly remoteIP: string;
  readonly version: number;
}

/** Writes the answer to GET_ALL_PRODUCER_INFO: group to members. */
export function encodeProducerTable(data: ReadonlyMap<string, readonly ProducerInfo[]>): Uint8Array {
  return utf8(stringifyJson({ data }));
}

/** Reads the answer to GET_ALL_PRODUCER_INFO. @throws {JsonError} */
export function decodeProducerTable(body: Uint8Array): Map<string, ProducerInfo[]> {
  const table = new Map<string, ProducerInfo[]>();
  for (const [group, members] of Object.entries(objectMember(readBody(body), "data"))) {
    const list = Array.isArray(members) ? members.filter(isObject) : [];
    table.set(
      group,
      list.map((member) => ({
        clientId: textMember(member, "clientId"),
        language: textMember(member, "language"),
        lastUpdateTimestamp: intMember(member, "lastUpdateTimestamp"),
        remoteIP: textMember(member, "remoteIP"),
        version: intMember(member, "version"),
      })),
    );
  }
  return table;
}

/** A group's subscription of a topic; null when it has none. */
export interface GroupSubscription {
  readonly group: string;
  readonly topic: string;
  readonly subscription: SubscriptionData | null;
}

/** Writes the answer to QUERY_SUBSCRIPTION_BY_CONSUMER. */
export function encodeGroupSubscription({ group, topic, subscription }: GroupSubscription): Uint8Array {
  return utf8(stringifyJson({ group, subscriptionData: subscription, topic }));
}

/** Reads the answer to QUERY_SUBSCRIPTION_BY_CONSUMER. @throws {JsonError} */
export function decodeGroupSubscription(body: Uint8Array): GroupSubscription {
  const object = readBody(body);
  const data = object["subscriptionData"];
  return {
    group: textMember(object, "group"),
    topic: textMember(object, "topic"),
    subscription: isObject(data) ? readSubscriptionData(data) : null,
  };
}

/** Two members of a consumer group that want different things of a topic. Source: ours. */
export interface Divergence {
  readonly group: string;
  readonly topic: string;
  readonly clientId: string;
  /** What the first one wants, tags in order; null when it does not subscribe to the topic. */
  readonly expression: string | null;
  readonly otherClientId: string;
  readonly otherExpression: string | null;
}

/** Writes the answer to GET_DIVERGENT_SUBSCRIPTIONS. */
export function encodeDivergences(divergences: readonly Divergence[]): Uint8Array {
  return utf8(stringifyJson({ divergences }));
}

/** Reads the answer to GET_DIVERGENT_SUBSCRIPTIONS. @throws {JsonError} */
export function decodeDivergences(body: Uint8Array): Divergence[] {
  return listMember(readBody(body), "divergences").filter(isObject).map((each) => ({
    group: textMember(each, "group"),
    topic: textMember(each, "topic"),
    clientId: textMember(each, "clientId"),
    expression: optionalTextMember(each, "expression"),
    otherClientId: textMember(each, "otherClientId"),
    otherExpression: optionalTextMember(each, "otherExpression"),
  }));
}

/** Client id to queue to offset: where each member of a group is. */
export type ConsumerStatusTable = ReadonlyMap<string, ReadonlyMap<MessageQueue, number>>;

/** Writes the answer to INVOKE_BROKER_TO_GET_CONSUMER_STATUS. */
export function encodeConsumerStatusTable(consumerTable: ConsumerStatusTable): Uint8Array {
  return utf8(stringifyJson({ consumerTable, messageQueueTable: {} }));
}

/** Reads the answer to INVOKE_BROKER_TO_GET_CONSUMER_STATUS. @throws {JsonError} */
export function decodeConsumerStatusTable(body: Uint8Array): ConsumerStatusTable {
  const consumers = objectMember(readBody(body), "consumerTable");
  const clientIds = Object.keys(consumers);
  return new Map(clientIds.map((clientId) => [clientId, readQueueMap(consumers, clientId, (value) => intOf(value))]));
}
