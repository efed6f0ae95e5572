/**
 * A queue of a topic on a broker, as bodies name it. Source: RocketMQ `MessageQueue`.
 *
 * @module
 */
import type { JsonValue } from "./json.ts";
import { asObject, intMember, textMember } from "./json_members.ts";

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
