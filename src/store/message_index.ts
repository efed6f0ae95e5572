/**
 * The index by key over all index files: which records have a key, newest first. Files are named by the local wall time of
 * their making (`yyyyMMddHHmmssSSS`); the newest one takes new entries until it is full.
 *
 * The index follows the log: `indexedOffset` says up to where. At work it keeps up turn by turn; after a crash it may be
 * behind, and {@link IndexCatchUp} goes through the log until it is not. It is allowed to find too much, never too little.
 *
 * RocketMQ counterpart: `IndexService`.
 *
 * @module
 */
import { equalBytes, getI32, getI64 } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import type { Disk, DiskEntry } from "../common/disk.ts";
import type { DispatchCheckpoint } from "./checkpoint.ts";
import type { IndexSink } from "./dispatch.ts";
import { IndexFile, indexFileSize, indexHash } from "./index_file.ts";
import { findIndexLayout, type IndexLayout } from "./index_layout.ts";
import type { OpenFiles } from "./open_files.ts";
import { SegmentFile } from "./segment_file.ts";

/** Links of one chain that a query follows before it gives up. */
const CHAIN_MAX = 20_000;
/** Between two megabytes of slots, so that a checkpoint does not hold the event loop. */
const PAUSE_MS = 4;

/** What the index needs. */
export interface MessageIndexParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly files: OpenFiles;
  readonly directory: string;
  readonly slotCount: number;
  /** Entries of a file, counting the unused first one. */
  readonly entryCountMax: number;
  readonly warn: (text: string) => void;
}

/** What of the index is on the device. */
export interface IndexCheckpoint {
  readonly indexedOffset: number;
  readonly indexName: string;
  readonly indexHeader: Uint8Array;
}

/** What recovery found of the log. */
export interface IndexBounds {
  /** Where the oldest file starts. */
  readonly minOffset: number;
  /** Where the log ends. */
  readonly endOffset: number;
  /** Entries that lead to this place or behind it may lead to records that are gone: the end, or where damage begins. */
  readonly goodUntil: number;
}

/** The index. */
export class MessageIndex implements IndexSink {
  /** Every record below is in the index. */
  indexedOffset = 0;
  /** End time of the newest full file that is on the device. */
  savedTimestamp = 0;
  /** Entries went whose records are gone; it must be saved before the log goes on. */
  wasCut = false;
  readonly #parts: MessageIndexParts;
  readonly #files: IndexFile[] = [];
  /** Files on disk that have another size. */
  #unusable: DiskEntry[] = [];
  /** Full files that are not saved yet. */
  #unsaved: IndexFile[] = [];
  /** The last file, when it is ready to take entries. */
  #active: IndexFile | null = null;
  /** Entries of the turn under way. */
  #hashes = new Int32Array(256);
  #offsets = new Float64Array(256);
  #times = new Float64Array(256);
  #count = 0;
  /** Entries from this record on were lost with a broken file just now. */
  #lostFrom = Infinity;
  #namesChanged = false;

  /** Starts without files; {@linkcode load} finds them. */
  constructor(parts: MessageIndexParts) {
    this.#parts = parts;
  }

  /** Store time of the newest entry, 0 when there is none. */
  get lastTimestamp(): number {
    return this.#files.at(-1)?.endTimestamp ?? 0;
  }

  /** Physical offset of the newest entry's record. */
  get lastPhysicalOffset(): number {
    return this.#files.at(-1)?.endPhyOffset ?? 0;
  }

  /** Finds the files. @throws {DiskError} */
  load(): void {
    const { disk, directory, slotCount, entryCountMax } = this.#parts;
    for (const entry of disk.list(directory)) {
      if (entry.isDirectory || !/^\d{17}$/.test(entry.name)) continue;
      const layout = findIndexLayout(disk, `${directory}/${entry.name}`, { slotCount, entryCountMax });
      if (layout === null) {
        this.#unusable.push(entry);
        continue;
      }
      const file = this.#newFile(entry.name, layout);
      file.load();
      this.#files.push(file);
    }
  }

  /**
   * Makes the files agree with what is known to be on the device, and finds where to go on.
   * @param saved from our own checkpoint; null when Java wrote last.
   * @param trustedTimestamp after a crash without `saved`: files that end later go; null after a clean stop.
   */
  recover(saved: DispatchCheckpoint | null, trustedTimestamp: number | null, log: IndexBounds): void {
    let next = log.endOffset;
    this.#sortOut(saved);
    if (saved !== null) {
      next = this.#recoverSaved(saved, trustedTimestamp !== null) ? saved.indexedOffset : this.lastPhysicalOffset;
    } else if (trustedTimestamp !== null) {
      this.#removeFrom(this.#files.findIndex((file) => file.endTimestamp > trustedTimestamp || file.indexCount <= 1));
      next = this.lastPhysicalOffset;
    }
    this.indexedOffset = Math.min(Math.max(next, log.minOffset), log.endOffset);
    this.cutAt(log.goodUntil);
    this.#startLast();
  }

  /** Reading a file's slots takes too long for the first message that comes. */
  #startLast(): void {
    const last = this.#files.at(-1);
    if (this.#active !== null || last === undefined || last.isFull) return;
    if (last.startLoaded()) this.#active = last;
    else this.indexedOffset = Math.min(this.indexedOffset, this.#lose(last));
  }

  /**
   * Forgets every entry that leads to `offset` or behind it: the records there are gone. The next save makes that durable,
   * and must come before other records are there.
   * @throws {DiskError}
   */
  cutAt(offset: number): void {
    let end = offset;
    for (let last = this.#files.at(-1); last !== undefined && last.endPhyOffset >= offset; last = this.#files.at(-1)) {
      this.wasCut = true;
      const isKept = last.beginPhyOffset < offset;
      if (isKept && last.startCut(offset)) {
        this.#active = last;
        break;
      }
      if (isKept) end = Math.min(end, this.#lose(last));
      else this.#removeFrom(this.#files.length - 1);
    }
    this.indexedOffset = Math.min(this.indexedOffset, end);
  }

  /** @inheritdoc */
  add(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    if (this.#count === this.#hashes.length) this.#growTurn();
    this.#hashes[this.#count] = indexHash(keyHash);
    this.#offsets[this.#count] = physicalOffset;
    this.#times[this.#count] = storeTimestamp;
    this.#count++;
  }

  /** The turn `[startOffset, endOffset)` was written: takes its entries if the index is that far. @throws {DiskError} */
  commitTurn(startOffset: number, endOffset: number): void {
    const count = this.#count;
    this.#count = 0;
    if (this.indexedOffset !== startOffset) return;
    for (let i = 0; i < count; i++) this.#put(this.#hashes[i]!, this.#offsets[i]!, this.#times[i]!);
    this.movedTo(endOffset);
  }

  /** Adds an entry of a record that was found in the log. @throws {DiskError} */
  addFromLog(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    this.#put(indexHash(keyHash), physicalOffset, storeTimestamp);
  }

  /** Every record below `offset` has its entries now, unless a file broke. */
  movedTo(offset: number): void {
    this.indexedOffset = Math.min(offset, this.#lostFrom);
    this.#lostFrom = Infinity;
  }

  /** The turn was not written. */
  dropTurn(): void {
    this.#count = 0;
  }

  /** Writes entries that only memory has. @throws {DiskError} */
  writeEntries(): void {
    for (const file of this.#unsaved) file.writeEntries();
    this.#active?.writeEntries();
  }

  /** Brings everything to the device; resolves with what a later start can rely on. @throws {DiskError} */
  async save(): Promise<IndexCheckpoint> {
    const result = this.#freeze();
    await this.#syncNames();
    for (const file of result.files) {
      await file.segment.sync();
      for (const _megabyte of file.writeSlots()) await this.#parts.clock.sleep(PAUSE_MS);
      await file.segment.sync();
      this.#saved(file);
    }
    return result.checkpoint;
  }

  /** As {@linkcode save}, blocking. @throws {DiskError} */
  saveNow(): IndexCheckpoint {
    const result = this.#freeze();
    if (this.#namesChanged) this.#parts.disk.syncDirectory(this.#parts.directory);
    this.#namesChanged = false;
    for (const file of result.files) {
      file.segment.syncNow();
      for (const _megabyte of file.writeSlots());
      file.segment.syncNow();
      this.#saved(file);
    }
    return result.checkpoint;
  }

  /** Physical offsets of records that may have a key with this hash, newest first. @throws {DiskError} */
  async query(javaKeyHash: number, maxNum: number, beginTime: number, endTime: number): Promise<number[]> {
    const hash = indexHash(javaKeyHash);
    const found = new Set<number>();
    for (let i = this.#files.length - 1; i >= 0 && found.size < maxNum; i--) {
      const file = this.#files[i];
      if (file === undefined) continue;
      // Entries know whole seconds only.
      if (file.beginTimestamp <= endTime && file.endTimestamp >= beginTime - 1000) {
        await this.#queryFile(file, hash, maxNum, beginTime - 1000, endTime, found);
      }
      if (file.beginTimestamp < beginTime) break;
    }
    return [...found];
  }

  /** Removes files that lead to nothing but records before `logMin`; never the last one. @throws {DiskError} */
  removeExpired(logMin: number): number {
    let removed = 0;
    while (this.#files.length > 1 && this.#files[0]!.endPhyOffset < logMin && !this.#files[0]!.isUnsaved) {
      this.#files.shift()!.segment.remove();
      removed++;
    }
    return removed;
  }

  /** Lets go of descriptors. */
  close(): void {
    for (const file of this.#files) file.segment.closeHandle();
  }

  async #queryFile(
    file: IndexFile,
    hash: number,
    maxNum: number,
    beginTime: number,
    endTime: number,
    found: Set<number>,
  ): Promise<void> {
    let n = await file.newestEntry(hash);
    for (let links = 0; n > 0 && n < file.indexCount && links < CHAIN_MAX && found.size < maxNum; links++) {
      const entry = await file.readEntry(n);
      const seconds = getI32(entry, 12);
      const time = file.beginTimestamp + seconds * 1000;
      if (seconds < 0 || time < beginTime) return;
      if (getI32(entry, 0) === hash && time <= endTime) found.add(getI64(entry, 4));
      const previous = getI32(entry, 16);
      if (previous >= n) return;
      n = previous;
    }
  }

  #put(hash: number, physicalOffset: number, storeTimestamp: number): void {
    let file = this.#active;
    if (file === null || file.isFull) file = this.#nextFile();
    // Entries lie in the order of their records: those that were lost come first.
    if (this.#lostFrom === Infinity) file.add(hash, physicalOffset, storeTimestamp);
  }

  /** The file for the next entry: the last one if it has room, else a new one. */
  #nextFile(): IndexFile {
    const last = this.#files.at(-1);
    if (this.#active === null && last !== undefined && !last.isFull) {
      if (last.startLoaded()) return this.#active = last;
      // What the broken file held must be found again; meanwhile the index is behind.
      this.#lostFrom = this.#lose(last);
    }
    if (this.#active !== null) this.#unsaved.push(this.#active);
    const { disk, directory } = this.#parts;
    disk.makeDirectory(directory);
    const file = this.#newFile(this.#freeName());
    file.segment.create();
    this.#namesChanged = true;
    const previous = this.#files.at(-1);
    if (previous !== undefined) file.continueFrom(previous);
    file.startEmpty();
    this.#files.push(file);
    return this.#active = file;
  }

  #freeName(): string {
    let time = this.#parts.clock.now();
    const last = this.#files.at(-1)?.name ?? "";
    for (;; time++) {
      const name = timeName(time);
      if (name > last) return name;
      // The clock went back: names must still sort by age.
      if (name.slice(0, 8) < last.slice(0, 8)) return String(BigInt(last) + 1n);
    }
  }

  #newFile(name: string, layout: IndexLayout = this.#parts): IndexFile {
    const { disk, files, directory } = this.#parts;
    const { slotCount, entryCountMax } = layout;
    const size = indexFileSize(slotCount, entryCountMax);
    return new IndexFile(new SegmentFile(disk, files, `${directory}/${name}`, 0, size), name, slotCount, entryCountMax);
  }

  /** Files whose layout cannot be found: those that a crash left unfinished go, others are left alone. */
  #sortOut(saved: DispatchCheckpoint | null): void {
    const { disk, directory, slotCount, entryCountMax, warn } = this.#parts;
    const size = indexFileSize(slotCount, entryCountMax);
    for (const { name, sizeBytes } of this.#unusable) {
      const path = `${directory}/${name}`;
      if (sizeBytes === 0 || (sizeBytes < size && saved !== null && name > saved.indexName)) disk.remove(path);
      else warn(`${path}: ${sizeBytes} bytes are no index file that can be understood (expected ${size}); not used`);
    }
    this.#unusable = [];
  }

  #recoverSaved(saved: DispatchCheckpoint, crashed: boolean): boolean {
    const at = this.#files.findIndex((file) => file.name >= saved.indexName);
    if (saved.indexName === "") {
      this.#removeFrom(this.#files.length > 0 ? 0 : -1);
      return true;
    }
    if (at < 0 || this.#files[at]!.name !== saved.indexName) {
      this.#removeFrom(at);
      return false;
    }
    this.#removeFrom(at + 1);
    const file = this.#files[at]!;
    // After a crash slots may be newer than the header.
    if (!crashed && equalBytes(file.header(), saved.indexHeader)) return true;
    file.setHeader(saved.indexHeader);
    return this.#mend(file);
  }

  /**
   * The last file may have entries that do not count, and slots that lead to them: leads those back to what counts, which the next
   * save writes. False when that cannot be done and the file went.
   */
  #mend(file: IndexFile): boolean {
    if (file.startLoaded()) {
      this.#active = file;
      file.isUnsaved = true;
      return true;
    }
    this.#lose(file);
    return false;
  }

  /** Removes the last file, whose chains are broken; returns from which record on entries lack now. */
  #lose(last: IndexFile): number {
    this.#parts.warn(`${last.segment.path}: slots or entries lead to entries that are not there; made anew`);
    this.#removeFrom(this.#files.length - 1);
    return last.beginPhyOffset;
  }

  #removeFrom(index: number): void {
    if (index < 0) return;
    for (const file of this.#files.splice(index)) {
      file.segment.remove();
      if (file === this.#active) this.#active = null;
      this.#unsaved = this.#unsaved.filter((each) => each !== file);
    }
  }

  #freeze(): { files: IndexFile[]; checkpoint: IndexCheckpoint } {
    const last = this.#files.at(-1);
    const files = [...this.#unsaved];
    if (this.#active !== null && this.#active.isUnsaved) files.push(this.#active);
    for (const file of files) file.freeze();
    const checkpoint = {
      indexedOffset: this.indexedOffset,
      indexName: last?.name ?? "",
      indexHeader: last?.header() ?? new Uint8Array(0),
    };
    return { files, checkpoint };
  }

  async #syncNames(): Promise<void> {
    if (!this.#namesChanged) return;
    this.#namesChanged = false;
    try {
      await this.#parts.disk.syncDirectoryAsync(this.#parts.directory);
    } catch (error) {
      this.#namesChanged = true;
      throw error;
    }
  }

  #saved(file: IndexFile): void {
    if (file === this.#active || file.isUnsaved) return;
    file.seal();
    this.#unsaved = this.#unsaved.filter((each) => each !== file);
    this.savedTimestamp = Math.max(this.savedTimestamp, file.endTimestamp);
  }

  #growTurn(): void {
    const size = this.#hashes.length * 2;
    const [hashes, offsets, times] = [new Int32Array(size), new Float64Array(size), new Float64Array(size)];
    hashes.set(this.#hashes);
    offsets.set(this.#offsets);
    times.set(this.#times);
    this.#hashes = hashes;
    this.#offsets = offsets;
    this.#times = times;
  }
}

/** Local wall time as `yyyyMMddHHmmssSSS`. */
function timeName(time: number): string {
  const t = new Date(time);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${t.getFullYear()}${two(t.getMonth() + 1)}${two(t.getDate())}${two(t.getHours())}${two(t.getMinutes())}` +
    `${two(t.getSeconds())}${String(t.getMilliseconds()).padStart(3, "0")}`;
}
