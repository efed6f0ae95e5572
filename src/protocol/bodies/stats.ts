/**
 * Bodies with figures: where a group is in its queues (208, 317), time spans of queues (303), corrected offsets (308), counts
 * by minute, hour and day (315), units of a consumequeue (321), all offsets of all groups (43, and
 * `config/consumerOffset.json`).
 *
 * Source: RocketMQ `ConsumeStats`, `OffsetWrapper`, `ConsumeStatsList`, `QueueTimeSpan`, `QueryCorrectionOffsetBody`,
 * `BrokerStatsData`, `QueryConsumeQueueResponseBody`, `ConsumerOffsetSerializeWrapper`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import {
  asObject,
  boolMember,
  doubleMember,
  intMember,
  intOf,
  isObject,
  listMember,
  objectMember,
  optionalTextMember,
  readBody,
  textMember,
} from "../json_members.ts";
import { type MessageQueue, readMessageQueue, readQueueMap } from "../message_queue.ts";
import { readSubscriptionData, type SubscriptionData } from "./heartbeat.ts";

/** Where a group is in a queue. */
export interface OffsetWrapper {
  readonly brokerOffset: number;
  readonly consumerOffset: number;
  /** When the last consumed message was stored, milliseconds since the epoch; 0 unknown. */
  readonly lastTimestamp: number;
  /** 5.x: how far the group has pulled. */
  readonly pullOffset: number;
}

/** Where a group is in its queues, and how many messages it gets in a second. */
export interface ConsumeStats {
  readonly consumeTps: number;
  readonly offsetTable: ReadonlyMap<MessageQueue, OffsetWrapper>;
}

/** Messages that the group has not consumed yet. */
export function totalDiffOf(stats: ConsumeStats): number {
  let diff = 0;
  for (const offsets of stats.offsetTable.values()) diff += offsets.brokerOffset - offsets.consumerOffset;
  return diff;
}

/** Messages that were handed out and are not consumed yet. */
export function inflightDiffOf(stats: ConsumeStats): number {
  let diff = 0;
  for (const offsets of stats.offsetTable.values()) diff += offsets.pullOffset - offsets.consumerOffset;
  return diff;
}

/** Writes the answer to GET_CONSUME_STATS. */
export function encodeConsumeStats(stats: ConsumeStats): Uint8Array {
  return utf8(stringifyJson(stats));
}

/** Reads the answer to GET_CONSUME_STATS. @throws {JsonError} */
export function decodeConsumeStats(body: Uint8Array): ConsumeStats {
  return readConsumeStats(readBody(body));
}

function readConsumeStats(object: JsonObject): ConsumeStats {
  return {
    consumeTps: doubleMember(object, "consumeTps"),
    offsetTable: readQueueMap(object, "offsetTable", readOffsetWrapper),
  };
}

function readOffsetWrapper(value: JsonValue): OffsetWrapper {
  const object = asObject(value);
  return {
    brokerOffset: intMember(object, "brokerOffset"),
    consumerOffset: intMember(object, "consumerOffset"),
    lastTimestamp: intMember(object, "lastTimestamp"),
    pullOffset: intMember(object, "pullOffset"),
  };
}

/** Where all groups of a broker are: group to its topics' figures. */
export interface BrokerConsumeStats {
  readonly brokerAddr: string;
  readonly consumeStatsList: readonly ReadonlyMap<string, readonly ConsumeStats[]>[];
  readonly totalDiff: number;
  readonly totalInflightDiff: number;
}

/** Writes the answer to GET_BROKER_CONSUME_STATS. */
export function encodeBrokerConsumeStats(stats: BrokerConsumeStats): Uint8Array {
  return utf8(stringifyJson(stats));
}

/** Reads the answer to GET_BROKER_CONSUME_STATS. @throws {JsonError} */
export function decodeBrokerConsumeStats(body: Uint8Array): BrokerConsumeStats {
  const object = readBody(body);
  return {
    brokerAddr: textMember(object, "brokerAddr"),
    consumeStatsList: listMember(object, "consumeStatsList").filter(isObject).map((groups) =>
      new Map(
        Object.entries(groups).map(([group, list]) => [
          group,
          (Array.isArray(list) ? list.filter(isObject) : []).map(readConsumeStats),
        ]),
      )
    ),
    totalDiff: intMember(object, "totalDiff"),
    totalInflightDiff: intMember(object, "totalInflightDiff"),
  };
}

/** Times of a queue, milliseconds since the epoch: of its first and last message and of the group's place. */
export interface QueueTimeSpan {
  readonly messageQueue: MessageQueue;
  readonly minTimeStamp: number;
  readonly maxTimeStamp: number;
  readonly consumeTimeStamp: number;
  /** Age of the oldest message that is not consumed yet, milliseconds. */
  readonly delayTime: number;
}

/** Writes the answer to QUERY_CONSUME_TIME_SPAN. @param timeText writes a time as RocketMQ's tools show it. */
export function encodeTimeSpans(spans: readonly QueueTimeSpan[], timeText: (timeMs: number) => string): Uint8Array {
  return utf8(stringifyJson({
    consumeTimeSpanSet: spans.map((span) => ({
      consumeTimeStamp: span.consumeTimeStamp,
      consumeTimeStampStr: timeText(span.consumeTimeStamp),
      delayTime: span.delayTime,
      maxTimeStamp: span.maxTimeStamp,
      maxTimeStampStr: timeText(span.maxTimeStamp),
      messageQueue: span.messageQueue,
      minTimeStamp: span.minTimeStamp,
      minTimeStampStr: timeText(span.minTimeStamp),
    })),
  }));
}

/** Reads the answer to QUERY_CONSUME_TIME_SPAN. @throws {JsonError} */
export function decodeTimeSpans(body: Uint8Array): QueueTimeSpan[] {
  return listMember(readBody(body), "consumeTimeSpanSet").filter(isObject).map((span) => ({
    messageQueue: readMessageQueue(objectMember(span, "messageQueue")),
    minTimeStamp: intMember(span, "minTimeStamp"),
    maxTimeStamp: intMember(span, "maxTimeStamp"),
    consumeTimeStamp: intMember(span, "consumeTimeStamp"),
    delayTime: intMember(span, "delayTime"),
  }));
}

/** Writes the answer to QUERY_CORRECTION_OFFSET: queue id to offset. */
export function encodeCorrectionOffsets(correctionOffsets: ReadonlyMap<number, number | bigint>): Uint8Array {
  return utf8(stringifyJson({ correctionOffsets }));
}

/** Count in a span of time: how many in all, in a second, and for each call. */
export interface StatsItem {
  readonly avgpt: number;
  readonly sum: number;
  readonly tps: number;
}

/** A count by minute, hour and day. */
export interface BrokerStatsData {
  readonly statsDay: StatsItem;
  readonly statsHour: StatsItem;
  readonly statsMinute: StatsItem;
}

/** Writes the answer to VIEW_BROKER_STATS_DATA. */
export function encodeBrokerStatsData(stats: BrokerStatsData): Uint8Array {
  return utf8(stringifyJson(stats));
}

/** Reads the answer to VIEW_BROKER_STATS_DATA. @throws {JsonError} */
export function decodeBrokerStatsData(body: Uint8Array): BrokerStatsData {
  const object = readBody(body);
  const item = (name: string): StatsItem => {
    const member = objectMember(object, name);
    return { avgpt: doubleMember(member, "avgpt"), sum: intMember(member, "sum"), tps: doubleMember(member, "tps") };
  };
  return { statsDay: item("statsDay"), statsHour: item("statsHour"), statsMinute: item("statsMinute") };
}

/** One unit of a consumequeue. */
export interface ConsumeQueueData {
  readonly physicOffset: number;
  readonly physicSize: number;
  readonly tagsCode: number | bigint;
  /** The rest is of Java's brokers alone: what their filters know of the unit, and whether its message passes. */
  readonly extendDataJson?: string | null;
  readonly bitMap?: string | null;
  readonly eval?: boolean;
  readonly msg?: string | null;
}

/** The answer to QUERY_CONSUME_QUEUE. */
export interface ConsumeQueueUnits {
  readonly maxQueueIndex: number;
  readonly minQueueIndex: number;
  readonly queueData: readonly ConsumeQueueData[];
  readonly subscriptionData: SubscriptionData | null;
  /** What is known of the group's filter, or that it is not online. */
  readonly filterData: string | null;
}

/** Writes the answer to QUERY_CONSUME_QUEUE. */
export function encodeConsumeQueueUnits(units: ConsumeQueueUnits): Uint8Array {
  return utf8(stringifyJson({
    filterData: units.filterData,
    maxQueueIndex: units.maxQueueIndex,
    minQueueIndex: units.minQueueIndex,
    queueData: units.queueData.map((unit) => ({ eval: false, ...unit })),
    subscriptionData: units.subscriptionData,
  }));
}

/** Reads the answer to QUERY_CONSUME_QUEUE. @throws {JsonError} */
export function decodeConsumeQueueUnits(body: Uint8Array): ConsumeQueueUnits {
  const object = readBody(body);
  const subscription = object["subscriptionData"];
  return {
    maxQueueIndex: intMember(object, "maxQueueIndex"),
    minQueueIndex: intMember(object, "minQueueIndex"),
    queueData: listMember(object, "queueData").filter(isObject).map((unit) => ({
      physicOffset: intMember(unit, "physicOffset"),
      physicSize: intMember(unit, "physicSize"),
      tagsCode: typeof unit["tagsCode"] === "bigint" ? unit["tagsCode"] : intMember(unit, "tagsCode"),
      extendDataJson: optionalTextMember(unit, "extendDataJson"),
      bitMap: optionalTextMember(unit, "bitMap"),
      eval: boolMember(unit, "eval"),
      msg: optionalTextMember(unit, "msg"),
    })),
    subscriptionData: isObject(subscription) ? readSubscriptionData(subscription) : null,
    filterData: optionalTextMember(object, "filterData"),
  };
}

/** Writes offsets by number: delay level to offset (45), queue id to offset. */
export function offsetsJson(offsets: ReadonlyMap<number, number>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [number, offset] of offsets) out[number] = offset;
  return out;
}

/** Reads offsets by number. What is no number is left out. */
export function readOffsets(value: JsonValue | undefined): Map<number, number> {
  const out = new Map<number, number>();
  if (!isObject(value)) return out;
  for (const [number, offset] of Object.entries(value)) {
    if (/^\d{1,10}$/.test(number)) out.set(Number(number), intOf(offset));
  }
  return out;
}
