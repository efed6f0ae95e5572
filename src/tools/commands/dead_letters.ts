/**
 * Commands about dead letters: what a group could not consume, and to have it consumed again. They are Rucola's own, and work
 * with RocketMQ's brokers too.
 *
 * How far dead letters were replayed is the group's own offset in its dead-letter topic, so that a second replay goes on where
 * the first one ended. Replayed messages stay where they are until they expire.
 *
 * @module
 */
import type { BrokerAdmin } from "../../client/admin_broker.ts";
import type { Message, ReceivedMessage } from "../../client/message.ts";
import { INNER_PRODUCER_GROUP, retryTopicOf } from "../../client/names.ts";
import type { PullConsumer } from "../../client/pull_consumer.ts";
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import { Property } from "../../protocol/message.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { deadLetterTopicOf } from "../../protocol/names.ts";
import { flag, option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { front, parseTime, timeTextMs } from "../printf.ts";
import { withPuller } from "./message.ts";

const COUNT_DEFAULT = 64;
const PULL_SIZE = 32;
const TIME_FORMAT = "[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]";

/** Properties that belong to the earlier deliveries of a message and not to the message. */
const NOT_REPLAYED: readonly string[] = [
  Property.DELAY,
  Property.RETRY_TOPIC,
  Property.RECONSUME_TIME,
  Property.MAX_RECONSUME_TIMES,
  Property.ORIGIN_MESSAGE_ID,
  Property.DLQ_ORIGIN_TOPIC,
  Property.DLQ_ORIGIN_MESSAGE_ID,
  Property.MIN_OFFSET,
  Property.MAX_OFFSET,
  Property.CONSUME_START_TIME,
  Property.TRAN_MSG,
  Property.REAL_TOPIC,
  Property.REAL_QID,
  Property.POP_CK,
  Property.MSG_REGION,
  Property.TRACE_ON,
  Property.CLUSTER,
  Property.WAIT,
  Property.FIRST_POP_TIME,
  Property.TIMER_DELAY_SEC,
  Property.TIMER_DELAY_MS,
  Property.TIMER_DELIVER_MS,
  Property.TIMER_OUT_MS,
  Property.TIMER_ENQUEUE_MS,
  Property.TIMER_DEQUEUE_MS,
  Property.TIMER_ROLL_TIMES,
];

/** A dead letter, and where it is. */
interface DeadLetter {
  readonly message: ReceivedMessage;
  readonly queue: MessageQueue;
}

/** A queue of a dead-letter topic. */
interface DeadLetterQueue {
  readonly queue: MessageQueue;
  readonly broker: BrokerAdmin;
}

const GROUP = required("g", "consumerGroup", "consumer group name");
const CHOICE = [
  GROUP,
  option("i", "msgId", "only these messages, ids separated by comma"),
  option("b", "beginTimestamp", `only dead letters stored from then on ${TIME_FORMAT}`),
  option("e", "endTimestamp", `only dead letters stored before then ${TIME_FORMAT}`),
  flag("a", "all", "also those that were replayed before"),
];

const DEAD_LETTERS: TableSpec<
  "msgId" | "topic" | "brokerName" | "queueId" | "offset" | "storeTime" | "times" | "keys"
> = {
  columns: {
    msgId: "#Message ID",
    topic: "#Origin Topic",
    brokerName: "#Broker Name",
    queueId: "#QID",
    offset: "#Offset",
    storeTime: "#Store Time",
    times: "#Reconsume Times",
    keys: "#Keys",
  },
  head: "%-50s  %-32s  %-24s  %-4s  %-12s  %-23s  %-16s  %s",
};

const listDlq: ToolCommand = {
  name: "listDlq",
  summary: "List the dead letters of a consumer group.",
  options: [...CHOICE, option("m", "maxNum", `how many | default ${COUNT_DEFAULT}`)],
  example: "-n 127.0.0.1:9876 -g MyGroup",
  async run(context) {
    const found: DeadLetter[] = [];
    const wanted = context.options.int("m", COUNT_DEFAULT);
    await eachDeadLetter(context, wanted, (letter) => Promise.resolve(void found.push(letter)));
    const rows = found.map(({ message, queue }) => ({
      msgId: message.msgId,
      topic: front(originTopicOf(message), 64),
      brokerName: front(queue.brokerName, 24),
      queueId: queue.queueId,
      offset: message.queueOffset,
      storeTime: timeTextMs(message.storeTimestamp),
      times: message.reconsumeTimes,
      keys: message.keys.join(" "),
    }));
    context.out.table(DEAD_LETTERS, rows);
    if (rows.length === 0) context.out.line(await whyNone(context));
  },
};

/** What an empty list means. */
async function whyNone({ admin, options }: CommandContext): Promise<string> {
  const group = options.text("g");
  const topics = new Set(await admin.namesrv.topics());
  if (topics.has(deadLetterTopicOf(group))) {
    const isAll = options.has("a");
    return `There are no ${isAll ? "" : "new "}dead letters of ${group}${
      isAll ? "" : "; -a lists all that are stored"
    }`;
  }
  if (topics.has(retryTopicOf(group))) return `There are no dead letters of ${group}`;
  return `There are no dead letters of ${group}, nor has any broker a group of this name: is it spelled right?`;
}

const REPLAYED: TableSpec<"msgId" | "result" | "topic" | "brokerName" | "queueId" | "offset"> = {
  columns: {
    msgId: "#Message ID",
    result: "#Send Result",
    topic: "#Topic",
    brokerName: "#Broker Name",
    queueId: "#QID",
    offset: "#Offset",
  },
  head: "%-50s  %-20s  %-48s  %-24s  %-4s  %s",
};

const replayDlq: ToolCommand = {
  name: "replayDlq",
  summary: "Have dead letters of a consumer group consumed again, by this group alone or (-t) by all.",
  options: [
    ...CHOICE,
    option("m", "maxNum", "how many | default all"),
    flag("t", "toTopic", "send them to the topic they came from, where all its groups consume them again"),
    flag("d", "dryRun", "only list what would be replayed"),
  ],
  example: "-n 127.0.0.1:9876 -g MyGroup -b 2026-01-31#08:00:00:000",
  async run(context) {
    const { client, options, out } = context;
    const group = options.text("g");
    const isDry = options.has("d");
    const rows: Parameters<typeof out.table<keyof typeof REPLAYED["columns"]>>[1][number][] = [];
    await using producer = client.producer({ group: INNER_PRODUCER_GROUP });
    await producer.start();
    const replay = async ({ message }: DeadLetter) => {
      const again = replayOf(message, options.has("t") ? null : group);
      if (isDry) {
        rows.push({ ...rowOf(message, again), result: "DRY_RUN", brokerName: "", queueId: "", offset: "" });
        return;
      }
      const { sendStatus, queue, queueOffset } = await producer.send(again);
      const { brokerName, queueId } = queue;
      rows.push({ ...rowOf(message, again), result: sendStatus, brokerName, queueId, offset: queueOffset });
    };
    try {
      await eachDeadLetter(context, options.int("m", Number.MAX_SAFE_INTEGER), replay, isDry ? null : group);
    } finally {
      out.table(REPLAYED, rows);
      out.print("%nReplayed: %d%n", isDry ? 0 : rows.length);
    }
  },
};

function rowOf({ msgId }: ReceivedMessage, { topic }: Message) {
  return { msgId, topic };
}

/**
 * Calls `work` with each chosen dead letter, in order in each queue.
 *
 * @param count most of them. @param progressOf the group whose progress is stored behind each queue's last one that was worked
 * on, provided that none before it was left out; null for none.
 */
async function eachDeadLetter(
  context: CommandContext,
  count: number,
  work: (letter: DeadLetter) => Promise<void>,
  progressOf: string | null = null,
): Promise<void> {
  const { options } = context;
  const isComplete = !["i", "b", "a"].some((key) => options.has(key));
  let left = count;
  await withPuller(context, async (puller) => {
    for (const { queue, broker } of await queuesOf(context)) {
      const { begin, end } = await rangeOf(context, puller, { queue, broker });
      let done = begin;
      try {
        for await (const message of letters(puller, queue, begin, end)) {
          if (left <= 0) return;
          if (isChosen(context, message)) {
            await work({ message, queue });
            left--;
          }
          done = message.queueOffset + 1;
        }
        done = end;
      } finally {
        if (progressOf !== null && isComplete && done > begin) {
          await broker.updateConsumerOffset(progressOf, queue, done);
        }
      }
    }
  });
}

/** The queues of the group's dead-letter topic, whatever its permissions; none when there is no such topic. */
async function queuesOf({ admin, options }: CommandContext): Promise<DeadLetterQueue[]> {
  const topic = deadLetterTopicOf(options.text("g"));
  // The topic is made with the first dead letter. Asked first, for a route that is missing has other causes as well.
  if (!(await admin.namesrv.topics()).includes(topic)) return [];
  const { brokerDatas, queueDatas } = await admin.namesrv.topicRoute(topic);
  return queueDatas.flatMap(({ brokerName, readQueueNums, writeQueueNums }) => {
    const address = brokerDatas.find((each) => each.brokerName === brokerName)?.brokerAddrs.get(MASTER_ID);
    if (address === undefined) return [];
    const broker = admin.broker(address);
    const length = Math.max(readQueueNums, writeQueueNums);
    return Array.from({ length }, (_, queueId) => ({ queue: messageQueue(brokerName, queueId, topic), broker }));
  });
}

async function rangeOf({ options }: CommandContext, puller: PullConsumer, { queue, broker }: DeadLetterQueue) {
  const [beginText, endText] = [options.optional("b"), options.optional("e")];
  const end = endText === undefined
    ? await puller.maxOffset(queue)
    : await puller.searchOffset(queue, parseTime(endText));
  let begin = await puller.minOffset(queue);
  if (beginText !== undefined) begin = Math.max(begin, await puller.searchOffset(queue, parseTime(beginText)));
  if (!options.has("a")) begin = Math.max(begin, await broker.consumerOffset(options.text("g"), queue));
  return { begin, end };
}

async function* letters(puller: PullConsumer, queue: MessageQueue, begin: number, end: number) {
  for (let offset = begin; offset < end;) {
    const { status, messages, nextBeginOffset } = await puller.pull(queue, offset, { maxMessages: PULL_SIZE });
    for (const message of messages) if (message.queueOffset < end) yield message;
    if (status !== "FOUND" && nextBeginOffset <= offset) return;
    offset = nextBeginOffset;
  }
}

/** By the id that the message has now, or had when it was sent first. */
function isChosen({ options }: CommandContext, message: ReceivedMessage): boolean {
  const ids = options.optional("i")?.split(",").map((each) => each.trim());
  if (ids === undefined) return true;
  const origin = message.properties.get(Property.DLQ_ORIGIN_MESSAGE_ID) ?? "";
  return ids.includes(message.msgId) || ids.includes(origin) || ids.includes(message.offsetMsgId);
}

/** The topic that a dead letter was sent to first. */
function originTopicOf({ properties, topic }: ReceivedMessage): string {
  return properties.get(Property.DLQ_ORIGIN_TOPIC) ?? properties.get(Property.RETRY_TOPIC) ?? topic;
}

/**
 * The message that stands for another first delivery of a dead letter.
 *
 * @param group gets it through its retry topic; null sends it to the topic that it came from.
 */
export function replayOf(message: ReceivedMessage, group: string | null): Message {
  const properties = Object.fromEntries(message.properties);
  for (const name of NOT_REPLAYED) delete properties[name];
  const topic = originTopicOf(message);
  if (group !== null) {
    properties[Property.RETRY_TOPIC] = topic;
    properties[Property.ORIGIN_MESSAGE_ID] = message.properties.get(Property.DLQ_ORIGIN_MESSAGE_ID) ?? message.msgId;
  }
  const { body, flag } = message;
  return { topic: group === null ? topic : retryTopicOf(group), body, flag, properties };
}

/** The commands of this file. */
export const DEAD_LETTER_COMMANDS: readonly ToolCommand[] = [listDlq, replayDlq];
