/**
 * A peer's address in the form in which records carry it.
 *
 * @module
 */
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

/** The 4 or 16 bytes of an IP address, or null when the text is none. An IPv4 address mapped into IPv6 gives 4. */
export function ipBytes(text: string): Uint8Array | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const ipv4 = (mapped ?? text).split(".");
  if (ipv4.length === 4 && ipv4.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return Uint8Array.from(ipv4.map(Number));
  }
  return ipv6Bytes(text.replace(/%.*$/, ""));
}

function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (!text.includes(":") || halves.length > 2) return null;
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  const missing = 8 - head.length - tail.length;
  if (missing < 0 || (halves.length === 1 && missing !== 0)) return null;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  if (all.some((group) => Number.isNaN(group))) return null;
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => /^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN);
}
