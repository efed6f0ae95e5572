/**
 * The tables of a broker that are kept on disk or live with its clients, opened and closed together.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import { JsonFile } from "../common/json_file.ts";
import type { Log } from "../common/log.ts";
import type { Random } from "../common/random.ts";
import { ClientTable } from "./clients.ts";
import { DelayOffsets } from "./delay_offsets.ts";
import { ConsumerFilters } from "./filters.ts";
import { GroupTable } from "./groups.ts";
import { ConsumerOffsets } from "./offsets.ts";
import type { PersistedParts } from "./persisted.ts";
import { QueueLocks } from "./queue_locks.ts";
import type { BrokerSettings } from "./read_options.ts";
import { BrokerStats } from "./stats.ts";
import { TopicTable } from "./topics.ts";

/** How often expressions are saved when there was a change, as in RocketMQ. */
const FILTER_SAVE_PERIOD_MS = 10_000;

/** What the tables are made of. */
export interface TablesParts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: Log;
  readonly settings: BrokerSettings;
}

/** The tables of one broker. */
export class BrokerTables {
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly delayOffsets: DelayOffsets;
  readonly filters: ConsumerFilters;
  readonly clients: ClientTable;
  readonly locks: QueueLocks;
  readonly stats: BrokerStats;
  readonly #timers;

  /**
   * Reads what is on disk.
   *
   * @throws {CorruptError} when a file and its backup cannot be read.
   */
  constructor(parts: TablesParts) {
    const { clock, disk, random, log, settings: { broker: options, store } } = parts;
    const persisted = (name: string): PersistedParts => ({
      clock,
      log,
      file: new JsonFile(disk, `${store.storePathRootDir}/config/${name}.json`),
    });
    this.topics = new TopicTable({ ...persisted("topics"), options, hasTimer: store.timerWheelEnable });
    this.groups = new GroupTable({ ...persisted("subscriptionGroup"), options });
    this.offsets = new ConsumerOffsets({ ...persisted("consumerOffset"), options });
    this.delayOffsets = new DelayOffsets(persisted("delayOffset"));
    this.filters = new ConsumerFilters({ ...persisted("consumerFilter"), options });
    this.clients = new ClientTable({ clock, log, random, expiryMs: options.channelExpiredTimeout });
    this.locks = new QueueLocks(clock, log, persisted("queueLocks").file);
    this.stats = new BrokerStats(clock, options.brokerClusterName, (topic) => this.topics.system.has(topic));
    const { topics, groups, offsets, delayOffsets, filters, locks } = this;
    for (const table of [topics, groups, offsets, delayOffsets, filters, locks]) table.load();
    this.clients.onGroupChange((group) => {
      if (group.size === 0) this.filters.unregister(group.name);
    });
    this.#timers = [
      this.offsets.saveEvery(options.flushConsumerOffsetInterval),
      this.filters.saveEvery(FILTER_SAVE_PERIOD_MS),
      clock.every(store.flushDelayOffsetInterval, () => this.delayOffsets.flush()),
    ];
  }

  /** Saves everything for the last time. @throws {DiskError} */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.stats.close();
    this.clients.close();
    this.locks.close();
    this.filters.close();
    this.delayOffsets.close();
    this.offsets.close();
    this.groups.close();
    this.topics.close();
  }
}
