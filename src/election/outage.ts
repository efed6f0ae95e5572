/**
 * That the authority cannot be asked, as people are told it: once and not at each attempt, again for another cause, and once
 * when it answers again.
 *
 * From the start a cause is told at once. Later it is told when it has lasted for `graceMs`: a single answer that was slow,
 * or a lease that has ended meanwhile, is only noted in the log.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import type { AuthorityError } from "./authority.ts";

/** More causes than this are not told apart in one outage. */
const CAUSES_MAX = 16;

/** What an outage is told by. */
export interface OutageParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs: number;
  /** The authority cannot be asked; null: it answers again, after it was told that it does not. */
  readonly onChange: (cause: string | null) => void;
}

/** Whether the authority answers; see the module's text. */
export class Outage {
  /** How often it could not be asked. */
  count = 0;
  readonly #parts: OutageParts;
  #hasAnswered = false;
  /** Causes of the present outage, with when each was met first. */
  readonly #causes = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(parts: OutageParts) {
    this.#parts = parts;
  }

  /** It could not be asked, or refuses. */
  failed({ message }: AuthorityError): void {
    const { clock, log, graceMs, onChange } = this.#parts;
    this.count++;
    const now = clock.monotonicMs();
    const sinceMs = this.#causes.get(message) ?? now;
    const isDue = !this.#hasAnswered || now - sinceMs >= graceMs;
    if (!this.#causes.has(message)) {
      if (this.#causes.size >= CAUSES_MAX) return;
      this.#causes.set(message, sinceMs);
      if (!isDue) log.warn(`election: ${message}`);
    }
    if (!isDue || this.#told.has(message)) return;
    this.#told.add(message);
    onChange(message);
  }

  /** It was asked, and has answered everything. */
  answered(): void {
    this.#hasAnswered = true;
    if (this.#causes.size === 0) return;
    const wasTold = this.#told.size > 0;
    this.#causes.clear();
    this.#told.clear();
    this.#parts.log.info("election: the authority answers again");
    if (wasTold) this.#parts.onChange(null);
  }
}
