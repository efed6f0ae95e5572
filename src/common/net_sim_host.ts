/**
 * Machines of a simulated network and the processes on them; a process has a `Net`. Part of `net_sim.ts`.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import { ConnectionError, invariant, ListenError, type ListenFault } from "./errors.ts";
import { type Address, formatAddress, type Listener, type Net, type NetworkInterface, type Socket } from "./net.ts";
import type { Flow } from "./net_sim_flow.ts";
import { SimSocket } from "./net_sim_socket.ts";

const BACKLOG_MAX = 511;
const FIRST_EPHEMERAL_PORT = 32768;

/** What hosts ask of the network around them. */
export interface HostNetwork {
  readonly clock: Clock;
  /** The machine with that name or address, or null. */
  find(host: string): SimMachine | null;
  /** A way for packets. */
  flow(from: SimMachine, to: SimMachine): Flow;
  /** An end of a connection, on `from`. */
  socket(ways: { from: SimMachine; to: SimMachine; flow: Flow }, local: Address, remote: Address): SimSocket;
}

/** A machine: what its processes share. */
export class SimMachine {
  powered = true;
  readonly processes = new Set<SimHost>();
  readonly listeners = new Set<SimListener>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(readonly name: string, readonly ip: string) {}

  /** A port that nobody listens on. */
  freePort(): number {
    do {
      this.#nextPort = this.#nextPort >= 65535 ? FIRST_EPHEMERAL_PORT : this.#nextPort + 1;
    } while ([...this.listeners].some((listener) => listener.address.port === this.#nextPort));
    return this.#nextPort;
  }

  /** Whether `host` names this machine to itself. */
  isLocal(host: string): boolean {
    return host === this.ip || host === this.name || isLoopback(host);
  }

  /** Who listens at an address of this machine, or null. */
  listenerFor(ip: string, port: number): SimListener | null {
    for (const listener of this.listeners) {
      const { address } = listener;
      if (address.port === port && (isWildcard(address.host) || address.host === ip)) return listener;
    }
    return null;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function isNumeric(host: string): boolean {
  return host.includes(":") || /^[\d.]+$/.test(host);
}

/** An attempt to connect, as the answers to it change it. */
interface Call {
  /** Whether it has timed out. */
  isOver(): boolean;
  refused(): void;
  connected(socket: Socket): void;
}

/** A listening port. */
export class SimListener implements Listener {
  readonly address: Address;
  readonly #owner: SimHost;
  readonly #onClose: () => void;
  readonly #backlog: SimSocket[] = [];
  #accepting: ((socket: Socket | null) => void) | null = null;
  #closed = false;

  constructor(address: Address, owner: SimHost, onClose: () => void) {
    this.address = address;
    this.#owner = owner;
    this.#onClose = onClose;
  }

  accept(): Promise<Socket | null> {
    invariant(this.#accepting === null, "one accept at a time");
    if (this.#closed) return Promise.resolve(null);
    const socket = this.#backlog.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#accepting = resolve);
  }

  close(): void {
    const accepting = this.#accepting;
    this.abandon();
    accepting?.(null);
  }

  /** Closes it for a process that died: a pending accept never settles. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#accepting = null;
    this.#onClose();
    for (const socket of this.#backlog) socket.close();
  }

  /** Whether another connection can wait. */
  get hasRoom(): boolean {
    return this.#backlog.length < BACKLOG_MAX;
  }

  /** A connection was made to it. */
  arrived(socket: SimSocket): void {
    this.#owner.adopt(socket);
    const accepting = this.#accepting;
    this.#accepting = null;
    if (accepting !== null) accepting(socket);
    else this.#backlog.push(socket);
  }
}

/** The network as one process sees it. */
export class SimHost implements Net {
  readonly #network: HostNetwork;
  readonly #machine: SimMachine;
  readonly #sockets = new Set<SimSocket>();
  readonly #listeners = new Set<SimListener>();
  #turn: (() => void)[] = [];
  #dead = false;

  constructor(network: HostNetwork, machine: SimMachine) {
    this.#network = network;
    this.#machine = machine;
    machine.processes.add(this);
  }

  /** @inheritdoc */
  listen({ host, port }: Address): Listener {
    const machine = this.#machine;
    const fail = (why: string, reason: ListenFault) =>
      new ListenError({ host, port }, reason, `Cannot listen on ${formatAddress({ host, port })}: ${why}`);
    if (this.#dead || !machine.powered) throw fail("this process is dead", "other");
    if (!isWildcard(host) && !machine.isLocal(host)) throw fail("not an address of this machine", "foreign-address");
    const ip = isLoopback(host) ? "127.0.0.1" : isWildcard(host) ? host : machine.ip;
    for (const { address } of machine.listeners) {
      const overlaps = isWildcard(ip) || isWildcard(address.host) || address.host === ip;
      if (port !== 0 && address.port === port && overlaps) throw fail("the port is taken", "taken");
    }
    const address = { host: ip, port: port === 0 ? machine.freePort() : port };
    const listener: SimListener = new SimListener(address, this, () => {
      machine.listeners.delete(listener);
      this.#listeners.delete(listener);
    });
    machine.listeners.add(listener);
    this.#listeners.add(listener);
    return listener;
  }

  /** @inheritdoc */
  connect(address: Address, timeoutMs: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new ConnectionError("connect", `Cannot connect to ${formatAddress(address)}: ${why}`));
      const there = this.#machine.isLocal(address.host) ? this.#machine : this.#network.find(address.host);
      if (there === null && !isNumeric(address.host)) return fail("no such host");
      let over = false;
      const timer = this.#network.clock.after(timeoutMs, () => {
        over = true;
        if (!this.#dead) fail(`no answer within ${timeoutMs} ms`);
      });
      const answered = () => {
        over = true;
        timer.cancel();
      };
      // An address that nobody has never answers.
      if (there === null) return;
      this.#callUp(there, address, {
        isOver: () => over,
        refused: () => {
          answered();
          fail("connection refused");
        },
        connected: (socket) => {
          answered();
          resolve(socket);
        },
      });
    });
  }

  /** @inheritdoc */
  resolve(host: string): Promise<string[]> {
    const found = isLoopback(host) ? "127.0.0.1" : this.#network.find(host)?.ip ?? (isNumeric(host) ? host : null);
    if (found !== null) return Promise.resolve([found]);
    return Promise.reject(new ConnectionError("connect", `Cannot find the address of ${host}: no such host`));
  }

  /** @inheritdoc */
  interfaces(): NetworkInterface[] {
    return [
      { name: "lo", address: "127.0.0.1", family: "IPv4" },
      { name: "eth0", address: this.#machine.ip, family: "IPv4" },
    ];
  }

  /** @inheritdoc */
  hostName(): string {
    return this.#machine.name;
  }

  /**
   * @inheritdoc
   *
   * A timer without delay: it runs behind every arrival of the same instant, and behind all that these set off.
   */
  atEndOfTurn(fn: () => void): void {
    if (this.#turn.push(fn) === 1) this.#network.clock.after(0, this.#endTurn);
  }

  readonly #endTurn = (): void => {
    // What they ask for is served in the same pass; a dead process does nothing.
    for (let i = 0; i < this.#turn.length && !this.#dead; i++) this.#turn[i]!();
    this.#turn = [];
  };

  /** The process dies: its listeners and connections are closed by the system, what it waits for never settles. */
  kill(): void {
    this.#dead = true;
    this.#machine.processes.delete(this);
    for (const listener of this.#listeners) listener.abandon();
    for (const socket of this.#sockets) socket.abandon();
  }

  /** The machine loses power: as {@linkcode kill}, but no peer is told. */
  vanish(): void {
    this.#dead = true;
    for (const socket of this.#sockets) socket.vanish();
    for (const listener of this.#listeners) listener.abandon();
  }

  /** Sends the call to another machine, or this one, and hears the answer. */
  #callUp(there: SimMachine, address: Address, call: Call): void {
    const network = this.#network, machine = this.#machine;
    const out = network.flow(machine, there), back = network.flow(there, machine);
    const ip = there === machine && isLoopback(address.host) ? "127.0.0.1" : there.ip;
    const local = { host: ip === "127.0.0.1" ? ip : machine.ip, port: machine.freePort() };
    const remote = { host: ip, port: address.port };
    out.send(0, () => {
      const listener = there.listenerFor(ip, address.port);
      if (listener === null) return back.send(0, () => !this.#dead && call.refused());
      if (!listener.hasRoom) return;
      const client = network.socket({ from: machine, to: there, flow: out }, local, remote);
      const server = network.socket({ from: there, to: machine, flow: back }, remote, local);
      SimSocket.join(client, server);
      // Sent before the listener hears of it, so that it arrives before the first byte of the server.
      back.send(0, () => {
        if (this.#dead || call.isOver()) return client.abandon();
        this.adopt(client);
        call.connected(client);
      });
      listener.arrived(server);
    });
  }

  /** For listeners and itself: the connection ends with this process. */
  adopt(socket: SimSocket): void {
    this.#sockets.add(socket);
    const onEnd = socket.onEnd;
    socket.onEnd = () => {
      this.#sockets.delete(socket);
      onEnd();
    };
  }
}
