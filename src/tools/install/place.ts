/**
 * Lays files down and takes them away again, without harm to what somebody has edited.
 *
 * | on disk                          | install                              | uninstall    |
 * |----------------------------------|--------------------------------------|--------------|
 * | nothing                          | written                              | –            |
 * | what is to be written            | left                                 | removed      |
 * | what an earlier install wrote    | replaced                             | removed      |
 * | anything else                    | kept; `--force` replaces it, with a copy as `NAME.bak` | kept |
 *
 * @module
 */
import { type Disk, parentOf } from "../../common/disk.ts";
import type { DiskModes } from "../../common/disk_mode.ts";
import { hashOf, hashOfFile, writeFile } from "./manifest.ts";

/** A file of an installation. */
export interface InstalledFile {
  /** Absolute. */
  readonly path: string;
  /** Its bytes, or the file that it is a copy of. */
  readonly content: Uint8Array | { readonly copyOf: string };
  /** Permission bits. */
  readonly mode: number;
}

/** What was done with a file. */
export type Placement = "written" | "replaced" | "unchanged" | "kept" | "forced";

/** What files are put to. */
export interface PlaceParts {
  readonly disk: Disk;
  readonly modes: DiskModes;
}

/**
 * Lays one file down.
 *
 * @param recorded hash of what an earlier installation wrote there.
 * @param force replaces also what was edited.
 * @returns what was done, and the hash to record: of what was written last by us, not of what somebody made of it.
 */
export function placeFile(
  { disk, modes }: PlaceParts,
  file: InstalledFile,
  { recorded, force }: { readonly recorded: string | undefined; readonly force: boolean },
): { placement: Placement; hash: string | undefined } {
  const { path, content, mode } = file;
  const wanted = content instanceof Uint8Array ? hashOf(content) : hashOfFile(disk, content.copyOf)!;
  const present = hashOfFile(disk, path);
  if (present === wanted) {
    modes.setMode(path, mode);
    return { placement: "unchanged", hash: wanted };
  }
  const isEdited = present !== null && present !== recorded;
  if (isEdited && !force) return { placement: "kept", hash: recorded };
  if (isEdited) writeFile(disk, `${path}.bak`, { copyOf: path });
  writeFile(disk, path, content);
  modes.setMode(path, mode);
  return { placement: present === null ? "written" : isEdited ? "forced" : "replaced", hash: wanted };
}

/** Takes one file away unless it was edited. */
export function takeFile(disk: Disk, path: string, recorded: string): "removed" | "kept" | "gone" {
  const present = hashOfFile(disk, path);
  if (present === null) return "gone";
  if (present !== recorded) return "kept";
  disk.remove(path);
  return "removed";
}

/** Removes the directories of files that were taken away, as far as they are empty and at or below `prefix`. */
export function removeEmptyDirectories(disk: Disk, prefix: string, paths: Iterable<string>): void {
  for (const path of paths) {
    let directory = parentOf(path);
    while (directory === prefix || directory.startsWith(`${prefix}/`)) {
      if (disk.stat(directory) === null || disk.list(directory).length > 0) break;
      disk.remove(directory);
      directory = parentOf(directory);
    }
  }
}
