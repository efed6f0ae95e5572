/**
 * What an operator can ask of name servers, or change there. Questions go to whichever answers; changes to each one,
 * because they know nothing of each other.
 *
 * Every call throws a {@link BrokerError} when a name server refuses and a `ConnectionError` when none can be reached.
 *
 * Source: RocketMQ `MQClientAPIImpl`, the part that `DefaultMQAdminExt` uses.
 *
 * @module
 */
import { utf8, utf8Text } from "../common/bytes.ts";
import { formatProperty, parseProperties } from "../common/properties.ts";
import {
  type ClusterInfo,
  decodeClusterInfo,
  decodeTopicList,
  decodeTopicRoute,
  type TopicRouteData,
} from "../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { readHeader, writeHeader } from "../protocol/header.ts";
import {
  ADD_WRITE_PERM_RESPONSE,
  GET_KV_CONFIG_RESPONSE,
  WIPE_WRITE_PERM_RESPONSE,
} from "../protocol/headers/namesrv.ts";
import type { Command, Outgoing } from "../remoting/command.ts";
import { type BrokerCalls, brokerError } from "./broker_calls.ts";
import type { NameServers } from "./name_servers.ts";

/** The name servers of a client; see the module's text. */
export class NameServerAdmin {
  readonly #nameServers: NameServers;
  readonly #calls: BrokerCalls;
  readonly #timeoutMs: number;

  constructor(nameServers: NameServers, calls: BrokerCalls, timeoutMs: number) {
    this.#nameServers = nameServers;
    this.#calls = calls;
    this.#timeoutMs = timeoutMs;
  }

  /** `host:port` of each. */
  get addresses(): readonly string[] {
    return this.#nameServers.addresses;
  }

  /** All topics. */
  async topics(): Promise<readonly string[]> {
    const response = await this.#ask({ code: RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER });
    return decodeTopicList(response.body).topicList;
  }

  /** Where a topic is. @throws {BrokerError} TOPIC_NOT_EXIST */
  async topicRoute(topic: string): Promise<TopicRouteData> {
    const ext = { topic, acceptStandardJsonOnly: "true" };
    return decodeTopicRoute((await this.#ask({ code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext })).body);
  }

  /** Which brokers there are, in which clusters. */
  async clusterInfo(): Promise<ClusterInfo> {
    return decodeClusterInfo((await this.#ask({ code: RequestCode.GET_BROKER_CLUSTER_INFO })).body);
  }

  /** Has one name server forget a topic of a cluster. */
  async deleteTopic(address: string, topic: string, clusterName: string): Promise<void> {
    await this.#tell(address, { code: RequestCode.DELETE_TOPIC_IN_NAMESRV, ext: { topic, clusterName } });
  }

  /** A value of the KV configuration; null when there is none. */
  async kvConfig(namespace: string, key: string): Promise<string | null> {
    const request = { code: RequestCode.GET_KV_CONFIG, ext: { namespace, key } };
    const response = await this.#nameServers.invoke(request, this.#timeoutMs);
    if (response.code === ResponseCode.QUERY_NOT_FOUND) return null;
    if (response.code !== ResponseCode.SUCCESS) throw brokerError(response, "name server");
    return readHeader(GET_KV_CONFIG_RESPONSE, response.ext).value ?? null;
  }

  /** Sets a value of the KV configuration in each name server. */
  async putKvConfig(namespace: string, key: string, value: string): Promise<void> {
    await this.#tellAll({ code: RequestCode.PUT_KV_CONFIG, ext: { namespace, key, value } });
  }

  /** Deletes a value of the KV configuration in each name server. */
  async deleteKvConfig(namespace: string, key: string): Promise<void> {
    await this.#tellAll({ code: RequestCode.DELETE_KV_CONFIG, ext: { namespace, key } });
  }

  /** Takes a broker's topics from senders at one name server; gives back how many topics it were. */
  async wipeWritePerm(address: string, brokerName: string): Promise<number> {
    const { ext } = await this.#tell(address, { code: RequestCode.WIPE_WRITE_PERM_OF_BROKER, ext: { brokerName } });
    return readHeader(WIPE_WRITE_PERM_RESPONSE, ext).wipeTopicCount;
  }

  /** Undoes {@linkcode wipeWritePerm}. */
  async addWritePerm(address: string, brokerName: string): Promise<number> {
    const { ext } = await this.#tell(address, { code: RequestCode.ADD_WRITE_PERM_OF_BROKER, ext: { brokerName } });
    return readHeader(ADD_WRITE_PERM_RESPONSE, ext).addTopicCount;
  }

  /** Options of one name server, name to text. */
  async config(address: string): Promise<Map<string, string>> {
    const { body } = await this.#tell(address, { code: RequestCode.GET_NAMESRV_CONFIG });
    return new Map(parseProperties(utf8Text(body)).entries.map(({ key, value }) => [key, value]));
  }

  /** Changes one option in each name server; returns what ours say about it (an unknown key, for instance), by address. */
  async updateConfig(key: string, value: string): Promise<Map<string, string>> {
    const body = utf8(`${formatProperty(key, value)}\n`);
    const remarks = new Map<string, string>();
    for (const address of this.addresses) {
      const { remark } = await this.#tell(address, { code: RequestCode.UPDATE_NAMESRV_CONFIG, body });
      if (remark) remarks.set(address, remark);
    }
    return remarks;
  }

  async #ask(request: Outgoing): Promise<Command> {
    const response = await this.#nameServers.invoke(withExt(request), this.#timeoutMs);
    if (response.code !== ResponseCode.SUCCESS) throw brokerError(response, "");
    return response;
  }

  #tell(address: string, request: Outgoing): Promise<Command> {
    return this.#calls.call(address, withExt(request), this.#timeoutMs);
  }

  async #tellAll(request: Outgoing): Promise<void> {
    for (const address of this.addresses) await this.#tell(address, request);
  }
}

/** A request with at least empty ext fields, for servers that expect an object there. */
function withExt(request: Outgoing): Outgoing {
  return { ...request, ext: writeHeader(request.ext ?? {}) };
}
