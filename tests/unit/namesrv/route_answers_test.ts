import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { RouteAnswers } from "../../../src/namesrv/route_answers.ts";
import { RouteTable } from "../../../src/namesrv/route_table.ts";
import { NO_ATTRIBUTES, type TopicConfig } from "../../../src/protocol/bodies/register.ts";
import { decodeTopicRoute } from "../../../src/protocol/bodies/route.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { parseNetworkAddresses } from "../../../src/protocol/network_addresses.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";

function setUp() {
  const routes = new RouteTable<string>({
    clock: new SimClock(),
    log: SILENT_LOG,
    options: () => ({ deleteTopicWithBrokerRegistration: false, supportActingMaster: false }),
    onRouteChange: (topic) => answers.forget(topic),
  });
  const answers: RouteAnswers = new RouteAnswers({ routes, orderTopicConf: () => undefined });
  const register = (
    brokerName: string,
    topics: Record<string, number>,
    zoneName?: string,
    brokerId = 0,
    networks = "",
  ) => {
    const configs = Object.entries(topics).map(([topicName, perm]): [string, TopicConfig] => [topicName, {
      topicName,
      readQueueNums: 4,
      writeQueueNums: 4,
      perm,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: false,
      attributes: NO_ATTRIBUTES,
    }]);
    routes.register({
      clusterName: "c",
      brokerName,
      brokerId,
      brokerAddr: `${brokerName}:${10911 + brokerId}`,
      haServerAddr: "",
      enableActingMaster: false,
      zoneName,
      networkAddresses: parseNetworkAddresses(networks),
      body: {
        dataVersion: { stateVersion: 0, timestamp: 1, counter: 1 },
        topicConfigTable: new Map(configs),
        filterServerList: [],
        topicQueueMappingInfoMap: new Map(),
      },
      peer: brokerName,
    });
  };
  return { routes, answers, register };
}

Deno.test("an answer is encoded once, until the route changes", () => {
  const { routes, answers, register } = setUp();
  register("a", { T: 6, U: 6 });

  const first = answers.answer("T", "quoted");
  assertStrictEquals(answers.answer("T", "quoted"), first);
  const other = answers.answer("U", "quoted");
  routes.deleteTopic("T");
  assertThrows(() => answers.answer("T", "quoted"), ResponseError);
  assertStrictEquals(answers.answer("U", "quoted"), other, "another topic's answer is kept");

  register("b", { T: 6, U: 6 });
  assertEquals(decodeTopicRoute(answers.answer("T", "quoted")).brokerDatas.map((each) => each.brokerName), ["b"]);
});

Deno.test("clients before 4.9.4 get bare keys, whatever others asked for first", () => {
  const { answers, register } = setUp();
  register("a", { T: 6, U: 6 });
  assertStringIncludes(utf8Text(answers.answer("T", "quoted")), '{"0":"a:10911"}');
  assertStringIncludes(utf8Text(answers.answer("T", "bare")), '{0:"a:10911"}');
});

Deno.test("in zone mode brokers of other zones are left out unless they have lost their master", () => {
  const { routes, answers, register } = setUp();
  register("near", { T: 6, U: 6 }, "Z1");
  register("far", { T: 6, U: 6 }, "z2");
  register("orphan", { T: 6, U: 6 }, "z2");
  register("orphan", { T: 6, U: 6 }, "z2", 1);
  routes.unregister({ clusterName: "c", brokerName: "orphan", brokerId: 0, brokerAddr: "orphan:10911" });

  const route = decodeTopicRoute(answers.answer("T", "quoted", { zoneName: "z1" }));

  assertEquals(route.brokerDatas.map((each) => each.brokerName), ["near", "orphan"]);
  assertEquals(route.queueDatas.map((each) => each.brokerName), ["near", "orphan"]);
  assertEquals(decodeTopicRoute(answers.answer("T", "quoted")).brokerDatas.length, 3);
});

Deno.test("the remark of a missing route says which of the causes it is, behind RocketMQ's own words", () => {
  const { answers, register } = setUp();
  const remark = (topic: string) => {
    const error = assertThrows(() => answers.answer(topic, "quoted"), ResponseError);
    assertEquals(error.code, ResponseCode.TOPIC_NOT_EXIST);
    assertEquals(
      error.remark.startsWith(
        `No topic route info in name server for the topic: ${topic}\n` +
          "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
      ),
      true,
    );
    return error.remark.split("\n").slice(2).join("\n");
  };

  assertStringIncludes(remark("T"), "no broker is registered with this name server");

  register("a", { U: 6, V: 6 });
  assertStringIncludes(remark("T"), "autoCreateTopicEnable=false");
  assertStringIncludes(remark("T"), "mqadmin updateTopic");
  assertStringIncludes(remark("T"), "Registered here: cluster c, broker a.");
  assertStringIncludes(remark("TBW102"), "autoCreateTopicEnable=false");

  for (const name of ["b", "c", "d", "e"]) register(name, { TBW102: 7, U: 6 });
  assertStringIncludes(remark("T"), "it is created at the first send (autoCreateTopicEnable=true)");
  assertStringIncludes(remark("T"), "or it belongs to another cluster");
  assertStringIncludes(remark("T"), "broker a, b, c and 2 more.");
});

Deno.test("clients of a network get the addresses that brokers have for it, all others the ordinary ones", () => {
  const { answers, register } = setUp();
  register("a", { T: 6, U: 6 }, undefined, 0, "10.1.0.0/16=10.1.2.3:10911;10.0.0.0/8=nat.example:30911");
  register("b", { T: 6, U: 6 });
  const addresses = (host: string) =>
    decodeTopicRoute(answers.answer("T", "quoted", { host })).brokerDatas.map((each) => each.brokerAddrs.get(0));

  assertEquals(addresses("10.1.9.9"), ["10.1.2.3:10911", "b:10911"], "the first network that fits counts");
  assertEquals(addresses("::ffff:10.1.9.9"), ["10.1.2.3:10911", "b:10911"], "mapped into IPv6 it is the same client");
  assertEquals(addresses("10.2.0.1"), ["nat.example:30911", "b:10911"]);
  assertEquals(addresses("192.168.0.1"), ["a:10911", "b:10911"]);
  assertEquals(addresses("fd00::1"), ["a:10911", "b:10911"]);
  assertStrictEquals(
    answers.answer("T", "quoted", { host: "10.1.9.9" }),
    answers.answer("T", "quoted", { host: "10.1.0.1" }),
    "one encoding for the whole network",
  );

  register("a", { T: 6, U: 6 }, undefined, 0, "10.0.0.0/8=new.example:1");
  assertEquals(addresses("10.1.9.9"), ["new.example:1", "b:10911"], "a change counts at the next registration");
});
