/**
 * Offsets of groups as administrators see and move them: figures (208, 317, 303), reset by time (222), clone (314), correct (308),
 * all (43).
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`, `Broker2Client#resetOffset`.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import { allConsumerOffsetsText } from "../../protocol/bodies/consumer_offset.ts";
import { encodeOffsetTable } from "../../protocol/bodies/offset_table.ts";
import type { TopicConfig } from "../../protocol/bodies/register.ts";
import {
  type ConsumeStats,
  encodeBrokerConsumeStats,
  encodeConsumeStats,
  encodeCorrectionOffsets,
  encodeTimeSpans,
  inflightDiffOf,
  type OffsetWrapper,
  type QueueTimeSpan,
  totalDiffOf,
} from "../../protocol/bodies/stats.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { type HeaderOf, readHeader } from "../../protocol/header.ts";
import { BROKER_CONSUME_STATS_REQUEST } from "../../protocol/headers/admin.ts";
import {
  CLONE_GROUP_OFFSET_REQUEST,
  CONSUME_STATS_REQUEST,
  CORRECTION_OFFSET_REQUEST,
  GROUP_TOPIC_REQUEST,
  RESET_OFFSET_REQUEST,
} from "../../protocol/headers/group.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";
import type { ClientNotifier } from "../client_notify.ts";
import type { ClientTable } from "../clients.ts";
import type { GroupTable } from "../groups.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { BrokerStats } from "../stats.ts";
import { RETRY_PREFIX } from "../system_topics.ts";
import type { TableAnswers } from "../table_answers.ts";
import type { TopicTable } from "../topics.ts";

/** What these handlers use. */
export interface AdminOffsetParts {
  readonly offsets: ConsumerOffsets;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly clients: ClientTable;
  readonly stats: BrokerStats;
  readonly notifier: ClientNotifier;
  readonly store: Pick<MessageStore, "minOffset" | "maxOffset" | "offsetByTime" | "storeTimeAt" | "earliestStoreTime">;
  readonly clock: Clock;
  readonly tableAnswers: TableAnswers;
  readonly options: { readonly brokerName: string; readonly useServerSideResetOffset: boolean };
  /** `host:port` that clients are told. */
  readonly brokerAddr: string;
  /** Whether this broker is a slave, where offsets cannot be reset. */
  readonly isSlave: () => boolean;
  /** Messages of a queue that a group has popped and not acknowledged. */
  readonly inFlight?: (group: string, topic: string, queueId: number) => number;
}

/** Java's `Long.MAX_VALUE`: a queue without a place to be corrected to. */
const NO_CORRECTION = 9223372036854775807n;

/** Handlers of 43, 208, 222, 303, 308, 314, 317. */
export function adminOffsetHandlers(parts: AdminOffsetParts): HandlerTable {
  return new Map<number, Handler>([
    [
      RequestCode.GET_ALL_CONSUMER_OFFSET,
      (request) => parts.tableAnswers.answer(request, () => allConsumerOffsetsText(parts.offsets.table())),
    ],
    [RequestCode.GET_CONSUME_STATS, (request) => consumeStats(parts, request)],
    [RequestCode.GET_BROKER_CONSUME_STATS, (request) => brokerConsumeStats(parts, request)],
    [RequestCode.QUERY_CONSUME_TIME_SPAN, (request) => timeSpans(parts, request)],
    [RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, (request) => resetOffset(parts, request)],
    [RequestCode.CLONE_GROUP_OFFSET, (request) => cloneOffsets(parts, request)],
    [RequestCode.QUERY_CORRECTION_OFFSET, (request) => correctionOffsets(parts, request)],
  ]);
}

/** Whether a group that is online has dropped a topic in which it has offsets. */
function isUnsubscribed({ clients }: AdminOffsetParts, group: string, topic: string): boolean {
  if (topic.startsWith(RETRY_PREFIX + group)) return false; // popping groups do not subscribe to theirs
  const online = clients.consumerGroup(group);
  return online !== undefined && online.subscriptions.size > 0 && online.subscription(topic) === undefined;
}

async function consumeStats(parts: AdminOffsetParts, { command }: Request): Promise<Reply> {
  const { consumerGroup, topic, topicList } = readHeader(CONSUME_STATS_REQUEST, command.ext);
  const listed = (topicList ?? "").split(";").filter((each) => each !== "");
  const wanted = topic ? [topic] : parts.offsets.topicsOf(consumerGroup);
  const counted = listed.length > 0 ? listed : wanted.filter((each) => !isUnsubscribed(parts, consumerGroup, each));
  const offsetTable = new Map<MessageQueue, OffsetWrapper>();
  let consumeTps = 0;
  for (const each of counted) {
    const config = parts.topics.get(each);
    if (config === undefined) continue;
    const stats = await statsOf(parts, consumerGroup, config);
    for (const [queue, offsets] of stats.offsetTable) offsetTable.set(queue, offsets);
    consumeTps += stats.consumeTps;
  }
  return { body: encodeConsumeStats({ consumeTps, offsetTable }) };
}

async function statsOf(parts: AdminOffsetParts, group: string, topic: TopicConfig): Promise<ConsumeStats> {
  const { offsets, store, stats, options } = parts;
  const name = topic.topicName;
  const offsetTable = new Map<MessageQueue, OffsetWrapper>();
  for (let queueId = 0; queueId < topic.writeQueueNums; queueId++) {
    const offset = Math.max(0, offsets.query(group, name, queueId));
    // The offset of a popping group is behind what is in flight; to the reader of figures that is not consumed yet.
    const consumerOffset = Math.max(0, offset - (parts.inFlight?.(group, name, queueId) ?? 0));
    const lastConsumed = consumerOffset > 0 ? await store.storeTimeAt(name, queueId, consumerOffset - 1) : 0;
    offsetTable.set(messageQueue(options.brokerName, queueId, name), {
      brokerOffset: Math.max(0, store.maxOffset(name, queueId)),
      consumerOffset,
      lastTimestamp: Math.max(0, lastConsumed),
      pullOffset: Math.max(offset, offsets.queryPulled(group, name, queueId)),
    });
  }
  return { consumeTps: stats.groupGetTps(group, name), offsetTable };
}

async function brokerConsumeStats(parts: AdminOffsetParts, { command }: Request): Promise<Reply> {
  const { isOrder = false } = readHeader(BROKER_CONSUME_STATS_REQUEST, command.ext);
  const list: ReadonlyMap<string, readonly ConsumeStats[]>[] = [];
  let totalDiff = 0;
  let totalInflightDiff = 0;
  for (const group of parts.groups.groups.keys()) {
    const groupStats: ConsumeStats[] = [];
    for (const name of parts.offsets.topicsOf(group)) {
      const topic = parts.topics.get(name);
      if (topic === undefined || (isOrder && !topic.order) || isUnsubscribed(parts, group, name)) continue;
      const stats = await statsOf(parts, group, topic);
      totalDiff += totalDiffOf(stats);
      totalInflightDiff += inflightDiffOf(stats);
      groupStats.push(stats);
    }
    list.push(new Map([[group, groupStats]]));
  }
  const { brokerAddr } = parts;
  return { body: encodeBrokerConsumeStats({ brokerAddr, consumeStatsList: list, totalDiff, totalInflightDiff }) };
}

async function timeSpans(parts: AdminOffsetParts, { command }: Request): Promise<Reply> {
  const { topic, group } = readHeader(GROUP_TOPIC_REQUEST, command.ext);
  const config = parts.topics.get(topic);
  if (config === undefined) throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  const spans: QueueTimeSpan[] = [];
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    spans.push(await timeSpan(parts, group, messageQueue(parts.options.brokerName, queueId, topic)));
  }
  return { body: encodeTimeSpans(spans, toolTime) };
}

async function timeSpan(parts: AdminOffsetParts, group: string, queue: MessageQueue): Promise<QueueTimeSpan> {
  const { store, offsets, clock } = parts;
  const { topic, queueId } = queue;
  const minTimeStamp = await store.earliestStoreTime(topic, queueId);
  const maxOffset = store.maxOffset(topic, queueId);
  const next = Math.max(offsets.query(group, topic, queueId), store.minOffset(topic, queueId));
  const nextTime = next < maxOffset ? await store.storeTimeAt(topic, queueId, next) : -1;
  return {
    messageQueue: queue,
    minTimeStamp,
    maxTimeStamp: maxOffset > 0 ? await store.storeTimeAt(topic, queueId, maxOffset - 1) : -1,
    consumeTimeStamp: next > 0 ? await store.storeTimeAt(topic, queueId, next - 1) : minTimeStamp,
    delayTime: nextTime < 0 ? 0 : Math.max(0, clock.now() - nextTime),
  };
}

/** A time as RocketMQ's tools show it, e.g. `2026-11-21#05:09:21:068`, local time. */
function toolTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (value: number, digits = 2) => String(value).padStart(digits, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const hour = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day}#${hour}:${two(time.getMilliseconds(), 3)}`;
}

type ResetRequest = HeaderOf<typeof RESET_OFFSET_REQUEST>;

async function resetOffset(parts: AdminOffsetParts, { command, connection }: Request): Promise<Reply> {
  const header = readHeader(RESET_OFFSET_REQUEST, command.ext);
  const who = connection.remoteText;
  const table = parts.options.useServerSideResetOffset
    ? await resetHere(parts, header, who)
    : await resetAtClients(parts, header, command.language === "CPP");
  return { body: encodeOffsetTable(table) };
}

/** The way of 5.x: new offsets here; a pull is told of them whatever language its client is written in. */
async function resetHere(
  parts: AdminOffsetParts,
  header: ResetRequest,
  who: string,
): Promise<Map<MessageQueue, number>> {
  const { topic, group } = header;
  if (parts.isSlave()) throw systemError("Can not reset offset in slave broker");
  const config = parts.topics.get(topic);
  if (config === undefined) throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  if (!parts.groups.has(group)) {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
  }
  const targets = new Map<number, number>();
  const { queueId = -1 } = header;
  if (queueId >= 0) targets.set(queueId, await targetOf(parts, header, queueId));
  else for (let id = 0; id < config.readQueueNums; id++) targets.set(id, await offsetAt(parts, header, id));
  if (targets.size === 0) throw systemError("No queues to reset.");
  const table = new Map<MessageQueue, number>();
  for (const [id, offset] of targets) {
    parts.offsets.reset(group, topic, id, offset, who);
    table.set(messageQueue(parts.options.brokerName, id, topic), offset);
  }
  await parts.offsets.saved();
  return table;
}

/** Where one named queue is to go: to a named offset, which must be in the queue, or to a time. */
async function targetOf(parts: AdminOffsetParts, header: ResetRequest, queueId: number): Promise<number> {
  const { topic, offset = -1 } = header;
  if (offset === -1) return await offsetAt(parts, header, queueId);
  const min = parts.store.minOffset(topic, queueId);
  const max = parts.store.maxOffset(topic, queueId);
  if (offset >= min && offset <= max) return offset;
  throw systemError(`Target offset ${offset} not in consume queue range [${min}-${max}]`);
}

/** The offset at the wanted time; a time before 0 is the end of the queue. */
async function offsetAt({ store }: AdminOffsetParts, header: ResetRequest, queueId: number): Promise<number> {
  if (header.timestamp < 0) return store.maxOffset(header.topic, queueId);
  return Math.max(0, await store.offsetByTime(header.topic, queueId, header.timestamp));
}

/** The way of 4.x: each member of the group is told to move; it commits its new place then. */
async function resetAtClients(
  parts: AdminOffsetParts,
  header: ResetRequest,
  forC: boolean,
): Promise<Map<MessageQueue, number>> {
  const { topic, group, timestamp, isForce = false } = header;
  const config = parts.topics.get(topic);
  if (config === undefined) {
    throw new ResponseError(
      ResponseCode.TOPIC_NOT_EXIST,
      `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`,
    );
  }
  const offsets = new Map<MessageQueue, number>();
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const present = parts.offsets.query(group, topic, queueId);
    if (present < 0) throw systemError(`THe consumer group <${group}> not exist`);
    const target = await offsetAt(parts, header, queueId);
    offsets.set(
      messageQueue(parts.options.brokerName, queueId, topic),
      isForce || target < present ? target : present,
    );
  }
  const online = parts.clients.consumerGroup(group);
  if (online === undefined) {
    throw new ResponseError(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`,
    );
  }
  parts.notifier.resetOffsets(online.members, { topic, group, timestamp, isForce, offsets, forC });
  return offsets;
}

async function cloneOffsets(parts: AdminOffsetParts, { command, connection }: Request): Promise<Reply> {
  const { srcGroup, destGroup, topic, offline = false } = readHeader(CLONE_GROUP_OFFSET_REQUEST, command.ext);
  for (const each of topic ? [topic] : parts.offsets.topicsOf(srcGroup)) {
    if (!parts.topics.has(each) || (!offline && isUnsubscribed(parts, srcGroup, each))) continue;
    parts.offsets.clone(srcGroup, destGroup, each, connection.remoteText);
  }
  await parts.offsets.saved();
  return OK;
}

/** Where the slowest group is; nowhere for queues in which `compareGroup` is behind it. */
function correctionOffsets({ offsets, store }: AdminOffsetParts, { command }: Request): Reply {
  const { compareGroup, topic, filterGroups } = readHeader(CORRECTION_OFFSET_REQUEST, command.ext);
  const except = new Set((filterGroups ?? "").split(",").filter((group) => group !== ""));
  const corrections = new Map<number, number | bigint>();
  for (const [queueId, offset] of offsets.smallestOf(topic, except, (id) => store.minOffset(topic, id))) {
    corrections.set(queueId, offset);
  }
  for (const [queueId, compared] of offsets.queryAll(compareGroup, topic)) {
    const smallest = corrections.get(queueId);
    if (smallest === undefined || smallest > compared) corrections.set(queueId, NO_CORRECTION);
  }
  return { body: encodeCorrectionOffsets(corrections) };
}
