/**
 * What consumer groups want of topics by SQL92 expressions: told by heartbeats, kept in `config/consumerFilter.json`, asked
 * for by pulls. One expression for each topic and group, that of the newest subscription (its version is the client's clock).
 * A group that has left keeps its expressions for `filterDataCleanTimeSpan`, for it may come back.
 *
 * ```
 * {"filterDataByTopic":{TOPIC:{"groupFilterData":{GROUP:{"bloomFilterData":{…},"bornTime":ms,"clientVersion":n,
 *   "consumerGroup":GROUP,"dead":bool,"deadTime":ms,"expression":"…","expressionType":"SQL92","topic":TOPIC}},"topic":TOPIC}}}
 * ```
 *
 * `bloomFilterData` is kept as it was read: it depends on the names alone. Java makes it anew where it is missing.
 *
 * Unlike Java's, an expression in the file that cannot be compiled is left out instead of letting everything pass, and a
 * refused subscription says where the expression is wrong.
 *
 * RocketMQ counterpart: `ConsumerFilterManager`, `ConsumerFilterData`.
 *
 * @module
 */
import type { Timer } from "../common/clock.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { type JsonObject, parseJsonObject, stringifyJson } from "../protocol/json.ts";
import { intMember, isObject, objectMember, textMember, wideMember } from "../protocol/json_members.ts";
import { ResponseError, systemError } from "../protocol/response_error.ts";
import { isTagType } from "../protocol/subscription.ts";
import type { MessageFilter } from "../store/store.ts";
import { Persisted, type PersistedParts } from "./persisted.ts";
import type { ExpressionFilters } from "./pull_admission.ts";
import { expressionRefusal, OriginalTopicFilter, Sql92MessageFilter } from "./sql92_message_filter.ts";
import { RETRY_PREFIX } from "./system_topics.ts";

/** Groups that load are taken for gone since so long, as their clients have not been heard yet. */
const DEAD_BEFORE_LOAD_MS = 30_000;
/** Compiled expressions that pulls carry themselves, as many as Java keeps. */
const CARRIED_MAX = 100;
/** Refusals remembered as logged; beyond that they may be logged again. */
const REFUSED_MAX = 1000;

/** What the table is made of. */
export interface ConsumerFiltersParts extends PersistedParts {
  readonly options: {
    /** Whether expressions other than tags are served at all. */
    readonly enablePropertyFilter: boolean;
    /** Whether a retry topic that is subscribed to by expression is filtered by that of each message's own topic. */
    readonly filterSupportRetry: boolean;
    /** How long the expressions of a group that has left are kept, milliseconds. */
    readonly filterDataCleanTimeSpan: number;
  };
}

/** What one group wants of one topic. */
export interface ConsumerFilter {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly expression: string;
  readonly expressionType: string;
  /** When the expression was first heard, milliseconds since the epoch. */
  readonly bornTime: number;
  /** Since when nobody of the group wants it any more; below `bornTime` (0) while somebody does. */
  deadTime: number;
  /** Version of the newest subscription with this expression. */
  clientVersion: bigint;
  readonly messageFilter: Sql92MessageFilter;
  /** As Java wrote it. */
  readonly bloomFilterData: JsonObject | null;
}

/** The table; see the module's text. */
export class ConsumerFilters implements ExpressionFilters {
  readonly #parts: ConsumerFiltersParts;
  readonly #persisted: Persisted;
  readonly #byTopic = new Map<string, Map<string, ConsumerFilter>>();
  /** Filters that pulls brought along, by expression, the least recently used first. */
  readonly #carried = new Map<string, Sql92MessageFilter>();
  /** Topic and group to the subscription version whose expression was refused, so that it is logged once. */
  readonly #refused = new Map<string, bigint>();

  constructor(parts: ConsumerFiltersParts) {
    this.#parts = parts;
    this.#persisted = new Persisted(parts, () => this.text());
  }

  /** Reads the file. @throws {CorruptError} when it cannot be read. */
  load(): void {
    const read = this.#persisted.load(parseJsonObject);
    if (read !== null) this.#take(objectMember(read, "filterDataByTopic"));
  }

  /** Removes what is dead for long and saves changes, every `periodMs` until the returned timer is cancelled. */
  saveEvery(periodMs: number): Timer {
    return this.#parts.clock.every(periodMs, () => {
      this.purge();
      this.#persisted.flush();
    });
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.purge();
    this.#persisted.close();
  }

  /**
   * Takes what a heartbeat says that a group wants: all of its subscriptions, of which those by tags mean nothing here. Cheap
   * when nothing changed. Topics that are not among them are no longer wanted.
   */
  register(group: string, subscriptions: readonly SubscriptionData[]): void {
    for (const subscription of subscriptions) {
      if (!isTagType(subscription.expressionType) && subscription.subString !== "") this.#register(group, subscription);
    }
    for (const [topic, filters] of this.#byTopic) {
      const filter = filters.get(group);
      if (filter === undefined || isDead(filter) || subscriptions.some((each) => each.topic === topic)) continue;
      this.#kill(filter, "topic not subscribed to any more");
    }
  }

  /** Takes the leave of a group's last member. */
  unregister(group: string): void {
    for (const filters of this.#byTopic.values()) {
      const filter = filters.get(group);
      if (filter !== undefined && !isDead(filter)) this.#kill(filter, "the group has left");
    }
  }

  /** What a group wants of a topic, also when it has left; undefined when there is no expression. */
  filterFor(topic: string, group: string): ConsumerFilter | undefined {
    return this.#byTopic.get(topic)?.get(group);
  }

  /** All expressions, for tools. */
  *entries(): Generator<ConsumerFilter> {
    for (const filters of this.#byTopic.values()) yield* filters.values();
  }

  /** Compiles a subscription's expression for nothing but to see that it can be. @throws {ResponseError} as `compile`. */
  check(subscription: SubscriptionData): void {
    this.compile(subscription);
  }

  /** @inheritdoc */
  compile(subscription: SubscriptionData): MessageFilter {
    const filter = this.#compileCarried(subscription);
    this.#checkEnabled(subscription);
    return this.#isFilteredByOrigin(subscription) ? this.#byOrigin(subscription.topic) : filter;
  }

  /** @inheritdoc */
  ofGroup(subscription: SubscriptionData, group: string, subVersion: bigint): MessageFilter {
    const filter = this.filterFor(subscription.topic, group);
    if (filter === undefined) throw this.#missing(subscription);
    if (filter.clientVersion < subVersion) {
      throw new ResponseError(ResponseCode.FILTER_DATA_NOT_LATEST, "the consumer's consumer filter data not latest");
    }
    this.#checkEnabled(subscription);
    return this.#isFilteredByOrigin(subscription) ? this.#byOrigin(subscription.topic) : filter.messageFilter;
  }

  /** Removes the expressions of groups that left more than `filterDataCleanTimeSpan` ago. */
  purge(): void {
    const now = this.#parts.clock.now();
    for (const [topic, filters] of this.#byTopic) {
      for (const [group, filter] of filters) {
        if (!isDead(filter) || now - filter.deadTime < this.#parts.options.filterDataCleanTimeSpan) continue;
        this.#parts.log.info(`remove consumer filter of ${group} for ${topic}, dead since ${filter.deadTime}`);
        this.#remove(topic, group);
      }
    }
  }

  /** The table as JSON, as it is kept on disk. */
  text(): string {
    const filterDataByTopic = new Map<string, unknown>();
    for (const [topic, filters] of this.#byTopic) {
      const groupFilterData = new Map([...filters].map(([group, filter]) => [group, filterJson(filter)]));
      filterDataByTopic.set(topic, { groupFilterData, topic });
    }
    return stringifyJson({ filterDataByTopic });
  }

  #register(group: string, subscription: SubscriptionData): void {
    const { topic, subString, expressionType, subVersion } = subscription;
    const old = this.filterFor(topic, group);
    const isSame = old?.expression === subString && old.expressionType === expressionType;
    if (old !== undefined && subVersion <= old.clientVersion) {
      if (subVersion === old.clientVersion && isDead(old)) this.#revive(old);
      return;
    }
    if (old === undefined || !isSame) return this.#replace(group, subscription, old);
    old.clientVersion = subVersion;
    if (isDead(old)) this.#revive(old);
    this.#persisted.mark();
  }

  #replace(group: string, subscription: SubscriptionData, old: ConsumerFilter | undefined): void {
    const { topic, subString: expression, expressionType, subVersion: clientVersion } = subscription;
    let messageFilter: Sql92MessageFilter;
    try {
      messageFilter = new Sql92MessageFilter(expression, expressionType);
    } catch (error) {
      this.#refuse(group, subscription, error);
      return;
    }
    this.#refused.delete(keyOf(topic, group));
    this.#set({
      topic,
      consumerGroup: group,
      expression,
      expressionType,
      bornTime: this.#parts.clock.now(),
      deadTime: 0,
      clientVersion,
      messageFilter,
      bloomFilterData: old?.bloomFilterData ?? null,
    });
    this.#parts.log.info(
      `consumer filter of ${group} for ${topic}: ${expression}` +
        (old === undefined ? "" : `, formerly ${old.expression}`),
    );
  }

  /** A wrong expression ends what the group wanted before: its pulls are refused until it says something right. */
  #refuse(group: string, { topic, subVersion }: SubscriptionData, error: unknown): void {
    const refusal = expressionRefusal(error);
    this.#remove(topic, group);
    const key = keyOf(topic, group);
    if (this.#refused.get(key) === subVersion) return;
    if (this.#refused.size >= REFUSED_MAX) this.#refused.clear();
    this.#refused.set(key, subVersion);
    this.#parts.log.warn(`consumer filter of ${group} for ${topic} is refused: ${refusal.remark}`);
  }

  #missing(subscription: SubscriptionData): ResponseError {
    const remark = "The broker's consumer filter data is not exist!Your expression may be wrong!";
    try {
      this.#compileCarried(subscription);
      return new ResponseError(ResponseCode.FILTER_DATA_NOT_EXIST, remark);
    } catch (error) {
      return new ResponseError(ResponseCode.FILTER_DATA_NOT_EXIST, `${remark} ${expressionRefusal(error).remark}`);
    }
  }

  #checkEnabled(subscription: SubscriptionData): void {
    if (this.#parts.options.enablePropertyFilter) return;
    throw systemError(
      `The broker does not support consumer to filter message by ${subscription.expressionType}` +
        " (enablePropertyFilter=false)",
    );
  }

  #compileCarried({ subString, expressionType }: SubscriptionData): Sql92MessageFilter {
    const key = `${expressionType}:${subString}`;
    const known = this.#carried.get(key);
    this.#carried.delete(key);
    let filter = known;
    try {
      filter ??= new Sql92MessageFilter(subString, expressionType);
    } catch (error) {
      throw expressionRefusal(error);
    }
    this.#carried.set(key, filter);
    if (this.#carried.size > CARRIED_MAX) this.#carried.delete(this.#carried.keys().next().value!);
    return filter;
  }

  #isFilteredByOrigin(subscription: SubscriptionData): boolean {
    return this.#parts.options.filterSupportRetry && subscription.topic.startsWith(RETRY_PREFIX);
  }

  #byOrigin(retryTopic: string): MessageFilter {
    const group = retryTopic.slice(RETRY_PREFIX.length);
    return new OriginalTopicFilter((topic) => this.filterFor(topic, group)?.messageFilter);
  }

  #kill(filter: ConsumerFilter, why: string): void {
    filter.deadTime = this.#parts.clock.now();
    this.#persisted.mark();
    this.#parts.log.info(`consumer filter of ${filter.consumerGroup} for ${filter.topic} is dead: ${why}`);
  }

  #revive(filter: ConsumerFilter): void {
    this.#parts.log.info(
      `consumer filter of ${filter.consumerGroup} for ${filter.topic} is alive again, dead since ${filter.deadTime}`,
    );
    filter.deadTime = 0;
    this.#persisted.mark();
  }

  #set(filter: ConsumerFilter): void {
    const filters = this.#byTopic.get(filter.topic) ?? new Map<string, ConsumerFilter>();
    this.#byTopic.set(filter.topic, filters);
    filters.set(filter.consumerGroup, filter);
    this.#persisted.mark();
  }

  #remove(topic: string, group: string): void {
    const filters = this.#byTopic.get(topic);
    if (filters === undefined || !filters.delete(group)) return;
    if (filters.size === 0) this.#byTopic.delete(topic);
    this.#persisted.mark();
  }

  #take(byTopic: JsonObject): void {
    for (const [topic, ofTopic] of Object.entries(byTopic)) {
      if (!isObject(ofTopic)) continue;
      for (const [group, data] of Object.entries(objectMember(ofTopic, "groupFilterData"))) {
        if (isObject(data)) this.#takeOne(topic, group, data);
      }
    }
  }

  #takeOne(topic: string, group: string, data: JsonObject): void {
    const expression = textMember(data, "expression");
    const expressionType = textMember(data, "expressionType");
    const bornTime = intMember(data, "bornTime");
    const deadTime = intMember(data, "deadTime");
    try {
      this.#set({
        topic,
        consumerGroup: group,
        expression,
        expressionType,
        bornTime,
        deadTime: deadTime === 0 ? Math.max(bornTime, this.#parts.clock.now() - DEAD_BEFORE_LOAD_MS) : deadTime,
        clientVersion: wideMember(data, "clientVersion"),
        messageFilter: new Sql92MessageFilter(expression, expressionType),
        bloomFilterData: isObject(data.bloomFilterData) ? data.bloomFilterData : null,
      });
    } catch (error) {
      const { remark } = expressionRefusal(error);
      this.#parts.log.warn(`${this.#parts.file.path}: filter of ${group} for ${topic} is left out: ${remark}`);
    }
  }
}

function isDead(filter: ConsumerFilter): boolean {
  return filter.deadTime >= filter.bornTime;
}

function keyOf(topic: string, group: string): string {
  return `${topic} ${group}`;
}

function filterJson(filter: ConsumerFilter): JsonObject {
  const { topic, consumerGroup, expression, expressionType, bornTime, deadTime, clientVersion, bloomFilterData } =
    filter;
  return {
    bloomFilterData,
    bornTime,
    clientVersion,
    consumerGroup,
    dead: isDead(filter),
    deadTime,
    expression,
    expressionType,
    topic,
  };
}
