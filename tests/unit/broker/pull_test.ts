/**
 * Pulls at their edges: odd numbers, disks that fail, checks in their order.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { javaHash, utf8, utf8Text } from "../../../src/common/bytes.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { type BenchBroker, type Peer, startBenchBroker } from "./broker_bench.ts";

const PULL = {
  consumerGroup: "CG",
  topic: "Topic550",
  queueId: "1",
  queueOffset: "0",
  maxMsgNums: "32",
  sysFlag: "4",
  commitOffset: "0",
  suspendTimeoutMillis: "15000",
  subscription: "*",
  subVersion: "0",
  expressionType: "TAG",
};

/** Bit of sysFlag: the pull may wait. */
const WITH_WAIT = "6";

async function withBroker(
  test: (peer: Peer, bench: BenchBroker, world: SimWorld) => Promise<void>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  await simWorld(2, { limitMs: 3_600_000 }).run(async (world) => {
    const bench = await startBenchBroker(world, overrides);
    const peer = await bench.connect("client");
    await test(peer, bench, world);
  });
}

function send(peer: Peer, count: number): Promise<unknown> {
  return Array.from({ length: count }).reduce<Promise<unknown>>(
    (before) => before.then(() => peer.replay("000310-send-v2-5.5.0")),
    Promise.resolve(),
  );
}

Deno.test("a pull of no or fewer than no messages is given one, as by RocketMQ: Go's pull consumer asks for none", async () => {
  await withBroker(async (peer) => {
    await send(peer, 3);
    for (const maxMsgNums of ["0", "-1", "-2147483648"]) {
      const { code, ext } = await peer.ask(11, { ...PULL, maxMsgNums });
      assertEquals([code, ext.nextBeginOffset], [0, "1"]);
    }
    for (const maxMsgBytes of ["0", "-1"]) {
      const { code, ext } = await peer.ask(11, { ...PULL, maxMsgBytes });
      assertEquals([code, ext.nextBeginOffset], [0, "1"], "at least one message");
    }
  });
});

Deno.test("more than 32 messages are never given at once, whatever is asked for", async () => {
  await withBroker(async (peer) => {
    await send(peer, 40);
    const { ext } = await peer.ask(11, { ...PULL, maxMsgNums: "2147483647" });
    assertEquals([ext.nextBeginOffset, ext.maxOffset], ["32", "40"]);
  });
});

Deno.test("offsets outside of the queue are corrected to its next end", async () => {
  await withBroker(async (peer) => {
    await send(peer, 3);
    const answers: unknown[] = [];
    for (const queueOffset of ["3", "4", "-1", "9007199254740991"]) {
      const { code, ext, remark } = await peer.ask(11, { ...PULL, queueOffset });
      answers.push([queueOffset, code, ext.nextBeginOffset, remark]);
    }
    assertEquals(answers, [
      ["3", 19, "3", "OFFSET_OVERFLOW_ONE"],
      ["4", 21, "3", "OFFSET_OVERFLOW_BADLY"],
      ["-1", 21, "0", "OFFSET_TOO_SMALL"],
      ["9007199254740991", 21, "3", "OFFSET_OVERFLOW_BADLY"],
    ]);
    const empty = await peer.ask(11, { ...PULL, queueId: "0", queueOffset: "7" });
    assertEquals([empty.code, empty.ext.nextBeginOffset], [21, "0"]);
  });
});

Deno.test("the checks of a pull come in RocketMQ's order, each with its code", async () => {
  await withBroker(async (peer) => {
    await send(peer, 1);
    const codeOf = async (fields: Readonly<Record<string, string>>) =>
      (await peer.ask(11, { ...PULL, ...fields })).code;
    const all = { topic: "absent", queueId: "99", subscription: "a ||| b" };
    assertEquals(await codeOf({ ...all, consumerGroup: "bad group!" }), 26);
    assertEquals(await codeOf(all), 17);
    assertEquals(await codeOf({ ...all, topic: "Topic550" }), 29);
    assertEquals(await codeOf({ sysFlag: "0" }), 24);
    assertEquals(await codeOf({}), 0);
  });
});

Deno.test("a disk that cannot be read fails the pull and not the broker, and the same pull works when it can", async () => {
  await withBroker(async (peer, bench, world) => {
    await send(peer, 5);
    await bench.broker.stop();
    const second = await startBenchBroker(world);
    const { disk } = world.machine("broker");
    const fault = disk.faults.fail({ operation: "read", path: /commitlog/, fault: "io" });
    const reader = await second.connect("client");
    const failed = await reader.ask(11, PULL);
    assertEquals(failed.code, 1);
    assertStringIncludes(failed.remark!, "commitlog");
    const waiting = await reader.ask(11, { ...PULL, sysFlag: WITH_WAIT });
    assertEquals(waiting.code, 1);
    fault.cancel();
    assertEquals((await reader.ask(11, PULL)).ext.nextBeginOffset, "5");
    await second.broker.stop();
  });
});

Deno.test("a pull that waits is answered when its broker stops", async () => {
  await withBroker(async (peer, bench, world) => {
    await send(peer, 1);
    const answer = peer.ask(11, { ...PULL, queueOffset: "1", sysFlag: WITH_WAIT });
    await world.clock.sleep(100);
    const stopped = bench.broker.stop();
    assertEquals((await answer).code, 19);
    await stopped;
  });
});

Deno.test("without long polling a pull waits for a second", async () => {
  await withBroker(async (peer, _bench, world) => {
    await send(peer, 1);
    const startMs = world.clock.monotonicMs();
    const { code } = await peer.ask(11, { ...PULL, queueOffset: "1", sysFlag: WITH_WAIT });
    const waitedMs = world.clock.monotonicMs() - startMs;
    assertEquals(code, 19);
    assert(waitedMs >= 1000 && waitedMs < 1700, `waited ${waitedMs} ms`);
  }, { longPollingEnable: "false" });
});

Deno.test("a waiting pull whose filter wants nothing of what comes goes on waiting, and its answer moves the offset", async () => {
  await withBroker(async (peer, bench, world) => {
    await send(peer, 1);
    const reader = await bench.connect("reader");
    const answer = reader.ask(11, { ...PULL, queueOffset: "1", sysFlag: WITH_WAIT, subscription: "other" });
    await world.clock.sleep(100);
    await send(peer, 3);
    const startMs = world.clock.monotonicMs();
    const { code, ext } = await answer;
    assert(world.clock.monotonicMs() - startMs > 14_000);
    assertEquals([code, ext.nextBeginOffset], [20, "4"]);
  });
});

Deno.test("a commit that a pull carries is stored, and shown to who asks for the group's offset", async () => {
  await withBroker(async (peer) => {
    await send(peer, 3);
    await peer.ask(11, { ...PULL, sysFlag: "5", commitOffset: "2" });
    const { ext } = await peer.ask(14, { consumerGroup: "CG", topic: "Topic550", queueId: "1" });
    assertEquals(ext.offset, "2");
  });
});

Deno.test("messages are viewed by their position only, and nothing else is", async () => {
  await withBroker(async (peer) => {
    await send(peer, 2);
    assertEquals((await peer.ask(33, { offset: "0" })).body.length, 271);
    for (const offset of ["1", "-1", "542", "9007199254740991"]) {
      const { code, remark } = await peer.ask(33, { offset });
      assertEquals([code, remark], [1, `can not find message by the offset, ${offset}`]);
    }
  });
});

/** Of a push consumer: what it wants is told by heartbeats. */
const BY_GROUP = { ...PULL, sysFlag: "2", subVersion: "1" };

function subscribe(peer: Peer, subString: string, subVersion: number): Promise<unknown> {
  const tagsSet = subString.split(" || ");
  const subscription = { topic: "Topic550", subString, tagsSet, codeSet: tagsSet.map(javaHash), subVersion };
  const consumer = { groupName: "CG", consumeType: "CONSUME_PASSIVELY", subscriptionDataSet: [subscription] };
  return peer.ask(34, {}, utf8(JSON.stringify({ clientID: "c@1", consumerDataSet: [consumer], producerDataSet: [] })));
}

Deno.test("a pull that waits while its group subscribes anew is to ask again from where it was, and misses nothing", async () => {
  await withBroker(async (peer, bench, world) => {
    await send(peer, 1); // its tag is TagA
    const reader = await bench.connect("reader");
    await subscribe(reader, "other", 1);
    const answer = reader.ask(11, { ...BY_GROUP, queueOffset: "1" });
    await world.clock.sleep(100);
    await send(peer, 1);
    await subscribe(peer, "other || TagA", 2);
    await send(peer, 1);
    const { code, ext } = await answer;
    assertEquals(
      [code, ext.nextBeginOffset],
      [20, "1"],
      "a client looks at messages with the subscription it asked with",
    );
    const again = await reader.ask(11, { ...BY_GROUP, queueOffset: "1", subVersion: "2" });
    assertEquals([again.code, again.ext.nextBeginOffset], [0, "3"]);
  });
});

Deno.test("a waiting pull is not given what its group has stopped to subscribe", async () => {
  await withBroker(async (peer, bench, world) => {
    await send(peer, 1);
    const reader = await bench.connect("reader");
    await subscribe(reader, "TagA", 1);
    const answer = reader.ask(11, { ...BY_GROUP, queueOffset: "1" });
    await world.clock.sleep(100);
    await subscribe(peer, "other", 2);
    await send(peer, 1);
    const { code, ext, body } = await answer;
    assertEquals([code, ext.nextBeginOffset, body.length], [20, "1", 0]);
  });
});

Deno.test("what has to do with waiting and committing may be missing in a pull", async () => {
  await withBroker(async (peer) => {
    await send(peer, 2);
    const { commitOffset: _commit, suspendTimeoutMillis: _suspend, subVersion: _version, ...least } = PULL;
    const { code, ext } = await peer.ask(11, least);
    assertEquals([code, ext.nextBeginOffset], [0, "2"]);
  });
});

Deno.test("a group that only looks into a topic, as tools do, is none of its consumers", async () => {
  await withBroker(async (peer) => {
    await send(peer, 2);
    const consumers = async () => JSON.parse(utf8Text((await peer.ask(300, { topic: "Topic550" })).body)).groupList;
    const topics = async () => JSON.parse(utf8Text((await peer.ask(343, { group: "CG" })).body)).topicList;
    assertEquals((await peer.ask(11, PULL)).code, 0);
    assertEquals([await consumers(), await topics()], [[], []]);
    await peer.ask(15, { consumerGroup: "CG", topic: "Topic550", queueId: "1", commitOffset: "1" });
    assertEquals([await consumers(), await topics()], [["CG"], ["Topic550"]]);
  });
});

Deno.test("an answer that moves a consumer carries the flags of topic and group as any other", async () => {
  await withBroker(async (peer) => {
    await send(peer, 2);
    await peer.ask(11, { ...PULL, sysFlag: "5", commitOffset: "2" });
    await peer.ask(222, { topic: "Topic550", group: "CG", timestamp: "0", isForce: "true" });
    const { code, remark, ext } = await peer.ask(11, PULL);
    assertEquals([code, remark], [21, "OFFSET_RESET"]);
    const { topicSysFlag, groupSysFlag, nextBeginOffset } = ext;
    assertEquals({ topicSysFlag, groupSysFlag, nextBeginOffset }, {
      topicSysFlag: "0",
      groupSysFlag: "0",
      nextBeginOffset: "0",
    });
  });
});
