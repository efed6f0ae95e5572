/**
 * Advertised addresses, as a client meets them: the main port, the VIP port (main less 2), a master's port for slaves; and
 * whether it is the right broker that answers there.
 *
 * @module
 */
import { addressAdvice } from "../../broker/advertised_address.ts";
import { ConnectionError, messageOf } from "../../common/errors.ts";
import { formatAddress, parseAddress, unbracket } from "../../common/net.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import type { Report } from "./finding.ts";
import {
  brokerSubject,
  type ExaminedBroker,
  type Examiner,
  numberOf,
  readConfig,
  readRuntime,
  RefusedError,
} from "./patient.ts";

const VIP_PORT_DISTANCE = 2;

/** A broker as a name server tells of it. */
export type ToldBroker = Pick<ExaminedBroker, "cluster" | "brokerName" | "brokerId" | "address">;

/** Connects to a broker as a client does, and asks it who it is. @param hasSlaves whether its group has any. */
export async function examineAddress(
  examiner: Examiner,
  told: ToldBroker,
  hasSlaves: boolean,
  report: Report,
): Promise<ExaminedBroker> {
  const { clock } = examiner.world;
  const subject = brokerSubject(told);
  try {
    const config = await readConfig(examiner, told.address);
    const beginMs = clock.now();
    const runtime = await readRuntime(examiner, told.address);
    const broker: ExaminedBroker = { ...told, config, runtime, askedMs: [beginMs, clock.now()] };
    if (reportIdentity(broker, report)) {
      report({ severity: "ok", check: "broker-address", subject, text: "answers where clients look for it" });
    }
    await examineVipPort(examiner, broker, report);
    if (told.brokerId === MASTER_ID) await examineHaPort(examiner, broker, hasSlaves, report);
    return broker;
  } catch (error) {
    if (!(error instanceof ConnectionError) && !(error instanceof RefusedError)) throw error;
    reportUnreachable(told, error, report);
    return { ...told, config: null, runtime: null, askedMs: [0, 0] };
  }
}

function reportUnreachable(told: ToldBroker, error: unknown, report: Report): void {
  const advice = addressAdvice(parseAddress(told.address).host);
  const isPlain = error instanceof ConnectionError && error.fault === "connect";
  report({
    severity: "problem",
    check: "broker-unreachable",
    subject: brokerSubject(told),
    text: `${isPlain ? "" : "no answer as a broker gives it: "}${messageOf(error)}`,
    meaning:
      "the name server tells clients this address: those on the network of this machine cannot send or consume there",
    remedy: advice ??
      "set brokerIP1 in its file to an address that this machine reaches (brokerAddresses, where that differs by network), and " +
        "open the port in firewalls; if the broker is gone, the name server forgets it after two minutes",
  });
}

/** Whether the broker that answered is the one that the name server tells of. */
export function reportIdentity(broker: ExaminedBroker, report: Report): boolean {
  const name = broker.config?.get("brokerName");
  // A replica has its number while it follows, and leads as 0.
  const isElected = (broker.config?.get("haElection") ?? "") !== "" && broker.brokerId !== MASTER_ID;
  const id = numberOf(broker.config, isElected ? "haReplicaId" : "brokerId");
  if ((name === undefined || name === broker.brokerName) && (Number.isNaN(id) || id === broker.brokerId)) return true;
  report({
    severity: "problem",
    check: "broker-identity",
    subject: brokerSubject(broker),
    text: `another broker answers there: ${name} with id ${id}`,
    meaning: "clients send to a broker that they do not mean; two brokers advertise one address",
    remedy: "set brokerIP1 (and listenPort) of both brokers to addresses of their own",
  });
  return false;
}

async function examineVipPort(examiner: Examiner, broker: ExaminedBroker, report: Report): Promise<void> {
  const { host, port } = parseAddress(broker.address);
  const address = formatAddress({ host, port: port - VIP_PORT_DISTANCE });
  const failure = await connectFailure(examiner, address);
  if (failure === null) {
    report({ severity: "ok", check: "vip-port", subject: brokerSubject(broker), text: `VIP port ${port - 2} is open` });
    return;
  }
  report({
    severity: "warning",
    check: "vip-port",
    subject: brokerSubject(broker),
    text: `the VIP port does not answer: ${failure}`,
    meaning: "clients that use it (vipChannelEnabled=true, the default before 4.5.1) cannot send; others do not care",
    remedy: `open port ${
      port - VIP_PORT_DISTANCE
    } (listenPort less 2) in firewalls and container mappings, or switch the VIP channel off in those clients`,
  });
}

async function examineHaPort(
  examiner: Examiner,
  broker: ExaminedBroker,
  hasSlaves: boolean,
  report: Report,
): Promise<void> {
  const { host, port } = parseAddress(broker.address);
  const configured = numberOf(broker.config, "haListenPort");
  const haPort = configured > 0 ? configured : port + 1;
  const isNeeded = hasSlaves || broker.config?.get("brokerRole") === "SYNC_MASTER";
  const address = formatAddress({
    host: unbracket(broker.config?.get("brokerIP2") ?? host),
    port: haPort,
  });
  const failure = await connectFailure(examiner, address);
  const subject = brokerSubject(broker);
  if (failure === null) {
    report({ severity: "ok", check: "ha-port", subject, text: `slaves can replicate from ${address}` });
  } else if (isNeeded) {
    report({
      severity: "problem",
      check: "ha-port",
      subject,
      text: `the port for slaves does not answer: ${failure}`,
      meaning:
        "slaves get no messages; with SYNC_MASTER producers wait and get SLAVE_NOT_AVAILABLE or FLUSH_SLAVE_TIMEOUT",
      remedy: "set brokerIP2 to an address that slaves reach, and open haListenPort (listenPort + 1) between brokers",
    });
  } else {
    report({
      severity: "ok",
      check: "ha-port",
      subject,
      text: `no slave, and none could replicate from here (${failure})`,
    });
  }
}

/** Why a client cannot connect; null when it can. */
async function connectFailure({ world, timeoutMs }: Examiner, address: string): Promise<string | null> {
  try {
    (await world.net.connect(parseAddress(address), timeoutMs)).close();
    return null;
  } catch (error) {
    if (error instanceof ConnectionError) return error.message;
    throw error;
  }
}
