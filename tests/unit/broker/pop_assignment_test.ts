import { assertEquals } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { assignPop, assignPull } from "../../../src/broker/pop/assignment.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { simWorld } from "../../support/world.ts";
import { goldenAnswer, goldenFrame, startBenchBroker } from "./broker_bench.ts";
import { withPopBroker } from "./pop_harness.ts";

const queues = ["a", "b"].flatMap((brokerName) => [0, 1, 2].map((queueId) => ({ brokerName, queueId, topic: "T" })));
const names = (assigned: { brokerName: string; queueId: number }[] | null) =>
  assigned?.map(({ brokerName, queueId }) => `${brokerName}${queueId}`).join(" ") ?? null;

Deno.test("queues that are pulled are dealt out evenly, none twice, none left", () => {
  for (const strategyName of ["AVG", "AVG_BY_CIRCLE"]) {
    for (let count = 1; count <= 8; count++) {
      const clientIds = Array.from({ length: count }, (_, i) => `c${i}`).reverse();
      const shares = clientIds.map((clientId) => assignPull({ clientId, clientIds, queues, strategyName })!);
      assertEquals(shares.flat().length, 6);
      assertEquals(new Set(shares.flat()).size, 6);
      assertEquals(Math.max(...shares.map(({ length }) => length)), Math.ceil(6 / count));
    }
  }
  const wish = { clientId: "c1", clientIds: ["c0", "c1", "c2", "c3"], queues };
  assertEquals(names(assignPull({ ...wish, strategyName: "AVG" })), "a2 b0");
  assertEquals(names(assignPull({ ...wish, strategyName: "AVG_BY_CIRCLE" })), "a1 b2");
  assertEquals(assignPull({ ...wish, strategyName: "ELSE" }), null);
  assertEquals(assignPull({ ...wish, clientId: "stranger", strategyName: "AVG" }), []);
});

Deno.test("a popping client gets any queue of each broker, or its own queues and those of the clients after it", () => {
  const clientIds = ["c0", "c1", "c2"];
  const wish = { clientId: "c2", clientIds, queues, strategyName: "AVG" };
  assertEquals(names(assignPop(wish, 0)), "a-1 b-1");
  assertEquals(names(assignPop(wish, -1)), "a-1 b-1");
  assertEquals(names(assignPop(wish, 2)), "a-1 b-1");
  assertEquals(names(assignPop(wish, 1)), "b1 b2 a0 a1");
  const many = Array.from({ length: 9 }, (_, i) => `c${i}`);
  assertEquals(names(assignPop({ ...wish, clientId: "c7", clientIds: many }, 3)), "a1");
});

Deno.test("captured mode and assignment requests get the captured answers; modes survive a restart", async () => {
  await simWorld(9).run(async (world) => {
    const first = await startBenchBroker(world);
    const peer = await first.connect("client");
    const topic = (name: string) => ({ topic: name, readQueueNums: "4", writeQueueNums: "4", perm: "6" });
    const rest = { defaultTopic: "TBW102", topicFilterType: "SINGLE_TAG", topicSysFlag: "0", order: "false" };
    const early = await peer.replay("000401-set-message-request-mode-5.5.0");
    assertEquals([early.code, early.remark], [ResponseCode.TOPIC_NOT_EXIST, "topic[Topic498] not exist"]);
    await peer.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, { ...topic("PopT"), ...rest });
    await peer.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, { ...topic("Topic498"), ...rest });
    const set = (setting: unknown) => peer.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, utf8(JSON.stringify(setting)));
    assertEquals((await set({ topic: "%RETRY%G", consumerGroup: "G", mode: "POP" })).code, ResponseCode.NO_PERMISSION);
    assertEquals((await set({ consumerGroup: "POPG", mode: "POP", popShareQueueNum: 0, topic: "PopT" })).code, 0);
    assertEquals((await peer.replay("000401-set-message-request-mode-5.5.0")).code, 0);

    const unknown = await peer.replay("000400-query-assignment-5.5.0");
    assertEquals([unknown.code, utf8Text(unknown.body)], [0, "{}"]);
    const { clientId } = JSON.parse(utf8Text(goldenFrame("000400-query-assignment-5.5.0").request.body));
    const heartbeat = {
      clientID: clientId,
      producerDataSet: [],
      consumerDataSet: [{
        consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
        consumeType: "CONSUME_PASSIVELY",
        groupName: "POPG",
        messageModel: "CLUSTERING",
        subscriptionDataSet: [],
        unitMode: false,
      }],
    };
    await peer.ask(RequestCode.HEART_BEAT, {}, utf8(JSON.stringify(heartbeat)));
    const assigned = await peer.replay("000400-query-assignment-5.5.0");
    assertEquals(utf8Text(assigned.body), utf8Text(goldenAnswer("000400-query-assignment-5.5.0").body));
    peer.close();
    await first.broker.stop();

    const second = await startBenchBroker(world);
    const slave = await second.connect("client");
    const modes = await slave.replay("000402-slave-message-request-mode-5.5.0");
    assertEquals(utf8Text(modes.body), utf8Text(goldenAnswer("000402-slave-message-request-mode-5.5.0").body));
    slave.close();
    await second.broker.stop();
  });
});

Deno.test("captured pops, acknowledgements and changes get answers like the captured ones", async () => {
  await withPopBroker(async ({ client, bench, world }) => {
    await client.makeTopic("PopT", 1);
    await client.send("PopT", "p", { properties: { TAGS: "t" } });
    const peer = await bench.connect("replay");
    const bornTime = String(world.clock.now());
    const popped = await peer.replayWith("200050-pop-5.5.0", { bornTime });
    const captured = goldenAnswer("200050-pop-5.5.0");
    assertEquals([popped.code, popped.remark], [captured.code, captured.remark]);
    const { popTime } = popped.ext;
    assertEquals(popped.ext, { ...captured.ext, popTime: popTime!, reviveQid: "0" });
    const receipt = `0 ${popTime} 10000 0 0 broker-a 0 0`;
    const changed = await peer.replayWith("200053-change-invisible-time-5.5.0", { extraInfo: receipt });
    assertEquals(
      Object.keys(changed.ext).sort(),
      Object.keys(goldenAnswer("200053-change-invisible-time-5.5.0").ext).sort(),
    );
    const extraInfo = `0 ${changed.ext.popTime} 10000 0 0 broker-a 0 0`;
    const acked = await peer.replayWith("200051-ack-5.5.0", { extraInfo, offset: "0" });
    assertEquals([acked.code, acked.ext], [0, {}]);
    const notice = await peer.replay("200054-notification-probe");
    assertEquals([notice.code, notice.ext], [0, goldenAnswer("200054-notification-probe").ext]);
    peer.close();
  });
});
