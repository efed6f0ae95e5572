/**
 * Locks on queues for orderly consumers: lock (41), unlock (42). RocketMQ counterpart: `AdminBrokerProcessor#lockBatchMQ`.
 *
 * @module
 */
import { encodeLockResponse, readLockRequest } from "../../protocol/bodies/lock.ts";
import { RequestCode } from "../../protocol/codes.ts";
import { OK } from "../../remoting/command.ts";
import type { Handler, HandlerTable } from "../../remoting/handler.ts";
import type { QueueLocks } from "../queue_locks.ts";
import { decodeBody } from "../request_body.ts";

/** Handlers of 41 and 42. */
export function lockHandlers(locks: QueueLocks): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.LOCK_BATCH_MQ, async ({ command }) => {
      const { consumerGroup, mqSet, clientId } = decodeBody(command.body, readLockRequest);
      const held = locks.lock(consumerGroup, mqSet, clientId);
      // A client begins to work when it hears of its lock, which must outlive this process then.
      await locks.saved();
      return { body: encodeLockResponse(held) };
    }],
    [RequestCode.UNLOCK_BATCH_MQ, ({ command }) => {
      const { consumerGroup, mqSet, clientId } = decodeBody(command.body, readLockRequest);
      locks.unlock(consumerGroup, mqSet, clientId);
      return OK;
    }],
  ]);
}
