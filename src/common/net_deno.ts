/**
 * `Net` on the machine's network, over `Deno.listen` and `Deno.connect`.
 *
 * @module
 */
import { ConnectionError, messageOf } from "./errors.ts";
import { type Address, formatAddress, type Listener, type Net, type NetworkInterface, type Socket } from "./net.ts";

/** The machine's network. */
export class DenoNet implements Net {
  #turn: (() => void)[] = [];

  /** @inheritdoc */
  listen(address: Address): Listener {
    try {
      return new DenoListener(Deno.listen({ hostname: address.host, port: address.port, transport: "tcp" }));
    } catch (error) {
      throw new ConnectionError("connect", `Cannot listen on ${formatAddress(address)}: ${messageOf(error)}`, error);
    }
  }

  /** @inheritdoc */
  async connect(address: Address, timeoutMs: number): Promise<Socket> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const conn = await Deno.connect({ hostname: address.host, port: address.port, transport: "tcp", signal });
      return new DenoSocket(conn);
    } catch (error) {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
      throw new ConnectionError("connect", `Cannot connect to ${formatAddress(address)}: ${why}`, error);
    }
  }

  /** @inheritdoc */
  interfaces(): NetworkInterface[] {
    return Deno.networkInterfaces().map(({ name, address, family }) => ({ name, address, family }));
  }

  /** @inheritdoc */
  hostName(): string {
    return Deno.hostname();
  }

  /**
   * The promises of all sockets that became ready together are settled before the first of their continuations runs, and
   * the continuations run level by level; a microtask asked for by the first of them therefore runs behind all of them.
   */
  atEndOfTurn(fn: () => void): void {
    if (this.#turn.push(fn) === 1) queueMicrotask(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const turn = this.#turn;
    for (let i = 0; i < turn.length; i++) turn[i]!(); // what they ask for is served in the same pass
    this.#turn = [];
  };
}

class DenoListener implements Listener {
  readonly address: Address;
  readonly #listener: Deno.TcpListener;
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = { host: listener.addr.hostname, port: listener.addr.port };
  }

  async accept(): Promise<Socket | null> {
    while (!this.#closed) {
      try {
        return new DenoSocket(await this.#listener.accept());
      } catch {
        if (this.#closed) return null;
        // A connection that broke before it was accepted, or no descriptor left: give others the time to end.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    return null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

class DenoSocket implements Socket {
  readonly local: Address;
  readonly remote: Address;
  readonly #conn: Deno.TcpConn;
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.local = { host: conn.localAddr.hostname, port: conn.localAddr.port };
    this.remote = { host: conn.remoteAddr.hostname, port: conn.remoteAddr.port };
    try {
      conn.setNoDelay(true);
    } catch {
      // Already reset by the peer: the first read tells.
    }
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into).catch(broken);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes).catch(broken);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#conn.close();
    } catch {
      // Already gone.
    }
  }
}

function broken(error: unknown): never {
  throw new ConnectionError("closed", messageOf(error), error);
}
