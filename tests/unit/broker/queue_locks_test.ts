import { assertEquals } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { INHERITED_LIFE_MS, QueueLocks } from "../../../src/broker/queue_locks.ts";
import { messageQueue } from "../../../src/protocol/message_queue.ts";
import { simWorld } from "../../support/world.ts";
import { comparable, goldenBody, peer, withBench } from "./bench.ts";

const Q0 = messageQueue("b", 0, "T");
const Q1 = messageQueue("b", 1, "T");

Deno.test("a queue is held by one client of a group, in another group by another", async () => {
  await simWorld(1).run((world) => {
    const locks = new QueueLocks(world.clock, SILENT_LOG);
    assertEquals(locks.lock("G", [Q0, Q1], "a"), [Q0, Q1]);
    assertEquals(locks.lock("G", [Q0], "b"), []);
    assertEquals(locks.lock("H", [Q0], "b"), [Q0]);
    locks.unlock("G", [Q0, Q1], "b");
    assertEquals(locks.holder("G", Q0), "a");
    locks.unlock("G", [Q0], "a");
    assertEquals(locks.lock("G", [Q0, Q1], "b"), [Q0]);
    return Promise.resolve();
  });
});

Deno.test("a lock that is not renewed for 60 s can be taken by another client", async () => {
  await simWorld(1).run(async (world) => {
    const locks = new QueueLocks(world.clock, SILENT_LOG);
    locks.lock("G", [Q0, Q1], "a");
    await world.clock.sleep(40_000);
    locks.lock("G", [Q0], "a");
    await world.clock.sleep(25_000);
    assertEquals(locks.lock("G", [Q0, Q1], "b"), [Q1]);
    assertEquals(locks.isHeld("G"), true);
    await world.clock.sleep(61_000);
    assertEquals(locks.isHeld("G"), false);
    assertEquals(locks.holder("G", Q0), null);
    await world.clock.sleep(61_000);
    assertEquals(locks.lock("G", [Q0, Q1], "c"), [Q0, Q1]);
  });
});

Deno.test("a client that leaves its group gives back its queues, and gets none until it is a member again", async () => {
  await simWorld(1).run((world) => {
    const locks = new QueueLocks(world.clock, SILENT_LOG);
    locks.lock("G", [Q0, Q1], "a");
    locks.lock("H", [Q0], "a");
    locks.left("G", "a");
    assertEquals([locks.holder("G", Q0), locks.holder("H", Q0)], [null, "a"]);
    assertEquals(locks.lock("G", [Q0], "a"), []);
    assertEquals(locks.lock("G", [Q0], "b"), [Q0]);
    locks.joined("G", "a");
    assertEquals(locks.lock("G", [Q0, Q1], "a"), [Q1]);
    return Promise.resolve();
  });
});

Deno.test("who unregisters loses its locks, and can have them again when it beats", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    const clientID = "192.0.2.2@o550";
    const lock = async () => {
      await client.replay("000041-lock-batch-mq-5.5.0");
      return bench.locks.isHeld("OG_550");
    };
    assertEquals(await lock(), true);
    await client.ask(35, { clientID, consumerGroup: "OG_550" });
    assertEquals(await lock(), false);
    const consumer = {
      groupName: "OG_550",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
      subscriptionDataSet: [],
    };
    const beat = utf8(JSON.stringify({ clientID, consumerDataSet: [consumer], producerDataSet: [] }));
    assertEquals((await client.ask(34, {}, beat)).code, 0);
    assertEquals(await lock(), true);
    client.client.close();
  });
});

Deno.test("locks outlive the broker's process for as long as their holders trust them", async () => {
  await simWorld(1).run(async (world) => {
    const machine = world.machine("broker");
    const start = () => {
      const { disk } = machine.boot();
      const locks = new QueueLocks(world.clock, SILENT_LOG, new JsonFile(disk, "/config/queueLocks.json"));
      locks.load();
      return locks;
    };
    const first = start();
    first.lock("G", [Q0, Q1], "a");
    first.lock("H", [Q0], "b");
    await first.saved();
    first.unlock("H", [Q0], "b");
    await first.saved();
    machine.powerOff();
    machine.powerOn();

    const second = start();
    assertEquals(second.lock("G", [Q0, Q1], "b"), []);
    assertEquals(second.lock("H", [Q0], "c"), [Q0]);
    await world.clock.sleep(INHERITED_LIFE_MS / 2);
    assertEquals(second.lock("G", [Q0], "a"), [Q0]);
    await world.clock.sleep(INHERITED_LIFE_MS / 2 + 1);
    assertEquals(second.lock("G", [Q0, Q1], "b"), [Q1]);
    second.close();
  });
});

Deno.test("captured lock and unlock requests are answered as RocketMQ answered them", async () => {
  await withBench({}, async (bench, world) => {
    const client = peer(world, "c");
    for (const name of ["000041-lock-batch-mq-4.4.0", "000041-lock-batch-mq-5.5.0"]) {
      const answer = await client.replay(name);
      assertEquals([answer.code, comparable(answer.body)], [0, comparable(goldenBody(name))]);
    }
    assertEquals(bench.locks.isHeld("OG_550"), true);
    assertEquals((await client.replay("000042-unlock-batch-mq-5.5.0")).code, 0);
    assertEquals(bench.locks.isHeld("OG_550"), false);
    client.client.close();
  });
});
