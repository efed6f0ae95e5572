/**
 * Whether a replica may stand for election when there is no leader's key: a pure function of what it knows.
 *
 * @module
 */
import { type GroupState, type GroupView, isLater, type StateVersion } from "./group_state.ts";

/** What a replica knows. Times are monotonic. */
export interface Standing {
  readonly view: GroupView;
  readonly replica: number;
  readonly now: number;
  readonly leaseMs: number;
  /** When this process began to take part. */
  readonly startedMs: number;
  /** When the present state was first seen. */
  readonly stateSeenMs: number;
  /** The last promise to a leader not to stand. */
  readonly grant: { readonly untilMs: number; readonly epoch: number };
  /** It could not lead, and leaves it to others until then. */
  readonly sickUntilMs: number;
  /** Why it could not store messages. */
  readonly illness: string | null;
  readonly endOffset: number;
  /** Whether its log has everything that it acknowledged. */
  readonly isTrusted: boolean;
  /** The newest epoch that it has seen in any of its lives; 0: it has never been in a group with a leader. */
  readonly epoch: number;
  /** The newest state that it has seen in any of its lives. */
  readonly newestState: StateVersion;
  /** Bytes that its log is known to have had. */
  readonly logBytes: number;
}

/** What keeps the replica from standing; null when nothing does. */
export function standingObstacle(standing: Standing): string | null {
  const { view, now, sickUntilMs, illness } = standing;
  if (illness !== null) return illness;
  if (now < sickUntilMs) return "it could not lead a moment ago";
  return view.state === null ? firstObstacle(standing) : laterObstacle(standing);
}

/** The group is new: an empty replica begins it, unless another one that is there has messages. */
function firstObstacle({ view, replica, now, startedMs, leaseMs, endOffset, epoch }: Standing): string | null {
  const word = "name the first leader by `rucola tools forceMaster`";
  if (epoch > 0) return `the authority has lost the group's state, which this replica knows; ${word}`;
  if (endOffset > 0) return `the group is new to the authority, and this replica has messages already; ${word}`;
  const other = view.replicas.find(({ value }) => value.replica !== replica && value.endOffset > 0);
  if (other !== undefined) return `the group is new, and replica ${other.value.replica} has messages; ${word}`;
  return now < startedMs + leaseMs ? "it waits for other replicas of a new group" : null;
}

function laterObstacle(standing: Standing): string | null {
  const { view, replica, now, leaseMs, startedMs, stateSeenMs, grant, isTrusted, epoch, endOffset } = standing;
  const state = view.state!.value;
  const { inSync, next } = state;
  if (!inSync.includes(replica)) return `it is not in sync, and only those who are may lead (${inSync.join(", ")})`;
  if (state.removed.includes(replica)) return "an operator has removed it";
  const seen = Math.max(epoch, ...view.replicas.map(({ value }) => value.epoch));
  if (seen > state.epoch && !isForced(state)) {
    return `the authority was set back: it has epoch ${state.epoch}, and epoch ${seen} was seen, so that nobody knows who is ` +
      "in sync; name the leader by `rucola tools forceMaster`";
  }
  const newest = [standing.newestState, ...view.replicas.map(({ value }) => value.newestState)];
  if (newest.some((each) => isLater(each, state)) && !isForced(state)) {
    return `the authority was set back: a later state of epoch ${state.epoch} was seen than it has, so that nobody knows ` +
      "who is in sync; name the leader by `rucola tools forceMaster`";
  }
  if (hasLostLog(standing, state.heldOffset) && !isForced(state)) {
    const hadBytes = Math.max(state.heldOffset, standing.logBytes);
    return `its log ends at ${endOffset}, and it had at least ${hadBytes} bytes when it was in sync: its store was ` +
      "emptied; if nobody has more, name it by `rucola tools forceMaster`";
  }
  if (!isTrusted && inSync.length > 1) {
    return "its store is new, or lacks messages that it had (its machine lost power before they were synced, or files were " +
      "removed), and others are in sync";
  }
  if (next !== null && next !== replica && now < stateSeenMs + leaseMs) return `replica ${next} is to lead`;
  // What was promised to the leader of this epoch, or an earlier one, is void when it has ended its term by itself.
  if (state.released && grant.epoch <= state.epoch) return null;
  if (now < grant.untilMs) return `it has promised the leader of epoch ${grant.epoch} to wait`;
  // A promise from before our own start is not remembered. There was none when we led last and a former life knew it: it
  // promised nothing to a leader of an earlier epoch.
  if ((state.leader !== replica || epoch < state.epoch) && now < startedMs + leaseMs) {
    return "it may have promised a leader to wait before it started";
  }
  return null;
}

/** Whether this is not the log that came in sync. One whose tail was lost with the power is the best there is when it is alone. */
function hasLostLog({ view, epoch, endOffset, logBytes }: Standing, heldOffset: number): boolean {
  if (epoch === 0 || (endOffset === 0 && Math.max(heldOffset, logBytes) > 0)) return true;
  return endOffset < heldOffset && view.state!.value.inSync.length > 1;
}

/** Whether an operator has named this state's leader: no leader leaves it so. */
function isForced({ inSync, next }: GroupState): boolean {
  return inSync.length === 1 && next === inSync[0];
}
