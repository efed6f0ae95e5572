/**
 * Bodies of the requests with which orderly consumers lock and unlock queues (41, 42).
 * Source: RocketMQ `LockBatchRequestBody`, `LockBatchResponseBody`, `UnlockBatchRequestBody`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { stringifyJson } from "../json.ts";
import { boolMember, isObject, listMember, readBody, textMember } from "../json_members.ts";
import { type MessageQueue, readMessageQueue } from "../message_queue.ts";

/** Asks for locks, or gives them back. */
export interface LockRequest {
  readonly clientId: string;
  readonly consumerGroup: string;
  readonly mqSet: readonly MessageQueue[];
  /** 5.x: the other replicas need not be asked. */
  readonly onlyThisBroker: boolean;
}

/** Reads a lock or unlock request. @throws {JsonError} */
export function readLockRequest(body: Uint8Array): LockRequest {
  const object = readBody(body);
  return {
    clientId: textMember(object, "clientId"),
    consumerGroup: textMember(object, "consumerGroup"),
    mqSet: listMember(object, "mqSet").filter(isObject).map(readMessageQueue),
    onlyThisBroker: boolMember(object, "onlyThisBroker"),
  };
}

/** Writes a lock or unlock request. */
export function encodeLockRequest(request: LockRequest): Uint8Array {
  return utf8(stringifyJson(request));
}

/** Reads which queues are locked now. @throws {JsonError} */
export function readLockResponse(body: Uint8Array): MessageQueue[] {
  return listMember(readBody(body), "lockOKMQSet").filter(isObject).map(readMessageQueue);
}

/** Writes which queues are locked now. */
export function encodeLockResponse(lockOKMQSet: readonly MessageQueue[]): Uint8Array {
  return utf8(stringifyJson({ lockOKMQSet }));
}
