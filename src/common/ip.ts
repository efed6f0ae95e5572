/**
 * IP addresses as bytes, and networks in CIDR notation.
 *
 * @module
 */

/** A network: all addresses that begin with the same bits. */
export interface Network {
  /** As it was written, e.g. `10.1.0.0/16`. */
  readonly text: string;
  /** 4 or 16 bytes; bits behind the prefix do not matter. */
  readonly bytes: Uint8Array;
  /** Bits that count, 0 to 32 or 128. */
  readonly prefixBits: number;
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

/** Reads `address/prefix`, or an address alone, which is a network of one. @throws {TypeError} when it is neither. */
export function parseNetwork(text: string): Network {
  const [host = "", prefix, ...rest] = text.trim().split("/");
  const bytes = ipBytes(host);
  const widest = (bytes?.length ?? 0) * 8;
  const prefixBits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
  if (bytes === null || rest.length > 0 || !(prefixBits <= widest)) {
    throw new TypeError(`"${text}" is no network: expected something like 10.1.0.0/16 or fd00::/8`);
  }
  return { text: text.trim(), bytes, prefixBits };
}

/** Whether an address (as bytes) belongs to a network; one of the other kind never does. */
export function isInNetwork(network: Network, address: Uint8Array): boolean {
  if (address.length !== network.bytes.length) return false;
  const whole = network.prefixBits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network.bytes[i]) return false;
  const rest = network.prefixBits & 7;
  return rest === 0 || (address[whole]! ^ network.bytes[whole]!) >> (8 - rest) === 0;
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
