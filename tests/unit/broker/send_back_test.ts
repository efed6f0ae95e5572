/**
 * Messages sent back, replies and queries at their edges.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readStoredMessages, type StoredMessage } from "../../../src/broker/stored_message.ts";
import { simWorld } from "../../support/world.ts";
import { type BenchBroker, type Peer, startBenchBroker } from "./broker_bench.ts";

async function withBroker(
  test: (peer: Peer, bench: BenchBroker) => Promise<void>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  await simWorld(2, { limitMs: 3_600_000 }).run(async (world) => {
    const bench = await startBenchBroker(world, overrides);
    const peer = await bench.connect("client");
    await test(peer, bench);
  });
}

/** Sends the message at `offset` back. */
function sendBack(peer: Peer, fields: Readonly<Record<string, string>> = {}) {
  return peer.ask(36, {
    offset: "0",
    group: "G",
    delayLevel: "0",
    originTopic: "Topic550",
    originMsgId: "x",
    ...fields,
  });
}

async function messages(peer: Peer, topic: string, queueId = "0"): Promise<StoredMessage[]> {
  const { body } = await peer.ask(11, {
    consumerGroup: "READER",
    topic,
    queueId,
    queueOffset: "0",
    maxMsgNums: "32",
    sysFlag: "4",
    commitOffset: "0",
    suspendTimeoutMillis: "0",
    subscription: "*",
    subVersion: "0",
  });
  return readStoredMessages([body]);
}

Deno.test("the delay grows with the times a message was consumed, unless the consumer names a level", async () => {
  await withBroker(async (peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    assertEquals((await sendBack(peer)).code, 0);
    assertEquals((await sendBack(peer, { delayLevel: "7" })).code, 0);
    const [first] = await messages(peer, "SCHEDULE_TOPIC_XXXX", "2");
    const [second] = await messages(peer, "SCHEDULE_TOPIC_XXXX", "6");
    assertEquals([first!.properties.get("REAL_TOPIC"), first!.reconsumeTimes], ["%RETRY%G", 1]);
    assertEquals([second!.properties.get("DELAY"), second!.properties.get("RETRY_TOPIC")], ["7", "Topic550"]);
    assertEquals(second!.properties.get("WAIT"), "false");
  });
});

Deno.test("a negative level makes a dead letter at once, which says where it comes from", async () => {
  await withBroker(async (peer) => {
    const { ext: { msgId } } = await peer.replay("000310-send-v2-5.5.0");
    assertEquals((await sendBack(peer, { delayLevel: "-1" })).code, 0);
    const [dead] = await messages(peer, "%DLQ%G");
    assertEquals(new TextDecoder().decode(dead!.body), "hello");
    const { DLQ_ORIGIN_TOPIC, DLQ_ORIGIN_MESSAGE_ID, RETRY_TOPIC, DELAY } = Object.fromEntries(dead!.properties);
    assertEquals([DLQ_ORIGIN_TOPIC, DLQ_ORIGIN_MESSAGE_ID, RETRY_TOPIC, DELAY], [
      "Topic550",
      msgId,
      "Topic550",
      undefined,
    ]);
  });
});

Deno.test("as many retries as the request allows, and none when it allows none", async () => {
  await withBroker(async (peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    await sendBack(peer, { maxReconsumeTimes: "0" });
    assertEquals((await messages(peer, "%DLQ%G")).length, 1);
    await sendBack(peer, { maxReconsumeTimes: "1" });
    assertEquals((await messages(peer, "%DLQ%G")).length, 1);
  });
});

Deno.test("what cannot be sent back is refused in RocketMQ's words", async () => {
  await withBroker(async (peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    const gone = await sendBack(peer, { offset: "4711" });
    assertEquals([gone.code, gone.remark], [1, "look message by offset failed, 4711"]);
    const group = await sendBack(peer, { group: "bad group!" });
    assertEquals(group.code, 26);
    assertStringIncludes(group.remark!, "subscription group not exist, bad group!");
  });
});

Deno.test("a reply whose asker is unknown, or that names none, is an error that says so", async () => {
  await withBroker(async (peer) => {
    const unknown = await peer.replay("000325-reply-message-v2-5.5.0");
    assertEquals(unknown.code, 1);
    assertEquals(unknown.remark, "push reply message fail, channel of <192.0.2.2@rrp> not found.");
    assertEquals(unknown.ext.MSG_REGION, "DefaultRegion");
    const nobody = await peer.replayWith("000325-reply-message-v2-5.5.0", { i: "UNIQ_KEY\x01k\x02" });
    assertEquals(nobody.remark, "reply message properties[REPLY_TO_CLIENT] is null");
  });
});

Deno.test("replies are not kept when the broker is configured so, and are answered with the id 0", async () => {
  await withBroker(async (peer, bench) => {
    const asker = await bench.connect("asker");
    const beat = JSON.stringify({
      clientID: "192.0.2.2@rrp",
      consumerDataSet: [],
      producerDataSet: [{ groupName: "P" }],
    });
    await asker.ask(34, {}, new TextEncoder().encode(beat));
    const pushed = asker.next();
    const answer = await peer.replay("000325-reply-message-v2-5.5.0");
    await pushed;
    assertEquals([answer.code, answer.ext.msgId, answer.ext.queueOffset], [0, "0", "0"]);
    assertEquals(await messages(peer, "DefaultCluster_REPLY_TOPIC"), []);
    asker.close();
  }, { storeReplyMessageEnable: "false" });
});

Deno.test("messages are found by key, unique key and time, and not by what only looks like a key", async () => {
  await withBroker(async (peer) => {
    const { ext: { transactionId } } = await peer.replay("000310-send-v2-5.5.0");
    const find = async (fields: Readonly<Record<string, string>>) => {
      const times = { beginTimestamp: "0", endTimestamp: "9223372036854775807" };
      const answer = await peer.ask(12, { topic: "Topic550", maxNum: "10", ...times, ...fields });
      return answer.code === 0 ? readStoredMessages([answer.body]).length : answer.code;
    };
    assertEquals(await find({ key: "Key1" }), 1);
    assertEquals(await find({ key: "Key2", _UNIQUE_KEY_QUERY: "false" }), 1);
    assertEquals(await find({ key: transactionId!, _UNIQUE_KEY_QUERY: "true" }), 1);
    assertEquals(await find({ key: transactionId!, indexType: "U" }), 1);
    assertEquals(await find({ key: "Key" }), 22);
    assertEquals(await find({ key: "Key1", topic: "other" }), 22);
    assertEquals(await find({ key: "Key1", endTimestamp: "1" }), 22);
    assertEquals(await find({ key: "Key1", maxNum: "-1" }), 22);
  });
});
