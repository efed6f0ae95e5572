/**
 * POP_MESSAGE (200050), PEEK_MESSAGE (200052), NOTIFICATION (200054), POLLING_INFO (200055): getting messages by POP, looking
 * at them, waiting for them. What gives messages back is in `pop_ack.ts`.
 *
 * RocketMQ counterpart: `PopMessageProcessor`, `PeekMessageProcessor`, `NotificationProcessor`, `PollingInfoProcessor`.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import type { Random } from "../../common/random.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import {
  NOTIFICATION_REQUEST,
  type NotificationRequest,
  PEEK_MESSAGE_REQUEST,
  POLLING_INFO_REQUEST,
  POP_MESSAGE_REQUEST,
  type PopMessageRequest,
} from "../../protocol/headers/pop.ts";
import { systemError } from "../../protocol/response_error.ts";
import type { Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { type MessageFilter, type MessageStore, PullStatus, pullStatusName } from "../../store/store.ts";
import { isSafe } from "../message_put.ts";
import type { Pop } from "../pop/pop.ts";
import type { AdmittedPop, PopAdmission, PopTarget } from "../pop/pop_admission.ts";
import type { HeldPop } from "../pop/pop_hold.ts";
import { PopBatch, type PopWish } from "../pop/pop_reader.ts";
import { ORDERED_REVIVE_QUEUE } from "../pop/receipt.ts";
import type { BrokerStats } from "../stats.ts";
import { popRetryTopicsOf } from "../system_topics.ts";
import { MESSAGE_TYPE_ATTRIBUTE, priorityFactorOf } from "../topic_attributes.ts";
import type { TopicTable } from "../topics.ts";

/** `initMode` of a group that wants what comes from now on. */
const INIT_MAX = 1;
/** Of this many waiting milliseconds nothing is left when the answer has arrived. Source: `PopRequest#isTimeout`. */
const ANSWER_MARGIN_MS = 50;
/** Percent of peeks and notices that look at the retry topic first. */
const LOOK_AT_RETRY_PERCENTS = { retry: 20, retryByPriority: 20 };

/** What these handlers must know of the configuration. */
export interface PopHandlerSettings {
  /** Percent of pops that look at the retry topic first (`popFromRetryProbability`). */
  retryFirstPercent(): number;
  /** The same for pops by priority (`popFromRetryProbabilityForPriority`). */
  retryFirstPercentByPriority(): number;
  /** Whether messages in queues of higher numbers are the more urgent ones (`priorityOrderAsc`). */
  isHigherMoreUrgent(): boolean;
  /** Whether retry topics have the form `%RETRY%group+topic` (`enableRetryTopicV2`). */
  usesNewRetryTopics(): boolean;
  /** Whether, then, those of the older form are read, too (`retrieveMessageFromPopRetryTopicV1`). */
  readsOldRetryTopics(): boolean;
}

/** What these handlers need. */
export interface PopHandlerParts {
  readonly pop: Pop;
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly admission: PopAdmission;
  readonly stats: BrokerStats;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: PopHandlerSettings;
}

/** Handlers of the four requests. */
export function popHandlers(parts: PopHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.POP_MESSAGE, (request) => new PopRequest(parts, request).first()],
    [RequestCode.PEEK_MESSAGE, (request) => peek(parts, request)],
    [RequestCode.NOTIFICATION, (request) => new Notice(parts, request).first()],
    [RequestCode.POLLING_INFO, (request) => pollingInfo(parts, request)],
  ]);
}

/** A queue to be looked at. */
interface Place {
  readonly topic: string;
  readonly queueId: number;
}

/**
 * The queues that a request looks at, in an order that changes, so that none is always the last. Of a topic of priorities
 * (`message.type=PRIORITY`, 5.5) as many percent of the pops as the group's `priority.factor` says look by priority instead.
 */
function placesOf(
  parts: PopHandlerParts,
  target: PopTarget & { readonly order?: boolean | undefined },
  config: AdmittedPop,
  percents: { readonly retry: number; readonly retryByPriority: number },
): Place[] {
  const { random, topics, settings } = parts;
  const chance = random.int(100);
  const isByPriority = config.topic.attributes?.[MESSAGE_TYPE_ATTRIBUTE] === "PRIORITY" && target.order !== true &&
    chance < priorityFactorOf(config.group);
  const retryPercent = isByPriority ? percents.retryByPriority : percents.retry;
  const queues = rotated(target.topic, config.topic.readQueueNums, isByPriority ? 0 : chance);
  if (isByPriority && settings.isHigherMoreUrgent()) queues.reverse();
  const own = target.queueId < 0 ? queues : [{ topic: target.topic, queueId: target.queueId }];
  const [newer, older] = popRetryTopicsOf(target.topic, target.consumerGroup);
  const retryTopics = [settings.usesNewRetryTopics() ? newer : older];
  if (settings.usesNewRetryTopics() && settings.readsOldRetryTopics()) retryTopics.push(older);
  const retries = retryTopics.flatMap((topic) => rotated(topic, topics.get(topic)?.readQueueNums ?? 0, chance));
  return chance < retryPercent ? [...retries, ...own] : [...own, ...retries];
}

function rotated(topic: string, queueNums: number, by: number): Place[] {
  return Array.from({ length: queueNums }, (_, i) => ({ topic, queueId: (by + i) % queueNums }));
}

/** How long a request may wait still; at most 0 when not at all. */
function patienceMs(nowMs: number, bornMs: number, pollMs: number): number {
  // A client whose clock is ahead waits no longer than it wants to.
  return pollMs - Math.max(0, nowMs - bornMs) - ANSWER_MARGIN_MS;
}

/** One pop from its arrival to its answer. */
class PopRequest implements HeldPop {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly #parts: PopHandlerParts;
  readonly #request: Request;
  readonly #header: PopMessageRequest;
  readonly #admitted: AdmittedPop;
  readonly #filter: MessageFilter | null;
  readonly #bornMs: number;
  readonly #answered = Promise.withResolvers<null>();

  constructor(parts: PopHandlerParts, request: Request) {
    this.#parts = parts;
    this.#request = request;
    const header = this.#header = readHeader(POP_MESSAGE_REQUEST, request.command.ext);
    this.#bornMs = header.bornTime || parts.clock.now();
    parts.admission.checkAge(this.#bornMs, header.pollTime);
    parts.admission.checkCount(header.maxMsgNums);
    this.#admitted = parts.admission.admit(header, "pop", request.connection.remoteText);
    this.#filter = parts.admission.filter(header.topic, header.exp, header.expType);
    this.group = header.consumerGroup;
    this.topic = header.topic;
    this.queueId = header.queueId;
  }

  /** Resolves when it was answered. */
  first(): Promise<null> {
    this.#try(false);
    return this.#answered.promise;
  }

  /** @inheritdoc */
  isAlive(): boolean {
    return !this.#request.connection.closed;
  }

  /** @inheritdoc */
  retry(last: boolean): boolean {
    try {
      return this.#pop(last);
    } catch (error) {
      this.#answered.reject(error);
      return true;
    }
  }

  /** Pops; what finds nothing waits. */
  #try(last: boolean): void {
    if (!this.retry(last)) this.#wait();
  }

  /** One try; true when it was answered, or goes on by itself when data has come from disk. */
  #pop(last: boolean): boolean {
    const { pop, settings } = this.#parts;
    const wish = this.#wish();
    const batch = new PopBatch();
    const places = placesOf(this.#parts, this.#header, this.#admitted, {
      retry: settings.retryFirstPercent(),
      retryByPriority: settings.retryFirstPercentByPriority(),
    });
    for (const { topic, queueId } of places) {
      // What failed must be seen to fail again: an ordered group gets it from its own queue.
      if (wish.isOrdered && topic !== this.topic) continue;
      pop.reader.take(wish, topic, queueId, batch);
    }
    pop.revival.changed();
    if (batch.problem !== null && batch.count === 0) throw systemError(batch.problem);
    if (batch.count > 0) this.#answerWhenWritten(wish, batch);
    else if (batch.missing.length > 0) this.#loadAndTry(batch, last);
    else if (last) this.#answerNothing(ResponseCode.POLLING_TIMEOUT, wish, batch);
    else return false;
    return true;
  }

  #loadAndTry(batch: PopBatch, last: boolean): void {
    this.#parts.store.load(batch.missing).then(
      () => this.isAlive() ? this.#try(last) : this.#answered.resolve(null),
      (error) => this.#answered.reject(error),
    );
  }

  #wait(): void {
    const { pop, clock } = this.#parts;
    const waitMs = pop.isRunning ? patienceMs(clock.now(), this.#bornMs, this.#header.pollTime) : 0;
    const outcome = waitMs > 0 ? pop.hold.hold(this, waitMs) : "POLLING_TIMEOUT";
    if (outcome !== "HELD") this.#answerNothing(ResponseCode[outcome], this.#wish(), new PopBatch());
  }

  #wish(): PopWish {
    const { consumerGroup, topic, maxMsgNums, invisibleTime, initMode, order, attemptId } = this.#header;
    return {
      group: consumerGroup,
      topic,
      maxMessages: maxMsgNums,
      popTimeMs: this.#parts.clock.now(),
      invisibleTimeMs: invisibleTime,
      begins: initMode === INIT_MAX ? "MAX" : "MIN",
      isOrdered: order === true,
      attemptId: attemptId ?? null,
      filter: this.#filter,
      who: this.#request.connection.remoteText,
    };
  }

  /** What is not in the revive log must not be handed out: its acknowledgement would find nothing. */
  #answerWhenWritten(wish: PopWish, batch: PopBatch): void {
    if (wish.isOrdered) return this.#answer(wish, batch);
    const { store } = this.#parts;
    // It settles as the turn ends, when the batch's parts may still be read.
    store.whenSafe(0, false, {
      settle: (status) => {
        if (isSafe(status)) this.#answer(wish, batch);
        else this.#answered.reject(systemError(`messages cannot be handed out: ${store.problem()}`));
      },
    });
  }

  #answer(wish: PopWish, batch: PopBatch): void {
    const { connection, command } = this.#request;
    const reply = this.#reply(ResponseCode.SUCCESS, PullStatus.FOUND, wish, batch);
    connection.answerParts(command, reply, batch.parts, batch.sizeBytes);
    this.#answered.resolve(null);
    this.#parts.stats.countGot(this.group, this.topic, batch.count, batch.sizeBytes);
  }

  #answerNothing(code: number, wish: PopWish, batch: PopBatch): void {
    const { connection, command } = this.#request;
    this.#parts.stats.countMiss();
    connection.answer(command, this.#reply(code, PullStatus.NO_MESSAGE_IN_QUEUE, wish, batch));
    this.#answered.resolve(null);
  }

  #reply(code: number, status: PullStatus, wish: PopWish, batch: PopBatch): Reply {
    return {
      code,
      remark: pullStatusName(status),
      ext: writeHeader({
        invisibleTime: wish.invisibleTimeMs,
        popTime: wish.popTimeMs,
        reviveQid: wish.isOrdered ? ORDERED_REVIVE_QUEUE : 0,
        restNum: batch.rest,
        ...batch.infos.fields(wish.isOrdered),
      }),
    };
  }
}

/** One request to be told of messages, from its arrival to its answer. */
class Notice implements HeldPop {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly #parts: PopHandlerParts;
  readonly #request: Request;
  readonly #header: NotificationRequest;
  readonly #admitted: AdmittedPop;

  constructor(parts: PopHandlerParts, request: Request) {
    this.#parts = parts;
    this.#request = request;
    this.#header = readHeader(NOTIFICATION_REQUEST, request.command.ext);
    this.#admitted = parts.admission.admit(this.#header, "peek", request.connection.remoteText);
    this.group = this.#header.consumerGroup;
    this.topic = this.#header.topic;
    this.queueId = this.#header.queueId;
  }

  first(): Reply | null {
    const { pop, clock } = this.#parts;
    if (this.#hasMessage()) return noticeReply(true);
    const now = clock.now();
    const waitMs = pop.isRunning ? patienceMs(now, this.#header.bornTime || now, this.#header.pollTime) : 0;
    if (waitMs <= 0) return noticeReply(false);
    return pop.notices.hold(this, waitMs) === "HELD" ? null : noticeReply(false, true);
  }

  /** @inheritdoc */
  isAlive(): boolean {
    return !this.#request.connection.closed;
  }

  /** @inheritdoc */
  retry(last: boolean): boolean {
    const hasMessage = this.#hasMessage();
    if (!hasMessage && !last) return false;
    this.#request.connection.answer(this.#request.command, noticeReply(hasMessage));
    return true;
  }

  #hasMessage(): boolean {
    const { pop: { reader, orders } } = this.#parts;
    const { order, attemptId } = this.#header;
    const { group } = this;
    return placesOf(this.#parts, this.#header, this.#admitted, LOOK_AT_RETRY_PERCENTS).some(({ topic, queueId }) => {
      if (order === true && orders.isBlocked({ group, topic, queueId }, attemptId ?? null)) return false;
      return reader.hasMore(group, topic, queueId);
    });
  }
}

function noticeReply(hasMsg: boolean, pollingFull = false): Reply {
  return { ext: writeHeader({ hasMsg, pollingFull }) };
}

async function peek(parts: PopHandlerParts, { command, connection }: Request): Promise<Reply | null> {
  const header = readHeader(PEEK_MESSAGE_REQUEST, command.ext);
  const admitted = parts.admission.admit(header, "peek", connection.remoteText);
  parts.admission.checkCount(header.maxMsgNums);
  const nowMs = parts.clock.now();
  const wish: PopWish = {
    group: header.consumerGroup,
    topic: header.topic,
    maxMessages: header.maxMsgNums,
    popTimeMs: nowMs,
    invisibleTimeMs: 0,
    begins: "MIN",
    isOrdered: false,
    attemptId: null,
    filter: null,
    who: connection.remoteText,
  };
  const places = placesOf(parts, header, admitted, LOOK_AT_RETRY_PERCENTS);
  for (;;) {
    const batch = new PopBatch();
    for (const { topic, queueId } of places) parts.pop.reader.look(wish, topic, queueId, batch);
    if (batch.count === 0 && batch.missing.length > 0) {
      await parts.store.load(batch.missing);
      continue;
    }
    const isFound = batch.count > 0;
    const status = isFound ? PullStatus.FOUND : PullStatus.NO_MESSAGE_IN_QUEUE;
    const ext = writeHeader({ popTime: nowMs, invisibleTime: 0, reviveQid: 0, restNum: batch.rest });
    const code = isFound ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND;
    connection.answerParts(command, { code, remark: pullStatusName(status), ext }, batch.parts, batch.sizeBytes);
    return null;
  }
}

function pollingInfo({ pop, admission }: PopHandlerParts, { command, connection }: Request): Reply {
  const header = readHeader(POLLING_INFO_REQUEST, command.ext);
  admission.admit(header, "peek", connection.remoteText);
  const { topic, consumerGroup, queueId } = header;
  return { ext: writeHeader({ pollingNum: pop.hold.countOf(topic, consumerGroup, queueId) }) };
}
