/**
 * What the brokers of one process must not share: ports, files, and the place that they register for. Checked before one of
 * them is started, so that a mistake in a file is told with both files' names and not as a port that is taken.
 *
 * Ours: a Java broker has a process of its own, and its own error for each of these.
 *
 * @module
 */
import { ConfigError } from "../common/options.ts";
import { type BrokerSettings, VIP_PORT_DISTANCE } from "./read_options.ts";

/** Something that one broker has for itself. */
interface Claim {
  /** What two brokers cannot both have, e.g. `port 10911`. */
  readonly what: string;
  /** The setting that it comes from, with its place: `a.properties:3: listenPort=10911`. */
  readonly setting: string;
}

/**
 * Makes sure that no two brokers would share anything.
 *
 * @param files the configuration file of each, for messages. @throws {ConfigError} that names both files and settings.
 */
export function checkApart(files: readonly string[], all: readonly BrokerSettings[]): void {
  const taken = new Map<string, { file: string; setting: string }>();
  all.forEach((settings, at) => {
    const file = files[at]!;
    for (const { what, setting } of claimsOf(settings)) {
      const other = taken.get(what);
      if (other !== undefined && other.file !== file) {
        throw new ConfigError([], `${other.file} and ${file} both have ${what}: ${other.setting} and ${setting}`);
      }
      if (files.indexOf(file) !== at) throw new ConfigError([], `-c ${file} is given twice`);
      taken.set(what, { file, setting });
    }
  });
}

function claimsOf({ broker, remoting, store, assigned }: BrokerSettings): Claim[] {
  const placed = (key: string, text: string) => `${assigned.get(key) ?? "default"}: ${text}`;
  const { listenPort } = remoting;
  const { haListenPort, storePathRootDir, storePathCommitLog } = store;
  const { brokerClusterName, brokerName, brokerId } = broker;
  const claims: Claim[] = [
    {
      what: `the place ${brokerName} with id ${brokerId} in ${brokerClusterName}`,
      setting: placed("brokerName", `brokerName=${brokerName}, brokerId=${brokerId}`),
    },
    {
      what: `the directory ${storePathRootDir}`,
      setting: placed("storePathRootDir", `storePathRootDir=${storePathRootDir}`),
    },
    ...(storePathCommitLog ?? "").split(",").map((path) => path.trim().replace(/\/+$/, "")).filter((path) =>
      path !== ""
    )
      .map((path) => ({
        what: `the directory ${path}`,
        setting: placed("storePathCommitLog", `storePathCommitLog=${storePathCommitLog}`),
      })),
  ];
  if (listenPort === 0) return claims;
  claims.push({ what: `port ${listenPort}`, setting: placed("listenPort", `listenPort=${listenPort}`) });
  const vipPort = listenPort - VIP_PORT_DISTANCE;
  claims.push({ what: `port ${vipPort}`, setting: placed("listenPort", `the VIP port of listenPort=${listenPort}`) });
  // A slave does not listen there: the setting is then its master's.
  if (store.brokerRole === "SLAVE") return claims;
  claims.push({
    what: `port ${haListenPort}`,
    setting: assigned.has("haListenPort")
      ? placed("haListenPort", `haListenPort=${haListenPort}`)
      : placed("listenPort", `haListenPort=${haListenPort} (listenPort + 1, for it is not set)`),
  });
  return claims;
}
