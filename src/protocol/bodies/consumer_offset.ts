/**
 * All offsets of all groups: the answer to GET_ALL_CONSUMER_OFFSET (43), and `config/consumerOffset.json`.
 *
 * ```text
 * {"dataVersion":{…},"groupTopicMap":{"G":["T"]},"offsetTable":{"T@G":{0:5}},"pullOffsetTable":{"T@G":{0:7}}}
 * ```
 *
 * 4.x has only `offsetTable`; the others are 5.x's. Source: RocketMQ `ConsumerOffsetManager`,
 * `ConsumerOffsetSerializeWrapper`.
 *
 * @module
 */
import { utf8Text } from "../../common/bytes.ts";
import { type JsonObject, parseJsonObject } from "../json.ts";
import { isObject, objectMember } from "../json_members.ts";
import { bodyPieces, jsonPieces } from "../json_pieces.ts";
import { type DataVersion, dataVersionJson, readDataVersion } from "./register.ts";
import { offsetsJson, readOffsets } from "./stats.ts";

/** Offsets by `topic@group`, then queue id. */
export type OffsetsByGroup = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The whole table. */
export interface ConsumerOffsetTable {
  /** Null when the writer was 4.x. */
  readonly dataVersion: DataVersion | null;
  readonly offsets: OffsetsByGroup;
  /** How far messages were handed out. */
  readonly pulled: OffsetsByGroup;
  /** Follows from `offsets`; written for 5.x tools, not read. */
  readonly topicsByGroup: ReadonlyMap<string, readonly string[]>;
}

/** The JSON of the table, members in Java's order. */
export function offsetTableJson(table: ConsumerOffsetTable): Record<string, unknown> {
  return {
    ...(table.dataVersion === null ? {} : { dataVersion: dataVersionJson(table.dataVersion) }),
    groupTopicMap: Object.fromEntries(table.topicsByGroup),
    offsetTable: byGroupJson(table.offsets),
    pullOffsetTable: byGroupJson(table.pulled),
  };
}

/**
 * The file's text in pieces, one for each topic and group: see {@linkcode jsonPieces}. An offset may change between two pieces,
 * where the table lets it.
 */
export function offsetTableText(table: ConsumerOffsetTable): Generator<string, void, void> {
  const { offsetTable: _offsets, pullOffsetTable: _pulled, ...head } = offsetTableJson({
    ...table,
    offsets: NONE,
    pulled: NONE,
  });
  return jsonPieces(head, { offsetTable: entriesJson(table.offsets), pullOffsetTable: entriesJson(table.pulled) });
}

const NONE: OffsetsByGroup = new Map();

/** Reads the table from a body or a file. @throws {JsonError} */
export function parseConsumerOffsets(text: string): ConsumerOffsetTable {
  const object = parseJsonObject(text);
  const version = object["dataVersion"];
  return {
    dataVersion: isObject(version) ? readDataVersion(version) : null,
    offsets: readByGroup(objectMember(object, "offsetTable")),
    pulled: readByGroup(objectMember(object, "pullOffsetTable")),
    topicsByGroup: new Map(),
  };
}

/** The answer to GET_ALL_CONSUMER_OFFSET in pieces, as {@linkcode offsetTableText}. */
export function allConsumerOffsetsText(table: ConsumerOffsetTable): Generator<string, void, void> {
  const head = table.dataVersion === null ? {} : { dataVersion: dataVersionJson(table.dataVersion) };
  return bodyPieces(head, {
    groupTopicMap: table.topicsByGroup,
    offsetTable: entriesJson(table.offsets),
    pullOffsetTable: entriesJson(table.pulled),
  });
}

/** Reads the answer to GET_ALL_CONSUMER_OFFSET. @throws {JsonError} */
export function decodeConsumerOffsets(body: Uint8Array): ConsumerOffsetTable {
  return parseConsumerOffsets(utf8Text(body));
}

function byGroupJson(table: OffsetsByGroup): Record<string, Record<string, number>> {
  return Object.fromEntries(entriesJson(table));
}

function* entriesJson(table: OffsetsByGroup): Generator<[string, Record<string, number>], void, void> {
  for (const [key, offsets] of table) yield [key, offsetsJson(offsets)];
}

function readByGroup(object: JsonObject): Map<string, Map<number, number>> {
  return new Map(Object.entries(object).map(([key, offsets]) => [key, readOffsets(offsets)]));
}
