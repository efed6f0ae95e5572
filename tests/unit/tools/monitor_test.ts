/**
 * What the monitor finds wrong with the members of a group.
 * @module
 */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { type ConsumerRunningInfo, decodeRunningInfo } from "../../../src/protocol/bodies/running_info.ts";
import { findings } from "../../../src/tools/commands/monitor.ts";
import { runningInfoText } from "../../../src/tools/running_info_text.ts";

const NOW_MS = 1_000_000;

function member(subString: string, queue: Record<string, unknown>, orderly = false): ConsumerRunningInfo {
  const properties = {
    PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
    PROP_CONSUMEORDERLY: String(orderly),
    PROP_CONSUMER_START_TIMESTAMP: "0",
  };
  const name = `{"brokerName":"b","queueId":1,"topic":"T"}`;
  return decodeRunningInfo(utf8(
    `{"mqTable":{${name}:${JSON.stringify(queue)}},"mqPopTable":{${name}:{"waitAckCount":3,"lastPopTimestamp":9}},` +
      `"properties":${JSON.stringify(properties)},"subscriptionSet":[{"topic":"T","subString":"${subString}"}],` +
      `"statusTable":{},"userConsumerInfo":{"u":"v"}}`,
  ));
}

const GOOD = { cachedMsgCount: 1, lastConsumeTimestamp: NOW_MS - 1000 };

Deno.test("Members that agree and move on are no news", () => {
  const infos = new Map([["a", member("*", GOOD)], ["b", member("*", GOOD)]]);
  assertEquals([...findings("G", infos, NOW_MS)], []);
});

Deno.test("Different subscriptions, hanging queues and locks that cannot be had are found", () => {
  const infos = new Map([
    ["a", member("*", GOOD)],
    ["b", member("TagA", { cachedMsgCount: 1, lastConsumeTimestamp: NOW_MS - 70_000 })],
    ["c", member("*", { locked: false, lastLockTimestamp: NOW_MS - 5 }, true)],
  ]);
  const queue = "MessageQueue [topic=T, brokerName=b, queueId=1]";
  assertEquals([...findings("G", infos, NOW_MS)], [
    "ConsumerGroup: G, Subscription different",
    `ConsumerGroup: G, ClientId: b, b ${queue} can't consume for a while, maybe blocked, 70000ms`,
    `ConsumerGroup: G, ClientId: c, c ${queue} can't lock for a while, 5ms`,
  ]);
});

Deno.test("Queues that are popped and the application's own facts are printed too", () => {
  const text = runningInfoText(member("*", GOOD));
  assertEquals(text.includes("PopProcessQueueInfo [waitAckCount:3, droped:false, lastPopTimestamp:9]"), true);
  assertEquals(text.endsWith(`#User Consume Info#\n${"u".padEnd(40)}: v`), true);
});
