/**
 * Listeners: the user's functions that consume messages, and what they may answer.
 *
 * Anything that a listener throws means the same as the unsuccessful answer, and answering nothing means success; so the
 * simplest listener handles its messages and throws when it cannot.
 *
 * Source: RocketMQ `MessageListenerConcurrently`, `MessageListenerOrderly` and their contexts.
 *
 * @module
 */
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ReceivedMessage } from "./message.ts";

/** Done, or to be delivered again later. */
export type ConsumeConcurrentlyStatus = "CONSUME_SUCCESS" | "RECONSUME_LATER";

/** What a listener may say besides its answer. */
export interface ConsumeConcurrentlyContext {
  /** Where the messages came from. */
  readonly queue: MessageQueue;
  /** Of messages that failed: −1 dead letter at once, 0 the broker decides by their number of retries, else a level. */
  delayLevelWhenNextConsume: number;
  /** Index of the last message that succeeded, when not all did; the others are delivered again. */
  ackIndex: number;
}

/** Consumes messages in any order, several calls at once. */
export type ConcurrentListener = (
  messages: readonly ReceivedMessage[],
  context: ConsumeConcurrentlyContext,
) => ConsumeConcurrentlyStatus | void | Promise<ConsumeConcurrentlyStatus | void>;

/** Done, or the queue is to pause and deliver the same messages again. */
export type ConsumeOrderlyStatus = "SUCCESS" | "SUSPEND_CURRENT_QUEUE_A_MOMENT";

/** What an orderly listener may say besides its answer. */
export interface ConsumeOrderlyContext {
  /** Where the messages came from. */
  readonly queue: MessageQueue;
  /** How long the queue pauses when these messages fail; −1: as the consumer is configured. */
  suspendCurrentQueueTimeMs: number;
}

/** Consumes the messages of each queue in their order, one call at a time for each queue. */
export type OrderlyListener = (
  messages: readonly ReceivedMessage[],
  context: ConsumeOrderlyContext,
) => ConsumeOrderlyStatus | void | Promise<ConsumeOrderlyStatus | void>;
