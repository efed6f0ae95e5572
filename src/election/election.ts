/**
 * One replica's part in the election of its group's leader. The rules, and why they hold, are in docs/failover.md; in short:
 *
 * 1. A replica stands only when the state names it as in sync and there is no leader's key. One transaction compares both,
 *    writes the key under the replica's lease and the state with the next epoch. In sync remain those of before who are
 *    there; the leader takes, acknowledges and shows nothing before all of these have the log that it begins with.
 * 2. The leader alone changes the in-sync set, by transactions that compare its own key as well. A replica is *required* (the
 *    leader acknowledges nothing without it) from before the state names it until after the state no longer does.
 * 3. The leader may act until its lease ends, counted from when the last renewal was *sent*; and beyond that as long as every
 *    required replica has granted it time: a replica that granted does not stand before that time is over, on its own clock.
 *    So nobody can have become leader, for only required replicas could.
 *
 * Rounds (read the group's keys, act on them) follow each other one at a time, begun by a watch and at least every
 * `leaseSec / 6`. Renewals and grants have timers of their own, for a change of role takes its time. Only monotonic time
 * counts.
 *
 * @module
 */
import type { Clock, Timer } from "../common/clock.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import type { Random } from "../common/random.ts";
import { type Authority, AuthorityError, type Compare } from "./authority.ts";
import type { ElectionHost } from "./election_host.ts";
import type { EpochFile } from "./epoch_file.ts";
import {
  elected,
  type Entry,
  type GroupKeys,
  type GroupState,
  type GroupView,
  type LeaderEntry,
  OTHER_LIVES_LEASES,
  otherOfNumber,
  released,
  withInSync,
} from "./group_state.ts";
import { Leadership } from "./leadership.ts";
import { type Lease, OwnLease } from "./own_lease.ts";
import { Outage } from "./outage.ts";
import { standingObstacle } from "./standing.ts";
import { Term } from "./term.ts";

/** A lease is renewed so many times in its life, and grants are asked for as often. */
const RENEWALS = 3;
const ROUNDS = 6;
/** How long a leader that hands over waits for its successor to have everything. */
const HAND_OVER_MS = 3000;
const HAND_OVER_POLL_MS = 2;
/** How often a leader looks whether its followers have the log that it begins with. */
const OPENING_POLL_MS = 5;
/** When nobody leads for so many leases people are told why: an election takes one or two. */
const LEADERLESS_LEASES = 4;
/** A leader that cannot store messages hands over after this long. */
const ILLNESS_MS = 1000;

/** What an election is made of. */
export interface ElectionParts {
  readonly authority: Authority;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly keys: GroupKeys;
  readonly epochFile: EpochFile;
  readonly host: ElectionHost;
  readonly replica: number;
  /** Which nobody can guess; another one in each life. */
  readonly key: string;
  readonly leaseSec: number;
}

/** A leader asks a follower for time. */
export interface GrantRequest {
  readonly epoch: number;
  readonly forMs: number;
  /** Who asks, and the key that shows it. */
  readonly leader: number;
  readonly key: string | undefined;
}

/** How things stand, for people. */
export interface ElectionFigures {
  readonly replica: number;
  readonly isLeader: boolean;
  readonly epoch: number;
  readonly leader: number | null;
  /** Why it does not stand, when it does not; or why its leadership is suspended. */
  readonly idle: string | null;
}

/** The election; see the module's text. */
export class Election {
  readonly #parts: ElectionParts;
  readonly #leaseMs: number;
  readonly #startedMs: number;
  readonly #lease: OwnLease;
  readonly #leadership: Leadership;
  #term: Term | null = null;
  #leader: LeaderEntry | null = null;
  #grant = { untilMs: -Infinity, epoch: 0 };
  /** The lease of a candidacy whose outcome is not known. */
  #candidacy: string | null = null;
  /** When the state's present revision was first seen. */
  #seen = { stateRevision: -1, atMs: 0 };
  /** What each replica's entry says that its key is; kept when the entry has ended with its lease. */
  readonly #keys = new Map<number, string | null>();
  #sickUntilMs = -Infinity;
  #idle: string | null = "it has just started";
  #announced = "";
  /** The revision of our replica's entry as it was read or written last; 0: there was none. */
  #entryRevision = 0;
  /** Another replica under our number, since when it is seen, and whether it was told of. */
  #other: { readonly brokerAddr: string; readonly sinceMs: number; isTold: boolean } | null = null;
  #timers: Timer[] = [];
  #watch: Disposable | null = null;
  #wanted = false;
  #round: Promise<void> | null = null;
  #stopped = false;
  #problem: string | null = null;
  readonly #outage: Outage;
  /** Since when nobody leads as far as we see, and what was told of it. */
  #leaderless: { readonly sinceMs: number; told: string | null } | null = null;

  /** {@linkcode start} begins. */
  constructor(parts: ElectionParts) {
    this.#parts = parts;
    this.#leaseMs = parts.leaseSec * 1000;
    this.#lease = new OwnLease(parts.authority, parts.clock, parts.leaseSec);
    this.#leadership = new Leadership(parts);
    this.#startedMs = parts.clock.monotonicMs();
    const { clock, log, host } = parts;
    this.#outage = new Outage({ clock, log, graceMs: this.#leaseMs, onChange: (cause) => host.outage(cause) });
  }

  /** Takes part from now on. The host follows nobody yet. */
  start(): void {
    const { clock, authority, keys } = this.#parts;
    this.#timers = [
      clock.every(this.#leaseMs / RENEWALS, () => {
        void this.#renew();
        if (this.#term !== null) this.#leadership.askGrants(this.#term);
      }),
      clock.every(this.#leaseMs / ROUNDS, () => this.#wake()),
    ];
    this.#watch = authority.watch(keys.prefix, () => this.#wake());
    this.#wake();
  }

  /** Ends: a leader hands over to whoever has everything. The host serves nothing any more when it resolves. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#watch?.[Symbol.dispose]();
    this.#stopped = true;
    await this.#round;
    await this.#lease.renewal?.catch(() => {});
    try {
      const term = this.#term;
      if (term !== null) await this.#handOver(term, term.successor(), "the replica stops");
      if (this.#lease.present !== null) await this.#lease.end(this.#lease.present.id);
    } catch (error) {
      this.#parts.log.warn(`election: cannot take leave, the others wait for the lease to end: ${messageOf(error)}`);
    }
    this.#term = null;
  }

  /** Why no message may be taken now; null for the leader that may act. */
  refusesAppends(): string | null {
    return this.#term?.handingOver ?? this.refusesPromises();
  }

  /** Why nothing may be acknowledged or shown now; null for the leader that may act. */
  refusesPromises(): string | null {
    const term = this.#term;
    if (term === null) return "this replica is not the leader of its group";
    return term.refusal(this.#parts.clock.monotonicMs());
  }

  /** Whether whoever shows this key is that replica, as far as the authority has told. */
  isReplica(replica: number, key: string | undefined): boolean {
    const known = this.#keys.get(replica);
    return known !== undefined && (known === null || known === key);
  }

  /** Whether whoever shows this key is the leader of that epoch, whom we follow. */
  isLeader({ epoch, leader, key }: Omit<GrantRequest, "forMs">): boolean {
    return leader === this.#leader?.replica && epoch === this.#leader.epoch && this.isReplica(leader, key);
  }

  /** A leader asks not to be stood against for so long; whether that is promised. */
  grant({ epoch, forMs, leader, key }: GrantRequest): boolean {
    const { epochFile, clock } = this.#parts;
    // Not to a stranger: who asked again and again would keep the group without a leader.
    if (leader !== this.#leader?.replica || !this.isReplica(leader, key)) return false;
    // After a start no more than our own lease's time is waited.
    if (forMs > this.#leaseMs) return false;
    if (this.#stopped || this.#term !== null || this.#candidacy !== null || epoch < epochFile.epoch) return false;
    this.#grant = { untilMs: Math.max(this.#grant.untilMs, clock.monotonicMs() + this.#leaseMs), epoch };
    return true;
  }

  /** How things stand. */
  figures(): ElectionFigures {
    const { replica, epochFile } = this.#parts;
    return {
      replica,
      isLeader: this.#term !== null,
      epoch: epochFile.epoch,
      leader: this.#term !== null ? replica : this.#leader?.replica ?? null,
      idle: this.#term !== null ? this.refusesAppends() : this.#idle,
    };
  }

  /** The replication has news: a follower is there, gone or has caught up. */
  changed(): void {
    this.#wake();
  }

  #wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#round ??= this.#rounds();
  }

  async #rounds(): Promise<void> {
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      const { count } = this.#outage;
      try {
        await this.#actOn(await this.#read());
        this.#problem = null;
        if (count === this.#outage.count) this.#outage.answered();
      } catch (error) {
        this.#tell(error);
      }
    }
    this.#round = null;
  }

  async #read(): Promise<GroupView> {
    const { authority, keys, clock } = this.#parts;
    const view = keys.view(await authority.read(keys.prefix));
    const stateRevision = view.state?.modRevision ?? 0;
    if (view.state !== null) this.#noteState(view.state.value);
    this.#entryRevision = 0;
    for (const { value, modRevision } of view.replicas) {
      this.#keys.set(value.replica, value.key);
      if (value.replica === this.#parts.replica) this.#entryRevision = modRevision;
    }
    if (stateRevision !== this.#seen.stateRevision) this.#seen = { stateRevision, atMs: clock.monotonicMs() };
    return view;
  }

  /** So that a state that is set back can be told. What cannot be written is known in this life. */
  #noteState(state: GroupState): void {
    try {
      this.#parts.epochFile.stateSeen(state);
    } catch (error) {
      this.#tell(error);
    }
  }

  async #actOn(view: GroupView): Promise<void> {
    if (this.#lease.present === null) await this.#renew();
    const { replica, key, host } = this.#parts;
    const other = otherOfNumber(view, replica, { key, ...host.addresses() });
    if (other !== null && this.#term === null) return await this.#standAside(other.brokerAddr);
    this.#other = null;
    // A leader that is followed in this round is to know us.
    if (this.#announced === "") await this.#announce();
    if (this.#term !== null) await this.#actAsLeader(this.#term, view);
    else await this.#actAsFollower(view);
    await this.#announce();
  }

  /**
   * Two replicas under one number, e.g. by a copied file: what one has would count for the other. Whoever was there first goes
   * on. It is told when the entry lives longer than that of one that has just died.
   */
  async #standAside(brokerAddr: string): Promise<void> {
    const { host, clock, replica } = this.#parts;
    const now = clock.monotonicMs();
    if (this.#other?.brokerAddr !== brokerAddr) this.#other = { brokerAddr, sinceMs: now, isTold: false };
    this.#idle = `replica ${replica} is alive at ${brokerAddr}, and this one has the same number`;
    this.#announced = "";
    await this.#settleCandidacy();
    if (this.#leader !== null) {
      this.#leader = null;
      await host.follow(null);
    }
    if (this.#other.isTold || now - this.#other.sinceMs < OTHER_LIVES_LEASES * this.#leaseMs) return;
    this.#other.isTold = true;
    host.numberTaken(brokerAddr);
  }

  // Leading.

  async #actAsLeader(term: Term, view: GroupView): Promise<void> {
    const { state, leader } = view;
    const isOurs = state !== null && state.value.epoch === term.epoch && !state.value.released;
    if (!isOurs) return await this.#stepDown(view, state === null ? "the state is gone" : "the epoch is over");
    if (leader === null) return await this.#leadAgain(term, state);
    if (leader.createRevision !== term.createRevision) return await this.#stepDown(view, "another leads");
    const strangers = term.stateRead(state);
    if (strangers.length > 0) {
      this.#parts.log.error(
        `election: the authority names replica ${
          strangers.join(", ")
        } as in sync, which this leader has not done: it was set ` +
          "back; they are taken out again unless they have everything",
      );
    }
    this.#leadership.requireOnly(term, state.value.inSync);
    if (view.handOver !== null) return await this.#obey(term, state, view.handOver.value.to);
    if (await this.#isTooIll(term)) return;
    if (await this.#leadership.reviewInSync(term, state)) this.#wake();
  }

  /** The lease ended, and nobody has taken the place: so that nothing was decided without us. */
  async #leadAgain(term: Term, state: Entry<GroupState>): Promise<void> {
    const { authority, keys, log } = this.#parts;
    const lease = this.#lease.present;
    if (lease === null) return;
    const { succeeded, revision } = await authority.commit({
      compare: [{ key: keys.state, target: "MOD", revision: state.modRevision }, this.#noLeader()],
      puts: [{ key: keys.leader, value: this.#leaderEntry(term.epoch), lease: lease.id }],
    });
    if (!succeeded) return this.#wake();
    term.createRevision = revision;
    term.lease = lease;
    log.warn(`election: the lease had ended; leading on in epoch ${term.epoch}`);
  }

  async #isTooIll(term: Term): Promise<boolean> {
    const { clock, host } = this.#parts;
    const illness = host.illness();
    if (illness === null) {
      term.illSinceMs = null;
      return false;
    }
    const now = clock.monotonicMs();
    term.illSinceMs ??= now;
    if (now - term.illSinceMs < ILLNESS_MS) return false;
    const successor = term.successor();
    if (successor === null) return false;
    this.#sickUntilMs = now + this.#leaseMs;
    await this.#handOver(term, successor, illness);
    return true;
  }

  async #obey(term: Term, { value: state, modRevision }: Entry<GroupState>, to: number): Promise<void> {
    const { replica, log, keys } = this.#parts;
    const isReady = state.inSync.includes(to) && to !== replica && !term.followers.isLate(to);
    if (isReady && await this.#handOver(term, to, "an operator wants it")) return;
    if (to !== replica) log.error(`election: replica ${to} cannot be handed over to: it is not in sync`);
    if (this.#term === term) await this.#leadership.write(term, modRevision, state, { deletes: [keys.handOver] });
  }

  /**
   * Ends our term: takes nothing more, waits until the successor has everything, lets go. False when it did not come so far
   * and we lead on; then nothing has happened.
   */
  async #handOver(term: Term, to: number | null, why: string): Promise<boolean> {
    term.handingOver = `the leader hands over: ${why}`;
    try {
      return await this.#letGo(term, to, why);
    } finally {
      // Also when the authority could not be asked: whoever leads on takes messages.
      term.handingOver = null;
    }
  }

  async #letGo(term: Term, to: number | null, why: string): Promise<boolean> {
    const { clock, log, keys, host, authority } = this.#parts;
    const { followers } = term;
    const endMs = clock.monotonicMs() + HAND_OVER_MS;
    while (
      to !== null && !followers.hasEverything(to) && clock.monotonicMs() < endMs && this.refusesPromises() === null
    ) {
      await clock.sleep(HAND_OVER_POLL_MS);
    }
    const isReady = to === null || followers.hasEverything(to);
    if (isReady && to !== null) {
      await host.prepareSuccessor(to, term.epoch).catch((error) => {
        log.warn(`election: replica ${to} could not copy our tables, its own may be seconds old: ${messageOf(error)}`);
      });
    }
    const state = (await this.#read()).state;
    if (state === null || state.value.epoch !== term.epoch || (!isReady && !this.#stopped)) return false;
    // From here on nothing is acknowledged: others may lead before we hear that the transaction was done.
    this.#term = null;
    this.#leader = null;
    const next = isReady ? to : null;
    term.stateRead(state);
    const proven = state.value.inSync.filter((each) => term.isProven(each));
    const after = this.#leadership.asNewest(released(withInSync(state.value, proven), next));
    const compare: Compare[] = [
      { key: keys.state, target: "MOD", revision: state.modRevision },
      { key: keys.leader, target: "CREATE", revision: term.createRevision },
    ];
    const puts = [{ key: keys.state, value: JSON.stringify(after) }];
    try {
      await authority.commit({ compare, puts, deletes: [keys.leader, keys.handOver] });
      log.info(`election: epoch ${term.epoch} is over (${why}); next is ${next ?? "whoever is in sync"}`);
    } finally {
      if (!this.#stopped) await host.follow(null);
    }
    return true;
  }

  async #stepDown(view: GroupView, why: string): Promise<void> {
    const { log } = this.#parts;
    log.warn(`election: not the leader of epoch ${this.#term?.epoch} any more: ${why}`);
    this.#term = null;
    this.#leader = null;
    const leader = this.#followable(view);
    this.#leader = leader;
    await this.#parts.host.follow(leader);
    this.#wake();
  }

  // Following and standing.

  async #actAsFollower(view: GroupView): Promise<void> {
    const { host, replica } = this.#parts;
    await this.#settleCandidacy();
    if (view.leader !== null) {
      this.#leaderless = null;
      const isRemoved = view.state?.value.removed.includes(replica) ?? false;
      this.#idle = isRemoved
        ? "an operator has taken it out of the group (cleanBrokerMetadata); addReplica lets it in again"
        : `replica ${view.leader.value.replica} leads`;
      const leader = this.#followable(view);
      if (leader !== null && !sameLeader(leader, this.#leader)) {
        this.#parts.epochFile.seen(leader.epoch);
        this.#leader = leader;
        await host.follow(leader);
      } else if (view.leader.value.replica === replica) await this.#endFormerTerm(view.leader.lease);
      return;
    }
    this.#idle = this.#obstacle(view);
    if (this.#idle === null) await this.#stand(view);
    else this.#tellWhyNobodyLeads(this.#idle);
  }

  /** Once for each reason. */
  #tellWhyNobodyLeads(why: string): void {
    const now = this.#parts.clock.monotonicMs();
    const state = this.#leaderless ??= { sinceMs: now, told: null };
    if (state.told === why || now - state.sinceMs < LEADERLESS_LEASES * this.#leaseMs) return;
    state.told = why;
    this.#parts.host.waits(why);
  }

  /** The leader's key is ours though we do not lead: it goes with its lease, at once where that is still ours. */
  async #endFormerTerm(lease: string): Promise<void> {
    this.#idle = "our own former lease has not ended yet";
    if (lease !== this.#lease.present?.id) return;
    await this.#lease.end(lease);
    this.#wake();
  }

  /** The leader to follow; null when there is none, or it is one of the past. */
  #followable({ leader }: GroupView): LeaderEntry | null {
    const { epochFile, replica, log } = this.#parts;
    if (leader === null || leader.value.replica === replica) return null;
    if (leader.value.epoch >= epochFile.epoch) return leader.value;
    log.error(
      `election: replica ${leader.value.replica} leads epoch ${leader.value.epoch}, we have seen ${epochFile.epoch}: the ` +
        "authority was set back; it is not followed",
    );
    return null;
  }

  #obstacle(view: GroupView): string | null {
    const { clock, epochFile, replica, host } = this.#parts;
    if (this.#candidacy !== null) return "the outcome of its last candidacy is not known yet";
    return standingObstacle({
      view,
      replica,
      now: clock.monotonicMs(),
      leaseMs: this.#leaseMs,
      startedMs: this.#startedMs,
      stateSeenMs: this.#seen.atMs,
      grant: this.#grant,
      sickUntilMs: this.#sickUntilMs,
      illness: host.illness(),
      endOffset: host.endOffset(),
      isTrusted: epochFile.isTrusted,
      epoch: epochFile.epoch,
      newestState: epochFile.newestState,
      logBytes: epochFile.logBytes,
    });
  }

  async #stand(view: GroupView): Promise<void> {
    const { authority, keys, epochFile, clock, host, replica, log } = this.#parts;
    const lease = this.#lease.present;
    if (lease === null || lease.deadlineMs <= clock.monotonicMs()) return;
    const epoch = Math.max(view.state?.value.epoch ?? 0, epochFile.epoch) + 1;
    const term = { epoch, leader: replica, startOffset: host.endOffset(), atMs: clock.now() };
    const state = elected(view.state?.value ?? null, term, view.replicas.map(({ value }) => value.replica));
    this.#candidacy = lease.id;
    const { succeeded, revision } = await authority.commit({
      compare: [{ key: keys.state, target: "MOD", revision: view.state?.modRevision ?? 0 }, this.#noLeader()],
      puts: [
        { key: keys.state, value: JSON.stringify(state) },
        { key: keys.leader, value: this.#leaderEntry(epoch), lease: lease.id },
      ],
    });
    if (!succeeded) {
      this.#candidacy = null;
      return this.#wake();
    }
    log.info(`election: elected in epoch ${epoch}; our log ends at ${term.startOffset}`);
    await this.#beginTerm(view.state?.value ?? null, state, { createRevision: revision, lease });
  }

  async #beginTerm(
    before: GroupState | null,
    state: GroupState,
    { createRevision, lease }: { createRevision: number; lease: Lease },
  ): Promise<void> {
    const { epochFile, host, log, clock, replica } = this.#parts;
    const { epoch } = state;
    try {
      epochFile.seen(epoch);
      // Whoever leads has, by definition, what counts.
      epochFile.trust();
      this.#leader = null;
      const followers = await host.lead(epoch);
      this.#term = new Term({ replica, epoch, inSync: state.inSync, followers, createRevision, lease });
      this.#candidacy = null;
      this.#idle = null;
      this.#leaderless = null;
      log.info(`election: leading in epoch ${epoch}; in sync are ${state.inSync.join(", ")}`);
      void this.#open(this.#term);
    } catch (error) {
      log.error(`election: cannot lead in epoch ${epoch}, another may: ${messageOf(error)}`);
      this.#sickUntilMs = clock.monotonicMs() + this.#leaseMs;
      await this.#giveBack(before, state, createRevision);
      await host.follow(null);
    }
    this.#wake();
  }

  /** Waits until the term is open, or over. Whoever does not come is late after a while, and is not required any more. */
  async #open(term: Term): Promise<void> {
    const { clock, host, log } = this.#parts;
    while (this.#term === term && !term.open()) await clock.sleep(OPENING_POLL_MS);
    if (this.#term !== term || this.#stopped) return;
    log.info(`election: epoch ${term.epoch} is open`);
    host.leading();
    this.#leadership.askGrants(term);
    this.#wake();
  }

  /**
   * Nothing was acknowledged in our epoch: whoever was in sync before still is. What leaders of earlier epochs were promised
   * is over only if we shall remember ours: else our next life may promise something to them.
   */
  async #giveBack(before: GroupState | null, state: GroupState, revision: number): Promise<void> {
    const { authority, keys, epochFile } = this.#parts;
    const others = (before?.inSync ?? []).filter((each) => !state.removed.includes(each));
    // Where its log ended says nothing about theirs.
    const given = { ...withInSync(state, others), history: before?.history ?? [] };
    const after = epochFile.epoch >= state.epoch ? released(given, null) : given;
    await authority.commit({
      compare: [
        { key: keys.state, target: "MOD", revision },
        { key: keys.leader, target: "CREATE", revision },
      ],
      puts: [{ key: keys.state, value: JSON.stringify(after) }],
      deletes: [keys.leader],
    });
    await this.#settleCandidacy();
  }

  /** A candidacy that nobody knows the outcome of ends with its lease: nothing can be written under it afterwards. */
  async #settleCandidacy(): Promise<void> {
    if (this.#candidacy === null) return;
    await this.#lease.end(this.#candidacy);
    this.#candidacy = null;
    this.#wake();
  }

  // The lease.

  async #renew(): Promise<void> {
    if (this.#stopped) return;
    try {
      if (await this.#lease.renew()) this.#wake();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Tells the others that we are there; again when something has changed. */
  async #announce(): Promise<void> {
    const { authority, keys, epochFile, host, replica, key } = this.#parts;
    const lease = this.#lease.present;
    if (lease === null) return;
    const { epoch, newestState } = epochFile;
    const idle = this.#term === null ? this.#idle : null;
    const facts = { replica, ...host.addresses(), epoch, newestState, key, idle };
    const text = `${lease.id} ${JSON.stringify(facts)}`;
    if (text === this.#announced) return;
    const value = JSON.stringify({ ...facts, endOffset: host.endOffset() });
    const entry = keys.replica(replica);
    const { succeeded, revision } = await authority.commit({
      compare: [{ key: entry, target: "MOD", revision: this.#entryRevision }],
      puts: [{ key: entry, value, lease: lease.id }],
    });
    // Somebody else has written it, or it ended.
    if (!succeeded) return this.#wake();
    this.#entryRevision = revision;
    this.#announced = text;
  }

  #noLeader(): Compare {
    return { key: this.#parts.keys.leader, target: "CREATE", revision: 0 };
  }

  #leaderEntry(epoch: number): string {
    const { host, replica } = this.#parts;
    return JSON.stringify({ replica, epoch, ...host.addresses() });
  }

  /** Says once what does not work. */
  #tell(error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof AuthorityError) return this.#outage.failed(error);
    const problem = messageOf(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#parts.log.warn(`election: ${problem}`);
  }
}

function sameLeader(a: LeaderEntry, b: LeaderEntry | null): boolean {
  return a.replica === b?.replica && a.epoch === b.epoch && a.brokerAddr === b.brokerAddr && a.haAddr === b.haAddr;
}
