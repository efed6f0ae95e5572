/**
 * Commands about brokers. Source: RocketMQ, packages `org.apache.rocketmq.tools.command.broker` and `.producer`.
 *
 * @module
 */
import { nearestName } from "../../common/edit_distance.ts";
import type { BrokerAdmin } from "../../client/admin_broker.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { oneOf, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { front, printf, timeText } from "../printf.ts";
import { compareQueues } from "../queue_order.ts";

const brokerStatus: ToolCommand = {
  name: "brokerStatus",
  summary: "Fetch broker runtime status data.",
  options: oneOf(option("b", "brokerAddr", "Broker address"), option("c", "clusterName", "which cluster")),
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911",
  async run({ admin, options, out, problem }) {
    const single = options.optional("b");
    const addresses = single === undefined
      ? (await admin.members(options.text("c"))).map(({ address }) => address)
      : [single];
    const all: Record<string, Record<string, string>> = {};
    const lines: string[] = [];
    for (const address of addresses) {
      try {
        const figures = [...await admin.broker(address).runtimeInfo()].sort(([a], [b]) => a < b ? -1 : 1);
        all[address] = Object.fromEntries(figures);
        const prefix = single === undefined ? printf("%-24s ", address) : "";
        for (const [name, value] of figures) lines.push(printf("%s%-32s: %s", prefix, name, value));
      } catch (error) {
        if (single !== undefined) throw error;
        problem(error);
      }
    }
    out.value(single === undefined ? all : all[single], lines.join("\n"));
  },
};

const getBrokerConfig: ToolCommand = {
  name: "getBrokerConfig",
  summary: "Get broker config by cluster or special broker.",
  options: oneOf(option("b", "brokerAddr", "get which broker"), option("c", "clusterName", "get which cluster")),
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911",
  async run({ admin, options, out }) {
    const single = options.optional("b");
    const all: Record<string, Record<string, string>> = {};
    const print = async (title: string, address: string) => {
      const config = await admin.broker(address).config();
      all[address] = Object.fromEntries(config);
      const lines = [...config].map(([name, value]) => printf("%-50s=  %s", name, value));
      return [`============${title}============`, ...lines, ""].join("\n");
    };
    if (single !== undefined) {
      const text = await print(single, single);
      return out.value(all[single], text);
    }
    const members = await admin.members(options.text("c"));
    const texts: string[] = [];
    for (const member of members) {
      const master = members.find(({ brokerName, brokerId }) =>
        brokerName === member.brokerName && brokerId === MASTER_ID
      );
      const title = member.brokerId === MASTER_ID
        ? `Master: ${member.address}`
        : `My Master: ${master?.address ?? "NO_MASTER"}=====Slave: ${member.address}`;
      texts.push(await print(title, member.address));
    }
    out.value(all, texts.join("\n"));
  },
};

const updateBrokerConfig: ToolCommand = {
  name: "updateBrokerConfig",
  summary: "Update broker's config.",
  options: [
    option("b", "brokerAddr", "update which broker"),
    option("c", "clusterName", "update which cluster"),
    option("a", "updateAllBroker", "update all brokers include slave"),
    required("k", "key", "config key"),
    required("v", "value", "config value"),
  ],
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911 -k fileReservedTime -v 48",
  async run(context) {
    const { options, out, problem } = context;
    const [key, value] = [options.text("k"), options.text("v")];
    await forEachBroker(context, options.has("a"), async (broker) => {
      const remark = await broker.updateConfig(key, value);
      // RocketMQ's brokers say nothing about a key that they do not know.
      if (remark !== null) await refuseUnknown(key, broker);
      out.line(`update broker config success, ${broker.address}`);
      if (remark !== null) problem(`${broker.address}: ${remark}`);
    });
  },
};

/** @throws {Error} when the broker has no such key: nothing was changed. */
async function refuseUnknown(key: string, broker: BrokerAdmin): Promise<void> {
  const keys = await broker.config();
  if (keys.has(key)) return;
  const nearest = nearestName(key, keys.keys());
  const advice = nearest === null ? "" : `; did you mean ${nearest}?`;
  throw new Error(`${broker.address}: there is no key ${key}${advice}`);
}

/**
 * Does something on the broker of `-b`, or on all masters (and slaves) of the cluster of `-c`, where a failure of one does
 * not keep it from the others.
 */
async function forEachBroker(
  { admin, options, problem }: CommandContext,
  slavesToo: boolean,
  work: (broker: BrokerAdmin) => Promise<void>,
): Promise<void> {
  const single = options.optional("b");
  if (single !== undefined) return await work(admin.broker(single));
  const cluster = options.optional("c");
  if (cluster === undefined) throw new TypeError("one of the options -b and -c is needed");
  const members = slavesToo ? await admin.members(cluster) : await admin.masters(cluster);
  for (const { address } of members) {
    try {
      await work(admin.broker(address));
    } catch (error) {
      problem(error);
    }
  }
}

/** A command that has brokers do something and says whether they did; without `-b` and `-c` all brokers. */
function brokerDuty(
  command: Omit<ToolCommand, "run">,
  work: (broker: BrokerAdmin) => Promise<void>,
): ToolCommand {
  return {
    ...command,
    async run({ admin, options, out, problem }) {
      const single = options.optional("b");
      const addresses = single === undefined
        ? (await admin.members(options.optional("c"))).map(({ address }) => address)
        : [single];
      let succeeded = addresses.length > 0;
      for (const address of addresses) {
        try {
          await work(admin.broker(address));
        } catch (error) {
          succeeded = false;
          problem(error);
        }
      }
      out.line(succeeded ? "success" : "false");
    },
  };
}

const cleanExpiredCQ = brokerDuty({
  name: "cleanExpiredCQ",
  summary: "Clean expired ConsumeQueue on broker.",
  options: [option("b", "brokerAddr", "Broker address"), option("c", "cluster", "clustername")],
  example: "-n 127.0.0.1:9876 -c DefaultCluster",
}, (broker) => broker.cleanExpiredConsumeQueue());

const cleanUnusedTopic = brokerDuty({
  name: "cleanUnusedTopic",
  summary: "Clean unused topic on broker.",
  options: [option("b", "brokerAddr", "Broker address"), option("c", "cluster", "cluster name")],
  example: "-n 127.0.0.1:9876 -c DefaultCluster",
}, (broker) => broker.cleanUnusedTopic());

const deleteExpiredCommitLog = brokerDuty({
  name: "deleteExpiredCommitLog",
  summary: "Delete expired CommitLog files.",
  options: [
    option("b", "brokerAddr", "Broker address"),
    option("c", "cluster", "clustername"),
    option("n", "namesrvAddr", "Name server address"),
  ],
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911",
}, (broker) => broker.deleteExpiredCommitLog());

const CONSUME_STATS: TableSpec<
  "topic" | "group" | "brokerName" | "queueId" | "brokerOffset" | "consumerOffset" | "diff" | "lastTime"
> = {
  columns: {
    topic: "#Topic",
    group: "#Group",
    brokerName: "#Broker Name",
    queueId: "#QID",
    brokerOffset: "#Broker Offset",
    consumerOffset: "#Consumer Offset",
    diff: "#Diff",
    lastTime: "#LastTime",
  },
  head: "%-64s  %-64s  %-32s  %-4s  %-20s  %-20s  %-20s  %s",
};

const brokerConsumeStats: ToolCommand = {
  name: "brokerConsumeStats",
  summary: "Fetch broker consume stats data.",
  options: [
    required("b", "brokerAddr", "Broker address"),
    option("t", "timeoutMillis", "request timeout Millis"),
    option("l", "level", "threshold of print diff"),
    option("o", "order", "order topic"),
  ],
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911 -l 1000",
  async run({ admin, options, out }) {
    const stats = await admin.broker(options.text("b")).allConsumeStats(options.bool("o", false));
    const threshold = options.int("l", 0);
    const groups = stats.consumeStatsList.flatMap((each) => [...each]);
    const rows = groups.flatMap(([group, topics]) =>
      topics.flatMap(({ offsetTable }) =>
        [...offsetTable].sort(([a], [b]) => compareQueues(a, b)).map(([queue, offsets]) => ({
          topic: front(queue.topic, 64),
          group,
          brokerName: front(queue.brokerName, 32),
          queueId: queue.queueId,
          brokerOffset: offsets.brokerOffset,
          consumerOffset: offsets.consumerOffset,
          diff: offsets.brokerOffset - offsets.consumerOffset,
          lastTime: offsets.lastTimestamp > 0 ? timeText(offsets.lastTimestamp) : "",
        }))
      )
    );
    out.table(CONSUME_STATS, rows.filter(({ diff, lastTime }) => diff >= threshold && lastTime !== ""));
    out.print("%nDiff Total: %d%n", stats.totalDiff);
  },
};

const producer: ToolCommand = {
  name: "producer",
  summary: "Query producer's instances, connection, status, etc.",
  options: [required("b", "broker", "broker address")],
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10911",
  async run({ admin, options, out }) {
    const groups = await admin.broker(options.text("b")).producers();
    if (groups.size === 0) return out.line("producer group is empty");
    const lines: string[] = [];
    for (const [group, members] of groups) {
      if (members.length === 0) lines.push(`producer group (${group}) instances are empty`);
      for (const { clientId, remoteIP, language, version, lastUpdateTimestamp } of members) {
        const instance = `clientId=${clientId},remoteIP=${remoteIP}, language=${language}, version=${version}, ` +
          `lastUpdateTimestamp=${lastUpdateTimestamp}`;
        lines.push(`producer group (${group}) instance : ${instance}`);
      }
    }
    out.value(Object.fromEntries(groups), lines.join("\n"));
  },
};

/** The commands of this file. */
export const BROKER_COMMANDS: readonly ToolCommand[] = [
  brokerStatus,
  getBrokerConfig,
  updateBrokerConfig,
  cleanExpiredCQ,
  cleanUnusedTopic,
  deleteExpiredCommitLog,
  brokerConsumeStats,
  producer,
];
