/**
 * Commands that find messages and print them. Source: RocketMQ, package `org.apache.rocketmq.tools.command.message`.
 *
 * @module
 */
import type { ConsumeDirectlyResult } from "../../protocol/bodies/running_info.ts";
import type { MessageQuery } from "../../client/admin_broker.ts";
import { messageByOffsetId, queryMessages, trackMessage } from "../../client/admin_messages.ts";
import { BrokerError } from "../../client/errors.ts";
import type { Message, ReceivedMessage } from "../../client/message.ts";
import { retryTopicOf } from "../../client/names.ts";
import type { PullConsumer } from "../../client/pull_consumer.ts";
import { messageText, propertiesText, queueText, sendResultText } from "../../examples/text.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { flag, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { writeFile } from "../files.ts";
import type { TableSpec } from "../output.ts";
import { parseTime, type Printable, printf, timeTextMs } from "../printf.ts";

const CLUSTER = option("c", "cluster", "Cluster name or lmq parent topic, lmq is used to find the route.");
/** Group in whose name tools pull when nobody chose another one. Source: RocketMQ `MixAll#TOOLS_CONSUMER_GROUP`. */
const TOOLS_GROUP = "TOOLS_CONSUMER";
const BODY_DIRECTORY = "/tmp/rocketmq/msgbodys";
const PULL_SIZE = 32;
const HOUR_MS = 3_600_000;

const queryMsgById: ToolCommand = {
  name: "queryMsgById",
  summary: "Query Message by Id.",
  options: [
    required("t", "topic", "topic name"),
    required("i", "msgId", "Message Id"),
    option("g", "consumerGroup", "consumer group name"),
    option("d", "clientId", "The consumer's client id"),
    option("s", "sendMessage", "resend message"),
    option("u", "unitName", "unit name"),
    option("f", "bodyFormat", "print message body by the specified format"),
    CLUSTER,
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -i 7F00000100002A9F0000000000000000",
  async run(context) {
    const { options, out } = context;
    const ids = options.text("i").split(",").map((each) => each.trim()).filter((each) => each !== "");
    for (const id of ids) {
      const message = await findById(context, id);
      if (options.has("g") && options.has("d")) {
        out.line(directlyText(await consumeDirectly(context, message)));
      } else if (options.has("s")) {
        if (options.bool("s", false)) await resend(context, message, id);
      } else {
        await printFound(context, message, true);
      }
    }
  },
};

/** By offset message id or, since clients print those first, by unique id. */
async function findById({ admin, options }: CommandContext, msgId: string): Promise<ReceivedMessage> {
  const topic = options.text("t");
  const routeTopic = options.optional("c") ?? topic;
  const byOffset = await messageByOffsetId(admin, topic, msgId).catch(() => null);
  if (byOffset !== null) return byOffset;
  const query = { topic, key: msgId, maxNum: 32, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER, isUniqueId: true };
  const [message] = await queryMessages(admin, query, routeTopic);
  if (message !== undefined) return message;
  throw new BrokerError(ResponseCode.NO_MESSAGE, "query message by id finished, but no message.", "");
}

async function resend({ client, out }: CommandContext, message: ReceivedMessage, msgId: string): Promise<void> {
  out.print("prepare resend msg. originalMsgId=%s", msgId);
  await using producer = client.producer({ group: "ReSendMsgById" });
  await producer.start();
  const { topic, body, flag } = message;
  const again: Message = { topic, body, flag, properties: Object.fromEntries(message.properties) };
  out.line(sendResultText(await producer.send(again)));
}

async function consumeDirectly({ admin, options }: CommandContext, message: ReceivedMessage) {
  const [group, clientId] = [options.text("g"), options.text("d")];
  const broker = await admin.anyBrokerOf(retryTopicOf(group));
  return await broker.consumeDirectly(group, clientId, message.offsetMsgId);
}

function directlyText({ autoCommit, consumeResult, order, remark, spentTimeMills }: ConsumeDirectlyResult): string {
  return `ConsumeMessageDirectlyResult [order=${order}, autoCommit=${autoCommit}, consumeResult=${consumeResult}, ` +
    `remark=${remark}, spentTimeMills=${spentTimeMills}]`;
}

/** Prints a message with what each group has done with it, and writes its body into a file. */
async function printFound(
  context: CommandContext,
  message: ReceivedMessage,
  withId: boolean,
  index = "",
): Promise<void> {
  const { admin, options, out } = context;
  const fields: [title: string, value: Printable][] = [
    ["Topic:", message.topic],
    ["Tags:", `[${message.tags ?? null}]`],
    ["Keys:", `[${message.keys.length === 0 ? null : message.keys.join(" ")}]`],
    ["Queue ID:", message.queueId],
    ["Queue Offset:", message.queueOffset],
    ["CommitLog Offset:", message.physicalOffset],
    ["Reconsume Times:", message.reconsumeTimes],
    ["Born Timestamp:", timeTextMs(message.bornTimestamp)],
    ["Store Timestamp:", timeTextMs(message.storeTimestamp)],
    ["Born Host:", message.bornHost],
    ["Store Host:", message.storeHost],
    ["System Flag:", message.sysFlag],
    ["Properties:", propertiesText(message)],
    ["Message Body Path:", writeBody(context, message, index)],
  ];
  if (withId) fields.unshift(["OffsetID:", message.offsetMsgId]);
  const format = withId ? options.optional("f") : undefined;
  if (format !== undefined) fields.push(["Message Body:", new TextDecoder(format).decode(message.body)]);
  const tracks = await trackMessage(admin, message);
  const lines = fields.map(([title, value]) => printf("%-20s %s", title, value));
  const trackLines = tracks.map(({ consumerGroup, trackType, exceptionDesc }) =>
    `MessageTrack [consumerGroup=${consumerGroup}, trackType=${trackType}, exceptionDesc=${exceptionDesc}]`
  );
  // By unique key RocketMQ prints them on one line.
  const trackText = trackLines.length === 0 ? "WARN: No Consumer" : trackLines.join(withId ? "\n" : "");
  const text = [...lines, "", "", trackText].join("\n");
  const properties = Object.fromEntries(message.properties);
  const { topic, queueId, queueOffset, physicalOffset, msgId, offsetMsgId, bornTimestamp, storeTimestamp } = message;
  const ids = { topic, queueId, queueOffset, physicalOffset, msgId, offsetMsgId };
  out.value({ ...ids, bornTimestamp, storeTimestamp, properties, body: message.text(), tracks }, text);
}

function writeBody({ disk }: CommandContext, message: ReceivedMessage, index: string): string {
  const path = `${BODY_DIRECTORY}/${message.msgId}${index}`;
  writeFile(disk, path, message.body);
  return path;
}

const queryMsgByKey: ToolCommand = {
  name: "queryMsgByKey",
  summary: "Query Message by Key.",
  options: [
    required("t", "topic", "Topic name"),
    required("k", "msgKey", "Message Key"),
    option("b", "beginTimestamp", "Begin timestamp(ms). default:0, eg:1676730526212"),
    option("e", "endTimestamp", "End timestamp(ms). default:Long.MAX_VALUE, eg:1676730526212"),
    option("m", "maxNum", "The maximum number of messages returned by the query, default:64"),
    CLUSTER,
    option("l", "lastKey", "Last Key"),
    option("p", "keyType", "Index key type, default index key type is K, you can use K for keys OR T for tags"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -k order-4711",
  async run({ admin, options, out }) {
    const indexType = options.optional("p") ?? "K";
    if (!["K", "T"].includes(indexType)) return out.line("index type error, just support K for keys or T for tags");
    const query = {
      topic: options.text("t"),
      key: options.text("k"),
      maxNum: options.int("m", 64),
      beginMs: options.int("b", 0),
      endMs: options.int("e", Number.MAX_SAFE_INTEGER),
      isUniqueId: false,
      indexType,
      ...(options.has("l") && { lastKey: options.text("l") }),
    };
    const messages = await queryMessages(admin, query, options.optional("c"));
    if (messages.length === 0) {
      throw new BrokerError(ResponseCode.NO_MESSAGE, "query message by key finished, but no message.", "");
    }
    const rows = messages.map((message) => {
      const { msgId, queueId, queueOffset } = message;
      return { msgId, queueId, offset: queueOffset, indexKey: indexKeyOf(message, query) };
    });
    out.table(FOUND, rows);
  },
};

const FOUND: TableSpec<"msgId" | "queueId" | "offset" | "indexKey"> = {
  columns: { msgId: "#Message ID", queueId: "#QID", offset: "#Offset", indexKey: "#IndexKey" },
  head: "%-50s %4s %40s %-200s",
};

/** The message's place in an index by hour, as `-l` takes it: where a query with many answers goes on. */
function indexKeyOf(
  message: ReceivedMessage,
  { topic, key, indexType }: Pick<MessageQuery, "topic" | "key" | "indexType">,
) {
  const hourMs = message.storeTimestamp - message.storeTimestamp % HOUR_MS;
  return [hourMs, topic, indexType, key, message.msgId, message.physicalOffset].join("@");
}

const queryMsgByUniqueKey: ToolCommand = {
  name: "queryMsgByUniqueKey",
  summary: "Query Message by Unique key.",
  options: [
    required("i", "msgId", "Message Id"),
    option("g", "consumerGroup", "consumer group name"),
    option("d", "clientId", "The consumer's client id"),
    required("t", "topic", "The topic of msg"),
    flag("a", "showAll", "Print all message, the limit is 32"),
    CLUSTER,
    option("s", "startTime", "startTime"),
    option("e", "endTime", "endTime"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -i 7F0000010A2418B4AAC2153B6AD00000",
  async run(context) {
    const { admin, options, out } = context;
    const query = {
      topic: options.text("t"),
      key: options.text("i"),
      maxNum: 32,
      beginMs: options.int("s", 0),
      endMs: options.int("e", Number.MAX_SAFE_INTEGER),
      isUniqueId: true,
    };
    const messages = await queryMessages(admin, query, options.optional("c"));
    const [first] = messages;
    if (first === undefined) return out.line("no message was found!");
    if (options.has("g") && options.has("d")) return out.line(directlyText(await consumeDirectly(context, first)));
    const shown = options.has("a") ? messages : [first];
    for (const [index, message] of shown.entries()) {
      await printFound(context, message, false, index > 0 ? `_${index}` : "");
    }
  },
};

const queryMsgByOffset: ToolCommand = {
  name: "queryMsgByOffset",
  summary: "Query Message by offset.",
  options: [
    required("t", "topic", "topic name"),
    required("b", "brokerName", "Broker Name"),
    required("i", "queueId", "Queue Id"),
    required("o", "offset", "Queue Offset"),
    option("f", "bodyFormat", "print message body by the specified format"),
    option("r", "routeTopic", "the topic which is used to find route info"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -b broker-a -i 0 -o 100",
  async run(context) {
    const { options } = context;
    const queue = messageQueue(options.text("b"), options.int("i", 0), options.text("t"));
    await withPuller(context, async (consumer) => {
      const { status, messages } = await consumer.pull(queue, options.int("o", 0), { maxMessages: 1 });
      if (status === "FOUND" && messages[0] !== undefined) await printFound(context, messages[0], true);
    });
  },
};

/** Works with a pull consumer, which is taken down at the end. */
export async function withPuller(
  { client }: CommandContext,
  work: (consumer: PullConsumer) => Promise<void>,
  group: string = TOOLS_GROUP,
): Promise<void> {
  const consumer = client.pullConsumer({ group });
  await consumer.start();
  try {
    await work(consumer);
  } finally {
    await consumer.shutdown();
  }
}

const TIME_FORMAT = "timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]";
const CHARSET = option("c", "charsetName ", "CharsetName(eg: UTF-8,GBK)");
const EXPRESSION = option("s", "subExpression ", "Subscribe Expression(eg: TagA || TagB)");
const BEGIN = option("b", "beginTimestamp ", `Begin ${TIME_FORMAT}`);
const END = option("e", "endTimestamp ", `End ${TIME_FORMAT}`);

const printMsg: ToolCommand = {
  name: "printMsg",
  summary: "Print Message Detail.",
  options: [
    required("t", "topic", "topic name"),
    CHARSET,
    EXPRESSION,
    BEGIN,
    END,
    option("d", "printBody ", "print body"),
    option("l", "lmqParentTopic", "Lmq parent topic, lmq is used to find the route."),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -s TagA",
  async run(context) {
    const { options, out } = context;
    const topic = options.text("t");
    const print = messagePrinter(context, options.bool("d", true));
    await withPuller(context, async (consumer) => {
      const queues = await consumer.fetchMessageQueues(options.optional("l") ?? topic);
      for (const queue of queues.map((each) => ({ ...each, topic }))) {
        const range = await rangeOf(context, consumer, queue);
        out.line(`minOffset=${range.begin}, maxOffset=${range.end}, ${queueText(queue)}`);
        await pullRange(context, consumer, { queue, ...range, print });
        out.line("-".repeat(56));
      }
    });
  },
};

const printMsgByQueue: ToolCommand = {
  name: "printMsgByQueue",
  summary: "Print Message Detail by queueId.",
  options: [
    required("t", "topic", "topic name"),
    required("a", "brokerName ", "broker name"),
    required("i", "queueId ", "queue id"),
    CHARSET,
    EXPRESSION,
    BEGIN,
    END,
    option("p", "print msg", "print msg. eg: true | false(default)"),
    option("d", "printBody ", "print body. eg: true | false(default)"),
    option("f", "calculate", "calculate by tag. eg: true | false(default)"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -a broker-a -i 0 -p true -d true",
  async run(context) {
    const { options, out } = context;
    const printAll = options.bool("p", false);
    const printOne = messagePrinter(context, options.bool("d", false));
    const byTag = new Map<string, number>();
    const print = (message: ReceivedMessage) => {
      if (message.tags !== undefined) byTag.set(message.tags, (byTag.get(message.tags) ?? 0) + 1);
      if (printAll) printOne(message);
    };
    await withPuller(context, async (consumer) => {
      const queue = messageQueue(options.text("a"), options.int("i", 0), options.text("t"));
      await pullRange(context, consumer, { queue, ...await rangeOf(context, consumer, queue), print });
    });
    if (!options.bool("f", false)) return;
    for (const [tag, count] of [...byTag].sort(([, a], [, b]) => b - a)) {
      out.print("Tag: %-30s Count: %s%n", tag, count);
    }
  },
};

function messagePrinter({ options, out }: CommandContext, withBody: boolean): (message: ReceivedMessage) => void {
  const decoder = new TextDecoder(options.optional("c") ?? "utf-8");
  return (message) => {
    out.line(messageLine(message, withBody ? decoder.decode(message.body) : "NOT PRINT BODY"));
  };
}

/** A message on one line, as all commands print it that list messages with their bodies. */
export function messageLine(message: ReceivedMessage, body: string): string {
  return `MSGID: ${message.msgId} ${messageText(message)} BODY: ${body}`;
}

async function rangeOf({ options }: CommandContext, consumer: PullConsumer, queue: MessageQueue) {
  const [begin, end] = [options.optional("b"), options.optional("e")];
  return {
    begin: begin === undefined ? await consumer.minOffset(queue) : await consumer.searchOffset(queue, parseTime(begin)),
    end: end === undefined ? await consumer.maxOffset(queue) : await consumer.searchOffset(queue, parseTime(end)),
  };
}

interface Range {
  readonly queue: MessageQueue;
  readonly begin: number;
  readonly end: number;
  readonly print: (message: ReceivedMessage) => void;
}

async function pullRange({ options, out }: CommandContext, consumer: PullConsumer, range: Range): Promise<void> {
  const { queue, begin, end, print } = range;
  const expression = options.optional("s") ?? "*";
  for (let offset = begin; offset < end;) {
    const { status, messages, nextBeginOffset } = await consumer.pull(queue, offset, {
      expression,
      maxMessages: PULL_SIZE,
    });
    offset = nextBeginOffset;
    if (status === "FOUND") messages.forEach(print);
    else if (status === "NO_MATCHED_MSG") {
      out.line(`${queueText(queue)} no matched msg. status=${status}, offset=${offset}`);
    } else return out.line(`${queueText(queue)} print msg finished. status=${status}, offset=${offset}`);
  }
}

/** The commands of this file. */
export const MESSAGE_COMMANDS: readonly ToolCommand[] = [
  queryMsgById,
  queryMsgByKey,
  queryMsgByUniqueKey,
  queryMsgByOffset,
  printMsg,
  printMsgByQueue,
];
