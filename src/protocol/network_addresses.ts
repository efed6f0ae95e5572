/**
 * Addresses of one broker by the network that a client asks from: `10.0.0.0/8=10.1.2.3:10911;0.0.0.0/0=203.0.113.7:30911`.
 * The first network that the client's address belongs to counts; who belongs to none gets the address of `brokerIP1`.
 *
 * A broker tells them with its registration in a field of our own ({@linkcode BROKER_ADDRESSES_FIELD}), which RocketMQ's
 * name servers ignore as they ignore every field that they do not know.
 *
 * Source: ours. In RocketMQ a broker has one address, so that clients in and outside a container network need a second
 * cluster, a host network, or names that resolve differently.
 *
 * @module
 */
import { isInNetwork, type Network, parseNetwork } from "../common/ip.ts";
import { formatAddress, parseAddress } from "../common/net.ts";

/** Ext field of a registration: the option `brokerAddresses` as it was written. */
export const BROKER_ADDRESSES_FIELD = "__BROKER_ADDRESSES";

/** What clients of a network are told. */
export interface NetworkAddress {
  readonly network: Network;
  /** `host:port`; the host may be a name that the client resolves. */
  readonly address: string;
}

/** Reads the list; empty for an empty text. @throws {TypeError} naming what cannot be read. */
export function parseNetworkAddresses(text: string): NetworkAddress[] {
  return text.split(";").map((item) => item.trim()).filter((item) => item !== "").map((item) => {
    const equals = item.indexOf("=");
    if (equals < 0) {
      throw new TypeError(`"${item}" has no "=": expected NETWORK=HOST:PORT, e.g. 10.0.0.0/8=10.1.2.3:10911`);
    }
    const network = parseNetwork(item.slice(0, equals));
    return { network, address: formatAddress(parseAddress(item.slice(equals + 1))) };
  });
}

/** What is wrong with the text of a list, or null. */
export function networkAddressesFault(text: string): string | null {
  try {
    parseNetworkAddresses(text);
    return null;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

/** The address for a client, as bytes of its IP address; null when no network holds it. */
export function addressFor(addresses: readonly NetworkAddress[], client: Uint8Array): string | null {
  return addresses.find(({ network }) => isInNetwork(network, client))?.address ?? null;
}
