/**
 * The log as replication sees it: raw bytes from any offset, and checksums by which two logs find out how far they are the
 * same. Reads go up to the end of what is written, whatever consumers may see.
 *
 * Only replication calls it. RocketMQ counterpart: `DefaultMessageStore#getCommitLogData`.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { Commitlog } from "./commitlog.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";

/** Bytes that a checksum covers at most. */
export const CHECKSUM_BYTES_MAX = 1024 * 1024;

/** Raw reads of one log. */
export class ReplicaLog {
  readonly #log: Commitlog;

  /** Reads the log. */
  constructor(log: Commitlog) {
    this.#log = log;
  }

  /** Where the oldest file starts. */
  get minOffset(): number {
    return this.#log.minOffset;
  }

  /** The end of what is written. */
  get endOffset(): number {
    return this.#log.appendedOffset;
  }

  /** Whether nothing is stored: there is no file, or only the one that was made for a first message which never came. */
  get isEmpty(): boolean {
    const { segments: { segments }, appendedOffset } = this.#log;
    return segments.length === 0 || (segments.length === 1 && segments[0]!.startOffset === appendedOffset);
  }

  /** Size of a file. */
  get fileSize(): number {
    return this.#log.segments.segmentSize;
  }

  /** Where the newest file starts: from there an empty slave begins. */
  get newestFileOffset(): number {
    return Math.max(this.minOffset, this.endOffset - this.endOffset % this.fileSize);
  }

  /**
   * Fills a beginning of `into` with the log from `offset` on and returns how many bytes: as many as there are in the file
   * that holds `offset`. At once for what is in memory, else off the event loop. @throws {DiskError}
   */
  read(into: Uint8Array, offset: number): number | Promise<number> {
    const recent = this.#log.recentPart(offset, into.length);
    if (recent !== null) {
      into.set(recent);
      return recent.length;
    }
    const segment = this.#log.segments.find(offset);
    if (segment === null) return 0;
    const size = Math.min(into.length, segment.endOffset - offset, this.endOffset - offset);
    if (size <= 0) return 0;
    return segment.readAsync(into.subarray(0, size), offset - segment.startOffset);
  }

  /** Exactly `[offset, offset + size)`, over files if need be; null where the log does not have all of it. @throws {DiskError} */
  async bytes(offset: number, size: number): Promise<Uint8Array | null> {
    if (offset < this.minOffset || size < 0 || offset + size > this.endOffset) return null;
    const bytes = new Uint8Array(size);
    for (let filled = 0; filled < size;) {
      const count = await this.read(bytes.subarray(filled), offset + filled);
      if (count === 0) return null;
      filled += count;
    }
    return bytes;
  }

  /** CRC-32 (unsigned) of a stretch of at most {@linkcode CHECKSUM_BYTES_MAX}; null as {@linkcode bytes}. @throws {DiskError} */
  async checksum(offset: number, size: number): Promise<number | null> {
    if (size > CHECKSUM_BYTES_MAX) return null;
    const bytes = await this.bytes(offset, size);
    return bytes === null ? null : crc32(bytes);
  }

  /** Where records start in `[from, to]`, `to` itself included when a record ends there. `from` may lie inside one. @throws {DiskError} */
  async recordStarts(from: number, to: number): Promise<number[]> {
    const end = Math.min(to, this.endOffset);
    const scanner = new LogScanner(this.#log.segments, from, () => this.endOffset, true);
    const starts: number[] = [];
    while (scanner.position < end) {
      const step = scanner.step();
      if (step === ScanStep.FILL) await scanner.fill();
      else if (step === ScanStep.RECORD) {
        if (scanner.position <= end) starts.push(scanner.position);
        scanner.advance();
        if (scanner.position === end) starts.push(end);
      } else if (step === ScanStep.END || !(await scanner.skipToRecord(Infinity))) break;
    }
    return starts;
  }
}
