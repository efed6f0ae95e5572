/**
 * Timers ordered by time, and by age where times are equal: a binary heap in which cancelled timers lie until they reach
 * the top. Used by the simulated clock.
 *
 * @module
 */
import type { Timer } from "./clock.ts";

/** A call that is due at `atMs`. */
export interface DueTimer {
  readonly atMs: number;
  readonly fn: () => void;
}

class HeapTimer implements DueTimer, Timer {
  /** False from the moment it ran or was cancelled. */
  waiting = true;

  constructor(readonly heap: TimerHeap, readonly atMs: number, readonly order: number, readonly fn: () => void) {}

  isBefore(other: HeapTimer): boolean {
    return this.atMs < other.atMs || (this.atMs === other.atMs && this.order < other.order);
  }

  cancel(): void {
    if (!this.waiting) return;
    this.waiting = false;
    this.heap.forgotten();
  }
}

/** A priority queue of timers. */
export class TimerHeap {
  /** Each is before its children, at 2i + 1 and 2i + 2. */
  readonly #heap: HeapTimer[] = [];
  #waiting = 0;
  #made = 0;

  /** Timers that were neither popped nor cancelled. */
  get size(): number {
    return this.#waiting;
  }

  /** Adds a timer; the one returned cancels it. */
  add(atMs: number, fn: () => void): Timer {
    const timer = new HeapTimer(this, atMs, this.#made++, fn);
    this.#waiting++;
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return timer;
  }

  /** The first timer, which stays; null when none is waiting. */
  peek(): DueTimer | null {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (top.waiting) return top;
      this.#removeTop();
    }
    return null;
  }

  /** Takes the first timer; null when none is waiting. */
  pop(): DueTimer | null {
    if (this.peek() === null) return null;
    const top = this.#removeTop();
    top.waiting = false;
    this.#waiting--;
    return top;
  }

  /** Called by a timer that was cancelled. */
  forgotten(): void {
    this.#waiting--;
  }

  #removeTop(): HeapTimer {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (top !== last) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(index: number): void {
    const timer = this.#heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!timer.isBefore(this.#heap[parent]!)) break;
      this.#heap[index] = this.#heap[parent]!;
      index = parent;
    }
    this.#heap[index] = timer;
  }

  #sink(index: number): void {
    const timer = this.#heap[index]!;
    for (let child = 2 * index + 1; child < this.#heap.length; child = 2 * index + 1) {
      const right = this.#heap[child + 1];
      if (right !== undefined && right.isBefore(this.#heap[child]!)) child++;
      if (!this.#heap[child]!.isBefore(timer)) break;
      this.#heap[index] = this.#heap[child]!;
      index = child;
    }
    this.#heap[index] = timer;
  }
}
