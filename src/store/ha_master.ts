/**
 * The master's side of replication: listens on the HA port, serves any number of slaves, and knows how far each is.
 *
 * Who may connect: everybody, or those whose address is on a list (`haAllowedAddresses`). Whose acknowledgements count for
 * producers: nodes of ours that have identified themselves over the remoting port ({@linkcode HaMaster.identify}), and from
 * each host as many more as slaves of this broker are known to live there. The HA bytes themselves carry no identity.
 *
 * RocketMQ counterpart: `DefaultHAService`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Listener, type Net, type Socket } from "../common/net.ts";
import { HaConnection, type HaConnectionContext } from "./ha_connection.ts";
import { HaFlow } from "./ha_flow.ts";
import { HaGate, type HaGateOptions, type MasterGate } from "./ha_gate.ts";
import type { ReplicaLog } from "./replica_log.ts";

/** Slaves that may be connected at a time; one more takes the place of the oldest that is not known, or is turned away. */
const CONNECTIONS_MAX = 64;
/** Looks at silence and heartbeats in the shorter of both intervals. */
const TICKS_PER_INTERVAL = 5;
/** A gate that notes how far everybody is does so this often. */
const GATE_TICK_MS = 100;
/** An identification waits so long for its connection. */
const IDENTIFIED_MS = 30_000;

/** The options that the master's side obeys. */
export interface HaMasterOptions extends HaGateOptions {
  readonly haTransferBatchSize: number;
  readonly haSendHeartbeatInterval: number;
  readonly haHousekeepingInterval: number;
  readonly haFlowControlEnable: boolean;
  readonly maxHaTransferByteInSecond: number;
}

/** What the master's side is made of. */
export interface HaMasterParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  readonly source: ReplicaLog;
  readonly options: HaMasterOptions;
  /** Whether this host may connect at all. */
  readonly isAllowed: (host: string) => boolean;
  /** How many slaves of this broker are known to live at this host; Infinity for any number. */
  readonly slavesAt: (host: string) => number;
  /** An answer of the gate may have changed. */
  readonly onProgress: () => void;
  /** Makes the gate of an elected leader; by default slaves are counted. */
  readonly makeGate?: (connections: Iterable<HaConnection>) => MasterGate;
}

/** Who an elected leader's follower says it is, and which connection is its own. */
export interface Introduction {
  readonly end: Address;
  readonly replicaId: number | null;
}

/** The master's side; see the module's text. */
export class HaMaster {
  readonly gate: MasterGate;
  readonly #parts: HaMasterParts;
  readonly #context: HaConnectionContext;
  readonly #connections = new Set<HaConnection>();
  /** Ends of connections that nodes of ours have told, with the time when. */
  readonly #identified = new Map<string, { readonly atMs: number; readonly replicaId: number | null }>();
  #listener: Listener | null = null;
  #timers: Timer[] = [];

  /** {@linkcode listen} begins. */
  constructor(parts: HaMasterParts) {
    const { clock, log, source, options } = parts;
    this.#parts = parts;
    this.gate = parts.makeGate?.(this.#connections) ??
      new HaGate(this.#connections, () => source.endOffset, () => options);
    this.#context = {
      clock,
      log,
      source,
      flow: new HaFlow(clock, options.haFlowControlEnable ? options.maxHaTransferByteInSecond : Infinity),
      batchSize: options.haTransferBatchSize,
      heartbeatMs: options.haSendHeartbeatInterval,
      silenceMaxMs: options.haHousekeepingInterval,
      onProgress: parts.onProgress,
      onClosed: (connection) => {
        this.#connections.delete(connection);
        parts.onProgress();
      },
    };
  }

  /** The slaves that are connected. */
  get connections(): ReadonlySet<HaConnection> {
    return this.#connections;
  }

  /** Listens; returns where. @throws {ConnectionError} when the port is taken. */
  listen(address: Address): Address {
    const { net, clock, options } = this.#parts;
    this.#listener = net.listen(address);
    this.#accept(this.#listener);
    const intervalMs = Math.min(options.haSendHeartbeatInterval, options.haHousekeepingInterval);
    this.#timers = [clock.every(Math.max(1, intervalMs / TICKS_PER_INTERVAL), () => this.#tick())];
    if (this.gate.tick !== undefined) this.#timers.push(clock.every(GATE_TICK_MS, () => this.gate.tick!()));
    return this.#listener.address;
  }

  /** The log has grown. */
  appended(): void {
    for (const connection of this.#connections) connection.wake();
  }

  /** A node of ours says over the remoting port which connection is its own. */
  identify({ end, replicaId }: Introduction): void {
    const text = formatAddress(end);
    for (const connection of this.#connections) {
      if (connection.remoteText !== text) continue;
      this.#know(connection, replicaId);
      return this.#parts.onProgress();
    }
    this.#identified.set(text, { atMs: this.#parts.clock.monotonicMs(), replicaId });
  }

  /** Asks again about the hosts of connections that are not known yet. */
  reviewTrust(): void {
    let changed = false;
    for (const connection of this.#connections) {
      if (connection.isKnown || !this.#isTrusted(connection.remote.host)) continue;
      connection.isKnown = changed = true;
      this.#parts.log.info(
        `HA: a slave of this broker is known at ${connection.remoteText}: what it acknowledges counts`,
      );
    }
    if (changed) this.#parts.onProgress();
  }

  /** Stops listening and ends all connections. */
  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#listener?.close();
    for (const connection of [...this.#connections]) connection.close("the master stops");
  }

  async #accept(listener: Listener): Promise<void> {
    for (let socket = await listener.accept(); socket !== null; socket = await listener.accept()) this.#serve(socket);
  }

  #serve(socket: Socket): void {
    const { log, clock, isAllowed } = this.#parts;
    const text = formatAddress(socket.remote);
    const why = !isAllowed(socket.remote.host)
      ? "its address is not in haAllowedAddresses"
      : !this.#makeRoom()
      ? `${CONNECTIONS_MAX} slaves are connected`
      : null;
    if (why !== null) {
      log.warn(`HA: connection from ${text} is refused: ${why}`);
      return socket.close();
    }
    const connection = new HaConnection(socket, this.#context, new HaFlow(clock));
    this.#connections.add(connection);
    const identified = this.#identified.get(text);
    this.#identified.delete(text);
    if (identified !== undefined) this.#know(connection, identified.replicaId);
    else connection.isKnown = this.#isTrusted(socket.remote.host);
    log.info(`HA: connection from ${text}`);
    connection.run();
  }

  /** Whether a connection from this host may be that of a slave which has none yet. */
  #isTrusted(host: string): boolean {
    let known = 0;
    for (const connection of this.#connections) if (connection.isKnown && connection.remote.host === host) known++;
    return known < this.#parts.slavesAt(host);
  }

  /** Whether there is room for one more: strangers must not keep slaves away by being many. */
  #makeRoom(): boolean {
    if (this.#connections.size < CONNECTIONS_MAX) return true;
    for (const connection of this.#connections) {
      if (connection.isKnown) continue;
      connection.close("its place is given to a newer connection: it is not known");
      return true;
    }
    return false;
  }

  /** A connection is that of a node of ours; a former one of the same replica is a leftover. */
  #know(connection: HaConnection, replicaId: number | null): void {
    connection.isKnown = connection.isIdentified = true;
    connection.replicaId = replicaId;
    if (replicaId === null) return;
    for (const other of [...this.#connections]) {
      if (other !== connection && other.replicaId === replicaId) other.close("the replica has connected again");
    }
  }

  #tick(): void {
    const before = this.#parts.clock.monotonicMs() - IDENTIFIED_MS;
    for (const [end, { atMs }] of this.#identified) if (atMs < before) this.#identified.delete(end);
    for (const connection of [...this.#connections]) connection.tick();
  }
}
