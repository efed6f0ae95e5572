/**
 * Which queues of a topic a client is to ask: dealt out among the members of its group as the client itself would do it, or,
 * with POP, shared. Source: RocketMQ `QueryAssignmentProcessor`, `AllocateMessageQueueAveragely`, `…AveragelyByCircle`.
 *
 * @module
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";

/** Deals the queues out; the share of the client with index `index` of `count`. */
type Strategy = (queues: readonly MessageQueue[], index: number, count: number) => MessageQueue[];

const STRATEGIES: ReadonlyMap<string, Strategy> = new Map<string, Strategy>([
  ["AVG", averagely],
  ["AVG_BY_CIRCLE", (queues, index, count) => queues.filter((_, i) => i % count === index)],
]);

/** Who asks for queues. */
export interface AssignmentWish {
  readonly clientId: string;
  /** All members of the group, in any order. */
  readonly clientIds: readonly string[];
  /** All queues of the topic, in any order. */
  readonly queues: readonly MessageQueue[];
  readonly strategyName: string;
}

/** The client's own queues; null when there is no such strategy or the client is no member. */
export function assignPull(wish: AssignmentWish): MessageQueue[] | null {
  const strategy = STRATEGIES.get(wish.strategyName);
  const clientIds = [...wish.clientIds].sort();
  const index = clientIds.indexOf(wish.clientId);
  if (strategy === undefined) return null;
  return index < 0 ? [] : strategy(sortedQueues(wish.queues), index, clientIds.length);
}

/**
 * The queues that a client pops: any queue (id −1) of each broker, or, when each client is to share the queues of
 * `shareCount` others only, these.
 */
export function assignPop(wish: AssignmentWish, shareCount: number): MessageQueue[] | null {
  const strategy = STRATEGIES.get(wish.strategyName);
  if (strategy === undefined) return null;
  const clientIds = [...wish.clientIds].sort();
  const queues = sortedQueues(wish.queues);
  const count = clientIds.length;
  if (shareCount <= 0 || shareCount >= count - 1) {
    return distinct(queues.map(({ brokerName, topic }) => ({ brokerName, queueId: -1, topic })));
  }
  const index = clientIds.indexOf(wish.clientId);
  if (index < 0 || queues.length === 0) return [];
  if (count > queues.length) return [queues[index % queues.length]!];
  const shared = Array.from({ length: shareCount + 1 }, (_, i) => strategy(queues, (index + i) % count, count));
  return distinct(shared.flat());
}

function averagely(queues: readonly MessageQueue[], index: number, count: number): MessageQueue[] {
  const rest = queues.length % count;
  const size = Math.floor(queues.length / count) + (index < rest ? 1 : 0);
  const start = index < rest ? index * size : index * size + rest;
  return queues.slice(start, start + size);
}

/** In Java's order: topic, broker, queue id. */
function sortedQueues(queues: readonly MessageQueue[]): MessageQueue[] {
  return [...queues].sort((a, b) =>
    compare(a.topic, b.topic) || compare(a.brokerName, b.brokerName) || a.queueId - b.queueId
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function distinct(queues: readonly MessageQueue[]): MessageQueue[] {
  return [...new Map(queues.map((queue) => [`${queue.brokerName} ${queue.queueId}`, queue])).values()];
}
