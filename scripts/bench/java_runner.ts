/**
 * Runs Java's benchmark Producer. It prints, once a second after the tenth, the rate and the mean latency of its last
 * nine seconds, and the greatest latency of all; percentiles it does not know. It runs on until its reports get no better,
 * for client and broker are optimized by their JVMs meanwhile. The broker's CPU time is taken over the last nine seconds.
 *
 * @module
 */
import { startJava } from "../interop/java_process.ts";
import { waitFor } from "../interop/process.ts";
import { createTopic } from "../interop/raw_client.ts";
import { type Measurement, measurement } from "./measurement.ts";
import { Meter } from "./process_meter.ts";
import type { JavaProducerScenario } from "./scenario.ts";
import type { Setup } from "./setup.ts";
import { isSteady } from "./steady.ts";

/** The Producer reports over this time, every second. */
const REPORT_WINDOW_MS = 9000;
/** So many reports that are no better than those before: the nine seconds of the last one have nothing in common with those. */
const STEADY_REPORTS = REPORT_WINDOW_MS / 1000;
const LEAST_SECONDS = 13;
const SPARE_MS = 60_000;
const QUEUES = 4;

/** RocketMQ's own script gives its clients this heap. */
const CLIENT_JVM: readonly string[] = ["-server", "-Xms1g", "-Xmx1g", "-Xmn256m", "-XX:+PerfDisableSharedMem"];

/** Where and how long to run. */
export interface JavaRun {
  readonly setup: Setup;
  /** Raised to 13, below which the Producer has nothing to report. */
  readonly seconds: number;
  /** Most seconds that are waited for better reports. */
  readonly warmupSeconds: number;
  readonly dir: string;
}

/** Runs the Producer until it gets no faster and takes its last report. @throws {Error} when it reports nothing. */
export async function runJavaProducer(scenario: JavaProducerScenario, run: JavaRun): Promise<Measurement> {
  const { broker, namesrvAddr } = run.setup;
  const topic = `Bench-${scenario.name}`;
  await createTopic(broker.address, topic, QUEUES);
  await using producer = await startJava({
    version: "5.5.0",
    mainClass: "org.apache.rocketmq.example.benchmark.Producer",
    args: ["-t", topic, "-w", `${scenario.threads}`, "-s", `${scenario.size}`, "-n", namesrvAddr, "-ri", "1000"],
    dir: run.dir,
    name: scenario.name,
    jvm: CLIENT_JVM,
  });
  using meter = new Meter(broker.process.pid, producer.pid);
  const wanted = Math.max(LEAST_SECONDS, run.seconds) - REPORT_WINDOW_MS / 1000;
  const enoughReports = async () => {
    const reports = await producer.stdout().then(parseReports);
    const isWarm = isSteady(reports.map(({ rate }) => rate), STEADY_REPORTS) ||
      reports.length >= wanted + run.warmupSeconds;
    return reports.length >= wanted && isWarm ? reports.at(-1) : undefined;
  };
  const report = await waitFor(
    "the Producer's report",
    (run.seconds + run.warmupSeconds) * 1000 + SPARE_MS,
    enoughReports,
    () => producer.tail(),
  );
  const nowMs = performance.now();
  const reading = meter.finish();
  const cpuUs = meter.brokerCpuUs(nowMs - REPORT_WINDOW_MS, nowMs);
  const result = {
    messagesPerSecond: report.rate,
    meanUs: report.meanMs * 1000,
    p50Us: null,
    p99Us: null,
    p999Us: null,
    maxUs: report.maxMs * 1000,
    failed: report.failed,
    failure: "",
  };
  return measurement(result, reading, {
    messages: report.rate * reading.elapsedMs / 1000,
    cpuUsPerMessage: cpuUs / Math.max(1, report.rate * REPORT_WINDOW_MS / 1000),
  });
}

interface Report {
  readonly rate: number;
  readonly maxMs: number;
  readonly meanMs: number;
  readonly failed: number;
}

const REPORT_LINE =
  /Send TPS: (\d+) \| Max RT\(ms\): (\d+) \| Average RT\(ms\): +([\d.]+|NaN) \| Send Failed: (\d+) \| Response Failed: (\d+)\n/g;

function parseReports(output: string): Report[] {
  return Array.from(output.matchAll(REPORT_LINE), ([, rate, max, mean, sendFailed, responseFailed]) => ({
    rate: Number(rate),
    maxMs: Number(max),
    meanMs: Number(mean),
    failed: Number(sendFailed) + Number(responseFailed),
  }));
}
