/**
 * One end of a simulated connection. Bytes written are under way in a {@link Flow} or lie in the peer's inbox; both
 * together never exceed the socket buffer, beyond which writes wait.
 *
 * As on Linux: closing with unread bytes resets the connection, bytes that arrive at a closed end are answered with a
 * reset, and what had arrived before a reset can still be read. Part of `net_sim.ts`.
 *
 * @module
 */
import { ConnectionError, invariant } from "./errors.ts";
import { type Address, formatAddress, type Socket } from "./net.ts";
import type { Flow } from "./net_sim_flow.ts";
import type { Random } from "./random.ts";

/** How sockets behave. */
export interface SocketTraits {
  readonly random: Random;
  /** Bytes that one direction holds, on the way or unread. */
  readonly bufferBytes: number;
  /** Share of reads and writes, 0 to 1, that stop at a random point although more would go. */
  readonly splitRate: number;
}

interface Waiting<T> {
  readonly bytes: Uint8Array;
  readonly resolve: (value: T) => void;
  readonly reject: (error: ConnectionError) => void;
}

/** An end of a connection. */
export class SimSocket implements Socket {
  /** Called once when this end is closed or broken. */
  onEnd: () => void = () => {};
  #peer: SimSocket | null = null;
  readonly #traits: SocketTraits;
  readonly #flow: Flow;
  /** Arrived and not read; the first is partly read up to `#inboxStart`. */
  #inbox: Uint8Array[] = [];
  #inboxStart = 0;
  #inboxBytes = 0;
  /** Written and not read by the peer. */
  #outstandingBytes = 0;
  #finished = false;
  #broken: ConnectionError | null = null;
  #closed = false;
  #ended = false;
  #reading: Waiting<number | null> | null = null;
  #writing: Waiting<number> | null = null;

  /** @param flow towards the peer; this end owns it. */
  constructor(readonly local: Address, readonly remote: Address, traits: SocketTraits & { flow: Flow }) {
    this.#traits = traits;
    this.#flow = traits.flow;
    this.#flow.onGiveUp = () => this.break("the peer does not answer");
  }

  /** Makes two ends one connection. */
  static join(a: SimSocket, b: SimSocket): void {
    a.#peer = b;
    b.#peer = a;
  }

  /** @inheritdoc */
  read(into: Uint8Array): Promise<number | null> {
    invariant(this.#reading === null, "one read at a time");
    if (this.#closed) return Promise.reject(this.#error("it was closed"));
    return new Promise((resolve, reject) => {
      this.#reading = { bytes: into, resolve, reject };
      this.#serveRead();
    });
  }

  /** @inheritdoc */
  write(bytes: Uint8Array): Promise<number> {
    invariant(this.#writing === null, "one write at a time");
    if (this.#closed) return Promise.reject(this.#error("it was closed"));
    if (this.#broken !== null) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#writing = { bytes, resolve, reject };
      this.#serveWrite();
    });
  }

  /** @inheritdoc */
  close(): void {
    if (this.#closed) return;
    this.hangUp();
    const error = this.#error("it was closed");
    this.#reading?.reject(error);
    this.#writing?.reject(error);
    this.#forgetCalls();
  }

  /** The system closes this end for a process that died: its pending calls never settle. */
  abandon(): void {
    this.#forgetCalls();
    if (!this.#closed) this.hangUp();
  }

  /** The machine lost power: the peer hears nothing. */
  vanish(): void {
    this.#forgetCalls();
    this.#closed = true;
    this.#flow.abandon();
    this.#end();
  }

  /** Breaks this end alone, as a reset from the peer does. */
  break(reason: string): void {
    if (this.#closed || this.#broken !== null) return;
    this.#broken = this.#error(reason);
    this.#writing?.reject(this.#broken);
    this.#writing = null;
    this.#serveRead();
    this.#end();
  }

  /** Closes towards the peer. */
  protected hangUp(): void {
    this.#closed = true;
    const unread = this.#inboxBytes > 0;
    this.#inbox = [];
    this.#inboxBytes = 0;
    if (this.#broken === null) {
      this.#flow.send(0, () => unread ? this.#peer?.break("reset by the peer") : this.#peer?.finish());
    }
    this.#end();
  }

  /** The peer will send nothing more. */
  protected finish(): void {
    this.#finished = true;
    this.#serveRead();
  }

  /** Bytes from the peer have arrived. */
  protected receive(bytes: Uint8Array): void {
    if (this.#closed || this.#broken !== null) {
      this.#flow.send(0, () => this.#peer?.break("reset by the peer"));
      return;
    }
    this.#inbox.push(bytes);
    this.#inboxBytes += bytes.length;
    this.#serveRead();
  }

  #serveRead(): void {
    const call = this.#reading;
    if (call === null) return;
    if (call.bytes.length === 0) {
      call.resolve(0);
    } else if (this.#inboxBytes > 0) {
      const count = this.#part(Math.min(call.bytes.length, this.#inboxBytes));
      this.#takeFromInbox(call.bytes.subarray(0, count));
      call.resolve(count);
      if (this.#peer !== null) this.#peer.#wasRead(count);
    } else if (this.#broken !== null) {
      call.reject(this.#broken);
    } else if (this.#finished) {
      call.resolve(null);
    } else {
      return;
    }
    this.#reading = null;
  }

  #takeFromInbox(into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const chunk = this.#inbox[0]!;
      const count = Math.min(into.length - done, chunk.length - this.#inboxStart);
      into.set(chunk.subarray(this.#inboxStart, this.#inboxStart + count), done);
      done += count;
      this.#inboxStart += count;
      if (this.#inboxStart === chunk.length) {
        this.#inbox.shift();
        this.#inboxStart = 0;
      }
    }
    this.#inboxBytes -= into.length;
  }

  #serveWrite(): void {
    const call = this.#writing;
    if (call === null) return;
    const room = this.#traits.bufferBytes - this.#outstandingBytes;
    if (room <= 0 && call.bytes.length > 0) return;
    const taken = call.bytes.slice(0, this.#part(Math.min(room, call.bytes.length)));
    this.#writing = null;
    if (taken.length > 0) {
      this.#outstandingBytes += taken.length;
      this.#flow.send(taken.length, () => this.#peer?.receive(taken));
    }
    call.resolve(taken.length);
  }

  #wasRead(count: number): void {
    this.#outstandingBytes -= count;
    this.#serveWrite();
  }

  #part(length: number): number {
    const { random, splitRate } = this.#traits;
    return length > 1 && random.next() < splitRate ? 1 + random.int(length) : length;
  }

  #forgetCalls(): void {
    this.#reading = null;
    this.#writing = null;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onEnd();
  }

  #error(reason: string): ConnectionError {
    const ends = `${formatAddress(this.local)} to ${formatAddress(this.remote)}`;
    return new ConnectionError("closed", `Connection from ${ends} is broken: ${reason}`);
  }
}
