/**
 * Masters and slaves of both makes in one pair, as in the days in which a cluster is moved machine by machine: under load,
 * with a `kill -9` of each, the commitlogs must end up byte for byte the same.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Check, CheckContext } from "../../scripts/interop/check.ts";
import { startJava } from "../../scripts/interop/java_process.ts";
import { javaPlatform } from "../../scripts/interop/java_server.ts";
import { LineCounter } from "../../scripts/interop/line_counter.ts";
import { freeBrokerPort, freePort } from "../../scripts/interop/ports.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { waitForRegistration } from "../../scripts/interop/raw_client.ts";
import type { BrokerOptions, Platform, Server } from "../../scripts/interop/server.ts";

const TOPIC = "ReplicationTest";
const THREADS = 16;
const TIMEOUT_MS = 120_000;
/** No master takes less in a second. */
const LEAST_PER_MS = 0.5;
/** Small, so that the log goes over several files, and larger with many messages. */
const FILE_SIZE_MIN = 1024 * 1024;
const FILE_SIZE_MAX = 16 * 1024 * 1024;
const MANY_MESSAGES = 100_000;

/** Which make is master and slave. */
interface Pair {
  readonly name: string;
  readonly about: string;
  readonly master: (context: CheckContext) => Platform;
  readonly slave: (context: CheckContext) => Platform;
}

const java = (version: "4.9.7" | "5.5.0") => () => javaPlatform(version);
const target = (context: CheckContext) => context.target;

const PAIRS: readonly Pair[] = [
  { name: "ours", about: "our slave behind our master", master: target, slave: target },
  { name: "behindJava4.9.7", about: "our slave behind a Java 4.9.7 master", master: java("4.9.7"), slave: target },
  { name: "behindJava5.5.0", about: "our slave behind a Java 5.5.0 master", master: java("5.5.0"), slave: target },
  { name: "javaSlave4.9.7", about: "a Java 4.9.7 slave behind our master", master: target, slave: java("4.9.7") },
  { name: "javaSlave5.5.0", about: "a Java 5.5.0 slave behind our master", master: target, slave: java("5.5.0") },
];

/** All pairs. */
export const REPLICATION_CHECKS: readonly Check[] = PAIRS.map((pair) => ({
  name: `replication.${pair.name}`,
  about: `${pair.about} has the same commitlog after a kill of each under load`,
  run: (context) => checkPair(context, pair),
}));

/** A broker that can be killed and started again. */
class Node {
  server: Server | null = null;

  constructor(readonly platform: Platform, readonly options: BrokerOptions) {}

  async start(): Promise<void> {
    this.server = await this.platform.startBroker(this.options);
    await waitForRegistration(this.options.namesrvAddr, this.server.address);
  }

  async kill(): Promise<void> {
    await this.server?.process.kill();
    this.server = null;
  }

  get directory(): string {
    return `${this.options.dir}/store/commitlog`;
  }
}

async function checkPair(context: CheckContext, pair: Pair): Promise<void> {
  const namesrv = await context.target.startNamesrv({ dir: `${context.dir}/namesrv`, port: freePort() });
  const fileSize = context.options.messages < MANY_MESSAGES ? FILE_SIZE_MIN : FILE_SIZE_MAX;
  const node = (platform: Platform, name: string, properties: Record<string, string>) =>
    new Node(platform, {
      dir: `${context.dir}/${name}`,
      port: freeBrokerPort(),
      namesrvAddr: namesrv.address,
      properties: { brokerIP2: "127.0.0.1", mappedFileSizeCommitLog: String(fileSize), ...properties },
    });
  const master = node(pair.master(context), "master", { brokerRole: "SYNC_MASTER" });
  const slave = node(pair.slave(context), "slave", { brokerRole: "SLAVE", brokerId: "1" });
  try {
    await master.start();
    await slave.start();
    const acknowledged = await runLoad(context, namesrv.address, master, slave);
    const bytes = await compareLogs(master, slave, fileSize);
    context.remark = `${acknowledged} acknowledged, ${bytes} bytes the same`;
  } finally {
    await Promise.all([master.kill(), slave.kill(), namesrv.process.kill()]);
  }
}

async function runLoad(context: CheckContext, namesrvAddr: string, master: Node, slave: Node): Promise<number> {
  const file = `${context.dir}/acknowledged.txt`;
  await using producer = await startJava({
    version: "5.5.0",
    dir: `${context.dir}/client`,
    mainClass: "AckedProducer",
    args: [namesrvAddr, TOPIC, `${THREADS}`, file],
  });
  await producer.waitForOutput(/sending/, TIMEOUT_MS);
  const acknowledged = new LineCounter(file);
  const part = Math.ceil(context.options.messages / 3);
  const more = async () => {
    const goal = await acknowledged.count() + part;
    const timeoutMs = TIMEOUT_MS + part / LEAST_PER_MS;
    await waitFor(`${part} more messages`, timeoutMs, async () => await acknowledged.count() >= goal);
  };
  await more();
  await slave.kill();
  await slave.start();
  await more();
  await master.kill();
  await master.start();
  await more();
  await producer.closeInput();
  await producer.waitForExit(TIMEOUT_MS);
  return await acknowledged.count();
}

/** Waits until both logs are the same; returns how many bytes they have in common files. */
async function compareLogs(master: Node, slave: Node, fileSize: number): Promise<number> {
  let found = "";
  await waitFor("the slave to have the same log", TIMEOUT_MS, async () => {
    found = await difference(master.directory, slave.directory, fileSize);
    return found === "";
  }, () => Promise.resolve(found));
  let bytes = 0;
  for (const name of await fileNames(slave.directory)) {
    bytes += usedSize(await Deno.readFile(`${slave.directory}/${name}`));
  }
  return bytes;
}

/**
 * Where two logs differ; empty when they do not. Looks at the newest files first: those are behind last. A file that only one has, for later, must be empty. A slave of RocketMQ says
 * only 5 s after it has connected where to start: what the master had before its newest file then is not the slave's.
 */
async function difference(master: string, slave: string, fileSize: number): Promise<string> {
  const [theirs, ours] = [await fileNames(master), await fileNames(slave)];
  const first = ours[0];
  if (first === undefined) return "the slave has no file";
  for (const name of [...new Set([...theirs, ...ours])].sort().reverse()) {
    if (name < first) continue;
    const a = theirs.includes(name) ? await Deno.readFile(`${master}/${name}`) : new Uint8Array(fileSize);
    const b = ours.includes(name) ? await Deno.readFile(`${slave}/${name}`) : new Uint8Array(fileSize);
    if (Buffer.compare(a, b) !== 0) {
      const at = a.findIndex((byte, i) => byte !== b[i]);
      return `file ${name} differs from byte ${at} on (${usedSize(a)} used at the master, ${usedSize(b)} at the slave)`;
    }
  }
  return "";
}

function usedSize(bytes: Uint8Array): number {
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

async function fileNames(directory: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name);
  return names.filter((name) => /^\d{20}$/.test(name)).sort();
}
