/**
 * Reads from disk in turn: each connection has at most one under way, and begins the next when what it was answered has been
 * written. So a peer that asks for much and reads nothing waits for itself, and neither the loop nor the memory is filled
 * with data that cannot be sent; and few reads at a time are under way in all, so that none pushes the data of another out of
 * the cache before it was used.
 *
 * @module
 */
import type { Connection } from "../remoting/connection.ts";

/** Reads under way at a time, of all connections: what they load must fit the cache together. */
const READS_MAX = 4;
/** With more than this unwritten, a connection's next read waits until it is drained. */
const UNWRITTEN_BYTES_MAX = 1048576;

/** The turns of all connections. */
export class ColdTurns {
  readonly #last = new WeakMap<Connection, Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #reading = 0;

  /** Calls `work` when the connection's reads before it are done and answered; `work` never rejects. */
  take(connection: Connection, work: () => Promise<void>): void {
    const before = this.#last.get(connection) ?? Promise.resolve();
    this.#last.set(connection, before.then(() => this.#run(connection, work)));
  }

  async #run(connection: Connection, work: () => Promise<void>): Promise<void> {
    if (connection.outbox.pendingBytes > UNWRITTEN_BYTES_MAX) await connection.drained();
    if (this.#reading >= READS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reading++;
    if (!connection.closed) await work();
    this.#reading--;
    this.#waiting.shift()?.();
  }
}
