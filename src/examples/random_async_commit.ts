/**
 * For consumers that work on messages of a queue in any order, and must know how far the queue may be committed: up to the
 * first message that is still in work.
 *
 * Source: RocketMQ `org.apache.rocketmq.example.simple.RandomAsyncCommit`.
 *
 * @module
 */
import type { ReceivedMessage } from "../client/message.ts";
import { type ExampleWorld, runningUntil } from "./example.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";

/** Messages in work, by queue and offset. */
export class RandomAsyncCommit {
  readonly #queues = new Map<string, { readonly offsets: Set<number>; next: number }>();

  /** These are in work now. */
  putMessages(queue: MessageQueue, messages: readonly ReceivedMessage[]): void {
    const key = messageQueueKey(queue);
    const known = this.#queues.get(key) ?? { offsets: new Set<number>(), next: -1 };
    this.#queues.set(key, known);
    for (const { queueOffset } of messages) {
      known.offsets.add(queueOffset);
      known.next = Math.max(known.next, queueOffset + 1);
    }
  }

  /** One is done. */
  removeMessage(queue: MessageQueue, offset: number): void {
    this.#queues.get(messageQueueKey(queue))?.offsets.delete(offset);
  }

  /** The first offset that is not done; behind all when all are, −1 when there never was one. */
  commitableOffset(queue: MessageQueue): number {
    const known = this.#queues.get(messageQueueKey(queue));
    if (known === undefined) return -1;
    return known.offsets.size === 0 ? known.next : Math.min(...known.offsets);
  }
}

/** Pulls a queue, finishes its messages in any order, and commits as far as all are done. */
export async function randomAsyncCommit({ connect, clock, print, until }: ExampleWorld): Promise<void> {
  await using client = connect();
  const consumer = client.pullConsumer({ group: "random_async_commit" });
  await consumer.start();
  const running = runningUntil(until);
  const inWork = new RandomAsyncCommit();
  const [queue] = await consumer.fetchMessageQueues("TopicTest");
  for (let offset = await consumer.minOffset(queue!); running();) {
    const { messages, nextBeginOffset } = await consumer.pull(queue!, offset);
    if (messages.length === 0) await clock.sleep(1000);
    inWork.putMessages(queue!, messages);
    for (const { queueOffset } of messages.toReversed()) {
      inWork.removeMessage(queue!, queueOffset);
      consumer.updateConsumeOffset(queue!, inWork.commitableOffset(queue!));
      print(`done: ${queueOffset}, commitable: ${inWork.commitableOffset(queue!)}`);
    }
    offset = nextBeginOffset;
  }
}
