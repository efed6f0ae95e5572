/**
 * Pulls one queue, again and again, as long as it is ours and there is room for more messages.
 *
 * Source: RocketMQ `DefaultMQPushConsumerImpl#pullMessage`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { messageQueueKey } from "../protocol/message_queue.ts";
import type { ConsumerContext, ConsumeService } from "./consumer_context.ts";
import { BrokerError } from "./errors.ts";
import type { ProcessQueue, QueueLimits } from "./process_queue.ts";
import type { Puller, PullResult } from "./pull_request.ts";

const SUSPEND_MS = 15_000;
const TIMEOUT_MS = 30_000;
const AFTER_ERROR_MS = 3000;
const AFTER_FLOW_CONTROL_MS = 20;
const PAUSED_MS = 1000;

/** What a loop works with. */
export interface PullLoopParts {
  readonly context: ConsumerContext;
  readonly puller: Puller;
  readonly service: ConsumeService;
  /** How much of the queue may wait now. */
  limits(): QueueLimits;
  /** The broker says that the offset is outside of the queue, and where to go on; the queue is to be assigned afresh. */
  offsetMoved(processQueue: ProcessQueue, nextOffset: number): void;
}

/** Runs until the queue is dropped or the consumer stops; never rejects. */
export async function pullLoop(parts: PullLoopParts, processQueue: ProcessQueue, firstOffset: number): Promise<void> {
  const { stop, settings } = parts.context;
  const { clock } = parts.context.instance.world;
  let nextOffset = firstOffset;
  while (!processQueue.dropped && !stop.stopped) {
    processQueue.lastPullMs = clock.now();
    if (parts.context.isPaused()) {
      await stop.sleep(PAUSED_MS);
    } else if (processQueue.isFull(parts.limits())) {
      await processQueue.untilChanged();
    } else {
      nextOffset = await pullOnce(parts, processQueue, nextOffset);
      if (settings.pullIntervalMs > 0) await stop.sleep(settings.pullIntervalMs);
    }
  }
}

/** Returns where to go on. */
async function pullOnce(parts: PullLoopParts, processQueue: ProcessQueue, offset: number): Promise<number> {
  const { context } = parts;
  const { clock, log } = context.instance.world;
  const { queue } = processQueue;
  const subscription = context.subscriptions.get(queue.topic);
  if (subscription === undefined) {
    await context.stop.sleep(AFTER_ERROR_MS);
    return offset;
  }
  const startMs = clock.monotonicMs();
  try {
    const result = await parts.puller.pull({
      queue,
      offset,
      maxMessages: context.settings.pullBatchSize,
      maxBytes: context.settings.pullBatchSizeBytes,
      subscription,
      carrySubscription: context.settings.postSubscriptionWhenPull,
      commitOffset: context.settings.messageModel === "CLUSTERING" ? positive(context.offsets.peek(queue)) : -1,
      suspendMs: SUSPEND_MS,
      timeoutMs: TIMEOUT_MS,
    });
    if (processQueue.dropped || context.stop.stopped) return offset;
    return handleResult(parts, processQueue, result, clock.monotonicMs() - startMs);
  } catch (error) {
    if (processQueue.dropped || context.stop.stopped) return offset;
    log.warn(`cannot pull ${messageQueueKey(queue)} at ${offset}: ${messageOf(error)}`);
    await afterError(parts, error);
    return offset;
  }
}

/** Offset 0 says nothing that the broker would not assume. */
function positive(offset: number): number {
  return offset > 0 ? offset : -1;
}

function handleResult(parts: PullLoopParts, processQueue: ProcessQueue, result: PullResult, ms: number): number {
  const { context } = parts;
  const { queue } = processQueue;
  if (result.status === "OFFSET_ILLEGAL") {
    parts.offsetMoved(processQueue, result.nextBeginOffset);
    return result.nextBeginOffset;
  }
  if (result.messages.length > 0) {
    context.stats.pulled(queue.topic, result.messages.length, ms, context.instance.world.clock.now());
    processQueue.put(result.messages);
    parts.service.submit(result.messages, processQueue);
  } else if (processQueue.count === 0) {
    // Nothing of what was skipped is ours, and nothing before it waits.
    context.offsets.update(queue, result.nextBeginOffset, true);
  }
  return result.nextBeginOffset;
}

async function afterError({ context }: PullLoopParts, error: unknown): Promise<void> {
  const code = error instanceof BrokerError ? error.code : -1;
  if (code === ResponseCode.FLOW_CONTROL) return await context.stop.sleep(AFTER_FLOW_CONTROL_MS);
  const forgotUs = code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST;
  if (forgotUs && error instanceof BrokerError) {
    // It was restarted, or has not heard of our newest subscription: tell it now, rather than wait for the next heartbeat.
    await context.instance.heartbeatTo(error.address);
    return await context.stop.sleep(PAUSED_MS);
  }
  await context.stop.sleep(AFTER_ERROR_MS);
}
