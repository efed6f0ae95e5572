/**
 * The version of a table that a slave names in the header of its request for a page. Source: RocketMQ
 * `TopicConfigManager#subTopicConfigTable`.
 *
 * @module
 */
import { utf8 } from "../common/bytes.ts";
import { type DataVersion, decodeDataVersion } from "../protocol/bodies/register.ts";
import { decodeBody } from "./request_body.ts";

/** Reads a version as JSON; null when the slave has none. @throws {ResponseError} when it cannot be read. */
export function namedVersion(text: string | undefined): DataVersion | null {
  return text === undefined || text.trim() === "" ? null : decodeBody(utf8(text), decodeDataVersion);
}
