/**
 * ACK_MESSAGE (200051), BATCH_ACK_MESSAGE (200151), CHANGE_MESSAGE_INVISIBLETIME (200053): a client is done with popped
 * messages, or needs more time. An answer is given when the revive log is as safe as producers are promised.
 *
 * An acknowledgement of what is not in flight any more (it came again meanwhile, or is acknowledged already) says SUCCESS, for
 * clients repeat what they got no answer to; a change of its time says NO_MESSAGE, for a new receipt would be worth nothing.
 *
 * RocketMQ counterpart: `AckMessageProcessor`, `ChangeInvisibleTimeProcessor`.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import { readBatchAcks } from "../../protocol/bodies/pop.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import { ACK_MESSAGE_REQUEST, CHANGE_INVISIBLE_TIME_REQUEST } from "../../protocol/headers/pop.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { type AppendResult, type MessageStore, putStatusName } from "../../store/store.ts";
import { isSafe, type MessagePut } from "../message_put.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { Checkpoint, PopQueueKey } from "../pop/in_flight.ts";
import type { Pop } from "../pop/pop.ts";
import type { PopAdmission } from "../pop/pop_admission.ts";
import { ORDERED_REVIVE_QUEUE, readReceipt, type Receipt, topicOfKind } from "../pop/receipt.ts";

/** What these handlers need. */
export interface PopAckHandlerParts {
  readonly pop: Pop;
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly offsets: ConsumerOffsets;
  readonly admission: PopAdmission;
  readonly clock: Clock;
}

/** Handlers of the three requests. */
export function popAckHandlers(parts: PopAckHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.ACK_MESSAGE, (request) => acknowledge(parts, request)],
    [RequestCode.BATCH_ACK_MESSAGE, (request) => acknowledgeBatch(parts, request)],
    [RequestCode.CHANGE_MESSAGE_INVISIBLETIME, (request) => changeInvisibleTime(parts, request)],
  ]);
}

/** A message that a client speaks of. */
interface Place extends PopQueueKey {
  readonly offset: number;
}

async function acknowledge(parts: PopAckHandlerParts, { command, connection }: Request): Promise<Reply> {
  const header = readHeader(ACK_MESSAGE_REQUEST, command.ext);
  const { consumerGroup: group, topic, queueId, offset } = header;
  checkRunning(parts);
  parts.admission.checkPlace(topic, queueId, connection.remoteText);
  const { store } = parts;
  const min = store.minOffset(topic, queueId);
  const max = store.maxOffset(topic, queueId);
  if (offset < min || offset > max) {
    const key = `${topic}@${queueId}`;
    throw new ResponseError(
      ResponseCode.NO_MESSAGE,
      `offset is illegal, key:${key}, commit:${offset}, store:${min}~${max}`,
    );
  }
  const receipt = readReceipt(header.extraInfo);
  const key = { group, topic, queueId };
  if (receipt.isOrdered) acknowledgeOrdered(parts, key, [offset], receipt.popTimeMs, connection.remoteText);
  else await safe(parts, done(parts, key, [offset], receipt.popTimeMs));
  return OK;
}

async function acknowledgeBatch(parts: PopAckHandlerParts, { command, connection }: Request): Promise<Reply> {
  checkRunning(parts);
  const acks = command.body.length === 0 ? [] : readBatchAcks(command.body);
  if (acks.length === 0) throw new ResponseError(ResponseCode.NO_MESSAGE, "the batch has no acknowledgements");
  let last: AppendResult | null = null;
  for (const ack of acks) {
    const topic = topicOfKind(ack.retry, ack.topic, ack.consumerGroup);
    const key = { group: ack.consumerGroup, topic, queueId: ack.queueId };
    if (ack.reviveQueueId === ORDERED_REVIVE_QUEUE) {
      acknowledgeOrdered(parts, key, ack.offsets, ack.popTimeMs, connection.remoteText);
    } else last = done(parts, key, ack.offsets, ack.popTimeMs) ?? last;
  }
  await safe(parts, last);
  return OK;
}

/** Ends what is still in flight of these messages; null when nothing is. @throws {ResponseError} */
function done(
  { pop, store }: PopAckHandlerParts,
  key: PopQueueKey,
  offsets: readonly number[],
  popTimeMs: number,
): AppendResult | null {
  const byCheckpoint = new Map<Checkpoint, number[]>();
  for (const offset of offsets) {
    const checkpoint = pop.table.holder(key, offset, popTimeMs);
    if (checkpoint === undefined) continue;
    byCheckpoint.set(checkpoint, [...byCheckpoint.get(checkpoint) ?? [], offset]);
  }
  let last: AppendResult | null = null;
  for (const [checkpoint, ended] of byCheckpoint) {
    last = pop.reviveLog.done(checkpoint, ended);
    if (last === null) throw systemError(`the acknowledgement cannot be stored: ${store.problem()}`);
  }
  if (last !== null) pop.progress.touch();
  return last;
}

/** Source: `AckMessageProcessor#ackOrderly`. */
function acknowledgeOrdered(
  { pop, offsets: consumerOffsets }: PopAckHandlerParts,
  key: PopQueueKey,
  offsets: readonly number[],
  popTimeMs: number,
  who: string,
): void {
  const { group, topic, queueId } = key;
  for (const offset of offsets) {
    if (offset < consumerOffsets.query(group, topic, queueId)) continue;
    const next = pop.orders.acknowledge(key, offset, popTimeMs);
    if (next === null) continue;
    if (!consumerOffsets.hasReset(topic, group, queueId)) consumerOffsets.commit(group, topic, queueId, next, who);
    if (!pop.orders.isBlocked(key, null)) pop.woken(topic, group, queueId);
  }
}

async function changeInvisibleTime(parts: PopAckHandlerParts, { command, connection }: Request): Promise<Reply> {
  const header = readHeader(CHANGE_INVISIBLE_TIME_REQUEST, command.ext);
  const { consumerGroup: group, topic, queueId, offset, invisibleTime } = header;
  checkRunning(parts);
  parts.admission.checkPlace(topic, queueId, connection.remoteText);
  const place = { group, topic, queueId, offset };
  const receipt = readReceipt(header.extraInfo);
  if (receipt.isOrdered) return changeOrdered(parts, place, receipt, invisibleTime);
  const { pop, clock, store } = parts;
  const old = pop.table.holder(place, offset, receipt.popTimeMs);
  if (old === undefined) throw notInFlight(place, receipt);
  // A new pop time names the new receipt: it must differ from the old one's.
  const popTimeMs = Math.max(clock.now(), old.popTimeMs + 1);
  const result = pop.reviveLog.move(old, offset, popTimeMs, invisibleTime);
  if (result === null) throw systemError(`the new invisible time cannot be stored: ${store.problem()}`);
  pop.revival.changed();
  await safe(parts, result);
  return { ext: writeHeader({ invisibleTime, popTime: popTimeMs, reviveQid: 0 }) };
}

/** Source: `ChangeInvisibleTimeProcessor#processChangeInvisibleTimeForOrder`. */
function changeOrdered(parts: PopAckHandlerParts, place: Place, receipt: Receipt, invisibleTimeMs: number): Reply {
  const { pop, clock } = parts;
  const { popTimeMs } = receipt;
  const visibleMs = clock.now() + invisibleTimeMs;
  if (!pop.orders.setVisible(place, place.offset, popTimeMs, visibleMs)) throw notInFlight(place, receipt);
  const { topic, group, queueId } = place;
  if (!pop.orders.isBlocked(place, null)) pop.woken(topic, group, queueId);
  const ext = { invisibleTime: visibleMs - popTimeMs, popTime: popTimeMs, reviveQid: ORDERED_REVIVE_QUEUE };
  return { ext: writeHeader(ext) };
}

/** Waits until a record of the revive log is safe; null: there is nothing to wait for. @throws {ResponseError} */
async function safe({ put }: PopAckHandlerParts, result: AppendResult | null): Promise<void> {
  if (result === null) return;
  const status = await put.safe(result);
  if (!isSafe(status)) throw systemError(putStatusName(status));
}

function checkRunning({ pop, admission }: PopAckHandlerParts): void {
  if (pop.isRunning) return;
  throw systemError(`the broker[${admission.settings.brokerIP1}] does not keep what is in flight: it is a slave`);
}

function notInFlight({ group, topic, queueId, offset }: Place, { popTimeMs }: Receipt): ResponseError {
  return new ResponseError(
    ResponseCode.NO_MESSAGE,
    `message ${topic}-${queueId} ${offset} is not in flight for group ${group} since pop time ${popTimeMs}: ` +
      "it was acknowledged, or came again",
  );
}
