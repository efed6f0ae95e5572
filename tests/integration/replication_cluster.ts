/**
 * A name server, a master and its slaves on machines of a simulated world, for tests of replication.
 *
 * @module
 */
import { Broker } from "../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../support/broker_configuration.ts";
import { readWhole } from "../../src/common/disk.ts";
import { decodeHaStatus, type HaStatus } from "../../src/protocol/bodies/ha_status.ts";
import { RequestCode } from "../../src/protocol/codes.ts";
import { RemotingClient } from "../../src/remoting/client.ts";
import type { SimProcess, SimWorld } from "../support/world.ts";

/** Size of a commitlog file. */
export const FILE_SIZE = 256 * 1024;
const PORT = 10911;

/** A broker and its process, to be killed. */
export interface Replica {
  readonly broker: Broker;
  readonly process: SimProcess;
  /** What its operator saw on the terminal. */
  readonly notices: string[];
}

/** Starts a master (id 0) or slave of `broker-a` on a machine, again after a kill. */
export async function startReplica(
  world: SimWorld,
  namesrvAddr: string,
  machineName: string,
  overrides: Readonly<Record<string, string>>,
): Promise<Replica> {
  const machine = world.machine(machineName);
  const process = machine.boot();
  const configuration = testBrokerConfiguration(process.disk, {
    brokerName: "broker-a",
    brokerIP1: machine.ip,
    brokerIP2: machine.ip,
    namesrvAddr,
    storePathRootDir: "/store",
    mappedFileSizeCommitLog: String(FILE_SIZE),
    mappedFileSizeConsumeQueue: "20000",
    maxHashSlotNum: "100",
    maxIndexNum: "2000",
    fileReservedTime: "1000",
    ...overrides,
  });
  const { net, clock, disk, random, logging } = process;
  const notices: string[] = [];
  const broker = new Broker({
    net,
    clock,
    disk,
    random,
    configuration,
    log: (name) => logging.logger(name),
    notify: ({ text }) => notices.push(text),
  });
  await broker.start();
  return { broker, process, notices };
}

/** Asks a broker how replication stands. */
export async function haStatus(world: SimWorld, machineName: string): Promise<HaStatus> {
  const { net, clock, logging } = world.machine("admin").boot();
  const client = new RemotingClient({ net, clock, log: logging.logger("admin") });
  try {
    const address = `${world.machine(machineName).ip}:${PORT}`;
    const reply = await client.invoke(address, { code: RequestCode.GET_BROKER_HA_STATUS, ext: {} }, 3000);
    return decodeHaStatus(reply.body);
  } finally {
    client.close();
  }
}

/** Waits until a slave has everything that its master has. */
export async function caughtUp(world: SimWorld, master: string, slave: string, limitMs = 60_000): Promise<void> {
  const endMs = world.clock.monotonicMs() + limitMs;
  for (;;) {
    try {
      const [theirs, ours] = [await haStatus(world, master), await haStatus(world, slave)];
      if (theirs.inSyncSlaveNums > 0 && theirs.masterCommitLogMaxOffset === ours.masterCommitLogMaxOffset) return;
    } catch {
      // One of them is starting.
    }
    if (world.clock.monotonicMs() > endMs) throw new Error(`${slave} did not catch up with ${master} in ${limitMs} ms`);
    await world.clock.sleep(50);
  }
}

/** The commitlog files of a machine that hold anything, by name; one that was made ahead of its use does not. */
export function commitlog(world: SimWorld, machineName: string): Map<string, Uint8Array> {
  const { disk } = world.machine(machineName);
  const directory = "/store/commitlog";
  const files = disk.list(directory).map(({ name }) => [name, readWhole(disk, `${directory}/${name}`)!] as const);
  return new Map(files.filter(([, bytes]) => bytes.some((byte) => byte !== 0)));
}
