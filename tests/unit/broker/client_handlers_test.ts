import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { decodeDivergences } from "../../../src/protocol/bodies/connection.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { comparable, golden, goldenBody, peer, withBench } from "./bench.ts";

const HEARTBEATS = [
  "000034-heartbeat-consumer-4.4.0",
  "000034-heartbeat-consumer-4.9.7",
  "000034-heartbeat-binary-header-4.9.7",
  "000034-heartbeat-consumer-5.5.0",
  "000034-heartbeat-consumer-go-2.1",
];

for (const name of HEARTBEATS) {
  Deno.test(`the heartbeat ${name} registers its groups and makes their retry topics`, async () => {
    await withBench({}, async (bench, world) => {
      const client = peer(world, "c");
      const answer = await client.replay(name);
      assertEquals(answer.code, ResponseCode.SUCCESS);
      assertEquals(answer.ext, { IS_SUPPORT_HEART_BEAT_V2: "true", IS_SUB_CHANGE: "true" });
      const body = JSON.parse(utf8Text(golden(name).request.body));
      assert(body.consumerDataSet.length > 0);
      for (const { groupName, subscriptionDataSet } of body.consumerDataSet) {
        const group = bench.clients.consumerGroup(groupName)!;
        assertEquals(group.clientIds(), [body.clientID]);
        assertEquals(
          [...group.subscriptions.keys()].sort(),
          subscriptionDataSet.map((s: { topic: string }) => s.topic).sort(),
        );
        assertEquals(bench.topics.get(`%RETRY%${groupName}`)?.writeQueueNums, 1);
      }
      for (const { groupName } of body.producerDataSet) assertEquals(bench.clients.producers(groupName).length, 1);
      client.client.close();
    });
  });
}

Deno.test("a Go client's subVersion beyond 2^53 is kept exactly", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    await client.replay("000034-heartbeat-consumer-go-2.1");
    const text = utf8Text(golden("000034-heartbeat-consumer-go-2.1").request.body);
    const version = BigInt(/"subVersion":(\d+)/.exec(text)![1]!);
    assert(version > 2n ** 53n);
    const group = bench.clients.consumerGroup("GOC")!;
    assertEquals([...group.subscriptions.values()].some((each) => each.subVersion === version), true);
    client.client.close();
  });
});

Deno.test("a heartbeat without a body is refused and the connection lives on", async () => {
  await withBench({}, async (_bench, world) => {
    const client = peer(world, "c");
    assertEquals((await client.ask(RequestCode.HEART_BEAT)).code, ResponseCode.SYSTEM_ERROR);
    assertEquals((await client.replay("000034-heartbeat-producer-4.4.0")).code, ResponseCode.SUCCESS);
    client.client.close();
  });
});

Deno.test("members of a group are listed as RocketMQ lists them, and nobody's group is an error", async () => {
  await withBench({}, async (_bench, world) => {
    const client = peer(world, "c");
    const nobody = await client.replay("000038-consumer-list-5.5.0");
    assertEquals([nobody.code, nobody.remark], [ResponseCode.SYSTEM_ERROR, "no consumer for this group, CG_550"]);
    await client.ask(RequestCode.HEART_BEAT, {}, heartbeat("192.0.2.2@c550", "CG_550", { T: "*" }));
    const answer = await client.replay("000038-consumer-list-5.5.0");
    assertEquals(comparable(answer.body), comparable(goldenBody("000038-consumer-list-5.5.0")));
    client.client.close();
  });
});

Deno.test("all members are notified when one joins, leaves or breaks off", async () => {
  await withBench({}, async (bench, world) => {
    const [a, b] = [peer(world, "a"), peer(world, "b")];
    const notices = () =>
      a.received.map((command) => `${command.code} ${command.ext["consumerGroup"]} ${command.flag}`);
    await a.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "*" }));
    await world.until(() => a.received.length === 1, "the notice of a's own arrival");
    await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "*" }));
    await world.until(() => a.received.length === 2, "the notice of b's arrival");
    assertEquals(notices(), ["40 G 2", "40 G 2"]);
    await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "*" }));
    await b.ask(RequestCode.UNREGISTER_CLIENT, { clientID: "b@1", consumerGroup: "G" });
    await world.until(() => a.received.length === 3, "the notice of b's leave, and none of a heartbeat without change");
    await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "*" }));
    await world.until(() => a.received.length === 4, "the notice of b's return");
    b.process.kill();
    await world.until(() => a.received.length === 5, "the notice of b's end");
    assertEquals(bench.clients.consumerGroup("G")!.clientIds(), ["a@1"]);
    a.client.close();
  });
});

Deno.test("changes close together are told once, after the clients are through with their own heartbeats", async () => {
  await withBench({}, async (_bench, world) => {
    const [a, b] = [peer(world, "a"), peer(world, "b")];
    await a.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "*" }));
    await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "*" }));
    assertEquals([a.received.length, b.received.length], [0, 0]);
    await world.clock.sleep(1000);
    assertEquals([a.received.length, b.received.length], [1, 1]);
    a.client.close();
    b.client.close();
  });
});

Deno.test("nobody is notified in broadcast mode, nor where group or broker switch it off", async () => {
  for (const mode of ["broadcast", "group", "broker"]) {
    await withBench({ notifyConsumerIdsChangedEnable: mode !== "broker" }, async (bench, world) => {
      if (mode === "group") {
        const config = { ...bench.groups.find("G")!, notifyConsumerIdsChangedEnable: false };
        bench.groups.update(config);
      }
      const [a, b] = [peer(world, "a"), peer(world, "b")];
      const model = mode === "broadcast" ? "BROADCASTING" : "CLUSTERING";
      await a.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "*" }, model));
      await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "*" }, model));
      await world.clock.sleep(1000);
      assertEquals(a.received.length, 0);
      a.client.close();
      b.client.close();
    });
  }
});

Deno.test("a client silent for 120 s is gone", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    await client.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "*" }, "CLUSTERING", ["P"]));
    await world.clock.sleep(115_000);
    assertEquals(bench.clients.consumerGroup("G")?.size, 1);
    await world.clock.sleep(20_000);
    assertEquals(bench.clients.consumerGroup("G"), undefined);
    assertEquals(bench.clients.producers("P"), []);
    client.client.close();
  });
});

Deno.test("divergent subscriptions are logged once with both clients and can be read", async () => {
  await withBench({}, async (bench, world) => {
    const [a, b] = [peer(world, "a"), peer(world, "b")];
    for (let i = 0; i < 3; i++) {
      await a.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "TagB || TagA", Only: "*" }));
      await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "TagC" }));
    }
    const warnings = bench.process.records.records.filter((record) => record.text.includes("divergent"));
    assertEquals(warnings.length, 2);
    assertStringIncludes(warnings[0]!.text, 'a@1 wants "TagA || TagB", b@1 wants "TagC"');
    assertEquals(
      bench.clients.divergences().map(({ topic, expression, otherExpression }) => [topic, expression, otherExpression]),
      [
        ["T", "TagA || TagB", "TagC"],
        ["Only", "*", null],
      ],
    );
    const told = decodeDivergences((await a.ask(RequestCode.GET_DIVERGENT_SUBSCRIPTIONS)).body);
    assertEquals(told, bench.clients.divergences());
    await b.ask(RequestCode.HEART_BEAT, {}, heartbeat("b@1", "G", { T: "TagA||TagB", Only: "*" }));
    assertEquals(bench.clients.divergences(), []);
    a.client.close();
    b.client.close();
  });
});

Deno.test("a subscription in tags is understood, SQL only where it is switched on and can be compiled", async () => {
  const check = (type: string, subString: string) =>
    utf8(
      JSON.stringify({ clientId: "c", group: "g", subscriptionData: { topic: "T", subString, expressionType: type } }),
    );
  await withBench({}, async (_bench, world) => {
    const client = peer(world, "c");
    assertEquals((await client.ask(RequestCode.CHECK_CLIENT_CONFIG, {}, check("TAG", "a || b"))).code, 0);
    const refused = await client.ask(RequestCode.CHECK_CLIENT_CONFIG, {}, check("SQL92", "a > 1"));
    assertEquals(refused.code, ResponseCode.SYSTEM_ERROR);
    assertStringIncludes(refused.remark!, "The broker does not support consumer to filter message by SQL92");
    client.client.close();
  });
  await withBench({ enablePropertyFilter: true }, async (_bench, world) => {
    const client = peer(world, "c");
    assertEquals((await client.replay("000046-check-client-config-probe")).code, ResponseCode.SUCCESS);
    const wrong = await client.ask(RequestCode.CHECK_CLIENT_CONFIG, {}, check("SQL92", "a === 1"));
    assertEquals([wrong.code, wrong.remark], [ResponseCode.SUBSCRIPTION_PARSE_FAILED, "at position 2"]);
    client.client.close();
  });
});

Deno.test("a short heartbeat keeps what is subscribed, and asks for everything when we do not know it", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    const short = utf8(JSON.stringify({
      ...JSON.parse(utf8Text(heartbeat("a@1", "G", {}))),
      heartbeatFingerprint: 77,
      withoutSub: true,
    }));
    assertEquals((await client.ask(RequestCode.HEART_BEAT, {}, short)).ext["IS_SUB_CHANGE"], "true");
    await client.ask(RequestCode.HEART_BEAT, {}, heartbeat("a@1", "G", { T: "*" }));
    assertEquals((await client.ask(RequestCode.HEART_BEAT, {}, short)).ext["IS_SUB_CHANGE"], "false");
    assertEquals([...bench.clients.consumerGroup("G")!.subscriptions.keys()], ["T"]);
    client.client.close();
  });
});

/** A heartbeat body; the version of each subscription grows from call to call. */
let version = 1;
function heartbeat(
  clientID: string,
  groupName: string,
  topics: Record<string, string>,
  messageModel = "CLUSTERING",
  producers: string[] = [],
): Uint8Array {
  version++;
  return utf8(JSON.stringify({
    clientID,
    consumerDataSet: [{
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      consumeType: "CONSUME_PASSIVELY",
      groupName,
      messageModel,
      subscriptionDataSet: Object.entries(topics).map(([topic, subString]) => ({
        topic,
        subString,
        expressionType: "TAG",
        subVersion: version,
        tagsSet: [],
        codeSet: [],
      })),
      unitMode: false,
    }],
    producerDataSet: producers.map((each) => ({ groupName: each })),
  }));
}
