/**
 * Body of CHECK_CLIENT_CONFIG (46): a consumer asks at its start whether the broker understands a subscription.
 * Source: RocketMQ `CheckClientRequestBody`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import { stringifyJson } from "../json.ts";
import { objectMember, optionalTextMember, readBody, textMember } from "../json_members.ts";
import { readSubscriptionData, type SubscriptionData } from "./heartbeat.ts";

/** The question. */
export interface CheckClientConfig {
  readonly clientId: string;
  readonly group: string;
  readonly namespace: string | null;
  readonly subscription: SubscriptionData;
}

/** Writes the question. */
export function encodeCheckClientConfig(check: CheckClientConfig): Uint8Array {
  const { clientId, group, namespace, subscription } = check;
  return utf8(stringifyJson({ clientId, group, namespace, subscriptionData: subscription }));
}

/** Reads the question. @throws {JsonError} */
export function readCheckClientConfig(body: Uint8Array): CheckClientConfig {
  const object = readBody(body);
  return {
    clientId: textMember(object, "clientId"),
    group: textMember(object, "group"),
    namespace: optionalTextMember(object, "namespace"),
    subscription: readSubscriptionData(objectMember(object, "subscriptionData")),
  };
}
