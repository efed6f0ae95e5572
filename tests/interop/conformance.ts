/**
 * A kit of about a hundred small cases, driven through the published Java clients. It is no part of this project:
 * CONFORMANCE_KIT names its `run` script, or it lies beside the checkout. Without it these checks are skipped and say
 * so; with it each of its cases is counted.
 *
 * @module
 */
import { type CaseResult, type Check, type CheckContext, Skip } from "../../scripts/interop/check.ts";
import { startProcess, waitFor } from "../../scripts/interop/process.ts";

const BESIDE_CHECKOUT = new URL("../../../shared/conformance/run", import.meta.url).pathname;
const TIMEOUT_MS = 900_000;

/**
 * What the kit asks of a broker's configuration, to keep its run short; and a limit for timer messages, which RocketMQ has by
 * default (three days) and Rucola only where one is configured.
 */
export const KIT_PROPERTIES = {
  timerMaxDelaySec: "259201",
  enablePropertyFilter: "true",
  timerWheelEnable: "true",
  transactionTimeOut: "3000",
  transactionCheckInterval: "3000",
  waitTimeMillsInSendQueue: "3000",
};

/** The kit with the client of each generation. */
export const CONFORMANCE_CHECKS: readonly Check[] = ["5.5.0", "4.9.7", "4.4.0"].map((version) => ({
  name: `conformance.java${version}`,
  about: `the conformance kit passes with the Java client ${version}`,
  async run(context) {
    const kit = await locateKit();
    await using cluster = await context.startCluster({ properties: KIT_PROPERTIES });
    await runKit(context, { kit, version, namesrvAddr: cluster.namesrvAddr });
  },
}));

/** The kit's program. @throws {Skip} when there is none. */
export async function locateKit(): Promise<string> {
  const kit = Deno.env.get("CONFORMANCE_KIT") ?? BESIDE_CHECKOUT;
  try {
    await Deno.stat(kit);
    return kit;
  } catch {
    throw new Skip("no conformance kit: CONFORMANCE_KIT is not set and none lies beside the checkout");
  }
}

async function runKit(
  context: CheckContext,
  options: { kit: string; version: string; namesrvAddr: string },
): Promise<void> {
  await using kit = await startProcess({
    name: `kit-${options.version}`,
    dir: `${context.dir}/kit`,
    command: [
      options.kit,
      "--version",
      options.version,
      "--only",
      context.options.conformance,
      "--retry",
      options.namesrvAddr,
    ],
  });
  let reported = 0;
  const reportNew = async () => {
    const results = parseCases(await kit.stdout(), `conformance-${options.version}/`);
    results.slice(reported).forEach((result) => context.report(result));
    reported = results.length;
  };
  await waitFor("the conformance kit to end", TIMEOUT_MS, async () => {
    const ended = kit.exit !== undefined;
    await reportNew();
    return ended;
  }, () => kit.tail());
  const summary = (await kit.stdout()).match(/^(\d+) passed, (\d+) failed$/m);
  const counted = context.cases.filter((result) => result.outcome !== "skip").length;
  if (summary === null || Number(summary[1]) + Number(summary[2]) !== counted) {
    throw new Error(`The kit did not finish (${counted} cases were seen):\n${await kit.tail()}`);
  }
}

/** Reads the kit's finished lines `ok NAME (ms)`, `FAIL NAME: reason` and `skip NAME (why)`. */
export function parseCases(output: string, prefix: string): CaseResult[] {
  const results: CaseResult[] = [];
  for (const line of output.slice(0, output.lastIndexOf("\n") + 1).split("\n")) {
    const [, outcome, name, rest] = line.match(/^(ok|FAIL|skip) ([^\s:]+):? ?(.*)$/) ?? [];
    if (name === undefined || rest === undefined) continue;
    if (outcome !== "ok" && outcome !== "FAIL" && outcome !== "skip") continue;
    const ms = Number(rest.match(/^\((\d+)(?: ms)?\)/)?.[1] ?? 0);
    const reason = outcome === "ok" ? "" : outcome === "skip" ? rest.replace(/^\((.*)\)$/, "$1") : rest;
    results.push({ name: prefix + name, outcome, ms, reason });
  }
  return results;
}
