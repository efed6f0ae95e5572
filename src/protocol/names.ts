/**
 * Names that clients and brokers have to agree on: topics and groups of the system, topics that belong to a group, and what
 * a name may look like. RocketMQ counterpart: `TopicValidator`, `MixAll`, `KeyBuilder`.
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

/** The topic that takes the replies of the request–reply pattern. */
export function replyTopicOf(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

/** Whether clients are forbidden to send to a topic. */
export function isSendForbidden(topic: string): boolean {
  return NOT_FOR_SENDING.has(topic);
}

/** Longest name of a topic that is neither a retry nor a dead-letter topic, characters. */
export const TOPIC_LENGTH_MAX = 127;
/** Longest name of a group, characters. */
export const GROUP_LENGTH_MAX = 120;
/** What names of topics and groups are made of. */
export const NAME_PATTERN = /^[%|a-zA-Z0-9_-]+$/;

const STATIC_SYSTEM_TOPICS: ReadonlySet<string> = new Set(Object.values(SystemTopic));

/** Whether a topic belongs to the system wherever it is; those named after a cluster or broker are not among them. */
export function isSystemTopic(topic: string): boolean {
  return STATIC_SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX);
}

/** Whether a group belongs to the system. */
export function isSystemGroup(group: string): boolean {
  return group.startsWith(SYSTEM_GROUP_PREFIX);
}
