/**
 * `haMasterAddress` of a slave, as far as it can be judged without asking anybody: a slave that is told to follow itself
 * would try for ever. It listens on its ports for clients alone; on its `haListenPort` may be its master, on the same machine,
 * or a tunnel to it.
 *
 * Ours: RocketMQ connects to itself.
 *
 * @module
 */
import { ipBytes } from "../common/ip.ts";
import { parseAddress, unbracket } from "../common/net.ts";
import { settingRefusal } from "../common/options.ts";

/** What to do about it. */
const ADVICE = "Set the master's brokerIP2 and haListenPort, or take it out: the name servers tell where the master is";

/** Where a broker is. */
export interface OwnAddresses {
  readonly brokerIP1: string;
  readonly brokerIP2: string;
  readonly bindAddress: string;
  /** 0: any free port. */
  readonly listenPort: number;
  readonly vipPort: number;
}

/** The options of the store that say whom a slave follows. */
export interface FollowOptions {
  readonly brokerRole: string;
  readonly haMasterAddress: string | null;
  readonly haListenPort: number;
}

/** What it is checked with. */
export interface FollowSurroundings {
  readonly own: OwnAddresses;
  /** Where each option was set. */
  readonly assigned: ReadonlyMap<string, string>;
}

/**
 * Refuses a slave's `haMasterAddress` that is its own; adds to `warnings` that it may be.
 *
 * @throws {ConfigError} that says which of its own addresses it is.
 */
export function checkMasterAddress(
  { brokerRole, haMasterAddress, haListenPort }: FollowOptions,
  { own, assigned }: FollowSurroundings,
  warnings: string[],
): void {
  if (brokerRole !== "SLAVE" || !haMasterAddress || own.listenPort === 0) return;
  const { host, port } = parseAddress(haMasterAddress);
  if (!isOwn(host, own)) return;
  const { listenPort, vipPort } = own;
  if (port === haListenPort) {
    warnings.push(
      `${
        assigned.get("haMasterAddress") ?? "default"
      }: haMasterAddress=${haMasterAddress}: it is this slave's own address ` +
        "with its haListenPort, where a slave does not listen: it follows its master where that, or a tunnel to it, is at " +
        `this port of this machine, and else nobody. ${ADVICE}`,
    );
  }
  if (port !== listenPort && port !== vipPort) return;
  const what = port === listenPort ? "listenPort" : "its VIP port, listenPort - 2";
  throw settingRefusal(
    { key: "haMasterAddress", value: haMasterAddress },
    `it is this slave's own address for clients (${what}), so that it would follow itself. ${ADVICE}`,
    assigned,
  );
}

/** Whether a host is, literally, one that this broker is told to be at, or listens on. */
function isOwn(host: string, { brokerIP1, brokerIP2, bindAddress }: OwnAddresses): boolean {
  const bare = plain(host);
  if ([brokerIP1, brokerIP2, bindAddress].some((each) => plain(each) === bare)) return true;
  const listensOnAll = ["0.0.0.0", "::"].includes(plain(bindAddress));
  return listensOnAll && isLoopback(bare);
}

/** Without brackets; `localhost` is what it leads to. */
function plain(host: string): string {
  const bare = unbracket(host.trim()).toLowerCase();
  return bare === "localhost" ? "127.0.0.1" : bare;
}

function isLoopback(host: string): boolean {
  const bytes = ipBytes(host);
  if (bytes === null) return false;
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((each, at) => each === (at === 15 ? 1 : 0));
}
