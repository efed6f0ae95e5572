/**
 * Cuts what a master sends into whole records: frames may begin and end anywhere, the slave's log may not.
 *
 * Nothing gets through that is not the continuation of the slave's log: each record must say that it lies where it lies,
 * its parts must add up, its body must match its CRC, and it must lie in one file. What is not like that is asked for once
 * more. If it comes the same again, and the logs are known to be one history, then the master's log is damaged there: the
 * damage, up to the next good record, is copied as it is, for the logs are to be the same. A filler at a file's end is held back
 * until the record behind it is there, so that a log always ends with a record.
 *
 * @module
 */
import { RecordKind, RecordView } from "../protocol/record.ts";
import { nextGoodRecord } from "./good_record.ts";
import { HaProtocolError } from "./ha_protocol.ts";

/** Largest record that is waited for; a size beyond it is taken for garbage. */
const RECORD_SIZE_MAX = 64 * 1024 * 1024;
const BUFFER_SIZE = 64 * 1024;

/** A stretch of whole records, with the fillers and damages between them. */
export interface WholeRecords {
  readonly offset: number;
  /** A view that holds until the next call. */
  readonly bytes: Uint8Array;
}

/** The master's bytes are no continuation of our log. */
export class HistoryError extends HaProtocolError {}

/** Cuts records; see the module's text. */
export class RecordCutter {
  /** Whether the master's log is known to be ours so far: what is wrong in it then is damage, not another history. */
  isSameHistory = false;
  /** Offset at which something was wrong when it came the last time; kept over connections. */
  #doubted = -1;
  readonly #fileSize: number;
  readonly #view = new RecordView();
  #buffer = new Uint8Array(BUFFER_SIZE);
  #size = 0;
  /** Physical offset of the buffer's first byte. */
  #offset = 0;
  /** Looking again is worth while when the buffer has so many bytes. */
  #wanted = 0;

  /** @param fileSize of the slave's commitlog files. */
  constructor(fileSize: number) {
    this.#fileSize = fileSize;
  }

  /** Where the next frame must begin. */
  get endOffset(): number {
    return this.#offset + this.#size;
  }

  /** Begins at `offset`, a record's beginning, with nothing. */
  startAt(offset: number): void {
    this.#offset = offset;
    this.#size = this.#taken = this.#wanted = 0;
  }

  /**
   * Takes bytes that follow those before; returns the records that they complete, or null.
   * @throws {HistoryError} when they are none that can follow.
   */
  take(bytes: Uint8Array): WholeRecords | null {
    this.#dropTaken();
    this.#append(bytes);
    if (this.#size < this.#wanted) return null;
    const wholeSize = this.#measure();
    if (wholeSize === 0) return null;
    this.#taken = wholeSize;
    return { offset: this.#offset, bytes: this.#buffer.subarray(0, wholeSize) };
  }

  /** Bytes at the buffer's beginning that were returned. */
  #taken = 0;

  #dropTaken(): void {
    if (this.#taken === 0) return;
    this.#buffer.copyWithin(0, this.#taken, this.#size);
    this.#offset += this.#taken;
    this.#size -= this.#taken;
    this.#taken = 0;
  }

  #append(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#buffer.length) {
      const bigger = new Uint8Array(Math.max(this.#size + bytes.length, this.#buffer.length * 2));
      bigger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = bigger;
    }
    this.#buffer.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Where the last whole record ends in the buffer; notes how many bytes the next look needs. */
  #measure(): number {
    let recordsEnd = 0;
    for (let at = 0;;) {
      const position = this.#offset + at;
      const kind = this.#view.read(this.#buffer, at, this.#size, position, true);
      const { size } = this.#view;
      if (kind === RecordKind.SHORT && this.#canBe(position, size)) {
        this.#wanted = at + size - recordsEnd;
        return recordsEnd;
      }
      if (kind !== RecordKind.RECORD && kind !== RecordKind.FILLER) {
        const skipped = this.#damage(at, kind);
        if (skipped === 0) {
          this.#wanted = this.#size + 1 - recordsEnd;
          return recordsEnd;
        }
        at += skipped;
        continue;
      }
      this.#checkFile(position, kind === RecordKind.FILLER);
      if (kind === RecordKind.FILLER && at + size > this.#size) {
        if (size > RECORD_SIZE_MAX) throw this.#foreign(position, `is a filler of ${size} bytes`);
        this.#wanted = at + size - recordsEnd;
        return recordsEnd;
      }
      at += size;
      if (kind !== RecordKind.FILLER) recordsEnd = at;
    }
  }

  /** Whether a record of this size can begin here. */
  #canBe(position: number, size: number): boolean {
    return size <= RECORD_SIZE_MAX && position + size <= position - position % this.#fileSize + this.#fileSize;
  }

  /** Size of the damage at `at`, 0 while its end has not come yet. @throws {HistoryError} when it may be something else. */
  #damage(at: number, kind: RecordKind): number {
    const position = this.#offset + at;
    const problem = this.#problemOf(kind);
    const isOfOtherFiles = kind === RecordKind.SHORT && this.#view.size <= RECORD_SIZE_MAX;
    if (isOfOtherFiles && !this.isSameHistory) this.#checkFile(position, false);
    if (!this.isSameHistory) throw this.#foreign(position, problem);
    if (this.#doubted !== position) {
      this.#doubted = position;
      throw this.#foreign(position, `${problem}; it is asked for once more`);
    }
    const next = nextGoodRecord(this.#buffer, at + 1, this.#size, this.#offset);
    if (next >= 0) return next - at;
    if (this.#size - at > RECORD_SIZE_MAX) throw this.#foreign(position, `${problem}; no record follows`);
    return 0;
  }

  #problemOf(kind: RecordKind): string {
    if (kind === RecordKind.BLANK) return "is zeros";
    return kind === RecordKind.SHORT ? `says that it has ${this.#view.size} bytes` : this.#view.problem;
  }

  /** Files here begin and end where the master's do. */
  #checkFile(position: number, isFiller: boolean): void {
    const { size } = this.#view;
    const fileEnd = position - position % this.#fileSize + this.#fileSize;
    const isRight = isFiller ? position + size === fileEnd : position + size <= fileEnd;
    if (isRight) return;
    throw new HistoryError(
      `The master's commitlog files have another size than ours of ${this.#fileSize} bytes: ` +
        `${isFiller ? "a filler" : "a record"} at ${position} has ${size} bytes. ` +
        "Empty the store and set mappedFileSizeCommitLog as at the master",
    );
  }

  #foreign(position: number, problem: string): HistoryError {
    return new HistoryError(`What the master sends for offset ${position} is no record that can follow: ${problem}`);
  }
}
