/**
 * A replica's own lease at the authority: made when there is none, kept alive, and until when it may be relied on.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Authority } from "./authority.ts";

/** This part of a time that others count as well is not used, for clocks do not run alike. */
const MARGIN_SHARE = 0.1;

/** A lease as it is now. */
export interface Lease {
  readonly id: string;
  /** Monotonic time until which it may be relied on. */
  deadlineMs: number;
}

/** Until when something may be relied on that somebody else lets last for `forMs` after he was asked. Monotonic times. */
export function reliableUntil(askedMs: number, forMs: number): number {
  return askedMs + forMs * (1 - MARGIN_SHARE);
}

/** The lease; see the module's text. */
export class OwnLease {
  /** Null before the first one is made, and after it has ended. */
  present: Lease | null = null;
  /** The renewal under way. */
  renewal: Promise<boolean> | null = null;
  readonly #authority: Authority;
  readonly #clock: Clock;
  readonly #ttlSec: number;

  /** Nothing is asked yet. @param ttlSec how long it lives after a renewal. */
  constructor(authority: Authority, clock: Clock, ttlSec: number) {
    this.#authority = authority;
    this.#clock = clock;
    this.#ttlSec = ttlSec;
  }

  /** Makes it or keeps it alive; whether it turned out to have ended. One renewal at a time. @throws {AuthorityError} */
  renew(): Promise<boolean> {
    return this.renewal ??= this.#renewOnce().finally(() => this.renewal = null);
  }

  /** Ends a lease with its keys: this one or a former one. @throws {AuthorityError} when that is not known. */
  async end(id: string): Promise<void> {
    await this.#authority.revokeLease(id);
    if (this.present?.id === id) this.present = null;
  }

  async #renewOnce(): Promise<boolean> {
    // Counted from before it is asked: the authority counts from when that arrives.
    const askedMs = this.#clock.monotonicMs();
    const lease = this.present;
    if (lease === null) {
      const id = await this.#authority.grantLease(this.#ttlSec);
      this.present = { id, deadlineMs: reliableUntil(askedMs, this.#ttlSec * 1000) };
      return false;
    }
    const seconds = await this.#authority.keepAlive(lease.id);
    if (seconds > 0) {
      lease.deadlineMs = Math.max(lease.deadlineMs, reliableUntil(askedMs, seconds * 1000));
      return false;
    }
    lease.deadlineMs = -Infinity;
    if (this.present === lease) this.present = null;
    return true;
  }
}
