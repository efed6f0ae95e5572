/**
 * `deno task bench`: gives the same work to the Java broker and to ours, in turns on fresh stores, and reports medians,
 * spreads and ratios. Absolute figures belong to the machine and the hour; the ratios of one run are what counts.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { javaPlatform } from "../interop/java_server.ts";
import { freeBrokerPort, freePort } from "../interop/ports.ts";
import { waitForRegistration } from "../interop/raw_client.ts";
import { locateRucola, rucolaPlatform } from "../interop/rucola_server.ts";
import type { Platform, Server } from "../interop/server.ts";
import { masterProperties, startSlave } from "./with_slave.ts";
import { runJavaProducer } from "./java_runner.ts";
import type { Measurement } from "./measurement.ts";
import { residentMiB } from "./process_meter.ts";
import { type BenchReport, type Boot, toMarkdown } from "./report.ts";
import { type Scenario, SCENARIOS } from "./scenario.ts";
import { type Generator, locateGenerator, runWire } from "./wire_runner.ts";

const USAGE = `usage: deno task bench [options]
  --only REGEX       only the scenarios whose name contains a match (also those that do not run by default)
  --list             print the scenarios and stop
  --targets LIST     java,rucola (default), or one of them
  --rounds N         alternations (3)
  --seconds N        length of a run (10)
  --warmup N         most seconds of unmeasured work before a run of raw frames; ends when it gets no faster (45)
  --binary FILE      the rucola binary; default: dist/rucola when newer than the sources, else main.ts
  --java-heap SIZE   heap of the Java broker (2g)
  --roles LIST       ASYNC_MASTER,SYNC_MASTER or one: each broker has that role and a slave of its own make behind it
  --property K=V     a further line of both brokers' configuration; may be repeated
  --out DIR          where bench.md and bench.json go (dist)
WIRELOAD=FILE names another generator of raw frames.`;

/** The kit of settings that keeps Java's flow control, which refuses work on small machines, out of the figures. */
const PROPERTIES = { flushDiskType: "ASYNC_FLUSH", waitTimeMillsInSendQueue: "3000" };
const ROOT = new URL("../../", import.meta.url).pathname;

interface Arguments {
  readonly scenarios: readonly Scenario[];
  readonly list: boolean;
  readonly targets: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly binary: string | undefined;
  /** Null alone: a master without slaves. */
  readonly roles: readonly (string | null)[];
  readonly javaJvm: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly out: string;
}

function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      list: { type: "boolean", default: false },
      targets: { type: "string", default: "java,rucola" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "10" },
      warmup: { type: "string", default: "45" },
      binary: { type: "string" },
      roles: { type: "string" },
      "java-heap": { type: "string", default: "2g" },
      property: { type: "string", multiple: true, default: [] },
      out: { type: "string", default: `${ROOT}dist` },
    },
  });
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const targets = values.targets.split(",");
  const unknown = targets.find((target) => target !== "java" && target !== "rucola");
  if (unknown !== undefined) throw new TypeError(`--targets ${values.targets}: java and rucola are the ones there are`);
  return {
    scenarios: SCENARIOS.filter((scenario) => only === undefined ? !scenario.extra : only.test(scenario.name)),
    list: values.list,
    targets,
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    warmupSeconds: positive("warmup", values.warmup),
    binary: values.binary,
    roles: rolesOf(values.roles),
    javaJvm: brokerJvm(values["java-heap"]),
    properties: { ...PROPERTIES, ...Object.fromEntries(values.property.map(keyAndValue)) },
    out: values.out,
  };
}

function rolesOf(text: string | undefined): (string | null)[] {
  if (text === undefined) return [null];
  const roles = text.split(",");
  const unknown = roles.find((role) => role !== "ASYNC_MASTER" && role !== "SYNC_MASTER");
  if (unknown !== undefined) {
    throw new TypeError(`--roles ${text}: ASYNC_MASTER and SYNC_MASTER are the ones there are`);
  }
  return roles;
}

/** The options of RocketMQ's own start script for a broker, with a heap that leaves room for a small machine's rest. */
function brokerJvm(heap: string): string[] {
  return [
    "-server",
    `-Xms${heap}`,
    `-Xmx${heap}`,
    "-XX:+UseG1GC",
    "-XX:G1HeapRegionSize=16m",
    "-XX:G1ReservePercent=25",
    "-XX:InitiatingHeapOccupancyPercent=30",
    "-XX:SoftRefLRUPolicyMSPerMB=0",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+AlwaysPreTouch",
    "-XX:MaxDirectMemorySize=2g",
  ];
}

/** What is compared: brokers of one make in one role. */
interface Contender {
  readonly label: string;
  readonly platform: Platform;
  /** Null: a master without slaves. */
  readonly role: string | null;
}

/** The servers of one round, with the work that they get. */
class Round {
  readonly #contender: Contender;
  readonly #arguments: Arguments;
  readonly #generator: Generator;
  readonly #dir: string;

  constructor(contender: Contender, args: Arguments, generator: Generator, dir: string) {
    this.#contender = contender;
    this.#arguments = args;
    this.#generator = generator;
    this.#dir = dir;
  }

  /** Starts the servers on an empty store, runs all scenarios and stops them. */
  async run(onResult: (scenario: string, result: Measurement) => void): Promise<Boot> {
    const { platform, role, label } = this.#contender;
    const namesrv = await platform.startNamesrv({ dir: `${this.#dir}/namesrv`, port: freePort() });
    await using _namesrv = namesrv.process;
    const startMs = performance.now();
    const options = {
      dir: `${this.#dir}/broker`,
      port: freeBrokerPort(),
      namesrvAddr: namesrv.address,
      properties: { ...this.#arguments.properties, ...(role !== null && masterProperties(role)) },
    };
    const broker = await platform.startBroker(options);
    await using _broker = broker.process;
    const bootMs = performance.now() - startMs;
    await waitForRegistration(namesrv.address, broker.address);
    const boot = { platform: label, bootMs, idleRssMiB: residentMiB(broker.process.pid) };
    await using _slave = role === null ? null : await startSlave(platform, broker, options);
    for (const scenario of this.#arguments.scenarios) {
      onResult(scenario.name, await this.#measure(scenario, namesrv, broker));
    }
    return boot;
  }

  #measure(scenario: Scenario, namesrv: Server, broker: Server): Promise<Measurement> {
    const { seconds, warmupSeconds } = this.#arguments;
    const dir = `${this.#dir}/generator`;
    return scenario.kind === "wire"
      ? runWire(scenario, { generator: this.#generator, broker, seconds, warmupSeconds, dir })
      : runJavaProducer(scenario, { namesrvAddr: namesrv.address, broker, seconds, dir });
  }
}

async function main(args: Arguments): Promise<number> {
  if (args.list) {
    for (const { name, about, extra } of SCENARIOS) {
      console.log(`${name.padEnd(22)} ${about}${extra ? " (extra)" : ""}`);
    }
    return 0;
  }
  const platforms = await Promise.all(
    args.targets.map(async (target) =>
      target === "java" ? javaPlatform("5.5.0", args.javaJvm) : rucolaPlatform(await locateRucola(args.binary))
    ),
  );
  const contenders = platforms.flatMap((platform) =>
    args.roles.map((role): Contender => ({
      label: role === null ? platform.label : `${platform.label} ${role}`,
      platform,
      role,
    }))
  );
  const generator = await locateGenerator();
  const runs = new Map<string, Measurement[]>();
  const boots: Boot[] = [];
  for (let round = 0; round < args.rounds; round++) {
    // Every second round begins with the other one, so that neither always meets the cooler or emptier machine.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const dir = await Deno.makeTempDir({ prefix: "rucola-bench-" });
      try {
        boots.push(
          await new Round(contender, args, generator, dir).run((scenario, result) => {
            const key = seriesKey(scenario, contender);
            runs.set(key, [...(runs.get(key) ?? []), result]);
            console.log(progressLine({ round: round + 1, platform: contender.label, scenario }, result));
          }),
        );
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    }
  }
  const series = args.scenarios.flatMap((scenario) =>
    contenders.map((contender) => ({
      scenario: scenario.name,
      platform: contender.label,
      runs: runs.get(seriesKey(scenario.name, contender)) ?? [],
    }))
  );
  await writeReport({ conditions: await conditions(args, generator), boots, series }, args.out);
  return [...runs.values()].flat().some((run) => run.failed > 0) ? 1 : 0;
}

function seriesKey(scenario: string, contender: Contender): string {
  return `${scenario} ${contender.label}`;
}

function progressLine(run: { round: number; platform: string; scenario: string }, result: Measurement): string {
  const latency = result.p99Us === null ? `mean ${result.meanUs} µs` : `p50 ${result.p50Us} µs, p99 ${result.p99Us} µs`;
  return `round ${run.round}, ${run.platform}, ${run.scenario}: ${result.messagesPerSecond} msg/s, ` +
    `${result.cpuUsPerMessage.toFixed(2)} µs CPU a message, ${latency}, max ${result.maxUs} µs, ` +
    `${Math.round(result.rssMiB)} MiB, ${result.failed} failed; limit: ${result.limit}`;
}

async function conditions(args: Arguments, generator: Generator): Promise<BenchReport["conditions"]> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: navigator.hardwareConcurrency,
    cpu: cpuInfo.match(/model name\s*: (.*)/)?.[1] ?? "an unnamed processor",
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    generator: generator.label,
    rounds: args.rounds,
    seconds: args.seconds,
    brokerProperties: args.properties,
    javaBrokerJvm: args.javaJvm,
  };
}

async function writeReport(report: BenchReport, folder: string): Promise<void> {
  const markdown = toMarkdown(report);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/bench.json`, JSON.stringify(report, null, 2) + "\n");
  await Deno.writeTextFile(`${folder}/bench.md`, markdown);
  console.log(`\n${markdown}\nwritten: ${folder}/bench.md and bench.json`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} ${text}: expected a positive whole number`);
  return value;
}

function keyAndValue(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new TypeError(`--property ${text}: expected KEY=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

if (import.meta.main) {
  try {
    Deno.exit(await main(readArguments(Deno.args)));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    if (error instanceof TypeError) console.error(USAGE);
    Deno.exit(2);
  }
}
