/**
 * Consumer groups as administrators handle them: make and change (200, 225), delete (207), read (201, 352), forbid topics (353),
 * what they consume (343, 345).
 *
 * RocketMQ counterpart: `AdminBrokerProcessor`.
 *
 * @module
 */
import { encodeGroupSubscription } from "../../protocol/bodies/connection.ts";
import {
  allGroupsText,
  decodeGroupConfig,
  decodeGroupConfigList,
  encodeGroupConfig,
  encodeGroupForbidden,
  type SubscriptionGroupConfig,
} from "../../protocol/bodies/group.ts";
import { encodeTopicList } from "../../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { readHeader, writeHeader } from "../../protocol/header.ts";
import {
  DELETE_GROUP_REQUEST,
  GET_ALL_GROUPS_REQUEST,
  GROUP_FORBIDDEN_REQUEST,
  GROUP_REQUEST,
  GROUP_TOPIC_REQUEST,
} from "../../protocol/headers/group.ts";
import { ResponseError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { ClientTable } from "../clients.ts";
import type { GroupTable } from "../groups.ts";
import type { ConsumerOffsets } from "../offsets.ts";
import type { BrokerOptions } from "../options.ts";
import { decodeBody } from "../request_body.ts";
import type { BrokerStats } from "../stats.ts";
import { groupNameFault } from "../system_topics.ts";
import type { TableAnswers } from "../table_answers.ts";
import { namedVersion } from "../named_version.ts";

/** What these handlers use. */
export interface GroupHandlerParts {
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly clients: ClientTable;
  readonly stats: BrokerStats;
  readonly options: Pick<BrokerOptions, "autoDeleteUnusedStats" | "enableSplitMetadata" | "splitMetadataSize">;
  readonly tableAnswers: TableAnswers;
  /** `host:port` that clients are told. */
  readonly brokerAddr: string;
}

/** Handlers of 200, 201, 207, 225, 343, 345, 352, 353. */
export function groupHandlers(parts: GroupHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      ({ command }) =>
        updateGroups(parts, command.body.length === 0 ? [] : [decodeBody(command.body, decodeGroupConfig)]),
    ],
    [
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
      ({ command }) => updateGroups(parts, decodeBody(command.body, decodeGroupConfigList)),
    ],
    [RequestCode.DELETE_SUBSCRIPTIONGROUP, (request) => deleteGroup(parts, request)],
    [RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, (request) => allGroups(parts, request)],
    [RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, (request) => oneGroup(parts, request)],
    [RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN, (request) => forbid(parts, request)],
    [RequestCode.QUERY_TOPICS_BY_CONSUMER, ({ command }) => {
      const { group } = readHeader(GROUP_REQUEST, command.ext);
      return { body: encodeTopicList({ brokerAddr: parts.brokerAddr, topicList: parts.offsets.topicsOf(group) }) };
    }],
    [RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER, ({ command }) => {
      const { group, topic } = readHeader(GROUP_TOPIC_REQUEST, command.ext);
      const subscription = parts.clients.subscription(group, topic) ?? null;
      return { body: encodeGroupSubscription({ group, topic, subscription }) };
    }],
  ]);
}

async function updateGroups({ groups }: GroupHandlerParts, wanted: readonly SubscriptionGroupConfig[]): Promise<Reply> {
  for (const group of wanted) {
    const fault = groupNameFault(group.groupName);
    if (fault !== null) throw new ResponseError(ResponseCode.INVALID_PARAMETER, fault);
  }
  groups.update(...wanted);
  await groups.saved();
  return OK;
}

async function deleteGroup(
  { groups, offsets, stats, options }: GroupHandlerParts,
  { command }: Request,
): Promise<Reply> {
  const header = readHeader(DELETE_GROUP_REQUEST, command.ext);
  groups.delete(header.groupName);
  if (header.cleanOffset ?? header.removeOffset ?? false) offsets.removeGroup(header.groupName);
  if (options.autoDeleteUnusedStats) stats.removeGroup(header.groupName);
  await Promise.all([groups.saved(), offsets.saved()]);
  return OK;
}

function allGroups({ groups, options, tableAnswers }: GroupHandlerParts, request: Request): Promise<null> {
  const { groupSeq, maxGroupNum, dataVersion } = readHeader(GET_ALL_GROUPS_REQUEST, request.command.ext);
  const wantsPage = groupSeq !== undefined || maxGroupNum !== undefined || dataVersion !== undefined;
  const ext = writeHeader({ totalGroupNum: groups.groups.size });
  if (!wantsPage || !options.enableSplitMetadata) return tableAnswers.answer(request, () => allGroupsText(groups), ext);
  const count = Math.min(options.splitMetadataSize, maxGroupNum ?? Infinity);
  const page = groups.page(namedVersion(dataVersion), groupSeq ?? 0, count);
  return tableAnswers.answer(request, () => allGroupsText(page), ext);
}

function oneGroup({ groups }: GroupHandlerParts, { command }: Request): Reply {
  const { group } = readHeader(GROUP_REQUEST, command.ext);
  const config = groups.find(group);
  if (config === undefined) {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "No group in this broker");
  }
  return { body: encodeGroupConfig(config) };
}

async function forbid({ groups }: GroupHandlerParts, { command }: Request): Promise<Reply> {
  const { group, topic, readable } = readHeader(GROUP_FORBIDDEN_REQUEST, command.ext);
  if (readable !== undefined) {
    groups.setReadForbidden(group, topic, !readable);
    await groups.saved();
  }
  return { remark: "", body: encodeGroupForbidden({ group, topic, readable: !groups.isReadForbidden(group, topic) }) };
}
