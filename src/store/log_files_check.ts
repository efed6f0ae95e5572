/**
 * Finds out whether files of the commitlog are missing or cut short, before anything is opened. No crash leaves a log like
 * that, for a file has its full size on the device before its first record comes: somebody removed a file, a volume is not
 * mounted, a copy is incomplete. Whoever went on from there would drop the messages behind the gap, or give their offsets to
 * others. So such a log is refused as it is, until its files are back or `rucola store repair --accept-loss` gives up what
 * they held.
 *
 * That the oldest files are gone is in order: so it is when they expire.
 *
 * Ours. RocketMQ warns and goes on, and throws away all consumequeues when there is no file at all.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { CorruptError } from "../common/errors.ts";
import { Checkpoint } from "./checkpoint.ts";
import { segmentName } from "./segment_file.ts";
import { fileSizes, filledQueueFile, logFiles, type StorePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

/** A part of the log that is not there. */
export interface MissingPart {
  /** The file that is missing, or too short. */
  readonly path: string;
  /** Its bytes that are there. */
  readonly sizeBytes: number;
  /** Where the file starts in the log. */
  readonly startOffset: number;
  readonly reason: string;
}

/** Parts of the log that are not there, in the order of the log; before the end. @throws {DiskError} @throws {CorruptError} */
export function findMissingParts(disk: Disk, paths: StorePaths, options: StoreOptions): MissingPart[] {
  const checkpoint = new Checkpoint(disk, paths.checkpoint);
  checkpoint.load();
  const size = fileSizes(disk, paths, checkpoint, options).commitlog;
  const files = logFiles(disk, paths);
  const known = checkpoint.dispatch?.dispatchedOffset ?? 0;
  // A file that is made ahead, and nothing was written to, lies behind the log's end; a crash while that was cut leaves it short.
  // Below what was on the device a file may begin with zeros as well: it is damaged there, and good records follow.
  while (files.length > 1 && files.at(-1)!.startOffset >= known && isBlank(disk, files.at(-1)!.path)) files.pop();
  const last = files.at(-1);
  const missing: MissingPart[] = [];
  files.forEach((file, i) => {
    const next = files[i + 1];
    if (file.sizeBytes < size && next !== undefined) {
      const reason = `is ${file.sizeBytes} bytes long, ${size} are expected, and the log goes on in ${next.path}`;
      missing.push({ ...file, reason });
    }
    for (let start = file.startOffset + size; next !== undefined && start < next.startOffset; start += size) {
      const reason = `is missing: the log goes on in ${next.path}`;
      missing.push({
        path: `${directoryOf(file.path)}/${segmentName(start)}`,
        startOffset: start,
        sizeBytes: 0,
        reason,
      });
    }
  });
  const end = last === undefined ? 0 : last.startOffset + last.sizeBytes;
  if (known > end) {
    const start = last !== undefined && last.sizeBytes < size ? last.startOffset : known - known % size;
    const path = start === last?.startOffset ? last.path : `${paths.commitlogs[0]}/${segmentName(start)}`;
    const reason = `is missing or cut short: messages up to offset ${known} were on the device, files end at ${end}`;
    missing.push({ path, startOffset: start, sizeBytes: Math.max(0, end - start), reason });
  } else if (last === undefined && checkpoint.dispatch === null) {
    const path = paths.commitlogs[0] ?? paths.root;
    const units = filledQueueFile(disk, paths.consumequeue);
    const reason = `no commitlog is here, and ${units} has messages of one; is a volume not mounted?`;
    if (units !== null) missing.push({ path, startOffset: 0, sizeBytes: 0, reason });
  }
  return missing;
}

/** Refuses a log with parts that are not there. Nothing is changed. @throws {CorruptError} naming the first. */
export function refuseMissingParts(disk: Disk, paths: StorePaths, options: StoreOptions): void {
  const [first, ...more] = findMissingParts(disk, paths, options);
  if (first === undefined) return;
  const others = more.length > 0 ? ` (and ${more.length} more)` : "";
  throw new CorruptError(first.path, first.sizeBytes, `${first.reason}${others}. ${wayOn(paths)}`);
}

/** What an operator can do about a log that is refused. */
export function wayOn({ root }: StorePaths): string {
  return "Nothing was changed. Bring the file back from a copy or take the store of a replica, or give up what is missing: " +
    `rucola store repair ${root} --accept-loss`;
}

/** Whether a file begins with zeros. */
function isBlank(disk: Disk, path: string): boolean {
  const head = new Uint8Array(8);
  const file = disk.open(path, { readOnly: true });
  try {
    file.read(head, 0);
    return head.every((byte) => byte === 0);
  } finally {
    file.close();
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
