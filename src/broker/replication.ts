/**
 * Replication of one broker, put together: a master listens on the HA port and has its promise to producers include its
 * slaves; a slave follows its master and copies its tables.
 *
 * A slave finds its master by what name servers answer to its registration; `haMasterAddress` replaces the HA part of that.
 * When the master is gone its last addresses are kept, so that the slave finds it again.
 *
 * RocketMQ counterpart: what `BrokerController` and `DefaultMessageStore` do about `HAService` and `SlaveSynchronize`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Net, parseAddress, unbracket } from "../common/net.ts";
import { type HaStatus, NO_HA_CLIENT } from "../protocol/bodies/ha_status.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import { EXCHANGE_HA_INFO_RESPONSE } from "../protocol/headers/ha.ts";
import type { RemotingClient } from "../remoting/client.ts";
import type { HaConnection } from "../store/ha_connection.ts";
import { InSyncSet } from "../store/ha_in_sync.ts";
import { HaMaster, type Introduction } from "../store/ha_master.ts";
import { HaSlave } from "../store/ha_slave.ts";
import type { MessageStore } from "../store/store.ts";
import { AddressList } from "./address_list.ts";
import type { BrokerElection } from "./broker_election.ts";
import { MasterLink } from "./master_link.ts";
import { type BrokerSettings, VIP_PORT_DISTANCE } from "./read_options.ts";
import type { RegisterResult, Registration } from "./registration.ts";
import { SlaveHosts } from "./slave_hosts.ts";
import { SlaveSync, type SlaveSyncMore } from "./slave_sync.ts";
import type { BrokerTables } from "./tables.ts";
import { ToldMasters } from "./told_masters.ts";

/** How often a master looks for slaves of RocketMQ among its connections. */
const REVIEW_MS = 5000;
/** A slave that does not find its master asks name servers where it is, so often at most: it may have moved. */
const ASK_AGAIN_MS = 3000;
/** A follower of an elected leader comes back so soon: the leader may be another one by then. */
const ELECTED_RECONNECT_MS = 200;
/** How often a follower looks whether it has caught up. */
const CATCH_UP_MS = 100;
/** A follower answers at once. */
const GRANT_TIMEOUT_MS = 1000;
/** A hand-over waits no longer for tables to be copied. */
const COPY_TIMEOUT_MS = 500;

/** What replication is made of. */
export interface ReplicationParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  readonly client: RemotingClient;
  readonly store: MessageStore;
  readonly tables: BrokerTables;
  readonly settings: () => BrokerSettings;
  readonly more: SlaveSyncMore;
  /** Where the broker listens for clients. */
  readonly brokerAddr: () => string;
  readonly nameServers: () => Registration["nameServers"];
  /** Registers again, which brings the master's present addresses. */
  readonly askNameServers: () => void;
  /** Tells the operator at once, not in the log alone. */
  readonly warn: (text: string) => void;
  /** Null where a broker's role is what its file says. */
  readonly election: BrokerElection | null;
}

/** Replication; see the module's text. */
export class Replication {
  readonly master: HaMaster | null;
  readonly slave: HaSlave | null;
  readonly election: BrokerElection | null;
  /** End of the log when the broker started. */
  readonly startOffset: number;
  readonly #parts: ReplicationParts;
  readonly #hosts: SlaveHosts;
  readonly #sync: SlaveSync | null;
  /** Where replicas that follow us are reached, by their number. */
  readonly #replicaAddresses = new Map<number, string>();
  #followers: InSyncSet | null = null;
  #timer: Timer | null = null;
  #haPort = 0;
  #isWarned = false;
  /** The leader's log ended here when we began to follow; null once we have all of that. */
  #catchUpTo: number | null = null;
  #masterAddr: string | null = null;
  #masterHaAddress: string | null = null;
  readonly #told = new ToldMasters();
  #askedMs = -Infinity;

  /** {@linkcode listen} and {@linkcode start} begin. */
  constructor(parts: ReplicationParts) {
    const { store, settings, client, net, log } = parts;
    const { broker, store: options } = settings();
    this.#parts = parts;
    this.election = parts.election;
    this.startOffset = store.replicaLog.endOffset;
    const isSlave = options.brokerRole === "SLAVE";
    this.#hosts = new SlaveHosts({ net, client, log, brokerName: broker.brokerName, nameServers: parts.nameServers });
    this.master = isSlave ? null : this.#makeMaster();
    this.slave = isSlave ? this.#makeSlave() : null;
    this.#sync = isSlave
      ? new SlaveSync({
        ...parts,
        masterAddr: () => this.#masterAddr,
        // A slave that may lead at any moment.
        copiesOffsetsOften: parts.election !== null,
      })
      : null;
  }

  /** The followers of an elected leader; null elsewhere. */
  get followers(): InSyncSet | null {
    return this.#followers;
  }

  /** `host:port` that slaves are told: `brokerIP2` and the port that it really listens on. */
  get haServerAddr(): string {
    const { broker, store } = this.#parts.settings();
    const host = unbracket(broker.brokerIP2);
    return formatAddress({ host, port: this.#haPort || store.haListenPort });
  }

  /** `host:port` of the master for clients, as a slave knows it. */
  get masterAddr(): string | null {
    return this.#masterAddr;
  }

  /** Whether this is a slave whose master is there. */
  get isFollowing(): boolean {
    return this.slave?.isConnected ?? false;
  }

  /** A master listens for slaves; before it is registered anywhere. @throws {ConnectionError} when the port is taken. */
  listen(): void {
    const { remoting, store } = this.#parts.settings();
    // A broker on any free port (tests, demonstrations) must not ask for a certain one here.
    const port = remoting.listenPort === 0 ? 0 : store.haListenPort;
    const address = this.master?.listen({ host: remoting.bindAddress, port });
    this.#haPort = address?.port ?? 0;
  }

  /** A slave begins to follow, a master to look who follows it. */
  start(): void {
    this.slave?.start();
    this.#sync?.start();
    const { clock } = this.#parts;
    if (this.master !== null) this.#timer = clock.every(REVIEW_MS, () => void this.#review());
    else if (this.election !== null) this.#timer = clock.every(CATCH_UP_MS, () => this.#lookForCatchUp());
  }

  /** Ends both; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.master?.close();
    await this.slave?.stop();
    await this.#sync?.stop();
  }

  /** A queue of this topic has got messages. */
  arrived(topic: string): void {
    this.#sync?.arrived(topic);
  }

  /** Takes what a name server answered to our registration. */
  registered({ nameServer, masterAddr, haServerAddr }: RegisterResult): void {
    if (this.slave === null || this.election !== null || masterAddr === null) return;
    if (this.#told.isNews(nameServer, { masterAddr, haServerAddr })) this.setMaster(masterAddr, haServerAddr);
  }

  /** The leader that was elected, for a replica that follows. */
  follow({ brokerAddr, haAddr }: { readonly brokerAddr: string; readonly haAddr: string }): void {
    const { log } = this.#parts;
    this.#masterAddr = brokerAddr;
    this.#masterHaAddress = haAddr;
    log.info(`HA: the leader is ${brokerAddr}, its HA address ${haAddr}`);
    this.#sync?.masterReplaced();
    this.slave?.masterReplaced();
  }

  /** A slave of ours has said who it is, and a replica where it is reached. */
  introduced(introduction: Introduction, replicaAddress: string): void {
    if (introduction.replicaId !== null) this.#replicaAddresses.set(introduction.replicaId, replicaAddress);
    this.master?.identify(introduction);
  }

  /** Asks a follower not to stand for election against the leader of an epoch for so long. @throws {ConnectionError} */
  async askGrant(replica: number, epoch: number, forMs: number): Promise<boolean> {
    const address = this.#replicaAddresses.get(replica);
    if (address === undefined || this.election === null) return false;
    const { replicaId, key: replicaKey } = this.election;
    const request = {
      code: RequestCode.EXCHANGE_BROKER_HA_INFO,
      ext: writeHeader({ grantEpoch: epoch, grantMs: forMs, replicaId, replicaKey }),
    };
    const reply = await this.#parts.client.invoke(address, request, GRANT_TIMEOUT_MS);
    return reply.code === ResponseCode.SUCCESS &&
      readHeader(EXCHANGE_HA_INFO_RESPONSE, reply.ext).granted === true;
  }

  /** Has a follower copy our tables now. @throws {ConnectionError} @throws {Error} when it does not. */
  async askToCopy(replica: number, epoch: number): Promise<void> {
    const address = this.#replicaAddresses.get(replica);
    if (address === undefined || this.election === null) throw new Error("nobody knows where it is");
    const { replicaId, key: replicaKey } = this.election;
    const ext = writeHeader({ copyEpoch: epoch, replicaId, replicaKey });
    const request = { code: RequestCode.EXCHANGE_BROKER_HA_INFO, ext };
    const { code, remark } = await this.#parts.client.invoke(address, request, COPY_TIMEOUT_MS);
    if (code !== ResponseCode.SUCCESS) throw new Error(remark ?? "it does not say why");
  }

  /** Copies the master's tables now; whether at least consumer offsets could be copied. */
  async copyNow(): Promise<boolean> {
    return await this.#sync?.now() ?? false;
  }

  /** A slave learns its master's addresses; null leaves what is known. */
  setMaster(masterAddr: string | null, masterHaAddress: string | null): void {
    const { log, brokerAddr } = this.#parts;
    if (masterAddr === brokerAddr()) return;
    const isNew = (masterAddr !== null && masterAddr !== this.#masterAddr) ||
      (masterHaAddress !== null && masterHaAddress !== this.#masterHaAddress);
    if (!isNew) return;
    this.#masterAddr = masterAddr ?? this.#masterAddr;
    this.#masterHaAddress = masterHaAddress ?? this.#masterHaAddress;
    log.info(`HA: the master is ${this.#masterAddr}, its HA address ${this.#haAddress() ?? "unknown"}`);
    this.slave?.masterChanged();
  }

  /** How replication stands (907). */
  status(): HaStatus {
    const { replicaLog, masterFlushedOffset } = this.#parts.store;
    const { endOffset } = replicaLog;
    const { master, slave } = this;
    const connections = [...master?.connections ?? []].filter((each) => each.hasBegun);
    return {
      haClientRuntimeInfo: slave === null ? NO_HA_CLIENT : {
        masterAddr: this.#haAddress(),
        lastReadTimestamp: slave.lastReadTimestamp,
        lastWriteTimestamp: slave.lastWriteTimestamp,
        masterFlushOffset: masterFlushedOffset,
        maxOffset: endOffset,
        transferredByteInSecond: slave.bytesInSecond,
      },
      haConnectionInfo: connections.map((each) => ({
        addr: each.remoteText,
        diff: endOffset - each.ackOffset,
        inSync: each.isKnown && master!.gate.isInSync(each),
        slaveAckOffset: each.ackOffset,
        transferFromWhere: each.sentOffset,
        transferredByteInSecond: each.bytesInSecond,
      })),
      inSyncSlaveNums: master === null ? 0 : master.gate.liveReplicas() - 1,
      master: master !== null,
      masterCommitLogMaxOffset: endOffset,
    };
  }

  #haAddress(): string | null {
    return this.#parts.settings().store.haMasterAddress || this.#masterHaAddress;
  }

  #makeMaster(): HaMaster {
    const { net, clock, log, store, settings, election } = this.#parts;
    const makeGate = (connections: Iterable<HaConnection>) =>
      this.#followers = this.#makeFollowers(connections, election!);
    const { store: options } = settings();
    const allowed = new AddressList(options.haAllowedAddresses);
    const master = new HaMaster({
      net,
      clock,
      log,
      source: store.replicaLog,
      options,
      isAllowed: (host) => allowed.isEmpty || allowed.has(host),
      slavesAt: (host) => allowed.has(host) ? Infinity : this.#hosts.count(host),
      onProgress: () => store.replicasChanged(),
      ...(election !== null && { makeGate }),
    });
    store.onAppended(() => master.appended());
    store.attachReplicas(master.gate);
    return master;
  }

  #makeFollowers(connections: Iterable<HaConnection>, { replicaTimeoutMs, onFollowers }: BrokerElection): InSyncSet {
    const { clock, store, settings } = this.#parts;
    return new InSyncSet({
      clock,
      connections,
      endOffset: () => store.replicaLog.endOffset,
      promisedOffset: () => store.figures().readableOffset,
      minInSyncReplicas: () => settings().store.minInSyncReplicas,
      lateMs: replicaTimeoutMs,
      onChange: () => store.replicasChanged(),
      onReview: onFollowers,
    });
  }

  /** Has a replica that follows been given everything that the leader had when it began to follow? */
  #lookForCatchUp(): void {
    if (this.#catchUpTo === null || !this.isFollowing) return;
    if (this.#parts.store.replicaLog.endOffset < this.#catchUpTo) return;
    this.#catchUpTo = null;
    this.election?.onCaughtUp();
  }

  #makeSlave(): HaSlave {
    const { net, clock, log, store, settings, client, election, brokerAddr } = this.#parts;
    const { broker, store: options } = settings();
    const link = new MasterLink({
      client,
      store,
      log,
      masterAddr: () => this.#masterAddr,
      truncatesToMasterFlushed: () => settings().store.syncMasterFlushOffsetWhenStartup,
      identity: {
        clusterName: broker.brokerClusterName,
        brokerName: broker.brokerName,
        brokerId: broker.brokerId,
      },
      election: election && {
        replicaId: election.replicaId,
        replicaAddress: brokerAddr,
        replicaKey: election.key,
        epoch: election.epoch,
      },
    });
    return new HaSlave({
      net,
      clock,
      log,
      store,
      options,
      masterAddress: () => this.#haAddress(),
      explainSilence: (address: string) => this.#explainSilence(address),
      ...(election === null ? { onAway: () => this.#lookForMaster() } : { reconnectMs: ELECTED_RECONNECT_MS }),
      agree: async (own: Address) => {
        const isSure = await link.agree(own);
        this.#catchUpTo = link.masterEndOffset;
        // At once where nothing is missing: from the first report on it may be named as in sync.
        if (election !== null) this.#lookForCatchUp();
        this.#sync?.soon();
        return isSure;
      },
    });
  }

  /**
   * `haMasterAddress` is written by hand. Nobody is asked at that port: where it is RocketMQ's port for slaves after all, its
   * bytes would count as a slave's report of more than there is, and a SYNC_MASTER would wait for no slave any more.
   */
  #explainSilence(address: string): string | null {
    const { store, assigned } = this.#parts.settings();
    if (address !== store.haMasterAddress || this.#masterAddr === null) return null;
    const { port } = parseAddress(address);
    const { port: listenPort } = parseAddress(this.#masterAddr);
    if (port !== listenPort && port !== listenPort - VIP_PORT_DISTANCE) return null;
    const why =
      `it is a broker's port for clients (listenPort; the name servers tell ${this.#masterAddr} for the master): ` +
      "set the master's haListenPort, which is listenPort + 1 unless it was set";
    if (!this.#isWarned) {
      this.#parts.warn(
        `${assigned.get("haMasterAddress") ?? "default"}: haMasterAddress=${address}: not followed: ${why}`,
      );
    }
    this.#isWarned = true;
    return why;
  }

  /** The master is not where it was looked for: it may be where another name server says, or have moved. */
  #lookForMaster(): void {
    const tried = { masterAddr: this.#masterAddr ?? "", haServerAddr: this.#masterHaAddress };
    const other = this.#told.other(tried);
    if (other !== null) this.setMaster(other.masterAddr, other.haServerAddr);
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#askedMs < ASK_AGAIN_MS) return;
    this.#askedMs = now;
    this.#parts.askNameServers();
  }

  /** Connections that have not said who they are: are they slaves that a name server lists? */
  async #review(): Promise<void> {
    const { master } = this;
    if (master === null || [...master.connections].every((each) => each.isKnown)) return;
    await this.#hosts.lookUp();
    master.reviewTrust();
  }
}
