/**
 * Reads LZ4 frames, in which clients of RocketMQ 5.x may compress bodies. Only reading: what we send is zlib.
 *
 * ```text
 * u32le magic 0x184D2204 · u8 flags · u8 block size code · [u64le content size] · [u32le dictionary id] · u8 header checksum
 * blocks: u32le size (top bit: not compressed) · bytes · [u32le checksum]      ended by a size of 0 · [u32le checksum]
 * ```
 *
 * A compressed block is a row of sequences: `token (literal length << 4 | match length − 4) · [more length bytes] ·
 * literals · u16le distance · [more length bytes]`; the last one has literals only. Checksums are not looked at: the record
 * has its own.
 *
 * @module
 */

const MAGIC = 0x184d2204;
const FLAG_DICTIONARY = 0x01;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_BLOCK_CHECKSUM = 0x10;
const NOT_COMPRESSED = 0x80000000;
const LENGTH_MORE = 15;
const MATCH_MIN = 4;

/**
 * Decompresses frames that lie one behind the other.
 *
 * @param sizeMax of the result. @throws {RangeError} when the bytes are no LZ4 frames, or hold more.
 */
export function readLz4Frames(bytes: Uint8Array, sizeMax: number): Uint8Array {
  const out = new Output(sizeMax);
  let at = 0;
  do at = readFrame(bytes, at, out); while (at < bytes.length);
  return out.bytes();
}

function readFrame(bytes: Uint8Array, start: number, out: Output): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(start, true) !== MAGIC) throw new RangeError("no LZ4 frame");
  const flags = view.getUint8(start + 4);
  let at = start + 7;
  if (flags & FLAG_CONTENT_SIZE) at += 8;
  if (flags & FLAG_DICTIONARY) throw new RangeError("LZ4 frame with a dictionary");
  for (;;) {
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const end = at + (word & ~NOT_COMPRESSED);
    if (end > bytes.length) throw new RangeError("LZ4 block is cut off");
    if ((word & NOT_COMPRESSED) !== 0) out.literals(bytes, at, end);
    else readBlock(bytes, at, end, out);
    at = end + (flags & FLAG_BLOCK_CHECKSUM ? 4 : 0);
  }
  return at + (flags & FLAG_CONTENT_CHECKSUM ? 4 : 0);
}

function readBlock(bytes: Uint8Array, start: number, end: number, out: Output): void {
  let at = start;
  const moreLength = (length: number): number => {
    if (length !== LENGTH_MORE) return length;
    let byte: number;
    do {
      if (at >= end) throw new RangeError("LZ4 length is cut off");
      byte = bytes[at++]!;
      length += byte;
    } while (byte === 255);
    return length;
  };
  while (at < end) {
    const token = bytes[at++]!;
    const literalCount = moreLength(token >>> 4);
    if (at + literalCount > end) throw new RangeError("LZ4 literals are cut off");
    out.literals(bytes, at, at + literalCount);
    at += literalCount;
    if (at === end) return;
    if (at + 2 > end) throw new RangeError("LZ4 distance is cut off");
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    out.match(distance, moreLength(token & 0xf) + MATCH_MIN);
  }
}

/** What was decompressed so far. */
class Output {
  readonly #sizeMax: number;
  #bytes = new Uint8Array(16384);
  #end = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  literals(from: Uint8Array, start: number, end: number): void {
    this.#makeRoom(end - start);
    this.#bytes.set(from.subarray(start, end), this.#end);
    this.#end += end - start;
  }

  /** Copies from `distance` bytes back; the copy may reach into itself. */
  match(distance: number, length: number): void {
    if (distance === 0 || distance > this.#end) throw new RangeError("LZ4 distance is out of range");
    this.#makeRoom(length);
    const bytes = this.#bytes;
    let from = this.#end - distance;
    for (let i = 0; i < length; i++) bytes[this.#end++] = bytes[from++]!;
  }

  #makeRoom(size: number): void {
    const needed = this.#end + size;
    if (needed > this.#sizeMax) throw new RangeError(`LZ4 data holds more than ${this.#sizeMax} bytes`);
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#sizeMax, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.bytes());
    this.#bytes = grown;
  }
}
