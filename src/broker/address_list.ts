/**
 * A list of hosts and networks, as `haAllowedAddresses` has it: addresses and prefixes such as `10.1.2.0/24` or
 * `fd00::/8`, separated by `;`.
 *
 * @module
 */
import { ipBytes, isInNetwork, type Network, parseNetwork } from "../common/ip.ts";
import { unbracket } from "../common/net.ts";

/** Addresses that a list allows. */
export class AddressList {
  readonly #networks: readonly Network[];

  /** @throws {TypeError} for an item that is neither address nor prefix. */
  constructor(text: string) {
    this.#networks = text.split(";").map((item) => item.trim()).filter((item) => item !== "").map(parseNetwork);
  }

  /** Whether nothing is on the list. */
  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  /** Whether the IP address is on the list. IPv4 addresses that arrive on an IPv6 socket are IPv4 addresses. */
  has(host: string): boolean {
    const bytes = ipBytes(unbracket(host).replace(/^::ffff:(?=\d+\.)/i, ""));
    return bytes !== null && this.#networks.some((network) => isInNetwork(network, bytes));
  }
}
