/**
 * Message traces: what happened to messages and when, as text in the bodies of messages to `RMQ_SYS_TRACE_TOPIC`. A body is a
 * row of records; each ends with `\x02`, and its fields are separated by `\x01`:
 *
 * ```text
 * Pub            · timestamp · region · group · topic · msgId · tags · keys · storeHost · bodyLength · costTime · msgType
 *                · offsetMsgId · success [· clientHost]
 * SubBefore      · timestamp · region · group · requestId · msgId · retryTimes · keys
 * SubAfter       · requestId · msgId · costTime · success · keys · contextCode [· timestamp · group]
 * EndTransaction · timestamp · region · group · topic · msgId · tags · keys · storeHost · msgType · transactionId · state
 *                · fromTransactionCheck
 * Recall         · timestamp · region · group · topic · msgId · success
 * ```
 *
 * Times are milliseconds since the epoch, costs milliseconds; what is absent is written `null`, as Java does.
 *
 * Source: RocketMQ `TraceDataEncoder`, `TraceBean`, `TraceContext`.
 *
 * @module
 */

const FIELD_END = "\x01";
const RECORD_END = "\x02";

/** Kinds of messages, in RocketMQ's order: a record has the index. */
export const TRACE_MESSAGE_TYPES = [
  "Normal_Msg",
  "Trans_Msg_Half",
  "Trans_msg_Commit",
  "Delay_Msg",
  "Order_Msg",
] as const;
/** Kind of a message. */
export type TraceMessageType = typeof TRACE_MESSAGE_TYPES[number];

/** What became of a call of a listener, in RocketMQ's order: a record has the index. */
export const CONSUME_RETURN_TYPES = ["SUCCESS", "TIME_OUT", "EXCEPTION", "RETURNNULL", "FAILED"] as const;
/** What became of a call of a listener. */
export type ConsumeReturnType = typeof CONSUME_RETURN_TYPES[number];

/** What records of all but `SubAfter` begin with. */
export interface TraceOrigin {
  readonly timestamp: number;
  readonly regionId: string;
  readonly groupName: string;
}

/** A message was sent, or was tried to be. */
export interface PubTrace extends TraceOrigin {
  readonly type: "Pub";
  readonly topic: string;
  readonly msgId: string;
  readonly tags: string | null;
  readonly keys: string | null;
  /** Address of the broker. */
  readonly storeHost: string;
  readonly bodyLength: number;
  readonly costTimeMs: number;
  readonly msgType: TraceMessageType;
  readonly offsetMsgId: string | null;
  readonly success: boolean;
  /** Written by some clients only. */
  readonly clientHost?: string;
}

/** A listener gets a message. */
export interface SubBeforeTrace extends TraceOrigin {
  readonly type: "SubBefore";
  /** The same as in the `SubAfter` of this call. */
  readonly requestId: string;
  readonly msgId: string;
  readonly retryTimes: number;
  readonly keys: string | null;
}

/** A listener is done with a message. */
export interface SubAfterTrace {
  readonly type: "SubAfter";
  readonly requestId: string;
  readonly msgId: string;
  readonly costTimeMs: number;
  readonly success: boolean;
  readonly keys: string | null;
  readonly returnType: ConsumeReturnType;
  /** When the call began; old clients did not say. */
  readonly timestamp?: number;
  /** Old clients did not say. */
  readonly groupName?: string;
}

/** A producer told what became of a transaction. */
export interface EndTransactionTrace extends TraceOrigin {
  readonly type: "EndTransaction";
  readonly topic: string;
  readonly msgId: string;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly storeHost: string;
  readonly msgType: TraceMessageType;
  readonly transactionId: string;
  /** `COMMIT_MESSAGE`, `ROLLBACK_MESSAGE` or `UNKNOW`. */
  readonly transactionState: string;
  /** Whether the broker had asked. */
  readonly fromTransactionCheck: boolean;
}

/** A delayed message was taken back. */
export interface RecallTrace extends TraceOrigin {
  readonly type: "Recall";
  readonly topic: string;
  readonly msgId: string;
  readonly success: boolean;
}

/** One record. */
export type TraceRecord = PubTrace | SubBeforeTrace | SubAfterTrace | EndTransactionTrace | RecallTrace;

/** One record as text, its end included. */
export function encodeTraceRecord(record: TraceRecord): string {
  return fieldsOf(record).map(String).join(FIELD_END) + RECORD_END;
}

function fieldsOf(record: TraceRecord): readonly (string | number | boolean | null)[] {
  if (record.type === "SubAfter") {
    const { type, requestId, msgId, costTimeMs, success, keys, returnType, timestamp, groupName } = record;
    const code = CONSUME_RETURN_TYPES.indexOf(returnType);
    return [type, requestId, msgId, costTimeMs, success, keys, code, timestamp ?? 0, groupName ?? null];
  }
  const begin = [record.type, record.timestamp, record.regionId, record.groupName];
  if (record.type === "SubBefore") {
    return [...begin, record.requestId, record.msgId, record.retryTimes, record.keys];
  }
  const { topic, msgId } = record;
  if (record.type === "Recall") return [...begin, topic, msgId, record.success];
  const message = [...begin, topic, msgId, record.tags, record.keys, record.storeHost];
  const msgType = TRACE_MESSAGE_TYPES.indexOf(record.msgType);
  if (record.type === "EndTransaction") {
    return [...message, msgType, record.transactionId, record.transactionState, record.fromTransactionCheck];
  }
  const sent = [...message, record.bodyLength, record.costTimeMs, msgType, record.offsetMsgId, record.success];
  return record.clientHost === undefined ? sent : [...sent, record.clientHost];
}

/** Reads all records of a body, in order; what is no record, or lacks fields, is left out. */
export function decodeTrace(text: string): TraceRecord[] {
  return text.split(RECORD_END).flatMap((line) => {
    const record = readRecord(line.split(FIELD_END));
    return record === null ? [] : [record];
  });
}

/** Fields that a record of each kind has at least, its name included. */
const FIELDS_MIN: Readonly<Record<string, number>> = {
  Pub: 13,
  SubBefore: 8,
  SubAfter: 6,
  EndTransaction: 13,
  Recall: 7,
};

function readRecord(fields: readonly string[]): TraceRecord | null {
  const type = fields[0]!;
  if (fields.length < (FIELDS_MIN[type] ?? Infinity)) return null;
  const text = (at: number) => fields[at] ?? "";
  const nullable = (at: number) => fields[at] === undefined || fields[at] === "null" ? null : fields[at];
  const number = (at: number) => Number(fields[at]) || 0;
  const isTrue = (at: number) => fields[at] === "true";
  const msgType = (at: number) => TRACE_MESSAGE_TYPES[number(at)] ?? "Normal_Msg";
  const origin = { timestamp: number(1), regionId: text(2), groupName: text(3) };
  switch (type) {
    case "Pub": {
      // Before 4.3 there was no offset message id.
      const hasOffsetId = fields.length > 13;
      return {
        type,
        ...origin,
        topic: text(4),
        msgId: text(5),
        tags: nullable(6),
        keys: nullable(7),
        storeHost: text(8),
        bodyLength: number(9),
        costTimeMs: number(10),
        msgType: msgType(11),
        offsetMsgId: hasOffsetId ? nullable(12) : null,
        success: isTrue(hasOffsetId ? 13 : 12),
        ...(fields.length > 14 ? { clientHost: text(14) } : {}),
      };
    }
    case "SubBefore":
      return { type, ...origin, requestId: text(4), msgId: text(5), retryTimes: number(6), keys: nullable(7) };
    case "SubAfter":
      return {
        type,
        requestId: text(1),
        msgId: text(2),
        costTimeMs: number(3),
        success: isTrue(4),
        keys: nullable(5),
        returnType: CONSUME_RETURN_TYPES[number(6)] ?? "SUCCESS",
        ...(fields.length > 8 ? { timestamp: number(7), groupName: text(8) } : {}),
      };
    case "EndTransaction":
      return {
        type,
        ...origin,
        topic: text(4),
        msgId: text(5),
        tags: nullable(6),
        keys: nullable(7),
        storeHost: text(8),
        msgType: msgType(9),
        transactionId: text(10),
        transactionState: text(11),
        fromTransactionCheck: isTrue(12),
      };
    case "Recall":
      return { type, ...origin, topic: text(4), msgId: text(5), success: isTrue(6) };
    default:
      return null;
  }
}
