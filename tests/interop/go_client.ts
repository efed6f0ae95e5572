/**
 * RocketMQ's Go client against our servers: the program in `go/` runs its scenarios and prints a line for each. Needs Go, which
 * fetches the client from its module proxy.
 *
 * @module
 */
import { type Check, type CheckContext, Skip } from "../../scripts/interop/check.ts";
import { startProcess } from "../../scripts/interop/process.ts";
import { findOnPath } from "../../scripts/interop/tools.ts";

const SOURCES = new URL("go/", import.meta.url).pathname;
/** As many scenarios are in `go/main.go`. */
const SCENARIOS = 10;
const TIMEOUT_MS = 120_000;

/** Each scenario is a case of one check, because they share their servers. */
export const GO_CHECKS: readonly Check[] = [{
  name: "go.scenarios",
  about: "the Go client 2.1.2 sends, pushes, pulls, orders, delays, retries, filters, commits and administrates",
  run,
}];

async function run(context: CheckContext): Promise<void> {
  const program = await build(context.dir);
  await using cluster = await context.startCluster({
    properties: { enablePropertyFilter: "true", transactionTimeOut: "2000", transactionCheckInterval: "2000" },
  });
  const startMs = performance.now();
  await using child = await startProcess({
    name: "go-client",
    dir: context.dir,
    command: [program, cluster.namesrvAddr, cluster.broker.address],
    env: { HOME: context.dir },
  });
  const { stdout } = await child.waitForExit(TIMEOUT_MS);
  const ms = Math.round(performance.now() - startMs);
  let count = 0;
  for (const [, outcome, name, reason = ""] of stdout.matchAll(/^(ok|FAIL) (\w+)(?:: (.*))?$/gm)) {
    context.report({ name: `go.${name}`, outcome: outcome === "ok" ? "ok" : "FAIL", ms, reason });
    count++;
  }
  if (count !== SCENARIOS) throw new Error(`${count} of ${SCENARIOS} scenarios told how they ended:\n${stdout}`);
}

/** Builds the program into a folder. @throws {Skip} without Go or the client's sources; {Error} when it does not compile. */
async function build(dir: string): Promise<string> {
  const go = findOnPath("go");
  if (go === undefined) throw new Skip("there is no go on the PATH");
  const fetched = await goCommand(go, ["mod", "download"]);
  if (fetched !== "") throw new Skip(`the Go client cannot be fetched: ${fetched.split("\n")[0]}`);
  const program = `${dir}/go-client`;
  const failed = await goCommand(go, ["build", "-o", program, "."]);
  if (failed !== "") throw new Error(`go build:\n${failed}`);
  return program;
}

/** Runs Go in the sources' folder; what it complained of, or nothing. */
async function goCommand(go: string, args: string[]): Promise<string> {
  const env = { GOFLAGS: "-mod=readonly -buildvcs=false" };
  const { success, stderr } = await new Deno.Command(go, { args, cwd: SOURCES, env, stdout: "null", stderr: "piped" })
    .output();
  return success ? "" : new TextDecoder().decode(stderr).trim() || "it failed without a word";
}
