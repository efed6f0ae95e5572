/**
 * What a replayed dead letter looks like.
 * @module
 */
import { assertEquals } from "@std/assert";
import { ReceivedMessage } from "../../../src/client/message.ts";
import { replayOf } from "../../../src/tools/commands/dead_letters.ts";

function deadLetter(): ReceivedMessage {
  return Object.assign(new ReceivedMessage(), {
    topic: "%DLQ%G",
    body: Uint8Array.of(1, 2),
    flag: 7,
    reconsumeTimes: 16,
    properties: new Map([
      ["KEYS", "k"],
      ["TAGS", "t"],
      ["own", "property"],
      ["UNIQ_KEY", "ID"],
      ["RETRY_TOPIC", "T"],
      ["ORIGIN_MESSAGE_ID", "ORIGIN"],
      ["DLQ_ORIGIN_TOPIC", "T"],
      ["DLQ_ORIGIN_MESSAGE_ID", "ORIGIN"],
      ["RECONSUME_TIME", "16"],
      ["MAX_RECONSUME_TIMES", "16"],
      ["DELAY", "18"],
      ["TIMER_OUT_MS", "1"],
      ["CLUSTER", "c"],
    ]),
  });
}

Deno.test("A replay for the group alone goes to its retry topic, names the origin and counts from the beginning", () => {
  const { topic, body, flag, properties } = replayOf(deadLetter(), "G");
  assertEquals([topic, body, flag], ["%RETRY%G", Uint8Array.of(1, 2), 7]);
  assertEquals(properties, {
    KEYS: "k",
    TAGS: "t",
    own: "property",
    UNIQ_KEY: "ID",
    RETRY_TOPIC: "T",
    ORIGIN_MESSAGE_ID: "ORIGIN",
  });
});

Deno.test("A replay for everybody goes to the topic that the message came from, as if it were sent anew", () => {
  const { topic, properties } = replayOf(deadLetter(), null);
  assertEquals(topic, "T");
  assertEquals(properties, { KEYS: "k", TAGS: "t", own: "property", UNIQ_KEY: "ID" });
});
