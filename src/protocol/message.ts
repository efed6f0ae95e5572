/**
 * What a message carries besides its body: property names and the property string, bits of `sysFlag` and of a topic's
 * permission. Source: RocketMQ `MessageConst`, `MessageDecoder`, `MessageSysFlag`, `PermName`.
 *
 * A property string is `name \x01 value \x02 name \x01 value \x02 …` in UTF-8; the last `\x02` is absent in what 4.9.7 and
 * some others write. Names and values hold neither character. A pair without `\x01`, name or value is skipped, as in every
 * version of RocketMQ; of two equal names the last one counts.
 *
 * @module
 */
import { javaHash, utf8, utf8Text } from "../common/bytes.ts";

/** Names of the properties which a broker or client gives a meaning. */
export const Property = {
  KEYS: "KEYS",
  TAGS: "TAGS",
  WAIT: "WAIT",
  DELAY: "DELAY",
  RETRY_TOPIC: "RETRY_TOPIC",
  REAL_TOPIC: "REAL_TOPIC",
  REAL_QID: "REAL_QID",
  TRAN_MSG: "TRAN_MSG",
  PGROUP: "PGROUP",
  TRANSACTION_ID: "__transactionId__",
  TRANSACTION_CHECK_TIMES: "TRANSACTION_CHECK_TIMES",
  TRAN_PREPARED_QUEUE_OFFSET: "TRAN_PREPARED_QUEUE_OFFSET",
  CHECK_IMMUNITY_TIME_IN_SECONDS: "CHECK_IMMUNITY_TIME_IN_SECONDS",
  UNIQ_KEY: "UNIQ_KEY",
  ORIGIN_MESSAGE_ID: "ORIGIN_MESSAGE_ID",
  RECONSUME_TIME: "RECONSUME_TIME",
  MAX_RECONSUME_TIMES: "MAX_RECONSUME_TIMES",
  MIN_OFFSET: "MIN_OFFSET",
  MAX_OFFSET: "MAX_OFFSET",
  CONSUME_START_TIME: "CONSUME_START_TIME",
  MSG_REGION: "MSG_REGION",
  TRACE_ON: "TRACE_ON",
  CLUSTER: "CLUSTER",
  INSTANCE_ID: "INSTANCE_ID",
  CORRELATION_ID: "CORRELATION_ID",
  REPLY_TO_CLIENT: "REPLY_TO_CLIENT",
  TTL: "TTL",
  ARRIVE_TIME: "ARRIVE_TIME",
  PUSH_REPLY_TIME: "PUSH_REPLY_TIME",
  MSG_TYPE: "MSG_TYPE",
  INNER_NUM: "INNER_NUM",
  INNER_BASE: "INNER_BASE",
  INNER_MULTI_DISPATCH: "INNER_MULTI_DISPATCH",
  INNER_MULTI_QUEUE_OFFSET: "INNER_MULTI_QUEUE_OFFSET",
  POP_CK: "POP_CK",
  FIRST_POP_TIME: "1ST_POP_TIME",
  SHARDING_KEY: "__SHARDINGKEY",
  PRIORITY: "_SYS_MSG_PRIORITY_",
  TIMER_DELAY_SEC: "TIMER_DELAY_SEC",
  TIMER_DELAY_MS: "TIMER_DELAY_MS",
  TIMER_DELIVER_MS: "TIMER_DELIVER_MS",
  TIMER_OUT_MS: "TIMER_OUT_MS",
  TIMER_ENQUEUE_MS: "TIMER_ENQUEUE_MS",
  TIMER_DEQUEUE_MS: "TIMER_DEQUEUE_MS",
  TIMER_ROLL_TIMES: "TIMER_ROLL_TIMES",
  TIMER_DEL_UNIQKEY: "TIMER_DEL_UNIQKEY",
  DLQ_ORIGIN_TOPIC: "DLQ_ORIGIN_TOPIC",
  DLQ_ORIGIN_MESSAGE_ID: "DLQ_ORIGIN_MESSAGE_ID",
  CRC32: "__CRC32#",
} as const;

/** Separates the keys in the value of `KEYS`. */
export const KEY_SEPARATOR = " ";

/** Most bytes that the property string of a stored record can have. */
export const PROPERTIES_SIZE_MAX = 32767;

const NAME_END = 1;
const VALUE_END = 2;

/** Bits of a message's `sysFlag`. */
export const SysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  /** Mask of the two transaction bits. */
  TRANSACTION_MASK: 0xc,
  TRANSACTION_NOT: 0x0,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  BORN_HOST_V6: 0x10,
  STORE_HOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  /** Mask of the compression type: 0 and 0x300 zlib, 0x100 LZ4, 0x200 Zstandard. */
  COMPRESSION_MASK: 0x700,
} as const;

/** Bits of a pull request's `sysFlag`. */
export const PullSysFlag = {
  COMMIT_OFFSET: 0x1,
  SUSPEND: 0x2,
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL: 0x10,
} as const;

/** Bits of a topic's permission. */
export const Perm = {
  INHERIT: 0x1,
  WRITE: 0x2,
  READ: 0x4,
  PRIORITY: 0x8,
} as const;

/** Permission as RocketMQ prints it, e.g. `RW-`. */
export function permText(perm: number): string {
  return (perm & Perm.READ ? "R" : "-") + (perm & Perm.WRITE ? "W" : "-") + (perm & Perm.INHERIT ? "X" : "-");
}

/** Reads a property string into a map; of equal names the last wins, at the place of the first. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const pair of text.split("\x02")) {
    const end = pair.indexOf("\x01");
    if (end > 0 && end < pair.length - 1) properties.set(pair.slice(0, end), pair.slice(end + 1));
  }
  return properties;
}

/** Writes a property string, `\x02` behind each pair. */
export function formatProperties(properties: ReadonlyMap<string, string>): string {
  let out = "";
  for (const [name, value] of properties) out += `${name}\x01${value}\x02`;
  return out;
}

/** {@linkcode formatProperties} as bytes. */
export function encodeProperties(properties: ReadonlyMap<string, string>): Uint8Array {
  return utf8(formatProperties(properties));
}

/** {@linkcode parseProperties} of bytes. */
export function decodeProperties(bytes: Uint8Array): Map<string, string> {
  return parseProperties(utf8Text(bytes));
}

/** A name as bytes, to be looked for with {@linkcode findProperty}. */
export function propertyName(name: string): Uint8Array {
  return utf8(name);
}

/**
 * Finds a property without decoding the string: searches `bytes` in `[start, end)` for `name` and returns where its value
 * starts, or −1; the value ends at {@linkcode valueEnd}. Finds the last of several equal names.
 */
export function findProperty(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  let found = -1;
  for (let at = start; at < end;) {
    const value = at + name.length + 1;
    if (value <= end && bytes[value - 1] === NAME_END && startsWith(bytes, at, name)) found = value;
    at = valueEnd(bytes, at, end) + 1;
  }
  return found;
}

/** Where the value (or pair) that starts at `at` ends: at its `\x02` or at `end`. */
export function valueEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] !== VALUE_END) at++;
  return at;
}

function startsWith(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Tags code of a tag: Java's string hash, 0 when there is none. Equal codes do not prove equal tags. */
export function tagsCodeOf(tags: string | null | undefined): number {
  return tags ? javaHash(tags) : 0;
}

/**
 * Continues Java's string hash `hash` over UTF-8 bytes in `[start, end)` as if their text had been appended; the text is
 * only decoded when it is not ASCII.
 */
export function extendHash(hash: number, bytes: Uint8Array, start: number, end: number): number {
  let h = hash;
  for (let i = start; i < end; i++) {
    const b = bytes[i]!;
    if (b > 127) return extendHashText(hash, utf8Text(bytes.subarray(start, end)));
    h = (Math.imul(h, 31) + b) | 0;
  }
  return h;
}

function extendHashText(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
  return h;
}
