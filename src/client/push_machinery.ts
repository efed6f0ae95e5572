/**
 * What a push consumer is made of while it runs: its offsets, the service that calls its listener, its queues with their
 * pullers, the rebalance that keeps them equal to its share, and the timers that renew locks and send back what is stuck.
 *
 * Source: RocketMQ `DefaultMQPushConsumerImpl#start`.
 *
 * @module
 */
import type { Timer } from "../common/clock.ts";
import { AssignedQueues } from "./assigned_queues.ts";
import { ConcurrentConsumption } from "./consume_concurrently.ts";
import { OrderlyConsumption } from "./consume_orderly.ts";
import { ConsumeStats } from "./consume_stats.ts";
import type { ConsumerContext, ConsumeService } from "./consumer_context.ts";
import type { ConcurrentListener, OrderlyListener } from "./listener.ts";
import { LocalOffsetStore, type OffsetStore, RemoteOffsetStore } from "./offset_store.ts";
import { QueueLocks } from "./queue_locks.ts";
import { Rebalance } from "./rebalance.ts";
import { SendBacker } from "./send_back.ts";

const LOCK_INTERVAL_MS = 20_000;
const FIRST_LOCK_MS = 1000;

/** What it is to be made for. */
export interface PushMachineryOptions extends Omit<ConsumerContext, "offsets" | "stats"> {
  /** Exactly one of the two is not null. */
  readonly concurrent: ConcurrentListener | null;
  readonly orderly: OrderlyListener | null;
  /** A queue was given up by itself: the share is to be compared again. */
  moved(): void;
}

/** The parts. */
export interface PushMachinery {
  readonly context: ConsumerContext;
  readonly offsets: OffsetStore;
  /** Null when queues need no locks. */
  readonly locks: QueueLocks | null;
  readonly service: ConsumeService;
  readonly queues: AssignedQueues;
  readonly rebalance: Rebalance;
  readonly timers: readonly Timer[];
}

/** Makes the parts; only the timers run yet. @throws {ClientError} when a broadcasting consumer has no disk. */
export function makePushMachinery({ concurrent, orderly, moved, ...given }: PushMachineryOptions): PushMachinery {
  const { instance, settings } = given;
  const { group, messageModel } = settings;
  const isClustering = messageModel === "CLUSTERING";
  const offsets = isClustering ? new RemoteOffsetStore(instance, group) : new LocalOffsetStore(instance, group);
  const context: ConsumerContext = { ...given, offsets, stats: new ConsumeStats() };
  const backer = new SendBacker(context);
  const locks = new QueueLocks(instance, group);
  const usedLocks = orderly !== null && isClustering ? locks : null;
  const concurrently = concurrent === null ? null : new ConcurrentConsumption(context, concurrent, backer);
  const service = concurrently ?? new OrderlyConsumption(context, orderly!, backer, locks);
  const queues = new AssignedQueues({ context, service, locks: usedLocks, moved });
  return {
    context,
    offsets,
    locks: usedLocks,
    service,
    queues,
    rebalance: makeRebalance(context, queues),
    timers: [
      ...(usedLocks === null ? [] : startLocking(context, usedLocks, queues)),
      ...(concurrently === null || !isClustering ? [] : [startSendingBack(context, concurrently, queues)]),
    ],
  };
}

function makeRebalance(
  { instance, settings, stop, subscriptions }: ConsumerContext,
  queues: AssignedQueues,
): Rebalance {
  return new Rebalance({
    instance,
    group: settings.group,
    messageModel: settings.messageModel,
    strategy: settings.allocationStrategy,
    stop,
    topics: () => subscriptions.keys(),
    assign: async (topic, share) => {
      const before = queues.countOf(topic);
      const complete = await queues.assign(topic, share);
      if (queues.countOf(topic) !== before) instance.heartbeatSoon();
      return complete;
    },
  });
}

function startLocking({ instance }: ConsumerContext, locks: QueueLocks, queues: AssignedQueues): Timer[] {
  const { clock } = instance.world;
  const lockAll = () => void locks.lockAll(queues.all());
  return [clock.after(FIRST_LOCK_MS, lockAll), clock.every(LOCK_INTERVAL_MS, lockAll)];
}

function startSendingBack(context: ConsumerContext, service: ConcurrentConsumption, queues: AssignedQueues): Timer {
  return context.instance.world.clock.every(context.settings.consumeTimeoutMs, () => {
    for (const each of queues.all()) service.sendBackExpired(each);
  });
}
