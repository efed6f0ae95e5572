/**
 * Accepts connections on one or more ports and serves them from handler tables; closes those that are idle.
 * Source: RocketMQ `NettyRemotingServer`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type Address, formatAddress, type Listener, type Net } from "../common/net.ts";
import { Connection, type ConnectionLimits, DEFAULT_LIMITS } from "./connection.ts";
import type { FastHandlerTable, HandlerTable } from "./handler.ts";

/** How often idle connections are looked for. */
const IDLE_SCAN_PERIOD_MS = 5000;
/** A connection that was quiet for this long gives its large buffers back. */
const SHRINK_AFTER_MS = 10000;

/** What a server is made of. */
export interface RemotingServerOptions {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  /** A connection silent in both directions for this long is closed (`serverChannelMaxIdleTimeSeconds`, 120 s). */
  readonly idleMs: number;
  readonly limits?: ConnectionLimits;
  /** More connections than this are refused (closed at once). */
  readonly connectionsMax?: number;
}

/** A server; one handler table for each port. */
export class RemotingServer {
  readonly #options: RemotingServerOptions;
  readonly #connections = new Set<Connection>();
  readonly #listeners: Listener[] = [];
  readonly #closeListeners: ((connection: Connection) => void)[] = [];
  readonly #scan: Timer;
  #closing = false;

  constructor(options: RemotingServerOptions) {
    this.#options = options;
    this.#scan = options.clock.every(IDLE_SCAN_PERIOD_MS, () => this.#scanIdle());
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** Calls `fn` for every connection that ends from now on. */
  onDisconnect(fn: (connection: Connection) => void): void {
    this.#closeListeners.push(fn);
  }

  /**
   * Listens on `address` and serves what arrives there; returns where it listens.
   *
   * @throws {ConnectionError} when the port is taken.
   */
  listen(address: Address, handlers: HandlerTable, fastHandlers: FastHandlerTable = new Map()): Address {
    const listener = this.#options.net.listen(address);
    this.#listeners.push(listener);
    this.#accept(listener, handlers, fastHandlers);
    return listener.address;
  }

  /** Stops accepting; open connections live on. */
  stopListening(): void {
    this.#closing = true;
    for (const listener of this.#listeners) listener.close();
  }

  /** Stops accepting, lets what was answered get through for at most `drainMs`, and closes all connections. */
  async close(drainMs = 1000): Promise<void> {
    this.stopListening();
    this.#scan.cancel();
    const drained = Promise.all([...this.#connections].map((connection) => connection.drained()));
    const patience = new AbortController();
    await Promise.race([drained, this.#options.clock.sleep(drainMs, patience.signal).catch(() => {})]);
    patience.abort();
    for (const connection of [...this.#connections]) connection.close("server shutdown");
  }

  async #accept(listener: Listener, handlers: HandlerTable, fastHandlers: FastHandlerTable): Promise<void> {
    const { net, clock, log, limits = DEFAULT_LIMITS, connectionsMax = 65536 } = this.#options;
    const context = { net, clock, log, handlers, fastHandlers, limits };
    for (;;) {
      const socket = await listener.accept();
      if (socket === null) break;
      if (this.#closing || this.#connections.size >= connectionsMax) {
        log.warn(`refuse the connection from ${formatAddress(socket.remote)}: ${this.#connections.size} are open`);
        socket.close();
        continue;
      }
      this.#serve(new Connection(socket, context));
    }
  }

  #serve(connection: Connection): void {
    this.#connections.add(connection);
    connection.onClose(() => {
      this.#connections.delete(connection);
      for (const fn of this.#closeListeners) fn(connection);
    });
    connection.run();
  }

  #scanIdle(): void {
    const now = this.#options.clock.monotonicMs();
    for (const connection of this.#connections) {
      const quietMs = now - connection.lastActiveMs;
      if (quietMs > this.#options.idleMs) {
        this.#options.log.warn(
          `close the connection to ${connection.remoteText}: idle for ${Math.round(quietMs / 1000)} s`,
        );
        connection.close("idle");
      } else if (quietMs > SHRINK_AFTER_MS) {
        connection.shrink();
      }
    }
  }
}
