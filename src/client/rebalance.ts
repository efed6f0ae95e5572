/**
 * Keeps the queues of a consumer equal to its share of the group: for each topic all queues, all members, the strategy.
 * Runs one at a time; a request during a run makes one more run behind it, and a run that could not do everything is
 * repeated soon.
 *
 * Source: RocketMQ `RebalanceImpl`, `RebalanceService`.
 *
 * @module
 */
import { ConnectionError, messageOf } from "../common/errors.ts";
import type { MessageModel } from "../protocol/bodies/heartbeat.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { AllocationStrategy } from "./allocation.ts";
import type { ClientInstance } from "./instance.ts";
import { RETRY_PREFIX } from "./names.ts";
import type { Stop } from "./stop.ts";

const AGAIN_MS = 1000;

/** What is rebalanced. */
export interface RebalanceParts {
  readonly instance: ClientInstance;
  readonly group: string;
  readonly messageModel: MessageModel;
  readonly strategy: AllocationStrategy;
  readonly stop: Stop;
  /** Subscribed topics. */
  topics(): Iterable<string>;
  /** Makes `queues` the queues of `topic`; false when not all could be taken now. */
  assign(topic: string, queues: readonly MessageQueue[]): Promise<boolean>;
}

/** See the module's text. */
export class Rebalance {
  readonly #parts: RebalanceParts;
  #running: Promise<void> | null = null;
  #again = false;
  #retryPlanned = false;

  constructor(parts: RebalanceParts) {
    this.#parts = parts;
  }

  /** Rebalances now, or once more behind the run under way. Resolves when nothing is left to do; never rejects. */
  run(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#runAll().finally(() => this.#running = null);
    return this.#running;
  }

  async #runAll(): Promise<void> {
    while (this.#again && !this.#parts.stop.stopped) {
      this.#again = false;
      let balanced = true;
      for (const topic of [...this.#parts.topics()]) {
        if (!(await this.#rebalanceTopic(topic))) balanced = false;
      }
      if (!balanced) this.#planRetry();
    }
  }

  #planRetry(): void {
    if (this.#retryPlanned) return;
    this.#retryPlanned = true;
    this.#parts.stop.sleep(AGAIN_MS).then(() => {
      this.#retryPlanned = false;
      if (!this.#parts.stop.stopped) this.run();
    });
  }

  async #rebalanceTopic(topic: string): Promise<boolean> {
    const { instance, stop } = this.#parts;
    try {
      const route = await instance.routes.find(topic);
      if (route === null) {
        if (!topic.startsWith(RETRY_PREFIX)) {
          instance.world.log.warn(`doRebalance, ${this.#parts.group}, but the topic[${topic}] not exist.`);
        }
        return topic.startsWith(RETRY_PREFIX) === false;
      }
      const queues = await this.#share(topic, route.readQueues);
      if (queues === null || stop.stopped) return false;
      return await this.#parts.assign(topic, queues);
    } catch (error) {
      if (!stop.stopped) {
        const isConnection = error instanceof ConnectionError;
        instance.world.log.warn(
          `cannot rebalance topic ${topic} of group ${this.#parts.group}${isConnection ? "" : " (!)"}: ${
            messageOf(error)
          }`,
        );
      }
      return false;
    }
  }

  async #share(topic: string, all: readonly MessageQueue[]): Promise<readonly MessageQueue[] | null> {
    const { instance, group, messageModel, strategy } = this.#parts;
    if (messageModel === "BROADCASTING") return all;
    const address = instance.routes.anyBrokerAddress(topic);
    if (address === undefined) return null;
    const clientIds = (await instance.calls.consumerIds(address, group)).sort();
    if (clientIds.length === 0) return null;
    if (!clientIds.includes(instance.clientId)) {
      // The broker does not know us (yet): what we share now would be wrong for everybody.
      await instance.heartbeatTo(address);
      return clientIds.length > 0 ? await this.#shareAfterHeartbeat(address, all) : null;
    }
    return strategy.allocate(instance.clientId, all, clientIds);
  }

  async #shareAfterHeartbeat(address: string, all: readonly MessageQueue[]): Promise<readonly MessageQueue[] | null> {
    const { instance, group, strategy } = this.#parts;
    const clientIds = (await instance.calls.consumerIds(address, group)).sort();
    return clientIds.includes(instance.clientId) ? strategy.allocate(instance.clientId, all, clientIds) : null;
  }
}
