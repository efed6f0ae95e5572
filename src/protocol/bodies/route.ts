/**
 * What a name server tells: the route of a topic, the brokers of its clusters, topic lists, key-value tables and the
 * members of a broker group. Values and their JSON, in both directions; members are written in the alphabetical order that
 * Java uses.
 *
 * `brokerAddrs` is a JSON object with integer keys. Java writes them bare (`{0:"a"}`) to clients before 4.9.4 and quoted
 * to the others; both are read here, and {@linkcode KeyStyle} chooses what is written.
 *
 * Source: RocketMQ `TopicRouteData`, `BrokerData`, `QueueData`, `ClusterInfo`, `TopicList`, `KVTable`,
 * `BrokerMemberGroup`, `TopicQueueMappingInfo`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import {
  asObject,
  boolMember,
  intMember,
  intOf,
  isObject,
  listMember,
  objectMember,
  optionalTextMember,
  readBody,
  textMember,
  textsMember,
  textTableMember,
} from "../json_members.ts";

/** The id of a broker group's master; slaves have larger ones. */
export const MASTER_ID = 0;

/** How integer keys of an object are written: `{"0":…}`, or `{0:…}` for clients before 4.9.4. */
export type KeyStyle = "quoted" | "bare";

/** Queues of one topic on one broker group. */
export interface QueueData {
  readonly brokerName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits of `Perm`. */
  readonly perm: number;
  /** Bit 0: unit; bit 1: has a unit subscription. */
  readonly topicSysFlag: number;
}

/** A broker group: a master and its slaves. */
export interface BrokerData {
  readonly cluster: string;
  readonly brokerName: string;
  /** Broker id to `host:port`. */
  readonly brokerAddrs: ReadonlyMap<number, string>;
  /** Whether the slave with the smallest id stands in for a missing master. */
  readonly enableActingMaster: boolean;
  /** Zone that the broker registered with, where it named one. */
  readonly zoneName?: string | undefined;
}

/** Which queues of a static (logical) topic lie on one broker. */
export interface TopicQueueMappingInfo {
  readonly topic: string;
  readonly scope: string;
  readonly totalQueues: number;
  /** Name of the broker. */
  readonly bname: string;
  readonly epoch: number;
  readonly dirty: boolean;
  /** Logical queue id to physical queue id. */
  readonly currIdMap: ReadonlyMap<number, number>;
}

/** Where the queues of a topic are. */
export interface TopicRouteData {
  readonly queueDatas: readonly QueueData[];
  readonly brokerDatas: readonly BrokerData[];
  /** Broker address to filter servers; nothing current uses them. */
  readonly filterServerTable: ReadonlyMap<string, readonly string[]>;
  /** Ordered topics: `broker:queues;broker2:queues`. */
  readonly orderTopicConf?: string | undefined;
  /** Static topics: broker name to mapping. */
  readonly topicQueueMappingByBroker?: ReadonlyMap<string, TopicQueueMappingInfo> | undefined;
}

/** All clusters of a name server. */
export interface ClusterInfo {
  /** Broker name to group. */
  readonly brokerAddrTable: ReadonlyMap<string, BrokerData>;
  /** Cluster name to broker names. */
  readonly clusterAddrTable: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Names of topics. */
export interface TopicList {
  readonly topicList: readonly string[];
  /** Some broker's address, in the list of system topics only. */
  readonly brokerAddr?: string | undefined;
}

/** The brokers that carry one broker name. */
export interface BrokerMemberGroup {
  readonly cluster: string;
  readonly brokerName: string;
  /** Broker id to `host:port`. */
  readonly brokerAddrs: ReadonlyMap<number, string>;
}

/** Writes a route. */
export function encodeTopicRoute(route: TopicRouteData, keys: KeyStyle = "quoted"): Uint8Array {
  const members = [
    `"brokerDatas":[${route.brokerDatas.map((broker) => brokerJson(broker, keys)).join(",")}]`,
    `"filterServerTable":${stringifyJson(route.filterServerTable)}`,
  ];
  if (route.orderTopicConf !== undefined) members.push(`"orderTopicConf":${JSON.stringify(route.orderTopicConf)}`);
  members.push(`"queueDatas":${stringifyJson(route.queueDatas.map(queueDataJson))}`);
  const mapping = route.topicQueueMappingByBroker;
  if (mapping !== undefined && mapping.size > 0) {
    const parts = [...mapping].map(([name, info]) => `${JSON.stringify(name)}:${mappingInfoJson(info, keys)}`);
    members.push(`"topicQueueMappingByBroker":{${parts.join(",")}}`);
  }
  return utf8(`{${members.join(",")}}`);
}

/** Reads a route, in either key style. @throws {JsonError} when it is none. */
export function decodeTopicRoute(body: Uint8Array): TopicRouteData {
  const json = readBody(body);
  const mapping = json["topicQueueMappingByBroker"];
  return {
    queueDatas: listMember(json, "queueDatas").map(readQueueData),
    brokerDatas: listMember(json, "brokerDatas").map(readBrokerData),
    filterServerTable: textListsMember(json, "filterServerTable"),
    orderTopicConf: optionalTextMember(json, "orderTopicConf") ?? undefined,
    topicQueueMappingByBroker: isObject(mapping) ? readMappingInfos(mapping) : undefined,
  };
}

/** Writes the clusters. */
export function encodeClusterInfo(info: ClusterInfo): Uint8Array {
  const brokers = [...info.brokerAddrTable].map(([name, broker]) =>
    `${JSON.stringify(name)}:${brokerJson(broker, "quoted")}`
  );
  return utf8(`{"brokerAddrTable":{${brokers.join(",")}},"clusterAddrTable":${stringifyJson(info.clusterAddrTable)}}`);
}

/** Reads the clusters. @throws {JsonError} */
export function decodeClusterInfo(body: Uint8Array): ClusterInfo {
  const json = readBody(body);
  const brokers = Object.entries(objectMember(json, "brokerAddrTable"));
  const clusters = textListsMember(json, "clusterAddrTable");
  return {
    brokerAddrTable: new Map(brokers.map(([name, broker]) => [name, readBrokerData(broker)])),
    clusterAddrTable: new Map([...clusters].map(([name, brokerNames]) => [name, new Set(brokerNames)])),
  };
}

/** Writes a list of topics. */
export function encodeTopicList(list: TopicList): Uint8Array {
  return utf8(stringifyJson({ brokerAddr: list.brokerAddr, topicList: list.topicList }));
}

/** Reads a list of topics. @throws {JsonError} */
export function decodeTopicList(body: Uint8Array): TopicList {
  const json = readBody(body);
  return {
    topicList: textsMember(json, "topicList"),
    brokerAddr: optionalTextMember(json, "brokerAddr") ?? undefined,
  };
}

/** Writes a key-value table. */
export function encodeKvTable(table: ReadonlyMap<string, string>): Uint8Array {
  return utf8(stringifyJson({ table }));
}

/** Reads a key-value table; empty for an empty body. @throws {JsonError} */
export function decodeKvTable(body: Uint8Array): Map<string, string> {
  if (body.length === 0) return new Map();
  return new Map(Object.entries(textTableMember(readBody(body), "table")));
}

/** Writes the members of a broker group. */
export function encodeMemberGroup(group: BrokerMemberGroup): Uint8Array {
  const brokerAddrs = sortedById(group.brokerAddrs);
  return utf8(
    stringifyJson({ brokerMemberGroup: { brokerAddrs, brokerName: group.brokerName, cluster: group.cluster } }),
  );
}

/** Reads the members of a broker group. @throws {JsonError} */
export function decodeMemberGroup(body: Uint8Array): BrokerMemberGroup {
  const group = objectMember(readBody(body), "brokerMemberGroup");
  return {
    cluster: textMember(group, "cluster"),
    brokerName: textMember(group, "brokerName"),
    brokerAddrs: addrsMember(group, "brokerAddrs"),
  };
}

/** Reads the mappings of static topics by name (of topic or broker). @throws {JsonError} */
export function readMappingInfos(json: JsonObject): Map<string, TopicQueueMappingInfo> {
  return new Map(Object.entries(json).map(([name, info]) => [name, readMappingInfo(info)]));
}

/** Reads a static topic's mapping. @throws {JsonError} */
export function readMappingInfo(value: JsonValue | undefined): TopicQueueMappingInfo {
  const json = asObject(value);
  const ids = Object.entries(objectMember(json, "currIdMap"));
  return {
    topic: textMember(json, "topic"),
    scope: textMember(json, "scope", "__global__"),
    totalQueues: intMember(json, "totalQueues"),
    bname: textMember(json, "bname"),
    epoch: intMember(json, "epoch"),
    dirty: boolMember(json, "dirty"),
    currIdMap: new Map(ids.map(([logicId, physicalId]) => [Number(logicId), intOf(physicalId)])),
  };
}

/** A static topic's mapping as JSON text. */
export function mappingInfoJson(info: TopicQueueMappingInfo, keys: KeyStyle = "quoted"): string {
  const { bname, dirty, epoch, scope, topic, totalQueues } = info;
  const rest = stringifyJson({ dirty, epoch, scope, topic, totalQueues });
  return `{"bname":${JSON.stringify(bname)},"currIdMap":${idMapJson(info.currIdMap, keys)},${rest.slice(1)}`;
}

function brokerJson(broker: BrokerData, keys: KeyStyle): string {
  const { brokerName, cluster, enableActingMaster, zoneName } = broker;
  const rest = stringifyJson({ brokerName, cluster, enableActingMaster, zoneName });
  return `{"brokerAddrs":${idMapJson(broker.brokerAddrs, keys)},${rest.slice(1)}`;
}

function idMapJson(map: ReadonlyMap<number, string | number>, keys: KeyStyle): string {
  const quote = keys === "quoted" ? '"' : "";
  return `{${[...sortedById(map)].map(([id, value]) => `${quote}${id}${quote}:${JSON.stringify(value)}`).join(",")}}`;
}

function sortedById<V>(map: ReadonlyMap<number, V>): Map<number, V> {
  return new Map([...map].sort(([a], [b]) => a - b));
}

function queueDataJson(queue: QueueData): QueueData {
  const { brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums } = queue;
  return { brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums };
}

function readQueueData(value: JsonValue): QueueData {
  const json = asObject(value);
  return {
    brokerName: textMember(json, "brokerName"),
    readQueueNums: intMember(json, "readQueueNums"),
    writeQueueNums: intMember(json, "writeQueueNums"),
    perm: intMember(json, "perm"),
    topicSysFlag: intMember(json, "topicSysFlag", intMember(json, "topicSynFlag")), // 4.4 spells it so
  };
}

function readBrokerData(value: JsonValue | undefined): BrokerData {
  const json = asObject(value);
  return {
    cluster: textMember(json, "cluster"),
    brokerName: textMember(json, "brokerName"),
    brokerAddrs: addrsMember(json, "brokerAddrs"),
    enableActingMaster: boolMember(json, "enableActingMaster"),
    zoneName: optionalTextMember(json, "zoneName") ?? undefined,
  };
}

function addrsMember(json: JsonObject, name: string): Map<number, string> {
  return new Map(Object.entries(textTableMember(json, name)).map(([id, addr]) => [Number(id), addr]));
}

function textListsMember(json: JsonObject, name: string): Map<string, string[]> {
  const lists = objectMember(json, name);
  return new Map(Object.keys(lists).map((key) => [key, textsMember(lists, key)]));
}
