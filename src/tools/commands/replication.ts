/**
 * Commands about replication. Source: RocketMQ `HAStatusSubCommand`, `ResetMasterFlushOffsetSubCommand`.
 *
 * @module
 */
import type { HaStatus } from "../../protocol/bodies/ha_status.ts";
import { option } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { type TableSpec, textOutput } from "../output.ts";
import { printf, timeTextMs } from "../printf.ts";
import { targetAddresses } from "../targets.ts";

/** Seconds between two rounds when `-i` has no value. */
const INTERVAL_DEFAULT_SEC = 3;

const SLAVES: TableSpec<"slaveAddr" | "ackOffset" | "diff" | "speed" | "status" | "transferFrom"> = {
  columns: {
    slaveAddr: "#SlaveAddr",
    ackOffset: "#SlaveAckOffset",
    diff: "#Diff",
    speed: "#TransferSpeed(KB/s)",
    status: "#Status",
    transferFrom: "#TransferFromWhere",
  },
  head: "%-32s  %-16s %16s %16s %16s %16s",
};

const haStatus: ToolCommand = {
  name: "haStatus",
  summary: "Fetch ha runtime status data.",
  options: [
    option("c", "clusterName", "which cluster"),
    option("b", "brokerAddr", "which broker to fetch"),
    option("i", "interval", "the interval(second) of get info"),
  ],
  example: "-n 127.0.0.1:9876 -c DefaultCluster",
  async run(context) {
    const { admin, options, out, clock } = context;
    const intervalMs = options.count("i", INTERVAL_DEFAULT_SEC) * 1000;
    for (;;) {
      for (const address of await targetAddresses(context)) {
        printStatus(context, address, await admin.broker(address).haStatus());
      }
      if (!options.has("i")) return;
      out.flush();
      await clock.sleep(intervalMs);
    }
  },
};

function printStatus({ out }: CommandContext, address: string, status: HaStatus): void {
  const kibibytes = (bytes: number) => printf("%.2f", bytes / 1024);
  if (!status.master) {
    const client = status.haClientRuntimeInfo;
    const lines: [title: string, value: string][] = [
      ["MasterAddr", client.masterAddr ?? "null"],
      ["CommitLogMaxOffset", String(client.maxOffset)],
      ["TransferSpeed(KB/s)", kibibytes(client.transferredByteInSecond)],
      ["LastReadTime", timeTextMs(client.lastReadTimestamp)],
      ["LastWriteTime", timeTextMs(client.lastWriteTimestamp)],
      ["MasterFlushOffset", String(client.masterFlushOffset)],
    ];
    return out.value(
      { brokerAddr: address, ...client },
      ["", ...lines.map(([title, value]) => `#${title}\t${value}`)].join("\n"),
    );
  }
  const { masterCommitLogMaxOffset, haConnectionInfo, inSyncSlaveNums } = status;
  const slaves = haConnectionInfo.map((slave) => ({
    slaveAddr: slave.addr,
    ackOffset: slave.slaveAckOffset,
    diff: slave.diff,
    speed: kibibytes(slave.transferredByteInSecond),
    status: slave.inSync ? "OK" : "Fall Behind",
    transferFrom: slave.transferFromWhere,
  }));
  let text = "";
  const lines = textOutput((each) => void (text += each));
  lines.print("\n#MasterAddr\t%s\n#MasterCommitLogMaxOffset\t%d\n", address, masterCommitLogMaxOffset);
  lines.print("#SlaveNum\t%d\n#InSyncSlaveNum\t%d\n", slaves.length, inSyncSlaveNums);
  lines.table(SLAVES, slaves);
  const facts = { masterAddr: address, masterCommitLogMaxOffset, slaveNum: slaves.length, inSyncSlaveNums, slaves };
  out.value(facts, text.replace(/\n$/, ""));
}

const resetMasterFlushOffset: ToolCommand = {
  name: "resetMasterFlushOffset",
  summary: "Reset master flush offset in slave.",
  options: [option("b", "brokerAddr", "which broker to reset"), option("o", "offset", "the offset to reset at")],
  example: "-n 127.0.0.1:9876 -b 127.0.0.1:10921 -o 1048576",
  async run({ admin, options, out }) {
    if (!options.has("b") || !options.has("o")) throw new TypeError("the options -b and -o are needed");
    const offset = options.int("o", 0);
    await admin.broker(options.text("b")).resetMasterFlushOffset(offset);
    out.line(`reset master flush offset to ${offset} success`);
  },
};

/** The commands of this file. */
export const REPLICATION_COMMANDS: readonly ToolCommand[] = [haStatus, resetMasterFlushOffset];
