/**
 * What a broker tells of its process beside RocketMQ's figures, for `rucola doctor`: memory and open files. They stand among
 * the texts of GET_BROKER_RUNTIME_INFO, where tools that do not know them show them like the others.
 *
 * Source: ours.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import type { Disk, DiskFile } from "../common/disk.ts";
import { DiskError } from "../common/errors.ts";

/** Where Linux tells the limits of a process. */
const LIMITS_PATH = "/proc/self/limits";
/** Such files say that they are empty. */
const LIMITS_BYTES_MAX = 8192;

/** The facts by name; those that a system does not tell are left out. */
export function processFacts(disk: Disk): Map<string, string> {
  const { rss } = Deno.memoryUsage();
  const { total, available } = Deno.systemMemoryInfo();
  const facts = new Map([
    ["processMemoryBytes", String(rss)],
    ["machineMemoryBytes", String(total)],
    ["machineMemoryAvailableBytes", String(available)],
  ]);
  const openFiles = openFilesLimit(limitsText(disk));
  if (openFiles !== null) facts.set("openFilesLimit", openFiles);
  return facts;
}

/** How many files may be open, of the text of Linux: the limit that counts, a number or `unlimited`; null without one. */
export function openFilesLimit(limits: string): string | null {
  return /^Max open files +(\S+)/m.exec(limits)?.[1] ?? null;
}

/** The text of the limits; empty where there is none, and in the executable: Deno shows it only to who may do everything. */
function limitsText(disk: Disk): string {
  let file: DiskFile;
  try {
    file = disk.open(LIMITS_PATH, { readOnly: true });
  } catch (error) {
    if (error instanceof DiskError) return "";
    throw error;
  }
  try {
    const bytes = new Uint8Array(LIMITS_BYTES_MAX);
    return utf8Text(bytes.subarray(0, file.read(bytes, 0)));
  } finally {
    file.close();
  }
}
