/**
 * QUERY_ASSIGNMENT (400), SET_MESSAGE_REQUEST_MODE (401), GET_ALL_MESSAGE_REQUEST_MODE (402): who consumes what in which way.
 *
 * RocketMQ counterpart: `QueryAssignmentProcessor`, `AdminBrokerProcessor`.
 *
 * @module
 */
import { utf8 } from "../../common/bytes.ts";
import {
  encodeAssignments,
  readAssignmentRequest,
  readRequestMode,
  requestModesJson,
} from "../../protocol/bodies/pop.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { stringifyJson } from "../../protocol/json.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { ResponseError, systemError } from "../../protocol/response_error.ts";
import { OK, type Reply } from "../../remoting/command.ts";
import type { Handler, HandlerTable, Request } from "../../remoting/handler.ts";
import type { ClientTable } from "../clients.ts";
import type { GroupTable } from "../groups.ts";
import { assignPop, assignPull } from "../pop/assignment.ts";
import type { Pop } from "../pop/pop.ts";
import type { TopicRoutes } from "../pop/topic_routes.ts";
import { RETRY_PREFIX } from "../system_topics.ts";
import type { TopicTable } from "../topics.ts";

/** What these handlers need. */
export interface AssignmentHandlerParts {
  readonly pop: Pick<Pop, "modes" | "handover" | "isRunning">;
  readonly routes: TopicRoutes;
  readonly clients: ClientTable;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  /** Whether queues are dealt out here (`serverLoadBalancerEnable`); else each client gets all. */
  dealsOut(): boolean;
}

/** Handlers of the three requests. */
export function assignmentHandlers(parts: AssignmentHandlerParts): HandlerTable {
  return new Map<number, Handler>([
    [RequestCode.QUERY_ASSIGNMENT, (request) => queryAssignment(parts, request)],
    [RequestCode.SET_MESSAGE_REQUEST_MODE, (request) => setMode(parts, request)],
    [RequestCode.GET_ALL_MESSAGE_REQUEST_MODE, () => ({
      body: utf8(stringifyJson(requestModesJson(parts.pop.modes.all()))),
    })],
  ]);
}

async function queryAssignment(parts: AssignmentHandlerParts, { command }: Request): Promise<Reply> {
  const asked = readAssignmentRequest(command.body);
  const { topic, consumerGroup, clientId, strategyName, messageModel } = asked;
  const setting = parts.pop.modes.find(topic, consumerGroup);
  const queues = await parts.routes.queuesOf(topic);
  const isBroadcast = messageModel === "BROADCASTING";
  let assigned: readonly MessageQueue[] | null = queues;
  if (queues !== null && !isBroadcast && parts.dealsOut()) {
    const clientIds = parts.clients.consumerGroup(consumerGroup)?.clientIds();
    if (clientIds === undefined) return { body: encodeAssignments(null, setting.mode) };
    const wish = { clientId, clientIds, queues, strategyName };
    assigned = setting.mode === "POP" ? assignPop(wish, setting.popShareQueueNum) : assignPull(wish);
  }
  return { body: encodeAssignments(assigned, setting.mode) };
}

async function setMode({ pop, topics, groups }: AssignmentHandlerParts, { command }: Request): Promise<Reply> {
  const setting = readRequestMode(command.body);
  const { topic, consumerGroup } = setting;
  if (topic.startsWith(RETRY_PREFIX)) {
    throw new ResponseError(ResponseCode.NO_PERMISSION, "retry topic is not allowed to set mode");
  }
  if (!topics.has(topic)) throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  if (groups.find(consumerGroup) === undefined) {
    throw new ResponseError(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group does not exist");
  }
  pop.modes.set(setting);
  await pop.modes.saved();
  if (setting.mode !== "PULL" || !pop.isRunning) return OK;
  const brought = await pop.handover.bring(consumerGroup, topic);
  if (brought === null) {
    throw systemError("the mode is set, but the store does not take all retries that lie unread: repeat it");
  }
  return OK;
}
