/**
 * What a consumer tells about itself, as RocketMQ's tools print it. Source: RocketMQ `ConsumerRunningInfo#formatString`.
 *
 * @module
 */
import type { ConsumerRunningInfo, ProcessQueueInfo } from "../protocol/bodies/running_info.ts";
import { compactTime, type Printable, printf } from "./printf.ts";

const QUEUE_TITLES = "%-64s  %-32s  %-4s  %-20s";

/** Sections with titles, without a final newline. */
export function runningInfoText(info: ConsumerRunningInfo): string {
  const { properties, subscriptions, queues, popQueues, status, userConsumerInfo, jstack } = info;
  const sections = [
    section("Consumer Properties", Object.entries(properties).map(([name, value]) => line("%-40s: %s", name, value))),
    section(
      "Consumer Subscription",
      subscriptions.map(({ topic, classFilterMode, subString }, index) =>
        line("%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s", index + 1, topic, classFilterMode, subString)
      ),
    ),
    section("Consumer Offset", [
      line(QUEUE_TITLES, "#Topic", "#Broker Name", "#QID", "#Consumer Offset"),
      ...Array.from(
        queues,
        ([{ topic, brokerName, queueId }, { commitOffset }]) =>
          line("%-32s  %-32s  %-4d  %-20d", topic, brokerName, queueId, commitOffset),
      ),
    ]),
    section("Consumer MQ Detail", [
      line(QUEUE_TITLES, "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo"),
      ...Array.from(
        queues,
        ([{ topic, brokerName, queueId }, state]) =>
          line("%-64s  %-32s  %-4d  %s", topic, brokerName, queueId, queueStateText(state)),
      ),
    ]),
    section("Consumer Pop Detail", [
      line("%-32s  %-32s  %-4s  %-20s", "#Topic", "#Broker Name", "#QID", "#ProcessQueueInfo"),
      ...Array.from(popQueues ?? [], ([{ topic, brokerName, queueId }, state]) => {
        const { waitAckCount, droped, lastPopTimestamp } = state;
        const text = `waitAckCount:${waitAckCount}, droped:${droped}, lastPopTimestamp:${lastPopTimestamp}`;
        return line("%-32s  %-32s  %-4d  %s", topic, brokerName, queueId, `PopProcessQueueInfo [${text}]`);
      }),
    ]),
    section("Consumer RT&TPS", rateLines(status)),
    // Printed by mqadmin also where there is nothing: only a null would keep it away, and no client sends that.
    section(
      "User Consume Info",
      Object.entries(userConsumerInfo).map(([name, value]) => line("%-40s: %s", name, value)),
    ),
  ];
  if (jstack !== null) sections.push(section("Consumer jstack", [jstack]));
  return sections.join("\n\n\n");
}

function section(title: string, lines: readonly string[]): string {
  return [`#${title}#`, ...lines].join("\n");
}

function line(format: string, ...args: readonly Printable[]): string {
  return printf(format, ...args);
}

function rateLines(status: ConsumerRunningInfo["status"]): string[] {
  const titles = ["#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS"];
  return [
    line("%-64s  %14s %14s %14s %14s %18s %25s", "#Topic", ...titles, "#ConsumeFailedMsgsInHour"),
    ...Object.entries(status).map(([topic, rates]) =>
      line(
        "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25d",
        topic,
        rates.pullRT,
        rates.pullTPS,
        rates.consumeRT,
        rates.consumeOKTPS,
        rates.consumeFailedTPS,
        rates.consumeFailedMsgs,
      )
    ),
  ];
}

function queueStateText(state: ProcessQueueInfo): string {
  return `ProcessQueueInfo [commitOffset=${state.commitOffset}, cachedMsgMinOffset=${state.cachedMsgMinOffset}, ` +
    `cachedMsgMaxOffset=${state.cachedMsgMaxOffset}, cachedMsgCount=${state.cachedMsgCount}, ` +
    `cachedMsgSizeInMiB=${state.cachedMsgSizeInMiB}, transactionMsgMinOffset=${state.transactionMsgMinOffset}, ` +
    `transactionMsgMaxOffset=${state.transactionMsgMaxOffset}, transactionMsgCount=${state.transactionMsgCount}, ` +
    `locked=${state.locked}, tryUnlockTimes=${state.tryUnlockTimes}, ` +
    `lastLockTimestamp=${compactTime(state.lastLockTimestamp)}, droped=${state.droped}, ` +
    `lastPullTimestamp=${compactTime(state.lastPullTimestamp)}, ` +
    `lastConsumeTimestamp=${compactTime(state.lastConsumeTimestamp)}]`;
}
