/**
 * What slaves add to the promise to producers of a SYNC_MASTER.
 *
 * A slave counts when it is known and less than `haMaxGapNotInSync` behind (4.x: `haSlaveFallbehindMax`). With the master
 * they are the *live* replicas. Wanted are `inSyncReplicas` of them, and at least one slave: that is what SYNC_MASTER says,
 * although Java 5.x with its default of 1 waits for nobody. With `enableAutoInSyncReplicas` fewer are enough when fewer are
 * live. Then:
 *
 * | live replicas | promise | new messages |
 * |---|---|---|
 * | as many as wanted | what the wanted ones have acknowledged | taken |
 * | fewer, but `minInSyncReplicas` | shrinks to the master's own: SLAVE_NOT_AVAILABLE | taken |
 * | fewer than `minInSyncReplicas` | stays where it is | refused: in-sync replicas not enough |
 *
 * RocketMQ counterpart: `HAService#isSlaveOK` (4.x), `CommitLog#calcNeedAckNums` (5.x).
 *
 * @module
 */
import type { HaConnection } from "./ha_connection.ts";
import type { ReplicaGate } from "./promises.ts";

/** A slave as the promise sees it. */
export interface Replica {
  readonly isKnown: boolean;
  readonly hasBegun: boolean;
  readonly ackOffset: number;
}

/** The options that decide. */
export interface HaGateOptions {
  readonly inSyncReplicas: number;
  readonly minInSyncReplicas: number;
  readonly enableAutoInSyncReplicas: boolean;
  readonly allAckInSyncStateSet: boolean;
  readonly haMaxGapNotInSync: number;
}

/** A gate with what is shown to people: one that counts slaves, or one whose followers were named by an election. */
export interface MasterGate extends ReplicaGate {
  /** The master and the slaves that count. */
  liveReplicas(): number;
  /** Whether a slave counts. */
  isInSync(connection: HaConnection): boolean;
  /** To be called several times a second, where there is something to note. */
  tick?(): void;
}

/** The gate; see the module's text. */
export class HaGate implements MasterGate {
  readonly #replicas: Iterable<Replica>;
  readonly #endOffset: () => number;
  readonly #options: () => HaGateOptions;

  /** @param endOffset end of the master's log. @param options the present ones. */
  constructor(replicas: Iterable<Replica>, endOffset: () => number, options: () => HaGateOptions) {
    this.#replicas = replicas;
    this.#endOffset = endOffset;
    this.#options = options;
  }

  /** Whether a slave is near enough to count. */
  isInSync(replica: Replica): boolean {
    return replica.hasBegun && this.#endOffset() - replica.ackOffset < this.#options().haMaxGapNotInSync;
  }

  /** The master and the slaves that count. */
  liveReplicas(): number {
    let live = 1;
    for (const replica of this.#replicas) if (replica.isKnown && this.isInSync(replica)) live++;
    return live;
  }

  /** @inheritdoc */
  available(): boolean {
    const live = this.liveReplicas();
    return live < this.#options().minInSyncReplicas || live >= this.#wanted(live);
  }

  /** @inheritdoc */
  replicatedOffset(): number {
    const live = this.liveReplicas();
    const wanted = Math.max(this.#wanted(live), this.#options().minInSyncReplicas);
    const acks: number[] = [];
    for (const replica of this.#replicas) if (replica.isKnown && this.isInSync(replica)) acks.push(replica.ackOffset);
    acks.sort((a, b) => b - a);
    const last = this.#options().allAckInSyncStateSet ? acks.length - 1 : 0;
    return acks[Math.max(last, wanted - 2)] ?? 0;
  }

  /** @inheritdoc */
  refusal(): string | null {
    const { minInSyncReplicas } = this.#options();
    const live = this.liveReplicas();
    if (live >= minInSyncReplicas) return null;
    return `${live} in-sync replicas with the master, minInSyncReplicas is ${minInSyncReplicas}`;
  }

  /** How many replicas must have a message, the master included. */
  #wanted(live: number): number {
    const { inSyncReplicas, minInSyncReplicas, enableAutoInSyncReplicas } = this.#options();
    const wanted = Math.max(2, inSyncReplicas);
    return enableAutoInSyncReplicas ? Math.max(2, Math.min(wanted, live), minInSyncReplicas) : wanted;
  }
}
