import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { decodeGroupTable } from "../../../src/protocol/bodies/group.ts";
import { decodeTopicList } from "../../../src/protocol/bodies/route.ts";
import {
  decodeAllTopicConfig,
  decodeGroupList,
  decodeTopicStats,
  encodeTopicConfigList,
} from "../../../src/protocol/bodies/topic.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { topicConfig } from "../../../src/broker/topics.ts";
import { comparable, golden, goldenBody, peer, withBench } from "./bench.ts";

for (const name of ["000017-create-topic-4.9.7", "000017-create-topic-5.5.0"]) {
  Deno.test(`the captured request ${name} makes its topic, once`, async () => {
    await withBench({}, async (bench, world) => {
      const admin = peer(world, "admin");
      const { topic } = golden(name).request.ext;
      assertEquals((await admin.replay(name)).code, ResponseCode.SUCCESS);
      const made = bench.topics.get(topic!)!;
      assertEquals([made.readQueueNums, made.writeQueueNums, made.perm, made.order], [4, 4, 6, false]);
      const version = bench.topics.dataVersion;
      assertEquals((await admin.replay(name)).code, ResponseCode.SUCCESS);
      assertEquals(bench.topics.dataVersion, version);
      admin.client.close();
    });
  });
}

Deno.test("wrong names, topics of the system and unknown attributes are refused with RocketMQ's words", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const create = (topic: string, attributes = "") =>
      admin.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
        ...golden("000017-create-topic-5.5.0").request.ext,
        topic,
        attributes,
      });
    for (
      const [topic, attributes, code, remark] of [
        ["a b", "", 29, "The specified topic: a b, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"],
        ["", "", 29, "The specified topic is blank."],
        ["t".repeat(128), "", 29, "is longer than topic max length: 127"],
        ["TBW102", "", 29, "The topic[TBW102] is conflict with system topic."],
        ["rmq_sys_x", "", 29, "is conflict with system topic."],
        ["T", "+message.type=MIXED", 29, "MIXED message type is not supported."],
        ["T", "+no.such=1", 1, "unsupported key: no.such"],
        ["T", "message.type", 1, "delete attribute format is wrong: message.type"],
      ] as const
    ) {
      const answer = await create(topic, attributes);
      assertEquals(answer.code, code, answer.remark ?? "");
      assertStringIncludes(answer.remark!, remark);
    }
    assertEquals((await create("T", "+message.type=DELAY")).code, 0);
    assertEquals(bench.topics.get("T")?.attributes, { "message.type": "DELAY" });
    admin.client.close();
  });
});

Deno.test("a list of topics is made as a whole or not at all", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const list = (...names: string[]) => encodeTopicConfigList(names.map((name) => topicConfig(name)));
    assertEquals((await admin.ask(18, {}, list("A", "TBW102"))).code, ResponseCode.INVALID_PARAMETER);
    assertEquals(bench.topics.has("A"), false);
    assertEquals((await admin.ask(18, {}, list("A", "B"))).code, ResponseCode.SUCCESS);
    assert(bench.topics.has("A") && bench.topics.has("B"));
    admin.client.close();
  });
});

Deno.test("a deleted topic takes its queues, offsets and POP retry topics along", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    for (const name of ["AdmT2", "%RETRY%G+AdmT2", "%RETRY%G_AdmT2"]) bench.topics.createIfAbsent(topicConfig(name));
    bench.offsets.commit("G", "AdmT2", 0, 5, "c:1");
    assertEquals((await admin.replay("000215-delete-topic-broker-5.5.0")).code, ResponseCode.SUCCESS);
    assertEquals(bench.store.deleted.sort(), ["%RETRY%G+AdmT2", "%RETRY%G_AdmT2", "AdmT2"]);
    assertEquals(bench.offsets.query("G", "AdmT2", 0), -1);
    assertEquals(bench.topics.has("AdmT2"), false);
    assertEquals((await admin.ask(215, { topic: "TBW102" })).code, ResponseCode.INVALID_PARAMETER);
    admin.client.close();
  });
});

Deno.test("the table of topics has the members that RocketMQ's has, and comes in pages", async () => {
  await withBench({ splitMetadataSize: 5 }, async (bench, world) => {
    const admin = peer(world, "admin");
    const all = await admin.ask(RequestCode.GET_ALL_TOPIC_CONFIG);
    const captured = comparable(goldenBody("000021-slave-all-topic-config-5.5.0")) as Record<string, unknown>;
    assertEquals(Object.keys(JSON.parse(utf8Text(all.body))).sort(), Object.keys(captured).sort());
    assertEquals(decodeAllTopicConfig(all.body).topics.size, 13);
    assertEquals(decodeAllTopicConfig(utf8(goldenBody("000021-slave-all-topic-config-5.5.0"))).topics.size, 35);
    const pages: string[] = [];
    let dataVersion = "";
    for (let topicSeq = 0; topicSeq < 13; topicSeq += 5) {
      const page = await admin.ask(21, { topicSeq: String(topicSeq), dataVersion, maxTopicNum: "2000" });
      assertEquals(page.ext["totalTopicNum"], "13");
      const table = decodeAllTopicConfig(page.body);
      dataVersion = JSON.stringify(table.dataVersion);
      pages.push(...table.topics.keys());
    }
    assertEquals(pages, [...bench.topics.topics.keys()].sort());
    bench.topics.createIfAbsent(topicConfig("New"));
    const restarted = await admin.ask(21, { topicSeq: "5", dataVersion, maxTopicNum: "5" });
    assertEquals(decodeAllTopicConfig(restarted.body).topics.has(pages[0]!), true);
    admin.client.close();
  });
});

Deno.test("one topic is told as RocketMQ tells it, a missing one is code 17", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const missing = await admin.replay("000351-topic-config-5.5.0");
    assertEquals([missing.code, missing.remark], [17, "No topic in this broker. topic: Topic497"]);
    bench.topics.createIfAbsent(topicConfig("Topic497", { readQueueNums: 4, writeQueueNums: 4 }));
    const answer = await admin.replay("000351-topic-config-5.5.0");
    assertEquals(utf8Text(answer.body), goldenBody("000351-topic-config-5.5.0"));
    admin.client.close();
  });
});

Deno.test("statistics of a topic are those that RocketMQ told of the same queues", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000202-topic-stats-5.5.0";
    const captured = decodeTopicStats(utf8(goldenBody(name)));
    assertEquals((await admin.replay(name)).code, ResponseCode.TOPIC_NOT_EXIST);
    bench.topics.createIfAbsent(topicConfig("Topic497", { readQueueNums: 4, writeQueueNums: 4 }));
    for (const [{ queueId }, { maxOffset, lastUpdateTimestamp }] of captured.offsetTable) {
      bench.store.set("Topic497", queueId, { min: 0, storeTimes: new Array(maxOffset).fill(lastUpdateTimestamp) });
    }
    const told = comparable((await admin.replay(name)).body) as Record<string, unknown>;
    assertEquals(told["offsetTable"], (comparable(goldenBody(name)) as Record<string, unknown>)["offsetTable"]);
    admin.client.close();
  });
});

Deno.test("who consumes a topic: groups that are online and groups with offsets", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    bench.offsets.commit("CID_RMQ_SYS_TRANS", "RMQ_SYS_TRANS_HALF_TOPIC", 0, 1, "c:1");
    const answer = await admin.replay("000300-topic-consume-by-who-5.5.0");
    assertEquals(utf8Text(answer.body), goldenBody("000300-topic-consume-by-who-5.5.0"));
    assertEquals(decodeGroupList((await admin.ask(300, { topic: "none" })).body), []);
    admin.client.close();
  });
});

Deno.test("the topics of the system are those that RocketMQ names", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const name = "000305-system-topics-broker-probe";
    const told = decodeTopicList((await admin.replay(name)).body).topicList;
    assertEquals([...told].sort(), [...decodeTopicList(utf8(goldenBody(name))).topicList].sort());
    admin.client.close();
  });
});

for (const name of ["000200-create-subscription-group-4.9.7", "000200-create-subscription-group-5.5.0"]) {
  Deno.test(`the captured request ${name} makes its group`, async () => {
    await withBench({}, async (bench, world) => {
      const admin = peer(world, "admin");
      assertEquals((await admin.replay(name)).code, ResponseCode.SUCCESS);
      const wanted = JSON.parse(utf8Text(golden(name).request.body));
      const made = bench.groups.get(wanted.groupName)!;
      assertEquals([made.consumeBroadcastEnable, made.consumeFromMinEnable, made.retryMaxTimes], [false, false, 16]);
      assertEquals(made.groupRetryPolicy, { type: "CUSTOMIZED" });
      admin.client.close();
    });
  });
}

Deno.test("a group is told as RocketMQ tells it and deleted in both spellings, with its offsets where asked", async () => {
  await withBench({ autoCreateSubscriptionGroup: false }, async (bench, world) => {
    const admin = peer(world, "admin");
    const missing = await admin.replay("000352-subscription-group-config-probe");
    assertEquals(missing.code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    await admin.ask(200, {}, utf8('{"groupName":"CG_550"}'));
    const answer = await admin.replay("000352-subscription-group-config-probe");
    assertEquals(utf8Text(answer.body), goldenBody("000352-subscription-group-config-probe"));
    for (const field of ["removeOffset", "cleanOffset"]) {
      for (const isCleaned of [false, true]) {
        await admin.ask(200, {}, utf8('{"groupName":"G"}'));
        bench.offsets.commit("G", "T", 0, 5, "c:1");
        await admin.ask(RequestCode.DELETE_SUBSCRIPTIONGROUP, { groupName: "G", [field]: String(isCleaned) });
        assertEquals([bench.groups.has("G"), bench.offsets.query("G", "T", 0)], [false, isCleaned ? -1 : 5]);
      }
    }
    admin.client.close();
  });
});

Deno.test("wrong group names and attributes are refused", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const create = (json: unknown) => admin.ask(200, {}, utf8(JSON.stringify(json)));
    assertEquals((await create({ groupName: "a b" })).code, ResponseCode.INVALID_PARAMETER);
    assertEquals((await create({ groupName: "g".repeat(121) })).code, ResponseCode.INVALID_PARAMETER);
    assertStringIncludes((await create({ groupName: "g", attributes: { "+x": "1" } })).remark!, "unsupported key: x");
    assertEquals((await create({ groupName: "g", attributes: { "+priority.factor": "101" } })).code, 1);
    assertEquals((await create({ groupName: "g", attributes: { "+priority.factor": "5" } })).code, 0);
    assertEquals((await admin.ask(200, {}, utf8("{"))).code, ResponseCode.SYSTEM_ERROR);
    assertEquals((await admin.ask(225, {}, utf8('{"groupConfigList":[{"groupName":"x"},{"groupName":"y"}]}'))).code, 0);
    admin.client.close();
  });
});

Deno.test("the table of groups has the members that RocketMQ's has", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000201-slave-all-subscription-group-5.5.0";
    const answer = await admin.replay(name);
    assertEquals(answer.ext["totalGroupNum"], "8");
    const captured = comparable(goldenBody(name)) as Record<string, Record<string, unknown>>;
    const told = comparable(answer.body) as Record<string, Record<string, unknown>>;
    assertEquals(Object.keys(told).sort(), Object.keys(captured).sort());
    assertEquals(
      told["subscriptionGroupTable"]!["TOOLS_CONSUMER"],
      captured["subscriptionGroupTable"]!["TOOLS_CONSUMER"],
    );
    assertEquals(decodeGroupTable(answer.body).groups, bench.groups.groups);
    admin.client.close();
  });
});

Deno.test("a group is forbidden a topic and allowed it again", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const ask = async (readable?: boolean) => {
      const ext = { group: "G", topic: "T", ...(readable === undefined ? {} : { readable: String(readable) }) };
      return utf8Text((await admin.ask(RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN, ext)).body);
    };
    assertEquals(await ask(), '{"group":"G","readable":true,"topic":"T"}');
    assertEquals(await ask(false), '{"group":"G","readable":false,"topic":"T"}');
    assert(bench.groups.isReadForbidden("G", "T"));
    assertEquals(await ask(true), '{"group":"G","readable":true,"topic":"T"}');
    assertEquals(bench.groups.forbidden.size, 0);
    admin.client.close();
  });
});

Deno.test("topics and subscription of a group are told as RocketMQ tells them", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    bench.offsets.commit("CG_550", "Topic550", 0, 1, "c:1");
    const topics = await admin.replay("000343-topics-by-consumer-probe");
    assertEquals(utf8Text(topics.body), goldenBody("000343-topics-by-consumer-probe"));
    const offline = await admin.replay("000345-subscription-by-consumer-probe");
    assertEquals(utf8Text(offline.body), '{"group":"CG_550","topic":"Topic550"}');
    const { subscriptionData } = JSON.parse(goldenBody("000345-subscription-by-consumer-probe"));
    const consumer = { groupName: "CG_550", consumeType: "CONSUME_PASSIVELY", subscriptionDataSet: [subscriptionData] };
    await admin.ask(34, {}, utf8(JSON.stringify({ clientID: "c", consumerDataSet: [consumer], producerDataSet: [] })));
    const online = await admin.replay("000345-subscription-by-consumer-probe");
    assertEquals(utf8Text(online.body), goldenBody("000345-subscription-by-consumer-probe"));
    admin.client.close();
  });
});
