import { assertEquals, assertStringIncludes } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { decodeConsumerOffsets } from "../../../src/protocol/bodies/consumer_offset.ts";
import { decodeOffsetTable } from "../../../src/protocol/bodies/offset_table.ts";
import { decodeConsumeStats, decodeTimeSpans, totalDiffOf } from "../../../src/protocol/bodies/stats.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { topicConfig } from "../../../src/broker/topics.ts";
import type { Bench } from "./bench.ts";
import { comparable, golden, goldenBody, peer, withBench } from "./bench.ts";

function makeTopic(bench: Bench, name: string, queueNums = 4): void {
  bench.topics.createIfAbsent(topicConfig(name, { readQueueNums: queueNums, writeQueueNums: queueNums }));
}

Deno.test("a group new to a young queue begins at 0, to an old or empty one nowhere", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    bench.store.set("Topic440", 1, { min: 0, storeTimes: [1, 2], units: [[0, 100, 0], [100, 100, 0]] });
    const young = await client.replay("000014-query-offset-4.4.0");
    assertEquals([young.code, young.ext], [0, { ...golden("000014-query-offset-4.4.0").response!.ext }]);
    assertEquals((await client.replay("000014-query-offset-go-2.1")).code, ResponseCode.QUERY_NOT_FOUND);
    const empty = await client.replay("000014-query-offset-not-found-4.9.7");
    const captured = golden("000014-query-offset-not-found-4.9.7").response!;
    assertEquals([empty.code, empty.remark], [captured.code, captured.remark]);
    bench.store.set("Topic440", 1, { min: 5, storeTimes: [1] });
    assertEquals((await client.replay("000014-query-offset-4.4.0")).code, ResponseCode.QUERY_NOT_FOUND);
    bench.store.set("Topic440", 1, { min: 0, storeTimes: [1], units: [[-200_000, 100, 0]] });
    assertEquals((await client.replay("000014-query-offset-4.4.0")).code, ResponseCode.QUERY_NOT_FOUND);
    bench.store.set("Topic440", 1, { min: 0, storeTimes: [1] });
    const explicit = { ...golden("000014-query-offset-4.4.0").request.ext, setZeroIfNotFound: "false" };
    assertStringIncludes((await client.ask(14, explicit)).remark!, "do not set to zero");
    bench.offsets.commit("CG_440", "Topic440", 1, 77, "c:1");
    assertEquals((await client.replay("000014-query-offset-4.4.0")).ext["offset"], "77");
    client.client.close();
  });
});

Deno.test("a committed offset needs its group and topic; −1 is answered and not taken", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    const unknown = await client.replay("000015-update-offset-group-not-exist-5.5.0");
    const captured = golden("000015-update-offset-group-not-exist-5.5.0").response!;
    assertEquals([unknown.code, unknown.remark], [captured.code, captured.remark]);
    const update = (offset: number) =>
      client.ask(15, { consumerGroup: "G", topic: "T", queueId: "0", commitOffset: String(offset) });
    bench.groups.find("G");
    const noTopic = await update(3);
    assertEquals([noTopic.code, noTopic.remark], [17, "Topic T not exist!"]);
    makeTopic(bench, "T");
    assertEquals((await update(3)).code, 0);
    assertEquals((await update(-1)).code, 0);
    assertEquals(bench.offsets.query("G", "T", 0), 3);
    bench.offsets.reset("G", "T", 0, 1, "admin");
    assertEquals((await update(9)).remark, "Offset has been previously reset");
    assertEquals(bench.offsets.query("G", "T", 0), 1);
    client.client.close();
  });
});

for (const name of ["000015-update-offset-oneway-4.4.0", "000015-update-offset-binary-header-4.9.7"]) {
  Deno.test(`the captured one-way commit ${name} is taken`, async () => {
    await withBench({}, async (bench, world) => {
      const client = peer(world, "c");
      const { code, ext } = golden(name).request;
      const { consumerGroup, topic, queueId, commitOffset } = ext;
      bench.groups.find(consumerGroup!);
      makeTopic(bench, topic!);
      await client.client.oneway("10.0.0.1:10911", { code, ext });
      const committed = () => bench.offsets.query(consumerGroup!, topic!, Number(queueId));
      await world.until(() => committed() >= 0, "the commit");
      assertEquals(committed(), Number(commitOffset));
      client.client.close();
    });
  });
}

Deno.test("ends, times and the age of a queue; an unknown queue has 0", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    for (const name of ["000029-search-offset-probe", "000030-max-offset-5.5.0", "000031-min-offset-4.9.7"]) {
      assertEquals((await client.replay(name)).ext["offset"], "0");
    }
    assertEquals((await client.replay("000032-earliest-store-time-probe")).ext["timestamp"], "-1");
    bench.store.set("Topic550", 0, { min: 3, storeTimes: [1795237761068, 1795237761069] });
    const { response } = golden("000032-earliest-store-time-probe");
    assertEquals((await client.replay("000032-earliest-store-time-probe")).ext, response!.ext);
    const queue = { topic: "Topic550", queueId: "0" };
    assertEquals((await client.ask(RequestCode.GET_MAX_OFFSET, queue)).ext["offset"], "5");
    assertEquals((await client.ask(RequestCode.GET_MIN_OFFSET, queue)).ext["offset"], "3");
    const search = (timestamp: string) => client.ask(29, { ...queue, timestamp });
    assertEquals((await search("1795237761069")).ext["offset"], "4");
    assertEquals((await search("9223372036854775807")).ext["offset"], "5");
    assertEquals((await search("soon")).code, ResponseCode.SYSTEM_ERROR);
    client.client.close();
  });
});

Deno.test("figures of a group are those that RocketMQ told of the same queues", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000208-consume-stats-5.5.0";
    const captured = decodeConsumeStats(utf8(goldenBody(name)));
    for (const [{ topic, queueId }, offsets] of captured.offsetTable) {
      makeTopic(bench, topic, topic.startsWith("%RETRY%") ? 1 : 4);
      const storeTimes = new Array(offsets.brokerOffset).fill(offsets.lastTimestamp);
      bench.store.set(topic, queueId, { min: 0, storeTimes });
      bench.offsets.commit("CG_497", topic, queueId, offsets.consumerOffset, "c:1");
    }
    const told = comparable((await admin.replay(name)).body) as Record<string, unknown>;
    assertEquals(told["offsetTable"], (comparable(goldenBody(name)) as Record<string, unknown>)["offsetTable"]);
    assertEquals(totalDiffOf(captured), 0);
    const none = await admin.ask(208, { consumerGroup: "nobody" });
    assertEquals(utf8Text(none.body), '{"consumeTps":0,"offsetTable":{}}');
    admin.client.close();
  });
});

Deno.test("a topic that a group has left is not counted unless it is named in a list", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    for (const topic of ["Old", "New"]) {
      makeTopic(bench, topic, 1);
      bench.offsets.commit("G", topic, 0, 0, "c:1");
    }
    const consumer = { groupName: "G", consumeType: "CONSUME_PASSIVELY", subscriptionDataSet: [{ topic: "New" }] };
    await admin.ask(34, {}, utf8(JSON.stringify({ clientID: "c", consumerDataSet: [consumer] })));
    const topicsOf = async (ext: Record<string, string>) => {
      const { offsetTable } = decodeConsumeStats((await admin.ask(208, { consumerGroup: "G", ...ext })).body);
      return Array.from(offsetTable.keys(), ({ topic }) => topic).sort();
    };
    assertEquals(await topicsOf({}), ["New"]);
    assertEquals(await topicsOf({ topicList: "Old;New" }), ["New", "Old"]);
    assertEquals(await topicsOf({ topic: "New" }), ["New"]);
    admin.client.close();
  });
});

Deno.test("figures of all groups add up", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    makeTopic(bench, "T", 1);
    bench.store.set("T", 0, { min: 0, storeTimes: [1, 2, 3, 4, 5] });
    bench.groups.find("G");
    bench.offsets.commit("G", "T", 0, 2, "c:1");
    bench.offsets.notePulled("G", "T", 0, 4);
    const answer = await admin.replay("000317-broker-consume-stats-5.5.0");
    const told = comparable(answer.body) as Record<string, unknown>;
    const captured = comparable(goldenBody("000317-broker-consume-stats-5.5.0")) as Record<string, unknown>;
    assertEquals(Object.keys(told), Object.keys(captured));
    assertEquals([told["totalDiff"], told["totalInflightDiff"]], [3, 2]);
    const list = told["consumeStatsList"] as Record<string, unknown[]>[];
    assertEquals(list.find((each) => "G" in each)!["G"]!.length, 1);
    assertEquals((await admin.ask(317, { isOrder: "true" })).code, 0);
    admin.client.close();
  });
});

Deno.test("time spans have RocketMQ's members and times", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000303-query-consume-time-span-probe";
    const captured = decodeTimeSpans(utf8(goldenBody(name)));
    makeTopic(bench, "Topic550", captured.length);
    for (const { messageQueue: { queueId }, minTimeStamp, maxTimeStamp } of captured) {
      bench.store.set("Topic550", queueId, { min: 0, storeTimes: [minTimeStamp, maxTimeStamp] });
      bench.offsets.commit("CG_550", "Topic550", queueId, 2, "c:1");
    }
    const answer = await admin.replay(name);
    const told = decodeTimeSpans(answer.body);
    assertEquals(told.map((span) => span.maxTimeStamp), captured.map((span) => span.maxTimeStamp));
    assertEquals(told.map((span) => span.consumeTimeStamp), captured.map((span) => span.maxTimeStamp));
    const members = (text: string) => Object.keys(JSON.parse(text).consumeTimeSpanSet[0]);
    assertEquals(members(utf8Text(answer.body)), members(goldenBody(name)));
    admin.client.close();
  });
});

for (const name of ["000222-reset-offset-4.9.7", "000222-reset-offset-5.5.0"]) {
  Deno.test(`the captured request ${name} moves a group to the end, which its next pull is told`, async () => {
    await withBench({}, async (bench, world) => {
      const admin = peer(world, "admin");
      const { topic, group } = golden(name).request.ext as { topic: string; group: string };
      assertEquals((await admin.replay(name)).code, ResponseCode.TOPIC_NOT_EXIST);
      makeTopic(bench, topic);
      assertEquals((await admin.replay(name)).code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
      bench.groups.find(group);
      const captured = decodeOffsetTable(golden(name).response!.body);
      for (const [{ queueId }, offset] of captured) {
        bench.store.set(topic, queueId, { min: 0, storeTimes: new Array(offset).fill(5) });
      }
      const answer = await admin.replay(name);
      assertEquals(comparable(answer.body), comparable(goldenBody(name)));
      for (const [{ queueId }, offset] of captured) {
        assertEquals(bench.offsets.query(group, topic, queueId), offset);
        assertEquals(bench.offsets.takeReset(topic, group, queueId), offset);
      }
      admin.client.close();
    });
  });
}

Deno.test("one queue is reset to an offset in it, not beyond", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    makeTopic(bench, "T");
    bench.groups.find("G");
    bench.store.set("T", 1, { min: 2, storeTimes: [10, 20, 30] });
    const reset = (offset: number, timestamp = "0") =>
      admin.ask(222, { topic: "T", group: "G", timestamp, isForce: "true", queueId: "1", offset: String(offset) });
    assertStringIncludes((await reset(6)).remark!, "Target offset 6 not in consume queue range [2-5]");
    assertEquals((await reset(3)).code, 0);
    assertEquals(bench.offsets.query("G", "T", 1), 3);
    assertEquals([...decodeOffsetTable((await reset(-1, "25")).body).values()], [4]);
    assertEquals(bench.offsets.query("G", "T", 0), -1);
    admin.client.close();
  });
});

Deno.test("in the way of 4.x the members of the group are told to move", async () => {
  await withBench({ useServerSideResetOffset: false }, async (bench, world) => {
    const admin = peer(world, "admin");
    const client = peer(world, "c");
    makeTopic(bench, "T", 1);
    bench.store.set("T", 0, { min: 0, storeTimes: [10, 20, 30] });
    const reset = (isForce: boolean) =>
      admin.ask(222, { topic: "T", group: "G", timestamp: "20", isForce: String(isForce) });
    assertEquals((await reset(true)).remark, "THe consumer group <G> not exist");
    bench.offsets.commit("G", "T", 0, 3, "c:1");
    assertEquals((await reset(true)).code, ResponseCode.CONSUMER_NOT_ONLINE);
    const consumer = { groupName: "G", consumeType: "CONSUME_PASSIVELY", subscriptionDataSet: [{ topic: "T" }] };
    await client.ask(34, {}, utf8(JSON.stringify({ clientID: "c", consumerDataSet: [consumer] })));
    assertEquals((await reset(true)).code, 0);
    const notices = () => client.received.filter(({ code }) => code === 220);
    await world.until(() => notices().length === 1, "the notice");
    assertEquals(utf8Text(notices()[0]!.body), '{"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"T"}:1}}');
    assertEquals(notices()[0]!.ext, { topic: "T", group: "G", timestamp: "20", isForce: "true" });
    admin.client.close();
    client.client.close();
  });
});

Deno.test("offsets are cloned, corrected and told as a whole", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    makeTopic(bench, "T", 2);
    bench.offsets.commit("A", "T", 0, 4, "c:1");
    bench.offsets.commit("A", "T", 1, 6, "c:1");
    bench.offsets.commit("B", "T", 0, 9, "c:1");
    assertEquals((await admin.ask(314, { srcGroup: "A", destGroup: "C", topic: "T", offline: "true" })).code, 0);
    assertEquals([...bench.offsets.queryAll("C", "T")], [[0, 4], [1, 6]]);
    const correct = async (ext: Record<string, string>) =>
      utf8Text((await admin.ask(308, { topic: "T", ...ext })).body);
    assertEquals(await correct({ compareGroup: "B" }), '{"correctionOffsets":{"0":4,"1":6}}');
    assertEquals(
      await correct({ compareGroup: "A", filterGroups: "A,C" }),
      '{"correctionOffsets":{"0":9223372036854775807,"1":9223372036854775807}}',
    );
    const table = decodeConsumerOffsets((await admin.replay("000043-slave-all-consumer-offset-5.5.0")).body);
    assertEquals([...table.offsets.keys()].sort(), ["T@A", "T@B", "T@C"]);
    const captured = decodeConsumerOffsets(golden("000043-slave-all-consumer-offset-5.5.0").response!.body);
    assertEquals(captured.offsets.size > 0 && captured.dataVersion !== null, true);
    admin.client.close();
  });
});
