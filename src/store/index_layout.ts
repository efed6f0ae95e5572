/**
 * How many slots and entries an index file has. The file does not say: its size follows from both, so many pairs fit.
 * The configured pair and RocketMQ's proportion of one slot for four entries are tried first; else the place where the
 * entries end, with their number in the header, says where they begin. Whatever is found must pass a look at the entries.
 *
 * @module
 */
import { getI32 } from "../common/bytes.ts";
import type { Disk, DiskFile } from "../common/disk.ts";
import { INDEX_HEADER_SIZE } from "./checkpoint.ts";
import { INDEX_ENTRY_SIZE, indexFileSize } from "./index_file.ts";

const SLOT_SIZE = 4;
/** Entries that must fit to a layout. */
const ENTRIES_LOOKED_AT = 64;
const WINDOW_SIZE = 1024 * 1024;

/** The sizes of an index file's two parts. */
export interface IndexLayout {
  readonly slotCount: number;
  /** Entries, counting the unused first one. */
  readonly entryCountMax: number;
}

/** The layout of the file at `path`, or null when none fits to what is in it. @throws {DiskError} */
export function findIndexLayout(disk: Disk, path: string, configured: IndexLayout): IndexLayout | null {
  const size = disk.stat(path)?.sizeBytes ?? 0;
  if (size < INDEX_HEADER_SIZE) return null;
  if (size === indexFileSize(configured.slotCount, configured.entryCountMax)) return configured;
  const file = disk.open(path, { readOnly: true });
  try {
    const header = new Uint8Array(INDEX_HEADER_SIZE);
    if (file.read(header, 0) < INDEX_HEADER_SIZE) return null;
    const indexCount = getI32(header, 36);
    // An empty file proves nothing about its layout, and nothing is lost with it.
    if (indexCount < 2) return null;
    const candidates = [configured.slotCount, (size - INDEX_HEADER_SIZE) / 84];
    for (const slotCount of candidates) {
      const layout = layoutOf(size, slotCount);
      if (layout !== null && fits(file, layout, indexCount)) return layout;
    }
    return searchLayout(file, size, indexCount);
  } finally {
    file.close();
  }
}

function layoutOf(size: number, slotCount: number): IndexLayout | null {
  const entryCountMax = (size - INDEX_HEADER_SIZE - slotCount * SLOT_SIZE) / INDEX_ENTRY_SIZE;
  const isWhole = Number.isInteger(slotCount) && Number.isInteger(entryCountMax);
  return isWhole && slotCount > 0 && entryCountMax >= 2 ? { slotCount, entryCountMax } : null;
}

/** Tries the layouts whose last entry holds the file's last byte that is not zero. */
function searchLayout(file: DiskFile, size: number, indexCount: number): IndexLayout | null {
  const last = lastUsedByte(file, size);
  const entriesEnd = last + 1 - INDEX_HEADER_SIZE - INDEX_ENTRY_SIZE * (indexCount - 1);
  for (let slotBytes = entriesEnd - INDEX_ENTRY_SIZE; slotBytes < entriesEnd; slotBytes++) {
    const layout = slotBytes % SLOT_SIZE === 0 ? layoutOf(size, slotBytes / SLOT_SIZE) : null;
    if (layout !== null && fits(file, layout, indexCount)) return layout;
  }
  return null;
}

function lastUsedByte(file: DiskFile, size: number): number {
  for (let end = size; end > INDEX_HEADER_SIZE;) {
    const start = Math.max(INDEX_HEADER_SIZE, end - WINDOW_SIZE);
    const bytes = new Uint8Array(end - start);
    const count = file.read(bytes, start);
    const at = bytes.subarray(0, count).findLastIndex((byte) => byte !== 0);
    if (at >= 0) return start + at;
    end = start;
  }
  return INDEX_HEADER_SIZE;
}

/** Whether the first entries make chains of slots, and entry 0 is unused. */
function fits(file: DiskFile, { slotCount, entryCountMax }: IndexLayout, indexCount: number): boolean {
  if (indexCount > entryCountMax) return false;
  const count = Math.min(indexCount, ENTRIES_LOOKED_AT);
  const bytes = new Uint8Array(count * INDEX_ENTRY_SIZE);
  file.read(bytes, INDEX_HEADER_SIZE + slotCount * SLOT_SIZE);
  if (bytes.subarray(0, INDEX_ENTRY_SIZE).some((byte) => byte !== 0)) return false;
  const newest = new Map<number, number>();
  for (let n = 1; n < count; n++) {
    const at = n * INDEX_ENTRY_SIZE;
    const hash = getI32(bytes, at);
    const slot = hash % slotCount;
    if (hash < 0 || bytes[at + 4] !== 0 || getI32(bytes, at + 16) !== (newest.get(slot) ?? 0)) return false;
    newest.set(slot, n);
  }
  return true;
}
