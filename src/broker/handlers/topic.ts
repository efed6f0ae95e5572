/**
 * Topics as administrators handle them: make and change (17, 18), delete (215), read (21, 351, 305), what is in them (202), who
 * consumes them (300).
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`.
 *
 * @module
 */
import type { TopicConfig } from "../../protocol/bodies/register.ts";
import { encodeTopicList } from "../../protocol/bodies/route.ts";
import {
  allTopicConfigText,
  decodeTopicConfigList,
  encodeGroupList,
  encodeTopicConfig,
  encodeTopicStats,
  type TopicOffset,
} from "../../protocol/bodies/topic.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { type HeaderOf, readHeader, writeHeader } from "../../protocol/header.ts";
import {
  CREATE_TOPIC_REQUEST,
  GET_ALL_TOPIC_CONFIG_REQUEST,
  GET_TOPIC_CONFIG_REQUEST,
  TOPIC_REQUEST,
} from "../../protocol/headers/topic.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";
import type { ClientTable } from "../clients.ts";
import { namedVersion } from "../named_version.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { BrokerOptions } from "../options.ts";
import { decodeBody } from "../request_body.ts";
import type { BrokerStats } from "../stats.ts";
import { popRetryTopicsOf, topicNameFault } from "../system_topics.ts";
import type { TableAnswers } from "../table_answers.ts";
import { MESSAGE_TYPE_ATTRIBUTE, parseAttributeChange } from "../topic_attributes.ts";
import { topicConfig, type TopicTable } from "../topics.ts";

/** What these handlers use. */
export interface TopicHandlerParts {
  readonly topics: TopicTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientTable;
  readonly stats: BrokerStats;
  readonly store: Pick<MessageStore, "minOffset" | "maxOffset" | "storeTimeAt" | "deleteTopic">;
  readonly options: Pick<
    BrokerOptions,
    | "brokerName"
    | "validateSystemTopicWhenUpdateTopic"
    | "clearRetryTopicWhenDeleteTopic"
    | "autoDeleteUnusedStats"
    | "enableMixedMessageType"
    | "enableSplitMetadata"
    | "splitMetadataSize"
  >;
  readonly tableAnswers: TableAnswers;
  /** Resolves when a change of topics is on disk and known to the name servers, as far as they answer. */
  readonly announced: () => Promise<void>;
}

/** Handlers of 17, 18, 21, 202, 215, 300, 305, 351. */
export function topicHandlers(parts: TopicHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.UPDATE_AND_CREATE_TOPIC, (request) => updateTopic(parts, request)],
    [RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, (request) => updateTopicList(parts, request)],
    [RequestCode.DELETE_TOPIC_IN_BROKER, (request) => deleteTopic(parts, request)],
    [RequestCode.GET_ALL_TOPIC_CONFIG, (request) => allTopics(parts, request)],
    [RequestCode.GET_TOPIC_CONFIG, (request) => oneTopic(parts, request)],
    [RequestCode.GET_TOPIC_STATS_INFO, (request) => topicStats(parts, request)],
    [RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, (request) => consumersOf(parts, request)],
    [
      RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
      () => ({ body: encodeTopicList({ topicList: parts.topics.system.names() }) }),
    ],
  ]);
}

function invalid(remark: string): ResponseError {
  return new ResponseError(ResponseCode.INVALID_PARAMETER, remark);
}

/** Most queues of a topic on one broker: far beyond what is of use, and little enough to be walked through. */
const QUEUE_NUMS_MAX = 65_536;

function checkTopic({ topics, options }: TopicHandlerParts, topic: TopicConfig): void {
  const fault = topicNameFault(topic.topicName);
  if (fault !== null) throw invalid(fault);
  checkNotSystem({ topics, options }, topic.topicName);
  if (topic.readQueueNums < 0 || topic.writeQueueNums < 0) {
    throw invalid(
      `topic[${topic.topicName}] cannot have ${Math.min(topic.readQueueNums, topic.writeQueueNums)} queues`,
    );
  }
  if (Math.max(topic.readQueueNums, topic.writeQueueNums) > QUEUE_NUMS_MAX) {
    throw invalid(`topic[${topic.topicName}] cannot have more than ${QUEUE_NUMS_MAX} queues on a broker`);
  }
  if (!options.enableMixedMessageType && topic.attributes[`+${MESSAGE_TYPE_ATTRIBUTE}`] === "MIXED") {
    throw invalid("MIXED message type is not supported.");
  }
}

function checkNotSystem({ topics, options }: Pick<TopicHandlerParts, "topics" | "options">, topic: string): void {
  if (options.validateSystemTopicWhenUpdateTopic && topics.system.has(topic)) {
    throw invalid(`The topic[${topic}] is conflict with system topic.`);
  }
}

async function updateTopic(parts: TopicHandlerParts, { command }: Request): Promise<Reply> {
  const header = readHeader(CREATE_TOPIC_REQUEST, command.ext);
  const topic = wantedTopic(header);
  checkTopic(parts, topic);
  if (!isUnchanged(parts.topics.get(topic.topicName), topic)) parts.topics.update(topic);
  await parts.announced();
  return OK;
}

function wantedTopic(header: HeaderOf<typeof CREATE_TOPIC_REQUEST>): TopicConfig {
  return topicConfig(header.topic, {
    readQueueNums: header.readQueueNums,
    writeQueueNums: header.writeQueueNums,
    perm: header.perm,
    topicFilterType: header.topicFilterType,
    topicSysFlag: header.topicSysFlag ?? 0,
    order: header.order ?? false,
    attributes: parseAttributeChange(header.attributes),
  });
}

/** Whether a topic is already as it is wanted, so that nothing needs to be written or told. */
function isUnchanged(present: TopicConfig | undefined, wanted: TopicConfig): boolean {
  return present !== undefined && Object.keys(wanted.attributes).length === 0 &&
    present.readQueueNums === wanted.readQueueNums && present.writeQueueNums === wanted.writeQueueNums &&
    present.perm === wanted.perm && present.topicFilterType === wanted.topicFilterType &&
    present.topicSysFlag === wanted.topicSysFlag && present.order === wanted.order;
}

async function updateTopicList(parts: TopicHandlerParts, { command }: Request): Promise<Reply> {
  const wanted = decodeBody(command.body, decodeTopicConfigList);
  for (const topic of wanted) checkTopic(parts, topic);
  const changed = wanted.filter((topic) => !isUnchanged(parts.topics.get(topic.topicName), topic));
  if (changed.length > 0) parts.topics.update(...changed);
  await parts.announced();
  return OK;
}

async function deleteTopic(parts: TopicHandlerParts, { command }: Request): Promise<Reply> {
  const { topic } = readHeader(TOPIC_REQUEST, command.ext);
  if (topic.trim() === "") throw invalid("The specified topic is blank.");
  checkNotSystem(parts, topic);
  const doomed = [topic];
  if (parts.options.clearRetryTopicWhenDeleteTopic) {
    for (const group of parts.offsets.groupsOf(topic)) {
      doomed.push(...popRetryTopicsOf(topic, group).filter((retryTopic) => parts.topics.has(retryTopic)));
    }
  }
  for (const each of doomed) {
    parts.topics.delete(each);
    parts.offsets.removeTopic(each);
    parts.store.deleteTopic(each);
    if (parts.options.autoDeleteUnusedStats) parts.stats.removeTopic(each);
  }
  await parts.announced();
  return OK;
}

function allTopics({ topics, options, tableAnswers }: TopicHandlerParts, request: Request): Promise<null> {
  const header = readHeader(GET_ALL_TOPIC_CONFIG_REQUEST, request.command.ext);
  const { topicSeq, maxTopicNum, dataVersion } = header;
  const wantsPage = topicSeq !== undefined || maxTopicNum !== undefined || dataVersion !== undefined;
  const ext = writeHeader({ totalTopicNum: topics.topics.size });
  if (!wantsPage || !options.enableSplitMetadata) {
    return tableAnswers.answer(request, () => allTopicConfigText(topics), ext);
  }
  const count = Math.min(options.splitMetadataSize, maxTopicNum ?? Infinity);
  const page = topics.page(namedVersion(dataVersion), topicSeq ?? 0, count);
  return tableAnswers.answer(request, () => allTopicConfigText(page), ext);
}

function oneTopic({ topics }: TopicHandlerParts, { command }: Request): Reply {
  const { topic } = readHeader(GET_TOPIC_CONFIG_REQUEST, command.ext);
  const config = topics.get(topic);
  if (config === undefined) {
    throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`);
  }
  return { body: encodeTopicConfig(config) };
}

async function topicStats({ topics, store, stats, options }: TopicHandlerParts, { command }: Request): Promise<Reply> {
  const { topic } = readHeader(TOPIC_REQUEST, command.ext);
  const config = topics.get(topic);
  if (config === undefined) throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  const offsetTable = new Map<MessageQueue, TopicOffset>();
  for (let queueId = 0; queueId < Math.max(config.writeQueueNums, config.readQueueNums); queueId++) {
    const maxOffset = store.maxOffset(topic, queueId);
    const lastStored = maxOffset > 0 ? await store.storeTimeAt(topic, queueId, maxOffset - 1) : 0;
    offsetTable.set(messageQueue(options.brokerName, queueId, topic), {
      lastUpdateTimestamp: Math.max(0, lastStored),
      maxOffset,
      minOffset: store.minOffset(topic, queueId),
    });
  }
  return { body: encodeTopicStats({ offsetTable, topicPutTps: stats.topicPutTps(topic) }) };
}

function consumersOf({ clients, offsets }: TopicHandlerParts, { command }: Request): Reply {
  const { topic } = readHeader(TOPIC_REQUEST, command.ext);
  return { body: encodeGroupList([...new Set([...clients.groupsOf(topic), ...offsets.groupsOf(topic)])]) };
}
