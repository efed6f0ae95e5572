/**
 * What followers add to the promise to producers of a leader that was elected: everything must be acknowledged by every
 * *required* replica. Which ones are required the election decides (`src/election`); this file knows how far each is.
 *
 * | required with the leader | promise | new messages |
 * |---|---|---|
 * | as many as `minInSyncReplicas`, two at least | what all of them have | taken |
 * | the leader alone, and one is enough | the leader's own: SLAVE_NOT_AVAILABLE | taken |
 * | fewer than `minInSyncReplicas` | stays where it is | refused: in-sync replicas not enough |
 *
 * Only the newest connection of a replica counts: a machine that lost its power comes back with less than it has
 * acknowledged on the connection before.
 *
 * RocketMQ counterpart: `AutoSwitchHAService`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { ReplicaGate } from "./promises.ts";

/** A follower's connection. */
export interface Follower {
  /** Who it is; null until it has said so. */
  readonly replicaId: number | null;
  readonly hasBegun: boolean;
  readonly ackOffset: number;
}

/** What the set is made of. */
export interface InSyncSetParts {
  readonly clock: Clock;
  /** Newest last. */
  readonly connections: Iterable<Follower>;
  readonly endOffset: () => number;
  /** What producers were promised. */
  readonly promisedOffset: () => number;
  readonly minInSyncReplicas: () => number;
  /** A required replica that is behind for so long is late. */
  readonly lateMs: number;
  /** What is promised may have changed, for those who are required have, or the leader may act again. */
  readonly onChange: () => void;
  /** Somebody required is late, or somebody else could be required. */
  readonly onReview: () => void;
}

/** A required replica without a connection is late after this long. */
const GONE_MS = 1000;
/** The log's end is noted so often. */
const MARK_MS = 100;

/** The set; see the module's text. */
export class InSyncSet implements ReplicaGate {
  readonly #parts: InSyncSetParts;
  #required: ReadonlySet<number> = new Set();
  /** For each replica when it was seen connected last, and the time of the newest log end that it has reached. */
  readonly #connectedMs = new Map<number, number>();
  readonly #caughtUpMs = new Map<number, number>();
  /** Ends of the log and when they were so, oldest first; none older than `lateMs`. */
  #marks: { readonly atMs: number; readonly endOffset: number }[] = [];

  /** What was told to be reviewed last. */
  #reviewed = "";

  /** Nobody is required yet. */
  constructor(parts: InSyncSetParts) {
    this.#parts = parts;
  }

  /** Nothing is acknowledged without these from now on. */
  require(replicas: ReadonlySet<number>): void {
    const now = this.#parts.clock.monotonicMs();
    for (const replica of replicas) {
      if (this.#required.has(replica)) continue;
      this.#connectedMs.set(replica, now);
      this.#caughtUpMs.set(replica, now);
    }
    this.#required = replicas;
    this.#parts.onChange();
  }

  /** To be called now and then, more often than every {@linkcode GONE_MS}: notes how far everybody is. */
  tick(): void {
    const { clock, lateMs, endOffset } = this.#parts;
    const now = clock.monotonicMs();
    if (now - (this.#marks.at(-1)?.atMs ?? -Infinity) >= MARK_MS) {
      this.#marks.push({ atMs: now, endOffset: endOffset() });
      while (this.#marks[0]!.atMs < now - lateMs) this.#marks.shift();
    }
    for (const [replica, { ackOffset }] of this.#newest()) {
      this.#connectedMs.set(replica, now);
      const reached = this.#marks.findLast((mark) => mark.endOffset <= ackOffset);
      if (reached !== undefined) this.#caughtUpMs.set(replica, reached.atMs);
    }
    this.#parts.onChange();
    this.#tellReview();
  }

  #tellReview(): void {
    const late = [...this.#required].filter((each) => this.isLate(each));
    const ready = this.connected().filter((each) => !this.#required.has(each) && this.hasPromised(each));
    const reviewed = `${late.join()} ${ready.join()}`;
    if (reviewed !== this.#reviewed && reviewed !== " ") this.#parts.onReview();
    this.#reviewed = reviewed;
  }

  /** Whether a required replica has gone or is behind for too long. */
  isLate(replica: number): boolean {
    const { clock, lateMs } = this.#parts;
    const now = clock.monotonicMs();
    const gone = now - (this.#connectedMs.get(replica) ?? -Infinity) > GONE_MS;
    return gone || now - (this.#caughtUpMs.get(replica) ?? -Infinity) > lateMs;
  }

  /** Replicas that have said where to begin, required or not. */
  connected(): number[] {
    return [...this.#newest().keys()];
  }

  /** Whether a replica has what producers were promised. */
  hasPromised(replica: number): boolean {
    return this.#ackOf(replica) >= this.#parts.promisedOffset();
  }

  /** Whether a replica has the whole log. */
  hasEverything(replica: number): boolean {
    return this.#ackOf(replica) >= this.#parts.endOffset();
  }

  /** @inheritdoc */
  available(): boolean {
    return this.#required.size > 0 || this.refusal() !== null;
  }

  /** @inheritdoc */
  replicatedOffset(): number {
    if (this.refusal() !== null) return 0;
    let least = Infinity;
    const newest = this.#newest();
    for (const replica of this.#required) least = Math.min(least, newest.get(replica)?.ackOffset ?? 0);
    return least;
  }

  /** @inheritdoc */
  refusal(): string | null {
    const least = this.#parts.minInSyncReplicas();
    const live = this.liveReplicas();
    return live >= least ? null : `${live} in-sync replicas with the leader, minInSyncReplicas is ${least}`;
  }

  /** The leader and those who are required. */
  liveReplicas(): number {
    return 1 + this.#required.size;
  }

  /** Whether a connection is that of a required replica. */
  isInSync(follower: Follower): boolean {
    return follower.replicaId !== null && this.#required.has(follower.replicaId);
  }

  #ackOf(replica: number): number {
    return this.#newest().get(replica)?.ackOffset ?? -1;
  }

  /** The newest connection of each replica that has begun. */
  #newest(): Map<number, Follower> {
    const newest = new Map<number, Follower>();
    for (const follower of this.#parts.connections) {
      if (follower.replicaId === null) continue;
      if (follower.hasBegun) newest.set(follower.replicaId, follower);
      else newest.delete(follower.replicaId);
    }
    return newest;
  }
}
