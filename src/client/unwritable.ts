/**
 * Why nothing can be sent to a topic that has a route, for the error that says so.
 *
 * Ours: RocketMQ's client says of each of these that there is no route, or no broker.
 *
 * @module
 */
import { MASTER_ID, type TopicRouteData } from "../protocol/bodies/route.ts";
import { Perm } from "../protocol/message.ts";

/** Why no queue of the route can be written, from `: ` on; empty where the route does not show it. */
export function whyUnwritable({ brokerDatas, queueDatas }: TopicRouteData): string {
  const writable = new Set(
    queueDatas.filter(({ perm }) => (perm & Perm.WRITE) !== 0).map(({ brokerName }) => brokerName),
  );
  if (queueDatas.length > 0 && writable.size === 0) {
    return ": it may only be read (its permissions, or brokerPermission)";
  }
  const slaves = brokerDatas.filter(({ brokerName }) => writable.has(brokerName))
    .map(({ brokerName, brokerAddrs }) => onlySlaves(brokerName, brokerAddrs));
  return slaves.length === 0 || slaves.includes("") ? "" : `: ${slaves.join("; ")}`;
}

/** That of a broker only slaves are there; empty when its master is, or nobody. */
export function onlySlaves(brokerName: string, brokerAddrs: ReadonlyMap<number, string>): string {
  if (brokerAddrs.size === 0 || brokerAddrs.has(MASTER_ID)) return "";
  const slaves = [...brokerAddrs].map(([id, address]) => `brokerId ${id} at ${address}`).join(", ");
  return `the master of ${brokerName} (brokerId 0) is away, and only its slaves are there (${slaves}), which can be read ` +
    "and take no messages";
}
