/**
 * RocketMQ's timer benchmarks: a producer of messages for slots of time that begin in two minutes, and a consumer that tells
 * how late they come.
 *
 * RocketMQ counterpart: `org.apache.rocketmq.example.benchmark.timer.TimerProducer` and `TimerConsumer`.
 *
 * @module
 */
import { BrokerError } from "../client/errors.ts";
import { utf8 } from "../common/bytes.ts";
import { ConnectionError } from "../common/errors.ts";
import type { Random } from "../common/random.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { runningUntil } from "../examples/example.ts";
import { option } from "./arguments.ts";
import { AFTER_ERROR_MS, BENCHMARK_TOPIC, BenchmarkReport, decimal, perSecond } from "./benchmark_report.ts";
import { program } from "./program.ts";

/** The producer's property that says when the message is due. */
const DELIVER_AT = "MY_RECORD_TIMER_DELIVER_MS";
/** The first slot is this far away. */
const FIRST_SLOT_MS = 2 * 60 * 1000 + 10;
const REPORT_INTERVAL_MS = 10_000;

const PRODUCER_OPTIONS = [
  option("t", "topic", "Send messages to which topic, default: BenchmarkTest"),
  option("tc", "threadCount", "Thread count, default: 64"),
  option("ms", "messageSize", "Message Size, default: 128"),
  option("p", "precisionMs", "Precision (ms) for TimerMessage, default: 1000"),
  option("st", "slotsTotal", "Send messages to how many slots, default: 100"),
  option("mt", "msgsTotalPerSlotThread", "Messages total for each slot and each thread, default: 100"),
  option("sd", "slotDis", "Time distance between two slots, default: 1000"),
];

const CONSUMER_OPTIONS = [option("t", "topic", "Send messages to which topic, default: BenchmarkTest")];

/** Sends all messages of all slots in any order, then ends. */
export const benchmarkTimerProducer = program("benchmark.timer.TimerProducer", PRODUCER_OPTIONS, async (run) => {
  const { options, namesrvAddrs, world: { clock, random }, print } = run;
  const topic = options.optional("t") ?? BENCHMARK_TOPIC;
  const [threadCount, messageSize] = [options.int("tc", 16), options.int("ms", 1024)];
  const [precisionMs, slotsTotal] = [options.int("p", 1000), options.int("st", 100)];
  const [perSlot, slotDistanceMs] = [options.int("mt", 5000), options.int("sd", 1000)];
  print(
    `namesrvAddr: ${
      namesrvAddrs.join(";")
    }, topic: ${topic}, threadCount: ${threadCount}, messageSize: ${messageSize}, ` +
      `precisionMs: ${precisionMs}, slotsTotal: ${slotsTotal}, msgsTotalPerSlotThread: ${perSlot}, slotDis: ${slotDistanceMs}`,
  );
  const counters = { sent: 0, sendFailed: 0, responseFailed: 0, costMsTotal: 0 };
  let costMsMax = 0;
  await using client = run.connect();
  const producer = client.producer({
    group: "benchmark_producer",
    compressMsgBodyOverHowmuchBytes: Number.MAX_SAFE_INTEGER,
  });
  const stop = stopSignal();
  const running = runningUntil(stop.promise);
  const report = new BenchmarkReport(clock, counters, {
    intervalMs: REPORT_INTERVAL_MS,
    report(begin, end) {
      const average = (end.counters.costMsTotal - begin.counters.costMsTotal) /
        (end.counters.sent - begin.counters.sent);
      print(
        `Send TPS: ${perSecond(begin, end, (each) => each.sent)}, Max RT: ${costMsMax}, Average RT: ${
          decimal(average)
        }, ` +
          `Send Failed: ${end.counters.sendFailed}, Response Failed: ${end.counters.responseFailed}`,
      );
    },
  });
  try {
    await producer.start();
    print("Start sending messages");
    const firstMs = Math.trunc(clock.now() / precisionMs) * precisionMs + FIRST_SLOT_MS;
    const times = shuffled(
      Array.from({ length: slotsTotal * perSlot }, (_, i) => firstMs + Math.trunc(i / perSlot) * slotDistanceMs),
      random,
    );
    const body = utf8("a".repeat(messageSize));
    await Promise.all(Array.from({ length: threadCount }, async () => {
      for (const deliverAtMs of times) {
        if (!running()) return;
        const beginMs = clock.now();
        try {
          await producer.send({ topic, body, deliverAtMs, properties: { [DELIVER_AT]: String(deliverAtMs) } });
          counters.sent++;
          counters.costMsTotal += clock.now() - beginMs;
          costMsMax = Math.max(costMsMax, clock.now() - beginMs);
        } catch (error) {
          counters[error instanceof BrokerError ? "responseFailed" : "sendFailed"]++;
          if (error instanceof BrokerError || error instanceof ConnectionError) await clock.sleep(AFTER_ERROR_MS);
        }
      }
    }));
  } finally {
    report.stop();
    stop.ignore();
  }
});

function shuffled(values: number[], random: Random): number[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}

/** Consumes until the process is told to end. */
export const benchmarkTimerConsumer = program("benchmark.timer.TimerConsumer", CONSUMER_OPTIONS, async (run) => {
  const { options, namesrvAddrs, world: { clock }, print } = run;
  const topic = options.optional("t") ?? BENCHMARK_TOPIC;
  print(`namesrvAddr: ${namesrvAddrs.join(";")}, topic: ${topic}`);
  const counters = { received: 0, lateMsTotal: 0 };
  /** Each lateness once, as RocketMQ's set of them. */
  const latenesses = new Set<number>();
  await using client = run.connect();
  const consumer = client.pushConsumer({ group: "benchmark_consumer" });
  consumer.subscribe(topic, "*");
  consumer.onMessages(([message]) => {
    const lateMs = clock.now() - Number(message!.properties.get(DELIVER_AT));
    counters.received++;
    if (Number.isNaN(lateMs)) return; // not of the timer producer
    counters.lateMsTotal += lateMs;
    latenesses.add(lateMs);
  });
  const stop = stopSignal();
  const report = new BenchmarkReport(clock, counters, {
    intervalMs: REPORT_INTERVAL_MS,
    report(begin, end) {
      const received = end.counters.received - begin.counters.received;
      const average = decimal((end.counters.lateMsTotal - begin.counters.lateMsTotal) / received);
      print(
        `Consume TPS: ${perSecond(begin, end, (each) => each.received)}, Avg delayedDuration: ${average}, ` +
          latenessText(latenesses),
      );
    },
  });
  try {
    await consumer.start();
    print("Start receiving messages");
    await stop.promise;
  } finally {
    report.stop();
    await consumer.shutdown();
    stop.ignore();
  }
});

function latenessText(latenesses: ReadonlySet<number>): string {
  if (latenesses.size === 0) return "Max delayedDuration: 0, ";
  const sorted = [...latenesses].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.trunc(sorted.length * part)];
  return `Max delayedDuration: ${sorted.at(-1)}, delayDuration %25: ${at(0.25)}, %50: ${at(0.5)}; %80: ${at(0.8)}; ` +
    `%90: ${at(0.9)}; %99: ${at(0.99)}; %99.9: ${at(0.999)}`;
}
