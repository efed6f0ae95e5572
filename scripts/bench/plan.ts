/**
 * How long a benchmark is going to take, before it begins.
 *
 * @module
 */
import type { Arguments } from "./arguments.ts";
import type { Scenario } from "./scenario.ts";

/** What warming up takes in most cases, however much is allowed: a JVM, and ours. */
const WARM_UP_JAVA_SECONDS = 40;
const WARM_UP_SECONDS = 14;
const SERVERS_SECONDS = 8;
const STORE_GIB_SECONDS = 12;

/** Minutes, roughly. */
export function expectedMinutes(args: Arguments): number {
  const seconds = args.targets.flatMap((target) =>
    args.scenarios
      .filter(({ oursOnly }) => oursOnly !== true || target === "rucola")
      .map((scenario, index, all) => {
        const startsServers = scenario.setup === "none" || scenario.setup !== all[index - 1]?.setup;
        return secondsOf(scenario, args, target === "java" ? WARM_UP_JAVA_SECONDS : WARM_UP_SECONDS) +
          (startsServers ? SERVERS_SECONDS : 0);
      })
  );
  return seconds.reduce((sum, each) => sum + each, 0) * args.rounds / 60;
}

function secondsOf(scenario: Scenario, args: Arguments, warmUpUsual: number): number {
  const { seconds, warmupSeconds, storeGiB, coldGiB } = args;
  const warmUp = Math.min(warmUpUsual, warmupSeconds);
  switch (scenario.kind) {
    case "wire":
      return seconds + warmUp;
    case "javaProducer":
      return Math.max(13, seconds) + warmUp;
    case "idle":
      return 22 + Math.max(20, seconds);
    case "memory":
      return seconds + 120;
    case "cold":
      return warmUp + coldGiB * STORE_GIB_SECONDS * 2;
    case "start":
      return scenario.store === "empty" ? 0 : storeGiB * STORE_GIB_SECONDS + 6;
  }
}
