/**
 * What a broker is to others: the address in its message ids and records, the properties that it adds to messages.
 *
 * @module
 */
import { putI32, utf8 } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import { ConnectionError } from "../common/errors.ts";
import { ipBytes } from "../common/ip.ts";
import { type Net, unbracket } from "../common/net.ts";
import { ConfigError } from "../common/options.ts";
import type { Random } from "../common/random.ts";
import { hexUpper, OffsetMessageIds, UniqueIds } from "../protocol/ids.ts";
import { encodeProperties, Property } from "../protocol/message.ts";
import type { BrokerOptions } from "./options.ts";
import type { PeerHost } from "./peer.ts";

/** A broker's identity, fixed for the life of the process. */
export class Identity {
  /** Address and port that records name as their store host. */
  readonly host: PeerHost;
  readonly ids: OffsetMessageIds;
  /** The beginning of every offset message id of this broker: address and port in hexadecimal digits. */
  readonly hostHex: Uint8Array;
  /** What the broker adds to the properties of every message. */
  readonly propertiesSuffix: Uint8Array;
  readonly #uniqueIds: UniqueIds;

  /** @param host the address that clients reach it at, and the port where it listens. */
  constructor(options: BrokerOptions, host: PeerHost, clock: Clock, random: Random) {
    const { hostBytes, port } = host;
    this.host = host;
    this.ids = new OffsetMessageIds(hostBytes, port);
    const bytes = new Uint8Array(hostBytes.length + 4);
    bytes.set(hostBytes);
    putI32(bytes, hostBytes.length, port);
    this.hostHex = utf8(hexUpper(bytes));
    this.propertiesSuffix = encodeProperties(
      new Map([
        [Property.MSG_REGION, options.regionId],
        [Property.TRACE_ON, String(options.traceOn)],
        [Property.CLUSTER, options.brokerClusterName],
      ]),
    );
    this.#uniqueIds = new UniqueIds(clock, hostBytes.subarray(0, 4), random.int(65536), random.int(4294967296) | 0);
  }

  /** A unique key for a message whose producer gave it none. */
  readonly uniqueKey = (): string => this.#uniqueIds.next();
}

/**
 * The bytes of the address that records and message ids name: that of `brokerIP1`, which may be the name of a host. Clients
 * are told the name all the same; they resolve it by themselves.
 *
 * @param place where `brokerIP1` was set, for the error.
 * @throws {ConfigError} when the name leads nowhere: nobody could find a message by its id.
 */
export async function advertisedHostBytes(net: Net, brokerIP1: string, place: string): Promise<Uint8Array> {
  const host = unbracket(brokerIP1);
  const bytes = ipBytes(host);
  if (bytes !== null) return bytes;
  const refusal = (why: string) => {
    const message = `${why}; set an IP address or a name that can be resolved`;
    return new ConfigError([{ place, key: "brokerIP1", value: brokerIP1, message }]);
  };
  let address: string;
  try {
    [address = ""] = await net.resolve(host);
  } catch (error) {
    throw error instanceof ConnectionError ? refusal(error.message) : error;
  }
  const found = ipBytes(address);
  if (found === null) throw refusal(`"${address}" is no IP address`);
  return found;
}
