/**
 * One file of the key index: a hash table whose slots lead to chains of entries, newest first.
 *
 * ```
 * at                    size  field
 *  0                    8     beginTimestamp   store time of the first record, milliseconds
 *  8                    8     endTimestamp     of the last
 * 16                    8     beginPhyOffset
 * 24                    8     endPhyOffset
 * 32                    4     hashSlotCount    slots in use
 * 36                    4     indexCount       next entry's number; entries start at 1
 * 40                    4 × s slots: number of the newest entry, 0 for none
 * 40 + 4 s              20×n  entries: i32 keyHash, i64 physicalOffset, i32 seconds after beginTimestamp, i32 previous entry
 * ```
 *
 * While a file is written to, its slots are in memory and reach the file at checkpoints only, after the entries they lead
 * to are synced: whatever a crash leaves in a slot, its chain can be followed back to the entries of the last checkpoint.
 *
 * RocketMQ counterpart: `IndexFile`, `IndexHeader`.
 *
 * @module
 */
import { EMPTY, getI32, getI64, putI32, putI64 } from "../common/bytes.ts";
import { INDEX_HEADER_SIZE } from "./checkpoint.ts";
import type { SegmentFile } from "./segment_file.ts";

const SLOT_SIZE = 4;
/** Bytes of an entry. */
export const INDEX_ENTRY_SIZE = 20;
/** Slots that are written together. */
const SLOTS_A_PAGE = 1024;
/** Pages, and slots, that are written without giving way: a megabyte. */
const PAGES_AT_A_TIME = 256;
const SLOTS_AT_A_TIME = PAGES_AT_A_TIME * SLOTS_A_PAGE;
/** Entries that may wait in memory before they are written. */
const ENTRIES_HELD = 8192;
/** Entries that are read at once when all are looked at. */
const ENTRIES_READ = 50_000;

/** Size of an index file. */
export function indexFileSize(slotCount: number, entryCountMax: number): number {
  return INDEX_HEADER_SIZE + slotCount * SLOT_SIZE + entryCountMax * INDEX_ENTRY_SIZE;
}

/** The hash by which a key is looked up, from Java's hash of it. */
export function indexHash(javaHash: number): number {
  return javaHash === -2147483648 ? 0 : Math.abs(javaHash);
}

/** An index file. */
export class IndexFile {
  readonly name: string;
  beginTimestamp = 0;
  endTimestamp = 0;
  beginPhyOffset = 0;
  endPhyOffset = 0;
  hashSlotCount = 0;
  indexCount = 1;
  /** Entries, slots or header differ from the file's. */
  isUnsaved = false;
  readonly segment: SegmentFile;
  readonly #slotCount: number;
  readonly #countMax: number;
  /** Null unless the file is written to. */
  #slots: Int32Array | null = null;
  readonly #dirtyPages: Uint8Array;
  #held: Uint8Array | null = null;
  /**
   * Since `freeze`, by the megabyte that a slot is written with: what the slots that changed held then; undefined once they are
   * written. In one map for all of them, a second of messages would be so many that growing it holds the event loop.
   */
  #frozenSlots: (Map<number, number> | undefined)[] = [];
  #frozenHeader: Uint8Array = EMPTY;
  /** Entries below are in the file. */
  #written = 1;

  /** @param name 17 digits, see {@linkcode MessageIndex}. */
  constructor(segment: SegmentFile, name: string, slotCount: number, countMax: number) {
    this.segment = segment;
    this.name = name;
    this.#slotCount = slotCount;
    this.#countMax = countMax;
    this.#dirtyPages = new Uint8Array(Math.ceil(slotCount / SLOTS_A_PAGE));
  }

  /** Whether no more entry fits. */
  get isFull(): boolean {
    return this.indexCount >= this.#countMax;
  }

  /** A new file continues where the one before it ended. */
  continueFrom(previous: IndexFile): void {
    this.beginTimestamp = this.endTimestamp = previous.endTimestamp;
    this.beginPhyOffset = this.endPhyOffset = previous.endPhyOffset;
  }

  /** Reads the header. @throws {DiskError} */
  load(): void {
    const bytes = new Uint8Array(INDEX_HEADER_SIZE);
    this.segment.read(bytes, 0);
    this.setHeader(bytes);
  }

  /** Takes a header, from the file or from a checkpoint. */
  setHeader(bytes: Uint8Array): void {
    this.beginTimestamp = field(bytes, 0);
    this.endTimestamp = field(bytes, 8);
    this.beginPhyOffset = field(bytes, 16);
    this.endPhyOffset = field(bytes, 24);
    this.hashSlotCount = getI32(bytes, 32);
    this.indexCount = Math.min(Math.max(1, getI32(bytes, 36)), this.#countMax);
    this.#written = this.indexCount;
  }

  /** The header as bytes. */
  header(): Uint8Array {
    const bytes = new Uint8Array(INDEX_HEADER_SIZE);
    putI64(bytes, 0, this.beginTimestamp);
    putI64(bytes, 8, this.endTimestamp);
    putI64(bytes, 16, this.beginPhyOffset);
    putI64(bytes, 24, this.endPhyOffset);
    putI32(bytes, 32, this.hashSlotCount);
    putI32(bytes, 36, this.indexCount);
    return bytes;
  }

  /** Begins to write to a new file. */
  startEmpty(): void {
    this.#slots = new Int32Array(this.#slotCount);
  }

  /**
   * Begins to write to a file that has entries, whose slots may already lead to later entries than the header counts.
   * @returns false when a chain is broken: the file must be made anew.
   * @throws {DiskError}
   */
  startLoaded(): boolean {
    const slots = new Int32Array(this.#slotCount);
    const bytes = new Uint8Array(Math.min(this.#slotCount, 256 * SLOTS_A_PAGE) * SLOT_SIZE);
    let used = 0;
    for (let slot = 0; slot < this.#slotCount;) {
      const count = Math.min(bytes.length / SLOT_SIZE, this.#slotCount - slot);
      this.segment.read(bytes.subarray(0, count * SLOT_SIZE), INDEX_HEADER_SIZE + slot * SLOT_SIZE);
      for (let i = 0; i < count; i++, slot++) {
        const newest = getI32(bytes, i * SLOT_SIZE);
        if (newest === 0) continue;
        const entry = this.#lastCounted(slot, newest);
        if (entry < 0) return false;
        if (entry !== newest) this.#markSlot(slot);
        if (entry > 0) used++;
        slots[slot] = entry;
      }
    }
    this.hashSlotCount = used;
    this.#slots = slots;
    return true;
  }

  /**
   * Forgets the first entry that leads to `physicalOffset` or behind it, with all that follow, and begins to write to the
   * file. Slots lead to entries that are gone now: they are made again from those that stay.
   * @returns false when a chain is broken: the file must be made anew.
   * @throws {DiskError}
   */
  startCut(physicalOffset: number): boolean {
    this.writeEntries();
    const slots = new Int32Array(this.#slotCount);
    let [used, n, seconds, lastOffset] = [0, 1, 0, this.beginPhyOffset];
    scan: while (n < this.indexCount) {
      const bytes = new Uint8Array(Math.min(ENTRIES_READ, this.indexCount - n) * INDEX_ENTRY_SIZE);
      this.segment.read(bytes, this.#entryAt(n));
      for (let at = 0; at < bytes.length; at += INDEX_ENTRY_SIZE, n++) {
        const entry = bytes.subarray(at, at + INDEX_ENTRY_SIZE);
        const [hash, offset] = [getI32(entry, 0), field(entry, 4)];
        if (offset >= physicalOffset) break scan;
        const slot = hash % this.#slotCount;
        if (hash < 0 || getI32(entry, 16) !== slots[slot]) return false;
        if (slots[slot] === 0) used++;
        slots[slot] = n;
        [seconds, lastOffset] = [getI32(entry, 12), offset];
      }
    }
    this.indexCount = this.#written = n;
    this.hashSlotCount = used;
    this.endPhyOffset = lastOffset;
    // Entries know whole seconds: the end of the last one's is never too early.
    this.endTimestamp = Math.min(this.endTimestamp, this.beginTimestamp + seconds * 1000 + 999);
    this.#slots = slots;
    this.#frozenSlots = [];
    this.#dirtyPages.fill(1);
    this.isUnsaved = true;
    return true;
  }

  /** Follows a slot's chain to the first entry that the header counts; −1 when the chain is broken. */
  #lastCounted(slot: number, newest: number): number {
    let n = newest;
    while (n >= this.indexCount) {
      if (n >= this.#countMax) return -1;
      const entry = this.readEntryNow(n);
      const previous = getI32(entry, 16);
      if (getI32(entry, 0) % this.#slotCount !== slot || previous < 0 || previous >= n) return -1;
      n = previous;
    }
    return n < 0 ? -1 : n;
  }

  /** Adds an entry; the file must not be full and must have been started. @throws {DiskError} */
  add(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    const slot = keyHash % this.#slotCount;
    const slots = this.#slots!;
    const previous = slots[slot]!;
    const elapsed = this.beginTimestamp <= 0 ? 0 : Math.trunc((storeTimestamp - this.beginTimestamp) / 1000);
    if (this.#held === null || (this.indexCount - this.#written) * INDEX_ENTRY_SIZE >= this.#held.length) {
      this.#makeRoom();
    }
    const b = this.#held!;
    const at = (this.indexCount - this.#written) * INDEX_ENTRY_SIZE;
    putI32(b, at, keyHash);
    putI64(b, at + 4, physicalOffset);
    putI32(b, at + 12, Math.min(Math.max(0, elapsed), 0x7fffffff));
    putI32(b, at + 16, previous);
    if (this.indexCount <= 1) {
      this.beginPhyOffset = physicalOffset;
      this.beginTimestamp = storeTimestamp;
    }
    if (previous === 0) this.hashSlotCount++;
    const frozen = this.#frozenSlots[Math.floor(slot / SLOTS_AT_A_TIME)];
    if (frozen !== undefined && !frozen.has(slot)) frozen.set(slot, previous);
    slots[slot] = this.indexCount;
    this.#markSlot(slot);
    this.indexCount++;
    this.endPhyOffset = physicalOffset;
    this.endTimestamp = storeTimestamp;
    this.isUnsaved = true;
  }

  /** Writes the entries that only memory has. @throws {DiskError} */
  writeEntries(): void {
    const count = this.indexCount - this.#written;
    if (count === 0) return;
    this.segment.write(this.#held!.subarray(0, count * INDEX_ENTRY_SIZE), this.#entryAt(this.#written));
    this.#written = this.indexCount;
  }

  /** Writes the entries, and remembers slots and header as they are now for {@linkcode writeSlots}. @throws {DiskError} */
  freeze(): Uint8Array {
    this.writeEntries();
    this.#frozenSlots = Array.from({ length: Math.ceil(this.#slotCount / SLOTS_AT_A_TIME) }, () => new Map());
    return this.#frozenHeader = this.header();
  }

  /**
   * Writes slots and header as they were at {@linkcode freeze}; the file must have been synced since. Gives way between
   * megabytes of slots: entries may be added meanwhile. @throws {DiskError}
   */
  *writeSlots(): Generator<void, void, void> {
    const slots = this.#slots;
    if (slots !== null) {
      for (let page = this.#dirtyFrom(0); page >= 0;) {
        const megabyte = Math.floor(page / PAGES_AT_A_TIME);
        const end = (megabyte + 1) * PAGES_AT_A_TIME;
        while (page >= 0 && page < end) page = this.#dirtyFrom(this.#writePages(slots, page));
        this.#thaw(megabyte);
        if (page >= 0) yield;
      }
    }
    this.segment.write(this.#frozenHeader, 0);
    this.isUnsaved = getI32(this.#frozenHeader, 36) !== this.indexCount;
    this.#frozenSlots = [];
  }

  /** A megabyte was written as it was: what changed in it since is for the next time. */
  #thaw(megabyte: number): void {
    for (const slot of this.#frozenSlots[megabyte]?.keys() ?? []) this.#markSlot(slot);
    this.#frozenSlots[megabyte] = undefined;
  }

  /** Lets go of the memory that writing needs. */
  seal(): void {
    this.#slots = null;
    this.#held = null;
  }

  /** The newest entry of the chain that a hash is in, 0 for none. @throws {DiskError} */
  async newestEntry(keyHash: number): Promise<number> {
    const slot = keyHash % this.#slotCount;
    if (this.#slots !== null) return this.#slots[slot]!;
    const bytes = new Uint8Array(SLOT_SIZE);
    await this.segment.readAsync(bytes, INDEX_HEADER_SIZE + slot * SLOT_SIZE);
    const newest = getI32(bytes, 0);
    return newest > 0 && newest < this.indexCount ? newest : 0;
  }

  /** The bytes of entry `n`, a copy. @throws {DiskError} */
  async readEntry(n: number): Promise<Uint8Array> {
    if (n >= this.#written) return this.readEntryNow(n);
    const bytes = new Uint8Array(INDEX_ENTRY_SIZE);
    await this.segment.readAsync(bytes, this.#entryAt(n));
    return bytes;
  }

  /** As {@linkcode readEntry}, blocking. @throws {DiskError} */
  readEntryNow(n: number): Uint8Array {
    if (n >= this.#written && this.#held !== null && n < this.indexCount) {
      const at = (n - this.#written) * INDEX_ENTRY_SIZE;
      return this.#held.slice(at, at + INDEX_ENTRY_SIZE);
    }
    const bytes = new Uint8Array(INDEX_ENTRY_SIZE);
    this.segment.read(bytes, this.#entryAt(n));
    return bytes;
  }

  #entryAt(n: number): number {
    return INDEX_HEADER_SIZE + this.#slotCount * SLOT_SIZE + n * INDEX_ENTRY_SIZE;
  }

  #markSlot(slot: number): void {
    this.#dirtyPages[Math.floor(slot / SLOTS_A_PAGE)] = 1;
    this.isUnsaved = true;
  }

  /** The first dirty page from `page` on, −1 when there is none. */
  #dirtyFrom(page: number): number {
    return this.#dirtyPages.indexOf(1, page);
  }

  /** Writes dirty pages of one megabyte that follow each other, from `page` on; returns the first behind them. */
  #writePages(slots: Int32Array, page: number): number {
    const megabyte = Math.floor(page / PAGES_AT_A_TIME);
    const endMax = Math.min((megabyte + 1) * PAGES_AT_A_TIME, this.#dirtyPages.length);
    let end = page;
    while (end < endMax && this.#dirtyPages[end] === 1) this.#dirtyPages[end++] = 0;
    const first = page * SLOTS_A_PAGE;
    const last = Math.min(end * SLOTS_A_PAGE, this.#slotCount);
    const bytes = new Uint8Array((last - first) * SLOT_SIZE);
    for (let slot = first, at = 0; slot < last; slot++, at += SLOT_SIZE) putI32(bytes, at, slots[slot]!);
    // One look at each slot that has changed is much less than a look for each slot whether it has.
    for (const [slot, frozen] of this.#frozenSlots[megabyte] ?? []) {
      if (slot >= first && slot < last) putI32(bytes, (slot - first) * SLOT_SIZE, frozen);
    }
    this.segment.write(bytes, INDEX_HEADER_SIZE + first * SLOT_SIZE);
    return end;
  }

  /** Makes room for one more held entry: more memory at first, the file later. */
  #makeRoom(): void {
    const held = this.indexCount - this.#written;
    if (held >= ENTRIES_HELD) return this.writeEntries();
    const bigger = new Uint8Array(Math.min(ENTRIES_HELD, Math.max(64, held * 4)) * INDEX_ENTRY_SIZE);
    if (this.#held !== null) bigger.set(this.#held.subarray(0, held * INDEX_ENTRY_SIZE));
    this.#held = bigger;
  }
}

/** A field of 8 bytes, 0 when it is beyond what a number holds. */
function field(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0 && bytes[at + 1]! < 0x20 ? getI64(bytes, at) : 0;
}
