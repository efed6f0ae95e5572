/**
 * The header that a load balancer puts before a connection's first frame to say whom it connects (PROXY protocol, versions 1
 * and 2, as HAProxy's `send-proxy` sends it). RocketMQ 5.x reads it on every port of its servers.
 *
 * Version 1 is a line, `PROXY TCP4 <source> <destination> <source port> <destination port>\r\n` or `PROXY UNKNOWN…\r\n`.
 * Version 2 is
 *
 * ```text
 * 12 bytes  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 * u8        0x20 of the balancer itself, 0x21 of a client
 * u8        0x11, 0x12 IPv4; 0x21, 0x22 IPv6; others without an address
 * u16       size of the rest
 *           source address (4 or 16) · destination address (4 or 16) · source port (2) · destination port (2) · more
 * ```
 *
 * Neither can be the beginning of a frame: as lengths they are beyond every limit.
 *
 * As in RocketMQ it is taken from everybody: whoever reaches the port can claim any address. So nothing may be allowed to
 * somebody for the address that it tells. The HA port, where addresses count, does not read it.
 * Source: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, RocketMQ `NettyRemotingServer.HandshakeHandler`.
 *
 * @module
 */
import { getU16, utf8, utf8Text } from "../common/bytes.ts";
import { ipBytes } from "../common/ip.ts";
import type { Address } from "../common/net.ts";
import { FrameError } from "./header_fields.ts";

/** A whole header. */
export interface ProxyHeader {
  /** Bytes of it. */
  readonly size: number;
  /** Where the client is; undefined when the header does not tell. */
  readonly source: Address | undefined;
}

const LINE_BEGINNING = utf8("PROXY ");
/** A line has at most this many bytes, its end included. */
const LINE_SIZE_MAX = 107;
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const PORT_MAX = 65535;
/** Signature, command, family, size. */
const BINARY_FIXED_SIZE = 16;
const OF_A_CLIENT = 0x21;

/**
 * The header at the beginning of what a connection brought; `none` when there is none, `incomplete` when more must come before
 * that can be said.
 *
 * @throws {FrameError} when it begins like one and goes on otherwise.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | "none" | "incomplete" {
  if (begins(bytes, LINE_BEGINNING)) return bytes.length < LINE_BEGINNING.length ? "incomplete" : readLine(bytes);
  if (begins(bytes, SIGNATURE)) return bytes.length < BINARY_FIXED_SIZE ? "incomplete" : readBinary(bytes);
  return "none";
}

/** Whether the bytes, as far as they go, are those of a beginning. */
function begins(bytes: Uint8Array, beginning: Uint8Array): boolean {
  const size = Math.min(bytes.length, beginning.length);
  for (let i = 0; i < size; i++) if (bytes[i] !== beginning[i]) return false;
  return size > 0;
}

function readLine(bytes: Uint8Array): ProxyHeader | "incomplete" {
  const line = bytes.subarray(0, LINE_SIZE_MAX);
  const end = line.findIndex((byte, i) => byte === 0x0d && line[i + 1] === 0x0a);
  if (end < 0 && bytes.length < LINE_SIZE_MAX) return "incomplete";
  const text = utf8Text(line.subarray(0, end < 0 ? LINE_SIZE_MAX : end));
  if (end >= 0 && text.startsWith("PROXY UNKNOWN")) return { size: end + 2, source: undefined };
  const [, host = "", port] = /^PROXY TCP[46] (\S+) \S+ (\d{1,5}) \d{1,5}$/.exec(text) ?? [];
  if (end < 0 || ipBytes(host) === null || Number(port) > PORT_MAX) {
    // Quoted: who sends it must not write lines into the log.
    throw new FrameError(`a PROXY header that cannot be read: ${JSON.stringify(text)}`);
  }
  return { size: end + 2, source: { host, port: Number(port) } };
}

function readBinary(bytes: Uint8Array): ProxyHeader | "incomplete" {
  const size = BINARY_FIXED_SIZE + getU16(bytes, 14);
  if (bytes.length < size) return "incomplete";
  const [command, family] = [bytes[12]!, bytes[13]!];
  if (command >> 4 !== 2) throw new FrameError(`a PROXY header of version ${command >> 4}`);
  const addressSize = family >> 4 === 1 ? 4 : family >> 4 === 2 ? 16 : 0;
  if (command !== OF_A_CLIENT || addressSize === 0) return { size, source: undefined };
  const portAt = BINARY_FIXED_SIZE + 2 * addressSize;
  if (portAt + 4 > size) throw new FrameError(`a PROXY header of ${size} bytes has no room for its addresses`);
  const host = hostText(bytes.subarray(BINARY_FIXED_SIZE, BINARY_FIXED_SIZE + addressSize));
  return { size, source: { host, port: getU16(bytes, portAt) } };
}

function hostText(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  return Array.from({ length: 8 }, (_, i) => getU16(address, 2 * i).toString(16)).join(":");
}
