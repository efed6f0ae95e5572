/**
 * RocketMQ's benchmark Consumer: counts what comes, and how long after it was sent (B2C) and stored (S2C).
 *
 * RocketMQ counterpart: `org.apache.rocketmq.example.benchmark.Consumer`, benchmark/consumer.sh.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import { readWhole } from "../common/disk.ts";
import { stopSignal } from "../common/stop_signal.ts";
import { option, UsageError } from "./arguments.ts";
import {
  BENCHMARK_TOPIC,
  benchmarkClientOptions,
  BenchmarkReport,
  decimal,
  perSecond,
  SHARED_OPTIONS,
} from "./benchmark_report.ts";
import { program, type ProgramRun } from "./program.ts";

const OPTIONS = [
  option("t", "topic", "Topic name, Default: BenchmarkTest"),
  option("w", "threadCount", "Thread count, Default: 20"),
  option("g", "group", "Consumer group name, Default: benchmark_consumer"),
  option("p", "group prefix enable", "Is group prefix enable, Default: false"),
  option("f", "filterType", "TAG, SQL92"),
  option("e", "expression", "filter expression content file path.ie: ./test/expr"),
  option("r", "fail rate", "consumer fail rate, default 0"),
  ...SHARED_OPTIONS,
];

/** `-f` and `-e`: the expression is in a file. */
function readExpression({ options, world, print }: ProgramRun): { expression: string; type: "TAG" | "SQL92" } {
  const type = options.optional("f");
  const path = options.optional("e");
  if (type === undefined || path === undefined) return { expression: "*", type: "TAG" };
  if (type !== "TAG" && type !== "SQL92") throw new UsageError(`Not support filter type! ${type}`);
  const bytes = readWhole(world.disk, path);
  if (bytes === null) throw new UsageError(`there is no file ${path} with the filter expression`);
  const expression = utf8Text(bytes).trim();
  print(`Expression: ${expression}`);
  return { expression, type };
}

/** Consumes until the process is told to end. */
export const benchmarkConsumer = program("benchmark.Consumer", OPTIONS, async (run) => {
  const { options, world, print } = run;
  const { clock, random } = world;
  const topic = options.optional("t") ?? BENCHMARK_TOPIC;
  const threadCount = options.int("w", 20);
  const hasSuffix = options.bool("p", false);
  const group = `${options.optional("g") ?? "benchmark_consumer"}${hasSuffix ? `_${clock.now() % 100}` : ""}`;
  const failRate = Number(options.optional("r") ?? 0);
  const intervalMs = options.int("ri", 10_000);
  print(
    `topic: ${topic}, threadCount ${threadCount}, group: ${group}, suffix: ${options.optional("p") ?? "false"}, ` +
      `filterType: ${options.optional("f") ?? null}, expression: ${options.optional("e") ?? null}, ` +
      `msgTraceEnable: ${options.bool("m", false)}, aclEnable: ${options.bool("a", false)}, ` +
      `reportInterval: ${intervalMs}`,
  );

  const counters = { received: 0, bornMsTotal: 0, storedMsTotal: 0, failed: 0 };
  const max = { bornMs: 0, storedMs: 0 };
  await using client = run.connect(benchmarkClientOptions(run));
  const consumer = client.pushConsumer({
    group,
    consumeConcurrency: threadCount,
    enableMsgTrace: options.bool("m", false),
  });
  const { expression, type } = readExpression(run);
  consumer.subscribe(topic, expression, type);
  consumer.onMessages(([message]) => {
    const nowMs = clock.now();
    const bornMs = nowMs - message!.bornTimestamp;
    const storedMs = nowMs - message!.storeTimestamp;
    counters.received++;
    counters.bornMsTotal += bornMs;
    counters.storedMsTotal += storedMs;
    max.bornMs = Math.max(max.bornMs, bornMs);
    max.storedMs = Math.max(max.storedMs, storedMs);
    if (failRate === 0 || random.next() >= failRate) return;
    counters.failed++;
    return "RECONSUME_LATER";
  });
  const stop = stopSignal();
  const report = new BenchmarkReport(clock, counters, {
    intervalMs,
    report(begin, end, now) {
      const received = end.counters.received - begin.counters.received;
      print(
        `Current Time: ${now} | Consume TPS: ${perSecond(begin, end, (each) => each.received)} | ` +
          `AVG(B2C) RT(ms): ${decimal((end.counters.bornMsTotal - begin.counters.bornMsTotal) / received)} | ` +
          `AVG(S2C) RT(ms): ${decimal((end.counters.storedMsTotal - begin.counters.storedMsTotal) / received)} | ` +
          `MAX(B2C) RT(ms): ${max.bornMs} | MAX(S2C) RT(ms): ${max.storedMs} | ` +
          `Consume Fail: ${end.counters.failed - begin.counters.failed}`,
      );
      max.bornMs = max.storedMs = 0;
    },
  });
  try {
    await consumer.start();
    print("Consumer Started.");
    await stop.promise;
  } finally {
    report.stop();
    await consumer.shutdown();
    stop.ignore();
  }
});
