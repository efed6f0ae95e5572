/**
 * What a leader does for its term: names in the group's state who is in sync, requires those before and until after, and asks
 * them for time.
 *
 * Whether there is a term, and when it ends, the election says, which alone uses it: in rounds that follow each other.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type Authority, AuthorityError } from "./authority.ts";
import type { ElectionHost } from "./election_host.ts";
import type { EpochFile } from "./epoch_file.ts";
import { type Entry, type GroupKeys, type GroupState, isLater, withInSync } from "./group_state.ts";
import { reliableUntil } from "./own_lease.ts";
import type { Term } from "./term.ts";

/** What it works on. */
export interface LeadershipParts {
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: GroupKeys;
  readonly epochFile: EpochFile;
  readonly host: Pick<ElectionHost, "askGrant">;
  readonly leaseSec: number;
}

/** See the module's text. */
export class Leadership {
  readonly #parts: LeadershipParts;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
  }

  /**
   * Names as in sync who is, and no more who is late; whether something has changed, so that it is to be looked at again.
   *
   * @throws {AuthorityError}
   */
  async reviewInSync(term: Term, { value: state, modRevision }: Entry<GroupState>): Promise<boolean> {
    const { log, epochFile } = this.#parts;
    const { followers } = term;
    const others = state.inSync.filter((each) => each !== state.leader);
    const mayStay = (each: number) => !state.removed.includes(each) && !followers.isLate(each) && term.isProven(each);
    const kept = others.filter(mayStay);
    const more = followers.connected().filter((each) =>
      !others.includes(each) && !state.removed.includes(each) && followers.hasPromised(each)
    );
    // Required first: what is acknowledged from here on, the newcomers have.
    if (term.requireAlso(more)) this.askGrants(term);
    const inSync = withInSync(state, [...kept, ...more.filter((each) => followers.hasPromised(each))]);
    const wanted = { ...inSync, heldOffset: term.isOpen ? startOffsetOf(state) : state.heldOffset };
    const isSame = sameMembers(wanted.inSync, state.inSync) && wanted.heldOffset === state.heldOffset;
    const isSetBack = isLater(epochFile.newestState, state);
    if (isSame && !isSetBack) {
      this.requireOnly(term, state.inSync);
      return false;
    }
    if (isSetBack) log.warn(`election: the authority's state of epoch ${state.epoch} was set back; it is written anew`);
    if (!await this.write(term, modRevision, wanted)) return true;
    this.requireOnly(term, wanted.inSync);
    if (!sameMembers(wanted.inSync, state.inSync)) {
      log.info(`election: in sync are now ${wanted.inSync.join(", ")} (before: ${state.inSync.join(", ")})`);
    }
    return true;
  }

  /** The state is known to name these as in sync, and nobody else. */
  requireOnly(term: Term, inSync: readonly number[]): void {
    if (term.requireOnly(inSync)) this.askGrants(term);
  }

  /**
   * Writes the state as its leader; false when it was another than the one of that revision, or we lead no more.
   *
   * @throws {AuthorityError}
   */
  async write(
    term: Term,
    stateRevision: number,
    wanted: GroupState,
    more: { deletes?: string[] } = {},
  ): Promise<boolean> {
    const { authority, keys } = this.#parts;
    const state = this.asNewest(wanted);
    term.willWrite(state);
    try {
      const { succeeded } = await authority.commit({
        compare: [
          { key: keys.state, target: "MOD", revision: stateRevision },
          { key: keys.leader, target: "CREATE", revision: term.createRevision },
        ],
        puts: [{ key: keys.state, value: JSON.stringify(state) }],
        ...more,
      });
      if (succeeded) term.written();
      return succeeded;
    } catch (error) {
      if (error instanceof AuthorityError && error.isUnknown) term.mayBeWritten(state, stateRevision);
      throw error;
    }
  }

  /** A state that we are about to write, later than all that were seen: also where it follows one that was set back. */
  asNewest(state: GroupState): GroupState {
    const { epoch, version } = this.#parts.epochFile.newestState;
    return epoch === state.epoch && version >= state.version ? { ...state, version: version + 1 } : state;
  }

  /** Asks every required follower for time, in case that the authority cannot be asked. */
  askGrants(term: Term): void {
    const { clock, host, leaseSec } = this.#parts;
    const leaseMs = leaseSec * 1000;
    for (const replica of term.required) {
      const untilMs = reliableUntil(clock.monotonicMs(), leaseMs);
      host.askGrant(replica, term.epoch, leaseMs).then((isGranted) => {
        if (isGranted) term.granted(replica, untilMs);
      }, () => {});
    }
  }
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

function startOffsetOf({ history, heldOffset }: GroupState): number {
  return Math.max(heldOffset, history.at(-1)?.startOffset ?? 0);
}
