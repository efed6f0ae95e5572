/**
 * One pull: asks the broker which the last answer suggested, decodes what it sends and leaves out what only looked as if
 * it was subscribed. Shared by push and pull consumers.
 *
 * Source: RocketMQ `PullAPIWrapper`.
 *
 * @module
 */
import { MASTER_ID } from "../protocol/bodies/route.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import { Property, PullSysFlag } from "../protocol/message.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import { isTagType, matchesTag } from "../protocol/subscription.ts";
import type { PullStatus } from "./broker_calls.ts";
import { decodeMessages } from "./decode_message.ts";
import type { ConsumeHooks } from "./hooks.ts";
import type { ClientInstance } from "./instance.ts";
import type { ReceivedMessage } from "./message.ts";

/** What to pull. */
export interface Pull {
  readonly queue: MessageQueue;
  /** First offset wanted. */
  readonly offset: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly subscription: SubscriptionData;
  /** Whether the request says what is subscribed; else the broker must know it from heartbeats. */
  readonly carrySubscription: boolean;
  /** Offset to be stored for the group along with it; −1 for none. */
  readonly commitOffset: number;
  /** How long the broker may wait for a message; 0: not at all. */
  readonly suspendMs: number;
  readonly timeoutMs: number;
  /** As a lite pull consumer. */
  readonly isLite?: boolean;
}

/** What came of it. */
export interface PullResult {
  readonly status: PullStatus;
  /** Where to go on. */
  readonly nextBeginOffset: number;
  readonly minOffset: number;
  /** The offset that the next message of the queue will get. */
  readonly maxOffset: number;
  readonly messages: readonly ReceivedMessage[];
}

/** Pulls for one group. */
export class Puller {
  readonly #instance: ClientInstance;
  readonly #group: string;
  readonly #hooks: ConsumeHooks;
  readonly #brokerIds = new Map<string, number>();

  /** @param hooks whose filters choose among what was pulled. */
  constructor(instance: ClientInstance, group: string, hooks: ConsumeHooks) {
    this.#instance = instance;
    this.#group = group;
    this.#hooks = hooks;
  }

  /**
   * Pulls.
   *
   * @throws {BrokerError} @throws {ClientError} when the broker is not known, or sent no messages.
   * @throws {ConnectionError}
   */
  async pull(pull: Pull): Promise<PullResult> {
    const { queue, subscription } = pull;
    const key = messageQueueKey(queue);
    const brokerId = this.#brokerIds.get(key) ?? MASTER_ID;
    const { routes, calls } = this.#instance;
    const address = routes.readAddress(queue.brokerName, brokerId) ??
      await routes.findReadAddress(queue.topic, queue.brokerName, brokerId);
    // A slave does not store offsets.
    const commit = pull.commitOffset >= 0 && routes.masterAddress(queue.brokerName) === address;
    const answer = await calls.pull(address, {
      consumerGroup: this.#group,
      topic: queue.topic,
      queueId: queue.queueId,
      queueOffset: pull.offset,
      maxMsgNums: pull.maxMessages,
      sysFlag: (commit ? PullSysFlag.COMMIT_OFFSET : 0) | (pull.suspendMs > 0 ? PullSysFlag.SUSPEND : 0) |
        (pull.carrySubscription ? PullSysFlag.SUBSCRIPTION : 0) | (pull.isLite ? PullSysFlag.LITE_PULL : 0),
      commitOffset: commit ? pull.commitOffset : 0,
      suspendTimeoutMillis: pull.suspendMs,
      subscription: pull.carrySubscription ? subscription.subString : undefined,
      subVersion: subscription.subVersion,
      expressionType: subscription.expressionType,
      maxMsgBytes: pull.maxBytes,
      requestSource: undefined,
      proxyFrowardClientId: undefined,
    }, { brokerName: queue.brokerName, timeoutMs: pull.timeoutMs, isLite: pull.isLite ?? false });
    if (answer.suggestWhichBrokerId === MASTER_ID) this.#brokerIds.delete(key);
    else this.#brokerIds.set(key, answer.suggestWhichBrokerId);
    return { ...answer, messages: answer.status === "FOUND" ? this.#decode(answer.body, pull, answer) : [] };
  }

  #decode(body: Uint8Array, { queue, subscription }: Pull, range: PullRange): ReceivedMessage[] {
    const checkTags = isTagType(subscription.expressionType) && subscription.tagsSet.length > 0;
    const messages = decodeMessages(body, {
      brokerName: queue.brokerName,
      ...(checkTags ? { wanted: (message: ReceivedMessage) => matchesTag(subscription, message.tags) } : {}),
    });
    const { namespace } = this.#instance;
    for (const message of messages) {
      message.topic = namespace.unwrap(message.topic);
      message.properties.set(Property.MIN_OFFSET, String(range.minOffset));
      message.properties.set(Property.MAX_OFFSET, String(range.maxOffset));
    }
    return this.#hooks.filter(messages, this.#group);
  }
}

interface PullRange {
  readonly minOffset: number;
  readonly maxOffset: number;
}
