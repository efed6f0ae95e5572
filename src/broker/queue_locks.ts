/**
 * Locks on queues for orderly consumers: at most one client of a group holds a queue. A lock lasts 60 s from its last
 * renewal (clients renew every 20 s); it is not released when the client's connection ends, for the client may still be
 * working on messages and come back.
 *
 * It is released when a client says that it leaves the group, and such a client gets none before it is back: one that comes and
 * goes at once may ask for locks after it has given back its own. RocketMQ lets nobody have its queues for a minute then.
 *
 * Nor does it end with this process: who holds what is kept in `config/queueLocks.json`, `{"lockTable":{group:{queue:
 * clientId}}}`. RocketMQ forgets it, and a consumer that sees the group before all its members are back (they return one by
 * one) is then given queues that another one is at work on.
 *
 * RocketMQ counterpart: `RebalanceLockManager`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type JsonObject, parseJsonObject, stringifyJson } from "../protocol/json.ts";
import { objectMember, textMember } from "../protocol/json_members.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";
import { type DocumentFile, Persisted } from "./persisted.ts";

/** How long a lock lasts without being renewed. Source: RocketMQ `rocketmq.broker.rebalance.lockMaxLiveTime`. */
export const LOCK_LIFE_MS = 60_000;
/** How long a lock of the process before lasts: a client trusts one for so long, so one that lives has renewed it by then. */
export const INHERITED_LIFE_MS = 30_000;

interface Lock {
  clientId: string;
  renewedMs: number;
}

/** Who holds which queue. */
export class QueueLocks {
  readonly #byGroup = new Map<string, Map<string, Lock>>();
  /** When clients left which are not back, by group and client. */
  readonly #left = new Map<string, number>();
  /** When expired locks were last looked for. */
  #sweptMs = 0;
  readonly #persisted: Persisted | null;

  /** @param file keeps the table; without one it ends with this object. */
  constructor(readonly clock: Clock, readonly log: Log, file?: DocumentFile) {
    this.#persisted = file === undefined ? null : new Persisted({ clock, log, file }, () => this.#text());
  }

  /** Takes over the locks of the process before. @throws {CorruptError} when the file cannot be read. */
  load(): void {
    const read = this.#persisted?.load(parseJsonObject) ?? null;
    if (read !== null) this.#inherit(objectMember(read, "lockTable"));
  }

  /** Resolves when the present holders are on the device, so that their locks can be granted. */
  async saved(): Promise<void> {
    await this.#persisted?.saved();
  }

  /** Saves for the last time. @throws {DiskError} */
  close(): void {
    this.#persisted?.close();
  }

  /** Locks or renews those of `queues` that nobody else holds; returns the ones that `clientId` holds now. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    if (this.clock.monotonicMs() - this.#sweptMs > LOCK_LIFE_MS) this.#removeExpired();
    if (this.#left.has(memberKey(group, clientId))) return [];
    const locks = this.#byGroup.get(group) ?? new Map<string, Lock>();
    this.#byGroup.set(group, locks);
    return queues.filter((queue) => this.#lockOne(locks, group, queue, clientId));
  }

  /** Gives back those of `queues` that `clientId` holds. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#byGroup.get(group);
    if (locks === undefined) return;
    for (const queue of queues) {
      const key = messageQueueKey(queue);
      if (locks.get(key)?.clientId !== clientId) continue;
      locks.delete(key);
      this.#persisted?.changed();
    }
    if (locks.size === 0) this.#byGroup.delete(group);
  }

  /** The client has left the group: gives back all that it holds. */
  left(group: string, clientId: string): void {
    this.#left.set(memberKey(group, clientId), this.clock.monotonicMs());
    const locks = this.#byGroup.get(group);
    for (const [key, lock] of locks ?? []) {
      if (lock.clientId !== clientId) continue;
      locks!.delete(key);
      this.#persisted?.changed();
    }
    if (locks?.size === 0) this.#byGroup.delete(group);
  }

  /** The client is a member of the group, perhaps again. */
  joined(group: string, clientId: string): void {
    if (this.#left.size > 0) this.#left.delete(memberKey(group, clientId));
  }

  /** Who holds the queue now, or null. */
  holder(group: string, queue: MessageQueue): string | null {
    const lock = this.#byGroup.get(group)?.get(messageQueueKey(queue));
    return lock !== undefined && !this.#isExpired(lock) ? lock.clientId : null;
  }

  /** Whether a group holds any lock that counts: it consumes in order. Source: `isLockAllExpired`. */
  isHeld(group: string): boolean {
    for (const lock of this.#byGroup.get(group)?.values() ?? []) if (!this.#isExpired(lock)) return true;
    return false;
  }

  /** Forgets locks that expired long ago; others stay, so that the log can tell who lost one. */
  #removeExpired(): void {
    this.#sweptMs = this.clock.monotonicMs();
    for (const [group, locks] of this.#byGroup) {
      for (const [key, lock] of locks) {
        if (!this.#isAbandoned(lock)) continue;
        locks.delete(key);
        this.#persisted?.changed();
      }
      if (locks.size === 0) this.#byGroup.delete(group);
    }
    for (const [key, sinceMs] of this.#left) if (this.#sweptMs - sinceMs > LOCK_LIFE_MS) this.#left.delete(key);
  }

  #lockOne(locks: Map<string, Lock>, group: string, queue: MessageQueue, clientId: string): boolean {
    const key = messageQueueKey(queue);
    const held = locks.get(key);
    if (held === undefined) {
      locks.set(key, { clientId, renewedMs: this.clock.monotonicMs() });
      this.#persisted?.changed();
      return true;
    }
    if (held.clientId !== clientId) {
      if (!this.#isExpired(held)) return false;
      this.log.warn(
        `message queue ${key} of group ${group}: the lock of ${held.clientId} has expired, ${clientId} has it now`,
      );
      held.clientId = clientId;
      this.#persisted?.changed();
    }
    held.renewedMs = this.clock.monotonicMs();
    return true;
  }

  #inherit(table: JsonObject): void {
    const renewedMs = this.clock.monotonicMs() + INHERITED_LIFE_MS - LOCK_LIFE_MS;
    for (const group in table) {
      const queues = objectMember(table, group);
      const entries = Object.keys(queues).map((key) =>
        [key, { clientId: textMember(queues, key), renewedMs }] as const
      );
      this.#byGroup.set(group, new Map(entries));
    }
  }

  #text(): string {
    const lockTable = new Map<string, Map<string, string>>();
    for (const [group, locks] of this.#byGroup) {
      const held = Array.from(locks).filter(([, lock]) => !this.#isExpired(lock));
      if (held.length > 0) lockTable.set(group, new Map(held.map(([key, { clientId }]) => [key, clientId])));
    }
    return stringifyJson({ lockTable });
  }

  #isAbandoned(lock: Lock): boolean {
    return this.clock.monotonicMs() - lock.renewedMs > 2 * LOCK_LIFE_MS;
  }

  #isExpired(lock: Lock): boolean {
    return this.clock.monotonicMs() - lock.renewedMs > LOCK_LIFE_MS;
  }
}

function memberKey(group: string, clientId: string): string {
  return `${group} ${clientId}`;
}
