/**
 * Sockets, passed in. The system's implementation is `net_deno.ts` (over `Deno.listen` and `Deno.connect`), the simulated
 * network (delay, partitions, broken connections on virtual time) `net_sim.ts`. Nothing else touches sockets.
 *
 * @module
 */

/** Host (IP address or name) and port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One TCP connection. At most one read and one write may be pending at a time. Failures are `ConnectionError`s. */
export interface Socket {
  readonly local: Address;
  readonly remote: Address;
  /** Fills the beginning of `into` with what has arrived, waiting for at least a byte; null at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a beginning of `bytes`; resolves to how many were taken. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions; pending calls fail. Idempotent. */
  close(): void;
}

/** A listening port. */
export interface Listener {
  /** Where it listens; the port is the real one also when 0 was asked for. */
  readonly address: Address;
  /** The next connection, or null when the listener was closed. */
  accept(): Promise<Socket | null>;
  /** Stops listening; connections live on. Idempotent. */
  close(): void;
}

/** An address of this machine. */
export interface NetworkInterface {
  readonly name: string;
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
}

/** A network. */
export interface Net {
  /** Listens on `address` (host `0.0.0.0` or `::` for all); throws a `ConnectionError` when the port is taken. */
  listen(address: Address): Listener;
  /** Connects within `timeoutMs` or throws a `ConnectionError`. */
  connect(address: Address, timeoutMs: number): Promise<Socket>;
  /**
   * The IP addresses of a host, those of IPv4 first; an IP address is its own. Asks what the system asks: its host table and
   * name servers. Throws a `ConnectionError` when there are none.
   */
  resolve(host: string): Promise<string[]>;
  /** The addresses of this machine. */
  interfaces(): NetworkInterface[];
  /** The name of this machine. */
  hostName(): string;
  /**
   * Calls `fn` when every socket that had something ready in this turn of the event loop was served: the place to write
   * what the turn produced, once. Calls are made in the order in which they were asked for.
   */
  atEndOfTurn(fn: () => void): void;
}

/** `host:port`, with brackets around an IPv6 host. */
export function formatAddress(address: Address): string {
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** A host without the brackets that people put around an IPv6 one. */
export function unbracket(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Reads `host:port`, `[v6]:port` or, when `defaultPort` is given, a bare host.
 *
 * @throws {TypeError} when there is no port or it is not between 0 and 65535.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const trimmed = text.trim();
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(trimmed) ??
    /^([^:]+(?::[^:]*){2,})()():(\d{1,5})$/.exec(trimmed);
  const host = match?.[1] ?? match?.[2] ?? "";
  const portText = match?.[4] ?? match?.[3];
  const port = portText === undefined || portText === "" ? defaultPort : Number(portText);
  if (host === "" || port === undefined || port > 65535) {
    throw new TypeError(`"${text}" is not an address: expected host:port`);
  }
  return { host, port };
}
