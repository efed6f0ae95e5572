/**
 * What producers are promised and what readers may see: one watermark for both, the *promised offset*. It is the end of what
 * was written (ASYNC_FLUSH) or synced (SYNC_FLUSH), and for a SYNC_MASTER with replicas not beyond what they acknowledged.
 *
 * When it moves, waiting producers are told and the turns below it are published: their queues show the new messages, and
 * those who wait for arrivals hear of it. It never moves back, and never again after a failure.
 *
 * RocketMQ counterpart: `CommitLog#handleDiskFlushAndHA`, `getConfirmOffset`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { PutStatus, type Waiter } from "./append_message.ts";
import type { Consumequeue } from "./consumequeue.ts";
import { Waiters } from "./waiters.ts";

/** How far replicas are: what the store asks of replication. */
export interface ReplicaGate {
  /** Whether the promise to producers includes replicas now; false: they are too few or too far behind. */
  available(): boolean;
  /** Every byte below is acknowledged by the replicas that count. */
  replicatedOffset(): number;
  /** Why messages are refused, with figures: too few replicas; null when they are taken. */
  refusal(): string | null;
}

/** What the promises rest on. */
export interface PromiseParts {
  readonly clock: Clock;
  /** SYNC_FLUSH. */
  readonly waitsForSync: boolean;
  /** SYNC_MASTER. */
  readonly waitsForReplicas: boolean;
  readonly syncTimeoutMs: number;
  readonly replicaTimeoutMs: number;
  readonly appendedOffset: () => number;
  readonly flushedOffset: () => number;
  readonly onArrival: (queue: Consumequeue) => void;
  /** Whether nothing may be promised now: an elected leader that may have lost its place. Never, when absent. */
  readonly isFenced?: () => boolean;
}

/** A turn that readers may not see yet. */
interface Unpublished {
  readonly endOffset: number;
  readonly queues: readonly Consumequeue[];
  readonly maxOffsets: readonly number[];
}

/** The promises of a store. */
export class Promises {
  readonly #parts: PromiseParts;
  readonly #waiters = new Waiters();
  #gate: ReplicaGate | null = null;
  #readableOffset = 0;
  #turns: Unpublished[] = [];
  #timer: Timer | null = null;
  /** When the timer is due. */
  #dueMs = Infinity;
  /** Those who asked during the turn under way. */
  #asked: Waiter[] = [];
  #askedOffsets: number[] = [];
  #askedWaits: boolean[] = [];
  /** The row of waiters is in the order of what they wait for. */
  #lastAsked = 0;
  /** What whoever asks is told, since nothing will be safe any more. */
  #end: PutStatus | null = null;

  /** Nothing is promised yet. */
  constructor(parts: PromiseParts) {
    this.#parts = parts;
  }

  /** Readers see messages that end at or below it. */
  get readableOffset(): number {
    return this.#readableOffset;
  }

  /** Recovery made everything up to here safe. */
  openAt(offset: number): void {
    this.#readableOffset = offset;
  }

  /** The log was cut at `offset` (on a slave): nobody waits, and nothing behind it may be read any more. */
  truncate(offset: number): void {
    this.#turns = [];
    this.#readableOffset = offset;
    this.#lastAsked = Math.min(this.#lastAsked, offset);
  }

  /** Why the replicas forbid new messages; null when they do not. */
  refusal(): string | null {
    return this.#parts.waitsForReplicas && this.#gate !== null ? this.#gate.refusal() : null;
  }

  /** From now on the promise includes replicas, if the role says so. */
  attachReplicas(gate: ReplicaGate): void {
    this.#gate = gate;
  }

  /** Registers a waiter of the turn under way. */
  ask(waiter: Waiter, endOffset: number, waitsForStore: boolean): void {
    this.#asked.push(waiter);
    this.#askedOffsets.push(endOffset);
    this.#askedWaits.push(waitsForStore);
  }

  /** The turn was written up to the appended offset and touched these queues. */
  turnWritten(touched: readonly Consumequeue[]): void {
    if (this.#end !== null) return this.turnFailed(this.#end);
    const endOffset = this.#parts.appendedOffset();
    this.#releaseAsked();
    if (this.#turns.length === 0 && !this.#isFenced() && this.#promisedOffset() >= endOffset) {
      this.#readableOffset = endOffset;
      for (const queue of touched) this.#show(queue, queue.committed);
    } else {
      this.#turns.push({ endOffset, queues: touched, maxOffsets: touched.map((queue) => queue.committed) });
    }
    this.advance();
  }

  /** The turn was taken back. */
  turnFailed(status: PutStatus): void {
    const asked = this.#asked;
    this.#asked = [];
    this.#askedOffsets = [];
    this.#askedWaits = [];
    for (const waiter of asked) waiter.settle(status);
  }

  /** A turn ends after {@linkcode fail}: tells whoever asked in it. */
  turnRefused(): void {
    if (this.#end !== null) this.turnFailed(this.#end);
  }

  /** Something the promise rests on has moved. */
  advance(): void {
    if (this.#end !== null) return;
    // Who waits goes on waiting: the leader may be given its place again, or end.
    if (this.#isFenced()) return this.#watchFirst();
    const promised = this.#promisedOffset();
    this.#waiters.settleUpTo(promised, this.#statusOfPromise());
    this.#readableOffset = Math.max(this.#readableOffset, promised);
    let published = 0;
    while (published < this.#turns.length && this.#turns[published]!.endOffset <= promised) {
      const { queues, maxOffsets } = this.#turns[published++]!;
      for (let i = 0; i < queues.length; i++) this.#show(queues[i]!, maxOffsets[i]!);
    }
    if (published > 0) this.#turns.splice(0, published);
    this.#watchFirst();
  }

  /** Nothing will ever be safe again: tells everybody, also who asks later. The first time says why. */
  fail(status: PutStatus): void {
    this.#end ??= status;
    this.#timer?.cancel();
    this.#waiters.settleUpTo(Infinity, status);
    this.turnFailed(status);
  }

  #releaseAsked(): void {
    const [asked, offsets, waits] = [this.#asked, this.#askedOffsets, this.#askedWaits];
    if (asked.length === 0) return;
    this.#asked = [];
    this.#askedOffsets = [];
    this.#askedWaits = [];
    const { clock, waitsForSync, waitsForReplicas } = this.#parts;
    const now = waitsForSync || waitsForReplicas ? clock.monotonicMs() : 0;
    const end = this.#parts.appendedOffset();
    const atOnce = this.#isFenced() ? PutStatus.SERVICE_NOT_AVAILABLE : PutStatus.PUT_OK;
    for (let i = 0; i < asked.length; i++) {
      if (!waits[i] || !(waitsForSync || waitsForReplicas)) asked[i]!.settle(atOnce);
      else this.#waiters.add(asked[i]!, this.#lastAsked = Math.min(end, Math.max(offsets[i]!, this.#lastAsked)), now);
    }
  }

  #isFenced(): boolean {
    return this.#parts.isFenced?.() ?? false;
  }

  #localOffset(): number {
    return this.#parts.waitsForSync ? this.#parts.flushedOffset() : this.#parts.appendedOffset();
  }

  #hasReplicas(): boolean {
    return this.#parts.waitsForReplicas && this.#gate !== null && this.#gate.available();
  }

  #promisedOffset(): number {
    const local = this.#localOffset();
    return this.#hasReplicas() ? Math.min(local, this.#gate!.replicatedOffset()) : local;
  }

  #statusOfPromise(): PutStatus {
    return this.#parts.waitsForReplicas && !this.#hasReplicas() ? PutStatus.SLAVE_NOT_AVAILABLE : PutStatus.PUT_OK;
  }

  #show(queue: Consumequeue, maxOffset: number): void {
    // A slave's queue may have begun anew meanwhile, as at its master.
    const visible = Math.min(maxOffset, queue.committed);
    if (visible <= queue.visibleMax || queue.isRemoved) return;
    queue.visibleMax = visible;
    this.#parts.onArrival(queue);
  }

  /**
   * Sees to it that a timer is due when the one who waits longest runs out of patience, which may be sooner than it seemed:
   * the wait has changed from the disk to the replicas. A timer that is due too soon stays: it looks again then. Under load
   * the first waiter is another one with every turn, and a timer for each would cost more than all else here.
   */
  #watchFirst(): void {
    if (this.#waiters.count === 0) return;
    const { clock } = this.#parts;
    const dueMs = this.#waiters.firstSinceMs + this.#timeoutMs(this.#waiters.firstEndOffset);
    if (this.#timer !== null && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = clock.after(Math.max(1, dueMs - clock.monotonicMs()), () => {
      this.#timer = null;
      this.#expire();
    });
  }

  #expire(): void {
    if (this.#end !== null) return;
    const now = this.#parts.clock.monotonicMs();
    while (this.#waiters.firstSinceMs + this.#timeoutMs(this.#waiters.firstEndOffset) <= now) {
      this.#waiters.settleFirst((end) =>
        this.#localOffset() < end ? PutStatus.FLUSH_DISK_TIMEOUT : PutStatus.FLUSH_SLAVE_TIMEOUT
      );
    }
    this.#watchFirst();
  }

  /** How long a waiter has patience for what is still missing: the replicas, or first of all the disk. */
  #timeoutMs(endOffset: number): number {
    const { waitsForReplicas, syncTimeoutMs, replicaTimeoutMs } = this.#parts;
    return waitsForReplicas && this.#localOffset() >= endOffset ? replicaTimeoutMs : syncTimeoutMs;
  }
}
