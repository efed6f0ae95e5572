/**
 * Files, passed in. Positioned, mostly synchronous: a write goes to the page cache and costs microseconds, so handing it
 * to a thread would cost more than doing it; only what really waits for the device ({@linkcode DiskFile.sync}, reads of
 * cold data) is asynchronous.
 *
 * The system's implementation is `disk_deno.ts`, the simulated one (torn writes, lost unsynced bytes, full and failing
 * disks) `disk_sim.ts`. Nothing else touches the file API. Every failure is a `DiskError`.
 *
 * @module
 */

import { DiskError } from "./errors.ts";

/** An open file. All positions and sizes are in bytes. */
export interface DiskFile {
  /** The path it was opened by. */
  readonly path: string;
  /** Its present size. */
  size(): number;
  /** Reads at `position` until `into` is full or the file ends; returns the bytes read. */
  read(into: Uint8Array, position: number): number;
  /** As {@linkcode DiskFile.read}, off the event loop. `into` must not be used until it resolves. */
  readAsync(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position` to the page cache, growing the file where needed. */
  write(bytes: Uint8Array, position: number): void;
  /** Writes all `parts` one behind the other, beginning at `position`, with one call where the system can. */
  writeMany(parts: readonly Uint8Array[], position: number): void;
  /** Waits, off the event loop, until everything written before the call is on the device (fdatasync). */
  sync(): Promise<void>;
  /** As {@linkcode DiskFile.sync}, blocking; for start and stop only. */
  syncNow(): void;
  /** Sets the size: cuts, or extends with zeros that take no room yet. */
  truncate(sizeBytes: number): void;
  /** Releases the descriptor; idempotent. Every other call after it throws. */
  close(): void;
  /**
   * As {@linkcode DiskFile.close} for a file that was removed, giving its room back off the event loop: for a gigabyte in
   * the page cache that takes a tenth of a second. Other names of it (links) keep what they have. Never rejects.
   */
  discard(): Promise<void>;
}

/** What {@linkcode Disk.stat} and {@linkcode Disk.list} tell of a path. */
export interface DiskEntry {
  /** Last part of the path. */
  readonly name: string;
  readonly isDirectory: boolean;
  /** Present where it is neither file nor directory but a pipe, socket or device, which can be read only once. */
  readonly isStream?: true;
  /** Zero for a directory and for a stream. */
  readonly sizeBytes: number;
  /** Time of last modification, milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** Room on the file system that holds a path. */
export interface DiskUsage {
  readonly totalBytes: number;
  /** What an ordinary process may still write. */
  readonly availableBytes: number;
  /** Total less free, as `df` and Java count it. */
  readonly usedBytes: number;
}

/** How {@linkcode Disk.open} opens. */
export interface OpenOptions {
  readonly create?: boolean;
  readonly readOnly?: boolean;
  readonly append?: boolean;
}

/** A lock on a file, held until released or until the process ends. */
export interface DiskLock {
  /** Who has the file open though this lock cannot keep them out, for people to read; null when nobody is seen. */
  rival(): string | null;
  /** Lets others take it; idempotent. */
  release(): void;
}

/** A file system. Paths use `/`. */
export interface Disk {
  /**
   * Opens a file for reading and, unless `readOnly`, writing. With `create` a missing file is made (its directory must
   * exist). With `append` every write goes to where the file ends then, whatever its position says, so that several
   * processes can write to one file.
   */
  open(path: string, options?: OpenOptions): DiskFile;
  /** What `path` is, or null when nothing is there. */
  stat(path: string): DiskEntry | null;
  /** The entries of a directory sorted by name; empty when the directory does not exist. */
  list(directory: string): DiskEntry[];
  /** Makes a directory and its parents; nothing happens when it is there. */
  makeDirectory(path: string): void;
  /** Removes a file or an empty directory; nothing happens when it is not there. */
  remove(path: string): void;
  /** Moves a file over whatever has the new name, atomically. */
  rename(from: string, to: string): void;
  /** Blocks until the directory's entries (creations, renames, removals) are on the device; for start and stop only. */
  syncDirectory(path: string): void;
  /** As {@linkcode Disk.syncDirectory}, off the event loop: a file system with much to write takes long. */
  syncDirectoryAsync(path: string): Promise<void>;
  /** Room on the file system of `path`. */
  usage(path: string): DiskUsage;
  /** Takes an exclusive lock on the file (made if missing), or null when somebody else holds it. */
  lock(path: string): DiskLock | null;
}

/** Bytes that are asked of a stream at a time. */
const STREAM_READ_BYTES = 65_536;

/** Whole content of a file or a stream as bytes, or null when it does not exist. */
export function readWhole(disk: Disk, path: string): Uint8Array | null {
  const entry = disk.stat(path);
  if (entry === null || entry.isDirectory) return null;
  const file = disk.open(path, { readOnly: true });
  try {
    if (entry.isStream) return readStream(file);
    const bytes = new Uint8Array(file.size());
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/** Everything up to the end of a stream, which knows neither size nor positions. */
function readStream(file: DiskFile): Uint8Array {
  let bytes = new Uint8Array(STREAM_READ_BYTES);
  for (let size = 0;;) {
    size += file.read(bytes.subarray(size), size);
    if (size < bytes.length) return bytes.subarray(0, size);
    const larger = new Uint8Array(2 * bytes.length);
    larger.set(bytes);
    bytes = larger;
  }
}

/** Directories whose names this process knows to be on the device. */
const durableDirectories = new WeakMap<Disk, Set<string>>();

/**
 * Makes a directory with its parents so that their names survive a power loss, also where somebody else has made some of
 * them a moment ago. What is kept in the directory still needs a sync of its own.
 */
export function makeDurableDirectory(disk: Disk, path: string): void {
  const known = durableDirectories.get(disk) ?? new Set<string>();
  durableDirectories.set(disk, known);
  for (let missing = path; disk.stat(missing) === null; missing = parentOf(missing)) known.delete(missing);
  disk.makeDirectory(path);
  for (let directory = path; !known.has(directory); directory = parentOf(directory)) {
    syncName(disk, parentOf(directory));
    known.add(directory);
  }
}

function syncName(disk: Disk, parent: string): void {
  try {
    disk.syncDirectory(parent);
  } catch (error) {
    // A directory that this user may not read is none in which it has made one.
    if (!(error instanceof DiskError) || error.fault !== "permission") throw error;
  }
}

/** The directory that holds a path's last part: `.` and `/` hold themselves. */
export function parentOf(path: string): string {
  const bare = path.replace(/(?<=.)\/+$/, "");
  const slash = bare.lastIndexOf("/");
  return slash > 0 ? bare.slice(0, slash) : slash === 0 ? "/" : ".";
}

/** Removes a directory with everything below it; nothing happens when it is not there. */
export function removeTree(disk: Disk, path: string): void {
  for (const entry of disk.list(path)) {
    const child = `${path}/${entry.name}`;
    if (entry.isDirectory) removeTree(disk, child);
    else disk.remove(child);
  }
  disk.remove(path);
}
