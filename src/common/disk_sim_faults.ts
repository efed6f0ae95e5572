/**
 * What goes wrong on a simulated disk, and when: operations are counted here, fail by rule, or stop the machine at a given
 * one, so that a test can run once for every point at which a crash is possible.
 *
 * @module
 */
import { DiskError, type DiskFault } from "./errors.ts";

/** What is done to a disk, as far as it can fail. All but `open` and `read` change something and are counted. */
export type DiskOperation =
  | "open"
  | "read"
  | "create"
  | "write"
  | "truncate"
  | "sync"
  | "makeDirectory"
  | "remove"
  | "rename"
  | "syncDirectory";

/** Of these, what takes time off the event loop. */
export type WaitingOperation = "read" | "sync" | "syncDirectory";

/** Operations that fail. */
export interface FaultRule {
  /** Paths concerned; all by default. */
  readonly path?: RegExp;
  /** The operation concerned; by default all that change something. */
  readonly operation?: DiskOperation;
  /** Only the nth that matches fails, counted from 1 and from now; by default each. */
  readonly nth?: number;
  /** What they fail with. */
  readonly fault: DiskFault;
}

/** Operations that take time. */
export interface SlowRule {
  /** Paths concerned; all by default. */
  readonly path?: RegExp;
  readonly operation: WaitingOperation;
  readonly latencyMs: number;
}

/** Thrown in a process whose machine stopped: whatever it was about to do did not happen. */
export class SimulatedCrash extends Error {
  override readonly name = "SimulatedCrash";
}

/** Ends a rule. */
export interface RuleHandle {
  /** The rule no longer holds. */
  cancel(): void;
}

/** Counts and spoils the operations of one simulated disk. */
export class DiskFaults {
  readonly #rules = new Set<{ rule: FaultRule; matched: number }>();
  readonly #slow = new Set<SlowRule>();
  #changes = 0;
  #stopAt = Infinity;

  /** Operations so far that change something. */
  get changes(): number {
    return this.#changes;
  }

  /** True when the machine stopped at the operation given to {@linkcode stopAt}. */
  get stopped(): boolean {
    return this.#changes >= this.#stopAt;
  }

  /** Lets operations fail from now on. */
  fail(rule: FaultRule): RuleHandle {
    const entry = { rule, matched: 0 };
    this.#rules.add(entry);
    return { cancel: () => void this.#rules.delete(entry) };
  }

  /** Lets asynchronous operations take at least so long; the slowest rule that matches counts. */
  slow(rule: SlowRule): RuleHandle {
    this.#slow.add(rule);
    return { cancel: () => void this.#slow.delete(rule) };
  }

  /** Stops the machine just before the `change`-th change (from 1, from the beginning): it and all later calls throw. */
  stopAt(change: number): void {
    this.#stopAt = change;
  }

  /** To be called before every operation. @throws {SimulatedCrash} @throws {DiskError} */
  before(operation: DiskOperation, path: string): void {
    const isChange = operation !== "open" && operation !== "read";
    if (isChange && !this.stopped) this.#changes++;
    if (this.stopped) {
      throw new SimulatedCrash(`The machine stopped before change ${this.#stopAt} (${operation} ${path})`);
    }
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.operation === undefined ? !isChange : rule.operation !== operation) continue;
      if (rule.path !== undefined && !rule.path.test(path)) continue;
      entry.matched++;
      if (rule.nth !== undefined && rule.nth !== entry.matched) continue;
      throw new DiskError(rule.fault, path, operation, new Error(`simulated ${rule.fault} fault`));
    }
  }

  /** How long an operation takes by the rules. */
  latencyMs(operation: WaitingOperation, path: string): number {
    let latencyMs = 0;
    for (const rule of this.#slow) {
      const matches = rule.operation === operation && (rule.path === undefined || rule.path.test(path));
      if (matches) latencyMs = Math.max(latencyMs, rule.latencyMs);
    }
    return latencyMs;
  }
}
