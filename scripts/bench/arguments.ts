/**
 * The command line of `deno task bench`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { usePorts } from "../interop/ports.ts";
import { type Scenario, SCENARIOS } from "./scenario.ts";

/** How to use it. */
export const USAGE = `usage: deno task bench [options]
  --only REGEX       only the scenarios whose name contains a match (also those that do not run by default)
  --list             print the scenarios and stop
  --targets LIST     java,rucola (default), or one of them
  --rounds N         alternations (3)
  --seconds N        length of a run (10)
  --warmup N         most seconds of unmeasured work before a run; ends when it gets no faster, of a JVM after 40 (60)
  --store-gib N      size of the store that is killed in start-killed (1)
  --cold-gib N       bytes that pull-cold reads (1)
  --binary FILE      the rucola binary; default: dist/rucola when newer than the sources, else main.ts
  --java-heap SIZE   heap of the Java broker (2g)
  --property K=V     a further line of both brokers' configuration; may be repeated
  --ports LOW-HIGH   where servers listen (20000-32000)
  --add              keep what bench.json in the folder of --out has of other scenarios
  --out DIR          where bench.md and bench.json go (dist)
  --json             print the report as JSON and not as Markdown; progress goes to standard error either way`;

/** The kit of settings that keeps Java's flow control, which refuses work on small machines, out of the figures. */
const PROPERTIES = { flushDiskType: "ASYNC_FLUSH", waitTimeMillsInSendQueue: "3000" };
const ROOT = new URL("../../", import.meta.url).pathname;

/** What to run, and how. */
export interface Arguments {
  readonly scenarios: readonly Scenario[];
  readonly list: boolean;
  readonly targets: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly storeGiB: number;
  readonly coldGiB: number;
  readonly binary: string | undefined;
  readonly javaJvm: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly add: boolean;
  readonly out: string;
  readonly json: boolean;
}

/** Reads the command line. @throws {TypeError} with what is wrong. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      list: { type: "boolean", default: false },
      targets: { type: "string", default: "java,rucola" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "10" },
      warmup: { type: "string", default: "60" },
      "store-gib": { type: "string", default: "1" },
      "cold-gib": { type: "string", default: "1" },
      binary: { type: "string" },
      "java-heap": { type: "string", default: "2g" },
      property: { type: "string", multiple: true, default: [] },
      ports: { type: "string" },
      add: { type: "boolean", default: false },
      out: { type: "string", default: `${ROOT}dist` },
      json: { type: "boolean", default: false },
    },
  });
  if (values.ports !== undefined) usePorts(values.ports);
  const targets = values.targets.split(",");
  const unknown = targets.find((target) => target !== "java" && target !== "rucola");
  if (unknown !== undefined) throw new TypeError(`--targets ${values.targets}: java and rucola are the ones there are`);
  const only = values.only === undefined ? undefined : new RegExp(values.only);
  const scenarios = SCENARIOS.filter(({ name, extra }) => only === undefined ? extra !== true : only.test(name));
  if (scenarios.length === 0) {
    throw new TypeError(`--only ${values.only}: no scenario's name matches; --list names them`);
  }
  return {
    scenarios,
    list: values.list,
    targets,
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    warmupSeconds: positive("warmup", values.warmup),
    storeGiB: positive("store-gib", values["store-gib"]),
    coldGiB: positive("cold-gib", values["cold-gib"]),
    binary: values.binary,
    javaJvm: brokerJvm(values["java-heap"]),
    properties: { ...PROPERTIES, ...Object.fromEntries(values.property.map(keyAndValue)) },
    add: values.add,
    out: values.out,
    json: values.json,
  };
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
