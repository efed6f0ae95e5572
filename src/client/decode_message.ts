/**
 * Stored records, as pull, query and view answers carry them back to back, as {@link ReceivedMessage}s.
 * Source: RocketMQ `MessageDecoder#decodes`.
 *
 * @module
 */
import { getI32, getI64, utf8Text } from "../common/bytes.ts";
import { formatAddress } from "../common/net.ts";
import { decodeProperties, SysFlag } from "../protocol/message.ts";
import { OffsetMessageIds } from "../protocol/ids.ts";
import { bodyCrc, RecordAt, RecordKind, RecordView } from "../protocol/record.ts";
import { decompressBody } from "./compression.ts";
import { ClientError } from "./errors.ts";
import { ReceivedMessage } from "./message.ts";

/** How to decode. */
export interface DecodeOptions {
  /** Name of the broker that gave the bytes. */
  readonly brokerName: string;
  /** Leave out messages that this does not want; asked before the body is touched. */
  readonly wanted?: (message: ReceivedMessage) => boolean;
  /** Leave compressed bodies as they are. */
  readonly keepCompressed?: boolean;
}

/**
 * Decodes all records in `bytes`. Bodies are views of `bytes` where they are not compressed.
 *
 * @throws {ClientError} when the bytes are no records.
 */
export function decodeMessages(bytes: Uint8Array, options: DecodeOptions): ReceivedMessage[] {
  const view = new RecordView();
  const hosts: Hosts = { born: new HostText(), store: new HostText() };
  const messages: ReceivedMessage[] = [];
  for (let at = 0; at < bytes.length; at += view.size) {
    if (view.read(bytes, at, bytes.length) !== RecordKind.RECORD) {
      throw new ClientError(
        `${options.brokerName} sent something else than messages at byte ${at} of ${bytes.length}: ${view.problem}`,
        { retriable: true },
      );
    }
    const message = readMessage(view, options.brokerName, hosts);
    if (options.wanted !== undefined && !options.wanted(message)) continue;
    readMessageBody(message, view, options.keepCompressed ?? false);
    messages.push(message);
  }
  return messages;
}

/** Decodes exactly one record. @throws {ClientError} */
export function decodeMessage(bytes: Uint8Array, options: DecodeOptions): ReceivedMessage {
  const message = decodeMessages(bytes, options)[0];
  if (message === undefined) throw new ClientError(`${options.brokerName} sent no message`);
  return message;
}

function readMessage(view: RecordView, brokerName: string, hosts: Hosts): ReceivedMessage {
  const { bytes, at } = view;
  const message = new ReceivedMessage();
  message.brokerName = brokerName;
  message.topic = utf8Text(bytes.subarray(view.topicStart, view.topicEnd));
  message.queueTopic = message.topic;
  message.queueId = view.queueId;
  message.queueOffset = view.queueOffset;
  message.physicalOffset = view.physicalOffset;
  message.storeSize = view.size;
  message.sysFlag = view.sysFlag;
  message.flag = getI32(bytes, at + RecordAt.FLAG);
  message.bodyCrc = getI32(bytes, at + RecordAt.BODY_CRC);
  message.bornTimestamp = getI64(bytes, at + RecordAt.BORN_TIMESTAMP);
  message.storeTimestamp = view.storeTimestamp;
  const bornEnd = view.storeTimestampAt;
  const storeHostAt = bornEnd + 8;
  const storeHostEnd = storeHostAt + ((view.sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 8 : 20);
  message.bornHost = hosts.born.read(bytes, at + RecordAt.BORN_HOST, bornEnd).text;
  const store = hosts.store.read(bytes, storeHostAt, storeHostEnd);
  message.storeHost = store.text;
  message.offsetMsgId = store.ids.of(view.physicalOffset);
  message.reconsumeTimes = getI32(bytes, storeHostEnd);
  message.preparedTransactionOffset = getI64(bytes, storeHostEnd + 4);
  message.properties = decodeProperties(bytes.subarray(view.propertiesStart, view.propertiesEnd));
  return message;
}

function readMessageBody(message: ReceivedMessage, view: RecordView, keepCompressed: boolean): void {
  const { bytes, bodyStart, bodyEnd } = view;
  if (bodyCrc(bytes, bodyStart, bodyEnd) !== message.bodyCrc) {
    throw new ClientError(`the body of message ${message.offsetMsgId} does not match its checksum`);
  }
  const stored = bytes.subarray(bodyStart, bodyEnd);
  message.body = keepCompressed ? stored : decompressBody(stored, message.sysFlag);
}

/** Hosts of the message before: most messages of an answer have the same. */
interface Hosts {
  readonly born: HostText;
  readonly store: HostText;
}

/** A host as text, made again only when its bytes are others than the last time. */
class HostText {
  text = "";
  #bytes = new Uint8Array(0);
  #ids: OffsetMessageIds | null = null;

  /** Reads address and port in `[start, end)`. */
  read(bytes: Uint8Array, start: number, end: number): this {
    if (!this.#isSame(bytes, start, end)) {
      this.#bytes = bytes.slice(start, end);
      this.text = hostText(bytes, start, end);
      this.#ids = null;
    }
    return this;
  }

  /** Makes the ids of messages that this host stored. */
  get ids(): OffsetMessageIds {
    const portAt = this.#bytes.length - 4;
    return this.#ids ??= new OffsetMessageIds(this.#bytes.subarray(0, portAt), getI32(this.#bytes, portAt));
  }

  #isSame(bytes: Uint8Array, start: number, end: number): boolean {
    const known = this.#bytes;
    if (known.length !== end - start) return false;
    for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
    return true;
  }
}

/** `ip:port` from 4 or 16 address bytes and a 4-byte port in `[start, end)`. */
function hostText(bytes: Uint8Array, start: number, end: number): string {
  const port = getI32(bytes, end - 4);
  if (end - start === 8) {
    return `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}:${port}`;
  }
  const groups: string[] = [];
  for (let at = start; at < end - 4; at += 2) groups.push(((bytes[at]! << 8) | bytes[at + 1]!).toString(16));
  return formatAddress({ host: groups.join(":"), port });
}
