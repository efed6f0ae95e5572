/**
 * The revive log: every change of the table of what is in flight, as records of the revive topic. Since it lies in the
 * commitlog, it is as safe as the messages are, reaches slaves with them, and a crash leaves a beginning of it that matches
 * the beginning of everything else: a retry and the record that ends its checkpoint are written in one turn, in this order.
 *
 * The log is structured: a record is needed while its checkpoint has something left. When the oldest such record lies further
 * back than the table is large, it is written again with what is left, one with each new record. So what must be read at a
 * start is bounded by what is in flight, and never has to be written as a whole. Where to begin is the consumer offset of
 * `CID_RMQ_SYS_REVIVE_GROUP`, which slaves get with all others; beginning earlier does no harm.
 *
 * Everything is written to queue 0. What others write is read and written again here: a RocketMQ broker that had this store
 * spread its records over all queues, and through its timer some arrive long after it is gone, checkpoints before their
 * acknowledgements.
 *
 * The table is changed in the turn that appends the record. When the store takes this turn back, so does `TurnUndo` with the
 * table.
 *
 * RocketMQ counterpart: `PopReviveService`, which only learns from this log what is in flight when it is due.
 *
 * @module
 */
import { messageOf } from "../../common/errors.ts";
import type { Log } from "../../common/log.ts";
import { Property } from "../../protocol/message.ts";
import { type AppendResult, type MessageStore, PullResult, PullStatus, PutStatus } from "../../store/store.ts";
import { brokerMessage, type MessagePut, staysStored } from "../message_put.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { PeerHost } from "../peer.ts";
import { readStoredMessages, type StoredMessage } from "../stored_message.ts";
import type { Checkpoint, CheckpointFields, InFlightTable } from "./in_flight.ts";
import {
  ackMessage,
  checkpointMessage,
  readReviveRecord,
  type ReviveAck,
  type ReviveMessage,
  type ReviveRecord,
} from "./revive_record.ts";
import type { TurnUndo } from "./turn_undo.ts";

/** The group in whose name the log is read. */
export const REVIVE_GROUP = "CID_RMQ_SYS_REVIVE_GROUP";
/** The queue that is written. */
const QUEUE_ID = 0;
/** Records between the oldest that is needed and the end which are never worth writing anything again. */
const SLACK_RECORDS = 1024;
/** The log may hold so many records for each checkpoint. */
const RECORDS_PER_CHECKPOINT = 8;
/** A checkpoint that arrives late is given this time for its acknowledgements, which come after it. */
const FOREIGN_GRACE_MS = 3000;
/** In whose name offsets move, for the log. */
const WHO = "adoption of the revive log";
const BATCH = 64;
const BATCH_BYTES_MAX = 1048576;

/** What the log is made of. */
export interface ReviveLogParts {
  readonly store: Pick<
    MessageStore,
    "queue" | "queuesOf" | "minOffset" | "maxOffset" | "pull" | "load" | "problem" | "sync"
  >;
  readonly put: Pick<MessagePut, "putAsIs" | "safe">;
  readonly offsets: Pick<ConsumerOffsets, "query" | "commit">;
  readonly table: InFlightTable;
  readonly undo: Pick<TurnUndo, "add">;
  readonly log: Log;
  /** The revive topic, and this broker's name in its records. */
  readonly topic: string;
  readonly brokerName: string;
  readonly host: PeerHost;
  /** Wall clock, milliseconds. */
  now(): number;
  /** Called when records of others were taken over: something may be due first. */
  readonly onAdopted?: () => void;
}

/** Records `[from, to)` of a queue that others wrote. */
interface Gap {
  readonly queueId: number;
  readonly from: number;
  readonly to: number;
}

/** The log; see the module's text. */
export class ReviveLog {
  readonly #parts: ReviveLogParts;
  /** One beyond the last record that was read or written. */
  #end = 0;
  /** The last record that was written. */
  #last: AppendResult | null = null;
  /** Records of others that were not read yet, oldest first unless taking them over was taken back. */
  readonly #gaps: Gap[] = [];
  /** One beyond the last record that was seen of each other queue. */
  readonly #otherEnds = new Map<number, number>();
  #adopting: Promise<void> | null = null;
  /** Records that were taken back with their turn. */
  #takenBack = 0;
  #stopped = false;

  constructor(parts: ReviveLogParts) {
    this.#parts = parts;
  }

  /** Physical offset at which the last record ends: what was done so far is as safe as the log below it. */
  get endPhysical(): number {
    return this.#last?.endOffset ?? 0;
  }

  /** Records between the first that is needed and the end. */
  get length(): number {
    return this.#end - this.startOffset;
  }

  /** The first record that is needed. */
  get startOffset(): number {
    const oldest = this.#parts.table.oldest()?.logOffset ?? this.#end;
    return this.#gaps.reduce(
      (start, { queueId, from }) => queueId === QUEUE_ID ? Math.min(start, from) : start,
      oldest,
    );
  }

  /** Fills the table with what is in flight. To be called once, before anything else. */
  async replay(): Promise<void> {
    const { store, topic, table } = this.#parts;
    let records = 0;
    for (const { queueId } of store.queuesOf(topic)) {
      const read = await this.#replayQueue(queueId);
      records += read.count;
      if (queueId === QUEUE_ID) this.#end = read.end;
      else this.#otherEnds.set(queueId, read.end);
    }
    for (const [queueId, end] of this.#otherEnds) await this.#adopt(queueId, end);
    if (records > 0) this.#parts.log.info(`${records} records read, ${table.messageCount} popped messages in flight`);
  }

  /**
   * Writes a checkpoint and puts it into the table.
   * @returns null when the store refuses it: nothing has changed.
   */
  checkpoint(fields: CheckpointFields): Checkpoint | null {
    const { table, undo, brokerName } = this.#parts;
    const result = this.#append(checkpointMessage(fields, brokerName));
    if (result === null) return null;
    const holders = new Map<number, Checkpoint>();
    const inFlight = table.queue(fields.queue).inFlight;
    for (const offset of fields.offsets) {
      const holder = inFlight.get(offset);
      if (holder !== undefined) holders.set(offset, holder);
    }
    const checkpoint = table.add(fields, result.queueOffset);
    undo.add(() => table.takeBack(checkpoint, holders));
    this.#rewriteOldest();
    return checkpoint;
  }

  /**
   * Writes that messages of a checkpoint are done with, and takes them from the table.
   * @param offsets must be in the checkpoint.
   * @returns null when the store refuses it: nothing has changed.
   */
  done(checkpoint: Checkpoint, offsets: readonly number[]): AppendResult | null {
    const { table, undo, brokerName } = this.#parts;
    const { queue, startOffset, popTimeMs } = checkpoint;
    const result = this.#append(ackMessage({ queue, startOffset, popTimeMs, offsets }, brokerName));
    if (result === null) return null;
    const removed = offsets.filter((offset) => table.remove(checkpoint, offset));
    undo.add(() => removed.forEach((offset) => table.restore(checkpoint, offset)));
    this.#rewriteOldest();
    return result;
  }

  /** Gives a message of a checkpoint to a new one, which becomes due at another time. Null when the store refuses it. */
  move(old: Checkpoint, offset: number, popTimeMs: number, invisibleTimeMs: number): AppendResult | null {
    const { queue, startOffset } = old;
    const fields = { queue, startOffset: offset, popTimeMs, invisibleTimeMs, offsets: [offset] };
    const ack: ReviveAck = { queue, startOffset, popTimeMs: old.popTimeMs, offsets: [offset] };
    if (this.checkpoint(fields) === null) return null;
    // For brokers that merge acknowledgements by checkpoint. Here the new checkpoint alone says it, and this is no loss.
    this.#append(ackMessage(ack, this.#parts.brokerName));
    return this.#last;
  }

  /** To be called when a queue of the revive topic has got a record, also an own one. */
  arrived(queueId: number): void {
    const to = this.#parts.store.maxOffset(this.#parts.topic, queueId);
    const from = queueId === QUEUE_ID ? this.#end : this.#otherEnds.get(queueId) ?? 0;
    if (to <= from) return;
    if (queueId === QUEUE_ID) this.#end = to;
    else this.#otherEnds.set(queueId, to);
    this.#addGap({ queueId, from, to });
  }

  /** Ends; resolves when nothing that others wrote is being taken over any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#adopting;
  }

  #append({ body, properties }: ReviveMessage): AppendResult | null {
    const { put, topic, host, log } = this.#parts;
    const bornTimestamp = this.#parts.now();
    const message = brokerMessage({ topic, queueId: QUEUE_ID, bornTimestamp, bornHost: host, body, properties });
    const { status, result } = put.putAsIs(message);
    if (status !== PutStatus.PUT_OK) {
      log.error(`Cannot write to the revive log: put status ${status}, ${this.#parts.store.problem()}`);
      return null;
    }
    this.#noteForUndo();
    if (result.queueOffset > this.#end) this.#addGap({ queueId: QUEUE_ID, from: this.#end, to: result.queueOffset });
    this.#end = result.queueOffset + 1;
    this.#last = result;
    return result;
  }

  #noteForUndo(): void {
    const end = this.#end;
    const last = this.#last;
    this.#parts.undo.add(() => {
      this.#end = end;
      this.#last = last;
      this.#takenBack++;
    });
  }

  #rewrite(checkpoint: Checkpoint): boolean {
    const { table, undo, brokerName } = this.#parts;
    const result = this.#append(checkpointMessage(checkpoint, brokerName));
    if (result === null) return false;
    const { logOffset } = checkpoint;
    table.rewritten(checkpoint, result.queueOffset);
    undo.add(() => table.notRewritten(checkpoint, logOffset));
    return true;
  }

  /** Keeps the needed part of the log short; see the module's text. */
  #rewriteOldest(): void {
    const { table } = this.#parts;
    const oldest = table.oldest();
    if (oldest === undefined) return;
    if (this.length > SLACK_RECORDS + RECORDS_PER_CHECKPOINT * table.checkpointCount) this.#rewrite(oldest);
  }

  async #replayQueue(queueId: number): Promise<{ count: number; end: number }> {
    const { offsets, store, topic } = this.#parts;
    const max = store.maxOffset(topic, queueId);
    const stored = offsets.query(REVIVE_GROUP, topic, queueId);
    let end = Math.min(Math.max(0, stored, store.minOffset(topic, queueId)), max);
    let count = 0;
    for (;;) {
      const records = await this.#read(queueId, end);
      if (records.length === 0) return { count, end: Math.max(end, max) };
      for (const stored of records) {
        const record = readReviveRecord(stored);
        if (record !== null) this.#apply(withGrace(record, stored, this.#parts.now()), stored.queueOffset);
        end = stored.queueOffset + 1;
        count++;
      }
    }
  }

  async #read(queueId: number, offset: number) {
    const { store, topic } = this.#parts;
    const result = new PullResult();
    for (;;) {
      const status = store.pull(store.queue(topic, queueId), offset, BATCH, BATCH_BYTES_MAX, null, result);
      if (status === PullStatus.FOUND) return readStoredMessages(result.parts);
      if (status !== PullStatus.PENDING) return [];
      await store.load([...result.missing]);
    }
  }

  #apply(record: ReviveRecord, logOffset: number): void {
    const { table } = this.#parts;
    if (record.kind === "ack") {
      const { queue, popTimeMs, offsets } = record.ack;
      for (const offset of offsets) {
        const checkpoint = table.holder(queue, offset, popTimeMs);
        if (checkpoint !== undefined) table.remove(checkpoint, offset);
      }
      return;
    }
    if (record.checkpoint.offsets.length > 0) table.add(record.checkpoint, logOffset);
  }

  /** Takes over what another broker wrote to a queue that is not used here: writes it again where it is. */
  async #adopt(queueId: number, end: number): Promise<void> {
    const { table, offsets, topic } = this.#parts;
    if (offsets.query(REVIVE_GROUP, topic, queueId) === end) return;
    // Positions of different queues cannot be compared: everything is written again, once.
    for (const queue of table.queues) {
      for (const checkpoint of new Set(queue.inFlight.values())) {
        if (!this.#rewrite(checkpoint)) return;
      }
    }
    await this.#commitOther(queueId, end);
  }

  #addGap(gap: Gap): void {
    this.#gaps.push(gap);
    this.#adopting ??= this.#takeGaps();
  }

  async #takeGaps(): Promise<void> {
    // The record before which the gap was found is to be in the table first.
    await undefined;
    for (let gap = this.#gaps[0]; gap !== undefined; gap = this.#gaps[0]) {
      try {
        if (!await this.#takeGap(gap)) break;
      } catch (error) {
        this.#parts.log.error(
          `Cannot read the revive log's queue ${gap.queueId} from ${gap.from} on: ${messageOf(error)}`,
        );
        break;
      }
      this.#gaps.shift();
    }
    this.#adopting = null;
  }

  async #takeGap(gap: Gap): Promise<boolean> {
    const { queueId, from, to } = gap;
    const takenBack = this.#takenBack;
    for (let offset = from; offset < to;) {
      const records = (await this.#read(queueId, offset)).filter(({ queueOffset }) => queueOffset < to);
      if (records.length === 0) break;
      for (const stored of records) {
        const record = readReviveRecord(stored);
        if (record !== null && !this.#take(record)) return false;
        offset = stored.queueOffset + 1;
      }
    }
    if (this.#takenBack !== takenBack) return false;
    if (queueId === QUEUE_ID) this.#parts.undo.add(() => this.#gaps.push(gap));
    else if (!await this.#commitOther(queueId, to)) return false;
    this.#parts.onAdopted?.();
    return true;
  }

  /** A record that arrived from elsewhere; false when the store refuses to take it over. */
  #take(record: ReviveRecord): boolean {
    const { table } = this.#parts;
    if (record.kind === "checkpoint") {
      const { checkpoint } = record;
      if (checkpoint.offsets.length === 0) return true;
      const patienceMs = this.#parts.now() + FOREIGN_GRACE_MS - checkpoint.popTimeMs;
      const invisibleTimeMs = Math.max(checkpoint.invisibleTimeMs, patienceMs);
      return this.checkpoint({ ...checkpoint, invisibleTimeMs }) !== null;
    }
    const { queue, popTimeMs, offsets } = record.ack;
    return offsets.every((offset) => {
      const checkpoint = table.holder(queue, offset, popTimeMs);
      return checkpoint === undefined || this.done(checkpoint, [offset]) !== null;
    });
  }

  /**
   * Everything of another queue up to `end` is in the own one: says so when that is on the device and with the replicas, for
   * slaves copy the offset. False when it is not.
   */
  async #commitOther(queueId: number, end: number): Promise<boolean> {
    const { store, put, offsets, topic } = this.#parts;
    if (this.#last !== null && !await staysStored(put, this.#last, () => this.#stopped)) return false;
    await store.sync();
    offsets.commit(REVIVE_GROUP, topic, queueId, end, WHO);
    return true;
  }
}

/** A record that came through a RocketMQ broker's timer: what acknowledges it may still be on its way. */
function withGrace(record: ReviveRecord, { properties }: StoredMessage, nowMs: number): ReviveRecord {
  if (record.kind === "ack" || !TIMER_MARKS.some((name) => properties.has(name))) return record;
  const { checkpoint } = record;
  const invisibleTimeMs = Math.max(checkpoint.invisibleTimeMs, nowMs + FOREIGN_GRACE_MS - checkpoint.popTimeMs);
  return { kind: "checkpoint", checkpoint: { ...checkpoint, invisibleTimeMs } };
}

const TIMER_MARKS = [Property.TIMER_DELIVER_MS, Property.TIMER_OUT_MS];
