/**
 * Decodes the bodies of requests: what cannot be read is the peer's mistake.
 *
 * @module
 */
import { JsonError } from "../protocol/json.ts";
import { systemError } from "../protocol/response_error.ts";

/** Decodes a body with `decode`. @throws {ResponseError} SYSTEM_ERROR when it cannot be read. */
export function decodeBody<T>(body: Uint8Array, decode: (body: Uint8Array) => T): T {
  try {
    return decode(body);
  } catch (error) {
    if (error instanceof JsonError) throw systemError(`the body cannot be read: ${error.message}`);
    throw error;
  }
}
