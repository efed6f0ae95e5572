import { assertEquals } from "@std/assert";
import {
  encodeStored,
  readStoredMessage,
  readStoredMessages,
  storedAgain,
} from "../../../src/broker/stored_message.ts";
import { concatBytes, utf8 } from "../../../src/common/bytes.ts";
import { goldenAnswer } from "./broker_bench.ts";

const PULLED = "000011-pull-found-multi-5.5.0";

Deno.test("records that RocketMQ sent are read field by field", () => {
  const [first, second, ...others] = readStoredMessages([goldenAnswer(PULLED).body]);
  assertEquals(others, []);
  assertEquals([first!.topic, first!.queueId, first!.queueOffset, second!.queueOffset], ["Topic550", 3, 0, 1]);
  assertEquals([...first!.storeHost.hostBytes, first!.storeHost.port], [127, 0, 0, 1, 20911]);
  assertEquals(first!.properties.get("CLUSTER"), "DefaultCluster");
});

Deno.test("writing a record that was read gives the same bytes, and in another queue only topic and queue differ", () => {
  const { body } = goldenAnswer(PULLED);
  const messages = readStoredMessages([body]);
  assertEquals(concatBytes(messages.map((message) => encodeStored(message, message.topic, message.queueId))), body);
  const moved = readStoredMessage(encodeStored(messages[0]!, "%RETRY%话题", 9));
  assertEquals(moved, { ...messages[0]!, topic: "%RETRY%话题", queueId: 9 });
});

Deno.test("IPv6 hosts and topics longer than 127 bytes survive", () => {
  const [message] = readStoredMessages([goldenAnswer(PULLED).body]);
  const v6 = { hostBytes: new Uint8Array(16).fill(7), port: 1234 };
  const topic = "%RETRY%" + "t".repeat(200);
  const changed = { ...message!, sysFlag: 0x30, bornHost: v6, storeHost: v6 };
  assertEquals(readStoredMessage(encodeStored(changed, topic, 0)), { ...changed, topic, queueId: 0 });
});

Deno.test("bytes that are no record give none", () => {
  assertEquals(readStoredMessage(new Uint8Array(100)), null);
  assertEquals(readStoredMessage(utf8("nothing like a record, nothing like a record, nothing like a record")), null);
  assertEquals(readStoredMessages([new Uint8Array(0)]), []);
});

Deno.test("storing again keeps what the producer gave and forgets where it lay", () => {
  const [message] = readStoredMessages([goldenAnswer(PULLED).body]);
  const again = storedAgain({ ...message!, reconsumeTimes: 3, flag: 9 }, "%RETRY%G", 2);
  assertEquals([again.topic, again.queueId, again.reconsumeTimes, again.flag], ["%RETRY%G", 2, 3, 9]);
  assertEquals([again.bornTimestamp, again.bornHost], [message!.bornTimestamp, message!.bornHost]);
  assertEquals([again.preparedTransactionOffset, again.deliverDelayMs], [0, -1]);
});
