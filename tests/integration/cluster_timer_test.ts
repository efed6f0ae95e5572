/**
 * Timer messages through a whole broker: sent by a client, delivered to consumers, seen and changed by administrators.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { utf8, utf8Text } from "../../src/common/bytes.ts";
import { decodeTimerMessagePage } from "../../src/protocol/bodies/timer.ts";
import { OwnRequestCode, RequestCode, ResponseCode } from "../../src/protocol/codes.ts";
import { formatProperties } from "../../src/protocol/message.ts";
import { encodeRecallHandle } from "../../src/broker/timer/rewriter.ts";
import { readStoredMessages } from "../../src/broker/stored_message.ts";
import { type BenchBroker, type Peer, startBenchBroker } from "../unit/broker/broker_bench.ts";
import { type SimWorld, simWorld } from "../support/world.ts";

const TOPIC = "T";
const HOUR_MS = 3_600_000;
/** Shorter than the time after which a connection counts as idle. */
const WAIT_MS = 100_000;

async function withBroker(
  test: (bench: BenchBroker, peer: Peer, world: SimWorld) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  await simWorld(5, { limitMs: 100 * HOUR_MS }).run(async (world) => {
    const bench = await startBenchBroker(world, settings);
    const peer = await bench.connect("client");
    await test(bench, peer, world);
    peer.close();
    await bench.broker.stop();
  });
}

/** Sends a message with SEND_MESSAGE_V2. */
function send(peer: Peer, body: string, properties: Record<string, string>) {
  const ext = {
    a: "PG",
    b: TOPIC,
    c: "TBW102",
    d: "1",
    e: "0",
    f: "0",
    g: "1",
    h: "0",
    j: "0",
    k: "false",
    m: "false",
  };
  const i = formatProperties(new Map(Object.entries({ UNIQ_KEY: `KEY-${body}`, ...properties })));
  return peer.ask(RequestCode.SEND_MESSAGE_V2, { ...ext, i }, new Uint8Array(utf8(body)));
}

async function bodies(peer: Peer): Promise<string[]> {
  const answer = await peer.ask(RequestCode.PULL_MESSAGE, {
    consumerGroup: "TOOLS_CONSUMER",
    topic: TOPIC,
    queueId: "0",
    queueOffset: "0",
    maxMsgNums: "32",
    sysFlag: "4",
    commitOffset: "0",
    suspendTimeoutMillis: "0",
    subscription: "*",
    subVersion: "0",
  });
  return answer.code === 0 ? readStoredMessages([answer.body]).map((message) => utf8Text(message.body)) : [];
}

Deno.test("timer messages are delivered in time by a whole broker", async () => {
  await withBroker(async (_bench, peer, world) => {
    assertEquals((await send(peer, "b", { TIMER_DELAY_MS: "5000" })).code, ResponseCode.SUCCESS);
    assertEquals((await send(peer, "a", { TIMER_DELAY_SEC: "2" })).code, ResponseCode.SUCCESS);
    assertEquals((await send(peer, "c", { TIMER_DELIVER_MS: String(world.clock.now() + WAIT_MS) })).code, 0);
    await world.clock.sleep(1900);
    assertEquals(await bodies(peer), []);
    await world.clock.sleep(3200);
    assertEquals(await bodies(peer), ["a", "b"]);
    await world.clock.sleep(WAIT_MS);
    assertEquals(await bodies(peer), ["a", "b", "c"]);
  });
});

Deno.test("messages that RocketMQ refuses for their delay are taken, nonsense and disabled timers are refused", async () => {
  await withBroker(async (_bench, peer) => {
    assertEquals((await send(peer, "month", { TIMER_DELAY_SEC: String(30 * 86400) })).code, ResponseCode.SUCCESS);
    assertEquals((await send(peer, "decades", { TIMER_DELAY_MS: "999999999999" })).code, ResponseCode.SUCCESS);
    const nonsense = await send(peer, "nonsense", { TIMER_DELAY_MS: "soon" });
    assertEquals(nonsense.code, ResponseCode.MESSAGE_ILLEGAL);
    assertStringIncludes(nonsense.remark!, "timer message illegal");
  });
  await withBroker(async (_bench, peer) => {
    const limited = await send(peer, "month", { TIMER_DELAY_SEC: String(30 * 86400) });
    assertEquals(limited.code, ResponseCode.MESSAGE_ILLEGAL);
    assertStringIncludes(limited.remark!, "the delay time should not be bigger than the max delay 3600000ms");
  }, { timerMaxDelaySec: "3600" });
  await withBroker(async (_bench, peer) => {
    const off = await send(peer, "off", { TIMER_DELAY_SEC: "1" });
    assertEquals([off.code, off.remark], [1, "accurate timer message is not enabled, timerWheelEnable is false"]);
  }, { timerWheelEnable: "false" });
});

Deno.test("administrators list, cancel and move timer messages by requests; producers recall them", async () => {
  await withBroker(async (_bench, peer, world) => {
    const due = world.clock.now() + WAIT_MS;
    for (const body of ["a", "b", "c", "d"]) {
      await send(peer, body, { TIMER_DELIVER_MS: String(due), KEYS: `k-${body}` });
    }
    await world.clock.sleep(10);
    const listing = await peer.ask(OwnRequestCode.LIST_TIMER_MESSAGES, { topic: TOPIC, maxNum: "3" });
    const page = decodeTimerMessagePage(listing.body);
    assertEquals(page.messages.map((m) => [m.keys, m.dueMs]), ["k-a", "k-b", "k-c"].map((key) => [key, due]));
    const rest = await peer.ask(OwnRequestCode.LIST_TIMER_MESSAGES, {
      afterDueMs: String(page.next!.dueMs),
      afterOffset: String(page.next!.queueOffset),
    });
    assertEquals(decodeTimerMessagePage(rest.body).messages.map((m) => m.keys), ["k-d"]);

    const timerOffset = String(page.messages[0]!.queueOffset);
    assertEquals((await peer.ask(OwnRequestCode.CANCEL_TIMER_MESSAGE, { timerOffset })).ext.count, "1");
    assertEquals(
      (await peer.ask(OwnRequestCode.CANCEL_TIMER_MESSAGE, { timerOffset })).code,
      ResponseCode.QUERY_NOT_FOUND,
    );
    const moved = { topic: TOPIC, msgId: "KEY-b", deliverMs: String(due - WAIT_MS / 2) };
    assertEquals((await peer.ask(OwnRequestCode.RETIME_TIMER_MESSAGE, moved)).ext.count, "1");
    const handle = { topic: TOPIC, brokerName: "broker-a", timeMs: due, uniqueKey: "KEY-c" };
    const recall = {
      topic: TOPIC,
      producerGroup: "PG",
      recallHandle: encodeRecallHandle({ ...handle, timeMs: due - 999 }),
    };
    const recalled = await peer.ask(RequestCode.RECALL_MESSAGE, recall);
    assertEquals([recalled.code, recalled.ext.msgId], [ResponseCode.SUCCESS, "KEY-c"]);
    const check = await peer.ask(RequestCode.GET_TIMER_CHECK_POINT, {});
    assertEquals(check.body.length, 56);
    const metrics = JSON.parse(utf8Text((await peer.ask(RequestCode.GET_TIMER_METRICS, {})).body));
    assert(metrics.timingCount[TOPIC].count >= 2);

    await world.clock.sleep(WAIT_MS / 2 + 1000);
    assertEquals(await bodies(peer), ["b"]);
    await world.clock.sleep(WAIT_MS);
    assertEquals(await bodies(peer), ["b", "d"]);
  }, { recallMessageEnable: "true" });
});
