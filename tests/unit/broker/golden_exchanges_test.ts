/**
 * Exchanges captured between RocketMQ's clients (4.4.0, 4.9.7, 5.5.0, Go 2.1) and its broker 5.5.0, replayed against a whole
 * broker: codes, header fields, remarks and stored records are equal but for times, ports, and places that depend on what
 * was stored before.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Command } from "../../../src/remoting/command.ts";
import { readStoredMessages, type StoredMessage } from "../../../src/broker/stored_message.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { type BenchBroker, goldenAnswer, goldenFrame, Peer, startBenchBroker } from "./broker_bench.ts";

async function withBroker(test: (bench: BenchBroker, peer: Peer, world: SimWorld) => Promise<void>): Promise<void> {
  await simWorld(3, { limitMs: 3_600_000 }).run(async (world) => {
    const bench = await startBenchBroker(world);
    const peer = await bench.connect("client");
    await test(bench, peer, world);
    peer.close();
    await bench.broker.stop();
  });
}

/** What of an answer does not depend on what was stored before, nor on where the peer is. */
function comparable(answer: Command) {
  const ext = { ...answer.ext };
  if (ext.msgId !== undefined) ext.msgId = ext.msgId.replaceAll(/(\w{16})\w{16}/g, "$1");
  if (ext.queueOffset !== undefined) ext.queueOffset = "some";
  const remark = answer.remark?.replaceAll(/(127\.0\.0\.1|10\.0\.0\.\d+):\d+/g, "peer") ?? null;
  return { code: answer.code, ext, remark: remark === "" ? null : remark, flag: answer.flag, opaque: answer.opaque };
}

function assertSame(answer: Command, name: string, known: Readonly<Record<string, string>> = {}): void {
  const expected = comparable(goldenAnswer(name));
  assertEquals(comparable(answer), { ...expected, ext: { ...expected.ext, ...known } }, name);
  assertEquals(answer.serialize, goldenFrame(name).request.serialize, `${name}: the encoding of the request`);
}

/** A stored message without times, ports and positions. */
function content(message: StoredMessage) {
  const { bornHost: _born, storeHost: _store, storeTimestamp: _time, physicalOffset: _at, ...rest } = message;
  return { ...rest, properties: Object.fromEntries([...message.properties].sort()) };
}

for (
  const name of [
    "000310-send-v2-5.5.0",
    "000310-send-v2-4.9.7",
    "000310-send-v2-4.4.0",
    "000310-send-v2-binary-header-4.9.7",
    "000310-send-v2-compressed-4.9.7",
    "000310-send-v2-delay-5.5.0",
    "000310-send-v2-transaction-half-5.5.0",
    "000320-send-batch-4.4.0",
    "000320-send-batch-4.9.7",
    "000320-send-batch-5.5.0",
    "000320-send-batch-go-2.1",
    "000010-send-v1-go-2.1",
    "000310-send-no-permission-probe",
  ]
) {
  Deno.test(`a send is answered as RocketMQ's broker does: ${name}`, async () => {
    await withBroker(async (_bench, peer) => assertSame(await peer.replay(name), name));
  });
}

Deno.test("a topic that cannot be made is refused as RocketMQ does, and the remark goes on with the reason", async () => {
  await withBroker(async (_bench, peer) => {
    const name = "000310-send-topic-not-exist-probe";
    const { remark, ...answer } = comparable(await peer.replay(name));
    const { remark: golden, ...expected } = comparable(goldenAnswer(name));
    assertEquals(answer, expected);
    assertEquals(remark?.split("!")[0], golden?.split("!")[0]);
    assertStringIncludes(remark!, "default topic[nodefault]");
  });
});

Deno.test("ids and offsets of a first send are RocketMQ's to the last digit, and so is the size of its record", async () => {
  await withBroker(async (_bench, peer) => {
    const first = await peer.replay("000310-send-v2-5.5.0");
    assertEquals(first.ext, goldenAnswer("000310-send-v2-5.5.0").ext);
    const second = await peer.replay("000310-send-v2-delay-5.5.0");
    assertEquals(second.ext, goldenAnswer("000310-send-v2-delay-5.5.0").ext);
  });
});

Deno.test("a send without a unique key gets one, which its answer names", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    const answer = await peer.replay("000010-send-v1-probe");
    assertSame(answer, "000010-send-v1-probe", { transactionId: answer.ext.transactionId! });
    assertEquals(answer.ext.transactionId!.length, 32);
    const { ext } = await peer.ask(12, {
      topic: "Topic550",
      key: answer.ext.transactionId!,
      maxNum: "10",
      beginTimestamp: "0",
      endTimestamp: "9223372036854775807",
      _UNIQUE_KEY_QUERY: "true",
    });
    assert(Number(ext.indexLastUpdatePhyoffset) > 0);
  });
});

Deno.test("a queue that the topic has not got is refused with the topic's configuration", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    assertSame(await peer.replay("000310-send-invalid-queue-probe"), "000310-send-invalid-queue-probe");
  });
});

Deno.test("a one-way send is stored and not answered", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.tell("000310-send-v2-oneway-4.9.7");
    const answer = await peer.replay("000310-send-v2-4.9.7");
    assertEquals(answer.opaque, goldenFrame("000310-send-v2-4.9.7").request.opaque);
    const max = await peer.ask(30, { topic: "Topic497", queueId: "0" });
    assertEquals(max.ext.offset, "1");
  });
});

for (const version of ["4.4.0", "4.9.7", "5.5.0"]) {
  Deno.test(`a message is found by its key, and its record is the one that RocketMQ stored: ${version}`, async () => {
    await withBroker(async (_bench, peer) => {
      await peer.replay(`000310-send-v2-${version}`);
      const found = await peer.replay(`000012-query-message-${version}`);
      const { ext, body } = goldenAnswer(`000012-query-message-${version}`);
      assertEquals([found.code, Object.keys(found.ext).sort()], [0, Object.keys(ext).sort()]);
      assertEquals(readStoredMessages([found.body]).map(content), readStoredMessages([body]).map(content));
      const viewed = await peer.ask(33, { offset: "0" });
      assertEquals(viewed.body, found.body);
    });
  });
}

Deno.test("an offset where no message lies is told as RocketMQ tells it", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.replay("000310-send-v2-5.5.0");
    const name = "000033-view-message-not-found-probe";
    const answer = await peer.replay(name);
    assertEquals([answer.code, answer.remark], [1, goldenAnswer(name).remark]);
  });
});

Deno.test("a pull that carries its subscription finds messages as RocketMQ's tools see them", async () => {
  await withBroker(async (_bench, peer) => {
    for (
      const [name, topic, queueId] of [["000011-pull-found-4.9.7", "AdmU", "2"], [
        "000011-pull-found-5.5.0",
        "AdmT",
        "0",
      ]]
    ) {
      await peer.replayWith("000310-send-v2-5.5.0", { b: topic!, e: queueId! });
      const answer = await peer.replay(name!);
      assertSame(answer, name!);
      assertEquals(readStoredMessages([answer.body]).length, 1);
    }
    for (let i = 0; i < 4; i++) await peer.replayWith("000310-send-v2-5.5.0", { b: "PopT", e: "0" });
    assertSame(await peer.replay("000361-lite-pull-5.5.0"), "000361-lite-pull-5.5.0");
  });
});

/** A consumer's heartbeat of 4.4.0 with other names. */
function heartbeat(group: string, topic: string, subVersion: string, subString = "*") {
  const isAll = subString === "*";
  const codes = isAll ? [] : [[...subString].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) | 0, 0)];
  const subscription = (name: string, all: boolean) => ({
    classFilterMode: false,
    codeSet: all ? [] : codes,
    expressionType: "TAG",
    subString: all ? "*" : subString,
    subVersion: "VERSION",
    tagsSet: all ? [] : [subString],
    topic: name,
  });
  const text = JSON.stringify({
    clientID: `192.0.2.2@${group}`,
    consumerDataSet: [{
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      consumeType: "CONSUME_PASSIVELY",
      groupName: group,
      messageModel: "CLUSTERING",
      subscriptionDataSet: [subscription(topic, isAll), subscription(`%RETRY%${group}`, true)],
      unitMode: false,
    }],
    producerDataSet: [{ groupName: "CLIENT_INNER_PRODUCER" }],
  });
  return new TextEncoder().encode(text.replaceAll('"VERSION"', subVersion));
}

Deno.test("a group's pulls by the subscription of its heartbeat are answered as RocketMQ does", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.replayWith("000310-send-v2-4.4.0", { e: "1" });
    await peer.ask(34, {}, heartbeat("CG_440", "Topic440", "1795237840138"));
    assertSame(await peer.replay("000011-pull-found-4.4.0"), "000011-pull-found-4.4.0");

    for (const key of ["1", "2"]) await peer.replayWith("000310-send-v2-5.5.0", { e: "3", opaque: key });
    await peer.ask(34, {}, heartbeat("CG_550", "Topic550", "1795237762257"));
    assertSame(await peer.replay("000011-pull-found-multi-5.5.0"), "000011-pull-found-multi-5.5.0");

    await peer.replayWith("000310-send-v2-binary-header-4.9.7", { e: "1" });
    await peer.ask(34, {}, heartbeat("CG_49R", "Topic49R", "1795238168338"));
    assertSame(await peer.replay("000011-pull-found-binary-header-4.9.7"), "000011-pull-found-binary-header-4.9.7");
  });
});

Deno.test("Go's pull of what Go sent as a batch finds both messages", async () => {
  await withBroker(async (_bench, peer) => {
    await peer.replay("000320-send-batch-go-2.1");
    await peer.ask(34, {}, heartbeat("GOC", "GoT", "1795238335985754017"));
    const answer = await peer.replay("000011-pull-found-go-2.1");
    assertSame(answer, "000011-pull-found-go-2.1");
    const golden = readStoredMessages([goldenAnswer("000011-pull-found-go-2.1").body]).map(content);
    assertEquals(readStoredMessages([answer.body]).map(content), golden);
  });
});

Deno.test("pulls that find nothing say why, as RocketMQ does", async () => {
  await withBroker(async (_bench, peer, world) => {
    for (let i = 0; i < 2; i++) await peer.replayWith("000310-send-v2-5.5.0", { e: "0" });
    assertSame(await peer.replay("000011-pull-offset-moved-probe"), "000011-pull-offset-moved-probe");
    assertSame(
      await peer.replay("000011-pull-subscription-not-exist-probe"),
      "000011-pull-subscription-not-exist-probe",
    );

    for (let i = 0; i < 2; i++) await peer.replayWith("000310-send-v2-4.9.7", { e: "3" });
    await peer.ask(34, {}, heartbeat("CG_497", "Topic497", "1795237839586"));
    const startMs = world.clock.monotonicMs();
    assertSame(await peer.replay("000011-pull-not-found-4.9.7"), "000011-pull-not-found-4.9.7");
    const waitedMs = world.clock.monotonicMs() - startMs;
    assert(waitedMs >= 15_000 && waitedMs < 16_000, `waited ${waitedMs} ms`);
    assertSame(
      await peer.replay("000011-pull-subscription-not-latest-4.9.7"),
      "000011-pull-subscription-not-latest-4.9.7",
    );

    await peer.replayWith("000310-send-v2-5.5.0", { b: "RR550", e: "1" });
    await peer.ask(34, {}, heartbeat("RRC_550", "RR550", "1795237842326", "other"));
    assertSame(await peer.replay("000011-pull-retry-immediately-5.5.0"), "000011-pull-retry-immediately-5.5.0");
  });
});

for (const version of ["4.4.0", "4.9.7", "5.5.0"]) {
  Deno.test(`a message that is sent back comes again in its group's retry topic after the first delay: ${version}`, async () => {
    await withBroker(async (_bench, peer, world) => {
      const name = `000036-send-back-${version}`;
      const { ext: { group, originTopic } } = goldenFrame(name).request;
      const sent = await peer.replay(`000310-send-v2-${version}`);
      const answer = await peer.replayWith(name, { offset: "0" });
      assertEquals([answer.code, answer.remark, answer.ext], [0, null, {}]);
      const received = async () => {
        const pull = {
          consumerGroup: group!,
          topic: `%RETRY%${group}`,
          queueId: "0",
          queueOffset: "0",
          maxMsgNums: "32",
        };
        const rest = { sysFlag: "4", commitOffset: "0", suspendTimeoutMillis: "0", subscription: "*", subVersion: "0" };
        return readStoredMessages([(await peer.ask(11, { ...pull, ...rest })).body]);
      };
      await world.clock.sleep(9900);
      assertEquals(await received(), []);
      await world.clock.sleep(200);
      const [message] = await received();
      assertEquals(message?.reconsumeTimes, 1);
      assertEquals(message?.properties.get("RETRY_TOPIC"), originTopic);
      assertEquals(message?.properties.get("ORIGIN_MESSAGE_ID"), sent.ext.msgId);
      assertEquals(message?.properties.get("DELAY"), "3");
      assertEquals(new TextDecoder().decode(message?.body), "hello");
    });
  });
}

Deno.test("a reply is pushed to who asked as RocketMQ pushes it, and then answered", async () => {
  await withBroker(async (bench, peer) => {
    const asker = await bench.connect("asker");
    const beat = JSON.stringify({
      clientID: "192.0.2.2@rrp",
      consumerDataSet: [],
      producerDataSet: [{ groupName: "RRP" }],
    });
    await asker.ask(34, {}, new TextEncoder().encode(beat));
    const pushed = asker.next();
    const answer = await peer.replay("000325-reply-message-v2-5.5.0");
    assertSame(answer, "000325-reply-message-v2-5.5.0");

    const { request } = goldenFrame("000326-push-reply-to-client-5.5.0");
    const comparableExt = ({ ext }: Command) => ({
      ...ext,
      storeTimestamp: "time",
      bornHost: ext.bornHost?.replace(/.*:\d+$/, "peer"),
      properties: ext.properties!.split("\x02").map((pair) => pair.replace(/^(PUSH_REPLY_TIME\x01).*/, "$1")).sort(),
    });
    const push = await pushed;
    assertEquals([push.code, push.body], [request.code, request.body]);
    assertEquals(comparableExt(push), comparableExt(request));
    asker.close();
  });
});

Deno.test("a half whose producer says nothing is asked for in RocketMQ's words, and its commit is delivered", async () => {
  await withBroker(async (bench, peer, world) => {
    const group = "TPG_550";
    const beat = JSON.stringify({
      clientID: "192.0.2.2@t",
      consumerDataSet: [],
      producerDataSet: [{ groupName: group }],
    });
    await peer.ask(34, {}, new TextEncoder().encode(beat));
    const sent = await peer.replay("000310-send-v2-transaction-half-5.5.0");
    const half = { commitLogOffset: String(Number(`0x${sent.ext.msgId!.slice(16)}`)), tranStateTableOffset: "0" };
    await peer.tell("000037-end-transaction-unknown-5.5.0", half);
    const check = await peer.next();

    const { request: golden } = goldenFrame("000039-check-transaction-state-5.5.0");
    assertEquals([check.code, check.flag], [golden.code, golden.flag]);
    assertEquals(Object.keys(check.ext).sort(), Object.keys(golden.ext).sort());
    assertEquals([check.ext.topic, check.ext.bname], [golden.ext.topic, golden.ext.bname]);
    const [asked] = readStoredMessages([check.body]);
    const [captured] = readStoredMessages([golden.body]);
    assertEquals([...asked!.properties.keys()].sort(), [...captured!.properties.keys()].sort());
    assertEquals([asked!.topic, asked!.queueId, asked!.sysFlag], ["Topic550", 3, captured!.sysFlag]);
    assertEquals(asked!.properties.get("TRANSACTION_CHECK_TIMES"), "1");
    assertEquals(check.ext.msgId, sent.ext.transactionId);

    const { tranStateTableOffset, commitLogOffset } = check.ext;
    await peer.tell("000037-end-transaction-from-check-5.5.0", {
      tranStateTableOffset: tranStateTableOffset!,
      commitLogOffset: commitLogOffset!,
    });
    const maxOffset = async () => (await peer.ask(30, { topic: "Topic550", queueId: "3" })).ext.offset;
    while (await maxOffset() === "0") await world.clock.sleep(1);
    assertEquals(await maxOffset(), "1");
    // The first half's end, which comes late, and a rollback change nothing any more.
    await peer.tell("000037-end-transaction-commit-4.4.0", { ...half, producerGroup: group });
    await peer.tell("000037-end-transaction-rollback-4.9.7", { ...half, producerGroup: group });
    for (let round = 0; round < 4; round++) {
      await world.clock.sleep(30_000);
      await peer.ask(34, {}, new TextEncoder().encode(beat));
    }
    assertEquals(await maxOffset(), "1");
    assertEquals(peer.received.length, 1, "no other check");
    assertEquals(bench.process.records.records.filter(({ level }) => level === "ERROR"), []);
  });
});

Deno.test("a broker that stops just behind a heartbeat leaves no notice of it waiting", async () => {
  await withBroker(async ({ broker }, peer, world) => {
    await peer.replay("000034-heartbeat-consumer-4.4.0");
    await broker.stop();
    assertEquals(world.clock.pendingTimers, 0);
  });
});
