/**
 * A topic's configuration as RocketMQ prints it, in remarks and by its tools.
 * Source: RocketMQ `TopicConfig#toString`.
 *
 * @module
 */
import type { TopicConfig } from "./bodies/register.ts";
import { permText } from "./message.ts";

/** E.g. `TopicConfig [topicName=T, readQueueNums=4, …, attributes={}]`. */
export function topicText(topic: TopicConfig): string {
  const attributes = Object.entries(topic.attributes).map(([key, value]) => `${key}=${value}`).join(", ");
  return `TopicConfig [topicName=${topic.topicName}, readQueueNums=${topic.readQueueNums}, ` +
    `writeQueueNums=${topic.writeQueueNums}, perm=${permText(topic.perm)}, topicFilterType=${topic.topicFilterType}, ` +
    `topicSysFlag=${topic.topicSysFlag}, order=${topic.order}, attributes={${attributes}}]`;
}
