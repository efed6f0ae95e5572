/**
 * Locks on queues for orderly consumers: at most one client of a group holds a queue. A lock lasts 60 s from its last
 * renewal (clients renew every 20 s); it is not released when the client's connection ends, for the client may still be
 * working on messages and come back.
 *
 * RocketMQ counterpart: `RebalanceLockManager`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Log } from "../common/log.ts";
import { type MessageQueue, messageQueueKey } from "../protocol/message_queue.ts";

/** How long a lock lasts without being renewed. Source: RocketMQ `rocketmq.broker.rebalance.lockMaxLiveTime`. */
export const LOCK_LIFE_MS = 60_000;

interface Lock {
  clientId: string;
  renewedMs: number;
}

/** Who holds which queue. */
export class QueueLocks {
  readonly #byGroup = new Map<string, Map<string, Lock>>();
  /** When expired locks were last looked for. */
  #sweptMs = 0;

  constructor(readonly clock: Clock, readonly log: Log) {}

  /** Locks or renews those of `queues` that nobody else holds; returns the ones that `clientId` holds now. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string): MessageQueue[] {
    if (this.clock.monotonicMs() - this.#sweptMs > LOCK_LIFE_MS) this.#removeExpired();
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
      if (locks.get(key)?.clientId === clientId) locks.delete(key);
    }
    if (locks.size === 0) this.#byGroup.delete(group);
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
      for (const [key, lock] of locks) if (this.#isAbandoned(lock)) locks.delete(key);
      if (locks.size === 0) this.#byGroup.delete(group);
    }
  }

  #lockOne(locks: Map<string, Lock>, group: string, queue: MessageQueue, clientId: string): boolean {
    const key = messageQueueKey(queue);
    const held = locks.get(key);
    if (held === undefined) {
      locks.set(key, { clientId, renewedMs: this.clock.monotonicMs() });
      return true;
    }
    if (held.clientId !== clientId) {
      if (!this.#isExpired(held)) return false;
      this.log.warn(
        `message queue ${key} of group ${group}: the lock of ${held.clientId} has expired, ${clientId} has it now`,
      );
      held.clientId = clientId;
    }
    held.renewedMs = this.clock.monotonicMs();
    return true;
  }

  #isAbandoned(lock: Lock): boolean {
    return this.clock.monotonicMs() - lock.renewedMs > 2 * LOCK_LIFE_MS;
  }

  #isExpired(lock: Lock): boolean {
    return this.clock.monotonicMs() - lock.renewedMs > LOCK_LIFE_MS;
  }
}
