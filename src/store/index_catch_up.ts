/**
 * Brings the index up to the log's end where it is behind: after a crash, when files were lost, or when the disk was full.
 * It goes through the log in the background, in slices, until it meets the turn that is being written; from there on the
 * index keeps up by itself.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Commitlog } from "./commitlog.ts";
import { indexKeys, type IndexSink, isIndexed, PropertyPlaces } from "./dispatch.ts";
import { LogScanner, ScanStep } from "./log_scanner.ts";
import type { MessageIndex } from "./message_index.ts";
import type { QueueTable } from "./queue_table.ts";

const SLICE_MS = 4;
const PAUSE_MS = 4;
const RETRY_MS = 1000;

/** What catching up works on. */
export interface IndexCatchUpParts {
  readonly log: Commitlog;
  readonly index: MessageIndex;
  readonly queues: QueueTable;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/** The one who catches up. */
export class IndexCatchUp {
  readonly #parts: IndexCatchUpParts;
  #running: Promise<void> | null = null;
  #stopped = false;

  /** {@linkcode wake} starts it. */
  constructor(parts: IndexCatchUpParts) {
    this.#parts = parts;
  }

  /** Begins if the index is behind and nobody is at it. */
  wake(): void {
    const { index, log } = this.#parts;
    if (this.#stopped || this.#running !== null || index.indexedOffset >= log.appendedOffset) return;
    this.#running = this.#keepUp();
  }

  /** Resolves when the index is as far as the log, or cannot get there. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Catches up at once, for a store that nobody uses. @throws {DiskError} */
  async run(): Promise<void> {
    const { index, log } = this.#parts;
    while (index.indexedOffset < log.appendedOffset) await this.#walk(Math.max(index.indexedOffset, log.minOffset), 0);
  }

  /** Ends; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #keepUp(): Promise<void> {
    const { index, log, clock, warn } = this.#parts;
    await undefined;
    while (!this.#stopped && index.indexedOffset < log.appendedOffset) {
      try {
        await this.#walk(Math.max(index.indexedOffset, log.minOffset), PAUSE_MS);
      } catch (error) {
        warn(`index is behind at ${index.indexedOffset}: ${error instanceof Error ? error.message : error}`);
        await clock.sleep(RETRY_MS);
      }
    }
    // At once and not when the promise settles: a turn in between must find that nobody is at it.
    this.#running = null;
  }

  async #walk(from: number, pauseMs: number): Promise<void> {
    const { index, log, queues, clock } = this.#parts;
    const scanner = new LogScanner(log.segments, from, () => log.appendedOffset, true);
    const places = new PropertyPlaces();
    const sink: IndexSink = { add: (hash, offset, time) => index.addFromLog(hash, offset, time) };
    let since = clock.monotonicMs();
    while (!this.#stopped && index.indexedOffset < log.appendedOffset) {
      const step = scanner.step();
      if (step === ScanStep.FILL) await scanner.fill();
      else if (step !== ScanStep.RECORD) {
        if (step === ScanStep.END || !(await scanner.skipToRecord(Infinity))) {
          index.indexedOffset = log.appendedOffset;
          return;
        }
      } else {
        const { view } = scanner;
        if (isIndexed(view.sysFlag)) {
          const entry = queues.entryOf(view);
          places.scan(view.bytes, view.propertiesStart, view.propertiesEnd);
          indexKeys(sink, entry, view.bytes, places, scanner.position, view.storeTimestamp);
        }
        scanner.advance();
        index.movedTo(scanner.position);
        if (index.indexedOffset < scanner.position) return;
      }
      if (clock.monotonicMs() - since < SLICE_MS) continue;
      await clock.sleep(pauseMs);
      since = clock.monotonicMs();
    }
  }
}
