/**
 * Name servers, brokers and clients on machines of a simulated world, to be killed, cut off and started again.
 *
 * @module
 */
import { Broker } from "../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../support/broker_configuration.ts";
import { Client } from "../../src/client/client.ts";
import type { ReceivedMessage } from "../../src/client/message.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import { openNamesrvConfiguration } from "../../src/namesrv/configuration.ts";
import { NameServer } from "../../src/namesrv/namesrv.ts";
import type { SimProcess, SimWorld } from "../support/world.ts";

const NAMESRV_PORT = 9876;

/** Settings of a broker, as in its file. */
export type BrokerSettingsText = Readonly<Record<string, string>>;

/** A running server. */
export interface Running {
  readonly process: SimProcess;
  /** Stops it as SIGTERM does. */
  stop(): Promise<void>;
}

/** A running broker. */
export interface RunningBroker extends Running {
  readonly broker: Broker;
}

/** A cluster; its name servers are the machines `namesrv-1`, `namesrv-2`, …. */
export class ClusterWorld {
  readonly namesrvAddr: string;
  readonly #names: readonly string[];

  constructor(readonly world: SimWorld, nameServers = 2) {
    this.#names = Array.from({ length: nameServers }, (_, i) => `namesrv-${i + 1}`);
    this.namesrvAddr = this.#names.map((name) => `${world.machine(name).ip}:${NAMESRV_PORT}`).join(";");
  }

  /** Starts all name servers. */
  async startNameServers(): Promise<Running[]> {
    return await Promise.all(this.#names.map((name) => this.startNameServer(name)));
  }

  /** Starts one on the machine of that name. */
  async startNameServer(name: string): Promise<Running> {
    const process = this.world.machine(name).boot();
    const { net, clock, disk, logging } = process;
    const overrides = { listenPort: String(NAMESRV_PORT), kvConfigPath: "/namesrv/kvConfig.json" };
    const configuration = openNamesrvConfiguration({ disk, overrides });
    const server = new NameServer({ net, clock, disk, log: logging.logger("namesrv"), configuration });
    await server.start();
    return { process, stop: () => server.stop() };
  }

  /** Starts a broker on the machine of its name, also again after its end. */
  async startBroker(name: string, settings: BrokerSettingsText = {}): Promise<RunningBroker> {
    const machine = this.world.machine(name);
    const process = machine.boot();
    const configuration = testBrokerConfiguration(process.disk, {
      brokerName: name,
      brokerIP1: machine.ip,
      namesrvAddr: this.namesrvAddr,
      storePathRootDir: "/store",
      mappedFileSizeCommitLog: String(1024 * 1024),
      mappedFileSizeConsumeQueue: String(20 * 1000),
      ...settings,
    });
    const { net, clock, disk, random, logging } = process;
    const log = (logName: string) => logging.logger(logName);
    const broker = new Broker({ net, clock, disk, random, configuration, log });
    await broker.start();
    return { broker, process, stop: () => broker.stop() };
  }

  /** A client in a new process on the machine of that name. */
  client(machine: string, options: Partial<ClientOptions> = {}): Client {
    return this.clientProcess(machine, options).client;
  }

  /** As {@linkcode client}, with its process. */
  clientProcess(machine: string, options: Partial<ClientOptions> = {}): { client: Client; process: SimProcess } {
    const process = this.world.machine(machine).boot();
    const { clock, net, random, disk, logging } = process;
    const client = new Client(
      { namesrvAddr: this.namesrvAddr, clientIp: this.world.machine(machine).ip, homeDirectory: "/home", ...options },
      { clock, net, random, disk, log: logging.logger("client") },
    );
    return { client, process };
  }
}

/** All messages that a topic's queues on one broker hold. */
export async function readTopic(client: Client, topic: string): Promise<ReceivedMessage[]> {
  const consumer = client.pullConsumer({ group: "READ_ALL" });
  await consumer.start();
  const messages: ReceivedMessage[] = [];
  for (const queue of await consumer.fetchMessageQueues(topic)) {
    for (let offset = await consumer.minOffset(queue);;) {
      const result = await consumer.pull(queue, offset);
      if (result.status !== "FOUND" && result.nextBeginOffset <= offset) break; // else there is a hole
      messages.push(...result.messages);
      offset = result.nextBeginOffset;
    }
  }
  await consumer.shutdown();
  return messages;
}
