/**
 * Who is there: members that vanish with and without a word, name servers that come and go, waiting pulls.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { PushConsumer } from "../../src/client/push_consumer.ts";
import { simWorld } from "../support/world.ts";
import { ClusterWorld } from "./cluster_world.ts";

/** A member of group CG that remembers what it got. */
function member(cluster: ClusterWorld, machine: string, texts: string[] = []) {
  const { client, process } = cluster.clientProcess(machine);
  const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe("T");
  consumer.onMessages((messages) => void texts.push(...messages.map((message) => message.text())));
  return { client, process, consumer, texts };
}

function share(consumer: PushConsumer): number {
  return consumer.assignedQueues().filter(({ topic }) => topic === "T").length;
}

for (
  const [end, limitMs, atLeastMs] of [
    ["is killed, which closes its connection", 1000, 0],
    ["loses power, of which nobody is told", 131_000, 100_000],
  ] as const
) {
  Deno.test(`a member's queues go to the others when it ${end}`, async () => {
    await simWorld(1).run(async (world) => {
      const cluster = new ClusterWorld(world, 1);
      await cluster.startNameServers();
      const broker = await cluster.startBroker("broker-a");
      const app = cluster.client("producer");
      const producer = app.producer({ group: "PG" });
      await producer.start();
      await producer.send({ topic: "T", body: "first" });
      const stays = member(cluster, "one");
      const goes = member(cluster, "two");
      await stays.consumer.start();
      await goes.consumer.start();
      await world.until(() => share(stays.consumer) === 2 && share(goes.consumer) === 2, "an even share");
      const endMs = world.clock.monotonicMs();
      if (limitMs === 1000) goes.process.kill();
      else world.machine("two").powerOff();
      await world.until(() => share(stays.consumer) === 4, "all queues", limitMs);
      assert(world.clock.monotonicMs() - endMs >= atLeastMs, "the member was given up too soon");
      await stays.client.close();
      await app.close();
      await broker.stop();
    });
  });
}

Deno.test("name servers that restart, one by one and all at once, disturb nobody, and learn of the broker again", async () => {
  await simWorld(2).run(async (world) => {
    const cluster = new ClusterWorld(world, 2);
    const servers = await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG", retryTimesWhenSendFailed: 0 });
    await producer.start();
    const early = member(cluster, "early");
    let sent = 0;
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) await producer.send({ topic: "T", body: String(sent++) });
    };
    await send(10);
    await early.consumer.start();
    servers[0]!.process.kill();
    await world.clock.sleep(40_000);
    await send(10);
    servers[0] = await cluster.startNameServer("namesrv-1");
    servers[1]!.process.kill();
    await world.clock.sleep(40_000);
    await send(10);
    await servers[0].stop();
    await world.clock.sleep(40_000);
    await send(10); // nobody knows a route now, but clients remember theirs
    await cluster.startNameServers();
    await world.until(
      () => broker.broker.nameServers.every(({ isRegistered }) => isRegistered),
      "registration",
      31_000,
    );

    const late = member(cluster, "late");
    await late.consumer.start();
    await world.until(() => share(late.consumer) === 2, "a share for one that asks the new name servers");
    await send(10);
    await world.until(() => new Set([...early.texts, ...late.texts]).size === sent, "all messages");
    await early.client.close();
    await late.client.close();
    await broker.stop();
  });
});

Deno.test("a broker without any name server serves those who know it, and registers when one comes", async () => {
  await simWorld(3).run(async (world) => {
    const cluster = new ClusterWorld(world, 2);
    const broker = await cluster.startBroker("broker-a");
    assertEquals(broker.broker.nameServers.map(({ isRegistered }) => isRegistered), [false, false]);
    await cluster.startNameServer("namesrv-2");
    await world.until(() => broker.broker.nameServers.some(({ isRegistered }) => isRegistered), "registration", 31_000);
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const { sendStatus } = await producer.send({ topic: "T", body: "x" });
    assertEquals(sendStatus, "SEND_OK");
    await broker.stop();
  });
});

Deno.test("a waiting pull is answered within milliseconds of each message, for hours", async () => {
  await simWorld(4, { limitMs: 3 * 3_600_000 }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const sentMs = new Map<string, number>();
    const waits: number[] = [];
    const consumer = app.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T", "wanted");
    consumer.onMessages((messages) => {
      for (const message of messages) waits.push(world.clock.monotonicMs() - sentMs.get(message.text())!);
    });
    await producer.send({ topic: "T", tags: "other", body: "makes the topic" });
    await consumer.start();
    await world.clock.sleep(5000);
    const random = world.random("pauses");
    for (let i = 0; i < 200; i++) {
      await world.clock.sleep(random.int(60_000));
      const body = `message ${i}`;
      sentMs.set(body, world.clock.monotonicMs());
      await producer.send({ topic: "T", tags: i % 4 === 0 ? "other" : "wanted", body });
    }
    await world.clock.sleep(1000);
    assertEquals(waits.length, 150);
    assert(Math.max(...waits) < 20, `a message took ${Math.max(...waits)} ms`);
    await consumer.shutdown();
    await broker.stop();
  });
});
