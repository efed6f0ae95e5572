/**
 * Clients as administrators see them: members of groups (203, 204, 328), what a consumer tells about itself (307, 223), a
 * message consumed on request (309).
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`, `Broker2Client`.
 *
 * @module
 */
import { ConnectionError, messageOf } from "../../common/errors.ts";
import {
  type ClientConnection,
  encodeConsumerConnection,
  encodeConsumerStatusTable,
  encodeDivergences,
  encodeProducerConnection,
  encodeProducerTable,
  type ProducerInfo,
} from "../../protocol/bodies/connection.ts";
import { decodeConsumerStatus } from "../../protocol/bodies/offset_table.ts";
import { RequestCode, ResponseCode, versionName, VersionOrdinal } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import { CONSUMER_CONNECTION_REQUEST, PRODUCER_CONNECTION_REQUEST } from "../../protocol/headers/group.ts";
import {
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS,
} from "../../protocol/headers/push.ts";
import { parseOffsetMessageId } from "../../protocol/ids.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import type { Outgoing, Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";
import type { ClientNotifier } from "../client_notify.ts";
import type { ClientChannel, ClientTable } from "../clients.ts";
import type { GroupTable } from "../groups.ts";
import type { TopicTable } from "../topics.ts";

/** What these handlers use. */
export interface AdminClientParts {
  readonly clients: ClientTable;
  readonly groups: GroupTable;
  readonly topics: TopicTable;
  readonly notifier: ClientNotifier;
  readonly store: Pick<MessageStore, "messageAt">;
  readonly brokerName: string;
}

/** How long a consumer may take to tell where it is. Source: RocketMQ `Broker2Client#getConsumeStatus`. */
const STATUS_TIMEOUT_MS = 5000;

/** Handlers of 203, 204, 223, 307, 309, 328, and of divergent subscriptions. */
export function adminClientHandlers(parts: AdminClientParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.GET_CONSUMER_CONNECTION_LIST, (request) => consumerConnections(parts, request)],
    [RequestCode.GET_PRODUCER_CONNECTION_LIST, (request) => producerConnections(parts, request)],
    [
      RequestCode.GET_DIVERGENT_SUBSCRIPTIONS,
      () => ({ body: encodeDivergences(parts.clients.divergences()) }),
    ],
    [RequestCode.GET_ALL_PRODUCER_INFO, () => allProducers(parts)],
    [RequestCode.GET_CONSUMER_RUNNING_INFO, (request) => runningInfo(parts, request)],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, (request) => consumeDirectly(parts, request)],
    [RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, (request) => consumerStatus(parts, request)],
  ]);
}

function connectionOf(client: ClientChannel): ClientConnection {
  const { clientId, language, version, connection } = client;
  return { clientAddr: connection.remoteText, clientId, language, version };
}

function consumerConnections({ clients }: AdminClientParts, { command }: Request): Reply {
  const { consumerGroup } = readHeader(CONSUMER_CONNECTION_REQUEST, command.ext);
  const group = clients.consumerGroup(consumerGroup);
  if (group === undefined) {
    throw new ResponseError(ResponseCode.CONSUMER_NOT_ONLINE, `the consumer group[${consumerGroup}] not online`);
  }
  return {
    body: encodeConsumerConnection({
      connections: Array.from(group.members, connectionOf),
      consumeFromWhere: group.consumeFromWhere,
      consumeType: group.consumeType,
      messageModel: group.messageModel,
      subscriptions: group.subscriptions,
    }),
  };
}

function producerConnections({ clients }: AdminClientParts, { command }: Request): Reply {
  const { producerGroup } = readHeader(PRODUCER_CONNECTION_REQUEST, command.ext);
  const members = clients.producers(producerGroup);
  if (members.length === 0) throw systemError(`the producer group[${producerGroup}] not exist`);
  return { body: encodeProducerConnection(members.map(connectionOf)) };
}

function allProducers({ clients }: AdminClientParts): Reply {
  const table = new Map<string, ProducerInfo[]>();
  for (const [group, members] of clients.producerGroups) {
    table.set(
      group,
      Array.from(members.values(), ({ clientId, language, lastUpdateMs, connection, version }) => ({
        clientId,
        language,
        lastUpdateTimestamp: lastUpdateMs,
        remoteIP: `/${connection.remoteText}`,
        version,
      })),
    );
  }
  return { body: encodeProducerTable(table) };
}

function runningInfo(parts: AdminClientParts, { command }: Request): Promise<Reply> {
  const { consumerGroup, clientId } = readHeader(GET_CONSUMER_RUNNING_INFO, command.ext);
  return callConsumer(parts, consumerGroup, clientId, { code: command.code, ext: command.ext, body: command.body });
}

async function consumeDirectly(parts: AdminClientParts, { command }: Request): Promise<Reply> {
  const header = readHeader(CONSUME_MESSAGE_DIRECTLY, command.ext);
  const id = parseOffsetMessageId(header.msgId ?? "");
  if (id === null) throw systemError(`"${header.msgId}" is no offset message id`);
  const record = await parts.store.messageAt(id.physicalOffset);
  if (record === null) throw systemError(`can not find message by the offset, ${id.physicalOffset}`);
  const ext = {
    ...command.ext,
    ...writeHeader({
      brokerName: parts.brokerName,
      topicSysFlag: header.topic === undefined ? null : parts.topics.get(header.topic)?.topicSysFlag,
      groupSysFlag: parts.groups.get(header.consumerGroup)?.groupSysFlag,
    }),
  };
  return await callConsumer(parts, header.consumerGroup, header.clientId ?? "", {
    code: command.code,
    ext,
    body: record,
  });
}

/** Hands a request on to a consumer, and its answer back. */
async function callConsumer(
  { clients, notifier }: AdminClientParts,
  group: string,
  clientId: string,
  request: Outgoing,
): Promise<Reply> {
  const member = clients.consumerGroup(group)?.member(clientId);
  if (member === undefined) throw systemError(`The Consumer <${group}> <${clientId}> not online`);
  if (member.version < VersionOrdinal.V3_1_8) {
    throw systemError(
      `The Consumer <${clientId}> Version <${versionName(member.version)}> too low to finish, ` +
        "please upgrade it to V3_1_8_SNAPSHOT",
    );
  }
  try {
    const { code, remark, ext, body } = await notifier.call(member.connection, request);
    return { code, remark, ext, body };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const isTimeout = error.fault === "timeout";
    throw new ResponseError(
      isTimeout ? ResponseCode.CONSUME_MSG_TIMEOUT : ResponseCode.SYSTEM_ERROR,
      `${isTimeout ? "consumer" : "invoke consumer"} <${group}> <${clientId}> ${
        isTimeout ? "Timeout" : "Exception"
      }: ` +
        messageOf(error),
    );
  }
}

async function consumerStatus({ clients, notifier }: AdminClientParts, { command }: Request): Promise<Reply> {
  const { topic, group, clientAddr } = readHeader(GET_CONSUMER_STATUS, command.ext);
  const members = [...clients.consumerGroup(group)?.members ?? []];
  if (members.length === 0) throw systemError(`No Any Consumer online in the consumer group: [${group}]`);
  const asked = members.filter(({ clientId }) => !clientAddr || clientId === clientAddr);
  const request = { code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, ext: writeHeader({ topic, group }) };
  const table = new Map<string, ReadonlyMap<MessageQueue, number>>();
  await Promise.all(asked.map(async (member) => {
    try {
      const answer = await notifier.call(member.connection, request, STATUS_TIMEOUT_MS);
      if (answer.code === ResponseCode.SUCCESS && answer.body.length > 0) {
        table.set(member.clientId, decodeConsumerStatus(answer.body));
      }
    } catch (error) {
      // A member that does not answer is left out, as RocketMQ does; the others count.
      notifier.log.error(
        `[get-consumer-status] get consumer status exception. topic=${topic}, group=${group}, ` +
          `clientId=${member.clientId}, error=${messageOf(error)}`,
      );
    }
  }));
  return { body: encodeConsumerStatusTable(table) };
}
