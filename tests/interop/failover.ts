/**
 * Automatic failover with real processes, a real etcd and RocketMQ's own clients: three replicas on hosts of their own, whose
 * leader is killed, stopped for longer than its lease, cut off, left without disk space, or has its clock moved by an hour and
 * is then killed. Nothing acknowledged may be lost, and nobody may acknowledge outside of its term.
 *
 * @module
 */
import { type Check, type CheckContext, Skip } from "../../scripts/interop/check.ts";
import { runJava, startJava } from "../../scripts/interop/java_process.ts";
import { type ChildProcess, startProcess, waitFor } from "../../scripts/interop/process.ts";
import { BOOT_LINE, BOOT_TIMEOUT_MS } from "../../scripts/interop/server.ts";
import { auditConsumed, auditStored, parsePlaces } from "./accounting.ts";
import { checkTools, command, faketimeLibrary, Hosts } from "./failover_hosts.ts";
import { longestGapMs, outOfOrder, outsideTheirTerm, parseAcknowledged, type Term } from "./failover_ledger.ts";

const TOPIC = "FailoverTest";
const THREADS = 4;
const SIZE = 3;
const BROKER_PORT = 10911;
const NAMESRV_PORT = 9876;
const ETCD_PORT = 2379;
const LEASE_SEC = 2;
/** Longer than the lease. */
const TROUBLE_MS = LEASE_SEC * 1000 + 3000;
const PATIENCE_MS = 90_000;
const HOUR_SEC = 3600;
const GROUP_PREFIX = "/rucola/DefaultCluster/broker-a/";

/** What happens to a leader. */
const KINDS = ["kill", "pause", "cut", "full disk", "clock jump and kill"] as const;
type Kind = typeof KINDS[number];

/** The check; one failover of each kind, more with `--failovers`. */
export const FAILOVER_CHECKS: readonly Check[] = [{
  name: "failover.elected",
  about:
    "leaders that are killed, paused, cut off, out of space or in another hour are replaced, nothing acknowledged is lost",
  run: checkFailovers,
}];

/** How long a failover kept producers from being acknowledged. */
interface Outage {
  readonly kind: Kind;
  readonly gapMs: number;
}

async function checkFailovers(context: CheckContext): Promise<void> {
  const rucola = context.target.command;
  if (rucola === undefined) throw new Skip("only Rucola elects a leader by etcd");
  await checkTools();
  await using hosts = await Hosts.make(context.dir, SIZE);
  await using group = new Group(context.dir, rucola, hosts);
  await group.start();
  const pollMs = Number(Deno.env.get("FAILOVER_POLL_MS") ?? 1000);
  const load = await startLoad(context.dir, hosts, pollMs);
  const outages: Outage[] = [];
  for (let i = 0; i < context.options.failovers; i++) {
    const outage = await failover(group, load, KINDS[i % KINDS.length]!);
    outages.push(outage);
    console.log(`     failover ${i + 1}, ${outage.kind}: ${outage.gapMs} ms until the next acknowledged message`);
  }
  const findings = await settle(group, load);
  context.remark = `${load.summary}; ${describe(outages)}`;
  if (findings.length > 0) throw new Error(`${context.remark}\n  ${findings.join("\n  ")}`);
}

function describe(outages: readonly Outage[]): string {
  const text = (gaps: readonly number[]) => {
    const sorted = [...gaps].sort((a, b) => a - b);
    return `median ${sorted[Math.floor(sorted.length / 2)]} ms, worst ${sorted.at(-1)} ms`;
  };
  const kinds = KINDS.filter((kind) => outages.some((each) => each.kind === kind));
  return [
    `${outages.length} failovers: ${text(outages.map(({ gapMs }) => gapMs))}`,
    ...kinds.map((kind) => {
      const gaps = outages.filter((each) => each.kind === kind).map(({ gapMs }) => gapMs);
      return `${kind} (${gaps.length}) ${text(gaps)}`;
    }),
  ].join("; ");
}

/** The state of the group as etcd has it. */
interface State {
  readonly epoch: number;
  /** Index of the replica whose key says that it leads; −1 for none. */
  readonly leader: number;
  readonly inSync: readonly number[];
  readonly history: readonly { readonly epoch: number; readonly leader: number; readonly startOffset: number }[];
}

/** etcd, a name server and the replicas. */
class Group implements AsyncDisposable {
  readonly terms = new Map<number, Term>();
  readonly #processes: ChildProcess[] = [];
  readonly #replicas: (ChildProcess | null)[] = Array(SIZE).fill(null);
  #faketime: string | null = null;

  constructor(readonly dir: string, readonly rucola: readonly string[], readonly hosts: Hosts) {}

  get namesrvAddr(): string {
    return `${this.hosts.hub.address}:${NAMESRV_PORT}`;
  }

  async start(): Promise<void> {
    this.#faketime = await faketimeLibrary();
    if (this.#faketime === null) {
      console.log("     without libfaketime (apt-get install faketime) no clock jumps: leaders are only killed");
    }
    const { hub } = this.hosts;
    const url = `http://${hub.address}:${ETCD_PORT}`;
    this.#processes.push(
      await startProcess({
        name: "etcd",
        dir: this.dir,
        command: [...hub.within, "etcd", "--data-dir", `${this.dir}/etcd`, "--listen-client-urls", url].concat(
          ["--advertise-client-urls", url, "--log-level", "error"],
          ["--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380"],
          ["--initial-cluster", "default=http://127.0.0.1:2380"],
        ),
      }),
    );
    await Deno.writeTextFile(`${this.dir}/namesrv.properties`, `listenPort=${NAMESRV_PORT}\n`);
    const namesrv = await startProcess({
      name: "namesrv",
      dir: this.dir,
      command: [...hub.within, ...this.rucola, "namesrv", "-c", `${this.dir}/namesrv.properties`],
      env: this.#environment(this.dir),
    });
    this.#processes.push(namesrv);
    await namesrv.waitForOutput(BOOT_LINE, BOOT_TIMEOUT_MS);
    for (let i = 0; i < SIZE; i++) await this.startReplica(i);
    await this.settled();
  }

  /** Starts a replica, again after its end. */
  async startReplica(index: number): Promise<void> {
    const host = this.hosts.replicas[index]!;
    const dir = `${this.dir}/replica-${index + 1}`;
    await Deno.mkdir(dir, { recursive: true });
    const properties = {
      brokerClusterName: "DefaultCluster",
      brokerName: "broker-a",
      brokerRole: "SYNC_MASTER",
      minInSyncReplicas: "2",
      haElection: `etcd://${this.hosts.hub.address}:${ETCD_PORT}`,
      haElectionLeaseSec: String(LEASE_SEC),
      haReplicaId: String(index + 1),
      listenPort: String(BROKER_PORT),
      namesrvAddr: this.namesrvAddr,
      brokerIP1: host.address,
      brokerIP2: host.address,
      storePathRootDir: `${this.hosts.volume(index)}/store`,
      mappedFileSizeCommitLog: "16777216",
      cleanResourceInterval: "1000",
    };
    const text = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join("");
    await Deno.writeTextFile(`${dir}/broker.properties`, text);
    if (this.#faketime !== null) await this.#shiftClock(index, 0);
    const process = await startProcess({
      name: "broker",
      dir,
      command: [...host.within, ...this.rucola, "broker", "-c", `${dir}/broker.properties`],
      env: { ...this.#environment(dir), ...this.#clockEnvironment(dir) },
    });
    this.#replicas[index] = process;
    await process.waitForOutput(BOOT_LINE, BOOT_TIMEOUT_MS);
  }

  /** Kills a replica and starts it again, as a supervisor does, a second later. */
  async killAndStart(index: number): Promise<void> {
    await this.#replicas[index]!.kill();
    await pause(1000);
    await this.startReplica(index);
  }

  signal(index: number, signal: Deno.Signal): void {
    this.#replicas[index]!.signal(signal);
  }

  /** Moves a replica's wall clock; false where there is no library for it. */
  async jump(index: number, seconds: number): Promise<boolean> {
    if (this.#faketime === null) return false;
    await this.#shiftClock(index, seconds);
    return true;
  }

  /** What etcd says. */
  async state(): Promise<State | null> {
    const base64 = (value: string) => btoa(value);
    const body = { key: base64(GROUP_PREFIX), range_end: base64(GROUP_PREFIX.replace(/\/$/, "0")) };
    const url = `http://${this.hosts.hub.address}:${ETCD_PORT}/v3/kv/range`;
    const text = await command(
      ...this.hosts.hub.within,
      "curl",
      "-s",
      "--noproxy",
      "*",
      url,
      "-d",
      JSON.stringify(body),
    );
    const { kvs = [] } = JSON.parse(text);
    const found = new Map<string, Record<string, never>>(
      kvs.map((
        { key, value }: Record<string, string>,
      ) => [atob(key!).slice(GROUP_PREFIX.length), JSON.parse(atob(value!))]),
    );
    const state = found.get("state") as unknown as State | undefined;
    if (state === undefined) return null;
    for (const { epoch, leader, startOffset } of state.history) {
      const address = `${this.hosts.replicas[leader - 1]!.address}:${BROKER_PORT}`;
      this.terms.set(epoch, { epoch, leader: address, startOffset });
    }
    return { ...state, leader: Number(found.get("leader")?.["replica"] ?? 0) - 1 };
  }

  /** Waits until there is a leader of a later epoch and everybody is in sync; returns its index and epoch. */
  async settled(afterEpoch = 0): Promise<State> {
    return await waitFor("a leader with all replicas in sync", PATIENCE_MS, async () => {
      const state = await this.state();
      return state !== null && state.epoch > afterEpoch && state.leader >= 0 && state.inSync.length === SIZE && state;
    });
  }

  async #shiftClock(index: number, seconds: number): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/replica-${index + 1}/clock`, `+${seconds}s\n`);
  }

  #environment(dir: string): Record<string, string> {
    const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME") ?? "."}/.cache/deno`;
    return { ROCKETMQ_HOME: dir, HOME: dir, DENO_DIR: cache };
  }

  #clockEnvironment(dir: string): Record<string, string> {
    return this.#faketime === null ? {} : {
      LD_PRELOAD: this.#faketime,
      FAKETIME_TIMESTAMP_FILE: `${dir}/clock`,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of [...this.#replicas, ...this.#processes]) {
      process?.signal("SIGCONT");
      if (process?.exit === undefined) await process?.kill();
    }
  }
}

/** The clients. */
interface Load {
  readonly producer: ChildProcess;
  readonly consumer: ChildProcess;
  readonly dir: string;
  summary: string;
}

async function startLoad(dir: string, hosts: Hosts, pollMs: number): Promise<Load> {
  const java = { version: "5.5.0" as const, dir: `${dir}/client`, via: hosts.hub.within };
  const namesrvAddr = `${hosts.hub.address}:${NAMESRV_PORT}`;
  const producer = await startJava({
    ...java,
    mainClass: "FailoverProducer",
    args: [namesrvAddr, TOPIC, String(THREADS), `${java.dir}/acknowledged.txt`, String(pollMs)],
  });
  const consumer = await startJava({
    ...java,
    mainClass: "RecordingConsumer",
    args: [namesrvAddr, "FailoverConsumer", TOPIC, `${java.dir}/consumed.txt`],
  });
  await producer.waitForOutput(/sending/, PATIENCE_MS);
  const load = { producer, consumer, dir: java.dir, summary: "" };
  await waitFor("messages to be acknowledged", PATIENCE_MS, async () => (await acknowledged(load)).length > 100);
  return load;
}

async function acknowledged({ dir }: Load) {
  return parseAcknowledged(await Deno.readTextFile(`${dir}/acknowledged.txt`));
}

/** Brings about one failover and waits until everything is well again. */
async function failover(group: Group, load: Load, kind: Kind): Promise<Outage> {
  const { leader, epoch } = await group.settled();
  const fromMs = Date.now();
  const relief = await trouble(group, leader, kind);
  const isReplaced = async () => ((await group.state())?.epoch ?? 0) > epoch;
  await waitFor(`another leader after ${kind}`, PATIENCE_MS, isReplaced);
  // Over when a message that was sent after the new leader's beginning is acknowledged.
  const electedMs = Date.now();
  await waitFor(
    "messages to be acknowledged again",
    PATIENCE_MS,
    async () => (await acknowledged(load)).some(({ sentMs }) => sentMs > electedMs),
  );
  const toMs = Date.now();
  await relief();
  await group.settled(epoch);
  return { kind, gapMs: longestGapMs(await acknowledged(load), fromMs, toMs) };
}

/** Does it to the leader; returns what ends it. */
async function trouble(group: Group, leader: number, kind: Kind): Promise<() => Promise<void>> {
  const startMs = performance.now();
  const rest = () => pause(Math.max(0, TROUBLE_MS - (performance.now() - startMs)));
  switch (kind) {
    case "clock jump and kill":
      if (await group.jump(leader, HOUR_SEC)) await pause(1500);
      await group.killAndStart(leader);
      return () => Promise.resolve();
    case "kill":
      await group.killAndStart(leader);
      return () => Promise.resolve();
    case "pause":
      group.signal(leader, "SIGSTOP");
      return async () => {
        await rest();
        group.signal(leader, "SIGCONT");
      };
    case "cut":
      await group.hosts.plug(leader, false);
      return async () => {
        await rest();
        await group.hosts.plug(leader, true);
      };
    case "full disk":
      await group.hosts.fill(leader);
      return () => group.hosts.empty(leader);
  }
}

/** Ends the load and compares; returns what is wrong. */
async function settle(group: Group, load: Load): Promise<string[]> {
  await group.settled();
  await load.producer.closeInput();
  await load.producer.waitForExit(PATIENCE_MS);
  const acks = await acknowledged(load);
  const consumed = async () => parsePlaces(await Deno.readTextFile(`${load.dir}/consumed.txt`));
  const allConsumed = async () => auditConsumed(acks, await consumed()).length === 0;
  await waitFor("the consumer", PATIENCE_MS, allConsumed).catch(() => {});
  await load.consumer.closeInput();
  await load.consumer.waitForExit(PATIENCE_MS);
  const stored = `${load.dir}/stored.txt`;
  const read = await runJava({
    version: "5.5.0",
    dir: load.dir,
    via: group.hosts.hub.within,
    mainClass: "ReadAll",
    args: [group.namesrvAddr, TOPIC, stored],
  });
  if (read.code !== 0) throw new Error(`Cannot read ${TOPIC} back: ${read.stderr}`);
  await group.state();
  const terms = [...group.terms.values()];
  const outside = outsideTheirTerm(acks, terms);
  const crossed = outOfOrder(acks);
  const places = parsePlaces(await Deno.readTextFile(stored));
  const lost = auditStored(acks, places);
  load.summary = `${acks.length} acknowledged, ${places.length} stored, ${(await consumed()).length} consumed, ` +
    `${terms.length} terms, lost ${lost.length}, acknowledged outside a term ${outside.length}, out of order ${crossed.length}`;
  return [
    ...lost,
    ...auditConsumed(acks, await consumed()),
    ...outside.slice(0, 3).map((each) => `acknowledged outside its leader's term: ${JSON.stringify(each)}`),
    ...crossed.slice(0, 3).map((pair) => `acknowledged in another order than stored: ${JSON.stringify(pair)}`),
  ];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
