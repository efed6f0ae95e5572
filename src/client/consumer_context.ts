/**
 * What the parts of one push consumer share.
 *
 * @module
 */
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { ConsumeDirectlyResult } from "../protocol/bodies/running_info.ts";
import { Property } from "../protocol/message.ts";
import type { ConsumeStats } from "./consume_stats.ts";
import type { ConsumeHooks } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ReceivedMessage } from "./message.ts";
import { retryTopicOf } from "./names.ts";
import type { OffsetStore } from "./offset_store.ts";
import type { PushConsumerSettings } from "./options.ts";
import type { ProcessQueue } from "./process_queue.ts";
import type { Stop } from "./stop.ts";

/** See the module's text. */
export interface ConsumerContext {
  readonly instance: ClientInstance;
  readonly settings: PushConsumerSettings;
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
  /** Stops when the consumer does. */
  readonly stop: Stop;
  /** By topic; the group's retry topic is among them. */
  readonly subscriptions: ReadonlyMap<string, SubscriptionData>;
  /** Who sees its messages. */
  readonly hooks: ConsumeHooks;
  /** Whether the consumer was suspended. */
  isPaused(): boolean;
}

/** Gives messages to the listener. */
export interface ConsumeService {
  /** New messages of a queue, which the queue holds already. */
  submit(messages: readonly ReceivedMessage[], from: ProcessQueue): void;
  /** Gives one message to the listener, outside of any queue. */
  consumeDirectly(message: ReceivedMessage): Promise<ConsumeDirectlyResult>;
  /** Resolves when no call of the listener is under way. */
  idle(): Promise<void>;
}

/** Shows the listener the topic a retried message was sent to, in the listener's words, and notes when it got it. */
export function presentToListener(
  message: ReceivedMessage,
  { instance, settings }: ConsumerContext,
  nowMs: number,
): void {
  const original = message.properties.get(Property.RETRY_TOPIC);
  if (original !== undefined && message.queueTopic === retryTopicOf(settings.group)) message.topic = original;
  message.topic = instance.namespace.unwrap(message.topic);
  message.properties.set(Property.CONSUME_START_TIME, String(nowMs));
}
