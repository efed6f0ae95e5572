/**
 * The error families of the project. A broken promise of our own is an assertion ({@linkcode invariant}); a peer's
 * mistake is a `ResponseError` (`src/protocol/response_error.ts`); what the world does to us is one of the classes here.
 *
 * @module
 */

/** Base of all failures caused by the world outside the process; `retriable` says whether trying again may help. */
export abstract class WorldError extends Error {
  /** Whether the same attempt may succeed later without anybody doing something. */
  abstract readonly retriable: boolean;
}

/** Why a disk operation failed, as far as the caller can act on it. */
export type DiskFault = "not-found" | "exists" | "no-space" | "read-only" | "permission" | "io" | "closed" | "locked";

/** A file operation failed. */
export class DiskError extends WorldError {
  override readonly name = "DiskError";
  /** The kind of failure. */
  readonly fault: DiskFault;
  /** The file or directory concerned. */
  readonly path: string;
  /**
   * True where the cause can go away by itself and the same attempt can be made again then: no space for what was to be written.
   * Never after a sync, for the system may have dropped what it was to bring to the device, and the next one would say nothing.
   */
  readonly retriable: boolean;

  /** @param attempted what was tried, e.g. `"write 2048 bytes at 4096"`; of a sync it begins with `sync`. */
  constructor(fault: DiskFault, path: string, attempted: string, cause?: unknown) {
    const why = cause instanceof Error ? cause.message : fault;
    super(`Cannot ${attempted}: ${path}: ${why}`, { cause });
    this.fault = fault;
    this.path = path;
    this.retriable = fault === "no-space" && !attempted.startsWith("sync");
  }
}

/** A connection could not be made, broke, or did not answer in time. */
export class ConnectionError extends WorldError {
  override readonly name = "ConnectionError";
  override readonly retriable = true;

  /** @param fault `connect` (never reached), `closed` (broke while waiting), `timeout` (no answer in time). */
  constructor(readonly fault: "connect" | "closed" | "timeout", message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Why a port cannot be listened on, as far as a setting can mend it. */
export type ListenFault = "taken" | "foreign-address" | "no-address" | "not-allowed" | "other";

/** A port cannot be listened on. */
export class ListenError extends ConnectionError {
  /**
   * @param reason `taken`: somebody else has the port; `foreign-address`: the address is none of this machine; `no-address`:
   * the host leads to no address; `not-allowed`: the system keeps the port for others.
   */
  constructor(
    readonly address: { readonly host: string; readonly port: number },
    readonly reason: ListenFault,
    message: string,
    cause?: unknown,
  ) {
    super("connect", message, cause);
  }
}

/** Stored bytes contradict their format. */
export class CorruptError extends WorldError {
  override readonly name = "CorruptError";
  override readonly retriable = false;

  /** @param position byte position in the file `path`. */
  constructor(readonly path: string, readonly position: number, readonly reason: string, cause?: unknown) {
    super(`Corrupt data in ${path} at ${position}: ${reason}`, { cause });
  }
}

/** A promise of our own code was broken: loud, so that no bad byte reaches the disk. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws {@link InvariantError} unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Ends the process by an exception that nobody can catch: for a broken promise of our own that was found where an ordinary
 * error would be answered, and the process go on with a state that it cannot trust.
 */
export function endProcess(error: InvariantError): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether whoever reads what a program prints has gone, as `head` does when it has enough. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe;
}
