import { assertEquals, assertThrows } from "@std/assert";
import { decodeMessage, decodeMessages } from "../../../src/client/decode_message.ts";
import { ClientError } from "../../../src/client/errors.ts";
import { goldenExchange } from "./golden_frames.ts";

Deno.test("a pulled message has all that its producer and its broker said", () => {
  const { response } = goldenExchange("000011-pull-found-5.5.0");

  const message = decodeMessage(response!.body, { brokerName: "broker-a" });

  assertEquals(message.topic, "AdmT");
  assertEquals(message.text(), "hello");
  assertEquals(message.queue, { brokerName: "broker-a", queueId: 0, topic: "AdmT" });
  assertEquals([message.queueOffset, message.physicalOffset, message.storeSize], [0, 16026, 254]);
  assertEquals([message.tags, message.keys], ["tt", ["kk"]]);
  assertEquals(message.msgId, "FD00000000000000000000000000000259B85FFD2B27681CC2120000");
  assertEquals(message.offsetMsgId, "7F000001000051AF0000000000003E9A");
  assertEquals([message.bornHost, message.storeHost], ["127.0.0.1:53224", "127.0.0.1:20911"]);
  assertEquals([message.bornTimestamp, message.storeTimestamp], [1795237915155, 1795237915163]);
  assertEquals(message.properties.get("CLUSTER"), "DefaultCluster");
});

Deno.test("several messages are decoded, and those not wanted are left out", () => {
  const body = goldenExchange("000011-pull-found-multi-5.5.0").response!.body;

  const all = decodeMessages(body, { brokerName: "b" });
  const some = decodeMessages(body, {
    brokerName: "b",
    wanted: (message) => message === null || message.queueOffset > all[0]!.queueOffset,
  });

  assertEquals(all.length > 1, true);
  assertEquals(some.map((each) => each.msgId), all.slice(1).map((each) => each.msgId));
});

Deno.test("bytes that are no messages, and a body that was changed, are errors", () => {
  const body = goldenExchange("000011-pull-found-5.5.0").response!.body;
  const changed = body.slice();
  changed[88]! ^= 1; // in the body

  assertThrows(() => decodeMessages(body.subarray(0, 100), { brokerName: "b" }), ClientError);
  assertThrows(() => decodeMessages(new Uint8Array(50), { brokerName: "b" }), ClientError);
  assertThrows(() => decodeMessages(changed, { brokerName: "b" }), ClientError, "checksum");
});
