/**
 * One file of fixed size, named by the offset of its first byte in its queue's address space (20 digits). The file is made
 * at its full size with zeros that take no room, so whatever was never written reads as zero.
 *
 * Positions here (`fileOffset`) count from the start of the file. Who may write where is the business of the callers; the
 * descriptor comes and goes ({@link OpenFiles}) unseen by them.
 *
 * RocketMQ counterpart: `MappedFile`.
 *
 * @module
 */
import type { Disk, DiskFile } from "../common/disk.ts";
import { invariant } from "../common/errors.ts";
import { type Closable, OpenFiles } from "./open_files.ts";

/** Giving back the room of a file of this size takes milliseconds. */
const LARGE_BYTES = 64 * 1024 * 1024;

let lastId = 0;

/** Name of the segment that starts at `startOffset`. */
export function segmentName(startOffset: number): string {
  return String(startOffset).padStart(20, "0");
}

/** A fixed-size file. */
export class SegmentFile implements Closable {
  /** Tells segments apart in caches; never used twice in a process. */
  readonly id = ++lastId;
  readonly path: string;
  readonly startOffset: number;
  readonly sizeBytes: number;
  /** Written since the last sync began. */
  needsSync = false;
  /** Removed: nothing may be read or written any more. */
  removed = false;
  pins = 0;
  readonly #disk: Disk;
  readonly #files: OpenFiles;
  #handle: DiskFile | null = null;

  /** Names a file; {@linkcode create} makes it. */
  constructor(disk: Disk, files: OpenFiles, path: string, startOffset: number, sizeBytes: number) {
    this.#disk = disk;
    this.#files = files;
    this.path = path;
    this.startOffset = startOffset;
    this.sizeBytes = sizeBytes;
  }

  /** One beyond the last offset of the segment. */
  get endOffset(): number {
    return this.startOffset + this.sizeBytes;
  }

  /** Makes the file at its full size, or sets the size of one that was left unfinished. @throws {DiskError} */
  create(): void {
    if (this.#handle === null) this.#handle = this.#files.open(this, this.path, true);
    this.#handle.truncate(this.sizeBytes);
    this.needsSync = true;
  }

  /** Writes `bytes` at `fileOffset`. @throws {DiskError} */
  write(bytes: Uint8Array, fileOffset: number): void {
    invariant(fileOffset >= 0 && fileOffset + bytes.length <= this.sizeBytes, "a write stays within its segment");
    this.needsSync = true;
    this.#open().write(bytes, fileOffset);
  }

  /** Writes all `parts` one behind the other. @throws {DiskError} */
  writeMany(parts: readonly Uint8Array[], fileOffset: number): void {
    this.needsSync = true;
    this.#open().writeMany(parts, fileOffset);
  }

  /** Reads at `fileOffset`; returns the bytes read. @throws {DiskError} */
  read(into: Uint8Array, fileOffset: number): number {
    return this.#open().read(into, fileOffset);
  }

  /** As {@linkcode read}, off the event loop. @throws {DiskError} */
  async readAsync(into: Uint8Array, fileOffset: number): Promise<number> {
    const handle = this.#open();
    this.pins++;
    try {
      return await handle.readAsync(into, fileOffset);
    } finally {
      this.pins--;
      this.#closeIfRemoved();
    }
  }

  /** Waits until everything written before the call is on the device. @throws {DiskError} */
  async sync(): Promise<void> {
    const handle = this.#open();
    this.needsSync = false;
    this.pins++;
    try {
      await handle.sync();
    } finally {
      this.pins--;
      this.#closeIfRemoved();
    }
  }

  /** As {@linkcode sync}, blocking. @throws {DiskError} */
  syncNow(): void {
    this.#open().syncNow();
    this.needsSync = false;
  }

  /** Makes everything from `fileOffset` on read as zero, and gives its room back. @throws {DiskError} */
  cutAt(fileOffset: number): void {
    this.needsSync = true;
    const handle = this.#open();
    handle.truncate(fileOffset);
    handle.truncate(this.sizeBytes);
  }

  /** Time of the last write, milliseconds since the epoch; 0 when the file is gone. */
  modifiedMs(): number {
    return this.#disk.stat(this.path)?.modifiedMs ?? 0;
  }

  /** Removes the file; reads under way end first. That of a large one is given back off the event loop. @throws {DiskError} */
  remove(): void {
    // While somebody has it open, removing its name costs little, however large it is.
    if (this.sizeBytes >= LARGE_BYTES && this.#disk.stat(this.path) !== null) this.#open();
    this.#disk.remove(this.path);
    this.removed = true;
    this.needsSync = false;
    this.#closeIfRemoved();
  }

  /** Lets go of the descriptor; the next call opens the file again. */
  closeHandle(): void {
    if (this.#handle === null) return;
    this.#handle.close();
    this.#handle = null;
    this.#files.forget(this);
  }

  #closeIfRemoved(): void {
    if (!this.removed || this.pins > 0 || this.#handle === null) return;
    if (this.sizeBytes < LARGE_BYTES) return this.closeHandle();
    void this.#handle.discard();
    this.#handle = null;
    this.#files.forget(this);
  }

  #open(): DiskFile {
    if (this.#handle === null) this.#handle = this.#files.open(this, this.path, false);
    else this.#files.touch(this);
    return this.#handle;
  }
}
