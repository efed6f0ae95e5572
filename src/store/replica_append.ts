/**
 * Appends to a slave's log what its master has stored: the same bytes at the same offsets, with units and index entries made
 * from them.
 *
 * RocketMQ counterpart: `CommitLog#appendData`, and on the way `ReputMessageService`.
 *
 * @module
 */
import { CorruptError, invariant } from "../common/errors.ts";
import { RecordKind, RecordView } from "../protocol/record.ts";
import type { Appender } from "./appender.ts";
import type { Commitlog } from "./commitlog.ts";
import { BLANK_UNIT_SIZE, type Consumequeue } from "./consumequeue.ts";
import { isQueued, PropertyPlaces, type TagsCodes } from "./dispatch.ts";
import { nextGoodRecord } from "./good_record.ts";
import type { QueueTable } from "./queue_table.ts";

/** Messages of a queue that may be missing between two records; more are taken for a mistake. */
const GAP_MAX = 10_000_000;

/** What copying works on. */
export interface ReplicaAppenderParts {
  readonly log: Commitlog;
  readonly queues: QueueTable;
  readonly appender: Appender;
  readonly tagsCodes: TagsCodes;
  /** Writes the turn under way. */
  readonly endTurn: () => void;
}

/** Copies records; see the module's text. */
export class ReplicaAppender {
  readonly #parts: ReplicaAppenderParts;
  readonly #view = new RecordView();
  readonly #places = new PropertyPlaces();

  /** Appends to the parts from where they are. */
  constructor(parts: ReplicaAppenderParts) {
    this.#parts = parts;
  }

  /**
   * Adds whole records, and the fillers and damages between them, to the turn under way. The caller has checked them.
   * @throws {DiskError} when no segment can be made; what came before it is in the turn.
   * @throws {CorruptError} when a queue offset cannot be.
   */
  append(offset: number, bytes: Uint8Array): void {
    const { log } = this.#parts;
    invariant(offset === log.tail, "a copy continues the log");
    const view = this.#view;
    this.#parts.appender.startCopy(bytes, offset);
    for (let at = 0; at < bytes.length; at += view.size) {
      const kind = view.read(bytes, at, bytes.length, offset + at);
      if (kind === RecordKind.RECORD) this.#copy(view);
      else if (kind === RecordKind.FILLER) this.#copyRaw(view.size, offset + at);
      else {
        const next = nextGoodRecord(bytes, at + 1, bytes.length, offset);
        invariant(next > at, "a copy ends with a whole record");
        this.#copyRaw(next - at, offset + at);
        view.size = next - at;
      }
    }
  }

  /** Copies what is no record, in pieces that lie in one file. */
  #copyRaw(size: number, offset: number): void {
    const { segmentSize } = this.#parts.log.segments;
    for (let at = 0; at < size;) {
      const room = segmentSize - (offset + at) % segmentSize;
      const piece = Math.min(room, size - at);
      this.#parts.appender.copyRaw(piece);
      at += piece;
    }
  }

  #copy(view: RecordView): void {
    const { queues, appender, tagsCodes } = this.#parts;
    const entry = queues.entryOf(view);
    const queue = isQueued(view.sysFlag) ? queues.make(entry, view.queueId) : null;
    this.#places.scan(view.bytes, view.propertiesStart, view.propertiesEnd);
    if (queue !== null) this.#bringTo(queue, view);
    if (this.#parts.log.tail !== view.physicalOffset) {
      throw new Error(`what came before ${view.physicalOffset} is not stored`);
    }
    const tagsCode = queue === null ? 0 : tagsCodes.of(view, entry, this.#places);
    appender.copyRecord(view, entry, queue, tagsCode, this.#places);
  }

  /** Has the queue go on at the record's queue offset. */
  #bringTo(queue: Consumequeue, view: RecordView): void {
    const { queueOffset } = view;
    if (queue.nextOffset === queueOffset) return;
    if (queueOffset < queue.nextOffset) {
      // The topic was deleted at the master and made again: its queue began anew.
      this.#parts.endTurn();
      queue.cutAt(queueOffset);
    } else if (queue.nextOffset === 0 && queue.segments.first === undefined) {
      // We began in the middle of the master's log.
      queue.openAt(queueOffset);
    } else if (queueOffset - queue.nextOffset > GAP_MAX) {
      const problem = `queue offset ${queueOffset} of ${queue.topic}-${queue.queueId} follows ${queue.nextOffset}`;
      throw new CorruptError("what the master sends", view.physicalOffset, problem);
    }
    // What lies between was lost at the master as well: nothing may move to its place.
    if (queue.nextOffset < queueOffset) this.#fillGap(queue, view);
  }

  #fillGap(queue: Consumequeue, view: RecordView): void {
    this.#parts.endTurn();
    while (queue.nextOffset < view.queueOffset) queue.push(view.physicalOffset, BLANK_UNIT_SIZE, 0);
    queue.committed = queue.nextOffset;
    this.#parts.queues.markDirty(queue);
  }
}
