/**
 * Runs raw-frame scenarios: makes the topics, stores what is to be read, warms up, and measures.
 *
 * @module
 */
import { startProcess } from "../interop/process.ts";
import { createTopic } from "../interop/raw_client.ts";
import { type Measurement, measurement } from "./measurement.ts";
import { Meter } from "./process_meter.ts";
import { BATCH, type WireScenario } from "./scenario.ts";
import type { Setup } from "./setup.ts";
import { isSteady } from "./steady.ts";
import { topicName } from "./wire_frames.ts";
import type { WireResult } from "./wire_run.ts";

const GENERATOR = new URL("./wire.ts", import.meta.url).pathname;
const SPARE_MS = 60_000;
const FILL_SECONDS = 1800;
const TOPICS_AT_A_TIME = 16;
const QUEUES_TIMEOUT_MS = 300_000;

/** Warming up goes in windows, and ends when so many in a row were not faster than those before. */
const WARM_UP_SECONDS = 2;
const STEADY_WINDOWS = 5;

/** Where and how long to run. */
export interface WireRun {
  readonly setup: Setup;
  readonly seconds: number;
  /** Most seconds of the same work before the measured run. */
  readonly warmupSeconds: number;
  /** Takes the generator's output. */
  readonly dir: string;
  /** Ends the measured run after so many messages, which are read or sent once. */
  readonly messages?: number;
}

/**
 * Runs a scenario on a topic of its own: first unmeasured until it gets no faster, because a JVM takes most of a minute
 * until its code is optimized, and figures from before would flatter whoever is compared with it.
 *
 * @throws {Error} when the generator breaks off.
 */
export async function runWire(scenario: WireScenario, run: WireRun): Promise<Measurement> {
  const topic = `Bench-${scenario.name}`;
  await makeTopics(scenario, topic, run.setup);
  if (scenario.backlog > 0) await fillTopic(scenario, topic, run);
  if (scenario.topics > 1) await touchQueues(scenario, topic, run);
  await warmUp(scenario, topic, run);
  return await measureWire(scenario, topic, run);
}

/** Makes the topics of a scenario at every broker. @throws {Error} with the broker's remark when it refuses. */
export async function makeTopics(scenario: WireScenario, topic: string, setup: Setup): Promise<void> {
  const { topics, queues } = scenario;
  const names = topics === 1 ? [topic] : Array.from({ length: topics }, (_, index) => topicName(topic, index));
  for (const address of setup.addresses) {
    for (let at = 0; at < names.length; at += TOPICS_AT_A_TIME) {
      await Promise.all(names.slice(at, at + TOPICS_AT_A_TIME).map((name) => createTopic(address, name, queues)));
    }
  }
}

/** Stores the scenario's backlog in its topics. @throws {Error} when not all of it was taken. */
export async function fillTopic(scenario: WireScenario, topic: string, run: WireRun): Promise<void> {
  const fill: WireScenario = {
    ...scenario,
    mode: "batch",
    window: 16,
    conns: 1,
    rate: 0,
    idle: 0,
    serialize: "binary",
  };
  const result = await generate(fill, topic, { ...run, seconds: FILL_SECONDS, messages: scenario.backlog });
  if (result.failed > 0) throw new Error(`Cannot fill ${topic} with ${scenario.backlog} messages: ${result.failure}`);
}

/**
 * Sends to every queue once and waits until each has its files, which a broker may make later, so that none is made while
 * something is measured.
 *
 * @throws {Error} when a message is refused, or the files do not come.
 */
export async function touchQueues(scenario: WireScenario, topic: string, run: WireRun): Promise<void> {
  const messages = scenario.topics * scenario.queues;
  const result = await generate({ ...scenario, idle: 0 }, topic, { ...run, seconds: FILL_SECONDS, messages });
  if (result.failed > 0) throw new Error(`Cannot send to all ${messages} queues of ${topic}: ${result.failure}`);
  for (const store of run.setup.stores) await waitForQueues(`${store}/consumequeue`, messages);
}

async function waitForQueues(directory: string, queues: number): Promise<void> {
  const deadline = performance.now() + QUEUES_TIMEOUT_MS;
  for (let there = 0; there < queues;) {
    if (performance.now() > deadline) throw new Error(`Only ${there} of ${queues} queues are in ${directory}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    there = 0;
    for (const topic of Deno.readDirSync(directory)) {
      there += [...Deno.readDirSync(`${directory}/${topic.name}`)].length;
    }
  }
}

/** Repeats the scenario's work unmeasured until it gets no faster. @throws {Error} when the generator breaks off. */
export async function warmUp(scenario: WireScenario, topic: string, run: WireRun): Promise<void> {
  const rates: number[] = [];
  // A given rate gets no faster: the same work without one shows when the code is optimized.
  const work = { ...scenario, rate: 0, window: scenario.rate > 0 ? 32 : scenario.window };
  for (let spent = 0; spent < run.warmupSeconds && !isSteady(rates, STEADY_WINDOWS); spent += WARM_UP_SECONDS) {
    rates.push((await generate(work, topic, { ...run, seconds: WARM_UP_SECONDS })).requestsPerSecond);
  }
}

/** Runs the generator once and measures, on topics that are there. @throws {Error} when it breaks off. */
export async function measureWire(scenario: WireScenario, topic: string, run: WireRun): Promise<Measurement> {
  await using child = await startGenerator(scenario, topic, run);
  using meter = new Meter(run.setup.broker.process.pid, child.pid);
  const result = await finishGenerator(child, run.seconds);
  const reading = meter.finish();
  const { sentPerSecond, receivedPerSecond } = result;
  // What is sent and received at once counts when it has done both.
  const messagesPerSecond = scenario.mode === "mixed"
    ? Math.min(sentPerSecond, receivedPerSecond)
    : Math.max(sentPerSecond, receivedPerSecond);
  return measurement({ ...result, messagesPerSecond, meanUs: null }, reading, {
    messages: messagesPerSecond * result.elapsedMs / 1000,
    more: {
      sentPerSecond,
      receivedPerSecond,
      receivedMiBPerSecond: result.receivedBytesPerSecond / 2 ** 20,
      stallMs: result.stallMs,
    },
  });
}

/** Runs the generator to its end. @throws {Error} when it breaks off. */
export async function generate(scenario: WireScenario, topic: string, run: WireRun): Promise<WireResult> {
  await using child = await startGenerator(scenario, topic, run);
  return await finishGenerator(child, run.seconds);
}

type Generator = Awaited<ReturnType<typeof startProcess>>;

async function startGenerator(scenario: WireScenario, topic: string, run: WireRun): Promise<Generator> {
  const options: Record<string, string | number> = {
    addr: run.setup.addresses.join(","),
    mode: scenario.mode,
    topic,
    queues: scenario.queues,
    topics: scenario.topics,
    conns: scenario.conns,
    window: scenario.window,
    size: scenario.size,
    batch: BATCH,
    seconds: run.seconds,
    serialize: scenario.serialize,
    rate: scenario.rate,
    delay: scenario.delayLevel,
    groups: scenario.groups,
    idle: scenario.idle,
    ...(run.messages === undefined ? {} : { n: run.messages }),
  };
  return await startProcess({
    name: `${scenario.name}-${scenario.mode}`,
    dir: run.dir,
    command: [
      ...[Deno.execPath(), "run", "--quiet", "--no-check", "-A", GENERATOR],
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...(scenario.mode === "pull" && run.messages === undefined ? ["--loop"] : []),
    ],
  });
}

async function finishGenerator(child: Generator, seconds: number): Promise<WireResult> {
  const { stdout, stderr, code } = await child.waitForExit(seconds * 1000 + SPARE_MS).finally(() => child.closeInput());
  if (code !== 0) throw new Error(`The generator failed: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}
