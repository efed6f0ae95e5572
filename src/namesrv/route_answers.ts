/**
 * Answers to route queries as bytes. A topic's route is encoded when it is first asked for and kept until it changes, so
 * that thousands of clients polling thousands of topics cost a look-up each.
 *
 * Memory is bounded by the routes that exist: answers about missing topics are not kept.
 *
 * RocketMQ counterpart: `ClientRequestProcessor`, `ZoneRouteRPCHook`; the causes in the remark are ours.
 *
 * @module
 */
import {
  type BrokerData,
  encodeTopicRoute,
  type KeyStyle,
  MASTER_ID,
  type TopicRouteData,
} from "../protocol/bodies/route.ts";
import { ResponseCode } from "../protocol/codes.ts";
import { Perm } from "../protocol/message.ts";
import { ResponseError } from "../protocol/response_error.ts";
import type { NetworkView } from "./network_view.ts";
import type { RouteTable } from "./route_table.ts";

/** Template of topics that are created at the first send; brokers that allow this have it. */
const AUTO_CREATE_TOPIC = "TBW102";

const FAQ_SUFFIX = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/** What answers are made from. */
export interface RouteAnswersParts {
  readonly routes: RouteTable<unknown>;
  /** Order configuration to show in a topic's route; undefined for none. */
  readonly orderTopicConf: (topic: string) => string | undefined;
}

/** Who asks for a route. */
export interface RouteAsker {
  /** IP address that the question came from; brokers may have an address of their own for its network. */
  readonly host?: string;
  /** Only brokers of this zone, and those without a master, are named. */
  readonly zoneName?: string | undefined;
}

/** Networks with addresses of their own whose answers are kept; clients of others get theirs encoded each time. */
const KEPT_VIEWS_MAX = 32;

/** Encoded routes. */
export class RouteAnswers {
  readonly #parts: RouteAnswersParts;
  /** By key style and view (`NetworkView.key`, empty for everybody's), then by topic. */
  readonly #encoded = new Map<string, Map<string, Uint8Array>>();

  constructor(parts: RouteAnswersParts) {
    this.#parts = parts;
  }

  /** Forgets the answer about a topic, or (null) all. */
  forget(topic: string | null): void {
    if (topic === null) this.#encoded.clear();
    else for (const answers of this.#encoded.values()) answers.delete(topic);
  }

  /**
   * The route of a topic as JSON; shared, not to be changed.
   *
   * @throws {ResponseError} TOPIC_NOT_EXIST with the cause.
   */
  answer(topic: string, keys: KeyStyle, { host, zoneName }: RouteAsker = {}): Uint8Array {
    const view = host === undefined ? null : this.#parts.routes.viewOf(host);
    if (zoneName !== undefined) return encodeTopicRoute(seenBy(view, inZone(this.#route(topic), zoneName)), keys);
    const answers = this.#answersOf(`${keys}${view?.key ?? ""}`);
    const known = answers?.get(topic);
    if (known !== undefined) return known;
    const bytes = encodeTopicRoute(seenBy(view, this.#route(topic)), keys);
    answers?.set(topic, bytes);
    return bytes;
  }

  /** The kept answers of one kind; undefined when there are too many kinds to keep another. */
  #answersOf(kind: string): Map<string, Uint8Array> | undefined {
    let answers = this.#encoded.get(kind);
    if (answers === undefined && this.#encoded.size < KEPT_VIEWS_MAX) {
      answers = new Map();
      this.#encoded.set(kind, answers);
    }
    return answers;
  }

  #route(topic: string): TopicRouteData {
    const { routes, orderTopicConf } = this.#parts;
    const route = routes.route(topic);
    if (route === null) {
      const remark = `No topic route info in name server for the topic: ${topic}${FAQ_SUFFIX}`;
      throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `${remark}\n${whyNoRoute(routes, topic)}`);
    }
    return { ...route, orderTopicConf: orderTopicConf(topic) };
  }
}

/** Which of the possible causes it is that a topic has no route, for the operator; one sentence or two. */
export function whyNoRoute(routes: RouteTable<unknown>, topic: string): string {
  const { brokerAddrTable, clusterAddrTable } = routes.clusterInfo;
  if (brokerAddrTable.size === 0) {
    return "Cause: no broker is registered with this name server: none is running, or none has this address in its " +
      "namesrvAddr.";
  }
  const here = `Registered here: ${nameSome("cluster", clusterAddrTable.keys())}, ` +
    `${nameSome("broker", brokerAddrTable.keys())}.`;
  const template = routes.route(AUTO_CREATE_TOPIC);
  const creators = template?.queueDatas.filter((queue) => (queue.perm & Perm.INHERIT) !== 0) ?? [];
  if (creators.length === 0) {
    const off = "no broker registered here creates topics by itself (autoCreateTopicEnable=false)";
    return topic === AUTO_CREATE_TOPIC
      ? `Cause: ${off}; create the topic with mqadmin updateTopic. ${here}`
      : `Cause: no broker registered here has this topic, and ${off}; create it with mqadmin updateTopic, or ask the ` +
        `name server of its cluster. ${here}`;
  }
  return "Cause: no broker registered here has this topic yet; it is created at the first send " +
    `(autoCreateTopicEnable=true), or it belongs to another cluster. ${here}`;
}

/** `cluster a, b, c and 4 more`. */
function nameSome(what: string, names: Iterable<string>): string {
  const all = [...names].sort();
  const more = all.length > 3 ? ` and ${all.length - 3} more` : "";
  return `${what} ${all.slice(0, 3).join(", ")}${more}`;
}

/** The route with the addresses that clients of a network are told. */
function seenBy(view: NetworkView | null, route: TopicRouteData): TopicRouteData {
  return view === null ? route : { ...route, brokerDatas: route.brokerDatas.map((broker) => view.broker(broker)) };
}

/** The route without brokers of other zones; those without a master are kept, for consumers go on with a slave. */
function inZone(route: TopicRouteData, zoneName: string): TopicRouteData {
  const zone = zoneName.toLowerCase();
  const stays = (broker: BrokerData) => !broker.brokerAddrs.has(MASTER_ID) || broker.zoneName?.toLowerCase() === zone;
  const removed = route.brokerDatas.filter((broker) => !stays(broker));
  const removedNames = new Set(removed.map((broker) => broker.brokerName));
  const removedAddrs = new Set(removed.flatMap((broker) => [...broker.brokerAddrs.values()]));
  return {
    ...route,
    brokerDatas: route.brokerDatas.filter(stays),
    queueDatas: route.queueDatas.filter((queue) => !removedNames.has(queue.brokerName)),
    filterServerTable: new Map([...route.filterServerTable].filter(([addr]) => !removedAddrs.has(addr))),
  };
}
