/**
 * Sends prepared messages: chooses the queue, tries another broker where that may help, all within one deadline. Shared by
 * producers and by consumers, which send retries.
 *
 * Source: RocketMQ `DefaultMQProducerImpl#sendDefaultImpl`.
 *
 * @module
 */
import { ConnectionError, messageOf } from "../common/errors.ts";
import { ResponseCode } from "../protocol/codes.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { BrokerError, ClientError, ClientErrorCode } from "./errors.ts";
import type { SendHooks, SendMessageContext } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import { LatencyFault } from "./latency_fault.ts";
import type { SendResult } from "./message.ts";
import type { ProducerSettings } from "./options.ts";
import { QueueChoice } from "./queue_choice.ts";
import type { TopicRoute } from "./routes.ts";
import { messageTypeOf, type PreparedSend, readSendResult, sendRequest } from "./send_request.ts";

/** Answers after which another broker may take the message. */
const RETRY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

/** Sends for one group. */
export class Sender {
  readonly #instance: ClientInstance;
  readonly #settings: ProducerSettings;
  readonly #fault: LatencyFault | null;
  readonly #choice: QueueChoice;
  readonly #topics = new Set<string>();
  readonly #hooks: SendHooks | null;

  /** @param hooks who sees the messages; nobody by default. */
  constructor(instance: ClientInstance, settings: ProducerSettings, hooks: SendHooks | null = null) {
    this.#instance = instance;
    this.#settings = settings;
    this.#hooks = hooks;
    this.#fault = settings.sendLatencyFaultEnable ? new LatencyFault() : null;
    this.#choice = new QueueChoice(instance.world.random, this.#fault);
  }

  /** Topics that were sent to. */
  topics(): Iterable<string> {
    return this.#topics;
  }

  /** The route by which to send to a topic. @throws {ClientError} @throws {ConnectionError} */
  async route(topic: string): Promise<TopicRoute> {
    const known = this.#knownRoute(topic);
    if (known !== undefined) return known;
    this.#topics.add(topic);
    const { createTopicKey, defaultTopicQueueNums } = this.#settings;
    return await this.#instance.routes.findForSending(topic, createTopicKey, defaultTopicQueueNums);
  }

  #knownRoute(topic: string): TopicRoute | undefined {
    const known = this.#instance.routes.peek(topic);
    if (known === undefined || known.writeQueues.length === 0) return undefined;
    if (!this.#topics.has(topic)) this.#topics.add(topic);
    return known;
  }

  /**
   * Sends to a queue in turn, and to another broker's when that fails.
   *
   * @throws {BrokerError} when retrying would not help. @throws {ClientError} when no attempt succeeded.
   */
  async send(send: PreparedSend, timeoutMs: number): Promise<SendResult> {
    const { clock } = this.#instance.world;
    const startMs = clock.monotonicMs();
    const route = this.#knownRoute(send.topic) ?? await this.route(send.topic);
    const attempts = 1 + this.#settings.retryTimesWhenSendFailed;
    const brokers: string[] = [];
    let failure: unknown = null;
    let stored: SendResult | null = null;
    while (brokers.length < attempts) {
      const nowMs = clock.monotonicMs();
      const leftMs = timeoutMs - (nowMs - startMs);
      if (leftMs <= 0) break;
      const queue = this.#choice.choose(route.writeQueues, brokers.at(-1) ?? null, nowMs);
      brokers.push(queue.brokerName);
      try {
        const result = await this.sendTo(send, queue, leftMs);
        if (result.sendStatus === "SEND_OK" || !this.#settings.retryAnotherBrokerWhenNotStoreOk) return result;
        stored = result;
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        failure = error;
      }
    }
    if (stored !== null) return stored;
    throw sendFailed(send.topic, brokers, clock.monotonicMs() - startMs, failure);
  }

  /**
   * Sends to exactly this queue, once.
   *
   * @throws {BrokerError} @throws {ClientError} @throws {ConnectionError}
   */
  async sendTo(send: PreparedSend, queue: MessageQueue, timeoutMs: number): Promise<SendResult> {
    const { world, calls } = this.#instance;
    const fault = this.#fault;
    const startMs = fault === null ? 0 : world.clock.monotonicMs();
    let failed = true;
    try {
      const address = this.#instance.routes.masterAddress(queue.brokerName) ??
        await this.#instance.routes.findMasterAddress(send.topic, queue.brokerName);
      const request = sendRequest(send, queue, this.#settings, world.clock.now());
      const attempt = async () =>
        readSendResult(await calls.send(address, request, timeoutMs), send, this.#shownQueue(queue), address);
      const isSeen = this.#hooks !== null && !this.#hooks.isEmpty;
      const result = await (isSeen ? this.#hooked(this.#context(send, queue, address, "SYNC"), attempt) : attempt());
      failed = false;
      return result;
    } finally {
      if (fault !== null) {
        const nowMs = world.clock.monotonicMs();
        fault.record(queue.brokerName, nowMs - startMs, failed, nowMs);
      }
    }
  }

  /** Sends without waiting for an answer, to `queue` or the next one in turn. @throws {ConnectionError} */
  async sendOneway(send: PreparedSend, queue: MessageQueue | null): Promise<void> {
    const { world, calls, routes } = this.#instance;
    const route = await this.route(send.topic);
    const target = queue ?? this.#choice.choose(route.writeQueues, null, world.clock.monotonicMs());
    const address = await routes.findMasterAddress(send.topic, target.brokerName);
    const request = sendRequest(send, target, this.#settings, world.clock.now());
    const attempt = () => calls.sendOneway(address, request).then(() => null);
    if (this.#hooks === null || this.#hooks.isEmpty) await attempt();
    else await this.#hooked(this.#context(send, target, address, "ONEWAY"), attempt);
  }

  /** The queue in the words of the user. */
  #shownQueue(queue: MessageQueue): MessageQueue {
    return this.#instance.namespace.unwrapQueue(queue);
  }

  #context(
    send: PreparedSend,
    queue: MessageQueue,
    brokerAddress: string,
    communicationMode: SendMessageContext["communicationMode"],
  ): SendMessageContext {
    return {
      producerGroup: this.#settings.group,
      messages: send.messages,
      msgType: messageTypeOf(send),
      queue,
      brokerAddress,
      communicationMode,
      sendResult: null,
      exception: undefined,
    };
  }

  async #hooked<T extends SendResult | null>(context: SendMessageContext, attempt: () => Promise<T>): Promise<T> {
    const hooks = this.#hooks!;
    hooks.before(context);
    try {
      const result = await attempt();
      context.sendResult = result;
      return result;
    } catch (error) {
      context.exception = error;
      throw error;
    } finally {
      hooks.after(context);
    }
  }
}

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  if (error instanceof BrokerError) return RETRY_CODES.has(error.code);
  return error instanceof ClientError && error.code === ClientErrorCode.BROKER_NOT_EXIST;
}

function sendFailed(topic: string, brokers: readonly string[], costMs: number, cause: unknown): ClientError {
  const text = brokers.length === 0
    ? `send to topic ${topic} call timeout, cost [${Math.round(costMs)}]ms`
    : `Send [${brokers.length}] times, still failed, cost [${Math.round(costMs)}]ms, Topic: ${topic}, BrokersSent: [${
      brokers.join(", ")
    }]: ${cause === null ? "timeout" : messageOf(cause)}`;
  return new ClientError(text, { code: failureCode(cause), retriable: true, cause });
}

function failureCode(cause: unknown): number {
  if (cause instanceof BrokerError || cause instanceof ClientError) return cause.code;
  const isTimeout = !(cause instanceof ConnectionError) || cause.fault === "timeout";
  return isTimeout ? ClientErrorCode.ACCESS_BROKER_TIMEOUT : ClientErrorCode.CONNECT_BROKER_EXCEPTION;
}
