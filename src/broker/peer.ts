/**
 * A peer's address in the form in which records carry it.
 *
 * @module
 */
import { ipBytes } from "../common/ip.ts";
import type { Address } from "../common/net.ts";
import type { Connection } from "../remoting/connection.ts";

/** Address bytes (4 or 16) and port. */
export interface PeerHost {
  readonly hostBytes: Uint8Array;
  readonly port: number;
}

const known = new WeakMap<Connection, PeerHost>();

/** Address of the peer of a connection; decoded once. */
export function peerOf(connection: Connection): PeerHost {
  let peer = known.get(connection);
  if (peer === undefined) {
    peer = hostOf(connection.remote);
    known.set(connection, peer);
  }
  return peer;
}

/** The bytes of an address whose host is an IP address; a name gives 0.0.0.0. */
export function hostOf(address: Address): PeerHost {
  return { hostBytes: ipBytes(address.host) ?? new Uint8Array(4), port: address.port };
}
