/**
 * Commands about topics. Source: RocketMQ, package `org.apache.rocketmq.tools.command.topic`.
 *
 * @module
 */
import { averagely } from "../../client/allocation.ts";
import { DLQ_PREFIX, RETRY_PREFIX } from "../../client/names.ts";
import { NO_ATTRIBUTES, type TopicConfig } from "../../protocol/bodies/register.ts";
import { type ClusterInfo, MASTER_ID, type TopicRouteData } from "../../protocol/bodies/route.ts";
import { Perm } from "../../protocol/message.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { topicText } from "../../protocol/topic_text.ts";
import { flag, oneOf, option, required, UsageError } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { prettyJson, type PrettyValue } from "../pretty_json.ts";
import { front, javaDouble, mapText, timeTextMs } from "../printf.ts";
import { compareQueues } from "../queue_order.ts";

const TOPIC = required("t", "topic", "topic name");

const topicList: ToolCommand = {
  name: "topicList",
  summary: "Fetch all topic list from name server.",
  options: [flag("c", "clusterModel", "clusterModel")],
  example: "-n 127.0.0.1:9876",
  async run({ admin, options, out, ...context }) {
    const topics = await admin.namesrv.topics();
    if (options.has("c")) return await listByCluster({ admin, options, out, ...context }, topics);
    out.value(topics, topics.join("\n"));
  },
};

const TOPIC_CONSUMERS: TableSpec<"cluster" | "topic" | "consumerGroup"> = {
  columns: { cluster: "#Cluster Name", topic: "#Topic", consumerGroup: "#Consumer Group" },
  head: "%-20s  %-48s  %-48s",
  row: "%-20s  %-64s  %-64s",
};

/** A topic that cannot be asked about has empty columns, as in RocketMQ. */
async function listByCluster({ admin, out, problem }: CommandContext, topics: readonly string[]): Promise<void> {
  const clusters = await admin.namesrv.clusterInfo();
  const wanted = topics.filter((topic) => !topic.startsWith(RETRY_PREFIX) && !topic.startsWith(DLQ_PREFIX));
  const rows = [];
  for (const topic of wanted) {
    let cluster = "";
    let groups: readonly string[] = [];
    try {
      const route = await admin.namesrv.topicRoute(topic);
      cluster = clusterOf(clusters, route.brokerDatas[0]?.brokerName ?? "");
      groups = await (await admin.anyBrokerOf(topic)).consumersOf(topic);
    } catch (error) {
      problem(error);
    }
    for (const group of groups.length === 0 ? [""] : groups) {
      rows.push({ cluster: front(cluster, 20), topic: front(topic, 64), consumerGroup: front(group, 64) });
    }
  }
  out.table(TOPIC_CONSUMERS, rows);
}

function clusterOf({ clusterAddrTable }: ClusterInfo, brokerName: string): string {
  for (const [cluster, brokerNames] of clusterAddrTable) if (brokerNames.has(brokerName)) return cluster;
  return "";
}

const ROUTE: TableSpec<"cluster" | "brokerName" | "brokerAddrs" | "readQueues" | "writeQueues" | "perm"> = {
  columns: {
    cluster: "#ClusterName",
    brokerName: "#BrokerName",
    brokerAddrs: "#BrokerAddrs",
    readQueues: "#ReadQueue",
    writeQueues: "#WriteQueue",
    perm: "#Perm",
  },
  head: "%-45s %-32s %-50s %-10s %-11s %-5s",
};

const topicRoute: ToolCommand = {
  name: "topicRoute",
  summary: "Examine topic route info.",
  options: [TOPIC, flag("l", "list", "Use list format to print data")],
  example: "-n 127.0.0.1:9876 -t TopicTest -l",
  async run({ admin, options, out }) {
    const route = await admin.namesrv.topicRoute(options.text("t"));
    const value = routeValue(route);
    if (!options.has("l")) return out.value(JSON.parse(quoteKeys(prettyJson(value))), prettyJson(value));
    const queues = new Map(route.queueDatas.map((queue) => [queue.brokerName, queue]));
    const brokers = [...route.brokerDatas].sort((a, b) => a.brokerName < b.brokerName ? -1 : 1);
    const rows = brokers.map(({ cluster, brokerName, brokerAddrs }) => ({
      cluster,
      brokerName,
      brokerAddrs: mapText(brokerAddrs),
      readQueues: queues.get(brokerName)?.readQueueNums ?? 0,
      writeQueues: queues.get(brokerName)?.writeQueueNums ?? 0,
      perm: queues.get(brokerName)?.perm ?? 0,
    }));
    out.table(ROUTE, rows);
    out.line("-".repeat(158));
    const total = (name: "readQueues" | "writeQueues") => rows.reduce((sum, row) => sum + row[name], 0);
    out.print(`${ROUTE.head}%n`, "Total:", queues.size, "", total("readQueues"), total("writeQueues"), "");
  },
};

function routeValue(route: TopicRouteData): PrettyValue {
  return {
    brokerDatas: route.brokerDatas.map(({ brokerAddrs, brokerName, cluster, enableActingMaster }) => ({
      brokerAddrs,
      brokerName,
      cluster,
      enableActingMaster,
    })),
    filterServerTable: Object.fromEntries(route.filterServerTable),
    orderTopicConf: route.orderTopicConf,
    queueDatas: route.queueDatas.map(({ brokerName, perm, readQueueNums, topicSysFlag, writeQueueNums }) => ({
      brokerName,
      perm,
      readQueueNums,
      topicSysFlag,
      writeQueueNums,
    })),
  };
}

function quoteKeys(text: string): string {
  return text.replace(/^(\t+)(\d+):/gm, '$1"$2":');
}

const STATUS: TableSpec<"brokerName" | "queueId" | "minOffset" | "maxOffset" | "lastUpdated"> = {
  columns: {
    brokerName: "#Broker Name",
    queueId: "#QID",
    minOffset: "#Min Offset",
    maxOffset: "#Max Offset",
    lastUpdated: "#Last Updated",
  },
  head: "%-32s  %-4s  %-20s  %-20s    %s",
};

const topicStatus: ToolCommand = {
  name: "topicStatus",
  summary: "Examine topic Status info.",
  options: [TOPIC, option("c", "cluster", "cluster name or lmq parent topic, lmq is used to find the route.")],
  example: "-n 127.0.0.1:9876 -t TopicTest",
  async run({ admin, options, out }) {
    const stats = await admin.topicStats(options.text("t"), options.optional("c"));
    const rows = [...stats.offsetTable].sort(([a], [b]) => compareQueues(a, b)).map(([queue, offsets]) => ({
      brokerName: front(queue.brokerName, 32),
      queueId: queue.queueId,
      minOffset: offsets.minOffset,
      maxOffset: offsets.maxOffset,
      lastUpdated: offsets.lastUpdateTimestamp > 0 ? timeTextMs(offsets.lastUpdateTimestamp) : "",
    }));
    out.table(STATUS, rows);
    out.print("%nTopic Put TPS: %s%n", javaDouble(stats.topicPutTps));
  },
};

const topicClusterList: ToolCommand = {
  name: "topicClusterList",
  summary: "Get cluster info for topic.",
  options: [TOPIC],
  example: "-n 127.0.0.1:9876 -t TopicTest",
  async run({ admin, options, out }) {
    const [clusters, route] = await Promise.all([
      admin.namesrv.clusterInfo(),
      admin.namesrv.topicRoute(options.text("t")),
    ]);
    const names = [...clusters.clusterAddrTable]
      .filter(([, brokerNames]) => route.brokerDatas.some(({ brokerName }) => brokerNames.has(brokerName)))
      .map(([name]) => name);
    out.value(names, names.join("\n"));
  },
};

const updateTopic: ToolCommand = {
  name: "updateTopic",
  summary: "Update or create topic.",
  options: [
    ...oneOf(
      option("b", "brokerAddr", "create topic to which broker"),
      option("c", "clusterName", "create topic to which cluster"),
    ),
    option("a", "attributes", "attribute(+a=b,+c=d,-e)"),
    TOPIC,
    option("r", "readQueueNums", "set read queue nums"),
    option("w", "writeQueueNums", "set write queue nums"),
    option("p", "perm", "set topic's permission(2|4|6), intro[2:W 4:R; 6:RW]"),
    option("o", "order", "set topic's order(true|false)"),
    option("u", "unit", "is unit topic (true|false)"),
    option("s", "hasUnitSub", "has unit sub (true|false)"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t MyTopic -r 8 -w 8",
  async run({ admin, options, out }) {
    const topic: TopicConfig = {
      topicName: options.text("t"),
      readQueueNums: options.int("r", 8),
      writeQueueNums: options.int("w", 8),
      perm: permOf(options),
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: (options.bool("u", false) ? 1 : 0) | (options.bool("s", false) ? 2 : 0),
      order: options.bool("o", false),
      attributes: parseAttributes(options.optional("a")),
    };
    const { topicName, writeQueueNums, order } = topic;
    const address = options.optional("b");
    if (address !== undefined) {
      await admin.broker(address).createTopic(topic);
      if (order) {
        const brokerName = (await admin.members()).find((member) => member.address === address)?.brokerName ?? "null";
        const conf = `${brokerName}:${writeQueueNums}`;
        await admin.putOrderConf(topicName, mergeOrderConf(await admin.orderConf(topicName), brokerName, conf));
        out.line(`set broker orderConf. isOrder=${order}, orderConf=[${conf}]`);
      }
      out.line(`create topic to ${address} success.`);
    } else {
      const masters = await admin.masters(options.text("c"));
      for (const master of masters) {
        await admin.broker(master.address).createTopic(topic);
        out.line(`create topic to ${master.address} success.`);
      }
      if (order) {
        const conf = masters.map(({ brokerName }) => `${brokerName}:${writeQueueNums}`).join(";");
        await admin.putOrderConf(topicName, conf);
        out.line(`set cluster orderConf. isOrder=${order}, orderConf=[${conf}]`);
      }
    }
    out.line(topicText(topic));
  },
};

/** `+a=b,-c` as a table whose names keep their sign. @throws {TypeError} when a change has none. */
export function parseAttributes(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined || text === "") return NO_ATTRIBUTES;
  const attributes: Record<string, string> = {};
  for (const change of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [name = "", ...value] = change.split("=");
    if (!/^[+-]./.test(name) || (name.startsWith("+") && value.length === 0)) {
      throw new TypeError(`add/alter attribute format is wrong: ${change}, expected +name=value or -name`);
    }
    attributes[name] = value.join("=");
  }
  return attributes;
}

/** Replaces what `conf`, `broker:queues;…`, says about one broker. */
export function mergeOrderConf(conf: string | null, brokerName: string, own: string): string {
  const others = (conf ?? "").split(";").filter((each) => each !== "" && each.split(":")[0] !== brokerName);
  return [...others, own].join(";");
}

const deleteTopic: ToolCommand = {
  name: "deleteTopic",
  summary: "Delete topic from broker and NameServer.",
  options: [TOPIC, required("c", "clusterName", "delete topic from which cluster")],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t MyTopic",
  async run({ admin, options, out }) {
    const [topic, cluster] = [options.text("t"), options.text("c")];
    for (const { address } of await admin.masters(cluster)) await admin.broker(address).deleteTopic(topic);
    out.line(`delete topic [${topic}] from cluster [${cluster}] success.`);
    for (const address of admin.namesrv.addresses) await admin.namesrv.deleteTopic(address, topic, cluster);
    out.line(`delete topic [${topic}] from NameServer success.`);
  },
};

const updateTopicPerm: ToolCommand = {
  name: "updateTopicPerm",
  summary: "Update topic perm.",
  options: [
    option("b", "brokerAddr", "create topic to which broker"),
    option("c", "clusterName", "create topic to which cluster"),
    TOPIC,
    required("p", "perm", "set topic's permission(2|4|6), intro[2:W; 4:R; 6:RW]"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t MyTopic -p 4",
  async run({ admin, options, out }) {
    const route = await admin.namesrv.topicRoute(options.text("t"));
    const [queues] = route.queueDatas;
    if (queues === undefined) throw new TypeError("the topic has no queues");
    const perm = permOf(options);
    const topic: TopicConfig = {
      topicName: options.text("t"),
      readQueueNums: queues.readQueueNums,
      writeQueueNums: queues.writeQueueNums,
      perm,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: queues.topicSysFlag,
      order: false,
      attributes: NO_ATTRIBUTES,
    };
    const address = options.optional("b");
    if (address === undefined) {
      for (const master of await admin.masters(options.text("c"))) {
        await admin.broker(master.address).createTopic(topic);
        out.line(`update topic perm from ${queues.perm} to ${perm} in ${master.address} success.`);
      }
      return;
    }
    const broker = route.brokerDatas.find(({ brokerAddrs }) => brokerAddrs.get(MASTER_ID) === address);
    if (broker === undefined) return out.line("updateTopicPerm error broker not exit or broker is not master!.");
    const oldPerm = route.queueDatas.find(({ brokerName }) => brokerName === broker.brokerName)?.perm ?? 0;
    if (oldPerm === perm) return out.line("new perm equals to the old one!");
    await admin.broker(address).createTopic(topic);
    out.line(`update topic perm from ${oldPerm} to ${perm} in ${address} success.`);
    out.line(`${topicText(topic)}.`);
  },
};

/** `-p`, which is 6 by default. RocketMQ takes any number, and nobody can say afterwards what it means. @throws {UsageError} */
function permOf(options: CommandContext["options"]): number {
  const perm = options.int("p", Perm.READ | Perm.WRITE);
  if ((perm & ~(Perm.READ | Perm.WRITE)) === 0) return perm;
  throw new UsageError(`-p ${perm}: a topic's permission is 2 (write), 4 (read), 6 (both) or 0 (neither)`);
}

const updateOrderConf: ToolCommand = {
  name: "updateOrderConf",
  summary: "Create or update or delete order conf.",
  options: [
    TOPIC,
    option("v", "orderConf", "set order conf [eg. brokerName1:num;brokerName2:num]"),
    required("m", "method", "option type [eg. put|get|delete"),
  ],
  example: "-n 127.0.0.1:9876 -t MyTopic -m put -v 'broker-a:8;broker-b:8'",
  async run({ admin, options, out }) {
    const topic = options.text("t");
    switch (options.text("m")) {
      case "get":
        out.print("get orderConf success. topic=[%s], orderConf=[%s] ", topic, await admin.orderConf(topic));
        return;
      case "put": {
        const conf = options.text("v");
        if (conf === "") throw new TypeError("please set orderConf with option -v.");
        await admin.putOrderConf(topic, conf);
        out.print("update orderConf success. topic=[%s], orderConf=[%s]", topic, conf);
        return;
      }
      case "delete":
        await admin.deleteOrderConf(topic);
        out.print("delete orderConf success. topic=[%s]", topic);
        return;
      default:
        throw new TypeError(`unknown method ${options.text("m")}: expected get, put or delete`);
    }
  },
};

const allocateMQ: ToolCommand = {
  name: "allocateMQ",
  summary: "Allocate MQ.",
  options: [TOPIC, required("i", "ipList", "ipList")],
  example: "-n 127.0.0.1:9876 -t TopicTest -i 10.0.0.1,10.0.0.2",
  async run({ admin, options, out }) {
    const topic = options.text("t");
    const { queueDatas } = await admin.namesrv.topicRoute(topic);
    const queues = queueDatas.flatMap(({ brokerName, readQueueNums }) =>
      Array.from({ length: readQueueNums }, (_, queueId) => messageQueue(brokerName, queueId, topic))
    ).sort(compareQueues);
    const members = options.text("i").split(",").map((each) => each.trim()).filter((each) => each !== "");
    const sorted = [...members].sort();
    const result: Record<string, MessageQueue[]> = {};
    for (const member of members) result[member] = averagely.allocate(member, queues, sorted);
    out.value({ result }, JSON.stringify({ result }));
  },
};

/** The commands of this file. */
export const TOPIC_COMMANDS: readonly ToolCommand[] = [
  updateTopic,
  deleteTopic,
  updateTopicPerm,
  topicRoute,
  topicStatus,
  topicClusterList,
  topicList,
  updateOrderConf,
  allocateMQ,
];
