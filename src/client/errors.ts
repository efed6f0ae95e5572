/**
 * What can go wrong for a user of the client. Every error says whether trying again may help (`retriable`).
 *
 * - {@link ClientError}: the client itself refuses or gives up; `code` is RocketMQ's, 0 when it has none.
 * - {@link BrokerError}: a broker or name server answered with an error.
 * - `ConnectionError` (of `common/errors.ts`): it could not be reached, or did not answer in time.
 *
 * Source: RocketMQ `MQClientException`, `MQBrokerException`, `ClientErrorCode`.
 *
 * @module
 */
import { ConnectionError } from "../common/errors.ts";
import { ResponseCode, responseCodeName } from "../protocol/codes.ts";

/** Codes of a {@link ClientError} besides those of responses. Source: RocketMQ `ClientErrorCode`. */
export const ClientErrorCode = {
  CONNECT_BROKER_EXCEPTION: 10001,
  ACCESS_BROKER_TIMEOUT: 10002,
  BROKER_NOT_EXIST: 10003,
  NO_NAME_SERVER: 10004,
  NOT_FOUND_TOPIC: 10005,
  REQUEST_TIMEOUT: 10006,
  CREATE_REPLY_MESSAGE: 10007,
} as const;

/** The client refuses or gives up. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** One of {@linkcode ClientErrorCode} or of `ResponseCode`; 0 for none. */
  readonly code: number;
  /** Whether the same call may succeed later without anybody changing it. */
  readonly retriable: boolean;

  /** @param message what was attempted and why it failed. */
  constructor(message: string, details: { code?: number; retriable?: boolean; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = details.code ?? 0;
    this.retriable = details.retriable ?? false;
  }
}

/** Answers after which the same request may succeed, at another broker or a little later. */
const RETRIABLE_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLUSH_DISK_TIMEOUT,
  ResponseCode.SLAVE_NOT_AVAILABLE,
  ResponseCode.FLUSH_SLAVE_TIMEOUT,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
  ResponseCode.SUBSCRIPTION_NOT_EXIST,
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
]);

/** A broker or name server answered with an error. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  /** Whether the same request may succeed later. */
  readonly retriable: boolean;

  /**
   * @param code the response's code. @param remark what the server said. @param address who said it.
   */
  constructor(readonly code: number, readonly remark: string, readonly address: string) {
    super(`CODE: ${code} (${responseCodeName(code)})  DESC: ${remark}  BROKER: ${address}`);
    this.retriable = RETRIABLE_CODES.has(code);
  }
}

/** Whether trying again may help, for anything that a call of the client threw. */
export function isRetriable(error: unknown): boolean {
  return (error instanceof ClientError || error instanceof BrokerError || error instanceof ConnectionError) &&
    error.retriable;
}
