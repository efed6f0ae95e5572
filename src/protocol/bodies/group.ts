/**
 * Bodies about a broker's consumer groups: one group (200, 352), a list (225), the whole table (201, and
 * `config/subscriptionGroup.json`), what a group is forbidden to read (353), its members (38).
 *
 * Source: RocketMQ `SubscriptionGroupConfig`, `SubscriptionGroupWrapper`, `SubscriptionGroupList`, `GroupForbidden`,
 * `GetConsumerListByGroupResponseBody`.
 *
 * @module
 */
import { utf8, utf8Text } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, parseJsonObject, stringifyJson } from "../json.ts";
import {
  asObject,
  boolMember,
  intMember,
  intOf,
  isObject,
  listMember,
  objectMember,
  readBody,
  textMember,
  textsMember,
  textTableMember,
} from "../json_members.ts";
import { bodyPieces, jsonPieces } from "../json_pieces.ts";
import { type DataVersion, dataVersionJson, readDataVersion } from "./register.ts";

/** How a consumer group is configured on one broker. Members are in the order in which Java writes them. */
export interface SubscriptionGroupConfig {
  /** 5.x; none is defined yet. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Broker id that members read from. */
  readonly brokerId: number;
  readonly consumeBroadcastEnable: boolean;
  readonly consumeEnable: boolean;
  readonly consumeFromMinEnable: boolean;
  readonly consumeMessageOrderly: boolean;
  /** Minutes. */
  readonly consumeTimeoutMinute: number;
  readonly groupName: string;
  /** 5.x retry policy, kept as it came. */
  readonly groupRetryPolicy: JsonObject;
  readonly groupSysFlag: number;
  readonly notifyConsumerIdsChangedEnable: boolean;
  /** How often a message is brought again before it becomes a dead letter; −1: for ever. */
  readonly retryMaxTimes: number;
  readonly retryQueueNums: number;
  /** 5.x static subscriptions, kept as they came; absent for most groups. */
  readonly subscriptionDataSet?: JsonValue;
  /** Broker id that members are sent to when they are far behind. */
  readonly whichBrokerWhenConsumeSlowly: number;
}

/** A table of groups with its version. */
export interface GroupConfigTable {
  readonly dataVersion: DataVersion;
  readonly groups: ReadonlyMap<string, SubscriptionGroupConfig>;
  /** Group to topic to bits of what is forbidden; bit {@linkcode FORBIDDEN_READ} is reading. */
  readonly forbidden: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Number of the bit that forbids reading. Source: RocketMQ `PermName#INDEX_PERM_READ`. */
export const FORBIDDEN_READ = 2;

/** A group with RocketMQ's defaults. */
export function defaultGroup(groupName: string): SubscriptionGroupConfig {
  return readGroupConfig({ groupName });
}

/** Reads a group; what is missing has Java's default. @throws {JsonError} */
export function readGroupConfig(value: JsonValue | undefined): SubscriptionGroupConfig {
  const object = asObject(value);
  const policy = objectMember(object, "groupRetryPolicy");
  const subscriptions = object["subscriptionDataSet"];
  return {
    attributes: textTableMember(object, "attributes"),
    brokerId: intMember(object, "brokerId", 0),
    consumeBroadcastEnable: boolMember(object, "consumeBroadcastEnable", true),
    consumeEnable: boolMember(object, "consumeEnable", true),
    consumeFromMinEnable: boolMember(object, "consumeFromMinEnable", true),
    consumeMessageOrderly: boolMember(object, "consumeMessageOrderly"),
    consumeTimeoutMinute: intMember(object, "consumeTimeoutMinute", 15),
    groupName: textMember(object, "groupName"),
    groupRetryPolicy: Object.keys(policy).length === 0 ? { type: "CUSTOMIZED" } : policy,
    groupSysFlag: intMember(object, "groupSysFlag"),
    notifyConsumerIdsChangedEnable: boolMember(object, "notifyConsumerIdsChangedEnable", true),
    retryMaxTimes: intMember(object, "retryMaxTimes", 16),
    retryQueueNums: intMember(object, "retryQueueNums", 1),
    ...(subscriptions === undefined || subscriptions === null ? {} : { subscriptionDataSet: subscriptions }),
    whichBrokerWhenConsumeSlowly: intMember(object, "whichBrokerWhenConsumeSlowly", 1),
  };
}

/** Writes one group. */
export function encodeGroupConfig(group: SubscriptionGroupConfig): Uint8Array {
  return utf8(stringifyJson(group));
}

/** Reads one group. @throws {JsonError} */
export function decodeGroupConfig(body: Uint8Array): SubscriptionGroupConfig {
  return readGroupConfig(readBody(body));
}

/** Writes the body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. */
export function encodeGroupConfigList(groupConfigList: readonly SubscriptionGroupConfig[]): Uint8Array {
  return utf8(stringifyJson({ groupConfigList }));
}

/** Reads the body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. @throws {JsonError} */
export function decodeGroupConfigList(body: Uint8Array): SubscriptionGroupConfig[] {
  return listMember(readBody(body), "groupConfigList").map(readGroupConfig);
}

/** The JSON of a table, on the wire and as it is stored. */
export function groupTableJson(table: GroupConfigTable): Record<string, unknown> {
  return { ...headJson(table), subscriptionGroupTable: Object.fromEntries(table.groups) };
}

/** The members before the groups. */
function headJson({ dataVersion, forbidden }: GroupConfigTable): Record<string, unknown> {
  const tables = [...forbidden].map(([group, topics]) => [group, Object.fromEntries(topics)] as const);
  return { dataVersion: dataVersionJson(dataVersion), forbiddenTable: Object.fromEntries(tables) };
}

/** The file's text in pieces, one for each group: the table as it is when this is called. */
export function groupTableText(table: GroupConfigTable): Generator<string, void, void> {
  return jsonPieces(headJson(table), { subscriptionGroupTable: [...table.groups] });
}

/** Reads a table from a body or a file. @throws {JsonError} */
export function parseGroupTable(text: string): GroupConfigTable {
  const object = parseJsonObject(text);
  const groups = new Map<string, SubscriptionGroupConfig>();
  for (const [name, value] of Object.entries(objectMember(object, "subscriptionGroupTable"))) {
    groups.set(name, { ...readGroupConfig(value), groupName: name });
  }
  const forbidden = new Map<string, ReadonlyMap<string, number>>();
  for (const [group, topics] of Object.entries(objectMember(object, "forbiddenTable"))) {
    if (!isObject(topics)) continue;
    forbidden.set(group, new Map(Object.entries(topics).map(([topic, bits]) => [topic, intOf(bits)])));
  }
  return { dataVersion: readDataVersion(objectMember(object, "dataVersion")), groups, forbidden };
}

/** The answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG in pieces, one for each group: the table as it is when this is called. */
export function allGroupsText(table: GroupConfigTable): Generator<string, void, void> {
  return bodyPieces(headJson(table), { subscriptionGroupTable: [...table.groups] });
}

/** Reads the answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG. @throws {JsonError} */
export function decodeGroupTable(body: Uint8Array): GroupConfigTable {
  return parseGroupTable(utf8Text(body));
}

/** Whether a group may read a topic. */
export interface GroupForbidden {
  readonly group: string;
  readonly readable: boolean;
  readonly topic: string;
}

/** Writes the answer to UPDATE_AND_GET_GROUP_FORBIDDEN. */
export function encodeGroupForbidden({ group, readable, topic }: GroupForbidden): Uint8Array {
  return utf8(stringifyJson({ group, readable, topic }));
}

/** Writes the ids of a group's members. */
export function encodeConsumerIds(consumerIdList: readonly string[]): Uint8Array {
  return utf8(stringifyJson({ consumerIdList }));
}

/** Reads the ids of a group's members. @throws {JsonError} */
export function decodeConsumerIds(body: Uint8Array): string[] {
  return textsMember(readBody(body), "consumerIdList");
}
