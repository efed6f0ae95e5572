/**
 * Walks through the commitlog record by record, in memory windows: what recovery, the index that catches up, and audits do.
 *
 * Use: {@linkcode LogScanner.step} says what lies at `position`; `FILL` asks for `await fill()` first; {@linkcode
 * LogScanner.advance} goes behind the record. Fillers are passed without notice.
 *
 * @module
 */
import { FILLER_SIZE, RECORD_MAGIC_V1, RecordKind, RecordView } from "../protocol/record.ts";
import { hasRecordCrc, isRecordCrcGood } from "../protocol/record_crc.ts";
import type { SegmentFile } from "./segment_file.ts";
import type { SegmentQueue } from "./segment_queue.ts";

/** What a {@linkcode LogScanner.step} found. */
export const ScanStep = {
  /** A good record; it is in `view`. */
  RECORD: 0,
  /** Nothing was written here. */
  BLANK: 1,
  /** Not a record; `problem` says why. */
  BAD: 2,
  /** The end of the range, or of the last segment. */
  END: 3,
  /** Bytes must be read first. */
  FILL: 4,
} as const;

/** A value of {@linkcode ScanStep}. */
export type ScanStep = typeof ScanStep[keyof typeof ScanStep];

const WINDOW_SIZE = 1024 * 1024;
const MAGIC_FIRST_BYTE = (RECORD_MAGIC_V1 >>> 24) & 0xff;

/** A walk through the log. */
export class LogScanner {
  readonly view = new RecordView();
  /** Physical offset of what the next step looks at. */
  position: number;
  /** Why the last step was BAD. */
  problem = "";
  /** Whether the CRC over a whole record counts, where there is one. */
  checksRecordCrc = false;
  readonly #segments: SegmentQueue;
  readonly #end: () => number;
  readonly #checkCrc: boolean;
  #segment: SegmentFile | null = null;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  #windowEnd = 0;
  #wanted = WINDOW_SIZE;

  /** Goes from `start` to `end`, which may grow meanwhile, and may lie behind the last record. */
  constructor(segments: SegmentQueue, start: number, end: () => number = () => Infinity, checkCrc = false) {
    this.#segments = segments;
    this.position = start;
    this.#end = end;
    this.#checkCrc = checkCrc;
  }

  /** Path of the file that holds `position`, for messages. */
  get path(): string {
    return this.#segments.find(this.position)?.path ?? "";
  }

  /** Looks at what lies at `position`. */
  step(): ScanStep {
    for (;;) {
      const segment = this.#find();
      if (segment === null) {
        // Files expired under the walk, or are missing: it goes on behind them.
        const next = this.#segments.after(this.position);
        if (next === null) return ScanStep.END;
        this.position = next.startOffset;
        continue;
      }
      const end = this.#end();
      const limit = Math.min(segment.endOffset, end);
      if (this.position + FILLER_SIZE > limit) {
        if (limit === end) return ScanStep.END;
        this.position = segment.endOffset;
        continue;
      }
      if (this.position < this.#windowStart || this.position >= this.#windowEnd) return ScanStep.FILL;
      const at = this.position - this.#windowStart;
      const kind = this.view.read(this.#window, at, this.#windowEnd - this.#windowStart, this.position, this.#checkCrc);
      if (kind === RecordKind.RECORD) {
        if (!this.checksRecordCrc || this.#isRecordCrcGood()) return ScanStep.RECORD;
        this.problem = "CRC of the record differs";
        return ScanStep.BAD;
      }
      if (kind === RecordKind.BLANK) return ScanStep.BLANK;
      if (kind === RecordKind.SHORT) return this.#short(limit);
      if (kind === RecordKind.FILLER && this.position + this.view.size === segment.endOffset) {
        this.position = segment.endOffset;
        continue;
      }
      this.problem = kind === RecordKind.BAD ? this.view.problem : `filler of ${this.view.size} bytes inside a file`;
      return ScanStep.BAD;
    }
  }

  /** Reads the bytes that the last step lacked. @throws {DiskError} */
  async fill(): Promise<void> {
    const segment = this.#find();
    if (segment === null) return;
    const size = Math.min(this.#wanted, segment.endOffset - this.position, this.#end() - this.position);
    // A window is never filled twice: views of it may be in use.
    this.#window = new Uint8Array(size);
    this.#windowStart = this.position;
    await segment.readAsync(this.#window, this.position - segment.startOffset);
    // What a file that is too short lacks counts as zeros, as if it had been extended.
    this.#windowEnd = this.position + size;
    this.#wanted = WINDOW_SIZE;
  }

  /** Goes behind the record that the last step found. */
  advance(): void {
    this.position += this.view.size;
  }

  /**
   * Goes from a place that is no record to the next good record; stays and returns false when there is none in the next
   * `zerosMax` zero bytes or till the end.
   * @throws {DiskError}
   */
  async skipToRecord(zerosMax: number): Promise<boolean> {
    const from = this.position;
    const probe = new LogScanner(this.#segments, from + 1, this.#end, true);
    probe.checksRecordCrc = this.checksRecordCrc;
    let zeros = 0;
    while (zeros < zerosMax && (await probe.#fillAt())) {
      const found = probe.#nextCandidate();
      if (found < 0) {
        const allZero = isZero(probe.#window);
        zeros = allZero ? zeros + probe.#window.length : 0;
        // The magic's four bytes may lie across two windows.
        probe.position = Math.max(probe.position + 1, probe.#windowEnd - (allZero ? 0 : FILLER_SIZE - 1));
        continue;
      }
      probe.position = found;
      let step = probe.step();
      if (step === ScanStep.FILL) {
        await probe.fill();
        step = probe.step();
      }
      if (step === ScanStep.RECORD) {
        this.position = probe.position;
        return true;
      }
      probe.position = found + 1;
    }
    return false;
  }

  /** Has `position` in the window with room for a magic; false at the end. */
  async #fillAt(): Promise<boolean> {
    for (;;) {
      const segment = this.#find();
      if (segment === null || this.position + FILLER_SIZE > this.#end()) return false;
      if (this.position + FILLER_SIZE > segment.endOffset) {
        this.position = segment.endOffset;
        continue;
      }
      if (this.position >= this.#windowStart && this.position + FILLER_SIZE <= this.#windowEnd) return true;
      await this.fill();
      return this.#windowEnd - this.position >= FILLER_SIZE;
    }
  }

  /** The next offset in the window at which a record could start, −1 when there is none. */
  #nextCandidate(): number {
    const at = this.position - this.#windowStart;
    for (
      let m = this.#window.indexOf(MAGIC_FIRST_BYTE, at + 4);
      m >= 0;
      m = this.#window.indexOf(MAGIC_FIRST_BYTE, m + 1)
    ) {
      if (m + 3 < this.#window.length && this.#window[m + 1] === 0xa3 && this.#window[m + 2] === 0x20) {
        return this.#windowStart + m - 4;
      }
    }
    return -1;
  }

  #isRecordCrcGood(): boolean {
    const { bytes, at, size } = this.view;
    return !hasRecordCrc(bytes, at, size) || isRecordCrcGood(bytes, at, size);
  }

  #short(limit: number): ScanStep {
    if (this.position + this.view.size > limit) {
      this.problem = `size ${this.view.size} goes beyond the end at ${limit}`;
      return ScanStep.BAD;
    }
    if (this.#windowStart === this.position && this.#windowEnd - this.#windowStart >= this.view.size) {
      this.problem = "cannot be read";
      return ScanStep.BAD;
    }
    this.#wanted = Math.max(WINDOW_SIZE, this.view.size);
    this.#windowEnd = this.#windowStart;
    return ScanStep.FILL;
  }

  #find(): SegmentFile | null {
    const segment = this.#segment;
    if (segment !== null && this.position >= segment.startOffset && this.position < segment.endOffset) return segment;
    return this.#segment = this.#segments.find(this.position);
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
