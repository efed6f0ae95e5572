/**
 * What goes to a client with popped messages and comes back when it acknowledges them. The receipt (`extraInfo`, property
 * POP_CK) is eight words: offset at which the pop began, pop time, invisible time, revive queue, kind of topic, broker name,
 * queue id, queue offset. Clients put it together from the infos of a pop's answer.
 *
 * Source: RocketMQ `ExtraInfoUtil`, `KeyBuilder`.
 *
 * @module
 */
import { ResponseCode } from "../../protocol/codes.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { popRetryTopicsOf, RETRY_PREFIX } from "../system_topics.ts";

/** The revive queue that stands in receipts of ordered pops. */
export const ORDERED_REVIVE_QUEUE = 999;

/** The parts of a receipt that the broker needs again. */
export interface Receipt {
  /** Where the pop began to read. */
  readonly startOffset: number;
  readonly popTimeMs: number;
  readonly invisibleTimeMs: number;
  /** Whether the pop was an ordered one. */
  readonly isOrdered: boolean;
}

/** Reads `extraInfo`. @throws {ResponseError} SYSTEM_ERROR naming what is wrong, as in RocketMQ. */
export function readReceipt(extraInfo: string): Receipt {
  const words = extraInfo.split(" ");
  const [startOffset, popTimeMs, invisibleTimeMs, reviveQueue] = words.slice(0, 4).map(Number);
  const isNumber = [startOffset, popTimeMs, invisibleTimeMs, reviveQueue].every(Number.isSafeInteger);
  if (words.length < 4 || !isNumber) {
    throw new ResponseError(
      ResponseCode.SYSTEM_ERROR,
      `extraInfo ${JSON.stringify(extraInfo)} is no receipt: expected ` +
        `"startOffset popTime invisibleTime reviveQid retry brokerName queueId queueOffset"`,
    );
  }
  return {
    startOffset: startOffset!,
    popTimeMs: popTimeMs!,
    invisibleTimeMs: invisibleTimeMs!,
    isOrdered: reviveQueue === ORDERED_REVIVE_QUEUE,
  };
}

/** What a receipt is made of. */
export interface ReceiptFields extends Receipt {
  /** Where the message lies. */
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** Writes a receipt. */
export function receiptText(fields: ReceiptFields): string {
  const { startOffset, popTimeMs, invisibleTimeMs, topic, brokerName, queueId, queueOffset } = fields;
  const reviveQueue = fields.isOrdered ? ORDERED_REVIVE_QUEUE : 0;
  return [
    startOffset,
    popTimeMs,
    invisibleTimeMs,
    reviveQueue,
    topicKind(topic),
    brokerName,
    queueId,
    queueOffset,
  ].join(" ");
}

/** "0" an ordinary topic, "1" a retry topic of the form `%RETRY%group_topic`, "2" of the form `%RETRY%group+topic`. */
export function topicKind(topic: string): string {
  if (!topic.startsWith(RETRY_PREFIX)) return "0";
  return topic.includes("+") ? "2" : "1";
}

/** The topic in which a message of this kind lies. @throws {ResponseError} when there is no such kind. */
export function topicOfKind(kind: string, topic: string, group: string): string {
  const [newer, older] = popRetryTopicsOf(topic, group);
  if (kind === "0") return topic;
  if (kind === "1") return older;
  if (kind === "2") return newer;
  throw new ResponseError(ResponseCode.SYSTEM_ERROR, `getRetry fail, format is wrong: ${JSON.stringify(kind)}`);
}

/** The infos of a pop's answer, one entry for each queue that gave messages. */
export class PopInfos {
  readonly #starts: string[] = [];
  readonly #offsets: string[] = [];
  readonly #counts: string[] = [];

  /** Adds what a queue gave. */
  add(topic: string, queueId: number, startOffset: number, queueOffsets: readonly number[]): void {
    const kind = topicKind(topic);
    this.#starts.push(`${kind} ${queueId} ${startOffset}`);
    this.#offsets.push(`${kind} ${queueId} ${queueOffsets.join(",")}`);
  }

  /** Adds how often messages of an ordered queue were handed out before, and the least of these for older clients. */
  addOrderCounts(topic: string, queueId: number, counts: ReadonlyMap<number, number>, least: number): void {
    const kind = topicKind(topic);
    for (const [offset, count] of counts) this.#counts.push(`${kind} qo${queueId}%${offset} ${count}`);
    this.#counts.push(`${kind} ${queueId} ${least}`);
  }

  /** The fields of the answer. */
  fields(isOrdered: boolean): Record<string, string | null> {
    return {
      startOffsetInfo: this.#starts.join(";"),
      msgOffsetInfo: this.#offsets.join(";"),
      orderCountInfo: isOrdered ? this.#counts.join(";") : null,
    };
  }
}
