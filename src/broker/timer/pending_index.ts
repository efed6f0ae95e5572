/**
 * All pending messages in the order of delivery, in little memory: the newest in a heap, the others in sorted runs on disk
 * that are merged as they become many. Adding is an insertion into the heap, and now and then one sequential write; of each
 * run a few kilobytes are in memory, wherever its messages are due. It can always be made again from the timer topic.
 *
 * Order is by key (due time, queue offset). `watermark` ≤ `horizon`: everything up to the watermark is delivered, what lies
 * between the two has been taken and is on its way. Only entries behind the horizon may be added.
 *
 * RocketMQ counterpart: `TimerWheel` and `TimerLog`, whose wheel has a fixed span (hence RocketMQ's limit of days), a slot for
 * each second and chains of single reads through the log. This one has no span, no tick and reads sequentially.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import { type Disk, makeDurableDirectory } from "../../common/disk.ts";
import { invariant } from "../../common/errors.ts";
import { compareKeys, endOf, FIRST_KEY, sortEntries, type TimerEntry, type TimerKey } from "./entry.ts";
import { EntryHeap } from "./entry_heap.ts";
import { RunCursor, RunFile, type RunInfo, RunWriter } from "./run_file.ts";

/** Entries in memory at which a run is written. */
const HEAP_MAX = 16384;
/** Runs of a size that are merged into one of the next size. */
const FAN_IN = 8;
/** Longest stretch of merging, and the pause behind it. */
const SLICE_MS = 4;
const PAUSE_MS = 4;

/** What the index is made of. */
export interface PendingIndexParts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Directory of the runs. */
  readonly directory: string;
  /** Whether an entry counts no more; merging leaves it out. */
  readonly isDead: (entry: TimerEntry) => boolean;
  /** Merging failed; it is tried again with the next run. */
  readonly onFailed: (error: unknown) => void;
  /** Entries in memory at which a run is written; for tests. */
  readonly heapMax?: number;
}

/** The runs as they are listed on disk, and how far they go. */
export interface RunList {
  readonly runs: readonly RunInfo[];
  readonly indexedOffset: number;
  readonly indexedEnd: number;
}

/** {@linkcode PendingIndex.snapshot}. */
export interface RunSnapshot extends RunList {
  readonly files: readonly RunFile[];
  /** Runs that an older list may have. */
  readonly obsolete: readonly RunFile[];
}

interface OpenRun {
  readonly file: RunFile;
  /** Where delivery is: the first entry behind the horizon. */
  readonly cursor: RunCursor;
  isMerging: boolean;
}

/** The index; see the module's text. */
export class PendingIndex {
  readonly #parts: PendingIndexParts;
  readonly #heapMax: number;
  #writeAtSize: number;
  readonly #heap = new EntryHeap();
  /** Entries from the heap that are taken and not committed. */
  #taken: TimerEntry[] = [];
  #runs: OpenRun[] = [];
  /** Runs that are in the list on disk and not in ours any more. */
  #obsolete: RunFile[] = [];
  #watermark: TimerKey = FIRST_KEY;
  #horizon: TimerKey = FIRST_KEY;
  #nextNumber = 1;
  #hasNewNames = false;
  #lastAdded: TimerEntry | null = null;
  #indexedOffset = 0;
  #indexedEnd = 0;
  #addedEnd = 0;
  #lock: Promise<unknown> = Promise.resolve();
  #merging: Promise<void> | null = null;
  #closed = false;

  constructor(parts: PendingIndexParts) {
    this.#parts = parts;
    this.#heapMax = parts.heapMax ?? HEAP_MAX;
    this.#writeAtSize = this.#heapMax;
  }

  /** Everything up to here is delivered. */
  get watermark(): TimerKey {
    return this.#watermark;
  }

  /** Everything up to here is delivered or on its way. */
  get horizon(): TimerKey {
    return this.#horizon;
  }

  /** The runs, for the list of runs on disk. */
  get runs(): RunInfo[] {
    return this.#runs.map((run) => run.file.info);
  }

  /** Everything that was added with a lower queue offset is in the runs. */
  get indexedOffset(): number {
    return this.#indexedOffset;
  }

  /** Where the last record that the runs know of ends in the log. */
  get indexedEnd(): number {
    return this.#indexedEnd;
  }

  /** Lowest queue offset of what may be pending; Infinity when nothing is. */
  get minQueueOffset(): number {
    return this.#min((each) => each.minQueueOffset, (each) => each.queueOffset);
  }

  /** Lowest physical offset of what may be pending; Infinity when nothing is. */
  get minPhysicalOffset(): number {
    return this.#min((each) => each.minPhysicalOffset, (each) => each.physicalOffset);
  }

  /**
   * Opens the runs of a list and removes all other files of the directory.
   *
   * @throws {CorruptError} when a run is not what the list says. @throws {DiskError} when one is missing.
   */
  async open(list: RunList, watermark: TimerKey): Promise<void> {
    const { runs } = list;
    const { disk, directory } = this.#parts;
    this.#indexedOffset = list.indexedOffset;
    this.#indexedEnd = this.#addedEnd = list.indexedEnd;
    makeDurableDirectory(disk, directory);
    const names = new Set(runs.map((run) => run.name));
    for (const { name } of disk.list(directory)) if (!names.has(name)) disk.remove(`${directory}/${name}`);
    this.#watermark = this.#horizon = watermark;
    for (const info of runs) {
      this.#nextNumber = Math.max(this.#nextNumber, Number.parseInt(info.name) + 1);
      this.#runs.push(await this.#openRun(RunFile.open(disk, directory, info)));
    }
  }

  /** Forgets everything and begins anew, behind `watermark`. */
  reset(watermark: TimerKey): void {
    for (const run of this.#runs) this.#obsolete.push(run.file);
    this.#runs = [];
    this.#taken = [];
    this.#heap.drain();
    this.#lastAdded = null;
    this.#indexedOffset = this.#indexedEnd = this.#addedEnd = 0;
    this.#watermark = this.#horizon = watermark;
  }

  /** Adds an entry behind the horizon; at times it writes a run. While that fails, entries stay in memory. */
  add(entry: TimerEntry): void {
    invariant(compareKeys(entry, this.#horizon) > 0, "a timer entry is added before the horizon");
    this.#heap.push(entry);
    this.#lastAdded = entry;
    this.#addedEnd = Math.max(this.#addedEnd, entry.physicalOffset + entry.sizeBytes);
    if (this.#heap.size < this.#writeAtSize) return;
    try {
      this.writeRun();
      this.#writeAtSize = this.#heapMax;
    } catch (error) {
      this.#writeAtSize = this.#heap.size + this.#heapMax;
      this.#parts.onFailed(error);
    }
  }

  /**
   * Brings everything in memory into a run. What is on its way goes with it: it may have to be delivered again.
   *
   * @throws {DiskError} and everything is as before.
   */
  writeRun(): void {
    const entries = sortEntries([...this.#taken, ...this.#heap.items]);
    if (entries.length === 0) return;
    const writer = this.#newRun();
    let file: RunFile | null;
    try {
      for (const entry of entries) writer.add(entry);
      file = writer.finish();
    } catch (error) {
      writer.abandon();
      throw error;
    }
    const cursor = new RunCursor(file!);
    cursor.index = this.#taken.length;
    this.#runs = [...this.#runs, { file: file!, cursor, isMerging: false }];
    this.#taken = [];
    this.#heap.drain();
    this.#indexedOffset = Math.max(this.#indexedOffset, (this.#lastAdded?.queueOffset ?? -1) + 1);
    this.#indexedEnd = this.#addedEnd;
    this.#mergeSoon();
  }

  /** Takes what is due at `now`, in order, at most `max` entries, and moves the horizon behind them. */
  take(now: number, max: number): Promise<TimerEntry[]> {
    return this.#exclusive(async () => {
      const out: TimerEntry[] = [];
      while (out.length < max) {
        const next = this.#nextReady();
        if (next === undefined) {
          await this.#loadCursors();
          continue;
        }
        if (next === null || next.dueMs > now) break;
        const entry = next instanceof RunCursor ? next.entry() : this.#heap.pop()!;
        if (next instanceof RunCursor) next.advance();
        else this.#taken.push(entry);
        out.push(entry);
        this.#horizon = entry;
      }
      return out;
    });
  }

  /**
   * When the next entry behind the horizon is due; Infinity when there is none. If that is later than `now`, everything due
   * at `now` is delivered, and the watermark says so.
   */
  idle(now: number): Promise<number> {
    return this.#exclusive(async () => {
      let next = this.#nextReady();
      for (; next === undefined; next = this.#nextReady()) await this.#loadCursors();
      const isIdle = compareKeys(this.#watermark, this.#horizon) === 0 && now > this.#watermark.dueMs;
      if (isIdle && (next === null || next.dueMs > now)) this.commit(endOf(now));
      return next?.dueMs ?? Infinity;
    });
  }

  /** Everything up to `key` is delivered. */
  commit(key: TimerKey): void {
    this.#watermark = key;
    if (compareKeys(this.#horizon, key) < 0) this.#horizon = key;
    this.#taken = this.#taken.filter((entry) => compareKeys(entry, key) > 0);
    if (this.#taken.length > 0) return;
    this.#runs = this.#runs.filter((run) => {
      const isDone = run.cursor.isAtEnd && !run.isMerging && compareKeys(this.#watermark, this.#horizon) >= 0;
      if (isDone) this.#obsolete.push(run.file);
      return !isDone;
    });
  }

  /** What was taken and not committed is to be taken again. */
  rewind(): Promise<void> {
    return this.#exclusive(async () => {
      for (const entry of this.#taken) this.#heap.push(entry);
      this.#taken = [];
      this.#horizon = this.#watermark;
      for (const run of this.#runs) await run.cursor.seek(this.#watermark);
    });
  }

  /** The first `max` entries behind `from` in order, whether they are on their way or not. */
  scan(from: TimerKey, max: number): Promise<TimerEntry[]> {
    return this.#exclusive(async () => {
      const cursors = await this.#cursorsBehind(from);
      const inMemory = sortEntries([...this.#taken, ...this.#heap.items].filter((each) => compareKeys(each, from) > 0));
      const out: TimerEntry[] = [];
      for (let at = 0; out.length < max;) {
        const cursor = await firstOf(cursors);
        const entry = inMemory[at];
        if (entry !== undefined && (cursor === null || compareKeys(entry, cursor) < 0)) {
          out.push(entry);
          at++;
        } else if (cursor === null) break;
        else {
          out.push(cursor.entry());
          cursor.advance();
        }
      }
      return out;
    });
  }

  /** The runs as they are now, to be listed on disk. */
  snapshot(): RunSnapshot {
    const { runs, indexedOffset, indexedEnd } = this;
    const files = this.#runs.map((run) => run.file);
    for (const file of files) file.hold();
    return { runs, indexedOffset, indexedEnd, files, obsolete: this.#obsolete.splice(0) };
  }

  /** Brings the runs of a snapshot to the device, with their names. @throws {DiskError} */
  async sync({ files }: RunSnapshot): Promise<void> {
    for (const file of files) await file.sync();
    if (!this.#hasNewNames) return;
    // Before, for files that are made meanwhile are not covered.
    this.#hasNewNames = false;
    try {
      await this.#parts.disk.syncDirectoryAsync(this.#parts.directory);
    } catch (error) {
      this.#hasNewNames = true;
      throw error;
    }
  }

  /** Ends the use of a snapshot. If it is the list on disk now, runs that are not in it are removed. @throws {DiskError} */
  settle(snapshot: RunSnapshot, isListed: boolean): void {
    for (const file of snapshot.files) file.release();
    if (!isListed) this.#obsolete.unshift(...snapshot.obsolete);
    for (const file of isListed ? snapshot.obsolete : []) {
      file.release();
      this.#parts.disk.remove(file.path);
    }
  }

  /** Merges all runs that have queue offsets below `queueOffset`, so that dead entries are really gone. */
  async compactBelow(queueOffset: number): Promise<void> {
    await this.#merging;
    this.#merging = this.#merge(this.#runs.filter((run) => run.file.info.minQueueOffset < queueOffset));
    await this.#mergingDone();
  }

  /** Resolves when no merging is under way. */
  async settled(): Promise<void> {
    while (this.#merging !== null) await this.#merging;
    await this.#lock;
  }

  /** Ends merging and lets go of all files. Entries in memory are forgotten. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.settled();
    for (const run of this.#runs) run.file.release();
    for (const file of this.#obsolete) file.release();
    this.#runs = [];
    this.#obsolete = [];
  }

  /** A cursor of each run; none is missing when the heap is looked at in the same turn. */
  async #cursorsBehind(key: TimerKey): Promise<RunCursor[]> {
    const cursors = new Map<OpenRun, RunCursor>();
    for (let runs: OpenRun[] = []; runs !== this.#runs;) {
      runs = this.#runs;
      for (const run of runs) {
        if (cursors.has(run)) continue;
        const cursor = new RunCursor(run.file);
        cursors.set(run, cursor);
        await cursor.seek(key);
      }
    }
    return this.#runs.map((run) => cursors.get(run)!);
  }

  #min(ofRun: (run: RunInfo) => number, of: (entry: TimerEntry) => number): number {
    let min = Infinity;
    for (const run of this.#runs) min = Math.min(min, ofRun(run.file.info));
    for (const entry of this.#heap.items) min = Math.min(min, of(entry));
    for (const entry of this.#taken) min = Math.min(min, of(entry));
    return min;
  }

  /** The place of the next entry, the heap's first one or a cursor; undefined when something must be read before. */
  #nextReady(): TimerEntry | RunCursor | null | undefined {
    const cursors = this.#runs.map((run) => run.cursor);
    if (!cursors.every((cursor) => cursor.isReady)) return undefined;
    const cursor = firstReady(cursors);
    const entry = this.#heap.peek();
    if (entry === undefined || (cursor !== null && compareKeys(cursor, entry) < 0)) return cursor;
    return entry;
  }

  async #loadCursors(): Promise<void> {
    for (const { cursor } of this.#runs) if (!cursor.isReady) await cursor.load();
  }

  async #openRun(file: RunFile): Promise<OpenRun> {
    const cursor = new RunCursor(file);
    await cursor.seek(this.#horizon);
    return { file, cursor, isMerging: false };
  }

  #newRun(): RunWriter {
    const name = `${String(this.#nextNumber++).padStart(20, "0")}.run`;
    this.#hasNewNames = true;
    return new RunWriter(this.#parts.disk, this.#parts.directory, name);
  }

  /** Work that needs runs and cursors to stay as they are, one after the other. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lock.then(work);
    this.#lock = result.catch(() => {});
    return result;
  }

  #mergeSoon(): void {
    if (this.#merging !== null || this.#closed) return;
    const group = this.#groupToMerge();
    if (group === null) return;
    this.#merging = this.#merge(group);
    this.#mergingDone().then(() => this.#mergeSoon());
  }

  async #mergingDone(): Promise<void> {
    const merging = this.#merging;
    try {
      await merging;
    } catch (error) {
      this.#parts.onFailed(error);
    }
    if (this.#merging === merging) this.#merging = null;
  }

  /** As many runs of about the same size as make a merge worth while. */
  #groupToMerge(): OpenRun[] | null {
    const bySize = new Map<number, OpenRun[]>();
    for (const run of this.#runs) {
      const size = Math.floor(Math.log(Math.max(1, run.file.info.count / this.#heapMax)) / Math.log(FAN_IN) + 1e-9);
      const group = bySize.get(size) ?? [];
      group.push(run);
      if (group.length >= FAN_IN) return group;
      bySize.set(size, group);
    }
    return null;
  }

  async #merge(group: readonly OpenRun[]): Promise<void> {
    if (group.length === 0) return;
    for (const run of group) {
      run.isMerging = true;
      run.file.hold();
    }
    const writer = this.#newRun();
    try {
      await this.#copy(group.map((run) => new RunCursor(run.file)), writer);
      const merged = this.#closed ? null : writer.finish();
      if (merged === null) writer.abandon();
      if (!this.#closed) await this.#replace(group, merged);
    } catch (error) {
      writer.abandon();
      throw error;
    } finally {
      for (const run of group) {
        run.isMerging = false;
        run.file.release();
      }
    }
  }

  async #copy(cursors: readonly RunCursor[], writer: RunWriter): Promise<void> {
    const { clock, isDead } = this.#parts;
    const watermark = this.#watermark;
    for (const cursor of cursors) await cursor.seek(watermark);
    let since = clock.monotonicMs();
    for (let count = 1; !this.#closed; count++) {
      const cursor = await firstOf(cursors);
      if (cursor === null) return;
      // Up to the next read of a file without waiting.
      do {
        const first = firstReady(cursors)!;
        const entry = first.entry();
        if (!isDead(entry)) writer.add(entry);
        first.advance();
        if (!first.isReady || first.isAtEnd) break;
      } while (++count % 256 !== 0);
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(PAUSE_MS);
      since = clock.monotonicMs();
    }
  }

  #replace(group: readonly OpenRun[], merged: RunFile | null): Promise<void> {
    return this.#exclusive(async () => {
      const opened = merged === null ? [] : [await this.#openRun(merged)];
      this.#runs = [...this.#runs.filter((run) => !group.includes(run)), ...opened];
      for (const run of group) this.#obsolete.push(run.file);
    });
  }
}

/** The cursor with the first entry, null when all are at the end. */
async function firstOf(cursors: readonly RunCursor[]): Promise<RunCursor | null> {
  for (const cursor of cursors) if (!cursor.isReady) await cursor.load();
  return firstReady(cursors);
}

/** As {@linkcode firstOf}, of cursors that are all ready. */
function firstReady(cursors: readonly RunCursor[]): RunCursor | null {
  let first: RunCursor | null = null;
  for (const cursor of cursors) {
    if (cursor.isAtEnd) continue;
    const isFirst = first === null || cursor.dueMs < first.dueMs ||
      (cursor.dueMs === first.dueMs && cursor.queueOffset < first.queueOffset);
    if (isFirst) first = cursor;
  }
  return first;
}
