/**
 * What a consumer looks into before it begins: whether its topics are known, and whether the brokers understand what it
 * subscribes to, so that a wrong SQL expression does not look like a topic without messages.
 *
 * Source: RocketMQ `MQClientInstance#checkClientInBroker`.
 *
 * @module
 */
import { messageOf } from "../common/errors.ts";
import type { SubscriptionData } from "../protocol/bodies/heartbeat.ts";
import { isTagType } from "../protocol/subscription.ts";
import { BrokerError, ClientError } from "./errors.ts";
import type { ClientInstance } from "./instance.ts";

/** Asks for the routes of topics; one that cannot be found is logged, and taken up when it comes. */
export async function findTopics(instance: ClientInstance, topics: Iterable<string>): Promise<void> {
  for (const topic of topics) {
    try {
      await instance.routes.refresh(topic);
    } catch (error) {
      instance.world.log.warn(`cannot find the route of topic ${topic}: ${messageOf(error)}`);
    }
  }
}

/**
 * Asks a broker of each topic with an SQL expression whether it takes it; one that cannot be reached now does not count.
 *
 * @throws {ClientError} when one does not.
 */
export async function checkSubscriptions(
  instance: ClientInstance,
  group: string,
  subscriptions: Iterable<SubscriptionData>,
): Promise<void> {
  const { clientId, calls, routes } = instance;
  for (const subscription of subscriptions) {
    if (isTagType(subscription.expressionType)) continue;
    const address = routes.anyBrokerAddress(subscription.topic);
    if (address === undefined) continue;
    try {
      await calls.checkClientConfig(address, { clientId, group, namespace: null, subscription });
    } catch (error) {
      if (!(error instanceof BrokerError)) continue; // not reachable now: pulling will tell
      const { topic, subString } = subscription;
      const text = `the broker does not take the subscription "${subString}" of topic ${topic}: ${error.remark}`;
      throw new ClientError(text, { code: error.code, cause: error });
    }
  }
}
