/**
 * Whether a send may be stored, and where: RocketMQ's checks in RocketMQ's order, topics made on first send, and messages of
 * a retry topic that have been tried often enough.
 *
 * Source: RocketMQ `AbstractSendMessageProcessor#msgCheck`, `SendMessageProcessor#handleRetryAndDLQ`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { TopicConfig } from "../protocol/bodies/register.ts";
import { ResponseCode } from "../protocol/codes.ts";
import type { SendMessageRequest } from "../protocol/headers/message.ts";
import { Perm, Property } from "../protocol/message.ts";
import { ResponseError, seeFaq } from "../protocol/response_error.ts";
import { topicText } from "../protocol/topic_text.ts";
import type { GroupTable } from "./groups.ts";
import type { BrokerMessage } from "./message_put.ts";
import type { QueueLocks } from "./queue_locks.ts";
import { brokerPermissionCause, groupMissingCause } from "./refusal_causes.ts";
import { deadLetterTopicOf, isSendForbidden, RETRY_PREFIX, topicNameFault } from "./system_topics.ts";
import type { TopicTable } from "./topics.ts";

/** Queues of a dead-letter topic. */
const DLQ_QUEUE_NUMS = 1;

/** What the checks must know of the configuration. */
export interface AdmissionSettings {
  /** Mask over all topics (`brokerPermission`); may change while the broker runs. */
  brokerPermission(): number;
  readonly brokerIP1: string;
  /** Sends are refused before this time (`startAcceptSendRequestTimeStamp`). */
  readonly acceptsFromMs: number;
  /** Whether this broker is a slave, which refuses sends. */
  isSlave(): boolean;
}

/** The checks of a send. */
export class SendAdmission {
  constructor(
    readonly topics: TopicTable,
    readonly groups: GroupTable,
    readonly locks: QueueLocks,
    readonly clock: Clock,
    readonly settings: AdmissionSettings,
  ) {}

  /**
   * The topic that a send goes to; made now when it may be.
   *
   * @throws {ResponseError} with RocketMQ's code and remark when the send is refused.
   */
  admit(header: SendMessageRequest, peer: string): TopicConfig {
    this.#checkBroker(header.topic);
    const fault = topicNameFault(header.topic);
    if (fault !== null) throw new ResponseError(ResponseCode.INVALID_PARAMETER, fault);
    if (isSendForbidden(header.topic)) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `Sending message to topic[${header.topic}] is forbidden.`,
      );
    }
    const topic = this.topics.get(header.topic) ?? this.topics.createOnSend(header, peer);
    const queueNums = Math.max(topic.writeQueueNums, topic.readQueueNums);
    if (header.queueId >= queueNums) {
      throw new ResponseError(
        ResponseCode.INVALID_PARAMETER,
        `request queueId[${header.queueId}] is illegal, ${topicText(topic)} Producer: ${peer}`,
      );
    }
    return topic;
  }

  /** Sends a message of a retry topic to the group's dead letters when it has been tried often enough. */
  redirectExhausted(message: BrokerMessage, header: SendMessageRequest, clientLimitCounts: boolean): void {
    const groupName = header.topic.slice(RETRY_PREFIX.length);
    const group = this.groups.find(groupName);
    if (group === undefined) {
      throw new ResponseError(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${groupName} ${seeFaq("")}${groupMissingCause()}`,
      );
    }
    const limit = clientLimitCounts && header.maxReconsumeTimes !== undefined
      ? header.maxReconsumeTimes
      : group.retryMaxTimes;
    // A group that holds locks consumes in order, and comes here only when it has given a message up.
    if (message.reconsumeTimes <= limit && !this.locks.isHeld(groupName)) return;
    message.topic = this.topics.createForGroup(deadLetterTopicOf(groupName), DLQ_QUEUE_NUMS).topicName;
    message.queueId = 0;
    message.properties.set(Property.DELAY, "-1");
  }

  #checkBroker(topic: string): void {
    if (this.settings.isSlave()) {
      throw new ResponseError(
        ResponseCode.SYSTEM_BUSY,
        "[REJECTREQUEST]system busy, start flow control for a while: this broker is a slave, send to its master",
      );
    }
    if (this.clock.now() < this.settings.acceptsFromMs) {
      const since = new Date(this.settings.acceptsFromMs).toISOString();
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, `broker unable to service, until ${since}`);
    }
    if ((this.settings.brokerPermission() & Perm.WRITE) === 0 && this.topics.isOrdered(topic)) {
      throw new ResponseError(
        ResponseCode.NO_PERMISSION,
        `the broker[${this.settings.brokerIP1}] sending message is forbidden` +
          brokerPermissionCause(this.settings.brokerPermission()),
      );
    }
  }
}
