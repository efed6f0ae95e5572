/**
 * A replica whose role an election decides: a broker that is started anew, with the same store, as the leader (brokerId 0) or
 * as a slave (brokerId = `haReplicaId`), whenever that changes. A start takes about a tenth of a second.
 *
 * A broker that cannot be started (a port is taken, the disk fails) is tried again every second; meanwhile the replica does
 * not stand for election.
 *
 * RocketMQ counterpart: `ReplicasManager`, over a controller where this has etcd.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, unbracket } from "../common/net.ts";
import { settingRefusal } from "../common/options.ts";
import type { Authority } from "../election/authority.ts";
import { Election, type ElectionFigures } from "../election/election.ts";
import type { ElectionHost } from "../election/election_host.ts";
import { EpochFile } from "../election/epoch_file.ts";
import { GroupKeys, type LeaderEntry, OTHER_LIVES_LEASES, otherOfNumber } from "../election/group_state.ts";
import type { Followers } from "../election/term.ts";
import { Broker, type BrokerConfiguration, type BrokerParts } from "./broker.ts";
import type { BrokerElection } from "./broker_election.ts";
import { etcdAdvice } from "./election_settings.ts";
import type { BrokerSettings } from "./read_options.ts";
import { TermOpening } from "./term_opening.ts";

/** A broker that cannot be started is tried again after this long. */
const AGAIN_MS = 1000;
/** How often it is noted how much of the log is on the device. */
const NOTE_MS = 30_000;
/** How often it is looked whether the entry under our number has ended. */
const NUMBER_POLL_MS = 200;

/** What a replica is made of. */
export interface ElectedBrokerParts extends Omit<BrokerParts, "election"> {
  readonly authority: Authority;
  /** For how long the machine is up. */
  readonly uptimeMs: () => number;
  /** Which nobody can guess: shows to the other replicas that this is the one that the authority tells of. */
  readonly replicaKey: string;
}

/** A role: the epoch of the leader, or null for a slave. */
type Role = { readonly epoch: number } | null;

/** A replica; see the module's text. Starts once. */
export class ElectedBroker implements ElectionHost {
  readonly #parts: ElectedBrokerParts;
  readonly #log: Log;
  readonly #clock: Clock;
  #epochFile: EpochFile | null = null;
  #election: Election | null = null;
  #broker: Broker | null = null;
  #role: Role = null;
  #leader: LeaderEntry | null = null;
  #opening: TermOpening | null = null;
  #noting: Timer | null = null;
  /** The log's end and addresses as the last broker had them. */
  #endOffset = 0;
  #addresses = { brokerAddr: "", haAddr: "" };
  /** Changes of the broker, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #failure: string | null = null;
  #stopped = false;

  constructor(parts: ElectedBrokerParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#log = parts.log("broker");
  }

  /** Starts as a slave that follows nobody yet, and takes part in the election. @throws as `Broker.start`. */
  async start(): Promise<Address> {
    const { authority, clock, random, disk, uptimeMs } = this.#parts;
    const { broker, store } = this.#settings;
    const { storePathRootDir: root } = store;
    this.#epochFile = new EpochFile(disk, root, {
      bootedAtMs: clock.now() - uptimeMs(),
      uptimeMs,
      isUnclean: disk.stat(`${root}/abort`) !== null,
      isSynced: store.flushDiskType === "SYNC_FLUSH",
    });
    const keys = new GroupKeys(broker.haElectionPrefix, broker.brokerClusterName, broker.brokerName);
    await this.#waitForNumber(keys);
    const address = await this.#startBroker(null);
    this.#epochFile.logFound(this.endOffset());
    // One that has been in no group had nothing to lose.
    if (!this.#epochFile.isTrusted && this.#epochFile.epoch > 0) {
      this.#log.warn(
        `election: the log, which ends at ${this.endOffset()}, lacks messages that it had, or may lack them: the machine has ` +
          "lost its power before they were synced, or files were removed. The replica does not stand for election before it has " +
          "caught up with a leader, unless it is the only one in sync",
      );
    }
    this.#noting = clock.every(NOTE_MS, () => void this.#noteLog(this.#broker?.store?.figures().flushedOffset));
    this.#election = new Election({
      authority,
      clock,
      random,
      log: this.#log,
      keys,
      epochFile: this.#epochFile,
      host: this,
      replica: broker.haReplicaId,
      key: this.#parts.replicaKey,
      leaseSec: broker.haElectionLeaseSec,
    });
    this.#election.start();
    return address;
  }

  /**
   * Waits until the entry of whoever had our number before has ended, which takes a lease. An authority that cannot be asked
   * now is the election's to tell.
   *
   * @throws {ConfigError} when that replica lives: what one has would count for the other.
   */
  async #waitForNumber(keys: GroupKeys): Promise<void> {
    const { authority, replicaKey: key } = this.#parts;
    const { broker, assigned } = this.#settings;
    const { haReplicaId, haElectionLeaseSec } = broker;
    const brokerAddr = formatAddress({ host: unbracket(broker.brokerIP1), port: broker.listenPort });
    const endMs = this.#clock.monotonicMs() + OTHER_LIVES_LEASES * haElectionLeaseSec * 1000;
    for (;;) {
      const view = await authority.read(keys.prefix).then((found) => keys.view(found)).catch(() => null);
      const other = view === null ? null : otherOfNumber(view, haReplicaId, { key, brokerAddr });
      if (other === null) return;
      if (this.#clock.monotonicMs() >= endMs) {
        const setting = { key: "haReplicaId", value: String(haReplicaId) };
        throw settingRefusal(setting, numberTakenText(other.brokerAddr), assigned);
      }
      await this.#clock.sleep(NUMBER_POLL_MS);
    }
  }

  /** Hands over where it leads, and stops. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#election?.stop();
    await this.#changes.catch(() => {});
    this.#noting?.cancel();
    const endOffset = this.endOffset();
    await this.#broker?.stop();
    this.#broker = null;
    await this.#noteLog(endOffset);
  }

  /** How the election stands; null before the start. */
  figures(): ElectionFigures | null {
    return this.#election?.figures() ?? null;
  }

  /** Where clients are told to connect. */
  get advertisedAddress(): string {
    return this.#broker?.advertisedAddress ?? this.#addresses.brokerAddr;
  }

  /** The name servers, and whether it is registered with each. */
  get nameServers(): Broker["nameServers"] {
    return this.#broker?.nameServers ?? [];
  }

  /** Tells the name servers anew what this broker is. */
  announceChanges(): void {
    this.#broker?.announceChanges();
  }

  // What the election asks and tells.

  /** @inheritdoc */
  addresses(): { brokerAddr: string; haAddr: string } {
    return this.#addresses;
  }

  /** @inheritdoc */
  endOffset(): number {
    return this.#broker?.store?.replicaLog.endOffset ?? this.#endOffset;
  }

  /** @inheritdoc */
  illness(): string | null {
    return this.#failure ?? this.#broker?.store?.illness() ?? null;
  }

  /** @inheritdoc */
  lead(epoch: number): Promise<Followers> {
    return this.#change(async () => {
      this.#leader = null;
      await this.#restart({ epoch });
      return this.#broker!.replication!.followers!;
    });
  }

  /** @inheritdoc */
  leading(): void {
    this.#opening?.open();
    void this.#broker?.registerNow();
    this.#notify(`${this.#name()} leads in epoch ${this.#role?.epoch}: it serves clients`);
  }

  /** @inheritdoc */
  follow(leader: LeaderEntry | null): Promise<void> {
    return this.#change(async () => {
      this.#leader = leader;
      if (this.#role !== null || this.#broker === null) await this.#restart(null);
      if (leader === null) return;
      this.#broker?.replication?.follow(leader);
      const { replica, brokerAddr, epoch } = leader;
      this.#notify(`${this.#name()} follows replica ${replica} at ${brokerAddr}, the leader of epoch ${epoch}`);
    });
  }

  /** @inheritdoc */
  outage(cause: string | null): void {
    const name = this.#name();
    if (cause === null) return this.#notify(`${name} takes part in the election again: etcd answers`);
    const role = this.#role !== null
      ? `${name} leads on while all that are in sync grant it time; nobody else can be elected`
      : this.#leader !== null
      ? `${name} follows replica ${this.#leader.replica} on; nobody can be elected meanwhile`
      : `${name} is a candidate that waits for etcd, and serves no clients until then`;
    this.#warn(`haElection=${this.#settings.broker.haElection}: ${cause}. ${role}. ${etcdAdvice(cause)}`);
  }

  /** @inheritdoc */
  waits(why: string): void {
    this.#warn(
      `haElection=${this.#settings.broker.haElection}: nobody leads, and this replica waits: ${why}`,
    );
  }

  /** @inheritdoc */
  numberTaken(brokerAddr: string): void {
    const text = `haReplicaId=${this.#settings.broker.haReplicaId}: ${numberTakenText(brokerAddr)}`;
    this.#warn(text, "haReplicaId");
  }

  /** @inheritdoc */
  async prepareSuccessor(replica: number, epoch: number): Promise<void> {
    await this.#broker?.replication?.askToCopy(replica, epoch);
  }

  /** @inheritdoc */
  askGrant(replica: number, epoch: number, forMs: number): Promise<boolean> {
    return this.#broker?.replication?.askGrant(replica, epoch, forMs) ?? Promise.resolve(false);
  }

  get #settings(): BrokerSettings {
    return this.#parts.configuration.settings;
  }

  #name(): string {
    const { haReplicaId, brokerName } = this.#settings.broker;
    return `Replica ${haReplicaId} of ${brokerName}`;
  }

  #notify(text: string): void {
    this.#log.info(`election: ${text}`);
    this.#parts.notify?.({ text, isWarning: false });
  }

  #warn(words: string, key = "haElection"): void {
    const text = `${this.#settings.assigned.get(key) ?? "default"}: ${words}`;
    this.#log.warn(`election: ${text}`);
    this.#parts.notify?.({ text, isWarning: true });
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const change = this.#changes.catch(() => {}).then(() => {
      if (this.#stopped) throw new Error("the replica stops");
      return work();
    });
    this.#changes = change;
    return change;
  }

  async #restart(role: Role): Promise<void> {
    const former = this.#broker;
    if (former !== null) {
      this.#endOffset = this.endOffset();
      this.#broker = null;
      await former.stopForRole().catch((error) => {
        this.#log.error(`election: the broker did not stop cleanly in its former role: ${messageOf(error)}`);
      });
    }
    try {
      await this.#startBroker(role);
    } catch (error) {
      this.#failure = `the broker could not be started: ${messageOf(error)}`;
      this.#log.error(`election: ${this.#failure}`);
      this.#clock.after(AGAIN_MS, () => void this.#startAgain());
      throw error;
    }
  }

  /** After a failure: as a slave. */
  async #startAgain(): Promise<void> {
    if (this.#stopped || this.#broker !== null) return;
    await this.follow(this.#leader).catch(() => {});
  }

  async #startBroker(role: Role): Promise<Address> {
    const { configuration } = this.#parts;
    const broker = new Broker({
      ...this.#parts,
      configuration: new RoleConfiguration(configuration, role !== null),
      election: this.#electionOf(role),
    });
    const address = await broker.start();
    this.#broker = broker;
    this.#role = role;
    this.#failure = null;
    this.#addresses = {
      brokerAddr: broker.advertisedAddress,
      haAddr: role !== null || this.#addresses.haAddr === ""
        ? broker.replication!.haServerAddr
        : this.#addresses.haAddr,
    };
    return address;
  }

  #electionOf(role: Role): BrokerElection {
    this.#opening = role === null ? null : new TermOpening(this.#clock);
    const { haReplicaId, haElectionReplicaTimeoutMs } = this.#settings.broker;
    return {
      replicaId: haReplicaId,
      fence: role === null ? null : {
        refusesAppends: () => this.#election!.refusesAppends(),
        refusesPromises: () => this.#election!.refusesPromises(),
      },
      opening: this.#opening,
      epoch: () => role?.epoch ?? this.#leader?.epoch ?? 0,
      leader: () => this.#leader,
      replicaTimeoutMs: haElectionReplicaTimeoutMs,
      grant: (request) => this.#election?.grant(request) ?? false,
      isLeader: (request) => this.#election?.isLeader(request) ?? false,
      key: this.#parts.replicaKey,
      isReplica: (replica, key) => this.#election?.isReplica(replica, key) ?? false,
      onFollowers: () => this.#election?.changed(),
      onCaughtUp: () => this.#caughtUp(),
    };
  }

  #caughtUp(): void {
    if (!this.#epochFile!.isTrusted) {
      this.#epochFile!.trust();
      this.#log.info("election: caught up with the leader: this replica may stand for election again");
    }
    void this.#noteLog(this.#broker?.store?.figures().flushedOffset);
  }

  /** Notes how much of the log is on the device. */
  async #noteLog(endOffset: number | undefined): Promise<void> {
    if (endOffset === undefined) return;
    await this.#epochFile?.noteLog(endOffset).catch((error) => {
      this.#log.warn(`election: cannot note that the log ends at ${endOffset}: ${messageOf(error)}`);
    });
  }
}

/** A configuration with the role that the election gave, whatever the file says. */
class RoleConfiguration implements BrokerConfiguration {
  readonly #inner: BrokerConfiguration;
  readonly #leads: boolean;
  #from: BrokerSettings | null = null;
  #settings: BrokerSettings | null = null;

  constructor(inner: BrokerConfiguration, leads: boolean) {
    this.#inner = inner;
    this.#leads = leads;
  }

  get settings(): BrokerSettings {
    const { settings } = this.#inner;
    if (settings !== this.#from) {
      this.#from = settings;
      this.#settings = this.#leads ? settings : {
        ...settings,
        store: { ...settings.store, brokerRole: "SLAVE" },
        broker: { ...settings.broker, brokerId: settings.broker.haReplicaId },
      };
    }
    return this.#settings!;
  }

  format(): string {
    return this.#inner.format();
  }

  update(changes: ReadonlyMap<string, string>): string[] {
    return this.#inner.update(changes);
  }
}

function numberTakenText(brokerAddr: string): string {
  return `a replica of that number is alive at ${brokerAddr}: give each replica of a group a number of its own`;
}
