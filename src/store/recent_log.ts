/**
 * The newest part of the commitlog in memory: the place where records are made, what the turn's write takes its bytes from,
 * and where readers who keep up are served without touching a file.
 *
 * It is a row of chunks in the order of their physical offsets. A record lies whole in one chunk; a chunk lies whole in one
 * segment. Chunks beyond a limit in bytes are dropped from the old end once they are written, and their memory is used
 * again two turns later, when no view of them can be in use any more.
 *
 * ```
 * chunk:  start          written            end             start + bytes.length
 *           |--- in the file ---|--- this turn ---|---- room ----|
 * ```
 *
 * @module
 */
import { invariant } from "../common/errors.ts";

/** Bytes of an ordinary chunk. */
const CHUNK_SIZE = 1024 * 1024;

/** A stretch of the log. Everything is a physical offset, except `bytes`, whose first byte belongs to `start`. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly start: number;
  /** Where its file has everything up to. */
  written: number;
  end: number;
}

/** Chunks of the newest records, oldest first. */
export class RecentLog {
  readonly #chunkSize: number;
  readonly #bytesMax: number;
  readonly #chunks: Chunk[] = [];
  #bytes = 0;
  #free: Uint8Array | null = null;
  /** Dropped in the last turn and in the one before it. */
  #cooling: [Uint8Array | null, Uint8Array | null] = [null, null];

  /** @param segmentSize chunks are never larger than that; @param bytesMax bytes to keep. */
  constructor(segmentSize: number, bytesMax: number) {
    this.#chunkSize = Math.min(CHUNK_SIZE, segmentSize);
    this.#bytesMax = bytesMax;
  }

  /** The chunks; only to be read. */
  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** The newest chunk. */
  get last(): Chunk | undefined {
    return this.#chunks[this.#chunks.length - 1];
  }

  /** The chunk with room for `size` bytes at its end, which is `offset` in the segment that starts at `segmentStart`. */
  reserve(offset: number, size: number, segmentStart: number): Chunk {
    const last = this.last;
    if (
      last !== undefined && last.end === offset && last.end - last.start + size <= last.bytes.length &&
      last.start >= segmentStart
    ) return last;
    const bytes = size > this.#chunkSize ? new Uint8Array(size) : this.#takeFree();
    const chunk: Chunk = { bytes, start: offset, written: offset, end: offset };
    this.#chunks.push(chunk);
    this.#bytes += bytes.length;
    return chunk;
  }

  /** The chunk that holds `[offset, offset + size)`, or null. */
  find(offset: number, size: number): Chunk | null {
    const chunks = this.#chunks;
    let low = 0;
    let high = chunks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const chunk = chunks[middle]!;
      if (offset < chunk.start) high = middle - 1;
      else if (offset >= chunk.end) low = middle + 1;
      else return offset + size <= chunk.end ? chunk : null;
    }
    return null;
  }

  /** Takes back everything from `offset` on, none of which is written. */
  rollBack(offset: number): void {
    for (let last = this.last; last !== undefined && last.end > offset; last = this.last) {
      invariant(last.written <= Math.max(offset, last.start), "a turn that is taken back was never written");
      if (last.start < offset) {
        last.end = offset;
        return;
      }
      this.#chunks.pop();
      this.#bytes -= last.bytes.length;
    }
  }

  /** Forgets everything from `offset` on, which is written; no turn is under way. */
  cutAt(offset: number): void {
    for (let last = this.last; last !== undefined && last.end > offset; last = this.last) {
      // What lies before it can be read from the file as well; views of the chunk may be in use, so it is not changed.
      this.#chunks.pop();
      this.#bytes -= last.bytes.length;
    }
  }

  /** To be called once a turn, after its write: drops what is too old. */
  trim(): void {
    const cold = this.#cooling[1];
    if (cold !== null) this.#free = cold;
    this.#cooling = [null, this.#cooling[0]];
    while (this.#chunks.length > 1 && this.#bytes > this.#bytesMax) {
      const oldest = this.#chunks[0]!;
      if (oldest.written < oldest.end) return;
      this.#chunks.shift();
      this.#bytes -= oldest.bytes.length;
      if (oldest.bytes.length === this.#chunkSize) this.#cooling[0] = oldest.bytes;
    }
  }

  #takeFree(): Uint8Array {
    const bytes = this.#free ?? new Uint8Array(this.#chunkSize);
    this.#free = null;
    return bytes;
  }
}
