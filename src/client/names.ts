/**
 * Names that a client knows: topics and groups of the system, topics that belong to a group, and the rules which names and
 * messages have to follow before they are sent anywhere, with RocketMQ's words when they do not.
 * Source: RocketMQ `Validators`, `TopicValidator`, `MixAll`, `KeyBuilder`.
 *
 * @module
 */
import { ClientError } from "./errors.ts";

/** The topic whose route serves as a template for topics that do not exist yet. */
export const AUTO_CREATE_TOPIC = "TBW102";
/** Group in whose name a client sends messages of its own: retries, replies. */
export const INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER";
/** Begins the name of a group's retry topic. */
export const RETRY_PREFIX = "%RETRY%";
/** Begins the name of a group's dead-letter topic. */
export const DLQ_PREFIX = "%DLQ%";
/** Group that RocketMQ reserves, because it stands for "nobody chose one". */
export const DEFAULT_PRODUCER_GROUP = "DEFAULT_PRODUCER";
/** As {@linkcode DEFAULT_PRODUCER_GROUP}, of consumers. */
export const DEFAULT_CONSUMER_GROUP = "DEFAULT_CONSUMER";

const NAME = /^[%|a-zA-Z0-9_-]+$/;
const TOPIC_LENGTH_MAX = 127;
const GROUP_LENGTH_MAX = 120;

const NOT_FOR_SENDING: ReadonlySet<string> = new Set([
  "SCHEDULE_TOPIC_XXXX",
  "RMQ_SYS_TRANS_HALF_TOPIC",
  "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  "TRANS_CHECK_MAX_TIME_TOPIC",
  "SELF_TEST_TOPIC",
  "OFFSET_MOVED_EVENT",
]);

/** The topic that brings a group's failed messages again. */
export function retryTopicOf(group: string): string {
  return RETRY_PREFIX + group;
}

/** The topic that takes replies of the request–reply pattern in a cluster. */
export function replyTopicOf(cluster: string): string {
  return `${cluster}_REPLY_TOPIC`;
}

/** Checks the name of a group. @throws {ClientError} when a group cannot have this name. */
export function checkGroup(group: string): void {
  if (group.trim() === "") throw new ClientError("the specified group is blank");
  if (group.length > GROUP_LENGTH_MAX) {
    throw new ClientError(`the specified group[${group}] is longer than group max length: ${GROUP_LENGTH_MAX}.`);
  }
  if (!NAME.test(group)) {
    throw new ClientError(`the specified group[${group}] contains illegal characters, allowing only ${NAME.source}`);
  }
}

/** {@linkcode checkGroup}, and not the reserved name. @throws {ClientError} */
export function checkProducerGroup(group: string): void {
  checkGroup(group);
  if (group === DEFAULT_PRODUCER_GROUP) {
    throw new ClientError(`producerGroup can not equal ${DEFAULT_PRODUCER_GROUP}, please specify another one.`);
  }
}

/** {@linkcode checkGroup}, and not the reserved name. @throws {ClientError} */
export function checkConsumerGroup(group: string): void {
  checkGroup(group);
  if (group === DEFAULT_CONSUMER_GROUP) {
    throw new ClientError(`consumerGroup can not equal ${DEFAULT_CONSUMER_GROUP}, please specify another one.`);
  }
}

/** Checks the name of a topic. @throws {ClientError} when a topic cannot have this name. */
export function checkTopic(topic: string): void {
  if (topic.trim() === "") throw new ClientError("The specified topic is blank");
  if (topic.length > TOPIC_LENGTH_MAX) {
    throw new ClientError(`The specified topic is longer than topic max length ${TOPIC_LENGTH_MAX}.`);
  }
  if (!NAME.test(topic)) {
    throw new ClientError(`The specified topic[${topic}] contains illegal characters, allowing only ${NAME.source}`);
  }
}

const goodTopics = new Set<string>();

/** {@linkcode checkTopic}, and not one that is closed to senders. @throws {ClientError} */
export function checkSendTopic(topic: string): void {
  if (goodTopics.has(topic)) return;
  checkTopic(topic);
  if (NOT_FOR_SENDING.has(topic)) throw new ClientError(`Sending message to topic[${topic}] is forbidden.`);
  if (goodTopics.size < 10000) goodTopics.add(topic);
}
