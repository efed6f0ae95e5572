/**
 * Answers to sends, written when the store says that the message is as safe as its producer was promised. A
 * {@link PendingSend} waits for that; the ones of the fast path are used again, since a message must not cost an object.
 *
 * The answer has the same ext fields in both header encodings: queueId, transactionId (the client's unique key), msgId
 * (the offset message id), queueOffset, TRACE_ON, MSG_REGION. Source: RocketMQ `SendMessageResponseHeader`,
 * `SendMessageProcessor#handlePutMessageResult`.
 *
 * @module
 */
import { putI16, putI32, utf8 } from "../common/bytes.ts";
import { CURRENT_VERSION, RequestCode, ResponseCode } from "../protocol/codes.ts";
import { type Command, command, FLAG_RESPONSE, SERIALIZE_JSON, type SerializeType } from "../remoting/command.ts";
import { binaryFields, binaryName, putBytes, putDecimal, putPrefix, putSized } from "../remoting/answer_bytes.ts";
import type { Connection } from "../remoting/connection.ts";
import { PutStatus, type Waiter } from "../store/store.ts";

/** Longest unique key that the fast path takes: Java's have 32 or 56 characters. */
export const UNIQUE_KEY_SIZE_MAX = 128;

/** Room for an answer with one id and without the unique key: the JSON form with the longest numbers has about 330 bytes. */
const ANSWER_SIZE_MAX = 512;

/** Digits of the offset in a message id, and the comma before one that follows another. */
const MESSAGE_ID_REST = 17;
const COMMA = 0x2c;

/** Offsets of a batch for which an object keeps room until the next one. */
const OFFSETS_KEPT = 256;

const DIGITS = utf8("0123456789ABCDEF");

/** What all answers of a broker share. */
export interface SendReplyTemplate {
  /** Hexadecimal digits of address and port with which every offset message id of this broker begins. */
  readonly storeHostHex: Uint8Array;
  /** `regionId`, told to clients as MSG_REGION. */
  readonly regionId: string;
  /** `traceOn`, told to clients as TRACE_ON. */
  readonly traceOn: boolean;
}

/** Writes the answers of one broker. */
export class SendReplyWriter {
  readonly #storeHostHex: Uint8Array;
  readonly #jsonTail: Uint8Array;
  readonly #jsonEnd: Uint8Array;
  readonly #binaryTail: Uint8Array;

  constructor(template: SendReplyTemplate) {
    this.#storeHostHex = template.storeHostHex;
    const region = template.regionId;
    const trace = String(template.traceOn);
    this.#jsonTail = utf8(
      `","TRACE_ON":"${trace}","MSG_REGION":${JSON.stringify(region)}},"flag":1,"language":"JAVA","opaque":`,
    );
    this.#jsonEnd = utf8(`,"serializeTypeCurrentRPC":"JSON","version":${CURRENT_VERSION}}`);
    this.#binaryTail = binaryFields([["TRACE_ON", trace], ["MSG_REGION", region]]);
  }

  /** Writes the answer of `send` with response code `code` to its connection. */
  write(send: PendingSend, code: number): void {
    const { connection } = send;
    if (connection === null || connection.closed) return;
    const { outbox } = connection;
    const idsSize = (send.count - 1) * (this.#storeHostHex.length + MESSAGE_ID_REST);
    const size = ANSWER_SIZE_MAX + send.uniqueKeySize + this.#jsonTail.length + idsSize;
    const start = outbox.reserve(size);
    const end = send.serialize === SERIALIZE_JSON
      ? this.#json(send, code, outbox.bytes, start)
      : this.#binary(send, code, outbox.bytes, start);
    outbox.unreserve(size - (end - start));
  }

  #json(send: PendingSend, code: number, b: Uint8Array, start: number): number {
    let at = putBytes(b, start + 8, JSON_CODE);
    at = putDecimal(b, at, code);
    at = putBytes(b, at, JSON_QUEUE_ID);
    at = putDecimal(b, at, send.queueId);
    if (send.uniqueKeySize > 0) {
      at = putBytes(b, at, JSON_TRANSACTION_ID);
      at = putPrefix(b, at, send.uniqueKey, send.uniqueKeySize);
    }
    at = putBytes(b, at, JSON_MSG_ID);
    at = this.#messageIds(b, at, send);
    at = putBytes(b, at, JSON_QUEUE_OFFSET);
    at = putDecimal(b, at, send.queueOffset);
    at = putBytes(b, at, this.#jsonTail);
    at = putDecimal(b, at, send.opaque);
    at = putBytes(b, at, this.#jsonEnd);
    putI32(b, start, at - start - 4);
    putI32(b, start + 4, at - start - 8);
    return at;
  }

  #binary(send: PendingSend, code: number, b: Uint8Array, start: number): number {
    putI16(b, start + 8, code);
    b[start + 10] = 0; // JAVA
    putI16(b, start + 11, CURRENT_VERSION);
    putI32(b, start + 13, send.opaque);
    putI32(b, start + 17, FLAG_RESPONSE);
    putI32(b, start + 21, 0); // no remark
    const fields = start + 29;
    let at = putBytes(b, fields, BINARY_QUEUE_ID);
    at = putSized(b, at, putDecimal(b, at + 4, send.queueId));
    if (send.uniqueKeySize > 0) {
      at = putBytes(b, at, BINARY_TRANSACTION_ID);
      at = putSized(b, at, putPrefix(b, at + 4, send.uniqueKey, send.uniqueKeySize));
    }
    at = putBytes(b, at, BINARY_MSG_ID);
    at = putSized(b, at, this.#messageIds(b, at + 4, send));
    at = putBytes(b, at, BINARY_QUEUE_OFFSET);
    at = putSized(b, at, putDecimal(b, at + 4, send.queueOffset));
    at = putBytes(b, at, this.#binaryTail);
    putI32(b, start + 25, at - fields);
    putI32(b, start, at - start - 4);
    putI32(b, start + 4, (1 << 24) | (at - start - 8));
    return at;
  }

  #messageIds(b: Uint8Array, at: number, send: PendingSend): number {
    let end = this.#messageId(b, at, send.offsets[0]!);
    for (let i = 1; i < send.count; i++) {
      b[end] = COMMA;
      end = this.#messageId(b, end + 1, send.offsets[i]!);
    }
    return end;
  }

  #messageId(b: Uint8Array, at: number, physicalOffset: number): number {
    const end = putBytes(b, at, this.#storeHostHex);
    putHex32(b, end, Math.floor(physicalOffset / 4294967296));
    putHex32(b, end + 8, physicalOffset >>> 0);
    return end + 16;
  }
}

/** A send whose message is in the store and whose answer waits for the store's promise. */
export class PendingSend implements Waiter {
  /** Who is answered; null while it waits to be used again. */
  connection: Connection | null = null;
  opaque = 0;
  serialize: SerializeType = SERIALIZE_JSON;
  queueId = 0;
  queueOffset = 0;
  /** Number of messages: more than 1 only of a batch. */
  count = 1;
  /** Physical offset of each message, in its first `count` places. */
  offsets: number[] = [0];
  /** The client's unique key in `[0, uniqueKeySize)`. */
  readonly uniqueKey: Uint8Array = new Uint8Array(UNIQUE_KEY_SIZE_MAX);
  uniqueKeySize = 0;
  /** One-way sends are not answered. */
  oneway = false;

  /** @param settled given the send and its status; may use the object for another send from then on. */
  constructor(private readonly settled: (send: PendingSend, status: PutStatus) => void) {}

  /** @inheritdoc */
  settle(status: PutStatus): void {
    this.settled(this, status);
  }

  /** Notes where the message lies. */
  setOffset(physicalOffset: number): void {
    this.count = 1;
    this.offsets[0] = physicalOffset;
  }

  /** Notes where the first `count` messages of a batch lie. */
  setOffsets(physicalOffsets: readonly number[], count: number): void {
    this.count = count;
    for (let i = 0; i < count; i++) this.offsets[i] = physicalOffsets[i]!;
  }

  /** Lets go of what the next send does not need: a closed connection has large buffers, and a large batch many offsets. */
  release(): void {
    this.connection = null;
    if (this.offsets.length > OFFSETS_KEPT) this.offsets = [];
  }

  /** What a refusal is an answer to. */
  asCommand(): Command {
    return command({ code: RequestCode.SEND_MESSAGE_V2, opaque: this.opaque, serialize: this.serialize });
  }
}

/** Response code of a message that is stored, though perhaps not as safely as asked; −1 when it is not stored. */
export function storedCode(status: PutStatus): number {
  switch (status) {
    case PutStatus.PUT_OK:
      return ResponseCode.SUCCESS;
    case PutStatus.FLUSH_DISK_TIMEOUT:
      return ResponseCode.FLUSH_DISK_TIMEOUT;
    case PutStatus.SLAVE_NOT_AVAILABLE:
      return ResponseCode.SLAVE_NOT_AVAILABLE;
    case PutStatus.FLUSH_SLAVE_TIMEOUT:
      return ResponseCode.FLUSH_SLAVE_TIMEOUT;
    default:
      return -1;
  }
}

const JSON_CODE = utf8('{"code":');
const JSON_QUEUE_ID = utf8(',"extFields":{"queueId":"');
const JSON_TRANSACTION_ID = utf8('","transactionId":"');
const JSON_MSG_ID = utf8('","msgId":"');
const JSON_QUEUE_OFFSET = utf8('","queueOffset":"');
const BINARY_QUEUE_ID = binaryName("queueId");
const BINARY_TRANSACTION_ID = binaryName("transactionId");
const BINARY_MSG_ID = binaryName("msgId");
const BINARY_QUEUE_OFFSET = binaryName("queueOffset");

function putHex32(b: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 8; i++) b[at + i] = DIGITS[(value >>> (28 - 4 * i)) & 15]!;
}
