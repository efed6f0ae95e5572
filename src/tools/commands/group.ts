/**
 * Commands about consumer groups. Source: RocketMQ, package `org.apache.rocketmq.tools.command.consumer`.
 *
 * @module
 */
import type { AdminClient } from "../../client/admin.ts";
import { DLQ_PREFIX, RETRY_PREFIX, retryTopicOf } from "../../client/names.ts";
import { messageOf } from "../../common/errors.ts";
import type { ConsumerConnection } from "../../protocol/bodies/connection.ts";
import { defaultGroup, type SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import { totalDiffOf } from "../../protocol/bodies/stats.ts";
import { versionName } from "../../protocol/codes.ts";
import { type JsonObject, parseJsonObject } from "../../protocol/json.ts";
import { messageQueueKey } from "../../protocol/message_queue.ts";
import { option, required } from "../arguments.ts";
import type { CommandContext, GivenOptions, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { front, mapText, type Printable, printf, timeText } from "../printf.ts";
import { compareQueues } from "../queue_order.ts";
import { targetAddresses } from "../targets.ts";
import { parseAttributes } from "./topic.ts";

const updateSubGroup: ToolCommand = {
  name: "updateSubGroup",
  summary: "Update or create subscription group.",
  options: [
    option("b", "brokerAddr", "create subscription group to which broker"),
    option("c", "clusterName", "create subscription group to which cluster"),
    required("g", "groupName", "consumer group name"),
    option("s", "consumeEnable", "consume enable"),
    option("m", "consumeFromMinEnable", "from min offset"),
    option("d", "consumeBroadcastEnable", "broadcast"),
    option("o", "consumeMessageOrderly", "consume message orderly"),
    option("q", "retryQueueNums", "retry queue nums"),
    option("r", "retryMaxTimes", "retry max times"),
    option(
      "p",
      "groupRetryPolicy",
      "the json string of retry policy ( exp: " +
        `{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5000,"max":7200000,"multiplier":2}} ` +
        `{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}} )`,
    ),
    option("i", "brokerId", "consumer from which broker id"),
    option("w", "whichBrokerWhenConsumeSlowly", "which broker id when consume slowly"),
    option("a", "notifyConsumerIdsChanged", "notify consumerId changed"),
    { long: "attributes", description: "attribute(+a=b,+c=d,-e)", hasValue: true, isRequired: false },
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -g MyGroup -r 3",
  async run({ admin, options, out, problem }) {
    const group = givenGroup(options);
    const address = options.optional("b");
    if (address !== undefined) {
      await admin.broker(address).createGroup(group);
      out.line(`create subscription group to ${address} success.`);
    } else {
      for (const master of await admin.masters(neededCluster(options))) {
        try {
          await admin.broker(master.address).createGroup(group);
          out.line(`create subscription group to ${master.address} success.`);
        } catch (error) {
          problem(error);
        }
      }
    }
    out.line(`SubscriptionGroupConfig{${fields(group).map(([name, value]) => `${name}=${value}`).join(", ")}}`);
  },
};

/** As Java's tool: broadcasting and the smallest offset are off unless they are asked for. */
function givenGroup(options: GivenOptions): SubscriptionGroupConfig {
  const group = defaultGroup(options.text("g"));
  const policy = options.optional("p");
  return {
    ...group,
    consumeEnable: options.bool("s", true),
    consumeFromMinEnable: options.bool("m", false),
    consumeBroadcastEnable: options.bool("d", false),
    consumeMessageOrderly: options.bool("o", false),
    retryQueueNums: options.int("q", group.retryQueueNums),
    retryMaxTimes: options.int("r", group.retryMaxTimes),
    groupRetryPolicy: policy === undefined ? group.groupRetryPolicy : parseJsonObject(policy),
    brokerId: options.int("i", group.brokerId),
    whichBrokerWhenConsumeSlowly: options.int("w", group.whichBrokerWhenConsumeSlowly),
    notifyConsumerIdsChangedEnable: options.bool("a", true),
    attributes: parseAttributes(options.optional("attributes")),
  };
}

function neededCluster(options: GivenOptions): string {
  const cluster = options.optional("c");
  if (cluster === undefined) throw new TypeError("one of the options -b and -c is needed");
  return cluster;
}

/** A group's fields in the order in which Java prints them. */
function fields(group: SubscriptionGroupConfig): [name: string, value: Printable][] {
  return [
    ["groupName", group.groupName],
    ["consumeEnable", group.consumeEnable],
    ["consumeFromMinEnable", group.consumeFromMinEnable],
    ["consumeBroadcastEnable", group.consumeBroadcastEnable],
    ["consumeMessageOrderly", group.consumeMessageOrderly],
    ["retryQueueNums", group.retryQueueNums],
    ["retryMaxTimes", group.retryMaxTimes],
    ["groupRetryPolicy", policyText(group.groupRetryPolicy)],
    ["brokerId", group.brokerId],
    ["whichBrokerWhenConsumeSlowly", group.whichBrokerWhenConsumeSlowly],
    ["notifyConsumerIdsChangedEnable", group.notifyConsumerIdsChangedEnable],
    ["groupSysFlag", group.groupSysFlag],
    ["consumeTimeoutMinute", group.consumeTimeoutMinute],
    ["subscriptionDataSet", group.subscriptionDataSet === undefined ? null : JSON.stringify(group.subscriptionDataSet)],
    ["attributes", mapText(Object.entries(group.attributes))],
  ];
}

function policyText(policy: JsonObject): string {
  const member = (name: string) => policy[name] === undefined ? null : JSON.stringify(policy[name]);
  return `GroupRetryPolicy{type=${policy["type"] ?? "CUSTOMIZED"}, ` +
    `exponentialRetryPolicy=${member("exponentialRetryPolicy")}, customizedRetryPolicy=${
      member("customizedRetryPolicy")
    }}`;
}

const deleteSubGroup: ToolCommand = {
  name: "deleteSubGroup",
  summary: "Delete subscription group from broker.",
  options: [
    option("b", "brokerAddr", "delete subscription group from which broker"),
    option("c", "clusterName", "delete subscription group from which cluster"),
    required("g", "groupName", "subscription group name"),
    option("r", "removeOffset", "remove offset"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -g MyGroup -r true",
  async run({ admin, options, out, problem }) {
    const group = options.text("g");
    const cleanOffset = options.bool("r", false);
    const address = options.optional("b");
    if (address !== undefined) {
      await admin.broker(address).deleteGroup(group, cleanOffset);
      return out.line(`delete subscription group [${group}] from broker [${address}] success.`);
    }
    const cluster = neededCluster(options);
    for (const master of await admin.masters(cluster)) {
      await admin.broker(master.address).deleteGroup(group, cleanOffset);
      out.line(
        `delete subscription group [${group}] from broker [${master.address}] in cluster [${cluster}] success.`,
      );
    }
    for (const topic of [retryTopicOf(group), DLQ_PREFIX + group]) {
      try {
        await admin.deleteTopic(topic, cluster);
      } catch (error) {
        problem(error);
      }
    }
  },
};

const setConsumeMode: ToolCommand = {
  name: "setConsumeMode",
  summary: "Set consume message mode. pull/pop etc.",
  options: [
    option("b", "brokerAddr", "create subscription group to which broker"),
    option("c", "clusterName", "create subscription group to which cluster"),
    required("t", "topicName", "topic name"),
    required("g", "groupName", "consumer group name"),
    required("m", "mode", "consume mode. PULL/POP"),
    option("q", "popShareQueueNum", "num of queue which share in pop mode"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -t TopicTest -g MyGroup -m POP -q 8",
  async run(context) {
    const { admin, options, out, problem } = context;
    const mode = options.text("m");
    if (mode !== "PULL" && mode !== "POP") throw new TypeError(`unknown mode ${mode}: expected PULL or POP`);
    const [topic, consumerGroup, popShareQueueNum] = [options.text("t"), options.text("g"), options.int("q", 0)];
    for (const address of await targetAddresses(context)) {
      try {
        await admin.broker(address).setRequestMode({ topic, consumerGroup, mode, popShareQueueNum });
        out.line(`set consume mode to ${address} success.`);
      } catch (error) {
        if (options.has("b")) throw error;
        problem(error);
      }
    }
    out.line(`topic[${topic}] group[${consumerGroup}] consume mode[${mode}] popShareQueueNum[${popShareQueueNum}]`);
  },
};

const getConsumerConfig: ToolCommand = {
  name: "getConsumerConfig",
  summary: "Get consumer config by subscription group name.",
  options: [required("g", "groupName", "subscription group name")],
  example: "-n 127.0.0.1:9876 -g MyGroup",
  async run({ admin, options, out }) {
    const all: Record<string, SubscriptionGroupConfig> = {};
    const lines: string[] = [];
    const seen = new Set<string>();
    for (const { cluster, brokerName, address } of await admin.members()) {
      if (seen.has(brokerName)) continue;
      seen.add(brokerName);
      const group = (await admin.broker(address).groups()).get(options.text("g"));
      if (group === undefined) continue;
      all[brokerName] = group;
      lines.push(`${"=".repeat(29)}${cluster}:${brokerName}${"=".repeat(29)}`);
      for (const [name, value] of fields(group)) lines.push(printf("%-40s=  %s", name, value ?? ""));
    }
    if (lines.length > 0) out.value(all, lines.join("\n"));
  },
};

const consumerProgress: ToolCommand = {
  name: "consumerProgress",
  summary: "Query consumer's progress, speed.",
  options: [
    option("g", "groupName", "consumer group name"),
    option("t", "topicName", "topic name"),
    option("s", "showClientIP", "Show Client IP per Queue"),
    option("c", "cluster", "Cluster name or lmq parent topic, lmq is used to find the route."),
  ],
  example: "-n 127.0.0.1:9876 -g MyGroup",
  run: (context) => context.options.has("g") ? progressOfGroup(context) : progressOfAll(context),
};

const PROGRESS: TableSpec<
  "topic" | "brokerName" | "queueId" | "brokerOffset" | "consumerOffset" | "diff" | "inflight" | "lastTime"
> = {
  columns: {
    topic: "#Topic",
    brokerName: "#Broker Name",
    queueId: "#QID",
    brokerOffset: "#Broker Offset",
    consumerOffset: "#Consumer Offset",
    diff: "#Diff",
    inflight: "#Inflight",
    lastTime: "#LastTime",
  },
  head: "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s%s",
  row: "%-64s  %-32s  %-4d  %-20d  %-20d  %-20d %-20d %s",
};

const PROGRESS_WITH_CLIENT: TableSpec<keyof typeof PROGRESS["columns"] | "clientIp"> = {
  columns: {
    topic: "#Topic",
    brokerName: "#Broker Name",
    queueId: "#QID",
    brokerOffset: "#Broker Offset",
    consumerOffset: "#Consumer Offset",
    clientIp: "#Client IP",
    diff: "#Diff",
    inflight: "#Inflight",
    lastTime: "#LastTime",
  },
  head: "%-64s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s %-20s%s",
  row: "%-64s  %-32s  %-4d  %-20d  %-20d  %-20s %-20d %-20d %s",
};

async function progressOfGroup({ admin, options, out }: CommandContext): Promise<void> {
  const group = options.text("g");
  const stats = await admin.consumeStats(group, options.optional("t"), options.optional("c"));
  const owners = options.bool("s", false) ? await ownersOf(admin, group) : null;
  let [diffTotal, inflightTotal] = [0, 0];
  const rows = [...stats.offsetTable].sort(([a], [b]) => compareQueues(a, b)).map(([queue, offsets]) => {
    const diff = offsets.brokerOffset - offsets.consumerOffset;
    const inflight = offsets.pullOffset - offsets.consumerOffset;
    diffTotal += diff;
    inflightTotal += inflight;
    return {
      topic: front(queue.topic, 64),
      brokerName: front(queue.brokerName, 32),
      queueId: queue.queueId,
      brokerOffset: offsets.brokerOffset,
      consumerOffset: offsets.consumerOffset,
      clientIp: owners?.get(messageQueueKey(queue)) ?? "N/A",
      diff,
      inflight,
      lastTime: offsets.lastTimestamp === 0 ? "N/A" : timeText(offsets.lastTimestamp),
    };
  });
  if (owners === null) out.table(PROGRESS, rows);
  else out.table(PROGRESS_WITH_CLIENT, rows);
  out.print("%nConsume TPS: %.2f%n", stats.consumeTps);
  out.print("Consume Diff Total: %d%nConsume Inflight Total: %d%n", diffTotal, inflightTotal);
}

/** Queue to the address in the id of the client that has it. */
async function ownersOf(admin: AdminClient, group: string): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  const broker = await admin.anyBrokerOf(retryTopicOf(group));
  for (const { clientId } of (await broker.consumerConnection(group)).connections) {
    const { queues } = await broker.consumerRunningInfo(group, clientId, false);
    for (const queue of queues.keys()) owners.set(messageQueueKey(queue), clientId.split("@")[0]!);
  }
  return owners;
}

const GROUPS: TableSpec<"group" | "count" | "version" | "type" | "model" | "tps" | "diffTotal"> = {
  columns: {
    group: "#Group",
    count: "#Count",
    version: "#Version",
    type: "#Type",
    model: "#Model",
    tps: "#TPS",
    diffTotal: "#Diff Total",
  },
  head: "%-64s  %-6s  %-24s %-5s  %-14s  %-7s  %s",
};

async function progressOfAll({ admin, out, problem }: CommandContext): Promise<void> {
  const topics = (await admin.namesrv.topics()).filter((topic) => topic.startsWith(RETRY_PREFIX));
  const rows = [];
  for (const topic of topics) {
    const group = topic.slice(RETRY_PREFIX.length);
    let [tps, diffTotal] = [0, 0];
    try {
      const stats = await admin.consumeStats(group);
      [tps, diffTotal] = [Math.trunc(stats.consumeTps), totalDiffOf(stats)];
    } catch (error) {
      problem(`${group}: ${messageOf(error)}`);
    }
    const online = await admin.consumerConnection(group).catch(() => null); // offline groups are no problem
    rows.push({ group: front(group, 64), ...describeMembers(online), tps, diffTotal });
  }
  out.table(GROUPS, rows);
}

function describeMembers(group: ConsumerConnection | null) {
  if (group === null || group.connections.length === 0) return { count: 0, version: "OFFLINE", type: "", model: "" };
  const version = Math.min(...group.connections.map(({ version }) => version));
  return {
    count: group.connections.length,
    version: versionName(version),
    type: group.consumeType === "CONSUME_ACTIVELY" ? "PULL" : "PUSH",
    model: group.consumeType === "CONSUME_PASSIVELY" ? group.messageModel : "",
  };
}

/** The commands of this file. */
export const GROUP_COMMANDS: readonly ToolCommand[] = [
  updateSubGroup,
  deleteSubGroup,
  setConsumeMode,
  getConsumerConfig,
  consumerProgress,
];
