/**
 * What a broker is to others: the address in its message ids and records, the properties that it adds to messages.
 *
 * @module
 */
import { putI32, utf8 } from "../common/bytes.ts";
import type { Clock } from "../common/clock.ts";
import type { Random } from "../common/random.ts";
import { hexUpper, OffsetMessageIds, UniqueIds } from "../protocol/ids.ts";
import { encodeProperties, Property } from "../protocol/message.ts";
import type { BrokerOptions } from "./options.ts";
import { ipBytes, type PeerHost } from "./peer.ts";

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

  /** @param port where it listens. */
  constructor(options: BrokerOptions, port: number, clock: Clock, random: Random) {
    // A name cannot stand in a record; message ids then do not lead back to this broker by themselves.
    const hostBytes = ipBytes(options.brokerIP1.replace(/^\[(.*)\]$/, "$1")) ?? Uint8Array.of(127, 0, 0, 1);
    this.host = { hostBytes, port };
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
