/**
 * What a broker tells name servers at registration: its topics with their version, and for slaves and tools the same
 * tables as JSON.
 *
 * The body comes as JSON, or compressed:
 *
 * ```text
 * zlib stream of
 *   i32 size · DataVersion as JSON
 *   i32 count · for each topic: i32 size · "name readQueues writeQueues perm filterType attributesJson"
 *   i32 size · list of filter servers as JSON
 *   from version 5.0 on: i32 count · for each static topic: i32 size · TopicQueueMappingInfo as JSON
 * ```
 *
 * The text form of a topic has no `topicSysFlag` and no `order`. 4.9.7 says truthfully in its header which form it is; 5.x
 * always says "not compressed", so the reader looks at the first byte (0x78 begins a zlib stream and no JSON text).
 *
 * Source: RocketMQ `RegisterBrokerBody`, `TopicConfigSerializeWrapper`, `TopicConfig`, `DataVersion`.
 *
 * @module
 */
import { deflateSync, inflateSync } from "node:zlib";
import { concatBytes, EMPTY, getI32, putI32, utf8, utf8Text } from "../../common/bytes.ts";
import { VersionOrdinal } from "../codes.ts";
import { JsonError, type JsonObject, type JsonValue, parseJson, stringifyJson } from "../json.ts";
import {
  asObject,
  boolMember,
  intMember,
  intOf,
  objectMember,
  readBody,
  textMember,
  textsMember,
  textTableMember,
} from "../json_members.ts";
import { bodyPieces, type JsonTable } from "../json_pieces.ts";
import { mappingInfoJson, readMappingInfo, readMappingInfos, type TopicQueueMappingInfo } from "./route.ts";

/** A topic's table entry is replaced only where this has changed. */
export interface DataVersion {
  /** 0 before 5.0; grows at a change of the broker's role. */
  readonly stateVersion: number;
  /** Milliseconds since the epoch of the last change. */
  readonly timestamp: number;
  readonly counter: number;
}

/** How a topic is configured on one broker. */
export interface TopicConfig {
  readonly topicName: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  /** Bits of `Perm`. */
  readonly perm: number;
  /** `SINGLE_TAG` or `MULTI_TAG`; nothing depends on it. */
  readonly topicFilterType: string;
  /** Bit 0: unit; bit 1: has a unit subscription. */
  readonly topicSysFlag: number;
  readonly order: boolean;
  /** Key to value, 5.x only. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** The body of REGISTER_BROKER. */
export interface RegisterBrokerBody {
  readonly dataVersion: DataVersion;
  /** Topic name to configuration. */
  readonly topicConfigTable: ReadonlyMap<string, TopicConfig>;
  readonly filterServerList: readonly string[];
  /** Static topics of this broker, by name; 5.x only. */
  readonly topicQueueMappingInfoMap: ReadonlyMap<string, TopicQueueMappingInfo>;
}

/** The version of a table that was never filled. */
export const ZERO_DATA_VERSION: DataVersion = Object.freeze({ stateVersion: 0, timestamp: 0, counter: 0 });

/** No attributes. */
export const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});

/** Largest body that a compressed registration may inflate to, bytes: some million topics. */
const INFLATED_SIZE_MAX = 256 * 1024 * 1024;
const ZLIB_FIRST_BYTE = 0x78;

/** Whether two versions are the same: equal in all fields. */
export function sameDataVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter;
}

/** Writes a version as a body. */
export function encodeDataVersion(version: DataVersion): Uint8Array {
  return utf8(stringifyJson(dataVersionJson(version)));
}

/** Reads a version; an empty body is {@linkcode ZERO_DATA_VERSION}. @throws {JsonError} */
export function decodeDataVersion(body: Uint8Array): DataVersion {
  return body.length === 0 ? ZERO_DATA_VERSION : readDataVersion(readBody(body));
}

/** The JSON members of a version, in Java's order. */
export function dataVersionJson({ counter, stateVersion, timestamp }: DataVersion): JsonObject {
  return { counter, stateVersion, timestamp };
}

/** Reads a version; what is missing is 0. */
export function readDataVersion(json: JsonObject): DataVersion {
  return {
    stateVersion: intMember(json, "stateVersion"),
    timestamp: intMember(json, "timestamp"),
    counter: intMember(json, "counter"),
  };
}

/** The JSON members of a topic, in Java's order. */
export function topicConfigJson(topic: TopicConfig): JsonObject {
  return {
    attributes: { ...topic.attributes },
    order: topic.order,
    perm: topic.perm,
    readQueueNums: topic.readQueueNums,
    topicFilterType: topic.topicFilterType,
    topicName: topic.topicName,
    topicSysFlag: topic.topicSysFlag,
    writeQueueNums: topic.writeQueueNums,
  };
}

/** The JSON of each topic of a table as it is when this is called, made when it is asked for. */
export function topicEntriesJson(topics: ReadonlyMap<string, TopicConfig>): JsonTable {
  const entries = [...topics];
  return (function* () {
    for (const [name, topic] of entries) yield [name, topicConfigJson(topic)] as const;
  })();
}

/** Reads a topic; what is missing has Java's default (16 queues, RW). */
export function readTopicConfig(json: JsonObject): TopicConfig {
  return {
    topicName: textMember(json, "topicName"),
    readQueueNums: intMember(json, "readQueueNums", 16),
    writeQueueNums: intMember(json, "writeQueueNums", 16),
    perm: intMember(json, "perm", 6),
    topicFilterType: textMember(json, "topicFilterType", "SINGLE_TAG"),
    topicSysFlag: intMember(json, "topicSysFlag"),
    order: boolMember(json, "order"),
    attributes: textTableMember(json, "attributes"),
  };
}

/** Writes a registration as brokers of 5.x do; where `compressed`, with the section of static topics. */
export function encodeRegisterBody(body: RegisterBrokerBody, compressed = false): Uint8Array {
  return compressed ? encodeCompressed(body) : utf8([...registerBodyText(body)].join(""));
}

/** The registration as JSON in pieces, one for each topic: the tables as they are when this is called. */
export function registerBodyText(body: RegisterBrokerBody): Generator<string, void, void> {
  const wrapper = bodyPieces(
    { dataVersion: dataVersionJson(body.dataVersion) },
    { topicConfigTable: topicEntriesJson(body.topicConfigTable) },
    { topicQueueMappingDetailMap: {}, topicQueueMappingInfoMap: body.topicQueueMappingInfoMap },
  );
  const before = `{"filterServerList":${stringifyJson(body.filterServerList)},"topicConfigSerializeWrapper":`;
  return (function* () {
    yield before;
    yield* wrapper;
    yield "}";
  })();
}

/**
 * Reads a registration in either form.
 *
 * @param version MQVersion ordinal of the broker: before 3.0.11 the body is the bare topic table, before 5.0 a compressed
 * one has no section of static topics.
 * @throws {JsonError} also when a compressed body is malformed.
 */
export function decodeRegisterBody(body: Uint8Array, version: number): RegisterBrokerBody {
  if (body.length === 0) {
    const none = new Map();
    return {
      dataVersion: ZERO_DATA_VERSION,
      topicConfigTable: none,
      filterServerList: [],
      topicQueueMappingInfoMap: none,
    };
  }
  if (body[0] === ZLIB_FIRST_BYTE) return decodeCompressed(body, version);
  const json = readBody(body);
  const isBareTable = version < VersionOrdinal.V3_0_11;
  const wrapper = isBareTable ? json : objectMember(json, "topicConfigSerializeWrapper");
  return {
    dataVersion: readDataVersion(objectMember(wrapper, "dataVersion")),
    topicConfigTable: readTopicTable(objectMember(wrapper, "topicConfigTable")),
    filterServerList: isBareTable ? [] : textsMember(json, "filterServerList"),
    topicQueueMappingInfoMap: readMappingInfos(objectMember(wrapper, "topicQueueMappingInfoMap")),
  };
}

/** Reads a table of topics by name. @throws {JsonError} */
export function readTopicTable(json: JsonObject): Map<string, TopicConfig> {
  const table = new Map<string, TopicConfig>();
  for (const [name, value] of Object.entries(json)) {
    const topic = readTopicConfig(asObject(value));
    table.set(name, topic.topicName === "" ? { ...topic, topicName: name } : topic);
  }
  return table;
}

/** The text form of a topic: blanks between, attributes as JSON. Source: RocketMQ `TopicConfig#encode`. */
export function formatTopicConfig(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes } = topic;
  return [topicName, readQueueNums, writeQueueNums, perm, topicFilterType, stringifyJson(attributes)].join(" ");
}

/** Reads the text form of a topic. @throws {JsonError} */
export function parseTopicConfig(text: string): TopicConfig {
  const [topicName = "", readQueues, writeQueues, perm, topicFilterType = "SINGLE_TAG", ...attributes] = text.split(
    " ",
  );
  return {
    topicName,
    readQueueNums: intOf(readQueues),
    writeQueueNums: intOf(writeQueues),
    perm: intOf(perm),
    topicFilterType,
    topicSysFlag: 0,
    order: false,
    attributes: attributes.length === 0 ? NO_ATTRIBUTES : readTable(attributes.join(" ")),
  };
}

function encodeCompressed(body: RegisterBrokerBody): Uint8Array {
  const parts: Uint8Array[] = [];
  const count = (value: number) => {
    const bytes = new Uint8Array(4);
    putI32(bytes, 0, value);
    parts.push(bytes);
  };
  const text = (value: string) => {
    const bytes = utf8(value);
    count(bytes.length);
    parts.push(bytes);
  };
  text(stringifyJson(dataVersionJson(body.dataVersion)));
  count(body.topicConfigTable.size);
  for (const topic of body.topicConfigTable.values()) text(formatTopicConfig(topic));
  text(stringifyJson(body.filterServerList));
  count(body.topicQueueMappingInfoMap.size);
  for (const info of body.topicQueueMappingInfoMap.values()) text(mappingInfoJson(info));
  return new Uint8Array(deflateSync(concatBytes(parts), { level: 9 }));
}

function decodeCompressed(body: Uint8Array, version: number): RegisterBrokerBody {
  const reader = new SectionReader(inflate(body));
  const dataVersion = readDataVersion(asObject(parseJson(reader.text())));
  const topicConfigTable = new Map<string, TopicConfig>();
  for (let left = reader.count(); left > 0; left--) {
    const topic = parseTopicConfig(reader.text());
    topicConfigTable.set(topic.topicName, topic);
  }
  const filterServerList = readTexts(parseJson(reader.text()));
  const topicQueueMappingInfoMap = new Map<string, TopicQueueMappingInfo>();
  if (version >= VersionOrdinal.V5_0_0) {
    for (let left = reader.count(); left > 0; left--) {
      const info = readMappingInfo(parseJson(reader.text()));
      topicQueueMappingInfoMap.set(info.topic, info);
    }
  }
  return { dataVersion, topicConfigTable, filterServerList, topicQueueMappingInfoMap };
}

function inflate(body: Uint8Array): Uint8Array {
  try {
    return inflateSync(body, { maxOutputLength: INFLATED_SIZE_MAX });
  } catch (error) {
    throw new JsonError(`cannot inflate a compressed registration of ${body.length} bytes`, { cause: error });
  }
}

/** Reads counts and texts that a size precedes. */
class SectionReader {
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  count(): number {
    const value = this.#at + 4 <= this.bytes.length ? getI32(this.bytes, this.#at) : -1;
    if (value < 0) throw new JsonError(`compressed registration: no count at byte ${this.#at}`);
    this.#at += 4;
    return value;
  }

  text(): string {
    const size = this.count();
    const end = this.#at + size;
    if (end > this.bytes.length) throw new JsonError(`compressed registration: ${size} bytes missing at ${this.#at}`);
    const bytes = size === 0 ? EMPTY : this.bytes.subarray(this.#at, end);
    this.#at = end;
    return utf8Text(bytes);
  }
}

function readTable(text: string): Readonly<Record<string, string>> {
  return textTableMember({ table: parseJson(text) }, "table");
}

function readTexts(value: JsonValue): string[] {
  return textsMember({ list: value }, "list");
}
