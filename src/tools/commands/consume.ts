/**
 * Prints messages by pulling them. Source: RocketMQ `ConsumeMessageCommand`.
 *
 * @module
 */
import type { PullConsumer } from "../../client/pull_consumer.ts";
import { messageOf } from "../../common/errors.ts";
import { queueText } from "../../examples/text.ts";
import { type MessageQueue, messageQueue } from "../../protocol/message_queue.ts";
import { option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { parseTime } from "../printf.ts";
import { messageLine, withPuller } from "./message.ts";

const COUNT_DEFAULT = 128;
const TIME_FORMAT = "timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]";

/** Why the options cannot be meant so. */
class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What is wanted, from the options. */
interface Wanted {
  readonly topic: string;
  readonly count: number;
  /** One queue; null for all of the topic. */
  readonly queue: MessageQueue | null;
  /** Of that queue. */
  readonly offset: number;
  /** Milliseconds since the epoch; 0 for no limit. */
  readonly beginMs: number;
  readonly endMs: number;
}

const consumeMessage: ToolCommand = {
  name: "consumeMessage",
  summary: "Consume message.",
  options: [
    required("t", "topic", "Topic name"),
    option("b", "brokerName", "Broker name"),
    option("i", "queueId", "Queue Id"),
    option("o", "offset", "Queue offset"),
    option("g", "consumerGroup", "Consumer group name"),
    option("s", "beginTimestamp ", `Begin ${TIME_FORMAT}`),
    option("e", "endTimestamp ", `End ${TIME_FORMAT}`),
    option("c", "MessageNumber", "Number of message to be consumed"),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -b broker-a -i 0 -o 100 -c 10",
  async run(context) {
    let wanted: Wanted;
    try {
      wanted = readWanted(context);
    } catch (error) {
      if (error instanceof Refusal) return context.out.line(error.message);
      throw error;
    }
    const work = (consumer: PullConsumer) =>
      wanted.queue === null ? consumeTopic(context, consumer, wanted) : consumeQueue(context, consumer, wanted);
    await withPuller(context, work, context.options.optional("g"));
  },
};

function readWanted({ options, clock }: CommandContext): Wanted {
  const topic = options.text("t");
  const count = options.int("c", COUNT_DEFAULT);
  if (count <= 0) throw new Refusal("Please input a positive messageNumber!");
  if (options.has("i") && !options.has("b")) throw new Refusal("Please set the brokerName before queueId!");
  if (options.has("o") && !options.has("i")) throw new Refusal("Please set queueId before offset!");
  const [beginMs, endMs] = [parseTime(options.optional("s") ?? "0"), parseTime(options.optional("e") ?? "0")];
  if (beginMs > clock.now()) throw new Refusal("Please set the beginTimestamp before now!");
  if (endMs > clock.now()) throw new Refusal("Please set the endTimestamp before now!");
  if (endMs > 0 && beginMs > endMs) {
    throw new Refusal("Please make sure that the beginTimestamp is less than or equal to the endTimestamp");
  }
  const queue = options.has("i") ? messageQueue(options.text("b"), options.int("i", 0), topic) : null;
  return { topic, count, queue, offset: options.int("o", 0), beginMs, endMs };
}

/** Where to begin, and the offset behind the last message. */
async function rangeOf(consumer: PullConsumer, queue: MessageQueue, { beginMs, endMs }: Wanted) {
  const begin = beginMs > 0 ? await consumer.searchOffset(queue, beginMs) : await consumer.minOffset(queue);
  const end = endMs > 0 ? await consumer.searchOffset(queue, endMs) : await consumer.maxOffset(queue);
  return { begin, end };
}

async function consumeTopic(context: CommandContext, consumer: PullConsumer, wanted: Wanted): Promise<void> {
  let left = wanted.count;
  for (const queue of await consumer.fetchMessageQueues(wanted.topic)) {
    if (left <= 0) return;
    const { begin, end } = await rangeOf(consumer, queue, wanted);
    const isCut = end - begin > left;
    if (isCut) context.out.line(`The older ${left} message of the ${queue.queueId} queue will be provided`);
    await pull(context, consumer, { queue, begin, last: isCut ? begin + left - 1 : end });
    left -= Math.min(left, end - begin);
  }
}

async function consumeQueue(context: CommandContext, consumer: PullConsumer, wanted: Wanted): Promise<void> {
  const { out } = context;
  const queue = wanted.queue!;
  const { begin: first, end } = await rangeOf(consumer, queue, wanted);
  if (wanted.offset > end) return out.line(`${queueText(queue)} no matched msg, offset=${wanted.offset}`);
  const begin = Math.max(first, wanted.offset);
  const isCut = end - begin > wanted.count;
  if (isCut) out.line(`The oldler ${wanted.count} message will be provided`); // sic
  await pull(context, consumer, { queue, begin, last: isCut ? begin + wanted.count - 1 : end });
}

/** Pulls up to and including `last`, which may lie behind the queue's end: the broker says so then. */
async function pull(
  { out, problem }: CommandContext,
  consumer: PullConsumer,
  { queue, begin, last }: { readonly queue: MessageQueue; readonly begin: number; readonly last: number },
): Promise<void> {
  for (let offset = begin; offset <= last;) {
    try {
      const result = await consumer.pull(queue, offset, { maxMessages: last - offset + 1 });
      const { status, messages } = result;
      offset = result.nextBeginOffset;
      if (status === "FOUND") {
        out.line("Consume ok");
        for (const message of messages) out.line(messageLine(message, message.text()));
      } else if (status === "NO_MATCHED_MSG") {
        out.line(`${queueText(queue)} no matched msg. status=${status}, offset=${offset}`);
      } else {
        return out.line(`${queueText(queue)} print msg finished. status=${status}, offset=${offset}`);
      }
    } catch (error) {
      return problem(messageOf(error));
    }
  }
}

/** The commands of this file. */
export const CONSUME_COMMANDS: readonly ToolCommand[] = [consumeMessage];
