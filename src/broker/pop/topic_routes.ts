/**
 * All queues of a topic in the cluster, as the name servers know them: a broker that deals queues out must know those of its
 * neighbours. Answers are kept for a while; without an answer the broker's own queues count.
 *
 * RocketMQ counterpart: `TopicRouteInfoManager`.
 *
 * @module
 */
import type { Clock } from "../../common/clock.ts";
import { ConnectionError } from "../../common/errors.ts";
import { decodeTopicRoute } from "../../protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../../protocol/codes.ts";
import { Perm } from "../../protocol/message.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { RemotingClient } from "../../remoting/client.ts";
import type { TopicTable } from "../topics.ts";

/** How long an answer of a name server counts. */
const FRESH_MS = 10_000;
const TIMEOUT_MS = 3000;
/** Topics whose routes are kept. */
const KEPT_MAX = 10_000;

/** What routes are made of. */
export interface TopicRoutesParts {
  readonly clock: Clock;
  readonly client: Pick<RemotingClient, "invoke">;
  readonly topics: TopicTable;
  readonly brokerName: string;
  /** Addresses of name servers. */
  nameServers(): readonly string[];
}

/** Routes of topics; see the module's text. */
export class TopicRoutes {
  readonly #parts: TopicRoutesParts;
  readonly #known = new Map<string, { readonly queues: MessageQueue[]; readonly atMs: number }>();

  constructor(parts: TopicRoutesParts) {
    this.#parts = parts;
  }

  /** The queues that can be read; null when nobody knows the topic. */
  async queuesOf(topic: string): Promise<MessageQueue[] | null> {
    const nowMs = this.#parts.clock.monotonicMs();
    const known = this.#known.get(topic);
    if (known !== undefined && nowMs - known.atMs < FRESH_MS) return known.queues;
    const queues = await this.#ask(topic);
    if (queues === null) return known?.queues ?? this.#own(topic);
    this.#known.delete(topic);
    this.#known.set(topic, { queues, atMs: nowMs });
    if (this.#known.size > KEPT_MAX) this.#known.delete(this.#known.keys().next().value!);
    return queues;
  }

  async #ask(topic: string): Promise<MessageQueue[] | null> {
    for (const address of this.#parts.nameServers()) {
      try {
        const request = { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext: { topic } };
        const reply = await this.#parts.client.invoke(address, request, TIMEOUT_MS);
        if (reply.code !== ResponseCode.SUCCESS) continue;
        const readable = decodeTopicRoute(reply.body).queueDatas.filter(({ perm }) => (perm & Perm.READ) !== 0);
        return readable.flatMap((data) => queuesOf(topic, data.brokerName, data.readQueueNums));
      } catch (error) {
        // The next one may answer.
        if (!(error instanceof ConnectionError)) throw error;
      }
    }
    return null;
  }

  #own(topic: string): MessageQueue[] | null {
    const config = this.#parts.topics.get(topic);
    return config === undefined ? null : queuesOf(topic, this.#parts.brokerName, config.readQueueNums);
  }
}

function queuesOf(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ brokerName, queueId, topic }));
}
