/**
 * What clients say about themselves and ask about each other: heartbeat (34), leave (35), members of a group (38), whether
 * the broker understands a subscription (46).
 *
 * RocketMQ counterpart: `ClientManageProcessor`, `ConsumerManageProcessor#getConsumerListByGroup`.
 *
 * @module
 */
import { encodeConsumerIds } from "../../protocol/bodies/group.ts";
import {
  type ConsumerData,
  type HeartbeatData,
  readHeartbeat,
  readSubscriptionData,
  type SubscriptionData,
} from "../../protocol/bodies/heartbeat.ts";
import { RequestCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import { CONSUMER_LIST, UNREGISTER_CLIENT } from "../../protocol/headers/client.ts";
import { isObject, readBody } from "../../protocol/json_members.ts";
import { systemError } from "../../protocol/response_error.ts";
import { isTagType } from "../../protocol/subscription.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { ClientIdentity, ClientTable } from "../clients.ts";
import type { GroupTable } from "../groups.ts";
import type { BrokerOptions } from "../options.ts";
import type { QueueLocks } from "../queue_locks.ts";
import { decodeBody } from "../request_body.ts";
import { retryTopicOf } from "../system_topics.ts";
import { TopicSysFlag, type TopicTable } from "../topics.ts";

/** What these handlers use. */
export interface ClientHandlerParts {
  readonly clients: ClientTable;
  readonly groups: GroupTable;
  readonly topics: TopicTable;
  readonly locks: Pick<QueueLocks, "joined" | "left">;
  readonly options: Pick<BrokerOptions, "enablePropertyFilter" | "rejectPullConsumerEnable">;
  /** Keeps and checks expressions that are not tags. */
  readonly filters: {
    /** Compiles an expression. @throws {ResponseError} SUBSCRIPTION_PARSE_FAILED when it is wrong. */
    check(subscription: SubscriptionData): void;
    /** Takes everything that a group wants. */
    register(group: string, subscriptions: readonly SubscriptionData[]): void;
  };
}

/** Handlers of 34, 35, 38, 46. */
export function clientHandlers(parts: ClientHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.HEART_BEAT, (request) => heartbeat(parts, request)],
    [RequestCode.UNREGISTER_CLIENT, (request) => unregister(parts, request)],
    [RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request) => consumerList(parts, request)],
    [RequestCode.CHECK_CLIENT_CONFIG, (request) => checkClientConfig(parts, request)],
  ]);
}

function heartbeat(parts: ClientHandlerParts, request: Request): Reply {
  const data = decodeBody(request.command.body, readHeartbeat);
  if (data.clientID === "") throw systemError("heartbeat without clientID");
  const { connection, command } = request;
  const client: ClientIdentity = {
    connection,
    clientId: data.clientID,
    language: command.language,
    version: command.version,
  };
  let knowsSubscriptions = true;
  for (const consumer of data.consumerDataSet) {
    if (isWelcome(parts, consumer)) {
      knowsSubscriptions = takeConsumer(parts, client, data, consumer) && knowsSubscriptions;
    }
  }
  for (const { groupName } of data.producerDataSet) {
    if (groupName !== "") parts.clients.registerProducer(client, groupName);
  }
  // A client of the short form sends everything again when it is told of a change; telling one always is right, too.
  const isChanged = data.heartbeatFingerprint === 0 || !knowsSubscriptions;
  return { ext: writeHeader({ IS_SUPPORT_HEART_BEAT_V2: true, IS_SUB_CHANGE: isChanged }) };
}

function isWelcome({ options }: ClientHandlerParts, consumer: ConsumerData): boolean {
  if (consumer.groupName === "") return false;
  return !(options.rejectPullConsumerEnable && consumer.consumeType === "CONSUME_ACTIVELY");
}

/** Registers a client in a group; false when it left out subscriptions that we do not have. */
function takeConsumer(
  { clients, groups, topics, filters, locks }: ClientHandlerParts,
  client: ClientIdentity,
  data: HeartbeatData,
  consumer: ConsumerData,
): boolean {
  const group = groups.find(consumer.groupName);
  if (group === undefined) return true;
  const order = consumer.subscriptionDataSet.some((subscription) => topics.isOrdered(subscription.topic));
  topics.createForGroup(retryTopicOf(consumer.groupName), group.retryQueueNums, {
    order,
    topicSysFlag: consumer.unitMode ? TopicSysFlag.UNIT_SUB : 0,
  });
  const wasKnown = clients.consumerGroup(consumer.groupName)?.member(client.clientId) !== undefined;
  clients.registerConsumer(client, consumer, data.withoutSub);
  locks.joined(consumer.groupName, client.clientId);
  if (!data.withoutSub) filters.register(consumer.groupName, consumer.subscriptionDataSet);
  return wasKnown || !data.withoutSub;
}

function unregister({ clients, locks }: ClientHandlerParts, { command, connection }: Request): Reply {
  const header = readHeader(UNREGISTER_CLIENT, command.ext);
  if (header.producerGroup !== undefined) clients.unregisterProducer(connection, header.producerGroup);
  if (header.consumerGroup !== undefined) {
    // First the locks: who is told of the change asks for them at once.
    locks.left(header.consumerGroup, header.clientID);
    clients.unregisterConsumer(connection, header.consumerGroup);
  }
  return OK;
}

function consumerList({ clients }: ClientHandlerParts, { command }: Request): Reply {
  const { consumerGroup } = readHeader(CONSUMER_LIST, command.ext);
  const group = clients.consumerGroup(consumerGroup);
  if (group === undefined) throw systemError(`no consumer for this group, ${consumerGroup}`);
  return { body: encodeConsumerIds(group.clientIds()) };
}

function checkClientConfig({ options, filters }: ClientHandlerParts, { command }: Request): Reply {
  const { subscriptionData } = decodeBody(command.body, readBody);
  if (!isObject(subscriptionData)) return OK;
  const subscription = readSubscriptionData(subscriptionData);
  if (isTagType(subscription.expressionType)) return OK;
  if (!options.enablePropertyFilter) {
    throw systemError(
      `The broker does not support consumer to filter message by ${subscription.expressionType}` +
        ` (enablePropertyFilter=false)`,
    );
  }
  filters.check(subscription);
  return OK;
}
