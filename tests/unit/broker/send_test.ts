/**
 * Sends at their edges: who may send where, retries that are used up, batches that cannot be, answers in both encodings.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { putI16, putI32, utf8 } from "../../../src/common/bytes.ts";
import { readStoredMessages } from "../../../src/broker/stored_message.ts";
import { SERIALIZE_JSON, SERIALIZE_ROCKETMQ, type SerializeType } from "../../../src/remoting/command.ts";
import { encodeFrame } from "../../../src/remoting/frame.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { type RawPeer, SendBench, type SendBenchOptions } from "./send_bench.ts";

const ORDINARY = {
  a: "PG",
  b: "T",
  c: "TBW102",
  d: "4",
  e: "0",
  f: "0",
  g: "1795237760945",
  h: "0",
  i: "UNIQ_KEY\x01key\x02",
  j: "0",
  k: "false",
  m: "false",
};

async function withBench(
  options: SendBenchOptions,
  test: (bench: SendBench, peer: RawPeer, world: SimWorld) => Promise<void>,
): Promise<void> {
  await simWorld(1).run(async (world) => {
    const machine = world.machine("broker");
    const bench = await SendBench.open(machine.boot(), machine.ip, options);
    const peer = await bench.fast(world.machine("client").boot());
    await test(bench, peer, world);
    peer.socket.close();
    await bench.close();
  });
}

function frame(
  ext: Readonly<Record<string, string>>,
  serialize: SerializeType = SERIALIZE_JSON,
  code = 310,
  body = utf8("x"),
) {
  const header = {
    code,
    language: "JAVA",
    version: 513,
    opaque: 7,
    flag: 0,
    remark: null,
    ext: { ...ORDINARY, ...ext },
  };
  return encodeFrame(header, body, serialize);
}

async function codeOf(peer: RawPeer, ext: Readonly<Record<string, string>>): Promise<number> {
  return (await peer.ask(frame(ext)))!.code;
}

Deno.test("an answer has the same fields in both header encodings", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 4);
    for (const [offset, serialize] of [SERIALIZE_JSON, SERIALIZE_ROCKETMQ].entries()) {
      const answer = await peer.ask(frame({ e: "2" }, serialize as SerializeType));
      assertEquals([answer!.code, answer!.opaque, answer!.flag, answer!.serialize], [0, 7, 1, serialize]);
      const { msgId, ...ext } = answer!.ext;
      assertEquals(ext, {
        queueId: "2",
        queueOffset: String(offset),
        transactionId: "key",
        MSG_REGION: "DefaultRegion",
        TRACE_ON: "true",
      });
      assertEquals(msgId!.slice(0, 16), "0A00000100002A9F");
    }
    assertEquals(bench.taken, 2);
  });
});

Deno.test("a slave refuses all sends, also to topics that it took sends for as a master", async () => {
  let isSlave = false;
  await withBench({ isSlave: () => isSlave }, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    assertEquals(await codeOf(peer, {}), 0);
    isSlave = true;
    const answer = await peer.ask(frame({}));
    assertEquals(answer!.code, 2);
    assertStringIncludes(answer!.remark!, "slave");
    assertEquals(answer!.ext, { MSG_REGION: "DefaultRegion", TRACE_ON: "true" });
    isSlave = false;
    assertEquals(await codeOf(peer, {}), 0);
  });
});

Deno.test("a broker that lost its write permission refuses ordered topics and takes others, as RocketMQ does", async () => {
  let permission = 6;
  await withBench({ brokerPermission: () => permission }, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    bench.topics.update({ ...bench.topics.get("T")!, topicName: "Ordered", order: true });
    for (const [given, ordered] of [[6, 0], [4, 16], [6, 0]] as const) {
      permission = given;
      assertEquals([await codeOf(peer, { b: "Ordered" }), await codeOf(peer, {})], [ordered, 0]);
    }
  });
});

Deno.test("queues that a topic got or lost count from the next send on", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    assertEquals(await codeOf(peer, { e: "1" }), 29);
    assertEquals(await codeOf(peer, { e: "0" }), 0);
    bench.topics.update({ ...bench.topics.get("T")!, writeQueueNums: 2 });
    assertEquals(await codeOf(peer, { e: "1" }), 0);
    bench.topics.update({ ...bench.topics.get("T")!, writeQueueNums: 1, readQueueNums: 1 });
    assertEquals(await codeOf(peer, { e: "1" }), 29);
  });
});

Deno.test("the first send makes a topic with as many queues as the client wants and the template has", async () => {
  await withBench({}, async (bench, peer) => {
    assertEquals(await codeOf(peer, { b: "New", d: "3" }), 0);
    assertEquals(await codeOf(peer, { b: "Wide", d: "100" }), 0);
    const numbers = ["New", "Wide"].map((name) => bench.topics.get(name)!.writeQueueNums);
    assertEquals(numbers, [3, 8]);
    assertEquals([bench.topics.get("New")!.perm, await codeOf(peer, { b: "bad name" })], [6, 29]);
    assertEquals(await codeOf(peer, { b: "SCHEDULE_TOPIC_XXXX" }), 16);
  });
});

Deno.test("a retried message that was tried often enough, and any of a group that consumes in order, is a dead letter", async () => {
  await withBench({}, async (bench, peer) => {
    const retry = { b: "%RETRY%G", i: "UNIQ_KEY\x01key\x02DELAY\x013\x02" };
    assertEquals(await codeOf(peer, { ...retry, j: "16" }), 0);
    assertEquals(bench.store.maxOffset("%DLQ%G", 0), 0);
    assertEquals(await codeOf(peer, { ...retry, j: "17" }), 0);
    assertEquals(bench.store.maxOffset("%DLQ%G", 0), 1);
    assertEquals(await codeOf(peer, { ...retry, j: "3", l: "2" }), 0);
    assertEquals(bench.store.maxOffset("%DLQ%G", 0), 2);
    bench.locks.lock("G", [{ brokerName: "broker-a", topic: "T", queueId: 0 }], "client");
    assertEquals(await codeOf(peer, { ...retry, j: "0" }), 0);
    assertEquals(bench.store.maxOffset("%DLQ%G", 0), 3);
    assertEquals(bench.topics.get("%DLQ%G")!.writeQueueNums, 1);
  });
});

/** A batch body. */
function batch(...bodies: string[]): Uint8Array {
  const parts = bodies.map((text) => {
    const body = utf8(text);
    const one = new Uint8Array(22 + body.length);
    putI32(one, 0, one.length);
    putI32(one, 16, body.length);
    one.set(body, 20);
    putI16(one, 20 + body.length, 0);
    return one;
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("a batch is stored whole, message by message, and answered with all ids", async () => {
  await withBench({}, async (bench, peer) => {
    const answer = await peer.ask(frame({ m: "true", i: "" }, SERIALIZE_JSON, 320, batch("a", "b", "c")));
    assertEquals([answer!.code, answer!.ext.queueOffset], [0, "0"]);
    const ids = answer!.ext.msgId!.split(",").map((id) => Number(`0x${id.slice(16)}`));
    const records = await Promise.all(ids.map((offset) => bench.store.messageAt(offset)));
    const stored = readStoredMessages(records.map((record) => record!));
    assertEquals(stored.map(({ body, queueOffset }) => `${queueOffset}${String.fromCharCode(...body)}`), [
      "0a",
      "1b",
      "2c",
    ]);
  });
});

Deno.test("batches that cannot be are refused, and nothing of them is stored", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    const code = async (ext: Readonly<Record<string, string>>, body: Uint8Array) =>
      (await peer.ask(frame({ m: "true", ...ext }, SERIALIZE_JSON, 320, body)))!.code;
    assertEquals(await code({ b: "%RETRY%G" }, batch("a")), 13);
    assertEquals(await code({ i: "DELAY\x013\x02" }, batch("a")), 13);
    assertEquals(await code({ i: "TRAN_MSG\x01true\x02" }, batch("a")), 13);
    assertEquals(await code({ f: "4" }, batch("a")), 13);
    const torn = batch("a", "b").slice(0, -3);
    assertEquals(await code({}, torn), 13);
    assertEquals(bench.store.maxOffset("T", 0), 0);
  });
});

Deno.test("too large a body or too many properties are illegal, in RocketMQ's words", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    const large = await peer.ask(frame({}, SERIALIZE_JSON, 310, new Uint8Array(4194305)));
    assertEquals(large!.code, 13);
    assertStringIncludes(large!.remark!, "msg body length limit 4194304B, msg properties length limit 32KB.");
    assertEquals(await codeOf(peer, { i: `UNIQ_KEY\x01k\x02big\x01${"x".repeat(32760)}\x02` }), 13);
    assertEquals(await codeOf(peer, { i: `UNIQ_KEY\x01k\x02big\x01${"x".repeat(32600)}\x02` }), 0);
    assertEquals(bench.store.maxOffset("T", 0), 1);
  });
});

Deno.test("a full disk is told to fast and general sends alike", async () => {
  await withBench({}, async (bench, peer, world) => {
    bench.topics.createForGroup("T", 1);
    assertEquals(await codeOf(peer, {}), 0);
    world.machine("broker").disk.setCapacity(0);
    for (const ext of [{}, { i: "" }]) {
      const answer = await peer.ask(frame(ext, SERIALIZE_JSON, 310, new Uint8Array(20_000)));
      assertEquals(answer!.code, 14);
      assertStringIncludes(answer!.remark!, "service not available now.");
    }
    world.machine("broker").disk.setCapacity(2 ** 40);
    // The store looks for room from time to time.
    const startMs = world.clock.monotonicMs();
    while (await codeOf(peer, {}) !== 0) await world.clock.sleep(1000);
    assert(world.clock.monotonicMs() - startMs <= 60_000);
  });
});

Deno.test("a priority chooses the queue, the last one when it is higher; other kinds of messages lose it", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 4);
    const queueOf = async (properties: string) =>
      (await peer.ask(frame({ i: `UNIQ_KEY\x01key\x02${properties}` })))!.ext.queueId;
    // Recorded from RocketMQ 5.5.0: sends to queue 0 of a topic with 4 queues.
    for (const [priority, queueId] of [["0", "0"], ["1", "1"], ["3", "3"], ["7", "3"], ["-1", "0"], ["x", "0"]]) {
      assertEquals(await queueOf(`_SYS_MSG_PRIORITY_\x01${priority}\x02`), queueId, `priority ${priority}`);
    }
    assertEquals(await queueOf("_SYS_MSG_PRIORITY_\x012\x02__SHARDINGKEY\x01s\x02"), "0");
    const record = await bench.store.messageAt(bench.store.figures().maxPhysicalOffset - 1) ?? new Uint8Array(0);
    assertEquals(readStoredMessages([record]).some(({ properties }) => properties.has("_SYS_MSG_PRIORITY_")), false);
  });
});

Deno.test("small clients may leave out group, default topic and its queues, in both spellings", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    const { a: _a, c: _c, d: _d, ...least } = ORDINARY;
    const header = { language: "OTHER", version: 0, opaque: 7, flag: 0, remark: null };
    const short = await peer.ask(encodeFrame({ ...header, code: 310, ext: least }, utf8("x"), SERIALIZE_JSON));
    assertEquals(short!.code, 0);
    const named = { topic: "T", queueId: "0", sysFlag: "0", bornTimestamp: "1", flag: "0" };
    const long = await peer.ask(encodeFrame({ ...header, code: 10, ext: named }, utf8("x"), SERIALIZE_JSON));
    assertEquals([long!.code, long!.ext.queueOffset], [0, "1"]);
  });
});

Deno.test("what says that it is a batch within, and is none, is refused", async () => {
  await withBench({}, async (bench, peer) => {
    bench.topics.createForGroup("T", 1);
    assertEquals(await codeOf(peer, { f: "128" }), 13);
  });
});
