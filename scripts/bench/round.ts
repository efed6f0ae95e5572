/**
 * One round: all scenarios on one platform, those of a setup one after the other on the same brokers, each setup with an
 * empty store.
 *
 * @module
 */
import type { RucolaCommand } from "../interop/rucola_server.ts";
import type { Platform } from "../interop/server.ts";
import type { Arguments } from "./arguments.ts";
import { runCold } from "./cold_runner.ts";
import { runIdle } from "./idle_runner.ts";
import { runJavaProducer } from "./java_runner.ts";
import type { Measurement } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";
import { runMemory } from "./memory_runner.ts";
import { type Setup, type SetupPlace, startSetup } from "./setup.ts";
import { runStart } from "./start_runner.ts";
import { runWire } from "./wire_runner.ts";

/** Who is measured. */
export interface Contestant {
  readonly platform: Platform;
  /** Our own command; null for Java. */
  readonly rucola: RucolaCommand | null;
}

const GIB = 2 ** 30;

/** Runs all scenarios of the arguments that this one takes part in. @throws {Error} when a server or a generator fails. */
export async function runRound(
  contestant: Contestant,
  args: Arguments,
  onResult: (scenario: string, result: Measurement) => void,
): Promise<void> {
  const own = args.scenarios.filter(({ oursOnly }) => oursOnly !== true || contestant.rucola !== null);
  for (const group of bySetup(own)) {
    const dir = await Deno.makeTempDir({ prefix: "rucola-bench-" });
    try {
      const place = { ...contestant, dir, properties: args.properties };
      await runGroup(group, place, args, onResult);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
}

/** Scenarios that share brokers; those that start their own stand alone, as does a broker that must be fresh. */
function bySetup(scenarios: readonly Scenario[]): Scenario[][] {
  const groups: Scenario[][] = [];
  for (const scenario of scenarios) {
    const last = groups.at(-1);
    const isShared = scenario.setup !== "none" && scenario.setup !== "fresh";
    if (isShared && last?.[0]?.setup === scenario.setup) last.push(scenario);
    else groups.push([scenario]);
  }
  return groups;
}

async function runGroup(
  group: readonly Scenario[],
  place: SetupPlace,
  args: Arguments,
  onResult: (scenario: string, result: Measurement) => void,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [first] = group;
  if (first === undefined) return;
  const setup = first.setup === "none" ? null : await startSetup(first.setup, place, stack);
  for (const scenario of group) onResult(scenario.name, await measure(scenario, setup, { place, args }));
}

async function measure(
  scenario: Scenario,
  setup: Setup | null,
  { place, args }: { place: SetupPlace; args: Arguments },
): Promise<Measurement> {
  const { seconds, warmupSeconds, storeGiB, coldGiB } = args;
  const dir = `${place.dir}/generator`;
  await Deno.mkdir(dir, { recursive: true });
  if (scenario.kind === "start") return await runStart(scenario, { place, storeBytes: storeGiB * GIB });
  if (scenario.kind === "cold") return await runCold(scenario, { place, backlogBytes: coldGiB * GIB, warmupSeconds });
  if (setup === null) throw new Error(`${scenario.name} needs a broker`);
  if (scenario.kind === "memory") return await runMemory(scenario, { setup, seconds, dir });
  if (scenario.kind === "idle") return await runIdle(scenario, { setup, seconds, dir });
  if (scenario.kind === "javaProducer") return await runJavaProducer(scenario, { setup, seconds, warmupSeconds, dir });
  return await runWire(scenario, { setup, seconds, warmupSeconds, dir });
}
