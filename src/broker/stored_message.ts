/**
 * A stored record as a message that broker code can read, change and store again: delayed messages that become due, messages
 * sent back, halves of transactions.
 *
 * RocketMQ counterpart: `MessageExt`, `MessageDecoder#decode`.
 *
 * @module
 */
import { EMPTY, getI32, getI64, utf8, utf8Text } from "../common/bytes.ts";
import { decodeProperties, encodeProperties, SysFlag } from "../protocol/message.ts";
import { encodeRecord, RecordAt, RecordKind, recordSize, RecordView } from "../protocol/record.ts";
import { type BrokerMessage, brokerMessage } from "./message_put.ts";
import type { PeerHost } from "./peer.ts";

/** A message as it is in the store. */
export interface StoredMessage {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: PeerHost;
  readonly storeTimestamp: number;
  readonly storeHost: PeerHost;
  readonly reconsumeTimes: number;
  readonly preparedTransactionOffset: number;
  /** A copy. */
  readonly body: Uint8Array;
  /** Its own, to be changed at will. */
  readonly properties: Map<string, string>;
}

const view = new RecordView();

/** Reads the record that starts at `at`; null when there is none. Nothing of the result is a view of `bytes`. */
export function readStoredMessage(bytes: Uint8Array, at = 0): StoredMessage | null {
  if (view.read(bytes, at, bytes.length) !== RecordKind.RECORD) return null;
  return {
    topic: utf8Text(bytes.subarray(view.topicStart, view.topicEnd)),
    queueId: view.queueId,
    queueOffset: view.queueOffset,
    physicalOffset: view.physicalOffset,
    flag: getI32(bytes, at + RecordAt.FLAG),
    sysFlag: view.sysFlag,
    bornTimestamp: getI64(bytes, at + RecordAt.BORN_TIMESTAMP),
    bornHost: readHost(bytes, at + RecordAt.BORN_HOST, (view.sysFlag & SysFlag.BORN_HOST_V6) !== 0),
    storeTimestamp: view.storeTimestamp,
    storeHost: readHost(bytes, view.storeTimestampAt + 8, (view.sysFlag & SysFlag.STORE_HOST_V6) !== 0),
    reconsumeTimes: getI32(bytes, view.bodyStart - 16),
    preparedTransactionOffset: getI64(bytes, view.bodyStart - 12),
    body: bytes.slice(view.bodyStart, view.bodyEnd),
    properties: decodeProperties(bytes.subarray(view.propertiesStart, view.propertiesEnd)),
  };
}

function readHost(bytes: Uint8Array, at: number, isV6: boolean): PeerHost {
  const end = at + (isV6 ? 16 : 4);
  return { hostBytes: bytes.slice(at, end), port: getI32(bytes, end) };
}

/** The record of a message as if it lay in another queue: what a broker shows a client. */
export function encodeStored(message: StoredMessage, topic: string, queueId: number): Uint8Array {
  const topicBytes = utf8(topic);
  const properties = encodeProperties(message.properties);
  const fields = {
    ...message,
    queueId,
    bornHost: message.bornHost.hostBytes,
    bornPort: message.bornHost.port,
    bodyStart: 0,
    bodyEnd: message.body.length,
    properties,
    propertiesStart: 0,
    propertiesEnd: properties.length,
    propertiesSuffix: EMPTY,
  };
  const storeHost = message.storeHost.hostBytes;
  const size = recordSize(fields, topicBytes.length, storeHost.length);
  const record = new Uint8Array(size);
  const { queueOffset, physicalOffset, storeTimestamp, storeHost: { port: storePort } } = message;
  encodeRecord(record, 0, size, fields, {
    topic: topicBytes,
    queueOffset,
    physicalOffset,
    storeTimestamp,
    storeHost,
    storePort,
  });
  return record;
}

/** All messages in records that lie one behind the other, as a pull gives them. */
export function readStoredMessages(parts: readonly Uint8Array[]): StoredMessage[] {
  const messages: StoredMessage[] = [];
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      const message = readStoredMessage(part, at);
      if (message === null) break;
      messages.push(message);
      at += view.size;
    }
  }
  return messages;
}

/** A message with the content of a stored one, to be stored in another place. */
export function storedAgain(message: StoredMessage, topic: string, queueId: number): BrokerMessage {
  return brokerMessage({
    topic,
    queueId,
    flag: message.flag,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: message.bornHost,
    reconsumeTimes: message.reconsumeTimes,
    body: message.body,
    properties: message.properties,
  });
}
