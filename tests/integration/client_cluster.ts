/**
 * A cluster on virtual time for the client's tests: a name server and a broker on machines of a simulated world, and
 * clients on others.
 *
 * @module
 */
import { Broker } from "../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../support/broker_configuration.ts";
import { Client } from "../../src/client/client.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import { openNamesrvConfiguration } from "../../src/namesrv/configuration.ts";
import { NameServer } from "../../src/namesrv/namesrv.ts";
import type { SimProcess, SimWorld } from "../support/world.ts";

/** Where the name server listens. */
export const NAMESRV_PORT = 9876;

/** A running name server and its brokers. */
export interface Cluster {
  readonly namesrvAddr: string;
  /** A client on the machine of that name, whose clock, disk and network it has. */
  client(machine: string, options?: Partial<ClientOptions>): Client;
  /** Starts a broker on a machine of its name, again after a kill. */
  startBroker(name: string): Promise<RunningBroker>;
}

/** A broker and its process, to be killed. */
export interface RunningBroker {
  readonly broker: Broker;
  readonly process: SimProcess;
}

/** Starts a name server. */
export async function startCluster(world: SimWorld): Promise<Cluster> {
  const machine = world.machine("namesrv");
  const process = machine.boot();
  const namesrvAddr = `${machine.ip}:${NAMESRV_PORT}`;
  const server = new NameServer({
    net: process.net,
    clock: process.clock,
    disk: process.disk,
    log: process.logging.logger("namesrv"),
    configuration: openNamesrvConfiguration({
      disk: process.disk,
      overrides: { listenPort: String(NAMESRV_PORT), kvConfigPath: "/namesrv/kvConfig.json" },
    }),
  });
  await server.start();
  return {
    namesrvAddr,
    client(name, options = {}) {
      const host = world.machine(name);
      const own = host.boot();
      return new Client(
        { namesrvAddr, clientIp: host.ip, homeDirectory: "/home", ...options },
        { clock: own.clock, net: own.net, random: own.random, disk: own.disk, log: own.logging.logger("client") },
      );
    },
    startBroker: (name) => startBroker(world, name, namesrvAddr),
  };
}

async function startBroker(world: SimWorld, name: string, namesrvAddr: string): Promise<RunningBroker> {
  const machine = world.machine(name);
  const process = machine.boot();
  const configuration = testBrokerConfiguration(process.disk, {
    brokerName: name,
    brokerIP1: machine.ip,
    namesrvAddr,
    storePathRootDir: "/store",
    mappedFileSizeCommitLog: String(16 * 1024 * 1024),
  });
  const broker = new Broker({
    net: process.net,
    clock: process.clock,
    disk: process.disk,
    random: process.random,
    configuration,
    log: (logName) => process.logging.logger(logName),
  });
  await broker.start();
  return { broker, process };
}
