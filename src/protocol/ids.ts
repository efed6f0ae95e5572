/**
 * Ids of messages. The *offset message id* names a broker and a physical offset there; brokers give it out in send
 * responses. The *unique id* (property UNIQ_KEY) is made by producers and stays the same when a message is stored again.
 *
 * Source: RocketMQ `MessageDecoder#createMessageId`, `MessageClientIDSetter`.
 *
 * @module
 */
import { getI32, getI64, putI32, putI64 } from "../common/bytes.ts";

const HEX = "0123456789ABCDEF";
const HEX_BYTES = Array.from({ length: 256 }, (_, i) => HEX[i >> 4]! + HEX[i & 15]!);

/** Upper-case hexadecimal text of bytes. */
export function hexUpper(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += HEX_BYTES[bytes[i]!]!;
  return text;
}

/** What an offset message id says. */
export interface OffsetMessageId {
  /** 4 or 16 address bytes. */
  readonly host: Uint8Array;
  readonly port: number;
  readonly physicalOffset: number;
}

/** Makes the ids of one store: the part for its host is computed once. */
export class OffsetMessageIds {
  readonly #hostText: string;
  readonly #offset = new Uint8Array(8);

  /** @param host 4 or 16 address bytes of the broker. */
  constructor(host: Uint8Array, port: number) {
    const bytes = new Uint8Array(host.length + 4);
    bytes.set(host);
    putI32(bytes, host.length, port);
    this.#hostText = hexUpper(bytes);
  }

  /** The id of the message at a physical offset: 32 (IPv4) or 56 (IPv6) characters. */
  of(physicalOffset: number): string {
    putI64(this.#offset, 0, physicalOffset);
    return this.#hostText + hexUpper(this.#offset);
  }
}

/** Reads an offset message id; null when the text is none. */
export function parseOffsetMessageId(text: string): OffsetMessageId | null {
  if ((text.length !== 32 && text.length !== 56) || !/^[0-9A-Fa-f]+$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  const offsetAt = bytes.length - 8;
  // Offsets of real stores are far below 2^53; anything else is somebody's unique id of the same length.
  if (bytes[offsetAt] !== 0 || bytes[offsetAt + 1]! >= 0x20) return null;
  return {
    host: bytes.subarray(0, offsetAt - 4),
    port: getI32(bytes, offsetAt - 4),
    physicalOffset: getI64(bytes, offsetAt),
  };
}

/** Where the counters of unique ids start again: the first of each month, in local time as Java's clients do. */
export interface UniqueIdSource {
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * Makes unique ids of 32 characters: `IPv4 or hash (4 bytes), process id (2), hash of the maker (4), milliseconds since the
 * start of the month (4), counter (2)`.
 */
export class UniqueIds {
  readonly #clock: UniqueIdSource;
  readonly #prefix: string;
  readonly #tail = new Uint8Array(6);
  #monthStart = 0;
  #nextMonth = 0;
  #counter = 0;

  /** @param host 4 address bytes; @param maker anything that tells two makers in one process apart. */
  constructor(clock: UniqueIdSource, host: Uint8Array, processId: number, maker: number) {
    this.#clock = clock;
    const bytes = new Uint8Array(10);
    bytes.set(host.subarray(0, 4));
    bytes[4] = processId >>> 8;
    bytes[5] = processId;
    putI32(bytes, 6, maker);
    this.#prefix = hexUpper(bytes);
  }

  /** The next id. */
  next(): string {
    const now = this.#clock.now();
    if (now >= this.#nextMonth || now < this.#monthStart) this.#startMonth(now);
    putI32(this.#tail, 0, now - this.#monthStart);
    this.#tail[4] = this.#counter >>> 8;
    this.#tail[5] = this.#counter;
    this.#counter = (this.#counter + 1) & 0xffff;
    return this.#prefix + hexUpper(this.#tail);
  }

  #startMonth(now: number): void {
    const date = new Date(now);
    this.#monthStart = new Date(date.getFullYear(), date.getMonth(), 1).getTime();
    this.#nextMonth = new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime();
  }
}
