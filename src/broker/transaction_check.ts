/**
 * Asks producers for the state of transactions that have not ended in time. One round walks the half queue from its consumer
 * offset: halves that ended are passed, one that is due is stored again behind the others and, when that is safe, its
 * producer asked, one that was asked for often enough is given up; at the first that is too young the round ends.
 *
 * RocketMQ counterpart: `TransactionalMessageServiceImpl#check`, `AbstractTransactionalMessageCheckListener`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { RequestCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import type { OffsetMessageIds } from "../protocol/ids.ts";
import { Property } from "../protocol/message.ts";
import { type AppendResult, PutStatus } from "../store/store.ts";
import type { ClientTable } from "./clients.ts";
import type { HalfMessages } from "./half_messages.ts";
import { type MessagePut, type PutOutcome, staysStored } from "./message_put.ts";
import { encodeStored, storedAgain, type StoredMessage } from "./stored_message.ts";
import { SystemTopic } from "./system_topics.ts";
import type { TopicTable } from "./topics.ts";

/** Longest stretch of work, after which others have their turn. */
const SLICE_MS = 4;
/** A round ends after this time, and the next one goes on. */
const ROUND_MS_MAX = 60_000;

/** What the checks must know of the configuration; read anew in each round. */
export interface TransactionCheckSettings {
  readonly brokerName: string;
  readonly ids: OffsetMessageIds;
  /** Time from a message's birth to its first check (`transactionTimeOut`). */
  timeOutMs(): number;
  /** Time between two rounds (`transactionCheckInterval`). */
  intervalMs(): number;
  /** How often a producer is asked (`transactionCheckMax`). */
  checksMax(): number;
  /** Halves older than this are given up (`fileReservedTime`). */
  keptMs(): number;
}

/** What the checks are made of. */
export interface TransactionCheckParts {
  readonly halves: HalfMessages;
  readonly put: MessagePut;
  readonly clients: ClientTable;
  readonly topics: TopicTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: TransactionCheckSettings;
}

/** The rounds; none run between {@linkcode stop} and {@linkcode start} (on a slave). */
export class TransactionCheck {
  readonly #parts: TransactionCheckParts;
  #timer: Timer | null = null;
  #round: Promise<void> | null = null;
  /** The last record that the batch under way has stored. */
  #last: AppendResult | null = null;
  /** Sends what the batch under way asks of producers. */
  #asks: (() => void)[] = [];
  #stopped = true;

  constructor(parts: TransactionCheckParts) {
    this.#parts = parts;
  }

  /** Begins with the rounds. */
  start(): void {
    this.#stopped = false;
    this.#parts.halves.forget();
    this.#next();
  }

  /** Ends them; resolves when the present one is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#round;
  }

  #next(): void {
    const { clock, log, settings } = this.#parts;
    this.#timer = clock.after(settings.intervalMs(), () => {
      this.#round = this.#checkAll()
        .catch((error) => log.error(`transaction check: ${messageOf(error)}`))
        .then(() => {
          this.#round = null;
          if (!this.#stopped) this.#next();
        });
    });
  }

  async #checkAll(): Promise<void> {
    const { halves, clock } = this.#parts;
    await halves.load();
    await halves.readOps();
    const startMs = clock.now();
    let since = clock.monotonicMs();
    const deadlineMs = since + ROUND_MS_MAX;
    for (let offset = halves.offset; !this.#stopped && clock.monotonicMs() < deadlineMs;) {
      const batch = await halves.read(offset);
      if (batch.length === 0) return;
      const stays = batch.findIndex((half) => !this.#check(half, startMs));
      if (!await this.#settle()) return;
      if (stays > 0) return halves.advance(batch[stays - 1]!.queueOffset + 1);
      if (stays === 0) return halves.advance(offset);
      halves.advance(offset = batch.at(-1)!.queueOffset + 1);
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(0);
      since = clock.monotonicMs();
    }
  }

  /**
   * Asks producers when what a batch has stored is safe: before, an answer would find nothing to end, or, after a crash,
   * another half. False when it was taken back: the batch comes again.
   */
  async #settle(): Promise<boolean> {
    const { halves, put } = this.#parts;
    const last = this.#last;
    const asks = this.#asks;
    this.#last = null;
    this.#asks = [];
    if (last !== null && !await staysStored(put, last, () => this.#stopped)) {
      halves.forget();
      return false;
    }
    for (const ask of asks) ask();
    return true;
  }

  /** Whether a put was taken; the batch then waits for it. */
  #isTaken({ status, result }: PutOutcome): boolean {
    if (status !== PutStatus.PUT_OK) return false;
    this.#last = result;
    return true;
  }

  /** Deals with one half; false when it must stay where it is, and with it everything behind it. */
  #check(half: StoredMessage, roundStartMs: number): boolean {
    const { halves, settings } = this.#parts;
    if (halves.isDone(half)) return true;
    // Stored during this round: a copy of one that was just looked at.
    if (half.storeTimestamp >= roundStartMs) return false;
    const ageMs = roundStartMs - half.bornTimestamp;
    const checks = Number(half.properties.get(Property.TRANSACTION_CHECK_TIMES) ?? 0);
    if (checks >= settings.checksMax() || ageMs > settings.keptMs()) return this.#giveUp(half);
    const timeOutMs = settings.timeOutMs();
    const immunity = immunityMs(half, timeOutMs);
    if (immunity !== null && ageMs <= immunity) return this.#postpone(half);
    if (immunity === null && ageMs >= 0 && ageMs <= timeOutMs) return false;
    return this.#ask(half, checks + 1);
  }

  /** Stores a half that must not be asked for yet behind the others. */
  #postpone(half: StoredMessage): boolean {
    return this.#isTaken(this.#parts.halves.again(half));
  }

  #ask(half: StoredMessage, checks: number): boolean {
    half.properties.set(Property.TRANSACTION_CHECK_TIMES, String(checks));
    const outcome = this.#parts.halves.again(half);
    if (!this.#isTaken(outcome)) return false;
    this.#asks.push(() => this.#askProducer(half, outcome.result));
    return true;
  }

  #askProducer(half: StoredMessage, copy: AppendResult): void {
    const { clients, log } = this.#parts;
    if (this.#stopped) return;
    const group = half.properties.get(Property.PGROUP) ?? "";
    const producer = clients.someProducer(group);
    if (producer === undefined) {
      log.warn(`Check transaction failed, channel is null. groupId=${group}`);
      return;
    }
    try {
      producer.connection.oneway(this.#request(half, copy));
    } catch (error) {
      log.warn(`Check transaction failed, because invoke producer exception. group=${group}, ${messageOf(error)}`);
    }
  }

  #request(half: StoredMessage, copy: AppendResult) {
    const { settings } = this.#parts;
    const { properties } = half;
    const uniqueKey = properties.get(Property.UNIQ_KEY);
    const topic = properties.get(Property.REAL_TOPIC) ?? "";
    const moved = { ...half, queueOffset: copy.queueOffset, physicalOffset: copy.physicalOffset };
    return {
      code: RequestCode.CHECK_TRANSACTION_STATE,
      ext: writeHeader({
        // The half topic, as in RocketMQ: the record in the body names the real one.
        topic: SystemTopic.TRANS_HALF,
        tranStateTableOffset: copy.queueOffset,
        commitLogOffset: copy.physicalOffset,
        msgId: uniqueKey,
        transactionId: uniqueKey,
        offsetMsgId: settings.ids.of(copy.physicalOffset),
        bname: settings.brokerName,
      }),
      body: encodeStored(moved, topic, Number(properties.get(Property.REAL_QID) ?? 0)),
    };
  }

  /** Keeps a half whose state nobody told where an operator can find it. */
  #giveUp(half: StoredMessage): boolean {
    const { halves, topics, put, log } = this.#parts;
    const topic = topics.createForGroup(SystemTopic.TRANS_CHECK_MAX_TIME, 1).topicName;
    const outcome = put.putAsIs(storedAgain(half, topic, 0));
    if (!this.#isTaken(outcome)) return false;
    halves.noteGivenUp(half);
    log.info(
      `Put checked-too-many-time half message to ${topic} OK. Restored in queueOffset=${outcome.result.queueOffset}, ` +
        `commitLogOffset=${outcome.result.physicalOffset}, real topic=${half.properties.get(Property.REAL_TOPIC)}`,
    );
    return true;
  }
}

/** Time from a half's birth during which nobody may ask for it, as its producer wants; null when it says nothing. */
export function immunityMs(half: StoredMessage, timeOutMs: number): number | null {
  const text = half.properties.get(Property.CHECK_IMMUNITY_TIME_IN_SECONDS);
  if (text === undefined || text === "") return null;
  const seconds = Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : timeOutMs;
}
