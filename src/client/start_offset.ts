/**
 * Where a group begins to consume a queue: behind what it has consumed, or, when nothing is stored, where its
 * configuration says.
 *
 * Source: RocketMQ `RebalancePushImpl#computePullFromWhereWithException`.
 *
 * @module
 */
import type { ConsumeFromWhere } from "../protocol/bodies/heartbeat.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ClientInstance } from "./instance.ts";
import { RETRY_PREFIX } from "./names.ts";
import type { OffsetStore } from "./offset_store.ts";

/** The configuration. */
export interface StartPolicy {
  readonly consumeFromWhere: ConsumeFromWhere;
  /** Milliseconds since the epoch. */
  readonly consumeTimestampMs: number;
}

/** The first offset to be pulled. @throws {BrokerError} @throws {ConnectionError} @throws {ClientError} */
export async function startOffset(
  instance: ClientInstance,
  offsets: OffsetStore,
  queue: MessageQueue,
  policy: StartPolicy,
): Promise<number> {
  const stored = await offsets.read(queue);
  if (stored >= 0) return stored;
  const { routes, calls } = instance;
  const address = () => routes.findReadAddress(queue.topic, queue.brokerName, 0);
  const isRetry = queue.topic.startsWith(RETRY_PREFIX);
  switch (policy.consumeFromWhere) {
    case "CONSUME_FROM_FIRST_OFFSET":
    case "CONSUME_FROM_MIN_OFFSET":
      return 0;
    case "CONSUME_FROM_TIMESTAMP":
      if (isRetry) return await calls.maxOffset(await address(), queue);
      return await calls.searchOffset(await address(), queue, policy.consumeTimestampMs);
    default:
      return isRetry ? 0 : await calls.maxOffset(await address(), queue);
  }
}
