/**
 * After a stop that was not clean, and after Java: looks at the files of every queue once, in the background. A queue drops
 * units that lead to no record at its first use; one that nobody uses would keep them on disk, where the next who reads it,
 * Java above all, takes them for messages that meanwhile are others.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import { WorldError } from "../common/errors.ts";
import type { Consumequeue } from "./consumequeue.ts";
import type { QueueTable } from "./queue_table.ts";

/** Longest stretch of work, and the pause behind it. */
const SLICE_MS = 4;
const PAUSE_MS = 8;

/** What the sweep works on. */
export interface QueueSweepParts {
  readonly queues: QueueTable;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/** One sweep over all queues. */
export class QueueSweep {
  readonly #parts: QueueSweepParts;
  #hurries = false;
  readonly #done: Promise<void>;

  /** Begins at once. */
  constructor(parts: QueueSweepParts) {
    this.#parts = parts;
    this.#done = this.#run();
  }

  /** Goes on without pauses; resolves when every queue was looked at. */
  async finish(): Promise<void> {
    this.#hurries = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    const { queues, clock } = this.#parts;
    const all = [...queues.all()];
    let since = clock.monotonicMs();
    for (const queue of all) {
      this.#look(queue);
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(this.#hurries ? 0 : PAUSE_MS);
      since = clock.monotonicMs();
    }
  }

  /** A queue whose files cannot be understood says so to whoever uses it. */
  #look(queue: Consumequeue): void {
    try {
      this.#parts.queues.mend(queue);
    } catch (error) {
      if (!(error instanceof WorldError)) throw error;
      this.#parts.warn(`consumequeue ${queue.topic}-${queue.queueId} cannot be looked at: ${error.message}`);
    }
  }
}
