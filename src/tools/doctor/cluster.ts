/**
 * Brokers among each other: masters and slaves, versions, and groups whose members want different things.
 *
 * @module
 */
import { byteText } from "../../broker/runtime_info.ts";
import { ConnectionError } from "../../common/errors.ts";
import { decodeDivergences } from "../../protocol/bodies/connection.ts";
import { decodeHaStatus } from "../../protocol/bodies/ha_status.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { RequestCode } from "../../protocol/codes.ts";
import type { Report } from "./finding.ts";
import { ask, brokerSubject, type ExaminedBroker, type Examiner, numberOf, RefusedError } from "./patient.ts";

const GAP_MAX_BYTES = 268_435_456;

/** Examines all brokers together. */
export async function examineCluster(
  examiner: Examiner,
  brokers: readonly ExaminedBroker[],
  report: Report,
): Promise<void> {
  examineGroups(brokers, report);
  examineVersions(brokers, report);
  const reached = brokers.filter(({ runtime }) => runtime !== null);
  for (const broker of reached) {
    if (broker.brokerId === MASTER_ID) await examineSlaves(examiner, broker, slavesOf(broker, brokers), report);
    await examineSubscriptions(examiner, broker, report);
  }
}

function slavesOf({ cluster, brokerName }: ExaminedBroker, brokers: readonly ExaminedBroker[]): number {
  return brokers.filter((each) =>
    each.cluster === cluster && each.brokerName === brokerName && each.brokerId !== MASTER_ID
  )
    .length;
}

/** A group without a master takes no messages. */
function examineGroups(brokers: readonly ExaminedBroker[], report: Report): void {
  for (const name of new Set(brokers.map(({ brokerName }) => brokerName))) {
    const members = brokers.filter(({ brokerName }) => brokerName === name);
    if (members.some(({ brokerId }) => brokerId === MASTER_ID)) continue;
    report({
      severity: "problem",
      check: "no-master",
      subject: `broker ${name}`,
      text: `has no master, only ${members.map(({ brokerId, address }) => `${address} (id ${brokerId})`).join(", ")}`,
      meaning: "nothing can be sent to its queues; consumers read what its slaves have",
      remedy: "start the master, or make one of the slaves the master (brokerRole, brokerId=0) and restart it",
    });
  }
}

function examineVersions(brokers: readonly ExaminedBroker[], report: Report): void {
  const versions = new Map<string, string[]>();
  for (const broker of brokers) {
    const version = broker.runtime?.get("brokerVersionDesc");
    if (version !== undefined) versions.set(version, [...versions.get(version) ?? [], broker.brokerName]);
  }
  if (versions.size <= 1) {
    const [version] = versions.keys();
    if (version !== undefined) {
      report({ severity: "ok", check: "versions", subject: "cluster", text: `all brokers speak ${version}` });
    }
    return;
  }
  const list = [...versions].map(([version, names]) => `${version}: ${[...new Set(names)].join(", ")}`).join("; ");
  report({
    severity: "warning",
    check: "versions",
    subject: "cluster",
    text: `brokers speak different versions: ${list}`,
    meaning: "right during an upgrade; requests that only the newer ones know fail on the older ones",
    remedy: "finish the upgrade",
  });
}

async function examineSlaves(
  examiner: Examiner,
  master: ExaminedBroker,
  slaveCount: number,
  report: Report,
): Promise<void> {
  const subject = brokerSubject(master);
  const role = master.config?.get("brokerRole");
  if (slaveCount === 0 && role === "SYNC_MASTER") {
    report({
      severity: "warning",
      check: "sync-master-alone",
      subject,
      text: "brokerRole=SYNC_MASTER, but no slave is registered",
      meaning: "producers get SLAVE_NOT_AVAILABLE: their messages are on one machine only",
      remedy: "start a slave of the same brokerName, or set brokerRole=ASYNC_MASTER",
    });
  }
  const answer = await askUnlessRefused(examiner, master.address, RequestCode.GET_BROKER_HA_STATUS);
  if (answer === null) return;
  const gapMax = numberOf(master.config, "haMaxGapNotInSync") || GAP_MAX_BYTES;
  const { haConnectionInfo } = decodeHaStatus(answer.body);
  for (const { addr, diff } of haConnectionInfo) {
    if (diff <= gapMax) {
      report({ severity: "ok", check: "slave", subject, text: `slave ${addr} is ${byteText(diff)} behind` });
      continue;
    }
    report({
      severity: "warning",
      check: "slave",
      subject,
      text: `slave ${addr} is ${byteText(diff)} behind, more than haMaxGapNotInSync=${gapMax}`,
      meaning:
        "it counts as not in sync: what it lacks is lost when the master is, and SYNC_MASTER does not wait for it",
      remedy: "look at the disk and the network of the slave; it catches up when it is faster than the producers",
    });
  }
  if (haConnectionInfo.length < slaveCount) {
    report({
      severity: "problem",
      check: "slave",
      subject,
      text: `${slaveCount} slaves are registered, but ${haConnectionInfo.length} replicate from it`,
      meaning: "the others get no messages",
      remedy: "see their logs; brokerIP2 and haListenPort of the master must be reachable for them",
    });
  }
}

async function examineSubscriptions(examiner: Examiner, broker: ExaminedBroker, report: Report): Promise<void> {
  const answer = await askUnlessRefused(examiner, broker.address, RequestCode.GET_DIVERGENT_SUBSCRIPTIONS);
  if (answer === null) return;
  for (const each of decodeDivergences(answer.body)) {
    const wants = (expression: string | null) => expression === null ? "does not subscribe" : `wants "${expression}"`;
    report({
      severity: "problem",
      check: "subscriptions",
      subject: `group ${each.group}, topic ${each.topic}`,
      text: `${each.clientId} ${wants(each.expression)}, ${each.otherClientId} ${wants(each.otherExpression)}`,
      meaning:
        "the broker keeps the subscription that came last for the whole group: messages are skipped and never consumed",
      remedy: "give all members of a group the same topics and expressions, or a group each",
    });
  }
}

/** The answer; null from a broker that does not know the question or did not answer: its address was reported before. */
async function askUnlessRefused(examiner: Examiner, address: string, code: number) {
  try {
    return await ask(examiner, address, code);
  } catch (error) {
    if (error instanceof RefusedError || error instanceof ConnectionError) return null;
    throw error;
  }
}
