/**
 * Which queue the next message goes to: the next one in turn, at a retry one of another broker if there is one, and with
 * latency fault tolerance one of a broker that is not being avoided.
 *
 * Source: RocketMQ `TopicPublishInfo`, `MQFaultStrategy#selectOneMessageQueue`.
 *
 * @module
 */
import type { Random } from "../common/random.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { LatencyFault } from "./latency_fault.ts";

/** Takes turns, for each topic on its own. */
export class QueueChoice {
  readonly #next = new Map<string, number>();
  readonly #random: Random;
  readonly #fault: LatencyFault | null;

  /** @param fault null: brokers are not avoided for being slow. */
  constructor(random: Random, fault: LatencyFault | null) {
    this.#random = random;
    this.#fault = fault;
  }

  /**
   * Chooses.
   *
   * @param queues not empty. @param lastBroker broker that has just failed, null at first.
   */
  choose(queues: readonly MessageQueue[], lastBroker: string | null, nowMs: number): MessageQueue {
    const fault = this.#fault;
    if (lastBroker === null && fault === null) return this.#turn(queues);
    const isOther = (queue: MessageQueue) => queue.brokerName !== lastBroker;
    const isGood = (queue: MessageQueue) =>
      isOther(queue) && (fault === null || fault.isAvailable(queue.brokerName, nowMs));
    return this.#turnWhere(queues, isGood) ?? this.#turnWhere(queues, isOther) ?? this.#turn(queues);
  }

  #turn(queues: readonly MessageQueue[]): MessageQueue {
    const topic = queues[0]!.topic;
    const index = this.#next.get(topic) ?? this.#random.int(queues.length);
    const queue = queues[index % queues.length]!;
    this.#next.set(topic, index % queues.length + 1);
    return queue;
  }

  #turnWhere(queues: readonly MessageQueue[], filter: (queue: MessageQueue) => boolean): MessageQueue | undefined {
    for (let i = 0; i < queues.length; i++) {
      const queue = this.#turn(queues);
      if (filter(queue)) return queue;
    }
    return undefined;
  }
}
