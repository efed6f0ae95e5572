/**
 * Bodies about a broker's topics: the whole table (21, and `config/topics.json`), a list to be made (18), statistics of the
 * queues (202), the groups that consume (300).
 *
 * Source: RocketMQ `TopicConfigSerializeWrapper`, `TopicConfigAndMappingSerializeWrapper`, `CreateTopicListRequestBody`,
 * `TopicStatsTable`, `GroupList`.
 *
 * @module
 */
import { utf8, utf8Text } from "../../common/bytes.ts";
import { type JsonValue, parseJsonObject, stringifyJson } from "../json.ts";
import {
  asObject,
  doubleMember,
  intMember,
  isObject,
  listMember,
  objectMember,
  readBody,
  textsMember,
} from "../json_members.ts";
import { bodyPieces, jsonPieces } from "../json_pieces.ts";
import { type MessageQueue, readQueueMap } from "../message_queue.ts";
import {
  type DataVersion,
  dataVersionJson,
  readDataVersion,
  readTopicConfig,
  readTopicTable,
  type TopicConfig,
  topicConfigJson,
  topicEntriesJson,
  ZERO_DATA_VERSION,
} from "./register.ts";

/** A table of topics with its version. */
export interface TopicConfigTable {
  readonly dataVersion: DataVersion;
  readonly topics: ReadonlyMap<string, TopicConfig>;
}

/** The JSON of a table as it is stored. */
export function topicTableJson(table: TopicConfigTable): Record<string, unknown> {
  return {
    dataVersion: dataVersionJson(table.dataVersion),
    topicConfigTable: Object.fromEntries([...table.topics].map(([name, topic]) => [name, topicConfigJson(topic)])),
  };
}

/** The file's text in pieces, one for each topic: the table as it is when this is called. */
export function topicTableText(table: TopicConfigTable): Generator<string, void, void> {
  const head = { dataVersion: dataVersionJson(table.dataVersion) };
  return jsonPieces(head, { topicConfigTable: topicEntriesJson(table.topics) });
}

/** Reads a table from a body or a file. @throws {JsonError} */
export function parseTopicTable(text: string): TopicConfigTable {
  const object = parseJsonObject(text);
  return {
    dataVersion: readDataVersion(objectMember(object, "dataVersion")),
    topics: readTopicTable(objectMember(object, "topicConfigTable")),
  };
}

/**
 * The answer to GET_ALL_TOPIC_CONFIG in pieces, one for each topic: the table as it is when this is called. The members about
 * static topics are empty.
 */
export function allTopicConfigText(table: TopicConfigTable): Generator<string, void, void> {
  return bodyPieces(
    { dataVersion: dataVersionJson(table.dataVersion) },
    { topicConfigTable: topicEntriesJson(table.topics) },
    {
      mappingDataVersion: dataVersionJson(ZERO_DATA_VERSION),
      topicQueueMappingDetailMap: {},
      topicQueueMappingInfoMap: {},
    },
  );
}

/** Reads the answer to GET_ALL_TOPIC_CONFIG. @throws {JsonError} */
export function decodeAllTopicConfig(body: Uint8Array): TopicConfigTable {
  return parseTopicTable(utf8Text(body));
}

/** Writes one topic, the answer to GET_TOPIC_CONFIG. */
export function encodeTopicConfig(topic: TopicConfig): Uint8Array {
  return utf8(stringifyJson(topicConfigJson(topic)));
}

/** Reads one topic. @throws {JsonError} */
export function decodeTopicConfig(body: Uint8Array): TopicConfig {
  return readTopicConfig(readBody(body));
}

/** Writes the body of UPDATE_AND_CREATE_TOPIC_LIST. */
export function encodeTopicConfigList(topics: readonly TopicConfig[]): Uint8Array {
  return utf8(stringifyJson({ topicConfigList: topics.map(topicConfigJson) }));
}

/** Reads the body of UPDATE_AND_CREATE_TOPIC_LIST. @throws {JsonError} */
export function decodeTopicConfigList(body: Uint8Array): TopicConfig[] {
  return listMember(readBody(body), "topicConfigList").filter(isObject).map(readTopicConfig);
}

/** Ends of a queue, and when its last message was stored (milliseconds since the epoch, 0 when it is empty). */
export interface TopicOffset {
  readonly lastUpdateTimestamp: number;
  readonly maxOffset: number;
  readonly minOffset: number;
}

/** The answer to GET_TOPIC_STATS_INFO; messages stored in a second, in the last minute on average. */
export interface TopicStats {
  readonly offsetTable: ReadonlyMap<MessageQueue, TopicOffset>;
  readonly topicPutTps: number;
}

/** Writes the statistics of a topic. */
export function encodeTopicStats(stats: TopicStats): Uint8Array {
  return utf8(stringifyJson(stats));
}

/** Reads the statistics of a topic. @throws {JsonError} */
export function decodeTopicStats(body: Uint8Array): TopicStats {
  const object = readBody(body);
  const read = (value: JsonValue): TopicOffset => {
    const offset = asObject(value);
    return {
      lastUpdateTimestamp: intMember(offset, "lastUpdateTimestamp"),
      maxOffset: intMember(offset, "maxOffset"),
      minOffset: intMember(offset, "minOffset"),
    };
  };
  return {
    offsetTable: readQueueMap(object, "offsetTable", read),
    topicPutTps: doubleMember(object, "topicPutTps"),
  };
}

/** Writes a list of groups. */
export function encodeGroupList(groupList: readonly string[]): Uint8Array {
  return utf8(stringifyJson({ groupList }));
}

/** Reads a list of groups. @throws {JsonError} */
export function decodeGroupList(body: Uint8Array): string[] {
  return textsMember(readBody(body), "groupList");
}
