/**
 * Commands that send messages, and the figures of topics. Source: RocketMQ, packages
 * `org.apache.rocketmq.tools.command.message`, `.broker` and `.stats`.
 *
 * @module
 */
import type { AdminClient } from "../../client/admin.ts";
import { DLQ_PREFIX, RETRY_PREFIX } from "../../client/names.ts";
import type { Producer } from "../../client/producer.ts";
import { sendResultText } from "../../examples/text.ts";
import { totalDiffOf } from "../../protocol/bodies/stats.ts";
import { messageQueue } from "../../protocol/message_queue.ts";
import { flag, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { daySum } from "../day_sum.ts";
import type { TableSpec } from "../output.ts";
import { front } from "../printf.ts";

async function withProducer<T>(
  { client, clock }: CommandContext,
  work: (producer: Producer) => Promise<T>,
  enableMsgTrace = false,
): Promise<T> {
  await using producer = client.producer({ group: `SendMessageCommand_${clock.now()}`, enableMsgTrace });
  await producer.start();
  return await work(producer);
}

const SENT: TableSpec<"brokerName" | "queueId" | "result" | "msgId"> = {
  columns: { brokerName: "#Broker Name", queueId: "#QID", result: "#Send Result", msgId: "#MsgId" },
  head: "%-32s  %-4s  %-20s    %s",
};

const sendMessage: ToolCommand = {
  name: "sendMessage",
  summary: "Send a message.",
  options: [
    required("t", "topic", "Topic name"),
    required("p", "body", "UTF-8 string format of the message body"),
    option("k", "key", "Message keys"),
    option("c", "tags", "Message tags"),
    option("b", "broker", "Send message to target broker"),
    option("i", "qid", "Send message to target queue"),
    option("m", "msgTraceEnable", "Message Trace Enable, Default: false"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -p 'Hello' -c TagA -k order-4711",
  async run(context) {
    const { options, out } = context;
    if (options.has("i") && !options.has("b")) return out.line("Broker name must be set if the queue is chosen!");
    const topic = options.text("t");
    const [keys, tags, queueId] = [options.optional("k"), options.optional("c"), options.int("i", -1)];
    const queue = options.has("b") && queueId > -1 ? messageQueue(options.text("b"), queueId, topic) : undefined;
    const message = {
      topic,
      body: options.text("p"),
      ...(keys !== undefined && { keys }),
      ...(tags !== undefined && { tags }),
    };
    const result = await withProducer(
      context,
      (producer) => producer.send(message, queue === undefined ? {} : { queue }),
      options.bool("m", false),
    );
    const { brokerName, queueId: sentTo } = result.queue;
    out.table(SENT, [{ brokerName, queueId: sentTo, result: result.sendStatus, msgId: result.msgId }]);
  },
};

const sendMsgStatus: ToolCommand = {
  name: "sendMsgStatus",
  summary: "Send msg to broker.",
  options: [
    required("b", "brokerName", "Broker Name e.g. clusterName_brokerName as DefaultCluster_broker-a"),
    option("s", "messageSize", "Message Size, Default: 128"),
    option("c", "count", "send message count, Default: 50"),
  ],
  example: "-n 127.0.0.1:9876 -b broker-a -c 10",
  async run(context) {
    const { options, out, clock } = context;
    const topic = options.text("b");
    const body = new Uint8Array(options.count("s", 128)).fill(0x61);
    await withProducer(context, async (producer) => {
      await producer.send({ topic, body: body.slice(0, 16) });
      for (let i = 0; i < options.int("c", 50); i++) {
        const startMs = clock.monotonicMs();
        const result = await producer.send({ topic, body });
        out.line(`rt=${Math.round(clock.monotonicMs() - startMs)}ms, SendResult=${sendResultText(result)}`);
      }
    });
  },
};

const SEND_TIMES: TableSpec<"brokerName" | "queueId" | "result" | "rtMs"> = {
  columns: { brokerName: "#Broker Name", queueId: "#QID", result: "#Send Result", rtMs: "#RT" },
  head: "%-32s  %-4s  %-20s    %s",
};

const checkMsgSendRT: ToolCommand = {
  name: "checkMsgSendRT",
  summary: "Check message send response time.",
  options: [
    required("t", "topic", "topic name"),
    option("a", "amount", "message amount | default 100"),
    option("s", "size", "message size | default 128 Byte"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -a 20",
  async run(context) {
    const { options, out, clock } = context;
    const topic = options.text("t");
    const body = new Uint8Array(options.count("s", 128)).fill(0x61);
    const count = options.int("a", 100);
    const rows = await withProducer(context, async (producer) => {
      const queues = await producer.fetchPublishMessageQueues(topic);
      const rows = [];
      for (let i = 0; i < count; i++) {
        const queue = queues[i % queues.length]!;
        const startMs = clock.monotonicMs();
        const result = await producer.send({ topic, body }, { queue }).then(() => true, () => false);
        const rtMs = Math.round(clock.monotonicMs() - startMs);
        rows.push({ brokerName: queue.brokerName, queueId: queue.queueId, result, rtMs });
      }
      return rows;
    });
    out.table(SEND_TIMES, rows);
    // The first one is left out, as in RocketMQ: it also made the connection.
    const times = rows.slice(1).map(({ rtMs }) => rtMs);
    out.print("Avg RT: %.2f%n", times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length));
  },
};

const STATS: TableSpec<"topic" | "consumerGroup" | "accumulation" | "inTps" | "outTps" | "in24Hours" | "out24Hours"> = {
  columns: {
    topic: "#Topic",
    consumerGroup: "#Consumer Group",
    accumulation: "#Accumulation",
    inTps: "#InTPS",
    outTps: "#OutTPS",
    in24Hours: "#InMsg24Hour",
    out24Hours: "#OutMsg24Hour",
  },
  head: "%-64s  %-64s %12s %11s %11s %14s %14s",
};

const statsAll: ToolCommand = {
  name: "statsAll",
  summary: "Topic and Consumer tps stats.",
  options: [
    flag("a", "activeTopic", "print active topic only"),
    option("t", "topic", "print select topic only"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest",
  async run({ admin, options, out, problem }) {
    const only = options.optional("t");
    const topics = (await admin.namesrv.topics()).filter((topic) =>
      !topic.startsWith(RETRY_PREFIX) && !topic.startsWith(DLQ_PREFIX) && (only === undefined || topic === only)
    );
    const rows = [];
    for (const topic of topics) {
      try {
        rows.push(...await topicRows(admin, topic, options.has("a")));
      } catch (error) {
        problem(error);
      }
    }
    out.table(STATS, rows);
  },
};

async function topicRows(admin: AdminClient, topic: string, activeOnly: boolean) {
  const input = await sumStats(admin, topic, "TOPIC_PUT_NUMS", topic);
  const groups = await (await admin.anyBrokerOf(topic)).consumersOf(topic);
  const inTps = input.tps.toFixed(2);
  const base = { topic: front(topic, 64), inTps, in24Hours: input.day };
  if (groups.length === 0) {
    if (activeOnly && input.day === 0) return [];
    return [{ ...base, consumerGroup: "", accumulation: 0, outTps: "", out24Hours: "NO_CONSUMER" }];
  }
  const rows = [];
  for (const group of groups) {
    const output = await sumStats(admin, topic, "GROUP_GET_NUMS", `${topic}@${group}`);
    if (activeOnly && input.day === 0 && output.day === 0) continue;
    const accumulation = Math.max(0, await admin.consumeStats(group, topic).then(totalDiffOf, () => 0));
    const consumerGroup = front(group, 64);
    rows.push({ ...base, consumerGroup, accumulation, outTps: output.tps.toFixed(2), out24Hours: output.day });
  }
  return rows;
}

/** A figure of all brokers of a topic: by second over the last minute, and the sum of a day. */
async function sumStats(admin: AdminClient, topic: string, name: string, key: string) {
  let [tps, day] = [0, 0];
  for (const broker of await admin.brokersOf(topic)) {
    const stats = await broker.statsData(name, key);
    tps += stats?.statsMinute.tps ?? 0;
    day += daySum(stats);
  }
  return { tps, day };
}

/** The commands of this file. */
export const SEND_COMMANDS: readonly ToolCommand[] = [sendMessage, sendMsgStatus, checkMsgSendRT, statsAll];
