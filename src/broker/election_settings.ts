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
import { SECRET, settingRefusal } from "../common/options.ts";
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

/**
 * etcd as the options tell.
 *
 * @param assigned where each option was set, for errors. @throws {ConfigError} when a certificate cannot be read.
 */
export function openEtcd(
  options: ElectionOptions,
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  assigned: ReadonlyMap<string, string> = new Map(),
): Etcd {
  const { haElectionUser: name, haElectionPassword: password } = options;
  const pem = (key: "haElectionCaFile" | "haElectionCertFile" | "haElectionKeyFile") => {
    const value = options[key];
    if (value === "") return undefined;
    const text = readPem(disk, value);
    if (typeof text === "string") return text;
    throw settingRefusal({ key, value }, text.fault, assigned);
  };
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

function readPem(disk: Disk, path: string): string | { readonly fault: string } {
  try {
    const bytes = readWhole(disk, path);
    if (bytes === null) return { fault: "there is no such file" };
    return utf8Text(bytes).includes("-----BEGIN") ? utf8Text(bytes) : { fault: "it is no PEM file" };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/** What to do when etcd cannot be asked, by the words of why not. */
const ADVICE: readonly (readonly [words: RegExp, advice: string])[] = [
  [
    /https:\S* (.*InvalidContentType|.*handshake eof|Connection reset)/,
    "TLS is not spoken there: see the port, or set haElection=etcd://…, without TLS",
  ],
  [/HTTP request to an HTTPS server/, "TLS is spoken there: set haElection=etcds://…"],
  [
    /http:\S* (connection closed|Connection reset)/,
    "if TLS is spoken there set haElection=etcds://…, else see the port",
  ],
  [/certificate|UnknownIssuer/i, "see haElectionCaFile, haElectionCertFile and haElectionKeyFile"],
  [
    /invalid user ID or password|user name (is empty|not found)|authentication is not enabled|permission denied|invalid auth/i,
    "see haElectionUser and haElectionPassword, and what that user may do in etcd",
  ],
  [/database space exceeded/, "compact and defragment etcd, then disarm its alarm (etcdctl alarm disarm)"],
  [/not etcd|HTTP version/, "see the port: haElection names the one that etcd has for clients, 2379 unless it was set"],
];

/** What an operator is to do about it. @param cause why etcd cannot be asked. */
export function etcdAdvice(cause: string): string {
  const advice = ADVICE.find(([words]) => words.test(cause))?.[1] ??
    "see that etcd runs there, most of its members do, and it can be reached from here";
  return `${advice[0]!.toUpperCase()}${advice.slice(1)}; it is asked again all the time`;
}

/** What the options of an election are checked with. */
export interface ElectionSurroundings {
  readonly store: {
    readonly brokerRole: string;
    readonly haMasterAddress: string | null;
    readonly minInSyncReplicas: number;
  };
  /** Where each option was set. */
  readonly assigned: ReadonlyMap<string, string>;
}

/**
 * Refuses what cannot work together; adds to `warnings` what has no effect.
 *
 * @throws {ConfigError} that names the setting to change, or the one that needs another.
 */
export function checkElection(
  broker: ElectionOptions,
  { store, assigned }: ElectionSurroundings,
  warnings: string[],
): void {
  const { haElection, haReplicaId } = broker;
  const place = (key: string) => assigned.get(key) ?? "default";
  if (haElection === "") {
    if (haReplicaId !== 0) {
      warnings.push(`${place("haReplicaId")}: haReplicaId=${haReplicaId}: it has no effect without haElection`);
    }
    return;
  }
  const refuse = (key: string, value: string, what: string) => {
    throw settingRefusal({ key, value }, what, assigned);
  };
  const beside = `beside haElection=${haElection} (${place("haElection")})`;
  if (haReplicaId < 1) {
    const words = "it needs haReplicaId: set that to a number from 1 on that no other replica of this brokerName has";
    refuse("haElection", haElection, words);
  }
  const { brokerRole, haMasterAddress, minInSyncReplicas } = store;
  if (brokerRole === "SLAVE") {
    const words = "the election says who leads. Set SYNC_MASTER (or ASYNC_MASTER), as on all replicas";
    refuse("brokerRole", brokerRole, `it cannot be ${beside}: ${words}`);
  }
  if (haMasterAddress) {
    refuse("haMasterAddress", haMasterAddress, `it cannot be ${beside}: the election says who leads. Take it out`);
  }
  checkAccess(broker, refuse);
  if (brokerRole === "ASYNC_MASTER" && minInSyncReplicas > 1) {
    warnings.push(
      `${place("minInSyncReplicas")}: minInSyncReplicas=${minInSyncReplicas}: it has no effect with ` +
        "brokerRole=ASYNC_MASTER: a failover may lose messages",
    );
  }
}

/** Certificates and user: what needs what. */
function checkAccess(broker: ElectionOptions, refuse: (key: string, value: string, what: string) => void): void {
  const { haElection, haElectionCertFile: cert, haElectionKeyFile: key, haElectionCaFile: ca } = broker;
  if (cert !== "" && key === "") refuse("haElectionCertFile", cert, "it needs haElectionKeyFile, the key of it");
  if (key !== "" && cert === "") refuse("haElectionKeyFile", key, "it needs haElectionCertFile, whose key it is");
  if (!haElection.startsWith("etcds:")) {
    const words = "certificates need haElection=etcds://…, which is TLS; etcd:// is not";
    if (ca !== "") refuse("haElectionCaFile", ca, words);
    if (cert !== "") refuse("haElectionCertFile", cert, words);
  }
  if (broker.haElectionUser === "" && broker.haElectionPassword !== "") {
    refuse("haElectionPassword", SECRET, "it needs haElectionUser");
  }
}
