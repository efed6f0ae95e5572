/**
 * Takes messages from queues for a group: reads from the group's position on, leaves out what is in flight already, and moves
 * the position. Ordered and unordered pops differ in who remembers what was taken: the order table, or the revive log.
 *
 * All of a try happens in one stretch of the event loop; data that must come from disk first makes it begin again.
 *
 * RocketMQ counterpart: `PopMessageProcessor#popMsgFromQueue`.
 *
 * @module
 */
import { getI64 } from "../../common/bytes.ts";
import { Property } from "../../protocol/message.ts";
import { RecordAt, RecordKind, RecordView } from "../../protocol/record.ts";
import { type MessageFilter, type MessageStore, type MissingBlock, PullResult, PullStatus } from "../../store/store.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import { encodeStored, readStoredMessage } from "../stored_message.ts";
import { RETRY_PREFIX } from "../system_topics.ts";
import type { InFlightTable, PopQueue } from "./in_flight.ts";
import type { OrderInfo } from "./order_info.ts";
import type { PopProgress } from "./progress.ts";
import { PopInfos, receiptText } from "./receipt.ts";
import type { ReviveLog } from "./revive_log.ts";

/** Reads of one queue that find only what is in flight already, before a pop gives up on it. */
const SKIPS_MAX = 32;

/** What reading needs. */
export interface PopReaderParts {
  readonly store: MessageStore;
  readonly offsets: ConsumerOffsets;
  readonly table: InFlightTable;
  readonly log: ReviveLog;
  readonly progress: PopProgress;
  readonly orders: OrderInfo;
  readonly settings: PopReaderSettings;
}

/** What reading must know of the configuration. */
export interface PopReaderSettings {
  readonly brokerName: string;
  /** Most bytes of messages in an answer. */
  readonly maxBytes: number;
  /** Messages that may be in flight of one queue of a group before it gives nothing more; Infinity for no limit. */
  inFlightMax(): number;
  /** Whether messages that come again are shown in their retry topic (`popResponseReturnActualRetryTopic`). */
  showsRetryTopic(): boolean;
  /** A group new to a queue that wants the newest begins at 0 when the queue's first message is within so many bytes. */
  readonly youngBytes: number;
}

/** Who pops, and how. */
export interface PopWish {
  readonly group: string;
  /** The topic that is subscribed to, under whose name messages are shown. */
  readonly topic: string;
  readonly maxMessages: number;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** Where a group that has no offset begins. */
  readonly begins: "MIN" | "MAX";
  readonly isOrdered: boolean;
  readonly attemptId: string | null;
  readonly filter: MessageFilter | null;
  /** Who asks, for the log. */
  readonly who: string;
}

/** What a pop got. Parts are views of store memory: valid until the turn ends. */
export class PopBatch {
  readonly parts: Uint8Array[] = [];
  readonly infos = new PopInfos();
  count = 0;
  sizeBytes = 0;
  /** Messages of the queues looked at that are left. */
  rest = 0;
  /** Why nothing more was handed out; null when there is no such reason. */
  problem: string | null = null;
  /** What must come from disk before more can be found. */
  readonly missing: MissingBlock[] = [];
}

/** One record of a pull. */
interface Found {
  readonly queueOffset: number;
  readonly record: Uint8Array;
}

const view = new RecordView();
const result = new PullResult();

/** Pops from single queues; see the module's text. */
export class PopReader {
  readonly #parts: PopReaderParts;

  constructor(parts: PopReaderParts) {
    this.#parts = parts;
  }

  /** Takes what the queue has for the group into `batch`. */
  take(wish: PopWish, topic: string, queueId: number, batch: PopBatch): void {
    const { table, orders, settings } = this.#parts;
    const key = { group: wish.group, topic, queueId };
    const isKnown = table.find(key) !== undefined;
    const queue = table.queue(key);
    const position = this.#position(wish, queue);
    const max = this.#parts.store.maxOffset(topic, queueId);
    if (wish.isOrdered && orders.isBlocked(key, wish.attemptId)) return this.#leave(queue, isKnown);
    const isFull = batch.count >= wish.maxMessages || batch.sizeBytes >= settings.maxBytes;
    if (isFull || queue.inFlight.size >= settings.inFlightMax()) batch.rest += Math.max(0, max - position);
    else if (position < max || position > max) this.#takeFrom(wish, queue, position, batch);
    this.#leave(queue, isKnown);
  }

  /** Where the group would begin to read; used also by those that only look. */
  peekPosition(group: string, topic: string, queueId: number): number {
    const position = this.#parts.progress.peek(group, topic, queueId);
    return position >= 0 ? position : this.#parts.store.minOffset(topic, queueId);
  }

  /** Whether there is something that the group has not popped yet. */
  hasMore(group: string, topic: string, queueId: number): boolean {
    return this.#parts.store.maxOffset(topic, queueId) > this.peekPosition(group, topic, queueId);
  }

  /** Messages as {@linkcode take} would give them, nothing changes. */
  look(wish: PopWish, topic: string, queueId: number, batch: PopBatch): void {
    const { store } = this.#parts;
    const position = this.peekPosition(wish.group, topic, queueId);
    const found = batch.count >= wish.maxMessages ? [] : this.#read(wish, topic, queueId, position, batch);
    if (found === null) return;
    for (const { record } of found) this.#add(batch, record);
    const next = found.length > 0 ? result.nextBeginOffset : position;
    batch.rest += Math.max(0, store.maxOffset(topic, queueId) - next);
  }

  #position(wish: PopWish, queue: PopQueue): number {
    const { offsets, progress, orders } = this.#parts;
    const { group, topic, queueId } = queue;
    if (offsets.hasReset(topic, group, queueId)) orders.clear(queue);
    const position = progress.position(queue, () => this.#initial(wish, topic, queueId));
    // What an ordered pop has not acknowledged comes again from here: the offset moves with acknowledgements alone.
    if (wish.isOrdered && queue.committed < 0) this.#commitOrdered(wish, queue, position);
    return position;
  }

  /** Source: `PopMessageProcessor#getInitOffset`. */
  #initial(wish: PopWish, topic: string, queueId: number): number {
    const { store, settings } = this.#parts;
    const min = store.minOffset(topic, queueId);
    if (wish.begins === "MIN" || topic.startsWith(RETRY_PREFIX)) return min;
    if (min <= 0 && this.#isYoung(topic, queueId, settings.youngBytes)) return 0;
    return Math.max(0, store.maxOffset(topic, queueId) - 1);
  }

  /** Whether the queue's first message is still near the end of the log. */
  #isYoung(topic: string, queueId: number, youngBytes: number): boolean {
    const { store } = this.#parts;
    const status = store.pull(store.queue(topic, queueId), 0, 1, 1, null, result);
    return status === PullStatus.FOUND && result.behindBytes <= youngBytes;
  }

  #takeFrom(wish: PopWish, queue: PopQueue, start: number, batch: PopBatch): void {
    const { topic, queueId } = queue;
    let position = start;
    for (let reads = 0; reads < SKIPS_MAX; reads++) {
      const found = this.#read(wish, topic, queueId, position, batch);
      if (found === null) return;
      const next = result.nextBeginOffset;
      const taken = wish.isOrdered ? this.#parts.orders.ackedFrom(queue, start) : queue.inFlight;
      const fresh = found.filter(({ queueOffset }) => !taken.has(queueOffset));
      if (fresh.length > 0) {
        this.#handOut(wish, queue, position, next, fresh, batch);
        break;
      }
      if (next === position) break;
      this.#skip(wish, queue, next);
      position = next;
    }
    batch.rest += Math.max(0, this.#parts.store.maxOffset(topic, queueId) - queue.next);
  }

  /** Records from an offset on, those that are wanted; null when they must be loaded first. */
  #read(wish: PopWish, topic: string, queueId: number, position: number, batch: PopBatch): Found[] | null {
    const { store, settings } = this.#parts;
    const queue = store.queue(topic, queueId);
    const count = wish.maxMessages - batch.count;
    const bytes = Math.max(1, settings.maxBytes - batch.sizeBytes);
    let status = store.pull(queue, position, count, bytes, wish.filter, result);
    if (isMisplaced(status)) status = store.pull(queue, result.nextBeginOffset, count, bytes, wish.filter, result);
    if (status === PullStatus.PENDING) {
      batch.missing.push(...result.missing);
      return null;
    }
    if (status === PullStatus.NO_MATCHED_LOGIC_QUEUE || status === PullStatus.NO_MESSAGE_IN_QUEUE) {
      result.nextBeginOffset = position;
    }
    return status === PullStatus.FOUND ? recordsOf(result.parts) : [];
  }

  #handOut(
    wish: PopWish,
    queue: PopQueue,
    start: number,
    next: number,
    fresh: readonly Found[],
    batch: PopBatch,
  ): void {
    const { log, orders } = this.#parts;
    const { topic, queueId } = queue;
    const { popTimeMs, invisibleTimeMs, attemptId } = wish;
    const offsets = fresh.map(({ queueOffset }) => queueOffset);
    if (wish.isOrdered) {
      const { counts, least } = orders.handedOut(queue, start, {
        attemptId,
        popTimeMs,
        invisibleTimeMs,
        offsets,
      });
      batch.infos.addOrderCounts(topic, queueId, counts, least);
      this.#commitOrdered(wish, queue, offsets[0]!);
    } else {
      if (log.checkpoint({ queue, startOffset: start, popTimeMs, invisibleTimeMs, offsets }) === null) {
        batch.problem = `messages cannot be handed out: ${this.#parts.store.problem()}`;
        return;
      }
      this.#parts.progress.moveTo(queue, next);
    }
    batch.infos.add(topic, queueId, start, offsets);
    for (const { queueOffset, record } of fresh) {
      const receipt = { startOffset: start, popTimeMs, invisibleTimeMs, isOrdered: wish.isOrdered, queueOffset };
      const isShownElsewhere = topic !== wish.topic && !this.#parts.settings.showsRetryTopic();
      this.#add(batch, isShownElsewhere ? this.#asOriginal(record, wish, { ...receipt, topic, queueId }) : record);
    }
  }

  /** A message of a retry topic as one of the topic that it came from, with its receipt. */
  #asOriginal(record: Uint8Array, wish: PopWish, receipt: Omit<Parameters<typeof receiptText>[0], "brokerName">) {
    const message = readStoredMessage(record)!;
    const { brokerName } = this.#parts.settings;
    message.properties.set(Property.POP_CK, receiptText({ ...receipt, brokerName }));
    return encodeStored(message, wish.topic, message.queueId);
  }

  /** Nobody of the group wants what lies before `next`. */
  #skip(wish: PopWish, queue: PopQueue, next: number): void {
    if (wish.isOrdered) this.#commitOrdered(wish, queue, next);
    else this.#parts.progress.moveTo(queue, next);
  }

  #commitOrdered(wish: PopWish, queue: PopQueue, offset: number): void {
    const { group, topic, queueId } = queue;
    this.#parts.offsets.commit(group, topic, queueId, offset, wish.who);
  }

  #add(batch: PopBatch, record: Uint8Array): void {
    batch.parts.push(record);
    batch.count++;
    batch.sizeBytes += record.length;
  }

  /** A queue that was only looked at need not be remembered. */
  #leave(queue: PopQueue, isKnown: boolean): void {
    if (!isKnown && queue.next === queue.committed) this.#parts.table.forget(queue);
  }
}

/** Whether the position is outside of what the queue has: it was shortened by expiry, or came from another store. */
function isMisplaced(status: PullStatus): boolean {
  return status === PullStatus.OFFSET_TOO_SMALL || status === PullStatus.OFFSET_OVERFLOW_BADLY ||
    status === PullStatus.OFFSET_FOUND_NULL;
}

function recordsOf(parts: readonly Uint8Array[]): Found[] {
  const found: Found[] = [];
  for (const part of parts) {
    for (let at = 0; at < part.length; at += view.size) {
      if (view.read(part, at, part.length) !== RecordKind.RECORD) break;
      const queueOffset = getI64(part, at + RecordAt.QUEUE_OFFSET);
      found.push({ queueOffset, record: part.subarray(at, at + view.size) });
    }
  }
  return found;
}
