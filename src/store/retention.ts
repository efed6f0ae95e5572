/**
 * Removes what is too old, and says no to new messages before the disk is full.
 *
 * A round looks at the age of the oldest commitlog file and at the volume. Expired files go in the hours of `deleteWhen`, at
 * any hour when the volume is fuller than `diskMaxUsedSpaceRatio`, and files that have not expired go too when it is fuller
 * than `diskSpaceCleanForciblyRatio`. Above `diskSpaceWarningLevelRatio` appends are refused until room is made. As long as
 * `diskFreeBytesEnough` bytes are free, the volume does not count as full at all. Consumequeues and index follow the log.
 *
 * RocketMQ counterpart: `DefaultMessageStore.CleanCommitLogService`, `CleanConsumeQueueService`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { type Disk, type DiskUsage, parentOf } from "../common/disk.ts";
import { messageOf, WorldError } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import type { Commitlog } from "./commitlog.ts";
import type { Consumequeue } from "./consumequeue.ts";
import type { MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";
import type { SegmentFile } from "./segment_file.ts";
import type { StorePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

const HOUR_MS = 3_600_000;
/** Rounds for which a request to delete expired files holds. Source: RocketMQ `maxManualDeleteFileTimes`. */
const MANUAL_ROUNDS = 20;
/** Longest stretch of work over queues, and the pause behind it. */
const SLICE_MS = 4;
const PAUSE_MS = 8;

/** What retention works on. */
export interface RetentionParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly options: StoreOptions;
  readonly log: Commitlog;
  readonly queues: QueueTable;
  readonly index: MessageIndex | null;
  readonly paths: StorePaths;
  readonly report: Log;
  /** Files whose bytes are not all below it are never removed. */
  readonly flushedOffset: () => number;
  /** The same for what somebody still needs: messages that wait for their time. */
  readonly neededOffset: () => number;
}

/** A volume that holds commitlog files. */
interface Volume {
  readonly path: string;
  readonly usage: DiskUsage;
  readonly ratio: number;
}

/** Retention of one store. */
export class Retention {
  readonly #parts: RetentionParts;
  #timer: Timer | null = null;
  #refusal: string | null = null;
  #manualRounds = 0;
  #working: Promise<void> | null = null;
  #stopped = false;

  /** {@linkcode start} begins the rounds. */
  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Looks at the volume at once and then every `cleanResourceInterval`. */
  start(): void {
    const { clock, options } = this.#parts;
    this.#judge(this.#volume());
    this.#timer = clock.every(options.cleanResourceInterval, () => this.wake());
  }

  /** Ends the rounds; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#working;
  }

  /** Why appends are refused, with figures; null when they are taken. */
  refusal(): string | null {
    return this.#refusal;
  }

  /** Part of the emptiest commitlog volume that is in use, as RocketMQ counts it. */
  usedRatio(): number {
    return this.#volume()?.ratio ?? 0;
  }

  /** Expired files go in the next rounds whatever the hour. */
  deleteNow(): void {
    this.#manualRounds = MANUAL_ROUNDS;
    this.wake();
  }

  /** Begins a round, unless one is under way. */
  wake(): void {
    if (this.#working !== null || this.#stopped) return;
    this.#working = this.#round().catch((error) => {
      this.#parts.report.warn(`Cannot remove expired files: ${messageOf(error)}`);
    }).finally(() => this.#working = null);
  }

  /** What to tell a producer whose message did not fit. */
  noSpaceText(cause: string): string {
    const volume = this.#volume();
    return volume === null ? cause : `${cause}; ${describe(volume)}; ${this.#whenSpaceComes()}`;
  }

  async #round(): Promise<void> {
    const volume = this.#volume();
    this.#judge(volume);
    const { options, clock } = this.#parts;
    const isFull = (percent: number) => volume !== null && this.#counts(volume) && volume.ratio * 100 > percent;
    const isForced = options.cleanFileForciblyEnable && isFull(options.diskSpaceCleanForciblyRatio);
    const isManual = this.#manualRounds > 0;
    if (isManual) this.#manualRounds--;
    if (isForced || isManual || isFull(options.diskMaxUsedSpaceRatio) || isHour(options.deleteWhen, clock.now())) {
      if (await this.#removeSegments(isForced) > 0) {
        await this.#follow();
        this.#judge(this.#volume());
      }
    }
  }

  /** Removes the oldest segments that may go; returns how many did. */
  async #removeSegments(isForced: boolean): Promise<number> {
    const { disk, log, options, clock, report } = this.#parts;
    let removed = 0;
    while (removed < options.deleteFileBatchMax && !this.#stopped) {
      const segment = log.segments.first;
      if (segment === undefined || !this.#mayGo(segment, isForced)) break;
      if (removed > 0) {
        await clock.sleep(options.deleteCommitLogFilesInterval);
        // A slave's log may have been cut meanwhile: what was one file of many may be the last one now.
        if (log.segments.first !== segment || !this.#mayGo(segment, isForced)) break;
      }
      log.segments.removeFirst();
      // No start may find it again without those behind it: files would be missing in between.
      await disk.syncDirectoryAsync(parentOf(segment.path));
      report.info(`removed ${segment.path}${isForced ? ", for lack of space" : ", expired"}`);
      removed++;
    }
    return removed;
  }

  #mayGo(segment: SegmentFile, isForced: boolean): boolean {
    const { log, options, clock, flushedOffset, neededOffset } = this.#parts;
    if (segment === log.segments.last || segment.endOffset > Math.min(flushedOffset(), neededOffset())) return false;
    return isForced || clock.now() >= segment.modifiedMs() + options.fileReservedTime * HOUR_MS;
  }

  /** Removes files of consumequeues and index that lead to nothing any more. */
  async #follow(): Promise<void> {
    const { queues, index, log, clock } = this.#parts;
    index?.removeExpired(log.minOffset);
    let since = clock.monotonicMs();
    for (const queue of [...queues.all()]) {
      if (this.#stopped) return;
      if (!queue.isRemoved) this.#removeExpiredUnits(queue);
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(PAUSE_MS);
      since = clock.monotonicMs();
    }
  }

  /** A queue whose files cannot be read keeps them, and keeps no other from losing theirs. */
  #removeExpiredUnits(queue: Consumequeue): void {
    try {
      this.#parts.queues.get(queue.topic, queue.queueId)?.removeExpired();
    } catch (error) {
      if (!(error instanceof WorldError)) throw error;
      this.#parts.report.warn(`Cannot remove expired units of ${queue.topic}-${queue.queueId}: ${error.message}`);
    }
  }

  #judge(volume: Volume | null): void {
    const { options, report } = this.#parts;
    const limit = options.diskSpaceWarningLevelRatio;
    const wasRefused = this.#refusal !== null;
    this.#refusal = volume === null || !this.#counts(volume) || volume.ratio * 100 <= limit
      ? null
      : `the disk is full: ${describe(volume)}; the limit is ${limit} %; ${this.#whenSpaceComes()}`;
    if (this.#refusal !== null && !wasRefused) report.error(`Messages are refused: ${this.#refusal}`);
    if (this.#refusal === null && wasRefused) report.info("Messages are taken again: there is room on the disk");
  }

  #counts(volume: Volume): boolean {
    const enough = this.#parts.options.diskFreeBytesEnough;
    return enough <= 0 || volume.usage.availableBytes < enough;
  }

  /** The volume with most room of those that new segments go to. */
  #volume(): Volume | null {
    const { disk, paths } = this.#parts;
    let best: Volume | null = null;
    for (const path of paths.commitlogs) {
      try {
        const usage = disk.usage(path);
        const ratio = Math.ceil(100 * usage.usedBytes / (usage.usedBytes + usage.availableBytes)) / 100;
        if (best === null || ratio < best.ratio) best = { path, usage, ratio };
      } catch (error) {
        this.#parts.report.warn(`Cannot see how full the disk is: ${messageOf(error)}`);
      }
    }
    return best;
  }

  #whenSpaceComes(): string {
    const { log, options, clock } = this.#parts;
    const oldest = log.segments.first;
    if (oldest === undefined || oldest === log.segments.last) return "no commitlog file can be removed yet";
    if (options.cleanFileForciblyEnable) {
      return `the oldest commitlog file goes within ${options.cleanResourceInterval} ms`;
    }
    const hours = (oldest.modifiedMs() + options.fileReservedTime * HOUR_MS - clock.now()) / HOUR_MS;
    return `the oldest commitlog file expires in ${Math.max(0, hours).toFixed(1)} hours`;
  }
}

function describe(volume: Volume): string {
  const { usedBytes, availableBytes } = volume.usage;
  const mib = (bytes: number) => `${Math.floor(bytes / 1048576)} MiB`;
  return `${volume.path}: ${mib(usedBytes)} used, ${mib(availableBytes)} free (${Math.round(volume.ratio * 100)} %)`;
}

/** Whether the local hour is one of `deleteWhen`, e.g. `04;05`. */
function isHour(deleteWhen: string, now: number): boolean {
  const hour = new Date(now).getHours();
  return deleteWhen.split(";").some((each) => each.trim() !== "" && Number(each) === hour);
}
