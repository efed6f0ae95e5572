/**
 * A run: pending messages in the order of delivery, in one file that is written once. Names are `<number>.run`; blocks have
 * 4096 bytes:
 *
 * ```
 * at    size    field                  (big-endian)
 *  0     4      magic 'RTB1'
 *  4     4      count                  1–127; 127 in all blocks but the last
 *  8     4      CRC-32 of the entries
 * 12    20      0
 * 32    32 × count  entries            see entry.ts
 * ```
 *
 * A block that does not match its CRC is a {@link CorruptError}; the index is then made again from the timer topic.
 *
 * @module
 */
import { crc32, getI32, getI64, putI32 } from "../../common/bytes.ts";
import type { Disk, DiskFile } from "../../common/disk.ts";
import { CorruptError } from "../../common/errors.ts";
import { compareKeys, ENTRY_SIZE, getEntry, putEntry, type TimerEntry, type TimerKey } from "./entry.ts";

const BLOCK_SIZE = 4096;
const BLOCK_MAGIC = 0x52544231;
const ENTRIES_AT = 32;
/** Entries of a full block. */
export const BLOCK_ENTRIES = (BLOCK_SIZE - ENTRIES_AT) / ENTRY_SIZE;
/** Blocks that a reader fetches at once, and that a writer writes at once. */
const BLOCKS_READ = 8;
const BLOCKS_WRITTEN = 64;

/** What the list of runs says of one. */
export interface RunInfo {
  readonly name: string;
  readonly count: number;
  /** Lowest queue offset and physical offset of its entries. */
  readonly minQueueOffset: number;
  readonly minPhysicalOffset: number;
}

/** An open run. */
export class RunFile {
  /** How many readers hold it; a run that was removed is closed when the last one lets go. */
  #holders = 1;
  #isSynced: boolean;

  private constructor(
    readonly path: string,
    readonly info: RunInfo,
    readonly file: DiskFile,
    isSynced: boolean,
  ) {
    this.#isSynced = isSynced;
  }

  /** Opens a run. @throws {CorruptError} when it has not the size of its entries. */
  static open(disk: Disk, directory: string, info: RunInfo): RunFile {
    const path = `${directory}/${info.name}`;
    const file = disk.open(path, { readOnly: true });
    const size = sizeOf(info.count);
    if (file.size() === size) return new RunFile(path, info, file, true);
    const found = file.size();
    file.close();
    throw new CorruptError(path, 0, `it has ${found} bytes, ${info.count} entries need ${size}`);
  }

  /** The run that a writer has finished. */
  static written(path: string, info: RunInfo, file: DiskFile): RunFile {
    return new RunFile(path, info, file, false);
  }

  /** Brings its content to the device. @throws {DiskError} */
  async sync(): Promise<void> {
    if (this.#isSynced) return;
    await this.file.sync();
    this.#isSynced = true;
  }

  /** Keeps it open until {@linkcode release}. */
  hold(): void {
    this.#holders++;
  }

  /** Lets go of it. */
  release(): void {
    if (--this.#holders === 0) this.file.close();
  }

  /** Reads some blocks from `block` on and checks them. @throws {CorruptError} @throws {DiskError} */
  async readBlocks(block: number, blocks = BLOCKS_READ): Promise<Uint8Array> {
    const position = block * BLOCK_SIZE;
    const bytes = new Uint8Array(Math.min(blocks * BLOCK_SIZE, sizeOf(this.info.count) - position));
    const read = await this.file.readAsync(bytes, position);
    for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
      const count = Math.min(BLOCK_ENTRIES, this.info.count - (position + at) / BLOCK_SIZE * BLOCK_ENTRIES);
      const end = ENTRIES_AT + count * ENTRY_SIZE;
      const isGood = at + end <= read && getI32(bytes, at) === BLOCK_MAGIC && getI32(bytes, at + 4) === count &&
        getI32(bytes, at + 8) === crc32(bytes.subarray(at + ENTRIES_AT, at + end));
      if (!isGood) throw new CorruptError(this.path, position + at, "a block does not match its CRC");
    }
    return bytes;
  }
}

function sizeOf(count: number): number {
  return Math.ceil(count / BLOCK_ENTRIES) * BLOCK_SIZE;
}

/** Reads a run entry by entry. The present entry can be looked at while {@linkcode RunCursor.isReady}. */
export class RunCursor implements TimerKey {
  /** Number of the present entry. */
  index = 0;
  dueMs = 0;
  queueOffset = 0;
  #bytes: Uint8Array | null = null;
  #first = 0;
  #end = 0;

  constructor(readonly run: RunFile) {}

  /** Whether there is no present entry: all were read. */
  get isAtEnd(): boolean {
    return this.index >= this.run.info.count;
  }

  /** Whether the present entry is in memory, or there is none. */
  get isReady(): boolean {
    return this.isAtEnd || (this.index >= this.#first && this.index < this.#end);
  }

  /** Brings the present entry into memory. @throws {CorruptError} @throws {DiskError} */
  async load(): Promise<void> {
    const block = Math.floor(this.index / BLOCK_ENTRIES);
    this.#bytes = await this.run.readBlocks(block);
    this.#first = block * BLOCK_ENTRIES;
    this.#end = Math.min(this.run.info.count, this.#first + this.#bytes.length / BLOCK_SIZE * BLOCK_ENTRIES);
    this.#readKey();
  }

  /** The present entry. */
  entry(): TimerEntry {
    return getEntry(this.#bytes!, this.#at());
  }

  /** Goes to the next entry. */
  advance(): void {
    this.index++;
    if (this.index < this.#end) this.#readKey();
    else this.#bytes = null;
  }

  /** Goes to the first entry behind `key`. @throws {CorruptError} @throws {DiskError} */
  async seek(key: TimerKey): Promise<void> {
    let low = 0;
    let high = Math.ceil(this.run.info.count / BLOCK_ENTRIES);
    // The first block whose first entry is behind the key; the entry is in the block before it, or is that first one.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const bytes = await this.run.readBlocks(middle, 1);
      if (compareKeys(getEntry(bytes, ENTRIES_AT), key) > 0) high = middle;
      else low = middle + 1;
    }
    this.index = Math.max(0, low - 1) * BLOCK_ENTRIES;
    this.#first = this.#end = 0;
    while (!this.isAtEnd) {
      if (!this.isReady) await this.load();
      if (compareKeys(this, key) > 0) return;
      this.advance();
    }
  }

  #at(): number {
    const number = this.index - this.#first;
    return Math.floor(number / BLOCK_ENTRIES) * BLOCK_SIZE + ENTRIES_AT + (number % BLOCK_ENTRIES) * ENTRY_SIZE;
  }

  #readKey(): void {
    const at = this.#at();
    this.dueMs = getI64(this.#bytes!, at);
    this.queueOffset = getI64(this.#bytes!, at + 8);
  }
}

/** Writes a run. Entries come in order. */
export class RunWriter {
  readonly #path: string;
  readonly #name: string;
  readonly #file: DiskFile;
  readonly #buffer = new Uint8Array(BLOCKS_WRITTEN * BLOCK_SIZE);
  #position = 0;
  #count = 0;
  #minQueueOffset = Infinity;
  #minPhysicalOffset = Infinity;

  /** @throws {DiskError} */
  constructor(disk: Disk, directory: string, name: string) {
    this.#name = name;
    this.#path = `${directory}/${name}`;
    this.#file = disk.open(this.#path, { create: true });
    this.#file.truncate(0);
  }

  /** Adds an entry. @throws {DiskError} */
  add(entry: TimerEntry): void {
    const inBuffer = this.#count % (BLOCKS_WRITTEN * BLOCK_ENTRIES);
    if (inBuffer === 0 && this.#count > 0) this.#write(BLOCKS_WRITTEN * BLOCK_ENTRIES);
    const block = Math.floor(inBuffer / BLOCK_ENTRIES);
    putEntry(this.#buffer, block * BLOCK_SIZE + ENTRIES_AT + (inBuffer % BLOCK_ENTRIES) * ENTRY_SIZE, entry);
    this.#count++;
    if (entry.queueOffset < this.#minQueueOffset) this.#minQueueOffset = entry.queueOffset;
    if (entry.physicalOffset < this.#minPhysicalOffset) this.#minPhysicalOffset = entry.physicalOffset;
  }

  /** The finished run, or null (and no file) when nothing was added. @throws {DiskError} */
  finish(): RunFile | null {
    if (this.#count === 0) return null;
    this.#write((this.#count - 1) % (BLOCKS_WRITTEN * BLOCK_ENTRIES) + 1);
    return RunFile.written(this.#path, {
      name: this.#name,
      count: this.#count,
      minQueueOffset: this.#minQueueOffset,
      minPhysicalOffset: this.#minPhysicalOffset,
    }, this.#file);
  }

  /** Gives up. */
  abandon(): void {
    this.#file.close();
  }

  #write(entries: number): void {
    const blocks = Math.ceil(entries / BLOCK_ENTRIES);
    for (let block = 0; block < blocks; block++) {
      const at = block * BLOCK_SIZE;
      const count = Math.min(BLOCK_ENTRIES, entries - block * BLOCK_ENTRIES);
      const end = at + ENTRIES_AT + count * ENTRY_SIZE;
      this.#buffer.fill(0, end, at + BLOCK_SIZE);
      putI32(this.#buffer, at, BLOCK_MAGIC);
      putI32(this.#buffer, at + 4, count);
      putI32(this.#buffer, at + 8, crc32(this.#buffer.subarray(at + ENTRIES_AT, end)));
    }
    this.#file.write(this.#buffer.subarray(0, blocks * BLOCK_SIZE), this.#position);
    this.#position += blocks * BLOCK_SIZE;
  }
}
