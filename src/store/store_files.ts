/**
 * Names and places of everything in a store directory, and the decision which sizes its files have: those of the files that
 * exist, and the configured ones only where there are none.
 *
 * @module
 */
import type { Disk, DiskEntry, DiskLock } from "../common/disk.ts";
import { CorruptError, DiskError } from "../common/errors.ts";
import { utf8 } from "../common/bytes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { StoreOptions } from "./store_options_type.ts";

/** Where things are. */
export interface StorePaths {
  readonly root: string;
  readonly commitlogs: readonly string[];
  readonly readOnlyCommitlogs: readonly string[];
  readonly consumequeue: string;
  readonly index: string;
  readonly checkpoint: string;
  readonly abort: string;
  readonly lock: string;
}

/** The paths of a store. */
export function storePaths(options: StoreOptions): StorePaths {
  const root = options.storePathRootDir;
  return {
    root,
    commitlogs: pathList(options.storePathCommitLog || `${root}/commitlog`),
    readOnlyCommitlogs: pathList(options.readOnlyCommitLogStorePaths ?? ""),
    consumequeue: `${root}/consumequeue`,
    index: `${root}/index`,
    checkpoint: `${root}/checkpoint`,
    abort: `${root}/abort`,
    lock: `${root}/lock`,
  };
}

function pathList(text: string): string[] {
  return text.split(",").map((path) => path.trim().replace(/\/+$/, "")).filter((path) => path !== "");
}

/** Makes the directories and sees to it that their names survive. @throws {DiskError} */
export function makeDirectories(disk: Disk, paths: StorePaths): void {
  const parents = new Set<string>();
  for (const path of [...paths.commitlogs, paths.consumequeue, paths.index]) {
    for (let missing = path; missing !== "" && disk.stat(missing) === null;) {
      const slash = missing.lastIndexOf("/");
      parents.add(slash > 0 ? missing.slice(0, slash) : slash === 0 ? "/" : ".");
      missing = missing.slice(0, Math.max(0, slash));
    }
    disk.makeDirectory(path);
  }
  for (const parent of parents) disk.syncDirectory(parent);
}

/** Takes the store for this process. @throws {DiskError} `locked` when somebody else has it. */
export function lockStore(disk: Disk, paths: StorePaths): DiskLock {
  const lock = takeLock(disk, paths.lock, "open the store");
  try {
    const file = disk.open(paths.lock, { create: true });
    file.write(utf8("lock"), 0);
    file.close();
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Takes a store's lock for this process.
 * @param attempted what it is taken for, e.g. `"open the store"`. @throws {DiskError} `locked` when somebody else has it.
 */
export function takeLock(disk: Disk, path: string, attempted: string): DiskLock {
  const lock = disk.lock(path);
  const rival = lock === null ? "a broker" : lock.rival();
  if (lock !== null && rival === null) return lock;
  lock?.release();
  throw new DiskError("locked", path, attempted, new Error(`Lock failed, MQ already started: ${rival} has it open`));
}

/** Marks the store as not cleanly stopped, before anything is written to it. @throws {DiskError} */
export function markUnclean(disk: Disk, paths: StorePaths): void {
  disk.open(paths.abort, { create: true }).close();
  disk.syncDirectory(paths.root);
}

/** Marks the store as cleanly stopped. @throws {DiskError} */
export function markClean(disk: Disk, paths: StorePaths): void {
  disk.remove(paths.abort);
  disk.syncDirectory(paths.root);
}

/** A file of the commitlog. */
export interface LogFile {
  readonly path: string;
  readonly startOffset: number;
  readonly sizeBytes: number;
}

/**
 * The commitlog's files by place. Not those without a byte at its end: a stop between making a file and giving it its size
 * leaves them. @throws {DiskError}
 */
export function logFiles(disk: Disk, { commitlogs, readOnlyCommitlogs }: StorePaths): LogFile[] {
  const files = [...commitlogs, ...readOnlyCommitlogs].flatMap((directory) =>
    disk.list(directory).filter(isSegment)
      .map(({ name, sizeBytes }) => ({ path: `${directory}/${name}`, startOffset: Number(name), sizeBytes }))
  ).sort((a, b) => a.startOffset - b.startOffset);
  while (files.at(-1)?.sizeBytes === 0) files.pop();
  return files;
}

function isSegment({ name, isDirectory }: DiskEntry): boolean {
  return !isDirectory && /^\d{20}$/.test(name);
}

/** Sizes of a store's files. */
export interface FileSizes {
  readonly commitlog: number;
  readonly consumequeue: number;
  /** Whether a file that is shorter was cut by a crash. */
  readonly areCertain: boolean;
}

/**
 * The sizes that the store's files have.
 * @throws {CorruptError} when a file has a size that no store could have given it.
 */
export function fileSizes(disk: Disk, paths: StorePaths, checkpoint: Checkpoint, options: StoreOptions): FileSizes {
  const { dispatch } = checkpoint;
  if (dispatch !== null) {
    return { commitlog: dispatch.commitlogFileSize, consumequeue: dispatch.consumequeueFileSize, areCertain: true };
  }
  // One that is cut short is smaller than the others.
  const sizes = logFiles(disk, paths).map(({ sizeBytes }) => sizeBytes);
  const commitlog = sizes.length > 0 ? Math.max(...sizes) : null;
  const consumequeue = firstQueueFileSize(disk, paths.consumequeue);
  return {
    commitlog: commitlog ?? options.mappedFileSizeCommitLog,
    consumequeue: consumequeue ?? options.mappedFileSizeConsumeQueue,
    areCertain: commitlog === null && consumequeue === null,
  };
}

/** The first queue's file, of a directory with one for each topic, that begins with anything but zeros; or null. */
export function filledQueueFile(disk: Disk, directory: string): string | null {
  const head = new Uint8Array(64);
  for (const topic of disk.list(directory)) {
    for (const queue of disk.list(`${directory}/${topic.name}`)) {
      for (const { name, sizeBytes } of disk.list(`${directory}/${topic.name}/${queue.name}`)) {
        const path = `${directory}/${topic.name}/${queue.name}/${name}`;
        if (sizeBytes === 0) continue;
        const file = disk.open(path, { readOnly: true });
        try {
          if (head.subarray(0, file.read(head, 0)).some((byte) => byte !== 0)) return path;
        } finally {
          file.close();
        }
      }
    }
  }
  return null;
}

function firstQueueFileSize(disk: Disk, directory: string): number | null {
  for (const topic of disk.list(directory)) {
    for (const queue of disk.list(`${directory}/${topic.name}`)) {
      const path = `${directory}/${topic.name}/${queue.name}`;
      const entry = disk.list(path).find((each) => isSegment(each) && each.sizeBytes > 0);
      if (entry === undefined) continue;
      if (entry.sizeBytes % 20 === 0) return entry.sizeBytes;
      throw new CorruptError(`${path}/${entry.name}`, 0, `size ${entry.sizeBytes} is no multiple of 20`);
    }
  }
  return null;
}
