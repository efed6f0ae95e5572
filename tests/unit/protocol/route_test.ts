import { assertEquals, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import {
  decodeClusterInfo,
  decodeKvTable,
  decodeMemberGroup,
  decodeTopicList,
  decodeTopicRoute,
  encodeClusterInfo,
  encodeKvTable,
  encodeMemberGroup,
  encodeTopicList,
  encodeTopicRoute,
  type TopicRouteData,
} from "../../../src/protocol/bodies/route.ts";
import { JsonError, parseJson } from "../../../src/protocol/json.ts";
import { goldenExchange } from "../namesrv/golden_frames.ts";

const ROUTE: TopicRouteData = {
  brokerDatas: [{
    brokerAddrs: new Map([[0, "127.0.0.1:20911"], [1, "127.0.0.1:21911"]]),
    brokerName: "broker-a",
    cluster: "DefaultCluster",
    enableActingMaster: false,
    zoneName: undefined,
  }],
  filterServerTable: new Map(),
  queueDatas: [{ brokerName: "broker-a", perm: 7, readQueueNums: 8, topicSysFlag: 0, writeQueueNums: 8 }],
  orderTopicConf: undefined,
  topicQueueMappingByBroker: undefined,
};

Deno.test("a route captured with bare keys is read, and written again byte for byte", () => {
  const { responseBody } = goldenExchange("000105-route-go-2.1");

  const route = decodeTopicRoute(utf8(responseBody));

  assertEquals(route, ROUTE);
  assertEquals(utf8Text(encodeTopicRoute(route, "bare")), responseBody);
});

Deno.test("routes captured with quoted keys are read, and written again byte for byte", () => {
  for (const name of ["000105-route-4.9.7", "000105-route-5.5.0", "000105-route-binary-header-4.9.7"]) {
    const { responseBody } = goldenExchange(name);
    assertEquals(utf8Text(encodeTopicRoute(decodeTopicRoute(utf8(responseBody)))), responseBody, name);
  }
});

Deno.test("a route keeps order configuration, zone, filter servers and static queues", () => {
  const full: TopicRouteData = {
    ...ROUTE,
    brokerDatas: [{ ...ROUTE.brokerDatas[0]!, enableActingMaster: true, zoneName: "z1" }],
    filterServerTable: new Map([["127.0.0.1:20911", ["127.0.0.1:30000"]]]),
    orderTopicConf: "broker-a:8",
    topicQueueMappingByBroker: new Map([["broker-a", {
      topic: "静态",
      scope: "__global__",
      totalQueues: 8,
      bname: "broker-a",
      epoch: 1700000000000,
      dirty: false,
      currIdMap: new Map([[0, 0], [4, 1]]),
    }]]),
  };

  for (const keys of ["bare", "quoted"] as const) {
    assertEquals(decodeTopicRoute(encodeTopicRoute(full, keys)), full, keys);
  }
});

Deno.test("the queues that 4.4 sends have their flag under another name", () => {
  const route = decodeTopicRoute(utf8('{"queueDatas":[{"brokerName":"b","perm":6,"topicSynFlag":2}]}'));
  assertEquals(route.queueDatas[0]?.topicSysFlag, 2);
});

Deno.test("the captured cluster info is read and means the same when written", () => {
  const { responseBody } = goldenExchange("000106-cluster-info-5.5.0");

  const info = decodeClusterInfo(utf8(responseBody));

  assertEquals(info.brokerAddrTable.get("broker-a")?.brokerAddrs, ROUTE.brokerDatas[0]!.brokerAddrs);
  assertEquals(info.clusterAddrTable, new Map([["DefaultCluster", new Set(["broker-a"])]]));
  assertEquals(parseJson(utf8Text(encodeClusterInfo(info))), parseJson(responseBody));
});

Deno.test("captured topic lists, key-value tables and member groups are read and mean the same when written", () => {
  const topics = goldenExchange("000304-system-topics-ns-probe").responseBody;
  const table = goldenExchange("000219-kv-list-probe").responseBody;
  const members = goldenExchange("000901-broker-member-group-probe").responseBody;

  assertEquals(utf8Text(encodeTopicList(decodeTopicList(utf8(topics)))), topics);
  assertEquals(utf8Text(encodeKvTable(decodeKvTable(utf8(table)))), table);
  assertEquals(parseJson(utf8Text(encodeMemberGroup(decodeMemberGroup(utf8(members))))), parseJson(members));
  assertEquals(decodeKvTable(new Uint8Array(0)), new Map());
});

Deno.test("bodies that are no JSON objects are refused", () => {
  for (const text of ["", "[]", "{", '{"brokerDatas":[1]}']) {
    assertThrows(() => decodeTopicRoute(utf8(text)), JsonError);
  }
});
