/**
 * RocketMQ's benchmark BatchProducer: as many senders as it would have threads, each with one batch under way.
 *
 * RocketMQ counterpart: `org.apache.rocketmq.example.benchmark.BatchProducer`, benchmark/batchproducer.sh.
 *
 * @module
 */
import type { Message } from "../client/message.ts";
import { utf8 } from "../common/bytes.ts";
import { ClientError } from "../client/errors.ts";
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
} from "./benchmark_report.ts";
import { program } from "./program.ts";

const OPTIONS = [
  option("w", "threadCount", "Thread count, Default: 64"),
  option("s", "messageSize", "Message Size, Default: 128"),
  option("b", "batchSize", "Batch Size, Default: 16"),
  option("k", "keyEnable", "Message Key Enable, Default: false"),
  option("t", "topic", "Topic name, Default: BenchmarkTest"),
  option("l", "tagCount", "Tag count, Default: 0"),
  option("p", "propertySize", "Property Size, Default: 0"),
  ...COMPRESS_OPTIONS,
  ...SHARED_OPTIONS,
];

/** Sends until the process is told to end. */
export const benchmarkBatchProducer = program("benchmark.BatchProducer", OPTIONS, async (run) => {
  const { options, world, print } = run;
  const { clock, random } = world;
  const topic = options.optional("t") ?? BENCHMARK_TOPIC;
  const threadCount = options.int("w", 64);
  const messageSize = options.int("s", 128);
  const batchSize = options.int("b", 16);
  const keyEnable = options.bool("k", false);
  const propertySize = options.int("p", 0);
  const tagCount = options.int("l", 0);
  const intervalMs = options.int("ri", 10_000);
  print(
    `topic: ${topic}, threadCount: ${threadCount}, messageSize: ${messageSize}, batchSize: ${batchSize}, ` +
      `keyEnable: ${keyEnable}, propertySize: ${propertySize}, tagCount: ${tagCount}, ` +
      `traceEnable: ${options.bool("m", false)}, aclEnable: ${options.bool("a", false)}`,
  );
  print(` compressEnable: ${options.bool("c", false)}, reportInterval: ${intervalMs}`);

  const body = utf8(randomText(random, messageSize));
  const counters = { sent: 0, failed: 0, messagesSent: 0, messagesFailed: 0, costMsTotal: 0 };
  let costMsMax = 0;
  const makeBatch = (): Message[] =>
    Array.from({ length: batchSize }, (_, i) => ({
      topic,
      body,
      ...(keyEnable ? { keys: String(Math.trunc(clock.now() / 1000)) } : {}),
      ...(tagCount > 0 ? { tags: `tag${counters.messagesSent % tagCount + i}` } : {}),
      ...(propertySize > 0 ? { properties: randomProperties(random, propertySize) } : {}),
    }));
  const stop = stopSignal();
  const running = runningUntil(stop.promise);
  await using client = run.connect(benchmarkClientOptions(run));
  const producer = client.producer({
    group: "benchmark_batch_producer",
    enableMsgTrace: options.bool("m", false),
    ...compression(options, print),
  });
  const sendBatches = async () => {
    while (running()) {
      const beginMs = clock.now();
      try {
        const { sendStatus } = await producer.sendBatch(makeBatch());
        counters[sendStatus === "SEND_OK" ? "sent" : "failed"]++;
        counters[sendStatus === "SEND_OK" ? "messagesSent" : "messagesFailed"] += batchSize;
        const costMs = clock.now() - beginMs;
        counters.costMsTotal += costMs;
        costMsMax = Math.max(costMsMax, costMs);
      } catch (error) {
        counters.failed++;
        counters.messagesFailed += batchSize;
        if (!(error instanceof ClientError)) await clock.sleep(AFTER_ERROR_MS);
      }
    }
  };
  const report = new BenchmarkReport(clock, counters, {
    intervalMs,
    report(begin, end, now) {
      const cost = end.counters.costMsTotal - begin.counters.costMsTotal;
      print(
        `Current Time: ${now} | Send TPS: ${perSecond(begin, end, (each) => each.sent)} | ` +
          `Send MPS: ${perSecond(begin, end, (each) => each.messagesSent)} | Max RT(ms): ${costMsMax} | ` +
          `Average RT(ms): ${decimal(cost / (end.counters.sent - begin.counters.sent))} | ` +
          `Average Message RT(ms): ${decimal(cost / (end.counters.messagesSent - begin.counters.messagesSent))} | ` +
          `Send Failed: ${end.counters.failed} | Send Message Failed: ${end.counters.messagesFailed}`,
      );
    },
  });
  try {
    await producer.start();
    await Promise.all(Array.from({ length: threadCount }, sendBatches));
  } finally {
    report.stop();
    stop.ignore();
  }
});
