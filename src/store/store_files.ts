/**
 * Names and places of everything in a store directory, and the decision which sizes its files have: those of the files that
 * exist, and the configured ones only where there are none.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { CorruptError, DiskError } from "../common/errors.ts";
import type { DiskLock } from "../common/disk.ts";
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
  const lock = disk.lock(paths.lock);
  if (lock === null) {
    throw new DiskError("locked", paths.lock, "open the store", new Error("Lock failed, MQ already started"));
  }
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
  const commitlog = firstFileSize(disk, [...paths.commitlogs, ...paths.readOnlyCommitlogs], 1);
  const consumequeue = firstQueueFileSize(disk, paths.consumequeue);
  return {
    commitlog: commitlog ?? options.mappedFileSizeCommitLog,
    consumequeue: consumequeue ?? options.mappedFileSizeConsumeQueue,
    areCertain: commitlog === null && consumequeue === null,
  };
}

function firstQueueFileSize(disk: Disk, directory: string): number | null {
  for (const topic of disk.list(directory)) {
    for (const queue of disk.list(`${directory}/${topic.name}`)) {
      const size = firstFileSize(disk, [`${directory}/${topic.name}/${queue.name}`], 20);
      if (size !== null) return size;
    }
  }
  return null;
}

function firstFileSize(disk: Disk, directories: readonly string[], unit: number): number | null {
  for (const directory of directories) {
    for (const entry of disk.list(directory)) {
      if (entry.isDirectory || entry.sizeBytes === 0 || !/^\d{20}$/.test(entry.name)) continue;
      if (entry.sizeBytes % unit === 0) return entry.sizeBytes;
      throw new CorruptError(`${directory}/${entry.name}`, 0, `size ${entry.sizeBytes} is no multiple of ${unit}`);
    }
  }
  return null;
}
