/**
 * Copies a stretch of another log to the tail of ours, record by record as far as anybody can see, but with one move of
 * bytes for as many records as lie together in memory: a move for each would cost more than all else that is done with it.
 *
 * ```
 * chunk:  start            end = the log's tail          laid to
 *           |--- the log's ---|--- the stretch's, not taken ---|---- room ----|
 * ```
 *
 * Bytes that are laid and never taken do not count: what comes next is laid over them.
 *
 * Only the appender uses it. RocketMQ counterpart: `MappedFile#appendMessage(byte[])`.
 *
 * @module
 */
import { EMPTY } from "../common/bytes.ts";
import { invariant } from "../common/errors.ts";
import type { Commitlog } from "./commitlog.ts";
import type { Chunk } from "./recent_log.ts";

/** A copy under way. */
export class LogCopy {
  readonly #log: Commitlog;
  #bytes: Uint8Array = EMPTY;
  /** Physical offset of the stretch's first byte, here as there. */
  #offset = 0;
  #chunk: Chunk | null = null;
  #laidTo = 0;

  /** {@linkcode start} says what is copied. */
  constructor(log: Commitlog) {
    this.#log = log;
  }

  /** The next to be taken are these bytes, which lie at `offset` in the other log; they do not change until they are taken. */
  start(bytes: Uint8Array, offset: number): void {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#chunk = null;
  }

  /**
   * The `size` bytes of the stretch that belong at the tail are in the log from now on. They lie in one segment.
   * @throws {DiskError} when the next segment cannot be made; nothing has changed then.
   */
  take(size: number): void {
    const log = this.#log;
    const chunk = log.roomForCopy(size);
    if (chunk !== this.#chunk || log.tail + size > this.#laidTo) this.#lay(chunk, size);
    log.advance(chunk, size);
  }

  #lay(chunk: Chunk, size: number): void {
    const { tail } = this.#log;
    const from = tail - this.#offset;
    const to = tail - chunk.start;
    const count = Math.min(this.#bytes.length - from, chunk.bytes.length - to);
    invariant(from >= 0 && count >= size, "what is taken is in the stretch");
    chunk.bytes.set(this.#bytes.subarray(from, from + count), to);
    this.#chunk = chunk;
    this.#laidTo = tail + count;
  }
}
