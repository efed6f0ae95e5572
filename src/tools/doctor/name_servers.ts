/**
 * Name servers: whether each answers, is one, knows brokers, and knows the same ones as the others.
 *
 * @module
 */
import { ConnectionError, messageOf } from "../../common/errors.ts";
import { decodeConflicts } from "../../protocol/bodies/conflicts.ts";
import { decodeClusterInfo } from "../../protocol/bodies/route.ts";
import { JsonError } from "../../protocol/json.ts";
import { RequestCode } from "../../protocol/codes.ts";
import type { Report } from "./finding.ts";
import { ask, type ExaminedNameServer, type Examiner, RefusedError } from "./patient.ts";

/** Examines all name servers; gives back those that answered as such. */
export async function examineNameServers(
  examiner: Examiner,
  addresses: readonly string[],
  report: Report,
): Promise<ExaminedNameServer[]> {
  const asked = await Promise.all(addresses.map((address) => examineNameServer(examiner, address, report)));
  const answered = asked.filter((each) => each !== null);
  compareNameServers(answered, report);
  for (const { address } of answered) await reportConflicts(examiner, address, report);
  return answered;
}

async function examineNameServer(
  examiner: Examiner,
  address: string,
  report: Report,
): Promise<ExaminedNameServer | null> {
  const subject = `name server ${address}`;
  const { clock } = examiner.world;
  const startMs = clock.monotonicMs();
  try {
    const info = decodeClusterInfo((await ask(examiner, address, RequestCode.GET_BROKER_CLUSTER_INFO)).body);
    const tookMs = Math.round(clock.monotonicMs() - startMs);
    const brokers = [...info.brokerAddrTable.values()].reduce((sum, { brokerAddrs }) => sum + brokerAddrs.size, 0);
    if (brokers > 0) {
      report({
        severity: "ok",
        check: "namesrv",
        subject,
        text: `answers within ${tookMs} ms and knows ${brokers} broker${brokers === 1 ? "" : "s"}`,
      });
    } else {
      report({
        severity: "problem",
        check: "namesrv-empty",
        subject,
        text: "no broker is registered here",
        meaning: "clients that ask this name server get `No topic route info` for every topic",
        remedy:
          `start a broker with namesrvAddr=${address} (or -n ${address}); one that runs says in its log why it cannot register`,
      });
    }
    return { address, info };
  } catch (error) {
    reportFailure(subject, address, error, report);
    return null;
  }
}

function reportFailure(subject: string, address: string, error: unknown, report: Report): void {
  if (error instanceof ConnectionError && error.fault === "connect") {
    report({
      severity: "problem",
      check: "namesrv-unreachable",
      subject,
      text: error.message,
      meaning: "clients and brokers that were told this address learn no routes from it",
      remedy: "correct the address (-n, NAMESRV_ADDR, namesrvAddr); start the name server; open its port in firewalls",
    });
  } else if (error instanceof ConnectionError || error instanceof RefusedError || error instanceof JsonError) {
    report({
      severity: "problem",
      check: "namesrv-wrong",
      subject,
      text: `something answers, but not as a name server does: ${messageOf(error)}`,
      meaning: "this is the port of another program, a broker's perhaps: clients learn no routes from it",
      remedy: `give the name server's port, 9876 unless its listenPort says otherwise, instead of ${address}`,
    });
  } else {
    throw error;
  }
}

/** Name servers know nothing of each other: what differs is a broker that was told only some of them. */
function compareNameServers(servers: readonly ExaminedNameServer[], report: Report): void {
  const known = servers.map(({ address, info }) => ({ address, brokers: brokersIn(info) }));
  const all = new Set(known.flatMap(({ brokers }) => [...brokers]));
  for (const broker of all) {
    const without = known.filter(({ brokers }) => !brokers.has(broker)).map(({ address }) => address);
    if (without.length === 0) continue;
    report({
      severity: "problem",
      check: "namesrv-differ",
      subject: `broker ${broker}`,
      text: `is not registered with ${without.join(", ")}, but with the others`,
      meaning:
        "clients that happen to ask there do not find its queues; two brokers with one name and id look like this, too",
      remedy: "give all name servers in the broker's namesrvAddr, and see its log for what keeps it from registering",
    });
  }
}

function brokersIn({ brokerAddrTable }: ExaminedNameServer["info"]): Set<string> {
  const brokers = [...brokerAddrTable.values()].flatMap(({ brokerName, brokerAddrs }) =>
    [...brokerAddrs].map(([id, address]) => `${brokerName} (id ${id}) at ${address}`)
  );
  return new Set(brokers);
}

async function reportConflicts(examiner: Examiner, address: string, report: Report): Promise<void> {
  try {
    const { body } = await ask(examiner, address, RequestCode.GET_REGISTRATION_CONFLICTS);
    for (const { brokerName, brokerId, addresses } of decodeConflicts(body)) {
      report({
        severity: "problem",
        check: "duplicate-broker",
        subject: `broker ${brokerName} (id ${brokerId})`,
        text: `${addresses.join(" and ")} both claim this name and id at name server ${address}`,
        meaning:
          "clients are told the one that registered last, which changes every half minute: messages of the other are not consumed",
        remedy:
          "give one of them another brokerName (a master of its own) or another brokerId (a slave), and restart it",
      });
    }
  } catch (error) {
    // RocketMQ's name servers do not know the question; then only differing answers betray duplicates.
    if (!(error instanceof RefusedError) && !(error instanceof ConnectionError)) throw error;
  }
}
