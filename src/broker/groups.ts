/**
 * The consumer groups of this broker and how they are configured, and which topics a group is forbidden to read; kept in
 * `config/subscriptionGroup.json`. A group comes into being by hand or, where that is allowed, when it is first met.
 *
 * RocketMQ counterpart: `SubscriptionGroupManager`.
 *
 * @module
 */
import {
  defaultGroup,
  FORBIDDEN_READ,
  type GroupConfigTable,
  groupTableText,
  parseGroupTable,
  type SubscriptionGroupConfig,
} from "../protocol/bodies/group.ts";
import { type DataVersion, sameDataVersion } from "../protocol/bodies/register.ts";
import { firstVersion, nextVersion } from "./data_version.ts";
import type { BrokerOptions } from "./options.ts";
import { Persisted, type PersistedParts } from "./persisted.ts";
import { BUILT_IN_GROUPS, groupNameFault, SYSTEM_GROUP_PREFIX } from "./system_topics.ts";
import { alterGroupAttributes } from "./topic_attributes.ts";

export type { SubscriptionGroupConfig } from "../protocol/bodies/group.ts";

/** The options that groups depend on. */
export type GroupOptions = Pick<BrokerOptions, "autoCreateSubscriptionGroup" | "enableCreateSysGroup">;

/** What a group table is made of. */
export interface GroupTableParts extends PersistedParts {
  readonly options: GroupOptions;
}

/** A page of the table, for slaves. */
export interface GroupPage extends GroupConfigTable {
  /** Groups in the whole table. */
  readonly total: number;
}

/** The table; see the module's text. */
export class GroupTable {
  readonly #parts: GroupTableParts;
  readonly #groups = new Map<string, SubscriptionGroupConfig>();
  readonly #forbidden = new Map<string, Map<string, number>>();
  readonly #persisted: Persisted;
  #version: DataVersion;

  constructor(parts: GroupTableParts) {
    this.#parts = parts;
    this.#version = firstVersion(parts.clock.now());
    this.#persisted = new Persisted(parts, () => groupTableText(this));
  }

  /** Makes the groups of the system and reads the file. @throws {CorruptError} when the file cannot be read. */
  load(): void {
    for (const name of BUILT_IN_GROUPS) this.#groups.set(name, defaultGroup(name));
    const stored = this.#persisted.load(parseGroupTable);
    if (stored === null) return;
    this.#take(stored);
    this.#version = stored.dataVersion;
  }

  /** The group, or undefined when there is none. */
  get(group: string): SubscriptionGroupConfig | undefined {
    return this.#groups.get(group);
  }

  /** Whether there is such a group. */
  has(group: string): boolean {
    return this.#groups.has(group);
  }

  /** The group, made with default values when there is none and that is allowed; undefined when it is not. */
  find(group: string): SubscriptionGroupConfig | undefined {
    const existing = this.#groups.get(group);
    if (existing !== undefined) return existing;
    const { options, log } = this.#parts;
    const isSystemGroup = options.enableCreateSysGroup && group.startsWith(SYSTEM_GROUP_PREFIX);
    if (!options.autoCreateSubscriptionGroup && !isSystemGroup) return undefined;
    if (groupNameFault(group) !== null) return undefined;
    const made = defaultGroup(group);
    this.#groups.set(group, made);
    log.info(`auto create a subscription group, ${group}`);
    this.#changed();
    return made;
  }

  /** All groups by name. */
  get groups(): ReadonlyMap<string, SubscriptionGroupConfig> {
    return this.#groups;
  }

  /** Group to topic to bits of what is forbidden. */
  get forbidden(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#forbidden;
  }

  /** Changes with each change of a group. */
  get dataVersion(): DataVersion {
    return this.#version;
  }

  /** Makes or changes groups as an administrator asks. All or none. @throws {ResponseError} for an attribute. */
  update(...groups: readonly SubscriptionGroupConfig[]): void {
    const altered = groups.map((group) => {
      const current = this.#groups.get(group.groupName);
      return { ...group, attributes: alterGroupAttributes(current?.attributes ?? null, group.attributes) };
    });
    for (const group of altered) {
      const verb = this.#groups.has(group.groupName) ? "update" : "create new";
      this.#groups.set(group.groupName, group);
      this.#parts.log.info(`${verb} subscription group, ${JSON.stringify(group)}`);
    }
    if (altered.length > 0) this.#changed();
  }

  /** Removes a group and what it is forbidden; false when there was none. */
  delete(group: string): boolean {
    this.#forbidden.delete(group);
    if (!this.#groups.delete(group)) {
      this.#parts.log.warn(`delete subscription group failed, subscription groupName: ${group} not exist`);
      return false;
    }
    this.#parts.log.info(`delete subscription group OK, subscription group:${group}`);
    this.#changed();
    return true;
  }

  /** Whether a group is forbidden to read a topic. */
  isReadForbidden(group: string, topic: string): boolean {
    // Most brokers forbid nothing; this is asked for each pull.
    if (this.#forbidden.size === 0) return false;
    return ((this.#forbidden.get(group)?.get(topic) ?? 0) & (1 << FORBIDDEN_READ)) !== 0;
  }

  /** Forbids or allows a group to read a topic. */
  setReadForbidden(group: string, topic: string, isForbidden: boolean): void {
    const topics = this.#forbidden.get(group) ?? new Map<string, number>();
    const bit = 1 << FORBIDDEN_READ;
    const old = topics.get(topic) ?? 0;
    const bits = isForbidden ? old | bit : old & ~bit;
    if (bits === old) return;
    if (bits === 0) topics.delete(topic);
    else topics.set(topic, bits);
    if (topics.size === 0) this.#forbidden.delete(group);
    else this.#forbidden.set(group, topics);
    this.#parts.log.info(`set group forbidden, ${topic}@${group} old: ${old} new: ${bits}`);
    this.#changed();
  }

  /** Takes a master's table in place of the own one (slave). */
  replaceAll(table: GroupConfigTable): void {
    if (sameDataVersion(table.dataVersion, this.#version)) return;
    this.#groups.clear();
    this.#forbidden.clear();
    this.#take(table);
    this.#version = table.dataVersion;
    this.#persisted.changed();
  }

  /** Groups `[from, from + count)` in the order of their names; from the beginning when `version` is not the present one. */
  page(version: DataVersion | null, from: number, count: number): GroupPage {
    const start = version !== null && sameDataVersion(version, this.#version) ? from : 0;
    const names = [...this.#groups.keys()].sort().slice(start, start + count);
    return {
      dataVersion: this.#version,
      groups: new Map(names.map((name) => [name, this.#groups.get(name)!])),
      forbidden: new Map([...this.#forbidden].filter(([group]) => names.includes(group))),
      total: this.#groups.size,
    };
  }

  /** Resolves when all changes so far are on disk. */
  saved(): Promise<void> {
    return this.#persisted.saved();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted.close();
  }

  #take(table: GroupConfigTable): void {
    for (const [name, group] of table.groups) this.#groups.set(name, group);
    for (const [group, topics] of table.forbidden) this.#forbidden.set(group, new Map(topics));
  }

  #changed(): void {
    this.#version = nextVersion(this.#version, this.#parts.clock.now());
    this.#persisted.changed();
  }
}
