/**
 * What a consumer group wants of a topic: all messages, some tags (`TagA || TagB`), or an SQL92 expression, whose
 * evaluator is elsewhere. Source: RocketMQ `SubscriptionData`, `FilterAPI`, `ExpressionType`.
 *
 * A broker compares tags by their hash (tagsCode) only; the consumer checks the tag itself again, so that two tags with
 * equal hashes never mix.
 *
 * @module
 */
import { javaHash } from "../common/bytes.ts";
import type { SubscriptionData } from "./bodies/heartbeat.ts";
import { ResponseCode } from "./codes.ts";
import { ResponseError } from "./response_error.ts";

/** The expression that selects everything. */
export const SUB_ALL = "*";

/** Kinds of expressions. Anything else that is not null or empty is taken for SQL, as Java takes it. */
export const ExpressionType = { TAG: "TAG", SQL92: "SQL92" } as const;

/** Whether a type of expression means tags. Source: `ExpressionType#isTagType`. */
export function isTagType(type: string | null | undefined): boolean {
  return type === null || type === undefined || type === "" || type === ExpressionType.TAG;
}

/**
 * Makes a subscription.
 *
 * @param expression tags joined by `||`; empty or `*` for everything; with type `SQL92` the SQL text.
 * @param version see {@linkcode SubscriptionData.subVersion}; the present time in milliseconds for a consumer.
 * @throws {ResponseError} SUBSCRIPTION_PARSE_FAILED when a tag expression names no tag, or an SQL expression is empty.
 */
export function buildSubscription(
  topic: string,
  expression: string | null | undefined,
  type: string | null | undefined,
  version: bigint,
): SubscriptionData {
  if (!isTagType(type)) return buildSqlSubscription(topic, expression ?? "", type as string, version);
  if (expression === null || expression === undefined || expression === "" || expression === SUB_ALL) {
    return subscription(topic, SUB_ALL, ExpressionType.TAG, version, []);
  }
  const tags = expression.split("||").map((tag) => tag.trim()).filter((tag) => tag !== "");
  if (tags.length === 0) {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, `subString split error: "${expression}"`);
  }
  return subscription(topic, expression, ExpressionType.TAG, version, tags);
}

function buildSqlSubscription(topic: string, expression: string, type: string, version: bigint): SubscriptionData {
  if (expression === "") {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, `Expression can't be null! ${type}`);
  }
  return subscription(topic, expression, type, version, []);
}

function subscription(
  topic: string,
  subString: string,
  expressionType: string,
  subVersion: bigint,
  tags: readonly string[],
): SubscriptionData {
  return {
    classFilterMode: false,
    codeSet: [...new Set(tags.map(javaHash))],
    expressionType,
    subString,
    subVersion,
    tagsSet: [...new Set(tags)],
    topic,
  };
}

/**
 * The broker's check: whether a message with this tags code may be wanted. SQL subscriptions take everything here.
 * Source: `DefaultMessageFilter#isMatchedByConsumeQueue`.
 */
export function matchesTagsCode(data: SubscriptionData, tagsCode: number): boolean {
  return data.classFilterMode || data.subString === SUB_ALL || data.codeSet.length === 0 ||
    data.codeSet.includes(tagsCode);
}

/** The consumer's check: whether the tag itself is wanted. A message without a tag matches no tag expression. */
export function matchesTag(data: SubscriptionData, tag: string | undefined): boolean {
  if (data.tagsSet.length === 0 || data.classFilterMode) return true;
  return tag !== undefined && data.tagsSet.includes(tag);
}
