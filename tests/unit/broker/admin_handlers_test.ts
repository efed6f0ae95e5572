import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { ConfigError } from "../../../src/common/options.ts";
import { adminConfigHandlers } from "../../../src/broker/handlers/admin_config.ts";
import { byteText, durationText, runtimeInfo } from "../../../src/broker/runtime_info.ts";
import {
  decodeConsumerConnection,
  decodeConsumerStatusTable,
  decodeProducerTable,
} from "../../../src/protocol/bodies/connection.ts";
import { encodeConsumerStatus } from "../../../src/protocol/bodies/offset_table.ts";
import { decodeHaStatus, encodeHaStatus } from "../../../src/protocol/bodies/ha_status.ts";
import { decodeKvTable } from "../../../src/protocol/bodies/route.ts";
import { decodeBrokerStatsData } from "../../../src/protocol/bodies/stats.ts";
import { ResponseCode } from "../../../src/protocol/codes.ts";
import { messageQueue } from "../../../src/protocol/message_queue.ts";
import { RemotingServer } from "../../../src/remoting/server.ts";
import { simWorld } from "../../support/world.ts";
import { Bench, comparable, FakeStore, golden, goldenBody, peer, withBench } from "./bench.ts";

const DAY_MS = 24 * 3_600_000;

/** A heartbeat of a consumer of one group, which also produces. */
function consumerHeartbeat(clientID: string, groupName: string): Uint8Array {
  const consumer = { groupName, consumeType: "CONSUME_PASSIVELY", subscriptionDataSet: [{ topic: "T" }] };
  return utf8(JSON.stringify({ clientID, consumerDataSet: [consumer], producerDataSet: [{ groupName: "P" }] }));
}

Deno.test("members of a consumer group are told as RocketMQ tells them", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const offline = await admin.replay("000203-consumer-not-online-4.9.7");
    const captured = golden("000203-consumer-not-online-4.9.7").response!;
    assertEquals([offline.code, offline.remark], [captured.code, captured.remark]);
    const client = peer(world, "c");
    await client.replay("000034-heartbeat-consumer-4.9.7");
    const { consumerDataSet: [data] } = JSON.parse(utf8Text(golden("000034-heartbeat-consumer-4.9.7").request.body));
    const answer = await admin.ask(203, { consumerGroup: data.groupName });
    const told = decodeConsumerConnection(answer.body);
    assertEquals(told.connections.length, 1);
    assertEquals([told.connections[0]!.language, told.connections[0]!.version], ["JAVA", 513]);
    assert(told.connections[0]!.clientAddr.startsWith("10.0.0."));
    assertEquals([told.consumeType, told.messageModel, told.consumeFromWhere], [
      data.consumeType,
      data.messageModel,
      data.consumeFromWhere,
    ]);
    assertEquals(
      Object.keys(JSON.parse(utf8Text(answer.body))),
      Object.keys(JSON.parse(goldenBody("000203-consumer-connection-5.5.0"))),
    );
    admin.client.close();
    client.client.close();
  });
});

Deno.test("producers are told by group and all together", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const nobody = await admin.replay("000204-producer-connection-5.5.0");
    assertEquals([nobody.code, nobody.remark], [1, "the producer group[PG_497] not exist"]);
    await admin.ask(34, {}, utf8('{"clientID":"a@1","producerDataSet":[{"groupName":"PG_497"}]}'));
    const told = JSON.parse(utf8Text((await admin.replay("000204-producer-connection-5.5.0")).body));
    const captured = JSON.parse(goldenBody("000204-producer-connection-5.5.0"));
    assertEquals(Object.keys(told.connectionSet[0]), Object.keys(captured.connectionSet[0]));
    const all = decodeProducerTable((await admin.replay("000328-all-producer-info-4.9.7")).body).get("PG_497")!;
    assertEquals([all[0]!.clientId, all[0]!.remoteIP.startsWith("/10.0.0.")], ["a@1", true]);
    assert(decodeProducerTable(utf8(goldenBody("000328-all-producer-info-4.9.7"))).has("PG_498"));
    admin.client.close();
  });
});

Deno.test("running info is asked of the consumer and handed on as it comes", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const name = "000307-running-info-4.9.7";
    const { consumerGroup, clientId } = golden(name).request.ext as { consumerGroup: string; clientId: string };
    const offline = await admin.replay(name);
    assertEquals([offline.code, offline.remark], [1, `The Consumer <${consumerGroup}> <${clientId}> not online`]);
    const client = peer(world, "c", () => golden(name).response!.body);
    await client.ask(34, {}, consumerHeartbeat(clientId, consumerGroup));
    const answer = await admin.replay(name);
    assertEquals(comparable(answer.body), comparable(goldenBody(name)));
    const asked = client.received.find(({ code }) => code === 307)!;
    assertEquals({ ...asked.ext }, { ...golden(name).request.ext });
    admin.client.close();
    client.client.close();
  });
});

Deno.test("a consumer that does not answer in 10 s is told as a timeout", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const silent = peer(world, "c", () => null);
    await silent.ask(34, {}, consumerHeartbeat("c@1", "G"));
    const request = { code: 307, ext: { consumerGroup: "G", clientId: "c@1" } };
    const answer = await admin.client.invoke("10.0.0.1:10911", request, 30_000);
    assertEquals(answer.code, ResponseCode.CONSUME_MSG_TIMEOUT);
    assertStringIncludes(answer.remark!, "consumer <G> <c@1> Timeout");
    admin.client.close();
    silent.client.close();
  });
});

Deno.test("a message is loaded by its offset id and given to a consumer with what it needs to know", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const client = peer(world, "c", () => utf8('{"consumeResult":"CR_SUCCESS"}'));
    await client.ask(34, {}, consumerHeartbeat("c@1", "G"));
    bench.store.records.set(0x1f0, utf8("a stored record"));
    const ask = (msgId: string) =>
      admin.ask(309, { consumerGroup: "G", clientId: "c@1", msgId, topic: "SELF_TEST_TOPIC" });
    assertStringIncludes((await ask("zzz")).remark!, "no offset message id");
    assertStringIncludes((await ask("7F00000100002A9F00000000000001F1")).remark!, "can not find message by the offset");
    const answer = await ask("7F00000100002A9F00000000000001F0");
    assertEquals(utf8Text(answer.body), '{"consumeResult":"CR_SUCCESS"}');
    const given = client.received.find(({ code }) => code === 309)!;
    assertEquals(utf8Text(given.body), "a stored record");
    assertEquals([given.ext["brokerName"], given.ext["topicSysFlag"], given.ext["groupSysFlag"]], [
      "broker-a",
      "0",
      "0",
    ]);
    admin.client.close();
    client.client.close();
  });
});

Deno.test("where each member of a group is, as far as members answer", async () => {
  await withBench({}, async (_bench, world) => {
    const admin = peer(world, "admin");
    const table = new Map([[messageQueue("broker-a", 0, "T"), 9]]);
    const a = peer(world, "a", () => encodeConsumerStatus(table));
    const b = peer(world, "b");
    const ask = (ext: Record<string, string> = {}) =>
      admin.client.invoke("10.0.0.1:10911", { code: 223, ext: { topic: "T", group: "G", ...ext } }, 30_000);
    assertStringIncludes((await ask()).remark!, "No Any Consumer online in the consumer group: [G]");
    await a.ask(34, {}, consumerHeartbeat("a@1", "G"));
    await b.ask(34, {}, consumerHeartbeat("b@1", "G"));
    const status = decodeConsumerStatusTable((await ask()).body);
    assertEquals([...status.keys()], ["a@1"]);
    assertEquals([...status.get("a@1")!.values()], [9]);
    assertEquals([...decodeConsumerStatusTable((await ask({ clientAddr: "a@1" })).body).keys()], ["a@1"]);
    for (const each of [admin, a, b]) each.client.close();
  });
});

Deno.test("units of a consumequeue are those that RocketMQ told", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000321-query-consume-queue-5.5.0";
    assertEquals((await admin.replay(name)).remark, "2@Topic497 is not exist!");
    bench.store.set("Topic497", 2, {
      min: 0,
      storeTimes: [1, 2],
      units: [[5328, 271, 2598919], [6566, 300, 2598921]],
    });
    assertEquals(utf8Text((await admin.replay(name)).body), goldenBody(name));
    const asked = { ...golden(name).request.ext, consumerGroup: "G" };
    assertStringIncludes(utf8Text((await admin.ask(321, asked)).body), '"filterData":"G@Topic497 is not online!"');
    admin.client.close();
  });
});

Deno.test("counts are told by minute, hour and day; unknown ones are an error", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    const name = "000315-broker-stats-data-5.5.0";
    assertEquals((await admin.replay(name)).remark, "The stats <TOPIC_PUT_NUMS> <Topic497> not exist");
    bench.stats.countPut("Topic497", 30, 3000);
    await world.clock.sleep(30_000);
    const data = decodeBrokerStatsData((await admin.replay(name)).body);
    assertEquals(data.statsMinute.sum, 30);
    assertEquals(Math.round(data.statsMinute.tps * 100) / 100, 1);
    const members = (text: string) => Object.keys(JSON.parse(text));
    assertEquals(members(utf8Text((await admin.replay(name)).body)), members(goldenBody(name)));
    await world.clock.sleep(120_000);
    const later = decodeBrokerStatsData((await admin.replay(name)).body);
    assertEquals([later.statsMinute.sum, later.statsHour.sum, later.statsDay.sum], [0, 30, 30]);
    admin.client.close();
  });
});

Deno.test("topics that are none any more lose their queues; expired files are deleted on request", async () => {
  await withBench({}, async (bench, world) => {
    const admin = peer(world, "admin");
    bench.store.set("Gone", 0, { min: 0, storeTimes: [1] });
    bench.store.set("SELF_TEST_TOPIC", 0, { min: 0, storeTimes: [1] });
    for (const code of [306, 316, 329]) assertEquals((await admin.ask(code)).code, 0);
    assertEquals([bench.store.deleted, bench.store.cleaned], [["Gone"], 1]);
    assertEquals(decodeKvTable((await admin.ask(28)).body).get("brokerVersionDesc"), "V5_5_0");
    admin.client.close();
  });
});

Deno.test("runtime information has every name that tools read, 4.x and 5.x spelling", async () => {
  await simWorld(5).run(async (world) => {
    const bench = new Bench(world.machine("broker").boot());
    const { clock } = world;
    bench.stats.countPut("T", 5, 500);
    bench.stats.countGot("G", "T", 2, 200);
    bench.stats.putLatency.add(3);
    await clock.sleep(10_100);
    const info = await runtimeInfo({
      clock,
      stats: bench.stats,
      store: new FakeStore(),
      diskUsage: () => ({ totalBytes: 252 * 1024 ** 3, availableBytes: 236.25 * 1024 ** 3, usedBytes: 0 }),
      commitLogPath: "/store/commitlog",
      options: bench.options,
      bootMs: clock.now() - 216_000,
      more: () => [["scheduleMessageOffset_1", "3,3"]],
    });
    assertEquals(info.get("putTps"), "0.5 0.5 0.5");
    assertEquals(info.get("getTransferedTps"), "0.2 0.2 0.2");
    assertEquals(info.get("getTransferedTps"), info.get("getTransferredTps"));
    assertEquals(info.get("commitLogDirCapacity"), "Total : 252.0 GiB, Free : 236.3 GiB.");
    assertEquals(info.get("runtime"), "[ 0 days, 0 hours, 3 minutes, 36 seconds ]");
    assertEquals(info.get("commitLogDiskRatio_/store/commitlog"), "0.5");
    assertEquals([info.get("msgPutTotalTodayNow"), info.get("putMessageTimesTotal")], ["5", "5"]);
    assertStringIncludes(info.get("putMessageDistributeTime")!, "[0~10ms]:1");
    for (const pool of ["send", "pull", "litePull", "query", "ack"]) {
      for (const what of ["Size", "Capacity", "HeadWaitTimeMills"]) assert(info.has(`${pool}ThreadPoolQueue${what}`));
    }
    assertEquals(info.get("scheduleMessageOffset_1"), "3,3");
    await bench.close();
  });
  assertEquals([byteText(999), byteText(1024), byteText(1536 * 1024)], ["999 B", "1.0 KiB", "1.5 MiB"]);
  assertEquals(durationText(90_061_000), "[ 1 days, 1 hours, 1 minutes, 1 seconds ]");
});

Deno.test("how replication stands is told as RocketMQ tells it", () => {
  const name = "000907-broker-ha-status-5.5.0";
  const captured = decodeHaStatus(utf8(goldenBody(name)));
  assertEquals([captured.inSyncSlaveNums, captured.haConnectionInfo[0]!.slaveAckOffset], [1, 16280]);
  assertEquals(utf8Text(encodeHaStatus(captured)), goldenBody(name));
});

Deno.test("totals of today and yesterday move at midnight", async () => {
  await simWorld(5, { limitMs: 3 * DAY_MS }).run(async (world) => {
    const bench = new Bench(world.machine("broker").boot());
    bench.stats.countPut("T", 7, 1);
    bench.stats.countPut("SELF_TEST_TOPIC", 100, 1);
    await world.clock.sleep(DAY_MS + 20_000);
    assertEquals(bench.stats.putMornings, { yesterday: 0, today: 7 });
    bench.stats.countPut("T", 1, 1);
    await world.clock.sleep(DAY_MS);
    assertEquals(bench.stats.putMornings, { yesterday: 7, today: 8 });
    await bench.close();
  });
});

Deno.test("the configuration is read and changed, but for black-listed keys and wrong values", async () => {
  await simWorld(6).run(async (world) => {
    const process = world.machine("broker").boot();
    const { net, clock } = process;
    const log = process.logging.logger("broker");
    const values = new Map([["brokerName", "b"]]);
    let permissionChanges = 0;
    const handlers = adminConfigHandlers({
      config: {
        format: () => [...values].map(([key, value]) => `${key}=${value}\n`).join(""),
        update(changes) {
          if (changes.get("brokerPermission") === "x") throw new ConfigError([], "brokerPermission=x is no number");
          for (const [key, value] of changes) values.set(key, value);
          return changes.has("foo") ? ["foo"] : [];
        },
      },
      clock,
      log,
      blackList: () => "configBlackList;brokerConfigPath;listenPort",
      onPermissionChanged: () => permissionChanges++,
    });
    const server = new RemotingServer({ net, clock, log, idleMs: 100_000 });
    server.listen({ host: "0.0.0.0", port: 10911 }, handlers);
    const admin = peer(world, "admin");
    const update = (text: string) => admin.ask(25, {}, utf8(text));
    const taken = await update("brokerPermission=4\n#c\nfoo=bar");
    assertEquals([taken.code, taken.remark], [0, "there is no key foo"]);
    assertEquals((await update("brokerPermission=4")).remark, null);
    assertEquals((await update("flushDiskType=SYNC_FLUSH")).remark, "flushDiskType: saved, and counts after a restart");
    assertEquals(permissionChanges, 2);
    const read = await admin.ask(26);
    assertEquals(utf8Text(read.body), "brokerName=b\nbrokerPermission=4\nfoo=bar\nflushDiskType=SYNC_FLUSH\n");
    assertEquals(JSON.parse(read.ext["version"]!).counter, 3);
    const refused = await update("listenPort=1");
    assertEquals(refused.code, ResponseCode.NO_PERMISSION);
    assertStringIncludes(refused.remark!, "Can not update config in black list.");
    assertStringIncludes((await update("brokerPermission=x")).remark!, "is no number");
    admin.client.close();
    await server.close();
  });
});
