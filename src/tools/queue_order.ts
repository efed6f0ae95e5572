/**
 * The order in which tools list queues. Source: RocketMQ `MessageQueue#compareTo`.
 *
 * @module
 */
import type { MessageQueue } from "../protocol/message_queue.ts";

/** By topic, broker name, number. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1;
  return a.queueId - b.queueId;
}
