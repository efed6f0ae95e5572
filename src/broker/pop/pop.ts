/**
 * POP consumption: the parts that remember what is in flight, and their life. Handlers use the parts; nothing but starting and
 * stopping is done here.
 *
 * Between {@linkcode Pop.start} and {@linkcode Pop.stop} this broker is the one that hands out messages: a master. What it did
 * is in the commitlog and in the consumer offsets, from which another broker that has both can go on.
 *
 * RocketMQ counterpart: `PopMessageProcessor`, `AckMessageProcessor` and their services.
 *
 * @module
 */
import type { Clock, Timer } from "../../common/clock.ts";
import type { Disk } from "../../common/disk.ts";
import { JsonFile } from "../../common/json_file.ts";
import type { Log } from "../../common/log.ts";
import type { MessageStore } from "../../store/store.ts";
import type { Identity } from "../identity.ts";
import type { MessagePut } from "../message_put.ts";
import type { BrokerSettings } from "../read_options.ts";
import { RETRY_PREFIX, reviveTopicOf } from "../system_topics.ts";
import type { BrokerTables } from "../tables.ts";
import { Handover } from "./handover.ts";
import { InFlightTable } from "./in_flight.ts";
import { OrderInfo } from "./order_info.ts";
import { PopHold } from "./pop_hold.ts";
import { PopReader } from "./pop_reader.ts";
import { PopProgress } from "./progress.ts";
import { RequestModes } from "./request_modes.ts";
import { Revival } from "./revival.ts";
import { ReviveLog } from "./revive_log.ts";
import { TurnUndo } from "./turn_undo.ts";

/** How often what is held in order is saved when there was a change, as in RocketMQ. */
const ORDER_SAVE_PERIOD_MS = 10_000;

/** What POP is made of. */
export interface PopParts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  readonly store: MessageStore;
  readonly put: MessagePut;
  readonly tables: BrokerTables;
  readonly identity: Identity;
  /** The settings that count now. */
  readonly settings: () => BrokerSettings;
  /** A queue whose first message is within so many bytes of the log's end is young. */
  readonly youngBytes: number;
}

/** POP's parts; see the module's text. */
export class Pop {
  readonly table = new InFlightTable();
  readonly modes: RequestModes;
  readonly orders: OrderInfo;
  readonly reviveLog: ReviveLog;
  readonly progress: PopProgress;
  readonly reader: PopReader;
  readonly handover: Handover;
  readonly revival: Revival;
  /** Pops that wait. */
  readonly hold: PopHold;
  /** Those that wait only to be told of messages. */
  readonly notices: PopHold;
  readonly #parts: PopParts;
  readonly #reviveTopic: string;
  readonly #undo: TurnUndo;
  readonly #timer: Timer;
  #isRunning = false;

  /** Reads what is on disk. @throws {CorruptError} when a file and its backup cannot be read. */
  constructor(parts: PopParts) {
    this.#parts = parts;
    const { clock, store, tables: { offsets }, settings } = parts;
    const { broker, store: { storePathRootDir } } = settings();
    const file = (name: string) => ({
      ...parts,
      file: new JsonFile(parts.disk, `${storePathRootDir}/config/${name}.json`),
    });
    const limits = {
      total: () => settings().broker.maxPopPollingSize,
      perQueue: () => settings().broker.popPollingSize,
    };
    this.hold = new PopHold(clock, limits);
    this.notices = new PopHold(clock, limits);
    this.modes = new RequestModes({ ...file("messageRequestMode"), options: broker });
    this.orders = new OrderInfo(file("consumerOrderInfo"), ({ topic, group, queueId }) => {
      this.woken(topic, group, queueId);
    });
    const reviveTopic = this.#reviveTopic = reviveTopicOf(broker.brokerClusterName);
    this.#undo = new TurnUndo(store, () => {
      this.progress.takenBack();
      this.revival.takenBack();
    });
    this.reviveLog = this.#makeLog(parts, reviveTopic);
    const { table, reviveLog: log } = this;
    this.progress = new PopProgress({ store, offsets, table, log, undo: this.#undo, clock, reviveTopic });
    this.reader = this.#makeReader(parts);
    const isRunning = () => this.#isRunning;
    this.handover = new Handover({ ...parts, ...parts.tables, table, progress: this.progress, isRunning });
    this.revival = this.#makeRevival(parts);
    this.modes.load();
    this.orders.load();
    this.#timer = clock.every(ORDER_SAVE_PERIOD_MS, () => this.orders.flush());
  }

  /** Whether pops are served. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Learns from the log what is in flight and begins to bring it again when it is due. */
  async start(): Promise<void> {
    this.table.clear();
    await this.reviveLog.replay();
    this.#restoreNames();
    this.#isRunning = true;
    this.revival.start();
    this.progress.touch();
  }

  /** Answers all that wait; nobody waits from now on. */
  release(): void {
    this.#isRunning = false;
    this.hold.close();
    this.notices.close();
  }

  /** Commits and stops bringing messages again. */
  async stop(): Promise<void> {
    this.release();
    await this.revival.stop();
    await this.reviveLog.stop();
    await this.progress.stop();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#timer.cancel();
    this.orders.close();
    this.modes.close();
  }

  /** To be called when a queue has got a message. */
  arrived(topic: string, queueId: number): void {
    if (!this.#isRunning) return;
    if (topic === this.#reviveTopic) return this.reviveLog.arrived(queueId);
    this.hold.arrived(topic, queueId);
    this.notices.arrived(topic, queueId);
  }

  /** Tries the waiting requests of a group after its queue has become free. */
  woken(topic: string, group: string, queueId: number): void {
    if (!this.#isRunning) return;
    this.hold.wakeQueue(topic, group, queueId);
    this.notices.wakeQueue(topic, group, queueId);
  }

  /**
   * Groups and retry topics that came into being by themselves just before a loss of power may be missing in their tables,
   * while the log, which was synced, has their messages.
   */
  #restoreNames(): void {
    const { store, tables: { topics, groups }, log } = this.#parts;
    for (const topic of store.topics()) {
      if (!topic.startsWith(RETRY_PREFIX) || topics.has(topic)) continue;
      log.warn(`retry topic ${topic} has messages and no configuration: made again`);
      topics.createForGroup(topic, store.queuesOf(topic).length);
    }
    for (const group of new Set([...this.table.queues].map((queue) => queue.group))) {
      if (!groups.has(group) && groups.find(group) !== undefined) {
        log.warn(`group ${group} has popped messages in flight and no configuration: made again`);
      }
    }
  }

  #makeLog(parts: PopParts, topic: string): ReviveLog {
    const { clock, store, put, log, identity, tables: { offsets }, settings } = parts;
    return new ReviveLog({
      store,
      put,
      offsets,
      table: this.table,
      undo: this.#undo,
      log,
      topic,
      brokerName: settings().broker.brokerName,
      host: identity.host,
      now: () => clock.now(),
      onAdopted: () => this.revival.changed(),
    });
  }

  #makeReader({ store, tables: { offsets }, settings, youngBytes }: PopParts): PopReader {
    const { broker, store: { maxTransferBytesOnMessageInMemory } } = settings();
    const { table, reviveLog: log, progress, orders } = this;
    return new PopReader({
      store,
      offsets,
      table,
      log,
      progress,
      orders,
      settings: {
        brokerName: broker.brokerName,
        maxBytes: maxTransferBytesOnMessageInMemory,
        inFlightMax: () => {
          const { enablePopMessageThreshold, popInflightMessageThreshold } = settings().broker;
          return enablePopMessageThreshold ? popInflightMessageThreshold : Infinity;
        },
        showsRetryTopic: () => settings().broker.popResponseReturnActualRetryTopic,
        youngBytes: broker.initPopOffsetByCheckMsgInMem ? youngBytes : -1,
      },
    });
  }

  #makeRevival(parts: PopParts): Revival {
    const { clock, log, store, put, identity, tables: { topics, groups, offsets }, settings } = parts;
    const { table, reviveLog, progress, handover, modes } = this;
    return new Revival({
      handover,
      store,
      put,
      table,
      reviveLog,
      progress,
      topics,
      groups,
      offsets,
      clock,
      log,
      settings: {
        ids: identity.ids,
        usesNewRetryTopics: () => settings().broker.enableRetryTopicV2,
        isPulled: (group, topic) => modes.get(topic, group)?.mode === "PULL",
        dropsWithoutGroup: () => settings().broker.popReviveSkipIfGroupAbsent,
      },
    });
  }
}
