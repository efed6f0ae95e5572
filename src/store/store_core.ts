/**
 * The passive parts of a store, made and joined: files, log, queues, index, the append path. Nothing here acts by itself; that
 * is `store.ts`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk, DiskLock } from "../common/disk.ts";
import { ReadOnlyDisk } from "../common/disk_read_only.ts";
import type { Log } from "../common/log.ts";
import { Appender } from "./appender.ts";
import { BlockCache } from "./block_cache.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Commitlog } from "./commitlog.ts";
import { TagsCodes } from "./dispatch.ts";
import { MessageIndex } from "./message_index.ts";
import { OpenFiles } from "./open_files.ts";
import { openQueue } from "./queue_opener.ts";
import { QueueTable } from "./queue_table.ts";
import { recover, type Recovered } from "./recovery.ts";
import { wayOn } from "./log_files_check.ts";
import { SegmentQueue } from "./segment_queue.ts";
import { fileSizes, type StorePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

/** One queue of a topic, as others see it. */
export interface StoreQueue {
  readonly topic: string;
  readonly queueId: number;
  /** One beyond the last message that readers may see. */
  readonly maxOffset: number;
  /** The first message that is still there. */
  readonly minOffset: number;
}

/** What an election says to the store of the leader that it chose: each null while the leader may act, else why not. */
export interface StoreFence {
  /** Whether messages may be taken. */
  refusesAppends(): string | null;
  /** Whether anything may be acknowledged or shown. */
  refusesPromises(): string | null;
}

/** What {@linkcode MessageStore.open} needs. */
export interface StoreParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: StoreOptions;
  /** What retention reads each time that it decides: options that follow changes; by default the same ones. */
  readonly retentionOptions?: StoreOptions;
  /** Address (4 or 16 bytes) and port that records name as their store host: brokerIP1 and listenPort. */
  readonly storeHost: Uint8Array;
  readonly storePort: number;
  /** Calls `fn` once, when the present turn of the event loop has handled all its requests. */
  readonly atEndOfTurn: (fn: () => void) => void;
  /** Called for each queue in which readers can see more than before. */
  readonly onArrival?: (queue: StoreQueue) => void;
  /** Retention keeps the file that holds this physical offset and all behind it; Infinity: nothing is needed. */
  readonly neededOffset?: () => number;
  /** Of an elected leader. */
  readonly fence?: StoreFence;
  /** Called while recovery works: what it does, bytes done and bytes in all. */
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** The passive parts of a store. */
export interface StoreCore {
  readonly paths: StorePaths;
  readonly lock: DiskLock;
  readonly files: OpenFiles;
  readonly cache: BlockCache;
  readonly checkpoint: Checkpoint;
  readonly log: Commitlog;
  readonly queues: QueueTable;
  readonly index: MessageIndex | null;
  readonly appender: Appender;
  readonly tagsCodes: TagsCodes;
}

/** Where a store's parts lie. */
export interface StorePlace {
  readonly paths: StorePaths;
  readonly lock: DiskLock;
  /** The log is only read, and whatever is missing there stays so. */
  readonly isLogReadOnly?: boolean;
}

/** Makes the parts over what is on disk; nothing is recovered yet. @throws {DiskError} @throws {CorruptError} */
export function makeCore(parts: StoreParts, { paths, lock, isLogReadOnly = false }: StorePlace): StoreCore {
  const { disk, clock, options, storeHost, storePort } = parts;
  const warn = (text: string) => parts.log.warn(text);
  const checkpoint = new Checkpoint(disk, paths.checkpoint);
  checkpoint.load();
  const sizes = fileSizes(disk, paths, checkpoint, options);
  const files = new OpenFiles(disk, options.storeOpenFilesMax);
  const cache = new BlockCache(Math.max(options.storeCacheBytesMax, 6 * options.maxMessageSize));
  const segments = new SegmentQueue({
    disk: isLogReadOnly ? new ReadOnlyDisk(disk) : disk,
    files: isLogReadOnly ? new OpenFiles(new ReadOnlyDisk(disk), options.storeOpenFilesMax) : files,
    directories: paths.commitlogs,
    readOnlyDirectories: paths.readOnlyCommitlogs,
    sizeBytes: sizes.commitlog,
    sizeIsCertain: sizes.areCertain || isLogReadOnly,
    isReadOnly: isLogReadOnly,
    warn,
  });
  segments.load();
  const log = new Commitlog(segments, cache, options.storeRecentBytesMax);
  const queues: QueueTable = new QueueTable({
    disk,
    files,
    log,
    directory: paths.consumequeue,
    fileSize: sizes.consumequeue,
    fileSizeIsCertain: sizes.areCertain,
    warn,
    openQueue: (queue) => openQueue(queue, log, warn),
  });
  queues.list();
  const index = options.messageIndexEnable
    ? new MessageIndex({
      disk,
      clock,
      files,
      directory: paths.index,
      slotCount: options.maxHashSlotNum,
      entryCountMax: options.maxIndexNum,
      warn,
    })
    : null;
  index?.load();
  const { maxMessageSize } = options;
  const appendsRecordCrc = options.enabledAppendPropCRC;
  const appender = new Appender({ log, queues, index, clock, storeHost, storePort, maxMessageSize, appendsRecordCrc });
  const tagsCodes = new TagsCodes(options.messageDelayLevel);
  return { paths, lock, files, cache, checkpoint, log, queues, index, appender, tagsCodes };
}

/** Recovers log, queues and index. @throws {DiskError} @throws {CorruptError} */
export async function recoverCore(parts: StoreParts, core: StoreCore, crashed: boolean): Promise<Recovered> {
  const { log, queues, checkpoint, tagsCodes, index, paths } = core;
  const recovered = await recover({
    log,
    queues,
    checkpoint,
    tagsCodes,
    clock: parts.clock,
    crashed,
    checkCrc: parts.options.checkCRCOnRecover,
    checkRecordCrc: parts.options.enabledAppendPropCRC,
    acceptsLoss: false,
    wayOn: wayOn(paths),
    info: (text) => parts.log.info(text),
    warn: (text) => parts.log.warn(text),
    onProgress: parts.onProgress ?? (() => {}),
  });
  const { dispatch, indexMsgTimestamp } = checkpoint;
  const { minOffset, appendedOffset: endOffset } = log;
  const goodUntil = recovered.damages[0]?.startOffset ?? endOffset;
  index?.recover(dispatch, crashed ? indexMsgTimestamp : null, { minOffset, endOffset, goodUntil });
  return recovered;
}
