/**
 * Limits how many files the store has open. A file is opened when it is used and the one that was used least recently is
 * closed when there are too many; a file with an asynchronous call under way is never closed. A hundred thousand queues can
 * so share a few hundred descriptors.
 *
 * @module
 */
import type { Disk, DiskFile } from "../common/disk.ts";

/** Something that can let go of its descriptor; `pins` counts the asynchronous calls under way. */
export interface Closable {
  readonly pins: number;
  /** Gives the descriptor back; the next use opens it again. */
  closeHandle(): void;
}

/** The files that are open, least recently used first. */
export class OpenFiles {
  readonly #disk: Disk;
  readonly #limit: number;
  readonly #owners = new Set<Closable>();
  #newest: Closable | null = null;

  /** @param limit files open at a time; more only while all of them have calls under way. */
  constructor(disk: Disk, limit: number) {
    this.#disk = disk;
    this.#limit = Math.max(4, limit);
  }

  /** Number of open files. */
  get count(): number {
    return this.#owners.size;
  }

  /** Opens a file for its owner. @throws {DiskError} */
  open(owner: Closable, path: string, create: boolean): DiskFile {
    while (this.#owners.size >= this.#limit && this.#closeOldest()) { /* until there is room */ }
    const handle = this.#disk.open(path, { create });
    this.#owners.add(owner);
    this.#newest = owner;
    return handle;
  }

  /** Marks the owner's file as used just now. */
  touch(owner: Closable): void {
    if (owner === this.#newest) return;
    this.#owners.delete(owner);
    this.#owners.add(owner);
    this.#newest = owner;
  }

  /** The owner closed its file. */
  forget(owner: Closable): void {
    this.#owners.delete(owner);
    if (this.#newest === owner) this.#newest = null;
  }

  #closeOldest(): boolean {
    for (const owner of this.#owners) {
      if (owner.pins > 0) continue;
      owner.closeHandle();
      return true;
    }
    return false;
  }
}
