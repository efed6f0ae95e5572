/**
 * Frames: a state machine from arriving bytes to whole frames, without I/O.
 *
 * ```text
 * i32 length          bytes that follow: 4 + headerSize + bodySize
 * u8  serialize type  0 JSON, 1 binary
 * u24 headerSize
 * header · body
 * ```
 *
 * A {@link FrameReader} owns one buffer: a socket reads into {@linkcode FrameReader.space}, {@linkcode FrameReader.received}
 * says how much came, {@linkcode FrameReader.next} yields each whole frame in it. Invariant:
 * `0 <= start <= end <= buffer.length`, and the bytes in `[start, end)` are what has arrived and was not yet yielded.
 *
 * Source: RocketMQ `NettyDecoder`, `RemotingCommand#decode`.
 *
 * @module
 */
import { concatBytes, getI16, getI32, putI32, utf8, utf8Text } from "../common/bytes.ts";
import { invariant } from "../common/errors.ts";
import { type Command, SERIALIZE_JSON, SERIALIZE_ROCKETMQ, type SerializeType } from "./command.ts";
import { FrameError, type HeaderFields } from "./header_fields.ts";
import { decodeJsonHeader, encodeJsonHeader } from "./header_json.ts";
import { decodeRocketmqHeader, encodeRocketmqHeader } from "./header_rocketmq.ts";

/** Largest frame that Java accepts, its four length bytes included (`com.rocketmq.remoting.frameMaxLength`). */
export const FRAME_SIZE_MAX = 16777216;

/** Largest size that the header word can say. */
const HEADER_SIZE_MAX = 0xffffff;
/** Size of a reader's buffer at first, and again after it has been idle: most connections bring a heartbeat now and then. */
const BUFFER_SIZE_MIN = 4096;
/** With less free room than this at its end, the buffer is compacted, or replaced by a larger one, before the next read. */
const ROOM_MIN = 4096;
/**
 * Largest buffer of a busy connection without large frames. A read that fills a smaller one has left more behind, and each
 * read is a turn of its own with a write to the log and one to the socket: the next read has {@link BUSY_GROWTH} times the
 * room, up to this. A larger buffer is for a frame that needs it, and waits for the next such frame.
 */
const BUFFER_SIZE_BUSY = 262144;
const BUSY_GROWTH = 4;

/** Where a whole frame lies in the reader's buffer; reused for the next one. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly serialize: SerializeType;
  readonly headerStart: number;
  /** End of the header and start of the body. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** Arriving bytes of one connection; see the module's text. */
export class FrameReader implements Frame {
  bytes: Uint8Array = new Uint8Array(BUFFER_SIZE_MIN);
  serialize: SerializeType = SERIALIZE_JSON;
  headerStart = 0;
  bodyStart = 0;
  bodyEnd = 0;
  #start = 0;
  #end = 0;
  #shrinkAsked = false;
  /** A buffer of more than {@linkcode BUFFER_SIZE_BUSY}: nobody reads into it, so it can be let go at any time. */
  #large: Uint8Array | null = null;
  readonly #frameSizeMax: number;

  /** @param frameSizeMax limit of a frame in bytes, its length field included. */
  constructor(frameSizeMax: number = FRAME_SIZE_MAX) {
    this.#frameSizeMax = frameSizeMax;
  }

  /** Bytes that have arrived and are not yet yielded. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** The bytes that have arrived and are not yet yielded, as they lie. */
  peek(): Uint8Array {
    return this.bytes.subarray(this.#start, this.#end);
  }

  /** Passes over the next `count` bytes that have arrived: they belong to no frame. */
  skip(count: number): void {
    invariant(count <= this.pendingBytes, `cannot skip ${count} of ${this.pendingBytes} bytes`);
    this.#start += count;
  }

  /** Where the next bytes go; at least one byte long. */
  space(): Uint8Array {
    this.#makeRoom();
    return this.bytes.subarray(this.#end);
  }

  /** Tells that `count` bytes were put at the beginning of {@linkcode space}. */
  received(count: number): void {
    this.#end += count;
  }

  /**
   * Moves to the next whole frame, whose place this object then tells; false when there is none yet.
   *
   * @throws {FrameError} when the bytes cannot be a frame.
   */
  next(): boolean {
    const available = this.#end - this.#start;
    if (available < 4) return false;
    const length = getI32(this.bytes, this.#start);
    if (length < 4 || length + 4 > this.#frameSizeMax) {
      const hint = foreignProtocol(length);
      throw new FrameError(`frame length ${length} is not between 4 and ${this.#frameSizeMax - 4}${hint}`);
    }
    if (available < 8) return false;
    const word = getI32(this.bytes, this.#start + 4);
    this.#checkHeaderWord(word, length);
    if (available < length + 4) return false;
    this.serialize = (word >>> 24) as SerializeType;
    this.headerStart = this.#start + 8;
    this.bodyStart = this.headerStart + (word & 0xffffff);
    this.bodyEnd = this.#start + 4 + length;
    this.#start = this.bodyEnd;
    return true;
  }

  #checkHeaderWord(word: number, length: number): void {
    const type = word >>> 24;
    if (type !== SERIALIZE_JSON && type !== SERIALIZE_ROCKETMQ) throw new FrameError(`unknown serialize type ${type}`);
    const headerSize = word & 0xffffff;
    if (headerSize > length - 4) throw new FrameError(`header of ${headerSize} bytes in a frame of ${length}`);
  }

  /**
   * Gives a large buffer back, to be called when the connection has been idle for a while. The buffer stays until the next
   * {@linkcode space}, for a read into the present one may be pending; it is not one for large frames.
   */
  shrink(): void {
    this.#large = null;
    this.#shrinkAsked = this.bytes.length > BUFFER_SIZE_MIN;
  }

  #makeRoom(): void {
    const pending = this.#end - this.#start;
    const size = this.bytes.length;
    const busySize = this.#end === size ? Math.min(size * BUSY_GROWTH, BUFFER_SIZE_BUSY) : 0;
    if (pending === 0) return this.#startOver(busySize);
    if (size - this.#end >= ROOM_MIN) return;
    const frameSize = pending < 4 ? 4 : getI32(this.bytes, this.#start) + 4; // checked by next()
    const needed = Math.max(frameSize, pending + ROOM_MIN);
    const large = this.#large;
    if (large !== null && needed > BUFFER_SIZE_BUSY && needed <= large.length) {
      this.#large = null;
      return this.#moveTo(large, pending);
    }
    // For a frame it is doubled at most: memory follows what has arrived, not what a peer announces.
    const wanted = Math.max(busySize, Math.min(needed, size * 2));
    if (wanted > size) this.#moveTo(new Uint8Array(wanted), pending);
    else this.#compact(pending);
  }

  /** Nothing is pending: the next read begins at the start of a buffer of the size that fits it. */
  #startOver(busySize: number): void {
    const size = this.bytes.length;
    if (size > BUFFER_SIZE_BUSY && !this.#shrinkAsked) this.#large = this.bytes;
    if (this.#shrinkAsked || size > BUFFER_SIZE_BUSY) this.bytes = new Uint8Array(BUFFER_SIZE_MIN);
    else if (busySize > size) this.bytes = new Uint8Array(busySize);
    this.#shrinkAsked = false;
    this.#start = this.#end = 0;
  }

  #moveTo(buffer: Uint8Array, pending: number): void {
    buffer.set(this.bytes.subarray(this.#start, this.#start + pending));
    this.bytes = buffer;
    this.#start = 0;
    this.#end = pending;
  }

  #compact(pending: number): void {
    this.bytes.copyWithin(0, this.#start, this.#end);
    this.#start = 0;
    this.#end = pending;
  }
}

/** What a length that is none tells about who calls; peers with TLS switched on and browsers are common mistakes. */
function foreignProtocol(length: number): string {
  if (length >>> 16 === 0x1603) return ": a TLS handshake, and this port speaks plain remoting";
  return HTTP_METHODS.has(length) ? ": an HTTP request, and this port speaks remoting" : "";
}

/** First four bytes of HTTP requests, as an integer. */
const HTTP_METHODS = new Set(["GET ", "POST", "HEAD", "PUT ", "OPTI", "CONN"].map((text) => getI32(utf8(text), 0)));

const CODE_FIRST = utf8('{"code":');

/**
 * The code of a frame without decoding its header, or −1 when that takes decoding (a JSON header that does not begin with
 * its code; Java's and Go's do) or the code is negative.
 */
export function peekCode(frame: Frame): number {
  const b = frame.bytes;
  let at = frame.headerStart;
  const end = frame.bodyStart;
  if (frame.serialize === SERIALIZE_ROCKETMQ) return end - at < 2 ? -1 : Math.max(-1, getI16(b, at));
  if (end - at <= CODE_FIRST.length) return -1;
  for (let i = 0; i < CODE_FIRST.length; i++) if (b[at++] !== CODE_FIRST[i]) return -1;
  const digits = at;
  let code = 0;
  for (; at < end && at - digits < 10; at++) {
    const digit = b[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    code = code * 10 + digit;
  }
  const isWhole = at < end && (b[at] === 0x2c || b[at] === 0x7d); // , }
  return isWhole && at > digits && code < 0x80000000 ? code : -1;
}

/** Decodes the header of a frame. @throws {FrameError} when it is malformed. */
export function decodeHeader(frame: Frame): HeaderFields {
  const bytes = frame.bytes.subarray(frame.headerStart, frame.bodyStart);
  return frame.serialize === SERIALIZE_JSON ? decodeJsonHeader(bytes) : decodeRocketmqHeader(bytes);
}

/** The command in a frame, with a body of its own. @throws {FrameError} when the header is malformed. */
export function decodeFrame(frame: Frame): Command {
  return {
    ...decodeHeader(frame),
    body: frame.bytes.slice(frame.bodyStart, frame.bodyEnd),
    serialize: frame.serialize,
  };
}

/** The bytes of a frame up to its body, which is `bodySize` bytes long and follows. */
export function encodeFrameHead(header: HeaderFields, bodySize: number, serialize: SerializeType): Uint8Array {
  // A code that does not fit the binary header's 16 bits (POP) is sent as JSON, which every peer reads.
  const type = header.code > 32767 ? SERIALIZE_JSON : serialize;
  const headerBytes = type === SERIALIZE_JSON ? encodeJsonHeader(header) : encodeRocketmqHeader(header);
  invariant(headerBytes.length <= HEADER_SIZE_MAX, `a header of ${headerBytes.length} bytes does not fit a frame`);
  const out = new Uint8Array(8 + headerBytes.length);
  putI32(out, 0, 4 + headerBytes.length + bodySize);
  putI32(out, 4, (type << 24) | headerBytes.length);
  out.set(headerBytes, 8);
  return out;
}

/** The bytes of a whole frame. */
export function encodeFrame(header: HeaderFields, body: Uint8Array, serialize: SerializeType): Uint8Array {
  const head = encodeFrameHead(header, body.length, serialize);
  return body.length === 0 ? head : concatBytes([head, body]);
}

/** Decodes exactly one frame from its bytes, as captured or built in tests. @throws {FrameError} */
export function decodeFrameBytes(bytes: Uint8Array): Command {
  const reader = new FrameReader();
  reader.bytes = bytes;
  reader.received(bytes.length);
  if (!reader.next() || reader.pendingBytes > 0) {
    throw new FrameError(`${bytes.length} bytes are not exactly one frame: ${utf8Text(bytes.subarray(0, 16))}`);
  }
  return decodeFrame(reader);
}

export { FrameError, type HeaderFields };
