/**
 * What a broker tells of its process beside RocketMQ's figures, for `rucola doctor`: memory and open files. They stand among
 * the texts of GET_BROKER_RUNTIME_INFO, where tools that do not know them show them like the others.
 *
 * Source: ours.
 *
 * @module
 */
import process from "node:process";
import { utf8Text } from "../common/bytes.ts";
import type { Disk } from "../common/disk.ts";
import { DiskError } from "../common/errors.ts";

/** Where Linux tells the limits of a process. */
const LIMITS_PATH = "/proc/self/limits";
/** Such files say that they are empty. */
const LIMITS_BYTES_MAX = 8192;

/** Where the wrappers and the units say how many files may be open. */
const LIMIT_VARIABLE = "RUCOLA_OPEN_FILES";

/** The facts by name; those that nobody tells are left out. */
export function processFacts(disk: Disk): Map<string, string> {
  const { rss } = Deno.memoryUsage();
  const { total, available } = Deno.systemMemoryInfo();
  const facts = new Map([
    ["processMemoryBytes", String(rss)],
    ["machineMemoryBytes", String(total)],
    ["machineMemoryAvailableBytes", String(available)],
  ]);
  const openFiles = Deno.env.get(LIMIT_VARIABLE) || openFilesLimit(limitsText(disk));
  if (openFiles !== null) facts.set("openFilesLimit", openFiles);
  return facts;
}

/** CPU time that all threads of the process have used, milliseconds. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** How many files may be open, of the text of Linux: the limit that counts, a number or `unlimited`; null without one. */
export function openFilesLimit(limits: string): string | null {
  return /^Max open files +(\S+)/m.exec(limits)?.[1] ?? null;
}

/** Empty where it cannot be read: the executable has no permission for /proc. */
function limitsText(disk: Disk): string {
  try {
    const file = disk.open(LIMITS_PATH, { readOnly: true });
    using _closed = { [Symbol.dispose]: () => file.close() };
    const bytes = new Uint8Array(LIMITS_BYTES_MAX);
    return utf8Text(bytes.subarray(0, file.read(bytes, 0)));
  } catch (error) {
    if (error instanceof DiskError) return "";
    throw error;
  }
}
