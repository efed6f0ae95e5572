/**
 * What a reader asks of a queue and what it gets. One {@link PullResult} can be used for all pulls.
 *
 * RocketMQ counterpart: `GetMessageResult`, `GetMessageStatus`, `MessageFilter`.
 *
 * @module
 */

/** What became of a pull. Source: RocketMQ `GetMessageStatus`; `PENDING` is ours. */
export const PullStatus = {
  FOUND: 0,
  /** Messages were examined and none passed the filter. */
  NO_MATCHED_MESSAGE: 1,
  /** The messages are being deleted. */
  MESSAGE_WAS_REMOVING: 2,
  /** The queue's file has no unit there. */
  OFFSET_FOUND_NULL: 3,
  /** Beyond the end of the queue. */
  OFFSET_OVERFLOW_BADLY: 4,
  /** Exactly at the end of the queue: nothing new yet. */
  OFFSET_OVERFLOW_ONE: 5,
  /** Before the beginning of the queue. */
  OFFSET_TOO_SMALL: 6,
  /** There is no such queue. */
  NO_MATCHED_LOGIC_QUEUE: 7,
  /** The queue never had a message, or has none any more. */
  NO_MESSAGE_IN_QUEUE: 8,
  /** Data must come from disk first: `await store.load(out.missing)`, then pull again. */
  PENDING: 9,
} as const;

/** A value of {@linkcode PullStatus}. */
export type PullStatus = typeof PullStatus[keyof typeof PullStatus];

const STATUS_NAMES = Object.keys(PullStatus);

/** RocketMQ's name of a status: the remark of a pull response. */
export function pullStatusName(status: PullStatus): string {
  return STATUS_NAMES[status]!;
}

/** Chooses messages. */
export interface MessageFilter {
  /** Whether a message with this code in its consumequeue unit can be wanted. */
  matchesCode(tagsCode: number): boolean;
  /** Whether the stored record is wanted; only asked after {@linkcode MessageFilter.matchesCode} said yes. */
  matchesRecord?(record: Uint8Array): boolean;
}

/** A piece of a store file that must be read from disk; only the store looks inside. */
export interface MissingBlock {
  readonly blockIndex: number;
}

/** The answer to a pull. */
export class PullResult {
  status: PullStatus = PullStatus.NO_MESSAGE_IN_QUEUE;
  /** Stored records, each part holding one or several whole ones. Views of store memory: valid until the turn ends. */
  readonly parts: Uint8Array[] = [];
  /** Number of records in `parts`. */
  count = 0;
  /** Bytes in `parts`. */
  sizeBytes = 0;
  /** Where to go on. */
  nextBeginOffset = 0;
  minOffset = 0;
  maxOffset = 0;
  /** Bytes of the log behind the last returned record: how far the reader is behind. */
  behindBytes = 0;
  /** With `PENDING`: what to load. */
  readonly missing: MissingBlock[] = [];

  /** Makes it empty. */
  reset(): void {
    this.status = PullStatus.NO_MESSAGE_IN_QUEUE;
    this.parts.length = 0;
    this.missing.length = 0;
    this.count = 0;
    this.sizeBytes = 0;
    this.nextBeginOffset = 0;
    this.minOffset = 0;
    this.maxOffset = 0;
    this.behindBytes = 0;
  }
}
