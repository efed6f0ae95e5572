/**
 * The send path of ordinary messages, from the frame's bytes to the store without objects, strings or copies in between.
 * It takes a request only when nothing about it is special: one message with a unique key (SEND_MESSAGE_V2) or a batch
 * (SEND_BATCH_MESSAGE), to a queue that exists, of a topic that anybody may send to, with no property that the broker acts
 * upon. Everything else, and whatever the store refuses, goes to `handlers/send.ts`, which alone knows the checks and their
 * remarks.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import { WorldError } from "../common/errors.ts";
import type { Interner } from "../common/intern.ts";
import { extendHash, SysFlag } from "../protocol/message.ts";
import { FLAG_ONEWAY, FLAG_RESPONSE } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import type { Frame } from "../remoting/frame.ts";
import { HeaderScanner, unescapeJson } from "../remoting/header_scanner.ts";
import { AppendMessage, AppendResult, type MessageStore, PutStatus } from "../store/store.ts";
import type { FastTopics } from "./fast_topics.ts";
import { peerOf } from "./peer.ts";
import type { BrokerStats } from "./stats.ts";
import { PendingSend, type SendReplyWriter, storedCode } from "./send_reply.ts";
import { SendProperties } from "./send_properties.ts";

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

/** The fields a to h: those that a request must have. */
const ALL_FIELDS = 255;
/** Most {@link PendingSend} objects that are kept for the next send. */
const POOL_MAX = 4096;

/** Sends of ordinary messages; see the module's text. */
export class FastSend {
  readonly #parts: FastSendParts;
  readonly #scanner = new HeaderScanner();
  readonly #properties = new SendProperties();
  readonly #message = new AppendMessage();
  readonly #result = new AppendResult();
  readonly #scratch = new Uint8Array(65536);
  readonly #pool: PendingSend[] = [];
  #topic = "";
  /** Whether the request at hand has a batch for a body. */
  #isBatch = false;

  constructor(parts: FastSendParts) {
    this.#parts = parts;
  }

  /** The fast handler of SEND_MESSAGE_V2: takes the request, or returns false and has changed nothing. */
  readonly one = (frame: Frame, connection: Connection): boolean => this.#handle(frame, connection, false);

  /** The same of SEND_BATCH_MESSAGE. */
  readonly batch = (frame: Frame, connection: Connection): boolean => this.#handle(frame, connection, true);

  #handle(frame: Frame, connection: Connection, isBatch: boolean): boolean {
    if (!this.#read(frame, isBatch)) return false;
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
    // What the broker adds to a message, it does not add to those of a batch, as RocketMQ.
    message.propertiesSuffix = this.#isBatch ? EMPTY : this.#parts.propertiesSuffix;
    if (!this.#append()) return false;
    this.#parts.stats.countPut(this.#topic, this.#result.count, this.#result.sizeBytes);
    this.#await(frame, connection);
    return true;
  }

  /** Whether the store has taken the message. A queue that cannot be read has changed nothing: the general path tells why. */
  #append(): boolean {
    const { store } = this.#parts;
    const message = this.#message;
    const result = this.#result;
    try {
      return (this.#isBatch ? store.appendBatch(message, result) : store.append(message, result)) === PutStatus.PUT_OK;
    } catch (error) {
      if (error instanceof WorldError) return false;
      throw error;
    }
  }

  #await(frame: Frame, connection: Connection): void {
    const send = this.#pool.pop() ?? new PendingSend(this.#settled);
    const properties = this.#properties;
    const result = this.#result;
    send.connection = connection;
    send.opaque = this.#scanner.opaque;
    send.serialize = frame.serialize;
    send.oneway = (this.#scanner.flag & FLAG_ONEWAY) !== 0;
    send.queueId = this.#message.queueId;
    send.queueOffset = result.queueOffset;
    if (this.#isBatch) send.setOffsets(result.batchOffsets, result.count);
    else send.setOffset(result.physicalOffset);
    send.uniqueKeySize = properties.uniqueKeyEnd - properties.uniqueKeyStart;
    for (let i = 0; i < send.uniqueKeySize; i++) {
      send.uniqueKey[i] = this.#message.properties[properties.uniqueKeyStart + i]!;
    }
    this.#parts.store.whenSafe(result.endOffset, properties.waits, send);
  }

  readonly #settled = (send: PendingSend, status: PutStatus): void => {
    const code = storedCode(status);
    if (code < 0) this.#parts.refused(send, status);
    else if (!send.oneway) this.#parts.reply.write(send, code);
    if (this.#pool.length >= POOL_MAX) return;
    send.release();
    this.#pool.push(send);
  };

  /** Reads the header into the message; false when the request is not for this path. */
  #read(frame: Frame, isBatch: boolean): boolean {
    this.#isBatch = isBatch;
    const s = this.#scanner;
    const m = this.#message;
    m.propertiesStart = m.propertiesEnd = 0;
    let seen = 0;
    s.start(frame);
    while (s.next()) {
      if (s.nameEnd - s.nameStart !== 1) continue; // fields that any request may carry
      switch (s.bytes[s.nameStart]) {
        case 0x61: // a: producerGroup
          if (s.valueEnd === s.valueStart) return false;
          seen |= 32;
          break;
        case 0x63: // c: defaultTopic
          if (s.valueEnd === s.valueStart) return false;
          seen |= 64;
          break;
        case 0x64: // d: defaultTopicQueueNums
          this.#int();
          seen |= 128;
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
          break;
        case 0x6a: // j: reconsumeTimes
          if (this.#int() !== 0) return false;
          break;
        case 0x6c: // l: maxReconsumeTimes, which counts for retry topics alone
          this.#int();
          break;
        case 0x6d: // m: batch
          if (s.escaped) return false;
          this.#isBatch = isBatch || s.isTrue();
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
    if (this.#isBatch) return true; // each message has its own key and tags
    if (found.uniqueKeyEnd === found.uniqueKeyStart) return false;
    m.tagsCode = extendHash(0, m.properties, found.tagsStart, found.tagsEnd);
    return true;
  }
}
