/**
 * What is to be written on one connection. Responses of a turn are encoded one behind the other into one buffer, which is
 * written with one call at the end of the turn, or before when they are large; what is added during a write waits in a
 * second buffer, so that the order is kept and at most one write is pending.
 *
 * Invariant: bytes `[0, end)` of `bytes` are waiting; the buffer being written is never touched.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import type { Socket } from "../common/net.ts";

/** Size of a buffer when it is made; a connection that is sent nothing has none. */
const BUFFER_SIZE_MIN = 8192;
/** A larger buffer is not kept for the next turn. */
const BUFFER_SIZE_KEPT = 1048576;
/** Answers of so much are on their way before the turn ends: their peer reads them while we make the next. */
const EARLY_BYTES = 2048;

/** Ordered, batched writing on a socket. */
export class Outbox {
  /** The buffer to encode into; changes with every {@linkcode reserve}. */
  bytes: Uint8Array = EMPTY;
  #end = 0;
  #spare: Uint8Array | null = null;
  #sendingBytes = 0;
  #asked = false;
  #closed = false;
  #drained: (() => void)[] = [];

  /**
   * @param socket where to write.
   * @param atEndOfTurn see `Net`.
   * @param failed called once with the reason when a write fails; nothing is written after it.
   * @param wrote called whenever the socket has taken bytes.
   */
  constructor(
    private readonly socket: Socket,
    private readonly atEndOfTurn: (fn: () => void) => void,
    private readonly failed: (reason: unknown) => void,
    private readonly wrote: () => void = () => {},
  ) {}

  /** Bytes that are not yet written. */
  get pendingBytes(): number {
    return this.#end + this.#sendingBytes;
  }

  /** Makes room for `size` bytes in {@linkcode bytes}, all of which the caller fills now; returns where they begin. */
  reserve(size: number): number {
    const start = this.#end;
    const end = start + size;
    if (end > this.bytes.length) this.#grow(end);
    this.#end = end;
    if (!this.#asked) {
      this.#asked = true;
      this.atEndOfTurn(this.#flush);
    }
    return start;
  }

  /** Gives back the last `size` reserved bytes, which were not needed. */
  unreserve(size: number): void {
    this.#end -= size;
  }

  /** Begins to write at once what is large enough that the peer may as well work on it before the turn ends. */
  writeEarly(): void {
    if (this.#end >= EARLY_BYTES && this.#sendingBytes === 0 && !this.#closed) this.#send();
  }

  /** Adds a copy of `part`. */
  add(part: Uint8Array): void {
    const at = this.reserve(part.length);
    this.bytes.set(part, at);
  }

  /** Resolves when nothing is pending any more, or the outbox was closed. */
  drained(): Promise<void> {
    if (this.#closed || this.pendingBytes === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Gives the buffers back when nothing is pending. */
  shrink(): void {
    if (this.pendingBytes > 0) return;
    this.bytes = EMPTY;
    this.#spare = null;
  }

  /** Drops what is waiting, and what is added later. */
  close(): void {
    this.#closed = true;
    this.#end = 0;
    this.#wake();
  }

  #grow(size: number): void {
    const grown = new Uint8Array(Math.max(BUFFER_SIZE_MIN, size, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.#end));
    this.bytes = grown;
  }

  readonly #flush = (): void => {
    this.#asked = false;
    if (this.#closed) this.#end = 0; // added after the end, by somebody who does not know yet
    if (this.#sendingBytes === 0 && this.#end > 0 && !this.#closed) this.#send();
  };

  async #send(): Promise<void> {
    try {
      while (this.#end > 0 && !this.#closed) {
        const sending = this.bytes;
        const size = this.#end;
        this.bytes = this.#spare ?? EMPTY;
        this.#spare = null;
        this.#end = 0;
        this.#sendingBytes = size;
        for (let at = 0; at < size;) {
          at += await this.socket.write(sending.subarray(at, size));
          this.wrote();
        }
        this.#sendingBytes = 0;
        this.#keep(sending);
      }
      this.#wake();
    } catch (error) {
      this.#sendingBytes = 0;
      this.close();
      this.failed(error);
    }
  }

  /** A written buffer is used again: for what comes next when nothing came meanwhile, so that most connections need only one. */
  #keep(written: Uint8Array): void {
    if (written.length > BUFFER_SIZE_KEPT) return;
    if (this.bytes.length === 0) this.bytes = written;
    else this.#spare = written;
  }

  #wake(): void {
    const waiting = this.#drained;
    if (waiting.length === 0) return;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }
}
