/**
 * Remembers that a slave's log has a damaged stretch: `damaged` below the store's root, the offset where it begins. A crash
 * can leave such a stretch, with good records behind it that are worth keeping while the master is away; when it is there
 * again, the slave takes everything from the damage on from it.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { type Disk, readWhole } from "../common/disk.ts";

const NAME = "damaged";

/** Where the damage begins; null when there is none. @throws {DiskError} */
export function readDamage(disk: Disk, root: string): number | null {
  const bytes = readWhole(disk, `${root}/${NAME}`);
  const offset = bytes === null || bytes.length === 0 ? NaN : Number(utf8Text(bytes));
  return Number.isSafeInteger(offset) ? offset : null;
}

/** Remembers a damage, on the device. @throws {DiskError} */
export function writeDamage(disk: Disk, root: string, offset: number): void {
  const file = disk.open(`${root}/${NAME}`, { create: true });
  try {
    file.truncate(0);
    file.write(utf8(String(offset)), 0);
    file.syncNow();
  } finally {
    file.close();
  }
  disk.syncDirectory(root);
}

/** Forgets it. @throws {DiskError} */
export function clearDamage(disk: Disk, root: string): void {
  disk.remove(`${root}/${NAME}`);
  disk.syncDirectory(root);
}
