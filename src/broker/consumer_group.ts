/**
 * A consumer group that is online: its members, what the group wants of each topic, and which of its members disagree.
 *
 * RocketMQ keeps one subscription for each topic of a group, the newest of all members; members that want different things
 * overwrite each other, and messages are lost to whom the other one's filter was applied. That is kept, since clients rely on
 * it, but what each member said is remembered too, and divergence is found at the heartbeat.
 *
 * RocketMQ counterpart: `ConsumerGroupInfo`, `ClientChannelInfo`.
 *
 * @module
 */
import type { Divergence } from "../protocol/bodies/connection.ts";
import type { ConsumeFromWhere, ConsumerData, ConsumeType, MessageModel } from "../protocol/bodies/heartbeat.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import { isTagType } from "../protocol/subscription.ts";
import type { Connection } from "../remoting/connection.ts";

/** A client on a connection. */
export interface ClientChannel {
  readonly connection: Connection;
  clientId: string;
  readonly language: string;
  /** MQVersion ordinal. */
  readonly version: number;
  /** Wall clock time of the last heartbeat, milliseconds. */
  lastUpdateMs: number;
}

/** What a heartbeat changed. */
export interface GroupChange {
  /** There is a new member. */
  readonly joined: boolean;
  /** Topics came or went. */
  readonly resubscribed: boolean;
  /** Topics of which the group wants something else than before, with the old and new subscription. */
  readonly replaced: readonly (readonly [SubscriptionData, SubscriptionData])[];
}

/** A group that is online. */
export class ConsumerGroup {
  consumeType: ConsumeType;
  messageModel: MessageModel;
  consumeFromWhere: ConsumeFromWhere;
  readonly #subscriptions = new Map<string, SubscriptionData>();
  readonly #members = new Map<Connection, ClientChannel>();
  /** Client id to topic to what it said last. */
  readonly #wishes = new Map<string, ReadonlyMap<string, SubscriptionData>>();

  constructor(readonly name: string, data: ConsumerData) {
    this.consumeType = data.consumeType;
    this.messageModel = data.messageModel;
    this.consumeFromWhere = data.consumeFromWhere;
  }

  /** What the group wants of the topic, or undefined when it does not subscribe to it. */
  subscription(topic: string): SubscriptionData | undefined {
    return this.#subscriptions.get(topic);
  }

  /** What the group wants, by topic. */
  get subscriptions(): ReadonlyMap<string, SubscriptionData> {
    return this.#subscriptions;
  }

  /** The members, in the order in which they came. */
  get members(): Iterable<ClientChannel> {
    return this.#members.values();
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size;
  }

  /** The member with this client id, or undefined. */
  member(clientId: string): ClientChannel | undefined {
    for (const member of this.#members.values()) if (member.clientId === clientId) return member;
    return undefined;
  }

  /** Ids of the members. */
  clientIds(): string[] {
    return Array.from(this.#members.values(), (member) => member.clientId);
  }

  /**
   * Takes a heartbeat.
   *
   * @param withoutSubscriptions the short form: what is subscribed stays as it is.
   */
  update(channel: ClientChannel, data: ConsumerData, withoutSubscriptions: boolean): GroupChange {
    this.consumeType = data.consumeType;
    this.messageModel = data.messageModel;
    this.consumeFromWhere = data.consumeFromWhere;
    const known = this.#members.get(channel.connection);
    if (known === undefined) this.#members.set(channel.connection, channel);
    else this.#renew(known, channel);
    if (withoutSubscriptions) return { joined: known === undefined, resubscribed: false, replaced: [] };
    this.#wishes.set(channel.clientId, new Map(data.subscriptionDataSet.map((each) => [each.topic, each])));
    return { joined: known === undefined, ...this.#resubscribe(data.subscriptionDataSet) };
  }

  /** Removes the member on a connection; undefined when there is none. */
  remove(connection: Connection): ClientChannel | undefined {
    const member = this.#members.get(connection);
    if (member === undefined) return undefined;
    this.#members.delete(connection);
    if (this.member(member.clientId) === undefined) this.#wishes.delete(member.clientId);
    return member;
  }

  /** Pairs of members that want different things of a topic: each against the first member that differs from it. */
  divergences(): Divergence[] {
    const found: Divergence[] = [];
    const [first, ...others] = this.#wishes;
    if (first === undefined) return found;
    for (const other of others) found.push(...this.#differences(first, other));
    return found;
  }

  #renew(known: ClientChannel, channel: ClientChannel): void {
    known.lastUpdateMs = channel.lastUpdateMs;
    if (known.clientId !== channel.clientId) {
      this.#wishes.delete(known.clientId);
      known.clientId = channel.clientId;
    }
  }

  #resubscribe(wanted: readonly SubscriptionData[]): Pick<GroupChange, "resubscribed" | "replaced"> {
    let resubscribed = false;
    const replaced: [SubscriptionData, SubscriptionData][] = [];
    const topics = new Set<string>();
    for (const subscription of wanted) {
      topics.add(subscription.topic);
      const old = this.#subscriptions.get(subscription.topic);
      if (old !== undefined && subscription.subVersion <= old.subVersion) continue;
      this.#subscriptions.set(subscription.topic, subscription);
      if (old === undefined) resubscribed = true;
      else if (expressionOf(old) !== expressionOf(subscription)) replaced.push([old, subscription]);
    }
    for (const topic of this.#subscriptions.keys()) {
      if (topics.has(topic)) continue;
      this.#subscriptions.delete(topic);
      resubscribed = true;
    }
    return { resubscribed, replaced };
  }

  #differences(
    [clientId, wishes]: [string, ReadonlyMap<string, SubscriptionData>],
    [otherClientId, otherWishes]: [string, ReadonlyMap<string, SubscriptionData>],
  ): Divergence[] {
    const differing: Divergence[] = [];
    for (const topic of new Set([...wishes.keys(), ...otherWishes.keys()])) {
      const expression = wishOf(wishes, topic);
      const otherExpression = wishOf(otherWishes, topic);
      if (expression === otherExpression) continue;
      differing.push({ group: this.name, topic, clientId, expression, otherClientId, otherExpression });
    }
    return differing;
  }
}

function wishOf(wishes: ReadonlyMap<string, SubscriptionData>, topic: string): string | null {
  const subscription = wishes.get(topic);
  return subscription === undefined ? null : expressionOf(subscription);
}

/** An expression in a form that is equal for equal wishes: tags sorted, SQL as it is. */
function expressionOf(subscription: SubscriptionData): string {
  if (!isTagType(subscription.expressionType)) return `${subscription.expressionType}: ${subscription.subString}`;
  const tags = subscription.subString.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  return [...new Set(tags)].sort().join(" || ");
}
