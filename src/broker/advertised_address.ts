/**
 * What an operator should know about the address that a broker tells clients: most trouble in the first hour with RocketMQ
 * is a client that cannot reach it.
 *
 * @module
 */
import { ipBytes } from "../common/ip.ts";
import { unbracket } from "../common/net.ts";

/**
 * Why other machines may not reach `host`, with what to do; null when nothing speaks against it.
 *
 * @param bindAddress where the broker listens.
 */
export function addressAdvice(host: string, bindAddress = "0.0.0.0"): string | null {
  const remedy = "set brokerIP1 to an address of this machine that clients can reach";
  const bare = unbracket(host);
  if (bare === "localhost" || bare === "::1" || bare.startsWith("127.")) {
    return `brokerIP1=${host} is a loopback address: clients on other machines cannot connect; ${remedy}`;
  }
  if (bare === "0.0.0.0" || bare === "::") {
    return `brokerIP1=${host} is no address that clients can connect to; ${remedy}`;
  }
  if (bare.startsWith("169.254.") || /^fe[89ab]/i.test(bare)) {
    return `brokerIP1=${host} is a link-local address: only machines on the same link can connect; ${remedy}`;
  }
  if (/^172\.(17|18)\./.test(bare)) {
    return `brokerIP1=${host} looks like the address of a container network, which clients outside of it cannot reach; ${remedy}`;
  }
  if (ipBytes(bare) !== null && !["0.0.0.0", "::", bare].includes(bindAddress)) {
    return `brokerIP1=${host} is told to clients, but the broker only listens on bindAddress=${bindAddress}; make them agree`;
  }
  return null;
}
