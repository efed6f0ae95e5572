/**
 * The file `checkpoint` (4096 bytes): how far each kind of file is safe on the device.
 *
 * ```
 * at   size  field                         at   size  field (ours)
 *  0   8     physicMsgTimestamp             64  4     magic "RUCO"
 *  8   8     logicsMsgTimestamp             68  4     version
 * 16   8     indexMsgTimestamp              72  40    copy of bytes 0–39
 * 24   8     masterFlushedOffset (5.x)     112  8     dispatchedOffset
 * 32   8     confirmPhyOffset (5.x)        120  8     lastRecordOffset, −1 for none
 *                                          128  8     commitlog file size
 *                                          136  8     consumequeue file size
 *                                          144  4     queueCount
 *                                          148  8     indexedOffset
 *                                          156  20    name of the active index file, zeros behind it
 *                                          176  40    its header
 *                                          216  4     CRC-32 of bytes 64–215
 * ```
 *
 * Java's fields alone bound recovery to whole files. Ours say exactly up to where everything derived from the log (units
 * and index entries) is on the device. They count only while bytes 0–39 are what they were: Java changes those and leaves
 * the rest alone, so a run of Java in between is noticed. Everything lies in one sector, which a power loss cannot tear.
 *
 * RocketMQ counterpart: `StoreCheckpoint`.
 *
 * @module
 */
import { crc32, equalBytes, getI32, getI64, putI32, putI64, utf8, utf8Text } from "../common/bytes.ts";
import { type Disk, readWhole } from "../common/disk.ts";

const FILE_SIZE = 4096;
const JAVA_SIZE = 40;
const OURS_AT = 64;
const CRC_AT = 216;
const MAGIC = 0x5255434f;
const VERSION = 1;
const INDEX_NAME_SIZE = 20;

/** Bytes of an index file's header. */
export const INDEX_HEADER_SIZE = 40;

/** What only our own runs record. */
export interface DispatchCheckpoint {
  /** Every record below has its unit in a synced consumequeue file. */
  dispatchedOffset: number;
  /** The last record below `dispatchedOffset`, −1 when there is none. */
  lastRecordOffset: number;
  commitlogFileSize: number;
  consumequeueFileSize: number;
  /** Queues that existed. */
  queueCount: number;
  /** Every record below is in synced index files. */
  indexedOffset: number;
  /** Name of the index file that was written to; empty for none. */
  indexName: string;
  /** Its header, which also says how many of its entries count. */
  indexHeader: Uint8Array;
}

/** The checkpoint. Timestamps are store timestamps of records, milliseconds. */
export class Checkpoint {
  physicMsgTimestamp = 0;
  logicsMsgTimestamp = 0;
  indexMsgTimestamp = 0;
  masterFlushedOffset = 0;
  confirmPhyOffset = 0;
  /** Null when Java wrote last, or nobody. */
  dispatch: DispatchCheckpoint | null = null;
  /** Our fields are there, and their CRC is not theirs. */
  isDamaged = false;
  readonly #disk: Disk;
  readonly #path: string;

  /** @param path of the file. */
  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Reads the file; everything stays 0 when there is none. @throws {DiskError} */
  load(): void {
    const bytes = readWhole(this.#disk, this.#path);
    if (bytes === null || bytes.length < JAVA_SIZE) return;
    this.physicMsgTimestamp = time(bytes, 0);
    this.logicsMsgTimestamp = time(bytes, 8);
    this.indexMsgTimestamp = time(bytes, 16);
    this.masterFlushedOffset = time(bytes, 24);
    this.confirmPhyOffset = time(bytes, 32);
    if (bytes.length < CRC_AT + 4) return;
    this.isDamaged = !bytes.subarray(OURS_AT, CRC_AT + 4).every((byte) => byte === 0) && !isWhole(bytes);
    this.dispatch = decodeDispatch(bytes);
  }

  /** Writes the file and waits until it is on the device. @throws {DiskError} */
  async save(): Promise<void> {
    const isNew = this.#disk.stat(this.#path) === null;
    const file = this.#disk.open(this.#path, { create: true });
    try {
      file.write(this.#encode(), 0);
      await file.sync();
    } finally {
      file.close();
    }
    if (isNew) await this.#disk.syncDirectoryAsync(this.#directory);
  }

  /** As {@linkcode save}, blocking. @throws {DiskError} */
  saveNow(): void {
    const isNew = this.#disk.stat(this.#path) === null;
    const file = this.#disk.open(this.#path, { create: true });
    try {
      file.write(this.#encode(), 0);
      file.syncNow();
    } finally {
      file.close();
    }
    if (isNew) this.#disk.syncDirectory(this.#directory);
  }

  /** Records stored before this time have units on the device. Source: RocketMQ `StoreCheckpoint#getMinTimestamp`. */
  minTimestamp(): number {
    return Math.max(0, Math.min(this.physicMsgTimestamp, this.logicsMsgTimestamp) - 3000);
  }

  get #directory(): string {
    return this.#path.slice(0, this.#path.lastIndexOf("/")) || "/";
  }

  #encode(): Uint8Array {
    const bytes = new Uint8Array(FILE_SIZE);
    putI64(bytes, 0, this.physicMsgTimestamp);
    putI64(bytes, 8, this.logicsMsgTimestamp);
    putI64(bytes, 16, this.indexMsgTimestamp);
    putI64(bytes, 24, this.masterFlushedOffset);
    putI64(bytes, 32, this.confirmPhyOffset);
    if (this.dispatch !== null) encodeDispatch(bytes, this.dispatch);
    return bytes;
  }
}

function time(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0 && bytes[at + 1]! < 0x20 ? getI64(bytes, at) : 0;
}

function encodeDispatch(bytes: Uint8Array, from: DispatchCheckpoint): void {
  putI32(bytes, OURS_AT, MAGIC);
  putI32(bytes, OURS_AT + 4, VERSION);
  bytes.copyWithin(72, 0, JAVA_SIZE);
  putI64(bytes, 112, from.dispatchedOffset);
  putI64(bytes, 120, from.lastRecordOffset);
  putI64(bytes, 128, from.commitlogFileSize);
  putI64(bytes, 136, from.consumequeueFileSize);
  putI32(bytes, 144, from.queueCount);
  putI64(bytes, 148, from.indexedOffset);
  bytes.set(utf8(from.indexName).subarray(0, INDEX_NAME_SIZE), 156);
  bytes.set(from.indexHeader.subarray(0, INDEX_HEADER_SIZE), 176);
  putI32(bytes, CRC_AT, crc32(bytes.subarray(OURS_AT, CRC_AT)));
}

function isWhole(bytes: Uint8Array): boolean {
  return getI32(bytes, OURS_AT) === MAGIC && getI32(bytes, OURS_AT + 4) === VERSION &&
    crc32(bytes.subarray(OURS_AT, CRC_AT)) === getI32(bytes, CRC_AT);
}

function decodeDispatch(bytes: Uint8Array): DispatchCheckpoint | null {
  if (!isWhole(bytes)) return null;
  if (!equalBytes(bytes.subarray(0, JAVA_SIZE), bytes.subarray(72, 72 + JAVA_SIZE))) return null;
  const name = bytes.subarray(156, 156 + INDEX_NAME_SIZE);
  const nameEnd = name.indexOf(0);
  return {
    dispatchedOffset: getI64(bytes, 112),
    lastRecordOffset: getI64(bytes, 120),
    commitlogFileSize: getI64(bytes, 128),
    consumequeueFileSize: getI64(bytes, 136),
    queueCount: getI32(bytes, 144),
    indexedOffset: getI64(bytes, 148),
    indexName: utf8Text(name.subarray(0, nameEnd < 0 ? INDEX_NAME_SIZE : nameEnd)),
    indexHeader: bytes.slice(176, 176 + INDEX_HEADER_SIZE),
  };
}
