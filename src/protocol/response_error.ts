/**
 * A peer's mistake, or a refusal, as an exception: thrown anywhere in a handler, turned into a response by the remoting
 * server alone.
 *
 * @module
 */
import { ResponseCode } from "./codes.ts";

/** Refuses a request with a response code and a remark for the operator. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";

  /**
   * @param code one of `ResponseCode`.
   * @param remark what was wrong; prefixes that clients parse are RocketMQ's.
   */
  constructor(readonly code: number, readonly remark: string) {
    super(remark);
  }
}

/** A {@link ResponseError} with code SYSTEM_ERROR, as RocketMQ answers anything unexpected. */
export function systemError(remark: string): ResponseError {
  return new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
}

/** Appends RocketMQ's pointer to its frequently asked questions, as its remarks have it. */
export function seeFaq(remark: string): string {
  return `${remark}\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.`;
}
