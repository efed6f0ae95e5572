/**
 * Request frames of the raw-frame generator, and the little that it reads of the answers. Sending must cost the
 * generator as little as possible, so a request is encoded once and then only patched: opaque, queue, time and the
 * unique key of each message all have a fixed width.
 *
 * ```
 * 0  4  length of the rest
 * 4  1  header encoding: 0 JSON, 1 ROCKETMQ
 * 5  3  header length
 * 8  …  header, then body
 * ```
 * A ROCKETMQ header: code 2, language 1, version 2, opaque 4, flag 4, remark 4+n, fields 4+n as (2+n name, 4+n value).
 *
 * @module
 */

/** How request headers are encoded. */
export type HeaderEncoding = "binary" | "json";

/** Request codes that the generator sends. */
export const PULL_MESSAGE = 11;
const SEND_MESSAGE_V2 = 310;
const SEND_BATCH_MESSAGE = 320;

/** Response codes of a pull: nothing there, ask again, out of range. */
export const PULL_NOT_FOUND = 19;
export const PULL_RETRY_IMMEDIATELY = 20;
export const PULL_OFFSET_MOVED = 21;

/** Opaques start here, so that each has the same number of digits in a JSON header. */
export const FIRST_OPAQUE = 100_000;

const VERSION = 477;
const KEY_PREFIX = "7F000001162C18B4AAC2";
const KEY_DIGITS = 12;
const TIME_MARKER = "1000000000000";
const QUEUE_MARKER = "9";
const BINARY_OPAQUE_POSITION = 8 + 5;
const MAX_QUEUES = 9;
const NEXT_OFFSET = "nextBeginOffset";

const utf8 = new TextEncoder();

/** Encodes one request frame. `fields` keep their order. */
export function encodeRequest(
  encoding: HeaderEncoding,
  request: { code: number; opaque: number; fields: readonly (readonly [string, string])[]; body?: Uint8Array },
): Uint8Array {
  const header = encoding === "json" ? jsonHeader(request) : binaryHeader(request);
  const body = request.body ?? new Uint8Array(0);
  const frame = new Uint8Array(8 + header.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 4 + header.length + body.length);
  view.setUint32(4, header.length);
  frame[4] = encoding === "json" ? 0 : 1;
  frame.set(header, 8);
  frame.set(body, 8 + header.length);
  return frame;
}

/** What a stream of send requests has in common. */
export interface SendShape {
  readonly encoding: HeaderEncoding;
  readonly topic: string;
  /** 1 to 9. */
  readonly queues: number;
  readonly bodySize: number;
  /** Messages in a request; undefined for single sends. */
  readonly batch?: number;
}

/** A send request that is encoded once and patched for each send. */
export class SendTemplate {
  readonly #frame: Uint8Array;
  readonly #encoding: HeaderEncoding;
  readonly #queues: number;
  readonly #messages: number;
  readonly #opaqueAt: number;
  readonly #queueAt: number;
  readonly #timeAt: number;
  readonly #keysAt: readonly number[];

  /** @throws {RangeError} for more queues than fit one digit. */
  constructor(shape: SendShape) {
    if (shape.queues < 1 || shape.queues > MAX_QUEUES) throw new RangeError(`${shape.queues} queues: expected 1 to 9`);
    this.#encoding = shape.encoding;
    this.#queues = shape.queues;
    this.#messages = shape.batch ?? 1;
    this.#frame = sendFrame(shape);
    const isJson = shape.encoding === "json";
    this.#opaqueAt = isJson ? indexOf(this.#frame, utf8.encode(String(FIRST_OPAQUE))) : BINARY_OPAQUE_POSITION;
    const queueField = isJson ? utf8.encode('"e":"') : Uint8Array.of(0, 1, 0x65, 0, 0, 0, 1);
    this.#queueAt = indexOf(this.#frame, queueField) + queueField.length;
    this.#timeAt = indexOf(this.#frame, utf8.encode(TIME_MARKER));
    this.#keysAt = allIndexesOf(this.#frame, utf8.encode(KEY_PREFIX)).map((index) => index + KEY_PREFIX.length);
  }

  /** Messages that one request carries. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes of a request. */
  get size(): number {
    return this.#frame.length;
  }

  /** Writes request number `number` with `opaque` at `position` of `target`, and returns the position behind it. */
  write(target: Uint8Array, position: number, request: { opaque: number; number: number; nowMs: number }): number {
    target.set(this.#frame, position);
    if (this.#encoding === "json") writeDigits(target, position + this.#opaqueAt, { value: request.opaque, width: 6 });
    else writeUint32(target, position + this.#opaqueAt, request.opaque);
    target[position + this.#queueAt] = 0x30 + request.number % this.#queues;
    writeDigits(target, position + this.#timeAt, { value: request.nowMs, width: TIME_MARKER.length });
    let key = request.number * this.#messages;
    for (const keyAt of this.#keysAt) writeDigits(target, position + keyAt, { value: key++, width: KEY_DIGITS });
    return position + this.#frame.length;
  }
}

/** The fields of a pull request. */
export function pullFields(
  pull: { topic: string; queueId: number; queueOffset: number; maxMessages: number },
): readonly (readonly [string, string])[] {
  return [
    ["consumerGroup", "wireload"],
    ["topic", pull.topic],
    ["queueId", String(pull.queueId)],
    ["queueOffset", String(pull.queueOffset)],
    ["maxMsgNums", String(pull.maxMessages)],
    ["sysFlag", "4"],
    ["commitOffset", "0"],
    ["suspendTimeoutMillis", "0"],
    ["subscription", "*"],
    ["subVersion", "0"],
    ["expressionType", "TAG"],
  ];
}

/** An answer inside a buffer: valid until the buffer is filled again. */
export interface Reply {
  readonly code: number;
  readonly opaque: number;
  readonly frame: Uint8Array;
  readonly headerLength: number;
}

/** Reads code and opaque of the whole frame in `frame`. */
export function readReply(frame: Uint8Array): Reply {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const headerLength = view.getUint32(4) & 0xffffff;
  if (frame[4] === 0) {
    const header = JSON.parse(new TextDecoder().decode(frame.subarray(8, 8 + headerLength)));
    return { code: Number(header.code), opaque: Number(header.opaque), frame, headerLength };
  }
  return { code: view.getInt16(8), opaque: view.getInt32(BINARY_OPAQUE_POSITION), frame, headerLength };
}

/** Where to pull next, from the answer of a pull. @throws {Error} when the answer does not say. */
export function nextBeginOffset(reply: Reply): number {
  const header = new TextDecoder("latin1").decode(reply.frame.subarray(8, 8 + reply.headerLength));
  const at = header.indexOf(NEXT_OFFSET) + NEXT_OFFSET.length;
  if (at < NEXT_OFFSET.length) throw new Error(`A pull was answered without ${NEXT_OFFSET}`);
  if (reply.frame[4] === 0) return Number(header.slice(at).match(/\d+/)?.[0]);
  return Number(header.slice(at + 4, at + 4 + header.charCodeAt(at + 3)));
}

/** Counts the stored records in the body of a pull's answer, each of which begins with its size. */
export function countRecords(reply: Reply): number {
  const { frame } = reply;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let count = 0;
  for (let at = 8 + reply.headerLength; at + 4 <= frame.length; at += view.getUint32(at)) count++;
  return count;
}

function sendFrame(shape: SendShape): Uint8Array {
  const isBatch = shape.batch !== undefined;
  const body = new Uint8Array(shape.bodySize).fill(0x78);
  return encodeRequest(shape.encoding, {
    code: isBatch ? SEND_BATCH_MESSAGE : SEND_MESSAGE_V2,
    opaque: FIRST_OPAQUE,
    fields: [
      ["a", "wireload"],
      ["b", shape.topic],
      ["c", "TBW102"],
      ["d", "4"],
      ["e", QUEUE_MARKER],
      ["f", "0"],
      ["g", TIME_MARKER],
      ["h", "0"],
      ["i", isBatch ? "" : messageProperties()],
      ["j", "0"],
      ["k", "false"],
      ["l", "0"],
      ["m", String(isBatch)],
    ],
    body: shape.batch === undefined ? body : batchBody(shape.batch, body),
  });
}

function messageProperties(): string {
  return `UNIQ_KEY\x01${KEY_PREFIX}${"0".repeat(KEY_DIGITS)}\x02WAIT\x01true\x02`;
}

/** Each message of a batch: size, magic, body CRC, flag (4 each, the broker fills them in), 4+n body, 2+n properties. */
function batchBody(messages: number, body: Uint8Array): Uint8Array {
  const properties = utf8.encode(messageProperties());
  const size = 20 + body.length + 2 + properties.length;
  const out = new Uint8Array(size * messages);
  const view = new DataView(out.buffer);
  for (let index = 0, at = 0; index < messages; index++, at += size) {
    view.setUint32(at, size);
    view.setUint32(at + 16, body.length);
    out.set(body, at + 20);
    view.setUint16(at + 20 + body.length, properties.length);
    out.set(properties, at + 22 + body.length);
  }
  return out;
}

function jsonHeader(request: { code: number; opaque: number; fields: readonly (readonly [string, string])[] }) {
  return utf8.encode(JSON.stringify({
    code: request.code,
    language: "JAVA",
    version: VERSION,
    opaque: request.opaque,
    flag: 0,
    extFields: Object.fromEntries(request.fields),
    serializeTypeCurrentRPC: "JSON",
  }));
}

function binaryHeader(request: { code: number; opaque: number; fields: readonly (readonly [string, string])[] }) {
  const fields = request.fields.map(([name, value]) => [utf8.encode(name), utf8.encode(value)] as const);
  const fieldsSize = fields.reduce((sum, [name, value]) => sum + 6 + name.length + value.length, 0);
  const header = new Uint8Array(21 + fieldsSize);
  const view = new DataView(header.buffer);
  view.setInt16(0, request.code);
  view.setInt16(3, VERSION);
  view.setInt32(5, request.opaque);
  view.setInt32(17, fieldsSize);
  let at = 21;
  for (const [name, value] of fields) {
    view.setInt16(at, name.length);
    header.set(name, at + 2);
    view.setInt32(at + 2 + name.length, value.length);
    header.set(value, at + 6 + name.length);
    at += 6 + name.length + value.length;
  }
  return header;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

function writeDigits(target: Uint8Array, at: number, digits: { value: number; width: number }): void {
  let rest = digits.value;
  for (let index = at + digits.width - 1; index >= at; index--) {
    const tenth = Math.floor(rest / 10);
    target[index] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  const [first] = allIndexesOf(bytes, wanted);
  if (first === undefined) throw new Error("The frame has no place to patch");
  return first;
}

function allIndexesOf(bytes: Uint8Array, wanted: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) found.push(at);
  }
  return found;
}
