/**
 * The bytes between a master and its slaves, as functions and state machines without I/O.
 *
 * ```
 * slave → master, a report:      0  8  the slave's end of the log; the first one says where to start
 * master → slave, a frame:       0  8  physicalOffset of the first byte of the body
 *                                8  4  size of the body; 0: a heartbeat
 *                               12  n  bytes of the log; may begin and end inside a record, never cross a file
 * ```
 *
 * There is no magic and no version. Of several reports that arrive together only the last counts.
 *
 * Source: RocketMQ `DefaultHAConnection`, `DefaultHAClient`.
 *
 * @module
 */
import { getI32, getI64, putI32, putI64 } from "../common/bytes.ts";

/** Bytes of a report. */
export const REPORT_SIZE = 8;
/** Bytes of a frame before its body. */
export const FRAME_HEAD_SIZE = 12;
/** Largest body that is believed: Java's slaves have a buffer of 4 MiB for a whole frame, so no master sends more. */
export const FRAME_BODY_MAX = 4 * 1024 * 1024;

/** So many of the bytes that a stranger sends first are shown. */
export const SHOWN_BYTES = 32;

/** Bytes for people: as text where they are ASCII, else in hexadecimal. */
export function shownBytes(bytes: Uint8Array): string {
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const isText = shown.every((each) => each === 9 || each === 10 || each === 13 || (each >= 32 && each < 127));
  return isText
    ? JSON.stringify(String.fromCharCode(...shown))
    : [...shown].map((each) => each.toString(16).padStart(2, "0")).join(" ");
}

/**
 * Whether the first bytes on a connection are a request of RocketMQ's clients, with a header in JSON: read as a report it
 * would tell of a log of terabytes.
 */
export function isClientRequest(bytes: Uint8Array): boolean {
  return bytes.length > REPORT_SIZE && bytes[0] === 0 && bytes[4] === 0 && bytes[REPORT_SIZE] === 0x7b;
}

/** What came makes no sense; the connection cannot go on. */
export class HaProtocolError extends Error {
  override readonly name = "HaProtocolError";
}

/** The bytes of a report. */
export function encodeReport(offset: number): Uint8Array {
  const bytes = new Uint8Array(REPORT_SIZE);
  putI64(bytes, 0, offset);
  return bytes;
}

/** Writes a frame's head at `at`. */
export function putFrameHead(into: Uint8Array, at: number, physicalOffset: number, bodySize: number): void {
  putI64(into, at, physicalOffset);
  putI32(into, at + 8, bodySize);
}

/** Chunks of what a slave sends → reports. */
export class ReportReader {
  readonly #rest = new Uint8Array(REPORT_SIZE);
  #restSize = 0;

  /**
   * Takes a chunk; returns the last whole report in it, null when there is none.
   * @throws {HaProtocolError} for an offset that no log can have.
   */
  take(chunk: Uint8Array): number | null {
    const total = this.#restSize + chunk.length;
    const whole = total - total % REPORT_SIZE;
    if (whole === 0) {
      this.#rest.set(chunk, this.#restSize);
      this.#restSize = total;
      return null;
    }
    const last = new Uint8Array(REPORT_SIZE);
    // The last whole report may begin in what was left over, but only when it is also the first.
    const start = whole - REPORT_SIZE - this.#restSize;
    if (start < 0) {
      last.set(this.#rest.subarray(0, this.#restSize));
      last.set(chunk.subarray(0, REPORT_SIZE - this.#restSize), this.#restSize);
    } else last.set(chunk.subarray(start, start + REPORT_SIZE));
    this.#rest.set(chunk.subarray(whole - this.#restSize));
    this.#restSize = total - whole;
    return readOffset(last, 0);
  }
}

/** One frame. The body is a view that holds until the next chunk is taken. */
export interface HaFrame {
  readonly physicalOffset: number;
  readonly body: Uint8Array;
}

/** Chunks of what a master sends → frames. */
export class FrameReader {
  #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  /** @param sizeBytes of the buffer at first; it grows to the largest frame. */
  constructor(sizeBytes = 256 * 1024) {
    this.#buffer = new Uint8Array(sizeBytes);
  }

  /** Room for the next read. Views of earlier frames end here. */
  room(): Uint8Array {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const needed = this.#end < FRAME_HEAD_SIZE ? FRAME_HEAD_SIZE : FRAME_HEAD_SIZE + getI32(this.#buffer, 8);
    if (needed > this.#buffer.length) {
      const bigger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      bigger.set(this.#buffer.subarray(0, this.#end));
      this.#buffer = bigger;
    }
    return this.#buffer.subarray(this.#end);
  }

  /** So many bytes were read into the room. */
  filled(count: number): void {
    this.#end += count;
  }

  /** The next whole frame, null when more bytes are needed. @throws {HaProtocolError} for a size that cannot be. */
  next(): HaFrame | null {
    if (this.#end - this.#start < FRAME_HEAD_SIZE) return null;
    const size = getI32(this.#buffer, this.#start + 8);
    if (size < 0 || size > FRAME_BODY_MAX) throw new HaProtocolError(`a frame says that its body has ${size} bytes`);
    const bodyStart = this.#start + FRAME_HEAD_SIZE;
    if (this.#end < bodyStart + size) return null;
    const physicalOffset = readOffset(this.#buffer, this.#start);
    this.#start = bodyStart + size;
    return { physicalOffset, body: this.#buffer.subarray(bodyStart, bodyStart + size) };
  }
}

function readOffset(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0 || bytes[at + 1]! >= 0x20) throw new HaProtocolError("an offset is out of range");
  return getI64(bytes, at);
}
