/**
 * The order locks of a consumer: asked of the brokers for all assigned queues in regular intervals, because a broker
 * forgets a lock after a minute, and given back when a queue goes.
 *
 * Source: RocketMQ `RebalanceImpl#lock`, `#lockAll`, `#unlock`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import type { ClientInstance } from "./instance.ts";
import type { ProcessQueue } from "./process_queue.ts";

/** See the module's text. */
export class QueueLocks {
  readonly #instance: ClientInstance;
  readonly #group: string;

  constructor(instance: ClientInstance, group: string) {
    this.#instance = instance;
    this.#group = group;
  }

  /** Locks one queue; false when somebody else has it, or its broker does not answer. */
  async lock(processQueue: ProcessQueue): Promise<boolean> {
    await this.lockAll([processQueue]);
    return processQueue.locked;
  }

  /** Locks or renews; each queue says afterwards whether it is ours. Those of brokers that do not answer stay as they are. */
  async lockAll(queues: Iterable<ProcessQueue>): Promise<void> {
    const byBroker = new Map<string, ProcessQueue[]>();
    for (const each of queues) {
      const { brokerName } = each.queue;
      byBroker.set(brokerName, [...(byBroker.get(brokerName) ?? []), each]);
    }
    await Promise.all(Array.from(byBroker, ([brokerName, own]) => this.#lockAt(brokerName, own)));
  }

  async #lockAt(brokerName: string, queues: readonly ProcessQueue[]): Promise<void> {
    const { routes, calls, world } = this.#instance;
    try {
      const address = await routes.findMasterAddress(queues[0]!.queue.topic, brokerName);
      const locked = await calls.lock(address, this.#request(queues.map(({ queue }) => queue)));
      const keys = new Set(locked.map(messageQueueKey));
      for (const each of queues) {
        each.locked = keys.has(each.key);
        if (each.locked) each.lastLockMs = world.clock.now();
      }
    } catch (error) {
      world.log.warn(
        `cannot lock ${queues.length} queues of group ${this.#group} at ${brokerName}: ${messageOf(error)}`,
      );
    }
  }

  /** Gives locks back. */
  async unlock(queues: readonly MessageQueue[]): Promise<void> {
    const byBroker = new Map<string, MessageQueue[]>();
    for (const each of queues) byBroker.set(each.brokerName, [...(byBroker.get(each.brokerName) ?? []), each]);
    const { routes, calls, world } = this.#instance;
    await Promise.all(Array.from(byBroker, async ([brokerName, own]) => {
      const address = routes.masterAddress(brokerName);
      if (address === undefined) return;
      try {
        await calls.unlock(address, this.#request(own));
      } catch (error) {
        world.log.warn(`cannot unlock ${own.length} queues of group ${this.#group}: ${messageOf(error)}`);
      }
    }));
  }

  #request(mqSet: readonly MessageQueue[]) {
    return { clientId: this.#instance.clientId, consumerGroup: this.#group, mqSet, onlyThisBroker: false };
  }
}
