/**
 * What an election decides about, and is told by: the broker that leads or follows, as it sees it.
 *
 * @module
 */
import type { LeaderEntry } from "./group_state.ts";
import type { Followers } from "./term.ts";

/** What an election decides about. Neither function is called while the other is under way. */
export interface ElectionHost {
  /** Where others reach this replica. */
  addresses(): Pick<LeaderEntry, "brokerAddr" | "haAddr">;
  /** Where the log ends. */
  endOffset(): number;
  /** Why this replica could not store messages, the election aside; null when it could. */
  illness(): string | null;
  /** Serves as the leader from now on. @throws when it cannot. */
  lead(epoch: number): Promise<Followers>;
  /** The term is open: messages are taken and shown from now on. */
  leading(): void;
  /** Follows from now on; null: whoever there was is gone, or unknown. @throws when it cannot. */
  follow(leader: LeaderEntry | null): Promise<void>;
  /** Has a follower that is about to lead copy what it copies only now and then. It leads all the same when that fails. */
  prepareSuccessor(replica: number, epoch: number): Promise<void>;
  /** The authority cannot be asked: from the start, or for a while; null: it answers again. */
  outage(cause: string | null): void;
  /** Nobody leads for a while, and this is why this replica does not. */
  waits(why: string): void;
  /** Another replica lives under our number: we take no part until it has gone. */
  numberTaken(brokerAddr: string): void;
  /** Asks a follower not to stand for so long; whether it granted that. */
  askGrant(replica: number, epoch: number, forMs: number): Promise<boolean>;
}
