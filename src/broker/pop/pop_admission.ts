/**
 * Whether a POP request may read, and what it wants: RocketMQ's checks in RocketMQ's order and words.
 * Source: RocketMQ `PopMessageProcessor#processRequest`, `NotificationProcessor`, `PeekMessageProcessor`.
 *
 * @module
 */
import type { SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import type { TopicConfig } from "../../protocol/bodies/register.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import { Perm } from "../../protocol/message.ts";
import { ResponseError, seeFaq } from "../../protocol/response_error.ts";
import { buildSubscription, isTagType } from "../../protocol/subscription.ts";
import type { MessageFilter } from "../../store/store.ts";
import type { GroupTable } from "../groups.ts";
import { type ExpressionFilters, tagFilter } from "../pull_admission.ts";
import {
  brokerPermissionCause,
  groupDisabledCause,
  groupForbiddenCause,
  groupMissingCause,
  topicPermissionCause,
} from "../refusal_causes.ts";
import type { TopicTable } from "../topics.ts";

/** Most messages of a pop. */
const MESSAGES_MAX = 32;
/** A request that comes later than its time and this much more is not worth an answer with messages. */
const LATE_MS = 500;

/** What the checks must know of the configuration. */
export interface PopAdmissionSettings {
  /** Mask over all topics (`brokerPermission`). */
  brokerPermission(): number;
  readonly brokerIP1: string;
  /** Whether this broker is a slave: what is in flight is known to the master alone. */
  isSlave(): boolean;
  /** Wall clock, milliseconds. */
  now(): number;
}

/** What is common to all requests that read by POP. */
export interface PopTarget {
  readonly consumerGroup: string;
  readonly topic: string;
  readonly queueId: number;
}

/** What a request is allowed to see. */
export interface AdmittedPop {
  readonly group: SubscriptionGroupConfig;
  readonly topic: TopicConfig;
}

/** The checks. */
export class PopAdmission {
  constructor(
    readonly groups: GroupTable,
    readonly topics: TopicTable,
    readonly expressions: ExpressionFilters,
    readonly settings: PopAdmissionSettings,
  ) {}

  /**
   * Whether the topic can be read by the group.
   *
   * @param remote address of the client, for the remark.
   * @throws {ResponseError} with RocketMQ's code and remark when the request is refused.
   */
  admit(target: PopTarget, what: "pop" | "peek", remote: string): AdmittedPop {
    const { brokerPermission, brokerIP1 } = this.settings;
    if ((brokerPermission() & Perm.READ) === 0) {
      const verb = what === "pop" ? "pop message" : "peeking message";
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the broker[${brokerIP1}] ${verb} is forbidden${brokerPermissionCause(brokerPermission())}`,
      );
    }
    if (this.settings.isSlave()) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the broker[${brokerIP1}] is a slave: what is in flight is known to its master alone, ask there`,
      );
    }
    const topic = this.#topic(target, remote);
    return { topic, group: this.#group(target) };
  }

  /** Whether so many messages may be asked for. @throws {ResponseError} INVALID_PARAMETER. */
  checkCount(maxMessages: number): void {
    if (maxMessages <= MESSAGES_MAX) return;
    throw new ResponseError(
      ResponseCode.INVALID_PARAMETER,
      `the broker[${this.settings.brokerIP1}] pop message's num is greater than ${MESSAGES_MAX}`,
    );
  }

  /** Whether anybody waits for the answer. @throws {ResponseError} POLLING_TIMEOUT when the client has given up on the request long ago. */
  checkAge(bornMs: number, pollMs: number): void {
    if (this.settings.now() - bornMs - pollMs <= LATE_MS) return;
    throw new ResponseError(
      ResponseCode.POLLING_TIMEOUT,
      `the broker[${this.settings.brokerIP1}] pop message is timeout too much`,
    );
  }

  /** The filter of an expression; null when everything is wanted. @throws {ResponseError} SUBSCRIPTION_PARSE_FAILED. */
  filter(topic: string, expression: string | undefined, type: string | undefined): MessageFilter | null {
    if (expression === undefined || expression === "") return null;
    const subscription = buildSubscription(topic, expression, type, BigInt(this.settings.now()));
    return isTagType(subscription.expressionType) ? tagFilter(subscription) : this.expressions.compile(subscription);
  }

  /** The topic of a request that gives something back; its queue must exist. @throws {ResponseError} */
  checkPlace(topicName: string, queueId: number, remote: string): void {
    const topic = this.topics.get(topicName);
    if (topic === undefined) throw noTopic(topicName);
    if (queueId >= 0 && queueId < topic.readQueueNums) return;
    throw new ResponseError(ResponseCode.MESSAGE_ILLEGAL, illegalQueue(topic, queueId, remote));
  }

  #topic({ topic: name, queueId }: PopTarget, remote: string): TopicConfig {
    const topic = this.topics.get(name);
    if (topic === undefined) throw noTopic(name);
    if ((topic.perm & Perm.READ) === 0) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the topic[${name}] peeking message is forbidden${topicPermissionCause(topic.perm)}`,
      );
    }
    if (queueId < topic.readQueueNums) return topic;
    throw new ResponseError(ResponseCode.INVALID_PARAMETER, illegalQueue(topic, queueId, remote));
  }

  #group({ consumerGroup, topic }: PopTarget): SubscriptionGroupConfig {
    const group = this.groups.find(consumerGroup);
    if (group === undefined) {
      throw new ResponseError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        seeFaq(`subscription group [${consumerGroup}] does not exist, `) + groupMissingCause(),
      );
    }
    if (!group.consumeEnable) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `subscription group no permission, ${consumerGroup}${groupDisabledCause()}`,
      );
    }
    if (this.groups.isReadForbidden(consumerGroup, topic)) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the consumer group[${consumerGroup}] is forbidden for topic[${topic}]${groupForbiddenCause()}`,
      );
    }
    return group;
  }
}

function noTopic(name: string): ResponseError {
  return new ResponseError(ResponseCode.TOPIC_NOT_EXIST, seeFaq(`topic[${name}] not exist, apply first please! `));
}

function illegalQueue(topic: TopicConfig, queueId: number, remote: string): string {
  return `queueId[${queueId}] is illegal, topic:[${topic.topicName}] topicConfig.readQueueNums:[${topic.readQueueNums}] ` +
    `consumer:[/${remote}]`;
}
