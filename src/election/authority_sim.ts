/**
 * An authority in memory, on virtual time: a map with revisions and leases, as replicas on other machines reach it. Answers
 * take time; a replica that is cut off gets none, though what it asked may have happened.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Random } from "../common/random.ts";
import { type Authority, AuthorityError, type Committed, type KeyValue, type Transaction } from "./authority.ts";

/** Time for an answer. */
const TIMEOUT_MS = 900;
/** etcd looks so often which leases have ended. */
const EXPIRY_PERIOD_MS = 500;

/** A lease: until when, on the authority's clock. */
interface Lease {
  readonly ttlSec: number;
  endMs: number;
}

/** The state that all replicas share. */
export class SimAuthority {
  revision = 1;
  /** Nobody is answered. */
  isDown = false;
  /** Requests and answers are under way for up to so much longer. */
  slowMs = 0;
  /** Names of those who are not answered. */
  readonly cutOff = new Set<string>();
  readonly #keys = new Map<string, KeyValue>();
  readonly #leases = new Map<string, Lease>();
  readonly #watchers = new Set<{ prefix: string; name: string; onChange: () => void }>();
  #lastLease = 0;

  /** Leases end by `clock`. */
  constructor(readonly clock: Clock, readonly random: Random) {
    clock.every(EXPIRY_PERIOD_MS, () => this.#expire());
  }

  /** The authority as the replica of that name reaches it; `clock` ends with the replica's process. */
  reachedBy(name: string, clock: Clock): Authority {
    return {
      read: (prefix) => this.#call(name, clock, () => this.read(prefix)),
      commit: (transaction) => this.#call(name, clock, () => this.commit(transaction)),
      grantLease: (ttlSec) => this.#call(name, clock, () => this.#grant(ttlSec)),
      keepAlive: (lease) => this.#call(name, clock, () => this.#keepAlive(lease)),
      revokeLease: (lease) => this.#call(name, clock, () => this.#revoke(lease)),
      watch: (prefix, onChange) => {
        const watcher = { prefix, name, onChange: () => void clock.after(this.#delayMs(), onChange) };
        this.#watchers.add(watcher);
        return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
      },
    };
  }

  /** All keys with a prefix, for tests as well. */
  read(prefix: string): KeyValue[] {
    return [...this.#keys.values()].filter(({ key }) => key.startsWith(prefix)).sort((a, b) => a.key < b.key ? -1 : 1);
  }

  /** Does a transaction. @throws {AuthorityError} when a lease has ended. */
  commit({ compare, puts = [], deletes = [] }: Transaction): Committed {
    const holds = compare.every(({ key, target, revision }) => {
      const found = this.#keys.get(key);
      return (target === "CREATE" ? found?.createRevision : found?.modRevision) === (revision || undefined);
    });
    if (!holds) return { succeeded: false, revision: this.revision };
    for (const { lease = "" } of puts) {
      if (lease !== "" && !this.#leases.has(lease)) throw new AuthorityError("requested lease not found", false);
    }
    const revision = ++this.revision;
    for (const { key, value, lease = "" } of puts) {
      const createRevision = this.#keys.get(key)?.createRevision ?? revision;
      this.#keys.set(key, { key, value, createRevision, modRevision: revision, lease });
      this.#changed(key);
    }
    for (const key of deletes) if (this.#keys.delete(key)) this.#changed(key);
    return { succeeded: true, revision };
  }

  /** What was asked happens on the authority's time, whether or not who asked still lives, sleeps or waits for it. */
  #call<T>(name: string, clock: Clock, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const unknown = () => reject(new AuthorityError(`no answer within ${TIMEOUT_MS} ms`, true));
      const patience = clock.after(TIMEOUT_MS, unknown);
      const answer = (settle: () => void) =>
        clock.after(this.#delayMs(), () => {
          // Whoever was cut off meanwhile is not answered, though it has happened.
          if (this.#isUnreachable(name)) return;
          patience.cancel();
          settle();
        });
      this.clock.after(this.#delayMs(), () => {
        if (this.#isUnreachable(name)) return;
        try {
          const result = work();
          answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  #isUnreachable(name: string): boolean {
    return this.isDown || this.cutOff.has(name);
  }

  #delayMs(): number {
    return 0.5 + (3 + this.slowMs) * this.random.next();
  }

  #grant(ttlSec: number): string {
    const id = String(++this.#lastLease);
    this.#leases.set(id, { ttlSec, endMs: this.clock.monotonicMs() + ttlSec * 1000 });
    return id;
  }

  #keepAlive(id: string): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.endMs = this.clock.monotonicMs() + lease.ttlSec * 1000;
    return lease.ttlSec;
  }

  #expire(): void {
    if (this.isDown) return;
    for (const [id, { endMs }] of this.#leases) if (endMs <= this.clock.monotonicMs()) this.#revoke(id);
  }

  #revoke(id: string): void {
    this.#leases.delete(id);
    for (const { key, lease } of [...this.#keys.values()]) {
      if (lease !== id) continue;
      this.revision++;
      this.#keys.delete(key);
      this.#changed(key);
    }
  }

  #changed(key: string): void {
    for (const { prefix, name, onChange } of this.#watchers) {
      if (key.startsWith(prefix) && !this.#isUnreachable(name)) onChange();
    }
  }
}
