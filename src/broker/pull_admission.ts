/**
 * Whether a pull may read, and what it wants: RocketMQ's checks in RocketMQ's order.
 * Source: RocketMQ `PullMessageProcessor#processRequest`.
 *
 * @module
 */
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import type { SubscriptionGroupConfig } from "../protocol/bodies/group.ts";
import type { TopicConfig } from "../protocol/bodies/register.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import type { PullMessageRequest } from "../protocol/headers/message.ts";
import { Perm, PullSysFlag } from "../protocol/message.ts";
import { ResponseError, seeFaq } from "../protocol/response_error.ts";
import { buildSubscription, isTagType, SUB_ALL } from "../protocol/subscription.ts";
import type { Request } from "../remoting/handler.ts";
import type { MessageFilter } from "../store/store.ts";
import type { ClientTable } from "./clients.ts";
import type { GroupTable } from "./groups.ts";
import {
  brokerPermissionCause,
  groupDisabledCause,
  groupForbiddenCause,
  groupMissingCause,
  topicMissingCause,
  topicPermissionCause,
} from "./refusal_causes.ts";
import type { TopicTable } from "./topics.ts";

/** What the checks must know of the configuration. */
export interface PullAdmissionSettings {
  /** Mask over all topics (`brokerPermission`); may change while the broker runs. */
  brokerPermission(): number;
  readonly brokerIP1: string;
  readonly litePullMessageEnable: boolean;
  /** Whether this broker refuses reads: a slave without `slaveReadEnable`. */
  refusesReads(): boolean;
}

/** Makes filters for subscriptions that are not tag expressions. */
export interface ExpressionFilters {
  /**
   * The filter of an expression that the pull itself carries.
   * @throws {ResponseError} when it cannot be compiled, or expressions are off.
   */
  compile(subscription: SubscriptionData): MessageFilter;
  /**
   * The filter of an expression that the group's heartbeat has told.
   * @throws {ResponseError} FILTER_DATA_NOT_EXIST, FILTER_DATA_NOT_LATEST, or when expressions are off.
   */
  ofGroup(subscription: SubscriptionData, group: string, subVersion: bigint): MessageFilter;
}

/** What a pull is allowed to see. */
export interface AdmittedPull {
  readonly group: SubscriptionGroupConfig;
  readonly topic: TopicConfig;
  /** Null when every message is wanted. */
  readonly filter: MessageFilter | null;
  /** What the filter was made from, of those that the group's heartbeats tell; undefined when the pull carries its own. */
  readonly subscription: SubscriptionData | undefined;
}

/** The checks of a pull. */
export class PullAdmission {
  constructor(
    readonly groups: GroupTable,
    readonly topics: TopicTable,
    readonly clients: ClientTable,
    readonly expressions: ExpressionFilters,
    readonly settings: PullAdmissionSettings,
  ) {}

  /**
   * What a pull may see.
   *
   * @throws {ResponseError} with RocketMQ's code and remark when it is refused.
   */
  admit(request: Request, header: PullMessageRequest): AdmittedPull {
    this.#checkBroker(request.command.code);
    const group = this.#group(header.consumerGroup);
    const topic = this.#topic(header);
    if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
      throw new ResponseError(
        ResponseCode.INVALID_PARAMETER,
        `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] ` +
          `consumer:[/${request.connection.remoteText}]`,
      );
    }
    const carried = (header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0;
    if (carried) return { group, topic, filter: this.#carriedFilter(header), subscription: undefined };
    const subscription = this.#subscription(group, header);
    return { group, topic, filter: this.#subscribedFilter(header, subscription), subscription };
  }

  /** Whether the group of an admitted pull wants something else by now. */
  isOutdated({ subscription }: AdmittedPull, { consumerGroup, topic }: PullMessageRequest): boolean {
    return subscription !== undefined &&
      this.clients.consumerGroup(consumerGroup)?.subscription(topic) !== subscription;
  }

  #checkBroker(code: number): void {
    const { settings } = this;
    if (settings.refusesReads()) {
      throw new ResponseError(
        ResponseCode.SYSTEM_BUSY,
        "[REJECTREQUEST]system busy, start flow control for a while: this broker is a slave with slaveReadEnable=false",
      );
    }
    if ((settings.brokerPermission() & Perm.READ) === 0) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the broker[${settings.brokerIP1}] pulling message is forbidden` +
          brokerPermissionCause(settings.brokerPermission()),
      );
    }
    if (code === RequestCode.LITE_PULL_MESSAGE && !settings.litePullMessageEnable) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the broker[${settings.brokerIP1}] for lite pull consumer is forbidden. Cause: litePullMessageEnable=false`,
      );
    }
  }

  #group(name: string): SubscriptionGroupConfig {
    const group = this.groups.find(name);
    if (group === undefined) {
      throw new ResponseError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        seeFaq(`subscription group [${name}] does not exist, `) + groupMissingCause(),
      );
    }
    if (group.consumeEnable) return group;
    throw new ResponseError(
      ResponseCode.NO_PERMISSION,
      `subscription group no permission, ${name}${groupDisabledCause()}`,
    );
  }

  #topic(header: PullMessageRequest): TopicConfig {
    const topic = this.topics.get(header.topic);
    if (topic === undefined) {
      throw new ResponseError(
        ResponseCode.TOPIC_NOT_EXIST,
        seeFaq(`topic[${header.topic}] not exist, apply first please! `) + topicMissingCause(),
      );
    }
    if ((topic.perm & Perm.READ) !== 0) return topic;
    throw new ResponseError(
      ResponseCode.NO_PERMISSION,
      `the topic[${header.topic}] pulling message is forbidden${topicPermissionCause(topic.perm)}`,
    );
  }

  #carriedFilter(header: PullMessageRequest): MessageFilter | null {
    const subscription = buildSubscription(
      header.topic,
      header.subscription,
      header.expressionType,
      header.subVersion ?? 0n,
    );
    return isTagType(subscription.expressionType) ? tagFilter(subscription) : this.expressions.compile(subscription);
  }

  #subscription(group: SubscriptionGroupConfig, header: PullMessageRequest): SubscriptionData {
    const consumers = this.clients.consumerGroup(header.consumerGroup);
    if (consumers === undefined) {
      throw new ResponseError(ResponseCode.SUBSCRIPTION_NOT_EXIST, seeFaq("the consumer's group info not exist"));
    }
    if (!group.consumeBroadcastEnable && consumers.messageModel === "BROADCASTING") {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the consumer group[${header.consumerGroup}] can not consume by broadcast way. ` +
          "Cause: consumeBroadcastEnable=false in the group (mqadmin updateSubGroup -d true)",
      );
    }
    if (this.groups.isReadForbidden(header.consumerGroup, header.topic)) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the consumer group[${header.consumerGroup}] is forbidden for topic[${header.topic}]${groupForbiddenCause()}`,
      );
    }
    const subscription = consumers.subscription(header.topic);
    if (subscription === undefined) {
      throw new ResponseError(ResponseCode.SUBSCRIPTION_NOT_EXIST, seeFaq("the consumer's subscription not exist"));
    }
    if (subscription.subVersion < (header.subVersion ?? 0n)) {
      throw new ResponseError(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
    }
    return subscription;
  }

  #subscribedFilter(header: PullMessageRequest, subscription: SubscriptionData): MessageFilter | null {
    if (isTagType(subscription.expressionType)) return tagFilter(subscription);
    return this.expressions.ofGroup(subscription, header.consumerGroup, header.subVersion ?? 0n);
  }
}

/** Filter of a tag expression by the hashes of its tags; null when it wants everything. */
export function tagFilter(subscription: SubscriptionData): MessageFilter | null {
  if (subscription.subString === SUB_ALL || subscription.classFilterMode || subscription.codeSet.length === 0) {
    return null;
  }
  const [first, ...others] = subscription.codeSet;
  if (others.length === 0) return { matchesCode: (tagsCode) => tagsCode === first };
  const codes = new Set(subscription.codeSet);
  return { matchesCode: (tagsCode) => codes.has(tagsCode) };
}
