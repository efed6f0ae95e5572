/**
 * What the fast send path must know of a topic, found with one lookup; topics that need the general path are not in it.
 *
 * @module
 */
import { Perm } from "../protocol/message.ts";
import { DLQ_PREFIX, isSendForbidden, RETRY_PREFIX, topicNameFault } from "./system_topics.ts";
import type { TopicTable } from "./topics.ts";

/** A topic that anybody may send to. */
export interface FastTopic {
  /** Queue ids below it are valid. */
  readonly queueNums: number;
}

/**
 * The table; filled when a topic is first sent to, emptied when any topic changes. Whether the broker takes sends at all is
 * asked each time: its role and permission change while it runs.
 */
export class FastTopics {
  readonly #known = new Map<string, FastTopic>();

  /** @param mayWrite whether this broker takes sends at all now (its role, `brokerPermission`). */
  constructor(readonly topics: TopicTable, readonly mayWrite: () => boolean) {
    topics.onChange(() => this.#known.clear());
  }

  /** The topic, or undefined when its sends need the general path. */
  get(topic: string): FastTopic | undefined {
    if (!this.mayWrite()) return undefined;
    const known = this.#known.get(topic);
    if (known !== undefined) return known;
    const found = this.#find(topic);
    // Unknown topics are not kept: they may be many, and are made soon.
    if (found !== undefined) this.#known.set(topic, found);
    return found;
  }

  #find(name: string): FastTopic | undefined {
    const topic = this.topics.get(name);
    if (topic === undefined || (topic.perm & Perm.WRITE) === 0) return undefined;
    if (name.startsWith(RETRY_PREFIX) || name.startsWith(DLQ_PREFIX) || isSendForbidden(name)) return undefined;
    if (topicNameFault(name) !== null) return undefined;
    return { queueNums: Math.max(topic.writeQueueNums, topic.readQueueNums) };
  }
}
