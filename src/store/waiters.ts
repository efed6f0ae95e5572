/**
 * Those who wait until a message is safe, in the order of the offsets they wait for. No promise and no timer for each: one
 * row, of which a growing watermark settles the front, and one deadline, that of the front.
 *
 * @module
 */
import type { PutStatus, Waiter } from "./append_message.ts";

/** Settled entries that may stay in front before the arrays are moved together. */
const SLACK = 1024;

/** A row of waiters. */
export class Waiters {
  #waiters: Waiter[] = [];
  #endOffsets: number[] = [];
  #sinceMs: number[] = [];
  #head = 0;

  /** Number waiting. */
  get count(): number {
    return this.#waiters.length - this.#head;
  }

  /** The end that the first one waits for; Infinity when nobody waits. */
  get firstEndOffset(): number {
    return this.#endOffsets[this.#head] ?? Infinity;
  }

  /** When the first one began to wait; Infinity when nobody waits. */
  get firstSinceMs(): number {
    return this.#sinceMs[this.#head] ?? Infinity;
  }

  /** Adds one; `endOffset` and `nowMs` never decrease. */
  add(waiter: Waiter, endOffset: number, nowMs: number): void {
    this.#waiters.push(waiter);
    this.#endOffsets.push(endOffset);
    this.#sinceMs.push(nowMs);
  }

  /** Settles all that wait for `endOffset` or less. */
  settleUpTo(endOffset: number, status: PutStatus): void {
    while (this.count > 0 && this.firstEndOffset <= endOffset) this.#takeFirst().settle(status);
  }

  /** Settles the first with a status chosen by the end it waits for. */
  settleFirst(statusOf: (endOffset: number) => PutStatus): void {
    const status = statusOf(this.firstEndOffset);
    this.#takeFirst().settle(status);
  }

  #takeFirst(): Waiter {
    const waiter = this.#waiters[this.#head]!;
    this.#head++;
    if (this.#head === this.#waiters.length) {
      this.#waiters = [];
      this.#endOffsets = [];
      this.#sinceMs = [];
      this.#head = 0;
    } else if (this.#head >= SLACK && this.#head * 2 >= this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#head);
      this.#endOffsets = this.#endOffsets.slice(this.#head);
      this.#sinceMs = this.#sinceMs.slice(this.#head);
      this.#head = 0;
    }
    return waiter;
  }
}
