import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { CorruptError, DiskError } from "../../../src/common/errors.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { KvConfig } from "../../../src/namesrv/kv_config.ts";
import { simWorld, type WorldMachine } from "../../support/world.ts";

const PATH = "/home/rocketmq/namesrv/kvConfig.json";

function open(machine: WorldMachine, changes: string[] = []): KvConfig {
  const { disk } = machine.boot();
  const config = new KvConfig({
    disk,
    log: SILENT_LOG,
    path: PATH,
    onChange: (namespace, key) => changes.push(`${namespace}/${key}`),
  });
  config.load();
  return config;
}

Deno.test("what was answered is there after the power failed", async () => {
  await simWorld(1).run(async (world) => {
    const machine = world.machine("ns");
    machine.disk.makeDirectory("/home/rocketmq/namesrv"); // as it is after an installation
    for (const parent of ["/", "/home", "/home/rocketmq"]) machine.disk.syncDirectory(parent);
    const changes: string[] = [];
    const config = open(machine, changes);
    await config.put("ORDER_TOPIC_CONFIG", "T", "broker-a:4");
    await config.put("ORDER_TOPIC_CONFIG", "U", "broker-a:2");
    await config.put("ORDER_TOPIC_CONFIG", "T", "broker-a:8");
    await config.delete("ORDER_TOPIC_CONFIG", "U");
    await config.delete("ORDER_TOPIC_CONFIG", "never there");
    await config.put("other", "k", "v");
    await config.delete("other", "k");

    machine.powerOff();
    machine.powerOn();
    const again = open(machine);

    assertEquals(again.list("ORDER_TOPIC_CONFIG"), new Map([["T", "broker-a:8"]]));
    assertEquals(again.get("ORDER_TOPIC_CONFIG", "U"), undefined);
    assertEquals(again.list("other"), new Map(), "a namespace outlives its keys");
    assertEquals(again.list("unknown"), undefined);
    assertEquals(changes.slice(0, 4), ["T", "U", "T", "U"].map((key) => `ORDER_TOPIC_CONFIG/${key}`));
  });
});

Deno.test("the document is the one that RocketMQ reads and writes", async () => {
  await simWorld(2).run(async (world) => {
    const machine = world.machine("ns");
    const { disk } = machine.boot();
    const written = utf8('{"configTable":{"ORDER_TOPIC_CONFIG":{"T":"b:1"}}}');
    disk.makeDirectory("/home/rocketmq/namesrv");
    const file = disk.open(PATH, { create: true });
    file.write(written, 0);
    file.close();

    const config = open(machine);
    assertEquals(config.get("ORDER_TOPIC_CONFIG", "T"), "b:1");
    await config.put("n", "k", "v");

    assertEquals(
      utf8Text(readWhole(machine.boot().disk, PATH)!),
      '{"configTable":{"ORDER_TOPIC_CONFIG":{"T":"b:1"},"n":{"k":"v"}}}',
    );
  });
});

Deno.test("a document that cannot be read is an error at start, not an empty table", async () => {
  await simWorld(3).run((world) => {
    const machine = world.machine("ns");
    const { disk } = machine.boot();
    disk.makeDirectory("/home/rocketmq/namesrv");
    const file = disk.open(PATH, { create: true });
    file.write(utf8('{"configTable":{'), 0);
    file.close();
    const error = assertThrows(() => open(machine), CorruptError);
    assertStringIncludes(error.message, PATH);
    return Promise.resolve();
  });
});

Deno.test("a change that cannot be saved is an error to who asked", async () => {
  await simWorld(4).run(async (world) => {
    const machine = world.machine("ns");
    const config = open(machine);
    machine.disk.faults.fail({ path: /kvConfig/, operation: "sync", fault: "io" });

    const error = await assertRejects(() => config.put("n", "k", "v"), DiskError);

    assertStringIncludes(error.message, "kvConfig.json");
    assertEquals(config.get("n", "k"), "v", "it holds in memory");
  });
});
