/**
 * A cluster on hosts of its own, as the scripts of this folder disturb and move it: two name servers, brokers, and a host for
 * Java clients and for the commands that an operator types.
 *
 * @module
 */
import { connectHosts, type HostNetwork, on, type Outcome, run, whyNoHosts } from "../hosts.ts";
import { startJava } from "../interop/java_process.ts";
import { type ChildProcess, waitFor } from "../interop/process.ts";
import { locateJavaTools, MissingToolError } from "../interop/tools.ts";
import { type ClientRecord, missingCount, parseClientRecord } from "./client_record.ts";
import { type Make, Part } from "./part.ts";

/** Hosts of the name servers. */
export const NAME_SERVERS: readonly string[] = ["namesrv-1", "namesrv-2"];
/** The topic that the clients use. */
export const TOPIC = "ClusterTest";
const GROUP = "ClusterTestConsumer";
const CLIENT = "client";
const CLIENT_VERSION = "5.5.0";
const START_ATTEMPTS = 3;
const SETTLE_MS = 120_000;
const DRAIN_MS = 180_000;

/** What a site is made of. */
export interface SiteOptions {
  /** Tells the networks of one process apart. */
  readonly label: string;
  /** Hosts of the brokers. */
  readonly brokers: readonly string[];
  /** The command of our executable, for what an operator types. */
  readonly command: readonly string[];
  /** Everything is below it. */
  readonly directory: string;
}

/** Why no site can be made here; null when it can. */
export async function whyNoSite([program]: readonly string[]): Promise<string | null> {
  try {
    await Deno.stat(program!);
  } catch {
    return `there is no ${program}; make it with deno task compile`;
  }
  try {
    locateJavaTools();
  } catch (error) {
    if (error instanceof MissingToolError) return error.message;
    throw error;
  }
  return await whyNoHosts();
}

/** A cluster on its hosts; see the module's text. */
export class Site implements AsyncDisposable {
  readonly network: HostNetwork;
  readonly nameServers: readonly Part[];
  readonly brokers: readonly Part[];
  readonly #options: SiteOptions;

  /** Of a network that is connected; use {@linkcode openSite}. */
  constructor(network: HostNetwork, options: SiteOptions) {
    const part = (name: string) => new Part(network, network.host(name), `${options.directory}/${name}`);
    this.network = network;
    this.#options = options;
    this.nameServers = NAME_SERVERS.map(part);
    this.brokers = options.brokers.map(part);
  }

  /** All servers. */
  get parts(): readonly Part[] {
    return [...this.nameServers, ...this.brokers];
  }

  /** `host:port;…` of the name servers. */
  get namesrvAddr(): string {
    return this.nameServers.map(({ host }) => `${host.address}:9876`).join(";");
  }

  /** The server on a host. @throws {Error} when there is none. */
  part(name: string): Part {
    const part = this.parts.find((each) => each.name === name);
    if (part === undefined) throw new Error(`There is no server on ${name}`);
    return part;
  }

  /** Starts a name server as the guides do. */
  startNamesrv(part: Part, make: Make): Promise<void> {
    return part.start(make, { role: "namesrv", args: [] });
  }

  /** Starts a broker with a properties file as the guides do. */
  startBroker(part: Part, make: Make, file: string): Promise<void> {
    return part.start(make, { role: "broker", args: ["-n", this.namesrvAddr, "-c", file] });
  }

  /** Runs a command of `rucola tools` on the clients' host, with one name server or all. */
  tool(words: readonly string[], namesrvAddr: string = this.namesrvAddr): Promise<Outcome> {
    const { command } = this.#options;
    return run([...on(this.network.host(CLIENT)), ...command, "tools", ...words, "-n", namesrvAddr]);
  }

  /** Waits until every name server lists exactly these brokers, each at its host, and slaves have what their masters have. */
  async settled(brokers: readonly Part[] = this.brokers): Promise<void> {
    let found = "";
    for (const { host } of this.nameServers) {
      await waitFor(`${host.name} to list ${brokers.map(({ name }) => name)}`, SETTLE_MS, async () => {
        found = (await this.tool(["clusterList"], `${host.address}:9876`)).text;
        const listed = [...found.matchAll(/ (10\.99\.0\.\d+):\d+ /g)].map(([, address]) => address!);
        return brokers.every((each) => listed.includes(each.host.address)) && listed.length === brokers.length;
      }, () => found);
    }
    for (const slave of brokers.filter(({ name }) => name.endsWith("-s"))) {
      const master = brokers.find(({ name }) => `${name}-s` === slave.name);
      if (master !== undefined) await this.caughtUp(slave, master);
    }
  }

  /** Waits until a slave has what its master had when it was asked. */
  async caughtUp(slave: Part, master: Part): Promise<void> {
    const goal = await waitFor(`the end of ${master.name}'s log`, SETTLE_MS, () => this.logEnd(master));
    let end: number | undefined;
    await waitFor(`${slave.name} to have ${master.name}'s log up to ${goal}`, SETTLE_MS, async () => {
      end = await this.logEnd(slave);
      return end !== undefined && end >= goal;
    }, () => `it ends at ${end}`);
  }

  /** Where a broker's log ends; undefined when the broker does not answer. */
  async logEnd(broker: Part): Promise<number | undefined> {
    const { text } = await this.tool(["brokerStatus", "-b", `${broker.host.address}:10911`]);
    const end = /commitLogMaxOffset\s*:\s*(\d+)/.exec(text)?.[1];
    return end === undefined ? undefined : Number(end);
  }

  /** Makes the topic on all masters, as an operator does. */
  async makeTopic(): Promise<void> {
    await waitFor(`topic ${TOPIC}`, SETTLE_MS, async () => {
      const { text } = await this.tool(["updateTopic", "-c", "DefaultCluster", "-t", TOPIC, "-r", "4", "-w", "4"]);
      return text.includes("success");
    });
  }

  /** Starts a producer and a consumer as RocketMQ's users have them. */
  async startClients(pace: { readonly threads: number; readonly pauseMs: number }): Promise<Clients> {
    const dir = `${this.#options.directory}/${CLIENT}`;
    const [sends, receipts] = [`${dir}/sends.txt`, `${dir}/receipts.txt`];
    const { namesrvAddr } = this;
    const consumer = await this.startJavaClient("NumberedConsumer", [namesrvAddr, GROUP, TOPIC, receipts], /consuming/);
    const args = [namesrvAddr, TOPIC, `${pace.threads}`, `${pace.pauseMs}`, sends];
    const producer = await this.startJavaClient("PacedProducer", args, /sending/);
    return new Clients(producer, consumer, { sends, receipts });
  }

  /**
   * Starts a Java program on the clients' host and waits for what it prints when it is ready. A client whose first request takes
   * more than 3 s, on a busy machine, ends at once: then it is started once more.
   */
  async startJavaClient(mainClass: string, args: readonly string[], ready: RegExp): Promise<ChildProcess> {
    for (let attempt = 1;; attempt++) {
      const child = await startJava({
        version: CLIENT_VERSION,
        dir: `${this.#options.directory}/${CLIENT}`,
        mainClass,
        args,
        via: on(this.network.host(CLIENT)),
        namesrvAddr: this.namesrvAddr,
      });
      try {
        await child.waitForOutput(ready, SETTLE_MS);
        return child;
      } catch (error) {
        await child.kill();
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** Kills all servers and removes the hosts. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.parts.map((part) => part.kill()));
    await this.network[Symbol.asyncDispose]();
  }
}

/** A producer and a consumer at work. */
export class Clients implements AsyncDisposable {
  readonly #producer: ChildProcess;
  readonly #consumer: ChildProcess;
  readonly #files: { readonly sends: string; readonly receipts: string };

  /** @param files that the two write. */
  constructor(producer: ChildProcess, consumer: ChildProcess, files: { sends: string; receipts: string }) {
    this.#producer = producer;
    this.#consumer = consumer;
    this.#files = files;
  }

  /** What both wrote so far. */
  async record(): Promise<ClientRecord> {
    // Sends last: what was received was sent before.
    const receipts = await Deno.readTextFile(this.#files.receipts);
    return parseClientRecord(await Deno.readTextFile(this.#files.sends), receipts);
  }

  /** Ends the producer, gives the consumer time to get everything, ends it, and returns what both wrote. */
  async finish(): Promise<ClientRecord> {
    await this.#producer.closeInput();
    await this.#producer.waitForExit(SETTLE_MS);
    const isComplete = async () => missingCount(await this.record()) === 0;
    // What is still missing when the time is over stands in the table.
    await waitFor("the consumer", DRAIN_MS, isComplete).catch(() => {});
    await this.#consumer.closeInput();
    await this.#consumer.waitForExit(SETTLE_MS);
    return await this.record();
  }

  /** Kills what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#producer[Symbol.asyncDispose](), this.#consumer[Symbol.asyncDispose]()]);
  }
}

/** Connects the hosts of a site; nothing runs on them yet. @throws {Error} when they cannot be made. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const network = await connectHosts([...NAME_SERVERS, ...options.brokers, CLIENT], options.label);
  return new Site(network, options);
}
