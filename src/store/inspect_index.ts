/**
 * The part of an audit that compares index files with the log. Entries lie in the order of their records, so one walk over
 * both sees for every record which entries it has, and for every entry whether it has a record. A file's chains are checked
 * while its entries are read.
 *
 * @module
 */
import { getI32, getI64 } from "../common/bytes.ts";
import type { Disk, DiskFile } from "../common/disk.ts";
import { INDEX_HEADER_SIZE } from "./checkpoint.ts";
import { INDEX_ENTRY_SIZE, indexHash } from "./index_file.ts";
import { findIndexLayout, type IndexLayout } from "./index_layout.ts";
import type { Findings } from "./inspect_findings.ts";

const SLOT_SIZE = 4;
/** Entries read at once. */
const WINDOW_ENTRIES = 50_000;
const SLOTS_READ = 256 * 1024;
/** Entries that may be looked at beyond one that comes too early. */
const AHEAD_MAX = 4096;

/** What the audit of the index needs. */
export interface IndexAuditParts {
  readonly disk: Disk;
  readonly directory: string;
  readonly configured: IndexLayout;
  /** After a crash of ours: the file written to and the header that counts; else null. */
  readonly active: { readonly name: string; readonly header: Uint8Array } | null;
  /** Slots may lead to entries that do not count yet. */
  readonly isCrashed: boolean;
  /** Records from here on may lack entries. */
  readonly entriesMayLackFrom: number;
  readonly findings: Findings;
}

/** An entry. */
interface Entry {
  readonly hash: number;
  readonly physicalOffset: number;
  readonly path: string;
  readonly position: number;
}

/** Audits all index files of a store. */
export class IndexAudit {
  readonly #parts: IndexAuditParts;
  readonly #entries: Generator<Entry>;
  /** Entries that were read and not taken, in file order. */
  #ahead: Entry[] = [];
  #aheadAt = 0;
  /** Entries that lie before those of earlier records. */
  readonly #early = new Map<number, Entry[]>();
  #firstOffset = Infinity;
  #last = -1;
  #isEmpty = true;
  /** Records with keys were seen. */
  #isWanted = false;

  constructor(parts: IndexAuditParts) {
    this.#parts = parts;
    this.#entries = this.#read();
    const first = this.#peek(0);
    if (first !== null) {
      this.#isEmpty = false;
      this.#firstOffset = first.physicalOffset;
    }
  }

  /** Whether there are no entries. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /**
   * Checks the entries of a record. @param required hashes that must be there. @param optional hashes that may: 4.x did not
   * index tags.
   */
  record(physicalOffset: number, required: readonly number[], optional: readonly number[]): void {
    if (required.length > 0) this.#isWanted = true;
    const found = this.#take(physicalOffset);
    const known = new Set([...required, ...optional].map(indexHash));
    for (const entry of found) if (!known.has(entry.hash)) this.#stray(entry, "has no key with its hash");
    if (physicalOffset < this.#firstOffset || physicalOffset >= this.#parts.entriesMayLackFrom) return;
    const hashes = new Set(found.map((entry) => entry.hash));
    const lacking = required.filter((hash) => !hashes.has(indexHash(hash))).length;
    if (lacking === 0) return;
    const detail = `${lacking} of ${required.length} keys of the message at ${physicalOffset} are not in the index`;
    this.#parts.findings.add("derived", "index.record-has-entries", this.#parts.directory, 0, detail);
  }

  /** All records were seen. @param minOffset where the first of them lay. */
  finish(minOffset: number): void {
    this.#take(Infinity).forEach((entry) => this.#stray(entry, "is behind the log's end"));
    const { findings, directory } = this.#parts;
    if (!this.#isWanted) return;
    if (this.#isEmpty) findings.add("note", "index.record-has-entries", directory, 0, "there is no index");
    else if (this.#firstOffset > minOffset) {
      const detail = `the index begins at ${this.#firstOffset}, the log at ${minOffset}`;
      findings.add("note", "index.record-has-entries", directory, 0, detail);
    }
  }

  #stray(entry: Entry, what: string): void {
    const detail = `leads to ${entry.physicalOffset}, which ${what}`;
    this.#parts.findings.add("derived", "index.entry-has-record", entry.path, entry.position, detail);
  }

  /** Takes the entries of the record at `physicalOffset`; those of places before it lead to no record. */
  #take(physicalOffset: number): Entry[] {
    const found = this.#early.get(physicalOffset) ?? [];
    this.#early.delete(physicalOffset);
    for (let entry = this.#peek(0); entry !== null; entry = this.#peek(0)) {
      if (entry.physicalOffset > physicalOffset) {
        if (!this.#comesTooEarly(entry)) break;
        const early = this.#early.get(entry.physicalOffset) ?? [];
        this.#early.set(entry.physicalOffset, [...early, entry]);
      } else if (entry.physicalOffset === physicalOffset) found.push(entry);
      else if (entry.physicalOffset > this.#last && physicalOffset < Infinity) {
        if (this.#last >= 0) this.#stray(entry, "is no record");
      } else if (physicalOffset === Infinity) found.push(entry);
      this.#aheadAt++;
    }
    this.#last = physicalOffset;
    return found;
  }

  /** Whether entries of earlier records follow soon: a file was made again while the log went on. */
  #comesTooEarly(entry: Entry): boolean {
    for (let i = 1; i < AHEAD_MAX; i++) {
      const next = this.#peek(i);
      if (next === null || next.physicalOffset > entry.physicalOffset) return false;
      if (next.physicalOffset < entry.physicalOffset) return true;
    }
    return false;
  }

  #peek(i: number): Entry | null {
    if (this.#aheadAt > AHEAD_MAX * 4) {
      this.#ahead = this.#ahead.slice(this.#aheadAt);
      this.#aheadAt = 0;
    }
    while (this.#ahead.length <= this.#aheadAt + i) {
      const next = this.#entries.next();
      if (next.done === true) return null;
      this.#ahead.push(next.value);
    }
    return this.#ahead[this.#aheadAt + i]!;
  }

  *#read(): Generator<Entry> {
    const { disk, directory, active } = this.#parts;
    for (const { name, isDirectory } of disk.list(directory)) {
      if (isDirectory || !/^\d{17}$/.test(name)) continue;
      if (active !== null && name > active.name) continue;
      this.#parts.findings.report.indexFiles++;
      yield* this.#readFile(`${directory}/${name}`, active?.name === name ? active.header : null);
    }
  }

  *#readFile(path: string, header: Uint8Array | null): Generator<Entry> {
    const { disk, configured, findings } = this.#parts;
    const layout = findIndexLayout(disk, path, configured);
    if (layout === null) {
      findings.add("derived", "index.files", path, 0, `size is ${disk.stat(path)?.sizeBytes} bytes, no layout fits`);
      return;
    }
    const file = disk.open(path, { readOnly: true });
    try {
      const head = header ?? new Uint8Array(INDEX_HEADER_SIZE);
      if (header === null) file.read(head, 0);
      const indexCount = getI32(head, 36);
      if (indexCount < 1 || indexCount > layout.entryCountMax) {
        findings.add("derived", "index.files", path, 36, `${indexCount} entries, room for ${layout.entryCountMax}`);
        return;
      }
      yield* this.#readEntries(file, path, layout, indexCount);
      this.#checkHeader(path, head, indexCount);
    } finally {
      file.close();
    }
  }

  *#readEntries(file: DiskFile, path: string, layout: IndexLayout, indexCount: number): Generator<Entry> {
    const { findings, isCrashed } = this.#parts;
    const { slotCount } = layout;
    const base = INDEX_HEADER_SIZE + slotCount * SLOT_SIZE;
    const newest = new Int32Array(slotCount);
    for (let n = 1; n < indexCount; n += WINDOW_ENTRIES) {
      const bytes = new Uint8Array(Math.min(WINDOW_ENTRIES, indexCount - n) * INDEX_ENTRY_SIZE);
      file.read(bytes, base + n * INDEX_ENTRY_SIZE);
      for (let at = 0; at < bytes.length; at += INDEX_ENTRY_SIZE) {
        const number = n + at / INDEX_ENTRY_SIZE;
        const position = base + number * INDEX_ENTRY_SIZE;
        const hash = getI32(bytes, at);
        const slot = hash % slotCount;
        const isPlace = bytes[at + 4] === 0 && bytes[at + 5]! < 0x20;
        const previous = getI32(bytes, at + 16);
        findings.report.indexEntries++;
        if (hash < 0 || !isPlace || getI32(bytes, at + 12) < 0) {
          findings.add("derived", "index.chains", path, position, `entry ${number} makes no sense`);
        } else {
          if (previous !== newest[slot]) {
            const detail = `entry ${number} leads to ${previous}, the one before it in its slot is ${newest[slot]}`;
            findings.add("derived", "index.chains", path, position + 16, detail);
          }
          newest[slot] = number;
          yield { hash, physicalOffset: getI64(bytes, at + 4), path, position };
        }
      }
    }
    if (!isCrashed) this.#checkSlots(file, path, newest);
  }

  #checkSlots(file: DiskFile, path: string, newest: Int32Array): void {
    for (let slot = 0; slot < newest.length; slot += SLOTS_READ) {
      const bytes = new Uint8Array(Math.min(SLOTS_READ, newest.length - slot) * SLOT_SIZE);
      file.read(bytes, INDEX_HEADER_SIZE + slot * SLOT_SIZE);
      for (let i = 0; i < bytes.length / SLOT_SIZE; i++) {
        const found = getI32(bytes, i * SLOT_SIZE);
        if (found === newest[slot + i]) continue;
        const position = INDEX_HEADER_SIZE + (slot + i) * SLOT_SIZE;
        const detail = `slot ${slot + i} leads to ${found}, its newest entry is ${newest[slot + i]}`;
        this.#parts.findings.add("derived", "index.chains", path, position, detail);
      }
    }
  }

  #checkHeader(path: string, head: Uint8Array, indexCount: number): void {
    if (indexCount < 2) return;
    const isReadable = [0, 8, 16, 24].every((at) => head[at] === 0 && head[at + 1]! < 0x20);
    const isOrdered = isReadable && getI64(head, 16) <= getI64(head, 24);
    if (isOrdered) return;
    this.#parts.findings.add("derived", "index.files", path, 0, "times or offsets in the header are out of order");
  }
}
