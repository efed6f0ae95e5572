/**
 * The topics that brokers have registered: which queues each has on which broker group, and for static topics how logical
 * queues map to those. A synchronous table in memory, part of the route table.
 *
 * Invariants: a topic without queues does not exist; a mapping goes with its topic, for brokers register both together.
 *
 * RocketMQ counterpart: `topicQueueTable` and `topicQueueMappingInfoTable` of `RouteInfoManager`.
 *
 * @module
 */
import type { Log } from "../common/log.ts";
import type { QueueData, TopicQueueMappingInfo } from "../protocol/bodies/route.ts";

/** What the table is made of. */
export interface TopicTableParts {
  readonly log: Log;
  /** Called when the route of a topic, or (null) of any topic, may have become another one. */
  readonly onChange: (topic: string | null) => void;
}

/** The table; see the module's text. */
export class TopicTable {
  readonly #parts: TopicTableParts;
  /** Topic to broker name to queues. */
  readonly #queues = new Map<string, Map<string, QueueData>>();
  /** Static topics: topic to broker name to mapping. */
  readonly #mappings = new Map<string, Map<string, TopicQueueMappingInfo>>();

  constructor(parts: TopicTableParts) {
    this.#parts = parts;
  }

  /** Number of topics. */
  get size(): number {
    return this.#queues.size;
  }

  /** Broker name to queues; undefined when the topic does not exist. */
  queues(topic: string): ReadonlyMap<string, QueueData> | undefined {
    return this.#queues.get(topic);
  }

  /** Broker name to mapping; undefined when the topic is not static. */
  mapping(topic: string): ReadonlyMap<string, TopicQueueMappingInfo> | undefined {
    return this.#mappings.get(topic);
  }

  /** The topics for which `matches` holds. */
  names(matches: (queues: ReadonlyMap<string, QueueData>) => boolean): string[] {
    const out: string[] = [];
    for (const [topic, queues] of this.#queues) if (matches(queues)) out.push(topic);
    return out;
  }

  /** Enters or replaces the queues of a topic on one group. */
  put(topic: string, queue: QueueData): void {
    let queues = this.#queues.get(topic);
    const before = queues?.get(queue.brokerName);
    if (before !== undefined && sameQueueData(before, queue)) return;
    if (queues === undefined) {
      this.#queues.set(topic, queues = new Map());
      this.#parts.log.info(`new topic registered, ${topic} ${queueDataText(queue)}`);
    } else if (before !== undefined) {
      this.#parts.log.info(`topic changed, ${topic} OLD: ${queueDataText(before)} NEW: ${queueDataText(queue)}`);
    }
    queues.set(queue.brokerName, queue);
    this.#parts.onChange(topic);
  }

  /** Enters or replaces how a static topic lies on one broker. */
  putMapping(topic: string, info: TopicQueueMappingInfo): void {
    const mapping = this.#mappings.get(topic);
    if (mapping === undefined) this.#mappings.set(topic, new Map([[info.bname, info]]));
    else mapping.set(info.bname, info);
    this.#parts.onChange(topic);
  }

  /** Removes a topic from one group; nothing happens when it is not there. */
  remove(topic: string, brokerName: string): void {
    const queues = this.#queues.get(topic);
    const removed = queues?.get(brokerName);
    if (queues === undefined || removed === undefined) return;
    this.#parts.log.info(
      `deleteTopic, remove one broker's topic ${brokerName} ${topic} ${queueDataText(removed)}`,
    );
    queues.delete(brokerName);
    if (queues.size === 0) {
      this.#parts.log.info(`deleteTopic, remove the topic all queue ${topic}`);
      this.#forget(topic);
    }
    this.#parts.onChange(topic);
  }

  /** Removes a group from all topics. */
  removeGroup(brokerName: string): void {
    for (const [topic, queues] of [...this.#queues]) {
      if (queues.delete(brokerName) && queues.size === 0) this.#forget(topic);
    }
    this.#parts.onChange(null);
  }

  /** Removes from a group the topics that are not in `listed`. */
  retain(brokerName: string, listed: { has(topic: string): boolean }): void {
    for (const topic of this.names((queues) => queues.has(brokerName))) {
      if (!listed.has(topic)) this.remove(topic, brokerName);
    }
  }

  /** Changes the permission of all topics of a group; returns their number. */
  changePerms(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const queues of this.#queues.values()) {
      const queue = queues.get(brokerName);
      if (queue === undefined) continue;
      queues.set(brokerName, { ...queue, perm: change(queue.perm) });
      count++;
    }
    if (count > 0) this.#parts.onChange(null);
    return count;
  }

  #forget(topic: string): void {
    this.#queues.delete(topic);
    this.#mappings.delete(topic);
  }
}

/** Queues as RocketMQ's logs show them. */
export function queueDataText(queue: QueueData): string {
  return `QueueData [brokerName=${queue.brokerName}, readQueueNums=${queue.readQueueNums}, ` +
    `writeQueueNums=${queue.writeQueueNums}, perm=${queue.perm}, topicSysFlag=${queue.topicSysFlag}]`;
}

function sameQueueData(a: QueueData, b: QueueData): boolean {
  return a.readQueueNums === b.readQueueNums && a.writeQueueNums === b.writeQueueNums && a.perm === b.perm &&
    a.topicSysFlag === b.topicSysFlag;
}
