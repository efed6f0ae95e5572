/**
 * What the broker counts: messages and bytes by topic and by group, and in all. Counting is adding to a number that the
 * caller holds or finds with one lookup; rates come from samples that a timer takes.
 *
 * Rates by minute, hour and day are the difference between now and the oldest sample of that span (taken every 10 seconds,
 * 10 minutes, hour); what does not change takes no room.
 *
 * RocketMQ counterpart: `BrokerStatsManager`, `StatsItem`, `BrokerStats`, `StoreStatsService`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { BrokerStatsData, StatsItem } from "../protocol/bodies/stats.ts";
import { PutLatency } from "./put_latency.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_SAMPLE_MS = 10 * SECOND_MS;
const HOUR_SAMPLE_MS = 10 * MINUTE_MS;
const DAY_SAMPLE_MS = HOUR_MS;
/** Seconds that rates of the whole broker reach back. */
const RATE_SECONDS_MAX = 600;
/** The spans over which RocketMQ tells rates. */
const RATE_SECONDS = [10, 60, RATE_SECONDS_MAX] as const;

interface Point {
  atMs: number;
  readonly value: number;
  readonly times: number;
}

/** Samples of a counter over a span of time, oldest first; the first one is from the span's beginning or before it. */
class Window {
  readonly #points: Point[];

  constructor(readonly spanMs: number, readonly sampleMs: number, atMs: number) {
    this.#points = [{ atMs, value: 0, times: 0 }];
  }

  sample(atMs: number, value: number, times: number): void {
    const points = this.#points;
    const last = points.at(-1)!;
    // A counter that stands still needs only the ends of the standstill.
    if (last.value === value && points.at(-2)?.value === value) last.atMs = atMs;
    else points.push({ atMs, value, times });
    while (points.length > 1 && points[1]!.atMs <= atMs - this.spanMs) points.shift();
  }

  item(atMs: number, value: number, times: number): StatsItem {
    const first = this.#points[0]!;
    const sum = value - first.value;
    const count = times - first.times;
    const spanMs = Math.max(this.sampleMs, Math.min(this.spanMs + this.sampleMs, atMs - first.atMs));
    return { avgpt: count === 0 ? 0 : sum / count, sum, tps: sum * SECOND_MS / spanMs };
  }
}

/** A number that only grows, with its recent past. Who counts adds to `value` and `times` directly. */
export class Counter {
  /** What is counted: messages, bytes, milliseconds. */
  value = 0;
  /** Calls that counted. */
  times = 0;
  readonly #minute: Window;
  readonly #hour: Window;
  readonly #day: Window;

  constructor(readonly clock: Clock) {
    const now = clock.now();
    this.#minute = new Window(MINUTE_MS, MINUTE_SAMPLE_MS, now);
    this.#hour = new Window(HOUR_MS, HOUR_SAMPLE_MS, now);
    this.#day = new Window(DAY_MS, DAY_SAMPLE_MS, now);
  }

  /** Counts `amount` in one call. */
  add(amount: number): void {
    this.value += amount;
    this.times++;
  }

  /** Takes a sample for the minute, and for hour and day when it is time. */
  sample(atMs: number, forHour: boolean, forDay: boolean): void {
    this.#minute.sample(atMs, this.value, this.times);
    if (forHour) this.#hour.sample(atMs, this.value, this.times);
    if (forDay) this.#day.sample(atMs, this.value, this.times);
  }

  /** How much in a second, over the last minute. */
  tps(): number {
    return this.#minute.item(this.clock.now(), this.value, this.times).tps;
  }

  /** Rates by minute, hour and day. */
  data(): BrokerStatsData {
    const now = this.clock.now();
    return {
      statsDay: this.#day.item(now, this.value, this.times),
      statsHour: this.#hour.item(now, this.value, this.times),
      statsMinute: this.#minute.item(now, this.value, this.times),
    };
  }
}

/** Rates of the whole broker over the last 10 seconds, minute and 10 minutes. */
export class Rate {
  /** What is counted. */
  total = 0;
  readonly #bySecond: number[] = [0];

  /** Takes the sample of a second. */
  sample(): void {
    this.#bySecond.push(this.total);
    if (this.#bySecond.length > RATE_SECONDS_MAX + 1) this.#bySecond.shift();
  }

  /** How much in a second over the last `seconds`; over what there is when that is less. */
  perSecond(seconds: number): number {
    const last = this.#bySecond.length - 1;
    const reach = Math.min(seconds, last);
    return reach === 0 ? 0 : (this.#bySecond[last]! - this.#bySecond[last - reach]!) / reach;
  }

  /** The three rates as RocketMQ writes them into one value. */
  text(): string {
    return RATE_SECONDS.map((seconds) => decimal(this.perSecond(seconds))).join(" ");
  }
}

/** A double as Java prints it: always with a fraction. */
export function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** What is counted of a topic. */
export class TopicCounters {
  readonly putNums: Counter;
  readonly putSize: Counter;

  constructor(clock: Clock) {
    this.putNums = new Counter(clock);
    this.putSize = new Counter(clock);
  }
}

/** What is counted of a group in a topic. */
export class GroupCounters {
  readonly getNums: Counter;
  readonly getSize: Counter;
  readonly sendBackNums: Counter;
  readonly deadLetterNums: Counter;
  readonly ackNums: Counter;

  constructor(clock: Clock) {
    this.getNums = new Counter(clock);
    this.getSize = new Counter(clock);
    this.sendBackNums = new Counter(clock);
    this.deadLetterNums = new Counter(clock);
    this.ackNums = new Counter(clock);
  }
}

/** Totals at the beginning of yesterday and of today, local time. */
export interface Mornings {
  yesterday: number;
  today: number;
}

/** The whole broker's statistics. */
export class BrokerStats {
  /** Messages stored and messages handed out in all, without topics of the system. */
  readonly put: Counter;
  readonly got: Counter;
  /** Rates: messages stored, pulls that found something, pulls that did not, messages handed out. */
  readonly putRate = new Rate();
  readonly foundRate = new Rate();
  readonly missRate = new Rate();
  readonly transferredRate = new Rate();
  /** Times that producers waited for the store. */
  readonly putLatency = new PutLatency();
  /** Messages and bytes stored, also in topics of the system. */
  readonly puts = { messages: 0, sizeBytes: 0 };
  readonly putMornings: Mornings = { yesterday: 0, today: 0 };
  readonly gotMornings: Mornings = { yesterday: 0, today: 0 };
  readonly #clock: Clock;
  readonly #cluster: string;
  readonly #isSystem: (topic: string) => boolean;
  readonly #topics = new Map<string, TopicCounters>();
  readonly #groups = new Map<string, Map<string, GroupCounters>>();
  readonly #timers: Timer[];
  #samples = 0;
  #day: number;

  /** @param isSystem tells topics that are not counted in the totals. */
  constructor(clock: Clock, cluster: string, isSystem: (topic: string) => boolean) {
    this.#clock = clock;
    this.#cluster = cluster;
    this.#isSystem = isSystem;
    this.put = new Counter(clock);
    this.got = new Counter(clock);
    this.#day = new Date(clock.now()).getDate();
    this.#timers = [
      clock.every(SECOND_MS, () => this.#sampleRates()),
      clock.every(MINUTE_SAMPLE_MS, () => this.#sampleCounters()),
    ];
  }

  /** Counts stored messages. */
  countPut(topic: string, messages: number, sizeBytes: number): void {
    const counters = this.topic(topic);
    counters.putNums.add(messages);
    counters.putSize.add(sizeBytes);
    this.putRate.total += messages;
    this.puts.messages += messages;
    this.puts.sizeBytes += sizeBytes;
    if (!this.#isSystem(topic)) this.put.add(messages);
  }

  /** Counts a pull that found messages. */
  countGot(group: string, topic: string, messages: number, sizeBytes: number): void {
    const counters = this.group(group, topic);
    counters.getNums.add(messages);
    counters.getSize.add(sizeBytes);
    this.foundRate.total++;
    this.transferredRate.total += messages;
    if (!this.#isSystem(topic)) this.got.add(messages);
  }

  /** Counts a pull that found nothing. */
  countMiss(): void {
    this.missRate.total++;
  }

  /** Counters of a topic, made when there are none. */
  topic(topic: string): TopicCounters {
    let counters = this.#topics.get(topic);
    if (counters === undefined) {
      counters = new TopicCounters(this.#clock);
      this.#topics.set(topic, counters);
    }
    return counters;
  }

  /** Counters of a group in a topic, made when there are none. */
  group(group: string, topic: string): GroupCounters {
    let groups = this.#groups.get(topic);
    if (groups === undefined) {
      groups = new Map();
      this.#groups.set(topic, groups);
    }
    let counters = groups.get(group);
    if (counters === undefined) {
      counters = new GroupCounters(this.#clock);
      groups.set(group, counters);
    }
    return counters;
  }

  /** Messages stored in the topic in a second, over the last minute. */
  topicPutTps(topic: string): number {
    return this.#topics.get(topic)?.putNums.tps() ?? 0;
  }

  /** Messages of the topic handed out to the group in a second, over the last minute. */
  groupGetTps(group: string, topic: string): number {
    return this.#groups.get(topic)?.get(group)?.getNums.tps() ?? 0;
  }

  /** The counter that RocketMQ calls `name` with this key; undefined when nothing of the kind was counted. */
  counter(name: string, key: string): Counter | undefined {
    const topic = this.#topics.get(key);
    const at = key.indexOf("@");
    const group = at < 0 ? undefined : this.#groups.get(key.slice(0, at))?.get(key.slice(at + 1));
    const counters: Record<string, Counter | undefined> = {
      TOPIC_PUT_NUMS: topic?.putNums,
      TOPIC_PUT_SIZE: topic?.putSize,
      GROUP_GET_NUMS: group?.getNums,
      GROUP_GET_SIZE: group?.getSize,
      SNDBCK_PUT_NUMS: group?.sendBackNums,
      DLQ_PUT_NUMS: group?.deadLetterNums,
      GROUP_ACK_NUMS: group?.ackNums,
      BROKER_PUT_NUMS: key === this.#cluster ? this.put : undefined,
      BROKER_GET_NUMS: key === this.#cluster ? this.got : undefined,
    };
    return counters[name];
  }

  /** Forgets a topic. */
  removeTopic(topic: string): void {
    this.#topics.delete(topic);
    this.#groups.delete(topic);
  }

  /** Forgets a group. */
  removeGroup(group: string): void {
    for (const [topic, groups] of this.#groups) {
      groups.delete(group);
      if (groups.size === 0) this.#groups.delete(topic);
    }
  }

  /** Rates of all pulls, whether they found something or not, as RocketMQ writes them. */
  totalGetRates(): string {
    const rate = (seconds: number) => this.foundRate.perSecond(seconds) + this.missRate.perSecond(seconds);
    return RATE_SECONDS.map((seconds) => decimal(rate(seconds))).join(" ");
  }

  /** Takes no more samples. */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #sampleRates(): void {
    for (const rate of [this.putRate, this.foundRate, this.missRate, this.transferredRate]) rate.sample();
  }

  #sampleCounters(): void {
    const now = this.#clock.now();
    this.#samples++;
    const forHour = this.#samples % (HOUR_SAMPLE_MS / MINUTE_SAMPLE_MS) === 0;
    const forDay = this.#samples % (DAY_SAMPLE_MS / MINUTE_SAMPLE_MS) === 0;
    for (const counter of this.#counters()) counter.sample(now, forHour, forDay);
    const day = new Date(now).getDate();
    if (day === this.#day) return;
    this.#day = day;
    beginDay(this.putMornings, this.put.value);
    beginDay(this.gotMornings, this.got.value);
  }

  *#counters(): Iterable<Counter> {
    yield this.put;
    yield this.got;
    for (const topic of this.#topics.values()) yield* [topic.putNums, topic.putSize];
    for (const groups of this.#groups.values()) {
      for (const group of groups.values()) {
        yield* [group.getNums, group.getSize, group.sendBackNums, group.deadLetterNums, group.ackNums];
      }
    }
  }
}

function beginDay(mornings: Mornings, total: number): void {
  mornings.yesterday = mornings.today;
  mornings.today = total;
}
