/**
 * What goes into the store and what the store says to it. Callers keep one {@link AppendMessage} and one
 * {@link AppendResult} and fill them again for every message: an append allocates nothing of its own.
 *
 * RocketMQ counterpart: `MessageExtBrokerInner`, `AppendMessageResult`, `PutMessageStatus`.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";

/** What became of an append. Source: RocketMQ `PutMessageStatus`. */
export const PutStatus = {
  PUT_OK: 0,
  /** Stored, but not synced within `syncFlushTimeout`. */
  FLUSH_DISK_TIMEOUT: 1,
  /** Stored, but no replica is there to acknowledge it. */
  SLAVE_NOT_AVAILABLE: 2,
  /** Stored, but no replica acknowledged it within `slaveTimeout`. */
  FLUSH_SLAVE_TIMEOUT: 3,
  /** Not stored: read-only, no space, a slave, or closed; `MessageStore.refusal` says which. */
  SERVICE_NOT_AVAILABLE: 4,
  /** Not stored: topic, body or record too large, or a batch that cannot be read. */
  MESSAGE_ILLEGAL: 5,
  /** Not stored: more than 32767 bytes of properties. */
  PROPERTIES_SIZE_EXCEEDED: 6,
  /** Not stored: the next commitlog file cannot be made. */
  CREATE_MAPPED_FILE_FAILED: 7,
  /** Written, but whether it survives is unknown: the sync failed. */
  UNKNOWN_ERROR: 8,
  /** Not stored: fewer in-sync replicas than `minInSyncReplicas`. */
  IN_SYNC_REPLICAS_NOT_ENOUGH: 9,
} as const;

/** A value of {@linkcode PutStatus}. */
export type PutStatus = typeof PutStatus[keyof typeof PutStatus];

const STATUS_NAMES = Object.keys(PutStatus);

/** RocketMQ's name of a status. */
export function putStatusName(status: PutStatus): string {
  return STATUS_NAMES[status]!;
}

/**
 * A message to append. The byte arrays are copied before `append` returns, so they may be views into a read buffer.
 * Source: the fields of a commitlog record.
 */
export class AppendMessage {
  /** At most 127 bytes of UTF-8, 255 for a topic beginning with `%RETRY%`. */
  topic = "";
  queueId = 0;
  /** The user's 32 bits. */
  flag = 0;
  /** Bits of `SysFlag`, without the two for IPv6 hosts: they follow from the addresses. */
  sysFlag = 0;
  /** The producer's clock, milliseconds. */
  bornTimestamp = 0;
  /** The producer's address: 4 or 16 bytes. */
  bornHost: Uint8Array = new Uint8Array(4);
  bornPort = 0;
  reconsumeTimes = 0;
  /** Physical offset of the half message that a commit stands for. */
  preparedTransactionOffset = 0;
  /** Holds the body in `[bodyStart, bodyEnd)`; for a batch the concatenation of its messages. */
  body: Uint8Array = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;
  /** Holds the property string in `[propertiesStart, propertiesEnd)`; ignored for a batch, whose messages have their own. */
  properties: Uint8Array = EMPTY;
  propertiesStart = 0;
  propertiesEnd = 0;
  /** More properties, `name \x01 value \x02` each, stored behind the others; empty for none. */
  propertiesSuffix: Uint8Array = EMPTY;
  /** What the consumequeue unit carries for tag filters; for a batch it is found in each message's own properties. */
  tagsCode = 0;
  /** At least 0: the unit carries the due time, storeTimestamp + deliverDelayMs, in place of `tagsCode`. */
  deliverDelayMs = -1;
}

/** Where a message came to lie. Only meaningful after a status `PUT_OK`. */
export class AppendResult {
  /** Where the (first) record starts. */
  physicalOffset = 0;
  /** Size of the record, or of all records of a batch. */
  sizeBytes = 0;
  /** Where the (last) record ends: what `whenSafe` waits for. */
  endOffset = 0;
  /** Queue offset of the (first) message; 0 for prepared and rollback records, which are in no queue. */
  queueOffset = 0;
  storeTimestamp = 0;
  /** Number of messages: 1 unless it was a batch. */
  count = 0;
  /** Physical offset of each message of a batch, in its first `count` places; not touched by a single message. */
  readonly batchOffsets: number[] = [];
}

/** Somebody who waits until a message is safe. */
export interface Waiter {
  /** Called exactly once, never during the call that registers the waiter. */
  settle(status: PutStatus): void;
}
