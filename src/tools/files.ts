/**
 * Small files that commands read and write.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { type Disk, readWhole } from "../common/disk.ts";

/** A file's text, or null when there is none. */
export function readText(disk: Disk, path: string): string | null {
  const bytes = readWhole(disk, path);
  return bytes === null ? null : utf8Text(bytes);
}

/** Writes a file, over the one that is there; directories above it are made. @param path relative ones too. */
export function writeFile(disk: Disk, path: string, content: Uint8Array): void {
  const slash = path.lastIndexOf("/");
  if (slash > 0) disk.makeDirectory(path.slice(0, slash));
  const file = disk.open(path, { create: true });
  try {
    file.truncate(0);
    file.write(content, 0);
  } finally {
    file.close();
  }
}
