/**
 * Options of the message store: the keys of RocketMQ's `MessageStoreConfig`, with its defaults of 5.5.0 and the keys only 4.x
 * knows. They stand in the broker's properties file.
 *
 * Paths that are empty or null follow from `storePathRootDir`, and `haListenPort` 0 from `listenPort`:
 * {@linkcode completeStoreOptions} fills them in. An existing store's files decide their own size, whatever
 * `mappedFileSize…` says.
 *
 * @module
 */
import { createEnvironment, type Environment } from "../common/environment.ts";
import {
  accepted,
  bool,
  choice,
  defaultOptions,
  double,
  important,
  int,
  later,
  long,
  optionalText,
} from "../common/option.ts";
import { type OptionValues, text } from "../common/option.ts";
import { messageOf } from "../common/errors.ts";
import { parseNetwork } from "../common/ip.ts";
import { parseAddress } from "../common/net.ts";
import type { RetiredKey } from "../common/options.ts";

/** All keys, by name. */
export const STORE_OPTIONS = {
  accessMessageInMemoryHotRatio: int(26, "%", "Percent of RAM counted hot (cold control)", later),
  accessMessageInMemoryMaxRatio: int(40, "%", "Percent of RAM deemed page cache", important),
  allAckInSyncStateSet: bool(false, "Wait for all slaves that are in sync", important),
  appendTopicForTimerDeleteKey: bool(false, "Timer delete key is topic+uniqKey", later),
  asyncLearner: bool(false, "Controller: replica never votes", later),
  autoMessageVersionOnTopicLen: bool(true, "V2 magic when topic >127 bytes"),
  batchDispatchRequestThreadPoolNums: int(16, "threads", "Threads for concurrent dispatch", accepted),
  bitMapLengthConsumeQueueExt: int(64, "bits", "Filter bitmap bits per ext unit", later),
  bottomMostCompressionTypeForConsumeQueueStore: text("zstd", "Compression of the lowest RocksDB level", accepted),
  brokerRole: choice(
    ["ASYNC_MASTER", "SYNC_MASTER", "SLAVE"],
    "ASYNC_MASTER",
    "Master, master that waits for replicas, or slave",
    { ...important, synonyms: { MASTER: "SYNC_MASTER" } },
  ),
  checkCRCOnRecover: bool(true, "Verify body CRC while recovering"),
  checkCommitLogOffsetOnRecover: bool(false, "Compare stored offset on recovery (5.5)"),
  cleanFileForciblyEnable: bool(true, "Delete unexpired files when disk full", important),
  cleanResourceInterval: int(10_000, "ms", "Time between cleanup rounds", { min: 1 }),
  cleanRocksDBDirtyCQIntervalMin: long(60, "min", "Time between clean-ups of consume queues in RocksDB", accepted),
  cleanSwapedMapInterval: long(300_000, "ms", "Time between unmappings of swapped files", accepted),
  coldDataFlowControlEnable: bool(false, "Cold read control", later),
  coldDataScanEnable: bool(false, "Scan page residency", later),
  combineAssignOffsetCQType: text("default", "Combined consume queues: which kind assigns offsets", accepted),
  combineCQEnableCheckSelf: bool(false, "Combined consume queues: compare both kinds", accepted),
  combineCQLoadingCQTypes: text("default;defaultRocksDB", "Combined consume queues: kinds loaded", accepted),
  combineCQMaxExtraSearchCommitLogFiles: int(
    3,
    "files",
    "Combined consume queues: files searched on recovery",
    accepted,
  ),
  combineCQPreferCQType: text("default", "Combined consume queues: kind read from", accepted),
  combineCQUseRocksdbForLmq: bool(false, "Combined consume queues: RocksDB for light queues", accepted),
  commitCommitLogLeastPages: int(4, "pages", "Transient pool: min pages to commit"),
  commitCommitLogThoroughInterval: int(200, "ms", "Transient pool: full commit period"),
  commitIntervalCommitLog: int(200, "ms", "Transient pool: commit period", important),
  commitLogForceSwapMapInterval: long(43_200_000, "ms", "Forced remapping of commit log files", accepted),
  commitLogRecoverMaxNum: int(10, "files", "Max commit log files scanned (5.5)"),
  commitLogSwapMapInterval: long(3_600_000, "ms", "Remapping of commit log files", accepted),
  commitLogSwapMapReserveFileNum: int(100, "files", "Commit log files never remapped", accepted),
  compactionCqMappedFileSize: int(10_485_760, "bytes", "Compaction CQ file bytes", later),
  compactionMappedFileSize: int(104_857_600, "bytes", "Compaction log file bytes", later),
  compactionScheduleInternal: int(900_000, "ms", "Time between compactions", later),
  compactionThreadNum: int(6, "threads", "Compaction threads", later),
  correctLogicMinOffsetForceInterval: int(300_000, "ms", "Time until forced CQ min correction"),
  correctLogicMinOffsetSleepInterval: int(1, "ms", "Sleep between CQ corrections", accepted),
  dLegerGroup: optionalText("DLedger: group", later),
  dLegerPeers: optionalText("DLedger: peers", later),
  dLegerSelfId: optionalText("DLedger: own id", later),
  dataReadAheadEnable: bool(true, "Madvise read-ahead", accepted),
  debugLockEnable: bool(false, "Dump stacks on long lock holds", accepted),
  defaultQueryMaxNum: int(32, "messages", "Default key query size"),
  deleteCommitLogFilesInterval: int(100, "ms", "Pause between commit log deletes"),
  deleteConsumeQueueFilesInterval: int(100, "ms", "Pause between CQ deletes"),
  deleteFileBatchMax: int(10, "files", "Commit log files deleted per round", important),
  deleteWhen: text("04", "Hours of the day when old files are deleted, separated by `;`", {
    ...important,
    isList: true,
    blankIsDefault: true,
    check: checkHours,
  }),
  destroyMapedFileIntervalForcibly: int(120_000, "ms", "Time until a held mapping is forced", accepted),
  disappearTimeAfterStart: int(-1, "ms", "Time after start at which old data is hidden; -1 never", important),
  diskFallRecorded: bool(true, "Record lag bytes per pull"),
  diskMaxUsedSpaceRatio: int(75, "%", "Percent that starts early deletion", { clamp: [10, 95] }),
  diskSpaceCleanForciblyRatio: int(
    percentProperty("diskSpaceCleanForciblyRatio", 30, 85),
    "%",
    "Percent used at which files go regardless of age; or -Drocketmq.broker.diskSpaceCleanForciblyRatio",
    { clamp: [30, 85] },
  ),
  diskSpaceWarningLevelRatio: int(
    percentProperty("diskSpaceWarningLevelRatio", 35, 90),
    "%",
    "Percent used at which writes are refused; or -Drocketmq.broker.diskSpaceWarningLevelRatio",
    { clamp: [35, 90] },
  ),
  dispatchCqCacheNum: int(4096, "", "Cache of concurrent consume queue building", accepted),
  dispatchCqThreads: int(10, "threads", "Threads of concurrent consume queue building", accepted),
  dispatchFromSenderThread: bool(false, "Dispatch inline with put", { ...accepted, ...important }),
  duplicationEnable: bool(false, "Dispatch only up to confirmOffset", later),
  enableAcceleratedRecovery: bool(false, "Recover RocksDB consume queues from fewer files", accepted),
  enableAsyncReput: bool(true, "Dispatch in own thread", accepted),
  enableAutoInSyncReplicas: bool(false, "Lower required acks to live slaves", important),
  enableBatchPush: bool(false, "Unused", accepted),
  enableBuildConsumeQueueConcurrently: bool(false, "Build consume queues in parallel", accepted),
  enableCleanExpiredOffset: bool(false, "Purge offsets of vanished queues", important),
  enableCompaction: bool(true, "Compaction service on", later),
  enableConsumeQueueExt: bool(false, "Write consumequeue_ext", later),
  enableDLegerCommitLog: bool(false, "DLedger commit log", {
    ...later,
    refuse: "DLedger is not supported; its commit log has another format",
  }),
  enableLmq: bool(false, "Light message queues", later),
  enableLmqQuota: bool(false, "Limit on the number of light queues", later),
  enableLogConsumeQueueRepeatedlyBuildWhenRecover: bool(false, "Log entries built twice during recovery", accepted),
  enableMultiDispatch: bool(false, "INNER_MULTI_DISPATCH handling", later),
  enableRocksDBLog: bool(false, "Log of RocksDB itself", accepted),
  enableRunningFlagsInFlush: bool(false, "Stop on flush error", important),
  enableScheduleAsyncDeliver: bool(false, "Pipelined delay delivery"),
  enableScheduleMessageStats: bool(true, "Statistics for delay delivery"),
  enabledAppendPropCRC: bool(false, "Append __CRC32# property"),
  fastFailIfNoBufferInStorePool: bool(false, "Busy reply when transient pool empty"),
  fileReservedTime: int(72, "h", "Hours to keep commit log", { ...important, min: 0 }),
  flushCommitLogLeastPages: int(4, "pages", "Min dirty pages to flush"),
  flushCommitLogThoroughInterval: int(10_000, "ms", "Time until flush ignores page minimum"),
  flushCommitLogTimed: bool(true, "Sleep fixed interval instead of wake-ups", important),
  flushConsumeQueueLeastPages: int(2, "pages", "Min dirty CQ pages to flush"),
  flushConsumeQueueThoroughInterval: int(60_000, "ms", "Time until CQ flush ignores minimum"),
  flushDelayOffsetInterval: long(10_000, "ms", "Time between delayOffset.json writes", { min: 1 }),
  flushDiskType: choice(["ASYNC_FLUSH", "SYNC_FLUSH"], "ASYNC_FLUSH", "Whether a send waits for the disk", important),
  flushIntervalCommitLog: int(500, "ms", "Time between commit log flushes", { ...important, min: 1 }),
  flushIntervalConsumeQueue: int(1000, "ms", "Time between CQ flushes", { min: 1 }),
  flushLeastPagesWhenWarmMapedFile: int(4096, "pages", "Pages between flushes while a file is warmed up", accepted),
  forceVerifyPropCRC: bool(false, "Recovery requires __CRC32# property"),
  haFlowControlEnable: bool(false, "Limit HA bandwidth", important),
  haHousekeepingInterval: int(20_000, "ms", "Time of HA silence before close", { min: 1 }),
  haListenPort: int(0, "", "HA port; 0 means listenPort + 1", { min: 0, max: 65535, isDerivedByDefault: true }),
  haMasterAddress: optionalText("Fixed master HA address for a slave", { ...important, check: checkAddress }),
  haMaxGapNotInSync: int(268_435_456, "bytes", "Bytes behind still counted in sync (5.x)"),
  haMaxTimeSlaveNotCatchup: long(15_000, "ms", "Controller: time until out of sync", later),
  haSendHeartbeatInterval: int(5000, "ms", "Time between HA heartbeats", { min: 1 }),
  haSlaveFallbehindMax: int(268_435_456, "", "Name of haMaxGapNotInSync in 4.x", { aliasOf: "haMaxGapNotInSync" }),
  haTransferBatchSize: int(32_768, "bytes", "Max bytes per HA frame body", { min: 1 }),
  inSyncReplicas: int(1, "replicas", "Acks wanted, master included (5.x)", { ...important, min: 1 }),
  indexFileReadEnable: bool(true, "Read index files"),
  indexFileWriteEnable: bool(true, "Write index files"),
  indexRocksDBEnable: bool(false, "Key index in RocksDB", accepted),
  iteratorWhenUseRocksdbConsumeQueue: bool(true, "Read consume queues in RocksDB by iterator", accepted),
  logicQueueForceSwapMapInterval: long(43_200_000, "ms", "Forced remapping of consume queue files", accepted),
  logicQueueSwapMapInterval: long(3_600_000, "ms", "Remapping of consume queue files", accepted),
  logicQueueSwapMapReserveFileNum: int(20, "files", "Consume queue files never remapped", accepted),
  logicalDiskSpaceCleanForciblyThreshold: double(0.8, "ratio", "CQ disk clean ratio"),
  mappedFileSizeCommitLog: int(1_073_741_824, "bytes", "Bytes per commit log file", { min: 1024 }),
  mappedFileSizeConsumeQueue: int(6_000_000, "bytes", "Bytes per CQ file, rounded up to ×20", {
    min: 20,
    roundUpTo: 20,
  }),
  mappedFileSizeConsumeQueueExt: int(50_331_648, "bytes", "Bytes per CQ ext file", later),
  mappedFileSizeTimerLog: int(104_857_600, "bytes", "Bytes per timer log file"),
  mappedFileSwapEnable: bool(true, "Remap files that were read long ago", accepted),
  mapperFileSizeBatchConsumeQueue: int(13_800_000, "bytes", "Bytes per batch CQ file, ×46", {
    ...later,
    min: 46,
    roundUpTo: 46,
  }),
  maxAsyncPutMessageRequests: int(5000, "requests", "Queued async puts"),
  maxBatchDeleteFilesNum: int(50, "files", "Files deleted per round (manual)"),
  maxChecksumRange: long(1_073_741_824, "bytes", "Bytes checked when a controller truncates", later),
  maxConsumeQueueScan: int(20_000, "units", "CQ units scanned per filtered search", later),
  maxFilterMessageSize: int(16_000, "bytes", "Bytes of CQ scanned per pull"),
  maxHaTransferByteInSecond: long(104_857_600, "bytes", "HA bandwidth limit, all slaves together", { min: 1 }),
  maxHashSlotNum: int(5_000_000, "", "Hash slots per index file", { min: 1 }),
  maxIndexNum: int(20_000_000, "", "Entries per index file", { min: 2 }),
  maxLmqConsumeQueueNum: int(20_000, "", "Most light queues", later),
  maxMessageSize: int(4_194_304, "bytes", "Max body bytes", { min: 1 }),
  maxMsgsNumBatch: int(64, "messages", "Max results of a key query"),
  maxOffsetMapSize: int(104_857_600, "bytes", "Compaction key map bytes", later),
  maxRecoveryCommitlogFiles: int(30, "files", "Commit log files read when RocksDB recovers", accepted),
  maxRocksDBIndexQueryDays: int(7, "days", "Days a query of the RocksDB index may span", accepted),
  maxSlaveResendLength: long(268_435_456, "bytes", "Controller: bytes re-sent at most", later),
  maxTopicLength: int(127, "bytes", "Max topic length (5.x)", { min: 1 }),
  maxTransferBytesOnMessageInDisk: int(65_536, "bytes", "Pull bytes limit, cold data", { ...important, min: 1 }),
  maxTransferBytesOnMessageInMemory: int(262_144, "bytes", "Pull bytes limit, hot data", { ...important, min: 1 }),
  maxTransferCountOnMessageInDisk: int(8, "messages", "Pull count limit, cold data", { ...important, min: 1 }),
  maxTransferCountOnMessageInMemory: int(32, "messages", "Pull count limit, hot data", { ...important, min: 1 }),
  memTableFlushIntervalMs: long(3_600_000, "ms", "Time between flushes of RocksDB memory tables", accepted),
  messageDelayLevel: text(
    "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
    "Delays of levels 1, 2, …, separated by blanks; units s, m, h, d",
    { blankIsDefault: true, check: checkDelayLevels },
  ),
  messageIndexEnable: bool(true, "Build the key index", important),
  messageIndexSafe: bool(false, "Recovery also honours index timestamp", important),
  minInSyncReplicas: int(1, "replicas", "Fewest acks accepted (5.x)", { ...important, min: 1 }),
  offsetCheckInSlave: bool(false, "Slave corrects offsets itself"),
  osPageCacheBusyTimeOutMills: long(1000, "ms", "Lock hold time that means busy"),
  preferredLeaderId: optionalText("DLedger: preferred leader", later),
  pullBatchMaxMessageCount: int(160, "messages", "Max messages of a pull batch", later),
  putConsumeQueueDataByFileChannel: bool(true, "Write CQ via file channel", accepted),
  putMessageTimeout: int(8000, "ms", "Sync put wait", { min: 1 }),
  putMsgIndexHightWater: int(600_000, "messages", "Dispatch backlog high-water"),
  readOnlyCommitLogStorePaths: optionalText("Extra read-only commit log dirs", {
    ...later,
    refuse: "a commit log spread over several directories is not supported; part of its messages would be missing",
  }),
  readUnCommitted: bool(false, "Read entries that RocksDB has not flushed", accepted),
  realTimePersistRocksDBConfig: bool(true, "Write RocksDB configuration at once", accepted),
  recheckReputOffsetFromCq: bool(false, "Derive reput offset from CQs as 4.x"),
  redeleteHangedFileInterval: int(120_000, "ms", "Time before retrying a failed delete", accepted),
  replicasPerDiskPartition: int(1, "", "Replicas sharing a disk", later),
  rocksdbCQDoubleWriteEnable: bool(false, "Write consume queues to RocksDB too", accepted),
  rocksdbCompressionType: text("lz4", "Compression of consume queues in RocksDB", accepted),
  rocksdbFlushWalFrequency: int(1024, "", "Puts between flushes of the RocksDB log", accepted),
  rocksdbWalFileRollingThreshold: long(1_073_741_824, "bytes", "Size at which the RocksDB log rolls", accepted),
  sampleCountThreshold: int(5000, "", "Entries sampled to estimate a filter", later),
  sampleSteps: int(32, "", "Steps of the scan for cold data", later),
  scheduleAsyncDeliverMaxPendingLimit: int(2000, "messages", "Async delay: max pending"),
  scheduleAsyncDeliverMaxResendNum2Blocked: int(3, "", "Async delay: resends before blocking"),
  searchBcqByCacheEnable: bool(true, "Batch CQ search cache", accepted),
  sharedByteBufferNum: int(16, "", "Buffers when writeWithoutMmap", accepted),
  slaveTimeout: int(3000, "ms", "Timeout of waiting for slave ack", { min: 1 }),
  spinLockCollisionRetreatOptimalDegree: int(1000, "", "Back-off of the adaptive lock", accepted),
  statRocksDBCQIntervalSec: long(10, "s", "Time between statistics of RocksDB", accepted),
  storePathBrokerIdentity: optionalText("Controller: identity file; null: below the store root", {
    ...later,
    ...important,
  }, null),
  storePathCommitLog: text("", "Commit log directory; empty: commitlog below the store root", {
    ...important,
    isPath: true,
  }),
  storePathDLedgerCommitLog: optionalText("DLedger: directory of the log", { ...later, ...important }),
  storePathEpochFile: optionalText(
    "Controller: epoch file; null: below the store root",
    { ...later, ...important },
    null,
  ),
  storePathRootDir: text((environment) => `${environment.userHome}/store`, "Store root", {
    ...important,
    blankIsDefault: true,
    isPath: true,
  }),
  storeType: choice(["default", "defaultRocksDB"], "default", "Kind of consume queues", {
    ...later,
    ...important,
    refuse: "consume queues in RocksDB are not supported; an existing store of that kind cannot be opened",
  }),
  syncFlushTimeout: int(5000, "ms", "Timeout of waiting for group commit", { min: 1 }),
  syncFromLastFile: bool(false, "Controller: an empty slave copies the last file only", later),
  syncMasterFlushOffsetWhenStartup: bool(false, "Slave truncates to master flushed offset"),
  timerColdDataCheckIntervalMs: int(60_000, "ms", "Timer cold check period", later),
  timerCongestNumEachSlot: int(2_147_483_647, "messages", "Timer flow control per slot"),
  timerEnableCheckMetrics: bool(true, "Check timermetrics daily"),
  timerEnableRetryUntilSuccess: bool(false, "Retry timer puts for ever"),
  timerFlushIntervalMs: int(1000, "ms", "Time between timer flushes"),
  timerGetMessageThreadNum: int(3, "threads", "Timer read threads", accepted),
  timerInterceptDelayLevel: bool(false, "Route delay levels through timer", later),
  timerMaxDelaySec: int(259_200, "s", "Longest timer delay"),
  timerMetricSmallThreshold: int(1_000_000, "messages", "Small topics merged in metrics"),
  timerPrecisionMs: int(1000, "ms", "Tick of the wheel", { min: 1 }),
  timerProgressLogIntervalMs: int(10_000, "ms", "Time between progress logs"),
  timerPutMessageThreadNum: int(3, "threads", "Timer write threads", accepted),
  timerRecallToTimeWheelEnable: bool(true, "Move RocksDB timers back", later),
  timerRecallToTimelineEnable: bool(true, "Timer recall switch", later),
  timerReputServiceCorePoolSize: int(6, "threads", "Threads of RocksDB timers", accepted),
  timerReputServiceMaxPoolSize: int(6, "threads", "Most threads of RocksDB timers", accepted),
  timerReputServiceQueueCapacity: int(10_000, "requests", "Queue length of RocksDB timers", accepted),
  timerRocksDBEnable: bool(false, "Keep timers in RocksDB", {
    ...later,
    refuse: "timers in RocksDB are not supported; delayed messages there would not be delivered",
  }),
  timerRocksDBPrecisionMs: long(1000, "ms", "Tick of RocksDB timers", accepted),
  timerRocksDBRollIntervalHours: int(1, "h", "Time between rolls of RocksDB timers", accepted),
  timerRocksDBRollMaxTps: double(8000, "", "Messages rolled a second, RocksDB timers", accepted),
  timerRocksDBRollRangeHours: int(2, "h", "Span of a roll, RocksDB timers", accepted),
  timerRocksDBStopScan: bool(false, "Stop scanning RocksDB timers", accepted),
  timerRocksDBTimeExpiredMaxTps: double(200_000, "", "Messages delivered a second, RocksDB timers", accepted),
  timerRollWindowSlot: int(172_800, "slots", "Slots after which timers roll"),
  timerSkipUnknownError: bool(false, "Skip failing timer messages"),
  timerStopEnqueue: bool(false, "Stop accepting into wheel"),
  timerWheelEnable: bool(true, "Timer messages on"),
  timerWheelSnapshotFlush: bool(false, "Flush wheel as snapshot files (5.5)"),
  timerWheelSnapshotIntervalMs: int(10_000, "ms", "Time between snapshots"),
  topicQueueLockNum: int(32, "", "Locks that queues are spread over", accepted),
  totalReplicas: int(1, "replicas", "Replica count (5.x)", { ...important, min: 1 }),
  transRocksDBEnable: bool(false, "Keep half messages in RocksDB", {
    ...later,
    refuse: "transactions in RocksDB are not supported; half messages there would be lost",
  }),
  transWriteOriginTransHalfEnable: bool(true, "Write half messages to their topic too", accepted),
  transientStorePoolEnable: bool(false, "Write through off-heap buffers", important),
  transientStorePoolSize: int(5, "", "Number of those buffers", accepted),
  travelCqFileNumWhenGetMessage: int(1, "files", "CQ files scanned per pull"),
  useABSLock: bool(false, "Adaptive spin lock", accepted),
  useReentrantLockWhenPutMessage: bool(true, "Reentrant lock instead of a spin lock", accepted),
  useSeparateStorePathForRocksdbCQ: bool(false, "Own directory for consume queues in RocksDB", accepted),
  wakeCommitWhenPutMessage: bool(true, "Wake commit thread on put", { ...accepted, ...important }),
  wakeFlushWhenPutMessage: bool(false, "Wake flush thread on put", { ...accepted, ...important }),
  warmMapedFileEnable: bool(false, "Pre-touch new files", accepted),
  writeWithoutMmap: bool(false, "Write by file channel", { ...accepted, ...important }),
  diskFreeBytesEnough: long(
    0,
    "bytes",
    "Ours: with more than this free, the disk never counts as full; 0: ratios only",
  ),
  haAllowedAddresses: text("", "Ours: addresses and networks that may replicate, separated by `;`; empty: all", {
    isList: true,
    check: checkNetworks,
  }),
  storeRecentBytesMax: long(67_108_864, "bytes", "Ours: newest messages kept in memory", { min: 8_388_608 }),
  storeCacheBytesMax: long(33_554_432, "bytes", "Ours: older data cached for readers that are behind", {
    min: 1_048_576,
  }),
  storeCheckpointBytes: long(
    268_435_456,
    "bytes",
    "Ours: appended bytes after which a checkpoint is made, so that a start after a crash reads little more",
    { min: 1_048_576 },
  ),
  storeOpenFilesMax: int(512, "files", "Ours: store files that are open at a time", { min: 16 }),
};

/** Values of {@linkcode STORE_OPTIONS}. */
export type StoreOptions = OptionValues<typeof STORE_OPTIONS>;

/**
 * Keys of old configuration files that Java ignores since 4.4 (paths) and 4.5.2 (`maped…`); a path that is the one used anyway
 * is not worth a warning.
 *
 * @param rootDirectory the store root that counts.
 */
export function retiredStoreKeys(rootDirectory: string): Readonly<Record<string, RetiredKey>> {
  const path = (name: string): RetiredKey => (value) => {
    const used = `${trimSlash(rootDirectory)}/${name}`;
    return trimSlash(value) === used ? null : `this key has no effect in RocketMQ either; ${used} is used`;
  };
  const renamed = (name: string): RetiredKey => () =>
    `this key has no effect since RocketMQ 4.5.2; its name is ${name}`;
  return {
    storePathConsuQueue: path("consumequeue"),
    storePathConsumeQueue: path("consumequeue"),
    storePathConsumerQueue: path("consumequeue"),
    storePathIndex: path("index"),
    storeCheckpoint: path("checkpoint"),
    abortFile: path("abort"),
    mapedFileSizeCommitLog: renamed("mappedFileSizeCommitLog"),
    mapedFileSizeConsumeQueue: renamed("mappedFileSizeConsumeQueue"),
  };
}

/** The options with everything filled in that follows from others. Frozen. */
export function completeStoreOptions(values: StoreOptions, listenPort: number): StoreOptions {
  const root = trimSlash(values.storePathRootDir);
  return Object.freeze({
    ...values,
    storePathRootDir: root,
    storePathCommitLog: trimSlash(values.storePathCommitLog) || `${root}/commitlog`,
    storePathEpochFile: values.storePathEpochFile ?? `${root}/epochFileCheckpoint`,
    storePathBrokerIdentity: values.storePathBrokerIdentity ?? `${root}/brokerIdentity`,
    haListenPort: values.haListenPort > 0 ? values.haListenPort : listenPort + 1,
  });
}

/** The defaults with some values replaced, complete: for tests, and for embedding a store. */
export function defaultStoreOptions(
  overrides: Partial<StoreOptions> = {},
  environment: Environment = createEnvironment(),
): StoreOptions {
  return completeStoreOptions(defaultOptions(STORE_OPTIONS, environment, overrides), 10911);
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

function checkNetworks(list: string): string | null {
  try {
    for (const item of list.split(";")) if (item.trim() !== "") parseNetwork(item);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function checkAddress(text: string): string | null {
  try {
    parseAddress(text);
    return null;
  } catch {
    return "host:port is expected, e.g. 192.0.2.1:10912";
  }
}

function checkHours(hours: string): string | null {
  const isHour = (item: string) => /^\d{1,2}$/.test(item) && Number(item) < 24;
  return hours.split(";").every(isHour) ? null : `hours from 00 to 23, separated by ";", are expected`;
}

function checkDelayLevels(levels: string): string | null {
  const isDelay = (item: string) => /^\d+[smhd]$/.test(item);
  return levels.split(/\s+/).every(isDelay) ? null : `delays such as "1s 5s 10m 2h", separated by blanks, are expected`;
}

/** The system property of the name, a ratio such as 0.85, as a percentage within the bounds; `max` where it is not set. */
function percentProperty(name: string, min: number, max: number): (environment: Environment) => number {
  return (environment) => {
    const percent = Math.round(Number(environment.property(`rocketmq.broker.${name}`) ?? NaN) * 100);
    return Number.isNaN(percent) ? max : Math.min(Math.max(percent, min), max);
  };
}
