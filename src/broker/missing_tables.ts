/**
 * What a broker does when tables, or the newest of what stood in them, are missing beside messages: `config` was lost, the
 * store was copied without it, or the leader died that had just made a topic. It says so, with what follows, and makes the
 * topics again that have queues: else nobody could read their messages.
 *
 * Ours. RocketMQ starts with empty tables and says nothing.
 *
 * @module
 */
import type { Log } from "../common/log.ts";
import type { TopicConfig } from "../protocol/bodies/register.ts";
import type { MessageStore, MissingTable } from "../store/store.ts";
import { topicConfig, type TopicTable } from "./topics.ts";

/** What is done about missing tables. */
export interface MissingTablesParts {
  readonly store: Pick<MessageStore, "topics" | "queueNums">;
  readonly topics: TopicTable;
  readonly log: Log;
}

/** What is looked at for topics that were just made. */
export interface YoungTopicsParts extends MissingTablesParts {
  readonly store: Pick<MessageStore, "topics" | "queueNums" | "queuesOf" | "storeTimeAt" | "figures">;
}

/** Topics are copied every few seconds. In the clock that stamps messages. */
const YOUNG_MS = 30_000;

/** Tells of tables that were missing when the broker started, and makes topics again. */
export function mendMissingTables(missing: readonly MissingTable[], { store, topics, log }: MissingTablesParts): void {
  for (const { name, path, consequence } of missing) {
    log.error(
      `${path} is missing though the store has messages: ${consequence}. If there is a copy of it, stop and put it back.`,
    );
    if (name !== "topics") continue;
    const lost = store.topics().filter((topic) => !topics.has(topic));
    makeAgain(lost, { store, topics });
    if (lost.length > 0) {
      log.error(`Made again from their queues: ${lost.length} topics, ${lost.slice(0, 100).join(", ")}`);
    }
  }
}

/**
 * A new leader's first act: it makes the topics that its predecessor had made since it copied them last, for their messages
 * are acknowledged. Topics that have had no message for longer than {@linkcode YOUNG_MS} were deleted.
 */
export async function makeYoungTopics({ store, topics, log }: YoungTopicsParts): Promise<void> {
  const sinceMs = store.figures().lastStoreTimestamp - YOUNG_MS;
  const young: string[] = [];
  for (const topic of store.topics()) {
    if (topics.has(topic)) continue;
    for (const { queueId, maxOffset } of store.queuesOf(topic)) {
      if (await store.storeTimeAt(topic, queueId, maxOffset - 1) < sinceMs) continue;
      young.push(topic);
      break;
    }
  }
  if (young.length === 0) return;
  makeAgain(young, { store, topics });
  log.warn(`Topics that the former leader had just made, made again from their queues: ${young.join(", ")}`);
}

function makeAgain(lost: readonly string[], { store, topics }: Omit<MissingTablesParts, "log">): void {
  topics.update(...lost.map((topic) => topicOfQueues(topic, store)));
}

/** A topic with as many queues as the store has of it, all else as by default. */
export function topicOfQueues(topic: string, store: Pick<MessageStore, "queueNums">): TopicConfig {
  const queueNums = store.queueNums(topic);
  return topicConfig(topic, { readQueueNums: queueNums, writeQueueNums: queueNums });
}
