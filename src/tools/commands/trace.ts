/**
 * What became of a message, from the traces that producers and consumers wrote. Source: RocketMQ
 * `QueryMsgTraceByIdSubCommand`, `TraceView`.
 *
 * @module
 */
import { queryMessages } from "../../client/admin_messages.ts";
import type { ReceivedMessage } from "../../client/message.ts";
import { BrokerError } from "../../client/errors.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import { SystemTopic } from "../../protocol/names.ts";
import { decodeTrace } from "../../protocol/trace.ts";
import { option, required } from "../arguments.ts";
import type { ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { timeText } from "../printf.ts";

/** One line: a message was sent, or consumed. */
interface TraceRow {
  readonly type: "Pub" | "Sub";
  readonly group: string;
  readonly clientHost: string;
  readonly time: string;
  readonly costTime: string;
  readonly status: "success" | "failed";
}

const FORMAT = "%-10s %-20s %-20s %-20s %-10s %-10s";
const PUB: TableSpec<keyof TraceRow> = {
  columns: {
    type: "#Type",
    group: "#ProducerGroup",
    clientHost: "#ClientHost",
    time: "#SendTime",
    costTime: "#CostTimes",
    status: "#Status",
  },
  head: FORMAT,
};
const SUB: TableSpec<keyof TraceRow> = {
  columns: { ...PUB.columns, group: "#ConsumerGroup", time: "#ConsumerTime" },
  head: FORMAT,
};

const queryMsgTraceById: ToolCommand = {
  name: "queryMsgTraceById",
  summary: "Query a message trace.",
  options: [
    required("i", "msgId", "Message Id"),
    option("t", "traceTopic", "The name value of message trace topic"),
    option("b", "beginTimestamp", "Begin timestamp(ms). default:0, eg:1676730526212"),
    option("e", "endTimestamp", "End timestamp(ms). default:Long.MAX_VALUE, eg:1676730526212"),
    option("c", "maxNum", "The maximum number of messages returned by the query, default:64"),
  ],
  example: "-n 127.0.0.1:9876 -i 7F0000010A2418B4AAC2153B6AD00000",
  async run({ admin, options, out }) {
    const msgId = options.text("i");
    const messages = await queryMessages(admin, {
      topic: options.optional("t") ?? SystemTopic.TRACE,
      key: msgId,
      maxNum: options.int("c", 64),
      beginMs: options.int("b", 0),
      endMs: options.int("e", Number.MAX_SAFE_INTEGER),
      isUniqueId: false,
    });
    if (messages.length === 0) {
      throw new BrokerError(ResponseCode.NO_MESSAGE, "query message by key finished, but no message.", "");
    }
    const rows = messages.flatMap((message) => rowsOf(message, msgId));
    for (const row of rows.filter(({ type }) => type === "Pub")) {
      out.table(PUB, [row]);
      out.print("%n");
    }
    const consumed = Map.groupBy(rows.filter(({ type }) => type === "Sub"), ({ group }) => group);
    for (const groupRows of consumed.values()) {
      out.table(SUB, groupRows);
      out.print("%n");
    }
  },
};

/** What the records of a trace message say of the message `msgId`. */
function rowsOf(trace: ReceivedMessage, msgId: string): TraceRow[] {
  const host = trace.bornHost.slice(0, trace.bornHost.lastIndexOf(":"));
  return decodeTrace(trace.text()).flatMap((record): TraceRow[] => {
    if (record.msgId !== msgId || (record.type !== "Pub" && record.type !== "SubAfter")) return [];
    return [{
      type: record.type === "Pub" ? "Pub" : "Sub",
      group: record.groupName ?? "",
      clientHost: host,
      time: timeText(record.timestamp ?? 0),
      costTime: `${record.costTimeMs}ms`,
      status: record.success ? "success" : "failed",
    }];
  });
}

/** The commands of this file. */
export const TRACE_COMMANDS: readonly ToolCommand[] = [queryMsgTraceById];
