/**
 * Writes how busy the brokers of a cluster are into a JSON file. Source: RocketMQ `ExportMetricsCommand`.
 *
 * @module
 */
import type { BrokerAdmin } from "../../client/admin_broker.ts";
import type { BrokerStatsData } from "../../protocol/bodies/stats.ts";
import type { SubscriptionGroupConfig } from "../../protocol/bodies/group.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { CURRENT_VERSION, versionName } from "../../protocol/codes.ts";
import { SystemTopic } from "../../protocol/names.ts";
import { option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { daySum } from "../day_sum.ts";
import { DIRECTORY_DEFAULT, userGroups, userTopics, writeExport } from "./export.ts";

/** A broker's figures under RocketMQ's names. */
interface Quota {
  readonly tps: Readonly<Record<"normalInTps" | "normalOutTps" | "transInTps" | "scheduleInTps", number>>;
  readonly oneDayNum: Readonly<
    Record<"normalOneDayInNum" | "normalOneDayOutNum" | "transOneDayInNum" | "scheduleOneDayInNum", number>
  >;
}

const exportMetrics: ToolCommand = {
  name: "exportMetrics",
  summary: "Export metrics.",
  options: [
    required("c", "clusterName", "choose a cluster to export"),
    option("f", "filePath", `export metrics.json path | default ${DIRECTORY_DEFAULT}`),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster -f /tmp/export",
  async run(context) {
    const { admin, options } = context;
    const masters = (await admin.members(options.text("c"))).filter(({ brokerId }) => brokerId === MASTER_ID);
    const evaluateReport: Record<string, unknown> = {};
    const quotas: Quota[] = [];
    for (const { brokerName, address } of masters) {
      const broker = admin.broker(address);
      const [figures, config] = [await broker.runtimeInfo(), await broker.config()];
      const { groups } = await userGroups(broker);
      const quota = await quotaOf(broker, figures);
      quotas.push(quota);
      evaluateReport[brokerName] = {
        runtimeEnv: {
          cpuNum: config.get("clientCallbackExecutorThreads"),
          totalMemKBytes: figures.get("totalMemKBytes"),
        },
        runtimeQuota: {
          ...quota,
          diskRatio: {
            commitLogDiskRatio: figures.get("commitLogDiskRatio"),
            consumeQueueDiskRatio: figures.get("consumeQueueDiskRatio"),
          },
          groupSize: groups.size,
          messageAverageSize: figures.get("putMessageAverageSize"),
          topicSize: (await userTopics(broker, false)).topics.size,
        },
        runtimeVersion: {
          clientInfo: await clientsOf(context, groups),
          rocketmqVersion: versionName(CURRENT_VERSION),
        },
      };
    }
    writeExport(context, "metrics.json", { evaluateReport, totalData: totalsOf(quotas) });
  },
};

async function quotaOf(broker: BrokerAdmin, figures: ReadonlyMap<string, string>): Promise<Quota> {
  const puts = (topic: string) => broker.statsData("TOPIC_PUT_NUMS", topic);
  const [transactions, delayed] = [await puts(SystemTopic.TRANS_HALF), await puts(SystemTopic.SCHEDULE)];
  const first = (name: string) => Number(figures.get(name)?.trim().split(" ")[0] ?? 0) || 0;
  const tpsOf = (stats: BrokerStatsData | null) => stats?.statsMinute.tps ?? 0;
  const ofYesterday = (name: string) => first(`${name}TodayMorning`) - first(`${name}YesterdayMorning`);
  return {
    tps: {
      normalInTps: first("putTps"),
      // The name as RocketMQ 5.5 spells it, and as 4.x does.
      normalOutTps: first("getTransferredTps") || first("getTransferedTps"),
      transInTps: tpsOf(transactions),
      scheduleInTps: tpsOf(delayed),
    },
    oneDayNum: {
      normalOneDayInNum: ofYesterday("msgPutTotal"),
      normalOneDayOutNum: ofYesterday("msgGetTotal"),
      transOneDayInNum: daySum(transactions),
      scheduleOneDayInNum: daySum(delayed),
    },
  };
}

/** `LANGUAGE%VERSION` of each kind of client that consumes. */
async function clientsOf(
  { admin }: CommandContext,
  groups: ReadonlyMap<string, SubscriptionGroupConfig>,
): Promise<string[]> {
  const kinds = new Set<string>();
  for (const group of groups.keys()) {
    const online = await admin.consumerConnection(group).catch(() => null); // offline groups have no clients
    for (const { language, version } of online?.connections ?? []) kinds.add(`${language}%${versionName(version)}`);
  }
  return [...kinds].sort();
}

function totalsOf(quotas: readonly Quota[]) {
  const tps = (name: keyof Quota["tps"]) => quotas.reduce((sum, quota) => sum + quota.tps[name], 0);
  const day = (name: keyof Quota["oneDayNum"]) => quotas.reduce((sum, quota) => sum + quota.oneDayNum[name], 0);
  return {
    totalTps: {
      totalNormalInTps: tps("normalInTps"),
      totalNormalOutTps: tps("normalOutTps"),
      totalTransInTps: tps("transInTps"),
      totalScheduleInTps: tps("scheduleInTps"),
    },
    totalOneDayNum: {
      normalOneDayInNum: day("normalOneDayInNum"),
      normalOneDayOutNum: day("normalOneDayOutNum"),
      transOneDayInNum: day("transOneDayInNum"),
      scheduleOneDayInNum: day("scheduleOneDayInNum"),
    },
  };
}

/** The commands of this file. */
export const EXPORT_METRICS_COMMANDS: readonly ToolCommand[] = [exportMetrics];
