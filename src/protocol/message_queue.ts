/**
 * A queue of a topic on a broker, as bodies name it. Source: RocketMQ `MessageQueue`.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "./json.ts";
import { asObject, intMember, keyedEntries, textMember } from "./json_members.ts";

/** Names a queue; written with its members in this order, which textual readers rely on. */
export interface MessageQueue {
  readonly brokerName: string;
  readonly queueId: number;
  readonly topic: string;
}

/** A queue with its members in the order that peers expect. */
export function messageQueue(brokerName: string, queueId: number, topic: string): MessageQueue {
  return { brokerName, queueId, topic };
}

/** Reads a queue; missing members become empty or 0. @throws {JsonError} when it is no object. */
export function readMessageQueue(value: JsonValue | undefined): MessageQueue {
  const object = asObject(value);
  return messageQueue(textMember(object, "brokerName"), intMember(object, "queueId"), textMember(object, "topic"));
}

/** One text for each different queue, to be used as a key. */
export function messageQueueKey(queue: MessageQueue): string {
  return `${queue.topic}@${queue.brokerName}@${queue.queueId}`;
}

/** Reads a map whose keys are queues; empty when missing. @throws {JsonError} when `read` cannot read a value. */
export function readQueueMap<T>(object: JsonObject, name: string, read: (value: JsonValue) => T): Map<MessageQueue, T> {
  return new Map(keyedEntries(object, name).map(([queue, value]) => [readMessageQueue(queue), read(value)]));
}
