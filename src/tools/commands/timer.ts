/**
 * Commands about messages that wait for their time: what waits, to cancel one, to move one. They are Rucola's own; RocketMQ's
 * tools have nothing like them, and its brokers do not know the requests.
 *
 * @module
 */
import type { TimerMessageChoice } from "../../client/admin_broker.ts";
import { BrokerError } from "../../client/errors.ts";
import type { TimerMessageInfo, TimerMessagePage } from "../../protocol/bodies/timer.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import { option, required, UsageError } from "../arguments.ts";
import type { CommandContext, GivenOptions, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { front, parseTime, timeTextMs } from "../printf.ts";
import { targetsOrAll } from "../targets.ts";

const COUNT_DEFAULT = 64;
const PAGE_SIZE = 256;
const BROKER = option("b", "brokerAddr", "which broker | default all masters");
const CLUSTER = option("c", "clusterName", "which cluster | default all clusters");

const PENDING: TableSpec<"brokerAddr" | "deliverTime" | "topic" | "queueId" | "msgId" | "timerOffset" | "keys"> = {
  columns: {
    brokerAddr: "#Broker Addr",
    deliverTime: "#Deliver Time",
    topic: "#Topic",
    queueId: "#QID",
    msgId: "#Message ID",
    timerOffset: "#Timer Offset",
    keys: "#Keys",
  },
  head: "%-22s  %-23s  %-32s  %-4s  %-50s  %-13s  %s",
};

const listTimer: ToolCommand = {
  name: "listTimer",
  summary: "List messages that wait for their time, the next ones first.",
  options: [
    BROKER,
    CLUSTER,
    option("t", "topic", "only messages to this topic"),
    option("m", "maxNum", `how many of each broker | default ${COUNT_DEFAULT}`),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest",
  async run(context) {
    const rows = [];
    for (const brokerAddr of await targetsOrAll(context)) {
      for (const { dueMs, topic, queueId, uniqueKey, queueOffset, keys } of await pendingAt(context, brokerAddr)) {
        rows.push({
          brokerAddr,
          deliverTime: timeTextMs(dueMs),
          topic: front(topic, 64),
          queueId,
          msgId: uniqueKey,
          timerOffset: queueOffset,
          keys,
        });
      }
    }
    context.out.table(PENDING, rows.sort((a, b) => a.deliverTime < b.deliverTime ? -1 : 1));
  },
};

/** The next messages of one broker. A page can be empty and not the last. */
async function pendingAt({ admin, options }: CommandContext, address: string): Promise<TimerMessageInfo[]> {
  const wanted = options.int("m", COUNT_DEFAULT);
  const messages: TimerMessageInfo[] = [];
  for (let next: TimerMessagePage["next"] = null;;) {
    const size = Math.min(PAGE_SIZE, wanted - messages.length);
    const page: TimerMessagePage = await admin.broker(address).timerMessages(options.optional("t"), next, size);
    messages.push(...page.messages);
    if (page.next === null || messages.length >= wanted) return messages.slice(0, wanted);
    next = page.next;
  }
}

const WHICH = [
  BROKER,
  option("t", "topic", "topic of the message, with -i"),
  option("i", "msgId", "Message Id, the unique id that its producer was told"),
  option("o", "timerOffset", "timer offset as listTimer shows it, with -b"),
];

const cancelTimer: ToolCommand = {
  name: "cancelTimer",
  summary: "Cancel a message that waits for its time.",
  options: WHICH,
  example: "-n 127.0.0.1:9876 -t TopicTest -i 7F0000010A2418B4AAC2153B6AD00000",
  run: (context) => change(context, "cancel timer message", (broker, which) => broker.cancelTimer(which)),
};

const updateTimer: ToolCommand = {
  name: "updateTimer",
  summary: "Have a message that waits for its time delivered at another time.",
  options: [
    ...WHICH,
    required("s", "deliverTime", "when to deliver it [now|currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -i 7F0000010A2418B4AAC2153B6AD00000 -s 2026-01-31#08:00:00:000",
  async run(context) {
    const given = context.options.text("s");
    const deliverMs = given === "now" ? context.clock.now() : parseTime(given);
    const what = `update timer message to ${timeTextMs(deliverMs)}`;
    await change(context, what, (broker, which) => broker.retimeTimer(which, deliverMs));
  },
};

type BrokerAdmin = ReturnType<CommandContext["admin"]["broker"]>;

/** Asks each broker that may have the message. @throws {BrokerError} QUERY_NOT_FOUND when none had it. */
async function change(
  { admin, options, out }: CommandContext,
  what: string,
  apply: (broker: BrokerAdmin, which: TimerMessageChoice) => Promise<number>,
): Promise<void> {
  const which = choiceOf(options);
  const address = options.optional("b");
  const brokers = address === undefined ? await admin.brokersOf(options.text("t")) : [admin.broker(address)];
  let total = 0;
  let missing: BrokerError | null = null;
  for (const broker of brokers) {
    try {
      const count = await apply(broker, which);
      total += count;
      out.line(`${what} success. broker[${broker.address}], count[${count}]`);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== ResponseCode.QUERY_NOT_FOUND) throw error;
      missing = error;
    }
  }
  if (total === 0 && missing !== null) throw missing;
}

function choiceOf(options: GivenOptions): TimerMessageChoice {
  if (options.has("o") && options.has("b")) return { timerOffset: options.int("o", 0) };
  if (options.has("t") && options.has("i")) return { topic: options.text("t"), msgId: options.text("i") };
  throw new UsageError("name the message with -t and -i, or with -b and -o");
}

/** The commands of this file. */
export const TIMER_COMMANDS: readonly ToolCommand[] = [listTimer, cancelTimer, updateTimer];
