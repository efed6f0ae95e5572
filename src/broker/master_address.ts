/**
 * `haMasterAddress` of a slave, as far as it can be judged without asking anybody: a slave that is told to follow itself
 * would try for ever.
 *
 * Ours: RocketMQ connects to itself.
 *
 * @module
 */
import { ipBytes } from "../common/ip.ts";
import { parseAddress } from "../common/net.ts";
import { settingRefusal } from "../common/options.ts";

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

/**
 * Refuses a slave's `haMasterAddress` that is its own.
 *
 * @param assigned where each option was set. @throws {ConfigError} that says which of its own addresses it is.
 */
export function checkMasterAddress(
  { brokerRole, haMasterAddress, haListenPort }: FollowOptions,
  own: OwnAddresses,
  assigned: ReadonlyMap<string, string>,
): void {
  if (brokerRole !== "SLAVE" || !haMasterAddress || own.listenPort === 0) return;
  const { host, port } = parseAddress(haMasterAddress);
  const { listenPort, vipPort } = own;
  const what = port === haListenPort
    ? "own address for slaves (haListenPort)"
    : port === listenPort
    ? "own address for clients (listenPort)"
    : port === vipPort
    ? "own address for clients (its VIP port, listenPort - 2)"
    : null;
  if (what === null || !isOwn(host, own)) return;
  throw settingRefusal(
    { key: "haMasterAddress", value: haMasterAddress },
    `it is this slave's ${what}, so that it would follow itself. Set the master's brokerIP2 and haListenPort, or take it ` +
      "out: the name servers tell where the master is. (A master on this machine has a port of its own: set another " +
      "haListenPort here.)",
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
  const bare = host.trim().replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return bare === "localhost" ? "127.0.0.1" : bare;
}

function isLoopback(host: string): boolean {
  const bytes = ipBytes(host);
  if (bytes === null) return false;
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((each, at) => each === (at === 15 ? 1 : 0));
}
