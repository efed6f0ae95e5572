/**
 * What consumers cost that wait for messages: they connect, say who they are, and have a pull held for each queue.
 *
 * @module
 */
import { startProcess } from "../interop/process.ts";
import { createTopic } from "../interop/raw_client.ts";
import { type Measurement, NOTHING_MEASURED } from "./measurement.ts";
import { residentMiB, threadNs } from "./process_meter.ts";
import type { IdleScenario } from "./scenario.ts";
import type { Setup } from "./setup.ts";

const GENERATOR = new URL("./wire.ts", import.meta.url).pathname;
const QUEUES = 4;
/** Connecting and starting up are over, and a JVM has compiled what it is going to. */
const SETTLE_MS = 20_000;
/** At least one round of held pulls ends and begins again. */
const MEASURE_MS_MIN = 20_000;

/** Runs it and measures the broker's CPU time. @throws {Error} when a consumer is refused. */
export async function runIdle(
  scenario: IdleScenario,
  run: { readonly setup: Setup; readonly seconds: number; readonly dir: string },
): Promise<Measurement> {
  const { broker } = run.setup;
  const topic = `Bench-${scenario.name}`;
  await createTopic(broker.address, topic, QUEUES);
  const measureMs = Math.max(MEASURE_MS_MIN, run.seconds * 1000);
  const options = {
    addr: broker.address,
    mode: "hold",
    topic,
    queues: QUEUES,
    conns: scenario.consumers,
    window: QUEUES,
  };
  const seconds = (SETTLE_MS + measureMs) / 1000 + 2;
  await using child = await startProcess({
    name: scenario.name,
    dir: run.dir,
    command: [
      ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", GENERATOR],
      ...Object.entries({ ...options, seconds }).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
  });
  await sleep(SETTLE_MS);
  const before = threadNs(broker.process.pid);
  const beforeMs = performance.now();
  await sleep(measureMs);
  const cpuNs = threadNs(broker.process.pid) - before;
  const elapsedMs = performance.now() - beforeMs;
  const { stdout, stderr, code } = await child.waitForExit(60_000).finally(() => child.closeInput());
  if (code !== 0) throw new Error(`The generator failed: ${stdout}${stderr}`);
  const { failed, failure, requestsPerSecond } = JSON.parse(stdout);
  return {
    ...NOTHING_MEASURED,
    rssMiB: residentMiB(broker.process.pid),
    failed,
    failure,
    limit: "waiting",
    more: { cpuPercent: cpuNs / 1e4 / elapsedMs, requestsPerSecond },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
