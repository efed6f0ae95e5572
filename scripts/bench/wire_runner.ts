/**
 * Runs raw-frame scenarios, with the fastest generator that there is: the program that WIRELOAD names, or the one in
 * Go beside the checkout, built once, or our own in TypeScript. All three have the same options and print the same line.
 *
 * @module
 */
import { cacheFolder } from "../interop/maven.ts";
import { startProcess } from "../interop/process.ts";
import { createTopic } from "../interop/raw_client.ts";
import type { Server } from "../interop/server.ts";
import { findOnPath } from "../interop/tools.ts";
import { type GeneratorResult, type Measurement, measurement } from "./measurement.ts";
import { Meter } from "./process_meter.ts";
import { BATCH, PULL_MESSAGES, QUEUES, type WireScenario } from "./scenario.ts";

/** A generator to use. */
export interface Generator {
  /** For the report. */
  readonly label: string;
  readonly command: readonly string[];
}

const BESIDE_CHECKOUT = new URL("../../../shared/bench/wireload", import.meta.url).pathname;
const OWN = new URL("./wire.ts", import.meta.url).pathname;
const UNLIMITED = "1000000000000";
const SPARE_MS = 60_000;
const FILL_SECONDS = 60;

/** Warming up ends when so many windows in a row were not faster than the best before them by more than this share. */
const WARM_UP_SECONDS = 3;
const STEADY_WINDOWS = 2;
const STEADY_SHARE = 0.05;

/** Chooses the generator. @throws {Error} when WIRELOAD names no file, or the Go one does not build. */
export async function locateGenerator(): Promise<Generator> {
  const given = Deno.env.get("WIRELOAD");
  if (given) return { label: `WIRELOAD=${given}`, command: [await Deno.realPath(given)] };
  const go = findOnPath("go");
  const hasSource = await Deno.stat(`${BESIDE_CHECKOUT}/main.go`).then(() => true, () => false);
  if (go === undefined || !hasSource) {
    return { label: "scripts/bench/wire.ts", command: [Deno.execPath(), "run", "--quiet", "-A", OWN] };
  }
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const binary = `${cacheFolder()}/wireload`;
  const build = await new Deno.Command(go, {
    args: ["build", "-o", binary, "."],
    cwd: BESIDE_CHECKOUT,
    stderr: "piped",
  }).output();
  if (!build.success) throw new Error(`Cannot build ${BESIDE_CHECKOUT}: ${new TextDecoder().decode(build.stderr)}`);
  return { label: "wireload (Go)", command: [binary] };
}

/** Where and how long to run. */
export interface WireRun {
  readonly generator: Generator;
  readonly broker: Server;
  readonly seconds: number;
  /** Most seconds of the same work before the measured run. */
  readonly warmupSeconds: number;
  /** Takes the generator's output. */
  readonly dir: string;
}

/**
 * Runs a scenario on a topic of its own: first unmeasured until it gets no faster, because a JVM takes from seconds to
 * most of a minute until its code is optimized, and figures from before would flatter whoever is compared with it.
 *
 * @throws {Error} when the generator breaks off.
 */
export async function runWire(scenario: WireScenario, run: WireRun): Promise<Measurement> {
  const topic = `Bench-${scenario.name}`;
  await createTopic(run.broker.address, topic, QUEUES);
  const messages = scenario.mode === "pull" ? PULL_MESSAGES : undefined;
  if (messages !== undefined) await fillTopic(scenario, topic, run);
  await warmUp(scenario, topic, { ...run, messages, seconds: WARM_UP_SECONDS });
  return await generate(scenario, topic, { ...run, messages });
}

async function fillTopic(scenario: WireScenario, topic: string, run: WireRun): Promise<void> {
  const fill = { ...scenario, mode: "batch" as const, window: 16 };
  const filled = await generate(fill, topic, { ...run, seconds: FILL_SECONDS, messages: PULL_MESSAGES });
  if (filled.messagesPerSecond * FILL_SECONDS < PULL_MESSAGES || filled.failed > 0) {
    throw new Error(`Cannot fill ${topic} with ${PULL_MESSAGES} messages in ${FILL_SECONDS} s`);
  }
}

async function warmUp(scenario: WireScenario, topic: string, run: LimitedRun): Promise<void> {
  let best = 0;
  let steady = 0;
  for (let spent = 0; spent < run.warmupSeconds && steady < STEADY_WINDOWS; spent += WARM_UP_SECONDS) {
    const { messagesPerSecond } = await generate(scenario, topic, run);
    steady = messagesPerSecond > best * (1 + STEADY_SHARE) ? 0 : steady + 1;
    best = Math.max(best, messagesPerSecond);
  }
}

/** A run that ends after so many messages, or after its time when that is undefined. */
interface LimitedRun extends WireRun {
  readonly messages: number | undefined;
}

async function generate(scenario: WireScenario, topic: string, run: LimitedRun): Promise<Measurement> {
  await using child = await startProcess({
    name: `${scenario.name}-${scenario.mode}`,
    dir: run.dir,
    command: [...run.generator.command, ...generatorOptions(scenario, topic, run)],
  });
  const meter = new Meter(run.broker.process.pid, child.pid);
  const { stdout, stderr } = await child.waitForExit(run.seconds * 1000 + SPARE_MS).finally(() => child.closeInput());
  const reading = meter.finish();
  const result = parseResult(stdout);
  if (result === undefined) throw new Error(`${run.generator.label} failed: ${stdout}${stderr}`);
  return measurement(result, reading, { messages: run.messages ?? result.messagesPerSecond * run.seconds });
}

/** Reads a generator's line. Undefined when it printed none. */
export function parseResult(line: string): GeneratorResult | undefined {
  const found = line.match(
    /(?<rate>\d+) msg\/s p50=(?<p50>\d+)us p99=(?<p99>\d+)us p99\.9=(?<p999>\d+)us max=(?<max>\d+)us failed=(?<failed>\d+)/,
  )?.groups;
  if (found === undefined) return undefined;
  return {
    messagesPerSecond: Number(found["rate"]),
    meanUs: null,
    p50Us: Number(found["p50"]),
    p99Us: Number(found["p99"]),
    p999Us: Number(found["p999"]),
    maxUs: Number(found["max"]),
    failed: Number(found["failed"]),
  };
}

function generatorOptions(scenario: WireScenario, topic: string, run: LimitedRun): string[] {
  const options: Record<string, string | number> = {
    addr: run.broker.address,
    mode: scenario.mode,
    topic,
    queues: QUEUES,
    conns: scenario.conns,
    window: scenario.window,
    size: scenario.size,
    batch: BATCH,
    n: run.messages ?? UNLIMITED,
    seconds: run.seconds,
    serialize: scenario.serialize,
  };
  return Object.entries(options).flatMap(([name, value]) => [`-${name}`, String(value)]);
}
