/**
 * Names of topics and groups: which the system keeps for itself, how those that belong to a group are built, and what a name
 * may look like. RocketMQ counterpart: `TopicValidator`, `MixAll`, `KeyBuilder`.
 *
 * @module
 */

/** Topics of the system with the same name on every broker. */
export const SystemTopic = {
  /** Template for topics made on first send. */
  AUTO_CREATE: "TBW102",
  SCHEDULE: "SCHEDULE_TOPIC_XXXX",
  BENCHMARK: "BenchmarkTest",
  TRANS_HALF: "RMQ_SYS_TRANS_HALF_TOPIC",
  TRANS_OP_HALF: "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  TRANS_CHECK_MAX_TIME: "TRANS_CHECK_MAX_TIME_TOPIC",
  TRACE: "RMQ_SYS_TRACE_TOPIC",
  SELF_TEST: "SELF_TEST_TOPIC",
  OFFSET_MOVED_EVENT: "OFFSET_MOVED_EVENT",
  CHECKPOINT: "CHECKPOINT_TOPIC",
  TIMER: "rmq_sys_wheel_timer",
  ROCKSDB_TRANS_HALF: "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
  ROCKSDB_TRANS_OP_HALF: "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
} as const;

/** Everything that begins so belongs to the system (5.x). */
export const SYSTEM_TOPIC_PREFIX = "rmq_sys_";

/** Number of queues of {@linkcode SystemTopic.SCHEDULE}: as many as there are delay levels. */
export const SCHEDULE_QUEUE_COUNT = 18;

const STATIC_SYSTEM_TOPICS: readonly string[] = Object.values(SystemTopic);

const NOT_FOR_SENDING: ReadonlySet<string> = new Set([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
]);

/** Groups that exist on every broker without being made. */
export const BUILT_IN_GROUPS: readonly string[] = [
  "TOOLS_CONSUMER",
  "FILTERSRV_CONSUMER",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_PULL",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_OWNER",
  "CID_RMQ_SYS_TRANS",
];

/** The group in whose name the broker reads its transaction topics. */
export const TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS";
/** Groups that begin so belong to the system. */
export const SYSTEM_GROUP_PREFIX = "CID_RMQ_SYS_";

/** Begins the name of a group's retry topic. */
export const RETRY_PREFIX = "%RETRY%";
/** Begins the name of a group's dead-letter topic. */
export const DLQ_PREFIX = "%DLQ%";

/** The topic that brings a group's failed messages again. */
export function retryTopicOf(group: string): string {
  return RETRY_PREFIX + group;
}

/** The topic that keeps what a group could not consume. */
export function deadLetterTopicOf(group: string): string {
  return DLQ_PREFIX + group;
}

/** The retry topics that POP consumers of `group` use for `topic`: in the form of 5.1 and later, and the older one. */
export function popRetryTopicsOf(topic: string, group: string): [string, string] {
  return [`${RETRY_PREFIX}${group}+${topic}`, `${RETRY_PREFIX}${group}_${topic}`];
}

/** The topic that takes the replies of the request–reply pattern. */
export function replyTopicOf(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

/** The topic of POP checkpoints and acks. */
export function reviveTopicOf(cluster: string): string {
  return `${SYSTEM_TOPIC_PREFIX}REVIVE_LOG_${cluster}`;
}

/** The topic with which 5.x brokers tell proxies of their members. */
export function memberTopicOf(brokerName: string): string {
  return `${SYSTEM_TOPIC_PREFIX}SYNC_BROKER_MEMBER_${brokerName}`;
}

/** Whether clients are forbidden to send to a topic. */
export function isSendForbidden(topic: string): boolean {
  return NOT_FOR_SENDING.has(topic);
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

const TOPIC_LENGTH_MAX = 127;
const RETRY_TOPIC_LENGTH_MAX = 255;
const GROUP_LENGTH_MAX = 120;
const NAME = /^[%|a-zA-Z0-9_-]+$/;

/** Why a topic may not have this name, in RocketMQ's words; null when it may. */
export function topicNameFault(topic: string): string | null {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!NAME.test(topic)) {
    return `The specified topic: ${topic}, contains illegal characters, allowing only ${NAME.source}`;
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
  if (!NAME.test(group)) {
    return `The specified group: ${group}, contains illegal characters, allowing only ${NAME.source}`;
  }
  if (group.length <= GROUP_LENGTH_MAX) return null;
  return `The specified group: ${group}, is longer than group max length: ${GROUP_LENGTH_MAX}`;
}
