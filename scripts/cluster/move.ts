/**
 * A Java cluster (2m-2s-async, two name servers) moved to ours and back, one part at a time, while a Java producer, Java's
 * benchmark Producer and consumers work. The steps are those of `docs/clusters.md`, "Moving from Java". Prints what the
 * clients saw during each.
 *
 * ```
 * deno task compile && deno task move [--java 5.5.0|4.9.7] [--json]
 * ```
 *
 * Needs root on Linux, `ip`, a JDK and Maven; where something is missing it says so and ends with exit code 0. Exit code 1 when
 * a send failed or a message that a producer was told is there is missing.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, resolve } from "@std/path";
import type { RocketmqVersion } from "../interop/maven.ts";
import { type ChildProcess, waitFor } from "../interop/process.ts";
import { type Period, whatClientsSaw } from "./client_record.ts";
import { javaRocketmq, type Make, type Part, rucola } from "./part.ts";
import { plain, seenTable } from "./seen_table.ts";
import { openSite, type Site, whyNoSite } from "./site.ts";

const ROOT = dirname(dirname(dirname(fromFileUrl(import.meta.url))));
const BROKERS = ["broker-a", "broker-a-s", "broker-b", "broker-b-s"];
const PACE = { threads: 4, pauseMs: 40 };
const LOAD_TOPIC = "BenchmarkMove";
const LOAD_THREADS = 1;
/** A drained broker has taken nothing for so long; clients ask for routes every 30 s. */
const STILL_MS = 10_000;
const PATIENCE_MS = 180_000;
/** Consumers commit every 5 s, and a slave of this make has copied what they committed after so long at most. */
const OFFSETS_COPIED_MS = { ours: 20_000, java: 75_000 };
const BETWEEN_STEPS_MS = 3000;

interface Arguments {
  readonly binary: string;
  readonly version: RocketmqVersion;
  readonly json: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  const { binary, java, json } = parseArgs([...args], {
    string: ["binary", "java"],
    boolean: ["json"],
    default: { binary: "dist/rucola", java: "5.5.0" },
  });
  if (java !== "5.5.0" && java !== "4.9.7") throw new TypeError(`--java ${java}: 5.5.0 or 4.9.7`);
  return { binary: resolve(ROOT, binary), version: java, json };
}

/** The cluster under way: who runs what, and how long each step took. */
class Move {
  readonly #site: Site;
  readonly steps: { readonly what: string; readonly period: Period }[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** Starts a whole cluster. */
  async start(make: Make): Promise<void> {
    const site = this.#site;
    for (const part of site.nameServers) await site.startNamesrv(part, make);
    for (const part of site.brokers) await this.#startBroker(part, make, roleOf(part.name));
    await site.settled();
  }

  /** Name servers, one after the other. */
  async nameServers(make: Make): Promise<void> {
    const site = this.#site;
    for (const part of site.nameServers) {
      await this.#step(`${part.name} in place`, async () => {
        await part.stop();
        await site.startNamesrv(part, make);
        await site.settled();
      });
    }
  }

  /** A slave, on its host and with its store; waits until it has what its master has. */
  async slave(part: Part, master: Part, make: Make): Promise<void> {
    await this.#step(`${part.name}, a slave, in place`, async () => {
      await part.stop();
      await this.#startBroker(part, make, "SLAVE");
      await this.#site.settled();
      await this.#site.caughtUp(part, master);
    });
  }

  /** A master, on its host and with its store. */
  async masterInPlace(part: Part, make: Make): Promise<void> {
    await this.#step(`${part.name}, a master, in place`, async () => {
      await this.#drain(part);
      await part.stop();
      await this.#startBroker(part, make, "ASYNC_MASTER");
      await this.#takesAgain(part);
    });
  }

  /** The slave becomes the master, and the other make's master its slave; `copiedMs`: {@link OFFSETS_COPIED_MS}. */
  async swapRoles(parts: { master: Part; slave: Part }, make: Make, copiedMs: number): Promise<void> {
    const { master, slave } = parts;
    await this.#step(`${master.name} and ${slave.name} change roles`, async () => {
      await this.#drain(master);
      await this.#site.caughtUp(slave, master);
      await sleep(copiedMs);
      await master.stop();
      await slave.stop();
      await this.#startBroker(slave, make, "ASYNC_MASTER");
      await this.#startBroker(master, make, "SLAVE");
      await this.#takesAgain(slave);
      await this.#site.caughtUp(master, slave);
    });
  }

  /** Has producers go elsewhere, and waits until they do. */
  async #drain(master: Part): Promise<void> {
    await this.#operator("wipeWritePerm", "-b", groupOf(master.name));
    let [end, sinceMs] = [await this.#site.logEnd(master), Date.now()];
    await waitFor(`${master.name} to take no more messages`, PATIENCE_MS, async () => {
      const now = await this.#site.logEnd(master);
      if (now !== end) [end, sinceMs] = [now, Date.now()];
      return Date.now() - sinceMs > STILL_MS;
    });
  }

  /** Waits until everybody knows a new master and producers use it: then the next one may go. */
  async #takesAgain(master: Part): Promise<void> {
    await this.#site.settled();
    const end = await this.#site.logEnd(master) ?? 0;
    const grows = async () => (await this.#site.logEnd(master) ?? 0) > end;
    await waitFor(`${master.name} to take messages again`, PATIENCE_MS, grows);
  }

  async #startBroker(part: Part, make: Make, role: string): Promise<void> {
    const file = `${part.home}/broker.properties`;
    await Deno.mkdir(part.home, { recursive: true });
    await Deno.writeTextFile(file, properties(part, role));
    await this.#site.startBroker(part, make, file);
  }

  async #operator(...words: string[]): Promise<void> {
    const { text } = await this.#site.tool(words);
    console.error(`  mqadmin ${words.join(" ")}: ${text.trim().replaceAll("\n", "; ")}`);
  }

  async #step(what: string, act: () => Promise<void>): Promise<void> {
    console.error(what);
    const fromMs = Date.now();
    await act();
    await sleep(BETWEEN_STEPS_MS);
    this.steps.push({ what, period: { fromMs, toMs: Date.now() } });
  }
}

function groupOf(name: string): string {
  return name.replace(/-s$/, "");
}

function roleOf(name: string): string {
  return name.endsWith("-s") ? "SLAVE" : "ASYNC_MASTER";
}

/** As conf/2m-2s-async has it, and small files: eight brokers share one disk here. */
function properties({ name, host, home }: Part, role: string): string {
  return Object.entries({
    brokerClusterName: "DefaultCluster",
    brokerName: groupOf(name),
    brokerId: role === "SLAVE" ? "1" : "0",
    brokerRole: role,
    flushDiskType: "ASYNC_FLUSH",
    brokerIP1: host.address,
    brokerIP2: host.address,
    storePathRootDir: `${home}/store`,
    storePathCommitLog: `${home}/store/commitlog`,
    mappedFileSizeCommitLog: String(64 * 1024 * 1024),
  }).map((pair) => pair.join("=")).join("\n") + "\n";
}

/** There and back. */
async function moveThereAndBack(site: Site, ours: Make, java: Make): Promise<Move> {
  const part = (name: string) => site.part(name);
  const move = new Move(site);
  const [a, aSlave, b, bSlave] = BROKERS.map(part) as [Part, Part, Part, Part];
  await move.nameServers(ours);
  await move.slave(aSlave, a, ours);
  await move.slave(bSlave, b, ours);
  await move.swapRoles({ master: a, slave: aSlave }, ours, OFFSETS_COPIED_MS.ours);
  await move.masterInPlace(b, ours);
  console.error("all is ours now; and back");
  await move.slave(a, aSlave, java);
  await move.slave(bSlave, b, java);
  await move.masterInPlace(b, java);
  await move.swapRoles({ master: aSlave, slave: a }, java, OFFSETS_COPIED_MS.java);
  await move.nameServers(java);
  return move;
}

/** Java's benchmark Producer, and a consumer that writes down what it gets. */
interface Load {
  readonly producer: ChildProcess;
  /** Sends that failed while it began: the topic was new to it. */
  readonly failedBefore: number;
  readonly consumer: ChildProcess;
  readonly file: string;
}

async function startLoad(site: Site, directory: string): Promise<Load> {
  await waitFor(`topic ${LOAD_TOPIC}`, PATIENCE_MS, async () => {
    const { text } = await site.tool(["updateTopic", "-c", "DefaultCluster", "-t", LOAD_TOPIC, "-r", "4", "-w", "4"]);
    return text.includes("success");
  });
  const file = `${directory}/client/load.txt`;
  const consumerArgs = [site.namesrvAddr, "LoadConsumer", LOAD_TOPIC, file];
  const consumer = await site.startJavaClient("RecordingConsumer", consumerArgs, /consuming/);
  const args = ["-t", LOAD_TOPIC, "-w", `${LOAD_THREADS}`, "-s", "128", "-ri", "1000", "-n", site.namesrvAddr];
  const mainClass = "org.apache.rocketmq.example.benchmark.Producer";
  const producer = await site.startJavaClient(mainClass, args, /Send TPS: [1-9]/);
  return { producer, consumer, file, failedBefore: failedSends(await producer.stdout()) };
}

/** What the benchmark Producer counted as failed so far; NaN before its first report. */
function failedSends(output: string): number {
  const [, sendFailed, responseFailed] = [...output.matchAll(/Send Failed: (\d+) \| Response Failed: (\d+)/g)].at(-1) ??
    [];
  return Number(sendFailed) + Number(responseFailed);
}

/** Sends that failed during the move, and what of the load's messages came, and came twice. */
async function finishLoad(
  { producer, consumer, file, failedBefore }: Load,
): Promise<{ failed: number; received: number; twice: number }> {
  const failed = failedSends(await producer.stdout()) - failedBefore;
  await producer.kill();
  await sleep(STILL_MS);
  await consumer.kill();
  const ids = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) => line.split(" ")[0]);
  const received = new Set(ids).size;
  return { failed, received, twice: ids.length - received };
}

async function main(args: Arguments): Promise<number> {
  const command = [args.binary];
  const reason = await whyNoSite(command);
  if (reason !== null) {
    console.log(`skipped: the move, ${reason}`);
    return 0;
  }
  const directory = await Deno.makeTempDir({ prefix: "rucola-move-" });
  const site = await openSite({ label: "move", brokers: BROKERS, command, directory });
  let failed = true;
  try {
    const java = javaRocketmq(args.version);
    await new Move(site).start(java);
    await site.makeTopic();
    await using clients = await site.startClients(PACE);
    const load = await startLoad(site, directory);
    const { steps } = await moveThereAndBack(site, rucola(command), java);
    const loadSaw = await finishLoad(load);
    const seen = whatClientsSaw(await clients.finish(), steps.map(({ period }) => period));
    const rows = steps.map(({ what }, at) => ({ labels: [what], seen: seen[at]! }));
    console.log(args.json ? JSON.stringify({ rows, load: loadSaw }, plain, 2) : seenTable(["step"], rows));
    console.error(
      `Java's benchmark Producer: ${loadSaw.failed} sends failed; ${loadSaw.received} messages came, ${loadSaw.twice} twice`,
    );
    failed = loadSaw.failed !== 0 || seen.some((each) => each.missing > 0 || each.failed.size > 0);
    return failed ? 1 : 0;
  } finally {
    await site[Symbol.asyncDispose]();
    if (failed) console.error(`files: ${directory}`);
    else await Deno.remove(directory, { recursive: true });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
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
