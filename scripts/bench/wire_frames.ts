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
export const HEART_BEAT = 34;
export const END_TRANSACTION = 37;
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
const TOPIC_DIGITS = 5;
const PREPARED_FLAG = "4";
const NO_FLAG = "0";

const utf8 = new TextEncoder();
const latin1 = new TextDecoder("latin1");

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
  /** Topics that messages go to in turn; more than one have the names that {@link topicName} gives. */
  readonly topics: number;
  /** Of each topic, 1 to 9. */
  readonly queues: number;
  readonly bodySize: number;
  /** Messages in a request; 0 for single sends. */
  readonly batch: number;
  /** Delay level, 0 for none. */
  readonly delayLevel: number;
  /** The messages are halves of transactions. */
  readonly isHalf: boolean;
}

/** Name of topic number `index` of several. */
export function topicName(topic: string, index: number): string {
  return `${topic}-${String(index).padStart(TOPIC_DIGITS, "0")}`;
}

/** Where request bytes go: behind `length`, where there is room. */
export interface FrameTarget {
  readonly bytes: Uint8Array;
  length: number;
}

/** A send request that is encoded once and patched for each send. */
export class SendTemplate {
  readonly encoding: HeaderEncoding;
  /** Messages that one request carries. */
  readonly messages: number;
  readonly #frame: Uint8Array;
  readonly #queues: number;
  readonly #topics: number;
  readonly #opaqueAt: number;
  readonly #queueAt: number;
  readonly #timeAt: number;
  readonly #topicAt: number;
  readonly #keysAt: readonly number[];

  /** @throws {RangeError} for more queues than fit one digit. */
  constructor(shape: SendShape) {
    if (shape.queues < 1 || shape.queues > MAX_QUEUES) throw new RangeError(`${shape.queues} queues: expected 1 to 9`);
    this.encoding = shape.encoding;
    this.messages = Math.max(1, shape.batch);
    this.#queues = shape.queues;
    this.#topics = shape.topics;
    this.#frame = sendFrame(shape);
    const isJson = shape.encoding === "json";
    this.#opaqueAt = isJson ? indexOf(this.#frame, utf8.encode(String(FIRST_OPAQUE))) : BINARY_OPAQUE_POSITION;
    const queueField = isJson ? utf8.encode('"e":"') : Uint8Array.of(0, 1, 0x65, 0, 0, 0, 1);
    this.#queueAt = indexOf(this.#frame, queueField) + queueField.length;
    this.#timeAt = indexOf(this.#frame, utf8.encode(TIME_MARKER));
    this.#topicAt = indexOf(this.#frame, utf8.encode(shape.topic)) + shape.topic.length + 1;
    this.#keysAt = allIndexesOf(this.#frame, utf8.encode(KEY_PREFIX)).map((index) => index + KEY_PREFIX.length);
  }

  /** Bytes of a request. */
  get size(): number {
    return this.#frame.length;
  }

  /** Appends a request; `number` is that of its first message. */
  write(target: FrameTarget, opaque: number, number: number): void {
    const { bytes, length: position } = target;
    bytes.set(this.#frame, position);
    if (this.encoding === "json") writeDigits(bytes, position + this.#opaqueAt, { value: opaque, width: 6 });
    else writeUint32(bytes, position + this.#opaqueAt, opaque);
    const turn = Math.floor(number / this.messages);
    bytes[position + this.#queueAt] = 0x30 + turn % this.#queues;
    if (this.#topics > 1) {
      const topic = Math.floor(turn / this.#queues) % this.#topics;
      writeDigits(bytes, position + this.#topicAt, { value: topic, width: TOPIC_DIGITS });
    }
    writeDigits(bytes, position + this.#timeAt, { value: Date.now(), width: TIME_MARKER.length });
    let key = number;
    for (const keyAt of this.#keysAt) writeDigits(bytes, position + keyAt, { value: key++, width: KEY_DIGITS });
    target.length = position + this.#frame.length;
  }
}

/** What a pull asks for. */
export interface Pull {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly maxMessages: number;
  /** How long the broker holds it when nothing is there; 0 for an answer at once. */
  readonly holdMs: number;
  /** Whether it commits its offset for its group. */
  readonly commits: boolean;
}

const COMMIT_FLAG = 1;
const SUSPEND_FLAG = 2;
const SUBSCRIPTION_FLAG = 4;

/** The fields of a pull request. */
export function pullFields(pull: Pull): readonly (readonly [string, string])[] {
  const flags = SUBSCRIPTION_FLAG + (pull.commits ? COMMIT_FLAG : 0) + (pull.holdMs > 0 ? SUSPEND_FLAG : 0);
  return [
    ["consumerGroup", pull.group],
    ["topic", pull.topic],
    ["queueId", String(pull.queueId)],
    ["queueOffset", String(pull.queueOffset)],
    ["maxMsgNums", String(pull.maxMessages)],
    ["sysFlag", String(flags)],
    ["commitOffset", String(pull.commits ? pull.queueOffset : 0)],
    ["suspendTimeoutMillis", String(pull.holdMs)],
    ["subscription", "*"],
    ["subVersion", "0"],
    ["expressionType", "TAG"],
  ];
}

/** The body of a consumer's heartbeat. */
export function heartbeatBody(consumer: { clientId: string; group: string; topic: string }): Uint8Array {
  return utf8.encode(JSON.stringify({
    clientID: consumer.clientId,
    consumerDataSet: [{
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      consumeType: "CONSUME_PASSIVELY",
      groupName: consumer.group,
      messageModel: "CLUSTERING",
      subscriptionDataSet: [{
        classFilterMode: false,
        codeSet: [],
        expressionType: "TAG",
        subString: "*",
        subVersion: 1,
        tagsSet: [],
        topic: consumer.topic,
      }],
      unitMode: false,
    }],
    producerDataSet: [],
  }));
}

/** An answer inside a buffer: valid until the buffer is filled again. */
export interface Reply {
  readonly code: number;
  readonly opaque: number;
  /** False for a request of the broker's own, for instance that the members of a group have changed. */
  readonly isAnswer: boolean;
  readonly bytes: Uint8Array;
  /** The frame is `[at, end)`, its body begins at `bodyAt`. */
  readonly at: number;
  readonly bodyAt: number;
  readonly end: number;
}

const OPAQUE_NAME = utf8.encode('"opaque":');
const CODE_NAME = utf8.encode('"code":');
const FLAG_NAME = utf8.encode('"flag":');
const ANSWER_FLAG = 1;

/** Reads code and opaque of the whole frame at `at`. @throws {Error} when a JSON header has none. */
export function readReply(bytes: Uint8Array, view: DataView, at: number): Reply {
  const end = at + 4 + view.getUint32(at);
  const bodyAt = at + 8 + (view.getUint32(at + 4) & 0xffffff);
  if (bytes[at + 4] === 0) {
    const header = { bytes, at: at + 8, end: bodyAt };
    const isAnswer = (numberBehind(header, FLAG_NAME) & ANSWER_FLAG) !== 0;
    const code = numberBehind(header, CODE_NAME);
    return { code, opaque: numberBehind(header, OPAQUE_NAME), isAnswer, bytes, at, bodyAt, end };
  }
  const opaque = view.getInt32(at + BINARY_OPAQUE_POSITION);
  const isAnswer = (view.getInt32(at + BINARY_OPAQUE_POSITION + 4) & ANSWER_FLAG) !== 0;
  return { code: view.getInt16(at + 8), opaque, isAnswer, bytes, at, bodyAt, end };
}

/** The number behind the first place of `name`: much cheaper than parsing the header, which may hold no such text else. */
function numberBehind(header: { bytes: Uint8Array; at: number; end: number }, name: Uint8Array): number {
  const { bytes, end } = header;
  for (let at = bytes.indexOf(0x22, header.at); at >= 0 && at < end; at = bytes.indexOf(0x22, at + 1)) {
    let same = 1;
    while (same < name.length && bytes[at + same] === name[same]) same++;
    if (same < name.length) continue;
    let value = 0;
    for (let digit = at + same; bytes[digit]! >= 0x30 && bytes[digit]! <= 0x39; digit++) {
      value = value * 10 + bytes[digit]! - 0x30;
    }
    return value;
  }
  throw new Error(`An answer's header has no ${new TextDecoder().decode(name)}`);
}

/** The fields of an answer by name. */
export function replyFields(reply: Reply): ReadonlyMap<string, string> {
  const { bytes, at, bodyAt } = reply;
  if (bytes[at + 4] === 0) {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(at + 8, bodyAt)));
    return new Map(Object.entries(header.extFields ?? {}));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const fields = new Map<string, string>();
  const text = (from: number, length: number) => latin1.decode(bytes.subarray(from, from + length));
  let field = at + BINARY_OPAQUE_POSITION + 8;
  field += 4 + view.getInt32(field); // The remark.
  field += 4;
  while (field < bodyAt) {
    const nameLength = view.getInt16(field);
    const valueLength = view.getInt32(field + 2 + nameLength);
    fields.set(text(field + 2, nameLength), text(field + 6 + nameLength, valueLength));
    field += 6 + nameLength + valueLength;
  }
  return fields;
}

/** Counts the stored records in the body of a pull's answer, each of which begins with its size. */
export function countRecords(reply: Reply): number {
  const view = new DataView(reply.bytes.buffer, reply.bytes.byteOffset);
  let count = 0;
  for (let at = reply.bodyAt; at + 4 <= reply.end; at += view.getUint32(at)) count++;
  return count;
}

function sendFrame(shape: SendShape): Uint8Array {
  const isBatch = shape.batch > 0;
  const body = new Uint8Array(shape.bodySize).fill(0x78);
  return encodeRequest(shape.encoding, {
    code: isBatch ? SEND_BATCH_MESSAGE : SEND_MESSAGE_V2,
    opaque: FIRST_OPAQUE,
    fields: [
      ["a", "wireload"],
      ["b", shape.topics > 1 ? topicName(shape.topic, 0) : shape.topic],
      ["c", "TBW102"],
      ["d", "4"],
      ["e", QUEUE_MARKER],
      ["f", shape.isHalf ? PREPARED_FLAG : NO_FLAG],
      ["g", TIME_MARKER],
      ["h", "0"],
      ["i", isBatch ? "" : messageProperties(shape)],
      ["j", "0"],
      ["k", "false"],
      ["l", "0"],
      ["m", String(isBatch)],
    ],
    body: isBatch ? batchBody(shape, body) : body,
  });
}

function messageProperties(shape: SendShape): string {
  const delay = shape.delayLevel > 0 ? `DELAY\x01${shape.delayLevel}\x02` : "";
  const half = shape.isHalf ? "TRAN_MSG\x01true\x02PGROUP\x01wireload\x02" : "";
  return `UNIQ_KEY\x01${KEY_PREFIX}${"0".repeat(KEY_DIGITS)}\x02WAIT\x01true\x02${delay}${half}`;
}

/** Each message of a batch: size, magic, body CRC, flag (4 each, the broker fills them in), 4+n body, 2+n properties. */
function batchBody(shape: SendShape, body: Uint8Array): Uint8Array {
  const { batch: messages } = shape;
  const properties = utf8.encode(messageProperties(shape));
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
