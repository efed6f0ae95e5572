/**
 * Reads the header of a pull request where it lies in its frame, without a table of strings in between. It gives up on
 * whatever is not plain (escapes, numbers that need more than a double, one-way requests, missing fields): the general
 * decoder takes these, and tells what is wrong with them.
 *
 * Invariant: when it does not give up, it has read what `readHeader(PULL_MESSAGE_REQUEST, …)` reads.
 *
 * @module
 */
import { utf8 } from "../common/bytes.ts";
import type { Interner } from "../common/intern.ts";
import type { PullMessageRequest } from "../protocol/headers/message.ts";
import type { Frame } from "../remoting/frame.ts";
import { HeaderScanner } from "../remoting/header_scanner.ts";

/** Bits of the fields that a request must have. */
const CONSUMER_GROUP = 1;
const TOPIC = 2;
const QUEUE_ID = 4;
const QUEUE_OFFSET = 8;
const MAX_MSG_NUMS = 16;
const SYS_FLAG = 32;
const COMMIT_OFFSET = 64;
const SUSPEND = 128;
const SUB_VERSION = 256;
const ALL_REQUIRED = 511;
/** The others. */
const SUBSCRIPTION = 512;
const EXPRESSION_TYPE = 1024;
const MAX_MSG_BYTES = 2048;
const REQUEST_SOURCE = 4096;
const PROXY_CLIENT_ID = 8192;

/** Names and bits, by the length of the name. */
const FIELDS_BY_LENGTH: { readonly name: Uint8Array; readonly bit: number }[][] = [];
for (
  const [name, bit] of [
    ["consumerGroup", CONSUMER_GROUP],
    ["topic", TOPIC],
    ["queueId", QUEUE_ID],
    ["queueOffset", QUEUE_OFFSET],
    ["maxMsgNums", MAX_MSG_NUMS],
    ["sysFlag", SYS_FLAG],
    ["commitOffset", COMMIT_OFFSET],
    ["suspendTimeoutMillis", SUSPEND],
    ["subVersion", SUB_VERSION],
    ["subscription", SUBSCRIPTION],
    ["expressionType", EXPRESSION_TYPE],
    ["maxMsgBytes", MAX_MSG_BYTES],
    ["requestSource", REQUEST_SOURCE],
    ["proxyFrowardClientId", PROXY_CLIENT_ID],
  ] as const
) (FIELDS_BY_LENGTH[name.length] ??= []).push({ name: utf8(name), bit });

/** The header under way: as {@linkcode PullMessageRequest}, and changeable. */
type Draft = { -readonly [K in keyof PullMessageRequest]: PullMessageRequest[K] };

/** Reads one request at a time. */
export class PullScan {
  readonly #scanner = new HeaderScanner();
  readonly #names: Interner;

  /** @param names keeps the strings that come again and again. */
  constructor(names: Interner) {
    this.#names = names;
  }

  /** `opaque` of the request that was read last. */
  get opaque(): number {
    return this.#scanner.opaque;
  }

  /** The request's header, or null when the general decoder must see to it. */
  read(frame: Frame): PullMessageRequest | null {
    const s = this.#scanner;
    const draft = emptyDraft();
    let seen = 0;
    s.start(frame);
    while (s.next()) {
      const bit = this.#field();
      if (bit === 0) continue; // a field that any request may carry
      if (s.escaped) return null;
      seen |= bit;
      this.#take(bit, draft);
    }
    return (seen & ALL_REQUIRED) === ALL_REQUIRED && !s.failed && s.flag === 0 ? draft : null;
  }

  /** Which field the scanner is at, 0 for none of a pull's. */
  #field(): number {
    const { bytes, nameStart, nameEnd } = this.#scanner;
    const candidates = FIELDS_BY_LENGTH[nameEnd - nameStart];
    if (candidates === undefined) return 0;
    for (let i = 0; i < candidates.length; i++) {
      const { name, bit } = candidates[i]!;
      let at = 0;
      while (at < name.length && bytes[nameStart + at] === name[at]) at++;
      if (at === name.length) return bit;
    }
    return 0;
  }

  #take(bit: number, draft: Draft): void {
    const s = this.#scanner;
    switch (bit) {
      case CONSUMER_GROUP:
        draft.consumerGroup = this.#text();
        break;
      case TOPIC:
        draft.topic = this.#text();
        break;
      case QUEUE_ID:
        draft.queueId = this.#int();
        break;
      case QUEUE_OFFSET:
        draft.queueOffset = s.integer();
        break;
      case MAX_MSG_NUMS:
        draft.maxMsgNums = this.#int();
        break;
      case SYS_FLAG:
        draft.sysFlag = this.#int();
        break;
      case COMMIT_OFFSET:
        draft.commitOffset = s.integer();
        break;
      case SUSPEND:
        draft.suspendTimeoutMillis = s.integer();
        break;
      case SUB_VERSION:
        draft.subVersion = BigInt(s.integer());
        break;
      case SUBSCRIPTION:
        draft.subscription = this.#text();
        break;
      case EXPRESSION_TYPE:
        draft.expressionType = this.#text();
        break;
      case MAX_MSG_BYTES:
        draft.maxMsgBytes = this.#int();
        break;
      case REQUEST_SOURCE:
        draft.requestSource = this.#int();
        break;
      case PROXY_CLIENT_ID:
        draft.proxyFrowardClientId = this.#text();
        break;
    }
  }

  #text(): string {
    const s = this.#scanner;
    return this.#names.text(s.bytes, s.valueStart, s.valueEnd);
  }

  #int(): number {
    const value = this.#scanner.integer();
    if (value !== (value | 0)) this.#scanner.failed = true;
    return value;
  }
}

function emptyDraft(): Draft {
  return {
    consumerGroup: "",
    topic: "",
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 0,
    sysFlag: 0,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: undefined,
    subVersion: 0n,
    expressionType: undefined,
    maxMsgBytes: undefined,
    requestSource: undefined,
    proxyFrowardClientId: undefined,
  };
}
