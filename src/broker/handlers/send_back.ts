/**
 * CONSUMER_SEND_MSG_BACK (36): a consumer could not handle a message. It comes again through the group's retry topic after a
 * delay that grows with each time, and becomes a dead letter when that was often enough.
 * Source: RocketMQ `AbstractSendMessageProcessor#consumerSendMsgBack`.
 *
 * @module
 */
import type { Random } from "../../common/random.ts";
import type { SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import { RequestCode, ResponseCode, VersionOrdinal } from "../../protocol/codes.ts";
import { type HeaderOf, readHeader } from "../../protocol/header.ts";
import { CONSUMER_SEND_MSG_BACK_REQUEST } from "../../protocol/headers/message.ts";
import type { OffsetMessageIds } from "../../protocol/ids.ts";
import { Perm, Property } from "../../protocol/message.ts";
import { ResponseError, seeFaq, systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { HandlerTable, Request } from "../../remoting/handler.ts";
import { type MessageStore, PutStatus, putStatusName } from "../../store/store.ts";
import type { GroupTable } from "../groups.ts";
import type { MessagePut } from "../message_put.ts";
import { brokerPermissionCause, groupMissingCause, topicPermissionCause } from "../refusal_causes.ts";
import { readStoredMessage, storedAgain, type StoredMessage } from "../stored_message.ts";
import { deadLetterTopicOf, retryTopicOf } from "../system_topics.ts";
import type { TopicTable } from "../topics.ts";

/** Queues of a dead-letter topic. */
const DLQ_QUEUE_NUMS = 1;
/** Delay level of the first retry when the consumer names none: 10 s. */
const FIRST_RETRY_LEVEL = 3;
/** Bit of a topic's `topicSysFlag`: has a unit subscription. */
const UNIT_SUB = 2;

type SendBackRequest = HeaderOf<typeof CONSUMER_SEND_MSG_BACK_REQUEST>;

/** What a message sent back counts for. */
export interface SendBackCounter {
  /** Counts a message that a group gave back. */
  countSendBack(group: string, topic: string): void;
}

/** What sending back needs. */
export interface SendBackParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly settings: SendBackSettings;
}

/** What sending back must know of the configuration. */
export interface SendBackSettings extends SendBackCounter {
  readonly random: Random;
  readonly ids: OffsetMessageIds;
  readonly brokerIP1: string;
  /** Mask over all topics (`brokerPermission`). */
  brokerPermission(): number;
}

/** Handler of CONSUMER_SEND_MSG_BACK. */
export function sendBackHandlers(parts: SendBackParts): HandlerTable {
  return new Map([[RequestCode.CONSUMER_SEND_MSG_BACK, (request: Request) => sendBack(parts, request)]]);
}

async function sendBack(parts: SendBackParts, request: Request): Promise<Reply> {
  const header = readHeader(CONSUMER_SEND_MSG_BACK_REQUEST, request.command.ext);
  const group = checkedGroup(parts, header.group);
  if (group.retryQueueNums <= 0) return OK;
  const retryTopic = parts.topics.createForGroup(retryTopicOf(header.group), group.retryQueueNums, {
    topicSysFlag: header.unitMode === true ? UNIT_SUB : 0,
  });
  if ((retryTopic.perm & Perm.WRITE) === 0) {
    throw new ResponseError(
      ResponseCode.NO_PERMISSION,
      `the topic[${retryTopic.topicName}] sending message is forbidden${topicPermissionCause(retryTopic.perm)}`,
    );
  }
  const record = await parts.store.messageAt(header.offset);
  const stored = record === null ? null : readStoredMessage(record);
  if (stored === null) throw systemError(`look message by offset failed, ${header.offset}`);
  const counts = request.command.version >= VersionOrdinal.V3_4_9;
  const limit = counts ? header.maxReconsumeTimes ?? group.retryMaxTimes : group.retryMaxTimes;
  return await store(parts, header, stored, group, limit);
}

function checkedGroup(parts: SendBackParts, name: string): SubscriptionGroupConfig {
  const group = parts.groups.find(name);
  if (group === undefined) {
    throw new ResponseError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      seeFaq(`subscription group not exist, ${name} `) + groupMissingCause(),
    );
  }
  if ((parts.settings.brokerPermission() & Perm.WRITE) !== 0) return group;
  throw new ResponseError(
    ResponseCode.NO_PERMISSION,
    `the broker[${parts.settings.brokerIP1}] sending message is forbidden` +
      brokerPermissionCause(parts.settings.brokerPermission()),
  );
}

async function store(
  parts: SendBackParts,
  header: SendBackRequest,
  stored: StoredMessage,
  group: SubscriptionGroupConfig,
  limit: number,
): Promise<Reply> {
  const { properties } = stored;
  const originTopic = properties.get(Property.RETRY_TOPIC) ?? stored.topic;
  properties.set(Property.RETRY_TOPIC, originTopic);
  properties.set(Property.WAIT, "false");
  const originId = properties.get(Property.ORIGIN_MESSAGE_ID) || parts.settings.ids.of(stored.physicalOffset);
  properties.set(Property.ORIGIN_MESSAGE_ID, originId);

  const isDead = header.delayLevel < 0 || stored.reconsumeTimes >= limit;
  const message = isDead
    ? deadLetter(parts, header.group, stored, originTopic, originId)
    : retry(parts, header, stored, group);
  message.reconsumeTimes = stored.reconsumeTimes + 1;
  const outcome = await parts.put.putSafely(message);
  if (outcome.status !== PutStatus.PUT_OK) {
    const why = parts.store.refusal();
    throw systemError(`${putStatusName(outcome.status)}${why === null ? "" : ` Cause: ${why}`}`);
  }
  parts.settings.countSendBack(header.group, originTopic);
  return OK;
}

function retry(parts: SendBackParts, header: SendBackRequest, stored: StoredMessage, group: SubscriptionGroupConfig) {
  const level = header.delayLevel === 0 ? FIRST_RETRY_LEVEL + stored.reconsumeTimes : header.delayLevel;
  stored.properties.set(Property.DELAY, String(level));
  return storedAgain(stored, retryTopicOf(header.group), parts.settings.random.int(group.retryQueueNums));
}

function deadLetter(parts: SendBackParts, group: string, stored: StoredMessage, originTopic: string, originId: string) {
  const topic = parts.topics.createForGroup(deadLetterTopicOf(group), DLQ_QUEUE_NUMS);
  stored.properties.delete(Property.DELAY);
  stored.properties.set(Property.DLQ_ORIGIN_TOPIC, originTopic);
  stored.properties.set(Property.DLQ_ORIGIN_MESSAGE_ID, originId);
  return storedAgain(stored, topic.topicName, parts.settings.random.int(DLQ_QUEUE_NUMS));
}
