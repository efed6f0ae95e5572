/**
 * Syncs the commitlog to the device and moves `flushedOffset`. One sync is under way at a time, off the event loop; it
 * covers everything that was written when it began, so one serves all who wait. Those who ask meanwhile share the next one,
 * which begins at once. Nobody waits for what is written after he asked: under load something always is.
 *
 * A sync that fails is never tried again: what the device has then is unknown until the store is opened anew.
 *
 * RocketMQ counterpart: `CommitLog.GroupCommitService`, `FlushRealTimeService`.
 *
 * @module
 */
import type { Commitlog } from "./commitlog.ts";

/** What the flusher tells. */
export interface FlushEvents {
  /** `flushedOffset` has grown. */
  onFlushed(): void;
  /** A sync failed; no other will be tried. */
  onFailed(error: unknown): void;
}

/** The flusher. */
export class LogFlusher {
  readonly #log: Commitlog;
  readonly #events: FlushEvents;
  #flushedOffset = 0;
  /** The sync under way. */
  #pass: Promise<void> | null = null;
  #stopped = false;

  /** Nothing is synced until asked for. */
  constructor(log: Commitlog, events: FlushEvents) {
    this.#log = log;
    this.#events = events;
  }

  /** Everything below is on the device. */
  get flushedOffset(): number {
    return this.#flushedOffset;
  }

  /** Recovery synced everything up to here. */
  openAt(offset: number): void {
    this.#flushedOffset = offset;
  }

  /** No sync begins after the present one. */
  stop(): void {
    this.#stopped = true;
  }

  /** Syncs what is written now; resolves when that is on the device, or no way to bring it there. Never rejects. */
  async flush(): Promise<void> {
    const target = this.#log.appendedOffset;
    while (!this.#stopped && this.#flushedOffset < target) await (this.#pass ??= this.#sync());
  }

  /** As {@linkcode flush}, blocking. @throws {DiskError} */
  flushNow(): void {
    const target = this.#log.appendedOffset;
    for (const segment of this.#log.segments.segments) {
      if (segment.endOffset > this.#flushedOffset && segment.startOffset < target) segment.syncNow();
    }
    this.#flushedOffset = Math.max(this.#flushedOffset, target);
  }

  async #sync(): Promise<void> {
    // `flush` must have the promise before anything can end it.
    await undefined;
    const target = this.#log.appendedOffset;
    try {
      for (const segment of [...this.#log.segments.segments]) {
        if (segment.endOffset > this.#flushedOffset && segment.startOffset < target) await segment.sync();
      }
    } catch (error) {
      this.#stopped = true;
      this.#events.onFailed(error);
      return;
    }
    this.#flushedOffset = target;
    // At once and not when the promise settles: who appends in between must find that nobody is at it.
    this.#pass = null;
    this.#events.onFlushed();
  }
}
