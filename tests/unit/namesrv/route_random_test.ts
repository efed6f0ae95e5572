/**
 * Random lives of brokers: after every step the table's invariants hold, and every kept answer is the one that would be
 * made now.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { type Random, SeededRandom } from "../../../src/common/random.ts";
import { RouteAnswers } from "../../../src/namesrv/route_answers.ts";
import { type Registration, RouteTable } from "../../../src/namesrv/route_table.ts";
import { NO_ATTRIBUTES, type TopicConfig } from "../../../src/protocol/bodies/register.ts";
import { ResponseError } from "../../../src/protocol/response_error.ts";

const RUNS = 60;
const STEPS = 120;
const TOPICS = ["A", "B", "C", "rmq_sys_SYNC_BROKER_MEMBER_x", "Static"];
const CLUSTERS = ["c", "d"];
const BROKERS = ["broker-a", "broker-b"];
const ADDRESSES = ["h:1", "h:2", "h:3", "h:4"];
const PEERS = ["p1", "p2", "p3"];

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.int(values.length)]!;
}

function randomTopic(random: Random, topicName: string): TopicConfig {
  return {
    topicName,
    readQueueNums: 1 + random.int(2),
    writeQueueNums: 1 + random.int(2),
    perm: pick(random, [4, 6, 7]),
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: random.int(4),
    order: false,
    attributes: NO_ATTRIBUTES,
  };
}

function randomRegistration(random: Random): Registration<string> {
  const brokerName = pick(random, BROKERS);
  const topics = TOPICS.filter(() => random.int(3) > 0).map((name) => randomTopic(random, name));
  const isStatic = random.int(4) === 0;
  return {
    clusterName: pick(random, CLUSTERS),
    brokerName,
    brokerId: random.int(3),
    brokerAddr: pick(random, ADDRESSES),
    haServerAddr: "ha",
    zoneName: pick(random, [undefined, "z"]),
    heartbeatTimeoutMs: pick(random, [undefined, 5000]),
    enableActingMaster: pick(random, [undefined, false, true]),
    body: {
      dataVersion: { stateVersion: random.int(2), timestamp: 1, counter: random.int(3) },
      topicConfigTable: new Map(topics.map((topic) => [topic.topicName, topic])),
      filterServerList: random.int(4) === 0 ? ["f:1"] : [],
      topicQueueMappingInfoMap: !isStatic ? new Map() : new Map([["Static", {
        topic: "Static",
        scope: "__global__",
        totalQueues: 2,
        bname: brokerName,
        epoch: random.int(3),
        dirty: false,
        currIdMap: new Map([[0, random.int(2)]]),
      }]]),
    },
    peer: pick(random, PEERS),
  };
}

Deno.test("whatever brokers do, the table's invariants hold and no kept answer is stale", async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      await live(new SeededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

async function live(random: Random): Promise<void> {
  const clock = new SimClock();
  const options = {
    deleteTopicWithBrokerRegistration: random.int(2) === 0,
    supportActingMaster: random.int(2) === 0,
  };
  const table: RouteTable<string> = new RouteTable<string>({
    clock,
    log: SILENT_LOG,
    options: () => options,
    onRouteChange: (topic) => answers.forget(topic),
    onMinBrokerIdChange: (change) =>
      assertEquals(table.members(change.brokerName).get(change.minBrokerId), change.minBrokerAddr),
  });
  const answers: RouteAnswers = new RouteAnswers({ routes: table, orderTopicConf: () => undefined });
  for (let step = 0; step < STEPS; step++) {
    switch (random.int(9)) {
      case 0:
        table.unregister(randomRegistration(random));
        break;
      case 1:
        table.disconnect(pick(random, PEERS));
        break;
      case 2:
        await clock.advance(random.int(60_000));
        table.expire();
        break;
      case 3:
        table.deleteTopic(pick(random, TOPICS), pick(random, [undefined, ...CLUSTERS]));
        break;
      case 4:
        if (random.int(2) === 0) table.wipeWritePerm(pick(random, BROKERS));
        else table.addWritePerm(pick(random, BROKERS));
        break;
      case 5:
        table.registerTopic(pick(random, TOPICS), [{
          brokerName: pick(random, BROKERS),
          readQueueNums: random.int(3),
          writeQueueNums: 1,
          perm: 6,
          topicSysFlag: 0,
        }]);
        break;
      default:
        table.register(randomRegistration(random));
    }
    checkInvariants(table);
    const fresh = new RouteAnswers({ routes: table, orderTopicConf: () => undefined });
    for (const topic of TOPICS) assertEquals(answerOf(answers, topic), answerOf(fresh, topic), `step ${step}`);
  }
}

function checkInvariants(table: RouteTable<string>): void {
  const { brokerAddrTable, clusterAddrTable } = table.clusterInfo;
  const listed = [...clusterAddrTable].flatMap(([cluster, names]) => [...names].map((name) => `${cluster} ${name}`));
  const groups = [...brokerAddrTable].map(([name, group]) => `${group.cluster} ${name}`);
  assertEquals(listed.sort(), groups.sort(), "clusters list exactly the groups that are in them");
  for (const [name, group] of brokerAddrTable) {
    assert(group.brokerAddrs.size > 0, `${name} has an address`);
    const addrs = [...group.brokerAddrs.values()];
    assertEquals(new Set(addrs).size, addrs.length, `each address of ${name} has one id`);
    for (const addr of addrs) {
      const isLive = CLUSTERS.some((cluster) => table.dataVersion(cluster, addr) !== undefined);
      assert(isLive, `${addr} of ${name} can expire`);
    }
  }
  for (const topic of table.topics()) {
    const route = table.route(topic);
    assert(route !== null, `${topic} has a route`);
    assertEquals(
      route.brokerDatas.map((group) => group.brokerName).sort(),
      route.queueDatas.map((queue) => queue.brokerName).sort(),
      `${topic} has queues on exactly the groups of its route`,
    );
  }
}

function answerOf(answers: RouteAnswers, topic: string): string {
  try {
    return utf8Text(answers.answer(topic, "quoted"));
  } catch (error) {
    if (error instanceof ResponseError) return error.remark;
    throw error;
  }
}
