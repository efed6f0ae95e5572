/**
 * The requests that a name server answers, as a table from code to function: headers and bodies are decoded here, the
 * tables decide, and what they say is encoded here.
 *
 * RocketMQ counterpart: `DefaultRequestProcessor`, `ClientRequestProcessor`.
 *
 * @module
 */
import { crc32, utf8, utf8Text } from "../common/bytes.ts";
import { messageOf } from "../common/errors.ts";
import type { Log } from "../common/log.ts";
import { encodeConflicts } from "../protocol/bodies/conflicts.ts";
import {
  decodeDataVersion,
  decodeRegisterBody,
  encodeDataVersion,
  sameDataVersion,
} from "../protocol/bodies/register.ts";
import {
  decodeTopicRoute,
  encodeClusterInfo,
  encodeKvTable,
  encodeMemberGroup,
  encodeTopicList,
  type QueueData,
} from "../protocol/bodies/route.ts";
import { RequestCode, ResponseCode, VersionOrdinal } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import {
  BROKER_HEARTBEAT_REQUEST,
  BROKER_IDENTITY_REQUEST,
  DELETE_TOPIC_IN_NAMESRV_REQUEST,
  GET_BROKER_MEMBER_GROUP_REQUEST,
  GET_KVLIST_REQUEST,
  GET_ROUTEINFO_REQUEST,
  GET_TOPICS_BY_CLUSTER_REQUEST,
  KV_KEY_REQUEST,
  PUT_KV_CONFIG_REQUEST,
  REGISTER_BROKER_REQUEST,
  REGISTER_TOPIC_REQUEST,
  WRITE_PERM_REQUEST,
  ZONE_MODE_FIELD,
  ZONE_NAME_FIELD,
} from "../protocol/headers/namesrv.ts";
import { JsonError } from "../protocol/json.ts";
import { BROKER_ADDRESSES_FIELD, type NetworkAddress, parseNetworkAddresses } from "../protocol/network_addresses.ts";
import { ResponseError, systemError } from "../protocol/response_error.ts";
import { OK, type Reply } from "../remoting/command.ts";
import type { Connection } from "../remoting/connection.ts";
import type { Handler, HandlerTable, Request } from "../remoting/handler.ts";
import { type NamesrvConfiguration, updateByRequest } from "./configuration.ts";
import { type KvConfig, ORDER_TOPIC_NAMESPACE } from "./kv_config.ts";
import type { RouteAnswers } from "./route_answers.ts";
import type { RouteTable } from "./route_table.ts";

/** Bits of `topicSysFlag`. */
const UNIT_FLAG = 1;
const UNIT_SUB_FLAG = 2;

/** What the handlers use. */
export interface NamesrvHandlersParts {
  readonly routes: RouteTable<Connection>;
  readonly answers: RouteAnswers;
  readonly kvConfig: KvConfig;
  readonly configuration: NamesrvConfiguration;
  readonly log: Log;
  /** Whether routes may be told already (`needWaitForService`). */
  readonly isReady: () => boolean;
}

/** All requests of a name server. */
export function namesrvHandlers(parts: NamesrvHandlersParts): HandlerTable {
  return new Map<number, Handler>([
    ...routeHandlers(parts),
    ...brokerHandlers(parts),
    ...topicHandlers(parts),
    ...kvHandlers(parts),
    ...configurationHandlers(parts),
  ]);
}

function routeHandlers({ answers, routes, isReady, log }: NamesrvHandlersParts): [number, Handler][] {
  return [
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, ({ command, connection }) => {
      const { topic, acceptStandardJsonOnly } = readHeader(GET_ROUTEINFO_REQUEST, command.ext);
      if (!isReady()) {
        log.warn(`name server not ready. request code ${command.code}`);
        throw systemError("name server not ready");
      }
      const isStrict = command.version >= VersionOrdinal.V4_9_4 || acceptStandardJsonOnly === true;
      const zoneName = command.ext[ZONE_MODE_FIELD]?.toLowerCase() === "true" ? command.ext[ZONE_NAME_FIELD] : "";
      const asker = { host: connection.remote.host, zoneName: zoneName?.trim() || undefined };
      return { body: answers.answer(topic, isStrict ? "quoted" : "bare", asker) };
    }],
    [RequestCode.GET_BROKER_CLUSTER_INFO, ({ connection }) => {
      const { brokerAddrTable, clusterAddrTable } = routes.clusterInfo;
      const view = routes.viewOf(connection.remote.host);
      if (view === null) return { body: encodeClusterInfo({ brokerAddrTable, clusterAddrTable }) };
      const seen = new Map([...brokerAddrTable].map(([name, broker]) => [name, view.broker(broker)]));
      return { body: encodeClusterInfo({ brokerAddrTable: seen, clusterAddrTable }) };
    }],
    [RequestCode.GET_REGISTRATION_CONFLICTS, () => ({ body: encodeConflicts(routes.conflicts()) })],
    [RequestCode.GET_BROKER_MEMBER_GROUP, ({ command }) => {
      const { clusterName, brokerName } = readHeader(GET_BROKER_MEMBER_GROUP_REQUEST, command.ext);
      return { body: encodeMemberGroup({ cluster: clusterName, brokerName, brokerAddrs: routes.members(brokerName) }) };
    }],
  ];
}

function brokerHandlers(parts: NamesrvHandlersParts): [number, Handler][] {
  const { routes, log } = parts;
  return [
    [RequestCode.REGISTER_BROKER, (request) => registerBroker(parts, request)],
    [RequestCode.UNREGISTER_BROKER, ({ command }) => {
      routes.unregister(readHeader(BROKER_IDENTITY_REQUEST, command.ext));
      return OK;
    }],
    [RequestCode.QUERY_DATA_VERSION, ({ command }) => {
      const { clusterName, brokerAddr } = readHeader(BROKER_IDENTITY_REQUEST, command.ext);
      const asked = decoding("DataVersion", () => decodeDataVersion(command.body));
      const known = routes.dataVersion(clusterName, brokerAddr);
      routes.heartbeat(clusterName, brokerAddr);
      const ext = writeHeader({ changed: known === undefined || !sameDataVersion(known, asked) });
      return known === undefined ? { ext } : { ext, body: encodeDataVersion(known) };
    }],
    [RequestCode.BROKER_HEARTBEAT, ({ command }) => {
      const { clusterName, brokerAddr } = readHeader(BROKER_HEARTBEAT_REQUEST, command.ext);
      routes.heartbeat(clusterName, brokerAddr);
      return OK;
    }],
    [RequestCode.WIPE_WRITE_PERM_OF_BROKER, ({ command, connection }) => {
      const { brokerName } = readHeader(WRITE_PERM_REQUEST, command.ext);
      const wipeTopicCount = routes.wipeWritePerm(brokerName);
      log.info(`wipe write perm of broker[${brokerName}], client: ${connection.remoteText}, ${wipeTopicCount}`);
      return { ext: writeHeader({ wipeTopicCount }) };
    }],
    [RequestCode.ADD_WRITE_PERM_OF_BROKER, ({ command, connection }) => {
      const { brokerName } = readHeader(WRITE_PERM_REQUEST, command.ext);
      const addTopicCount = routes.addWritePerm(brokerName);
      log.info(`add write perm of broker[${brokerName}], client: ${connection.remoteText}, ${addTopicCount}`);
      return { ext: writeHeader({ addTopicCount }) };
    }],
  ];
}

function registerBroker(parts: NamesrvHandlersParts, request: Request): Reply {
  const { command, connection } = request;
  const { routes, kvConfig, configuration, log } = parts;
  const header = readHeader(REGISTER_BROKER_REQUEST, command.ext);
  if ((header.bodyCrc32 ?? 0) !== 0 && crc32(command.body) !== header.bodyCrc32) {
    log.warn(`receive registerBroker request,crc32 not match,from ${connection.remoteText}`);
    throw systemError("crc32 not match");
  }
  const result = routes.register({
    ...header,
    heartbeatTimeoutMs: header.heartbeatTimeoutMillis,
    zoneName: command.ext[ZONE_NAME_FIELD],
    networkAddresses: networkAddressesOf(parts, request),
    body: decoding("RegisterBrokerBody", () => decodeRegisterBody(command.body, command.version)),
    peer: connection,
  });
  if (result === null) throw systemError("register broker failed");
  const ext = writeHeader({ ...result });
  const orders = configuration.settings.namesrv.returnOrderTopicConfigToBroker
    ? kvConfig.list(ORDER_TOPIC_NAMESPACE)
    : undefined;
  return orders === undefined ? { ext } : { ext, body: encodeKvTable(orders) };
}

/** Addresses by network that a broker of ours tells. Those that cannot be read are left out, with a line in the log. */
function networkAddressesOf({ log }: NamesrvHandlersParts, { command, connection }: Request): NetworkAddress[] {
  try {
    return parseNetworkAddresses(command.ext[BROKER_ADDRESSES_FIELD] ?? "");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    log.warn(`addresses by network of ${connection.remoteText} are left out: ${error.message}`);
    return [];
  }
}

function topicHandlers({ routes, configuration, log }: NamesrvHandlersParts): [number, Handler][] {
  const list = (topics: (request: Request) => string[]): Handler => (request) => {
    if (!configuration.settings.namesrv.enableTopicList) throw systemError("disable");
    return { body: encodeTopicList({ topicList: topics(request) }) };
  };
  const isUnit = (queue: QueueData) => (queue.topicSysFlag & UNIT_FLAG) !== 0;
  const hasUnitSub = (queue: QueueData) => (queue.topicSysFlag & UNIT_SUB_FLAG) !== 0;
  return [
    [RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, ({ connection }) => {
      const { enableAllTopicList } = configuration.settings.namesrv;
      log.info(`getAllTopicListFromNameserver ${connection.remoteText} enable ${enableAllTopicList}`);
      if (!enableAllTopicList) throw systemError("disable");
      return { body: encodeTopicList({ topicList: routes.topics() }) };
    }],
    [RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS, () => ({ body: encodeTopicList(systemTopics(routes)) })],
    [
      RequestCode.GET_TOPICS_BY_CLUSTER,
      list(({ command }) => routes.topicsOfCluster(readHeader(GET_TOPICS_BY_CLUSTER_REQUEST, command.ext).cluster)),
    ],
    [RequestCode.GET_UNIT_TOPIC_LIST, list(() => routes.topics(isUnit))],
    [RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST, list(() => routes.topics(hasUnitSub))],
    [
      RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
      list(() => routes.topics((queue) => hasUnitSub(queue) && !isUnit(queue))),
    ],
    [RequestCode.DELETE_TOPIC_IN_NAMESRV, ({ command }) => {
      const { topic, clusterName } = readHeader(DELETE_TOPIC_IN_NAMESRV_REQUEST, command.ext);
      routes.deleteTopic(topic, clusterName || undefined);
      return OK;
    }],
    [RequestCode.REGISTER_TOPIC_IN_NAMESRV, ({ command }) => {
      const { topic } = readHeader(REGISTER_TOPIC_REQUEST, command.ext);
      const { queueDatas } = decoding("TopicRouteData", () => decodeTopicRoute(command.body));
      if (queueDatas.length > 0) routes.registerTopic(topic, queueDatas);
      return OK;
    }],
  ];
}

/** Topics that brokers make for themselves are named as clusters and brokers; any broker can list the others. */
function systemTopics(routes: RouteTable<Connection>) {
  const { brokerAddrTable, clusterAddrTable } = routes.clusterInfo;
  const topicList = new Set<string>();
  for (const [cluster, brokerNames] of clusterAddrTable) {
    topicList.add(cluster);
    for (const brokerName of brokerNames) topicList.add(brokerName);
  }
  const [group] = brokerAddrTable.values();
  const [brokerAddr] = group?.brokerAddrs.values() ?? [];
  return { topicList: [...topicList], brokerAddr };
}

function kvHandlers({ kvConfig }: NamesrvHandlersParts): [number, Handler][] {
  return [
    [RequestCode.PUT_KV_CONFIG, async ({ command }) => {
      const { namespace, key, value } = readHeader(PUT_KV_CONFIG_REQUEST, command.ext);
      await kvConfig.put(namespace, key, value);
      return OK;
    }],
    [RequestCode.GET_KV_CONFIG, ({ command }) => {
      const { namespace, key } = readHeader(KV_KEY_REQUEST, command.ext);
      const value = kvConfig.get(namespace, key);
      if (value === undefined) throw noKvConfig(`Namespace: ${namespace} Key: ${key}`);
      return { ext: writeHeader({ value }) };
    }],
    [RequestCode.DELETE_KV_CONFIG, async ({ command }) => {
      const { namespace, key } = readHeader(KV_KEY_REQUEST, command.ext);
      await kvConfig.delete(namespace, key);
      return OK;
    }],
    [RequestCode.GET_KVLIST_BY_NAMESPACE, ({ command }) => {
      const { namespace } = readHeader(GET_KVLIST_REQUEST, command.ext);
      const table = kvConfig.list(namespace);
      if (table === undefined) throw noKvConfig(`Namespace: ${namespace}`);
      return { body: encodeKvTable(table) };
    }],
  ];
}

function configurationHandlers({ configuration, answers, log }: NamesrvHandlersParts): [number, Handler][] {
  return [
    [RequestCode.UPDATE_NAMESRV_CONFIG, ({ command, connection }) => {
      const text = utf8Text(command.body);
      log.info(`updateConfig called by ${connection.remoteText}: ${text.trim().split(/\s*\n\s*/).join("; ")}`);
      const unknown = updateByRequest(configuration, text);
      if (unknown.length > 0) log.warn(`updateConfig: unknown keys left out: ${unknown.join(", ")}`);
      answers.forget(null); // routes depend on options
      return unknown.length === 0 ? OK : { ...OK, remark: `there is no key ${unknown.join(", ")}` };
    }],
    [RequestCode.GET_NAMESRV_CONFIG, () => ({ body: utf8(configuration.format()) })],
  ];
}

function noKvConfig(which: string): ResponseError {
  return new ResponseError(ResponseCode.QUERY_NOT_FOUND, `No config item, ${which}`);
}

/** Decodes a body; malformed JSON is the peer's mistake. */
function decoding<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof JsonError) throw systemError(`Failed to decode ${what}: ${messageOf(error)}`);
    throw error;
  }
}
