/**
 * QUERY_MESSAGE (12) and VIEW_MESSAGE_BY_ID (33): stored messages by key and by position.
 * Source: RocketMQ `QueryMessageProcessor`.
 *
 * @module
 */
import { concatBytes } from "../../common/bytes.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import { QUERY_MESSAGE_REQUEST, VIEW_MESSAGE_REQUEST } from "../../protocol/headers/message.ts";
import { systemError } from "../../protocol/response_error.ts";
import type { Reply } from "../../remoting/command.ts";
import type { HandlerTable, Request } from "../../remoting/handler.ts";
import type { MessageStore } from "../../store/store.ts";

/** How many messages a query by unique key gives: the copies of one message, retried ones included. */
const UNIQUE_KEY_MAX = 32;

/** The flag with which Java's client asks for a unique key. */
const UNIQUE_KEY_QUERY = "_UNIQUE_KEY_QUERY";

/** Handlers of the two requests. */
export function queryHandlers(store: MessageStore): HandlerTable {
  return new Map([
    [RequestCode.QUERY_MESSAGE, (request: Request) => queryByKey(store, request)],
    [RequestCode.VIEW_MESSAGE_BY_ID, (request: Request) => viewByOffset(store, request)],
  ]);
}

async function queryByKey(store: MessageStore, request: Request): Promise<Reply> {
  const header = readHeader(QUERY_MESSAGE_REQUEST, request.command.ext);
  const unique = request.command.ext[UNIQUE_KEY_QUERY] === "true" || header.indexType === "U";
  const maxNum = unique ? UNIQUE_KEY_MAX : header.maxNum ?? 0;
  // An index entry of a tag is the one of the key `T#tag` (5.5).
  const key = header.indexType === "T" ? `T#${header.key}` : header.key;
  const found = await store.queryMessages(header.topic, key, maxNum, header.beginTimestamp, header.endTimestamp);
  const ext = writeHeader({
    indexLastUpdateTimestamp: found.indexLastUpdateTimestamp,
    indexLastUpdatePhyoffset: found.indexLastUpdatePhyoffset,
  });
  if (found.records.length > 0) return { ext, body: concatBytes(found.records) };
  return { code: ResponseCode.QUERY_NOT_FOUND, remark: "can not find message, maybe time range not correct", ext };
}

async function viewByOffset(store: MessageStore, request: Request): Promise<Reply> {
  const { offset } = readHeader(VIEW_MESSAGE_REQUEST, request.command.ext);
  const record = await store.messageAt(offset);
  if (record === null) throw systemError(`can not find message by the offset, ${offset}`);
  return { body: record };
}
