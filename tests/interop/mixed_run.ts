/**
 * A long run of everything at once on one broker: ordinary, batched, ordered, delayed, timed, transactional, retried and
 * filtered messages, pulled, popped and broadcast, while consumers come and go every few seconds and broker, name server
 * and consumers are killed. Afterwards the books must balance: what was acknowledged is consumed, dead-lettered or not
 * due yet (`mixed_run_ledger.ts`), ordered messages came in order, delayed ones not early.
 *
 * @module
 */
import type { Check, CheckContext, Cluster } from "../../scripts/interop/check.ts";
import { runJava, runMqadmin, startJava } from "../../scripts/interop/java_process.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { createTopic } from "../../scripts/interop/raw_client.ts";
import { auditStored, parsePlaces } from "./accounting.ts";
import { LineReader } from "./mixed_run_lines.ts";
import { GROUPS, Ledger, type Outage, placesOf } from "./mixed_run_ledger.ts";
import { Members } from "./mixed_run_members.ts";
import { findingsOf, reportOf } from "./mixed_run_report.ts";

const RUN_MS = 40_000;
const MESSAGES_PER_SECOND = 300;
/** Delays are this long at most, so that a run sees them end: in the short one and in one of minutes. */
const SHORT_DELAY_MS = 5_000;
const LONG_DELAY_MS = 30_000;
/** A change of members so often. */
const CHANGE_EVERY_MS = 1_500;
const TIMEOUT_MS = 60_000;
/** The run is over when nothing is missing, or nothing has arrived for so long: a dead member's queue locks last 60 s. */
const SILENCE_MS = 75_000;
/** Then something that must not come gets a little more time to come. */
const AFTERMATH_MS = 4_000;
/** What falls due in this time behind a restart may be late: the broker has to catch up and clients have to find it. */
const RECOVERY_MS = 3_000;
const TOPICS: Readonly<Record<string, readonly string[]>> = {
  MixedOrdinary: ["ordinary", "batch"],
  MixedOrdered: ["ordered"],
  MixedRetried: ["retried"],
};
const QUEUES: Readonly<Record<string, number>> = {
  MixedOrdinary: 4,
  MixedOrdered: 8,
  MixedRetried: 4,
  MixedDelayed: 4,
  MixedTransaction: 4,
};
const BROKER: Readonly<Record<string, string>> = {
  flushDiskType: "SYNC_FLUSH",
  enablePropertyFilter: "true",
  transactionTimeOut: "3000",
  transactionCheckInterval: "2000",
};

/** The mixed run; `--minutes` makes it long. */
export const MIXED_RUN_CHECKS: readonly Check[] = [
  {
    name: "mixed.run",
    about: "everything at once while broker, name server and consumers are killed: nothing lost, early or out of order",
    async run(context) {
      await using cluster = await context.startCluster({ properties: BROKER });
      for (const [topic, queues] of Object.entries(QUEUES)) await createTopic(cluster.broker.address, topic, queues);
      await switchToPop(context, cluster);
      const run = new MixedRun(context, cluster);
      await run.load();
      const findings = [...findingsOf(run.ledger), ...await run.auditTopics()];
      const report = reportOf(run.ledger, run.outages, run.events);
      await Deno.writeTextFile(`${context.dir}/report.txt`, `${report.join("\n")}\n${findings.join("\n")}\n`);
      context.remark = report.join("\n  ");
      if (findings.length > 0) throw new Error(`${findings.join("\n  ")}\n  ${context.remark}`);
    },
  },
];

/** One run and what came of it. */
class MixedRun {
  readonly ledger = new Ledger();
  readonly outages: Outage[] = [];
  /** What was done to the servers and members, for the report. */
  readonly events: string[] = [];
  readonly #context: CheckContext;
  readonly #cluster: Cluster;
  readonly #dir: string;
  readonly #runMs: number;
  #startMs = 0;

  constructor(context: CheckContext, cluster: Cluster) {
    this.#context = context;
    this.#cluster = cluster;
    this.#dir = `${context.dir}/client`;
    this.#runMs = context.options.minutes === undefined ? RUN_MS : context.options.minutes * 60_000;
  }

  /** Sends and consumes until everything that can arrive has arrived. */
  async load(): Promise<void> {
    await Deno.mkdir(this.#dir, { recursive: true });
    const sentFile = `${this.#dir}/sent.txt`;
    await using members = await Members.start(this.#dir, this.#cluster.namesrvAddr);
    const longestDelayMs = this.#context.options.minutes === undefined ? SHORT_DELAY_MS : LONG_DELAY_MS;
    await using producer = await startJava({
      version: "5.5.0",
      dir: `${this.#dir}/producer`,
      mainClass: "MixedRunProducer",
      args: [this.#cluster.namesrvAddr, sentFile, `${MESSAGES_PER_SECOND}`, `${longestDelayMs}`],
    });
    await producer.waitForOutput(/sending/, TIMEOUT_MS);
    this.#startMs = performance.now();
    await this.#disturb(members);
    await producer.writeLine("stop");
    await producer.waitForOutput(/stopped/, TIMEOUT_MS);
    await members.complete();
    await this.#drain([new LineReader(sentFile)], members.files.map((file) => new LineReader(file)));
    this.events.push(`${members.joined} members joined, ${members.left} left`);
    await members.end();
    await producer.closeInput();
    const { stdout } = await producer.waitForExit(TIMEOUT_MS);
    this.events.push(stdout.trim().split("\n").at(-1) ?? "");
  }

  /** Compares what the topics hold with what was acknowledged, and reads the dead letters. */
  async auditTopics(): Promise<string[]> {
    const findings: string[] = [];
    for (const [topic, kinds] of Object.entries(TOPICS)) {
      const stored = parsePlaces(await this.#readAll(topic));
      findings.push(...auditStored(placesOf(this.ledger, kinds), stored).map((finding) => `${topic}: ${finding}`));
    }
    return findings;
  }

  /** Members come and go all the time; each disturbance comes at its share of the run. */
  async #disturb(members: Members): Promise<void> {
    const disturbances: readonly [number, () => Promise<void>][] = [
      [0.25, () => this.#killBroker()],
      [0.45, () => this.#timed("consumer process killed", () => members.killProcess(1))],
      [0.55, () => this.#timed("name server killed", () => this.#killNamesrv())],
      [0.75, () => this.#killBroker()],
    ];
    for (const [share, disturb] of [...disturbances, [1, () => Promise.resolve()] as const]) {
      while (performance.now() - this.#startMs < share * this.#runMs) {
        await pause(CHANGE_EVERY_MS * (0.5 + Math.random()));
        await members.change();
      }
      await disturb();
    }
  }

  async #killBroker(): Promise<void> {
    const fromMs = Date.now();
    await this.#timed("broker killed", async () => {
      await this.#cluster.broker.process.kill();
      await this.#cluster.restartBroker();
    });
    this.outages.push({ fromMs, toMs: Date.now() + RECOVERY_MS });
  }

  async #killNamesrv(): Promise<void> {
    await this.#cluster.namesrv.process.kill();
    await this.#cluster.restartNamesrv();
  }

  async #timed(what: string, action: () => Promise<void>): Promise<void> {
    const fromMs = performance.now();
    await action();
    const atSeconds = Math.round((fromMs - this.#startMs) / 1000);
    this.events.push(`${what} after ${atSeconds} s, back ${Math.round(performance.now() - fromMs)} ms later`);
  }

  /** Waits until every group has what belongs to it, or until nothing comes any more. */
  async #drain(sentFiles: readonly LineReader[], receivedFiles: readonly LineReader[]): Promise<void> {
    for (const file of sentFiles) await file.read((line) => this.ledger.addSent(line));
    let deliveries = -1;
    let changedMs = performance.now();
    const settled = async () => {
      for (const file of receivedFiles) await file.read((line) => this.ledger.addReceived(line));
      if (this.ledger.deliveries !== deliveries) changedMs = performance.now();
      deliveries = this.ledger.deliveries;
      if (this.#onlyRefusedAreMissing()) await this.#readDeadLetters();
      const missing = this.ledger.accounts(Date.now()).some((account) => account.missing.length > 0);
      if (missing) await pause(1_000);
      return !missing || performance.now() - changedMs > SILENCE_MS;
    };
    await waitFor("the consumers to get everything", this.#runMs + 3 * SILENCE_MS, settled);
    await pause(AFTERMATH_MS);
    await this.#readDeadLetters();
    for (const file of receivedFiles) await file.read((line) => this.ledger.addReceived(line));
  }

  /** Whether all the rest can be dead letters. */
  #onlyRefusedAreMissing(): boolean {
    const accounts = this.ledger.accounts(Date.now()).filter((account) => account.missing.length > 0);
    return accounts.every(({ name, missing }) => {
      const refuses = GROUPS.find((group) => group.name === name)?.refuses;
      return missing.every((id) => refuses?.(this.ledger.sent.get(id)!));
    });
  }

  /** Reads the dead-letter topic, which is not there before the first dead letter. */
  async #readDeadLetters(): Promise<void> {
    this.ledger.deadLetters.clear();
    const text = await this.#readAll("%DLQ%MixedFailing").catch(() => "");
    for (const place of parsePlaces(text)) this.ledger.addDeadLetter(place.msgId);
  }

  async #readAll(topic: string): Promise<string> {
    const file = `${this.#dir}/${topic}.txt`;
    const read = await runJava({
      version: "5.5.0",
      dir: this.#dir,
      mainClass: "ReadAll",
      args: [this.#cluster.namesrvAddr, topic, file],
    });
    if (read.code !== 0) throw new Error(`Cannot read ${topic} back: ${read.stderr}`);
    return await Deno.readTextFile(file);
  }
}

/** Has the broker divide the queues for one group, whose clients pop then. */
async function switchToPop(context: CheckContext, cluster: Cluster): Promise<void> {
  const args = ["-b", cluster.broker.address, "-t", "MixedOrdinary", "-g", "MixedPop", "-m", "POP", "-q", "4"];
  const result = await runMqadmin({
    version: "5.5.0",
    dir: `${context.dir}/mqadmin`,
    namesrvAddr: cluster.namesrvAddr,
    args: ["setConsumeMode", ...args],
  });
  if (!result.stdout.includes("success")) throw new Error(`Cannot switch to POP: ${result.stdout}${result.stderr}`);
}

function pause(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}
