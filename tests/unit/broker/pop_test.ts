import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeConsumeStats } from "../../../src/protocol/bodies/stats.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { bodies, PopClient, withPopBroker } from "./pop_harness.ts";

Deno.test("what is popped and acknowledged never comes again", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 4);
    for (let i = 0; i < 8; i++) await client.send("T", `m${i}`, { queueId: i % 4 });
    const popped = await client.pop();
    assertEquals([popped.code, popped.remark, popped.ext.restNum], [0, "FOUND", "0"]);
    assertEquals(bodies(popped).sort(), ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]);
    for (const message of popped.messages) assertEquals((await client.ack(message)).code, 0);
    await world.clock.sleep(60_000);
    const again = await client.pop();
    assertEquals([again.code, again.remark], [ResponseCode.POLLING_TIMEOUT, "NO_MESSAGE_IN_QUEUE"]);
    const offset = await client.ask(RequestCode.QUERY_CONSUMER_OFFSET, {
      consumerGroup: "G",
      topic: "T",
      queueId: "1",
    });
    assertEquals(offset.ext.offset, "2");
  });
});

Deno.test("what is not acknowledged comes again within 20 ms of its time, counted, under its own topic", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    await client.send("T", "x", { properties: { KEYS: "k", TAGS: "a" } });
    const { messages: [first], ext } = await client.pop({ invisibleTime: 3000 });
    const dueMs = Number(ext.popTime) + 3000;
    const answer = await client.pop({ pollTime: 10_000 });
    const lateMs = world.clock.now() - dueMs;
    assert(lateMs >= 0 && lateMs <= 20, `${lateMs} ms late`);
    const [second] = answer.messages;
    assertEquals([second!.body, second!.topic, second!.reconsumeTimes], ["x", "T", 1]);
    assertEquals(second!.properties.get("1ST_POP_TIME"), ext.popTime);
    assertEquals(second!.receipt.split(" ")[4], "1");
    // The old receipt is worth nothing any more.
    assertEquals((await client.ack(first!)).code, 0);
    assertEquals((await client.change(first!, 1000)).code, ResponseCode.NO_MESSAGE);
    await world.clock.sleep(10_010);
    const [third] = (await client.pop()).messages;
    assertEquals(third!.reconsumeTimes, 2);
    assertEquals((await client.ack(third!)).code, 0);
    await world.clock.sleep(60_000);
    assertEquals(bodies(await client.pop()), []);
  });
});

Deno.test("retry topics of the newer form are used when that is configured, and those of the older form still read", async () => {
  await withPopBroker(async ({ client, world, bench, restart }) => {
    await client.makeTopic("T", 1);
    await client.send("T", "old");
    await client.pop({ invisibleTime: 100 });
    await world.clock.sleep(200);
    await bench.broker.stop();
    await restart({ enableRetryTopicV2: "true" });
    await client.send("T", "new");
    assertEquals(bodies(await client.pop({ queueId: 0, maxMsgNums: 1, invisibleTime: 100 })).length, 1);
    await world.clock.sleep(200);
    const kinds = new Map<string, string>();
    for (let i = 0; i < 3; i++) {
      for (const { body, receipt } of (await client.pop()).messages) kinds.set(body, receipt.split(" ")[4]!);
    }
    assertEquals([...kinds.keys()].sort(), ["new", "old"]);
    assertEquals(kinds.get("old"), "1");
  });
});

Deno.test("a change of the invisible time counts from its moment and gives a new receipt", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    await client.send("T", "x");
    const { messages: [message] } = await client.pop({ invisibleTime: 1000 });
    const changed = await client.change(message!, 5000);
    assertEquals([changed.code, changed.ext.invisibleTime, changed.ext.reviveQid], [0, "5000", "0"]);
    const changedMs = world.clock.now();
    await world.clock.sleep(3000);
    assertEquals(bodies(await client.pop()), []);
    assertEquals(bodies(await client.pop({ pollTime: 10_000 })), ["x"]);
    const lateMs = world.clock.now() - changedMs - 5000;
    assert(Math.abs(lateMs) <= 20, `${lateMs} ms late`);
  });
});

Deno.test("a waiting pop is woken by a message, one for each, and answered when its time is over", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 2);
    const early = await client.pop({ pollTime: 500 });
    assertEquals(early.code, ResponseCode.POLLING_TIMEOUT);
    const waiting = [1, 2, 3].map(() => client.pop({ pollTime: 5000, maxMsgNums: 1 }));
    await world.clock.sleep(100);
    const info = () => client.ask(RequestCode.POLLING_INFO, { consumerGroup: "G", topic: "T", queueId: "-1" });
    assertEquals((await info()).ext.pollingNum, "3");
    await client.send("T", "a", { queueId: 0 });
    await client.send("T", "b", { queueId: 1 });
    assertEquals([bodies(await waiting[0]!), bodies(await waiting[1]!)], [["a"], ["b"]]);
    assertEquals((await info()).ext.pollingNum, "1");
    assertEquals((await waiting[2]!).code, ResponseCode.POLLING_TIMEOUT);
    assertEquals((await info()).ext.pollingNum, "0");
    const late = await client.pop({ pollTime: 1000, bornTime: world.clock.now() - 2000 });
    assertEquals(late.code, ResponseCode.POLLING_TIMEOUT);
    assertStringIncludes(late.remark!, "timeout too much");
  });
});

Deno.test("when too many wait, the next is told so", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    const waiting = [client.pop({ pollTime: 2000 }), client.pop({ pollTime: 2000 })];
    await world.clock.sleep(100);
    assertEquals((await client.pop({ pollTime: 2000 })).code, ResponseCode.POLLING_FULL);
    for (const each of waiting) assertEquals((await each).code, ResponseCode.POLLING_TIMEOUT);
  }, { popPollingSize: "2" });
});

Deno.test("filters: tags and SQL92 choose, what is not wanted is passed over", async () => {
  await withPopBroker(async ({ client }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 6; i++) {
      await client.send("T", `m${i}`, { properties: { TAGS: i % 2 === 0 ? "even" : "odd", n: String(i) } });
    }
    assertEquals(bodies(await client.pop({ exp: "even", expType: "TAG" })), ["m0", "m2", "m4"]);
    const sql = { group: "S", exp: "n > 3", expType: "SQL92" };
    assertEquals(bodies(await client.pop(sql)), ["m4", "m5"]);
    assertEquals((await client.pop({ ...sql, exp: "n >" })).code, ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    await client.send("T", "m7", { properties: { TAGS: "odd" } });
    assertEquals((await client.pop({ exp: "even", expType: "TAG" })).code, ResponseCode.POLLING_TIMEOUT);
    const stats = await client.ask(RequestCode.QUERY_CONSUMER_OFFSET, { consumerGroup: "G", topic: "T", queueId: "0" });
    assertEquals(stats.code, 0);
  }, { enablePropertyFilter: "true" });
});

Deno.test("a new group begins at the beginning or at the end, as it wishes; a young topic is read from its beginning", async () => {
  await withPopBroker(async ({ client }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 3; i++) await client.send("T", `m${i}`);
    assertEquals(bodies(await client.pop({ group: "A", initMode: 0 })), ["m0", "m1", "m2"]);
    assertEquals(bodies(await client.pop({ group: "B", initMode: 1 })), ["m0", "m1", "m2"]);
  });
  await withPopBroker(async ({ client }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 3; i++) await client.send("T", `m${i}`);
    assertEquals(bodies(await client.pop({ group: "B", initMode: 1 })), ["m2"]);
  }, { initPopOffsetByCheckMsgInMem: "false" });
});

Deno.test("limits: at most 32 messages, the rest is told, and an in-flight limit where it is switched on", async () => {
  await withPopBroker(async ({ client }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 40; i++) await client.send("T", `m${i}`);
    assertEquals((await client.pop({ maxMsgNums: 33 })).code, ResponseCode.INVALID_PARAMETER);
    const first = await client.pop({ maxMsgNums: 32 });
    assertEquals([first.messages.length, first.ext.restNum], [32, "8"]);
    assertEquals(bodies(await client.pop()), []);
    for (const message of first.messages) await client.ack(message);
    assertEquals((await client.pop()).messages.length, 8);
  }, { enablePopMessageThreshold: "true", popInflightMessageThreshold: "32" });
});

Deno.test("refusals have RocketMQ's codes", async () => {
  await withPopBroker(async ({ client }) => {
    assertEquals((await client.pop({ topic: "Nowhere" })).code, ResponseCode.TOPIC_NOT_EXIST);
    await client.makeTopic("T", 2);
    assertEquals((await client.pop({ queueId: 2 })).code, ResponseCode.INVALID_PARAMETER);
    await client.send("T", "x", { queueId: 1 });
    const { messages: [message] } = await client.pop();
    assertEquals((await client.ack({ ...message!, queueId: 2 })).code, ResponseCode.MESSAGE_ILLEGAL);
    assertEquals((await client.ack({ ...message!, queueOffset: 5 })).code, ResponseCode.NO_MESSAGE);
    assertEquals((await client.ack({ ...message!, receipt: "0 x 1 0 0" })).code, ResponseCode.SYSTEM_ERROR);
    assertEquals((await client.ack(message!)).code, 0);
    assertEquals((await client.ack(message!)).code, 0, "a repeated acknowledgement");
  });
  await withPopBroker(async ({ client }) => {
    await client.makeTopic("T", 1);
    assertEquals((await client.pop()).code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
  }, { autoCreateSubscriptionGroup: "false" });
});

Deno.test("a batch acknowledges many messages of many queues", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 2);
    for (let i = 0; i < 6; i++) await client.send("T", `m${i}`, { queueId: i % 2 });
    const { ext } = await client.pop({ invisibleTime: 1000 });
    // Of queue 0 all three, of queue 1 the second.
    const acks = [[0, 0b111], [1, 0b010]].map(([q, bits]) => ({
      c: "G",
      t: "T",
      r: "0",
      so: 0,
      q,
      rq: 0,
      pt: Number(ext.popTime),
      it: 1000,
      b: btoa(String.fromCharCode(bits!)),
    }));
    const body = utf8(JSON.stringify({ brokerName: "broker-a", acks }));
    assertEquals((await client.ask(RequestCode.BATCH_ACK_MESSAGE, {}, body)).code, 0);
    assertEquals((await client.ask(RequestCode.BATCH_ACK_MESSAGE, {}, utf8("{}"))).code, ResponseCode.NO_MESSAGE);
    await world.clock.sleep(1100);
    assertEquals(bodies(await client.pop()), ["m1", "m5"]);
  });
});

Deno.test("after so many tries a message becomes a dead letter", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    const group = { groupName: "G", consumeEnable: true, retryMaxTimes: 2, retryQueueNums: 1 };
    await client.ask(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, utf8(JSON.stringify(group)));
    await client.send("T", "x");
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { messages: [message] } = await client.pop({ invisibleTime: 100 });
      times.push(message!.reconsumeTimes);
      await world.clock.sleep(150);
    }
    assertEquals(times, [0, 1, 2]);
    assertEquals(bodies(await client.pop()), []);
    await client.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, {
      ...{ topic: "%DLQ%G", defaultTopic: "TBW102", readQueueNums: "1", writeQueueNums: "1", perm: "6" },
      ...{ topicFilterType: "SINGLE_TAG", topicSysFlag: "0", order: "false" },
    });
    const { messages: [dead] } = await client.pop({ topic: "%DLQ%G", group: "Reader" });
    assertEquals([dead!.body, dead!.properties.get("DLQ_ORIGIN_TOPIC"), dead!.reconsumeTimes], ["x", "T", 3]);
  });
});

Deno.test("an ordered pop holds its queue until everything is acknowledged or visible again", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 4; i++) await client.send("T", `m${i}`);
    const ordered = { order: true, maxMsgNums: 2, invisibleTime: 5000 };
    const first = await client.pop({ ...ordered, attemptId: "a1" });
    assertEquals([bodies(first), first.ext.reviveQid, first.ext.orderCountInfo], [["m0", "m1"], "999", "0 0 0"]);
    assertEquals(bodies(await client.pop({ ...ordered, attemptId: "b1" })), [], "held by another");
    const repeated = await client.pop({ ...ordered, attemptId: "a1" });
    assertEquals(bodies(repeated), ["m0", "m1"], "the same attempt gets the same");
    const waiting = client.pop({ ...ordered, attemptId: "b2", pollTime: 20_000 });
    await client.ack(repeated.messages[1]!);
    await world.clock.sleep(100);
    await client.ack(repeated.messages[0]!);
    const next = await waiting;
    assertEquals(bodies(next), ["m2", "m3"]);
    await client.ack(next.messages[1]!);
    const again = await client.pop({ ...ordered, attemptId: "c1", pollTime: 20_000 });
    assertEquals(bodies(again), ["m2"], "visible again, without what was acknowledged");
    assertEquals(again.ext.orderCountInfo, "0 qo0%2 1;0 0 1");
    await client.ack(again.messages[0]!);
    await client.send("T", "m4");
    assertEquals(bodies(await client.pop({ ...ordered, attemptId: "d1" })), ["m4"]);
  });
});

Deno.test("a held message can be made visible earlier or later; the queue goes on then", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    await client.send("T", "m0");
    const { messages: [message] } = await client.pop({ order: true, attemptId: "a", invisibleTime: 60_000 });
    const changed = await client.change(message!, 1000);
    assertEquals([changed.code, changed.ext.reviveQid], [0, "999"]);
    const startMs = world.clock.now();
    assertEquals(bodies(await client.pop({ order: true, attemptId: "b", pollTime: 15_000 })), ["m0"]);
    assert(Math.abs(world.clock.now() - startMs - 1000) < 20);
  });
});

Deno.test("a peek changes nothing; a notice tells of messages, at once or when they come", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    const target = { consumerGroup: "G", topic: "T", queueId: "-1" };
    const peek = () => client.ask(RequestCode.PEEK_MESSAGE, { ...target, maxMsgNums: "8" });
    const notice = (pollTime: number) =>
      client.ask(RequestCode.NOTIFICATION, { ...target, pollTime: String(pollTime), bornTime: "0" });
    assertEquals((await peek()).code, ResponseCode.PULL_NOT_FOUND);
    assertEquals((await notice(0)).ext, { hasMsg: "false", pollingFull: "false" });
    const waiting = notice(10_000);
    await world.clock.sleep(100);
    await client.send("T", "x");
    assertEquals((await waiting).ext, { hasMsg: "true", pollingFull: "false" });
    assertEquals([(await peek()).code, (await peek()).ext.restNum], [0, "0"]);
    assertEquals((await notice(0)).ext.hasMsg, "true");
    assertEquals(bodies(await client.pop()), ["x"]);
    assertEquals((await notice(0)).ext.hasMsg, "false");
  });
});

Deno.test("a group that goes over to pulling finds its offset behind what it popped, and back", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 10; i++) await client.send("T", `m${i}`);
    const target = { consumerGroup: "G", topic: "T", queueId: "0" };
    assertEquals((await client.pop({ maxMsgNums: 4 })).messages.length, 4);
    await world.clock.sleep(1500);
    assertEquals((await client.ask(RequestCode.QUERY_CONSUMER_OFFSET, target)).ext.offset, "4");
    await client.ask(RequestCode.UPDATE_CONSUMER_OFFSET, { ...target, commitOffset: "7" });
    assertEquals(bodies(await client.pop()), ["m7", "m8", "m9"]);
    // Backward, too: what is in flight is not handed out a second time meanwhile.
    await client.ask(RequestCode.UPDATE_CONSUMER_OFFSET, { ...target, commitOffset: "2" });
    assertEquals(bodies(await client.pop()), ["m4", "m5", "m6"]);
  });
});

Deno.test("many clients share a backlog without getting anything twice", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 4);
    for (let i = 0; i < 200; i++) await client.send("T", `m${i}`, { queueId: i % 4 });
    const seen: string[] = [];
    await Promise.all(["one", "two", "three"].map(async (name) => {
      const other = new PopClient(world, name);
      for (;;) {
        const { messages } = await other.pop({ maxMsgNums: 7, pollTime: 300 });
        if (messages.length === 0) break;
        seen.push(...messages.map(({ body }) => body));
        for (const message of messages) await other.ack(message);
      }
      other.close();
    }));
    assertEquals(seen.length, 200);
    assertEquals(new Set(seen).size, 200);
  });
});

Deno.test("figures of a popping group tell what is in flight", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 10; i++) await client.send("T", `m${i}`);
    const { messages } = await client.pop({ maxMsgNums: 6, invisibleTime: 60_000 });
    await client.ack(messages[0]!);
    await world.clock.sleep(1000);
    const { body } = await client.ask(RequestCode.GET_CONSUME_STATS, { consumerGroup: "G" });
    const [figures] = [...decodeConsumeStats(body).offsetTable.values()];
    assertEquals([figures!.brokerOffset, figures!.consumerOffset, figures!.pullOffset], [10, 1, 6]);
  });
});

Deno.test("a group set to PULL gets its retries where pulling members read them", async () => {
  await withPopBroker(async ({ client, world }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 3; i++) await client.send("T", `m${i}`);
    await client.pop({ maxMsgNums: 1, invisibleTime: 100 });
    await world.clock.sleep(200); // m0 lies in the retry topic of POP
    assertEquals((await client.pop({ queueId: 0, maxMsgNums: 1, invisibleTime: 1000 })).messages.length, 1);
    const setting = utf8(JSON.stringify({ topic: "T", consumerGroup: "G", mode: "PULL", popShareQueueNum: 0 }));
    assertEquals((await client.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, setting)).code, 0);
    await world.clock.sleep(1500);
    const { messages } = await client.pop({ topic: "%RETRY%G", group: "Reader" });
    const origins = messages.map(({ body, properties }) => [body, properties.get("RETRY_TOPIC")]);
    assertEquals(origins.length, 2);
    assertEquals(new Map(origins as [string, string][]).values().every((topic) => topic === "T"), true);
    assertEquals(bodies(await client.pop({ topic: "%RETRY%G_T" })), [], "nothing is there twice");
    assertEquals(bodies(await client.pop()), ["m2"]);
  });
});

Deno.test("what is held in order is held after a restart, with its counts, and free at its time", async () => {
  await withPopBroker(async ({ client, world, bench, restart }) => {
    await client.makeTopic("T", 1);
    for (let i = 0; i < 3; i++) await client.send("T", `m${i}`);
    const ordered = { order: true, maxMsgNums: 2 };
    const first = await client.pop({ ...ordered, attemptId: "a", invisibleTime: 20_000 });
    await client.ack(first.messages[0]!);
    await bench.broker.stop();
    await restart();
    assertEquals(bodies(await client.pop({ ...ordered, attemptId: "b" })), []);
    const again = await client.pop({ ...ordered, attemptId: "b", pollTime: 30_000 });
    assertEquals([bodies(again), again.ext.orderCountInfo], [["m1", "m2"], "0 qo0%1 1;0 0 0"]);
    const lateMs = world.clock.now() - Number(first.ext.popTime) - 20_000;
    assert(lateMs >= 0 && lateMs <= 20, `${lateMs} ms late`);
    // A receipt from before the restart that counts no more.
    assertEquals((await client.ack(first.messages[1]!)).code, 0);
    assertEquals(bodies(await client.pop({ ...ordered, attemptId: "c" })), [], "still held by b");
  });
});

Deno.test("a topic of priorities is popped by priority, as often as the group's factor says", async () => {
  await withPopBroker(async ({ client }) => {
    const topic = { topic: "T", readQueueNums: "3", writeQueueNums: "3", perm: "6", topicFilterType: "SINGLE_TAG" };
    await client.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, { ...topic, attributes: "+message.type=PRIORITY" });
    for (let i = 0; i < 30; i++) {
      for (const priority of [0, 2, 1]) {
        await client.send("T", `${priority}`, { properties: { _SYS_MSG_PRIORITY_: `${priority}` } });
      }
    }
    const order: string[] = [];
    for (let i = 0; i < 45; i++) order.push(...bodies(await client.pop({ maxMsgNums: 2 })));
    assertEquals(order.join(""), "2".repeat(30) + "1".repeat(30) + "0".repeat(30));
    await client.ask(200, {}, utf8(JSON.stringify({ groupName: "G2", attributes: { "+priority.factor": "0" } })));
    const other: string[] = [];
    for (let i = 0; i < 45; i++) other.push(...bodies(await client.pop({ maxMsgNums: 2, group: "G2" })));
    assert(other.join("") !== order.join(""), "without the factor queues take turns");
  });
});
