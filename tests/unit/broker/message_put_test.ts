import { assertEquals } from "@std/assert";
import { brokerMessage, MessagePut, waitsForStore } from "../../../src/broker/message_put.ts";
import { refusedReply } from "../../../src/broker/put_remarks.ts";
import { readStoredMessage } from "../../../src/broker/stored_message.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { PutStatus } from "../../../src/store/store.ts";
import { simWorld } from "../../support/world.ts";
import { SendBench } from "./send_bench.ts";

function message(properties: Record<string, string> = {}) {
  return brokerMessage({
    topic: "T",
    bornTimestamp: 5,
    bornHost: { hostBytes: Uint8Array.of(1, 2, 3, 4), port: 80 },
    body: utf8("body"),
    properties: new Map(Object.entries(properties)),
  });
}

Deno.test("rewriters see a message in their order, and what they make of it is stored", async () => {
  await simWorld(1).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip);
    const put = new MessagePut(bench.store);
    put.addRewriter((each) => {
      each.topic += "-one";
      return null;
    });
    put.addRewriter((each) => {
      each.topic += "-two";
      each.properties.set("TAGS", "A");
      return null;
    });
    const outcome = await put.putSafely(message());
    assertEquals([outcome.status, outcome.refusal], [PutStatus.PUT_OK, null]);
    const stored = readStoredMessage((await bench.store.messageAt(outcome.result.physicalOffset))!)!;
    assertEquals([stored.topic, stored.properties.get("TAGS")], ["T-one-two", "A"]);
    const units = await bench.store.unitsAt("T-one-two", 0, 0, 1);
    assertEquals(units[19], "A".charCodeAt(0), "the tags code is that of the rewritten message");

    assertEquals(put.putAsIs(message()).status, PutStatus.PUT_OK);
    await world.clock.sleep(1);
    assertEquals(bench.store.maxOffset("T", 0), 1);
    await bench.close();
  });
});

Deno.test("a rewriter that refuses ends it: nothing is stored, and the others are not asked", async () => {
  await simWorld(1).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip);
    const put = new MessagePut(bench.store);
    const refusal = { code: 13, remark: "no" };
    put.addRewriter(() => refusal);
    put.addRewriter(() => {
      throw new Error("asked");
    });
    const outcome = put.put(message());
    assertEquals([outcome.status, outcome.refusal], [PutStatus.MESSAGE_ILLEGAL, refusal]);
    assertEquals(bench.store.maxOffset("T", 0), 0);
    await bench.close();
  });
});

Deno.test("a producer waits for the store unless it says WAIT=false, in any letters, or something else than true", () => {
  const waits = [{}, { WAIT: "true" }, { WAIT: "TRUE" }, { WAIT: "false" }, { WAIT: "False" }, { WAIT: "no" }];
  assertEquals(waits.map((properties) => waitsForStore(message(properties))), [true, true, true, false, false, false]);
});

Deno.test("what is not stored has RocketMQ's code and words, and the reason where there is one", () => {
  const facts = { maxMessageSize: 4194304, refusal: () => "the disk is 96 % full" };
  const { code, remark } = refusedReply(PutStatus.MESSAGE_ILLEGAL, facts);
  assertEquals([code, remark], [
    13,
    "the message is illegal, maybe msg body or properties length not matched. msg body length limit 4194304B, " +
    "msg properties length limit 32KB.",
  ]);
  assertEquals(refusedReply(PutStatus.PROPERTIES_SIZE_EXCEEDED, facts).code, 13);
  const unavailable = refusedReply(PutStatus.SERVICE_NOT_AVAILABLE, facts);
  assertEquals([unavailable.code, unavailable.remark!.endsWith(" Cause: the disk is 96 % full")], [14, true]);
  assertEquals(refusedReply(PutStatus.CREATE_MAPPED_FILE_FAILED, { ...facts, refusal: () => null }), {
    code: 1,
    remark: "create mapped file failed, server is busy or broken.",
  });
  assertEquals(refusedReply(PutStatus.UNKNOWN_ERROR, facts).code, 1);
});
