/**
 * `Net` on the machine's network, over `Deno.listen` and `Deno.connect`. Who reads when many could is decided in
 * `net_rounds.ts`.
 *
 * @module
 */
import { ConnectionError, ListenError, type ListenFault, messageOf } from "./errors.ts";
import { type Address, formatAddress, type Listener, type Net, type NetworkInterface, type Socket } from "./net.ts";
import { ReadRounds } from "./net_rounds.ts";

/** The machine's network. */
export class DenoNet implements Net {
  readonly #rounds = new ReadRounds();
  #turn: (() => void)[] = [];

  /** @inheritdoc */
  listen(address: Address): Listener {
    try {
      return new DenoListener(
        Deno.listen({ hostname: address.host, port: address.port, transport: "tcp" }),
        this.#rounds,
      );
    } catch (error) {
      const message = `Cannot listen on ${formatAddress(address)}: ${messageOf(error)}`;
      throw new ListenError(address, listenFault(error), message, error);
    }
  }

  /** @inheritdoc */
  async connect(address: Address, timeoutMs: number): Promise<Socket> {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const conn = await Deno.connect({ hostname: address.host, port: address.port, transport: "tcp", signal });
      return new DenoSocket(conn, this.#rounds);
    } catch (error) {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(error);
      throw new ConnectionError("connect", `Cannot connect to ${formatAddress(address)}: ${why}`, error);
    }
  }

  /** @inheritdoc */
  async resolve(host: string): Promise<string[]> {
    try {
      const { lookup } = await import("node:dns/promises"); // seldom needed, and dear at start
      const found = await lookup(host, { all: true });
      return found.sort((a, b) => a.family - b.family).map(({ address }) => address);
    } catch (error) {
      throw new ConnectionError("connect", `Cannot find the address of ${host}: ${messageOf(error)}`, error);
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
   * @inheritdoc
   *
   * A microtask: the runtime settles the promises of all reads that became ready together before the first continuation
   * runs, and continuations run level by level (first those of all reads, then those that these brought about, and so on).
   * So what the first socket's frame asks for at its level runs when the frames of all other sockets, which take the same
   * number of levels, are served. What is asked for during the pass (responses that a commit releases, to be written)
   * runs in the same pass, so that a turn ends with everything on its way and no second pass is paid for.
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
  readonly #rounds: ReadRounds;
  #closed = false;

  constructor(listener: Deno.TcpListener, rounds: ReadRounds) {
    this.#listener = listener;
    this.#rounds = rounds;
    this.address = { host: listener.addr.hostname, port: listener.addr.port };
  }

  async accept(): Promise<Socket | null> {
    while (!this.#closed) {
      try {
        return new DenoSocket(await this.#listener.accept(), this.#rounds);
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
  readonly #rounds: ReadRounds;
  /** The round in which it was served last. */
  #round = -1;
  #closed = false;

  constructor(conn: Deno.TcpConn, rounds: ReadRounds) {
    this.#conn = conn;
    this.#rounds = rounds;
    rounds.opened();
    this.local = { host: conn.localAddr.hostname, port: conn.localAddr.port };
    this.remote = { host: conn.remoteAddr.hostname, port: conn.remoteAddr.port };
    try {
      conn.setNoDelay(true);
    } catch {
      // Already reset by the peer: the first read tells.
    }
  }

  read(into: Uint8Array): Promise<number | null> {
    if (!this.#rounds.mustWait(this.#round)) return this.#readNow(into);
    return this.#rounds.nextRound().then(() => this.#readNow(into));
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes).catch(broken);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rounds.closed();
    try {
      this.#conn.close();
    } catch {
      // Already gone.
    }
  }

  #readNow(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into).then((count) => {
      this.#round = this.#rounds.served();
      return count;
    }, broken);
  }
}

function listenFault(error: unknown): ListenFault {
  if (error instanceof Deno.errors.AddrInUse) return "taken";
  if (error instanceof Deno.errors.AddrNotAvailable) return "foreign-address";
  if (error instanceof Deno.errors.PermissionDenied) return "not-allowed";
  // What cannot be resolved, or has the form of no host, comes as a plain error.
  return /lookup address|invalid host/.test(messageOf(error)) ? "no-address" : "other";
}

function broken(error: unknown): never {
  throw new ConnectionError("closed", messageOf(error), error);
}
