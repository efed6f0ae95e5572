/**
 * Has messages that were not consumed delivered again: by CONSUMER_SEND_MSG_BACK (36), or, when the broker refuses or
 * cannot be reached, by sending a copy to the group's retry topic. Either way the broker makes a dead letter of a message
 * that was delivered too often.
 *
 * Source: RocketMQ `DefaultMQPushConsumerImpl#sendMessageBack`, `ConsumeMessageOrderlyService#sendMessageBack`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { Property } from "../protocol/message.ts";
import type { ConsumerContext } from "./consumer_context.ts";
import type { Message, ReceivedMessage } from "./message.ts";
import { INNER_PRODUCER_GROUP, retryTopicOf } from "./names.ts";
import { producerSettings } from "./options.ts";
import { prepareSend } from "./send_request.ts";
import { Sender } from "./sender.ts";

/** Deliveries of a concurrent consumer's message before it becomes a dead letter, unless configured. */
const RECONSUME_TIMES_MAX = 16;
/** First delay level of a copy: 10 s. */
const FIRST_DELAY_LEVEL = 3;

/** Properties that belong to the delivery of a message and not to the message. */
const NOT_COPIED: readonly string[] = [
  Property.DELAY,
  Property.TRAN_MSG,
  Property.MIN_OFFSET,
  Property.MAX_OFFSET,
  Property.CONSUME_START_TIME,
];

/** Sends back for one consumer. */
export class SendBacker {
  readonly #context: ConsumerContext;
  readonly #sender: Sender;

  constructor(context: ConsumerContext) {
    this.#context = context;
    this.#sender = new Sender(context.instance, producerSettings({ group: INNER_PRODUCER_GROUP }));
  }

  /** How often a message may be consumed again. */
  get reconsumeTimesMax(): number {
    const { maxReconsumeTimes } = this.#context.settings;
    return maxReconsumeTimes < 0 ? RECONSUME_TIMES_MAX : maxReconsumeTimes;
  }

  /** Has a message delivered again; false when that was not possible at all. */
  async sendBack(message: ReceivedMessage, delayLevel: number): Promise<boolean> {
    const { instance, settings } = this.#context;
    try {
      const address = instance.routes.masterAddress(message.brokerName) ?? message.storeHost;
      await instance.calls.sendBack(address, {
        group: settings.group,
        physicalOffset: message.physicalOffset,
        delayLevel,
        originMsgId: message.msgId,
        originTopic: instance.namespace.wrap(message.topic),
        maxReconsumeTimes: this.reconsumeTimesMax,
        brokerName: message.brokerName,
      });
      return true;
    } catch (error) {
      instance.world.log.warn(`cannot send back ${message.msgId}, send a copy instead: ${messageOf(error)}`);
      return await this.sendCopy(message, this.reconsumeTimesMax);
    }
  }

  /** Sends a copy to the retry topic; false when that was not possible. */
  async sendCopy(message: ReceivedMessage, reconsumeTimesMax: number): Promise<boolean> {
    const { instance, settings } = this.#context;
    try {
      const topic = instance.namespace.wrap(message.topic);
      const copy = retryCopy(message, { group: settings.group, topic, reconsumeTimesMax });
      const limits = producerSettings({ group: INNER_PRODUCER_GROUP });
      await this.#sender.send(prepareSend(copy, limits, () => instance.uniqueIds.next()), 5000);
      return true;
    } catch (error) {
      instance.world.log.warn(`cannot send a copy of ${message.msgId} for its retry: ${messageOf(error)}`);
      return false;
    }
  }
}

/** Where a retried message belongs. */
export interface RetryOf {
  readonly group: string;
  /** That it was sent to, under its full name. */
  readonly topic: string;
  readonly reconsumeTimesMax: number;
}

/** The message to a group's retry topic that stands for another delivery of `message`. */
export function retryCopy(message: ReceivedMessage, { group, topic, reconsumeTimesMax }: RetryOf): Message {
  const properties = Object.fromEntries(message.properties);
  for (const name of NOT_COPIED) delete properties[name];
  properties[Property.ORIGIN_MESSAGE_ID] = message.properties.get(Property.ORIGIN_MESSAGE_ID) ?? message.msgId;
  properties[Property.RETRY_TOPIC] = message.properties.get(Property.RETRY_TOPIC) ?? topic;
  properties[Property.RECONSUME_TIME] = String(message.reconsumeTimes + 1);
  properties[Property.MAX_RECONSUME_TIMES] = String(reconsumeTimesMax);
  return {
    topic: retryTopicOf(group),
    body: message.body,
    flag: message.flag,
    properties,
    delayLevel: FIRST_DELAY_LEVEL + message.reconsumeTimes,
  };
}
