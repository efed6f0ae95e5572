/**
 * Administration of a cluster over a client's connections: of its name servers, of a broker, and what takes both.
 *
 * ```ts
 * const admin = client.admin();
 * for (const { address } of await admin.masters("DefaultCluster")) await admin.broker(address).createTopic(topic);
 * ```
 *
 * Source: RocketMQ `DefaultMQAdminExt`.
 *
 * @module
 */
import { type BrokerData, MASTER_ID } from "../protocol/bodies/route.ts";
import type { ConsumerConnection } from "../protocol/bodies/connection.ts";
import type { ConsumeStats, OffsetWrapper } from "../protocol/bodies/stats.ts";
import type { TopicOffset, TopicStats } from "../protocol/bodies/topic.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { BrokerAdmin } from "./admin_broker.ts";
import { NameServerAdmin } from "./admin_namesrv.ts";
import { ClientError } from "./errors.ts";
import type { ClientInstance } from "./instance.ts";
import { retryTopicOf } from "./names.ts";

/** Namespace of the queues of ordered topics. */
const ORDER_TOPIC_NAMESPACE = "ORDER_TOPIC_CONFIG";

/** One broker of a cluster. */
export interface ClusterMember {
  readonly cluster: string;
  readonly brokerName: string;
  readonly brokerId: number;
  readonly address: string;
}

/** See the module's text. */
export class AdminClient {
  /** The name servers. */
  readonly namesrv: NameServerAdmin;
  readonly #instance: ClientInstance;

  /** Made by `Client.admin`. */
  constructor(instance: ClientInstance) {
    this.#instance = instance;
    this.namesrv = new NameServerAdmin(instance.nameServers, instance.calls, instance.settings.mqClientApiTimeoutMs);
  }

  /** The broker at `host:port`. */
  broker(address: string): BrokerAdmin {
    return new BrokerAdmin(address, this.#instance.calls);
  }

  /**
   * All brokers, sorted by cluster, name and id; of one cluster when it is given.
   *
   * @throws {ClientError} when there is no such cluster.
   */
  async members(cluster?: string): Promise<ClusterMember[]> {
    const { clusterAddrTable, brokerAddrTable } = await this.namesrv.clusterInfo();
    const members: ClusterMember[] = [];
    if (cluster !== undefined && !clusterAddrTable.has(cluster)) throw noSuchCluster();
    for (const [name, brokerNames] of clusterAddrTable) {
      if (cluster !== undefined && name !== cluster) continue;
      for (const brokerName of [...brokerNames].sort()) {
        const addresses = [...brokerAddrTable.get(brokerName)?.brokerAddrs ?? []].sort(([a], [b]) => a - b);
        for (const [brokerId, address] of addresses) members.push({ cluster: name, brokerName, brokerId, address });
      }
    }
    return members;
  }

  /** A cluster's masters. @throws {ClientError} when there is no such cluster, or none of its masters. */
  async masters(cluster: string): Promise<ClusterMember[]> {
    const masters = (await this.members(cluster)).filter(({ brokerId }) => brokerId === MASTER_ID);
    if (masters.length > 0) return masters;
    throw noSuchCluster();
  }

  /** One broker for each broker name that has a topic: the master, or some slave without one. */
  async brokersOf(topic: string): Promise<BrokerAdmin[]> {
    const { brokerDatas } = await this.namesrv.topicRoute(topic);
    return brokerDatas.map(selectAddress).filter((each) => each !== undefined).map((each) => this.broker(each));
  }

  /**
   * Ends of a topic's queues on all its brokers. @param routeTopic whose route tells the brokers, of a topic without one.
   *
   * @throws {BrokerError} TOPIC_NOT_EXIST
   */
  async topicStats(topic: string, routeTopic = topic): Promise<TopicStats> {
    const offsetTable = new Map<MessageQueue, TopicOffset>();
    let topicPutTps = 0;
    for (const broker of await this.brokersOf(routeTopic)) {
      const stats = await broker.topicStats(topic);
      for (const [queue, offset] of stats.offsetTable) offsetTable.set(queue, offset);
      topicPutTps += stats.topicPutTps;
    }
    return { offsetTable, topicPutTps };
  }

  /**
   * Where a group is, from all brokers that have its retry topic.
   *
   * @param topic leaves out the others. @param routeTopic whose route tells the brokers instead.
   */
  async consumeStats(group: string, topic?: string, routeTopic = retryTopicOf(group)): Promise<ConsumeStats> {
    const offsetTable = new Map<MessageQueue, OffsetWrapper>();
    let consumeTps = 0;
    for (const broker of await this.brokersOf(routeTopic)) {
      const stats = await broker.consumeStats(group, topic);
      for (const [queue, offsets] of stats.offsetTable) offsetTable.set(queue, offsets);
      consumeTps += stats.consumeTps;
    }
    return { consumeTps, offsetTable };
  }

  /** Members of a group, from a broker that has its retry topic: members are connected to all of them. */
  async consumerConnection(group: string): Promise<ConsumerConnection> {
    const broker = await this.anyBrokerOf(retryTopicOf(group));
    return await broker.consumerConnection(group);
  }

  /** A broker that has a topic, chosen at random. @throws {ClientError} when it has none. */
  async anyBrokerOf(topic: string): Promise<BrokerAdmin> {
    const brokers = await this.brokersOf(topic);
    const broker = brokers[brokers.length > 1 ? this.#instance.world.random.int(brokers.length) : 0];
    if (broker === undefined) throw new ClientError(`no broker has topic ${topic}`);
    return broker;
  }

  /** Deletes a topic on all masters of a cluster, then in all name servers. @throws {ClientError} */
  async deleteTopic(topic: string, cluster: string): Promise<void> {
    for (const { address } of await this.masters(cluster)) await this.broker(address).deleteTopic(topic);
    for (const address of this.namesrv.addresses) await this.namesrv.deleteTopic(address, topic, cluster);
  }

  /** The queues of an ordered topic, `broker:queues;…`; null when none are set. */
  orderConf(topic: string): Promise<string | null> {
    return this.namesrv.kvConfig(ORDER_TOPIC_NAMESPACE, topic);
  }

  /** Sets the queues of an ordered topic. */
  putOrderConf(topic: string, conf: string): Promise<void> {
    return this.namesrv.putKvConfig(ORDER_TOPIC_NAMESPACE, topic, conf);
  }

  /** Deletes the queues of an ordered topic. */
  deleteOrderConf(topic: string): Promise<void> {
    return this.namesrv.deleteKvConfig(ORDER_TOPIC_NAMESPACE, topic);
  }
}

/** The master's address, or some other one. */
function selectAddress({ brokerAddrs }: BrokerData): string | undefined {
  return brokerAddrs.get(MASTER_ID) ?? brokerAddrs.values().next().value;
}

/** In the words of RocketMQ's tools. */
function noSuchCluster(): ClientError {
  return new ClientError("Make sure the specified clusterName exists or the name server connected to is correct.");
}
