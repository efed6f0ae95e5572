/**
 * Hooks that write down what happens to messages, for a {@link TraceDispatcher}. Messages that the broker does not want traced
 * (`TRACE_ON` false) are left out, and so are sends of whose outcome nothing is known.
 *
 * Source: RocketMQ `SendMessageTraceHookImpl`, `ConsumeMessageTraceHookImpl`, `EndTransactionTraceHookImpl`.
 *
 * @module
 */
import { Property } from "../protocol/message.ts";
import type { SubBeforeTrace } from "../protocol/trace.ts";
import type { ClientInstance } from "./instance.ts";
import {
  ConsumeHooks,
  type ConsumeMessageContext,
  type ConsumeMessageHook,
  type EndTransactionContext,
  type EndTransactionHook,
  type SendMessageContext,
  type SendMessageHook,
} from "./hooks.ts";
import { bodyBytes, messageProperties, ReceivedMessage } from "./message.ts";
import { withoutNamespace } from "./namespace.ts";
import type { TraceSettings } from "./options.ts";
import { TraceDispatcher } from "./trace_dispatcher.ts";

/** Region of brokers that name none. */
const DEFAULT_REGION = "DefaultRegion";

/** Traces what a producer sends. */
export class SendTrace implements SendMessageHook, EndTransactionHook {
  readonly hookName = "SendMessageTraceHook";
  readonly #instance: ClientInstance;
  readonly #dispatcher: TraceDispatcher;
  readonly #startsMs = new WeakMap<SendMessageContext, number>();

  constructor(instance: ClientInstance, dispatcher: TraceDispatcher) {
    this.#instance = instance;
    this.#dispatcher = dispatcher;
  }

  /** @inheritdoc */
  sendMessageBefore(context: SendMessageContext): void {
    if (this.#isTrace(context.queue.topic)) return;
    this.#startsMs.set(context, this.#instance.world.clock.now());
  }

  /** @inheritdoc */
  sendMessageAfter(context: SendMessageContext): void {
    const timestamp = this.#startsMs.get(context);
    const { sendResult, messages, queue } = context;
    if (timestamp === undefined || sendResult === null || !sendResult.traceOn) return;
    const isBatch = messages.length > 1;
    const properties = isBatch ? null : messageProperties(messages[0]!);
    const topic = withoutNamespace(queue.topic);
    this.#dispatcher.append(topic, [{
      type: "Pub",
      timestamp,
      regionId: sendResult.regionId,
      groupName: withoutNamespace(context.producerGroup),
      topic,
      msgId: sendResult.msgId,
      tags: properties?.get(Property.TAGS) ?? null,
      keys: properties?.get(Property.KEYS) ?? null,
      storeHost: context.brokerAddress,
      bodyLength: messages.reduce((sum, { body }) => sum + bodyBytes(body).length, 0),
      costTimeMs: Math.max(0, this.#instance.world.clock.now() - timestamp),
      msgType: context.msgType,
      offsetMsgId: sendResult.offsetMsgId,
      success: sendResult.sendStatus === "SEND_OK",
    }]);
  }

  /** @inheritdoc */
  endTransaction(context: EndTransactionContext): void {
    const { message } = context;
    if (this.#isTrace(message.topic)) return;
    const properties = message instanceof ReceivedMessage ? message.properties : messageProperties(message);
    const topic = withoutNamespace(message.topic);
    this.#dispatcher.append(topic, [{
      type: "EndTransaction",
      timestamp: this.#instance.world.clock.now(),
      regionId: properties.get(Property.MSG_REGION) || DEFAULT_REGION,
      groupName: withoutNamespace(context.producerGroup),
      topic,
      msgId: context.msgId,
      tags: properties.get(Property.TAGS) ?? null,
      keys: properties.get(Property.KEYS) ?? null,
      storeHost: context.brokerAddress,
      msgType: "Trans_msg_Commit",
      transactionId: context.transactionId,
      transactionState: context.transactionState,
      fromTransactionCheck: context.fromTransactionCheck,
    }]);
  }

  #isTrace(topic: string): boolean {
    return topic.startsWith(this.#dispatcher.topic);
  }
}

/** Traces what a consumer gets. */
export class ConsumeTrace implements ConsumeMessageHook {
  readonly hookName = "ConsumeMessageTraceHook";
  readonly #instance: ClientInstance;
  readonly #dispatcher: TraceDispatcher;
  readonly #begun = new WeakMap<ConsumeMessageContext, readonly SubBeforeTrace[]>();

  constructor(instance: ClientInstance, dispatcher: TraceDispatcher) {
    this.#instance = instance;
    this.#dispatcher = dispatcher;
  }

  /** @inheritdoc */
  consumeMessageBefore(context: ConsumeMessageContext): void {
    const { uniqueIds, world } = this.#instance;
    const traced = context.messages.filter(({ properties }) => properties.get(Property.TRACE_ON) !== "false");
    if (traced.length === 0 || traced[0]!.topic.startsWith(this.#dispatcher.topic)) return;
    const requestId = uniqueIds.next();
    const timestamp = world.clock.now();
    const records = traced.map((message): SubBeforeTrace => ({
      type: "SubBefore",
      timestamp,
      regionId: message.properties.get(Property.MSG_REGION) ?? DEFAULT_REGION,
      groupName: withoutNamespace(context.consumerGroup),
      requestId,
      msgId: message.msgId,
      retryTimes: message.reconsumeTimes,
      keys: message.properties.get(Property.KEYS) ?? null,
    }));
    this.#begun.set(context, records);
    this.#dispatcher.append(withoutNamespace(traced[0]!.topic), records);
  }

  /** @inheritdoc */
  consumeMessageAfter(context: ConsumeMessageContext): void {
    const begun = this.#begun.get(context);
    if (begun === undefined) return;
    const costTimeMs = Math.max(0, this.#instance.world.clock.now() - begun[0]!.timestamp);
    this.#dispatcher.append(
      withoutNamespace(context.messages[0]!.topic),
      begun.map(({ requestId, msgId, keys, timestamp, groupName }) => ({
        type: "SubAfter",
        requestId,
        msgId,
        costTimeMs: Math.trunc(costTimeMs / context.messages.length),
        success: context.success,
        keys,
        returnType: context.returnType,
        timestamp,
        groupName,
      })),
    );
  }
}

/** The hooks of a consumer, with its trace among them when it is wanted. */
export function consumeHooks(
  instance: ClientInstance,
  group: string,
  { enableMsgTrace, customizedTraceTopic }: TraceSettings,
): { readonly hooks: ConsumeHooks; readonly trace: TraceDispatcher | null } {
  const hooks = new ConsumeHooks(instance.world.log);
  if (!enableMsgTrace) return { hooks, trace: null };
  const trace = new TraceDispatcher(instance, { group, kind: "CONSUME", topic: customizedTraceTopic ?? null });
  hooks.addConsume(new ConsumeTrace(instance, trace));
  return { hooks, trace };
}
