/**
 * Bodies of POP: which queues a client is to ask in which way (400), how a group consumes a topic (401, 402 and
 * `config/messageRequestMode.json`), acknowledgements of many messages (200151).
 * Source: RocketMQ `QueryAssignmentRequestBody`, `MessageQueueAssignment`, `SetMessageRequestModeRequestBody`,
 * `MessageRequestModeSerializeWrapper`, `BatchAckMessageRequestBody`, `BatchAck`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import { intMember, isObject, listMember, objectMember, readBody, textMember } from "../json_members.ts";
import type { MessageQueue } from "../message_queue.ts";

/** How a consumer gets messages. */
export type MessageRequestMode = "PULL" | "POP";

/** A client asks which queues of a topic are its own. */
export interface AssignmentRequest {
  readonly clientId: string;
  readonly consumerGroup: string;
  readonly messageModel: string;
  /** Name of the allocation strategy: `AVG`, `AVG_BY_CIRCLE`. */
  readonly strategyName: string;
  readonly topic: string;
}

/** How a group consumes a topic. */
export interface RequestModeSetting {
  readonly consumerGroup: string;
  readonly mode: MessageRequestMode;
  /** With POP: each client also asks the queues of so many others; 0, −1 or less: those of all. */
  readonly popShareQueueNum: number;
  readonly topic: string;
}

/** Acknowledges messages of one pop from one queue. */
export interface BatchAck {
  readonly consumerGroup: string;
  /** The topic that the client subscribes to. */
  readonly topic: string;
  /** Where the messages lie: "0" the topic, "1" and "2" its retry topic of the older and the newer form. */
  readonly retry: string;
  readonly startOffset: number;
  readonly queueId: number;
  readonly reviveQueueId: number;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** Queue offsets, ascending. */
  readonly offsets: readonly number[];
}

/** Reads QUERY_ASSIGNMENT. @throws {JsonError} */
export function readAssignmentRequest(body: Uint8Array): AssignmentRequest {
  const object = readBody(body);
  return {
    clientId: textMember(object, "clientId"),
    consumerGroup: textMember(object, "consumerGroup"),
    messageModel: textMember(object, "messageModel"),
    strategyName: textMember(object, "strategyName"),
    topic: textMember(object, "topic"),
  };
}

/** Writes the answer to QUERY_ASSIGNMENT; null: the client is to keep what it has. */
export function encodeAssignments(queues: readonly MessageQueue[] | null, mode: MessageRequestMode): Uint8Array {
  const messageQueueAssignments = queues?.map(({ brokerName, queueId, topic }) => ({
    messageQueue: { brokerName, queueId, topic },
    mode,
  }));
  return utf8(stringifyJson({ messageQueueAssignments }));
}

/** Writes SET_MESSAGE_REQUEST_MODE. */
export function encodeRequestMode(setting: RequestModeSetting): Uint8Array {
  return utf8(stringifyJson(setting));
}

/** Reads SET_MESSAGE_REQUEST_MODE. @throws {JsonError} */
export function readRequestMode(body: Uint8Array): RequestModeSetting {
  return requestModeOf(readBody(body));
}

/** The JSON of all settings, as 402 answers it and as the file has it. */
export function requestModesJson(settings: Iterable<RequestModeSetting>): JsonObject {
  const messageRequestModeMap: Record<string, Record<string, JsonObject>> = {};
  for (const { consumerGroup, mode, popShareQueueNum, topic } of settings) {
    const groups = messageRequestModeMap[topic] ??= {};
    groups[consumerGroup] = { consumerGroup, mode, popShareQueueNum, topic };
  }
  return { messageRequestModeMap };
}

/** Reads what {@linkcode requestModesJson} wrote. */
export function readRequestModes(json: JsonObject): RequestModeSetting[] {
  const settings: RequestModeSetting[] = [];
  for (const groups of Object.values(objectMember(json, "messageRequestModeMap"))) {
    if (isObject(groups)) settings.push(...Object.values(groups).filter(isObject).map(requestModeOf));
  }
  return settings;
}

function requestModeOf(object: JsonObject): RequestModeSetting {
  return {
    consumerGroup: textMember(object, "consumerGroup"),
    mode: textMember(object, "mode", "PULL") === "POP" ? "POP" : "PULL",
    popShareQueueNum: intMember(object, "popShareQueueNum"),
    topic: textMember(object, "topic"),
  };
}

/** Reads BATCH_ACK_MESSAGE. @throws {JsonError} */
export function readBatchAcks(body: Uint8Array): BatchAck[] {
  return listMember(readBody(body), "acks").filter(isObject).map(batchAckOf);
}

function batchAckOf(object: JsonObject): BatchAck {
  const startOffset = intMember(object, "so");
  return {
    consumerGroup: textMember(object, "c"),
    topic: textMember(object, "t"),
    retry: textMember(object, "r", "0"),
    startOffset,
    queueId: intMember(object, "q"),
    reviveQueueId: intMember(object, "rq"),
    popTimeMs: intMember(object, "pt"),
    invisibleTimeMs: intMember(object, "it"),
    offsets: bitSetMembers(object["b"]).map((bit) => startOffset + bit),
  };
}

/** The set bits of Java's `BitSet#toByteArray` in base64: bit 0 is the lowest of the first byte. */
function bitSetMembers(value: JsonValue | undefined): number[] {
  const bits: number[] = [];
  if (typeof value !== "string") return bits;
  const text = atob(value);
  for (let i = 0; i < text.length; i++) {
    for (let bit = 0; bit < 8; bit++) if ((text.charCodeAt(i) & (1 << bit)) !== 0) bits.push(8 * i + bit);
  }
  return bits;
}
