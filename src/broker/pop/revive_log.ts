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
 * Everything is written to queue 0. Other queues are read, for a broker of another make may have used them.
 *
 * RocketMQ counterpart: `PopReviveService`, which only learns from this log what is in flight when it is due.
 *
 * @module
 */
import type { Log } from "../../common/log.ts";
import { type AppendResult, type MessageStore, PullResult, PullStatus, PutStatus } from "../../store/store.ts";
import { brokerMessage, type MessagePut } from "../message_put.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { PeerHost } from "../peer.ts";
import { readStoredMessages } from "../stored_message.ts";
import type { Checkpoint, CheckpointFields, InFlightTable } from "./in_flight.ts";
import {
  ackMessage,
  checkpointMessage,
  readReviveRecord,
  type ReviveAck,
  type ReviveMessage,
  type ReviveRecord,
} from "./revive_record.ts";

/** The group in whose name the log is read. */
export const REVIVE_GROUP = "CID_RMQ_SYS_REVIVE_GROUP";
/** The queue that is written. */
const QUEUE_ID = 0;
/** Records between the oldest that is needed and the end which are never worth writing anything again. */
const SLACK_RECORDS = 1024;
/** The log may hold so many records for each checkpoint. */
const RECORDS_PER_CHECKPOINT = 8;
const BATCH = 64;
const BATCH_BYTES_MAX = 1048576;

/** What the log is made of. */
export interface ReviveLogParts {
  readonly store: Pick<MessageStore, "queue" | "queuesOf" | "minOffset" | "maxOffset" | "pull" | "load" | "problem">;
  readonly put: Pick<MessagePut, "putAsIs">;
  readonly offsets: Pick<ConsumerOffsets, "query" | "commit">;
  readonly table: InFlightTable;
  readonly log: Log;
  /** The revive topic, and this broker's name in its records. */
  readonly topic: string;
  readonly brokerName: string;
  readonly host: PeerHost;
  now(): number;
}

/** The log; see the module's text. */
export class ReviveLog {
  readonly #parts: ReviveLogParts;
  /** One beyond the last record that was read or written. */
  #end = 0;
  /** Where the commitlog ended after the last record. */
  #endPhysical = 0;

  constructor(parts: ReviveLogParts) {
    this.#parts = parts;
  }

  /** Physical offset at which the last record ends: what was done so far is as safe as the log below it. */
  get endPhysical(): number {
    return this.#endPhysical;
  }

  /** Records between the first that is needed and the end. */
  get length(): number {
    return this.#end - this.startOffset;
  }

  /** The first record that is needed. */
  get startOffset(): number {
    return this.#parts.table.oldest()?.logOffset ?? this.#end;
  }

  /** Fills the table with what is in flight. To be called once, before anything else. */
  async replay(): Promise<void> {
    const { store, topic, table } = this.#parts;
    const foreign: { queueId: number; end: number }[] = [];
    let records = 0;
    for (const { queueId } of store.queuesOf(topic)) {
      const read = await this.#replayQueue(queueId);
      records += read.count;
      if (queueId === QUEUE_ID) this.#end = read.end;
      else foreign.push({ queueId, end: read.end });
    }
    for (const { queueId, end } of foreign) this.#adopt(queueId, end);
    if (records > 0) this.#parts.log.info(`${records} records read, ${table.messageCount} popped messages in flight`);
  }

  /**
   * Writes a checkpoint and puts it into the table.
   * @returns null when the store refuses it: nothing has changed.
   */
  checkpoint(fields: CheckpointFields): Checkpoint | null {
    const result = this.#append(checkpointMessage(fields, this.#parts.brokerName));
    if (result === null) return null;
    const checkpoint = this.#parts.table.add(fields, result.queueOffset);
    this.#rewriteOldest();
    return checkpoint;
  }

  /**
   * Writes that messages of a checkpoint are done with, and takes them from the table.
   * @param offsets must be in the checkpoint.
   * @returns null when the store refuses it: nothing has changed.
   */
  done(checkpoint: Checkpoint, offsets: readonly number[]): AppendResult | null {
    const { queue, startOffset, popTimeMs } = checkpoint;
    const result = this.#append(ackMessage({ queue, startOffset, popTimeMs, offsets }, this.#parts.brokerName));
    if (result === null) return null;
    for (const offset of offsets) this.#parts.table.remove(checkpoint, offset);
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
    return this.#append(ackMessage(ack, this.#parts.brokerName));
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
    this.#end = result.queueOffset + 1;
    this.#endPhysical = result.endOffset;
    return result;
  }

  /** Keeps the needed part of the log short; see the module's text. */
  #rewriteOldest(): void {
    const { table, brokerName } = this.#parts;
    const oldest = table.oldest();
    if (oldest === undefined) return;
    if (this.length <= SLACK_RECORDS + RECORDS_PER_CHECKPOINT * table.checkpointCount) return;
    const result = this.#append(checkpointMessage(oldest, brokerName));
    if (result !== null) table.rewritten(oldest, result.queueOffset);
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
        if (record !== null) this.#apply(record, stored.queueOffset);
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
  #adopt(queueId: number, end: number): void {
    const { table, offsets, topic, brokerName } = this.#parts;
    if (offsets.query(REVIVE_GROUP, topic, queueId) === end) return;
    // Positions of different queues cannot be compared: everything is written again, once.
    for (const queue of table.queues) {
      for (const checkpoint of new Set(queue.inFlight.values())) {
        const result = this.#append(checkpointMessage(checkpoint, brokerName));
        if (result === null) return;
        table.rewritten(checkpoint, result.queueOffset);
      }
    }
    offsets.commit(REVIVE_GROUP, topic, queueId, end, "adoption of the revive log");
  }
}
