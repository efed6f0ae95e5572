/**
 * What a broker tells of itself as it runs (GET_BROKER_RUNTIME_INFO): some seventy texts by name, which `clusterList`,
 * `brokerStatus` and the dashboard read.
 *
 * There are no thread pools here; what tools ask about their queues is answered with 0 waiting. Some names were spelled
 * differently in 4.x and 5.x (`getTransferedTps`); both are told.
 *
 * RocketMQ counterpart: `AdminBrokerProcessor#prepareRuntimeInfo`, `DefaultMessageStore#getRuntimeInfo`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { DiskUsage } from "../common/disk.ts";
import { CURRENT_VERSION, versionName } from "../protocol/codes.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { MessageStore, StoreFigures } from "../store/store.ts";
import type { BrokerOptions } from "./options.ts";
import { type BrokerStats, decimal } from "./stats.ts";

/** What the information is made of. */
export interface RuntimeInfoParts {
  readonly clock: Clock;
  readonly stats: BrokerStats;
  readonly store: Pick<MessageStore, "figures" | "messageAt">;
  /** Room on the volume of the commitlog, and where that is. */
  readonly diskUsage: () => DiskUsage;
  readonly commitLogPath: string;
  readonly options: Pick<
    BrokerOptions,
    | "startAcceptSendRequestTimeStamp"
    | "sendThreadPoolQueueCapacity"
    | "pullThreadPoolQueueCapacity"
    | "litePullThreadPoolQueueCapacity"
    | "queryThreadPoolQueueCapacity"
    | "ackThreadPoolQueueCapacity"
    | "endTransactionPoolQueueCapacity"
  >;
  /** When the broker was started, milliseconds since the epoch. */
  readonly bootMs: number;
  /** What other parts add: progress of delay levels and timers. */
  readonly more?: () => Iterable<readonly [string, string]>;
}

/** The information by name. */
export async function runtimeInfo(parts: RuntimeInfoParts): Promise<Map<string, string>> {
  const figures = parts.store.figures();
  const first = await parts.store.messageAt(figures.minPhysicalOffset);
  return new Map<string, string>([
    ...brokerInfo(parts),
    ...countInfo(parts.stats),
    ...storeInfo(parts, figures),
    ["earliestMessageTimeStamp", String(first === null ? -1 : storeTimestampOf(first))],
    ...timerInfo(),
    ...poolInfo(parts),
    ...parts.more?.() ?? [],
  ]);
}

function storeTimestampOf(record: Uint8Array): number {
  const view = new RecordView();
  return view.read(record, 0, record.length) === RecordKind.RECORD ? view.storeTimestamp : -1;
}

type Entries = Record<string, string | number>;

function entries(table: Entries): [string, string][] {
  return Object.entries(table).map(([name, value]) => [name, String(value)]);
}

function brokerInfo({ clock, bootMs, options }: RuntimeInfoParts): [string, string][] {
  return entries({
    brokerActive: "true",
    brokerVersionDesc: versionName(CURRENT_VERSION),
    brokerVersion: CURRENT_VERSION,
    bootTimestamp: bootMs,
    runtime: durationText(clock.now() - bootMs),
    startAcceptSendRequestTimeStamp: options.startAcceptSendRequestTimeStamp,
  });
}

function countInfo(stats: BrokerStats): [string, string][] {
  const { putMornings, gotMornings, putLatency, puts } = stats;
  const transferred = stats.transferredRate.text();
  return entries({
    msgPutTotalYesterdayMorning: putMornings.yesterday,
    msgPutTotalTodayMorning: putMornings.today,
    msgPutTotalTodayNow: stats.put.value,
    msgGetTotalYesterdayMorning: gotMornings.yesterday,
    msgGetTotalTodayMorning: gotMornings.today,
    msgGetTotalTodayNow: stats.got.value,
    putMessageDistributeTime: putLatency.text(),
    putMessageEntireTimeMax: putLatency.maxMs,
    putMessageTimesTotal: puts.messages,
    putMessageFailedTimes: putLatency.failed,
    putMessageSizeTotal: puts.sizeBytes,
    putMessageAverageSize: decimal(puts.messages === 0 ? 0 : puts.sizeBytes / puts.messages),
    putLatency99: decimal(putLatency.within(0.99)),
    putLatency999: decimal(putLatency.within(0.999)),
    putTps: stats.putRate.text(),
    getFoundTps: stats.foundRate.text(),
    getMissTps: stats.missRate.text(),
    getTotalTps: stats.totalGetRates(),
    getTransferredTps: transferred,
    getTransferedTps: transferred,
    getMessageEntireTimeMax: 0,
  });
}

function storeInfo({ diskUsage, commitLogPath }: RuntimeInfoParts, store: StoreFigures): [string, string][] {
  const usage = diskUsage();
  const ratio = decimal(store.diskUsedRatio);
  return entries({
    dispatchBehindBytes: store.indexBehindBytes,
    dispatchMaxBuffer: 0,
    pageCacheLockTimeMills: 0,
    remainTransientStoreBufferNumbs: 0,
    remainHowManyDataToCommit: byteText(0),
    remainHowManyDataToFlush: byteText(Math.max(0, store.maxPhysicalOffset - store.flushedOffset)),
    commitLogMinOffset: store.minPhysicalOffset,
    commitLogMaxOffset: store.maxPhysicalOffset,
    commitLogDirCapacity: `Total : ${byteText(usage.totalBytes)}, Free : ${byteText(usage.availableBytes)}.`,
    commitLogDiskRatio: ratio,
    [`commitLogDiskRatio_${commitLogPath}`]: ratio,
    consumeQueueDiskRatio: ratio,
  });
}

function timerInfo(): [string, string][] {
  return entries({
    timerReadBehind: 0,
    timerOffsetBehind: 0,
    timerCongestNum: 0,
    timerEnqueueTps: "0.0",
    timerDequeueTps: "0.0",
  });
}

function poolInfo({ options }: RuntimeInfoParts): [string, string][] {
  const pools: Entries = {};
  const capacities = {
    send: options.sendThreadPoolQueueCapacity,
    pull: options.pullThreadPoolQueueCapacity,
    litePull: options.litePullThreadPoolQueueCapacity,
    query: options.queryThreadPoolQueueCapacity,
    ack: options.ackThreadPoolQueueCapacity,
  };
  for (const [name, capacity] of Object.entries(capacities)) {
    pools[`${name}ThreadPoolQueueSize`] = 0;
    pools[`${name}ThreadPoolQueueCapacity`] = capacity;
    pools[`${name}ThreadPoolQueueHeadWaitTimeMills`] = 0;
  }
  pools["EndTransactionQueueSize"] = 0;
  pools["EndTransactionThreadPoolQueueCapacity"] = options.endTransactionPoolQueueCapacity;
  return entries(pools);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A span of time as RocketMQ writes it, e.g. `[ 0 days, 0 hours, 3 minutes, 36 seconds ]`. */
export function durationText(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor(ms % DAY_MS / HOUR_MS);
  const minutes = Math.floor(ms % HOUR_MS / MINUTE_MS);
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${Math.floor(ms % MINUTE_MS / 1000)} seconds ]`;
}

/** A number of bytes as RocketMQ writes it, e.g. `252.0 GiB`. */
export function byteText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(6, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${"KMGTPE"[power - 1]}iB`;
}
