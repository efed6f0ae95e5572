/**
 * How far groups have popped their queues. A queue's position moves with each pop; the group's consumer offset follows when
 * everything below the position is acknowledged or stands in the revive log, on the device and with the replicas that
 * producers wait for: slaves copy the offset. So neither a crash nor a loss of power nor a failover can leave an offset behind
 * which there is a message that nobody remembers. A group that goes over to pulling begins at this offset.
 *
 * A position moves in the turn that writes what was popped; when the store takes this turn back, the position goes back, too.
 *
 * Whoever else sets the consumer offset (a pulling client, an administrator) moves the position with it, in any direction.
 *
 * The start of the revive log moves in the same way and at the same time: both are in one file.
 *
 * RocketMQ counterpart: `PopBufferMergeService#getLatestOffset`, `#scanCommitOffset`.
 *
 * @module
 */
import type { Clock, Timer } from "../../common/clock.ts";
import type { MessageStore } from "../../store/store.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { InFlightTable, PopQueue } from "./in_flight.ts";
import { REVIVE_GROUP, type ReviveLog } from "./revive_log.ts";
import type { TurnUndo } from "./turn_undo.ts";

/** How soon after a pop its offset is committed; the log is synced before. */
const COMMIT_PERIOD_MS = 200;
/**
 * How long a stop waits for the device, how long for replicas once the device has everything (what is not committed then is
 * found in the revive log again), and how often it looks.
 */
const STOP_PATIENCE_MS = 3000;
const STOP_REPLICAS_MS = 200;
const STOP_STEP_MS = 20;
/** In whose name offsets move, for the log. */
const WHO = "pop";

/** What progress is made of. */
export interface ProgressParts {
  readonly store: Pick<MessageStore, "figures" | "sync">;
  readonly offsets: ConsumerOffsets;
  readonly table: InFlightTable;
  readonly log: ReviveLog;
  readonly undo: Pick<TurnUndo, "add">;
  readonly clock: Clock;
  /** The revive topic. */
  readonly reviveTopic: string;
}

/** Positions that wait until device and replicas have the log up to `endPhysical`. */
interface Pending {
  readonly endPhysical: number;
  readonly positions: Map<PopQueue, number>;
  readonly logStart: number;
}

/** Positions and their commits; see the module's text. */
export class PopProgress {
  readonly #parts: ProgressParts;
  readonly #moved = new Set<PopQueue>();
  #pending: Pending | null = null;
  /** Where the last message ends that was stored elsewhere for a position to move behind it. */
  #movedTo = 0;
  #committedLogStart = -1;
  #timer: Timer | null = null;

  constructor(parts: ProgressParts) {
    this.#parts = parts;
  }

  /**
   * Where the next pop of a queue begins.
   * @param initial gives where a group that has no offset begins.
   */
  position(queue: PopQueue, initial: () => number): number {
    const { offsets } = this.#parts;
    const { group, topic, queueId } = queue;
    const reset = offsets.takeReset(topic, group, queueId);
    const stored = offsets.query(group, topic, queueId);
    if (reset === undefined && queue.next >= 0 && stored === queue.committed) return queue.next;
    this.#moved.delete(queue);
    this.#pending?.positions.delete(queue);
    queue.committed = stored;
    queue.next = stored;
    if (stored < 0) this.moveTo(queue, initial());
    return queue.next;
  }

  /** As {@linkcode position} without changing anything; −1 when the group has no offset. */
  peek(group: string, topic: string, queueId: number): number {
    const stored = this.#parts.offsets.query(group, topic, queueId);
    const queue = this.#parts.table.find({ group, topic, queueId });
    return queue !== undefined && queue.next >= 0 && stored === queue.committed ? queue.next : stored;
  }

  /**
   * The next pop begins here: everything before is in the revive log, or nobody wants it, or it was stored elsewhere.
   * @param endPhysical where what was stored elsewhere in this turn ends in the log; 0 for nothing.
   */
  moveTo(queue: PopQueue, next: number, endPhysical = 0): void {
    const old = queue.next;
    const movedTo = this.#movedTo;
    this.#move(queue, next);
    this.#movedTo = Math.max(movedTo, endPhysical);
    this.#parts.undo.add(() => {
      this.#movedTo = movedTo;
      // Somebody else has moved the group meanwhile: that stays.
      if (queue.next === next) this.#move(queue, old);
    });
  }

  /** A turn was taken back: what was to be committed may have come from it, and is collected again. */
  takenBack(): void {
    for (const queue of this.#pending?.positions.keys() ?? []) this.#moved.add(queue);
    this.#pending = null;
    this.touch();
  }

  #move(queue: PopQueue, next: number): void {
    const { offsets } = this.#parts;
    queue.next = next;
    if (next < 0) {
      this.#moved.delete(queue);
      return;
    }
    offsets.notePulled(queue.group, queue.topic, queue.queueId, next);
    this.#moved.add(queue);
    this.touch();
  }

  /** Has the start of the revive log follow what was acknowledged. */
  touch(): void {
    this.#timer ??= this.#parts.clock.after(COMMIT_PERIOD_MS, () => {
      this.#timer = null;
      this.commit();
    });
  }

  /** Commits what the device has, and has it take what it has not. */
  commit(): void {
    this.#settle();
    if (this.#pending === null) {
      this.#pending = this.#collect();
      this.#settle();
    }
    if (this.#pending !== null) this.#parts.store.sync().then(() => this.#settle());
    if (this.#pending !== null || this.#moved.size > 0) this.touch();
  }

  /** Commits for the last time; waits for the device as long as it takes, at most {@linkcode STOP_PATIENCE_MS}, and a moment for replicas. */
  async stop(): Promise<void> {
    const { clock, store } = this.#parts;
    const startMs = clock.monotonicMs();
    this.commit();
    while (this.#timer !== null) {
      const isOnDevice = store.figures().flushedOffset >= (this.#pending?.endPhysical ?? Infinity);
      if (clock.monotonicMs() - startMs >= (isOnDevice ? STOP_REPLICAS_MS : STOP_PATIENCE_MS)) break;
      await clock.sleep(STOP_STEP_MS);
      this.commit();
      if (this.#pending === null && this.#moved.size === 0) break;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#pending = null;
    this.#moved.clear();
    this.#committedLogStart = -1;
  }

  #collect(): Pending | null {
    const { log } = this.#parts;
    const logStart = log.startOffset;
    if (this.#moved.size === 0 && logStart === this.#committedLogStart) return null;
    const positions = new Map<PopQueue, number>();
    for (const queue of this.#moved) positions.set(queue, queue.next);
    this.#moved.clear();
    return { endPhysical: Math.max(log.endPhysical, this.#movedTo), positions, logStart };
  }

  #settle(): void {
    const pending = this.#pending;
    if (pending === null) return;
    const { flushedOffset, readableOffset } = this.#parts.store.figures();
    if (Math.min(flushedOffset, readableOffset) < pending.endPhysical) return;
    this.#pending = null;
    const { offsets, reviveTopic, table } = this.#parts;
    for (const [queue, next] of pending.positions) {
      const { group, topic, queueId } = queue;
      // Somebody else has moved the group meanwhile: the next pop will see it.
      if (offsets.query(group, topic, queueId) !== queue.committed) continue;
      if (offsets.commit(group, topic, queueId, next, WHO)) queue.committed = next;
      if (queue.committed === queue.next && !this.#moved.has(queue)) table.forget(queue);
    }
    offsets.commit(REVIVE_GROUP, reviveTopic, 0, pending.logStart, WHO);
    this.#committedLogStart = pending.logStart;
  }
}
