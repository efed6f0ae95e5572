/**
 * Commands about single queues. Source: RocketMQ `QueryConsumeQueueCommand`.
 *
 * @module
 */
import { MASTER_ID } from "../../protocol/bodies/route.ts";
import type { ConsumeQueueData, ConsumeQueueUnits } from "../../protocol/bodies/stats.ts";
import { option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { prettyJson } from "../pretty_json.ts";

const RULE = "=".repeat(38);

const queryCq: ToolCommand = {
  name: "queryCq",
  summary: "Query cq command.",
  options: [
    required("t", "topic", "topic name"),
    required("q", "queue", "queue num, ie. 1"),
    required("i", "index", "start queue index."),
    option("c", "count", "how many."),
    option("b", "broker", "broker addr."),
    option("g", "consumer", "consumer group."),
  ],
  example: "-n 127.0.0.1:9876 -t TopicTest -q 0 -i 0 -c 10",
  async run(context) {
    const { admin, options, out } = context;
    const index = options.int("i", 0);
    const group = options.optional("g");
    const units = await admin.broker(options.optional("b") ?? await firstMaster(context)).consumeQueue({
      topic: options.text("t"),
      queueId: options.int("q", 0),
      index,
      count: options.int("c", 10),
      ...(group !== undefined && { consumerGroup: group }),
    });
    out.value(valueOf(units, index), textOf(units, index));
  },
};

async function firstMaster({ admin, options }: CommandContext): Promise<string> {
  const topic = options.text("t");
  const address = (await admin.namesrv.topicRoute(topic)).brokerDatas[0]?.brokerAddrs.get(MASTER_ID);
  if (address === undefined) throw new TypeError(`topic ${topic} has no master: name a broker with -b`);
  return address;
}

/** Numbers of 64 bits are texts: JSON's readers would round them. */
function valueOf({ queueData, subscriptionData, ...rest }: ConsumeQueueUnits, index: number) {
  const units = queueData.map((unit, at) => ({ idx: index + at, ...unit, tagsCode: String(unit.tagsCode) }));
  const subscription = subscriptionData && { ...subscriptionData, subVersion: String(subscriptionData.subVersion) };
  return { ...rest, subscriptionData: subscription, queueData: units };
}

function textOf(units: ConsumeQueueUnits, index: number): string {
  const { subscriptionData, filterData, maxQueueIndex, minQueueIndex, queueData } = units;
  const blocks: string[] = [];
  if (subscriptionData !== null) blocks.push(`Subscription data: \n${prettyJson({ ...subscriptionData })}`);
  if (filterData !== null) blocks.push(`Filter data: \n${filterData}`);
  blocks.push(`Queue data: \nmax: ${maxQueueIndex}, min: ${minQueueIndex}`);
  for (const [at, unit] of queueData.entries()) blocks.push(`idx: ${index + at}\n${unitText(unit)}`);
  return blocks.map((block) => `${block}\n${RULE}`).join("\n");
}

function unitText({ physicOffset, physicSize, tagsCode, extendDataJson, bitMap, ...unit }: ConsumeQueueData): string {
  const quoted = (text: string | null | undefined) => `'${text ?? null}'`;
  return `ConsumeQueueData{physicOffset=${physicOffset}, physicSize=${physicSize}, tagsCode=${tagsCode}, ` +
    `extendDataJson=${quoted(extendDataJson)}, bitMap=${quoted(bitMap)}, eval=${unit.eval ?? false}, ` +
    `msg=${quoted(unit.msg)}}`;
}

/** The commands of this file. */
export const QUEUE_COMMANDS: readonly ToolCommand[] = [queryCq];
