/**
 * Entries in memory, the next due one first: a binary heap.
 *
 * @module
 */
import { compareKeys, type TimerEntry } from "./entry.ts";

/** A heap of entries. */
export class EntryHeap {
  #items: TimerEntry[] = [];

  /** Number of entries. */
  get size(): number {
    return this.#items.length;
  }

  /** All entries, in no order. */
  get items(): readonly TimerEntry[] {
    return this.#items;
  }

  /** The first in order, not removed. */
  peek(): TimerEntry | undefined {
    return this.#items[0];
  }

  /** Adds an entry. */
  push(entry: TimerEntry): void {
    const items = this.#items;
    let at = items.length;
    items.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compareKeys(items[parent]!, entry) <= 0) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = entry;
  }

  /** Removes the first in order. */
  pop(): TimerEntry | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && compareKeys(items[child + 1]!, items[child]!) < 0) child++;
      if (compareKeys(last, items[child]!) <= 0) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first;
  }

  /** Removes and returns everything, in no order. */
  drain(): TimerEntry[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
