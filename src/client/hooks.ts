/**
 * Hooks: functions of the client's owner, or of its trace, that see every message on its way out and in. What a hook throws
 * is logged and changes nothing; only a {@link CheckForbiddenHook} can stop a message.
 *
 * Source: RocketMQ `SendMessageHook`, `ConsumeMessageHook`, `EndTransactionHook`, `CheckForbiddenHook`, `FilterMessageHook`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ConsumeReturnType, TraceMessageType } from "../protocol/trace.ts";
import type { Message, ReceivedMessage, SendResult } from "./message.ts";

/** How the sender waits. */
export type CommunicationMode = "SYNC" | "ONEWAY";

/** One attempt to send. */
export interface SendMessageContext {
  readonly producerGroup: string;
  /** What is sent: one message, or all of a batch. */
  readonly messages: readonly Message[];
  readonly msgType: TraceMessageType;
  readonly queue: MessageQueue;
  readonly brokerAddress: string;
  readonly communicationMode: CommunicationMode;
  /** After the attempt: where the message is, when it was stored and somebody waited for it. */
  sendResult: SendResult | null;
  /** After the attempt: why it failed, undefined otherwise. */
  exception: unknown;
}

/** Sees messages before and after each attempt to send them. */
export interface SendMessageHook {
  /** For the log. */
  readonly hookName: string;
  /** Before an attempt; the outcome is not there yet. */
  sendMessageBefore(context: SendMessageContext): void;
  /** Gets the object that {@linkcode sendMessageBefore} got. */
  sendMessageAfter(context: SendMessageContext): void;
}

/** What a {@link CheckForbiddenHook} decides about. */
export type CheckForbiddenContext = Pick<
  SendMessageContext,
  "producerGroup" | "messages" | "queue" | "brokerAddress" | "communicationMode"
>;

/** Forbids sends. */
export interface CheckForbiddenHook {
  /** For the log. */
  readonly hookName: string;
  /** What it throws fails the send with this error; another broker is not tried. */
  checkForbidden(context: CheckForbiddenContext): void;
}

/** One call of a listener, or one answer to a poll or pull. */
export interface ConsumeMessageContext {
  readonly consumerGroup: string;
  readonly queue: MessageQueue;
  readonly messages: readonly ReceivedMessage[];
  /** Afterwards: whether all were consumed. */
  success: boolean;
  /** Afterwards: the listener's answer, `CONSUME_SUCCESS` for instance. */
  status: string;
  /** Afterwards: how it came to that. */
  returnType: ConsumeReturnType;
}

/** Sees messages before and after they are consumed. */
export interface ConsumeMessageHook {
  /** For the log. */
  readonly hookName: string;
  /** Before messages are consumed; how it ends is not there yet. */
  consumeMessageBefore(context: ConsumeMessageContext): void;
  /** Gets the object that {@linkcode consumeMessageBefore} got. */
  consumeMessageAfter(context: ConsumeMessageContext): void;
}

/** A transaction's outcome that is told to a broker. */
export interface EndTransactionContext {
  readonly producerGroup: string;
  readonly message: Message | ReceivedMessage;
  readonly brokerAddress: string;
  readonly msgId: string;
  readonly transactionId: string;
  /** `COMMIT_MESSAGE`, `ROLLBACK_MESSAGE` or `UNKNOW`. */
  readonly transactionState: string;
  /** Whether the broker had asked. */
  readonly fromTransactionCheck: boolean;
}

/** Sees outcomes of transactions before they are sent. */
export interface EndTransactionHook {
  /** For the log. */
  readonly hookName: string;
  /** Before an outcome is sent. */
  endTransaction(context: EndTransactionContext): void;
}

/** Chooses among messages that were pulled. */
export interface FilterMessageHook {
  /** For the log. */
  readonly hookName: string;
  /** Whether the consumer is to have this message; one that it is not to have counts as consumed. */
  accepts(message: ReceivedMessage, consumerGroup: string): boolean;
}

/** The hooks of one producer. */
export class SendHooks {
  readonly #log: Log;
  readonly #send: SendMessageHook[] = [];
  readonly #forbidden: CheckForbiddenHook[] = [];
  readonly #endTransaction: EndTransactionHook[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether nobody looks at sends, so that no context need be made. */
  get isEmpty(): boolean {
    return this.#send.length === 0 && this.#forbidden.length === 0;
  }

  /** Adds a hook, behind the others. */
  addSend(hook: SendMessageHook): void {
    this.#send.push(hook);
  }

  /** Adds a hook, behind the others. */
  addCheckForbidden(hook: CheckForbiddenHook): void {
    this.#forbidden.push(hook);
  }

  /** Adds a hook, behind the others. */
  addEndTransaction(hook: EndTransactionHook): void {
    this.#endTransaction.push(hook);
  }

  /** Before an attempt. @throws what a {@link CheckForbiddenHook} does. */
  before(context: SendMessageContext): void {
    for (const hook of this.#forbidden) hook.checkForbidden(context);
    for (const hook of this.#send) guarded(this.#log, hook.hookName, () => hook.sendMessageBefore(context));
  }

  /** After an attempt. */
  after(context: SendMessageContext): void {
    for (const hook of this.#send) guarded(this.#log, hook.hookName, () => hook.sendMessageAfter(context));
  }

  /** Before an outcome is told. */
  endTransaction(context: EndTransactionContext): void {
    for (const hook of this.#endTransaction) guarded(this.#log, hook.hookName, () => hook.endTransaction(context));
  }
}

/** The hooks of one consumer. */
export class ConsumeHooks {
  readonly #log: Log;
  readonly #consume: ConsumeMessageHook[] = [];
  readonly #filter: FilterMessageHook[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a hook, behind the others. */
  addConsume(hook: ConsumeMessageHook): void {
    this.#consume.push(hook);
  }

  /** Adds a hook, behind the others. */
  addFilter(hook: FilterMessageHook): void {
    this.#filter.push(hook);
  }

  /** Before messages are consumed; null when nobody looks. */
  before(
    consumerGroup: string,
    queue: MessageQueue,
    messages: readonly ReceivedMessage[],
  ): ConsumeMessageContext | null {
    if (this.#consume.length === 0 || messages.length === 0) return null;
    const context: ConsumeMessageContext = {
      consumerGroup,
      queue,
      messages,
      success: false,
      status: "",
      returnType: "SUCCESS",
    };
    for (const hook of this.#consume) guarded(this.#log, hook.hookName, () => hook.consumeMessageBefore(context));
    return context;
  }

  /** After they were. */
  after(context: ConsumeMessageContext | null, end: ConsumeEnd): void {
    if (context === null) return;
    Object.assign(context, end);
    for (const hook of this.#consume) guarded(this.#log, hook.hookName, () => hook.consumeMessageAfter(context));
  }

  /** Both at once, for messages that are consumed by being handed out. */
  handedOut(consumerGroup: string, queue: MessageQueue, messages: readonly ReceivedMessage[]): void {
    this.after(this.before(consumerGroup, queue, messages), HANDED_OUT);
  }

  /** The messages that all filters accept; a filter that throws accepts. */
  filter(messages: ReceivedMessage[], consumerGroup: string): ReceivedMessage[] {
    if (this.#filter.length === 0) return messages;
    return messages.filter((message) =>
      this.#filter.every((hook) => {
        let accepted = true;
        guarded(this.#log, hook.hookName, () => accepted = hook.accepts(message, consumerGroup));
        return accepted;
      })
    );
  }
}

/** How a call of a listener ended. */
export type ConsumeEnd = Pick<ConsumeMessageContext, "success" | "status" | "returnType">;

const HANDED_OUT: ConsumeEnd = { success: true, status: "CONSUME_SUCCESS", returnType: "SUCCESS" };

function guarded(log: Log, name: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    log.warn(`hook ${name} failed: ${messageOf(error)}`);
  }
}
