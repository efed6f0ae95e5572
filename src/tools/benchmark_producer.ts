/**
 * RocketMQ's benchmark Producer: as many senders as it would have threads, each with one message under way.
 *
 * RocketMQ counterpart: `org.apache.rocketmq.example.benchmark.Producer`, benchmark/producer.sh.
 *
 * @module
 */
import { BrokerError } from "../client/errors.ts";
import type { Message } from "../client/message.ts";
import type { Producer } from "../client/producer.ts";
import { utf8 } from "../common/bytes.ts";
import { ConnectionError } from "../common/errors.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { runningUntil } from "../examples/example.ts";
import { option } from "./arguments.ts";
import {
  AFTER_ERROR_MS,
  BENCHMARK_TOPIC,
  benchmarkClientOptions,
  BenchmarkReport,
  COMPRESS_OPTIONS,
  compression,
  decimal,
  perSecond,
  randomProperties,
  randomText,
  SHARED_OPTIONS,
  type Snapshot,
} from "./benchmark_report.ts";
import type { GivenOptions } from "./command.ts";
import { program, type ProgramRun } from "./program.ts";

const OPTIONS = [
  option("w", "threadCount", "Thread count, Default: 64"),
  option("s", "messageSize", "Message Size, Default: 128"),
  option("k", "keyEnable", "Message Key Enable, Default: false"),
  option("t", "topic", "Topic name, Default: BenchmarkTest"),
  option("l", "tagCount", "Tag count, Default: 0"),
  option("p", "propertySize", "Property Size, Default: 0"),
  option("q", "messageQuantity", "Send message quantity, Default: 0, running forever"),
  option("d", "delayEnable", "Delay message Enable, Default: false"),
  option("e", "delayLevel", "Delay message level, Default: 1"),
  option("y", "asyncEnable", "Enable async produce, Default: false"),
  ...COMPRESS_OPTIONS,
  ...SHARED_OPTIONS,
];

/** What it counts. */
export interface SendCounters {
  sent: number;
  sendFailed: number;
  responseFailed: number;
  costMsTotal: number;
}

interface Settings {
  readonly topic: string;
  readonly threadCount: number;
  readonly messageSize: number;
  readonly keyEnable: boolean;
  readonly propertySize: number;
  readonly tagCount: number;
  readonly quantity: number;
  readonly delayLevel: number;
  readonly isAsync: boolean;
}

function readSettings(options: GivenOptions): Settings {
  const isAsync = options.bool("y", false);
  return {
    topic: options.optional("t") ?? BENCHMARK_TOPIC,
    threadCount: isAsync ? 1 : options.int("w", 64),
    messageSize: options.int("s", 128),
    keyEnable: options.bool("k", false),
    propertySize: options.int("p", 0),
    tagCount: options.int("l", 0),
    quantity: options.int("q", 0),
    delayLevel: options.bool("d", false) ? options.int("e", 1) : 0,
    isAsync,
  };
}

/** Sends until `-q` messages are sent, or the process is told to end. */
export const benchmarkProducer = program("benchmark.Producer", OPTIONS, async (run) => {
  const { options, world, print } = run;
  const settings = readSettings(options);
  printSettings(run, settings);
  const stop = stopSignal();
  await using client = run.connect(benchmarkClientOptions(run));
  const producer = client.producer({
    group: "benchmark_producer",
    enableMsgTrace: options.bool("m", false),
    ...compression(options, print),
  });
  const senders = new Senders(producer, run, settings, runningUntil(stop.promise));
  const report = new BenchmarkReport(world.clock, senders.counters, {
    intervalMs: options.int("ri", 10_000),
    report: (begin, end, now) => print(`Current Time: ${now} | ${rates(begin, end, senders.costMsMax)}`),
  });
  try {
    await producer.start();
    await senders.run();
  } finally {
    const snapshots = report.stop();
    const { sent, sendFailed, responseFailed } = senders.counters;
    const total = `[Complete] Send Total: ${sent + sendFailed}`;
    print(
      snapshots === null
        ? `${total} Send Failed: ${sendFailed} Response Failed: ${responseFailed}`
        : `${total} | ${rates(...snapshots, senders.costMsMax)}`,
    );
    stop.ignore();
  }
});

function printSettings({ options, print }: ProgramRun, settings: Settings): void {
  const { topic, threadCount, messageSize, keyEnable, propertySize, tagCount, quantity, isAsync } = settings;
  print(
    `topic: ${topic}, threadCount: ${threadCount}, messageSize: ${messageSize}, keyEnable: ${keyEnable}, ` +
      `propertySize: ${propertySize}, tagCount: ${tagCount}, traceEnable: ${options.bool("m", false)}, ` +
      `aclEnable: ${options.bool("a", false)}, messageQuantity: ${quantity}, ` +
      `delayEnable: ${options.bool("d", false)}, delayLevel: ${options.int("e", 1)}, asyncEnable: ${isAsync}`,
  );
  print(` compressEnable: ${options.bool("c", false)}, reportInterval: ${options.int("ri", 10_000)}`);
}

function rates(begin: Snapshot<SendCounters>, end: Snapshot<SendCounters>, costMsMax: number): string {
  const sent = end.counters.sent - begin.counters.sent;
  const average = (end.counters.costMsTotal - begin.counters.costMsTotal) / sent;
  return `Send TPS: ${perSecond(begin, end, (each) => each.sent)} | Max RT(ms): ${costMsMax} | ` +
    `Average RT(ms): ${decimal(average)} | Send Failed: ${end.counters.sendFailed} | ` +
    `Response Failed: ${end.counters.responseFailed}`;
}

/** The senders, and what they count. */
class Senders {
  readonly counters: SendCounters = { sent: 0, sendFailed: 0, responseFailed: 0, costMsTotal: 0 };
  costMsMax = 0;
  readonly #producer: Producer;
  readonly #world: ProgramRun["world"];
  readonly #settings: Settings;
  readonly #running: () => boolean;
  readonly #body: Uint8Array;

  constructor(producer: Producer, { world }: ProgramRun, settings: Settings, running: () => boolean) {
    this.#producer = producer;
    this.#world = world;
    this.#settings = settings;
    this.#running = running;
    this.#body = utf8(randomText(world.random, settings.messageSize));
  }

  /** Resolves when all have sent their part, or were told to end. */
  async run(): Promise<void> {
    const { threadCount, quantity, isAsync } = this.#settings;
    const share = Math.trunc(quantity / threadCount);
    await Promise.all(Array.from({ length: threadCount }, (_, i) => {
      const limit = quantity === 0 ? Infinity : share + (i === 0 ? quantity % threadCount : 0);
      return isAsync ? this.#sendAsync(limit) : this.#send(limit);
    }));
  }

  async #send(limit: number): Promise<void> {
    const { clock } = this.#world;
    for (let i = 0; i < limit && this.#running(); i++) {
      const beginMs = clock.now();
      try {
        await this.#producer.send(this.#message(beginMs));
        this.#succeeded(beginMs);
      } catch (error) {
        if (error instanceof BrokerError) this.counters.responseFailed++;
        else this.counters.sendFailed++;
        if (error instanceof BrokerError || error instanceof ConnectionError) await clock.sleep(AFTER_ERROR_MS);
      }
    }
  }

  async #sendAsync(limit: number): Promise<void> {
    const { clock } = this.#world;
    let underWay = 0;
    let allDone = () => {};
    for (let i = 0; i < limit && this.#running(); i++) {
      const beginMs = clock.now();
      underWay++;
      const done = () => {
        if (--underWay === 0) allDone();
      };
      await this.#producer.sendAsync(this.#message(beginMs), {
        onSuccess: () => {
          this.#succeeded(beginMs);
          done();
        },
        onException: () => {
          this.counters.sendFailed++;
          done();
        },
      });
    }
    if (underWay > 0) await new Promise<void>((resolve) => allDone = resolve);
  }

  #succeeded(beginMs: number): void {
    const costMs = this.#world.clock.now() - beginMs;
    this.counters.sent++;
    this.counters.costMsTotal += costMs;
    if (costMs > this.costMsMax) this.costMsMax = costMs;
  }

  #message(nowMs: number): Message {
    const { topic, keyEnable, tagCount, propertySize, delayLevel } = this.#settings;
    return {
      topic,
      body: this.#body,
      ...(keyEnable ? { keys: String(Math.trunc(nowMs / 1000)) } : {}),
      ...(tagCount > 0 ? { tags: `tag${nowMs % tagCount}` } : {}),
      ...(propertySize > 0 ? { properties: randomProperties(this.#world.random, propertySize) } : {}),
      ...(delayLevel > 0 ? { delayLevel } : {}),
    };
  }
}
