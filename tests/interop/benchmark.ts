/**
 * RocketMQ's benchmark programs as a check: many threads, the binary header encoding, and not one failure. How fast
 * they are is not judged here but by `deno task bench`.
 *
 * @module
 */
import type { Check } from "../../scripts/interop/check.ts";
import { runJava, startJava } from "../../scripts/interop/java_process.ts";
import { createTopic } from "../../scripts/interop/raw_client.ts";
import { waitFor } from "../../scripts/interop/process.ts";

const PACKAGE = "org.apache.rocketmq.example.benchmark";
const MESSAGES = 50_000;
const THREADS = 32;
/** Not the programs' default, BenchmarkTest: that is a system topic of brokers, which nobody may make by hand. */
const TOPIC = "BenchmarkCheck";
const QUEUES = 4;
const TIMEOUT_MS = 120_000;

/** Benchmark Producer and Consumer of 5.5.0. */
export const BENCHMARK_CHECKS: readonly Check[] = [
  {
    name: "benchmark.java5.5.0",
    about: `Java's benchmark Producer sends ${MESSAGES} messages with ${THREADS} threads, and its Consumer gets them`,
    async run(context) {
      await using cluster = await context.startCluster({ properties: { waitTimeMillsInSendQueue: "3000" } });
      const java = { version: "5.5.0" as const, dir: `${context.dir}/client`, namesrvAddr: cluster.namesrvAddr };
      await createTopic(cluster.broker.address, TOPIC, QUEUES);
      await using consumer = await startJava({
        ...java,
        mainClass: `${PACKAGE}.Consumer`,
        args: ["-t", TOPIC, "-p", "false", "-ri", "1000"],
      });
      await consumer.waitForOutput(/Consumer Started/, TIMEOUT_MS);
      const sent = await runJava({
        ...java,
        mainClass: `${PACKAGE}.Producer`,
        args: ["-w", `${THREADS}`, "-s", "10", "-t", TOPIC, "-q", `${MESSAGES}`],
      }, TIMEOUT_MS);
      const total = sent.stdout.match(/\[Complete\] Send Total: (\d+).* Send Failed: (\d+) .*Response Failed: (\d+)/);
      if (total?.[1] !== `${MESSAGES}` || total[2] !== "0" || total[3] !== "0") {
        throw new Error(`The Producer did not send ${MESSAGES} messages without failure: ${sent.stdout.slice(-500)}`);
      }
      // The consumer prints the rate of its last ten seconds, once a second: nothing more can be asked of it.
      const rates = /Consume TPS: (\d+) .* Consume Fail: (\d+)/g;
      const consumed = async () =>
        Array.from((await consumer.stdout()).matchAll(rates)).find((rate) => rate[1] !== "0");
      const rate = await waitFor("the Consumer to report a rate", TIMEOUT_MS, consumed, () => consumer.tail());
      if (rate[2] !== "0") throw new Error(`The Consumer failed to consume: ${rate[0]}`);
    },
  },
];
