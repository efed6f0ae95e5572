/**
 * What a client, a producer and a consumer can be told, with RocketMQ's names and defaults, units added.
 * Source: RocketMQ `ClientConfig`, `DefaultMQProducer`, `DefaultMQPushConsumer`.
 *
 * @module
 */
import type { Clock } from "../common/clock.ts";
import type { Disk } from "../common/disk.ts";
import type { Log } from "../common/log.ts";
import type { Net } from "../common/net.ts";
import type { Random } from "../common/random.ts";
import type { ConsumeFromWhere, MessageModel } from "../protocol/bodies/heartbeat.ts";
import { type AllocationStrategy, averagely } from "./allocation.ts";
import type { CompressType } from "./compression.ts";
import { aclHook, namespaceHook, type RpcHook, type SessionCredentials } from "./rpc_hooks.ts";

/** The world that a client lives in. */
export interface ClientWorld {
  readonly clock: Clock;
  readonly net: Net;
  readonly random: Random;
  readonly log: Log;
  /** Where broadcasting consumers keep their offsets; without it they cannot be made. */
  readonly disk?: Disk;
}

/** Options of a client; only the name servers are needed. */
export interface ClientOptions {
  /** `host:port`, several joined by `;` or in an array. */
  readonly namesrvAddr: string | readonly string[];
  /** Tells clients on one machine apart; by default one that no other has. */
  readonly instanceName?: string;
  /** Address in the client id; by default the machine's. */
  readonly clientIp?: string;
  /** In the unique ids of messages. */
  readonly processId?: number;
  /** Below it broadcasting consumers keep their offsets, in `.rocketmq_offsets`; the user's home directory. */
  readonly homeDirectory?: string;
  /** How often routes are asked for again, milliseconds. */
  readonly pollNameServerIntervalMs?: number;
  readonly heartbeatBrokerIntervalMs?: number;
  readonly persistConsumerOffsetIntervalMs?: number;
  /** How often consumers compare their queues with the group. */
  readonly rebalanceIntervalMs?: number;
  /** Time for requests that have no timeout of their own. */
  readonly mqClientApiTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** How headers are written; every broker reads both. */
  readonly headerEncoding?: "JSON" | "ROCKETMQ";
  /** Put before the names of all topics and groups, and taken off again: `namespace%Topic`. */
  readonly namespace?: string;
  /** 5.x: named in every request, for gateways that put it before the names themselves. */
  readonly namespaceV2?: string;
  /** Signs every request. */
  readonly credentials?: SessionCredentials;
  /** Run on every request, before it is signed. */
  readonly rpcHooks?: readonly RpcHook[];
  /** Whether sends, offsets and locks use the broker's port without pulls (its port − 2), as clients before 4.5 do. */
  readonly vipChannelEnabled?: boolean;
}

/** {@linkcode ClientOptions} with defaults filled in. */
export type ClientSettings =
  & Required<Omit<ClientOptions, "namesrvAddr" | "instanceName" | "namespaceV2" | "credentials" | "rpcHooks">>
  & {
    readonly namesrvAddrs: readonly string[];
    readonly instanceName: string | null;
    /** Those of the options and those that its other members stand for, in their order. */
    readonly rpcHooks: readonly RpcHook[];
  };

/** Fills in the defaults. @throws {TypeError} when there is no name server in it. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const { namesrvAddr } = options;
  const list = typeof namesrvAddr === "string" ? namesrvAddr.split(/[;,]/) : namesrvAddr;
  return {
    namesrvAddrs: list.map((each) => each.trim()).filter((each) => each !== ""),
    instanceName: options.instanceName ?? null,
    clientIp: options.clientIp ?? "127.0.0.1",
    processId: options.processId ?? 0,
    homeDirectory: options.homeDirectory ?? ".",
    pollNameServerIntervalMs: options.pollNameServerIntervalMs ?? 30_000,
    heartbeatBrokerIntervalMs: options.heartbeatBrokerIntervalMs ?? 30_000,
    persistConsumerOffsetIntervalMs: options.persistConsumerOffsetIntervalMs ?? 5000,
    rebalanceIntervalMs: options.rebalanceIntervalMs ?? 20_000,
    mqClientApiTimeoutMs: options.mqClientApiTimeoutMs ?? 3000,
    connectTimeoutMs: options.connectTimeoutMs ?? 3000,
    headerEncoding: options.headerEncoding ?? "JSON",
    namespace: options.namespace ?? "",
    vipChannelEnabled: options.vipChannelEnabled ?? false,
    rpcHooks: [
      ...(options.namespaceV2 === undefined ? [] : [namespaceHook(options.namespaceV2)]),
      ...(options.rpcHooks ?? []),
      ...(options.credentials === undefined ? [] : [aclHook(options.credentials)]),
    ],
  };
}

/** What producers and consumers can be told about their traces. */
export interface TraceSettings {
  /** Whether what happens to messages is written down in messages of its own. */
  readonly enableMsgTrace?: boolean;
  /** Where to; `RMQ_SYS_TRACE_TOPIC` by default. */
  readonly customizedTraceTopic?: string | null;
}

/** Options of a producer. */
export interface ProducerOptions extends TraceSettings {
  readonly group: string;
  /** Whole time of a send, retries included. */
  readonly sendMsgTimeoutMs?: number;
  /** How often a failed send is tried again, each time at another broker if there is one. */
  readonly retryTimesWhenSendFailed?: number;
  /** Whether a message that was stored, but not as safely as configured, is sent again elsewhere. */
  readonly retryAnotherBrokerWhenNotStoreOk?: boolean;
  /** Bodies are refused above this. */
  readonly maxMessageSizeBytes?: number;
  /** Bodies above this are compressed. */
  readonly compressMsgBodyOverHowmuchBytes?: number;
  /** 0 to 9. */
  readonly compressLevel?: number;
  /** ZLIB by default, which clients of all versions read; ZSTD and LZ4 those from 4.9.4 on. */
  readonly compressType?: CompressType;
  /** Queues of a topic that is made by the first send. */
  readonly defaultTopicQueueNums?: number;
  /** Its template. */
  readonly createTopicKey?: string;
  /** Avoid brokers that were slow or failed a moment ago. */
  readonly sendLatencyFaultEnable?: boolean;
  /** Asynchronous sends under way at most; further ones wait. */
  readonly asyncSendsMax?: number;
}

/** {@linkcode ProducerOptions} with defaults filled in. */
export type ProducerSettings = Required<ProducerOptions>;

/** Fills in the defaults. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  return {
    group: options.group,
    sendMsgTimeoutMs: options.sendMsgTimeoutMs ?? 3000,
    retryTimesWhenSendFailed: options.retryTimesWhenSendFailed ?? 2,
    retryAnotherBrokerWhenNotStoreOk: options.retryAnotherBrokerWhenNotStoreOk ?? false,
    maxMessageSizeBytes: options.maxMessageSizeBytes ?? 4 * 1024 * 1024,
    compressMsgBodyOverHowmuchBytes: options.compressMsgBodyOverHowmuchBytes ?? 4096,
    compressLevel: options.compressLevel ?? 5,
    compressType: options.compressType ?? "ZLIB",
    defaultTopicQueueNums: options.defaultTopicQueueNums ?? 4,
    createTopicKey: options.createTopicKey ?? "TBW102",
    sendLatencyFaultEnable: options.sendLatencyFaultEnable ?? false,
    asyncSendsMax: options.asyncSendsMax ?? 10_000,
    enableMsgTrace: options.enableMsgTrace ?? false,
    customizedTraceTopic: options.customizedTraceTopic ?? null,
  };
}

/** Options of a push consumer. */
export interface PushConsumerOptions extends TraceSettings {
  readonly group: string;
  /** CLUSTERING by default. */
  readonly messageModel?: MessageModel;
  /** Where the group begins when it has no offsets yet; CONSUME_FROM_LAST_OFFSET by default. */
  readonly consumeFromWhere?: ConsumeFromWhere;
  /** With CONSUME_FROM_TIMESTAMP: milliseconds since the epoch; half an hour before the start by default. */
  readonly consumeTimestampMs?: number;
  /** How queues are shared in the group; all members must use the same one. */
  readonly allocationStrategy?: AllocationStrategy;
  /** How many calls of the listener may be under way at once (Java: `consumeThreadMin`). */
  readonly consumeConcurrency?: number;
  /** Messages handed to the listener at once, at most. */
  readonly consumeMessageBatchMaxSize?: number;
  /** Messages asked for at once. */
  readonly pullBatchSize?: number;
  /** Bytes asked for at once; brokers before 5.x ignore it. */
  readonly pullBatchSizeBytes?: number;
  /** Pause between pulls. */
  readonly pullIntervalMs?: number;
  /** Messages of a queue that wait in memory before pulling pauses. */
  readonly pullThresholdForQueue?: number;
  readonly pullThresholdSizeForQueueMiB?: number;
  /** For all queues of a topic together; −1 for no such limit. */
  readonly pullThresholdForTopic?: number;
  readonly pullThresholdSizeForTopicMiB?: number;
  /** How far the offsets of waiting messages may be apart, when not orderly. */
  readonly consumeConcurrentlyMaxSpan?: number;
  /** Times a message is delivered again before it becomes a dead letter; −1: 16, or for ever when orderly. */
  readonly maxReconsumeTimes?: number;
  /** How long an orderly queue pauses after a failure. */
  readonly suspendCurrentQueueTimeMs?: number;
  /** A message that is with the listener for longer is sent back to be delivered again. */
  readonly consumeTimeoutMs?: number;
  /** How long a shutdown waits for listeners. */
  readonly awaitTerminationMs?: number;
  /** Whether each pull carries the subscription, instead of the broker remembering it. */
  readonly postSubscriptionWhenPull?: boolean;
}

/** {@linkcode PushConsumerOptions} with defaults filled in. */
export type PushConsumerSettings = Required<PushConsumerOptions>;

/** Fills in the defaults. @param nowMs milliseconds since the epoch. */
export function pushConsumerSettings(options: PushConsumerOptions, nowMs: number): PushConsumerSettings {
  return {
    group: options.group,
    messageModel: options.messageModel ?? "CLUSTERING",
    consumeFromWhere: options.consumeFromWhere ?? "CONSUME_FROM_LAST_OFFSET",
    consumeTimestampMs: options.consumeTimestampMs ?? nowMs - 30 * 60_000,
    allocationStrategy: options.allocationStrategy ?? averagely,
    consumeConcurrency: options.consumeConcurrency ?? 20,
    consumeMessageBatchMaxSize: options.consumeMessageBatchMaxSize ?? 1,
    pullBatchSize: options.pullBatchSize ?? 32,
    pullBatchSizeBytes: options.pullBatchSizeBytes ?? 256 * 1024,
    pullIntervalMs: options.pullIntervalMs ?? 0,
    pullThresholdForQueue: options.pullThresholdForQueue ?? 1000,
    pullThresholdSizeForQueueMiB: options.pullThresholdSizeForQueueMiB ?? 100,
    pullThresholdForTopic: options.pullThresholdForTopic ?? -1,
    pullThresholdSizeForTopicMiB: options.pullThresholdSizeForTopicMiB ?? -1,
    consumeConcurrentlyMaxSpan: options.consumeConcurrentlyMaxSpan ?? 2000,
    maxReconsumeTimes: options.maxReconsumeTimes ?? -1,
    suspendCurrentQueueTimeMs: options.suspendCurrentQueueTimeMs ?? 1000,
    consumeTimeoutMs: options.consumeTimeoutMs ?? 15 * 60_000,
    awaitTerminationMs: options.awaitTerminationMs ?? 30_000,
    postSubscriptionWhenPull: options.postSubscriptionWhenPull ?? false,
    enableMsgTrace: options.enableMsgTrace ?? false,
    customizedTraceTopic: options.customizedTraceTopic ?? null,
  };
}
