/**
 * The options of automatic failover: what is wrong with them, and where etcd is.
 *
 * @module
 */
import { utf8Text } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { type Disk, readWhole } from "../common/disk.ts";
import { messageOf } from "../common/errors.ts";
import { FetchHttp } from "../common/http_fetch.ts";
import { formatAddress, parseAddress } from "../common/net.ts";
import { ConfigError } from "../common/options.ts";
import { Etcd } from "../election/etcd.ts";

/** Port of an etcd that names none. */
const DEFAULT_ETCD_PORT = 2379;
/** Each endpoint may take this part of a lease to answer, so that a renewal can go to another one in time. */
const TIMEOUT_SHARE = 1 / 3;

/** The options that this file looks at. */
export interface ElectionOptions {
  readonly haElection: string;
  readonly haElectionPrefix: string;
  readonly haElectionLeaseSec: number;
  readonly haElectionUser: string;
  readonly haElectionPassword: string;
  readonly haElectionCaFile: string;
  readonly haElectionCertFile: string;
  readonly haElectionKeyFile: string;
  readonly haReplicaId: number;
}

/** What is wrong with `haElection`, or null. */
export function electionFault(text: string): string | null {
  if (text === "") return null;
  try {
    etcdEndpoints(text);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** What is wrong with `haElectionPrefix`, or null. */
export function electionPrefixFault(text: string): string | null {
  return /^(\/[\w.-]+)+$/.test(text) ? null : "it must be like /rucola: names of letters and digits, each after a /";
}

/** URLs of the endpoints. @throws {TypeError} when the text is no list of them. */
export function etcdEndpoints(text: string): string[] {
  const match = /^(etcds?):\/\/(\S+?)\/?$/.exec(text);
  if (match === null) throw new TypeError("it must be etcd://HOST:PORT,HOST:PORT, or etcds:// for TLS");
  const scheme = match[1] === "etcds" ? "https" : "http";
  return match[2]!.split(",").map((each) => `${scheme}://${formatAddress(parseAddress(each, DEFAULT_ETCD_PORT))}`);
}

/** etcd as the options tell. @throws {ConfigError} when a certificate cannot be read. */
export function openEtcd(options: ElectionOptions, disk: Disk, clock: Clock): Etcd {
  const { haElectionUser: name, haElectionPassword: password } = options;
  const pem = (key: "haElectionCaFile" | "haElectionCertFile" | "haElectionKeyFile") =>
    options[key] === "" ? undefined : readPem(disk, key, options[key]);
  const certificates: Record<string, string | undefined> = {
    ca: pem("haElectionCaFile"),
    cert: pem("haElectionCertFile"),
    key: pem("haElectionKeyFile"),
  };
  const given = Object.fromEntries(Object.entries(certificates).filter(([, text]) => text !== undefined));
  return new Etcd(new FetchHttp(given), clock, {
    endpoints: etcdEndpoints(options.haElection),
    timeoutMs: options.haElectionLeaseSec * 1000 * TIMEOUT_SHARE,
    user: name === "" ? null : { name, password },
  });
}

function readPem(disk: Disk, option: string, path: string): string {
  try {
    const bytes = readWhole(disk, path);
    if (bytes !== null && utf8Text(bytes).includes("-----BEGIN")) return utf8Text(bytes);
  } catch (error) {
    throw new ConfigError([], `${option}=${path}: ${messageOf(error)}`);
  }
  throw new ConfigError([], `${option}=${path}: there is no PEM file`);
}

/** Refuses what cannot work together; adds to `warnings` what has no effect. @throws {ConfigError} */
export function checkElection(
  broker: ElectionOptions,
  store: { readonly brokerRole: string; readonly haMasterAddress: string | null; readonly minInSyncReplicas: number },
  warnings: string[],
): void {
  const { haElection, haReplicaId } = broker;
  if (haElection === "") {
    if (haReplicaId !== 0) warnings.push(`haReplicaId=${haReplicaId} has no effect without haElection`);
    return;
  }
  const refuse = (what: string) => {
    throw new ConfigError([], `haElection=${haElection}: ${what}`);
  };
  if (haReplicaId < 1) refuse("set haReplicaId to a number from 1 on that no other replica of this brokerName has");
  if (store.brokerRole === "SLAVE") {
    refuse(
      "brokerRole=SLAVE cannot be: the election says who leads. Set SYNC_MASTER (or ASYNC_MASTER), as on all replicas",
    );
  }
  if (store.haMasterAddress) refuse("haMasterAddress cannot be: the election says who leads");
  const { haElectionCertFile: cert, haElectionKeyFile: key, haElectionCaFile: ca } = broker;
  if ((cert === "") !== (key === "")) refuse("haElectionCertFile and haElectionKeyFile must be set together");
  if (cert + ca !== "" && !haElection.startsWith("etcds:")) refuse("certificates need etcds://");
  if (broker.haElectionUser === "" && broker.haElectionPassword !== "") {
    refuse("haElectionPassword needs haElectionUser");
  }
  if (store.brokerRole === "ASYNC_MASTER" && store.minInSyncReplicas > 1) {
    warnings.push("minInSyncReplicas has no effect with brokerRole=ASYNC_MASTER: a failover may lose messages");
  }
}
