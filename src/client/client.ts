/**
 * A client of a cluster: makes producers and consumers that share its connections, and ends them all.
 *
 * @module
 */
import { AdminClient } from "./admin.ts";
import { ClientInstance } from "./instance.ts";
import { LitePullConsumer, type LitePullConsumerOptions } from "./lite_pull_consumer.ts";
import type { ClientOptions, ClientWorld, ProducerOptions, PushConsumerOptions } from "./options.ts";
import { Producer } from "./producer.ts";
import { PullConsumer, type PullConsumerOptions } from "./pull_consumer.ts";
import { PullSchedule } from "./pull_schedule.ts";
import { PushConsumer } from "./push_consumer.ts";
import { type TransactionListener, TransactionProducer } from "./transaction_producer.ts";

/** See the module's text. Nothing is connected before the first member starts. */
export class Client {
  readonly #instance: ClientInstance;

  /** @param world clock, network, randomness, log, and a disk for broadcasting consumers. */
  constructor(options: ClientOptions, world: ClientWorld) {
    this.#instance = new ClientInstance(options, world);
  }

  /** `ip@instanceName`, by which brokers know this client. */
  get clientId(): string {
    return this.#instance.clientId;
  }

  /** Makes a producer, to be started. @throws {ClientError} when the group cannot have this name. */
  producer(options: ProducerOptions): Producer {
    return new Producer(this.#instance, options);
  }

  /** Makes a producer of messages in transactions, to be started. @throws {ClientError} */
  transactionProducer(options: ProducerOptions, listener: TransactionListener): TransactionProducer {
    return new TransactionProducer(this.#instance, options, listener);
  }

  /** Makes a push consumer, to be subscribed, given a listener and started. @throws {ClientError} */
  pushConsumer(options: PushConsumerOptions): PushConsumer {
    return new PushConsumer(this.#instance, options);
  }

  /** Makes a consumer whose owner polls, to be subscribed or assigned, and started. @throws {ClientError} */
  litePullConsumer(options: LitePullConsumerOptions): LitePullConsumer {
    return new LitePullConsumer(this.#instance, options);
  }

  /** Makes a consumer whose owner decides what to pull when. @throws {ClientError} */
  pullConsumer(options: PullConsumerOptions): PullConsumer {
    return new PullConsumer(this.#instance, options);
  }

  /** Makes a consumer that calls tasks for its queues on a schedule. @throws {ClientError} */
  pullSchedule(options: PullConsumerOptions): PullSchedule {
    return new PullSchedule(this.#instance, options);
  }

  /** Makes administrative calls over this client's connections. */
  admin(): AdminClient {
    return new AdminClient(this.#instance);
  }

  /** Shuts all producers and consumers down, then closes the connections. Idempotent. */
  close(): Promise<void> {
    return this.#instance.close();
  }

  /** {@linkcode close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
