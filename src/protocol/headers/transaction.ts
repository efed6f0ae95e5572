/**
 * Headers of the requests that end a transaction or look after one (37, 323).
 * Source: RocketMQ `EndTransactionRequestHeader`, `ResumeCheckHalfMessageRequestHeader`.
 *
 * @module
 */
import { header } from "../header.ts";

/** END_TRANSACTION (37). */
export const END_TRANSACTION = header({
  producerGroup: "string!",
  /** Offset of the half message in the half queue. */
  tranStateTableOffset: "long!",
  /** Physical offset of the half message. */
  commitLogOffset: "long!",
  /** A `SysFlag` transaction value: 8 commit, 12 rollback, 0 unknown. */
  commitOrRollback: "int!",
  /** Whether the broker had asked. */
  fromTransactionCheck: "boolean",
  msgId: "string",
  transactionId: "string",
  topic: "string",
});

/** RESUME_CHECK_HALF_MESSAGE (323). */
export const RESUME_CHECK_HALF_MESSAGE = header({ msgId: "string!", topic: "string" });
