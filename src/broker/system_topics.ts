/**
 * Names of topics and groups as a broker sees them: which it keeps for itself, which are named after it, and why a name is
 * refused. What clients know as well is in `protocol/names.ts` and passed on from here. RocketMQ counterpart:
 * `TopicValidator`, `MixAll`, `KeyBuilder`.
 *
 * @module
 */
import {
  DLQ_PREFIX,
  GROUP_LENGTH_MAX,
  NAME_PATTERN,
  RETRY_PREFIX,
  SYSTEM_TOPIC_PREFIX,
  SystemTopic,
  TOPIC_LENGTH_MAX,
} from "../protocol/names.ts";

export * from "../protocol/names.ts";

/** Number of queues of {@linkcode SystemTopic.SCHEDULE}: as many as there are delay levels. */
export const SCHEDULE_QUEUE_COUNT = 18;

const STATIC_SYSTEM_TOPICS: readonly string[] = Object.values(SystemTopic);

/** The group in whose name the broker reads its transaction topics. */
export const TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS";

/** The retry topics that POP consumers of `group` use for `topic`: in the form of 5.1 and later, and the older one. */
export function popRetryTopicsOf(topic: string, group: string): [string, string] {
  return [`${RETRY_PREFIX}${group}+${topic}`, `${RETRY_PREFIX}${group}_${topic}`];
}

/** The topic of POP checkpoints and acks. */
export function reviveTopicOf(cluster: string): string {
  return `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${cluster}`;
}

/** The topic with which 5.x brokers tell proxies of their members. */
export function memberTopicOf(brokerName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}SYNC_BROKER_MEMBER_${brokerName}`;
}

/** The topics which this broker keeps for itself: the static ones and those named after cluster and broker. */
export class SystemTopicSet {
  readonly #names = new Set<string>(STATIC_SYSTEM_TOPICS);

  /** Names a topic as belonging to the system. */
  add(topic: string): void {
    this.#names.add(topic);
  }

  /** Whether a topic belongs to the system. */
  has(topic: string): boolean {
    return this.#names.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
  }

  /** All names, sorted. */
  names(): string[] {
    return [...this.#names].sort();
  }
}

const RETRY_TOPIC_LENGTH_MAX = 255;

/** Why a topic may not have this name, in RocketMQ's words; null when it may. */
export function topicNameFault(topic: string): string | null {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!NAME_PATTERN.test(topic)) {
    return `The specified topic: ${topic}, contains illegal characters, allowing only ${NAME_PATTERN.source}`;
  }
  if (topic.startsWith(RETRY_PREFIX) || topic.startsWith(DLQ_PREFIX)) {
    if (topic.length <= RETRY_TOPIC_LENGTH_MAX) return null;
    return `The specified topic is DLQ or Retry topic: ${topic}, and it's longer than topic max length: ${RETRY_TOPIC_LENGTH_MAX}`;
  }
  if (topic.length <= TOPIC_LENGTH_MAX) return null;
  return `The specified topic: ${topic}, is longer than topic max length: ${TOPIC_LENGTH_MAX}`;
}

/** Why a group may not have this name, in RocketMQ's words; null when it may. */
export function groupNameFault(group: string): string | null {
  if (group.trim() === "") return "The specified group is blank.";
  if (!NAME_PATTERN.test(group)) {
    return `The specified group: ${group}, contains illegal characters, allowing only ${NAME_PATTERN.source}`;
  }
  if (group.length <= GROUP_LENGTH_MAX) return null;
  return `The specified group: ${group}, is longer than group max length: ${GROUP_LENGTH_MAX}`;
}
