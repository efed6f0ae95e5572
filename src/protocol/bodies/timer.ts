/**
 * A page of pending timer messages: what LIST_TIMER_MESSAGES (ours) answers, as JSON.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { stringifyJson } from "../json.ts";
import { asObject, intMember, isObject, listMember, readBody, textMember } from "../json_members.ts";

/** A message that waits for its time. */
export interface TimerMessageInfo {
  /** When it will be delivered, milliseconds since the epoch. */
  readonly dueMs: number;
  /** Its offset in the timer topic, by which it is cancelled and moved. */
  readonly queueOffset: number;
  readonly topic: string;
  readonly queueId: number;
  readonly uniqueKey: string;
  readonly keys: string;
  readonly tags: string;
  /** Bytes of the body as it is stored. */
  readonly bodySize: number;
  readonly bornTimestamp: number;
}

/** Some pending messages, and the place behind which to go on; null at the end. A page can be empty and not the last. */
export interface TimerMessagePage {
  readonly messages: readonly TimerMessageInfo[];
  readonly next: { readonly dueMs: number; readonly queueOffset: number } | null;
}

/** Writes a page. */
export function encodeTimerMessagePage(page: TimerMessagePage): Uint8Array {
  return utf8(stringifyJson(page));
}

/** Reads a page. @throws {JsonError} */
export function decodeTimerMessagePage(body: Uint8Array): TimerMessagePage {
  const json = readBody(body);
  const messages = listMember(json, "messages").map((each) => {
    const message = asObject(each);
    return {
      dueMs: intMember(message, "dueMs"),
      queueOffset: intMember(message, "queueOffset"),
      topic: textMember(message, "topic"),
      queueId: intMember(message, "queueId"),
      uniqueKey: textMember(message, "uniqueKey"),
      keys: textMember(message, "keys"),
      tags: textMember(message, "tags"),
      bodySize: intMember(message, "bodySize"),
      bornTimestamp: intMember(message, "bornTimestamp"),
    };
  });
  const { next } = json;
  if (!isObject(next)) return { messages, next: null };
  return { messages, next: { dueMs: intMember(next, "dueMs"), queueOffset: intMember(next, "queueOffset") } };
}
