/**
 * Reads and writes LZ4 frames, in which clients of RocketMQ 5.x may compress bodies.
 *
 * ```text
 * u32le magic 0x184D2204 · u8 flags · u8 block size code · [u64le content size] · [u32le dictionary id] · u8 header checksum
 * blocks: u32le size (top bit: not compressed) · bytes · [u32le checksum]      ended by a size of 0 · [u32le checksum]
 * ```
 *
 * A compressed block is a row of sequences: `token (literal length << 4 | match length − 4) · [more length bytes] ·
 * literals · u16le distance · [more length bytes]`; the last one has literals only. Checksums are not looked at, and those
 * that a frame may do without not written: the record has its own.
 *
 * Ours, and small, for there is no LZ4 in Deno's own modules; the frames have the head that RocketMQ's library writes.
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

/** Head of the frames that are written: blocks that do not lean on each other, of 4 MiB at most, and the head's checksum. */
const FRAME_HEAD = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73);
const BLOCK_BYTES_MAX = 4 * 1024 * 1024;
/** Of a block the last 5 bytes are literals, and no match begins in the last 12. */
const LAST_LITERALS = 5;
const MATCH_START_MARGIN = 12;
const DISTANCE_MAX = 65535;
const HASH_BITS = 14;
/** Where nothing matches, steps grow by one after this many attempts, so that random bytes are passed quickly. */
const SKIP_BITS = 6;

/** Compresses into one frame; a block that would not get smaller is stored as it is. */
export function writeLz4Frame(bytes: Uint8Array): Uint8Array {
  const blockCount = Math.ceil(bytes.length / BLOCK_BYTES_MAX);
  const out = new Uint8Array(FRAME_HEAD.length + bytes.length + 4 * blockCount + 4);
  const view = new DataView(out.buffer);
  out.set(FRAME_HEAD);
  let end = FRAME_HEAD.length;
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES_MAX) {
    const block = bytes.subarray(at, at + BLOCK_BYTES_MAX);
    // Room for less than the block: what does not fit is not worth it.
    const size = writeBlock(block, out.subarray(end + 4, end + 4 + block.length - 1));
    view.setUint32(end, size < 0 ? block.length | NOT_COMPRESSED : size, true);
    if (size < 0) out.set(block, end + 4);
    end += 4 + (size < 0 ? block.length : size);
  }
  return out.subarray(0, end + 4); // the end mark is a size of 0
}

/** Compresses a block; returns its size in `out`, or −1 when there is no room for it. */
function writeBlock(bytes: Uint8Array, out: Uint8Array): number {
  const sequences = new Sequences(bytes, out);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** By the hash of four bytes: where they stood last, plus 1. */
  const lastAt = new Int32Array(1 << HASH_BITS);
  const matchEndMax = bytes.length - LAST_LITERALS;
  let literalsFrom = 0;
  let attempts = 1 << SKIP_BITS;
  for (let at = 0; at < bytes.length - MATCH_START_MARGIN;) {
    const four = view.getUint32(at, true);
    const slot = Math.imul(four, 2654435761) >>> (32 - HASH_BITS);
    const from = lastAt[slot]! - 1;
    lastAt[slot] = at + 1;
    if (from < 0 || at - from > DISTANCE_MAX || view.getUint32(from, true) !== four) {
      at += attempts++ >> SKIP_BITS;
      continue;
    }
    let length = MATCH_MIN;
    while (at + length < matchEndMax && bytes[from + length] === bytes[at + length]) length++;
    if (!sequences.add(literalsFrom, at, at - from, length)) return -1;
    literalsFrom = at += length;
    attempts = 1 << SKIP_BITS;
  }
  return sequences.end(literalsFrom) ? sequences.sizeBytes : -1;
}

/** Writes the sequences of a block. */
class Sequences {
  /** Written so far. */
  sizeBytes = 0;
  readonly #bytes: Uint8Array;
  readonly #out: Uint8Array;

  constructor(bytes: Uint8Array, out: Uint8Array) {
    this.#bytes = bytes;
    this.#out = out;
  }

  /** Literals, then a match; false when there is no room. */
  add(literalsFrom: number, literalsEnd: number, distance: number, matchLength: number): boolean {
    const more = matchLength - MATCH_MIN;
    if (!this.#literals(literalsFrom, literalsEnd, Math.min(more, LENGTH_MORE))) return false;
    if (this.sizeBytes + 2 + lengthBytes(more) > this.#out.length) return false;
    this.#out[this.sizeBytes++] = distance & 0xff;
    this.#out[this.sizeBytes++] = distance >>> 8;
    this.#more(more);
    return true;
  }

  /** The last literals; false when there is no room. */
  end(literalsFrom: number): boolean {
    return this.#literals(literalsFrom, this.#bytes.length, 0);
  }

  #literals(from: number, end: number, matchNibble: number): boolean {
    const count = end - from;
    if (this.sizeBytes + 1 + lengthBytes(count) + count > this.#out.length) return false;
    this.#out[this.sizeBytes++] = (Math.min(count, LENGTH_MORE) << 4) | matchNibble;
    this.#more(count);
    this.#out.set(this.#bytes.subarray(from, end), this.sizeBytes);
    this.sizeBytes += count;
    return true;
  }

  /** What of a length is beyond its four bits. */
  #more(length: number): void {
    if (length < LENGTH_MORE) return;
    let left = length - LENGTH_MORE;
    for (; left >= 255; left -= 255) this.#out[this.sizeBytes++] = 255;
    this.#out[this.sizeBytes++] = left;
  }
}

/** How many bytes follow the four bits of a length. */
function lengthBytes(length: number): number {
  return length < LENGTH_MORE ? 0 : Math.floor((length - LENGTH_MORE) / 255) + 1;
}
