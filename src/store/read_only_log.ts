/**
 * The commitlog's files for those who only look: audits and dumps. Short files read as zeros where they lack something, and
 * nothing is mended.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import { ReadOnlyDisk } from "../common/disk_read_only.ts";
import { Checkpoint } from "./checkpoint.ts";
import { OpenFiles } from "./open_files.ts";
import { SegmentQueue } from "./segment_queue.ts";
import { fileSizes, type StorePaths } from "./store_files.ts";
import type { StoreOptions } from "./store_options_type.ts";

const OPEN_FILES_MAX = 16;

/** Opens the log. @param warn told about empty files at its end. @throws {DiskError} @throws {CorruptError} */
export function openLogToRead(
  disk: Disk,
  { paths, options }: { readonly paths: StorePaths; readonly options: StoreOptions },
  warn: (path: string) => void,
): SegmentQueue {
  const readOnly = new ReadOnlyDisk(disk);
  const checkpoint = new Checkpoint(readOnly, paths.checkpoint);
  checkpoint.load();
  const segments = new SegmentQueue({
    disk: readOnly,
    files: new OpenFiles(readOnly, OPEN_FILES_MAX),
    directories: paths.commitlogs,
    readOnlyDirectories: paths.readOnlyCommitlogs,
    sizeBytes: fileSizes(readOnly, paths, checkpoint, options).commitlog,
    sizeIsCertain: true,
    isReadOnly: true,
    // What is missing or short is for `log_files_check.ts` to say.
    warn: (text) => text.endsWith("is empty") ? warn(text) : undefined,
  });
  segments.load();
  return segments;
}
