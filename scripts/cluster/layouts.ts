/**
 * The layouts of RocketMQ's guides, one host for each part, disturbed: every part is killed, paused, cut off and restarted in
 * turn, while a Java producer and a Java consumer work with their default settings. Prints what these saw.
 *
 * ```
 * deno task compile && deno task layouts [--quick] [--only 2m-2s-sync] [--seconds 40] [--json]
 * ```
 *
 * Needs root on Linux, `ip`, a JDK and Maven; where something is missing it says so and ends with exit code 0. Exit code 1 when
 * a message is missing that a producer was told is there, or when a restart made a send fail.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, resolve } from "@std/path";
import { failures, LAYOUTS, type Row, runLayout } from "./layout_run.ts";
import { plain, seenTable } from "./seen_table.ts";
import { whyNoSite } from "./site.ts";

const ROOT = dirname(dirname(dirname(fromFileUrl(import.meta.url))));

interface Arguments {
  readonly binary: string;
  readonly layouts: readonly string[];
  readonly quick: boolean;
  readonly seconds: number;
  readonly json: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  const values = parseArgs([...args], {
    string: ["binary", "only", "seconds"],
    boolean: ["quick", "json"],
    default: { binary: "dist/rucola" },
  });
  const seconds = Number(values.seconds ?? (values.quick ? 6 : 40));
  if (!(seconds > 0)) throw new TypeError(`--seconds ${values.seconds}: expected a positive number`);
  const only = values.only ?? (values.quick ? "2m-2s-sync" : undefined);
  if (only !== undefined && !(only in LAYOUTS)) {
    throw new TypeError(`--only ${only}: expected one of ${Object.keys(LAYOUTS).join(", ")}`);
  }
  return {
    binary: resolve(ROOT, values.binary),
    layouts: only === undefined ? Object.keys(LAYOUTS) : [only],
    quick: values.quick,
    seconds,
    json: values.json,
  };
}

function table(rows: readonly Row[]): string {
  const labelled = rows.map(({ layout, part, fault, ...seen }) => ({ labels: [layout, part, fault], seen }));
  return seenTable(["layout", "part", "what"], labelled);
}

async function main(args: Arguments): Promise<number> {
  const command = [args.binary];
  const reason = await whyNoSite(command);
  if (reason !== null) {
    console.log(`skipped: the layouts, ${reason}`);
    return 0;
  }
  // Each has hosts of its own, and hardly uses them: together they take the time of one.
  const run = { command, quick: args.quick, seconds: args.seconds };
  const ends = await Promise.allSettled(args.layouts.map((layout) => runLayout(layout, run)));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const rows = ends.flatMap((end) => end.status === "fulfilled" ? end.value : []);
  console.log(args.json ? JSON.stringify(rows, plain, 2) : table(rows));
  const wrong = failures(rows);
  for (const sentence of wrong) console.error(sentence);
  return wrong.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(readArguments(Deno.args)));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
