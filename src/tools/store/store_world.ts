/**
 * What the commands of `rucola store` share: how they reach the store, tell how far they are, and end.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import type { Disk, DiskLock } from "../../common/disk.ts";
import { DiskError } from "../../common/errors.ts";
import { takeLock } from "../../store/store_files.ts";
import { defaultStoreOptions, type StoreOptions } from "../../store/store.ts";
import type { ToolWorld } from "../world.ts";

/** Everything is in order. */
export const EXIT_OK = 0;
/** Only what can be made again is wrong. */
export const EXIT_DERIVED = 1;
/** Messages are damaged or missing. */
export const EXIT_LOST = 2;
/** Nothing can be said: no store, in use, unreadable. */
export const EXIT_CANNOT = 3;
/** The arguments make no sense. */
export const EXIT_USAGE = 64;

/** Work that takes longer tells how far it is, this often. */
const PROGRESS_PERIOD_MS = 2000;

/** What the commands need of the machine. */
export type StoreWorld = Pick<ToolWorld, "disk" | "clock" | "write" | "writeError">;

/** The command line makes no sense. */
export class StoreUsageError extends Error {
  override readonly name = "StoreUsageError";
}

/** Options of the store in a directory; its files know their sizes. @throws {DiskError} when there is no store. */
export function storeOptions(disk: Disk, directory: string, commitlog: string | undefined): StoreOptions {
  const paths = (commitlog ?? `${directory}/commitlog`).split(",");
  const missing = [directory, ...paths].find((path) => disk.stat(path)?.isDirectory !== true);
  if (missing !== undefined) throw new DiskError("not-found", missing, "find a store", new Error("no such directory"));
  return defaultStoreOptions(directory, { storePathCommitLog: commitlog ?? null });
}

/** Keeps brokers out while the store is looked at, and refuses when one has it. @throws {DiskError} `locked` */
export function lockAgainstBrokers(disk: Disk, directory: string): DiskLock | null {
  const path = `${directory}/lock`;
  if (disk.stat(path) === null) return null;
  try {
    return takeLock(disk, path, `look at the store (stop the broker, or look at a copy of ${directory})`);
  } catch (error) {
    // Where nothing can be written, no broker writes either.
    if (error instanceof DiskError && (error.fault === "read-only" || error.fault === "permission")) return null;
    throw error;
  }
}

/** A number of bytes or an offset. @throws {StoreUsageError} */
export function offsetOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "") {
    throw new StoreUsageError(`${name} ${text}: expected an offset`);
  }
  return value;
}

/** Prints to standard error how far a pass is, at most every two seconds and not in the first two. */
export function progressPrinter(
  clock: Clock,
  writeError: (text: string) => void,
): (pass: string, doneBytes: number, totalBytes: number) => void {
  let last = clock.monotonicMs();
  return (pass, doneBytes, totalBytes) => {
    const now = clock.monotonicMs();
    if (now - last < PROGRESS_PERIOD_MS) return;
    last = now;
    const percent = totalBytes > 0 ? ` (${Math.floor(100 * doneBytes / totalBytes)} %)` : "";
    writeError(`${pass}: ${mib(doneBytes)} of ${mib(totalBytes)} MiB${percent}\n`);
  };
}

function mib(bytes: number): number {
  return Math.floor(bytes / 1048576);
}
