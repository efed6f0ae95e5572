/**
 * PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361): messages of a queue from an offset on, filtered, or a wait until there are
 * some. Source: RocketMQ `PullMessageProcessor`, `DefaultPullMessageResultHandler`.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import type { Interner } from "../../common/intern.ts";
import { endProcess, InvariantError, messageOf } from "../../common/errors.ts";
import type { SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import { PULL_MESSAGE_REQUEST, type PullMessageRequest } from "../../protocol/headers/message.ts";
import { PullSysFlag } from "../../protocol/message.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { command, type Reply } from "../../remoting/command.ts";
import type { FastHandler, Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import { type MessageStore, PullResult, PullStatus } from "../../store/store.ts";
import { AnswerTurns } from "../answer_turns.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { AdmittedPull, PullAdmission } from "../pull_admission.ts";
import type { HeldPull, PullHold } from "../pull_hold.ts";
import { writePullAnswer } from "../pull_reply.ts";
import { PullScan } from "../pull_scan.ts";
import type { BrokerStats } from "../stats.ts";

/** What pulls must know of the configuration. */
export interface PullSettings {
  /** Whether pulls may wait (`longPollingEnable`); else they wait `shortPollingTimeMs`. */
  readonly longPollingEnable: boolean;
  readonly shortPollingTimeMs: number;
  /** Most bytes of messages in an answer. */
  readonly maxBytes: number;
  /** Most messages in an answer (`maxTransferCountOnMessageInMemory`). */
  readonly maxMessages: number;
  /** Which broker of the group the consumer should ask next time: 0 the master. */
  suggestedBroker(group: SubscriptionGroupConfig, behindBytes: number): number;
  /** Whether offsets out of range are left alone: on a slave (`offsetCheckInSlave=false`), which may be behind. */
  keepsOffsets(): boolean;
}

/** What pulls need. */
export interface PullParts {
  readonly store: MessageStore;
  readonly admission: PullAdmission;
  readonly offsets: ConsumerOffsets;
  readonly hold: PullHold;
  readonly stats: BrokerStats;
  readonly clock: Clock;
  readonly settings: PullSettings;
}

/** Handlers of the two pull requests. */
export function pullHandlers(parts: PullParts): HandlerTable {
  const handle: Handler = (request) => {
    return new Pull(parts, request, readHeader(PULL_MESSAGE_REQUEST, request.command.ext)).first();
  };
  return new Map([
    [RequestCode.PULL_MESSAGE, handle],
    [RequestCode.LITE_PULL_MESSAGE, handle],
  ]);
}

/**
 * The fast handler of PULL_MESSAGE: as the general one, without a table of strings made of the header. What it cannot read
 * and whatever fails is left to the general one, which begins anew: a first try that fails has changed nothing that a second
 * one would not change in the same way.
 */
export function fastPull(parts: PullParts, names: Interner): FastHandler {
  const scan = new PullScan(names);
  return (frame, connection) => {
    const header = scan.read(frame);
    if (header === null) return false;
    const pull = command({ code: RequestCode.PULL_MESSAGE, opaque: scan.opaque, serialize: frame.serialize });
    try {
      const reply = new Pull(parts, { command: pull, connection }, header).first();
      if (reply !== null) connection.answer(pull, reply);
      return true;
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      return false;
    }
  };
}

/** All pulls use it, one after the other: nothing in it is used after the turn that filled it. */
const result = new PullResult();
/** Reads from disk under way at a time: what they load must fit the cache together. */
const COLD_READS_MAX = 4;
const coldTurns = new AnswerTurns(COLD_READS_MAX);
/** With more than this waiting to be written on its connection, a waiting pull is not answered. */
const UNWRITTEN_BYTES_MAX = 4_194_304;

/** One pull request from its arrival to its answer. */
class Pull implements HeldPull {
  readonly topic: string;
  readonly queueId: number;
  deadlineMs = 0;
  readonly #parts: PullParts;
  readonly #request: Request;
  readonly #header: PullMessageRequest;
  readonly #admitted: AdmittedPull;
  /** Where the next try begins: behind what was examined in vain while this pull waited. */
  #offset: number;

  constructor(parts: PullParts, request: Request, header: PullMessageRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#header = header;
    this.#admitted = parts.admission.admit(request, this.#header);
    this.topic = this.#header.topic;
    this.queueId = this.#header.queueId;
    this.#offset = this.#header.queueOffset;
  }

  /** The first try; answers itself when it finds messages or must wait. */
  first(): Reply | null {
    const { offsets } = this.#parts;
    const h = this.#header;
    const reset = offsets.takeReset(h.topic, h.consumerGroup, h.queueId);
    if (reset !== undefined) return this.#sendTo(ResponseCode.PULL_OFFSET_MOVED, reset, "OFFSET_RESET");
    if ((h.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0 && h.commitOffset !== undefined && h.commitOffset >= 0) {
      offsets.commit(h.consumerGroup, h.topic, h.queueId, h.commitOffset, this.#request.connection.remoteText);
    }
    this.#try((h.sysFlag & PullSysFlag.SUSPEND) !== 0, false);
    return null;
  }

  /** @inheritdoc */
  isAlive(): boolean {
    return !this.#request.connection.closed;
  }

  /** @inheritdoc */
  retry(last: boolean): boolean {
    try {
      return this.#retry(last);
    } catch (error) {
      this.#failed(error);
      return true;
    }
  }

  #retry(last: boolean): boolean {
    // A peer that does not read what it has been sent is not sent more.
    if (!last && this.#request.connection.outbox.pendingBytes > UNWRITTEN_BYTES_MAX) {
      this.#loadAndTry(true);
      return true;
    }
    // A client looks at what comes with the subscription that it had when it asked: one that changed since is to ask anew,
    // from where it was. What was passed over meanwhile may be wanted now.
    if (this.#parts.admission.isOutdated(this.#admitted, this.#header)) {
      const again = this.#sendTo(ResponseCode.PULL_RETRY_IMMEDIATELY, this.#header.queueOffset, "NO_MATCHED_MESSAGE");
      this.#request.connection.answer(this.#request.command, again);
      return true;
    }
    const status = this.#pull();
    if (status === PullStatus.PENDING) this.#loadAndTry(!last);
    else if (!last && waits(status, this.#offset, true)) {
      this.#offset = result.nextBeginOffset;
      return false;
    } else this.#answer(status);
    return true;
  }

  #pull(): PullStatus {
    const { store, settings } = this.#parts;
    const h = this.#header;
    // One who asks for none (Go's pull consumer does) is given one, as by RocketMQ: it would wait for ever.
    const maxMessages = Math.max(1, Math.min(h.maxMsgNums, settings.maxMessages));
    const maxBytes = Math.min(h.maxMsgBytes ?? settings.maxBytes, settings.maxBytes);
    const queue = store.queue(h.topic, h.queueId);
    return store.pull(queue, this.#offset, maxMessages, maxBytes, this.#admitted.filter, result);
  }

  #try(suspends: boolean, waited: boolean): void {
    const status = this.#pull();
    if (status === PullStatus.PENDING) this.#loadAndTry(suspends);
    else if (suspends && waits(status, this.#offset, waited) && this.#hold()) this.#offset = result.nextBeginOffset;
    else this.#answer(status);
  }

  /** Goes on when the data that was missing, or what is missing by then, was read from disk. */
  #loadAndTry(suspends: boolean): void {
    coldTurns.take(this.#request.connection, async () => {
      try {
        if (this.#pull() === PullStatus.PENDING) await this.#parts.store.load([...result.missing]);
        if (this.isAlive()) this.#try(suspends, false);
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** Files that cannot be read are told to whoever asks for them; everybody else is served on. */
  #failed(error: unknown): void {
    const { connection, command } = this.#request;
    if (error instanceof InvariantError) endProcess(error);
    if (error instanceof ResponseError) connection.answer(command, { code: error.code, remark: error.remark });
    else connection.answer(command, { code: ResponseCode.SYSTEM_ERROR, remark: messageOf(error) });
  }

  #hold(): boolean {
    const { clock, hold, settings } = this.#parts;
    if (this.deadlineMs === 0) {
      const waitMs = settings.longPollingEnable ? this.#header.suspendTimeoutMillis ?? 0 : settings.shortPollingTimeMs;
      this.deadlineMs = clock.monotonicMs() + waitMs;
    }
    return hold.hold(this);
  }

  #answer(status: PullStatus): void {
    const code = responseCode(status, this.#offset);
    if (code === ResponseCode.PULL_OFFSET_MOVED && this.#parts.settings.keepsOffsets()) {
      return this.#write(ResponseCode.PULL_RETRY_IMMEDIATELY, status, this.#header.queueOffset);
    }
    this.#write(this.#codeForProgress(code), status, result.nextBeginOffset);
    if (code !== ResponseCode.SUCCESS) return this.#parts.stats.countMiss();
    this.#parts.offsets.notePulled(this.#header.consumerGroup, this.topic, this.queueId, result.nextBeginOffset);
    this.#parts.stats.countGot(this.#header.consumerGroup, this.topic, result.count, result.sizeBytes);
  }

  /** A client only takes the next offset from an answer that says there was something: not from "not found". */
  #codeForProgress(code: number): number {
    const moved = code === ResponseCode.PULL_NOT_FOUND && this.#offset > this.#header.queueOffset;
    return moved ? ResponseCode.PULL_RETRY_IMMEDIATELY : code;
  }

  #write(code: number, status: PullStatus, nextBeginOffset: number): void {
    const { group, topic } = this.#admitted;
    writePullAnswer(this.#request.connection, this.#request.command, {
      code,
      status,
      suggestWhichBrokerId: this.#parts.settings.suggestedBroker(group, result.behindBytes),
      nextBeginOffset,
      topicSysFlag: topic.topicSysFlag,
      groupSysFlag: group.groupSysFlag,
    }, result);
  }

  /** An answer without messages, after which the consumer asks again from an offset. */
  #sendTo(code: number, offset: number, remark: string): Reply {
    const queue = this.#parts.store.queue(this.topic, this.queueId);
    const { group, topic } = this.#admitted;
    return {
      code,
      remark,
      ext: writeHeader({
        suggestWhichBrokerId: 0,
        nextBeginOffset: offset,
        minOffset: queue?.minOffset ?? 0,
        maxOffset: queue?.maxOffset ?? 0,
        topicSysFlag: topic.topicSysFlag,
        groupSysFlag: group.groupSysFlag,
      }),
    };
  }
}

/**
 * Whether a pull with this status waits for more. One whose first try examined messages and wanted none is answered at
 * once, so that the client's offset moves; only a later one goes on waiting.
 */
function waits(status: PullStatus, offset: number, waited: boolean): boolean {
  return responseCode(status, offset) === ResponseCode.PULL_NOT_FOUND ||
    (waited && status === PullStatus.NO_MATCHED_MESSAGE);
}

/** Response code of a status at an offset. Source: `PullMessageProcessor#composeResponseHeader`. */
function responseCode(status: PullStatus, offset: number): number {
  switch (status) {
    case PullStatus.FOUND:
      return ResponseCode.SUCCESS;
    case PullStatus.NO_MATCHED_MESSAGE:
    case PullStatus.MESSAGE_WAS_REMOVING:
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case PullStatus.OFFSET_FOUND_NULL:
    case PullStatus.OFFSET_OVERFLOW_ONE:
      return ResponseCode.PULL_NOT_FOUND;
    case PullStatus.OFFSET_OVERFLOW_BADLY:
    case PullStatus.OFFSET_TOO_SMALL:
      return ResponseCode.PULL_OFFSET_MOVED;
    case PullStatus.NO_MATCHED_LOGIC_QUEUE:
    case PullStatus.NO_MESSAGE_IN_QUEUE:
      return offset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    default:
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, `unexpected pull status ${status}`);
  }
}
