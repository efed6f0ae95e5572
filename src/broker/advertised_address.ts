/**
 * What an operator should know about the address that a broker tells clients: most trouble in the first hour with RocketMQ
 * is a client that cannot reach it.
 *
 * @module
 */

/** Why other machines may not reach `host`, with what to do; null when nothing speaks against it. */
export function addressAdvice(host: string): string | null {
  const remedy = "set brokerIP1 to an address of this machine that clients can reach";
  const bare = host.replace(/^\[(.*)\]$/, "$1");
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
  return null;
}
