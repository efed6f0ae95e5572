/**
 * Replicas whose election is the real one (`src/election`, `src/store/ha_in_sync.ts`) over logs that are arrays, so that
 * thousands of random lives pass in a minute. What readers were ever shown is kept in one list for the whole group: it must
 * only grow, whoever leads, or something acknowledged was lost, or a place in the log was used twice.
 *
 * @module
 */
import { assert } from "@std/assert";
import { type Clock, sleepOn, type Timer } from "../../src/common/clock.ts";
import { SimClock } from "../../src/common/clock_sim.ts";
import { SimDisk } from "../../src/common/disk_sim.ts";
import { SILENT_LOG } from "../../src/common/log.ts";
import { type Random, SeededRandom } from "../../src/common/random.ts";
import type { Authority, Committed } from "../../src/election/authority.ts";
import { SimAuthority } from "../../src/election/authority_sim.ts";
import { Election } from "../../src/election/election.ts";
import type { ElectionHost } from "../../src/election/election_host.ts";
import { EpochFile } from "../../src/election/epoch_file.ts";
import { GroupKeys, type GroupState, type LeaderEntry } from "../../src/election/group_state.ts";
import { type Follower, InSyncSet } from "../../src/store/ha_in_sync.ts";

/** A record: who wrote it, and which it is. */
export interface ModelRecord {
  readonly epoch: number;
  readonly id: number;
}

const TICK_MS = 25;
/** The default of `haElectionLeaseSec`. */
export const LEASE_SEC = 2;
const LATE_MS = 3000;

/** How a group is configured. */
export interface ModelOptions {
  readonly minInSyncReplicas: number;
  /** Whether what is acknowledged survives a loss of power. */
  readonly isSynced: boolean;
}

/** The group. */
export class ElectionModel {
  readonly clock = new SimClock();
  readonly authority: SimAuthority;
  readonly keys = new GroupKeys("/rucola", "C", "b");
  readonly replicas: ModelReplica[];
  /** What readers were shown, by place. */
  readonly shown: ModelRecord[] = [];
  /** Messages that producers were told are stored. */
  acknowledged = 0;
  /** Terms that were begun. */
  terms = 0;
  /** Pairs of replicas that do not reach each other, `a-b` with a < b. */
  readonly cuts = new Set<string>();
  readonly random: Random;
  lastId = 0;
  /** Whether some processes end as soon as they are elected, before they can note that. */
  mayDieElected = false;

  constructor(seed: number, size: number, readonly options: ModelOptions) {
    this.random = new SeededRandom(seed);
    this.authority = new SimAuthority(this.clock, new SeededRandom(seed + 1));
    this.replicas = Array.from({ length: size }, (_, i) => new ModelReplica(this, i + 1));
    this.clock.every(TICK_MS, () => this.#tick());
  }

  /** Whether two replicas reach each other and neither is asleep. */
  isLinked(a: ModelReplica, b: ModelReplica): boolean {
    const cut = `${Math.min(a.id, b.id)}-${Math.max(a.id, b.id)}`;
    return !this.cuts.has(cut) && a.life !== null && b.life !== null && !a.life.clock.isPaused &&
      !b.life.clock.isPaused;
  }

  /** Cuts two replicas off from each other. */
  cut(a: number, b: number): void {
    this.cuts.add(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  /** The group's state in the authority. */
  get state(): GroupState | null {
    return this.keys.view(this.authority.read(this.keys.prefix)).state?.value ?? null;
  }

  /** Readers are shown a beginning of a log. */
  show(log: readonly ModelRecord[], end: number, by: string): void {
    for (let i = 0; i < end; i++) {
      const [record, known] = [log[i]!, this.shown[i]];
      if (known === undefined) this.shown.push(record);
      else {
        assert(
          known.id === record.id,
          `${by} shows record ${record.id} of epoch ${record.epoch} at ${i}, where ${known.id} of epoch ${known.epoch} was shown`,
        );
      }
    }
  }

  #tick(): void {
    const acting = this.replicas.filter(({ life }) => life !== null && life.election.refusesPromises() === null);
    assert(acting.length <= 1, `replicas ${acting.map(({ id }) => id)} may acknowledge at once`);
    for (const replica of this.replicas) replica.tick();
  }
}

/** A replica: what survives the end of its process. */
export class ModelReplica {
  log: ModelRecord[] = [];
  life: Life | null = null;
  boot = 0;
  isClean = true;
  /** Its disk is full. */
  isIll = false;
  #synced = 0;
  #isDoubtful = false;
  #disk: SimDisk;

  constructor(readonly model: ElectionModel, readonly id: number) {
    this.#disk = new SimDisk({ clock: model.clock, random: new SeededRandom(id) });
  }

  /** Whether its log may lack what it has acknowledged, until it has caught up. */
  get isDoubtful(): boolean {
    return this.#isDoubtful || this.life?.epochFile.isTrusted === false;
  }

  /** Starts its process. */
  start(): void {
    const { isSynced } = this.model.options;
    const start = { bootedAtMs: 1e6 * this.boot, uptimeMs: () => 1e6, isUnclean: !this.isClean, isSynced };
    const epochFile = new EpochFile(this.#disk.anotherProcess(), "/store", start);
    this.isClean = this.#isDoubtful = false;
    this.life = new Life(this, epochFile);
  }

  /** As `kill -9`. */
  kill(): void {
    // What its file says of its log, it says in the next life, too.
    this.#isDoubtful = this.isDoubtful;
    this.life?.clock.stop();
    this.life = null;
  }

  /** The machine's power fails. */
  losePower(): void {
    this.kill();
    this.boot++;
    if (this.model.options.isSynced) return;
    this.#isDoubtful = true;
    this.log.length = Math.min(this.log.length, this.#synced);
  }

  /** The machine gets a new disk. */
  loseDisk(): void {
    this.kill();
    this.log = [];
    this.isClean = this.#isDoubtful = true;
    this.#disk = new SimDisk({ clock: this.model.clock, random: new SeededRandom(this.id) });
  }

  /** As SIGTERM. */
  async stop(): Promise<void> {
    const { life } = this;
    if (life === null) return;
    await life.election.stop();
    if (this.life !== life) return;
    this.isClean = true;
    this.kill();
  }

  tick(): void {
    // Now and then what is in memory comes to the device.
    if (this.model.random.int(20) === 0) this.#synced = this.log.length;
    this.#synced = Math.min(this.#synced, this.log.length);
    if (this.life !== null && !this.life.clock.isPaused) this.life.tick();
  }
}

/** A connection of a follower as its leader sees it. */
interface ModelFollower extends Follower {
  ackOffset: number;
}

/** One process of a replica. */
export class Life implements ElectionHost {
  /** What an operator was told. */
  readonly told: string[] = [];
  readonly clock: ProcessClock;
  readonly key: string;
  readonly election: Election;
  /** Of a leader. */
  readonly connections = new Map<number, ModelFollower>();
  #followers: InSyncSet | null = null;
  #promised = 0;
  #leader: LeaderEntry | null = null;
  #link: { readonly leader: Life; readonly connection: ModelFollower; catchUpTo: number } | null = null;

  constructor(readonly replica: ModelReplica, readonly epochFile: EpochFile) {
    const { model, id } = replica;
    this.clock = new ProcessClock(model.clock);
    this.key = `key ${model.random.next()}`;
    this.election = new Election({
      authority: this.#authority(),
      clock: this.clock,
      random: model.random,
      log: SILENT_LOG,
      keys: model.keys,
      epochFile,
      host: this,
      replica: id,
      key: this.key,
      leaseSec: LEASE_SEC,
    });
    this.election.start();
  }

  /** @inheritdoc */
  outage(cause: string | null): void {
    this.told.push(cause ?? "it answers again");
  }

  /** @inheritdoc */
  waits(why: string): void {
    this.told.push(why);
  }

  /** @inheritdoc */
  numberTaken(brokerAddr: string): void {
    this.told.push(`number taken by ${brokerAddr}`);
  }

  /** The authority as it is reached from here. */
  #authority(): Authority {
    const { model, id } = this.replica;
    const authority = model.authority.reachedBy(`r${id}`, this.clock);
    return {
      ...authority,
      commit: async (transaction) => {
        const committed = await authority.commit(transaction);
        const isElected = committed.succeeded && transaction.puts?.some(({ key }) => key === model.keys.leader);
        if (!isElected || !model.mayDieElected || model.random.int(6) > 0) return committed;
        if (this.replica.life === this) this.replica.kill();
        return await new Promise<Committed>(() => {});
      },
    };
  }

  addresses(): { brokerAddr: string; haAddr: string } {
    return { brokerAddr: `r${this.replica.id}`, haAddr: "ha" };
  }

  endOffset(): number {
    return this.replica.log.length;
  }

  illness(): string | null {
    return this.replica.isIll ? "the disk is full" : null;
  }

  async lead(): Promise<InSyncSet> {
    const { model, log } = this.replica;
    this.#link = null;
    await this.clock.sleep(20 + model.random.int(200));
    if (model.random.int(20) === 0) throw new Error("the port is taken");
    this.connections.clear();
    this.#promised = log.length;
    model.terms++;
    return this.#followers = new InSyncSet({
      clock: this.clock,
      connections: { [Symbol.iterator]: () => this.connections.values() },
      endOffset: () => this.replica.log.length,
      promisedOffset: () => this.#promised,
      minInSyncReplicas: () => model.options.minInSyncReplicas,
      lateMs: LATE_MS,
      onChange: () => this.#advance(),
      onReview: () => this.election.changed(),
    });
  }

  leading(): void {
    // A store that is opened shows everything it has.
    this.replica.model.show(
      this.replica.log,
      this.replica.log.length,
      `replica ${this.replica.id}, which begins to lead,`,
    );
  }

  async follow(leader: LeaderEntry | null): Promise<void> {
    if (this.#followers !== null) await this.clock.sleep(20 + this.replica.model.random.int(200));
    this.#followers = null;
    this.connections.clear();
    this.#leader = leader;
    this.#link = null;
  }

  prepareSuccessor(): Promise<void> {
    return Promise.resolve();
  }

  async askGrant(id: number, epoch: number, forMs: number): Promise<boolean> {
    const { model } = this.replica;
    await this.clock.sleep(1 + model.random.int(5));
    const other = model.replicas[id - 1]!;
    if (!model.isLinked(this.replica, other)) return false;
    const { id: leader, life } = this.replica;
    const isGranted = other.life!.election.grant({ epoch, forMs, leader, key: life!.key });
    await this.clock.sleep(1 + model.random.int(5));
    return isGranted && model.isLinked(this.replica, other);
  }

  tick(): void {
    if (this.#followers !== null) this.#leaderTick();
    else this.#followerTick();
  }

  #leaderTick(): void {
    const { model, log } = this.replica;
    if (!this.replica.isIll && this.election.refusesAppends() === null && this.#followers!.refusal() === null) {
      const { epoch } = this.epochFile;
      for (let n = model.random.int(3); n > 0; n--) log.push({ epoch, id: ++model.lastId });
    }
    for (const [id] of this.connections) if (model.replicas[id - 1]!.life === null) this.connections.delete(id);
    this.#followers!.tick();
  }

  #advance(): void {
    const followers = this.#followers;
    if (followers === null || this.election.refusesPromises() !== null) return;
    const { log, model } = this.replica;
    const promised = followers.available() ? Math.min(log.length, followers.replicatedOffset()) : log.length;
    if (promised <= this.#promised) return;
    model.acknowledged += promised - this.#promised;
    this.#promised = promised;
    model.show(log, promised, `replica ${this.replica.id}`);
  }

  #followerTick(): void {
    const { model, log, id } = this.replica;
    const leader = this.#leader === null ? null : model.replicas[this.#leader.replica - 1]!;
    if (leader === null || !model.isLinked(this.replica, leader)) return;
    if (this.#link === null || this.#link.leader !== leader.life || !this.#isOurs(leader.life!)) {
      return this.#connect(leader);
    }
    if (this.replica.isIll) return;
    const { connection } = this.#link;
    log.push(...leader.log.slice(log.length, log.length + model.random.int(8)));
    if (log.length >= this.#link.catchUpTo) this.epochFile.trust();
    // What is acknowledged arrives a tick later, if it does.
    const end = log.length;
    const { leader: life } = this.#link;
    this.clock.after(1 + model.random.int(20), () => {
      if (!model.isLinked(this.replica, leader) || leader.life !== life || life.connections.get(id) !== connection) {
        return;
      }
      connection.ackOffset = Math.max(connection.ackOffset, end);
      life.#advance();
    });
  }

  #isOurs(leader: Life): boolean {
    return leader.connections.get(this.replica.id) === this.#link?.connection;
  }

  /** The handshake: epochs, the common history, the first report. */
  #connect(leader: ModelReplica): void {
    const { log, id } = this.replica;
    const life = leader.life!;
    this.#link = null;
    if (life.#followers === null || life.epochFile.epoch !== this.#leader!.epoch) return;
    let common = 0;
    while (common < log.length && log[common]!.id === leader.log[common]?.id) common++;
    log.length = common;
    const connection: ModelFollower = { replicaId: id, hasBegun: true, ackOffset: common };
    life.connections.set(id, connection);
    if (common >= leader.log.length) this.epochFile.trust();
    this.#link = { leader: life, connection, catchUpTo: leader.log.length };
  }
}

/** The clock of a process that can be stopped for a while (SIGSTOP), and for good. */
export class ProcessClock implements Clock {
  isPaused = false;
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(readonly inner: SimClock) {}

  now(): number {
    return this.inner.now();
  }

  monotonicMs(): number {
    return this.inner.monotonicMs();
  }

  after(delayMs: number, fn: () => void): Timer {
    let isCancelled = false;
    const call = () => {
      if (this.#isOver || isCancelled) return;
      if (this.isPaused) this.#waiting.push(call);
      else fn();
    };
    const timer = this.inner.after(delayMs, call);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  every(periodMs: number, fn: () => void): Timer {
    let timer: Timer;
    let isCancelled = false;
    const call = () => {
      fn();
      if (!isCancelled) timer = this.after(periodMs, call);
    };
    timer = this.after(periodMs, call);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** SIGCONT. */
  resume(): void {
    this.isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) call();
  }

  /** The end. */
  stop(): void {
    this.#isOver = true;
  }
}
