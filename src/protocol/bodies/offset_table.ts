/**
 * Bodies that give an offset for each queue: what RESET_CONSUMER_CLIENT_OFFSET (220) tells a client, what
 * GET_CONSUMER_STATUS_FROM_CLIENT (221) asks of it, and what INVOKE_BROKER_TO_RESET_OFFSET (222) answers.
 * Source: RocketMQ `ResetOffsetBody`, `ResetOffsetBodyForC`, `GetConsumerStatusBody`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, stringifyJson } from "../json.ts";
import { intMember, intOf, isObject, keyedEntries, listMember, readBody } from "../json_members.ts";
import { type MessageQueue, readMessageQueue } from "../message_queue.ts";

/** Queue to offset. */
export type OffsetTable = ReadonlyMap<MessageQueue, number>;

/** `{"offsetTable":{{"brokerName":…}:offset}}`; Go reads it as text, so there are no blanks in it. */
export function encodeOffsetTable(table: OffsetTable): Uint8Array {
  return utf8(stringifyJson({ offsetTable: table }));
}

/** The same for a client written in C++: a list of queues with their offset. */
export function encodeOffsetTableForC(table: OffsetTable): Uint8Array {
  return utf8(stringifyJson({ offsetTable: Array.from(table, ([queue, offset]) => ({ ...queue, offset })) }));
}

/** Decodes both forms. @throws {JsonError} when it is no JSON object. */
export function decodeOffsetTable(body: Uint8Array): Map<MessageQueue, number> {
  const object = readBody(body);
  const table = readOffsets(object, "offsetTable");
  for (const each of listMember(object, "offsetTable").filter(isObject)) {
    table.set(readMessageQueue(each), intMember(each, "offset"));
  }
  return table;
}

/** Answer of a client to 221. */
export function encodeConsumerStatus(table: OffsetTable): Uint8Array {
  return utf8(stringifyJson({ consumerTable: {}, messageQueueTable: table }));
}

/** Decodes the answer of a client to 221. @throws {JsonError} when it is no JSON object. */
export function decodeConsumerStatus(body: Uint8Array): Map<MessageQueue, number> {
  return readOffsets(readBody(body), "messageQueueTable");
}

function readOffsets(object: JsonObject, name: string): Map<MessageQueue, number> {
  const table = new Map<MessageQueue, number>();
  for (const [queue, offset] of keyedEntries(object, name)) table.set(readMessageQueue(queue), intOf(offset));
  return table;
}
