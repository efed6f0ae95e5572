/**
 * The accounts of the mixed run (`mixed_run.ts`): what was sent, as MixedRunProducer wrote it down, against what each
 * group was given, as MixedRunConsumer did. Pure: lines in, figures and findings out.
 *
 * The law: every acknowledged message is, for every group that subscribed to it, consumed at least once, or a dead
 * letter, or not due yet; nothing else is given to anybody. Messages without an acknowledgement may or may not be.
 *
 * @module
 */

/** A send and what came of it. */
export interface Sent {
  /** The message's body: KIND:NUMBER, or ordered:KEY:NUMBER. */
  readonly id: string;
  readonly kind: string;
  readonly number: number;
  /** OK, or the send status or exception that left its fate open. */
  readonly outcome: string;
  readonly msgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Depends on the kind, see MixedRunProducer. */
  readonly detail: string;
}

/** One delivery to a listener. */
export interface Delivery {
  readonly member: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly reconsumeTimes: number;
  /** Whether the listener took it. */
  readonly ok: boolean;
  /** When the broker stored what it delivered: for a delayed message, when it became due there. */
  readonly storeMs: number;
  readonly receivedMs: number;
  readonly startNs: number;
  /** When the listener returned; only orderly consumers tell. */
  endNs: number | undefined;
}

/** A consumer group of the run and what belongs to it. */
export interface Group {
  readonly name: string;
  /** Whether the group's subscription has the message. Says nothing about transactions and due times. */
  wants(sent: Sent): boolean;
  /** Each of these is to get each message; absent in clustering. */
  readonly everyMember?: readonly string[];
  /** Whether its listener refuses the message until it is a dead letter. */
  readonly refuses?: (sent: Sent) => boolean;
}

/** A span of time in which the broker was away, and a little after it. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The account of one group, or of one member of a broadcasting group. */
export interface Account {
  readonly name: string;
  /** Acknowledged messages that belong to it. */
  readonly acknowledged: number;
  /** How many of them it took. */
  readonly consumed: number;
  readonly deadLettered: number;
  /** Not due yet. */
  readonly pending: number;
  /** None of these: lost. */
  readonly missing: readonly string[];
  /** Given to it and not its own: filtered out, rolled back, not due, never sent. */
  readonly wrong: readonly string[];
  /** Messages without acknowledgement that it was given all the same. */
  readonly unsureConsumed: number;
  /** Deliveries of a place in a queue beyond its first one: progress that a crash or a leaving member had not saved. */
  readonly again: number;
  /** Deliveries of a further copy in another place: an acknowledgement or a mark that a crash took away. */
  readonly copies: number;
  /** Deliveries behind a failed one, with a higher reconsumeTimes. */
  readonly retries: number;
}

/** Orders of magnitude of a list of times. */
export interface Spread {
  readonly count: number;
  readonly least: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

const REGION_OF_SQL = ["eu", "none"];
const ORDINARY_KINDS = ["ordinary", "batch"];

/** Names of the two members of the broadcasting group, which keep them for the whole run. */
export const BROADCAST_MEMBERS: readonly string[] = ["MixedBroadcast-a", "MixedBroadcast-b"];

/** The groups of the run; MixedRunConsumer subscribes as they say. */
export const GROUPS: readonly Group[] = [
  { name: "MixedAll", wants: isOrdinary },
  { name: "MixedTagged", wants: (sent) => isOrdinary(sent) && !sent.detail.startsWith("TagC:") },
  { name: "MixedSql", wants: (sent) => isOrdinary(sent) && passesSql(sent.detail) },
  { name: "MixedBroadcast", wants: isOrdinary, everyMember: BROADCAST_MEMBERS },
  { name: "MixedPop", wants: isOrdinary },
  { name: "MixedOrderly", wants: (sent) => sent.kind === "ordered" },
  { name: "MixedLater", wants: (sent) => sent.kind === "delayed" || sent.kind === "timed" },
  { name: "MixedCommitted", wants: (sent) => sent.kind === "transaction" },
  { name: "MixedFailing", wants: (sent) => sent.kind === "retried", refuses: (sent) => sent.number % 10 === 0 },
];

/** Takes lines and gives accounts. */
export class Ledger {
  readonly sent = new Map<string, Sent>();
  /** What was read back from the dead-letter topic: how often each msgId is there. */
  readonly deadLetters = new Map<string, number>();
  /** Sends without an acknowledgement, by outcome. */
  readonly unsure = new Map<string, number>();
  /** Deliveries in all. */
  deliveries = 0;
  /** By group, by message, in the order of the files: that of the members of one process, not of all. */
  readonly #received = new Map<string, Map<string, Delivery[]>>();
  readonly #open = new Map<string, Delivery>();

  /**
   * Takes a line of MixedRunProducer. A message that was sent again until it was acknowledged counts as acknowledged.
   *
   * @throws {Error} when it is none.
   */
  addSent(line: string): void {
    const words = line.split(" ");
    const [id = "", outcome = "", msgId = "", , , , , detail] = words;
    const [queueId = NaN, queueOffset = NaN, sentMs = NaN, answeredMs = NaN] = words.slice(3, 7).map(Number);
    if (detail === undefined || Number.isNaN(queueId + queueOffset + sentMs + answeredMs)) {
      throw new Error(`Not a line of the producer: ${line}`);
    }
    const kind = id.slice(0, id.indexOf(":"));
    const number = Number(id.slice(id.lastIndexOf(":") + 1));
    if (outcome !== "OK") this.unsure.set(outcome, (this.unsure.get(outcome) ?? 0) + 1);
    this.sent.set(id, { id, kind, number, outcome, msgId, queueId, queueOffset, sentMs, answeredMs, detail });
  }

  /** Takes a line of MixedRunConsumer. @throws {Error} when it is none. */
  addReceived(line: string): void {
    const [type, group = "", member = "", id = "", ...rest] = line.split(" ");
    const [queueId = NaN, queueOffset = NaN, reconsumeTimes = NaN] = rest.map(Number);
    const [storeMs = NaN, receivedMs = NaN, startNs = NaN] = rest.slice(4).map(Number);
    if (type === "E" && !Number.isNaN(queueId)) {
      const delivery = this.#open.get(`${member} ${id}`);
      if (delivery !== undefined) delivery.endNs = queueId;
      return;
    }
    if (type !== "R" || Number.isNaN(queueId + queueOffset + reconsumeTimes + storeMs + receivedMs + startNs)) {
      throw new Error(`Not a line of a consumer: ${line}`);
    }
    const ok = rest[3] === "ok";
    const delivery = {
      member,
      queueId,
      queueOffset,
      reconsumeTimes,
      ok,
      storeMs,
      receivedMs,
      startNs,
      endNs: undefined,
    };
    this.deliveries++;
    const ofGroup = this.#ofGroup(group);
    const list = ofGroup.get(id);
    if (list === undefined) ofGroup.set(id, [delivery]);
    else list.push(delivery);
    if (group === "MixedOrderly") this.#open.set(`${member} ${id}`, delivery);
  }

  /** Takes what was found in the dead-letter topic. */
  addDeadLetter(msgId: string): void {
    this.deadLetters.set(msgId, (this.deadLetters.get(msgId) ?? 0) + 1);
  }

  /** The accounts of all groups. @param nowMs what is due later is pending. */
  accounts(nowMs: number): Account[] {
    return GROUPS.flatMap((group) =>
      group.everyMember === undefined
        ? [this.#account(group, undefined, nowMs)]
        : group.everyMember.map((member) => this.#account(group, member, nowMs))
    );
  }

  /**
   * Messages of a key that were given for the first time before their predecessor was: "KEY: 7 after 5". The producer
   * sends the next one of a key only when this one is acknowledged, so a gap would be a loss as well.
   */
  orderFaults(): string[] {
    const byKey = new Map<string, { number: number; startNs: number }[]>();
    for (const [id, deliveries] of this.#ofGroup("MixedOrderly")) {
      const [, key = "", number] = id.split(":");
      listOf(byKey, key).push({ number: Number(number), startNs: firstOf(deliveries).startNs });
    }
    const faults: string[] = [];
    for (const [key, firsts] of byKey) {
      firsts.sort((a, b) => a.startNs - b.startNs).forEach(({ number }, index) => {
        const before = firsts[index - 1]?.number ?? 0;
        if (number !== before + 1) faults.push(`key ${key}: ${number} after ${before}`);
      });
    }
    return faults;
  }

  /** Queues of the orderly group on which two members were at work at the same time. */
  overlaps(): string[] {
    const byQueue = new Map<number, (Delivery & { id: string })[]>();
    for (const [id, deliveries] of this.#ofGroup("MixedOrderly")) {
      for (const delivery of deliveries) listOf(byQueue, delivery.queueId).push({ id, ...delivery });
    }
    const found: string[] = [];
    for (const [queueId, work] of byQueue) {
      work.sort((a, b) => a.startNs - b.startNs).forEach((current, index) => {
        const before = work[index - 1];
        if (before?.endNs === undefined || before.member === current.member || current.startNs >= before.endNs) return;
        found.push(`queue ${queueId}: ${current.member} began ${current.id} while ${before.member} had ${before.id}`);
      });
    }
    return found;
  }

  /** Delayed and timed messages that were stored or given before they were due, by more than `toleranceMs`. */
  early(toleranceMs: number): string[] {
    const found: string[] = [];
    for (const { sent, delivery, dueMs } of this.#delayed()) {
      if (Math.min(delivery.storeMs, delivery.receivedMs) < dueMs - toleranceMs) {
        found.push(`${sent.id} (${sent.detail} ms) ${dueMs - delivery.storeMs} ms early`);
      }
    }
    return found;
  }

  /**
   * How late the broker stored messages of a kind for their consumers, in ms after the time at which they were sent plus
   * their delay. Those that were sent or fell due in an outage are left out, or taken alone.
   */
  lateness(kind: string, outages: readonly Outage[], taken: "outside" | "inside"): Spread {
    const times: number[] = [];
    const inOutage = (timeMs: number) => outages.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs);
    for (const { sent, delivery, dueMs } of this.#delayed()) {
      if (sent.kind !== kind) continue;
      if ((inOutage(dueMs) || inOutage(sent.sentMs)) === (taken === "inside")) times.push(delivery.storeMs - dueMs);
    }
    return spread(times);
  }

  /** From the producer's call to the listener's, for messages of a kind to a group, first deliveries only. */
  latency(groupName: string): Spread {
    const times: number[] = [];
    for (const [id, deliveries] of this.#ofGroup(groupName)) {
      const sent = this.sent.get(id);
      if (sent !== undefined) times.push(firstOf(deliveries).receivedMs - sent.sentMs);
    }
    return spread(times);
  }

  *#delayed(): Generator<{ sent: Sent; delivery: Delivery; dueMs: number }> {
    for (const [id, deliveries] of this.#ofGroup("MixedLater")) {
      const sent = this.sent.get(id);
      if (sent === undefined) continue;
      yield { sent, delivery: firstOf(deliveries), dueMs: sent.sentMs + Number(sent.detail) };
    }
  }

  #account(group: Group, member: string | undefined, nowMs: number): Account {
    const received = this.#ofGroup(group.name);
    const missing: string[] = [];
    const wrong: string[] = [];
    const count = { acknowledged: 0, consumed: 0, deadLettered: 0, pending: 0, unsureConsumed: 0 };
    for (const sent of this.sent.values()) {
      if (!group.wants(sent) || sent.outcome !== "OK" || isRolledBack(sent)) continue;
      count.acknowledged++;
      const deliveries = received.get(sent.id) ?? [];
      if (deliveries.some((delivery) => delivery.ok && isFor(delivery, member))) count.consumed++;
      else if (group.refuses?.(sent) && this.deadLetters.has(sent.msgId)) count.deadLettered++;
      else if (isPending(sent, nowMs)) count.pending++;
      else missing.push(sent.id);
    }
    for (const id of received.keys()) {
      const sent = this.sent.get(id);
      if (sent === undefined || !group.wants(sent) || isRolledBack(sent) || isPending(sent, nowMs)) wrong.push(id);
      else if (sent.outcome !== "OK") count.unsureConsumed++;
    }
    const name = member ?? group.name;
    return { name, ...count, missing, wrong, ...repetitions(received, member) };
  }

  #ofGroup(name: string): Map<string, Delivery[]> {
    const found = this.#received.get(name) ?? new Map<string, Delivery[]>();
    this.#received.set(name, found);
    return found;
  }
}

/** The places of acknowledged messages of some kinds, for comparing them with what the topic holds. */
export function placesOf(ledger: Ledger, kinds: readonly string[]): Sent[] {
  return Array.from(ledger.sent.values()).filter((sent) => sent.outcome === "OK" && kinds.includes(sent.kind));
}

/** Sorts deliveries beyond the first of a message by why there are more. */
function repetitions(
  received: ReadonlyMap<string, readonly Delivery[]>,
  member: string | undefined,
): Pick<Account, "again" | "copies" | "retries"> {
  const count = { again: 0, copies: 0, retries: 0 };
  for (const deliveries of received.values()) {
    const own = deliveries.filter((delivery) => isFor(delivery, member));
    if (own.length < 2) continue;
    const places = new Set(own.map(placeOf));
    const rounds = new Set(own.map((delivery) => delivery.reconsumeTimes));
    count.again += own.length - places.size;
    count.copies += places.size - rounds.size;
    count.retries += rounds.size - 1;
  }
  return count;
}

/** The earliest of the deliveries of a message, of which there is one at least. */
function firstOf(deliveries: readonly Delivery[]): Delivery {
  return deliveries.reduce((first, delivery) => delivery.startNs < first.startNs ? delivery : first);
}

function placeOf(delivery: Delivery): string {
  return `${delivery.reconsumeTimes} ${delivery.queueId} ${delivery.queueOffset}`;
}

function isFor(delivery: Delivery, member: string | undefined): boolean {
  return member === undefined || delivery.member === member;
}

function isOrdinary(sent: Sent): boolean {
  return ORDINARY_KINDS.includes(sent.kind);
}

/** `n BETWEEN 10 AND 59 AND (region = 'eu' OR region IS NULL)` of TAG:N:REGION. */
function passesSql(detail: string): boolean {
  const [, n, region = ""] = detail.split(":");
  return Number(n) >= 10 && Number(n) <= 59 && REGION_OF_SQL.includes(region);
}

/** A half message whose send failed is rolled back by the check, as its producer decides then. */
function isRolledBack(sent: Sent): boolean {
  return sent.kind === "transaction" && (sent.detail !== "commit" || sent.outcome !== "OK");
}

function isPending(sent: Sent, nowMs: number): boolean {
  return sent.kind === "timed" && sent.sentMs + Number(sent.detail) > nowMs;
}

function spread(times: number[]): Spread {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, least: at(0), p50: at(0.5), p99: at(0.99), most: at(1) };
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
