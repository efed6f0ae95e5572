/**
 * A {@link Disk} through which nothing can be changed: for what only looks, such as audits.
 *
 * @module
 */
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskUsage, OpenOptions } from "./disk.ts";
import { DiskError } from "./errors.ts";

/** A view of a disk. Files open for reading; everything that would change something throws a `read-only` DiskError. */
export class ReadOnlyDisk implements Disk {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** @inheritdoc */
  open(path: string, options: OpenOptions = {}): DiskFile {
    if (options.create === true && this.#disk.stat(path) === null) this.#refuse(path, "create");
    return this.#disk.open(path, { readOnly: true });
  }

  /** @inheritdoc */
  stat(path: string): DiskEntry | null {
    return this.#disk.stat(path);
  }

  /** @inheritdoc */
  list(directory: string): DiskEntry[] {
    return this.#disk.list(directory);
  }

  /** @inheritdoc */
  makeDirectory(path: string): void {
    this.#refuse(path, "make the directory");
  }

  /** @inheritdoc */
  remove(path: string): void {
    this.#refuse(path, "remove");
  }

  /** @inheritdoc */
  rename(from: string): void {
    this.#refuse(from, "rename");
  }

  /** @inheritdoc */
  syncDirectory(path: string): void {
    this.#refuse(path, "sync the directory");
  }

  /** @inheritdoc */
  syncDirectoryAsync(path: string): Promise<void> {
    this.#refuse(path, "sync the directory");
  }

  /** @inheritdoc */
  usage(path: string): DiskUsage {
    return this.#disk.usage(path);
  }

  /** Takes the lock of a file that exists, which changes nothing in it. */
  lock(path: string): DiskLock | null {
    if (this.#disk.stat(path) === null) this.#refuse(path, "lock");
    return this.#disk.lock(path);
  }

  #refuse(path: string, attempted: string): never {
    throw new DiskError("read-only", path, attempted);
  }
}
