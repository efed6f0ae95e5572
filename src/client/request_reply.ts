/**
 * Request and reply over topics: a requester sends a message and waits; whoever consumes it answers with a message that the
 * broker hands to the requester directly.
 *
 * ```ts
 * consumer.onMessages(async ([request]) => {
 *   await producer.send(createReply(request!, "the answer"));
 * });
 * const reply = await requester.request({ topic: "Question", body: "?" }, 3000);
 * ```
 *
 * Source: RocketMQ `MessageUtil`, `CorrelationIdUtil`.
 *
 * @module
 */
import type { Random } from "../common/random.ts";
import { Property } from "../protocol/message.ts";
import { ClientError, ClientErrorCode } from "./errors.ts";
import type { Message, ReceivedMessage } from "./message.ts";
import { replyTopicOf } from "./names.ts";

/** An id that no other request under way has: a random UUID. */
export function newCorrelationId(random: Random): string {
  const hex = Array.from(
    { length: 32 },
    (_, i) => (i === 12 ? 4 : i === 16 ? 8 + random.int(4) : random.int(16)).toString(16),
  );
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i], end).join("")).join("-");
}

/**
 * The reply to a request, to be sent by a producer.
 *
 * @throws {ClientError} CREATE_REPLY_MESSAGE when the message is no request.
 */
export function createReply(request: ReceivedMessage, body: Uint8Array | string): Message {
  const cluster = request.properties.get(Property.CLUSTER);
  if (cluster === undefined) throw notARequest(Property.CLUSTER);
  const properties: Record<string, string> = { [Property.MSG_TYPE]: "reply" };
  for (const name of [Property.CORRELATION_ID, Property.REPLY_TO_CLIENT, Property.TTL]) {
    const value = request.properties.get(name);
    if (value === undefined) throw notARequest(name);
    properties[name] = value;
  }
  return { topic: replyTopicOf(cluster), body, properties };
}

function notARequest(name: string): ClientError {
  return new ClientError(`create reply message fail, requestMessage error, property[${name}] is null.`, {
    code: ClientErrorCode.CREATE_REPLY_MESSAGE,
  });
}
