/**
 * A leader's term: without whom it acknowledges nothing, and how long it may act.
 *
 * A replica is *required* from before the state names it as in sync until after the state certainly no longer does. A
 * transaction whose outcome is unknown may have named, and may still name, those that it would: until the state has another
 * revision than that transaction compared.
 *
 * A term is *open* from when everybody who is required has all of the log that it began with. Before that nothing is taken,
 * acknowledged or shown: what was acknowledged in earlier terms all of them have, what else the leader's log ends with not.
 *
 * @module
 */
import { invariant } from "../common/errors.ts";
import type { Entry, GroupState } from "./group_state.ts";
import type { Lease } from "./own_lease.ts";

/** Followers as the leader's replication sees them. */
export interface Followers {
  /** Without these nothing is acknowledged from now on. */
  require(replicas: ReadonlySet<number>): void;
  /** Of those required: has gone, or has been behind for too long. */
  isLate(replica: number): boolean;
  /** Replicas that are connected, whether required or not. */
  connected(): readonly number[];
  /** Whether it has everything that was acknowledged so far. */
  hasPromised(replica: number): boolean;
  /** Whether it has all of the leader's log. */
  hasEverything(replica: number): boolean;
}

/** What a term begins with. */
export interface TermStart {
  /** The leader itself. */
  readonly replica: number;
  readonly epoch: number;
  /** In sync as it begins; not more than have everything that was acknowledged before. */
  readonly inSync: readonly number[];
  readonly followers: Followers;
  /** Of the leader's key. */
  readonly createRevision: number;
  readonly lease: Lease;
}

/** A transaction of the leader whose outcome is unknown. */
interface UncertainWrite {
  readonly inSync: readonly number[];
  readonly stateRevision: number;
}

/** The term; see the module's text. */
export class Term {
  readonly epoch: number;
  readonly followers: Followers;
  createRevision: number;
  lease: Lease;
  /** Why no new messages are taken while the term is being handed over. */
  handingOver: string | null = null;
  /** Monotonic time since when messages cannot be stored. */
  illSinceMs: number | null = null;
  readonly #replica: number;
  #required: ReadonlySet<number> = new Set();
  #isOpen = false;
  #uncertain: readonly UncertainWrite[] = [];
  /** Named as in sync by a state that we have not written: it was restored. */
  readonly #unproven = new Set<number>();
  /** Until when each follower has promised not to stand, in monotonic time. */
  readonly #grants = new Map<number, number>();

  /** The followers are told whom it requires. */
  constructor({ replica, epoch, inSync, followers, createRevision, lease }: TermStart) {
    this.epoch = epoch;
    this.followers = followers;
    this.createRevision = createRevision;
    this.lease = lease;
    this.#replica = replica;
    this.#require(inSync);
  }

  /** Whether {@linkcode open} has opened it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens it when everybody who is required has the log that it began with; whether it is open. */
  open(): boolean {
    // Nothing is promised beyond that log before.
    return this.#isOpen ||= [...this.#required].every((each) => this.followers.hasPromised(each));
  }

  /** Without these nothing is acknowledged. */
  get required(): ReadonlySet<number> {
    return this.#required;
  }

  /** Requires more replicas; whether that is a change. */
  requireAlso(replicas: readonly number[]): boolean {
    return this.#require([...this.#required, ...replicas]);
  }

  /** The state is known to name these as in sync: requires them, and whom an uncertain write may name; whether that is a change. */
  requireOnly(inSync: readonly number[]): boolean {
    return this.#require([...inSync, ...this.#uncertain.flatMap((write) => write.inSync)]);
  }

  /**
   * The state was read: a write that compared another revision has happened or never will. Nobody but the leader names anybody as
   * in sync: one who is not required is named by a state that was set back.
   * @returns those of whom that was found now.
   */
  stateRead({ value: { inSync }, modRevision }: Entry<GroupState>): number[] {
    const strangers = inSync.filter((each) => each !== this.#replica && !this.#required.has(each));
    for (const each of strangers) this.#unproven.add(each);
    this.#uncertain = this.#uncertain.filter(({ stateRevision }) => stateRevision === modRevision);
    return strangers;
  }

  /** Whether a replica that the state names may stay in sync: it was named by us, or has shown that it has everything. */
  isProven(replica: number): boolean {
    if (this.#unproven.has(replica) && this.followers.hasPromised(replica)) this.#unproven.delete(replica);
    return !this.#unproven.has(replica);
  }

  /** A state is about to be written. @throws {InvariantError} when it names somebody who is not required. */
  willWrite({ inSync }: GroupState): void {
    invariant(
      inSync.every((each) => each === this.#replica || this.#required.has(each)),
      `${inSync} are to be named as in sync, and only ${[...this.#required]} are required`,
    );
  }

  /** A write was done: those that compared the same revision before it cannot happen any more. */
  written(): void {
    this.#uncertain = [];
  }

  /** Nobody knows whether a write was done. */
  mayBeWritten({ inSync }: GroupState, stateRevision: number): void {
    this.#uncertain = [...this.#uncertain, { inSync, stateRevision }];
  }

  /** A follower has promised not to stand before `untilMs` (monotonic). */
  granted(replica: number, untilMs: number): void {
    this.#grants.set(replica, Math.max(untilMs, this.#grants.get(replica) ?? -Infinity));
  }

  /** Why nothing may be acknowledged at a monotonic time; null when the leader may act. */
  refusal(now: number): string | null {
    if (!this.#isOpen) {
      return `the replicas in sync (${[...this.#required].join(", ")}) do not have the leader's log yet`;
    }
    if (now < this.lease.deadlineMs) return null;
    for (const replica of this.#required) {
      if (now < (this.#grants.get(replica) ?? -Infinity)) continue;
      return `the lease could not be renewed, and replica ${replica} has not granted more time`;
    }
    return null;
  }

  /** Whom to hand over to: a required follower that is there, best one that has everything; null for nobody. */
  successor(): number | null {
    const there = [...this.#required].filter((each) => !this.followers.isLate(each));
    return there.find((each) => this.followers.hasEverything(each)) ?? there[0] ?? null;
  }

  #require(replicas: readonly number[]): boolean {
    const required = new Set(replicas);
    required.delete(this.#replica);
    if (required.size === this.#required.size && required.isSubsetOf(this.#required)) return false;
    this.#required = required;
    this.followers.require(required);
    return true;
  }
}
