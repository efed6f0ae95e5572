/**
 * Requests to other nodes over pooled connections, one for each address, made when first needed and again after they
 * broke. Source: RocketMQ `NettyRemotingClient`.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { ConnectionError } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { type Net, parseAddress } from "../common/net.ts";
import { type Command, type Outgoing, SERIALIZE_JSON, type SerializeType } from "./command.ts";
import { Connection, type ConnectionLimits, DEFAULT_LIMITS } from "./connection.ts";
import type { HandlerTable } from "./handler.ts";

/** How often idle connections are looked for. */
const IDLE_SCAN_PERIOD_MS = 5000;
/** A connection that was quiet for this long gives its large buffers back. */
const SHRINK_AFTER_MS = 10000;

/** What a client is made of. */
export interface RemotingClientOptions {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Log;
  /** Serves requests that peers send on our connections (notifications, checks); none by default. */
  readonly handlers?: HandlerTable;
  /** Time to connect, milliseconds (`connectTimeoutMillis`, 3000). */
  readonly connectTimeoutMs?: number;
  /** A connection silent for this long is closed (`clientChannelMaxIdleTimeSeconds`, 120 s). */
  readonly idleMs?: number;
  /** Whether a request that timed out closes its connection, as Java does; false by default. */
  readonly closeOnTimeout?: boolean;
  /** Header encoding of requests. */
  readonly serialize?: SerializeType;
  readonly limits?: ConnectionLimits;
}

/** Sends requests to addresses `host:port`. */
export class RemotingClient {
  readonly #options: RemotingClientOptions;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #open = new Map<string, Connection>();
  readonly #scan: Timer;
  #closed = false;

  constructor(options: RemotingClientOptions) {
    this.#options = options;
    this.#scan = options.clock.every(IDLE_SCAN_PERIOD_MS, () => this.#scanIdle());
  }

  /**
   * Sends a request to `address` and waits for the response, whatever its code.
   *
   * @throws {ConnectionError} when no connection can be made, it breaks, or `timeoutMs` (connecting included) passes.
   */
  async invoke(address: string, request: Outgoing, timeoutMs: number): Promise<Command> {
    const start = this.#options.clock.monotonicMs();
    const connection = this.#open.get(address) ?? await this.#connectedWithin(address, timeoutMs);
    const left = timeoutMs - (this.#options.clock.monotonicMs() - start);
    if (left <= 0) throw notConnected(address, timeoutMs);
    try {
      return await connection.invoke(request, left);
    } catch (error) {
      if (this.#options.closeOnTimeout && error instanceof ConnectionError && error.fault === "timeout") {
        connection.close("a request timed out");
      }
      throw error;
    }
  }

  /** Sends a request that wants no response. @throws {ConnectionError} when no connection can be made. */
  async oneway(address: string, request: Outgoing): Promise<void> {
    (await this.connection(address)).oneway(request);
  }

  /** The open connection to `address`, made when there is none. @throws {ConnectionError} */
  connection(address: string): Promise<Connection> {
    if (this.#closed) return Promise.reject(new ConnectionError("closed", "the client is closed"));
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = this.#connect(address);
    this.#connections.set(address, made);
    made.catch(() => this.#connections.delete(address));
    return made;
  }

  /** Whether a connection to `address` is open now. */
  isConnected(address: string): boolean {
    return this.#open.has(address);
  }

  /** Closes all connections; idempotent. */
  close(): void {
    this.#closed = true;
    this.#scan.cancel();
    for (const connection of [...this.#open.values()]) connection.close("client shutdown");
  }

  async #connect(address: string): Promise<Connection> {
    const { net, clock, log, handlers = new Map(), connectTimeoutMs = 3000, limits = DEFAULT_LIMITS } = this.#options;
    const socket = await net.connect(parseAddress(address), connectTimeoutMs);
    const connection = new Connection(socket, { net, clock, log, handlers, fastHandlers: new Map(), limits });
    connection.serialize = this.#options.serialize ?? SERIALIZE_JSON;
    if (this.#closed) connection.close("client shutdown");
    this.#open.set(address, connection);
    connection.onClose(() => {
      this.#open.delete(address);
      this.#connections.delete(address);
    });
    connection.run();
    return connection;
  }

  /** {@linkcode connection}, for as long as the caller has time; the attempt itself goes on for the next caller. */
  #connectedWithin(address: string, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(timeoutMs, () => reject(notConnected(address, timeoutMs)));
      this.connection(address).then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #scanIdle(): void {
    const now = this.#options.clock.monotonicMs();
    const idleMs = this.#options.idleMs ?? 120000;
    for (const connection of [...this.#open.values()]) {
      const quietMs = now - connection.lastActiveMs;
      if (quietMs > idleMs) connection.close("idle");
      else if (quietMs > SHRINK_AFTER_MS) connection.shrink();
    }
  }
}

function notConnected(address: string, timeoutMs: number): ConnectionError {
  return new ConnectionError("timeout", `no connection to ${address} within ${timeoutMs} ms`);
}
