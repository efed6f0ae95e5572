import { assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { EMPTY, utf8, utf8Text } from "../../../src/common/bytes.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { ConnectionError } from "../../../src/common/errors.ts";
import { openNamesrvConfiguration } from "../../../src/namesrv/configuration.ts";
import { NameServer } from "../../../src/namesrv/namesrv.ts";
import { decodeRegisterBody, encodeDataVersion, encodeRegisterBody } from "../../../src/protocol/bodies/register.ts";
import {
  decodeClusterInfo,
  decodeKvTable,
  decodeMemberGroup,
  decodeTopicList,
  decodeTopicRoute,
  encodeTopicRoute,
} from "../../../src/protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { parseJson } from "../../../src/protocol/json.ts";
import { RemotingClient } from "../../../src/remoting/client.ts";
import type { Command } from "../../../src/remoting/command.ts";
import { type SimProcess, type SimWorld, simWorld } from "../../support/world.ts";
import { goldenExchange, readFrame } from "./golden_frames.ts";

const CLUSTER = "DefaultCluster";
const MASTER = { brokerName: "broker-a", brokerAddr: "127.0.0.1:20911", clusterName: CLUSTER, brokerId: "0" };
const SLAVE = { ...MASTER, brokerAddr: "127.0.0.1:21911", brokerId: "1" };

function startServer(process: SimProcess, overrides: Record<string, string> = {}) {
  const { net, clock, disk } = process;
  const configuration = openNamesrvConfiguration({ disk, overrides: { listenPort: "9876", ...overrides } });
  const server = new NameServer({ net, clock, disk, log: process.logging.logger("namesrv"), configuration });
  return { server, configuration, started: server.start() };
}

/** A peer on a machine of its own. */
function clientOf(world: SimWorld, name: string, server: string) {
  const process = world.machine(name).boot();
  const { net, clock } = process;
  const client = new RemotingClient({ net, clock, log: process.logging.logger(name) });
  const ask = (code: number, ext: Record<string, string> = {}, body: Uint8Array = EMPTY) =>
    client.invoke(server, { code, ext, body }, 3000);
  return { process, client, ask };
}

/** Sends captured bytes as they are, and reads the answers. */
async function rawPeer(world: SimWorld, host: string) {
  const { net } = world.machine("raw").boot();
  const socket = await net.connect({ host, port: 9876 }, 3000);
  const send = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
  };
  const receive = async (): Promise<Command> => {
    const buffer = new Uint8Array(65536);
    for (let size = 0;;) {
      const count = await socket.read(buffer.subarray(size));
      if (count === null) throw new Error("closed");
      size += count;
      if (size >= 4 && size >= 4 + new DataView(buffer.buffer).getInt32(0)) return readFrame(buffer.slice(0, size));
    }
  };
  return { send, receive, close: () => socket.close() };
}

const NS = "10.0.0.1";

/** Runs `test` beside one name server on the machine `ns`. */
async function withServer(
  seed: number,
  overrides: Record<string, string>,
  test: (world: SimWorld, parts: ReturnType<typeof startServer> & { process: SimProcess }) => Promise<void>,
): Promise<void> {
  await simWorld(seed).run(async (world) => {
    const process = world.machine("ns").boot();
    const parts = { process, ...startServer(process, overrides) };
    await parts.started;
    await test(world, parts);
    await parts.server.stop();
  });
}

/** The captured registration of a 5.5.0 master, as it is or as another broker's. */
function registration(ext: Record<string, string> = {}) {
  const { request } = goldenExchange("000103-register-broker-5.5.0");
  return { ext: { ...request.ext, ...ext }, body: request.body };
}

Deno.test("captured requests get the answers that RocketMQ gave", async () => {
  await withServer(1, {}, async (world) => {
    const peer = await rawPeer(world, NS);
    const exchange = async (name: string) => {
      const golden = goldenExchange(name);
      await peer.send(golden.requestBytes);
      const answer = await peer.receive();
      const expected = golden.response!;
      assertEquals([answer.code, answer.opaque, answer.flag], [expected.code, expected.opaque, expected.flag], name);
      assertEquals(answer.serialize, golden.request.serialize, `${name}: in the encoding of the request`);
      return { ...golden, answer, body: utf8Text(answer.body), expected };
    };
    /** Header fields and body as well. */
    const same = async (name: string) => {
      const { answer, body, expected, responseBody } = await exchange(name);
      assertEquals(answer.ext, expected.ext, name);
      assertEquals(answer.remark, expected.remark, name);
      assertEquals(body, responseBody, name);
    };

    await same("000103-register-broker-5.5.0");
    for (const client of ["4.4.0", "4.9.7", "5.5.0", "binary-header-4.9.7"]) await same(`000105-route-${client}`);
    for (const client of ["4.4.0", "5.5.0"]) {
      const { answer, expected } = await exchange(`000105-route-not-exist-${client}`);
      assertEquals(answer.remark?.startsWith(expected.remark!), true);
      assertStringIncludes(answer.remark!, "Cause: ");
    }

    await same("000100-put-kv-5.5.0");
    await same("000101-get-kv-5.5.0");
    await same("000101-kv-not-found-probe");
    await same("000102-delete-kv-5.5.0");
    const orders = await exchange("000219-kv-list-probe");
    assertEquals(decodeKvTable(orders.answer.body), new Map([["AdmT2", "broker-a:2"]]));

    const b = await exchange("000103-register-broker-4.9.7");
    assertEquals(decodeKvTable(b.answer.body), new Map([["AdmT2", "broker-a:2"]]), "orders come with the answer");
    await peer.send(goldenExchange("000103-register-broker-oneway-4.9.7").requestBytes);
    await same("000104-unregister-broker-4.9.7");

    const topics = await exchange("000206-all-topic-list-5.5.0");
    const { request } = goldenExchange("000103-register-broker-5.5.0");
    const registered = [...decodeRegisterBody(request.body, request.version).topicConfigTable.keys()];
    assertEquals([...decodeTopicList(topics.answer.body).topicList].sort(), registered.sort());
    assertEquals((await exchange("000205-wipe-write-perm-5.5.0")).answer.ext, {
      wipeTopicCount: String(registered.length),
    });
    assertEquals((await exchange("000327-add-write-perm-5.5.0")).answer.ext, {
      addTopicCount: String(registered.length),
    });
    await same("000216-delete-topic-namesrv-5.5.0");

    const version = await exchange("000322-query-data-version-probe");
    assertEquals(version.answer.ext, version.expected.ext);
    assertEquals(version.body, '{"counter":0,"stateVersion":0,"timestamp":1795237688415}');
    await same("000904-broker-heartbeat-probe");
    peer.close();
  });
});

Deno.test("with a slave, captured requests about the group are answered as RocketMQ did", async () => {
  await withServer(2, {}, async (world) => {
    const broker = clientOf(world, "broker", `${NS}:9876`);
    const master = registration();
    const slave = registration({ brokerAddr: SLAVE.brokerAddr, brokerId: "1", haServerAddr: "127.0.0.1:21912" });
    assertEquals((await broker.ask(RequestCode.REGISTER_BROKER, master.ext, master.body)).ext, {});
    assertEquals((await broker.ask(RequestCode.REGISTER_BROKER, slave.ext, slave.body)).ext, {
      masterAddr: MASTER.brokerAddr,
      haServerAddr: "127.0.0.1:20912",
    });
    const peer = await rawPeer(world, NS);
    const bodies = async (name: string) => {
      const golden = goldenExchange(name);
      await peer.send(golden.requestBytes);
      return [utf8Text((await peer.receive()).body), golden.responseBody] as const;
    };

    const [route, expectedRoute] = await bodies("000105-route-go-2.1");
    assertEquals(route, expectedRoute);
    for (const name of ["000106-cluster-info-5.5.0", "000901-broker-member-group-probe"]) {
      const [body, expected] = await bodies(name);
      assertEquals(parseJson(body), parseJson(expected), name);
    }
    const [topics, expectedTopics] = await bodies("000304-system-topics-ns-probe");
    assertEquals(
      new Set(decodeTopicList(utf8(topics)).topicList),
      new Set(decodeTopicList(utf8(expectedTopics)).topicList),
    );
    assertEquals(decodeTopicList(utf8(topics)).brokerAddr, decodeTopicList(utf8(expectedTopics)).brokerAddr);

    await peer.send(goldenExchange("000104-unregister-broker-5.5.0").requestBytes);
    assertEquals((await peer.receive()).code, ResponseCode.SUCCESS);
    const members = decodeMemberGroup((await broker.ask(RequestCode.GET_BROKER_MEMBER_GROUP, MASTER)).body);
    assertEquals(members.brokerAddrs, new Map([[0, MASTER.brokerAddr]]));
    peer.close();
    broker.client.close();
  });
});

Deno.test("a broker is gone at once when its connection breaks, and after 120 s when it falls silent", async () => {
  await withServer(3, { serverChannelMaxIdleTimeSeconds: "3600" }, async (world, { server }) => {
    const { ext, body } = registration();
    const loud = clientOf(world, "loud", `${NS}:9876`);
    const silent = clientOf(world, "silent", `${NS}:9876`);
    await loud.ask(RequestCode.REGISTER_BROKER, { ...ext, brokerName: "loud", brokerAddr: "l:1" }, body);
    await silent.ask(RequestCode.REGISTER_BROKER, { ...ext, brokerName: "silent", brokerAddr: "s:1" }, body);
    const names = () => [...server.routes.clusterInfo.brokerAddrTable.keys()];

    for (let i = 0; i < 3; i++) {
      await world.clock.sleep(39_000);
      await loud.ask(RequestCode.BROKER_HEARTBEAT, { clusterName: CLUSTER, brokerAddr: "l:1", brokerName: "loud" });
    }
    assertEquals(names(), ["loud", "silent"]);
    await world.clock.sleep(10_000);
    assertEquals(names(), ["loud"], "silent for 127 s");
    assertEquals(silent.client.isConnected(`${NS}:9876`), false, "its connection was closed");

    loud.process.kill();
    await world.until(() => names().length === 0, "the broken connection to be noticed", 100);
  });
});

Deno.test("several name servers know nothing of each other", async () => {
  await simWorld(4).run(async (world) => {
    const servers = ["ns1", "ns2"].map((name) => startServer(world.machine(name).boot()));
    for (const { started } of servers) await started;
    const broker = clientOf(world, "broker", "10.0.0.1:9876");
    const { ext, body } = registration();
    await broker.ask(RequestCode.REGISTER_BROKER, ext, body);
    await broker.client.invoke("10.0.0.2:9876", {
      code: RequestCode.PUT_KV_CONFIG,
      ext: { namespace: "n", key: "k", value: "v" },
    }, 3000);

    assertGreater(servers[0]!.server.routes.topicCount, 0);
    assertEquals(servers[1]!.server.routes.topicCount, 0);
    assertEquals(
      (await broker.ask(RequestCode.GET_KV_CONFIG, { namespace: "n", key: "k" })).code,
      ResponseCode.QUERY_NOT_FOUND,
    );
    broker.client.close();
    for (const { server } of servers) await server.stop();
  });
});

Deno.test("registrations with a wrong checksum, a broken body or a single topic are refused with RocketMQ's words", async () => {
  await withServer(5, {}, async (world) => {
    const { client, ask } = clientOf(world, "broker", `${NS}:9876`);
    const { ext, body } = registration();

    const wrong = await ask(RequestCode.REGISTER_BROKER, { ...ext, bodyCrc32: "1" }, body);
    assertEquals([wrong.code, wrong.remark], [ResponseCode.SYSTEM_ERROR, "crc32 not match"]);
    const broken = await ask(RequestCode.REGISTER_BROKER, { ...ext, bodyCrc32: "0" }, utf8("{"));
    assertStringIncludes(broken.remark!, "Failed to decode RegisterBrokerBody");
    const table = decodeRegisterBody(body, 513);
    const single = { ...table, topicConfigTable: new Map([...table.topicConfigTable].slice(0, 1)) };
    const refused = await ask(RequestCode.REGISTER_BROKER, { ...ext, bodyCrc32: "0" }, encodeRegisterBody(single));
    assertEquals(refused.remark, "register broker failed");
    const { brokerName: _, ...nameless } = ext;
    assertStringIncludes((await ask(RequestCode.REGISTER_BROKER, nameless, body)).remark!, "<brokerName> is null");

    const compressed = encodeRegisterBody(table, true); // 5.x says compressed=false all the same
    assertEquals((await ask(RequestCode.REGISTER_BROKER, { ...ext, bodyCrc32: "0" }, compressed)).code, 0);
    const unchanged = await ask(RequestCode.QUERY_DATA_VERSION, MASTER, encodeDataVersion(table.dataVersion));
    assertEquals(unchanged.ext, { changed: "false" });
    const unknown = await ask(RequestCode.QUERY_DATA_VERSION, SLAVE, encodeDataVersion(table.dataVersion));
    assertEquals([unknown.ext["changed"], unknown.body.length], ["true", 0]);
    client.close();
  });
});

Deno.test("order configuration comes with routes and registrations as options say, and changes at once", async () => {
  await withServer(6, { orderMessageEnable: "true" }, async (world) => {
    const { client, ask } = clientOf(world, "broker", `${NS}:9876`);
    const { ext, body } = registration();
    await ask(RequestCode.REGISTER_BROKER, ext, body);
    const order = async () =>
      decodeTopicRoute((await ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: "TBW102" })).body).orderTopicConf;
    const put = (value: string) =>
      ask(RequestCode.PUT_KV_CONFIG, { namespace: "ORDER_TOPIC_CONFIG", key: "TBW102", value });

    assertEquals(await order(), undefined);
    await put("broker-a:8");
    assertEquals(await order(), "broker-a:8");
    await put("broker-a:4");
    assertEquals(await order(), "broker-a:4");
    await ask(
      RequestCode.UPDATE_NAMESRV_CONFIG,
      {},
      utf8("orderMessageEnable=false\nreturnOrderTopicConfigToBroker=false"),
    );
    assertEquals(await order(), undefined);
    assertEquals((await ask(RequestCode.REGISTER_BROKER, ext, body)).body.length, 0);
    client.close();
  });
});

Deno.test("topic lists follow their options and flags; topics come and go by request", async () => {
  await withServer(7, {}, async (world) => {
    const { client, ask } = clientOf(world, "broker", `${NS}:9876`);
    const { ext, body } = registration();
    await ask(RequestCode.REGISTER_BROKER, ext, body);
    const topics = async (code: number, fields = {}) => decodeTopicList((await ask(code, fields)).body).topicList;
    const register = (topic: string, topicSysFlag: number, brokerName = "broker-a") =>
      ask(
        RequestCode.REGISTER_TOPIC_IN_NAMESRV,
        { topic },
        encodeTopicRoute({
          brokerDatas: [],
          filterServerTable: new Map(),
          queueDatas: [{ brokerName, perm: 6, readQueueNums: 1, writeQueueNums: 1, topicSysFlag }],
        }),
      );
    for (const [topic, flag] of [["unit", 1], ["sub", 2], ["both", 3]] as const) await register(topic, flag);
    assertEquals((await register("lost", 0, "unknown")).code, ResponseCode.SUCCESS);

    assertEquals(await topics(RequestCode.GET_UNIT_TOPIC_LIST), ["unit", "both"]);
    assertEquals(await topics(RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST), ["sub", "both"]);
    assertEquals(await topics(RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST), ["sub"]);
    const all = await topics(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER);
    assertEquals(await topics(RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: CLUSTER }), all);
    assertEquals(await topics(RequestCode.GET_TOPICS_BY_CLUSTER, { cluster: "no such" }), []);
    await ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, { topic: "unit" });
    assertEquals(await topics(RequestCode.GET_UNIT_TOPIC_LIST), ["both"]);

    await ask(RequestCode.UPDATE_NAMESRV_CONFIG, {}, utf8("enableTopicList=false\nenableAllTopicList=false"));
    for (
      const code of [
        RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
        RequestCode.GET_TOPICS_BY_CLUSTER,
        RequestCode.GET_UNIT_TOPIC_LIST,
        RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST,
        RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
      ]
    ) {
      const answer = await ask(code, { cluster: CLUSTER });
      assertEquals([answer.code, answer.remark], [ResponseCode.SYSTEM_ERROR, "disable"]);
    }
    client.close();
  });
});

Deno.test("its own options are read, checked, changed and saved with the comments of the file", async () => {
  await simWorld(8).run(async (world) => {
    const process = world.machine("ns").boot();
    const path = "/conf/namesrv.properties";
    process.disk.makeDirectory("/conf");
    const file = process.disk.open(path, { create: true });
    file.write(utf8("# ours\norderMessageEnable = false\n"), 0);
    file.close();
    const { server, configuration, started } = startServer(process, { configStorePath: path });
    await started;
    const { client, ask } = clientOf(world, "admin", `${NS}:9876`);
    const update = (text: string) => ask(RequestCode.UPDATE_NAMESRV_CONFIG, {}, utf8(text));
    const shown = async () => utf8Text((await ask(RequestCode.GET_NAMESRV_CONFIG)).body).split("\n");

    assertEquals((await shown()).includes("orderMessageEnable=false"), true);
    assertEquals((await shown()).includes("listenPort=9876"), true);
    for (const key of ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"]) {
      const refused = await update(`orderMessageEnable=true\n${key}=x`);
      assertEquals([refused.code, refused.remark], [
        ResponseCode.NO_PERMISSION,
        "Can not update config in black list.",
      ]);
    }
    const wrong = await update("orderMessageEnable=true\nwaitSecondsForService=soon");
    assertEquals(wrong.code, ResponseCode.SYSTEM_ERROR);
    assertStringIncludes(wrong.remark!, "waitSecondsForService=soon");
    assertEquals(configuration.settings.namesrv.orderMessageEnable, false, "all or nothing");

    assertEquals((await update("orderMessageEnable=true\nnoSuchKey=1")).code, ResponseCode.SUCCESS);
    assertEquals((await shown()).includes("orderMessageEnable=true"), true);
    assertEquals(utf8Text(readWhole(process.disk, path)!), "# ours\norderMessageEnable=true\n");
    assertStringIncludes(process.records.lines("namesrv").join("\n"), "unknown keys left out: noSuchKey");
    client.close();
    await server.stop();
  });
});

Deno.test("with needWaitForService routes are refused until the time has passed", async () => {
  await withServer(9, { needWaitForService: "true", waitSecondsForService: "45" }, async (world) => {
    const { client, ask } = clientOf(world, "client", `${NS}:9876`);
    const early = await ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: "T" });
    assertEquals([early.code, early.remark], [ResponseCode.SYSTEM_ERROR, "name server not ready"]);
    await world.clock.sleep(45_000);
    assertEquals((await ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: "T" })).code, ResponseCode.TOPIC_NOT_EXIST);
    client.close();
  });
});

Deno.test("with notifyMinBrokerIdChanged a slave is told that its master left", async () => {
  await withServer(10, { notifyMinBrokerIdChanged: "true" }, async (world) => {
    const slaveProcess = world.machine("slave").boot();
    const told: Command[] = [];
    const listener = slaveProcess.net.listen({ host: "0.0.0.0", port: 10911 });
    const accepted = listener.accept();
    const { ext, body } = registration({ enableActingMaster: "true" });
    const broker = clientOf(world, "master", `${NS}:9876`);
    const { ip } = world.machine("slave");
    await broker.ask(RequestCode.REGISTER_BROKER, ext, body);
    await broker.ask(RequestCode.REGISTER_BROKER, { ...ext, brokerId: "1", brokerAddr: `${ip}:10911` }, body);
    await broker.ask(RequestCode.UNREGISTER_BROKER, MASTER);

    const socket = (await accepted)!;
    const buffer = new Uint8Array(65536);
    for (let size = 0; told.length === 0;) {
      size += (await socket.read(buffer.subarray(size)))!;
      if (size >= 4 && size >= 4 + new DataView(buffer.buffer).getInt32(0)) told.push(readFrame(buffer.slice(0, size)));
    }

    assertEquals(told[0]!.code, RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE);
    assertEquals(told[0]!.flag, 2);
    assertEquals(told[0]!.ext, {
      brokerName: "broker-a",
      minBrokerId: "1",
      minBrokerAddr: `${ip}:10911`,
      offlineBrokerAddr: MASTER.brokerAddr,
    });
    socket.close();
    listener.close();
    broker.client.close();
  });
});

Deno.test("a taken port is an error that names it, and a stopped server frees it", async () => {
  await simWorld(11).run(async (world) => {
    const process = world.machine("ns").boot();
    const first = startServer(process);
    assertEquals((await first.started).port, 9876);
    const error = await assertRejects(() => startServer(process).started, ConnectionError);
    assertStringIncludes(error.message, "9876");

    await first.server.stop();
    await first.server.stop();

    const second = startServer(process);
    await second.started;
    await second.server.stop();
    assertEquals(world.clock.pendingTimers, 0, "nothing is left running");
  });
});

Deno.test("requests that no name server knows are answered so", async () => {
  await withServer(12, {}, async (world) => {
    const { client, ask } = clientOf(world, "client", `${NS}:9876`);
    assertEquals((await ask(RequestCode.SEND_MESSAGE)).code, ResponseCode.REQUEST_CODE_NOT_SUPPORTED);
    assertEquals(decodeClusterInfo((await ask(RequestCode.GET_BROKER_CLUSTER_INFO)).body).brokerAddrTable.size, 0);
    client.close();
  });
});
