/**
 * What was popped and is neither acknowledged nor brought again: a plain table in memory. It knows nothing of messages, files
 * and time; whoever changes it writes the change to the revive log first (`revive_log.ts`), from which it is built again.
 *
 * A checkpoint stands for the messages that one pop took from one queue. Invariants: an offset of a queue is in at most one
 * checkpoint; a checkpoint in the table has at least one offset left; `queue.inFlight.get(o)` is the checkpoint that has `o`.
 *
 * RocketMQ counterpart: `PopCheckPoint`, `PopBufferMergeService`, and the map in which `PopReviveService` collects them.
 *
 * @module
 */
import { type Due, DueHeap } from "./due_heap.ts";

/** Names a queue from which a group pops. `topic` may be a retry topic. */
export interface PopQueueKey {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
}

/** A queue as a group sees it. */
export class PopQueue implements PopQueueKey {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  /** Queue offset to the checkpoint that it is in. */
  readonly inFlight = new Map<number, Checkpoint>();
  /** Where the next pop begins; −1 when that is not known. */
  next = -1;
  /** The consumer offset that was last seen or committed here: another value was set by somebody else. */
  committed = -1;

  constructor(key: PopQueueKey) {
    this.group = key.group;
    this.topic = key.topic;
    this.queueId = key.queueId;
  }
}

/** What a checkpoint is made of. */
export interface CheckpointFields {
  readonly queue: PopQueueKey;
  /** Where the pop began to read; names the checkpoint together with queue and pop time. */
  readonly startOffset: number;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** Queue offsets of the messages, ascending. */
  readonly offsets: readonly number[];
}

/** The messages of one pop from one queue that are still in flight. */
export class Checkpoint implements Due {
  readonly startOffset: number;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** When what is left comes again. */
  readonly dueMs: number;
  /** What is left, ascending. Only the table changes it. */
  readonly offsets: number[];
  /** Where its newest record is in the revive log. */
  logOffset = -1;
  /** @inheritdoc */
  heapIndex = -1;

  constructor(readonly queue: PopQueue, fields: CheckpointFields) {
    this.startOffset = fields.startOffset;
    this.popTimeMs = fields.popTimeMs;
    this.invisibleTimeMs = fields.invisibleTimeMs;
    this.dueMs = fields.popTimeMs + fields.invisibleTimeMs;
    this.offsets = [...fields.offsets];
  }
}

/** The table; see the module's text. */
export class InFlightTable {
  readonly #queues = new Map<string, PopQueue>();
  readonly #byDue = new DueHeap<Checkpoint>();
  /** In the order of their newest records, unless something was taken back. */
  #byLog = new Set<Checkpoint>();
  #isByLogSorted = true;
  #messages = 0;

  /** Messages in flight. */
  get messageCount(): number {
    return this.#messages;
  }

  /** Checkpoints with something left. */
  get checkpointCount(): number {
    return this.#byLog.size;
  }

  /** All queues that are known. */
  get queues(): Iterable<PopQueue> {
    return this.#queues.values();
  }

  /** The queue, made when it is not known. */
  queue(key: PopQueueKey): PopQueue {
    const name = nameOf(key);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new PopQueue(key);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** The queue when it is known. */
  find(key: PopQueueKey): PopQueue | undefined {
    return this.#queues.get(nameOf(key));
  }

  /** Forgets a queue with nothing in flight. */
  forget(queue: PopQueue): void {
    const name = nameOf(queue);
    if (queue.inFlight.size === 0 && this.#queues.get(name) === queue) this.#queues.delete(name);
  }

  /** Adds a checkpoint whose record is at `logOffset`. Offsets that are in flight already belong to it from now on. */
  add(fields: CheckpointFields, logOffset: number): Checkpoint {
    const queue = this.queue(fields.queue);
    const checkpoint = new Checkpoint(queue, fields);
    checkpoint.logOffset = logOffset;
    for (const offset of checkpoint.offsets) {
      const old = queue.inFlight.get(offset);
      if (old !== undefined) this.#drop(old, offset);
      queue.inFlight.set(offset, checkpoint);
    }
    this.#messages += checkpoint.offsets.length;
    if (checkpoint.offsets.length > 0) {
      this.#byDue.add(checkpoint);
      this.#byLog.add(checkpoint);
    }
    return checkpoint;
  }

  /** The checkpoint of a message that was popped at this time; undefined when it is not in flight any more, or again. */
  holder(key: PopQueueKey, offset: number, popTimeMs: number): Checkpoint | undefined {
    const checkpoint = this.find(key)?.inFlight.get(offset);
    return checkpoint?.popTimeMs === popTimeMs ? checkpoint : undefined;
  }

  /** A message is not in flight any more; false when it was not in this checkpoint. */
  remove(checkpoint: Checkpoint, offset: number): boolean {
    const { queue } = checkpoint;
    if (queue.inFlight.get(offset) !== checkpoint) return false;
    this.#drop(checkpoint, offset);
    if (queue.next === queue.committed) this.forget(queue);
    return true;
  }

  /** Undoes {@linkcode add}: the checkpoint is empty, and what it took from others is theirs again. */
  takeBack(checkpoint: Checkpoint, holders: ReadonlyMap<number, Checkpoint>): void {
    for (const offset of [...checkpoint.offsets]) this.#drop(checkpoint, offset);
    for (const [offset, holder] of holders) this.restore(holder, offset);
  }

  /** Undoes {@linkcode remove}. Nothing else must hold the message. */
  restore(checkpoint: Checkpoint, offset: number): void {
    const { offsets, queue } = checkpoint;
    this.#queues.set(nameOf(queue), queue);
    queue.inFlight.set(offset, checkpoint);
    const after = offsets.findIndex((other) => other > offset);
    offsets.splice(after < 0 ? offsets.length : after, 0, offset);
    this.#messages++;
    if (offsets.length > 1) return;
    this.#byDue.add(checkpoint);
    this.#byLog.add(checkpoint);
    this.#isByLogSorted = false;
  }

  /** Undoes {@linkcode rewritten}. */
  notRewritten(checkpoint: Checkpoint, logOffset: number): void {
    checkpoint.logOffset = logOffset;
    this.#isByLogSorted = false;
  }

  /** The checkpoint that is due first. */
  earliest(): Checkpoint | undefined {
    return this.#byDue.peek();
  }

  /** The checkpoint with the oldest newest record: the log is needed from there on. */
  oldest(): Checkpoint | undefined {
    if (!this.#isByLogSorted) {
      this.#byLog = new Set([...this.#byLog].sort((a, b) => a.logOffset - b.logOffset));
      this.#isByLogSorted = true;
    }
    return this.#byLog.values().next().value;
  }

  /** Notes that a checkpoint was written to the log again. */
  rewritten(checkpoint: Checkpoint, logOffset: number): void {
    checkpoint.logOffset = logOffset;
    if (this.#byLog.delete(checkpoint)) this.#byLog.add(checkpoint);
  }

  /** Forgets everything. */
  clear(): void {
    this.#queues.clear();
    this.#byDue.clear();
    this.#byLog.clear();
    this.#isByLogSorted = true;
    this.#messages = 0;
  }

  #drop(checkpoint: Checkpoint, offset: number): void {
    const { offsets, queue } = checkpoint;
    queue.inFlight.delete(offset);
    offsets.splice(offsets.indexOf(offset), 1);
    this.#messages--;
    if (offsets.length > 0) return;
    this.#byDue.remove(checkpoint);
    this.#byLog.delete(checkpoint);
  }
}

function nameOf({ group, topic, queueId }: PopQueueKey): string {
  return `${topic}@${group}@${queueId}`;
}
