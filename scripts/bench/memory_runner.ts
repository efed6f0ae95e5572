/**
 * Everything that takes memory, at once: many connections, many queues, consumers far behind, and the largest messages. What
 * comes out is the most resident memory that the broker had, beside the bound that docs/operations.md states.
 *
 * @module
 */
import { type Measurement, NOTHING_MEASURED } from "./measurement.ts";
import { peakResidentMiB } from "./process_meter.ts";
import { type MemoryScenario, PULL, type WireScenario } from "./scenario.ts";
import type { Setup } from "./setup.ts";
import { fillTopic, generate, makeTopics, touchQueues } from "./wire_runner.ts";

/** Bodies of just under the default `maxMessageSize`. */
const LARGE_BYTES = 4_000_000;
const LARGE_AT_A_TIME = 8;
const BACKLOG_MESSAGES = 1_500_000;
const BODY_BYTES = 1024;

/** Runs it. @throws {Error} when a generator fails. */
export async function runMemory(
  scenario: MemoryScenario,
  run: { readonly setup: Setup; readonly seconds: number; readonly dir: string },
): Promise<Measurement> {
  const wire: WireScenario = { ...PULL, name: scenario.name, about: "", size: BODY_BYTES, backlog: BACKLOG_MESSAGES };
  const wireRun = { ...run, warmupSeconds: 0 };
  const topic = `Bench-${scenario.name}`;
  const wide = {
    ...wire,
    name: "wide",
    mode: "send" as const,
    window: 64,
    topics: scenario.topics,
    queues: scenario.queues,
  };
  const large = { ...wire, name: "large", mode: "send" as const, window: 1, conns: LARGE_AT_A_TIME, size: LARGE_BYTES };
  await makeTopics(wide, `${topic}-wide`, run.setup);
  await makeTopics(large, `${topic}-large`, run.setup);
  await makeTopics(wire, topic, run.setup);
  await fillTopic(wire, topic, wireRun);
  await touchQueues(wide, `${topic}-wide`, wireRun);
  const results = await Promise.all([
    generate({ ...wide, idle: scenario.idle }, `${topic}-wide`, wireRun),
    generate({ ...wire, name: "behind", conns: scenario.readers }, topic, wireRun),
    generate(large, `${topic}-large`, wireRun),
  ]);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const connections = scenario.idle + scenario.readers + LARGE_AT_A_TIME + 1;
  return {
    ...NOTHING_MEASURED,
    failed,
    failure: results.map(({ failure }) => failure).find((failure) => failure !== "") ?? "",
    limit: "memory",
    more: {
      peakRssMiB: peakResidentMiB(run.setup.broker.process.pid),
      boundMiB: boundMiB({ connections, queues: scenario.topics * scenario.queues, readers: scenario.readers }),
      sentPerSecond: results[0].sentPerSecond,
      receivedPerSecond: results[1].receivedPerSecond,
    },
  };
}

const KIB_OF_MIB = 1024;
/** The runtime with its code, heap and buffers of threads, when nothing is stored. */
const BASE_MIB = 160;
/** Defaults of `storeRecentBytesMax`, and of `storeCacheBytesMax` twice: as much may be under way. */
const STORE_MIB = 64 + 2 * 32;
/** Slots of the index file that is written to, twice while they are saved. */
const INDEX_MIB = 40;
const CONNECTION_KIB = 64;
const QUEUE_KIB = 4;
/** Frames of 4 MB that arrive: what has come, what it grows into, and the record that is made of it. */
const LARGE_MIB = 16;
/** Twice the four answers of 40 KiB that a reader has under way. */
const ANSWERS_KIB = 2 * 4 * 40;

/** The formula of docs/operations.md, for the broker's default configuration. */
function boundMiB(
  { connections, queues, readers }: { connections: number; queues: number; readers: number },
): number {
  return BASE_MIB + STORE_MIB + INDEX_MIB + connections * CONNECTION_KIB / KIB_OF_MIB +
    queues * QUEUE_KIB / KIB_OF_MIB +
    readers * ANSWERS_KIB / KIB_OF_MIB +
    LARGE_AT_A_TIME * LARGE_MIB;
}
