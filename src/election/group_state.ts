/**
 * What stands in the authority about one group of replicas (a cluster's brokerName), below `PREFIX/CLUSTER/BROKERNAME/`:
 *
 * | key | lives | content |
 * |---|---|---|
 * | `state` | for ever | epoch, its leader, the in-sync set, the last epochs: {@link GroupState} |
 * | `leader` | with the leader's lease | {@link LeaderEntry} |
 * | `replicas/ID` | with the replica's lease | {@link ReplicaEntry} |
 * | `handover` | until it is done | {@link HandOverRequest}, written by an operator |
 *
 * `state` changes only by transactions that compare its revision: by whoever becomes the leader (there must be no `leader`
 * key) and by the leader (whose own key must still be the one it made).
 *
 * @module
 */
import type { KeyValue } from "./authority.ts";

/** One term of a leader. */
export interface Epoch {
  readonly epoch: number;
  readonly leader: number;
  /** Where the leader's log ended when it began. */
  readonly startOffset: number;
  /** Its wall clock then. */
  readonly atMs: number;
}

/** The permanent state of a group. */
export interface GroupState {
  /** Number of the present, or last, leader's term. */
  readonly epoch: number;
  /** Who leads, or led, in that epoch. */
  readonly leader: number;
  /** Replicas that have everything that was ever acknowledged. */
  readonly inSync: readonly number[];
  /** Replicas that an operator took out of the group. */
  readonly removed: readonly number[];
  /** The leader of the epoch has ended its term by itself: what it was promised is over. */
  readonly released: boolean;
  /** Whom the others let go first, for a while; null for nobody. */
  readonly next: number | null;
  /** Everybody in sync has at least so many bytes of log. */
  readonly heldOffset: number;
  /** Grows with each change: whoever has seen a later one knows that this one was restored. */
  readonly version: number;
  /** The last epochs, oldest first. */
  readonly history: readonly Epoch[];
}

/** Which of a group's states one is. */
export type StateVersion = Pick<GroupState, "epoch" | "version">;

/** No state. */
export const NO_VERSION: StateVersion = { epoch: 0, version: 0 };

/** Whether `a` was written after `b`. */
export function isLater(a: StateVersion, b: StateVersion): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version);
}

/** Who leads, for those who follow. */
export interface LeaderEntry {
  readonly replica: number;
  readonly epoch: number;
  /** `host:port` for clients and for questions of followers. */
  readonly brokerAddr: string;
  /** `host:port` of the log. */
  readonly haAddr: string;
}

/** A replica that is there. */
export interface ReplicaEntry {
  readonly replica: number;
  readonly brokerAddr: string;
  readonly haAddr: string;
  /** Newest epoch that it has seen. */
  readonly epoch: number;
  /** Newest state of the group that it has seen. */
  readonly newestState: StateVersion;
  /** With it the replica shows to others that it is this one: only who can read the authority knows it. Null in old versions. */
  readonly key: string | null;
  /** Where its log ended when it wrote this. */
  readonly endOffset: number;
  /** Why it does not stand for election now; null when it would, or leads. */
  readonly idle: string | null;
}

/** An operator wants another leader. */
export interface HandOverRequest {
  readonly to: number;
}

/** A decoded entry and the revisions of its key. */
export interface Entry<T> {
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: string;
}

/** All that stands about a group. */
export interface GroupView {
  readonly state: Entry<GroupState> | null;
  readonly leader: Entry<LeaderEntry> | null;
  readonly replicas: readonly Entry<ReplicaEntry>[];
  readonly handOver: Entry<HandOverRequest> | null;
}

/** After so many leases an entry under our number is that of a replica that lives: one that has died has none any more. */
export const OTHER_LIVES_LEASES = 2;

/**
 * Another replica that lives under a number: one with another address. One with our address is a former life of ours, which
 * is over, for the address is ours now. Null when there is none.
 */
export function otherOfNumber(
  { replicas }: GroupView,
  replica: number,
  own: { readonly key: string; readonly brokerAddr: string },
): ReplicaEntry | null {
  const entry = replicas.find(({ value }) => value.replica === replica)?.value;
  if (entry === undefined || entry.key === own.key || entry.brokerAddr === own.brokerAddr) return null;
  return entry;
}

/** Epochs that are remembered. */
const HISTORY_MAX = 32;

/** Keys of one group. */
export class GroupKeys {
  readonly prefix: string;
  readonly state: string;
  readonly leader: string;
  readonly handOver: string;

  /** @param root begins and does not end with `/`. */
  constructor(root: string, clusterName: string, brokerName: string) {
    this.prefix = `${root}/${clusterName}/${brokerName}/`;
    this.state = `${this.prefix}state`;
    this.leader = `${this.prefix}leader`;
    this.handOver = `${this.prefix}handover`;
  }

  /** The key of a replica that is there. */
  replica(id: number): string {
    return `${this.prefix}replicas/${id}`;
  }

  /** Decodes what was read. @throws {TypeError} when something cannot be understood: nobody must act on a guess. */
  view(found: readonly KeyValue[]): GroupView {
    const one = <T>(key: string, decode: (json: Json) => T): Entry<T> | null => {
      const kv = found.find((each) => each.key === key);
      return kv === undefined ? null : entryOf(kv, decode);
    };
    return {
      state: one(this.state, decodeState),
      leader: one(this.leader, decodeLeader),
      handOver: one(this.handOver, (json) => ({ to: json.int("to") })),
      replicas: found.filter(({ key }) => key.startsWith(`${this.prefix}replicas/`)).map((kv) =>
        entryOf(kv, decodeReplica)
      ),
    };
  }
}

/** The first state of a group, before anybody has led. */
export const NO_STATE: GroupState = {
  epoch: 0,
  leader: 0,
  inSync: [],
  removed: [],
  released: false,
  next: null,
  heldOffset: 0,
  version: 0,
  history: [],
};

/** The state after a change. */
export function changed(state: GroupState, changes: Partial<Omit<GroupState, "version">>): GroupState {
  return { ...state, ...changes, version: state.version + 1 };
}

/**
 * The state after a replica has become the leader. In sync are still those who were and are there: until the leader has
 * acknowledged something they have all that ever was, and may lead in its place. The former leader is among them only where
 * there is nobody else: it is about to change its role, or gone.
 */
export function elected(
  state: GroupState | null,
  { epoch, leader, ...term }: Epoch,
  there: readonly number[],
): GroupState {
  const before = state ?? NO_STATE;
  const removed = before.removed.filter((each) => each !== leader);
  const kept = before.inSync.filter((each) => there.includes(each) && !removed.includes(each) && each !== leader);
  const others = kept.filter((each) => each !== before.leader);
  const history = [...before.history, { epoch, leader, ...term }].slice(-HISTORY_MAX);
  const inSync = members(leader, others.length > 0 ? others : kept);
  // A leader that was alone in sync may have lost the tail of its log with its power.
  const heldOffset = Math.min(before.heldOffset, term.startOffset);
  return changed(before, { epoch, leader, inSync, removed, released: false, next: null, heldOffset, history });
}

/** The state with another in-sync set, the leader always in it. */
export function withInSync(state: GroupState, others: Iterable<number>): GroupState {
  return changed(state, { inSync: members(state.leader, others) });
}

/** The state after its leader has ended its term by itself. */
export function released(state: GroupState, next: number | null): GroupState {
  return changed(state, { released: true, next });
}

function members(leader: number, others: Iterable<number>): number[] {
  return [...new Set([leader, ...others])].sort((a, b) => a - b);
}

function entryOf<T>(kv: KeyValue, decode: (json: Json) => T): Entry<T> {
  const { createRevision, modRevision, lease } = kv;
  try {
    return { value: decode(new Json(JSON.parse(kv.value))), createRevision, modRevision, lease };
  } catch (error) {
    throw new TypeError(`the key ${kv.key} cannot be understood: ${error instanceof Error ? error.message : error}`);
  }
}

function decodeState(json: Json): GroupState {
  const history = json.list("history").map((each) => ({
    epoch: each.int("epoch"),
    leader: each.int("leader"),
    startOffset: each.int("startOffset"),
    atMs: each.int("atMs"),
  }));
  return {
    epoch: json.int("epoch"),
    leader: json.int("leader"),
    inSync: json.ints("inSync"),
    removed: json.ints("removed"),
    released: json.bool("released"),
    next: json.has("next") ? json.int("next") : null,
    // Where they are missing, nobody was named who had less than the leader began with, and changes were not counted.
    heldOffset: json.has("heldOffset") ? json.int("heldOffset") : history.at(-1)?.startOffset ?? 0,
    version: json.has("version") ? json.int("version") : 0,
    history,
  };
}

function decodeLeader(json: Json): LeaderEntry {
  return {
    replica: json.int("replica"),
    epoch: json.int("epoch"),
    brokerAddr: json.text("brokerAddr"),
    haAddr: json.text("haAddr"),
  };
}

function decodeReplica(json: Json): ReplicaEntry {
  return {
    ...decodeLeader(json),
    newestState: json.has("newestState") ? decodeVersion(json.object("newestState")) : NO_VERSION,
    key: json.has("key") ? json.text("key") : null,
    endOffset: json.int("endOffset"),
    idle: json.has("idle") ? json.text("idle") : null,
  };
}

function decodeVersion(json: Json): StateVersion {
  return { epoch: json.int("epoch"), version: json.int("version") };
}

/** An object whose members must be what is asked for. */
class Json {
  readonly #members: Record<string, unknown>;

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null) throw new TypeError("no object");
    this.#members = value as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#members[name] !== undefined && this.#members[name] !== null;
  }

  int(name: string): number {
    return checked(this.#members[name], name, (value) => Number.isSafeInteger(value)) as number;
  }

  text(name: string): string {
    return checked(this.#members[name], name, (value) => typeof value === "string") as string;
  }

  bool(name: string): boolean {
    return checked(this.#members[name], name, (value) => typeof value === "boolean") as boolean;
  }

  ints(name: string): number[] {
    const isInts = (value: unknown) => Array.isArray(value) && value.every(Number.isSafeInteger);
    return checked(this.#members[name], name, isInts) as number[];
  }

  object(name: string): Json {
    return new Json(this.#members[name]);
  }

  list(name: string): Json[] {
    return (checked(this.#members[name], name, Array.isArray) as unknown[]).map((each) => new Json(each));
  }
}

function checked(value: unknown, name: string, isRight: (value: unknown) => boolean): unknown {
  if (!isRight(value)) throw new TypeError(`${name} is ${JSON.stringify(value)}`);
  return value;
}
