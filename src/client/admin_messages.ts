/**
 * Finds stored messages in a cluster, and says which groups have consumed one.
 *
 * Source: RocketMQ `MQAdminImpl#queryMessage`, `DefaultMQAdminExtImpl#messageTrackDetail`.
 *
 * @module
 */
import { formatAddress } from "../common/net.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { parseOffsetMessageId } from "../protocol/ids.ts";
import { Property } from "../protocol/message.ts";
import type { AdminClient } from "./admin.ts";
import type { MessageQuery } from "./admin_broker.ts";
import { decodeMessage, decodeMessages } from "./decode_message.ts";
import { BrokerError } from "./errors.ts";
import type { ReceivedMessage } from "./message.ts";

/** Whether a group has consumed a message. */
export type TrackType =
  | "CONSUMED"
  | "CONSUMED_BUT_FILTERED"
  | "PULL"
  | "NOT_CONSUME_YET"
  | "NOT_ONLINE"
  | "CONSUME_BROADCASTING"
  | "UNKNOWN";

/** What a group has done with a message. */
export interface MessageTrack {
  readonly consumerGroup: string;
  readonly trackType: TrackType;
  /** Why it is not known; null otherwise. */
  readonly exceptionDesc: string | null;
}

/**
 * The message with an offset message id, from the broker that the id names.
 *
 * @returns null when the text is no such id.
 * @throws {BrokerError} when there is no message.
 */
export async function messageByOffsetId(
  admin: AdminClient,
  topic: string,
  msgId: string,
): Promise<ReceivedMessage | null> {
  const id = parseOffsetMessageId(msgId);
  if (id === null) return null;
  const host = id.host.length === 4 ? id.host.join(".") : hexGroups(id.host);
  const broker = admin.broker(formatAddress({ host, port: id.port }));
  return decodeMessage(await broker.viewMessage(topic, id.physicalOffset), { brokerName: "" });
}

function hexGroups(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) groups.push(((bytes[at]! << 8) | bytes[at + 1]!).toString(16));
  return groups.join(":");
}

/**
 * Messages by key or unique id from all brokers of the topic. Indexes hold hashes, so what does not have the key is left
 * out; a broker that cannot be asked is passed over as long as another one answers.
 *
 * @param routeTopic whose route tells the brokers.
 */
export async function queryMessages(
  admin: AdminClient,
  query: MessageQuery,
  routeTopic = query.topic,
): Promise<ReceivedMessage[]> {
  const { brokerDatas } = await admin.namesrv.topicRoute(routeTopic);
  let failure: unknown = null;
  const found: ReceivedMessage[] = [];
  await Promise.all(brokerDatas.map(async (data) => {
    const address = data.brokerAddrs.get(0) ?? data.brokerAddrs.values().next().value;
    if (address === undefined) return;
    try {
      const bytes = await admin.broker(address).queryMessages(query);
      found.push(...decodeMessages(bytes, { brokerName: data.brokerName }));
    } catch (error) {
      failure = error;
    }
  }));
  const wanted = found.filter((message) => message.topic === query.topic && hasKey(message, query));
  if (wanted.length === 0 && failure !== null) throw failure;
  return wanted.sort((a, b) => a.storeTimestamp - b.storeTimestamp);
}

function hasKey(message: ReceivedMessage, { key, isUniqueId, indexType }: MessageQuery): boolean {
  if (isUniqueId) return message.properties.get(Property.UNIQ_KEY) === key;
  return indexType === "T" ? message.tags === key : message.keys.includes(key);
}

/** What each group that consumes the message's topic has done with it. */
export async function trackMessage(admin: AdminClient, message: ReceivedMessage): Promise<MessageTrack[]> {
  const groups = await (await admin.anyBrokerOf(message.topic)).consumersOf(message.topic);
  return await Promise.all(groups.map(async (consumerGroup) => {
    try {
      return { consumerGroup, trackType: await trackOf(admin, message, consumerGroup), exceptionDesc: null };
    } catch (error) {
      const isOffline = error instanceof BrokerError && error.code === ResponseCode.CONSUMER_NOT_ONLINE;
      const exceptionDesc = error instanceof BrokerError ? `CODE:${error.code} DESC:${error.remark}` : String(error);
      return { consumerGroup, trackType: isOffline ? "NOT_ONLINE" : "UNKNOWN", exceptionDesc };
    }
  }));
}

async function trackOf(admin: AdminClient, message: ReceivedMessage, consumerGroup: string): Promise<TrackType> {
  const group = await admin.consumerConnection(consumerGroup);
  if (group.consumeType === "CONSUME_ACTIVELY") return "PULL";
  if (group.consumeType !== "CONSUME_PASSIVELY") return "UNKNOWN";
  if (group.messageModel === "BROADCASTING") return "CONSUME_BROADCASTING";
  if (!await isConsumed(admin, message, consumerGroup)) return "NOT_CONSUME_YET";
  const subscription = group.subscriptions.get(message.topic);
  if (subscription === undefined || subscription.tagsSet.length === 0) return "CONSUMED";
  return message.tags !== undefined && subscription.tagsSet.includes(message.tags)
    ? "CONSUMED"
    : "CONSUMED_BUT_FILTERED";
}

/** The queue is recognised by its broker's address, for a stored message does not know its broker's name. */
async function isConsumed(admin: AdminClient, message: ReceivedMessage, group: string): Promise<boolean> {
  const { offsetTable } = await admin.consumeStats(group, message.topic);
  const members = await admin.members();
  for (const [queue, { consumerOffset }] of offsetTable) {
    if (queue.topic !== message.topic || queue.queueId !== message.queueId) continue;
    const isHere = members.some(({ brokerName, address }) =>
      brokerName === queue.brokerName && address === message.storeHost
    );
    if (isHere && consumerOffset > message.queueOffset) return true;
  }
  return false;
}
