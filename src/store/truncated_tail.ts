/**
 * Keeps what a slave cuts off its log before it follows another history: `truncated/OFFSET-TIME` below the store's root,
 * the log's raw bytes from OFFSET on. Messages in it were acknowledged to somebody, perhaps; the new history does not have
 * them, so they are an operator's to look at, and to remove.
 *
 * @module
 */
import type { Disk } from "../common/disk.ts";
import type { ReplicaLog } from "./replica_log.ts";
import { segmentName } from "./segment_file.ts";

const CHUNK_SIZE = 1024 * 1024;

/** Copies the log from `offset` to its end and waits until that is on the device; returns the file's path. @throws {DiskError} */
export async function keepTail(
  disk: Disk,
  root: string,
  log: ReplicaLog,
  from: { readonly offset: number; readonly now: number },
): Promise<string> {
  const directory = `${root}/truncated`;
  disk.makeDirectory(directory);
  const path = `${directory}/${segmentName(from.offset)}-${from.now}`;
  const file = disk.open(path, { create: true });
  try {
    const chunk = new Uint8Array(CHUNK_SIZE);
    for (let at = from.offset; at < log.endOffset;) {
      const count = await log.read(chunk, at);
      if (count === 0) break;
      file.write(chunk.subarray(0, count), at - from.offset);
      at += count;
    }
    await file.sync();
  } finally {
    file.close();
  }
  await disk.syncDirectoryAsync(directory);
  await disk.syncDirectoryAsync(root);
  return path;
}
