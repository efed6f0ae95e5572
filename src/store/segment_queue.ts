/**
 * Consecutive segments as one address space: which files there are, which one holds an offset, making the next and dropping
 * the oldest or the newest. Segments all have the same size and each starts where the one before it ends.
 *
 * Several directories may share the segments: segment number `startOffset / size` goes to writable directory number
 * `number mod directories` (RocketMQ `MultiPathMappedFileQueue`).
 *
 * RocketMQ counterpart: `MappedFileQueue`.
 *
 * @module
 */
import type { Disk, DiskEntry } from "../common/disk.ts";
import { CorruptError, DiskError } from "../common/errors.ts";
import type { OpenFiles } from "./open_files.ts";
import { SegmentFile, segmentName } from "./segment_file.ts";

const NAME = /^\d{20}$/;

/** Where segments lie and how large they are. */
export interface SegmentPlace {
  readonly disk: Disk;
  readonly files: OpenFiles;
  /** Directories for new segments; the first exists for sure after the first segment was made. */
  readonly directories: readonly string[];
  /** More directories whose segments are read. */
  readonly readOnlyDirectories?: readonly string[];
  /** Size of segments where no file says otherwise. */
  readonly sizeBytes: number;
  /** True: files as short as a crash may leave them are completed to `sizeBytes`, which is certain. */
  readonly sizeIsCertain: boolean;
  /** Nothing is mended while loading: empty files are passed over, short ones stay short. */
  readonly isReadOnly?: boolean;
  /** Told about files that were not as expected. */
  readonly warn: (text: string) => void;
}

/** The segments of one log or queue, oldest first. */
export class SegmentQueue {
  readonly #place: SegmentPlace;
  readonly #segments: SegmentFile[] = [];
  #sizeBytes: number;
  #directoriesMade = false;
  #namesChanged = false;
  /** The segment behind the last one, on the device already; nobody but this queue knows it. */
  #spare: SegmentFile | null = null;
  /** The one that is being made so; null also when append has made the same file meanwhile, for that one's it is then. */
  #preparing: SegmentFile | null = null;

  /** Starts without segments; {@linkcode load} finds those on disk. */
  constructor(place: SegmentPlace) {
    this.#place = place;
    this.#sizeBytes = place.sizeBytes;
  }

  /** Size of each segment. */
  get segmentSize(): number {
    return this.#sizeBytes;
  }

  /** The segments, oldest first; not to be changed. */
  get segments(): readonly SegmentFile[] {
    return this.#segments;
  }

  /** The oldest segment. */
  get first(): SegmentFile | undefined {
    return this.#segments[0];
  }

  /** The newest segment. */
  get last(): SegmentFile | undefined {
    return this.#segments[this.#segments.length - 1];
  }

  /**
   * Finds the segments on disk. Their own size counts, not the configured one. Empty files, which a stop between making a
   * file and giving it its size leaves behind, are removed.
   * @throws {CorruptError} when sizes contradict each other.
   */
  load(): void {
    const found = this.#find();
    this.#sizeBytes = this.#sizeOf(found);
    for (const { directory, entry } of found) {
      const path = `${directory}/${entry.name}`;
      const segment = this.#newSegment(directory, Number(entry.name));
      if (entry.sizeBytes !== this.#sizeBytes) {
        if (!this.#place.sizeIsCertain || entry.sizeBytes > this.#sizeBytes) {
          const reason = `size is ${entry.sizeBytes} bytes, expected ${this.#sizeBytes}`;
          throw new CorruptError(path, entry.sizeBytes, reason);
        }
        const isMended = this.#place.isReadOnly !== true;
        const what = isMended ? "completed to" : "expected";
        this.#place.warn(`${path}: size is ${entry.sizeBytes} bytes, ${what} ${this.#sizeBytes}`);
        if (isMended) segment.create();
      }
      const last = this.last;
      if (last !== undefined && last.endOffset !== segment.startOffset) {
        this.#place.warn(`${path}: follows ${segmentName(last.startOffset)} with a gap`);
      }
      this.#segments.push(segment);
    }
    this.#directoriesMade = found.length > 0 && this.#place.directories.length === 1;
  }

  /** The segment that holds `offset`, or null. */
  find(offset: number): SegmentFile | null {
    const segments = this.#segments;
    const first = segments[0];
    if (first === undefined || offset < first.startOffset) return null;
    const last = segments[segments.length - 1]!;
    if (offset >= last.startOffset) return offset < last.endOffset ? last : null;
    const guess = segments[Math.floor((offset - first.startOffset) / this.#sizeBytes)];
    if (guess !== undefined && offset >= guess.startOffset && offset < guess.endOffset) return guess;
    return segments.find((segment) => offset >= segment.startOffset && offset < segment.endOffset) ?? null;
  }

  /** The first segment that starts behind `offset`, or null. */
  after(offset: number): SegmentFile | null {
    return this.#segments.find((segment) => segment.startOffset > offset) ?? null;
  }

  /**
   * Makes the segment that starts at `startOffset`, behind all others.
   * @param durable whether file, size and name are on the device when this returns.
   * @throws {DiskError}
   */
  append(startOffset: number, durable: boolean): SegmentFile {
    const spare = this.#spare;
    if (spare !== null && spare.startOffset === startOffset) {
      this.#spare = null;
      this.#segments.push(spare);
      return spare;
    }
    this.#dropSpare();
    if (this.#preparing?.startOffset === startOffset) this.#preparing = null;
    const { disk } = this.#place;
    const directory = this.#directoryOf(startOffset);
    this.#makeDirectories();
    const segment = this.#newSegment(directory, startOffset);
    segment.create();
    if (durable) {
      segment.syncNow();
      disk.syncDirectory(directory);
    } else {
      this.#namesChanged = true;
    }
    this.#segments.push(segment);
    return segment;
  }

  /**
   * Makes the next segment before it is needed, off the event loop, so that {@linkcode append} need not wait for the device.
   * Nothing happens when it is there, or when it cannot be made: then append tells why.
   * @param firstOffset where the first segment is to start when there is none yet.
   */
  async prepareNext(firstOffset: number): Promise<void> {
    const last = this.last;
    if (this.#spare !== null || this.#preparing !== null) return;
    const startOffset = last?.endOffset ?? firstOffset;
    const segment = this.#newSegment(this.#directoryOf(startOffset), startOffset);
    this.#preparing = segment;
    let isMade = false;
    try {
      this.#makeDirectories();
      segment.create();
      await segment.sync();
      await this.#place.disk.syncDirectoryAsync(this.#directoryOf(startOffset));
      isMade = true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
    // Append was faster: the file is its segment's, or is gone with that one.
    if (this.#preparing !== segment) return segment.closeHandle();
    this.#preparing = null;
    if (isMade && this.last === last) this.#spare = segment;
    else segment.remove();
  }

  /** Removes the oldest segment. @throws {DiskError} it stays then. */
  removeFirst(): void {
    this.first?.remove();
    this.#segments.shift();
  }

  /** Drops everything from `offset` on: later segments go, the one that holds it reads as zero from there. @throws {DiskError} */
  cutAt(offset: number): void {
    while (this.last !== undefined && this.last.startOffset >= offset) this.#segments.pop()!.remove();
    if (this.#spare?.startOffset !== this.last?.endOffset) this.#dropSpare();
    if (this.last !== undefined && offset < this.last.endOffset) this.last.cutAt(offset - this.last.startOffset);
  }

  /**
   * As {@linkcode cutAt}, for a log, in which a file may neither be missing nor short before others, whenever the power goes: the
   * first segment stays, and later ones are gone on the device before the one that holds `offset` is cut.
   * @throws {DiskError}
   */
  cutLogAt(offset: number): void {
    const held = this.find(offset) ?? (offset <= (this.first?.startOffset ?? 0) ? this.first : this.last);
    if (held === undefined) return;
    const isLast = held === this.last;
    this.cutAt(held.endOffset);
    if (!isLast) { for (const directory of this.#place.directories) this.#place.disk.syncDirectory(directory); }
    if (offset < held.endOffset) held.cutAt(Math.max(0, offset - held.startOffset));
  }

  /** Removes all segments. @throws {DiskError} */
  removeAll(): void {
    while (this.last !== undefined) this.#segments.pop()!.remove();
    this.#dropSpare();
    // A sync that is under way goes on to the names; of these there are none any more, nor a directory that had them.
    this.#namesChanged = false;
  }

  /** Syncs every segment written since its last sync, blocking. @throws {DiskError} */
  syncNow(): void {
    for (const segment of this.#segments) if (segment.needsSync) segment.syncNow();
  }

  /**
   * Brings the names of files made with `durable` false to the device; true when there were any. The directory itself may
   * be new too: its name is the caller's to sync.
   * @throws {DiskError}
   */
  async syncNames(): Promise<boolean> {
    if (!this.#namesChanged) return false;
    // Before, for files that are made meanwhile are not covered.
    this.#namesChanged = false;
    const { disk, directories } = this.#place;
    try {
      for (const directory of directories) await disk.syncDirectoryAsync(directory);
    } catch (error) {
      this.#namesChanged = true;
      throw error;
    }
    return true;
  }

  /** Lets go of all descriptors, and removes what was made before it was needed. @throws {DiskError} */
  close(): void {
    for (const segment of this.#segments) segment.closeHandle();
    this.#dropSpare();
  }

  #dropSpare(): void {
    const spare = this.#spare;
    this.#spare = null;
    try {
      spare?.remove();
    } finally {
      spare?.closeHandle();
    }
  }

  #directoryOf(startOffset: number): string {
    const { directories } = this.#place;
    return directories[Math.round(startOffset / this.#sizeBytes) % directories.length]!;
  }

  #newSegment(directory: string, startOffset: number): SegmentFile {
    const { disk, files } = this.#place;
    return new SegmentFile(disk, files, `${directory}/${segmentName(startOffset)}`, startOffset, this.#sizeBytes);
  }

  #makeDirectories(): void {
    if (this.#directoriesMade) return;
    for (const directory of this.#place.directories) this.#place.disk.makeDirectory(directory);
    this.#directoriesMade = true;
  }

  #find(): { directory: string; entry: DiskEntry }[] {
    const { disk, directories, readOnlyDirectories = [] } = this.#place;
    const found: { directory: string; entry: DiskEntry }[] = [];
    for (const directory of [...directories, ...readOnlyDirectories]) {
      for (const entry of disk.list(directory)) {
        if (!entry.isDirectory && NAME.test(entry.name)) found.push({ directory, entry });
      }
    }
    found.sort((a, b) => a.entry.name < b.entry.name ? -1 : 1);
    for (let last = found.at(-1); last !== undefined && last.entry.sizeBytes === 0; last = found.at(-1)) {
      const isMended = this.#place.isReadOnly !== true;
      this.#place.warn(`${last.directory}/${last.entry.name}: is empty${isMended ? ", removed" : ""}`);
      if (isMended) disk.remove(`${last.directory}/${last.entry.name}`);
      found.pop();
    }
    return found;
  }

  #sizeOf(found: readonly { entry: DiskEntry }[]): number {
    if (this.#place.sizeIsCertain || found.length === 0) return this.#place.sizeBytes;
    return found[0]!.entry.sizeBytes;
  }
}
