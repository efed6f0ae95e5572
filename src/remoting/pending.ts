/**
 * Requests of ours that wait for their response, by opaque. A pending request owns its promise and its deadline; one
 * timer serves all of a connection.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { ConnectionError } from "../common/errors.ts";
import type { Command } from "./command.ts";

interface Pending {
  readonly code: number;
  readonly deadlineMs: number;
  resolve(response: Command): void;
  reject(error: ConnectionError): void;
}

/** The pending requests of one connection. */
export class PendingRequests {
  readonly #byOpaque = new Map<number, Pending>();
  readonly #clock: Clock;
  readonly #peer: string;
  #timer: Timer | null = null;
  #timerAtMs = Infinity;

  /** @param peer named in errors. */
  constructor(clock: Clock, peer: string) {
    this.#clock = clock;
    this.#peer = peer;
  }

  /** How many wait. */
  get size(): number {
    return this.#byOpaque.size;
  }

  /** Waits for the response to `opaque`. Rejects with a `ConnectionError` (timeout, closed). */
  wait(opaque: number, code: number, timeoutMs: number): Promise<Command> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.#byOpaque.set(opaque, { code, deadlineMs, resolve, reject });
      this.#arm(deadlineMs);
    });
  }

  /** Hands over a response; false when nobody waits for it (any more). */
  settle(response: Command): boolean {
    const pending = this.#byOpaque.get(response.opaque);
    if (pending === undefined) return false;
    this.#byOpaque.delete(response.opaque);
    pending.resolve(response);
    return true;
  }

  /** Fails all that wait, because the connection is gone. */
  failAll(reason: string): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAtMs = Infinity;
    const waiting = [...this.#byOpaque.values()];
    this.#byOpaque.clear();
    for (const pending of waiting) {
      pending.reject(new ConnectionError("closed", `connection to ${this.#peer} closed: ${reason}`));
    }
  }

  #arm(deadlineMs: number): void {
    if (deadlineMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = deadlineMs;
    this.#timer = this.#clock.after(Math.max(0, deadlineMs - this.#clock.monotonicMs()), () => this.#expire());
  }

  #expire(): void {
    this.#timer = null;
    this.#timerAtMs = Infinity;
    const now = this.#clock.monotonicMs();
    let next = Infinity;
    for (const [opaque, pending] of this.#byOpaque) {
      if (pending.deadlineMs > now) {
        next = Math.min(next, pending.deadlineMs);
        continue;
      }
      this.#byOpaque.delete(opaque);
      pending.reject(
        new ConnectionError("timeout", `no response from ${this.#peer} to request ${pending.code} in time`),
      );
    }
    if (next !== Infinity) this.#arm(next);
  }
}
