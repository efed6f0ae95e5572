/**
 * Commands that move a group. Source: RocketMQ, package `org.apache.rocketmq.tools.command.offset`.
 *
 * @module
 */
import { BrokerError } from "../../client/errors.ts";
import type { OffsetReset } from "../../client/admin_broker.ts";
import { ResponseCode } from "../../protocol/codes.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { option, required } from "../arguments.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import type { TableSpec } from "../output.ts";
import { front, parseTime } from "../printf.ts";

const GROUP = required("g", "group", "set the consumer group");
const TOPIC = required("t", "topic", "set the topic");
const CLUSTER = option("c", "cluster", "Cluster name or lmq parent topic, lmq is used to find the route.");

const OFFSETS: TableSpec<"brokerName" | "queueId" | "offset"> = {
  columns: { brokerName: "#brokerName", queueId: "#queueId", offset: "#offset" },
  head: "%-40s  %-40s  %-40s",
};

function printOffsets({ out }: CommandContext, offsets: ReadonlyMap<MessageQueue, number>): void {
  const rows = Array.from(offsets, ([{ brokerName, queueId }, offset]) => ({
    brokerName: front(brokerName, 32),
    queueId,
    offset,
  }));
  out.table(OFFSETS, rows);
}

/** Moves a group on all brokers of the topic; gives back the new offsets. */
async function resetEverywhere({ admin, options }: CommandContext, reset: OffsetReset) {
  const offsets = new Map<MessageQueue, number>();
  for (const broker of await admin.brokersOf(options.optional("c") ?? reset.topic)) {
    for (const [queue, offset] of await broker.resetOffset(reset)) offsets.set(queue, offset);
  }
  return offsets;
}

const resetOffsetByTime: ToolCommand = {
  name: "resetOffsetByTime",
  summary: "Reset consumer offset by timestamp(without client restart).",
  options: [
    GROUP,
    TOPIC,
    required("s", "timestamp", "set the timestamp[now|currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"),
    option("f", "force", "set the force rollback by timestamp switch[true|false]. Deprecated."),
    CLUSTER,
    option("b", "broker", "broker addr"),
    option("q", "queue", "queue id"),
    option("o", "offset", "Expect queue offset, not support old version broker"),
  ],
  example: "-n 127.0.0.1:9876 -g MyGroup -t TopicTest -s 2026-01-31#08:00:00:000",
  async run(context) {
    const { options, out, clock, admin } = context;
    const [group, topic, given] = [options.text("g"), options.text("t"), options.text("s")];
    const timestampMs = given === "now" ? clock.now() : parseTime(given);
    const times = `timestamp(string)[${given}], timestamp(long)[${timestampMs}]`;
    const address = options.optional("b");
    const queueId = options.int("q", -1);
    if (address !== undefined && queueId >= 0) {
      out.line(
        `start reset consumer offset by specified, group[${group}], topic[${topic}], queueId[${queueId}], ` +
          `broker[${address}], ${times}`,
      );
      const broker = admin.broker(address);
      const offset = options.has("o") ? options.int("o", 0) : await broker.searchOffset(topic, queueId, timestampMs);
      out.line(`reset consumer offset to ${offset}`);
      if (offset < 0) return;
      await broker.resetOffset({ topic, group, timestampMs: 0, isForce: true, queue: { queueId, offset } });
      return;
    }
    const isForce = options.bool("f", true);
    let offsets: ReadonlyMap<MessageQueue, number>;
    try {
      offsets = await resetEverywhere(context, { topic, group, timestampMs, isForce });
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== ResponseCode.CONSUMER_NOT_ONLINE) throw error;
      offsets = await resetOffline(context, { topic, group, timestampMs, isForce });
    }
    out.line(
      `start reset consumer offset by specified, group[${group}], topic[${topic}], force[${isForce}], ${times}`,
    );
    printOffsets(context, offsets);
  },
};

/** For brokers of 4.x, which move only groups that are online: what their tool did for the others. */
async function resetOffline({ admin, options }: CommandContext, reset: OffsetReset) {
  const { topic, group, timestampMs, isForce } = reset;
  const offsets = new Map<MessageQueue, number>();
  for (const broker of await admin.brokersOf(options.optional("c") ?? topic)) {
    const { offsetTable } = await broker.consumeStats(group, topic);
    for (const [queue, { consumerOffset }] of offsetTable) {
      const found = await broker.searchOffset(topic, queue.queueId, timestampMs);
      if (!isForce && found > consumerOffset) continue;
      await broker.updateConsumerOffset(group, queue, found);
      offsets.set(queue, found);
    }
  }
  return offsets;
}

const skipAccumulatedMessage: ToolCommand = {
  name: "skipAccumulatedMessage",
  summary: "Skip all messages that are accumulated (not consumed) currently.",
  options: [GROUP, TOPIC, option("f", "force", "set the force rollback by timestamp switch[true|false]"), CLUSTER],
  example: "-n 127.0.0.1:9876 -g MyGroup -t TopicTest",
  async run(context) {
    const { options } = context;
    const isForce = options.bool("f", true);
    const reset = { topic: options.text("t"), group: options.text("g"), timestampMs: -1, isForce };
    printOffsets(context, await resetEverywhere(context, reset));
  },
};

const cloneGroupOffset: ToolCommand = {
  name: "cloneGroupOffset",
  summary: "Clone offset from other group.",
  options: [
    required("s", "srcGroup", "set source consumer group"),
    required("d", "destGroup", "set destination consumer group"),
    TOPIC,
    option("o", "offline", "the group or the topic is offline"),
  ],
  example: "-n 127.0.0.1:9876 -s MyGroup -d MyNewGroup -t TopicTest",
  async run({ admin, options, out }) {
    const [source, target, topic] = [options.text("s"), options.text("d"), options.text("t")];
    for (const broker of await admin.brokersOf(topic)) {
      const { offsetTable } = await broker.consumeStats(source, topic);
      for (const [queue, { consumerOffset }] of offsetTable) {
        if (queue.topic === topic) await broker.updateConsumerOffset(target, queue, consumerOffset);
      }
    }
    out.print("clone group offset success. srcGroup[%s], destGroup=[%s], topic[%s]", source, target, topic);
  },
};

/** The commands of this file. */
export const OFFSET_COMMANDS: readonly ToolCommand[] = [resetOffsetByTime, skipAccumulatedMessage, cloneGroupOffset];
