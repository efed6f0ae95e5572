/**
 * Versions of the broker's tables: they grow with each change, so that name servers and slaves see that there was one.
 * RocketMQ counterpart: `DataVersion#nextVersion`.
 *
 * @module
 */
import type { DataVersion } from "../protocol/bodies/register.ts";

/** The version of a table that is new now. */
export function firstVersion(nowMs: number): DataVersion {
  return { stateVersion: 0, timestamp: nowMs, counter: 0 };
}

/** The version after `version`. */
export function nextVersion(version: DataVersion, nowMs: number): DataVersion {
  return { stateVersion: version.stateVersion, timestamp: nowMs, counter: version.counter + 1 };
}
