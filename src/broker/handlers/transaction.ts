/**
 * END_TRANSACTION (37): a producer commits or rolls back; RESUME_CHECK_HALF_MESSAGE (323): an administrator has a given-up
 * transaction checked again. Source: RocketMQ `EndTransactionProcessor`, `AdminBrokerProcessor#resumeCheckHalfMessage`.
 *
 * @module
 */
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { type HeaderOf, readHeader } from "../../protocol/header.ts";
import { END_TRANSACTION, RESUME_CHECK_HALF_MESSAGE } from "../../protocol/headers/transaction.ts";
import { parseOffsetMessageId } from "../../protocol/ids.ts";
import { Property, SysFlag } from "../../protocol/message.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { HandlerTable, Request } from "../../remoting/handler.ts";
import { type MessageStore, PutStatus } from "../../store/store.ts";
import type { HalfMessages } from "../half_messages.ts";
import { type BrokerMessage, isSafe, type MessagePut } from "../message_put.ts";
import { type PutRemarkFacts, refusedReply } from "../put_remarks.ts";
import { readStoredMessage, storedAgain, type StoredMessage } from "../stored_message.ts";
import { SystemTopic } from "../system_topics.ts";
import { immunityMs } from "../transaction_check.ts";

type EndTransaction = HeaderOf<typeof END_TRANSACTION>;

/** Bytes of a committed message beside its body, and of the op records of its half and of all copies of that, at most. */
const RECORDS_ROOM = 64 * 1024;

/** What the ends of transactions need. */
export interface TransactionParts {
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly halves: HalfMessages;
  readonly counter: { countPut(topic: string, messages: number, bytes: number): void };
  readonly settings: TransactionSettings;
}

/** What they must know of the configuration. */
export interface TransactionSettings extends PutRemarkFacts {
  /** `transactionTimeOut`, milliseconds. */
  readonly transactionTimeOutMs: number;
  /** Whether this broker is a slave, which cannot end transactions. */
  isSlave(): boolean;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Handlers of the two requests. */
export function transactionHandlers(parts: TransactionParts): HandlerTable {
  return new Map([
    [RequestCode.END_TRANSACTION, (request: Request) => endTransaction(parts, request)],
    [RequestCode.RESUME_CHECK_HALF_MESSAGE, (request: Request) => resumeCheck(parts, request)],
  ]);
}

async function endTransaction(parts: TransactionParts, request: Request): Promise<Reply | null> {
  const header = readHeader(END_TRANSACTION, request.command.ext);
  if (parts.settings.isSlave()) {
    throw new ResponseError(ResponseCode.SLAVE_NOT_AVAILABLE, "a slave cannot end transactions: ask the master");
  }
  const isCommit = header.commitOrRollback === SysFlag.TRANSACTION_COMMIT;
  if (!isCommit && header.commitOrRollback !== SysFlag.TRANSACTION_ROLLBACK) {
    if (header.commitOrRollback === SysFlag.TRANSACTION_NOT) return null; // not known yet
    throw systemError("commitOrRollback field wrong");
  }
  const half = await checkedHalf(parts, header);
  await parts.halves.load();
  if (parts.halves.isEnded(half.queueOffset)) return OK; // a second end, of the producer or of a check
  if (parts.halves.isPast(half.queueOffset)) {
    throw new ResponseError(
      ResponseCode.ILLEGAL_OPERATION,
      `the transaction is over: it has ended, or was given up and lies in ${SystemTopic.TRANS_CHECK_MAX_TIME}`,
    );
  }
  // From here on in one turn: the message and the record that its transaction has ended are written together, or neither.
  if (isCommit) {
    const room = parts.store.reserve(half.body.length + RECORDS_ROOM);
    if (room !== PutStatus.PUT_OK) return refusedReply(room, parts.settings);
    const refused = commit(parts, half, header.commitLogOffset);
    if (refused !== null) return refused;
  }
  const ended = parts.halves.end(half.queueOffset);
  const status = ended === null ? PutStatus.SERVICE_NOT_AVAILABLE : await parts.put.safe(ended);
  if (isSafe(status)) return OK;
  parts.halves.forget();
  return refusedReply(status, parts.settings);
}

async function checkedHalf(parts: TransactionParts, header: EndTransaction): Promise<StoredMessage> {
  const record = await recordOf(parts.store, header.commitLogOffset);
  const half = record === null ? null : readStoredMessage(record);
  if (half === null || half.topic !== SystemTopic.TRANS_HALF) {
    throw systemError("Find prepared transaction message failed");
  }
  if (!header.fromTransactionCheck && isTooLate(parts.settings, half)) {
    throw new ResponseError(
      ResponseCode.ILLEGAL_OPERATION,
      "the transaction ends later than its CHECK_IMMUNITY_TIME_IN_SECONDS: the broker asks for its state",
    );
  }
  if (half.properties.get(Property.PGROUP) !== header.producerGroup) throw systemError("The producer group wrong");
  if (half.queueOffset !== header.tranStateTableOffset) throw systemError("The transaction state table offset wrong");
  return half;
}

/** The record; one that is written and not readable yet, for its producer did not wait for that (WAIT=false), when it is. */
async function recordOf(store: MessageStore, physicalOffset: number): Promise<Uint8Array | null> {
  const record = await store.messageAt(physicalOffset);
  if (record !== null || physicalOffset >= store.figures().maxPhysicalOffset) return record;
  await new Promise<PutStatus>((settle) => store.whenSafe(physicalOffset + 1, true, { settle }));
  return await store.messageAt(physicalOffset);
}

function isTooLate(settings: TransactionSettings, half: StoredMessage): boolean {
  const immunity = immunityMs(half, settings.transactionTimeOutMs);
  return immunity !== null && settings.now() - half.bornTimestamp > immunity;
}

/** Stores the message where it belongs; null when that went well. */
function commit(parts: TransactionParts, half: StoredMessage, halfPhysicalOffset: number): Reply | null {
  const message = committedMessage(half, halfPhysicalOffset);
  const outcome = parts.put.putAsIs(message);
  if (outcome.status !== PutStatus.PUT_OK) return refusedReply(outcome.status, parts.settings);
  parts.counter.countPut(message.topic, 1, outcome.result.sizeBytes);
  return null;
}

function committedMessage(half: StoredMessage, halfPhysicalOffset: number): BrokerMessage {
  const { properties } = half;
  const topic = properties.get(Property.REAL_TOPIC) ?? "";
  const queueId = Number(properties.get(Property.REAL_QID) ?? 0);
  properties.delete(Property.REAL_TOPIC);
  properties.delete(Property.REAL_QID);
  properties.delete(Property.TRAN_PREPARED_QUEUE_OFFSET);
  const message = storedAgain(half, topic, queueId);
  message.sysFlag = (half.sysFlag & ~SysFlag.TRANSACTION_MASK) | SysFlag.TRANSACTION_COMMIT;
  message.preparedTransactionOffset = halfPhysicalOffset;
  return message;
}

/** Puts a half that was given up back into the half queue, with its checks counted anew. */
async function resumeCheck(parts: TransactionParts, request: Request): Promise<Reply> {
  const { msgId } = readHeader(RESUME_CHECK_HALF_MESSAGE, request.command.ext);
  const id = parseOffsetMessageId(msgId);
  const record = id === null ? null : await parts.store.messageAt(id.physicalOffset);
  const message = record === null ? null : readStoredMessage(record);
  if (message === null) throw systemError(`there is no message ${msgId}`);
  message.properties.delete(Property.TRANSACTION_CHECK_TIMES);
  message.properties.delete(Property.TRAN_PREPARED_QUEUE_OFFSET);
  const outcome = parts.put.putAsIs(storedAgain(message, SystemTopic.TRANS_HALF, 0));
  return outcome.status === PutStatus.PUT_OK ? OK : refusedReply(outcome.status, parts.settings);
}
