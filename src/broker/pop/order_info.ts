/**
 * Ordered pops: which messages of a queue a group holds, so that nobody gets the next ones before these are acknowledged or
 * visible again. Kept in memory and in `config/consumerOrderInfo.json`; when a crash loses it, messages that were held come at
 * once.
 *
 * ```text
 * {"table":{"topic@group":{queueId:{"popTime":ms,"i":invisibleMs,"o":[first,distance,…],"ot":{offset:visibleMs},
 *  "oc":{offset:count},"l":lastMs,"cm":ackedBits,"a":attemptId}}}}
 * ```
 *
 * RocketMQ counterpart: `ConsumerOrderInfoManager`.
 *
 * @module
 */
import type { Clock, Timer } from "../../common/clock.ts";
import { type JsonObject, parseJsonObject, stringifyJson } from "../../protocol/json.ts";
import {
  intMember,
  intOf,
  isObject,
  listMember,
  objectMember,
  optionalTextMember,
  wideMember,
} from "../../protocol/json_members.ts";
import { Persisted, type PersistedParts } from "../persisted.ts";
import type { PopQueueKey } from "./in_flight.ts";

/** What nobody has touched for so long is dropped. */
const KEEP_MS = 24 * 3_600_000;

/** What a group holds of a queue. */
interface Held {
  readonly attemptId: string | null;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** Queue offsets, ascending. */
  readonly offsets: readonly number[];
  readonly acked: Set<number>;
  /** Queue offset to when it is visible again, where that is not pop time + invisible time. */
  readonly visibleMs: Map<number, number>;
  /** Queue offset to how often it was handed out before; only what is above 0. */
  readonly counts: ReadonlyMap<number, number>;
  lastMs: number;
}

/** An ordered pop. */
export interface OrderedPop {
  /** Repeats of one attempt get the same messages again. */
  readonly attemptId: string | null;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  readonly offsets: readonly number[];
}

/** How often the messages of an ordered pop were handed out before. */
export interface OrderCounts {
  readonly counts: ReadonlyMap<number, number>;
  /** The least of all. */
  readonly least: number;
}

/** The table; see the module's text. */
export class OrderInfo {
  readonly #clock: Clock;
  readonly #persisted: Persisted;
  /** `topic@group` to queue id. */
  readonly #table = new Map<string, Map<number, Held>>();
  readonly #timers = new Map<string, Timer>();
  readonly #onFree: (key: PopQueueKey) => void;

  /** @param onFree called when a queue that was held is free because time has passed. */
  constructor(parts: PersistedParts, onFree: (key: PopQueueKey) => void) {
    this.#clock = parts.clock;
    this.#onFree = onFree;
    this.#persisted = new Persisted(parts, () => this.text());
  }

  /** Reads the file. @throws {CorruptError} */
  load(): void {
    const json = this.#persisted.load(parseJsonObject);
    for (const [name, queues] of Object.entries(json === null ? {} : objectMember(json, "table"))) {
      if (!isObject(queues)) continue;
      const held = Object.entries(queues).filter(([, each]) => isObject(each))
        .map(([queueId, each]): [number, Held] => [Number(queueId), heldOf(each as JsonObject)])
        .filter(([, { offsets }]) => offsets.length > 0);
      this.#table.set(name, new Map(held));
      const at = name.indexOf("@");
      const [topic, group] = [name.slice(0, at), name.slice(at + 1)];
      for (const [queueId, each] of held) this.#watch({ topic, group, queueId }, each);
    }
  }

  /** Saves when there was a change. */
  flush(): void {
    this.#clean();
    this.#persisted.flush();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#persisted.close();
  }

  /** Whether somebody else than this attempt holds messages of the queue. */
  isBlocked(key: PopQueueKey, attemptId: string | null): boolean {
    const held = this.#find(key);
    if (held === undefined || (held.attemptId !== null && held.attemptId === attemptId)) return false;
    return freeAtMs(held) > this.#clock.now();
  }

  /**
   * What is acknowledged at and behind `position`, before something that is not: it is not to be handed out again. Empty when
   * somebody has moved the group to this position.
   */
  ackedFrom(key: PopQueueKey, position: number): ReadonlySet<number> {
    const held = this.#find(key);
    return held !== undefined && nextOf(held) === position ? held.acked : NOTHING;
  }

  /** Notes what was handed out from `position` on; returns how often it was before. */
  handedOut(key: PopQueueKey, position: number, pop: OrderedPop): OrderCounts {
    const old = this.#find(key);
    const counts = countsOf(old, pop);
    const acked = new Set([...this.ackedFrom(key, position)].filter((offset) => offset > pop.offsets[0]!));
    const offsets = [...new Set([...pop.offsets, ...acked])].sort((a, b) => a - b);
    const held: Held = { ...pop, offsets, counts, acked, visibleMs: new Map(), lastMs: this.#clock.now() };
    this.#queues(key).set(key.queueId, held);
    this.#changed(key, held);
    const least = counts.size < pop.offsets.length ? 0 : Math.min(...counts.values());
    return { counts, least };
  }

  /**
   * Takes an acknowledgement.
   * @returns where the group is in the queue now; null when the message is not held since `popTimeMs`.
   */
  acknowledge(key: PopQueueKey, offset: number, popTimeMs: number): number | null {
    const held = this.#find(key);
    if (held === undefined) return offset + 1;
    if (held.popTimeMs !== popTimeMs || !held.offsets.includes(offset)) return null;
    held.acked.add(offset);
    held.lastMs = this.#clock.now();
    this.#changed(key, held);
    return nextOf(held);
  }

  /** Has a held message be visible at another time; false when it is not held since `popTimeMs`. */
  setVisible(key: PopQueueKey, offset: number, popTimeMs: number, visibleMs: number): boolean {
    const held = this.#find(key);
    if (held === undefined || held.popTimeMs !== popTimeMs || !held.offsets.includes(offset)) return false;
    held.visibleMs.set(offset, visibleMs);
    this.#changed(key, held);
    return true;
  }

  /** Forgets what is held: the group was moved to another offset. */
  clear(key: PopQueueKey): void {
    if (this.#queues(key).delete(key.queueId)) this.#persisted.mark();
  }

  /** The table as JSON. */
  text(): string {
    const table: Record<string, JsonObject> = {};
    for (const [name, queues] of this.#table) {
      table[name] = Object.fromEntries([...queues].map(([queueId, held]) => [String(queueId), heldJson(held)]));
    }
    return stringifyJson({ table });
  }

  #find(key: PopQueueKey): Held | undefined {
    return this.#table.get(nameOf(key))?.get(key.queueId);
  }

  #queues(key: PopQueueKey): Map<number, Held> {
    const name = nameOf(key);
    let queues = this.#table.get(name);
    if (queues === undefined) {
      queues = new Map();
      this.#table.set(name, queues);
    }
    return queues;
  }

  #changed(key: PopQueueKey, held: Held): void {
    this.#persisted.mark();
    this.#watch(key, held);
  }

  /** Tells when the queue becomes free by itself. */
  #watch(key: PopQueueKey, held: Held): void {
    const name = `${nameOf(key)}@${key.queueId}`;
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    const waitMs = freeAtMs(held) - this.#clock.now();
    if (waitMs <= 0) return;
    const timer = this.#clock.after(Math.min(waitMs, KEEP_MS), () => {
      this.#timers.delete(name);
      this.#onFree(key);
    });
    this.#timers.set(name, timer);
  }

  #clean(): void {
    const now = this.#clock.now();
    for (const [name, queues] of this.#table) {
      for (const [queueId, held] of queues) {
        if (now - held.lastMs > KEEP_MS && freeAtMs(held) < now) queues.delete(queueId);
      }
      if (queues.size === 0) this.#table.delete(name);
    }
  }
}

function nameOf({ topic, group }: PopQueueKey): string {
  return `${topic}@${group}`;
}

const NOTHING: ReadonlySet<number> = new Set();

/** The first message that is not acknowledged, or the one behind all. */
function nextOf(held: Held): number {
  return held.offsets.find((each) => !held.acked.has(each)) ?? held.offsets.at(-1)! + 1;
}

/** When nothing of it is held any more; 0 when everything is acknowledged. */
function freeAtMs(held: Held): number {
  let atMs = 0;
  for (const offset of held.offsets) {
    if (held.acked.has(offset)) continue;
    atMs = Math.max(atMs, held.visibleMs.get(offset) ?? held.popTimeMs + held.invisibleTimeMs);
  }
  return atMs;
}

/** A message that was handed out before counts one more, unless the same attempt asks again. */
function countsOf(old: Held | undefined, pop: OrderedPop): Map<number, number> {
  if (old === undefined) return new Map();
  if (old.attemptId !== null && old.attemptId === pop.attemptId) return new Map(old.counts);
  const again = pop.offsets.filter((offset) => old.offsets.includes(offset) && !old.acked.has(offset));
  return new Map(again.map((offset) => [offset, (old.counts.get(offset) ?? 0) + 1]));
}

function heldJson(held: Held): JsonObject {
  const [first = 0, ...others] = held.offsets;
  let bits = 0n;
  held.offsets.forEach((offset, i) => bits |= held.acked.has(offset) ? 1n << BigInt(i) : 0n);
  return {
    a: held.attemptId,
    cm: BigInt.asIntN(64, bits),
    i: held.invisibleTimeMs,
    l: held.lastMs,
    o: [first, ...others.map((offset) => offset - first)],
    oc: Object.fromEntries(held.counts),
    ot: Object.fromEntries(held.visibleMs),
    popTime: held.popTimeMs,
  };
}

function heldOf(json: JsonObject): Held {
  const list = listMember(json, "o").map((value) => intOf(value));
  const offsets = list.map((value, i) => i === 0 ? value : list[0]! + value);
  const bits = wideMember(json, "cm");
  return {
    attemptId: optionalTextMember(json, "a"),
    popTimeMs: intMember(json, "popTime"),
    invisibleTimeMs: intMember(json, "i"),
    offsets,
    acked: new Set(offsets.filter((_, i) => (bits >> BigInt(i) & 1n) === 1n)),
    visibleMs: numberMap(objectMember(json, "ot")),
    counts: numberMap(objectMember(json, "oc")),
    lastMs: intMember(json, "l"),
  };
}

function numberMap(json: JsonObject): Map<number, number> {
  return new Map(Object.entries(json).map(([key, value]) => [Number(key), intOf(value)]));
}
