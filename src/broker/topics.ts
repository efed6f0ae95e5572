/**
 * The topics of this broker and how they are configured: made by hand, on first send, or for a group's retries and dead
 * letters; kept in `config/topics.json`. Every change makes a new version and is told to those who asked, first of all the
 * registration.
 *
 * A configuration is never changed in place: whoever holds one has a value. What a topic's configuration is to a send is one
 * lookup in a map.
 *
 * RocketMQ counterpart: `TopicConfigManager`.
 *
 * @module
 */
import { type DataVersion, NO_ATTRIBUTES, sameDataVersion, type TopicConfig } from "../protocol/bodies/register.ts";
import { parseTopicTable, type TopicConfigTable, topicTableText } from "../protocol/bodies/topic.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { Perm, permText } from "../protocol/message.ts";
import { ResponseError } from "../protocol/response_error.ts";
import { firstVersion, nextVersion } from "./data_version.ts";
import type { BrokerOptions } from "./options.ts";
import { Persisted, type PersistedParts } from "./persisted.ts";
import {
  memberTopicOf,
  replyTopicOf,
  RETRY_PREFIX,
  reviveTopicOf,
  SCHEDULE_QUEUE_COUNT,
  SystemTopic,
  SystemTopicSet,
} from "./system_topics.ts";
import { alterAttributes } from "./topic_attributes.ts";

/** The options that topics depend on. */
export type TopicOptions = Pick<
  BrokerOptions,
  | "autoCreateTopicEnable"
  | "defaultTopicQueueNums"
  | "brokerClusterName"
  | "clusterTopicEnable"
  | "brokerName"
  | "brokerTopicEnable"
  | "traceTopicEnable"
  | "msgTraceTopicName"
  | "reviveQueueNum"
>;

/** What a topic table is made of. */
export interface TopicTableParts extends PersistedParts {
  readonly options: TopicOptions;
  /** `timerWheelEnable` of the store: whether there is a topic for timers. */
  readonly hasTimer: boolean;
}

/** What a send to an unknown topic brings along: a part of its header. */
export interface TopicWish {
  readonly topic: string;
  /** The topic to be taken as template; normally TBW102. */
  readonly defaultTopic: string;
  readonly defaultTopicQueueNums: number;
  readonly unitMode?: boolean | undefined;
}

/** How a topic for retries or dead letters differs from the ordinary: readable and writable, not ordered. */
export interface GroupTopicWish {
  readonly perm?: number;
  readonly topicSysFlag?: number;
  readonly order?: boolean;
}

/** A page of the table, for slaves. */
export interface TopicPage extends TopicConfigTable {
  /** Topics in the whole table. */
  readonly total: number;
}

const NORMAL_QUEUES = 16;

/** Bits of `topicSysFlag`: units are RocketMQ's word for independent parts of a system. */
export const TopicSysFlag = {
  UNIT: 0x1,
  UNIT_SUB: 0x2,
} as const;

/** A topic with RocketMQ's defaults, changed by `fields`. */
export function topicConfig(topicName: string, fields: Partial<TopicConfig> = {}): TopicConfig {
  return {
    topicName,
    readQueueNums: NORMAL_QUEUES,
    writeQueueNums: NORMAL_QUEUES,
    perm: Perm.READ | Perm.WRITE,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: NO_ATTRIBUTES,
    ...fields,
  };
}

/** The table; see the module's text. */
export class TopicTable {
  /** The topics that the system keeps for itself. */
  readonly system = new SystemTopicSet();
  readonly #parts: TopicTableParts;
  readonly #topics = new Map<string, TopicConfig>();
  readonly #persisted: Persisted;
  readonly #listeners: ((changed: readonly TopicConfig[]) => void)[] = [];
  #version: DataVersion;

  constructor(parts: TopicTableParts) {
    this.#parts = parts;
    this.#version = firstVersion(parts.clock.now());
    this.#persisted = new Persisted(parts, () => topicTableText(this));
  }

  /** Reads the file, then makes the topics of the system. @throws {CorruptError} when the file cannot be read. */
  load(): void {
    for (const topic of this.#systemTopics()) {
      this.system.add(topic.topicName);
      this.#topics.set(topic.topicName, topic);
    }
    const stored = this.#persisted.load(parseTopicTable);
    if (stored !== null) {
      for (const [name, topic] of stored.topics) this.#topics.set(name, topic);
      this.#version = stored.dataVersion;
    }
    this.#guardTemplate();
  }

  /** The topic, or undefined when there is none. */
  get(topic: string): TopicConfig | undefined {
    return this.#topics.get(topic);
  }

  /** Whether there is such a topic. */
  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** All topics by name. */
  get topics(): ReadonlyMap<string, TopicConfig> {
    return this.#topics;
  }

  /** Changes with each change of a topic. */
  get dataVersion(): DataVersion {
    return this.#version;
  }

  /** Whether a topic is marked as ordered. */
  isOrdered(topic: string): boolean {
    return this.#topics.get(topic)?.order ?? false;
  }

  /** Calls `fn` with what was made or changed, after each change; with nothing when topics were removed. */
  onChange(fn: (changed: readonly TopicConfig[]) => void): void {
    this.#listeners.push(fn);
  }

  /**
   * Makes or changes topics as an administrator asks; their attributes are changes (`+key`, `-key`). All or none.
   *
   * @throws {ResponseError} when an attribute is not allowed.
   */
  update(...topics: readonly TopicConfig[]): void {
    const altered = topics.map((topic) => {
      const current = this.#topics.get(topic.topicName);
      return { ...topic, attributes: alterAttributes(current?.attributes ?? null, topic.attributes) };
    });
    this.#put(altered);
  }

  /** Removes a topic; false when there was none. */
  delete(topic: string): boolean {
    if (!this.#topics.delete(topic)) return false;
    this.#parts.log.info(`delete topic config OK, topic: ${topic}`);
    this.#changed([]);
    return true;
  }

  /**
   * The topic of a send, made after its template when there is none.
   *
   * @param producer address of the sender, for the log.
   * @throws {ResponseError} TOPIC_NOT_EXIST when the template does not allow it, saying why.
   */
  createOnSend(wish: TopicWish, producer: string): TopicConfig {
    const existing = this.#topics.get(wish.topic);
    if (existing !== undefined) return existing;
    const isRetry = wish.topic.startsWith(RETRY_PREFIX);
    const unitFlag = isRetry ? TopicSysFlag.UNIT_SUB : TopicSysFlag.UNIT;
    const topicSysFlag = wish.unitMode ? unitFlag : 0;
    const template = this.#topics.get(wish.defaultTopic);
    const isSwitchedOff = wish.defaultTopic === SystemTopic.AUTO_CREATE && !this.#parts.options.autoCreateTopicEnable;
    if (template !== undefined && (template.perm & Perm.INHERIT) !== 0 && !isSwitchedOff) {
      const queueNums = Math.max(0, Math.min(wish.defaultTopicQueueNums, template.writeQueueNums));
      return this.#create(topicConfig(wish.topic, {
        readQueueNums: queueNums,
        writeQueueNums: queueNums,
        perm: template.perm & ~Perm.INHERIT,
        topicSysFlag,
        topicFilterType: template.topicFilterType,
      }));
    }
    if (isRetry) return this.createForGroup(wish.topic, 1, { topicSysFlag });
    const why = template === undefined
      ? `the default topic[${wish.defaultTopic}] not exist`
      : `the default topic[${wish.defaultTopic}] has no perm [${permText(template.perm)}] to be inherited from`;
    this.#parts.log.warn(`Create new topic failed, because ${why}. producer:[${producer}]`);
    throw new ResponseError(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${wish.topic}] not exist, apply first please! It was not created automatically: ${why} ` +
        `(autoCreateTopicEnable=${this.#parts.options.autoCreateTopicEnable})`,
    );
  }

  /** The topic for a group's retries or dead letters, made with `queueNums` queues when there is none. */
  createForGroup(topic: string, queueNums: number, wish: GroupTopicWish = {}): TopicConfig {
    const existing = this.#topics.get(topic);
    const order = wish.order ?? existing?.order ?? false;
    if (existing !== undefined && existing.order === order) return existing;
    if (existing !== undefined) return this.#create({ ...existing, order });
    return this.#create(topicConfig(topic, {
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm: wish.perm ?? Perm.READ | Perm.WRITE,
      topicSysFlag: wish.topicSysFlag ?? 0,
      order,
    }));
  }

  /** The topic of this name, made as `topic` says when there is none. */
  createIfAbsent(topic: TopicConfig): TopicConfig {
    const existing = this.#topics.get(topic.topicName);
    return existing ?? this.#create(topic);
  }

  /** Marks the topics that the name server lists as ordered. Others keep what they are, as since 5.0. */
  setOrdered(orderedTopics: ReadonlySet<string>): void {
    const changed: TopicConfig[] = [];
    for (const topic of orderedTopics) {
      const config = this.#topics.get(topic);
      if (config !== undefined && !config.order) changed.push({ ...config, order: true });
    }
    if (changed.length > 0) this.#put(changed);
  }

  /** Takes a master's table in place of the own one (slave). */
  replaceAll(table: TopicConfigTable): void {
    if (sameDataVersion(table.dataVersion, this.#version)) return;
    this.#topics.clear();
    for (const [name, topic] of table.topics) this.#topics.set(name, topic);
    this.#version = table.dataVersion;
    this.#tell([...table.topics.values()]);
  }

  /** Makes a new version although no topic changed: what depends on topics did (brokerPermission). */
  bumpVersion(): void {
    this.#changed([]);
  }

  /** From now on versions are of this state: an elected leader's epoch, by which name servers tell old masters from new. */
  setStateVersion(stateVersion: number): void {
    this.#version = { ...this.#version, stateVersion };
    this.#changed([]);
  }

  /** Topics `[from, from + count)` in the order of their names; from the beginning when `version` is not the present one. */
  page(version: DataVersion | null, from: number, count: number): TopicPage {
    const start = version !== null && sameDataVersion(version, this.#version) ? from : 0;
    const names = [...this.#topics.keys()].sort().slice(start, start + count);
    const topics = new Map(names.map((name) => [name, this.#topics.get(name)!]));
    return { dataVersion: this.#version, topics, total: this.#topics.size };
  }

  /** Resolves when all changes so far are on disk. */
  saved(): Promise<void> {
    return this.#persisted.saved();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted.close();
  }

  #create(topic: TopicConfig): TopicConfig {
    this.#put([topic]);
    return topic;
  }

  #put(topics: readonly TopicConfig[]): void {
    for (const topic of topics) {
      const old = this.#topics.get(topic.topicName);
      this.#topics.set(topic.topicName, topic);
      this.#parts.log.info(
        old === undefined
          ? `create new topic [${JSON.stringify(topic)}]`
          : `update topic config, old:[${JSON.stringify(old)}] new:[${JSON.stringify(topic)}]`,
      );
    }
    this.#changed(topics);
  }

  #changed(topics: readonly TopicConfig[]): void {
    this.#version = nextVersion(this.#version, this.#parts.clock.now());
    this.#tell(topics);
  }

  #tell(topics: readonly TopicConfig[]): void {
    this.#persisted.changed();
    for (const listener of this.#listeners) listener(topics);
  }

  /** With auto-create off a template from an older file must not be inherited from. */
  #guardTemplate(): void {
    const template = this.#topics.get(SystemTopic.AUTO_CREATE);
    if (template === undefined || this.#parts.options.autoCreateTopicEnable) return;
    this.#topics.set(SystemTopic.AUTO_CREATE, { ...template, perm: Perm.READ | Perm.WRITE });
  }

  #systemTopics(): TopicConfig[] {
    const { options, hasTimer } = this.#parts;
    const readWrite = Perm.READ | Perm.WRITE;
    const of = (name: string, queues: number, perm: number = readWrite) =>
      topicConfig(name, { readQueueNums: queues, writeQueueNums: queues, perm });
    const cluster = options.brokerClusterName;
    const topics = [
      of(SystemTopic.SELF_TEST, 1),
      of(SystemTopic.BENCHMARK, 1024),
      of(cluster, NORMAL_QUEUES, Perm.INHERIT | (options.clusterTopicEnable ? readWrite : 0)),
      of(options.brokerName, 1, Perm.INHERIT | (options.brokerTopicEnable ? readWrite : 0)),
      of(SystemTopic.OFFSET_MOVED_EVENT, 1),
      of(SystemTopic.SCHEDULE, SCHEDULE_QUEUE_COUNT),
      of(replyTopicOf(cluster), 1),
      of(reviveTopicOf(cluster), options.reviveQueueNum),
      of(memberTopicOf(options.brokerName), 1, Perm.INHERIT),
      of(SystemTopic.TRANS_HALF, 1),
      of(SystemTopic.TRANS_OP_HALF, 1),
    ];
    if (options.autoCreateTopicEnable) {
      topics.push(of(SystemTopic.AUTO_CREATE, options.defaultTopicQueueNums, Perm.INHERIT | readWrite));
    }
    if (options.traceTopicEnable) topics.push(of(options.msgTraceTopicName, 1));
    if (hasTimer) topics.push(of(SystemTopic.TIMER, 1));
    return topics;
  }
}
