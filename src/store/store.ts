/**
 * The store of a broker: appends messages, reads them back by queue, by position, by time and by key, and keeps its promises
 * about what survives. The only file of this folder that others import (with `options.ts`).
 *
 * RocketMQ counterpart: `DefaultMessageStore`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import type { AppendMessage, AppendResult, PutStatus, Waiter } from "./append_message.ts";
import type { MessageFilter, MissingBlock, PullResult, PullStatus } from "./pull_result.ts";
import type { StoreOptions } from "./store_options_type.ts";

export * from "./append_message.ts";
export * from "./pull_result.ts";
export * from "./store_options_type.ts";

/** Where the store tells what it does. */
export interface StoreLog {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/** One queue of a topic, as others see it. */
export interface StoreQueue {
  readonly topic: string;
  readonly queueId: number;
  /** One beyond the last message that readers may see. */
  readonly maxOffset: number;
  /** The first message that is still there. */
  readonly minOffset: number;
}

/** How far replicas are: what the store asks of replication (later part). */
export interface ReplicaGate {
  /** Whether the promise to producers includes replicas now; false: they are too few or too far behind. */
  available(): boolean;
  /** Every byte below is acknowledged by the replicas that count. */
  replicatedOffset(): number;
}

/** What {@linkcode MessageStore.open} needs. */
export interface StoreParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: StoreLog;
  readonly options: StoreOptions;
  /** Address (4 or 16 bytes) and port that records name as their store host: brokerIP1 and listenPort. */
  readonly storeHost: Uint8Array;
  readonly storePort: number;
  /** Calls `fn` once, when the present turn of the event loop has handled all its requests. */
  readonly atEndOfTurn: (fn: () => void) => void;
  /** Called for each queue in which readers can see more than before. */
  readonly onArrival?: (queue: StoreQueue) => void;
  /** Called while recovery works: what it does, bytes done and bytes in all. */
  readonly onProgress?: (pass: string, doneBytes: number, totalBytes: number) => void;
}

/** Figures for administrators. Offsets are physical offsets. */
export interface StoreFigures {
  readonly minPhysicalOffset: number;
  readonly maxPhysicalOffset: number;
  readonly flushedOffset: number;
  /** Readers see messages that end at or below it. */
  readonly readableOffset: number;
  /** Bytes of the log that are not in the index yet. */
  readonly indexBehindBytes: number;
  /** Consumequeue units that are not in their files yet. */
  readonly dirtyUnits: number;
  readonly queueCount: number;
  readonly openFiles: number;
  /** Part of the commitlog's volume that is in use, 0–1. */
  readonly diskUsedRatio: number;
  readonly earliestStoreTime: number;
}

/** Which end of several messages with the same time {@linkcode MessageStore.offsetByTime} takes. */
export type TimeBoundary = "LOWER" | "UPPER";

/** What a query by key finds. */
export interface KeyQueryResult {
  /** Stored records, newest first; copies. */
  readonly records: Uint8Array[];
  readonly indexLastUpdateTimestamp: number;
  readonly indexLastUpdatePhyoffset: number;
}

/** An open store. Everything but what returns a promise happens at once and on the event loop. */
export declare class MessageStore {
  private constructor();

  /**
   * Locks the directory, recovers and opens.
   * @throws {DiskError} `locked` when another broker has the store.
   * @throws {CorruptError} when files cannot be understood.
   */
  static open(parts: StoreParts): Promise<MessageStore>;

  /** Puts a message into the current turn; it is written when the turn ends. `out` is filled when the status is PUT_OK. */
  append(message: AppendMessage, out: AppendResult): PutStatus;
  /** As {@linkcode append}, with a batch body (request 320): all its messages or none. */
  appendBatch(message: AppendMessage, out: AppendResult): PutStatus;
  /** Has the waiter told when everything below `endOffset` is as safe as producers are promised. */
  whenSafe(endOffset: number, waitsForStore: boolean, waiter: Waiter): void;
  /** Why appends are refused now, with figures; null when they are taken. */
  refusal(): string | null;

  /** The queue, or null when it has never been written. */
  queue(topic: string, queueId: number): StoreQueue | null;
  /** All queues of a topic by number. */
  queuesOf(topic: string): StoreQueue[];
  /** Topics that have queues. */
  topics(): string[];
  /** Reads from `offset` on. `queue` null gives NO_MATCHED_LOGIC_QUEUE. */
  pull(
    queue: StoreQueue | null,
    offset: number,
    maxMessages: number,
    maxBytes: number,
    filter: MessageFilter | null,
    out: PullResult,
  ): PullStatus;
  /** Reads what a pull lacked from disk; never rejects (the next pull tells what is wrong). */
  load(missing: readonly MissingBlock[]): Promise<void>;

  /** One beyond the last readable message; 0 when there is no such queue. */
  maxOffset(topic: string, queueId: number): number;
  /** The first message still there; 0 when there is no such queue. */
  minOffset(topic: string, queueId: number): number;
  /** Queue offset of the message stored at `timestamp`, or the nearest behind it (as RocketMQ's searchOffset). */
  offsetByTime(topic: string, queueId: number, timestamp: number, boundary?: TimeBoundary): Promise<number>;
  /** storeTimestamp of the queue's message at `offset`, −1 when there is none. */
  storeTimeAt(topic: string, queueId: number, offset: number): Promise<number>;
  /** storeTimestamp of the queue's first message, −1 when there is none. */
  earliestStoreTime(topic: string, queueId: number): Promise<number>;
  /** The stored record at a physical offset (a copy), or null when there is none. */
  messageAt(physicalOffset: number): Promise<Uint8Array | null>;
  /** The consumequeue units `[offset, offset + count)` as far as they exist, 20 bytes each (a copy). */
  unitsAt(topic: string, queueId: number, offset: number, count: number): Promise<Uint8Array>;
  /** Messages with `key` among their KEYS, or as their UNIQ_KEY, stored in `[beginTime, endTime]`; newest first. */
  queryMessages(
    topic: string,
    key: string,
    maxNum: number,
    beginTime: number,
    endTime: number,
  ): Promise<KeyQueryResult>;

  /** Forgets all queues of a topic and removes their files; the log keeps the records until they expire. */
  deleteTopic(topic: string): void;
  /** Removes expired commitlog files in the next round whatever the hour (request DELETE_EXPIRED_COMMITLOG). */
  deleteExpiredFilesNow(): void;
  /** Figures for administrators. */
  figures(): StoreFigures;
  /** Has the promise include replicas (brokerRole SYNC_MASTER). */
  attachReplicas(gate: ReplicaGate): void;
  /** To be called when an answer of the {@link ReplicaGate} changed. */
  replicasChanged(): void;

  /** Writes and syncs everything, marks the stop as clean and lets go of the directory. */
  close(): Promise<void>;
}
