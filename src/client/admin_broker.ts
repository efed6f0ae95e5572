/**
 * What an operator can ask of one broker, or change there; the broker is named by its address.
 *
 * Every call throws a {@link BrokerError} when the broker refuses and a `ConnectionError` when it cannot be reached.
 *
 * Source: RocketMQ `MQClientAPIImpl`, the part that `DefaultMQAdminExt` uses.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { formatProperty, parseProperties } from "../common/properties.ts";
import {
  type ClientConnection,
  type ConsumerConnection,
  decodeConsumerConnection,
  decodeDivergences,
  decodeProducerConnection,
  decodeProducerTable,
  type Divergence,
  type ProducerInfo,
} from "../protocol/bodies/connection.ts";
import {
  decodeGroupTable,
  encodeGroupConfig,
  encodeGroupConfigList,
  type GroupConfigTable,
  type SubscriptionGroupConfig,
} from "../protocol/bodies/group.ts";
import { decodeHaStatus, type HaStatus } from "../protocol/bodies/ha_status.ts";
import { decodeOffsetTable } from "../protocol/bodies/offset_table.ts";
import { encodeRequestMode, type RequestModeSetting } from "../protocol/bodies/pop.ts";
import type { TopicConfig } from "../protocol/bodies/register.ts";
import { decodeKvTable, decodeTopicList } from "../protocol/bodies/route.ts";
import {
  type ConsumeDirectlyResult,
  type ConsumerRunningInfo,
  decodeConsumeDirectlyResult,
  decodeRunningInfo,
} from "../protocol/bodies/running_info.ts";
import {
  type BrokerConsumeStats,
  type BrokerStatsData,
  type ConsumeQueueUnits,
  type ConsumeStats,
  decodeBrokerConsumeStats,
  decodeBrokerStatsData,
  decodeConsumeQueueUnits,
  decodeConsumeStats,
} from "../protocol/bodies/stats.ts";
import { decodeTimerMessagePage, type TimerMessagePage } from "../protocol/bodies/timer.ts";
import {
  decodeAllTopicConfig,
  decodeGroupList,
  decodeTopicStats,
  encodeTopicConfigList,
  type TopicConfigTable,
  type TopicStats,
} from "../protocol/bodies/topic.ts";
import { OwnRequestCode, RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import { TIMER_MESSAGES_CHANGED } from "../protocol/headers/timer.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Command } from "../remoting/command.ts";
import { type BrokerCalls, brokerError } from "./broker_calls.ts";
import { AUTO_CREATE_TOPIC } from "./names.ts";

/** Answers of a consumer pass through its broker and may take this long. */
const FORWARDED_TIMEOUT_MS = 12_000;
/** An export of all records of POP may take this long. */
const EXPORT_TIMEOUT_MS = 30_000;

/** Which messages to look for by key. */
export interface MessageQuery {
  readonly topic: string;
  readonly key: string;
  readonly maxNum: number;
  /** Milliseconds since the epoch, both inclusive. */
  readonly beginMs: number;
  readonly endMs: number;
  /** Whether `key` is a unique id instead of a key that the user gave. */
  readonly isUniqueId: boolean;
  /** 5.5: `K` looks among keys (the default), `T` among tags. */
  readonly indexType?: string;
  /** 5.5: go on behind the index entry that the broker gave with an earlier answer. */
  readonly lastKey?: string;
}

/** Where a group shall go on. */
export interface OffsetReset {
  readonly topic: string;
  readonly group: string;
  /** Milliseconds since the epoch; −1 is the end of each queue. */
  readonly timestampMs: number;
  /** Also forward, when false only backward. */
  readonly isForce: boolean;
  /** One queue alone, at this offset. */
  readonly queue?: { readonly queueId: number; readonly offset: number };
}

/** Which units of a consumequeue; with a group also its subscription to the topic. */
export interface ConsumeQueueQuery {
  readonly topic: string;
  readonly queueId: number;
  readonly index: number;
  readonly count: number;
  readonly consumerGroup?: string;
}

/** A message that waits for its time: by its place in the timer topic, or by its topic and unique id. */
export type TimerMessageChoice =
  | { readonly timerOffset: number }
  | { readonly topic: string; readonly msgId: string };

/** One broker; see the module's text. */
export class BrokerAdmin {
  /** `host:port`. */
  readonly address: string;
  readonly #calls: BrokerCalls;

  constructor(address: string, calls: BrokerCalls) {
    this.address = address;
    this.#calls = calls;
  }

  /** Makes a topic or changes it; `attributes` are changes: `+name` to value sets, `-name` removes. */
  async createTopic(topic: TopicConfig): Promise<void> {
    const attributes = Object.entries(topic.attributes).map(([name, value]) =>
      value === "" ? name : `${name}=${value}`
    );
    await this.#call(RequestCode.UPDATE_AND_CREATE_TOPIC, {
      topic: topic.topicName,
      defaultTopic: AUTO_CREATE_TOPIC,
      readQueueNums: topic.readQueueNums,
      writeQueueNums: topic.writeQueueNums,
      perm: topic.perm,
      topicFilterType: topic.topicFilterType,
      topicSysFlag: topic.topicSysFlag,
      order: topic.order,
      attributes: attributes.join(","),
    });
  }

  /** Makes topics or changes them, all with one request; with a broker of 5.3 or later. */
  async createTopics(topics: readonly TopicConfig[]): Promise<void> {
    await this.#call(RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, {}, encodeTopicConfigList(topics));
  }

  /** Topics that the broker made for itself. */
  async systemTopics(): Promise<readonly string[]> {
    return decodeTopicList((await this.#call(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER)).body).topicList;
  }

  /** Deletes a topic here; name servers forget it on their own or are told. */
  async deleteTopic(topic: string): Promise<void> {
    await this.#call(RequestCode.DELETE_TOPIC_IN_BROKER, { topic });
  }

  /** Ends of the topic's queues. */
  async topicStats(topic: string): Promise<TopicStats> {
    return decodeTopicStats((await this.#call(RequestCode.GET_TOPIC_STATS_INFO, { topic })).body);
  }

  /** All topics and their configuration. */
  async topicConfigs(): Promise<TopicConfigTable> {
    return decodeAllTopicConfig((await this.#call(RequestCode.GET_ALL_TOPIC_CONFIG)).body);
  }

  /** Groups that consume a topic, online or by their stored offsets. */
  async consumersOf(topic: string): Promise<string[]> {
    return decodeGroupList((await this.#call(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, { topic })).body);
  }

  /** Figures of the running broker; all are texts. */
  async runtimeInfo(): Promise<Map<string, string>> {
    return decodeKvTable((await this.#call(RequestCode.GET_BROKER_RUNTIME_INFO)).body);
  }

  /** Its options, name to text. */
  async config(): Promise<Map<string, string>> {
    const { body } = await this.#call(RequestCode.GET_BROKER_CONFIG);
    return new Map(parseProperties(utf8Text(body)).entries.map(({ key, value }) => [key, value]));
  }

  /** Changes one option; returns what our broker says about it (an unknown key, for instance), null for nothing. */
  async updateConfig(key: string, value: string): Promise<string | null> {
    const body = utf8(`${formatProperty(key, value)}\n`);
    return (await this.#call(RequestCode.UPDATE_BROKER_CONFIG, {}, body)).remark || null;
  }

  /** Figures by name (`TOPIC_PUT_NUMS`, …) and key; null when there are none. */
  async statsData(statsName: string, statsKey: string): Promise<BrokerStatsData | null> {
    const ext = { statsName, statsKey };
    const response = await this.#calls.invoke(this.address, { code: RequestCode.VIEW_BROKER_STATS_DATA, ext });
    return response.code === ResponseCode.SUCCESS ? decodeBrokerStatsData(response.body) : null;
  }

  /** Where a group is, in all its topics or in one. */
  async consumeStats(consumerGroup: string, topic?: string): Promise<ConsumeStats> {
    return decodeConsumeStats((await this.#call(RequestCode.GET_CONSUME_STATS, { consumerGroup, topic })).body);
  }

  /** Where all groups are. @param isOrder of ordered topics only. */
  async allConsumeStats(isOrder: boolean): Promise<BrokerConsumeStats> {
    return decodeBrokerConsumeStats((await this.#call(RequestCode.GET_BROKER_CONSUME_STATS, { isOrder })).body);
  }

  /** Members of a group that are connected here. */
  async consumerConnection(consumerGroup: string): Promise<ConsumerConnection> {
    const { body } = await this.#call(RequestCode.GET_CONSUMER_CONNECTION_LIST, { consumerGroup });
    return decodeConsumerConnection(body);
  }

  /** Producers of a group that are connected here. */
  async producerConnection(producerGroup: string): Promise<ClientConnection[]> {
    const { body } = await this.#call(RequestCode.GET_PRODUCER_CONNECTION_LIST, { producerGroup });
    return decodeProducerConnection(body);
  }

  /** All producers that are connected here, by group. */
  async producers(): Promise<Map<string, ProducerInfo[]>> {
    return decodeProducerTable((await this.#call(RequestCode.GET_ALL_PRODUCER_INFO)).body);
  }

  /** Makes a consumer group or changes it. */
  async createGroup(group: SubscriptionGroupConfig): Promise<void> {
    await this.#call(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, encodeGroupConfig(group));
  }

  /** Makes consumer groups or changes them, all with one request; with a broker of 5.3 or later. */
  async createGroups(groups: readonly SubscriptionGroupConfig[]): Promise<void> {
    await this.#call(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, {}, encodeGroupConfigList(groups));
  }

  /** Has a group consume a topic by pulling or by POP from now on. */
  async setRequestMode(setting: RequestModeSetting): Promise<void> {
    await this.#call(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, encodeRequestMode(setting));
  }

  /** Deletes a consumer group, with its offsets if wanted. */
  async deleteGroup(groupName: string, cleanOffset: boolean): Promise<void> {
    await this.#call(RequestCode.DELETE_SUBSCRIPTIONGROUP, { groupName, cleanOffset, removeOffset: cleanOffset });
  }

  /** Configuration of all consumer groups. */
  async groups(): Promise<ReadonlyMap<string, SubscriptionGroupConfig>> {
    return (await this.groupTable()).groups;
  }

  /** Configuration of all consumer groups, with the version of the table. */
  async groupTable(): Promise<GroupConfigTable> {
    return decodeGroupTable((await this.#call(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)).body);
  }

  /** Moves a group; gives back the new offsets. */
  async resetOffset(reset: OffsetReset): Promise<Map<MessageQueue, number>> {
    const { body } = await this.#call(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, {
      topic: reset.topic,
      group: reset.group,
      timestamp: reset.timestampMs,
      isForce: reset.isForce,
      queueId: reset.queue?.queueId ?? -1,
      offset: reset.queue?.offset,
    });
    return body.length === 0 ? new Map() : decodeOffsetTable(body);
  }

  /** The first offset of a queue whose message was stored at `timestampMs` or later. */
  searchOffset(topic: string, queueId: number, timestampMs: number): Promise<number> {
    return this.#calls.searchOffset(this.address, { brokerName: "", queueId, topic }, timestampMs);
  }

  /** The stored offset of a group, −1 when there is none. */
  consumerOffset(group: string, queue: MessageQueue): Promise<number> {
    return this.#calls.consumerOffset(this.address, group, queue);
  }

  /** Stores an offset of a group, which a member that is online may overwrite. */
  updateConsumerOffset(group: string, queue: MessageQueue, offset: number): Promise<void> {
    return this.#calls.updateConsumerOffset(this.address, group, queue, offset);
  }

  /** The stored record at a physical offset. */
  viewMessage(topic: string, physicalOffset: number): Promise<Uint8Array> {
    return this.#calls.viewMessage(this.address, topic, physicalOffset);
  }

  /** Stored records with a key, back to back; empty when there are none. */
  async queryMessages(query: MessageQuery): Promise<Uint8Array> {
    const { topic, key, maxNum, beginMs, endMs, isUniqueId, indexType, lastKey } = query;
    const ext = writeHeader({ topic, key, maxNum, beginTimestamp: beginMs, endTimestamp: endMs, indexType, lastKey });
    if (isUniqueId) ext["_UNIQUE_KEY_QUERY"] = "true";
    const response = await this.#calls.invoke(this.address, { code: RequestCode.QUERY_MESSAGE, ext }, 15_000);
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return new Uint8Array(0);
    if (response.code !== ResponseCode.SUCCESS) throw brokerError(response, this.address);
    return response.body;
  }

  /** What a consumer tells about itself. */
  async consumerRunningInfo(
    consumerGroup: string,
    clientId: string,
    jstackEnable: boolean,
  ): Promise<ConsumerRunningInfo> {
    const ext = { consumerGroup, clientId, jstackEnable };
    const response = await this.#call(RequestCode.GET_CONSUMER_RUNNING_INFO, ext, undefined, FORWARDED_TIMEOUT_MS);
    return decodeRunningInfo(response.body);
  }

  /** Has a consumer consume a message out of turn. @param msgId an offset message id. */
  async consumeDirectly(consumerGroup: string, clientId: string, msgId: string): Promise<ConsumeDirectlyResult> {
    const ext = { consumerGroup, clientId, msgId };
    const response = await this.#call(RequestCode.CONSUME_MESSAGE_DIRECTLY, ext, undefined, FORWARDED_TIMEOUT_MS);
    return decodeConsumeDirectlyResult(response.body);
  }

  /** Members of groups that want different things of a topic. Only our brokers know. */
  async divergentSubscriptions(): Promise<Divergence[]> {
    return decodeDivergences((await this.#call(RequestCode.GET_DIVERGENT_SUBSCRIPTIONS)).body);
  }

  /** Units of a consumequeue, `count` from number `index` on. */
  async consumeQueue(query: ConsumeQueueQuery): Promise<ConsumeQueueUnits> {
    return decodeConsumeQueueUnits((await this.#call(RequestCode.QUERY_CONSUME_QUEUE, { ...query })).body);
  }

  /** How replication stands; of a master its slaves, of a slave its master. */
  async haStatus(): Promise<HaStatus> {
    return decodeHaStatus((await this.#call(RequestCode.GET_BROKER_HA_STATUS)).body);
  }

  /** Tells a slave how far its master has flushed. */
  async resetMasterFlushOffset(masterFlushOffset: number): Promise<void> {
    await this.#call(RequestCode.RESET_MASTER_FLUSH_OFFSET, { masterFlushOffset });
  }

  /** Has a broker that keeps POP's records in RocksDB write them where it would keep them without; others have none. */
  async exportPopRecords(): Promise<void> {
    await this.#call(RequestCode.POP_ROLLBACK, {}, undefined, EXPORT_TIMEOUT_MS);
  }

  /**
   * Messages that wait for their time, in the order of delivery. Only our brokers know.
   *
   * @param topic undefined for any. @param after where the last page ended; undefined for the first.
   */
  async timerMessages(
    topic: string | undefined,
    after: TimerMessagePage["next"],
    maxNum: number,
  ): Promise<TimerMessagePage> {
    const place = { afterDueMs: after?.dueMs, afterOffset: after?.queueOffset };
    const { body } = await this.#call(OwnRequestCode.LIST_TIMER_MESSAGES, { topic, ...place, maxNum });
    return decodeTimerMessagePage(body);
  }

  /** Has messages that wait for their time not delivered; gives back how many. @throws {BrokerError} QUERY_NOT_FOUND */
  async cancelTimer(which: TimerMessageChoice): Promise<number> {
    const { ext } = await this.#call(OwnRequestCode.CANCEL_TIMER_MESSAGE, { ...which });
    return readHeader(TIMER_MESSAGES_CHANGED, ext).count;
  }

  /**
   * Has messages that wait for their time delivered at another one; gives back how many.
   *
   * @param deliverMs milliseconds since the epoch. @throws {BrokerError} QUERY_NOT_FOUND
   */
  async retimeTimer(which: TimerMessageChoice, deliverMs: number): Promise<number> {
    const { ext } = await this.#call(OwnRequestCode.RETIME_TIMER_MESSAGE, { ...which, deliverMs });
    return readHeader(TIMER_MESSAGES_CHANGED, ext).count;
  }

  /** Removes what consumequeues hold of deleted messages. */
  async cleanExpiredConsumeQueue(): Promise<void> {
    await this.#call(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE);
  }

  /** Removes consumequeues of topics that are gone. */
  async cleanUnusedTopic(): Promise<void> {
    await this.#call(RequestCode.CLEAN_UNUSED_TOPIC);
  }

  /** Deletes commitlog files that are past their time, without waiting for the hour of deletion. */
  async deleteExpiredCommitLog(): Promise<void> {
    await this.#call(RequestCode.DELETE_EXPIRED_COMMITLOG);
  }

  #call(
    code: number,
    ext: Parameters<typeof writeHeader>[0] = {},
    body?: Uint8Array,
    timeoutMs?: number,
  ): Promise<Command> {
    const request = { code, ext: writeHeader(ext), ...(body === undefined ? {} : { body }) };
    return this.#calls.call(this.address, request, timeoutMs);
  }
}
