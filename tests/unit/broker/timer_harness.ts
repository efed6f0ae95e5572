/**
 * What tests of timers share: a real store on a simulated disk, rewriting and delivery, on virtual time.
 *
 * @module
 */
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { type Clock, sleepOn, type Timer } from "../../../src/common/clock.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { brokerMessage, MessagePut, type PutOutcome } from "../../../src/broker/message_put.ts";
import { readStoredMessages, type StoredMessage } from "../../../src/broker/stored_message.ts";
import { PendingMessages } from "../../../src/broker/timer/pending_messages.ts";
import { TimerRoll } from "../../../src/broker/timer/roll.ts";
import { timerRewriter } from "../../../src/broker/timer/rewriter.ts";
import { Timer as Timers } from "../../../src/broker/timer/timer.ts";
import {
  defaultStoreOptions,
  MessageStore,
  PullResult,
  PullStatus,
  type StoreOptions,
} from "../../../src/store/store.ts";

/** RocketMQ's tick. */
export const TICK_MS = 1000;
/** Hours for which the log keeps messages. */
export const KEPT_HOURS = 72;
const HOST = { hostBytes: new Uint8Array([127, 0, 0, 1]), port: 9 };

/** The clock of one process: its timers die with it. */
class ProcessClock implements Clock {
  isDead = false;

  constructor(readonly clock: SimClock) {}

  now(): number {
    return this.clock.now();
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  after(delayMs: number, fn: () => void): Timer {
    return this.clock.after(delayMs, () => this.isDead || fn());
  }

  every(periodMs: number, fn: () => void): Timer {
    return this.clock.every(periodMs, () => this.isDead || fn());
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}

/** A broker as far as timers are concerned. */
export class TimerHarness {
  readonly log: string[] = [];
  store!: MessageStore;
  put!: MessagePut;
  timer!: Timers;
  roll!: TimerRoll;
  pending!: PendingMessages;
  #ends: (() => void)[] = [];
  #process: ProcessClock | null = null;

  constructor(readonly disk: SimDisk, readonly clock: SimClock, readonly options: Partial<StoreOptions> = {}) {}

  /** On an empty disk. */
  static fresh(seed = 1, options: Partial<StoreOptions> = {}): TimerHarness {
    const clock = new SimClock();
    return new TimerHarness(new SimDisk({ random: new SeededRandom(seed), clock }), clock, options);
  }

  /** Opens store and timers; begins to deliver unless told otherwise. */
  async open(isDelivering = true): Promise<this> {
    const { disk } = this;
    const clock = this.#process = new ProcessClock(this.clock);
    const line = (text: string) => void this.log.push(text);
    const log = { info: line, warn: line, error: line };
    this.store = await MessageStore.open({
      disk,
      clock,
      log,
      options: defaultStoreOptions("/store", {
        mappedFileSizeCommitLog: 1 << 20,
        mappedFileSizeConsumeQueue: 20000,
        maxHashSlotNum: 500,
        maxIndexNum: 2000,
        ...this.options,
      }),
      storeHost: HOST.hostBytes,
      storePort: HOST.port,
      atEndOfTurn: (fn) => {
        if (this.#ends.length === 0) queueMicrotask(() => this.#endTurn());
        this.#ends.push(fn);
      },
      onArrival: ({ topic }) => {
        if (topic === "rmq_sys_wheel_timer") this.timer?.arrived();
      },
    });
    this.put = new MessagePut(this.store);
    const now = () => clock.now();
    this.put.addRewriter(timerRewriter({ isEnabled: () => true, tickMs: TICK_MS, delayMaxMs: () => Infinity, now }));
    const settings = { rootDir: "/store", tickMs: TICK_MS, heapMax: 16 };
    this.timer = new Timers({ store: this.store, put: this.put, disk, clock, log, settings });
    await this.timer.open();
    const { store, put, timer } = this;
    this.roll = new TimerRoll({ timer, store, put, clock, log, tickMs: TICK_MS, keptMs: () => KEPT_HOURS * 3_600_000 });
    this.pending = new PendingMessages({ timer, store, put, host: HOST, tickMs: TICK_MS, now });
    if (isDelivering) this.timer.start();
    return this;
  }

  /** Stores a message as a producer would. */
  send(body: string, properties: Record<string, string>, topic = "T"): PutOutcome {
    return this.put.put(brokerMessage({
      topic,
      bornTimestamp: this.clock.now(),
      bornHost: HOST,
      body: utf8(body),
      properties: new Map(Object.entries({ UNIQ_KEY: `U${body}`, ...properties })),
    }));
  }

  /** Everything in queue 0 of a topic. */
  async read(topic = "T"): Promise<StoredMessage[]> {
    const out: StoredMessage[] = [];
    const result = new PullResult();
    for (let offset = this.store.minOffset(topic, 0);;) {
      const status = this.store.pull(this.store.queue(topic, 0), offset, 32, 1 << 20, null, result);
      if (status === PullStatus.PENDING) await this.store.load([...result.missing]);
      else if (status === PullStatus.FOUND) {
        out.push(...readStoredMessages(result.parts));
        offset = result.nextBeginOffset;
      } else return out;
    }
  }

  /** Bodies in queue 0 of a topic. */
  async bodies(topic = "T"): Promise<string[]> {
    return (await this.read(topic)).map((message) => utf8Text(message.body));
  }

  /** A clean stop. */
  async close(): Promise<void> {
    await this.drive(async () => {
      await this.roll.stop();
      await this.timer.close();
      await this.store.close();
    });
  }

  /** Runs something that waits for virtual time. */
  async drive<T>(work: () => Promise<T>): Promise<T> {
    let isDone = false;
    const result = work().finally(() => isDone = true);
    result.catch(() => {});
    for (let i = 0; i < 100_000; i++) {
      await this.clock.settle();
      if (isDone) break;
      await this.clock.step();
    }
    return await result;
  }

  /** Opens, on virtual time. */
  start(isDelivering = true): Promise<this> {
    return this.drive(() => this.open(isDelivering));
  }

  /** Another process on the same clock; this one is dead. */
  on(disk: SimDisk): TimerHarness {
    if (this.#process !== null) this.#process.isDead = true;
    return new TimerHarness(disk, this.clock, this.options);
  }

  #endTurn(): void {
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
  }
}
