/**
 * A stored record as a message that broker code can read, change and store again: delayed messages that become due, messages
 * sent back, halves of transactions.
 *
 * RocketMQ counterpart: `MessageExt`, `MessageDecoder#decode`.
 *
 * @module
 */
import { getI32, getI64, utf8Text } from "../common/bytes.ts";
import { decodeProperties, SysFlag } from "../protocol/message.ts";
import { RecordAt, RecordKind, RecordView } from "../protocol/record.ts";
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
  const hostSize = (view.sysFlag & SysFlag.BORN_HOST_V6) !== 0 ? 16 : 4;
  const hostAt = at + RecordAt.BORN_HOST;
  return {
    topic: utf8Text(bytes.subarray(view.topicStart, view.topicEnd)),
    queueId: view.queueId,
    queueOffset: view.queueOffset,
    physicalOffset: view.physicalOffset,
    flag: getI32(bytes, at + RecordAt.FLAG),
    sysFlag: view.sysFlag,
    bornTimestamp: getI64(bytes, at + RecordAt.BORN_TIMESTAMP),
    bornHost: { hostBytes: bytes.slice(hostAt, hostAt + hostSize), port: getI32(bytes, hostAt + hostSize) },
    storeTimestamp: view.storeTimestamp,
    reconsumeTimes: getI32(bytes, view.bodyStart - 16),
    preparedTransactionOffset: getI64(bytes, view.bodyStart - 12),
    body: bytes.slice(view.bodyStart, view.bodyEnd),
    properties: decodeProperties(bytes.subarray(view.propertiesStart, view.propertiesEnd)),
  };
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
