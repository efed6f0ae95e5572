/**
 * The one way by which broker code stores a message that it can change first: whatever comes over the general send path,
 * is sent back by a consumer, becomes due, or is written by the broker itself. Before the store sees it, rewriters may send
 * it elsewhere (a delayed message waits in the schedule topic, a half message in the half topic).
 *
 * RocketMQ counterpart: `MessageExtBrokerInner`, `DefaultMessageStore#asyncPutMessage` with its `PutMessageHook`s.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import { encodeProperties, Property, SysFlag, tagsCodeOf } from "../protocol/message.ts";
import { AppendMessage, AppendResult, type MessageStore, PutStatus } from "../store/store.ts";
import type { PeerHost } from "./peer.ts";

/** A message before it is stored. Its maker owns it; rewriters change it in place. */
export interface BrokerMessage {
  topic: string;
  queueId: number;
  flag: number;
  sysFlag: number;
  /** Milliseconds. */
  bornTimestamp: number;
  bornHost: PeerHost;
  reconsumeTimes: number;
  /** Physical offset of the half message that a commit stands for, else 0. */
  preparedTransactionOffset: number;
  body: Uint8Array;
  properties: Map<string, string>;
  /** At least 0: the queue unit carries the due time, this much after the store time, in place of the tags code. */
  deliverDelayMs: number;
}

/** A message with the given fields, the others empty. */
export function brokerMessage(
  fields: Partial<BrokerMessage> & Pick<BrokerMessage, "topic" | "bornTimestamp" | "bornHost">,
): BrokerMessage {
  return {
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: EMPTY,
    properties: new Map(),
    deliverDelayMs: -1,
    ...fields,
  };
}

/** Why a rewriter does not let a message through. */
export interface PutRefusal {
  /** Response code for the sender. */
  readonly code: number;
  readonly remark: string;
}

/** Changes a message before it is stored, or refuses it. */
export type PutRewriter = (message: BrokerMessage) => PutRefusal | null;

/** What became of a put. */
export interface PutOutcome {
  readonly status: PutStatus;
  /** Set when a rewriter refused it: nothing was stored. */
  readonly refusal: PutRefusal | null;
  /** Meaningful with status PUT_OK. */
  readonly result: AppendResult;
}

/** Stores messages; see the module's text. */
export class MessagePut {
  readonly #store: MessageStore;
  readonly #rewriters: PutRewriter[] = [];
  readonly #append = new AppendMessage();

  constructor(store: MessageStore) {
    this.#store = store;
  }

  /** Has `rewriter` look at every message from now on, after those that were added before. */
  addRewriter(rewriter: PutRewriter): void {
    this.#rewriters.push(rewriter);
  }

  /** Rewrites and stores a message: its record is written when the turn ends. */
  put(message: BrokerMessage): PutOutcome {
    const result = new AppendResult();
    for (const rewrite of this.#rewriters) {
      const refusal = rewrite(message);
      if (refusal !== null) return { status: PutStatus.MESSAGE_ILLEGAL, refusal, result };
    }
    return { status: this.#store.append(this.#fill(message), result), refusal: null, result };
  }

  /** As {@linkcode put} without rewriting: for messages that a rewriter has sent elsewhere and that now come back. */
  putAsIs(message: BrokerMessage): PutOutcome {
    const result = new AppendResult();
    return { status: this.#store.append(this.#fill(message), result), refusal: null, result };
  }

  /** Stores a message and waits until it is as safe as producers are promised (or, by WAIT=false, written). */
  async putSafely(message: BrokerMessage): Promise<PutOutcome> {
    const outcome = this.put(message);
    if (outcome.status !== PutStatus.PUT_OK) return outcome;
    return { ...outcome, status: await this.safe(outcome.result, waitsForStore(message)) };
  }

  /** Waits until a stored message is safe. */
  safe(result: Pick<AppendResult, "endOffset">, waits = true): Promise<PutStatus> {
    return new Promise((resolve) => this.#store.whenSafe(result.endOffset, waits, { settle: resolve }));
  }

  #fill(message: BrokerMessage): AppendMessage {
    const append = this.#append;
    // That of the record it may have been read from.
    message.properties.delete(Property.CRC32);
    const properties = encodeProperties(message.properties);
    append.topic = message.topic;
    append.queueId = message.queueId;
    append.flag = message.flag;
    append.sysFlag = message.sysFlag;
    append.bornTimestamp = message.bornTimestamp;
    append.bornHost = message.bornHost.hostBytes;
    append.bornPort = message.bornHost.port;
    append.reconsumeTimes = message.reconsumeTimes;
    append.preparedTransactionOffset = message.preparedTransactionOffset;
    append.body = message.body;
    append.bodyStart = 0;
    append.bodyEnd = message.body.length;
    append.properties = properties;
    append.propertiesStart = 0;
    append.propertiesEnd = properties.length;
    append.tagsCode = tagsCodeOf(message.properties.get(Property.TAGS));
    append.deliverDelayMs = message.deliverDelayMs;
    return append;
  }
}

/** Whether the producer wants to wait for the store's promise. Source: RocketMQ `Message#isWaitStoreMsgOK`. */
export function waitsForStore(message: Pick<BrokerMessage, "properties">): boolean {
  const wait = message.properties.get(Property.WAIT);
  return wait === undefined || wait.toLowerCase() === "true";
}

/**
 * Whether a message that was put is there to stay, as far as its producer was promised: stored without a replica or without
 * hearing of the sync in its time, too. Otherwise the turn that it was in was taken back.
 */
export function isSafe(status: PutStatus): boolean {
  return status === PutStatus.PUT_OK || status === PutStatus.SLAVE_NOT_AVAILABLE ||
    status === PutStatus.FLUSH_SLAVE_TIMEOUT || status === PutStatus.FLUSH_DISK_TIMEOUT;
}

/**
 * Waits until what was stored is as safe as producers are promised, however long that takes: for progress that slaves copy,
 * which must not be ahead of the log that they have. False when it was taken back, or `isOver` before that.
 */
export async function staysStored(
  put: Pick<MessagePut, "safe">,
  stored: Pick<AppendResult, "endOffset">,
  isOver: () => boolean,
): Promise<boolean> {
  for (;;) {
    const status = await put.safe(stored);
    if (status !== PutStatus.FLUSH_SLAVE_TIMEOUT && status !== PutStatus.FLUSH_DISK_TIMEOUT) return isSafe(status);
    if (isOver()) return false;
  }
}

/** Whether the message is half of a transaction, or the end of one. */
export function isTransactional(sysFlag: number): boolean {
  return (sysFlag & SysFlag.TRANSACTION_MASK) !== SysFlag.TRANSACTION_NOT;
}
