/**
 * What brokers ask of a client, on the connections that the client made: 39, 40, 220, 221, 307, 309, 326.
 * Source: RocketMQ `ClientRemotingProcessor`.
 *
 * @module
 */
import { type Log } from "../common/log.ts";
import { messageOf } from "../common/errors.ts";
import { decodeOffsetTable, encodeConsumerStatus } from "../protocol/bodies/offset_table.ts";
import { encodeConsumeDirectlyResult, encodeRunningInfo } from "../protocol/bodies/running_info.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader } from "../protocol/header.ts";
import { NOTIFY_CONSUMER_IDS_CHANGED } from "../protocol/headers/client.ts";
import {
  CHECK_TRANSACTION_STATE,
  CONSUME_MESSAGE_DIRECTLY,
  GET_CONSUMER_RUNNING_INFO,
  GET_CONSUMER_STATUS,
  PUSH_REPLY_MESSAGE,
  RESET_CONSUMER_CLIENT_OFFSET,
} from "../protocol/headers/push.ts";
import { parseProperties, Property, SysFlag } from "../protocol/message.ts";
import { ResponseError, systemError } from "../protocol/response_error.ts";
import { OK, type Reply } from "../remoting/command.ts";
import type { Handler, Request } from "../remoting/handler.ts";
import { decompressBody } from "./compression.ts";
import { decodeMessage } from "./decode_message.ts";
import type { ConsumerMember, ProducerMember } from "./members.ts";
import { ReceivedMessage } from "./message.ts";

/** What the requests are about. */
export interface PushTargets {
  readonly clientId: string;
  readonly log: Log;
  /** The producer of a group, if there is one here. */
  producer(group: string): ProducerMember | undefined;
  /** The consumer of a group, if there is one here. */
  consumer(group: string): ConsumerMember | undefined;
  /** Hands a reply to whoever waits for it; false when nobody does. */
  takeReply(correlationId: string, reply: ReceivedMessage): boolean;
}

/** Request code to handler, for a client's connections. */
export function pushRequestHandlers(targets: PushTargets): ReadonlyMap<number, Handler> {
  return new Map<number, Handler>([
    [RequestCode.CHECK_TRANSACTION_STATE, (request) => checkTransactionState(targets, request)],
    [RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request) => notifyConsumerIdsChanged(targets, request)],
    [RequestCode.RESET_CONSUMER_CLIENT_OFFSET, (request) => resetOffset(targets, request)],
    [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, (request) => consumerStatus(targets, request)],
    [RequestCode.GET_CONSUMER_RUNNING_INFO, (request) => runningInfo(targets, request)],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, (request) => consumeDirectly(targets, request)],
    [RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, (request) => pushReply(targets, request)],
  ]);
}

function checkTransactionState(targets: PushTargets, { command, connection }: Request): null {
  const header = readHeader(CHECK_TRANSACTION_STATE, command.ext);
  const message = decodeMessage(command.body, { brokerName: header.bname ?? "" });
  const transactionId = message.properties.get(Property.UNIQ_KEY) ?? header.transactionId ?? "";
  const group = message.properties.get(Property.PGROUP);
  const producer = group === undefined ? undefined : targets.producer(group);
  if (producer === undefined) {
    targets.log.warn(`asked for the transaction ${transactionId} of group ${group}, which has no producer here`);
    return null;
  }
  producer.checkTransaction({
    brokerAddress: connection.remoteText,
    brokerName: header.bname ?? "",
    message,
    tranStateTableOffset: header.tranStateTableOffset,
    commitLogOffset: header.commitLogOffset,
    transactionId,
  });
  return null;
}

function notifyConsumerIdsChanged(targets: PushTargets, { command }: Request): null {
  targets.consumer(readHeader(NOTIFY_CONSUMER_IDS_CHANGED, command.ext).consumerGroup)?.rebalance();
  return null;
}

function resetOffset(targets: PushTargets, { command, connection }: Request): null {
  const { topic, group } = readHeader(RESET_CONSUMER_CLIENT_OFFSET, command.ext);
  const offsets = command.body.length === 0 ? new Map() : decodeOffsetTable(command.body);
  targets.log.info(`broker ${connection.remoteText} resets ${offsets.size} offsets of group ${group}, topic ${topic}`);
  targets.consumer(group)?.resetOffsets(topic, offsets).catch((error) =>
    targets.log.error(`cannot reset the offsets of group ${group}: ${messageOf(error)}`)
  );
  return null;
}

function consumerStatus(targets: PushTargets, { command }: Request): Reply {
  const { topic, group } = readHeader(GET_CONSUMER_STATUS, command.ext);
  return { body: encodeConsumerStatus(targets.consumer(group)?.consumeStatus(topic) ?? new Map()) };
}

function runningInfo(targets: PushTargets, { command }: Request): Reply {
  const { consumerGroup } = readHeader(GET_CONSUMER_RUNNING_INFO, command.ext);
  return { body: encodeRunningInfo(consumerOf(targets, consumerGroup).runningInfo()) };
}

async function consumeDirectly(targets: PushTargets, { command }: Request): Promise<Reply> {
  const { consumerGroup, brokerName } = readHeader(CONSUME_MESSAGE_DIRECTLY, command.ext);
  const message = decodeMessage(command.body, { brokerName: brokerName ?? "" });
  const result = await consumerOf(targets, consumerGroup).consumeDirectly(message);
  if (result === null) throw systemError(`The Consumer Group <${consumerGroup}> has no listener`);
  return { body: encodeConsumeDirectlyResult(result) };
}

function consumerOf(targets: PushTargets, group: string): ConsumerMember {
  const consumer = targets.consumer(group);
  if (consumer !== undefined) return consumer;
  throw systemError(`The Consumer Group <${group}> not exist in this consumer`);
}

function pushReply(targets: PushTargets, { command }: Request): Reply {
  const header = readHeader(PUSH_REPLY_MESSAGE, command.ext);
  const message = new ReceivedMessage();
  message.topic = message.queueTopic = header.topic;
  message.queueId = header.queueId;
  message.storeTimestamp = header.storeTimestamp;
  message.bornTimestamp = header.bornTimestamp;
  message.bornHost = header.bornHost;
  message.storeHost = header.storeHost;
  message.flag = header.flag;
  message.reconsumeTimes = header.reconsumeTimes ?? 0;
  message.properties = parseProperties(header.properties ?? "");
  message.body = decompressBody(command.body, header.sysFlag);
  message.sysFlag = header.sysFlag & ~SysFlag.COMPRESSED;
  const correlationId = message.properties.get(Property.CORRELATION_ID) ?? "";
  if (!targets.takeReply(correlationId, message)) {
    throw new ResponseError(ResponseCode.SUCCESS, `nobody waits for the reply ${correlationId}`);
  }
  return OK;
}
