/**
 * The options that the store obeys, as a structural type: names, units and defaults are RocketMQ's (`MessageStoreConfig`);
 * those that RocketMQ does not have stand at the end. The table that reads them from a file is `options.ts`.
 *
 * @module
 */

/** What the store must know. All sizes are bytes, all times milliseconds unless said otherwise. */
export interface StoreOptions {
  /** Directory of everything the store keeps. */
  readonly storePathRootDir: string;
  /** Commitlog directories separated by `,`; null or empty: `<storePathRootDir>/commitlog`. */
  readonly storePathCommitLog: string | null;
  /** More commitlog directories, only read, separated by `,`. */
  readonly readOnlyCommitLogStorePaths: string | null;
  /** Size of a commitlog file of a new store; files that exist decide for themselves. */
  readonly mappedFileSizeCommitLog: number;
  /** Size of a consumequeue file, a multiple of 20; files that exist decide for themselves. */
  readonly mappedFileSizeConsumeQueue: number;
  /** Hash slots of an index file. */
  readonly maxHashSlotNum: number;
  /** Entries of an index file, counting the unused first one. */
  readonly maxIndexNum: number;
  /** Whether keys are indexed. */
  readonly messageIndexEnable: boolean;
  /** What a producer is promised. */
  readonly flushDiskType: "ASYNC_FLUSH" | "SYNC_FLUSH";
  /** Whether the promise includes replicas, and whether appends are taken at all. */
  readonly brokerRole: "ASYNC_MASTER" | "SYNC_MASTER" | "SLAVE";
  /** ASYNC_FLUSH: time between two looks at what is not synced yet. */
  readonly flushIntervalCommitLog: number;
  /** ASYNC_FLUSH: pages of 4096 bytes that must be dirty before a look syncs. */
  readonly flushCommitLogLeastPages: number;
  /** ASYNC_FLUSH: after this time a look syncs however little is dirty. */
  readonly flushCommitLogThoroughInterval: number;
  /** Time between two rounds that write consumequeue units and index entries to their files. */
  readonly flushIntervalConsumeQueue: number;
  /** Time between two checkpoints: everything derived is synced and need not be looked at by recovery again. */
  readonly flushConsumeQueueThoroughInterval: number;
  /** SYNC_FLUSH: how long a producer waits for the sync. */
  readonly syncFlushTimeout: number;
  /** SYNC_MASTER: how long a producer waits for replicas. */
  readonly slaveTimeout: number;
  /** Largest body. */
  readonly maxMessageSize: number;
  /** Most messages that one pull returns. */
  readonly maxTransferCountOnMessageInMemory: number;
  /** Most bytes that one pull returns, unless its first message alone is larger. */
  readonly maxTransferBytesOnMessageInMemory: number;
  /** Most results of a query by key. */
  readonly maxMsgsNumBatch: number;
  /** Delay levels, e.g. `1s 5s 10s`: recovery needs them to make units of SCHEDULE_TOPIC_XXXX again. */
  readonly messageDelayLevel: string;
  /** Whether recovery checks the CRC of each body. */
  readonly checkCRCOnRecover: boolean;
  /** Whether records end with a CRC over all of it (`__CRC32#`), which is then checked wherever records are read from files. */
  readonly enabledAppendPropCRC: boolean;
  /** Hours of the day at which expired files go, separated by `;`. */
  readonly deleteWhen: string;
  /** Hours for which a commitlog file is kept after its last write. */
  readonly fileReservedTime: number;
  /** Time between two rounds of retention. */
  readonly cleanResourceInterval: number;
  /** Time between the removal of two commitlog files of a round. */
  readonly deleteCommitLogFilesInterval: number;
  /** Most commitlog files that one round removes. */
  readonly deleteFileBatchMax: number;
  /** Percent of the volume in use above which expired files go at any hour. */
  readonly diskMaxUsedSpaceRatio: number;
  /** Percent of the volume in use above which files go before they expire. */
  readonly diskSpaceCleanForciblyRatio: number;
  /** Percent of the volume in use above which appends are refused. */
  readonly diskSpaceWarningLevelRatio: number;
  /** Whether files may go before they expire. */
  readonly cleanFileForciblyEnable: boolean;

  /** Ours: free bytes above which appends are never refused, whatever the percentages say; 0: only percentages count. */
  readonly diskFreeBytesEnough: number;
  /** Ours: bytes of the newest messages that stay in memory. */
  readonly storeRecentBytesMax: number;
  /** Ours: bytes of older data cached for readers that are behind. */
  readonly storeCacheBytesMax: number;
  /** Appended bytes after which a checkpoint is made before its time; more where many queues would have to be synced. */
  readonly storeCheckpointBytes: number;
  /** Ours: files that are open at a time. */
  readonly storeOpenFilesMax: number;
}

/** RocketMQ's defaults, with some replaced; what tests and tools start from. */
export function defaultStoreOptions(
  storePathRootDir: string,
  replaced: Partial<StoreOptions> = {},
): StoreOptions {
  return {
    storePathRootDir,
    storePathCommitLog: null,
    readOnlyCommitLogStorePaths: null,
    mappedFileSizeCommitLog: 1073741824,
    mappedFileSizeConsumeQueue: 6000000,
    maxHashSlotNum: 5000000,
    maxIndexNum: 20000000,
    messageIndexEnable: true,
    flushDiskType: "ASYNC_FLUSH",
    brokerRole: "ASYNC_MASTER",
    flushIntervalCommitLog: 500,
    flushCommitLogLeastPages: 4,
    flushCommitLogThoroughInterval: 10000,
    flushIntervalConsumeQueue: 1000,
    flushConsumeQueueThoroughInterval: 60000,
    syncFlushTimeout: 5000,
    slaveTimeout: 3000,
    maxMessageSize: 4194304,
    maxTransferCountOnMessageInMemory: 32,
    maxTransferBytesOnMessageInMemory: 262144,
    maxMsgsNumBatch: 64,
    messageDelayLevel: "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
    checkCRCOnRecover: true,
    enabledAppendPropCRC: false,
    deleteWhen: "04",
    fileReservedTime: 72,
    cleanResourceInterval: 10000,
    deleteCommitLogFilesInterval: 100,
    deleteFileBatchMax: 10,
    diskMaxUsedSpaceRatio: 75,
    diskSpaceCleanForciblyRatio: 85,
    diskSpaceWarningLevelRatio: 90,
    cleanFileForciblyEnable: true,
    diskFreeBytesEnough: 0,
    storeRecentBytesMax: 64 * 1024 * 1024,
    storeCacheBytesMax: 32 * 1024 * 1024,
    storeCheckpointBytes: 256 * 1024 * 1024,
    storeOpenFilesMax: 512,
    ...replaced,
  };
}
