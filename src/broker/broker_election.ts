/**
 * What a broker knows of the election of its group while it has one role; made anew with each role by `elected_broker.ts`.
 *
 * @module
 */
import type { GrantRequest } from "../election/election.ts";
import type { LeaderEntry } from "../election/group_state.ts";
import type { StoreFence } from "../store/store.ts";
import type { TermOpening } from "./term_opening.ts";

/** One role of a replica. */
export interface BrokerElection {
  readonly replicaId: number;
  /** Of the leader; null while it follows. */
  readonly fence: StoreFence | null;
  /** Of the leader's term; null while it follows. */
  readonly opening: TermOpening | null;
  /** The epoch that it leads or follows. */
  readonly epoch: () => number;
  /** Whom it follows; null for the leader, and while nobody is known. */
  readonly leader: () => LeaderEntry | null;
  /** A required replica that is behind for so long is late. */
  readonly replicaTimeoutMs: number;
  /** The leader of an epoch asks not to be stood against for a while. */
  readonly grant: (request: GrantRequest) => boolean;
  /** Whether whoever asks is the leader that is followed. */
  readonly isLeader: (request: Omit<GrantRequest, "forMs">) => boolean;
  /** With what this replica shows to others who it is. */
  readonly key: string;
  /** Whether whoever shows this key is that replica. */
  readonly isReplica: (replica: number, key: string | undefined) => boolean;
  /** A follower is late, or could be required. */
  readonly onFollowers: () => void;
  /** The log has caught up with the leader's. */
  readonly onCaughtUp: () => void;
}
