/**
 * Halves of transactions, in RocketMQ's form: a prepared message waits in queue 0 of the half topic with its real topic and
 * queue in its properties; when its transaction has ended, a record of the op topic (tag `d`, body = its offset in the half
 * queue) says so. What lies below the half queue's consumer offset is done with.
 *
 * A half that has to wait on is stored again behind the others, so that the queue can move on. The copy takes the place of
 * the original, whose offset it carries in TRAN_PREPARED_QUEUE_OFFSET: whoever ends the transaction by the original's offset
 * ends the copy, and a transaction that has ended is not ended again. (RocketMQ forgets both, and then delivers a message
 * twice.) What is remembered of this is read from the two queues again after a restart, before anything can end.
 *
 * Invariants: `#ended` holds offsets of the half queue that have an op record and are not below the consumer offset yet;
 * `#copies` leads from an offset to the one that took its place, for all copies that are not below the consumer offset.
 *
 * RocketMQ counterpart: `TransactionalMessageBridge`, `TransactionalMessageServiceImpl`.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { Property, SysFlag } from "../protocol/message.ts";
import { type AppendResult, type MessageStore, PullResult, PullStatus, PutStatus } from "../store/store.ts";
import { type BrokerMessage, brokerMessage, type MessagePut, type PutOutcome, type PutRefusal } from "./message_put.ts";
import type { ConsumerOffsets } from "./offsets.ts";
import type { PeerHost } from "./peer.ts";
import { RecentOffsets } from "./recent_offsets.ts";
import { readStoredMessages, storedAgain, type StoredMessage } from "./stored_message.ts";
import { SystemTopic, TRANSACTION_GROUP } from "./system_topics.ts";

const HALF = SystemTopic.TRANS_HALF;
const OP = SystemTopic.TRANS_OP_HALF;
/** Both topics have this one queue. */
const QUEUE_ID = 0;
/** Tag of an op record. */
const REMOVE_TAG = "d";
/** Ends of transactions that are remembered at least, to recognise a second one. */
const RECENT_MIN = 65536;
const BATCH = 64;
const BATCH_BYTES_MAX = 1048576;
/** In whose name offsets move, for the log. */
const WHO = "transaction check";

/** An op record that says a half has ended. */
interface OpRecord {
  readonly opOffset: number;
  readonly halfOffset: number;
}

/** What halves are made of. */
export interface HalfMessagesParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly offsets: ConsumerOffsets;
  /** This broker's own address: the producer of op records. */
  readonly host: PeerHost;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The halves of a broker; see the module's text. */
export class HalfMessages {
  readonly #parts: HalfMessagesParts;
  readonly #ended = new Set<number>();
  readonly #copies = new Map<number, number>();
  /** Halves that ended lately, also below the consumer offset. */
  readonly #recent = new RecentOffsets(RECENT_MIN);
  /** Halves that were given up lately: they may still end. */
  readonly #givenUp = new RecentOffsets(RECENT_MIN);
  #loaded: Promise<void> | null = null;
  readonly #ops: OpRecord[] = [];
  /** Next op record that is not in {@linkcode #ops} yet. */
  #opsRead = 0;

  constructor(parts: HalfMessagesParts) {
    this.#parts = parts;
  }

  /** Sends a message that begins a transaction to the half topic; a rewriter of `MessagePut`. */
  readonly rewrite = (message: BrokerMessage): PutRefusal | null => {
    const { properties } = message;
    if (properties.get(Property.TRAN_MSG)?.toLowerCase() !== "true" || message.topic === HALF) return null;
    if ((message.sysFlag & SysFlag.TRANSACTION_MASK) === SysFlag.TRANSACTION_COMMIT) return null;
    const isDelayed = Number(properties.get(Property.DELAY) ?? 0) > 0;
    if (isDelayed && message.reconsumeTimes > 0) return null; // a retried message of clients before 4.6.1
    if (isDelayed || TIMER_PROPERTIES.some((name) => properties.has(name))) {
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark: "a transactional message cannot be delayed: send it without delay level and timer properties",
      };
    }
    properties.set(Property.REAL_TOPIC, message.topic);
    properties.set(Property.REAL_QID, String(message.queueId));
    properties.set(Property.TRANSACTION_ID, properties.get(Property.UNIQ_KEY) ?? "");
    message.sysFlag &= ~SysFlag.TRANSACTION_MASK;
    message.topic = HALF;
    message.queueId = QUEUE_ID;
    return null;
  };

  /** First half that may not have ended. */
  get offset(): number {
    const stored = Math.max(0, this.#parts.offsets.query(TRANSACTION_GROUP, HALF, QUEUE_ID));
    const queue = this.#parts.store.queue(HALF, QUEUE_ID);
    return queue === null ? stored : Math.min(Math.max(stored, queue.minOffset), queue.maxOffset);
  }

  /** Whether nothing is to be done with a half any more: it has ended, by itself or as the original, or has a copy. */
  isDone(half: StoredMessage): boolean {
    return this.#ended.has(half.queueOffset) || this.#isKnownEnded(originalOf(half)) ||
      this.#copies.has(half.queueOffset);
  }

  /** Whether an end of this half has been stored already. To be asked when {@linkcode load} has resolved. */
  isEnded(halfOffset: number): boolean {
    return this.#isKnownEnded(this.#newest(halfOffset));
  }

  /** Whether this half was dealt with long ago: it has ended, or was given up before this process. */
  isPast(halfOffset: number): boolean {
    return this.#newest(halfOffset) < this.offset && !this.#givenUp.has(halfOffset);
  }

  /** Remembers that a half was given up, so that it can still end. */
  noteGivenUp(half: StoredMessage): void {
    this.#givenUp.add(half.queueOffset);
    this.#givenUp.add(originalOf(half));
  }

  /** Reads once which halves have ended and which are copies of which. */
  load(): Promise<void> {
    this.#loaded ??= this.#load().catch((error) => {
      this.#loaded = null;
      throw error;
    });
    return this.#loaded;
  }

  /**
   * Has the queues read again: another broker has written to them (the master that this one followed), or what was noted
   * here in a turn was taken back with it.
   */
  forget(): void {
    this.#loaded = null;
    this.#ended.clear();
    this.#copies.clear();
    this.#recent.clear();
    this.#ops.length = 0;
    this.#opsRead = 0;
  }

  /**
   * Stores the record that a transaction has ended, in the same turn as whatever went before it. When that turn is taken
   * back, {@linkcode forget}.
   *
   * @returns where it is, null when the store refuses it.
   */
  end(halfOffset: number): AppendResult | null {
    let last: AppendResult | null = null;
    for (let offset: number | undefined = halfOffset; offset !== undefined; offset = this.#copies.get(offset)) {
      const outcome = this.#parts.put.putAsIs(this.#opMessage(offset));
      if (outcome.status !== PutStatus.PUT_OK) return null;
      last = outcome.result;
      this.#noteEnded({ opOffset: outcome.result.queueOffset, halfOffset: offset });
      this.#opsRead = Math.max(this.#opsRead, outcome.result.queueOffset + 1);
    }
    return last;
  }

  /** Stores a half again, behind the others. When that turn is taken back, {@linkcode forget}. */
  again(half: StoredMessage): PutOutcome {
    const properties = new Map(half.properties);
    properties.set(Property.TRAN_PREPARED_QUEUE_OFFSET, String(originalOf(half)));
    const outcome = this.#parts.put.putAsIs(storedAgain({ ...half, properties }, HALF, QUEUE_ID));
    if (outcome.status === PutStatus.PUT_OK) this.#copies.set(half.queueOffset, outcome.result.queueOffset);
    return outcome;
  }

  /** The halves from `offset` on, some at a time; empty at the end of the queue. */
  read(offset: number): Promise<StoredMessage[]> {
    return this.#read(HALF, offset);
  }

  /** Reads op records that were stored before this process, or by another one (a master that this broker followed). */
  async readOps(): Promise<void> {
    const stored = Math.max(0, this.#parts.offsets.query(TRANSACTION_GROUP, OP, QUEUE_ID));
    this.#opsRead = Math.max(this.#opsRead, stored, this.#parts.store.minOffset(OP, QUEUE_ID));
    for (;;) {
      const records = await this.#read(OP, this.#opsRead);
      if (records.length === 0) return;
      for (const record of records) this.#take(record);
    }
  }

  /** Everything below `offset` is done with: forgets it, and lets the op queue follow. */
  advance(offset: number): void {
    const { offsets } = this.#parts;
    if (offset === offsets.query(TRANSACTION_GROUP, HALF, QUEUE_ID)) return;
    offsets.commit(TRANSACTION_GROUP, HALF, QUEUE_ID, offset, WHO);
    let done = 0;
    while (done < this.#ops.length && this.#ops[done]!.halfOffset < offset) {
      this.#ended.delete(this.#ops[done++]!.halfOffset);
    }
    const next = this.#ops[done]?.opOffset ?? this.#opsRead;
    this.#ops.splice(0, done);
    // They were added in the order of the copies.
    for (const [original, copy] of this.#copies) {
      if (copy >= offset) break;
      this.#copies.delete(original);
    }
    offsets.commit(TRANSACTION_GROUP, OP, QUEUE_ID, next, WHO);
  }

  async #load(): Promise<void> {
    await this.readOps();
    const newest = new Map<number, number>();
    for (let offset = this.offset;;) {
      const halves = await this.#read(HALF, offset);
      if (halves.length === 0) return;
      for (const half of halves) {
        const original = originalOf(half);
        const before = newest.get(original) ?? original;
        if (before < half.queueOffset) this.#copies.set(before, half.queueOffset);
        newest.set(original, half.queueOffset);
        offset = half.queueOffset + 1;
      }
    }
  }

  #newest(halfOffset: number): number {
    let offset = halfOffset;
    for (let copy = this.#copies.get(offset); copy !== undefined; copy = this.#copies.get(offset)) offset = copy;
    return offset;
  }

  #isKnownEnded(halfOffset: number): boolean {
    return this.#ended.has(halfOffset) || this.#recent.has(halfOffset);
  }

  #opMessage(halfOffset: number): BrokerMessage {
    return brokerMessage({
      topic: OP,
      queueId: QUEUE_ID,
      bornTimestamp: this.#parts.now(),
      bornHost: this.#parts.host,
      body: utf8(String(halfOffset)),
      properties: new Map([[Property.TAGS, REMOVE_TAG]]),
    });
  }

  /** Takes an op record of either form: one offset (4.x), or several with commas (5.x). */
  #take(record: StoredMessage): void {
    this.#opsRead = record.queueOffset + 1;
    if (record.properties.get(Property.TAGS) !== REMOVE_TAG) return;
    for (const text of utf8Text(record.body).split(",")) {
      if (!/^\d+$/.test(text)) continue;
      this.#noteEnded({ opOffset: record.queueOffset, halfOffset: Number(text) });
    }
  }

  #noteEnded(op: OpRecord): void {
    this.#recent.add(op.halfOffset);
    this.#ended.add(op.halfOffset);
    this.#ops.push(op);
  }

  async #read(topic: string, offset: number): Promise<StoredMessage[]> {
    const { store } = this.#parts;
    const result = new PullResult();
    for (;;) {
      const status = store.pull(store.queue(topic, QUEUE_ID), offset, BATCH, BATCH_BYTES_MAX, null, result);
      if (status === PullStatus.FOUND) return readStoredMessages(result.parts);
      if (status !== PullStatus.PENDING) return [];
      await store.load([...result.missing]);
    }
  }
}

/** Offset of the half that the producer sent, of which this one may be a copy. */
function originalOf(half: StoredMessage): number {
  const original = half.properties.get(Property.TRAN_PREPARED_QUEUE_OFFSET);
  return original === undefined || !/^\d{1,15}$/.test(original) ? half.queueOffset : Number(original);
}

const TIMER_PROPERTIES = [Property.TIMER_DELAY_SEC, Property.TIMER_DELAY_MS, Property.TIMER_DELIVER_MS];
