/**
 * A group of replicas with an elected leader on a simulated world: a name server, an authority, brokers that are killed, cut
 * off, paused and lose their power, producers that note what was acknowledged by whom.
 *
 * @module
 */
import { ElectedBroker } from "../../src/broker/elected_broker.ts";
import { SimAuthority } from "../../src/election/authority_sim.ts";
import { GroupKeys, type GroupView } from "../../src/election/group_state.ts";
import { type Cluster, startCluster } from "../integration/client_cluster.ts";
import { testBrokerConfiguration } from "./broker_configuration.ts";
import type { SimProcess, SimWorld } from "./world.ts";

/** A running replica. */
export interface RunningReplica {
  readonly replica: ElectedBroker;
  readonly process: SimProcess;
  /** What its operator saw on the terminal. */
  readonly notices: string[];
}

/** A group; its machines are `r1`, `r2`, …. */
export class ElectedGroup {
  readonly authority: SimAuthority;
  readonly keys = new GroupKeys("/rucola", "DefaultCluster", "broker-a");
  readonly running = new Map<number, RunningReplica>();
  /** When each machine was booted. */
  readonly #boots = new Map<number, number>();

  private constructor(
    readonly world: SimWorld,
    readonly cluster: Cluster,
    readonly size: number,
    readonly settings: Readonly<Record<string, string>>,
  ) {
    this.authority = new SimAuthority(world.clock, world.random("authority"));
  }

  /** Starts a name server and all replicas. */
  static async start(world: SimWorld, size: number, settings: Record<string, string> = {}): Promise<ElectedGroup> {
    const group = new ElectedGroup(world, await startCluster(world), size, settings);
    for (let id = 1; id <= size; id++) await group.startReplica(id);
    return group;
  }

  /** Starts a replica, again after its end; on another machine than its own where one is named. */
  async startReplica(id: number, machineName = `r${id}`): Promise<RunningReplica> {
    const machine = this.world.machine(machineName);
    const process = machine.boot();
    const configuration = testBrokerConfiguration(process.disk, {
      brokerName: "broker-a",
      brokerIP1: machine.ip,
      brokerIP2: machine.ip,
      namesrvAddr: this.cluster.namesrvAddr,
      storePathRootDir: "/store",
      brokerRole: "SYNC_MASTER",
      haElection: "etcd://etcd:2379",
      haReplicaId: String(id),
      mappedFileSizeCommitLog: String(256 * 1024),
      mappedFileSizeConsumeQueue: "20000",
      maxHashSlotNum: "100",
      maxIndexNum: "2000",
      fileReservedTime: "1000",
      ...this.settings,
    });
    const { net, clock, disk, random, logging } = process;
    const notices: string[] = [];
    const replica = new ElectedBroker({
      net,
      clock,
      disk,
      random,
      configuration,
      log: (name) => logging.logger(name),
      authority: this.authority.reachedBy(machine.name, clock),
      replicaKey: `key ${this.world.clock.monotonicMs()} of ${id}`,
      notify: ({ text, isWarning }) => notices.push(`${isWarning ? "warning: " : ""}${text}`),
      uptimeMs: () => this.world.clock.monotonicMs() - (this.#boots.get(id) ?? 0),
    });
    const running = { replica, process, notices };
    this.running.set(id, running);
    await replica.start();
    return running;
  }

  /** As `kill -9`. */
  kill(id: number): void {
    this.running.get(id)?.process.kill();
    this.running.delete(id);
  }

  /** The machine's power fails and is back at once; the replica is not started. */
  losePower(id: number, policy?: Parameters<ReturnType<SimWorld["machine"]>["powerOff"]>[0]): void {
    const machine = this.world.machine(`r${id}`);
    machine.powerOff(policy);
    machine.powerOn();
    this.running.delete(id);
    this.#boots.set(id, this.world.clock.monotonicMs());
  }

  /** Cuts a machine off from everybody, the authority included. */
  cutOff(id: number): void {
    this.world.net.isolate(`r${id}`);
    this.authority.cutOff.add(`r${id}`);
  }

  /** Ends all cuts. */
  heal(): void {
    this.world.net.heal();
    this.authority.cutOff.clear();
    this.authority.isDown = false;
  }

  /** What stands in the authority. */
  view(): GroupView {
    return this.keys.view(this.authority.read(this.keys.prefix));
  }

  /** Replicas that may acknowledge now. */
  leaders(): number[] {
    return [...this.running].filter(([, { replica }]) => {
      const figures = replica.figures();
      return figures !== null && figures.isLeader && figures.idle === null;
    }).map(([id]) => id);
  }

  /** Waits until one replica leads, is registered, and so many are in sync; returns who leads. */
  async settled(inSync: number, limitMs = 60_000): Promise<number> {
    const isRegistered = (id: number) =>
      this.running.get(id)!.replica.nameServers.every(({ isRegistered }) => isRegistered);
    const isSettled = () => {
      const leaders = this.leaders();
      return leaders.length === 1 && isRegistered(leaders[0]!) &&
        (this.view().state?.value.inSync.length ?? 0) >= inSync;
    };
    await this.world.until(isSettled, `a leader with ${inSync} in sync`, limitMs);
    return this.leaders()[0]!;
  }
}
