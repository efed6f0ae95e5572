/**
 * Writes answers to pulls straight into the outbox, with the messages behind them: every field is a number, and the rest of
 * the header is always the same. What is written is what `encodeFrame` would make of the same fields.
 * Source: RocketMQ `PullMessageResponseHeader`.
 *
 * @module
 */
import { putI16, putI32, utf8 } from "../common/bytes.ts";
import { CURRENT_VERSION } from "../protocol/codes.ts";
import { binaryName, putBytes, putDecimal, putSized } from "../remoting/answer_bytes.ts";
import { type Command, FLAG_RESPONSE, isOneway, SERIALIZE_JSON } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import { type PullResult, type PullStatus, pullStatusName } from "../store/store.ts";

/** Room for a header: six numbers of at most 17 characters between about 260 bytes of text. */
const HEAD_SIZE_MAX = 512;

/** What an answer says beside its messages. */
export interface PullAnswer {
  /** Response code. */
  readonly code: number;
  /** Its name is the remark. */
  readonly status: PullStatus;
  readonly suggestWhichBrokerId: number;
  readonly nextBeginOffset: number;
  readonly topicSysFlag: number;
  readonly groupSysFlag: number;
}

/** Answers `request` with the messages of `result`; nothing when it was one-way or the connection has ended. */
export function writePullAnswer(
  connection: Connection,
  request: Command,
  answer: PullAnswer,
  result: PullResult,
): void {
  if (isOneway(request) || connection.closed) return;
  const outbox = connection.outbox;
  const size = HEAD_SIZE_MAX + result.sizeBytes;
  const start = outbox.reserve(size);
  const b = outbox.bytes;
  const isJson = request.serialize === SERIALIZE_JSON;
  const bodyStart = isJson
    ? putJson(b, start + 8, request.opaque, answer, result)
    : putBinary(b, start + 8, request.opaque, answer, result);
  putI32(b, start, bodyStart - start - 4 + result.sizeBytes);
  putI32(b, start + 4, (request.serialize << 24) | (bodyStart - start - 8));
  let at = bodyStart;
  for (const part of result.parts) {
    b.set(part, at);
    at += part.length;
  }
  outbox.unreserve(size - (at - start));
}

function putJson(b: Uint8Array, start: number, opaque: number, answer: PullAnswer, result: PullResult): number {
  let at = putBytes(b, start, JSON_CODE);
  at = putDecimal(b, at, answer.code);
  at = putBytes(b, at, JSON_SUGGESTED);
  at = putDecimal(b, at, answer.suggestWhichBrokerId);
  at = putBytes(b, at, JSON_NEXT);
  at = putDecimal(b, at, answer.nextBeginOffset);
  at = putBytes(b, at, JSON_MIN);
  at = putDecimal(b, at, result.minOffset);
  at = putBytes(b, at, JSON_MAX);
  at = putDecimal(b, at, result.maxOffset);
  at = putBytes(b, at, JSON_TOPIC_FLAG);
  at = putDecimal(b, at, answer.topicSysFlag);
  at = putBytes(b, at, JSON_GROUP_FLAG);
  at = putDecimal(b, at, answer.groupSysFlag);
  at = putBytes(b, at, JSON_OPAQUE);
  at = putDecimal(b, at, opaque);
  at = putBytes(b, at, JSON_REMARK);
  at = putBytes(b, at, remark(answer.status));
  return putBytes(b, at, JSON_END);
}

function putBinary(b: Uint8Array, start: number, opaque: number, answer: PullAnswer, result: PullResult): number {
  putI16(b, start, answer.code);
  b[start + 2] = 0; // JAVA
  putI16(b, start + 3, CURRENT_VERSION);
  putI32(b, start + 5, opaque);
  putI32(b, start + 9, FLAG_RESPONSE);
  const remarkEnd = putSized(b, start + 13, putBytes(b, start + 17, remark(answer.status)));
  let at = remarkEnd + 4;
  at = putField(b, at, BINARY_SUGGESTED, answer.suggestWhichBrokerId);
  at = putField(b, at, BINARY_NEXT, answer.nextBeginOffset);
  at = putField(b, at, BINARY_MIN, result.minOffset);
  at = putField(b, at, BINARY_MAX, result.maxOffset);
  at = putField(b, at, BINARY_TOPIC_FLAG, answer.topicSysFlag);
  at = putField(b, at, BINARY_GROUP_FLAG, answer.groupSysFlag);
  return putSized(b, remarkEnd, at);
}

function putField(b: Uint8Array, at: number, name: Uint8Array, value: number): number {
  const size = putBytes(b, at, name);
  return putSized(b, size, putDecimal(b, size + 4, value));
}

/** Remarks by status, made when first needed. */
const remarks: Uint8Array[] = [];

function remark(status: PullStatus): Uint8Array {
  return remarks[status] ??= utf8(pullStatusName(status));
}

const JSON_CODE = utf8('{"code":');
const JSON_SUGGESTED = utf8(',"extFields":{"suggestWhichBrokerId":"');
const JSON_NEXT = utf8('","nextBeginOffset":"');
const JSON_MIN = utf8('","minOffset":"');
const JSON_MAX = utf8('","maxOffset":"');
const JSON_TOPIC_FLAG = utf8('","topicSysFlag":"');
const JSON_GROUP_FLAG = utf8('","groupSysFlag":"');
const JSON_OPAQUE = utf8(`"},"flag":${FLAG_RESPONSE},"language":"JAVA","opaque":`);
const JSON_REMARK = utf8(',"remark":"');
const JSON_END = utf8(`","serializeTypeCurrentRPC":"JSON","version":${CURRENT_VERSION}}`);
const BINARY_SUGGESTED = binaryName("suggestWhichBrokerId");
const BINARY_NEXT = binaryName("nextBeginOffset");
const BINARY_MIN = binaryName("minOffset");
const BINARY_MAX = binaryName("maxOffset");
const BINARY_TOPIC_FLAG = binaryName("topicSysFlag");
const BINARY_GROUP_FLAG = binaryName("groupSysFlag");
