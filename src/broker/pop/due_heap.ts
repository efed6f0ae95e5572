/**
 * Things ordered by when they are due: a binary heap that knows where each lies, so that one can be taken out from the middle
 * and what is not waiting any more takes no memory.
 *
 * @module
 */

/** Something that is due at a time. Only the heap changes `heapIndex`. */
export interface Due {
  /** Milliseconds; must not change while it is in a heap. */
  readonly dueMs: number;
  /** Place in the heap, −1 outside. */
  heapIndex: number;
}

/** A priority queue; see the module's text. */
export class DueHeap<T extends Due> {
  /** Each is not after its children, at 2i + 1 and 2i + 2. */
  readonly #heap: T[] = [];

  /** How many wait. */
  get size(): number {
    return this.#heap.length;
  }

  /** The first, which stays; undefined when none waits. */
  peek(): T | undefined {
    return this.#heap[0];
  }

  /** Adds something that is in no heap. */
  add(item: T): void {
    this.#heap.push(item);
    this.#rise(item, this.#heap.length - 1);
  }

  /** Takes it out; does nothing when it is not in the heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last === item) return;
    if (index > 0 && last.dueMs < this.#heap[(index - 1) >> 1]!.dueMs) this.#rise(last, index);
    else this.#sink(last, index);
  }

  /** Takes all out. */
  clear(): void {
    for (const item of this.#heap) item.heapIndex = -1;
    this.#heap.length = 0;
  }

  #rise(item: T, index: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#heap[parent]!.dueMs <= item.dueMs) break;
      this.#put(this.#heap[parent]!, index);
      index = parent;
    }
    this.#put(item, index);
  }

  #sink(item: T, index: number): void {
    const heap = this.#heap;
    for (let child = 2 * index + 1; child < heap.length; child = 2 * index + 1) {
      const right = heap[child + 1];
      if (right !== undefined && right.dueMs < heap[child]!.dueMs) child++;
      if (heap[child]!.dueMs >= item.dueMs) break;
      this.#put(heap[child]!, index);
      index = child;
    }
    this.#put(item, index);
  }

  #put(item: T, index: number): void {
    this.#heap[index] = item;
    item.heapIndex = index;
  }
}
