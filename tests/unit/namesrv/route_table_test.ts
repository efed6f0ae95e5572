import { assertEquals, assertStringIncludes } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { Logging, MemorySink } from "../../../src/common/logger.ts";
import { type MinBrokerIdChange, type Registration, RouteTable } from "../../../src/namesrv/route_table.ts";
import type { TopicConfig } from "../../../src/protocol/bodies/register.ts";

const MASTER = "10.0.0.1:10911";
const SLAVE = "10.0.0.2:10911";

function topic(topicName: string, perm = 6): TopicConfig {
  return {
    topicName,
    readQueueNums: 4,
    writeQueueNums: 4,
    perm,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}

/** What a test may say about a registration; everything else is that of a master of 5.x with two topics. */
type Given = Partial<Omit<Registration<string>, "body">> & {
  topics?: TopicConfig[];
  counter?: number;
  stateVersion?: number;
  filterServers?: string[];
};

function registration(given: Given = {}): Registration<string> {
  const { topics = [topic("A"), topic("B")], counter = 1, stateVersion = 0, filterServers = [], ...rest } = given;
  return {
    clusterName: "c",
    brokerName: "broker-a",
    brokerId: 0,
    brokerAddr: MASTER,
    haServerAddr: "10.0.0.1:10912",
    enableActingMaster: false,
    peer: "connection 1",
    ...rest,
    body: {
      dataVersion: { stateVersion, timestamp: 1000, counter },
      topicConfigTable: new Map(topics.map((each) => [each.topicName, each])),
      filterServerList: filterServers,
      topicQueueMappingInfoMap: new Map(),
    },
  };
}

function slave(given: Given = {}): Registration<string> {
  return registration({
    brokerId: 1,
    brokerAddr: SLAVE,
    haServerAddr: "10.0.0.2:10912",
    peer: "connection 2",
    ...given,
  });
}

function makeTable(options: { deleteTopicWithBrokerRegistration?: boolean; supportActingMaster?: boolean } = {}) {
  const clock = new SimClock();
  const sink = new MemorySink();
  const changed: (string | null)[] = [];
  const minIds: MinBrokerIdChange[] = [];
  const table = new RouteTable<string>({
    clock,
    log: new Logging({ clock, sink }).logger("namesrv"),
    options: () => ({ deleteTopicWithBrokerRegistration: false, supportActingMaster: false, ...options }),
    onRouteChange: (name) => changed.push(name),
    onMinBrokerIdChange: (change) => minIds.push(change),
  });
  return { table, clock, changed, minIds, lines: () => sink.lines() };
}

Deno.test("a registered master's topics have routes, and unregistering takes them away", () => {
  const { table, lines } = makeTable();

  assertEquals(table.register(registration()), {});

  assertEquals(table.route("A")?.brokerDatas.map((each) => each.brokerAddrs), [new Map([[0, MASTER]])]);
  assertEquals(table.route("A")?.queueDatas, [
    { brokerName: "broker-a", readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 },
  ]);
  assertEquals(table.topics(), ["A", "B"]);
  assertEquals(table.topicsOfCluster("c"), ["A", "B"]);
  assertEquals(table.topicsOfCluster("other"), []);

  table.unregister(registration());

  assertEquals(table.route("A"), null);
  assertEquals(table.topicCount, 0);
  assertEquals(table.clusterInfo, { brokerAddrTable: new Map(), clusterAddrTable: new Map() });
  assertStringIncludes(lines().join("\n"), `new broker registered, ${MASTER} HAServer: 10.0.0.1:10912`);
  assertStringIncludes(lines().join("\n"), `unregisterBroker, remove from brokerLiveTable OK, ${MASTER}`);
});

Deno.test("a slave learns its master, brings no topics of its own, and keeps the group alive", () => {
  const { table } = makeTable();
  table.register(registration());

  const result = table.register(slave({ topics: [topic("A"), topic("OnlyOnSlave")] }));

  assertEquals(result, { masterAddr: MASTER, haServerAddr: "10.0.0.1:10912" });
  assertEquals(table.route("OnlyOnSlave"), null);
  table.unregister(registration());
  assertEquals(table.members("broker-a"), new Map([[1, SLAVE]]));
  assertEquals(table.route("A")?.queueDatas[0]?.perm, 6);
});

Deno.test("topics are replaced when the version changed, and a wiped permission stays until then", () => {
  const { table } = makeTable();
  table.register(registration());
  assertEquals(table.wipeWritePerm("broker-a"), 2);

  table.register(registration({ topics: [topic("A", 4), topic("B")] })); // same version: not looked at
  assertEquals(table.queueData("A", "broker-a")?.perm, 4);
  assertEquals(table.queueData("B", "broker-a")?.perm, 4);

  table.register(registration({ counter: 2 }));
  assertEquals(table.queueData("B", "broker-a")?.perm, 6);
  assertEquals(table.addWritePerm("broker-a"), 2);
  assertEquals(table.addWritePerm("nobody"), 0);
});

Deno.test("a deleted topic comes back with the broker's next registration, changed or not", () => {
  const { table } = makeTable();
  table.register(registration());
  table.deleteTopic("A");
  assertEquals(table.route("A"), null);

  table.register(registration());

  assertEquals(table.route("A")?.queueDatas.length, 1);
});

Deno.test("a topic is deleted from one cluster or from all", () => {
  const { table } = makeTable();
  table.register(registration());
  table.register(registration({ clusterName: "d", brokerName: "broker-d", brokerAddr: "10.0.1.1:10911" }));

  table.deleteTopic("A", "d");
  assertEquals(table.route("A")?.queueDatas.map((queue) => queue.brokerName), ["broker-a"]);
  table.deleteTopic("A", "unknown");
  assertEquals(table.route("A")?.queueDatas.length, 1);
  table.deleteTopic("B");
  assertEquals(table.route("B"), null);
});

Deno.test("a topic that is not listed any more stays, unless deleteTopicWithBrokerRegistration says otherwise", () => {
  for (const deleteTopicWithBrokerRegistration of [false, true]) {
    const { table } = makeTable({ deleteTopicWithBrokerRegistration });
    table.register(registration());
    table.register(registration({ topics: [topic("B")], counter: 2 }));
    assertEquals(table.route("A") === null, deleteTopicWithBrokerRegistration);
    assertEquals(table.route("B") === null, false);
  }
});

Deno.test("an unknown broker that registers a single topic is refused and leaves nothing behind", () => {
  const { table } = makeTable();
  assertEquals(table.register(registration({ topics: [topic("A")] })), null);
  assertEquals(table.clusterInfo.brokerAddrTable.size, 0);
  assertEquals(table.clusterInfo.clusterAddrTable.size, 0);
});

Deno.test("an address that becomes master leaves its place as slave", () => {
  const { table } = makeTable();
  table.register(registration());
  table.register(slave());
  table.unregister(registration());

  table.register(slave({ brokerId: 0 }));

  assertEquals(table.members("broker-a"), new Map([[0, SLAVE]]));
});

Deno.test("of two that claim one place the larger stateVersion holds it", () => {
  const { table, lines } = makeTable();
  table.register(registration({ stateVersion: 2 }));

  assertEquals(table.register(registration({ brokerAddr: SLAVE, stateVersion: 1 })), {});
  assertEquals(table.members("broker-a"), new Map([[0, MASTER]]));
  assertStringIncludes(lines().join("\n"), "Registering Broker conflicts with the existed one, just ignore.");

  table.register(registration({ brokerAddr: SLAVE, stateVersion: 3 }));
  assertEquals(table.members("broker-a"), new Map([[0, SLAVE]]));
  table.unregister(registration()); // the former holder of the place leaves: nothing changes
  assertEquals(table.members("broker-a"), new Map([[0, SLAVE]]));
});

Deno.test("a broker that comes back under another name has left its old one", () => {
  const { table } = makeTable();
  table.register(registration());
  table.register(registration({ brokerName: "broker-b" }));
  assertEquals([...table.clusterInfo.brokerAddrTable.keys()], ["broker-b"]);
  assertEquals(table.route("A")?.queueDatas.map((queue) => queue.brokerName), ["broker-b"]);
});

Deno.test("a broker that moves to another cluster is in that one only", async () => {
  const { table, clock } = makeTable();
  table.register(registration());
  table.register(registration({ clusterName: "d" }));
  await clock.advance(119_000);
  table.heartbeat("d", MASTER);
  await clock.advance(2_000);
  assertEquals(table.expire(), [], "nothing is left in the old one that could expire");
  assertEquals(table.clusterInfo.clusterAddrTable, new Map([["d", new Set(["broker-a"])]]));
  assertEquals(table.route("A")?.brokerDatas[0]?.cluster, "d");
});

Deno.test("a broker is dropped when its connection ends, unless it has registered on another since", () => {
  const { table, lines } = makeTable();
  table.register(registration());
  table.register(slave());
  table.register(registration({ peer: "connection 3" }));

  table.disconnect("connection 1");
  assertEquals(table.members("broker-a").size, 2);
  table.disconnect("connection 3");
  assertEquals(table.members("broker-a"), new Map([[1, SLAVE]]));
  assertStringIncludes(lines().join("\n"), "the broker's channel destroyed, submit the unregister request at once");
});

Deno.test("a broker is dropped after 120 s of silence, or after what it asked for", async () => {
  const { table, clock, lines } = makeTable();
  table.register(registration());
  table.register(slave({ heartbeatTimeoutMs: 10_000 }));

  await clock.advance(10_001);
  assertEquals(table.expire(), ["connection 2"]);
  table.heartbeat("c", MASTER);
  table.heartbeat("c", "unknown:1");
  await clock.advance(120_000);
  assertEquals(table.expire(), []);
  await clock.advance(1);
  assertEquals(table.expire(), ["connection 1"]);

  assertEquals(table.route("A"), null);
  assertStringIncludes(lines().join("\n"), `The broker channel expired, ${SLAVE} 10000ms`);
  assertStringIncludes(lines().join("\n"), `The broker channel expired, ${MASTER} 120000ms`);
});

Deno.test("without a master the first slave brings the topics; acting, it is read-only and shown as master", () => {
  const { table } = makeTable({ supportActingMaster: true });
  table.register(slave({ brokerId: 2, enableActingMaster: true }));
  assertEquals(table.queueData("A", "broker-a")?.perm, 4);
  assertEquals(table.route("A")?.brokerDatas[0]?.brokerAddrs, new Map([[0, SLAVE]]));
  assertEquals(table.members("broker-a"), new Map([[2, SLAVE]]), "the table itself keeps the true id");

  table.register(registration({ enableActingMaster: true }));
  assertEquals(table.queueData("A", "broker-a")?.perm, 6);
  assertEquals(table.route("A")?.brokerDatas[0]?.brokerAddrs, new Map([[2, SLAVE], [0, MASTER]]));

  table.unregister(registration());
  assertEquals(table.queueData("A", "broker-a")?.perm, 4, "the master left: nothing can be written");
  assertEquals(table.route("A")?.brokerDatas[0]?.brokerAddrs, new Map([[0, SLAVE]]));
});

Deno.test("members see each other's true ids in the topic that is theirs", () => {
  const { table } = makeTable({ supportActingMaster: true });
  const name = "rmq_sys_SYNC_BROKER_MEMBER_broker-a";
  table.register(slave({ enableActingMaster: true, topics: [topic(name), topic("A")] }));
  assertEquals(table.route(name)?.brokerDatas[0]?.brokerAddrs, new Map([[1, SLAVE]]));
});

Deno.test("a slave of 4.x brings no topics even without a master", () => {
  const { table } = makeTable();
  const { enableActingMaster: _, ...old } = slave();
  table.register(old);
  assertEquals(table.topicCount, 0);
  assertEquals(table.members("broker-a").size, 1);
});

Deno.test("members are told when the smallest id changes, newcomers and leavers excepted", () => {
  const { table, minIds } = makeTable();
  table.register(registration({ enableActingMaster: true }));
  table.register(slave({ enableActingMaster: true }));
  assertEquals(minIds, []);

  table.unregister(registration());
  table.register(registration({ enableActingMaster: true }));

  assertEquals(minIds, [
    {
      brokerName: "broker-a",
      minBrokerId: 1,
      minBrokerAddr: SLAVE,
      offlineBrokerAddr: MASTER,
      notifyAddrs: [SLAVE],
    },
    {
      brokerName: "broker-a",
      minBrokerId: 0,
      minBrokerAddr: MASTER,
      haBrokerAddr: "10.0.0.1:10912",
      notifyAddrs: [SLAVE],
    },
  ]);
});

Deno.test("a single topic is registered for known brokers only", () => {
  const { table } = makeTable();
  table.register(registration());
  const queue = { brokerName: "broker-a", readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 1 };

  table.registerTopic("New", [queue, { ...queue, brokerName: "unknown" }]);
  assertEquals(table.route("New"), null);
  table.registerTopic("New", [queue]);

  assertEquals(table.queueData("New", "broker-a"), queue);
  assertEquals(table.topics((each) => each.topicSysFlag === 1), ["New"]);
});

Deno.test("filter servers are told with the route until a registration without them", () => {
  const { table } = makeTable();
  table.register(registration({ filterServers: ["10.0.0.1:30000"] }));
  assertEquals(table.route("A")?.filterServerTable, new Map([[MASTER, ["10.0.0.1:30000"]]]));
  table.register(registration());
  assertEquals(table.route("A")?.filterServerTable, new Map());
});

Deno.test("a registration that changes nothing says that no route has changed", () => {
  const { table, changed } = makeTable();
  table.register(registration());
  changed.length = 0;

  table.register(registration());
  table.heartbeat("c", MASTER);
  assertEquals(changed, []);
  table.register(registration({ counter: 2, topics: [topic("A"), topic("B", 4)] }));
  assertEquals(changed, ["B"]);
});

Deno.test("the version that a broker last registered is known while it is there", () => {
  const { table } = makeTable();
  assertEquals(table.dataVersion("c", MASTER), undefined);
  table.register(registration({ counter: 5 }));
  assertEquals(table.dataVersion("c", MASTER)?.counter, 5);
  table.unregister(registration());
  assertEquals(table.dataVersion("c", MASTER), undefined);
});
