/**
 * Recognises what RocketMQ may keep in a store directory and we do not understand: to open such a store as if those files
 * were not there would lose sight of messages, so it is refused before anything is touched.
 *
 * A `rocksdbstore` directory alone says nothing: 5.5.0 makes one with default settings, and its contents can be made again.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { CorruptError } from "../common/errors.ts";
import { filledQueueFile, type StorePaths } from "./store_files.ts";

/** Something that only RocketMQ itself can read. */
export interface ForeignFile {
  readonly path: string;
  /** What it is, and what to do about it. */
  readonly reason: string;
}

const BACK_TO_JAVA =
  "open the store with RocketMQ once more and turn that off there, or let consumers finish and start with an empty store";

/** What there is that cannot be understood, in the order of the paths. @throws {DiskError} */
export function findForeignFiles(disk: Disk, paths: StorePaths): ForeignFile[] {
  const { root } = paths;
  return [
    ...rocksDb(disk, paths.consumequeue, "its consume queues are in RocksDB (storeType=defaultRocksDB)"),
    ...filledQueues(disk, `${root}/batchconsumequeue`, "it has batch consume queues (topics with queue.type=BatchCQ)"),
    ...filledQueues(
      disk,
      `${root}/consumequeue_ext`,
      "its consume queues lead to extension units (enableConsumeQueueExt=true)",
    ),
    ...dledger(disk, paths),
    ...controller(disk, root),
    ...tiered(disk, root),
  ];
}

/** Refuses a store with such files. @throws {CorruptError} naming the first. */
export function refuseForeignFiles(disk: Disk, paths: StorePaths): void {
  const [first] = findForeignFiles(disk, paths);
  if (first !== undefined) throw new CorruptError(first.path, 0, first.reason);
}

function rocksDb(disk: Disk, directory: string, what: string): ForeignFile[] {
  const names = disk.list(directory).filter((entry) => !entry.isDirectory).map((entry) => entry.name);
  const isDatabase = names.includes("CURRENT") || names.some((name) => /^MANIFEST-\d+$|^\d+\.sst$/.test(name));
  return isDatabase ? [{ path: directory, reason: `${what}, which is not supported; ${BACK_TO_JAVA}` }] : [];
}

/** A directory of queues, if one of its files was written to. */
function filledQueues(disk: Disk, directory: string, what: string): ForeignFile[] {
  const path = filledQueueFile(disk, directory);
  return path === null ? [] : [{ path, reason: `${what}, which are not supported; ${BACK_TO_JAVA}` }];
}

function dledger(disk: Disk, { root, commitlogs }: StorePaths): ForeignFile[] {
  const found = [root, ...commitlogs].flatMap((directory) =>
    disk.list(directory).filter((entry) => entry.isDirectory && entry.name.startsWith("dledger-"))
      .map((entry) => `${directory}/${entry.name}`)
  );
  const reason = "it holds a DLedger log, whose records have another format; " +
    "start a master without DLedger beside the group and let consumers finish there";
  return found.slice(0, 1).map((path) => ({ path, reason }));
}

/** Files of a replica group with a controller: they say who may be master from which epoch on. */
function controller(disk: Disk, root: string): ForeignFile[] {
  const path = `${root}/epochFileCheckpoint`;
  const reason =
    "the store belongs to a group with a controller (enableControllerMode=true): which of its replicas is " +
    "complete is known there alone; take the master's store, stop the group, and remove epochFileCheckpoint and " +
    "brokerIdentity from it";
  return (disk.stat(path)?.sizeBytes ?? 0) > 0 ? [{ path, reason }] : [];
}

function tiered(disk: Disk, root: string): ForeignFile[] {
  const reason = "part of the messages is in tiered storage, which is not supported; raise fileReservedTime and turn " +
    "tiered storage off in RocketMQ until the commitlog alone has all that consumers need, then remove this file";
  return [`${root}/config/tieredStoreMetadata.json`, `${root}/tieredStore`]
    .filter((path) => disk.stat(path) !== null)
    .map((path) => ({ path, reason }));
}
