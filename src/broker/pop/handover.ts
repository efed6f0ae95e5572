/**
 * Gives the retries of a popping group to its pulling members. Those do not know the retry topics of POP, only `%RETRY%group`:
 * what is due for a group that was set to PULL goes there at once, and what lies unread in its POP retry topics is brought there
 * when it is set. (RocketMQ leaves both where nobody reads them.)
 *
 * A message and the move of the offset behind it are written in this order, the offset when device and replicas have the message:
 * a crash or a failover can bring a message twice, never lose one. When the store takes back what was put, the offset goes
 * back with it.
 *
 * @module
 */
import { Property } from "../../protocol/message.ts";
import { type AppendResult, type MessageStore, PullResult, PullStatus, PutStatus } from "../../store/store.ts";
import type { GroupTable } from "../groups.ts";
import { type MessagePut, staysStored } from "../message_put.ts";
import { readStoredMessages, storedAgain, type StoredMessage } from "../stored_message.ts";
import { popRetryTopicsOf, retryTopicOf } from "../system_topics.ts";
import type { TopicTable } from "../topics.ts";
import type { InFlightTable, PopQueue } from "./in_flight.ts";
import type { PopProgress } from "./progress.ts";

const BATCH = 64;
const BATCH_BYTES_MAX = 1048576;

/** What a handover is made of. */
export interface HandoverParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly table: InFlightTable;
  readonly progress: PopProgress;
  /** Whether the broker does not stop. */
  readonly isRunning: () => boolean;
}

/** The handover; see the module's text. */
export class Handover {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** The retry topic that pulling members of a group read, made when there is none; notes the origin in the message. */
  pulledRetryTopic(group: string, origin: string, { properties }: Pick<StoredMessage, "properties">): string {
    const { topics, groups } = this.#parts;
    if (!properties.has(Property.RETRY_TOPIC)) properties.set(Property.RETRY_TOPIC, origin);
    return topics.createForGroup(retryTopicOf(group), groups.get(group)?.retryQueueNums ?? 1).topicName;
  }

  /**
   * Brings what a group has not popped of its retries for a topic; resolves when that is as safe as producers are promised,
   * however long that takes.
   * @returns how many messages; null when the store did not take all of them, or the broker stops: the rest is where it was.
   */
  async bring(group: string, topic: string): Promise<number | null> {
    let count = 0;
    for (const retryTopic of popRetryTopicsOf(topic, group)) {
      for (const { queueId } of this.#parts.store.queuesOf(retryTopic)) {
        const brought = await this.#bringQueue({ group, topic: retryTopic, queueId }, topic);
        if (brought === null) return null;
        count += brought;
      }
    }
    return count;
  }

  async #bringQueue(key: { group: string; topic: string; queueId: number }, origin: string): Promise<number | null> {
    const { store, put, table, progress, isRunning } = this.#parts;
    const result = new PullResult();
    let count = 0;
    for (;;) {
      const queue = table.queue(key);
      const position = progress.position(queue, () => store.minOffset(key.topic, key.queueId));
      const stored = store.queue(key.topic, key.queueId);
      const status = store.pull(stored, position, BATCH, BATCH_BYTES_MAX, null, result);
      if (status === PullStatus.PENDING) {
        await store.load([...result.missing]);
        continue;
      }
      if (status !== PullStatus.FOUND) return count;
      const brought = this.#putAll(queue, origin, readStoredMessages(result.parts));
      if (brought === null) return null;
      const last = brought.at(-1);
      progress.moveTo(queue, result.nextBeginOffset, last?.endOffset);
      if (last !== undefined && !await staysStored(put, last, () => !isRunning())) return null;
      count += brought.length;
    }
  }

  /** Null when the store refuses one: what was put comes a second time. */
  #putAll(queue: PopQueue, origin: string, messages: readonly StoredMessage[]): AppendResult[] | null {
    const brought: AppendResult[] = [];
    for (const message of messages) {
      if (queue.inFlight.has(message.queueOffset)) continue;
      const again = storedAgain(message, this.pulledRetryTopic(queue.group, origin, message), 0);
      const { status, result } = this.#parts.put.putAsIs(again);
      if (status !== PutStatus.PUT_OK) return null;
      brought.push(result);
    }
    return brought;
  }
}
