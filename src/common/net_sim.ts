/**
 * A network in memory, on virtual time: machines with names and addresses, connections with delay, limited buffers and
 * reads that stop anywhere, and everything that happens to them (partitions, resets, dead processes, machines without
 * power), the same way for the same seed.
 *
 * {@linkcode SimNet.host} gives the `Net` of one process. What a process that was killed or lost its machine still waits
 * for never settles; its peers see the end of the stream, or nothing at all.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import type { Address } from "./net.ts";
import { Flow, type FlowNetwork } from "./net_sim_flow.ts";
import { type HostNetwork, SimHost, SimMachine } from "./net_sim_host.ts";
import { SimSocket } from "./net_sim_socket.ts";
import type { Random } from "./random.ts";

const LOOPBACK_MS = 0.02;
/** How long the first repetition of a lost packet takes. */
const RETRANSMIT_MS = 200;

/** Properties of a simulated network. */
export interface SimNetOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way between two machines; 0.2 by default. Within a machine it takes 0.02. */
  readonly latencyMs?: number;
  /** Added to it, drawn evenly from 0 to this; 0 by default. */
  readonly jitterMs?: number;
  /** For each direction of a connection; unlimited by default. */
  readonly bytesPerMs?: number;
  /** Share of packets, 0 to 1, that arrive 200 ms late because they were lost once; 0 by default. */
  readonly lossRate?: number;
  /** What a direction of a connection holds before writes wait; 256 KiB by default. */
  readonly bufferBytes?: number;
  /** Share of reads and writes that stop at a random point; 1/8 by default. */
  readonly splitRate?: number;
  /** How long an end with unacknowledged bytes tries before it breaks; 15 minutes by default. */
  readonly giveUpMs?: number;
}

/** A simulated network. */
export class SimNet {
  /** Source of the network's time. */
  readonly clock: Clock;
  /** Source of its chances. */
  readonly random: Random;
  readonly #options: Required<SimNetOptions>;
  readonly #machines = new Map<string, SimMachine>();
  readonly #blocked = new Set<string>();
  readonly #sockets = new Map<SimSocket, { from: SimMachine; to: SimMachine }>();
  readonly #flowNetwork: FlowNetwork;
  readonly #hostNetwork: HostNetwork;

  constructor(options: SimNetOptions) {
    this.clock = options.clock;
    this.random = options.random;
    const defaults = { latencyMs: 0.2, jitterMs: 0, bytesPerMs: Infinity, lossRate: 0, giveUpMs: 900_000 };
    this.#options = { ...defaults, bufferBytes: 256 * 1024, splitRate: 1 / 8, ...options };
    this.#flowNetwork = {
      clock: this.clock,
      giveUpMs: this.#options.giveUpMs,
      stalled: new Set(),
      delayMs: (from, to) => this.#delayMs(from === to),
      sendingMs: (sizeBytes) => sizeBytes / this.#options.bytesPerMs,
      isOpen: (from, to) => this.#isOpen(from.name, to.name),
    };
    this.#hostNetwork = {
      clock: this.clock,
      find: (host) => this.#find(host),
      flow: (from, to) => new Flow(this.#flowNetwork, from, to),
      socket: (ways, local, remote) => this.#socket(ways, local, remote),
    };
  }

  /** A process on the machine `name`, which is made with the address `ip` when there is none of that name. */
  host(name: string, ip: string): SimHost {
    let machine = this.#machines.get(name);
    if (machine === undefined) this.#machines.set(name, machine = new SimMachine(name, ip));
    return new SimHost(this.#hostNetwork, machine);
  }

  /** Blocks the way between two machines, or only from the first to the second: bytes wait, connections hang. */
  partition(a: string, b: string, options: { oneWay?: boolean } = {}): void {
    this.#blocked.add(`${a}>${b}`);
    if (options.oneWay !== true) this.#blocked.add(`${b}>${a}`);
  }

  /** Blocks all ways to and from a machine. */
  isolate(name: string): void {
    for (const other of this.#machines.keys()) if (other !== name) this.partition(name, other);
  }

  /** Opens all ways, or those between two machines: what waited arrives. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) this.#blocked.clear();
    else for (const way of [`${a}>${b}`, `${b}>${a}`]) this.#blocked.delete(way);
    this.#resume();
  }

  /** Breaks all connections between two machines, at both ends at once. */
  reset(a: string, b: string): void {
    for (const [socket, { from, to }] of [...this.#sockets]) {
      const concerned = (from.name === a && to.name === b) || (from.name === b && to.name === a);
      if (concerned) socket.break("reset");
    }
  }

  /** Takes a machine's power: its processes are dead and nobody is told. */
  powerOff(name: string): void {
    const machine = this.#machines.get(name);
    if (machine === undefined) return;
    machine.powered = false;
    for (const process of machine.processes) process.vanish();
    machine.processes.clear();
  }

  /** Gives it back. Peers of its old connections are told when they send something. */
  powerOn(name: string): void {
    const machine = this.#machines.get(name);
    if (machine !== undefined) machine.powered = true;
    this.#resume();
  }

  #find(host: string): SimMachine | null {
    for (const machine of this.#machines.values()) if (machine.ip === host || machine.name === host) return machine;
    return null;
  }

  #socket(ways: { from: SimMachine; to: SimMachine; flow: Flow }, local: Address, remote: Address): SimSocket {
    const { from, to, flow } = ways;
    const { bufferBytes, splitRate } = this.#options;
    const socket = new SimSocket(local, remote, { random: this.random, bufferBytes, splitRate, flow });
    this.#sockets.set(socket, { from, to });
    socket.onEnd = () => this.#sockets.delete(socket);
    return socket;
  }

  #delayMs(local: boolean): number {
    if (local) return LOOPBACK_MS;
    const { latencyMs, jitterMs, lossRate } = this.#options;
    const lateMs = lossRate > 0 && this.random.next() < lossRate ? RETRANSMIT_MS : 0;
    return latencyMs + lateMs + (jitterMs > 0 ? this.random.next() * jitterMs : 0);
  }

  #isOpen(from: string, to: string): boolean {
    return !this.#blocked.has(`${from}>${to}`) && this.#machines.get(to)?.powered === true;
  }

  #resume(): void {
    for (const flow of [...this.#flowNetwork.stalled]) flow.resume();
  }
}
