/**
 * What administrators do with pending timer messages: list, cancel, move to another time. Both changes are messages of the
 * timer topic, so they are as durable as any message, reach slaves, and RocketMQ understands them.
 *
 * @module
 */
import { javaHash } from "../../common/bytes.ts";
import { Property } from "../../protocol/message.ts";
import { type AppendResult, type MessageStore, PutStatus } from "../../store/store.ts";
import { brokerMessage, type MessagePut } from "../message_put.ts";
import type { PeerHost } from "../peer.ts";
import { readStoredMessage, storedAgain, type StoredMessage } from "../stored_message.ts";
import { SystemTopic } from "../system_topics.ts";
import { Deletions, TIMER_DEL_QUEUE_OFFSET } from "./deletions.ts";
import { outMsOf, storedDueMs } from "./due_time.ts";
import { compareKeys, type TimerEntry, type TimerKey } from "./entry.ts";
import type { Timer } from "./timer.ts";

const TOPIC = SystemTopic.TIMER;
const BATCH_MAX = 512;
/** Entries that one request looks at; it may find fewer messages than asked for, and says where to go on. */
const LOOKED_AT_MAX = 8192;
/** Messages with one key that are looked at. */
const SAME_KEY_MAX = 32;
const BODY = new Uint8Array([0x30]);

/** A pending message. */
export interface PendingMessage extends TimerKey {
  readonly topic: string;
  readonly queueId: number;
  readonly uniqueKey: string;
  readonly keys: string;
  readonly tags: string;
  readonly bodySize: number;
  readonly bornTimestamp: number;
}

/** Some pending messages in the order of delivery, and where to go on; null at the end. */
export interface PendingPage {
  readonly messages: readonly PendingMessage[];
  readonly next: TimerKey | null;
}

/** What became of a change. */
export type ChangeOutcome = "changed" | "not-pending" | "refused";

/** What they are made of. */
export interface PendingMessagesParts {
  readonly timer: Timer;
  readonly store: MessageStore;
  readonly put: MessagePut;
  /** This broker's own address: the producer of cancellations. */
  readonly host: PeerHost;
  readonly tickMs: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Pending messages of a broker. */
export class PendingMessages {
  readonly #parts: PendingMessagesParts;

  constructor(parts: PendingMessagesParts) {
    this.#parts = parts;
  }

  /** Pending messages for `topic` (null: for any) behind `from`, at most `max`. */
  async list(topic: string | null, from: TimerKey, max: number): Promise<PendingPage> {
    const { timer, tickMs } = this.#parts;
    const hash = topic === null ? null : javaHash(topic);
    const deletions = new Deletions(tickMs);
    const start = compareKeys(from, timer.index.horizon) > 0 ? from : timer.index.horizon;
    // Deletions stand at the beginning of their tick.
    let at: TimerKey = { dueMs: start.dueMs - 2 * tickMs, queueOffset: -1 };
    const messages: PendingMessage[] = [];
    for (let looked = 0; looked < LOOKED_AT_MAX;) {
      const entries = await timer.index.scan(at, BATCH_MAX);
      if (entries.length === 0) return { messages, next: null };
      for (const entry of entries) {
        if (messages.length >= max) return { messages, next: at };
        at = entry;
        looked++;
        const isShown = compareKeys(entry, start) > 0 && (hash === null || entry.topicHash === hash);
        if (timer.isDead(entry) || !(isShown || entry.isDelete)) continue;
        const message = await timer.load(entry);
        if (message === null) continue;
        if (entry.isDelete) deletions.add(message);
        else if (!deletions.has(message) && (topic === null || message.properties.get(Property.REAL_TOPIC) === topic)) {
          messages.push(pendingMessage(message, entry.dueMs));
        }
      }
      deletions.expire(at.dueMs);
    }
    return { messages, next: at };
  }

  /** Offsets in the timer topic of the messages for `topic` with this unique key, newest first. */
  async find(topic: string, uniqueKey: string): Promise<number[]> {
    const found = await this.#parts.store.queryMessages(TOPIC, uniqueKey, SAME_KEY_MAX, 0, Number.MAX_SAFE_INTEGER);
    return found.records.map((record) => readStoredMessage(record)!)
      .filter(({ properties }) => properties.get(Property.REAL_TOPIC) === topic)
      .filter(({ properties }) => !properties.has(Property.TIMER_DEL_UNIQKEY))
      .map((message) => message.queueOffset);
  }

  /** Has a message not delivered. */
  async cancel(queueOffset: number): Promise<ChangeOutcome> {
    const pending = await this.#pending(queueOffset);
    if (pending === null) return "not-pending";
    return await this.#safe(this.#delete(pending.message));
  }

  /** Has a message delivered at another time. */
  async retime(queueOffset: number, dueMs: number): Promise<ChangeOutcome> {
    const pending = await this.#pending(queueOffset);
    if (pending === null) return "not-pending";
    const { message } = pending;
    const copy = storedAgain(message, TOPIC, 0);
    copy.properties = new Map(message.properties);
    copy.properties.delete(Property.TIMER_DELAY_SEC);
    copy.properties.delete(Property.TIMER_DELAY_MS);
    copy.properties.set(Property.TIMER_DELIVER_MS, String(dueMs));
    copy.properties.set(Property.TIMER_OUT_MS, String(outMsOf(dueMs, this.#parts.tickMs)));
    // One turn: both are stored, or neither.
    const stored = this.#parts.put.putAsIs(copy);
    if (stored.status !== PutStatus.PUT_OK) return "refused";
    return await this.#safe(this.#delete(message));
  }

  async #safe(result: AppendResult | null): Promise<ChangeOutcome> {
    if (result === null) return "refused";
    await this.#parts.put.safe(result);
    return "changed";
  }

  /** The message at an offset of the timer topic, null when it is not pending. */
  async #pending(queueOffset: number): Promise<{ message: StoredMessage } | null> {
    const { timer, store, tickMs } = this.#parts;
    const message = await this.#messageAt(queueOffset);
    const dueMs = message === null ? null : storedDueMs(message, tickMs);
    if (message === null || dueMs === null || message.properties.has(Property.TIMER_DEL_UNIQKEY)) return null;
    const key = { dueMs, queueOffset };
    const entry: TimerEntry = {
      ...key,
      physicalOffset: message.physicalOffset,
      sizeBytes: 0,
      isDelete: false,
      topicHash: 0,
    };
    if (timer.isDead(entry) || store.maxOffset(TOPIC, 0) <= queueOffset) return null;
    const page = await this.list(message.properties.get(Property.REAL_TOPIC) ?? "", {
      dueMs,
      queueOffset: queueOffset - 1,
    }, 1);
    return page.messages[0]?.queueOffset === queueOffset ? { message } : null;
  }

  async #messageAt(queueOffset: number): Promise<StoredMessage | null> {
    const { store } = this.#parts;
    const unit = await store.unitsAt(TOPIC, 0, queueOffset, 1);
    if (unit.length === 0) return null;
    const view = new DataView(unit.buffer, unit.byteOffset, unit.byteLength);
    const record = await store.messageAt(Number(view.getBigInt64(0)));
    const message = record === null ? null : readStoredMessage(record);
    return message?.topic === TOPIC && message.queueOffset === queueOffset ? message : null;
  }

  /** Stores what deletes one message; null when the store refuses. */
  #delete({ properties, queueOffset }: StoredMessage): AppendResult | null {
    const topic = properties.get(Property.REAL_TOPIC) ?? "";
    const uniqueKey = properties.get(Property.UNIQ_KEY) ?? "";
    const outMs = properties.get(Property.TIMER_OUT_MS)!;
    const outcome = this.#parts.put.putAsIs(brokerMessage({
      topic: TOPIC,
      bornTimestamp: this.#parts.now(),
      bornHost: this.#parts.host,
      body: BODY,
      properties: new Map([
        [Property.TIMER_DEL_UNIQKEY, `${topic}+${uniqueKey}`],
        [TIMER_DEL_QUEUE_OFFSET, String(queueOffset)],
        [Property.TIMER_DELIVER_MS, String(Number(outMs) + 1)],
        [Property.TIMER_OUT_MS, outMs],
        [Property.REAL_TOPIC, topic],
        [Property.REAL_QID, "0"],
      ]),
    }));
    return outcome.status === PutStatus.PUT_OK ? outcome.result : null;
  }
}

function pendingMessage(message: StoredMessage, dueMs: number): PendingMessage {
  const { properties } = message;
  return {
    dueMs,
    queueOffset: message.queueOffset,
    topic: properties.get(Property.REAL_TOPIC) ?? "",
    queueId: Number(properties.get(Property.REAL_QID) ?? 0),
    uniqueKey: properties.get(Property.UNIQ_KEY) ?? "",
    keys: properties.get(Property.KEYS) ?? "",
    tags: properties.get(Property.TAGS) ?? "",
    bodySize: message.body.length,
    bornTimestamp: message.bornTimestamp,
  };
}
