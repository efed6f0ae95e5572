/**
 * Large answers that take a while, in turn: each connection has at most one under way, and begins the next when what it was
 * answered has been written. So a peer that asks for much and reads nothing waits for itself, and neither the loop nor the
 * memory is filled with data that cannot be sent; and few at a time are under way in all.
 *
 * @module
 */
import type { Connection } from "../remoting/connection.ts";

/** With more than this unwritten, a connection's next answer waits until it is drained. */
const UNWRITTEN_BYTES_MAX = 1048576;

/** The turns of all connections. */
export class AnswerTurns {
  readonly #last = new WeakMap<Connection, Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  readonly #atATime: number;
  #underWay = 0;

  /** @param atATime answers under way at a time, of all connections. */
  constructor(atATime: number) {
    this.#atATime = atATime;
  }

  /** Calls `work` when what the connection wants before it is done and answered; `work` never rejects. */
  take(connection: Connection, work: () => Promise<void>): void {
    const before = this.#last.get(connection) ?? Promise.resolve();
    this.#last.set(connection, before.then(() => this.#run(connection, work)));
  }

  async #run(connection: Connection, work: () => Promise<void>): Promise<void> {
    if (connection.outbox.pendingBytes > UNWRITTEN_BYTES_MAX) await connection.drained();
    // Who waits is given the place of the one that ends: in between, it is nobody else's.
    if (this.#underWay >= this.#atATime) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay++;
    if (!connection.closed) await work();
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay--;
    else next();
  }
}
