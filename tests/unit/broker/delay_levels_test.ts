import { assertEquals, assertThrows } from "@std/assert";
import { DelayLevels } from "../../../src/broker/delay_levels.ts";
import { type BrokerMessage, brokerMessage } from "../../../src/broker/message_put.ts";
import { defaultStoreOptions } from "../../../src/store/store.ts";

const STANDARD = defaultStoreOptions("/store").messageDelayLevel;

function message(properties: Record<string, string>, fields: Partial<BrokerMessage> = {}): BrokerMessage {
  return brokerMessage({
    topic: "T",
    queueId: 3,
    bornTimestamp: 0,
    bornHost: { hostBytes: new Uint8Array(4), port: 1 },
    properties: new Map(Object.entries(properties)),
    ...fields,
  });
}

Deno.test("the standard levels are RocketMQ's 18", () => {
  const levels = new DelayLevels(STANDARD);
  const seconds = Array.from({ length: levels.max }, (_, i) => levels.delayMs(i + 1) / 1000);
  assertEquals(seconds, [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200]);
});

Deno.test("levels may be of any number and unit, and what is none is an error that says what is expected", () => {
  const levels = new DelayLevels("  2s 1d\t3h ");
  assertEquals([levels.max, levels.delayMs(1), levels.delayMs(2), levels.delayMs(3)], [
    3,
    2000,
    86_400_000,
    10_800_000,
  ]);
  const { message } = assertThrows(() => new DelayLevels("1s 5 10s"), TypeError);
  assertEquals(message, `messageDelayLevel: "5" is no delay; expected e.g. 30s, 5m, 2h, 1d`);
});

Deno.test("a message with a level waits in the level's queue and knows where it goes then", () => {
  const delayed = message({ DELAY: "3", TIMER_DELAY_MS: "5" });
  assertEquals(new DelayLevels(STANDARD).rewrite(delayed), null);
  assertEquals([delayed.topic, delayed.queueId, delayed.deliverDelayMs], ["SCHEDULE_TOPIC_XXXX", 2, 10_000]);
  assertEquals(Object.fromEntries(delayed.properties), { DELAY: "3", REAL_TOPIC: "T", REAL_QID: "3" });
});

Deno.test("a level above the highest is the highest", () => {
  const delayed = message({ DELAY: "99" });
  new DelayLevels(STANDARD).rewrite(delayed);
  assertEquals([delayed.queueId, delayed.properties.get("DELAY"), delayed.deliverDelayMs], [17, "18", 7_200_000]);
});

Deno.test("messages without a level, and halves of transactions, are left alone", () => {
  const levels = new DelayLevels(STANDARD);
  for (const untouched of [message({}), message({ DELAY: "0" }), message({ DELAY: "-1" }), message({ DELAY: "x" })]) {
    levels.rewrite(untouched);
    assertEquals([untouched.topic, untouched.deliverDelayMs], ["T", -1]);
  }
  const prepared = message({ DELAY: "1" }, { sysFlag: 4 });
  levels.rewrite(prepared);
  assertEquals(prepared.topic, "T");
  const committed = message({ DELAY: "1" }, { sysFlag: 8 });
  levels.rewrite(committed);
  assertEquals(committed.topic, "SCHEDULE_TOPIC_XXXX");
});
