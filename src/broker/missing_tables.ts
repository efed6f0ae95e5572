/**
 * What a broker does when tables are missing beside messages: `config` was lost, or the store was copied without it. It says
 * so, with what follows, and makes the topics again that have queues: else nobody could read their messages.
 *
 * Ours. RocketMQ starts with empty tables and says nothing.
 *
 * @module
 */
import type { Log } from "../common/log.ts";
import type { MessageStore, MissingTable } from "../store/store.ts";
import { topicConfig, type TopicTable } from "./topics.ts";

/** What is done about missing tables. */
export interface MissingTablesParts {
  readonly store: Pick<MessageStore, "topics" | "queueNums">;
  readonly topics: TopicTable;
  readonly log: Log;
}

/** Tells of tables that were missing when the broker started, and makes topics again. */
export function mendMissingTables(missing: readonly MissingTable[], { store, topics, log }: MissingTablesParts): void {
  for (const { name, path, consequence } of missing) {
    log.error(
      `${path} is missing though the store has messages: ${consequence}. If there is a copy of it, stop and put it back.`,
    );
    if (name !== "topics") continue;
    const lost = store.topics().filter((topic) => !topics.has(topic));
    topics.update(...lost.map((topic) => {
      const queueNums = store.queueNums(topic);
      return topicConfig(topic, { readQueueNums: queueNums, writeQueueNums: queueNums });
    }));
    if (lost.length > 0) {
      log.error(`Made again from their queues: ${lost.length} topics, ${lost.slice(0, 100).join(", ")}`);
    }
  }
}
