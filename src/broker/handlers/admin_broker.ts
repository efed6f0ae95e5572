/**
 * The broker as administrators see it: runtime information (28), statistics (315), units of a consumequeue (321), cleaning
 * (306, 316, 329).
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`.
 *
 * @module
 */
import { getBigI64, getI32, getI64 } from "../../common/bytes.ts";
import type { Log } from "../../common/log.ts";
import { encodeKvTable } from "../../protocol/bodies/route.ts";
import { type ConsumeQueueData, encodeBrokerStatsData, encodeConsumeQueueUnits } from "../../protocol/bodies/stats.ts";
import { RequestCode } from "../../protocol/codes.ts";
import { readHeader } from "../../protocol/header.ts";
import { QUERY_CONSUME_QUEUE_REQUEST, VIEW_STATS_REQUEST } from "../../protocol/headers/admin.ts";
import { systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";
import type { ClientTable } from "../clients.ts";
import type { BrokerStats } from "../stats.ts";
import type { TopicTable } from "../topics.ts";

/** What these handlers use. */
export interface AdminBrokerParts {
  readonly stats: BrokerStats;
  readonly clients: ClientTable;
  readonly topics: TopicTable;
  readonly store: Pick<MessageStore, "queue" | "unitsAt" | "topics" | "deleteTopic" | "deleteExpiredFilesNow">;
  readonly log: Log;
  /** What the broker tells of itself now. */
  readonly runtimeInfo: () => Promise<ReadonlyMap<string, string>>;
}

/** Bytes of a unit: physical offset (8), size (4), tags code (8). */
const UNIT_SIZE = 20;
/** Most units in one answer. */
const UNITS_MAX = 10_000;

/** Handlers of 28, 306, 315, 316, 321, 329. */
export function adminBrokerHandlers(parts: AdminBrokerParts): HandlerTable {
  const { log, store } = parts;
  return new Map<number, Handler>([
    [RequestCode.GET_BROKER_RUNTIME_INFO, async () => ({ body: encodeKvTable(await parts.runtimeInfo()) })],
    [RequestCode.VIEW_BROKER_STATS_DATA, (request) => viewStats(parts, request)],
    [RequestCode.QUERY_CONSUME_QUEUE, (request) => consumeQueue(parts, request)],
    // The store drops units with the log they point into; there is nothing left over to be cleaned.
    [RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE, () => OK],
    [RequestCode.CLEAN_UNUSED_TOPIC, () => cleanUnusedTopics(parts)],
    [RequestCode.DELETE_EXPIRED_COMMITLOG, ({ connection }) => {
      log.warn(`expired commitlog files are deleted at the request of ${connection.remoteText}`);
      store.deleteExpiredFilesNow();
      return OK;
    }],
  ]);
}

function viewStats({ stats }: AdminBrokerParts, { command }: Request): Reply {
  const { statsName, statsKey } = readHeader(VIEW_STATS_REQUEST, command.ext);
  const counter = stats.counter(statsName, statsKey);
  if (counter === undefined) throw systemError(`The stats <${statsName}> <${statsKey}> not exist`);
  return { body: encodeBrokerStatsData(counter.data()) };
}

async function consumeQueue({ store, clients }: AdminBrokerParts, { command }: Request): Promise<Reply> {
  const { topic, queueId, index, count, consumerGroup } = readHeader(QUERY_CONSUME_QUEUE_REQUEST, command.ext);
  const queue = store.queue(topic, queueId);
  if (queue === null) throw systemError(`${queueId}@${topic} is not exist!`);
  const first = Math.max(index, queue.minOffset);
  const units = await store.unitsAt(topic, queueId, first, Math.max(0, Math.min(count - (first - index), UNITS_MAX)));
  const subscription = consumerGroup === undefined ? undefined : clients.subscription(consumerGroup, topic);
  const isOffline = consumerGroup !== undefined && subscription === undefined;
  return {
    body: encodeConsumeQueueUnits({
      maxQueueIndex: queue.maxOffset,
      minQueueIndex: queue.minOffset,
      queueData: unitList(units),
      subscriptionData: subscription ?? null,
      filterData: isOffline ? `${consumerGroup}@${topic} is not online!` : null,
    }),
  };
}

function unitList(units: Uint8Array): ConsumeQueueData[] {
  const list: ConsumeQueueData[] = [];
  for (let at = 0; at + UNIT_SIZE <= units.length; at += UNIT_SIZE) {
    list.push({
      physicOffset: getI64(units, at),
      physicSize: getI32(units, at + 8),
      tagsCode: getBigI64(units, at + 12),
    });
  }
  return list;
}

function cleanUnusedTopics({ store, topics, log }: AdminBrokerParts): Reply {
  for (const topic of store.topics()) {
    if (topics.has(topic) || topics.system.has(topic)) continue;
    log.warn(`remove the queues of ${topic}, which is no topic any more`);
    store.deleteTopic(topic);
  }
  return OK;
}
