/**
 * The append path: checks a message, gives it its place in log and queue, makes its record at the log's tail, its unit and
 * its index entries; all in memory, all in the turn under way. {@linkcode Appender.commit} writes the turn, {@linkcode
 * Appender.rollBack} undoes it as if it had never been.
 *
 * RocketMQ counterpart: `CommitLog#asyncPutMessage`, `DefaultAppendMessageCallback`, `MessageExtEncoder`.
 *
 * @module
 */
import { concatBytes, EMPTY, getI16, getI32 } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { extendHash, PROPERTIES_SIZE_MAX } from "../protocol/message.ts";
import {
  encodeRecord,
  recordSize,
  type RecordStamp,
  type RecordView,
  storedPropertiesSize,
} from "../protocol/record.ts";
import { putRecordCrc, RECORD_CRC_PLACEHOLDER } from "../protocol/record_crc.ts";
import { AppendMessage, type AppendResult, PutStatus } from "./append_message.ts";
import type { Commitlog } from "./commitlog.ts";
import type { Consumequeue } from "./consumequeue.ts";
import { indexKeys, isIndexed, isQueued, PropertyPlaces } from "./dispatch.ts";
import { LogCopy } from "./log_copy.ts";
import type { MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";
import type { TopicEntry } from "./topic_entry.ts";

/** What a record may have beyond the largest body. Source: RocketMQ `MessageExtEncoder`. */
const RECORD_OVERHEAD_MAX = 64 * 1024;
/** Bytes of a batch item before its body, and of its properties' length. */
const BATCH_ITEM_HEAD = 20;
const BATCH_PROPERTIES_HEAD = 2;

const VALUE_END = 2;
const VALUE_END_BYTES = new Uint8Array([VALUE_END]);

/** What the appender works on. */
export interface AppenderParts {
  readonly log: Commitlog;
  readonly queues: QueueTable;
  /** Null where keys are not indexed. */
  readonly index: MessageIndex | null;
  readonly clock: Clock;
  readonly storeHost: Uint8Array;
  readonly storePort: number;
  readonly maxMessageSize: number;
  /** Whether records end with a CRC over all of it. */
  readonly appendsRecordCrc: boolean;
}

/** The append path. */
export class Appender {
  /** Why the last append was refused, where the status alone does not say. */
  problem = "";
  /** Store time of the turn under way, or of the last one. */
  turnTime = 0;
  /** The last record written, −1 for none; of the turn under way while there is one. */
  lastRecordOffset = -1;
  readonly #parts: AppenderParts;
  readonly #stamp: RecordStamp;
  readonly #places = new PropertyPlaces();
  readonly #copy: LogCopy;
  /** One message of a batch. */
  readonly #item = new AppendMessage();
  /** The last property suffix that was given, and the same with room for a record's CRC. */
  #suffix: Uint8Array = EMPTY;
  #suffixWithCrc: Uint8Array = RECORD_CRC_PLACEHOLDER;
  #touched: Consumequeue[] = [];
  #lastCommittedRecord = -1;
  #hasTurn = false;

  /** Appends to the parts from where they are. */
  constructor(parts: AppenderParts) {
    this.#parts = parts;
    this.#copy = new LogCopy(parts.log);
    this.#stamp = {
      topic: EMPTY,
      queueOffset: 0,
      physicalOffset: 0,
      storeTimestamp: 0,
      storeHost: parts.storeHost,
      storePort: parts.storePort,
    };
  }

  /** Whether a turn is under way. */
  get hasTurn(): boolean {
    return this.#hasTurn;
  }

  /** The last record of the turns that are written, −1 for none. */
  get lastWrittenRecord(): number {
    return this.#lastCommittedRecord;
  }

  /** Recovery says which record is the last. */
  openAt(lastRecordOffset: number, lastStoreTimestamp: number): void {
    this.lastRecordOffset = this.#lastCommittedRecord = lastRecordOffset;
    this.turnTime = lastStoreTimestamp;
  }

  /** Adds one message to the turn. @throws {CorruptError} when the queue's files cannot be understood. */
  append(message: AppendMessage, out: AppendResult): PutStatus {
    if (!this.#parts.appendsRecordCrc) return this.#append(message, out);
    const suffix = message.propertiesSuffix;
    message.propertiesSuffix = this.#withCrc(suffix);
    try {
      return this.#append(message, out);
    } finally {
      message.propertiesSuffix = suffix;
    }
  }

  /** A property suffix with room for a record's CRC behind it. */
  #withCrc(suffix: Uint8Array): Uint8Array {
    if (suffix === this.#suffix) return this.#suffixWithCrc;
    this.#suffix = suffix;
    const separator = suffix.length === 0 || suffix.at(-1) === VALUE_END ? EMPTY : VALUE_END_BYTES;
    return this.#suffixWithCrc = concatBytes([suffix, separator, RECORD_CRC_PLACEHOLDER]);
  }

  #append(message: AppendMessage, out: AppendResult): PutStatus {
    const { log, queues } = this.#parts;
    const entry = queues.entry(message.topic);
    const size = recordSize(message, entry.bytes.length, this.#parts.storeHost.length);
    const status = this.#check(message, entry, size);
    if (status !== PutStatus.PUT_OK) return status;
    const queue = isQueued(message.sysFlag) ? queues.make(entry, message.queueId) : null;
    if (!this.#startGroup(size)) return PutStatus.CREATE_MAPPED_FILE_FAILED;
    out.physicalOffset = log.tail;
    out.queueOffset = queue === null ? 0 : queue.nextOffset;
    this.#put(message, entry, queue, size);
    out.sizeBytes = size;
    out.endOffset = log.tail;
    out.storeTimestamp = this.turnTime;
    out.count = 1;
    return PutStatus.PUT_OK;
  }

  /** Adds all messages of a batch body to the turn, or none. @throws {CorruptError} as {@linkcode append}. */
  appendBatch(message: AppendMessage, out: AppendResult): PutStatus {
    const { log, queues, maxMessageSize } = this.#parts;
    const entry = queues.entry(message.topic);
    const item = this.#startBatch(message);
    let groupSize = 0;
    let count = 0;
    for (let at = message.bodyStart; at < message.bodyEnd; count++) {
      at = this.#readItem(message, at);
      if (at < 0) return PutStatus.MESSAGE_ILLEGAL;
      const size = recordSize(item, entry.bytes.length, this.#parts.storeHost.length);
      const status = this.#check(item, entry, size);
      if (status !== PutStatus.PUT_OK) return status;
      groupSize += size;
    }
    if (count === 0) return this.#illegal("the batch is empty");
    if (message.bodyEnd - message.bodyStart > maxMessageSize || groupSize > log.recordSizeMax) {
      return this.#illegal(`the batch has ${message.bodyEnd - message.bodyStart} bytes, more than ${maxMessageSize}`);
    }
    const queue = isQueued(message.sysFlag) ? queues.make(entry, message.queueId) : null;
    if (!this.#startGroup(groupSize)) return PutStatus.CREATE_MAPPED_FILE_FAILED;
    out.physicalOffset = log.tail;
    out.queueOffset = queue === null ? 0 : queue.nextOffset;
    for (let at = message.bodyStart, i = 0; at < message.bodyEnd; i++) {
      at = this.#readItem(message, at);
      out.batchOffsets[i] = log.tail;
      this.#put(item, entry, queue, recordSize(item, entry.bytes.length, this.#parts.storeHost.length), true);
    }
    out.sizeBytes = groupSize;
    out.endOffset = log.tail;
    out.storeTimestamp = this.turnTime;
    out.count = count;
    return PutStatus.PUT_OK;
  }

  /**
   * Makes sure that records of so many bytes in all, appended next in this turn, need no new segment: where one cannot be made,
   * the first of them is refused, and not only a later one.
   */
  reserve(sizeBytes: number): PutStatus {
    const { log } = this.#parts;
    return this.#startGroup(Math.min(sizeBytes, log.recordSizeMax))
      ? PutStatus.PUT_OK
      : PutStatus.CREATE_MAPPED_FILE_FAILED;
  }

  /** What is copied next: a stretch of another log, at its offset there, which is the tail here. */
  startCopy(bytes: Uint8Array, offset: number): void {
    this.#copy.start(bytes, offset);
  }

  /** Copies `size` bytes of the stretch that are no record. @throws {DiskError} when no segment can be made. */
  copyRaw(size: number): void {
    this.#copy.take(size);
    this.#hasTurn = true;
  }

  /**
   * Copies the stretch's next record, and makes unit and index entries as that store did.
   *
   * @param queue its queue, at the record's queue offset; null when it is in none.
   * @param tagsCode what the unit carries. @param places of its properties.
   * @throws {DiskError} when no segment can be made.
   */
  copyRecord(
    view: RecordView,
    entry: TopicEntry,
    queue: Consumequeue | null,
    tagsCode: number,
    places: PropertyPlaces,
  ): void {
    const { index } = this.#parts;
    this.#copy.take(view.size);
    this.#hasTurn = true;
    this.turnTime = view.storeTimestamp;
    this.lastRecordOffset = view.physicalOffset;
    if (queue !== null) {
      if (queue.nextOffset === queue.committed) this.#touched.push(queue);
      queue.push(view.physicalOffset, view.size, tagsCode);
    }
    if (index !== null && isIndexed(view.sysFlag)) {
      indexKeys(index, entry, view.bytes, places, view.physicalOffset, view.storeTimestamp);
    }
  }

  /** Writes the turn and returns the queues it touched. @throws {DiskError} then {@linkcode rollBack}. */
  commit(): Consumequeue[] {
    this.#parts.log.commit();
    const touched = this.#touched;
    this.#touched = [];
    this.#hasTurn = false;
    this.#lastCommittedRecord = this.lastRecordOffset;
    for (const queue of touched) {
      queue.committed = queue.nextOffset;
      queue.usedAtMs = this.turnTime;
      this.#parts.queues.markDirty(queue);
    }
    return touched;
  }

  /** Undoes the turn. */
  rollBack(): void {
    this.#parts.log.rollBack();
    this.#parts.index?.dropTurn();
    for (const queue of this.#touched) queue.rollBack();
    this.#touched = [];
    this.#hasTurn = false;
    this.lastRecordOffset = this.#lastCommittedRecord;
  }

  #startGroup(size: number): boolean {
    if (!this.#hasTurn) {
      this.#hasTurn = true;
      this.turnTime = this.#parts.clock.now();
    }
    try {
      this.#parts.log.startGroup(size);
      return true;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  /** Makes record, unit and index entries of a message that was checked and has room. */
  #put(m: AppendMessage, entry: TopicEntry, queue: Consumequeue | null, size: number, isBatch = false): void {
    const { log, index } = this.#parts;
    const stamp = this.#stamp;
    const physicalOffset = log.tail;
    stamp.topic = entry.bytes;
    stamp.queueOffset = queue === null ? 0 : queue.nextOffset;
    stamp.physicalOffset = physicalOffset;
    stamp.storeTimestamp = this.turnTime;
    const chunk = log.room(size);
    encodeRecord(chunk.bytes, physicalOffset - chunk.start, size, m, stamp);
    if (this.#parts.appendsRecordCrc) putRecordCrc(chunk.bytes, physicalOffset - chunk.start, size);
    log.advance(chunk, size);
    this.lastRecordOffset = physicalOffset;
    const places = this.#places;
    if (index !== null || isBatch) places.scan(m.properties, m.propertiesStart, m.propertiesEnd);
    if (queue !== null) {
      if (queue.nextOffset === queue.committed) this.#touched.push(queue);
      let tagsCode = m.tagsCode;
      if (m.deliverDelayMs >= 0) tagsCode = this.turnTime + m.deliverDelayMs;
      else if (isBatch) {
        tagsCode = places.tagsStart < 0 ? 0 : extendHash(0, m.properties, places.tagsStart, places.tagsEnd);
      }
      queue.push(physicalOffset, size, tagsCode);
    }
    if (index !== null && isIndexed(m.sysFlag)) {
      indexKeys(index, entry, m.properties, places, physicalOffset, this.turnTime);
    }
  }

  #check(m: AppendMessage, entry: TopicEntry, size: number): PutStatus {
    const { log, maxMessageSize } = this.#parts;
    if (!entry.isLegal) return this.#illegal(`the topic has ${entry.bytes.length} bytes`);
    if (storedPropertiesSize(m) > PROPERTIES_SIZE_MAX) {
      this.problem = `the properties have ${storedPropertiesSize(m)} bytes, more than ${PROPERTIES_SIZE_MAX}`;
      return PutStatus.PROPERTIES_SIZE_EXCEEDED;
    }
    const bodySize = m.bodyEnd - m.bodyStart;
    if (bodySize > maxMessageSize) return this.#illegal(`the body has ${bodySize} bytes, more than ${maxMessageSize}`);
    if (size > maxMessageSize + RECORD_OVERHEAD_MAX || size > log.recordSizeMax) {
      return this.#illegal(`the record has ${size} bytes`);
    }
    return PutStatus.PUT_OK;
  }

  #illegal(problem: string): PutStatus {
    this.problem = problem;
    return PutStatus.MESSAGE_ILLEGAL;
  }

  /** Gives the batch's common fields to its messages. */
  #startBatch(m: AppendMessage): AppendMessage {
    const item = this.#item;
    item.queueId = m.queueId;
    item.sysFlag = m.sysFlag;
    item.bornTimestamp = m.bornTimestamp;
    item.bornHost = m.bornHost;
    item.bornPort = m.bornPort;
    item.reconsumeTimes = m.reconsumeTimes;
    item.preparedTransactionOffset = m.preparedTransactionOffset;
    item.body = item.properties = m.body;
    item.propertiesSuffix = this.#parts.appendsRecordCrc ? this.#withCrc(m.propertiesSuffix) : m.propertiesSuffix;
    item.deliverDelayMs = m.deliverDelayMs;
    return item;
  }

  /** Finds the parts of the batch item at `at`; returns where it ends, −1 when it makes no sense. */
  #readItem(m: AppendMessage, at: number): number {
    const item = this.#item;
    const b = m.body;
    const bodyStart = at + BATCH_ITEM_HEAD;
    if (bodyStart + BATCH_PROPERTIES_HEAD > m.bodyEnd) return this.#badItem(at - m.bodyStart, "is cut off");
    const size = getI32(b, at);
    item.flag = getI32(b, at + 12);
    item.bodyStart = bodyStart;
    item.bodyEnd = bodyStart + getI32(b, at + 16);
    item.propertiesStart = item.bodyEnd + BATCH_PROPERTIES_HEAD;
    if (item.bodyEnd < bodyStart || item.propertiesStart > m.bodyEnd) {
      return this.#badItem(at - m.bodyStart, "has no body");
    }
    item.propertiesEnd = item.propertiesStart + getI16(b, item.bodyEnd);
    if (
      item.propertiesEnd < item.propertiesStart || item.propertiesEnd > m.bodyEnd || item.propertiesEnd !== at + size
    ) {
      return this.#badItem(at - m.bodyStart, `says it has ${size} bytes`);
    }
    return item.propertiesEnd;
  }

  #badItem(position: number, what: string): number {
    this.problem = `the batch's message at ${position} ${what}`;
    return -1;
  }
}
