/**
 * How far each consumer group is in each queue. Kept in memory, saved to `config/consumerOffset.json` every
 * `flushConsumerOffsetInterval` and at stop.
 *
 * Nothing here moves an offset backward by itself. A client or an administrator can; that is logged with who and from where.
 * An offset below 0, which some clients send when they have nothing yet, is not taken.
 *
 * A reset by an administrator (5.x way) is two things: the new offset, and a mark that the next pull is to be answered with
 * it; until that pull came, what clients commit is not taken, for it is from before the reset.
 *
 * Layout: topic → group → queue id → offset, as nested maps, since a commit comes with nearly every pull.
 *
 * RocketMQ counterpart: `ConsumerOffsetManager`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { DataVersion } from "../protocol/bodies/register.ts";
import { type ConsumerOffsetTable, offsetTableText, parseConsumerOffsets } from "../protocol/bodies/consumer_offset.ts";
import { isSystemGroup } from "../protocol/names.ts";
import { firstVersion, nextVersion } from "./data_version.ts";
import { Persisted, type PersistedParts } from "./persisted.ts";

/** What consumer offsets are made of. */
export interface ConsumerOffsetsParts extends PersistedParts {
  readonly options: {
    /** Commits between changes of the version (`consumerOffsetUpdateVersionStep`). */
    readonly consumerOffsetUpdateVersionStep: number;
  };
}

/** One group in one topic. */
interface GroupOffsets {
  /** Queue id to offset. */
  readonly stored: Map<number, number>;
  /** Queue id to how far messages were handed out; kept for figures. */
  readonly pulled: Map<number, number>;
  /** Queue id to the offset of a reset that no pull has seen yet; null for most. */
  pendingResets: Map<number, number> | null;
}

/** The table; see the module's text. */
export class ConsumerOffsets {
  readonly #byTopic = new Map<string, Map<string, GroupOffsets>>();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #versionStep: number;
  readonly #persisted: Persisted;
  #version: DataVersion;
  #commits = 0;

  constructor(parts: ConsumerOffsetsParts) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#versionStep = Math.max(1, parts.options.consumerOffsetUpdateVersionStep);
    this.#version = firstVersion(parts.clock.now());
    this.#persisted = new Persisted(parts, () => offsetTableText(this.table()));
  }

  /** Reads the file. @throws {CorruptError} when it cannot be read. */
  load(): void {
    const stored = this.#persisted.load(parseConsumerOffsets);
    if (stored !== null) this.#take(stored);
  }

  /** Saves every `periodMs` from now on, until the returned timer is cancelled. */
  saveEvery(periodMs: number): Timer {
    return this.#clock.every(periodMs, () => this.#persisted.flush());
  }

  /** Where the group is in the queue, −1 when that is not known. */
  query(group: string, topic: string, queueId: number): number {
    return this.#byTopic.get(topic)?.get(group)?.stored.get(queueId) ?? -1;
  }

  /** All queues of a topic in which the group has an offset. */
  queryAll(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#byTopic.get(topic)?.get(group)?.stored ?? NO_OFFSETS;
  }

  /** How far messages of the queue were handed out to the group; its offset when that is not known. */
  queryPulled(group: string, topic: string, queueId: number): number {
    const entry = this.#byTopic.get(topic)?.get(group);
    return entry?.pulled.get(queueId) ?? entry?.stored.get(queueId) ?? -1;
  }

  /**
   * Takes an offset that a client commits; false when it was not taken: below 0, or from before a reset.
   *
   * @param who address of the client, for the log.
   */
  commit(group: string, topic: string, queueId: number, offset: number, who: string): boolean {
    if (offset < 0) return false;
    const entry = this.#entry(group, topic);
    if (entry.pendingResets?.has(queueId)) return false;
    const old = entry.stored.get(queueId);
    if (old === offset) return true;
    entry.stored.set(queueId, offset);
    if (old !== undefined && offset < old) this.#logBackward(group, topic, queueId, old, offset, who);
    this.#persisted.mark();
    if (++this.#commits % this.#versionStep === 0) this.#version = nextVersion(this.#version, this.#clock.now());
    return true;
  }

  /** Notes how far messages of a queue were handed out to a group. */
  notePulled(group: string, topic: string, queueId: number, offset: number): void {
    this.#entry(group, topic).pulled.set(queueId, offset);
  }

  /** Moves the group as an administrator asks; the next pull is to be told. Offsets below 0 are not taken. */
  reset(group: string, topic: string, queueId: number, offset: number, who: string): void {
    if (offset < 0 || queueId < 0) return;
    const entry = this.#entry(group, topic);
    const old = entry.stored.get(queueId);
    entry.stored.set(queueId, offset);
    (entry.pendingResets ??= new Map()).set(queueId, offset);
    this.#log.info(`reset offset of ${topic}@${group} queue ${queueId} from ${old ?? "none"} to ${offset} by ${who}`);
    this.#changed();
  }

  /** Whether there was a reset that no pull has seen yet. */
  hasReset(topic: string, group: string, queueId: number): boolean {
    return this.#byTopic.get(topic)?.get(group)?.pendingResets?.has(queueId) ?? false;
  }

  /** The offset that the next pull is to be told, and forgets it; undefined when there was no reset. */
  takeReset(topic: string, group: string, queueId: number): number | undefined {
    const entry = this.#byTopic.get(topic)?.get(group);
    if (entry === undefined || entry.pendingResets === null) return undefined;
    const offset = entry.pendingResets.get(queueId);
    entry.pendingResets.delete(queueId);
    if (entry.pendingResets.size === 0) entry.pendingResets = null;
    return offset;
  }

  /** Topics in which the group has offsets. Of one that it only looked into, as tools do, it has none. */
  topicsOf(group: string): string[] {
    const topics: string[] = [];
    for (const [topic, groups] of this.#byTopic) if ((groups.get(group)?.stored.size ?? 0) > 0) topics.push(topic);
    return topics;
  }

  /** Groups that have offsets in the topic; see {@linkcode topicsOf}. */
  groupsOf(topic: string): string[] {
    const groups: string[] = [];
    for (const [group, { stored }] of this.#byTopic.get(topic) ?? []) if (stored.size > 0) groups.push(group);
    return groups;
  }

  /**
   * The smallest offset of all groups but `except` in each queue of a topic; offsets below what is still there (`minOffset`
   * of a queue id) do not count.
   */
  smallestOf(topic: string, except: ReadonlySet<string>, minOffset: (queueId: number) => number): Map<number, number> {
    const smallest = new Map<number, number>();
    for (const [group, { stored }] of this.#byTopic.get(topic) ?? []) {
      if (except.has(group)) continue;
      for (const [queueId, offset] of stored) {
        if (offset < minOffset(queueId)) continue;
        smallest.set(queueId, Math.min(offset, smallest.get(queueId) ?? Infinity));
      }
    }
    return smallest;
  }

  /** Gives `target` the offsets that `source` has in a topic. */
  clone(source: string, target: string, topic: string, who: string): void {
    const from = this.#byTopic.get(topic)?.get(source);
    if (from === undefined) return;
    this.#log.info(`clone offsets of ${topic}@${source} to group ${target} by ${who}`);
    const to = this.#entry(target, topic);
    to.stored.clear();
    for (const [queueId, offset] of from.stored) to.stored.set(queueId, offset);
    this.#changed();
  }

  /** Forgets a group. */
  removeGroup(group: string): void {
    for (const [topic, groups] of this.#byTopic) {
      if (groups.delete(group)) this.#log.warn(`Clean group's offset, ${topic}@${group}`);
      if (groups.size === 0) this.#byTopic.delete(topic);
    }
    this.#changed();
  }

  /** Forgets a topic. */
  removeTopic(topic: string): void {
    if (!this.#byTopic.delete(topic)) return;
    this.#log.warn(`Clean topic's offset, ${topic}`);
    this.#changed();
  }

  /** Takes a master's table in place of the own one (slave). */
  replaceAll(table: ConsumerOffsetTable): void {
    this.#byTopic.clear();
    this.#take(table);
    this.#persisted.mark();
  }

  /**
   * Everything, as it is sent to slaves and stored. Offsets of consumers go on changing in it, those of the system's groups do
   * not: a table that is written in pieces must not join an op offset of transactions to a half offset from before it, or a
   * start from there misses ends of halves, and delivers these again.
   */
  table(): ConsumerOffsetTable {
    const offsets = new Map<string, ReadonlyMap<number, number>>();
    const pulled = new Map<string, ReadonlyMap<number, number>>();
    const topicsByGroup = new Map<string, string[]>();
    for (const [topic, groups] of this.#byTopic) {
      for (const [group, entry] of groups) {
        const key = `${topic}@${group}`;
        if (entry.pulled.size > 0) pulled.set(key, entry.pulled);
        if (entry.stored.size === 0) continue;
        offsets.set(key, isSystemGroup(group) ? new Map(entry.stored) : entry.stored);
        const topics = topicsByGroup.get(group);
        if (topics === undefined) topicsByGroup.set(group, [topic]);
        else topics.push(topic);
      }
    }
    return { dataVersion: this.#version, offsets, pulled, topicsByGroup };
  }

  /** Resolves when all changes so far are on disk. */
  saved(): Promise<void> {
    return this.#persisted.saved();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted.close();
  }

  #take(table: ConsumerOffsetTable): void {
    this.#version = table.dataVersion ?? this.#version;
    for (const [key, offsets] of table.offsets) this.#fill(key, offsets, (entry) => entry.stored);
    for (const [key, offsets] of table.pulled) this.#fill(key, offsets, (entry) => entry.pulled);
  }

  #fill(key: string, offsets: ReadonlyMap<number, number>, into: (entry: GroupOffsets) => Map<number, number>): void {
    const at = key.indexOf("@");
    if (at <= 0 || at === key.length - 1) return;
    const map = into(this.#entry(key.slice(at + 1), key.slice(0, at)));
    for (const [queueId, offset] of offsets) map.set(queueId, offset);
  }

  #entry(group: string, topic: string): GroupOffsets {
    let groups = this.#byTopic.get(topic);
    if (groups === undefined) {
      groups = new Map();
      this.#byTopic.set(topic, groups);
    }
    let entry = groups.get(group);
    if (entry === undefined) {
      entry = { stored: new Map(), pulled: new Map(), pendingResets: null };
      groups.set(group, entry);
    }
    return entry;
  }

  /** A change by an administrator: saved at once, with a new version. */
  #changed(): void {
    this.#version = nextVersion(this.#version, this.#clock.now());
    this.#persisted.changed();
  }

  /** The log itself holds back what is repeated too often. */
  #logBackward(group: string, topic: string, queueId: number, old: number, offset: number, who: string): void {
    this.#log.warn(
      `[NOTIFYME]update consumer offset less than store. clientHost=${who}, key=${topic}@${group}, ` +
        `queueId=${queueId}, requestOffset=${offset}, storeOffset=${old}`,
    );
  }
}

const NO_OFFSETS: ReadonlyMap<number, number> = new Map();
