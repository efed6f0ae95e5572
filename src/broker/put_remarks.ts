/**
 * Response code and remark for a message that was not stored, in RocketMQ's words, with the cause where we know it.
 * Source: RocketMQ `SendMessageProcessor#handlePutMessageResult`.
 *
 * @module
 */
import { ResponseCode } from "../protocol/codes.ts";
import type { Reply } from "../remoting/command.ts";
import { PutStatus, putStatusName } from "../store/store.ts";

/** What the remarks name. */
export interface PutRemarkFacts {
  /** Limit of a body in bytes. */
  readonly maxMessageSize: number;
  /** Why the store refuses now, or null. */
  refusal(): string | null;
}

/** The answer to a send whose message is not in the store. */
export function refusedReply(status: PutStatus, facts: PutRemarkFacts): Reply {
  switch (status) {
    case PutStatus.MESSAGE_ILLEGAL:
    case PutStatus.PROPERTIES_SIZE_EXCEEDED:
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark: "the message is illegal, maybe msg body or properties length not matched. msg body length limit " +
          `${facts.maxMessageSize}B, msg properties length limit 32KB.`,
      };
    case PutStatus.CREATE_MAPPED_FILE_FAILED:
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `create mapped file failed, server is busy or broken.${because(facts)}`,
      };
    case PutStatus.SERVICE_NOT_AVAILABLE:
      return {
        code: ResponseCode.SERVICE_NOT_AVAILABLE,
        remark:
          "service not available now. It may be caused by one of the following reasons: the broker's disk is full, " +
          `messages are put to the slave, message store has been shut down, etc.${because(facts)}`,
      };
    case PutStatus.IN_SYNC_REPLICAS_NOT_ENOUGH:
      return { code: ResponseCode.SYSTEM_ERROR, remark: `in-sync replicas not enough.${because(facts)}` };
    default:
      return { code: ResponseCode.SYSTEM_ERROR, remark: `${putStatusName(status)}${because(facts)}` };
  }
}

function because(facts: PutRemarkFacts): string {
  const reason = facts.refusal();
  return reason === null ? "" : ` Cause: ${reason}`;
}
