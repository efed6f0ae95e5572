/**
 * Makes everything that is derived from a store's log anew: consumequeues, index, checkpoint. The log itself is not touched,
 * unless it is asked to end at an earlier place, or to do without what is missing. Whatever is replaced, cut or overwritten
 * is kept beside it, in `repair-<time>`.
 *
 * 1. What an earlier repair had begun to carry out is carried out.
 * 2. The log is walked from its beginning; units and index entries are made and synced in a directory of their own.
 * 3. Queues that have no message in the log any more get their files again, so that their offsets go on.
 * 4. A checkpoint is written there. Whether the last stop was clean stays as it was: the next start still cuts a torn tail.
 * 5. What is to be cut or overwritten in the log is copied away.
 * 6. Everything is put in place (`repair_swap.ts`).
 *
 * Until 6 the store is as it was, and a repair that is stopped leaves nothing but a directory that the next one removes.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { type Disk, type DiskFile, type DiskLock, makeDurableDirectory, parentOf, removeTree } from "../common/disk.ts";
import { CorruptError, DiskError } from "../common/errors.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { Commitlog } from "./commitlog.ts";
import { refuseForeignFiles } from "./foreign_files.ts";
import { IndexCatchUp } from "./index_catch_up.ts";
import { findIndexLayout } from "./index_layout.ts";
import { findMissingParts, type MissingPart, refuseMissingParts, wayOn } from "./log_files_check.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import type { QueueTable } from "./queue_table.ts";
import { type Damage, findLogEnd, makeQueueUnits, type Recovered, type RecoveryParts } from "./recovery.ts";
import { carryOut, type Fill, finishRepair, isPlanned, repairWork } from "./repair_swap.ts";
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

/** What a repair may do to the log. */
export interface RepairRequest {
  /** Physical offset at which the log is to end, a record's beginning; null leaves its end alone. */
  readonly truncateAt: number | null;
  /** Missing files count as empty, short ones as full, and an end that no crash explains as the end. */
  readonly acceptsLoss: boolean;
}

/** What a repair did. */
export interface Repaired {
  /** Where what was replaced is kept. */
  readonly copy: string;
  readonly endOffset: number;
  readonly records: number;
  readonly queues: number;
  readonly damages: readonly Damage[];
  /** Parts of the log that were given up. */
  readonly missing: readonly MissingPart[];
}

/**
 * Repairs a store that nobody has open.
 * @throws {DiskError} `locked` when a broker runs. @throws {CorruptError} when the log's files cannot be understood, some are
 * missing and that is not accepted, or no record begins at `truncateAt`.
 */
export async function repairStore(parts: RepairParts, request: RepairRequest): Promise<Repaired> {
  const { disk, options, report } = parts;
  const paths = storePaths(options);
  refuseForeignFiles(disk, paths);
  if (disk.stat(paths.commitlogs[0] ?? paths.root) === null) {
    throw new DiskError("not-found", paths.commitlogs[0] ?? paths.root, "find the commitlog");
  }
  const lock = lockStore(disk, paths);
  try {
    const finished = finishRepair(disk, paths);
    if (finished !== null) report(`finished a repair that was interrupted; what it replaced is in ${finished}`);
    if (!request.acceptsLoss) refuseMissingParts(disk, paths, options);
    return await new Repair(parts, paths, lock).run(request);
  } finally {
    lock.release();
  }
}

class Repair {
  readonly #parts: RepairParts;
  readonly #paths: StorePaths;
  readonly #lock: DiskLock;
  /** Where everything is made. */
  readonly #made: StorePaths;
  readonly #work: string;

  constructor(parts: RepairParts, paths: StorePaths, lock: DiskLock) {
    this.#parts = parts;
    this.#paths = paths;
    this.#lock = lock;
    this.#work = repairWork(paths);
    const made = `${this.#work}/new`;
    this.#made = {
      ...paths,
      consumequeue: `${made}/consumequeue`,
      index: `${made}/index`,
      checkpoint: `${made}/checkpoint`,
    };
  }

  async run(request: RepairRequest): Promise<Repaired> {
    const { disk } = this.#parts;
    removeTree(disk, this.#work);
    for (const path of [this.#made.consumequeue, this.#made.index, `${this.#work}/old`]) {
      makeDurableDirectory(disk, path);
    }
    try {
      return await this.#makeAndSwap(request);
    } catch (error) {
      // Once it is planned, the next repair goes on with it.
      if (!isPlanned(disk, this.#paths)) removeTree(disk, this.#work);
      throw error;
    }
  }

  async #makeAndSwap({ truncateAt, acceptsLoss }: RepairRequest): Promise<Repaired> {
    const { disk, report } = this.#parts;
    const missing = findMissingParts(disk, this.#paths, this.#parts.options);
    const options = this.#optionsOfFiles();
    const core = makeCore(this.#storeParts(options), { paths: this.#made, lock: this.#lock, isLogReadOnly: true });
    const { log, queues } = core;
    if (truncateAt !== null) await checkBoundary(log, this.#paths, truncateAt);
    const walked = await this.#walk(core, options, { truncateAt, acceptsLoss });
    report(`made the units of ${walked.records} records in ${queues.count} queues`);
    this.#bringBackSilentQueues(queues);
    await this.#makeIndex(core);
    await this.#save(core, walked);
    const endsAt = acceptsLoss ? walked.endOffset : truncateAt;
    const fills = this.#fills(log, missing, walked);
    if (endsAt !== null) this.#keepLog(log, endsAt);
    for (const { path, position } of fills) this.#keepBehind(log, path, position);
    log.segments.close();
    const copy = this.#freeName();
    const plan = { copy, commitlogFileSize: log.segments.segmentSize, fills, truncateAt: endsAt };
    carryOut(disk, this.#paths, plan);
    const { endOffset, records, damages } = walked;
    return { copy: `${this.#paths.root}/${copy}`, endOffset, records, queues: queues.count, damages, missing };
  }

  async #walk(core: StoreCore, options: StoreOptions, request: RepairRequest): Promise<Recovered> {
    const { clock, report, onProgress } = this.#parts;
    const { log } = core;
    const saved = new Checkpoint(this.#parts.disk, this.#paths.checkpoint);
    saved.load();
    const recovery: RecoveryParts = {
      ...core,
      checkpoint: saved,
      clock,
      crashed: this.#parts.disk.stat(this.#paths.abort) !== null,
      checkCrc: options.checkCRCOnRecover,
      checkRecordCrc: false,
      acceptsLoss: request.acceptsLoss || request.truncateAt !== null,
      wayOn: wayOn(this.#paths),
      info: report,
      warn: report,
      onProgress: onProgress ?? (() => {}),
    };
    const walked = await findLogEnd(recovery, log.minOffset, request.truncateAt ?? Infinity);
    log.damages = walked.damages;
    log.openAt(walked.endOffset);
    if (walked.records > 0) await makeQueueUnits(recovery, log.minOffset, walked);
    return walked;
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

  /** The stretches that fillers are to hold, for the parts of the log that are missing before its end. */
  #fills({ segments }: Commitlog, missing: readonly MissingPart[], { endOffset, damages }: Recovered): Fill[] {
    return missing.filter(({ startOffset }) => startOffset + segments.segmentSize <= endOffset).map((part) => {
      const fileEnd = part.startOffset + segments.segmentSize;
      const damage = damages.find((each) => each.startOffset < fileEnd && each.endOffset >= fileEnd);
      if (part.sizeBytes === 0) return { path: part.path, position: 0 };
      const position = damage === undefined ? null : Math.max(0, damage.startOffset - part.startOffset);
      return { path: part.path, position };
    });
  }

  /** Copies the log from `from` on to `old/commitlog`. */
  #keepLog({ segments }: Commitlog, from: number): void {
    for (const { path, startOffset, endOffset, sizeBytes } of segments.segments) {
      if (endOffset <= from) continue;
      const position = Math.max(0, from - startOffset);
      this.#copy(
        path,
        position,
        `${this.#work}/old/commitlog/${segmentName(startOffset + position)}`,
        sizeBytes - position,
      );
    }
  }

  /** Copies what a filler will overwrite. */
  #keepBehind({ segments }: Commitlog, path: string, position: number | null): void {
    const segment = segments.segments.find((each) => each.path === path);
    if (segment === undefined || position === null) return;
    const to = `${this.#work}/old/commitlog/${segmentName(segment.startOffset + position)}`;
    this.#copy(path, position, to, segment.sizeBytes - position);
  }

  /** Copies `size` bytes from `position` on; a stretch of zeros takes no room, and makes no file. */
  #copy(path: string, position: number, to: string, size: number): void {
    const { disk } = this.#parts;
    const source = disk.open(path, { readOnly: true });
    let target: DiskFile | null = null;
    try {
      const buffer = new Uint8Array(Math.min(COPY_SIZE, size));
      for (let done = 0; done < size;) {
        const count = source.read(buffer.subarray(0, Math.min(buffer.length, size - done)), position + done);
        if (count === 0) break;
        const part = buffer.subarray(0, count);
        if (part.some((byte) => byte !== 0)) {
          if (target === null) makeDurableDirectory(disk, parentOf(to));
          target ??= disk.open(to, { create: true });
          target.write(part, done);
        }
        done += count;
      }
      target?.truncate(size);
      target?.syncNow();
    } finally {
      source.close();
      target?.close();
    }
    if (target !== null) disk.syncDirectory(parentOf(to));
  }

  /** The end of a queue must not go back to 0 because its messages have expired: consumers know their offsets. */
  #bringBackSilentQueues(queues: QueueTable): void {
    const { disk, report } = this.#parts;
    const old = this.#paths.consumequeue;
    const silent: [topic: string, queueId: number][] = [];
    for (const topic of disk.list(old)) {
      for (const queue of disk.list(`${old}/${topic.name}`)) {
        if (!queue.isDirectory || !/^\d{1,10}$/.test(queue.name)) continue;
        if (queues.has(topic.name, Number(queue.name))) continue;
        const from = `${old}/${topic.name}/${queue.name}`;
        const to = `${this.#made.consumequeue}/${topic.name}/${queue.name}`;
        for (const { name, sizeBytes } of disk.list(from)) this.#copy(`${from}/${name}`, 0, `${to}/${name}`, sizeBytes);
        if (disk.stat(to) !== null) silent.push([topic.name, Number(queue.name)]);
      }
    }
    queues.list();
    for (const [topic, queueId] of silent) {
      // Its first use drops units of records that are not in the log.
      const { nextOffset } = queues.get(topic, queueId)!;
      report(`kept ${topic}-${queueId}, which has no message in the log, for its offsets: ${nextOffset} is next`);
    }
  }

  async #makeIndex({ index, log, queues }: StoreCore): Promise<void> {
    if (index === null) return;
    const { minOffset, appendedOffset: endOffset } = log;
    index.recover(null, null, { minOffset, endOffset, goodUntil: minOffset });
    const { clock, report } = this.#parts;
    await new IndexCatchUp({ log, index, queues, clock, warn: report }).run();
    report(`the index is made up to ${index.indexedOffset}`);
  }

  /** Brings everything that was made to the device. */
  async #save({ queues, index, checkpoint, log, paths }: StoreCore, walked: Recovered): Promise<void> {
    const { disk } = this.#parts;
    for (const queue of queues.takeDirty()) queue.writeDirty();
    for (const queue of queues.all()) {
      await queue.sync();
      queue.segments.close();
    }
    for (const topic of queues.topics()) disk.syncDirectory(`${paths.consumequeue}/${topic}`);
    disk.syncDirectory(paths.consumequeue);
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
    index?.close();
  }

  /** A name for the copy that nothing has yet. */
  #freeName(): string {
    const { disk, clock } = this.#parts;
    const name = `repair-${timeText(clock.now())}`;
    for (let n = 1;; n++) {
      const free = n === 1 ? name : `${name}-${n}`;
      if (disk.stat(`${this.#paths.root}/${free}`) === null) return free;
    }
  }
}

/** Makes sure that a record, or the end, begins at `truncateAt`. @throws {CorruptError} naming the nearest that do. */
async function checkBoundary({ segments }: Commitlog, paths: StorePaths, truncateAt: number): Promise<void> {
  const segment = segments.find(truncateAt);
  if (segment === null) {
    const range = `${segments.first?.startOffset ?? 0} to ${segments.last?.endOffset ?? 0}`;
    throw new CorruptError(paths.commitlogs[0]!, 0, `no file holds offset ${truncateAt}; there are ${range}`);
  }
  const start = segment.startOffset;
  const scanner = new LogScanner(segments, start);
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
