/**
 * Commands about clusters. Source: RocketMQ, package `org.apache.rocketmq.tools.command.cluster`.
 *
 * @module
 */
import type { ClusterMember } from "../../client/admin.ts";
import type { Producer } from "../../client/producer.ts";
import { flag, option } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { printf } from "../printf.ts";

type Figures = ReadonlyMap<string, string>;

const NO_FIGURES: Figures = new Map();

const clusterList: ToolCommand = {
  name: "clusterList",
  summary: "List cluster infos.",
  options: [
    flag("m", "moreStats", "Print more stats"),
    option("i", "interval", "specify intervals numbers, it is in seconds"),
    option("c", "clusterName", "which cluster"),
  ],
  example: "-n 127.0.0.1:9876 -m",
  async run(context) {
    const { admin, options, out, clock } = context;
    const intervalMs = options.count("i", 0) * 1000;
    for (;;) {
      const members = await admin.members(options.optional("c"));
      const rows: [ClusterMember, Figures][] = [];
      for (const member of members) rows.push([member, await figuresOf(context, member)]);
      if (options.has("m")) out.table(TOTALS, rows.map(([member, figures]) => totalsRow(member, figures)));
      else out.table(OVERVIEW, rows.map(([member, figures]) => overviewRow(member, figures, clock.now())));
      if (!options.has("i")) return;
      out.flush();
      await clock.sleep(intervalMs);
    }
  },
};

/** A broker that does not answer is listed without figures. */
async function figuresOf({ admin, problem }: CommandContext, { address }: ClusterMember): Promise<Figures> {
  try {
    return await admin.broker(address).runtimeInfo();
  } catch (error) {
    problem(error);
    return NO_FIGURES;
  }
}

const TOTALS: TableSpec<"cluster" | "brokerName" | "inYesterday" | "outYesterday" | "inToday" | "outToday"> = {
  columns: {
    cluster: "#Cluster Name",
    brokerName: "#Broker Name",
    inYesterday: "#InTotalYest",
    outYesterday: "#OutTotalYest",
    inToday: "#InTotalToday",
    outToday: "#OutTotalToday",
  },
  head: "%-16s  %-32s %14s %14s %14s %14s",
};

function totalsRow({ cluster, brokerName }: ClusterMember, figures: Figures) {
  const between = (from: string, to: string) => (number(figures, to) ?? 0) - (number(figures, from) ?? 0);
  return {
    cluster,
    brokerName,
    inYesterday: between("msgPutTotalYesterdayMorning", "msgPutTotalTodayMorning"),
    outYesterday: between("msgGetTotalYesterdayMorning", "msgGetTotalTodayMorning"),
    inToday: between("msgPutTotalTodayMorning", "msgPutTotalTodayNow"),
    outToday: between("msgGetTotalTodayMorning", "msgGetTotalTodayNow"),
  };
}

const OVERVIEW: TableSpec<
  | "cluster"
  | "brokerName"
  | "brokerId"
  | "address"
  | "version"
  | "in"
  | "out"
  | "timer"
  | "pageCacheWaitMs"
  | "hours"
  | "space"
  | "activated"
> = {
  columns: {
    cluster: "#Cluster Name",
    brokerName: "#Broker Name",
    brokerId: "#BID",
    address: "#Addr",
    version: "#Version",
    in: "#InTPS(LOAD)",
    out: "#OutTPS(LOAD)",
    timer: "#Timer(Progress)",
    pageCacheWaitMs: "#PCWait(ms)",
    hours: "#Hour",
    space: "#SPACE",
    activated: "#ACTIVATED",
  },
  head: "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %-11s  %-12s  %-8s  %-10s",
  row: "%-22s  %-22s  %-4s  %-22s %-16s  %16s  %30s  %-22s  %11s  %-12s  %-8s  %10s",
};

function overviewRow({ cluster, brokerName, brokerId, address }: ClusterMember, figures: Figures, nowMs: number) {
  const text = (name: string, missing = "") => figures.get(name) ?? missing;
  const inTps = firstNumber(figures.get("putTps"));
  const outTps = firstNumber(figures.get("getTransferredTps") ?? figures.get("getTransferedTps"));
  const missingAck = figures.size === 0 ? "" : "N";
  const earliestMs = number(figures, "earliestMessageTimeStamp");
  const timer = ["timerReadBehind", "timerOffsetBehind", "timerCongestNum", "timerEnqueueTps", "timerDequeueTps"]
    .map((name) => number(figures, name) ?? 0);
  return {
    cluster,
    brokerName,
    brokerId,
    address,
    version: text("brokerVersionDesc"),
    in: printf(
      "%9.2f(%s,%sms)",
      inTps,
      text("sendThreadPoolQueueSize"),
      text("sendThreadPoolQueueHeadWaitTimeMills"),
    ),
    out: printf(
      "%9.2f(%s,%sms|%s,%sms)",
      outTps,
      text("pullThreadPoolQueueSize"),
      text("pullThreadPoolQueueHeadWaitTimeMills"),
      text("ackThreadPoolQueueSize", missingAck),
      text("ackThreadPoolQueueHeadWaitTimeMills", missingAck),
    ),
    timer: printf("%d-%d(%.1fw, %.1f, %.1f)", timer[0], timer[1], timer[2]! / 10000, timer[3], timer[4]),
    pageCacheWaitMs: text("pageCacheLockTimeMills"),
    hours: ((earliestMs === undefined ? 0 : nowMs - earliestMs) / 3_600_000).toFixed(2),
    space: (number(figures, "commitLogDiskRatio") ?? 0).toFixed(4),
    activated: text("brokerActive").toLowerCase() === "true",
  };
}

function number(figures: Figures, name: string): number | undefined {
  const text = figures.get(name)?.trim();
  const value = text === undefined || text === "" ? NaN : Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** The first of the numbers in `10 s, 1 min, 10 min`. */
function firstNumber(text: string | undefined): number {
  const value = Number(text?.trim().split(" ")[0] ?? "");
  return Number.isNaN(value) ? 0 : value;
}

const SEND_TIMES: TableSpec<"cluster" | "brokerName" | "rtMs" | "successCount" | "failCount"> = {
  columns: {
    cluster: "#Cluster Name",
    brokerName: "#Broker Name",
    rtMs: "#RT",
    successCount: "#successCount",
    failCount: "#failCount",
  },
  head: "%-24s  %-24s  %-4s  %-8s  %-8s",
  row: "%-24s  %-24s  %-8s  %-16s  %-16s",
};

/** Time that lines for log collectors are written in, as RocketMQ's: eight hours before UTC. */
const TLOG_ZONE_MS = 8 * 3_600_000;

const clusterRT: ToolCommand = {
  name: "clusterRT",
  summary: "List All clusters Message Send RT.",
  options: [
    option("a", "amount", "message amount | default 100"),
    option("s", "size", "message size | default 128 Byte"),
    option("c", "cluster", "cluster name | default display all cluster"),
    option("p", "print log", "print as tlog | default false"),
    option("m", "machine room", "machine room name | default noname"),
    option("i", "interval", "print interval | default 10 seconds"),
  ],
  example: "-n 127.0.0.1:9876 -a 20 -i 30",
  async run(context) {
    const { admin, options, out, clock, client } = context;
    const cluster = options.optional("c");
    const asLog = options.bool("p", false);
    const intervalMs = options.count("i", 10) * 1000;
    await using producer = client.producer({ group: String(clock.now()) });
    await producer.start();
    for (let isFirst = true;; isFirst = false) {
      const names = new Map((await admin.members(cluster)).map((each) => [each.brokerName, each.cluster]));
      if (names.size === 0 && cluster !== undefined) return out.line(`cluster [${cluster}] not exist`);
      const rows = [];
      for (const [brokerName, clusterName] of names) {
        const { rtMs, successCount, failCount } = await sendTimes(context, producer, brokerName);
        rows.push({ cluster: clusterName, brokerName, rtMs: rtMs.toFixed(2), successCount, failCount });
        if (!asLog) continue;
        const time = new Date(clock.now() + TLOG_ZONE_MS).toISOString().slice(0, 19).replace("T", " ");
        const room = options.optional("m") ?? "noname";
        out.line([time, room, clusterName, brokerName, Math.round(rtMs)].join("|"));
      }
      if (!asLog) out.table(SEND_TIMES, rows, isFirst);
      out.flush();
      await clock.sleep(intervalMs);
    }
  },
};

/** Sends to the topic that has a broker's name. The first send is not timed: it also makes the connection. */
async function sendTimes({ options, clock }: CommandContext, producer: Producer, topic: string) {
  const amount = options.int("a", 100);
  const body = new Uint8Array(options.count("s", 128)).fill(0x61);
  let [totalMs, successCount, failCount] = [0, 0, 0];
  for (let i = 0; i < amount; i++) {
    const startMs = clock.monotonicMs();
    if (await producer.send({ topic, body }).then(() => true, () => false)) successCount++;
    else failCount++;
    if (i > 0) totalMs += clock.monotonicMs() - startMs;
  }
  return { rtMs: totalMs / Math.max(1, amount - 1), successCount, failCount };
}

/** The commands of this file. */
export const CLUSTER_COMMANDS: readonly ToolCommand[] = [clusterList, clusterRT];
