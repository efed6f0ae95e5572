/**
 * A whole broker on a simulated machine with the address that the captured one had, and peers that replay captured frames.
 *
 * @module
 */
import { Broker } from "../../../src/broker/broker.ts";
import { testBrokerConfiguration } from "../../support/broker_configuration.ts";
import { type Command, SERIALIZE_JSON } from "../../../src/remoting/command.ts";
import { decodeFrameBytes, encodeFrame } from "../../../src/remoting/frame.ts";
import type { SimProcess, SimWorld } from "../../support/world.ts";
import { RawPeer } from "./send_bench.ts";

const PORT = 20911;

/** A running broker. */
export interface BenchBroker {
  readonly broker: Broker;
  readonly process: SimProcess;
  /** A connection from the machine of that name. */
  connect(machine: string): Promise<Peer>;
}

/** Starts a broker like the captured one: broker-a of DefaultCluster at 127.0.0.1:20911. */
export async function startBenchBroker(
  world: SimWorld,
  overrides: Readonly<Record<string, string>> = {},
): Promise<BenchBroker> {
  const machine = world.machine("broker");
  const process = machine.boot();
  const configuration = testBrokerConfiguration(process.disk, {
    brokerName: "broker-a",
    brokerIP1: "127.0.0.1",
    listenPort: String(PORT),
    storePathRootDir: "/store",
    mappedFileSizeCommitLog: String(4 * 1024 * 1024),
    ...overrides,
  });
  const { net, clock, disk, random, logging } = process;
  const log = (name: string) => logging.logger(name);
  const broker = new Broker({ net, clock, disk, random, configuration, log });
  await broker.start();
  const connect = async (name: string) => new Peer(await RawPeer.connect(world.machine(name).boot(), machine.ip, PORT));
  return { broker, process, connect };
}

/** A peer of the broker that sends captured or hand-made requests. */
export class Peer {
  /** Requests of the broker that came meanwhile. */
  readonly received: Command[] = [];
  #opaque = 1000;

  constructor(readonly raw: RawPeer) {}

  /** Sends a captured frame as it is. */
  async replay(name: string): Promise<Command> {
    await this.raw.send(goldenFrame(name).bytes);
    return await this.answer();
  }

  /** Sends a captured frame with other header fields. */
  async replayWith(name: string, ext: Readonly<Record<string, string>>): Promise<Command> {
    await this.#sendWith(name, ext);
    return await this.answer();
  }

  /** As {@linkcode replayWith}, for one-way requests. */
  async tell(name: string, ext: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#sendWith(name, ext);
  }

  /** Sends a request of its own. */
  async ask(
    code: number,
    ext: Readonly<Record<string, string>>,
    body: Uint8Array = new Uint8Array(0),
  ): Promise<Command> {
    const header = { code, language: "JAVA", version: 513, opaque: ++this.#opaque, flag: 0, remark: null, ext };
    await this.raw.send(encodeFrame(header, body, SERIALIZE_JSON));
    return await this.answer();
  }

  /** The next response; requests that come before it are kept, and answered with SUCCESS unless they are one-way. */
  async answer(): Promise<Command> {
    for (;;) {
      const command = await this.next();
      if ((command.flag & 1) !== 0) return command;
    }
  }

  /** The next frame of any kind. */
  async next(): Promise<Command> {
    const command = await this.raw.receive();
    if (command === null) throw new Error("the broker has closed the connection");
    if ((command.flag & 1) === 0) {
      this.received.push(command);
      const isOneway = (command.flag & 2) !== 0;
      const answer = { ...command, code: 0, flag: 1, remark: null, ext: {} };
      if (!isOneway) await this.raw.send(encodeFrame(answer, new Uint8Array(0), command.serialize));
    }
    return command;
  }

  close(): void {
    this.raw.socket.close();
  }

  async #sendWith(name: string, ext: Readonly<Record<string, string>>): Promise<void> {
    const { request } = goldenFrame(name);
    await this.raw.send(encodeFrame({ ...request, ext: { ...request.ext, ...ext } }, request.body, request.serialize));
  }
}

/** A captured request and what was answered. */
export interface GoldenFrame {
  readonly bytes: Uint8Array;
  readonly request: Command;
  readonly response: Command | null;
}

/** The exchange in `tests/golden/broker/NAME.json`. */
export function goldenFrame(name: string): GoldenFrame {
  const url = new URL(`../../golden/broker/${name}.json`, import.meta.url);
  const json = JSON.parse(Deno.readTextFileSync(url)) as { request: { hex: string }; response?: { hex: string } };
  const bytes = Uint8Array.fromHex(json.request.hex);
  const response = json.response === undefined ? null : decodeFrameBytes(Uint8Array.fromHex(json.response.hex));
  return { bytes, request: decodeFrameBytes(bytes), response };
}

/** The captured answer to a request. */
export function goldenAnswer(name: string): Command {
  const { response } = goldenFrame(name);
  if (response === null) throw new Error(`${name} has no answer`);
  return response;
}
