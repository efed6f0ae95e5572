/**
 * `deno task bench`: gives the same work to the Java broker and to ours, in turns on fresh stores, and reports medians,
 * spreads and ratios, and which targets were reached. Absolute figures belong to the machine and the hour; the ratios of one
 * run are what counts.
 *
 * @module
 */
import { javaPlatform } from "../interop/java_server.ts";
import { fetchRocketmq } from "../interop/maven.ts";
import { locateRucola, rucolaPlatform } from "../interop/rucola_server.ts";
import { type Arguments, readArguments, USAGE } from "./arguments.ts";
import type { Measurement } from "./measurement.ts";
import { expectedMinutes } from "./plan.ts";
import { type BenchReport, type Conditions, joinReports, toMarkdown } from "./report.ts";
import { type Contestant, runRound } from "./round.ts";
import { SCENARIOS } from "./scenario.ts";
import type { Series } from "./statistics.ts";

async function main(args: Arguments): Promise<number> {
  if (args.list) {
    for (const { name, about, extra } of SCENARIOS) {
      console.log(`${name.padEnd(22)} ${about}${extra ? " (only when named)" : ""}`);
    }
    return 0;
  }
  const contestants = await Promise.all(args.targets.map((target) => enter(target, args)));
  const minutes = Math.ceil(expectedMinutes(args));
  console.error(`${args.scenarios.length} scenarios, ${args.rounds} rounds: about ${minutes} min`);
  const earlier = args.add ? await earlierReport(args.out) : null;
  const runs = new Map<string, Measurement[]>();
  for (let round = 0; round < args.rounds; round++) {
    // Every second round begins with the other one, so that neither always meets the cooler or emptier machine.
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const { label } = contestant.platform;
      await runRound(contestant, args, (scenario, result) => {
        const key = seriesKey(scenario, label);
        runs.set(key, [...(runs.get(key) ?? []), result]);
        console.error(progressLine({ round: round + 1, platform: label, scenario }, result));
      });
    }
    // After each round: what was measured stays when somebody ends it early.
    const series = seriesOf(args, contestants, runs);
    await writeReport(joined(earlier, { conditions: await conditions(args), series }), args);
  }
  const report = joined(earlier, { conditions: await conditions(args), series: seriesOf(args, contestants, runs) });
  console.log(args.json ? JSON.stringify(report, null, 2) : toMarkdown(report));
  console.error(`written: ${args.out}/bench.md and bench.json`);
  return [...runs.values()].flat().some((run) => run.failed > 0) ? 1 : 0;
}

async function enter(target: string, args: Arguments): Promise<Contestant> {
  if (target === "java") {
    console.error("java 5.5.0: taking it from the cache, or from Maven Central");
    await fetchRocketmq("5.5.0");
    return { platform: javaPlatform("5.5.0", args.javaJvm), rucola: null };
  }
  const rucola = await locateRucola(args.binary);
  return { platform: rucolaPlatform(rucola), rucola };
}

function seriesKey(scenario: string, platform: string): string {
  return `${scenario} ${platform}`;
}

function progressLine(run: { round: number; platform: string; scenario: string }, result: Measurement): string {
  const figures: string[] = [];
  const add = (value: number | null, text: (value: number) => string) => {
    if (value !== null) figures.push(text(value));
  };
  add(result.messagesPerSecond, (value) => `${Math.round(value)} msg/s`);
  add(result.cpuUsPerMessage, (value) => `${value.toFixed(2)} µs CPU a message`);
  add(result.meanUs, (value) => `mean ${value} µs`);
  add(result.p50Us, (value) => `p50 ${value} µs`);
  add(result.p99Us, (value) => `p99 ${value} µs`);
  add(result.maxUs, (value) => `max ${value} µs`);
  add(result.rssMiB, (value) => `${Math.round(value)} MiB`);
  for (const [name, value] of Object.entries(result.more)) if (value !== 0) figures.push(`${name} ${value.toFixed(1)}`);
  if (result.failed > 0) figures.push(`${result.failed} failed (${result.failure})`);
  return `round ${run.round}, ${run.platform}, ${run.scenario}: ${figures.join(", ")}; limit: ${result.limit}`;
}

async function conditions(args: Arguments): Promise<Conditions> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: navigator.hardwareConcurrency,
    cpu: cpuInfo.match(/model name\s*: (.*)/)?.[1] ?? "an unnamed processor",
    memoryGiB: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    rounds: args.rounds,
    seconds: args.seconds,
    warmupSeconds: args.warmupSeconds,
    storeGiB: args.storeGiB,
    coldGiB: args.coldGiB,
    brokerProperties: args.properties,
    javaBrokerJvm: args.javaJvm,
  };
}

function seriesOf(
  args: Arguments,
  contestants: readonly Contestant[],
  runs: ReadonlyMap<string, readonly Measurement[]>,
): Series[] {
  return args.scenarios.flatMap((scenario) =>
    contestants.flatMap(({ platform: { label } }) => {
      const own = runs.get(seriesKey(scenario.name, label));
      return own === undefined ? [] : [{ scenario: scenario.name, platform: label, runs: own }];
    })
  );
}

async function earlierReport(folder: string): Promise<BenchReport | null> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/bench.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function joined(earlier: BenchReport | null, report: BenchReport): BenchReport {
  return earlier === null ? report : joinReports(earlier, report, SCENARIOS.map(({ name }) => name));
}

async function writeReport(report: BenchReport, { out }: Arguments): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  await Deno.writeTextFile(`${out}/bench.json`, JSON.stringify(report, null, 2) + "\n");
  await Deno.writeTextFile(`${out}/bench.md`, toMarkdown(report));
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
