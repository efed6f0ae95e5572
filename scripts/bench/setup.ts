/**
 * Running brokers that scenarios work on: one, one that syncs, a master with its slave, three in a process. Each setup of a
 * round begins with an empty store.
 *
 * @module
 */
import { freeBrokerPort, freePort } from "../interop/ports.ts";
import { startProcess } from "../interop/process.ts";
import { waitForRegistration } from "../interop/raw_client.ts";
import type { RucolaCommand } from "../interop/rucola_server.ts";
import { BOOT_LINE, BOOT_TIMEOUT_MS, brokerProperties, type Platform, type Server } from "../interop/server.ts";
import { masterProperties, startSlave } from "./with_slave.ts";

/** `none`: the scenario starts its brokers itself. `fresh`: one broker that nobody has worked on yet. */
export type SetupName = "none" | "fresh" | "plain" | "syncFlush" | "asyncPair" | "syncPair" | WorkersName;

/** Several brokers in one process, each in a worker, on all cores or on the first one. */
type WorkersName = "three" | "oneOnOne" | "twoOnOne" | "twoOnTwo";

/** Brokers at work. */
export interface Setup {
  readonly namesrvAddr: string;
  /** The one that is measured: a master, or the process of several. */
  readonly broker: Server;
  /** Where messages go, HOST:PORT; one for each broker. */
  readonly addresses: readonly string[];
  /** Their store directories, in the same order. */
  readonly stores: readonly string[];
}

/** What starting a setup needs. */
export interface SetupPlace {
  readonly platform: Platform;
  /** Our own command, which alone can run several brokers in one process; null for Java. */
  readonly rucola: RucolaCommand | null;
  readonly dir: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Starts a setup; disposing of `stack` stops it. @throws {Error} when a server does not start. */
export async function startSetup(name: SetupName, place: SetupPlace, stack: AsyncDisposableStack): Promise<Setup> {
  const namesrv = await place.platform.startNamesrv({ dir: `${place.dir}/namesrv`, port: freePort() });
  stack.use(namesrv.process);
  const workers = WORKERS[name];
  if (workers !== undefined) return await startWorkers(workers, place, { namesrvAddr: namesrv.address, stack });
  const role = PAIR_ROLES[name];
  const options = {
    dir: `${place.dir}/broker`,
    port: freeBrokerPort(),
    namesrvAddr: namesrv.address,
    properties: {
      ...place.properties,
      ...(name === "syncFlush" ? { flushDiskType: "SYNC_FLUSH" } : {}),
      ...(role === undefined ? {} : masterProperties(role)),
    },
  };
  const broker = await place.platform.startBroker(options);
  stack.use(broker.process);
  await waitForRegistration(namesrv.address, broker.address);
  if (role !== undefined) stack.use(await startSlave(place.platform, broker, options));
  return setupOfOne(namesrv.address, broker, options.dir);
}

/** The setup of one broker that is there, whose store is in `dir`. */
export function setupOfOne(namesrvAddr: string, broker: Server, dir: string): Setup {
  return { namesrvAddr, broker, addresses: [broker.address], stores: [`${dir}/store`] };
}

/** The master's role in setups with a slave. */
const PAIR_ROLES: Readonly<Partial<Record<SetupName, string>>> = { asyncPair: "ASYNC_MASTER", syncPair: "SYNC_MASTER" };

/** How many brokers, and on which cores (for `taskset`). */
interface Workers {
  readonly brokers: number;
  readonly cores: string | null;
}

const WORKERS: Readonly<Partial<Record<SetupName, Workers>>> = {
  three: { brokers: 3, cores: null },
  oneOnOne: { brokers: 1, cores: "0" },
  twoOnOne: { brokers: 2, cores: "0" },
  twoOnTwo: { brokers: 2, cores: null },
};

async function startWorkers(
  workers: Workers,
  place: SetupPlace,
  world: { namesrvAddr: string; stack: AsyncDisposableStack },
): Promise<Setup> {
  const { namesrvAddr, stack } = world;
  if (place.rucola === null) throw new Error("Only rucola runs several brokers in one process");
  const addresses: string[] = [];
  const stores: string[] = [];
  const files: string[] = [];
  for (let index = 0; index < workers.brokers; index++) {
    const port = freeBrokerPort();
    const dir = `${place.dir}/broker-${index}`;
    const properties = { ...place.properties, brokerName: `broker-${index}` };
    await Deno.mkdir(dir, { recursive: true });
    await Deno.writeTextFile(`${dir}/broker.properties`, brokerProperties({ dir, port, namesrvAddr, properties }));
    files.push("-c", `${dir}/broker.properties`);
    addresses.push(`127.0.0.1:${port}`);
    stores.push(`${dir}/store`);
  }
  const process = await startProcess({
    name: "brokers",
    dir: place.dir,
    command: [
      ...(workers.cores === null ? [] : ["taskset", "-c", workers.cores]),
      ...place.rucola.command,
      "broker",
      ...files,
    ],
    env: { ROCKETMQ_HOME: place.dir },
  });
  stack.use(process);
  await process.waitForOutput(new RegExp(`(${BOOT_LINE.source}[^]*){${workers.brokers}}`), BOOT_TIMEOUT_MS);
  for (const address of addresses) await waitForRegistration(namesrvAddr, address);
  return { namesrvAddr, broker: { address: addresses[0]!, process }, addresses, stores };
}
