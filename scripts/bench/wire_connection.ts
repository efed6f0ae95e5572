/**
 * One connection of the raw-frame generator with its window of requests. Requests that the bytes of one read gave rise to
 * leave in one write.
 *
 * Invariant: each slot is either idle or has one request without an answer; a driven connection is over when all are idle.
 *
 * @module
 */
import { FIRST_OPAQUE, readReply, type Reply } from "./wire_frames.ts";
import type { Run } from "./wire_run.ts";

const READ_BUFFER_BYTES = 1 << 18;

/** Request bytes to be written together. */
export class Outgoing {
  bytes = new Uint8Array(1 << 16);
  length = 0;

  /** Makes room for so many more bytes. */
  reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const longer = new Uint8Array(2 * (this.length + size));
    longer.set(this.bytes.subarray(0, this.length));
    this.bytes = longer;
  }

  /** Appends an encoded request. */
  append(request: Uint8Array): void {
    this.reserve(request.length);
    this.bytes.set(request, this.length);
    this.length += request.length;
  }
}

/** What a slot does next: ask again, or nothing until somebody wakes it. */
export type Next = "ask" | "rest";

/** What the slots of a connection ask, and what they make of the answers. */
export interface Work {
  /** Whether the time until an answer comes counts; that of a pull which waits for messages tells nothing. */
  readonly isTimed: boolean;
  /** Appends the next request of a slot, whose opaque is {@link FIRST_OPAQUE} plus its number. */
  ask(slot: number, out: Outgoing): void;
  /** Takes an answer, which is valid during the call. */
  take(slot: number, reply: Reply): Next;
}

/** An open connection. */
export class WireConnection {
  readonly #run: Run;
  readonly #work: Work;
  readonly #conn: Deno.TcpConn;
  readonly #sentAtMs: Float64Array;
  readonly #idle: number[];
  readonly #over = Promise.withResolvers<void>();
  #out = new Outgoing();
  #spare = new Outgoing();
  #writing = false;
  #partial = new Uint8Array(0);
  #closed = false;
  /** Whether an answer is followed by the next request. */
  #driven = false;

  private constructor(run: Run, work: Work, socket: { conn: Deno.TcpConn; window: number }) {
    this.#run = run;
    this.#work = work;
    this.#conn = socket.conn;
    this.#sentAtMs = new Float64Array(socket.window);
    this.#idle = Array.from({ length: socket.window }, (_, index) => socket.window - 1 - index);
  }

  /** Connects to HOST:PORT with so many requests in flight at most. @throws {Error} when nobody listens. */
  static async open(target: { address: string; window: number }, run: Run, work: Work): Promise<WireConnection> {
    const [hostname = "", port] = target.address.split(":");
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay(true);
    const connection = new WireConnection(run, work, { conn, window: target.window });
    void connection.#readAll(); // An error of our own ends the generator.
    return connection;
  }

  /** Keeps its whole window in flight until the run is over; resolves when everything is answered. */
  async drive(): Promise<void> {
    const nowMs = performance.now();
    this.#driven = true;
    while (this.#idle.length > 0 && !this.#run.isOver(nowMs)) this.#ask(this.#idle.pop()!, nowMs);
    this.#flush();
    if (this.flying > 0) await this.#over.promise;
  }

  /** Asks once, as of `dueMs`; false when the window is full. {@linkcode send} sends it. */
  askOnce(dueMs: number): boolean {
    const slot = this.#idle.pop();
    if (slot === undefined) return false;
    this.#ask(slot, dueMs);
    return true;
  }

  /** Sends what was asked since. */
  send(): void {
    this.#flush();
  }

  /** Requests without an answer. */
  get flying(): number {
    return this.#sentAtMs.length - this.#idle.length;
  }

  /** Ends it; answers under way are lost. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
    this.#over.resolve();
  }

  #ask(slot: number, nowMs: number): void {
    this.#sentAtMs[slot] = nowMs;
    this.#work.ask(slot, this.#out);
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    while (true) {
      const count = await this.#conn.read(buffer).catch(() => null); // Broken, or closed by ourselves.
      if (count === null) break;
      this.#onBytes(buffer.subarray(0, count));
    }
    if (this.#closed) return;
    if (this.flying > 0) this.#run.fail("the broker closed the connection", this.flying);
    this.close();
  }

  #onBytes(bytes: Uint8Array): void {
    const nowMs = performance.now();
    let input = bytes;
    if (this.#partial.length > 0) {
      input = new Uint8Array(this.#partial.length + bytes.length);
      input.set(this.#partial);
      input.set(bytes, this.#partial.length);
    }
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const isOver = this.#run.isOver(nowMs);
    let at = 0;
    while (at + 4 <= input.length) {
      const end = at + 4 + view.getUint32(at);
      if (end > input.length) break;
      this.#onReply(readReply(input, view, at), { nowMs, isOver });
      at = end;
    }
    this.#partial = at === input.length ? EMPTY : input.slice(at);
    this.#flush();
    if (this.flying === 0) this.#over.resolve();
  }

  #onReply(reply: Reply, turn: { nowMs: number; isOver: boolean }): void {
    if (!reply.isAnswer) return;
    const slot = reply.opaque - FIRST_OPAQUE;
    this.#run.answered(turn.nowMs);
    if (this.#work.isTimed) this.#run.latencies.add((turn.nowMs - this.#sentAtMs[slot]!) * 1000);
    if (this.#work.take(slot, reply) === "ask" && this.#driven && !turn.isOver) this.#ask(slot, turn.nowMs);
    else this.#idle.push(slot);
  }

  #flush(): void {
    if (this.#writing || this.#out.length === 0 || this.#closed) return;
    void this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#out.length > 0 && !this.#closed) {
      const out = this.#out;
      this.#out = this.#spare;
      this.#spare = out;
      try {
        for (let at = 0; at < out.length;) at += await this.#conn.write(out.bytes.subarray(at, out.length));
      } catch {
        break; // Closed: the reader tells.
      }
      out.length = 0;
    }
    this.#writing = false;
  }
}

const EMPTY = new Uint8Array(0);
