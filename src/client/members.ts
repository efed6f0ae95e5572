/**
 * What a client knows of its producers and consumers: the narrow interfaces through which it keeps them alive and passes
 * on what brokers ask. Source: RocketMQ `MQProducerInner`, `MQConsumerInner`.
 *
 * @module
 */
import type { ConsumerData } from "../protocol/bodies/heartbeat.ts";
import type { ConsumeDirectlyResult, ConsumerRunningInfo } from "../protocol/bodies/running_info.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ReceivedMessage } from "./message.ts";

/** Where a half message is, of which a broker asks what became of its transaction. */
export interface TransactionCheck {
  /** Address of the broker that asks. */
  readonly brokerAddress: string;
  readonly brokerName: string;
  /** The half message, with its real topic. */
  readonly message: ReceivedMessage;
  readonly tranStateTableOffset: number;
  readonly commitLogOffset: number;
  readonly transactionId: string;
}

/** A producer, as its client sees it. */
export interface ProducerMember {
  readonly group: string;
  /** Topics that it has sent to, whose routes are kept fresh. */
  topics(): Iterable<string>;
  /** A broker asks what became of a transaction; nothing happens when the producer knows of none. */
  checkTransaction(check: TransactionCheck): void;
  /** Ends it. */
  shutdown(): Promise<void>;
}

/** A consumer, as its client sees it. */
export interface ConsumerMember {
  readonly group: string;
  /** What its heartbeats say. */
  consumerData(): ConsumerData;
  /** Topics whose routes are kept fresh. */
  topics(): Iterable<string>;
  /** Compares its queues with the group, now or as soon as the comparison under way has ended. */
  rebalance(): void;
  /** Stores its offsets, as far as they changed. */
  persistOffsets(): Promise<void>;
  /** An operator sets offsets. */
  resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): Promise<void>;
  /** Offsets of the queues of a topic, as far as this consumer has them. */
  consumeStatus(topic: string): Map<MessageQueue, number>;
  /** What it tells about itself. */
  runningInfo(): ConsumerRunningInfo;
  /** Gives a message to the listener because an operator wants it; null when this consumer has no listener. */
  consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult | null>;
  /** Ends it. */
  shutdown(): Promise<void>;
}
