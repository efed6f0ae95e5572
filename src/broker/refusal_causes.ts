/**
 * Why a request was refused, in a sentence behind RocketMQ's own words: clients parse the beginning of a remark, operators
 * read its end. Each says which setting it is and how it is changed.
 *
 * Source: ours.
 *
 * @module
 */
import { permText } from "../protocol/message.ts";

/** The broker as a whole refuses reads or writes. @param permission `brokerPermission`. */
export function brokerPermissionCause(permission: number): string {
  return `. Cause: brokerPermission=${permission} (${permText(permission)}) for the whole broker, which ` +
    "mqadmin updateBrokerConfig -k brokerPermission changes";
}

/** The topic refuses reads or writes. @param perm of the topic. */
export function topicPermissionCause(perm: number): string {
  return `. Cause: the topic's perm is ${perm} (${permText(perm)}), which mqadmin updateTopicPerm changes`;
}

/** A topic that is asked for is not on this broker. */
export function topicMissingCause(): string {
  return "\nCause: this broker does not have the topic: it was deleted here, or the route of the client is old";
}

/** A group that is asked for is not on this broker. */
export function groupMissingCause(): string {
  return "\nCause: autoCreateSubscriptionGroup=false and nobody made the group; mqadmin updateSubGroup does";
}

/** A group is switched off. */
export function groupDisabledCause(): string {
  return ". Cause: consumeEnable=false in the group, which mqadmin updateSubGroup -s true changes";
}

/** A group may not read one topic. */
export function groupForbiddenCause(): string {
  return ". Cause: an operator has forbidden this group to read this topic (updateGroupForbidden)";
}
