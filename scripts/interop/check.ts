/**
 * A check is one statement about the servers under test that holds or does not. This file has its shape, what it works
 * with, and the loop that runs a list of checks and counts them. The checks themselves are in `tests/interop`.
 *
 * @module
 */
import { freeBrokerPort, freePort } from "./ports.ts";
import { waitForRegistration } from "./raw_client.ts";
import type { BrokerOptions, Platform, Server } from "./server.ts";

/** One statement to check. */
export interface Check {
  /** `theme.case` in camel case. */
  readonly name: string;
  /** What holds when it passes, as a sentence. */
  readonly about: string;
  /** Returns when it holds, throws otherwise; {@link Skip} when it cannot be checked here. */
  run(context: CheckContext): Promise<void>;
}

/** What a check cannot do here, and why; it counts neither as passed nor as failed. */
export class Skip extends Error {
  override readonly name = "Skip";
}

/** The choices of the command line that checks look at. */
export interface CheckOptions {
  /** How often the kill check kills the broker. */
  readonly kills: number;
  /** How many failovers the failover check brings about. */
  readonly failovers: number;
  /** How long the mixed run sends; its own choice when absent. */
  readonly minutes?: number | undefined;
  /** How many messages each pair of master and slave gets. */
  readonly messages: number;
  /** Which cases of the conformance kit run, as a regular expression. */
  readonly conformance: string;
}

/** How a single case ended. */
export interface CaseResult {
  readonly name: string;
  readonly outcome: "ok" | "FAIL" | "skip";
  readonly ms: number;
  /** Why it failed or was skipped; a short remark when it passed, or empty. */
  readonly reason: string;
}

/** A name server and a broker that know each other. */
export interface Cluster extends AsyncDisposable {
  /** The running name server; another one after {@link restartNamesrv}. */
  readonly namesrv: Server;
  readonly namesrvAddr: string;
  /** The running broker; another one after {@link restartBroker}. */
  readonly broker: Server;
  /** Starts the broker again with the same configuration and store, after it was stopped or killed. */
  restartBroker(): Promise<void>;
  /** The same for the name server. Returns when the broker has registered there again. */
  restartNamesrv(): Promise<void>;
}

/** What to start for a check. Either server is the one under test unless said otherwise. */
export interface ClusterOptions {
  readonly namesrv?: Platform;
  readonly broker?: Platform;
  readonly properties?: BrokerOptions["properties"];
  /** Subfolder for its files, for a check that has several clusters. */
  readonly folder?: string;
}

/** What a check works with: a folder of its own, the servers under test and the reference. */
export class CheckContext {
  /** An empty folder, removed when the check has passed. */
  readonly dir: string;
  /** What is checked. */
  readonly target: Platform;
  /** Java RocketMQ, for checks where both work together. */
  readonly reference: Platform;
  readonly options: CheckOptions;
  /** Cases that the check counted by itself; with any, the check as a whole is not counted when it returns. */
  readonly cases: CaseResult[] = [];
  /** A remark for the check's line. */
  remark = "";
  readonly #print: (result: CaseResult) => void;

  /** @param parts what the fields of the same names say. @param print shows a case when it is over. */
  constructor(
    parts: { dir: string; target: Platform; reference: Platform; options: CheckOptions },
    print: (result: CaseResult) => void,
  ) {
    this.dir = parts.dir;
    this.target = parts.target;
    this.reference = parts.reference;
    this.options = parts.options;
    this.#print = print;
  }

  /** Counts and prints a case of its own, for a check that runs many. */
  report(result: CaseResult): void {
    this.cases.push(result);
    this.#print(result);
  }

  /**
   * Starts a name server and a broker on free ports and waits until the one lists the other. The end of the scope kills
   * them: a Java broker's orderly stop takes a quarter of a minute.
   */
  async startCluster(options: ClusterOptions = {}): Promise<Cluster> {
    const brokerPlatform = options.broker ?? this.target;
    const dir = options.folder === undefined ? this.dir : `${this.dir}/${options.folder}`;
    const namesrvOptions = { dir: `${dir}/namesrv`, port: freePort() };
    const startNamesrv = () => (options.namesrv ?? this.target).startNamesrv(namesrvOptions);
    let namesrv = await startNamesrv();
    const brokerOptions = {
      dir: `${dir}/broker`,
      port: freeBrokerPort(),
      namesrvAddr: namesrv.address,
      ...(options.properties === undefined ? {} : { properties: options.properties }),
    };
    const startBroker = async () => {
      const started = await brokerPlatform.startBroker(brokerOptions);
      await waitForRegistration(namesrv.address, started.address);
      return started;
    };
    let broker = await startBroker();
    return {
      get namesrv() {
        return namesrv;
      },
      namesrvAddr: namesrv.address,
      get broker() {
        return broker;
      },
      async restartBroker() {
        broker = await startBroker();
      },
      async restartNamesrv() {
        namesrv = await startNamesrv();
        await waitForRegistration(namesrv.address, broker.address);
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([broker.process.kill(), namesrv.process.kill()]);
      },
    };
  }
}

/** What {@link runChecks} needs besides the checks. */
export interface RunOptions {
  readonly target: Platform;
  readonly reference: Platform;
  readonly options: CheckOptions;
  /** Leave the folders of checks that passed as well. Those of failed checks always stay. */
  readonly keep: boolean;
  /** Shows a finished case. */
  print(result: CaseResult): void;
}

/** Runs checks one after another and returns what each case came to. Never throws for a failed check. */
export async function runChecks(checks: readonly Check[], run: RunOptions): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const check of checks) results.push(...await runTwiceAtMost(check, run));
  return results;
}

/**
 * A check that fails is run once more, and only that counts: on a busy machine a port is taken between its choice and its use,
 * or a JVM does not get to run for seconds. The first failure is printed, with `again` in front.
 */
async function runTwiceAtMost(check: Check, run: RunOptions): Promise<CaseResult[]> {
  const failures: CaseResult[] = [];
  const print = (result: CaseResult) => {
    if (result.outcome !== "FAIL") return run.print(result);
    failures.push(result);
    console.log(`again ${result.name}: ${result.reason}`);
  };
  const results = await runCheck(check, { ...run, print });
  return failures.length === 0 ? results : await runCheck(check, run);
}

async function runCheck(check: Check, run: RunOptions): Promise<CaseResult[]> {
  const dir = await Deno.makeTempDir({ prefix: `rucola-${check.name}-` });
  const context = new CheckContext({ dir, ...run }, run.print);
  const startMs = performance.now();
  const finish = (outcome: CaseResult["outcome"], reason: string) => {
    const result = { name: check.name, outcome, ms: Math.round(performance.now() - startMs), reason };
    run.print(result);
    return [...context.cases, result];
  };
  let failed = true;
  try {
    await check.run(context);
    failed = context.cases.some((result) => result.outcome === "FAIL");
    return context.cases.length > 0 ? context.cases : finish("ok", context.remark);
  } catch (error) {
    failed = !(error instanceof Skip);
    const reason = error instanceof Error ? error.message : String(error);
    return failed ? finish("FAIL", `${reason}\n  files: ${dir}`) : finish("skip", reason);
  } finally {
    if (!run.keep && !failed) await Deno.remove(dir, { recursive: true });
  }
}
