/**
 * Sends messages for a group.
 *
 * ```ts
 * const producer = client.producer({ group: "orders" });
 * await producer.start();
 * const { msgId, queueOffset } = await producer.send({ topic: "Order", tags: "paid", keys: "4711", body: "…" });
 * ```
 *
 * Source: RocketMQ `DefaultMQProducer`.
 *
 * @module
 */
import { javaHash } from "../common/bytes.ts";
import { messageOf } from "../common/errors.ts";
import { Property } from "../protocol/message.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { ClientError, ClientErrorCode, isRetriable } from "./errors.ts";
import { type CheckForbiddenHook, type EndTransactionHook, SendHooks, type SendMessageHook } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ProducerMember, TransactionCheck } from "./members.ts";
import type { Message, ReceivedMessage, SendResult } from "./message.ts";
import { checkProducerGroup } from "./names.ts";
import { type ProducerOptions, type ProducerSettings, producerSettings } from "./options.ts";
import { newCorrelationId } from "./request_reply.ts";
import { Sender } from "./sender.ts";
import { prepareBatch, type PreparedSend, prepareSend } from "./send_request.ts";
import { TraceDispatcher } from "./trace_dispatcher.ts";
import { SendTrace } from "./trace_hooks.ts";

/** Chooses a queue; `arg` is what the caller of send gave. Equal keys of an order should give equal queues. */
export type QueueSelector = (queues: readonly MessageQueue[], message: Message, arg: unknown) => MessageQueue;

/** How one send differs from the others. */
export interface SendOptions {
  /** Whole time, retries included; the producer's by default. */
  readonly timeoutMs?: number;
  /** Exactly this queue; a failure is not retried. */
  readonly queue?: MessageQueue;
  /** Chooses the queue; a failure is not retried. */
  readonly selector?: QueueSelector;
  /** For the selector. */
  readonly arg?: unknown;
}

/** What becomes of an asynchronous send. Exactly one of the two is called, once. */
export interface SendCallback {
  /** The message was stored. */
  onSuccess(result: SendResult): void;
  /** It was not, or nobody knows; the errors are those of `Producer.send`. */
  onException(error: unknown): void;
}

/** See the module's text. */
export class Producer implements ProducerMember {
  readonly group: string;
  protected readonly instance: ClientInstance;
  protected readonly settings: ProducerSettings;
  protected readonly sender: Sender;
  /** Who sees its messages. */
  protected readonly hooks: SendHooks;
  readonly #trace: TraceDispatcher | null;
  #state: "new" | "running" | "closed" = "new";
  #asyncSends = 0;
  readonly #asyncWaiting: (() => void)[] = [];
  /** Makes the ids of messages. */
  protected readonly nextId: () => string;
  #sending = 0;
  #idle: (() => void) | null = null;

  /** Made by `Client.producer`. @throws {ClientError} when the group cannot have this name. */
  constructor(instance: ClientInstance, options: ProducerOptions) {
    checkProducerGroup(options.group);
    const group = instance.namespace.wrap(options.group);
    this.group = group;
    this.instance = instance;
    this.settings = producerSettings({ ...options, group });
    this.hooks = new SendHooks(instance.world.log);
    this.sender = new Sender(instance, this.settings, this.hooks);
    this.#trace = options.enableMsgTrace
      ? new TraceDispatcher(instance, { group, kind: "PRODUCE", topic: options.customizedTraceTopic ?? null })
      : null;
    if (this.#trace !== null) {
      const hook = new SendTrace(instance, this.#trace);
      this.hooks.addSend(hook);
      this.hooks.addEndTransaction(hook);
    }
    this.nextId = () => instance.uniqueIds.next();
  }

  /** Adds a hook that sees every attempt to send. */
  registerSendMessageHook(hook: SendMessageHook): void {
    this.hooks.addSend(hook);
  }

  /** Adds a hook that may forbid sends. */
  registerCheckForbiddenHook(hook: CheckForbiddenHook): void {
    this.hooks.addCheckForbidden(hook);
  }

  /** Adds a hook that sees the outcomes of transactions. */
  registerEndTransactionHook(hook: EndTransactionHook): void {
    this.hooks.addEndTransaction(hook);
  }

  /** Makes it known to the client; to brokers when it first sends to them. @throws {ClientError} */
  start(): Promise<void> {
    if (this.#state !== "new") {
      return Promise.reject(new ClientError(`The producer service state not OK, maybe started once, ${this.#state}`));
    }
    try {
      this.instance.addProducer(this);
      this.#state = "running";
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for sends under way, then takes the group off all brokers. Idempotent. */
  async shutdown(): Promise<void> {
    if (this.#state !== "running") return;
    this.#state = "closed";
    if (this.#sending > 0) await new Promise<void>((resolve) => this.#idle = resolve);
    await this.#trace?.flush();
    await this.instance.removeProducer(this);
  }

  /** {@linkcode shutdown}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /**
   * Sends a message and resolves when the broker has stored it as safely as it is configured to.
   *
   * @throws {ClientError} when the message may not be sent, or no attempt succeeded within the time.
   * @throws {BrokerError} when a broker refused it and another one would as well.
   * @throws {ConnectionError} when sending to one queue only and its broker cannot be reached.
   */
  send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return this.track(() => this.#send(this.prepare(message), message, options));
  }

  /** Sends messages of one topic with one request; all are stored or none. @throws as {@linkcode send}. */
  sendBatch(messages: readonly Message[], options: SendOptions = {}): Promise<SendResult> {
    const { namespace } = this.instance;
    const named = namespace.name === "" ? messages : messages.map((message) => this.#named(message));
    return this.track(() => this.#send(prepareBatch(named, this.settings, this.nextId), messages[0]!, options));
  }

  /**
   * Sends without waiting; the callback hears what became of it. Resolves at once, or, with `asyncSendsMax` under way, when
   * one of them has ended: await it and memory stays bounded.
   */
  async sendAsync(message: Message, callback: SendCallback, options: SendOptions = {}): Promise<void> {
    if (this.#asyncSends >= this.settings.asyncSendsMax) {
      await new Promise<void>((resolve) => this.#asyncWaiting.push(resolve));
    }
    this.#asyncSends++;
    this.send(message, options).then(
      (result) => callback.onSuccess(result),
      (error) => callback.onException(error),
    ).finally(() => {
      this.#asyncSends--;
      this.#asyncWaiting.shift()?.();
    });
  }

  /**
   * Sends a request and waits for the reply that a consumer of it sends with `createReply`.
   *
   * @param timeoutMs for both.
   * @throws {ClientError} REQUEST_TIMEOUT when no reply comes in time. @throws as {@linkcode send}.
   */
  request(message: Message, timeoutMs: number, options: SendOptions = {}): Promise<ReceivedMessage> {
    return this.track(async () => {
      const correlationId = newCorrelationId(this.instance.world.random);
      const properties = {
        ...message.properties,
        [Property.CORRELATION_ID]: correlationId,
        [Property.REPLY_TO_CLIENT]: this.instance.clientId,
        [Property.TTL]: String(timeoutMs),
      };
      await this.sender.route(this.instance.namespace.wrap(message.topic));
      await this.instance.heartbeat(); // the reply finds its way by what brokers know of us
      const reply = this.instance.waitForReply(correlationId, timeoutMs);
      this.send({ ...message, properties }, { timeoutMs, ...options }).catch((cause) => {
        const text = `cannot send the request to topic ${message.topic}: ${messageOf(cause)}`;
        const details = { code: ClientErrorCode.REQUEST_TIMEOUT, retriable: isRetriable(cause), cause };
        this.instance.abandonReply(correlationId, new ClientError(text, details));
      });
      return await reply;
    });
  }

  /** Sends and does not want to know what became of it; resolves when the request is on its way. */
  sendOneway(message: Message, options: SendOptions = {}): Promise<void> {
    return this.track(async () => {
      const send = this.prepare(message);
      await this.sender.sendOneway(send, await this.#givenQueue(message, options));
    });
  }

  /** The queues of a topic that can be sent to. @throws {ClientError} @throws {ConnectionError} */
  async fetchPublishMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    const { namespace } = this.instance;
    return namespace.unwrapQueues((await this.sender.route(namespace.wrap(topic))).writeQueues);
  }

  /** For the client: see {@link ProducerMember}. */
  topics(): Iterable<string> {
    return this.sender.topics();
  }

  /** For the client: see {@link ProducerMember}; an ordinary producer has no transactions. */
  checkTransaction(check: TransactionCheck): void {
    this.instance.world.log.warn(`producer group ${this.group} has no transaction listener: ${check.transactionId}`);
  }

  /** The message, ready to be sent. @throws {ClientError} when it may not be sent. */
  protected prepare(message: Message): PreparedSend {
    return prepareSend(this.#named(message), this.settings, this.nextId);
  }

  /** The message under its full name. A reply goes to the cluster's own topic. */
  #named(message: Message): Message {
    const { namespace } = this.instance;
    if (namespace.name === "" || message.properties?.[Property.MSG_TYPE] === "reply") return message;
    return { ...message, topic: namespace.wrap(message.topic) };
  }

  async #send(send: PreparedSend, message: Message, options: SendOptions): Promise<SendResult> {
    const timeoutMs = options.timeoutMs ?? this.settings.sendMsgTimeoutMs;
    if (options.queue === undefined && options.selector === undefined) return await this.sender.send(send, timeoutMs);
    return await this.sender.sendTo(send, (await this.#givenQueue(message, options))!, timeoutMs);
  }

  async #givenQueue(message: Message, options: SendOptions): Promise<MessageQueue | null> {
    const { namespace } = this.instance;
    const topic = namespace.wrap(message.topic);
    if (options.queue !== undefined) {
      const given = namespace.wrapQueue(options.queue);
      if (given.topic !== topic) throw new ClientError("message's topic not equal mq's topic");
      return given;
    }
    if (options.selector === undefined) return null;
    const queues = namespace.unwrapQueues((await this.sender.route(topic)).writeQueues);
    const queue = options.selector(queues, message, options.arg);
    if (queue === undefined || queue === null) throw new ClientError("select message queue return null.");
    return namespace.wrapQueue(queue);
  }

  readonly #sent = (): void => {
    if (--this.#sending === 0) this.#idle?.();
  };

  /** Does `work` while the producer runs; a shutdown waits for it. @throws {ClientError} when it does not run. */
  protected track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state !== "running") {
      return Promise.reject(new ClientError(`The producer service state not OK, ${this.#state}`));
    }
    let sending: Promise<T>;
    try {
      sending = work();
    } catch (error) {
      return Promise.reject(error);
    }
    this.#sending++;
    sending.then(this.#sent, this.#sent);
    return sending;
  }
}

/** The queue by a hash of `arg`: equal args, equal queue. Source: RocketMQ `SelectMessageQueueByHash`. */
export function selectByHash(queues: readonly MessageQueue[], _message: Message, arg: unknown): MessageQueue {
  return queues[Math.abs(javaHash(String(arg)) % queues.length)]!;
}
