/**
 * What a consumer tells of itself when an operator asks (GET_CONSUMER_RUNNING_INFO): what is the same for all kinds of them.
 *
 * Source: RocketMQ `MQConsumerInner#consumerRunningInfo`.
 *
 * @module
 */
import type { ConsumeType } from "../protocol/bodies/heartbeat.ts";
import { type ConsumerRunningInfo, RunningInfoProperty } from "../protocol/bodies/running_info.ts";
import { CURRENT_VERSION, versionName } from "../protocol/codes.ts";
import type { ClientInstance } from "./instance.ts";

/** Of which kind it is, and since when it runs. */
export interface InfoBasics {
  readonly consumeType: ConsumeType;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  /** More properties, of its configuration for instance. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** The info without queues; the caller adds what it has. */
export function runningInfoOf(
  instance: ClientInstance,
  { consumeType, startMs, properties = {} }: InfoBasics,
  own: Partial<Pick<ConsumerRunningInfo, "subscriptions" | "queues" | "status">>,
): ConsumerRunningInfo {
  return {
    properties: {
      [RunningInfoProperty.NAMESERVER_ADDR]: instance.nameServers.addresses.join(";"),
      [RunningInfoProperty.CONSUME_TYPE]: consumeType,
      [RunningInfoProperty.CLIENT_VERSION]: versionName(CURRENT_VERSION),
      [RunningInfoProperty.CONSUMER_START_TIMESTAMP]: String(startMs),
      ...properties,
    },
    subscriptions: [],
    queues: new Map(),
    status: {},
    userConsumerInfo: {},
    ...own,
    jstack: null,
  };
}
