/**
 * Offsets: where a group is (14), where it says it is (15), where a time is in a queue (29), the ends of a queue (30, 31), how
 * old its first message is (32).
 *
 * RocketMQ counterpart: `ConsumerManageProcessor`, `AdminBrokerProcessor`.
 *
 * @module
 */
import { getI64 } from "../../common/bytes.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import {
  FORWARD_ONLY_FIELD,
  GET_MAX_OFFSET,
  GET_MIN_OFFSET,
  QUERY_CONSUMER_OFFSET,
  SEARCH_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../protocol/headers/offset.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";
import type { GroupTable } from "../groups.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { TopicTable } from "../topics.ts";

/** What these handlers ask of the store. */
export type OffsetStore = Pick<
  MessageStore,
  "maxOffset" | "minOffset" | "offsetByTime" | "earliestStoreTime" | "unitsAt" | "figures"
>;

/** What these handlers use. */
export interface OffsetHandlerParts {
  readonly offsets: ConsumerOffsets;
  readonly groups: GroupTable;
  readonly topics: TopicTable;
  readonly store: OffsetStore;
  /**
   * A group new to a queue begins at 0 when the queue's first message is within so many bytes of the log's end, whatever
   * it asked for: RocketMQ's rule for "young" topics, 40 % of the machine's memory there.
   */
  readonly youngBytes: number;
}

/** Handlers of 14, 15, 29, 30, 31, 32. */
export function offsetHandlers(parts: OffsetHandlerParts): HandlerTable {
  const { store } = parts;
  return new Map<number, Handler>([
    [RequestCode.QUERY_CONSUMER_OFFSET, (request) => queryOffset(parts, request)],
    [RequestCode.UPDATE_CONSUMER_OFFSET, (request) => updateOffset(parts, request)],
    [RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, (request) => searchOffset(store, request)],
    [RequestCode.GET_MAX_OFFSET, ({ command }) => {
      const { topic, queueId } = readHeader(GET_MAX_OFFSET, command.ext);
      return offsetReply(store.maxOffset(topic, queueId));
    }],
    [RequestCode.GET_MIN_OFFSET, ({ command }) => {
      const { topic, queueId } = readHeader(GET_MIN_OFFSET, command.ext);
      return offsetReply(store.minOffset(topic, queueId));
    }],
    [RequestCode.GET_EARLIEST_MSG_STORETIME, async ({ command }) => {
      const { topic, queueId } = readHeader(GET_MIN_OFFSET, command.ext);
      return { ext: writeHeader({ timestamp: await store.earliestStoreTime(topic, queueId) }) };
    }],
  ]);
}

function offsetReply(offset: number): Reply {
  return { ext: writeHeader({ offset }) };
}

function queryOffset(parts: OffsetHandlerParts, { command }: Request): Reply | Promise<Reply> {
  const header = readHeader(QUERY_CONSUMER_OFFSET, command.ext);
  const offset = parts.offsets.query(header.consumerGroup, header.topic, header.queueId);
  if (offset >= 0) return offsetReply(offset);
  if (header.setZeroIfNotFound === false) {
    throw new ResponseError(
      ResponseCode.QUERY_NOT_FOUND,
      "Not found, do not set to zero, maybe this group boot first",
    );
  }
  return offsetOfNewGroup(parts, header.topic, header.queueId);
}

async function offsetOfNewGroup(
  { store, youngBytes }: OffsetHandlerParts,
  topic: string,
  queueId: number,
): Promise<Reply> {
  if (store.minOffset(topic, queueId) <= 0) {
    const unit = await store.unitsAt(topic, queueId, 0, 1);
    if (unit.length > 0 && store.figures().maxPhysicalOffset - getI64(unit, 0) <= youngBytes) return offsetReply(0);
  }
  throw new ResponseError(
    ResponseCode.QUERY_NOT_FOUND,
    "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
  );
}

function updateOffset({ offsets, groups, topics }: OffsetHandlerParts, { command, connection }: Request): Reply {
  const { consumerGroup, topic, queueId, commitOffset } = readHeader(UPDATE_CONSUMER_OFFSET, command.ext);
  const isForwardOnly = command.ext[FORWARD_ONLY_FIELD] === "true";
  // A slave may have met a group first, while we were away.
  const hasGroup = isForwardOnly ? groups.find(consumerGroup) !== undefined : groups.has(consumerGroup);
  if (!hasGroup) {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${consumerGroup} not exist!`);
  }
  if (!topics.has(topic)) throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
  if (isForwardOnly && commitOffset <= offsets.query(consumerGroup, topic, queueId)) return OK;
  if (offsets.hasReset(topic, consumerGroup, queueId)) return { remark: "Offset has been previously reset" };
  offsets.commit(consumerGroup, topic, queueId, commitOffset, connection.remoteText);
  return OK;
}

async function searchOffset(store: OffsetStore, { command }: Request): Promise<Reply> {
  const { topic, queueId, timestamp, boundaryType } = readHeader(SEARCH_OFFSET, command.ext);
  const boundary = boundaryType?.toUpperCase() === "UPPER" ? "UPPER" : "LOWER";
  return offsetReply(await store.offsetByTime(topic, queueId, timestamp, boundary));
}
