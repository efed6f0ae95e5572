/**
 * The stored message record: the one codec for commitlog files and pull replies. The encoder writes into a buffer of the
 * caller, the decoder finds where the parts of a record lie; neither copies a body or allocates.
 *
 * ```
 * at   size   field                      at*  size   field (* with IPv4 hosts)
 *  0   4      total size                 40   8      bornTimestamp
 *  4   4      magic (V1, V2 or filler)   48   8|20   bornHost: address, 4-byte port
 *  8   4      body CRC                   56   8      storeTimestamp
 * 12   4      queueId                    64   8|20   storeHost: address, 4-byte port
 * 16   4      flag                       72   4      reconsumeTimes
 * 20   8      queueOffset                76   8      preparedTransactionOffset
 * 28   8      physicalOffset             84   4+n    body length, body
 * 36   4      sysFlag                    ..   1|2+n  topic length (V1: 1 byte, V2: 2), topic
 *                                        ..   2+n    properties length, properties
 * ```
 *
 * A host has 16 address bytes when its bit of sysFlag is set. A filler is `i32 bytes left in the file, i32 magic`.
 *
 * Source: RocketMQ `CommitLog`, `MessageExtEncoder`, `MessageDecoder`.
 *
 * @module
 */
import { crc32, getI16, getI32, getI64, putI16, putI32, putI64 } from "../common/bytes.ts";
import { SysFlag } from "./message.ts";

/** Magic of a record whose topic length has one byte. */
export const RECORD_MAGIC_V1 = 0xdaa320a7 | 0;
/** Magic of a record whose topic length has two bytes. */
export const RECORD_MAGIC_V2 = 0xdaa320ab | 0;
/** Magic of the filler at the end of a file. */
export const FILLER_MAGIC = 0xcbd43194 | 0;
/** Bytes of a filler that mean something, and so what every file keeps free for it. */
export const FILLER_SIZE = 8;
/** Longest topic, in bytes, of a V1 record. */
export const TOPIC_SIZE_MAX_V1 = 127;
/** Size of a record with IPv4 hosts and nothing in it. */
export const RECORD_SIZE_MIN = 91;

/** Where the fields that never move lie. */
export const RecordAt = {
  SIZE: 0,
  MAGIC: 4,
  BODY_CRC: 8,
  QUEUE_ID: 12,
  FLAG: 16,
  QUEUE_OFFSET: 20,
  PHYSICAL_OFFSET: 28,
  SYS_FLAG: 36,
  BORN_TIMESTAMP: 40,
  BORN_HOST: 48,
} as const;

const VALUE_END = 2;
/** Below this, a loop over bytes is cheaper than making a view for a native call. */
const SMALL = 48;

/** What the sender of a message says about it; see `AppendMessage` for the meanings. */
export interface RecordFields {
  readonly queueId: number;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: Uint8Array;
  readonly bornPort: number;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  readonly body: Uint8Array;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly properties: Uint8Array;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
  readonly propertiesSuffix: Uint8Array;
}

/** What the broker adds when it stores a message. */
export interface RecordStamp {
  /** The topic in UTF-8, at most 32767 bytes. */
  topic: Uint8Array;
  queueOffset: number;
  physicalOffset: number;
  storeTimestamp: number;
  /** 4 or 16 bytes. */
  storeHost: Uint8Array;
  storePort: number;
}

/** Bytes of the stored property string: the message's own, a separator where one is lacking, the broker's. */
export function storedPropertiesSize(fields: RecordFields): number {
  const own = fields.propertiesEnd - fields.propertiesStart;
  const suffix = fields.propertiesSuffix.length;
  return own + suffix + (lacksSeparator(fields) ? 1 : 0);
}

function lacksSeparator(fields: RecordFields): boolean {
  return fields.propertiesSuffix.length > 0 && fields.propertiesEnd > fields.propertiesStart &&
    fields.properties[fields.propertiesEnd - 1] !== VALUE_END;
}

/** Size of the record that {@linkcode encodeRecord} would write. */
export function recordSize(fields: RecordFields, topicSize: number, storeHostSize: number): number {
  return RECORD_SIZE_MIN - 8 + fields.bornHost.length + storeHostSize + (fields.bodyEnd - fields.bodyStart) +
    topicSize +
    (topicSize > TOPIC_SIZE_MAX_V1 ? 1 : 0) + storedPropertiesSize(fields);
}

/** Writes a record of `size` ({@linkcode recordSize}) bytes into `b` at `at`. The caller has checked all limits. */
export function encodeRecord(b: Uint8Array, at: number, size: number, fields: RecordFields, stamp: RecordStamp): void {
  const { topic, storeHost } = stamp;
  const isV2 = topic.length > TOPIC_SIZE_MAX_V1;
  const bodySize = fields.bodyEnd - fields.bodyStart;
  putI32(b, at, size);
  putI32(b, at + 4, isV2 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1);
  putI32(b, at + 8, bodyCrc(fields.body, fields.bodyStart, fields.bodyEnd));
  putI32(b, at + 12, fields.queueId);
  putI32(b, at + 16, fields.flag);
  putI64(b, at + 20, stamp.queueOffset);
  putI64(b, at + 28, stamp.physicalOffset);
  putI32(b, at + 36, storedSysFlag(fields.sysFlag, fields.bornHost, storeHost));
  putI64(b, at + 40, fields.bornTimestamp);
  let p = putHost(b, at + 48, fields.bornHost, fields.bornPort);
  putI64(b, p, stamp.storeTimestamp);
  p = putHost(b, p + 8, storeHost, stamp.storePort);
  putI32(b, p, fields.reconsumeTimes);
  putI64(b, p + 4, fields.preparedTransactionOffset);
  putI32(b, p + 12, bodySize);
  p = copyBytes(b, p + 16, fields.body, fields.bodyStart, fields.bodyEnd);
  if (isV2) b[p++] = topic.length >>> 8;
  b[p++] = topic.length;
  p = copyBytes(b, p, topic, 0, topic.length);
  putI16(b, p, storedPropertiesSize(fields));
  p = copyBytes(b, p + 2, fields.properties, fields.propertiesStart, fields.propertiesEnd);
  if (lacksSeparator(fields)) b[p++] = VALUE_END;
  copyBytes(b, p, fields.propertiesSuffix, 0, fields.propertiesSuffix.length);
}

function storedSysFlag(sysFlag: number, bornHost: Uint8Array, storeHost: Uint8Array): number {
  const hosts = (bornHost.length === 16 ? SysFlag.BORN_HOST_V6 : 0) |
    (storeHost.length === 16 ? SysFlag.STORE_HOST_V6 : 0);
  return (sysFlag & ~(SysFlag.BORN_HOST_V6 | SysFlag.STORE_HOST_V6)) | hosts;
}

function putHost(b: Uint8Array, at: number, host: Uint8Array, port: number): number {
  const end = copyBytes(b, at, host, 0, host.length);
  putI32(b, end, port);
  return end + 4;
}

/** Copies `from[start, end)` to `b` at `at`; returns where it ends there. */
export function copyBytes(b: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size > SMALL) {
    b.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
  } else {
    for (let i = 0; i < size; i++) b[at + i] = from[start + i]!;
  }
  return at + size;
}

/** CRC of `bytes[start, end)` as RocketMQ stores it (31 bits; 0 for no bytes). */
export function bodyCrc(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > SMALL) return crc32(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  if (end === start) return 0;
  let crc = -1;
  for (let i = start; i < end; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc & 0x7fffffff;
}

const CRC_TABLE = makeCrcTable();

function makeCrcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    table[n] = c;
  }
  return table;
}

/** What {@linkcode RecordView.read} found. */
export const RecordKind = {
  /** A record; the view's fields are set. */
  RECORD: 0,
  /** A filler: the file ends here; `size` is what it skips. */
  FILLER: 1,
  /** Eight zero bytes: nothing was ever written here. */
  BLANK: 2,
  /** The bytes end before the record does; `size` is what is needed, if known, else 8. */
  SHORT: 3,
  /** Neither; `problem` says why. */
  BAD: 4,
} as const;

/** A value of {@linkcode RecordKind}. */
export type RecordKind = typeof RecordKind[keyof typeof RecordKind];

/**
 * Where the parts of a record lie. A view is filled again by each {@linkcode RecordView.read}; its positions count from the
 * start of `bytes`. Numbers that nobody asks for are read from the bytes on demand.
 */
export class RecordView {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the record starts. */
  at = 0;
  size = 0;
  sysFlag = 0;
  queueId = 0;
  queueOffset = 0;
  physicalOffset = 0;
  storeTimestamp = 0;
  storeTimestampAt = 0;
  bodyStart = 0;
  bodyEnd = 0;
  topicStart = 0;
  topicEnd = 0;
  propertiesStart = 0;
  propertiesEnd = 0;
  /** Why the last read was BAD. */
  problem = "";

  /**
   * Looks at what starts at `at`; bytes from `limit` on do not count. Never throws, whatever the bytes are.
   * @param physicalOffset where the record must say it lies, −1 for anywhere.
   * @param checkCrc whether the body must match its CRC.
   */
  read(bytes: Uint8Array, at: number, limit: number, physicalOffset = -1, checkCrc = false): RecordKind {
    this.bytes = bytes;
    this.at = at;
    this.size = FILLER_SIZE;
    if (at + FILLER_SIZE > limit) return RecordKind.SHORT;
    const size = getI32(bytes, at);
    const magic = getI32(bytes, at + 4);
    if (magic === FILLER_MAGIC) {
      this.size = size;
      return size >= FILLER_SIZE ? RecordKind.FILLER : this.#bad(`filler of ${size} bytes`);
    }
    if (size === 0 && magic === 0) return RecordKind.BLANK;
    if (magic !== RECORD_MAGIC_V1 && magic !== RECORD_MAGIC_V2) {
      return this.#bad(`magic is 0x${(magic >>> 0).toString(16).padStart(8, "0")}`);
    }
    if (size < RECORD_SIZE_MIN) return this.#bad(`size is ${size}`);
    this.size = size;
    if (at + size > limit) return RecordKind.SHORT;
    return this.#readFields(magic === RECORD_MAGIC_V2, physicalOffset, checkCrc);
  }

  #readFields(isV2: boolean, physicalOffset: number, checkCrc: boolean): RecordKind {
    const { bytes: b, at } = this;
    const end = at + this.size;
    this.sysFlag = getI32(b, at + 36);
    this.queueId = getI32(b, at + 12);
    this.storeTimestampAt = at + 48 + hostSize(this.sysFlag & SysFlag.BORN_HOST_V6);
    const afterHosts = this.storeTimestampAt + 8 + hostSize(this.sysFlag & SysFlag.STORE_HOST_V6);
    this.bodyStart = afterHosts + 16;
    if (this.bodyStart > end) return this.#bad(`size ${this.size} has no room for its hosts`);
    const bodySize = getI32(b, afterHosts + 12);
    this.bodyEnd = this.bodyStart + bodySize;
    this.topicStart = this.bodyEnd + (isV2 ? 2 : 1);
    if (bodySize < 0 || this.topicStart > end) {
      return this.#bad(`body of ${bodySize} bytes in a record of ${this.size}`);
    }
    this.topicEnd = this.topicStart + (isV2 ? getI16(b, this.bodyEnd) : b[this.bodyEnd]!);
    this.propertiesStart = this.topicEnd + 2;
    if (this.topicEnd < this.topicStart || this.propertiesStart > end) return this.#bad("topic does not fit");
    this.propertiesEnd = this.propertiesStart + getI16(b, this.topicEnd);
    if (this.propertiesEnd !== end) {
      return this.#bad(`parts add up to ${this.propertiesEnd - at} bytes, not to its size of ${this.size}`);
    }
    if (!readable64(b, at + 20) || !readable64(b, at + 28) || !readable64(b, this.storeTimestampAt)) {
      return this.#bad("a 64-bit field is out of range");
    }
    this.queueOffset = getI64(b, at + 20);
    this.physicalOffset = getI64(b, at + 28);
    this.storeTimestamp = getI64(b, this.storeTimestampAt);
    if (physicalOffset >= 0 && this.physicalOffset !== physicalOffset) {
      return this.#bad(`says that it lies at ${this.physicalOffset}, but lies at ${physicalOffset}`);
    }
    if (checkCrc && bodyCrc(b, this.bodyStart, this.bodyEnd) !== getI32(b, at + 8)) {
      return this.#bad("body CRC differs");
    }
    return RecordKind.RECORD;
  }

  #bad(problem: string): RecordKind {
    this.problem = problem;
    return RecordKind.BAD;
  }
}

function hostSize(isV6: number): number {
  return isV6 === 0 ? 8 : 20;
}

/** Whether the 64 bits at `at` are an integer from 0 to 2^53 − 1. */
function readable64(b: Uint8Array, at: number): boolean {
  return b[at] === 0 && b[at + 1]! < 0x20;
}
