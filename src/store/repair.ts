/**
 * Makes everything that is derived from a store's log anew: consumequeues, index, checkpoint. The log itself is not touched,
 * unless it is asked to end at an earlier place. Whatever is replaced or cut is kept beside it, in `repair-<time>`.
 *
 * 1. With `truncateAt`: what lies behind is copied away and cut.
 * 2. Consumequeues, index and checkpoint move to the copy.
 * 3. The log is walked from its beginning; units and index entries are made and synced.
 * 4. Queues that have no message in the log any more get their last file back, so that their offsets go on.
 * 5. A checkpoint is written. Whether the last stop was clean stays as it was: the next start still cuts a torn tail.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { type Disk, type DiskLock, makeDurableDirectory } from "../common/disk.ts";
import { CorruptError, DiskError } from "../common/errors.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { Commitlog } from "./commitlog.ts";
import { refuseForeignFiles } from "./foreign_files.ts";
import { IndexCatchUp } from "./index_catch_up.ts";
import { findIndexLayout } from "./index_layout.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import type { QueueTable } from "./queue_table.ts";
import { type Damage, findLogEnd, makeQueueUnits, type Recovered, type RecoveryParts } from "./recovery.ts";
import { segmentName } from "./segment_file.ts";
import { makeCore, type StoreCore, type StoreParts } from "./store_core.ts";
import { fileSizes, lockStore, type StorePaths, storePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

const COPY_SIZE = 1024 * 1024;

/** What a repair needs. */
export interface RepairParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly options: StoreOptions;
  /** Told what is done. */
  readonly report: (text: string) => void;
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** What a repair did. */
export interface Repaired {
  /** Where what was replaced is kept. */
  readonly copy: string;
  readonly endOffset: number;
  readonly records: number;
  readonly queues: number;
  readonly damages: readonly Damage[];
}

/**
 * Repairs a store that nobody has open.
 * @param truncateAt physical offset at which the log is to end, a record's beginning; null leaves the log alone.
 * @throws {DiskError} `locked` when a broker runs. @throws {CorruptError} when the log's files cannot be understood, or no
 * record begins at `truncateAt`.
 */
export async function repairStore(parts: RepairParts, truncateAt: number | null): Promise<Repaired> {
  const { disk, options } = parts;
  const paths = storePaths(options);
  refuseForeignFiles(disk, paths);
  if (disk.stat(paths.commitlogs[0] ?? paths.root) === null) {
    throw new DiskError("not-found", paths.commitlogs[0] ?? paths.root, "find the commitlog");
  }
  const lock = lockStore(disk, paths);
  try {
    return await new Repair(parts, paths, lock).run(truncateAt);
  } finally {
    lock.release();
  }
}

class Repair {
  readonly #parts: RepairParts;
  readonly #paths: StorePaths;
  readonly #lock: DiskLock;
  readonly #copy: string;

  constructor(parts: RepairParts, paths: StorePaths, lock: DiskLock) {
    this.#parts = parts;
    this.#paths = paths;
    this.#lock = lock;
    this.#copy = `${paths.root}/repair-${timeText(parts.clock.now())}`;
  }

  async run(truncateAt: number | null): Promise<Repaired> {
    const { disk, report } = this.#parts;
    const options = this.#optionsOfFiles();
    makeDurableDirectory(disk, this.#copy);
    if (truncateAt !== null) await this.#truncate(options, truncateAt);
    this.#moveAway();
    const core = makeCore(this.#storeParts(options), this.#paths, this.#lock);
    const recovery = this.#recovery(core, options);
    const walked = await findLogEnd(recovery, core.log.minOffset);
    core.log.openAt(walked.endOffset);
    if (walked.records > 0) await makeQueueUnits(recovery, core.log.minOffset, walked);
    this.#bringBackSilentQueues(core.queues);
    report(`made the units of ${walked.records} records in ${core.queues.count} queues`);
    await this.#makeIndex(core);
    await this.#finish(core, walked);
    const { endOffset, records, damages } = walked;
    return { copy: this.#copy, endOffset, records, queues: core.queues.count, damages };
  }

  /** The options with the sizes that the files have: the new ones shall have them too. */
  #optionsOfFiles(): StoreOptions {
    const { disk, options } = this.#parts;
    const checkpoint = new Checkpoint(disk, this.#paths.checkpoint);
    checkpoint.load();
    const sizes = fileSizes(disk, this.#paths, checkpoint, options);
    const configured = { slotCount: options.maxHashSlotNum, entryCountMax: options.maxIndexNum };
    const layout = disk.list(this.#paths.index).filter(({ name }) => /^\d{17}$/.test(name))
      .map(({ name }) => findIndexLayout(disk, `${this.#paths.index}/${name}`, configured))
      .find((each) => each !== null) ?? configured;
    return {
      ...options,
      mappedFileSizeCommitLog: sizes.commitlog,
      mappedFileSizeConsumeQueue: sizes.consumequeue,
      maxHashSlotNum: layout.slotCount,
      maxIndexNum: layout.entryCountMax,
    };
  }

  #storeParts(options: StoreOptions): StoreParts {
    const { disk, clock, report } = this.#parts;
    return {
      disk,
      clock,
      options,
      log: { info: report, warn: report, error: report },
      storeHost: new Uint8Array(4),
      storePort: 0,
      atEndOfTurn: (fn) => fn(),
    };
  }

  #recovery(core: StoreCore, options: StoreOptions): RecoveryParts {
    const { clock, report, onProgress } = this.#parts;
    return {
      ...core,
      clock,
      crashed: true,
      checkCrc: options.checkCRCOnRecover,
      checkRecordCrc: false,
      info: report,
      warn: report,
      onProgress: onProgress ?? (() => {}),
    };
  }

  /** Cuts the log at a record, keeping what is cut. */
  async #truncate(options: StoreOptions, truncateAt: number): Promise<void> {
    const core = makeCore(this.#storeParts(options), this.#paths, this.#lock);
    const { log } = core;
    const segment = log.segments.find(truncateAt);
    if (segment === null) {
      const range = `${log.minOffset} to ${log.segments.last?.endOffset ?? 0}`;
      throw new CorruptError(this.#paths.commitlogs[0]!, 0, `no file holds offset ${truncateAt}; there are ${range}`);
    }
    await checkBoundary(log, segment.startOffset, truncateAt);
    const directory = `${this.#copy}/commitlog`;
    makeDurableDirectory(this.#parts.disk, directory);
    for (const each of log.segments.segments) {
      if (each.endOffset <= truncateAt) continue;
      const from = Math.max(truncateAt, each.startOffset);
      this.#copyBytes(each.path, from - each.startOffset, `${directory}/${segmentName(from)}`, each.endOffset - from);
    }
    this.#parts.disk.syncDirectory(directory);
    log.segments.cutAt(truncateAt);
    log.segments.syncNow();
    for (const each of this.#paths.commitlogs) this.#parts.disk.syncDirectory(each);
    core.log.segments.close();
    core.index?.close();
    this.#parts.report(`cut the commitlog at ${truncateAt}; what lay behind it is in ${directory}`);
  }

  #copyBytes(path: string, position: number, to: string, size: number): void {
    const { disk } = this.#parts;
    const source = disk.open(path, { readOnly: true });
    const target = disk.open(to, { create: true });
    try {
      const buffer = new Uint8Array(Math.min(COPY_SIZE, size));
      for (let done = 0; done < size;) {
        const count = source.read(buffer.subarray(0, Math.min(buffer.length, size - done)), position + done);
        if (count === 0) break;
        // Zeros take no room in the copy either.
        if (buffer.subarray(0, count).some((byte) => byte !== 0)) target.write(buffer.subarray(0, count), done);
        done += count;
      }
      target.syncNow();
    } finally {
      source.close();
      target.close();
    }
  }

  #moveAway(): void {
    const { disk, report } = this.#parts;
    const { root, consumequeue, index, checkpoint } = this.#paths;
    for (const path of [checkpoint, consumequeue, index]) {
      if (disk.stat(path) !== null) disk.rename(path, `${this.#copy}/${path.slice(root.length + 1)}`);
    }
    for (const path of [consumequeue, index]) disk.makeDirectory(path);
    disk.syncDirectory(root);
    disk.syncDirectory(this.#copy);
    report(`the old consumequeues, index and checkpoint are in ${this.#copy}`);
  }

  /** The end of a queue must not go back to 0 because its messages have expired: consumers know their offsets. */
  #bringBackSilentQueues(queues: QueueTable): void {
    const { disk, report } = this.#parts;
    const old = `${this.#copy}/consumequeue`;
    for (const topic of disk.list(old)) {
      for (const queue of disk.list(`${old}/${topic.name}`)) {
        if (!queue.isDirectory || !/^\d{1,10}$/.test(queue.name)) continue;
        const files = disk.list(`${old}/${topic.name}/${queue.name}`).filter(({ sizeBytes }) => sizeBytes > 0);
        const last = files.at(-1);
        if (last === undefined || queues.has(topic.name, Number(queue.name))) continue;
        const directory = `${this.#paths.consumequeue}/${topic.name}/${queue.name}`;
        makeDurableDirectory(disk, directory);
        this.#copyBytes(
          `${old}/${topic.name}/${queue.name}/${last.name}`,
          0,
          `${directory}/${last.name}`,
          last.sizeBytes,
        );
        const file = disk.open(`${directory}/${last.name}`);
        file.truncate(last.sizeBytes);
        file.syncNow();
        file.close();
        disk.syncDirectory(directory);
        report(`kept ${topic.name}-${queue.name}, which has no message in the log, for its offsets`);
      }
    }
    queues.list();
  }

  async #makeIndex({ index, log, queues }: StoreCore): Promise<void> {
    if (index === null) return;
    index.recover(null, null, log.minOffset, log.appendedOffset);
    index.indexedOffset = log.minOffset;
    const { clock, report } = this.#parts;
    const catchUp = new IndexCatchUp({ log, index, queues, clock, warn: report });
    catchUp.wake();
    await catchUp.idle();
    report(`the index is made up to ${index.indexedOffset}`);
  }

  async #finish(core: StoreCore, walked: Recovered): Promise<void> {
    const { queues, index, checkpoint, log, paths } = core;
    for (const queue of queues.takeDirty()) {
      queue.writeDirty();
      await queue.sync();
      this.#parts.disk.syncDirectory(`${paths.consumequeue}/${queue.topic}`);
    }
    this.#parts.disk.syncDirectory(paths.consumequeue);
    const indexed = index?.saveNow();
    checkpoint.physicMsgTimestamp = checkpoint.logicsMsgTimestamp = walked.lastStoreTimestamp;
    checkpoint.indexMsgTimestamp = index?.lastTimestamp ?? 0;
    checkpoint.dispatch = {
      dispatchedOffset: walked.endOffset,
      lastRecordOffset: walked.lastRecordOffset,
      commitlogFileSize: log.segments.segmentSize,
      consumequeueFileSize: queues.fileSize,
      queueCount: queues.count,
      indexedOffset: indexed?.indexedOffset ?? 0,
      indexName: indexed?.indexName ?? "",
      indexHeader: indexed?.indexHeader ?? new Uint8Array(0),
    };
    checkpoint.saveNow();
    log.segments.close();
    index?.close();
    for (const queue of queues.all()) if (queues.isOpened(queue)) queue.segments.close();
  }
}

/** Makes sure that a record, or the end, begins at `truncateAt`. @throws {CorruptError} naming the nearest that do. */
async function checkBoundary(log: Commitlog, start: number, truncateAt: number): Promise<void> {
  const scanner = new LogScanner(log.segments, start);
  let before = start;
  while (scanner.position < truncateAt) {
    const step = scanner.step();
    if (step === ScanStep.FILL) await scanner.fill();
    else if (step === ScanStep.RECORD) {
      before = scanner.position;
      scanner.advance();
    } else if (!(await scanner.skipToRecord(Infinity))) {
      if (step !== ScanStep.BAD || scanner.position === truncateAt) return;
      throw new CorruptError(scanner.path, truncateAt - start, `the last record ends at ${scanner.position}`);
    }
  }
  if (scanner.position === truncateAt) return;
  throw new CorruptError(
    scanner.path,
    truncateAt - start,
    `no record begins at ${truncateAt}; one begins at ${before}, the next at ${scanner.position}`,
  );
}

/** A time as `yyyyMMdd-HHmmss`, in UTC. */
function timeText(now: number): string {
  return new Date(now).toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
}
