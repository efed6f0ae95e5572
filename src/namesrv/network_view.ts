/**
 * Brokers as clients of one network see them: brokers may have told addresses by network (`brokerAddresses`), and the
 * address that a client's connection to the name server comes from decides which of them it is told.
 *
 * Source: ours; see `src/protocol/network_addresses.ts`.
 *
 * @module
 */
import { ipBytes } from "../common/ip.ts";
import type { BrokerData } from "../protocol/bodies/route.ts";
import { addressFor, type NetworkAddress } from "../protocol/network_addresses.ts";

/** A live broker, as far as views depend on it. */
export interface AddressedBroker {
  readonly clusterName: string;
  readonly brokerAddr: string;
  readonly networkAddresses: readonly NetworkAddress[];
}

/** What clients of a network are told. */
export interface NetworkView {
  /** The same for all clients that are told the same addresses. */
  readonly key: string;
  /** A group with the addresses that these clients are told. */
  broker(group: BrokerData): BrokerData;
}

/** The view of a client at an IP address; null when no broker has an address for its network. */
export function networkView(brokers: readonly AddressedBroker[], host: string): NetworkView | null {
  if (brokers.every(({ networkAddresses }) => networkAddresses.length === 0)) return null;
  const client = ipBytes(host);
  if (client === null) return null;
  const told = new Map<string, string>();
  for (const { clusterName, brokerAddr, networkAddresses } of brokers) {
    const address = addressFor(networkAddresses, client);
    if (address !== null) told.set(`${clusterName}\n${brokerAddr}`, address);
  }
  if (told.size === 0) return null;
  return {
    key: JSON.stringify([...told].sort()),
    broker: (group) => {
      const addrs = [...group.brokerAddrs].map(([id, addr]): [number, string] => [
        id,
        told.get(`${group.cluster}\n${addr}`) ?? addr,
      ]);
      return { ...group, brokerAddrs: new Map(addrs) };
    },
  };
}
