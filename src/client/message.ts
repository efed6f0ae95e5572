/**
 * Messages as users of the client see them: {@link Message} to be sent, {@link ReceivedMessage} that was stored, and
 * {@link SendResult} in between. Source: RocketMQ `Message`, `MessageExt`, `SendResult`, `SendStatus`.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { KEY_SEPARATOR, Property } from "../protocol/message.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** A message to be sent. It is only read, never changed. */
export interface Message {
  readonly topic: string;
  /** Bytes, or a text that is sent in UTF-8. */
  readonly body: Uint8Array | string;
  /** What consumers may select by. */
  readonly tags?: string;
  /** By which the message can be found; no blanks in a key. */
  readonly keys?: string | readonly string[];
  /** The user's own properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Delay by level, 1 (1 s) to 18 (2 h) by default; 0 or absent for none. */
  readonly delayLevel?: number;
  /** 5.x: deliver this long after it was sent. */
  readonly delayMs?: number;
  /** 5.x: deliver at this time, milliseconds since the epoch. */
  readonly deliverAtMs?: number;
  /** The user's own 32 bits. */
  readonly flag?: number;
  /** False: answer without waiting for disk or slaves, whatever the broker is configured to. */
  readonly waitStoreMsgOk?: boolean;
  /** Kept with the message, for those who order by it. */
  readonly shardingKey?: string;
}

/** Whether, and how safely, the message was stored. Only `SEND_OK` is what the broker's configuration promises. */
export type SendStatus = "SEND_OK" | "FLUSH_DISK_TIMEOUT" | "FLUSH_SLAVE_TIMEOUT" | "SLAVE_NOT_AVAILABLE";

/** Where a message went. */
export interface SendResult {
  readonly sendStatus: SendStatus;
  /** The unique id that the producer gave it; joined by commas for a batch. */
  readonly msgId: string;
  /** The id by which its broker finds it; joined by commas for a batch. */
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  /** Offset in the queue; of the first message of a batch. */
  readonly queueOffset: number;
  readonly transactionId: string | null;
  /** 5.x: by which a delayed message can be recalled. */
  readonly recallHandle: string | null;
  /** Region of the broker. */
  readonly regionId: string;
  /** Whether the broker wants the message traced. */
  readonly traceOn: boolean;
}

/** Properties of a message to be sent, `UNIQ_KEY` apart. The message's members win over its `properties`. */
export function messageProperties(message: Message): Map<string, string> {
  const properties = new Map<string, string>();
  if (message.properties !== undefined) {
    for (const name in message.properties) properties.set(name, message.properties[name]!);
  }
  if (message.keys !== undefined) {
    properties.set(
      Property.KEYS,
      typeof message.keys === "string" ? message.keys : message.keys.join(KEY_SEPARATOR),
    );
  }
  if (message.tags !== undefined && message.tags !== "") properties.set(Property.TAGS, message.tags);
  if (message.delayLevel) properties.set(Property.DELAY, String(message.delayLevel));
  if (message.delayMs !== undefined) properties.set(Property.TIMER_DELAY_MS, String(message.delayMs));
  if (message.deliverAtMs !== undefined) properties.set(Property.TIMER_DELIVER_MS, String(message.deliverAtMs));
  if (message.shardingKey !== undefined) properties.set(Property.SHARDING_KEY, message.shardingKey);
  if (message.waitStoreMsgOk !== undefined || !properties.has(Property.WAIT)) {
    properties.set(Property.WAIT, String(message.waitStoreMsgOk ?? true));
  }
  return properties;
}

/** The bytes of a message's body. */
export function bodyBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === "string" ? utf8(body) : body;
}

/** A stored message, as a broker gives it out. */
export class ReceivedMessage {
  /** The topic it was sent to. For a retried message this is the original one, see {@linkcode retryTopic}. */
  topic = "";
  brokerName = "";
  queueId = 0;
  queueOffset = 0;
  /** Its place in the broker's commitlog, bytes. */
  physicalOffset = 0;
  /** Uncompressed. */
  body: Uint8Array = new Uint8Array(0);
  /** Bytes of the stored record. */
  storeSize = 0;
  sysFlag = 0;
  /** The user's own 32 bits. */
  flag = 0;
  bodyCrc = 0;
  /** How often it was consumed without success. */
  reconsumeTimes = 0;
  preparedTransactionOffset = 0;
  /** Milliseconds since the epoch, by the producer's clock. */
  bornTimestamp = 0;
  /** Milliseconds since the epoch, by the broker's clock. */
  storeTimestamp = 0;
  /** `ip:port` of the producer. */
  bornHost = "";
  /** `ip:port` of the broker. */
  storeHost = "";
  /** The id by which its broker finds it. */
  offsetMsgId = "";
  /** All properties, the system's and the user's. */
  properties: Map<string, string> = new Map();

  /** The producer's unique id, or {@linkcode offsetMsgId} when it gave none. */
  get msgId(): string {
    return this.properties.get(Property.UNIQ_KEY) ?? this.offsetMsgId;
  }

  /** The tag, if any. */
  get tags(): string | undefined {
    return this.properties.get(Property.TAGS);
  }

  /** The keys, split. */
  get keys(): string[] {
    const keys = this.properties.get(Property.KEYS);
    return keys === undefined || keys === "" ? [] : keys.split(KEY_SEPARATOR);
  }

  /** Id of the transaction that it was part of, if any. */
  get transactionId(): string | undefined {
    return this.properties.get(Property.TRANSACTION_ID) ??
      (this.properties.get(Property.TRAN_MSG) === "true" ? this.properties.get(Property.UNIQ_KEY) : undefined);
  }

  /** The queue it was read from. */
  get queue(): MessageQueue {
    return { brokerName: this.brokerName, queueId: this.queueId, topic: this.queueTopic };
  }

  /** The topic of the queue it was read from: a `%RETRY%` topic when it is delivered again. */
  queueTopic = "";

  /** The body as text in UTF-8. */
  text(): string {
    return utf8Text(this.body);
  }
}
