import { assert, assertEquals, assertThrows } from "@std/assert";
import { JsonFile } from "../../../src/common/json_file.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { GroupTable } from "../../../src/broker/groups.ts";
import { ConsumerOffsets } from "../../../src/broker/offsets.ts";
import { defaultBrokerOptions } from "../../../src/broker/options.ts";
import { SystemTopic, TRANSACTION_GROUP } from "../../../src/broker/system_topics.ts";
import { TopicTable } from "../../../src/broker/topics.ts";
import { offsetTableText, parseConsumerOffsets } from "../../../src/protocol/bodies/consumer_offset.ts";
import { parseJson } from "../../../src/protocol/json.ts";
import { type SimProcess, type SimWorld, simWorld } from "../../support/world.ts";

/** A file of a store that RocketMQ wrote. */
function goldenText(name: string, version: string): string {
  return Deno.readTextFileSync(new URL(`../../golden/tables/${name}-${version}.json`, import.meta.url));
}

function put(process: SimProcess, name: string, text: string): void {
  process.disk.makeDirectory("/store/config");
  const file = process.disk.open(`/store/config/${name}.json`, { create: true });
  file.truncate(0);
  file.write(utf8(text), 0);
  file.close();
}

function text(process: SimProcess, name: string): string {
  return utf8Text(readWhole(process.disk, `/store/config/${name}.json`)!);
}

function partsOf(process: SimProcess, name: string) {
  const { clock, disk } = process;
  const options = defaultBrokerOptions({ brokerName: "broker-a" });
  const log = process.logging.logger("broker");
  return { clock, log, options, hasTimer: true, file: new JsonFile(disk, `/store/config/${name}.json`) };
}

Deno.test("a file of offsets that is written in pieces has half and op queue of transactions as of one moment", async () => {
  await inWorld((process) => {
    const table = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    const move = (offset: number) => {
      for (const topic of [SystemTopic.TRANS_HALF, SystemTopic.TRANS_OP_HALF]) {
        table.commit(TRANSACTION_GROUP, topic, 0, offset, "check");
      }
    };
    move(5);
    const pieces: string[] = [];
    for (const piece of offsetTableText(table.table())) {
      pieces.push(piece);
      if (piece.includes(SystemTopic.TRANS_HALF)) move(9);
    }
    const { offsets } = parseConsumerOffsets(pieces.join(""));
    assertEquals([...offsets.values()], [new Map([[0, 5]]), new Map([[0, 5]])]);
    assertEquals(table.query(TRANSACTION_GROUP, SystemTopic.TRANS_OP_HALF, 0), 9);
    table.close();
    return Promise.resolve();
  });
});

type AnyJson = Record<string, Record<string, Record<string, unknown>>>;

async function inWorld(test: (on: SimProcess, world: SimWorld) => Promise<void>): Promise<void> {
  await simWorld(3).run((world) => test(world.machine("broker").boot(), world));
}

Deno.test("topics.json of RocketMQ 5.5.0 is loaded and written again with equal content", async () => {
  await inWorld(async (process) => {
    const golden = parseJson(goldenText("topics", "5.5.0")) as AnyJson;
    put(process, "topics", goldenText("topics", "5.5.0"));
    const topics = new TopicTable(partsOf(process, "topics"));
    topics.load();
    assertEquals({ ...topics.dataVersion }, golden["dataVersion"] as unknown);
    topics.delete("TopicBatch");
    await topics.saved();
    const written = parseJson(text(process, "topics")) as AnyJson;
    delete golden["topicConfigTable"]!["TopicBatch"];
    assertEquals(written["topicConfigTable"], golden["topicConfigTable"]);
    assertEquals(Number(written["dataVersion"]!["counter"]), Number(golden["dataVersion"]!["counter"]) + 1);
    topics.close();
  });
});

Deno.test("files of RocketMQ 4.9.7 are read: what they lack has its default", async () => {
  await inWorld((process) => {
    for (const name of ["topics", "subscriptionGroup", "consumerOffset"]) put(process, name, goldenText(name, "4.9.7"));
    const topics = new TopicTable(partsOf(process, "topics"));
    const groups = new GroupTable(partsOf(process, "subscriptionGroup"));
    const offsets = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    for (const table of [topics, groups, offsets]) table.load();
    assertEquals(topics.get("TopicBatch")?.attributes, {});
    assertEquals(groups.get("CG_gen")?.consumeTimeoutMinute, 15);
    assertEquals([...offsets.queryAll("CG_gen", "TopicA")], [[0, 10], [1, 10], [2, 9], [3, 10]]);
    assertEquals(offsets.query("CG_sql", "%RETRY%CG_sql", 0), 0);
    for (const table of [topics, groups, offsets]) table.close();
    return Promise.resolve();
  });
});

Deno.test("subscriptionGroup.json of RocketMQ 5.5.0 is written again with equal content", async () => {
  await inWorld(async (process) => {
    const golden = parseJson(goldenText("subscriptionGroup", "5.5.0")) as AnyJson;
    put(process, "subscriptionGroup", goldenText("subscriptionGroup", "5.5.0"));
    const groups = new GroupTable(partsOf(process, "subscriptionGroup"));
    groups.load();
    groups.setReadForbidden("CG_gen", "TopicA", true);
    await groups.saved();
    const written = parseJson(text(process, "subscriptionGroup")) as AnyJson;
    assertEquals(written["subscriptionGroupTable"], golden["subscriptionGroupTable"]);
    assertEquals(written["forbiddenTable"], { CG_gen: { TopicA: 4 } });
    const again = new GroupTable(partsOf(process, "subscriptionGroup"));
    again.load();
    assert(again.isReadForbidden("CG_gen", "TopicA") && !again.isReadForbidden("CG_gen", "TopicB"));
    groups.close();
    again.close();
  });
});

Deno.test("consumerOffset.json of RocketMQ 5.5.0 is written again with equal content", async () => {
  await inWorld(async (process) => {
    const golden = parseJson(goldenText("consumerOffset", "5.5.0")) as AnyJson;
    put(process, "consumerOffset", goldenText("consumerOffset", "5.5.0"));
    const offsets = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    offsets.load();
    offsets.commit("CG_gen", "TopicA", 2, 10, "c:1");
    await offsets.saved();
    const written = parseJson(text(process, "consumerOffset")) as AnyJson;
    golden["offsetTable"]!["TopicA@CG_gen"]!["2"] = 10;
    // A set in RocketMQ, so in no particular order.
    for (const each of [written, golden]) {
      for (const names of Object.values(each["groupTopicMap"]!)) (names as unknown as string[]).sort();
    }
    assertEquals(written, golden);
    offsets.close();
  });
});

Deno.test("the groups and topics of the system are there without files", async () => {
  await inWorld((process) => {
    const topics = new TopicTable(partsOf(process, "topics"));
    topics.load();
    const queues = (name: string) => {
      const { readQueueNums, writeQueueNums, perm } = topics.get(name)!;
      return [readQueueNums, writeQueueNums, perm];
    };
    assertEquals(queues("TBW102"), [8, 8, 7]);
    assertEquals(queues("BenchmarkTest"), [1024, 1024, 6]);
    assertEquals(queues("DefaultCluster"), [16, 16, 7]);
    assertEquals(queues("broker-a"), [1, 1, 7]);
    assertEquals(queues("SCHEDULE_TOPIC_XXXX"), [18, 18, 6]);
    assertEquals(queues("rmq_sys_REVIVE_LOG_DefaultCluster"), [8, 8, 6]);
    assertEquals(queues("rmq_sys_SYNC_BROKER_MEMBER_broker-a"), [1, 1, 1]);
    assertEquals(topics.topics.size, 13);
    const groups = new GroupTable(partsOf(process, "subscriptionGroup"));
    groups.load();
    assertEquals(groups.groups.size, 8);
    assertEquals(readWhole(process.disk, "/store/config/topics.json"), null);
    return Promise.resolve();
  });
});

Deno.test("a topic made on first send takes the smaller queue number and the template's permission", async () => {
  await inWorld(async (process) => {
    const topics = new TopicTable(partsOf(process, "topics"));
    topics.load();
    const changes: string[] = [];
    topics.onChange((changed) => changes.push(...changed.map((topic) => topic.topicName)));
    const wish = { topic: "T", defaultTopic: "TBW102", defaultTopicQueueNums: 4 };
    const made = topics.createOnSend(wish, "p:1");
    assertEquals([made.readQueueNums, made.writeQueueNums, made.perm], [4, 4, 6]);
    assertEquals(topics.createOnSend({ ...wish, topic: "T2", defaultTopicQueueNums: 99 }, "p:1").writeQueueNums, 8);
    assertEquals(topics.createOnSend(wish, "p:1"), made);
    assertEquals(changes, ["T", "T2"]);
    assertThrows(
      () => topics.createOnSend({ ...wish, topic: "T3", defaultTopic: "none" }, "p:1"),
      Error,
      "topic[T3] not exist, apply first please!",
    );
    assertEquals(topics.createOnSend({ ...wish, topic: "%RETRY%G", defaultTopic: "none" }, "p:1").writeQueueNums, 1);
    await topics.saved();
    const again = new TopicTable(partsOf(process, "topics"));
    again.load();
    assertEquals(again.get("T"), made);
    assertEquals(again.dataVersion, topics.dataVersion);
  });
});

Deno.test("with auto-create off nothing is inherited, also not from an older file", async () => {
  await inWorld(async (process) => {
    const before = new TopicTable(partsOf(process, "topics"));
    before.load();
    before.bumpVersion();
    await before.saved();
    const parts = partsOf(process, "topics");
    const topics = new TopicTable({ ...parts, options: { ...parts.options, autoCreateTopicEnable: false } });
    topics.load();
    const wish = { topic: "T", defaultTopic: "TBW102", defaultTopicQueueNums: 4 };
    assertThrows(() => topics.createOnSend(wish, "p:1"), Error, "autoCreateTopicEnable=false");
    assertEquals(topics.get("TBW102")?.perm, 6);
    const live = { ...parts.options, autoCreateTopicEnable: true };
    const running = new TopicTable({ ...parts, options: live });
    running.load();
    assertEquals(running.createOnSend(wish, "p:1").topicName, "T");
    live.autoCreateTopicEnable = false;
    assertThrows(() => running.createOnSend({ ...wish, topic: "T2" }, "p:1"), Error, "topic[T2] not exist");
  });
});

Deno.test("attributes are changed by RocketMQ's rules, all or none", async () => {
  await inWorld((process) => {
    const topics = new TopicTable(partsOf(process, "topics"));
    topics.load();
    const template = topics.get("SELF_TEST_TOPIC")!;
    const update = (attributes: Record<string, string>) => topics.update({ ...template, topicName: "T", attributes });
    assertThrows(() => update({ "+no.such": "x" }), Error, "unsupported key: no.such");
    assertThrows(() => update({ "-message.type": "" }), Error, "only add attribute is supported");
    assertEquals(topics.has("T"), false);
    update({ "+message.type": "FIFO", "+cleanup.policy": "COMPACTION" });
    assertEquals(topics.get("T")?.attributes, { "message.type": "FIFO", "cleanup.policy": "COMPACTION" });
    assertThrows(() => update({ "+cleanup.policy": "DELETE" }), Error, "unchangeable attribute");
    assertThrows(() => update({ "+message.type": "SOLID" }), Error, "value is not in set");
    update({ "-message.type": "" });
    assertEquals(topics.get("T")?.attributes, { "cleanup.policy": "COMPACTION" });
    return Promise.resolve();
  });
});

Deno.test("offsets go forward; a backward move is taken and told, a negative one is not taken", async () => {
  await inWorld((process) => {
    const offsets = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    assertEquals(offsets.query("G", "T", 0), -1);
    assert(offsets.commit("G", "T", 0, 10, "c:1"));
    assert(!offsets.commit("G", "T", 0, -1, "c:1"));
    assertEquals(offsets.query("G", "T", 0), 10);
    assertEquals(process.records.records.length, 0);
    assert(offsets.commit("G", "T", 0, 7, "c:1"));
    assertEquals(
      process.records.records.map((record) => record.text),
      [
        "[NOTIFYME]update consumer offset less than store. clientHost=c:1, key=T@G, queueId=0, requestOffset=7, " +
        "storeOffset=10",
      ],
    );
    return Promise.resolve();
  });
});

Deno.test("after a reset commits are not taken until a pull was told of it", async () => {
  await inWorld((process) => {
    const offsets = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    offsets.commit("G", "T", 0, 10, "c:1");
    offsets.reset("G", "T", 0, 3, "admin:1");
    assertEquals(offsets.query("G", "T", 0), 3);
    assert(!offsets.commit("G", "T", 0, 11, "c:1"));
    assertEquals(offsets.takeReset("T", "G", 0), 3);
    assertEquals(offsets.takeReset("T", "G", 0), undefined);
    assert(offsets.commit("G", "T", 0, 4, "c:1"));
    assertEquals(offsets.query("G", "T", 0), 4);
    return Promise.resolve();
  });
});

Deno.test("offsets are saved every period and at stop, and found by topic and by group", async () => {
  await inWorld(async (process, world) => {
    const offsets = new ConsumerOffsets(partsOf(process, "consumerOffset"));
    const timer = offsets.saveEvery(5000);
    offsets.commit("G", "T", 0, 1, "c:1");
    offsets.commit("G", "T2", 0, 1, "c:1");
    offsets.commit("H", "T", 0, 1, "c:1");
    assertEquals(readWhole(process.disk, "/store/config/consumerOffset.json"), null);
    await world.clock.sleep(6000);
    assert(text(process, "consumerOffset").includes('"T2@G"'));
    assertEquals([offsets.topicsOf("G").sort(), offsets.groupsOf("T").sort()], [["T", "T2"], ["G", "H"]]);
    offsets.removeGroup("G");
    offsets.removeTopic("T");
    assertEquals([offsets.topicsOf("G"), offsets.groupsOf("T")], [[], []]);
    timer.cancel();
    offsets.close();
    assertEquals((parseJson(text(process, "consumerOffset")) as AnyJson)["offsetTable"], {});
  });
});

Deno.test("a failed save is told and tried again", async () => {
  await inWorld(async (process, world) => {
    const parts = partsOf(process, "topics");
    let fails = 1;
    const topics = new TopicTable({
      ...parts,
      file: {
        path: parts.file.path,
        load: (parse) => parts.file.load(parse),
        saveNow: (document) => parts.file.saveNow(document),
        save: (document) => fails-- > 0 ? Promise.reject(new Error("disk full")) : parts.file.save(document),
      },
    });
    topics.load();
    topics.bumpVersion();
    await topics.saved();
    assert(process.records.records.some((record) => record.text.includes("disk full")));
    await world.clock.sleep(6000);
    assert(text(process, "topics").includes("TBW102"));
    topics.close();
  });
});
