/**
 * The bytes of one file of a simulated disk, twice: as processes see them (the page cache) and as they are on the device.
 * Between the two lie the writes that no sync has covered yet, in order; after a power loss any of them may be there,
 * wholly or in part, and {@linkcode SimContent.afterPowerLoss} decides.
 *
 * Invariant: `current` = `durable` with all of `pending` applied, unless a sync failed. Then the writes it was to cover stay
 * readable, but no later sync brings them to the device: so does Linux, which marks the pages clean all the same.
 *
 * @module
 */
import type { Random } from "./random.ts";

/** Granularity of storage and of room on the disk. */
export const PAGE_BYTES = 4096;
/** What a device writes wholly or not at all. */
const SECTOR_BYTES = 512;

/** What becomes of a file's unsynced writes when the power fails. */
export interface WritesPolicy {
  /** None survives, all do, all up to a random one do, or each does or does not by itself. */
  readonly writes: "none" | "all" | "prefix" | "subset";
  /** Whether a write that is lost may leave some of its 512-byte sectors behind. */
  readonly tear: boolean;
}

/** Bytes in pages; a page never written takes no room and reads as zeros. */
class SparseBytes {
  sizeBytes = 0;

  constructor(readonly pages: Map<number, Uint8Array> = new Map()) {}

  copy(): SparseBytes {
    const copy = new SparseBytes();
    for (const [index, page] of this.pages) copy.pages.set(index, page.slice());
    copy.sizeBytes = this.sizeBytes;
    return copy;
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.sizeBytes - position));
    for (let done = 0; done < count;) {
      const within = (position + done) % PAGE_BYTES;
      const length = Math.min(count - done, PAGE_BYTES - within);
      const page = this.pages.get(Math.floor((position + done) / PAGE_BYTES));
      if (page === undefined) into.fill(0, done, done + length);
      else into.set(page.subarray(within, within + length), done);
      done += length;
    }
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const index = Math.floor((position + done) / PAGE_BYTES);
      const within = (position + done) % PAGE_BYTES;
      const length = Math.min(bytes.length - done, PAGE_BYTES - within);
      let page = this.pages.get(index);
      if (page === undefined) this.pages.set(index, page = new Uint8Array(PAGE_BYTES));
      page.set(bytes.subarray(done, done + length), within);
      done += length;
    }
    if (bytes.length > 0) this.sizeBytes = Math.max(this.sizeBytes, position + bytes.length);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      const keptPages = Math.ceil(sizeBytes / PAGE_BYTES);
      for (const index of this.pages.keys()) if (index >= keptPages) this.pages.delete(index);
      // What lies behind the end must read as zeros when the file grows again.
      this.pages.get(Math.floor(sizeBytes / PAGE_BYTES))?.fill(0, sizeBytes % PAGE_BYTES);
    }
    this.sizeBytes = sizeBytes;
  }

  flipBit(position: number, bit: number): void {
    const index = Math.floor(position / PAGE_BYTES);
    let page = this.pages.get(index);
    if (page === undefined) this.pages.set(index, page = new Uint8Array(PAGE_BYTES));
    page[position % PAGE_BYTES]! ^= 1 << bit;
  }
}

/** A change that is not known to be on the device: bytes written, or (no bytes) the size set to `position`. */
interface PendingChange {
  readonly order: number;
  readonly position: number;
  readonly bytes: Uint8Array | null;
}

function apply(change: PendingChange, to: SparseBytes): void {
  if (change.bytes === null) to.truncate(change.position);
  else to.write(change.bytes, change.position);
}

/** Leaves some sectors of a write: those before a random one, or a random choice of them, with or without its size. */
function applyTorn(change: PendingChange, to: SparseBytes, random: Random): void {
  const { bytes, position } = change;
  if (bytes === null) return;
  const inOrder = random.int(2) === 0;
  const firstSector = Math.floor(position / SECTOR_BYTES);
  const sectors = Math.floor((position + bytes.length - 1) / SECTOR_BYTES) - firstSector + 1;
  const cut = random.int(sectors);
  for (let i = 0; i < sectors; i++) {
    if (inOrder ? i >= cut : random.int(2) === 0) continue;
    const from = Math.max(0, (firstSector + i) * SECTOR_BYTES - position);
    const until = Math.min(bytes.length, (firstSector + i + 1) * SECTOR_BYTES - position);
    to.write(bytes.subarray(from, until), position + from);
  }
  if (random.int(4) === 0) to.truncate(Math.max(to.sizeBytes, position + bytes.length));
}

/** The content of a simulated file. */
export class SimContent {
  readonly #current: SparseBytes;
  readonly #durable: SparseBytes;
  #pending: PendingChange[] = [];
  #changes = 0;

  constructor(content: SparseBytes = new SparseBytes()) {
    this.#current = content;
    this.#durable = content.copy();
  }

  /** Size as processes see it. */
  get sizeBytes(): number {
    return this.#current.sizeBytes;
  }

  /** Pages that take room. */
  get pages(): number {
    return this.#current.pages.size;
  }

  /** Writes and truncations that no sync has covered. */
  get unsynced(): number {
    return this.#pending.length;
  }

  /** Reads what processes see; returns the bytes read. */
  read(into: Uint8Array, position: number): number {
    return this.#current.read(into, position);
  }

  /** Writes a copy of `bytes`. */
  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#change({ order: ++this.#changes, position, bytes: bytes.slice() });
  }

  /** Sets the size. */
  truncate(sizeBytes: number): void {
    this.#change({ order: ++this.#changes, position: sizeBytes, bytes: null });
  }

  /** How many of the first bytes of a write find room when only `freePages` more pages may be taken. */
  fitting(lengthBytes: number, position: number, freePages: number): number {
    const lastPage = Math.floor((position + lengthBytes - 1) / PAGE_BYTES);
    for (let index = Math.floor(position / PAGE_BYTES); index <= lastPage; index++) {
      if (!this.#current.pages.has(index) && --freePages < 0) return Math.max(0, index * PAGE_BYTES - position);
    }
    return lengthBytes;
  }

  /** Stands for everything changed until now; for {@linkcode makeDurable} and {@linkcode loseUnsynced}. */
  mark(): number {
    return this.#changes;
  }

  /** What a sync does that began at `mark`. */
  makeDurable(mark: number): void {
    this.#pending = this.#pending.filter((change) => {
      if (change.order <= mark) apply(change, this.#durable);
      return change.order > mark;
    });
  }

  /** What a failed sync does that began at `mark`: these changes stay visible and never reach the device. */
  loseUnsynced(mark: number): void {
    this.#pending = this.#pending.filter((change) => change.order > mark);
  }

  /** The medium changes one bit (0 to 7) of the byte at `position`. */
  flipBit(position: number, bit: number): void {
    this.#current.flipBit(position, bit);
    this.#durable.flipBit(position, bit);
  }

  /** What is found after the power failed now. This content stays as it is. */
  afterPowerLoss(policy: WritesPolicy, random: Random): SimContent {
    const found = this.#durable.copy();
    const survivors = policy.writes === "prefix" ? random.int(this.#pending.length + 1) : 0;
    this.#pending.forEach((change, index) => {
      const survives = policy.writes === "all" || index < survivors ||
        (policy.writes === "subset" && random.int(2) === 0);
      if (survives) return apply(change, found);
      const torn = policy.tear && (policy.writes === "prefix" ? index === survivors : random.int(2) === 0);
      if (torn) applyTorn(change, found, random);
    });
    return new SimContent(found);
  }

  #change(change: PendingChange): void {
    this.#pending.push(change);
    apply(change, this.#current);
  }
}
