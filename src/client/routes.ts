/**
 * Where topics and brokers are: the routes that name servers gave, kept until the next poll. What was known stays in use
 * when no name server answers.
 *
 * Source: RocketMQ `MQClientInstance#updateTopicRouteInfoFromNameServer`, `TopicPublishInfo`.
 *
 * @module
 */
import type { Random } from "../common/random.ts";
import { decodeTopicRoute, MASTER_ID, type TopicRouteData } from "../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../protocol/codes.ts";
import { Perm } from "../protocol/message.ts";
import { type MessageQueue, messageQueue } from "../protocol/message_queue.ts";
import { BrokerError, ClientError, ClientErrorCode } from "./errors.ts";
import type { NameServers } from "./name_servers.ts";
import { onlySlaves, whyUnwritable } from "./unwritable.ts";

/** What is known of one topic. */
export interface TopicRoute {
  readonly topic: string;
  /** Sorted by broker name, as far as readable. */
  readonly readQueues: readonly MessageQueue[];
  /** Sorted by broker name, as far as writable and with a master. */
  readonly writeQueues: readonly MessageQueue[];
  /** Ordered topics: the queues do not depend on which brokers are there. */
  readonly isOrderTopic: boolean;
  readonly data: TopicRouteData;
  /** Made from the template topic: the topic itself does not exist yet. */
  readonly isTemplate: boolean;
}

/** Routes of topics and addresses of brokers. */
export class Routes {
  readonly #nameServers: NameServers;
  readonly #random: Random;
  readonly #timeoutMs: number;
  readonly #topics = new Map<string, TopicRoute>();
  readonly #bodies = new Map<string, string>();
  readonly #asking = new Map<string, Promise<TopicRoute | null>>();
  #brokers = new Map<string, ReadonlyMap<number, string>>();
  /** Called when the route of a topic became known or changed, and with it perhaps the brokers. */
  onChanged: (topic: string) => void = () => {};

  constructor(nameServers: NameServers, random: Random, timeoutMs: number) {
    this.#nameServers = nameServers;
    this.#random = random;
    this.#timeoutMs = timeoutMs;
  }

  /** What is known of a topic now. */
  peek(topic: string): TopicRoute | undefined {
    return this.#topics.get(topic);
  }

  /** All topics with a route. */
  topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** The route of a topic, asked for when it is not known; null when no such topic exists. @throws {ConnectionError} */
  async find(topic: string): Promise<TopicRoute | null> {
    return this.#topics.get(topic) ?? await this.refresh(topic);
  }

  /**
   * Asks for a route again. A topic that is gone keeps its old route, as a name server that has just started knows none.
   *
   * @returns null when no such topic exists.
   * @throws {ConnectionError} when no name server answers. @throws {BrokerError} when it answers something else.
   */
  refresh(topic: string): Promise<TopicRoute | null> {
    const known = this.#asking.get(topic);
    if (known !== undefined) return known;
    const asking = this.#ask(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  async #ask(topic: string): Promise<TopicRoute | null> {
    const data = await this.#request(topic);
    if (data === null) return this.#topics.get(topic) ?? null;
    return this.#learn(topic, data, false);
  }

  /**
   * The route by which to send to a topic: its own or, when it does not exist, one made from the template topic with at
   * most `queueCount` queues on each broker; the broker makes the topic when the first message comes.
   *
   * @throws {ClientError} NOT_FOUND_TOPIC when there is neither. @throws {ConnectionError}
   */
  async findForSending(topic: string, template: string, queueCount: number): Promise<TopicRoute> {
    const route = await this.find(topic);
    if (route !== null && route.writeQueues.length > 0) return route;
    const data = route === null ? await this.#request(template) : null;
    let why = route === null ? "" : whyUnwritable(route.data);
    if (data !== null) {
      const queueDatas = data.queueDatas.map((each) => {
        const count = Math.min(queueCount, each.readQueueNums);
        return { ...each, readQueueNums: count, writeQueueNums: count };
      });
      const made = this.#learn(topic, { ...data, queueDatas }, true);
      if (made.writeQueues.length > 0) return made;
      why = whyUnwritable(made.data);
    }
    throw new ClientError(`No route info of this topic: ${topic}${why}`, {
      code: ClientErrorCode.NOT_FOUND_TOPIC,
      retriable: true,
    });
  }

  async #request(topic: string): Promise<TopicRouteData | null> {
    const request = { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext: { topic, acceptStandardJsonOnly: "true" } };
    const response = await this.#nameServers.invoke(request, this.#timeoutMs);
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return null;
    if (response.code !== ResponseCode.SUCCESS) {
      throw new BrokerError(response.code, response.remark ?? "", "name server");
    }
    return decodeTopicRoute(response.body);
  }

  #learn(topic: string, data: TopicRouteData, isTemplate: boolean): TopicRoute {
    const body = JSON.stringify([isTemplate, data.queueDatas, data.brokerDatas.map((each) => [...each.brokerAddrs]), [
      data.orderTopicConf ?? null,
      data.brokerDatas,
    ]]);
    const known = this.#topics.get(topic);
    if (known !== undefined && this.#bodies.get(topic) === body) return known;
    const route = makeRoute(topic, data, isTemplate);
    this.#topics.set(topic, route);
    this.#bodies.set(topic, body);
    this.#collectBrokers();
    this.onChanged(topic);
    return route;
  }

  #collectBrokers(): void {
    const brokers = new Map<string, ReadonlyMap<number, string>>();
    for (const { data } of this.#topics.values()) {
      for (const { brokerName, brokerAddrs } of data.brokerDatas) {
        if (brokerAddrs.size > 0) brokers.set(brokerName, brokerAddrs);
      }
    }
    this.#brokers = brokers;
  }

  /** Names of all known brokers. */
  brokerNames(): string[] {
    return [...this.#brokers.keys()];
  }

  /** Addresses of all known brokers, or of the masters only. */
  brokerAddresses(mastersOnly: boolean): string[] {
    const addresses = new Set<string>();
    for (const byId of this.#brokers.values()) {
      for (const [id, address] of byId) if (!mastersOnly || id === MASTER_ID) addresses.add(address);
    }
    return [...addresses];
  }

  /** The master's address of a broker, if known. */
  masterAddress(brokerName: string): string | undefined {
    return this.#brokers.get(brokerName)?.get(MASTER_ID);
  }

  /** The address to read from: of the broker with this id, else of any with the name. */
  readAddress(brokerName: string, brokerId: number): string | undefined {
    const byId = this.#brokers.get(brokerName);
    return byId?.get(brokerId) ?? byId?.get(MASTER_ID) ?? byId?.values().next().value;
  }

  /** {@linkcode readAddress}, the route of `topic` asked for again when the broker is not known. @throws {ClientError} */
  async findReadAddress(topic: string, brokerName: string, brokerId: number): Promise<string> {
    const known = this.readAddress(brokerName, brokerId);
    if (known !== undefined) return known;
    await this.refresh(topic);
    return this.readAddress(brokerName, brokerId) ?? noBroker(brokerName);
  }

  /** {@linkcode masterAddress}, the route of `topic` asked for again when it is not known. @throws {ClientError} */
  async findMasterAddress(topic: string, brokerName: string): Promise<string> {
    const known = this.masterAddress(brokerName);
    if (known !== undefined) return known;
    await this.refresh(topic);
    return this.masterAddress(brokerName) ?? noBroker(brokerName, this.#brokers.get(brokerName));
  }

  /** Some broker of a topic: the master of a random one, else any address of it. Undefined when none is known. */
  anyBrokerAddress(topic: string): string | undefined {
    const brokers = this.#topics.get(topic)?.data.brokerDatas.filter((each) => each.brokerAddrs.size > 0) ?? [];
    const broker = brokers[brokers.length > 1 ? this.#random.int(brokers.length) : 0];
    return broker?.brokerAddrs.get(MASTER_ID) ?? broker?.brokerAddrs.values().next().value;
  }
}

/** @param byId who of it is there. */
function noBroker(brokerName: string, byId: ReadonlyMap<number, string> = new Map()): never {
  const why = onlySlaves(brokerName, byId);
  throw new ClientError(`The broker[${brokerName}] not exist${why === "" ? "" : `: ${why}`}`, {
    code: ClientErrorCode.BROKER_NOT_EXIST,
    retriable: true,
  });
}

function makeRoute(topic: string, data: TopicRouteData, isTemplate: boolean): TopicRoute {
  const queueDatas = [...data.queueDatas].sort((a, b) => compare(a.brokerName, b.brokerName));
  const masters = new Set(
    data.brokerDatas.filter(({ brokerAddrs }) => brokerAddrs.has(MASTER_ID)).map(({ brokerName }) => brokerName),
  );
  const isOrderTopic = data.orderTopicConf !== undefined && data.orderTopicConf !== "";
  return {
    topic,
    readQueues: queueDatas
      .filter(({ perm }) => (perm & Perm.READ) !== 0)
      .flatMap(({ brokerName, readQueueNums }) => queuesOf(topic, brokerName, readQueueNums)),
    writeQueues: isOrderTopic ? orderQueues(topic, data.orderTopicConf!) : queueDatas
      .filter(({ perm, brokerName }) => (perm & Perm.WRITE) !== 0 && masters.has(brokerName))
      .flatMap(({ brokerName, writeQueueNums }) => queuesOf(topic, brokerName, writeQueueNums)),
    isOrderTopic,
    data,
    isTemplate,
  };
}

/** `broker:queues;broker2:queues` */
function orderQueues(topic: string, conf: string): MessageQueue[] {
  return conf.split(";").flatMap((each) => {
    const [brokerName = "", count = "0"] = each.split(":");
    return queuesOf(topic, brokerName, Number(count) || 0);
  });
}

function queuesOf(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: Math.max(0, count) }, (_, queueId) => messageQueue(brokerName, queueId, topic));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
