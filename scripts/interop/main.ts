/**
 * `deno task interop`: runs the checks of `tests/interop` with RocketMQ's own, unmodified clients and tools against our
 * servers, prints a line for each and the count at the end. The exit code is 0 when something passed and nothing failed.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { CHECKS } from "../../tests/interop/checks.ts";
import { type CaseResult, runChecks } from "./check.ts";
import { javaPlatform } from "./java_server.ts";
import { usePorts } from "./ports.ts";
import { locateRucola, rucolaPlatform } from "./rucola_server.ts";
import { locateJavaTools } from "./tools.ts";

const USAGE = `usage: deno task interop [options]
  --only REGEX         only the checks whose name contains a match
  --list               print the names of the checks and stop
  --target T           what is checked: rucola (default), or java for the reference itself
  --binary FILE        the rucola binary; default: dist/rucola when newer than the sources, else main.ts
  --kills N            how often the kill check kills the broker (2)
  --failovers N        how many failovers the failover check brings about (5, one of each kind)
  --minutes N          how long the mixed run sends (40 seconds)
  --messages N         how many messages each pair of master and slave gets, with a kill of each (10500)
  --ports LOW-HIGH     servers listen on these ports (20000-32000)
  --conformance REGEX  which cases of the conformance kit run, when the kit is there
                       (^(send|push|pull|order|topics|serialize)\\.)
  --keep               keep the folders of checks that passed; those of failed ones always stay`;

/** What the command line said. */
interface Arguments {
  readonly only: RegExp;
  readonly list: boolean;
  readonly target: string;
  readonly binary: string | undefined;
  readonly kills: number;
  readonly failovers: number;
  readonly minutes: number | undefined;
  readonly messages: number;
  readonly ports: string | undefined;
  readonly conformance: string;
  readonly keep: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string", default: "" },
      list: { type: "boolean", default: false },
      target: { type: "string", default: "rucola" },
      binary: { type: "string" },
      kills: { type: "string", default: "2" },
      failovers: { type: "string", default: "5" },
      minutes: { type: "string" },
      messages: { type: "string", default: "10500" },
      ports: { type: "string" },
      conformance: { type: "string", default: "." },
      keep: { type: "boolean", default: false },
    },
  });
  const kills = Number(values.kills);
  if (!Number.isInteger(kills) || kills < 1) throw new TypeError(`--kills ${values.kills}: expected a positive number`);
  const failovers = Number(values.failovers);
  if (!Number.isInteger(failovers) || failovers < 1) {
    throw new TypeError(`--failovers ${values.failovers}: expected a positive number`);
  }
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0)) {
    throw new TypeError(`--minutes ${values.minutes}: expected a positive number`);
  }
  const messages = Number(values.messages);
  if (!(messages > 0)) throw new TypeError(`--messages ${values.messages}: expected a positive number`);
  if (!["rucola", "java"].includes(values.target)) throw new TypeError(`--target ${values.target}: rucola or java`);
  return {
    ...values,
    binary: values.binary,
    only: new RegExp(values.only),
    kills,
    failovers,
    minutes,
    messages,
    ports: values.ports,
  };
}

function print(result: CaseResult): void {
  const first = `${result.outcome} ${result.name}`;
  if (result.outcome === "skip") console.log(`${first} (${result.reason})`);
  else console.log(`${first} (${result.ms} ms)${result.reason === "" ? "" : `: ${result.reason}`}`);
}

async function main(args: Arguments): Promise<number> {
  const checks = CHECKS.filter((check) => args.only.test(check.name));
  if (args.list) {
    for (const check of checks) console.log(`${check.name.padEnd(32)} ${check.about}`);
    return 0;
  }
  locateJavaTools();
  if (args.ports !== undefined) usePorts(args.ports);
  const reference = javaPlatform("5.5.0");
  const target = args.target === "java" ? reference : rucolaPlatform(await locateRucola(args.binary));
  console.log(`checking ${target.label}`);
  const results = await runChecks(checks, {
    target,
    reference,
    options: {
      kills: args.kills,
      failovers: args.failovers,
      minutes: args.minutes,
      messages: args.messages,
      conformance: args.conformance,
    },
    keep: args.keep,
    print,
  });
  const count = (outcome: CaseResult["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  if (count("skip") > 0) console.log(`${count("skip")} skipped`);
  console.log(`${count("ok")} passed, ${count("FAIL")} failed`);
  return count("ok") > 0 && count("FAIL") === 0 ? 0 : 1;
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
