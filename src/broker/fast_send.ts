/**
 * The send path of ordinary messages, from the frame's bytes to the store without objects, strings or copies in between.
 * It takes a request only when nothing about it is special: SEND_MESSAGE_V2 with a unique key, to a queue that exists, of a
 * topic that anybody may send to, with no property that the broker acts upon. Everything else, and whatever the store
 * refuses, goes to `handlers/send.ts`, which alone knows the checks and their remarks.
 *
 * @module
 */
import { WorldError } from "../common/errors.ts";
import type { Interner } from "../common/intern.ts";
import { Property, SysFlag } from "../protocol/message.ts";
import { FLAG_ONEWAY, FLAG_RESPONSE } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import type { Frame } from "../remoting/frame.ts";
import { HeaderScanner, unescapeJson } from "../remoting/header_scanner.ts";
import { AppendMessage, AppendResult, type MessageStore, PutStatus } from "../store/store.ts";
import { extendHash } from "../protocol/message.ts";
import type { FastTopics } from "./fast_topics.ts";
import { peerOf } from "./peer.ts";
import type { BrokerStats } from "./stats.ts";
import { PendingSend, type SendReplyWriter, storedCode, UNIQUE_KEY_SIZE_MAX } from "./send_reply.ts";

/** What the fast path is made of. */
export interface FastSendParts {
  readonly store: MessageStore;
  readonly topics: FastTopics;
  readonly stats: BrokerStats;
  readonly names: Interner;
  readonly reply: SendReplyWriter;
  /** Properties that the broker adds to every message. */
  readonly propertiesSuffix: Uint8Array;
  /** Answers a send that the store took back after all (its turn could not be written). */
  readonly refused: (send: PendingSend, status: PutStatus) => void;
}

/** The fields a to i: those that a request must have. */
const ALL_FIELDS = 511;
/** A message with more properties takes the general path. */
const PROPERTIES_MAX = 64;
/** Most {@link PendingSend} objects that are kept for the next send. */
const POOL_MAX = 4096;

/** Sends of ordinary messages; {@linkcode FastSend.handle} is the fast handler of SEND_MESSAGE_V2. */
export class FastSend {
  readonly #parts: FastSendParts;
  readonly #scanner = new HeaderScanner();
  readonly #properties = new PropertyScan();
  readonly #message = new AppendMessage();
  readonly #result = new AppendResult();
  readonly #scratch = new Uint8Array(65536);
  readonly #pool: PendingSend[] = [];
  #topic = "";

  constructor(parts: FastSendParts) {
    this.#parts = parts;
    this.#message.propertiesSuffix = parts.propertiesSuffix;
  }

  /** Takes the request, or returns false and has changed nothing. */
  readonly handle = (frame: Frame, connection: Connection): boolean => {
    if (!this.#read(frame)) return false;
    const topic = this.#parts.topics.get(this.#topic);
    const message = this.#message;
    if (topic === undefined || message.queueId < 0 || message.queueId >= topic.queueNums) return false;
    const peer = peerOf(connection);
    message.topic = this.#topic;
    message.bornHost = peer.hostBytes;
    message.bornPort = peer.port;
    message.body = frame.bytes;
    message.bodyStart = frame.bodyStart;
    message.bodyEnd = frame.bodyEnd;
    if (!this.#append()) return false;
    this.#parts.stats.countPut(this.#topic, 1, this.#result.sizeBytes);
    this.#await(frame, connection);
    return true;
  };

  /** Whether the store has taken the message. A queue that cannot be read has changed nothing: the general path tells why. */
  #append(): boolean {
    try {
      return this.#parts.store.append(this.#message, this.#result) === PutStatus.PUT_OK;
    } catch (error) {
      if (error instanceof WorldError) return false;
      throw error;
    }
  }

  #await(frame: Frame, connection: Connection): void {
    const send = this.#pool.pop() ?? new PendingSend(this.#settled);
    const properties = this.#properties;
    send.connection = connection;
    send.opaque = this.#scanner.opaque;
    send.serialize = frame.serialize;
    send.oneway = (this.#scanner.flag & FLAG_ONEWAY) !== 0;
    send.queueId = this.#message.queueId;
    send.queueOffset = this.#result.queueOffset;
    send.physicalOffset = this.#result.physicalOffset;
    send.uniqueKeySize = properties.uniqueKeyEnd - properties.uniqueKeyStart;
    for (let i = 0; i < send.uniqueKeySize; i++) {
      send.uniqueKey[i] = this.#message.properties[properties.uniqueKeyStart + i]!;
    }
    this.#parts.store.whenSafe(this.#result.endOffset, properties.waits, send);
  }

  readonly #settled = (send: PendingSend, status: PutStatus): void => {
    const code = storedCode(status);
    if (code < 0) this.#parts.refused(send, status);
    else if (!send.oneway) this.#parts.reply.write(send, code);
    if (this.#pool.length < POOL_MAX) this.#pool.push(send);
  };

  /** Reads the header into the message; false when the request is not for this path. */
  #read(frame: Frame): boolean {
    const s = this.#scanner;
    const m = this.#message;
    let seen = 0;
    s.start(frame);
    while (s.next()) {
      if (s.nameEnd - s.nameStart !== 1) continue; // fields that any request may carry
      switch (s.bytes[s.nameStart]) {
        case 0x61: // a: producerGroup
          if (s.valueEnd === s.valueStart) return false; // in a binary header: absent
          seen |= 64;
          break;
        case 0x63: // c: defaultTopic
          if (s.valueEnd === s.valueStart) return false;
          seen |= 128;
          break;
        case 0x64: // d: defaultTopicQueueNums
          this.#int();
          seen |= 256;
          break;
        case 0x62: // b: topic
          if (s.escaped) return false;
          this.#topic = this.#parts.names.text(s.bytes, s.valueStart, s.valueEnd);
          seen |= 1;
          break;
        case 0x65: // e: queueId
          m.queueId = this.#int();
          seen |= 2;
          break;
        case 0x66: // f: sysFlag
          m.sysFlag = this.#int();
          seen |= 4;
          break;
        case 0x67: // g: bornTimestamp
          m.bornTimestamp = s.integer();
          seen |= 8;
          break;
        case 0x68: // h: flag
          m.flag = this.#int();
          seen |= 16;
          break;
        case 0x69: // i: properties
          if (!this.#propertyString()) return false;
          seen |= 32;
          break;
        case 0x6a: // j: reconsumeTimes
          if (this.#int() !== 0) return false;
          break;
        case 0x6c: // l: maxReconsumeTimes, which counts for retry topics alone
          this.#int();
          break;
        case 0x6d: // m: batch
          if (s.isTrue()) return false;
          break;
      }
    }
    m.reconsumeTimes = 0;
    return seen === ALL_FIELDS && !s.failed && (s.flag & FLAG_RESPONSE) === 0 &&
      (m.sysFlag & (SysFlag.TRANSACTION_MASK | SysFlag.INNER_BATCH)) === 0 &&
      this.#scanProperties();
  }

  /** The value as 32 bits; one that has more is left to the general path, which refuses it. */
  #int(): number {
    const value = this.#scanner.integer();
    if (value === (value | 0)) return value | 0;
    this.#scanner.failed = true;
    return 0;
  }

  /** Takes the value of the field `i`: as it lies, or without JSON's escapes in the scratch buffer. */
  #propertyString(): boolean {
    const s = this.#scanner;
    const m = this.#message;
    if (!s.escaped) {
      m.properties = s.bytes;
      m.propertiesStart = s.valueStart;
      m.propertiesEnd = s.valueEnd;
      return true;
    }
    m.properties = this.#scratch;
    m.propertiesStart = 0;
    m.propertiesEnd = unescapeJson(s.bytes, s.valueStart, s.valueEnd, this.#scratch, 0);
    return m.propertiesEnd >= 0;
  }

  #scanProperties(): boolean {
    const m = this.#message;
    const found = this.#properties;
    if (!found.scan(m.properties, m.propertiesStart, m.propertiesEnd)) return false;
    m.tagsCode = extendHash(0, m.properties, found.tagsStart, found.tagsEnd);
    return true;
  }
}

/** Finds in a property string what the send path needs. */
class PropertyScan {
  tagsStart = 0;
  tagsEnd = 0;
  uniqueKeyStart = 0;
  uniqueKeyEnd = 0;
  /** Whether the producer wants to wait for the store's promise: property WAIT is absent or `true`. */
  waits = true;
  /** Hashes of the names so far. */
  readonly #names = new Int32Array(PROPERTIES_MAX);
  #count = 0;

  /**
   * False when the general path would store other bytes than these (a repeated name, an empty value, malformed UTF-8), when
   * the message has no plain unique key, or when a property makes it special.
   */
  scan(b: Uint8Array, start: number, end: number): boolean {
    this.tagsStart =
      this.tagsEnd =
      this.uniqueKeyStart =
      this.uniqueKeyEnd =
        0;
    this.waits = true;
    this.#count = 0;
    let bits = 0; // all bytes or'ed
    for (let at = start; at < end;) {
      let hash = 0;
      let nameEnd = at;
      for (; nameEnd < end && b[nameEnd]! > 2; nameEnd++) {
        bits |= b[nameEnd]!;
        hash = (Math.imul(hash, 31) + b[nameEnd]!) | 0;
      }
      if (nameEnd === at || nameEnd >= end || b[nameEnd] !== 1) return false; // no pair
      let valueEnd = nameEnd + 1;
      for (; valueEnd < end && b[valueEnd] !== 2; valueEnd++) bits |= b[valueEnd]!;
      if (valueEnd === nameEnd + 1 || !this.#isNew(hash) || !this.#pair(b, at, nameEnd, valueEnd)) return false;
      at = valueEnd + 1;
    }
    const size = this.uniqueKeyEnd - this.uniqueKeyStart;
    return size > 0 && size <= UNIQUE_KEY_SIZE_MAX && isPlain(b, this.uniqueKeyStart, this.uniqueKeyEnd) &&
      (bits < 128 || isUtf8(b, start, end));
  }

  /** Whether no name before had this hash (two names that only share it take the general path for nothing). */
  #isNew(hash: number): boolean {
    const names = this.#names;
    for (let i = 0; i < this.#count; i++) if (names[i] === hash) return false;
    if (this.#count === PROPERTIES_MAX) return false;
    names[this.#count++] = hash;
    return true;
  }

  #pair(b: Uint8Array, start: number, nameEnd: number, valueEnd: number): boolean {
    switch (b[start]) {
      case 0x54: // T
        if (is(b, start, nameEnd, TAGS)) {
          this.tagsStart = nameEnd + 1;
          this.tagsEnd = valueEnd;
          return true;
        }
        break;
      case 0x55: // U
        if (is(b, start, nameEnd, UNIQ_KEY)) {
          this.uniqueKeyStart = nameEnd + 1;
          this.uniqueKeyEnd = valueEnd;
          return true;
        }
        break;
      case 0x57: // W
        if (is(b, start, nameEnd, WAIT)) {
          this.waits = waitsFor(b, nameEnd + 1, valueEnd);
          return true;
        }
        break;
      case 0x4b: // K
        if (is(b, start, nameEnd, KEYS)) return true;
        break;
    }
    return !isSpecial(b, start, nameEnd);
  }
}

const encoder = new TextEncoder();
const TAGS = encoder.encode(Property.TAGS);
const UNIQ_KEY = encoder.encode(Property.UNIQ_KEY);
const WAIT = encoder.encode(Property.WAIT);
const KEYS = encoder.encode(Property.KEYS);
const TRUE = encoder.encode("true");
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Properties that the broker acts upon or sets itself. */
const SPECIAL = [
  Property.DELAY,
  Property.TRAN_MSG,
  Property.TIMER_DELAY_SEC,
  Property.TIMER_DELAY_MS,
  Property.TIMER_DELIVER_MS,
  Property.TIMER_DEL_UNIQKEY,
  Property.POP_CK,
  Property.INNER_MULTI_DISPATCH,
  Property.INNER_NUM,
  Property.PRIORITY,
  Property.CLUSTER,
  Property.MSG_REGION,
  Property.TRACE_ON,
  Property.CRC32,
].map((name) => encoder.encode(name));
/** First letters of {@linkcode SPECIAL}. */
const SPECIAL_FIRST = new Uint8Array(256);
for (const name of SPECIAL) SPECIAL_FIRST[name[0]!] = 1;

function isSpecial(b: Uint8Array, start: number, end: number): boolean {
  if (SPECIAL_FIRST[b[start]!] === 0) return false;
  return SPECIAL.some((name) => is(b, start, end, name));
}

function is(b: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (b[start + i] !== word[i]) return false;
  return true;
}

/** Whether a WAIT property says `true`, in any case of letters. */
function waitsFor(b: Uint8Array, start: number, end: number): boolean {
  if (end - start !== TRUE.length) return false;
  for (let i = 0; i < TRUE.length; i++) if ((b[start + i]! | 0x20) !== TRUE[i]) return false;
  return true;
}

function isUtf8(b: Uint8Array, start: number, end: number): boolean {
  try {
    strictDecoder.decode(b.subarray(start, end));
    return true;
  } catch {
    return false;
  }
}

/** Printable ASCII without quote and backslash: can stand in a JSON string as it is. */
function isPlain(b: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = b[i]!;
    if (c < 0x20 || c > 0x7e || c === 0x22 || c === 0x5c) return false;
  }
  return true;
}
