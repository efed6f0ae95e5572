/**
 * What a slave copies besides the log, every 10 s, the first time after 3 s, and at once when it has begun to follow or gets
 * messages of a topic that it does not know: topics, groups, consumer offsets, progress of
 * the delay levels, which groups use POP, progress of timers. Expressions of filters need no copy: consumers tell them to
 * slaves, too, with their heartbeats.
 *
 * A slave that an election may make the master copies consumer offsets every two seconds, while they are few, and everything when
 * its leader is about to hand over to it.
 *
 * Messages whose topic is not in the table could not be read. When the master is gone before it could be asked for such a
 * topic, the topic is made as the log shows it; the master's table replaces it when there is one again.
 *
 * Each table is asked for by itself, so that one which the master does not know (RocketMQ 4.x has no timers) or cannot give
 * keeps no other from being copied; that is logged once until it works again.
 *
 * RocketMQ counterpart: `SlaveSynchronize`.
 *
 * @module
 */
import { getI64, utf8Text } from "../common/bytes.ts";
import type { Clock, Timer as ClockTimer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { decodeConsumerOffsets, type OffsetsByGroup } from "../protocol/bodies/consumer_offset.ts";
import { decodeGroupTable } from "../protocol/bodies/group.ts";
import { decodeAllTopicConfig } from "../protocol/bodies/topic.ts";
import { RequestCode, requestCodeName, ResponseCode } from "../protocol/codes.ts";
import { writeHeader } from "../protocol/header.ts";
import { FORWARD_ONLY_FIELD } from "../protocol/headers/offset.ts";
import { type JsonObject, parseJsonObject } from "../protocol/json.ts";
import type { RemotingClient } from "../remoting/client.ts";
import { refusalText } from "../remoting/command.ts";
import { topicOfQueues } from "./missing_tables.ts";
import { mergeOffsets, type OffsetToReturn } from "./offset_merge.ts";
import type { MessageStore } from "../store/store.ts";
import type { BrokerTables } from "./tables.ts";

const FIRST_MS = 3000;
const PERIOD_MS = 10_000;
/** How often a slave that may lead copies consumer offsets, and up to which size of their table. */
const OFFSETS_PERIOD_MS = 2000;
const OFFSETS_OFTEN_MAX_BYTES = 262_144;
/** What makes a round necessary at once seldom comes alone. */
const SOON_MS = 20;
const TIMEOUT_MS = 3000;
/** Bytes of RocketMQ's timer checkpoint that are needed: `lastReadTimeMs` at 0, `lastTimerQueueOffset` at 16. */
const TIMER_CHECK_SIZE = 24;

/** What the copying is made of. */
export interface SlaveSyncParts {
  readonly client: Pick<RemotingClient, "invoke">;
  readonly clock: Clock;
  readonly log: Log;
  /** `host:port` of the master for clients; null while nobody has told. */
  readonly masterAddr: () => string | null;
  readonly tables: Pick<BrokerTables, "topics" | "groups" | "offsets" | "delayOffsets">;
  readonly more: SlaveSyncMore;
  readonly store: Pick<MessageStore, "topics" | "queueNums">;
  /** Whether consumer offsets are copied every two seconds, while they are few. */
  readonly copiesOffsetsOften: boolean;
}

/** Tables that belong to other parts. */
export interface SlaveSyncMore {
  /** `config/messageRequestMode.json`. */
  readonly requestModes: { replaceAll(json: JsonObject): void };
  /** Null when timers are off. */
  readonly timer: { followMaster(readTimeMs: number, queueOffset: number): Promise<void> } | null;
}

/** One table to copy. */
interface Copy {
  readonly code: number;
  take(body: Uint8Array): void | Promise<void>;
}

/** The copying; see the module's text. */
export class SlaveSync {
  readonly #parts: SlaveSyncParts;
  readonly #offsets: Copy = { code: RequestCode.GET_ALL_CONSUMER_OFFSET, take: (body) => this.#takeOffsets(body) };
  readonly #copies: readonly Copy[];
  /** Codes whose last attempt failed. */
  readonly #failing = new Set<number>();
  #timer: ClockTimer | null = null;
  #offsetsTimer: ClockTimer | null = null;
  /** Size of the master's offsets when they were copied last. */
  #offsetsBytes = Infinity;
  #soon: ClockTimer | null = null;
  /** Topics of messages that were not in the table when it was looked at last. */
  readonly #wanted = new Set<string>();
  #round: Promise<void> | null = null;
  #stopped = false;
  #masterOffsets: OffsetsByGroup | null = null;
  #mergedOffsets: OffsetsByGroup | null = null;
  /** Masters that there were before the present one. */
  #mastersBefore = 0;

  constructor(parts: SlaveSyncParts) {
    this.#parts = parts;
    const { tables: { topics, groups, delayOffsets }, more } = parts;
    const { timer } = more;
    this.#copies = [
      { code: RequestCode.GET_ALL_TOPIC_CONFIG, take: (body) => topics.replaceAll(decodeAllTopicConfig(body)) },
      this.#offsets,
      {
        code: RequestCode.GET_ALL_DELAY_OFFSET,
        take: (body) => delayOffsets.replaceAll(parseJsonObject(utf8Text(body))),
      },
      { code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, take: (body) => groups.replaceAll(decodeGroupTable(body)) },
      {
        code: RequestCode.GET_ALL_MESSAGE_REQUEST_MODE,
        take: (body) => more.requestModes.replaceAll(parseJsonObject(utf8Text(body))),
      },
      ...(timer === null ? [] : [{
        code: RequestCode.GET_TIMER_CHECK_POINT,
        take: (body: Uint8Array) => followTimer(timer, body),
      }]),
    ];
  }

  /** Begins. */
  start(): void {
    const { clock, store, tables: { topics }, copiesOffsetsOften } = this.#parts;
    if (copiesOffsetsOften) this.#offsetsTimer = clock.every(OFFSETS_PERIOD_MS, () => this.#beginOffsets());
    for (const topic of store.topics()) if (!topics.has(topic)) this.#wanted.add(topic);
    this.#timer = clock.after(FIRST_MS, () => {
      this.#begin();
      this.#timer = clock.every(PERIOD_MS, () => this.#begin());
    });
  }

  /** Copies everything in a moment, whatever the time. */
  soon(): void {
    if (this.#stopped || this.#soon !== null) return;
    this.#soon = this.#parts.clock.after(SOON_MS, () => {
      this.#soon = null;
      if (this.#round === null) this.#begin();
      else this.soon();
    });
  }

  /** Messages of this topic came. */
  arrived(topic: string): void {
    if (this.#parts.tables.topics.has(topic) || this.#wanted.has(topic)) return;
    this.#wanted.add(topic);
    this.soon();
  }

  /**
   * Another broker is the master now: where it has less than the former one said, it had not copied all of that, and nobody was
   * moved back.
   */
  masterReplaced(): void {
    this.#mastersBefore++;
    this.#masterOffsets = null;
  }

  /** Ends; resolves when the round under way is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#offsetsTimer?.cancel();
    this.#soon?.cancel();
    await this.#round;
  }

  /** Copies everything after what is under way; whether at least consumer offsets could be copied. */
  async now(): Promise<boolean> {
    await this.#round;
    this.#begin();
    await this.#round;
    return !this.#failing.has(this.#offsets.code);
  }

  /** Copies everything now. */
  async sync(): Promise<void> {
    const address = this.#parts.masterAddr();
    if (address === null) return this.#makeWanted();
    for (const copy of this.#copies) {
      if (this.#stopped) return;
      await this.#copy(address, copy);
    }
    if (this.#failing.has(RequestCode.GET_ALL_TOPIC_CONFIG)) this.#makeWanted();
    this.#wanted.clear();
  }

  /** Makes the topics that the master cannot be asked for. */
  #makeWanted(): void {
    const { store, tables: { topics }, log } = this.#parts;
    for (const topic of this.#wanted) {
      if (topics.has(topic)) continue;
      const config = topicOfQueues(topic, store);
      const { readQueueNums } = config;
      if (readQueueNums === 0) continue;
      log.warn(
        `slave: the master is away and topic ${topic} is unknown: made with ${readQueueNums} queues, as in the log`,
      );
      topics.createIfAbsent(config);
    }
  }

  #begin(): void {
    this.#round ??= this.sync().finally(() => this.#round = null);
  }

  /** Copies the offsets alone, while their table is small. */
  #beginOffsets(): void {
    const address = this.#parts.masterAddr();
    if (this.#round !== null || address === null || this.#offsetsBytes > OFFSETS_OFTEN_MAX_BYTES) return;
    this.#round = this.#copy(address, this.#offsets).finally(() => this.#round = null);
  }

  async #copy(address: string, { code, take }: Copy): Promise<void> {
    const { client, log } = this.#parts;
    const mastersBefore = this.#mastersBefore;
    try {
      const reply = await client.invoke(address, { code, ext: {} }, TIMEOUT_MS);
      if (reply.code !== ResponseCode.SUCCESS) {
        throw new Error(refusalText(reply));
      }
      if (this.#stopped || this.#mastersBefore !== mastersBefore) return;
      await take(reply.body);
      if (this.#failing.delete(code)) log.info(`slave: ${requestCodeName(code)} works again at the master ${address}`);
    } catch (error) {
      if (this.#failing.has(code)) return;
      this.#failing.add(code);
      log.warn(`slave: cannot copy ${requestCodeName(code)} from the master ${address}: ${messageOf(error)}`);
    }
  }

  async #takeOffsets(body: Uint8Array): Promise<void> {
    const { offsets } = this.#parts.tables;
    this.#offsetsBytes = body.length;
    const theirs = decodeConsumerOffsets(body);
    const own = offsets.table();
    const merged = mergeOffsets({
      master: theirs.offsets,
      masterBefore: this.#masterOffsets,
      own: own.offsets,
      ownBefore: this.#mergedOffsets,
    });
    this.#logMovedBack(theirs.offsets, own.offsets, merged.offsets);
    this.#masterOffsets = theirs.offsets;
    offsets.replaceAll({
      ...theirs,
      offsets: merged.offsets,
      pulled: new Map([...own.pulled, ...theirs.pulled]),
    });
    for (const each of merged.toReturn) await this.#giveBack(each);
    // Not before: what could not be given back is tried again in the next round.
    this.#mergedOffsets = merged.offsets;
  }

  /** Tells the master of an offset that was committed here while it was away. */
  async #giveBack({ key, queueId, offset }: OffsetToReturn): Promise<void> {
    const { client, log, masterAddr } = this.#parts;
    const address = masterAddr();
    if (address === null) return;
    const at = key.indexOf("@");
    const header = { topic: key.slice(0, at), consumerGroup: key.slice(at + 1), queueId, commitOffset: offset };
    const ext = { ...writeHeader(header), [FORWARD_ONLY_FIELD]: "true" };
    const reply = await client.invoke(address, { code: RequestCode.UPDATE_CONSUMER_OFFSET, ext }, TIMEOUT_MS);
    const outcome = reply.code === ResponseCode.SUCCESS ? "" : `, which refused: ${refusalText(reply)}`;
    log.info(`slave: offset ${offset} of ${key} queue ${queueId} was committed here; told the master${outcome}`);
  }

  #logMovedBack(theirs: OffsetsByGroup, own: OffsetsByGroup, merged: OffsetsByGroup): void {
    for (const [key, queues] of theirs) {
      const mine = own.get(key);
      if (mine === undefined) continue;
      for (const queueId of queues.keys()) {
        const [before, after] = [mine.get(queueId), merged.get(key)?.get(queueId)];
        if (before === undefined || after === undefined || after >= before) continue;
        this.#parts.log.warn(
          `slave: offset of ${key} queue ${queueId} goes back from ${before} to ${after}, as at the master`,
        );
      }
    }
  }
}

async function followTimer(timer: NonNullable<SlaveSyncMore["timer"]>, body: Uint8Array): Promise<void> {
  if (body.length < TIMER_CHECK_SIZE) throw new Error(`the timer checkpoint has ${body.length} bytes`);
  await timer.followMaster(Math.max(0, getI64(body, 0)), Math.max(0, getI64(body, 16)));
}
