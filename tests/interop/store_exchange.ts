/**
 * Stores that change hands: ours opened by Java RocketMQ and given back, and stores of Java's opened by us and given back.
 * Whoever has the store serves to a Java client what was stored before and what it stores itself.
 *
 * @module
 */
import type { Check, CheckContext } from "../../scripts/interop/check.ts";
import { runJava, startJava } from "../../scripts/interop/java_process.ts";
import { javaPlatform } from "../../scripts/interop/java_server.ts";
import type { RocketmqVersion } from "../../scripts/interop/maven.ts";
import { freeBrokerPort, freePort } from "../../scripts/interop/ports.ts";
import { startProcess, waitFor } from "../../scripts/interop/process.ts";
import { waitForRegistration } from "../../scripts/interop/raw_client.ts";
import type { Platform, Server } from "../../scripts/interop/server.ts";
import { SystemClock } from "../../src/common/clock.ts";
import { DenoDisk } from "../../src/common/disk_deno.ts";
import { inspectStore } from "../../src/store/inspect.ts";
import { defaultStoreOptions } from "../../src/store/store.ts";
import { auditStored, type MessagePlace, parsePlaces } from "./accounting.ts";
import { KIT_PROPERTIES, locateKit } from "./conformance.ts";

const TOPIC = "Exchange";
const THREADS = 8;
const PATIENCE_MS = 60_000;
const STOP_MS = 60_000;
const KIT_MS = 600_000;
/** What leaves more than ordinary records in a store. */
const KIT_CASES = "^(send|delay|tx|query|timer|order)\\.";
const SAMPLES = new URL("../golden/store/", import.meta.url).pathname;

/** Small files, so that a few thousand messages fill several. */
const SMALL_FILES = {
  mappedFileSizeCommitLog: "8388608",
  mappedFileSizeConsumeQueue: "6000",
  maxHashSlotNum: "5000",
  maxIndexNum: "20000",
};
/** Sizes of the files in the samples. */
const SAMPLE_FILES = {
  mappedFileSizeCommitLog: "65536",
  mappedFileSizeConsumeQueue: "400",
  maxHashSlotNum: "100",
  maxIndexNum: "150",
  mappedFileSizeTimerLog: "65536",
};

const VERSIONS: readonly RocketmqVersion[] = ["4.9.7", "5.5.0"];

/** Both directions with both generations. */
export const STORE_EXCHANGE_CHECKS: readonly Check[] = VERSIONS.flatMap((version) => [
  {
    name: `store.ours.java${version}`,
    about: `a store of ours, written under load, is served and continued by Java ${version}, and by us again`,
    run: (context: CheckContext) => oursToJava(context, version),
  },
  ...["clean", "crashed"].map((state) => ({
    name: `store.sample.java${version}.${state}`,
    about: `a ${state} store of Java ${version} is served and continued by us, and by Java again`,
    run: (context: CheckContext) => sampleToOurs(context, version, state),
  })),
]);

/** A store with its broker, whoever that is at the moment. */
class Exchange implements AsyncDisposable {
  readonly acknowledged: MessagePlace[] = [];
  readonly #context: CheckContext;
  readonly #namesrv: Server;
  readonly #port: number;
  readonly #properties: Readonly<Record<string, string>>;
  #broker: Server | null = null;
  #runs = 0;

  constructor(context: CheckContext, namesrv: Server, port: number, properties: Readonly<Record<string, string>>) {
    this.#context = context;
    this.#namesrv = namesrv;
    this.#port = port;
    this.#properties = properties;
  }

  static async start(context: CheckContext, properties: Readonly<Record<string, string>>): Promise<Exchange> {
    const namesrv = await context.target.startNamesrv({ dir: `${context.dir}/namesrv`, port: freePort() });
    return new Exchange(context, namesrv, freeBrokerPort(), properties);
  }

  get namesrvAddr(): string {
    return this.#namesrv.address;
  }

  get directory(): string {
    return `${this.#context.dir}/broker`;
  }

  /** Gives the store to a broker. */
  async open(platform: Platform): Promise<void> {
    const { directory: dir, namesrvAddr } = this;
    this.#broker = await platform.startBroker({ dir, port: this.#port, namesrvAddr, properties: this.#properties });
    await waitForRegistration(namesrvAddr, this.#broker.address);
  }

  /** Ends the broker in an orderly way. */
  async close(): Promise<void> {
    await this.#broker?.process.stop(STOP_MS);
    this.#broker = null;
  }

  /** Has a Java producer send at least so many messages to a topic. */
  async send(topic: string, least: number): Promise<void> {
    const dir = `${this.#context.dir}/send${++this.#runs}`;
    const file = `${dir}/acknowledged.txt`;
    const args = [this.namesrvAddr, topic, `${THREADS}`, file];
    await using producer = await startJava({ version: "5.5.0", dir, mainClass: "AckedProducer", args });
    await producer.waitForOutput(/sending/, PATIENCE_MS);
    const places = async () => parsePlaces(await Deno.readTextFile(file));
    await waitFor(`${least} acknowledged messages`, PATIENCE_MS, async () => (await places()).length >= least);
    await producer.closeInput();
    await producer.waitForExit(PATIENCE_MS);
    this.acknowledged.push(...await places());
  }

  /** Has a Java client read a topic from beginning to end. */
  async read(topic: string): Promise<MessagePlace[]> {
    const dir = `${this.#context.dir}/read${++this.#runs}`;
    const file = `${dir}/stored.txt`;
    const args = [this.namesrvAddr, topic, file];
    const { code, stderr } = await runJava({ version: "5.5.0", dir, mainClass: "ReadAll", args });
    if (code !== 0) throw new Error(`Cannot read ${topic}: ${stderr}`);
    return parsePlaces(await Deno.readTextFile(file));
  }

  /** All acknowledged messages must be served, each at its place. */
  async expectAcknowledged(topic: string, who: string): Promise<void> {
    const findings = auditStored(this.acknowledged, await this.read(topic));
    if (findings.length > 0) throw new Error(`${who} does not serve everything:\n  ${findings.join("\n  ")}`);
  }

  /** An audit of the store, which nobody has open, must find everything in order. */
  async expectInOrder(who: string): Promise<void> {
    const options = defaultStoreOptions(`${this.directory}/store`);
    const { counts, findings } = await inspectStore({ disk: new DenoDisk(), clock: new SystemClock(), options });
    const bad = findings.filter(({ severity }) => severity !== "note").slice(0, 5);
    if (counts.lost + counts.derived === 0) return;
    throw new Error(`The audit of the store that ${who} left finds ${JSON.stringify(counts)}: ${JSON.stringify(bad)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker?.process.kill();
    await this.#namesrv.process.kill();
  }
}

async function oursToJava(context: CheckContext, version: RocketmqVersion): Promise<void> {
  await using exchange = await Exchange.start(context, { ...KIT_PROPERTIES, ...SMALL_FILES });
  await exchange.open(context.target);
  await exchange.send(TOPIC, 5000);
  const kit = await runKitIfThere(context, exchange.namesrvAddr);
  await exchange.close();
  await exchange.expectInOrder("our broker");

  await exchange.open(javaPlatform(version));
  await exchange.expectAcknowledged(TOPIC, `Java ${version}`);
  await exchange.send(TOPIC, 2000);
  await exchange.expectAcknowledged(TOPIC, `Java ${version}, having stored more,`);
  await exchange.close();

  await exchange.open(context.target);
  await exchange.expectAcknowledged(TOPIC, "our broker, having it back,");
  await exchange.send(TOPIC, 500);
  await exchange.expectAcknowledged(TOPIC, "our broker, having stored more,");
  await exchange.close();
  await exchange.expectInOrder("our broker at last");
  context.remark = `${exchange.acknowledged.length} acknowledged by three brokers${kit}`;
}

async function sampleToOurs(context: CheckContext, version: RocketmqVersion, state: string): Promise<void> {
  await using exchange = await Exchange.start(context, SAMPLE_FILES);
  await unpack(`${SAMPLES}store-${version}-${state}.tar.gz`, exchange.directory);
  const expected = await listedOffsets(`store-${version}-${state}`);
  await exchange.open(context.target);
  expectListed(await exchange.read("TopicA"), expected, "our broker");
  await exchange.send("TopicA", 500);
  await exchange.close();
  await exchange.expectInOrder("our broker");

  await exchange.open(javaPlatform(version));
  const served = await exchange.read("TopicA");
  expectListed(served, expected, `Java ${version}`);
  const findings = auditStored(exchange.acknowledged, served);
  if (findings.length > 0) throw new Error(`Java ${version} does not serve ours:\n  ${findings.join("\n  ")}`);
  await exchange.send("TopicA", 500);
  await exchange.expectAcknowledged("TopicA", `Java ${version}, having stored more,`);
  context.remark = `${expected.length} of Java's, ${exchange.acknowledged.length} more by both`;
}

async function unpack(archive: string, directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const { success, stderr } = await new Deno.Command("tar", { args: ["xzf", archive, "-C", directory] }).output();
  if (!success) throw new Error(`Cannot unpack ${archive}: ${new TextDecoder().decode(stderr)}`);
}

/** Places of the sample's messages in TopicA, as `queueId:queueOffset`. */
async function listedOffsets(name: string): Promise<string[]> {
  const listing = JSON.parse(await Deno.readTextFile(`${SAMPLES}${name}.json`)) as {
    readonly messages: readonly { readonly topic: string; readonly queueId: number; readonly queueOffset: number }[];
  };
  return listing.messages.filter(({ topic }) => topic === "TopicA").map((m) => `${m.queueId}:${m.queueOffset}`);
}

function expectListed(served: readonly MessagePlace[], expected: readonly string[], who: string): void {
  const places = new Set(served.map(({ queueId, queueOffset }) => `${queueId}:${queueOffset}`));
  const missing = expected.filter((place) => !places.has(place));
  if (missing.length > 0) throw new Error(`${who} does not serve ${missing.length} of the sample's: ${missing[0]}`);
}

/** Runs the conformance kit's cases that matter here; a word about it for the remark. */
async function runKitIfThere(context: CheckContext, namesrvAddr: string): Promise<string> {
  let kit: string;
  try {
    kit = await locateKit();
  } catch {
    return ", without the conformance kit";
  }
  const command = [kit, "--version", "5.5.0", "--only", KIT_CASES, "--retry", namesrvAddr];
  await using process = await startProcess({ name: "kit", dir: `${context.dir}/kit`, command });
  await process.waitForExit(KIT_MS);
  const [summary = "no summary"] = (await process.stdout()).match(/^\d+ passed, \d+ failed$/m) ?? [];
  return `, conformance kit before: ${summary}`;
}
