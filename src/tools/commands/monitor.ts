/**
 * Watches all groups, a round each minute: what they have not consumed, how late they are, members that disagree or hang,
 * messages that brokers deleted before they were consumed. Lines are those that RocketMQ's monitor writes into its log.
 *
 * Source: RocketMQ `StartMonitoringSubCommand`, `MonitorService`, `DefaultMonitorListener`.
 *
 * @module
 */
import { retryTopicOf } from "../../client/names.ts";
import type { PullConsumer } from "../../client/pull_consumer.ts";
import type { OffsetWrapper } from "../../protocol/bodies/stats.ts";
import {
  type ConsumerRunningInfo,
  type ProcessQueueInfo,
  RunningInfoProperty,
} from "../../protocol/bodies/running_info.ts";
import { VersionOrdinal } from "../../protocol/codes.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { RETRY_PREFIX, SystemTopic } from "../../protocol/names.ts";
import { queueText } from "../../examples/text.ts";
import type { CommandContext, ToolCommand } from "../command.ts";
import { withPuller } from "./message.ts";

const MONITOR_GROUP = "__MONITOR_CONSUMER";
const PREFIX = "[MONITOR] ";
const NOTIFY = `${PREFIX} [NOTIFY] `;
const RULE = "=".repeat(41);
const ROUND_MS = 60_000;
/** Members that started less than this ago may not know their subscription yet. */
const SETTLED_MS = 120_000;
/** A queue that has messages and consumed none for so long hangs. */
const HANGING_MS = 60_000;

const startMonitoring: ToolCommand = {
  name: "startMonitoring",
  summary: "Start Monitoring.",
  options: [],
  example: "-n 127.0.0.1:9876",
  async run(context) {
    const { client, clock, out } = context;
    const events = client.pushConsumer({ group: MONITOR_GROUP });
    events.subscribe(SystemTopic.OFFSET_MOVED_EVENT);
    events.onMessages((messages) => {
      for (const message of messages) {
        const event = `DeleteMsgsEvent [offsetMovedEvent=${message.text()}, eventTimestamp=${message.storeTimestamp}]`;
        out.line(`${PREFIX}reportDeleteMsgsEvent: ${event}`);
      }
    });
    await events.start();
    try {
      await withPuller(context, async (puller) => {
        for (;;) {
          await round(context, puller);
          out.flush();
          await clock.sleep(ROUND_MS);
        }
      });
    } finally {
      await events.shutdown();
    }
  },
};

async function round(context: CommandContext, puller: PullConsumer): Promise<void> {
  const { admin, clock, out, problem } = context;
  const startMs = clock.monotonicMs();
  out.line(`${PREFIX}${RULE}beginRound`);
  for (const topic of (await admin.namesrv.topics()).filter((each) => each.startsWith(RETRY_PREFIX))) {
    const group = topic.slice(RETRY_PREFIX.length);
    try {
      await reportGroup(context, puller, group);
    } catch (error) {
      problem(error);
    }
  }
  out.line(`${PREFIX}${RULE}endRound`);
  out.line(`Execute one round monitor work, spent timemills: ${Math.round(clock.monotonicMs() - startMs)}`);
}

/** Groups without members are passed over, as in RocketMQ. */
async function reportGroup(context: CommandContext, puller: PullConsumer, group: string): Promise<void> {
  const { admin, clock, out } = context;
  const connection = await admin.consumerConnection(group).catch(() => null); // it is offline
  if (connection === null) return;
  const stats = await admin.consumeStats(group);
  const byTopic = Map.groupBy(stats.offsetTable, ([{ topic }]) => topic);
  for (const [topic, queues] of byTopic) {
    const { total, singleMax, delayMaxMs } = await undone(puller, queues);
    out.line(
      `${PREFIX}reportUndoneMsgs: UndoneMsgs [consumerGroup=${group}, topic=${topic}, undoneMsgsTotal=${total}, ` +
        `undoneMsgsSingleMQ=${singleMax}, undoneMsgsDelayTimeMills=${delayMaxMs}]`,
    );
  }
  const infos = new Map<string, ConsumerRunningInfo>();
  const broker = await admin.anyBrokerOf(retryTopicOf(group));
  for (const { clientId, version } of connection.connections) {
    if (version < VersionOrdinal.V3_1_8) continue;
    const info = await broker.consumerRunningInfo(group, clientId, false).catch(() => null); // it has just gone
    if (info !== null) infos.set(clientId, info);
  }
  for (const line of findings(group, infos, clock.now())) out.line(`${NOTIFY}reportConsumerRunningInfo: ${line}`);
}

/** What a group has not consumed of a topic, and how long the last message has waited behind the last consumed one. */
async function undone(puller: PullConsumer, queues: readonly (readonly [MessageQueue, OffsetWrapper])[]) {
  let [total, singleMax, delayMaxMs] = [0, 0, 0];
  for (const [queue, { brokerOffset, consumerOffset, lastTimestamp }] of queues) {
    const diff = Math.max(0, brokerOffset - consumerOffset);
    total += diff;
    singleMax = Math.max(singleMax, diff);
    if (lastTimestamp <= 0 || brokerOffset <= 0) continue;
    const { messages } = await puller.pull(queue, brokerOffset - 1, { maxMessages: 1 });
    delayMaxMs = Math.max(delayMaxMs, (messages[0]?.storeTimestamp ?? 0) - lastTimestamp);
  }
  return { total, singleMax, delayMaxMs };
}

/** What is wrong with a group's members. */
export function* findings(
  group: string,
  infos: ReadonlyMap<string, ConsumerRunningInfo>,
  nowMs: number,
): Generator<string> {
  if (disagree([...infos.values()], nowMs)) yield `ConsumerGroup: ${group}, Subscription different`;
  for (const [clientId, { queues, properties }] of infos) {
    if (properties[RunningInfoProperty.CONSUME_TYPE] !== "CONSUME_PASSIVELY") continue;
    const isOrderly = properties[RunningInfoProperty.CONSUME_ORDERLY] === "true";
    for (const [queue, state] of queues) {
      const trouble = troubleOf(state, isOrderly, nowMs);
      if (trouble === null) continue;
      yield `ConsumerGroup: ${group}, ClientId: ${clientId}, ${clientId} ${queueText(queue)} ${trouble}`;
    }
  }
}

function disagree(infos: readonly ConsumerRunningInfo[], nowMs: number): boolean {
  const [first] = infos;
  if (first === undefined || first.properties[RunningInfoProperty.CONSUME_TYPE] !== "CONSUME_PASSIVELY") return false;
  const startMs = Number(first.properties[RunningInfoProperty.CONSUMER_START_TIMESTAMP] ?? nowMs);
  if (nowMs - startMs <= SETTLED_MS) return false;
  const wants = infos.map(({ subscriptions }) =>
    subscriptions.map(({ topic, subString, expressionType }) => `${topic} ${expressionType} ${subString}`).sort().join()
  );
  return wants.some((each) => each !== wants[0]);
}

function troubleOf(state: ProcessQueueInfo, isOrderly: boolean, nowMs: number): string | null {
  if (isOrderly && !state.locked) return `can't lock for a while, ${nowMs - state.lastLockTimestamp}ms`;
  if (isOrderly && state.droped && state.tryUnlockTimes > 0) {
    return `unlock ${state.tryUnlockTimes} times, still failed`;
  }
  const idleMs = nowMs - state.lastConsumeTimestamp;
  if (isOrderly || idleMs <= HANGING_MS || state.cachedMsgCount === 0) return null;
  return `can't consume for a while, maybe blocked, ${idleMs}ms`;
}

/** The commands of this file. */
export const MONITOR_COMMANDS: readonly ToolCommand[] = [startMonitoring];
