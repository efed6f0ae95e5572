/**
 * Body of a heartbeat (request 34): what a client produces and consumes. Also the subscription of a consumer to a topic,
 * which other bodies carry too.
 *
 * RocketMQ counterpart: `HeartbeatData`, `ConsumerData`, `SubscriptionData`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { type JsonObject, type JsonValue, stringifyJson } from "../json.ts";
import {
  asObject,
  boolMember,
  intMember,
  intOf,
  isObject,
  listMember,
  readBody,
  textMember,
  textsMember,
  wideMember,
} from "../json_members.ts";

/** How a consumer gets its messages: push, pull, pop. */
export type ConsumeType = "CONSUME_PASSIVELY" | "CONSUME_ACTIVELY" | "CONSUME_POP";
/** Whether members of a group share the messages or each get all. */
export type MessageModel = "CLUSTERING" | "BROADCASTING";

/** Where a group without stored offsets begins; the last three are kept for old clients. */
export type ConsumeFromWhere =
  | "CONSUME_FROM_LAST_OFFSET"
  | "CONSUME_FROM_FIRST_OFFSET"
  | "CONSUME_FROM_TIMESTAMP"
  | "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
  | "CONSUME_FROM_MIN_OFFSET"
  | "CONSUME_FROM_MAX_OFFSET";

const CONSUME_TYPES: readonly string[] = ["CONSUME_PASSIVELY", "CONSUME_ACTIVELY", "CONSUME_POP"];
const FROM_WHERE: readonly string[] = [
  "CONSUME_FROM_LAST_OFFSET",
  "CONSUME_FROM_FIRST_OFFSET",
  "CONSUME_FROM_TIMESTAMP",
  "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
  "CONSUME_FROM_MIN_OFFSET",
  "CONSUME_FROM_MAX_OFFSET",
];

/** What a consumer wants of a topic. */
export interface SubscriptionData {
  readonly classFilterMode: boolean;
  /** Java string hashes of the tags; some clients leave it empty. */
  readonly codeSet: readonly number[];
  /** `TAG` (also when empty) or `SQL92`. */
  readonly expressionType: string;
  /** The expression: `*`, `TagA || TagB`, or an SQL expression. */
  readonly subString: string;
  /** Grows with each change; milliseconds in Java, nanoseconds (beyond 2^53) in Go. */
  readonly subVersion: bigint;
  readonly tagsSet: readonly string[];
  readonly topic: string;
}

/** One consumer group in a heartbeat. */
export interface ConsumerData {
  readonly groupName: string;
  readonly consumeType: ConsumeType;
  readonly messageModel: MessageModel;
  readonly consumeFromWhere: ConsumeFromWhere;
  readonly subscriptionDataSet: readonly SubscriptionData[];
  readonly unitMode: boolean;
}

/** A heartbeat. */
export interface HeartbeatData {
  readonly clientID: string;
  readonly consumerDataSet: readonly ConsumerData[];
  readonly producerDataSet: readonly { readonly groupName: string }[];
  /** Hash over the subscriptions; 0 when the client does not use the short form (5.x `useHeartbeatV2`). */
  readonly heartbeatFingerprint: number;
  /** The short form: subscriptions are as before and left out. */
  readonly withoutSub: boolean;
}

/** Reads a heartbeat. @throws {JsonError} when the body is empty or no object. */
export function readHeartbeat(body: Uint8Array): HeartbeatData {
  const object = readBody(body);
  return {
    clientID: textMember(object, "clientID"),
    consumerDataSet: listMember(object, "consumerDataSet").filter(isObject).map(readConsumerData),
    producerDataSet: listMember(object, "producerDataSet").filter(isObject).map((producer) => ({
      groupName: textMember(producer, "groupName"),
    })),
    heartbeatFingerprint: intMember(object, "heartbeatFingerprint"),
    withoutSub: boolMember(object, "withoutSub"),
  };
}

/** Writes a heartbeat. */
export function encodeHeartbeat(heartbeat: HeartbeatData): Uint8Array {
  return utf8(stringifyJson(heartbeat));
}

/** Reads a subscription. @throws {JsonError} when it is no object. */
export function readSubscriptionData(value: JsonValue | undefined): SubscriptionData {
  const object = asObject(value);
  return {
    classFilterMode: boolMember(object, "classFilterMode"),
    codeSet: listMember(object, "codeSet").map((code) => intOf(code)),
    expressionType: textMember(object, "expressionType", "TAG"),
    subString: textMember(object, "subString"),
    subVersion: wideMember(object, "subVersion"),
    tagsSet: textsMember(object, "tagsSet"),
    topic: textMember(object, "topic"),
  };
}

function readConsumerData(object: JsonObject): ConsumerData {
  const consumeType = textMember(object, "consumeType");
  const fromWhere = textMember(object, "consumeFromWhere");
  return {
    groupName: textMember(object, "groupName"),
    consumeType: (CONSUME_TYPES.includes(consumeType) ? consumeType : "CONSUME_PASSIVELY") as ConsumeType,
    messageModel: textMember(object, "messageModel") === "BROADCASTING" ? "BROADCASTING" : "CLUSTERING",
    consumeFromWhere: (FROM_WHERE.includes(fromWhere) ? fromWhere : "CONSUME_FROM_LAST_OFFSET") as ConsumeFromWhere,
    subscriptionDataSet: listMember(object, "subscriptionDataSet").filter(isObject).map(readSubscriptionData),
    unitMode: boolMember(object, "unitMode"),
  };
}
