/**
 * Groups of a client's own, and the rules which names have to follow before they are sent anywhere, with RocketMQ's words
 * when they do not. Source: RocketMQ `Validators`, `MixAll`.
 *
 * @module
 */
import { GROUP_LENGTH_MAX, isSendForbidden, NAME_PATTERN, SystemTopic, TOPIC_LENGTH_MAX } from "../protocol/names.ts";
import { ClientError } from "./errors.ts";

export { DLQ_PREFIX, replyTopicOf, RETRY_PREFIX, retryTopicOf } from "../protocol/names.ts";

/** The topic whose route serves as a template for topics that do not exist yet. */
export const AUTO_CREATE_TOPIC: string = SystemTopic.AUTO_CREATE;
/** Group in whose name a client sends messages of its own: retries, replies. */
export const INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER";
/** Group that RocketMQ reserves, because it stands for "nobody chose one". */
export const DEFAULT_PRODUCER_GROUP = "DEFAULT_PRODUCER";
/** As {@linkcode DEFAULT_PRODUCER_GROUP}, of consumers. */
export const DEFAULT_CONSUMER_GROUP = "DEFAULT_CONSUMER";

/** Checks the name of a group. @throws {ClientError} when a group cannot have this name. */
export function checkGroup(group: string): void {
  if (group.trim() === "") throw new ClientError("the specified group is blank");
  if (group.length > GROUP_LENGTH_MAX) {
    throw new ClientError(`the specified group[${group}] is longer than group max length: ${GROUP_LENGTH_MAX}.`);
  }
  if (!NAME_PATTERN.test(group)) {
    throw new ClientError(
      `the specified group[${group}] contains illegal characters, allowing only ${NAME_PATTERN.source}`,
    );
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
  if (!NAME_PATTERN.test(topic)) {
    throw new ClientError(
      `The specified topic[${topic}] contains illegal characters, allowing only ${NAME_PATTERN.source}`,
    );
  }
}

const goodTopics = new Set<string>();

/** {@linkcode checkTopic}, and not one that is closed to senders. @throws {ClientError} */
export function checkSendTopic(topic: string): void {
  if (goodTopics.has(topic)) return;
  checkTopic(topic);
  if (isSendForbidden(topic)) throw new ClientError(`Sending message to topic[${topic}] is forbidden.`);
  if (goodTopics.size < 10000) goodTopics.add(topic);
}
