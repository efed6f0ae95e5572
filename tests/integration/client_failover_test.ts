import { assert, assertEquals } from "@std/assert";
import { simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

Deno.test("with two brokers a send goes to the other one when the first is gone", async () => {
  await simWorld(21).run(async (world) => {
    const cluster = await startCluster(world);
    const a = await cluster.startBroker("broker-a");
    await cluster.startBroker("broker-b");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const brokers = new Set<string>();
    for (let i = 0; i < 8; i++) brokers.add((await producer.send({ topic: "T", body: "x" })).queue.brokerName);
    assertEquals(brokers, new Set(["broker-a", "broker-b"]));

    a.process.kill();
    for (let i = 0; i < 8; i++) {
      const { queue } = await producer.send({ topic: "T", body: "y" });
      assertEquals(queue.brokerName, "broker-b");
    }
  });
});

Deno.test("a client finds its way when the first of two name servers is away", async () => {
  await simWorld(22).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    const away = `${world.machine("away").ip}:9876`;
    for (let i = 0; i < 4; i++) {
      await using client = cluster.client(`app${i}`, { namesrvAddr: `${away};${cluster.namesrvAddr}` });
      const producer = client.producer({ group: "PG" });
      await producer.start();
      assertEquals((await producer.send({ topic: "T", body: "x" }, { timeoutMs: 10_000 })).sendStatus, "SEND_OK");
    }
  });
});

Deno.test("a slow listener holds up pulling, not memory: no more than the threshold and one pull wait", async () => {
  await simWorld(23).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic: "T", body: "x" });
    for (let i = 1; i < 300; i++) await producer.send({ topic: "T", body: "x" }, { queue });
    let consumed = 0;
    let cachedMax = 0;
    const consumer = client.pushConsumer({
      group: "CG",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      consumeConcurrency: 2,
      pullThresholdForQueue: 50,
    });
    consumer.subscribe("T");
    consumer.onMessages(async () => {
      for (const { cachedMsgCount } of consumer.runningInfo().queues.values()) {
        cachedMax = Math.max(cachedMax, cachedMsgCount);
      }
      await world.clock.sleep(10);
      consumed++;
    });
    await consumer.start();
    await world.until(() => consumed === 300, "all messages");

    assert(cachedMax >= 50 && cachedMax < 50 + 32, `${cachedMax} messages waited`);
  });
});

Deno.test("a listener has no more calls under way than the consumer is allowed", async () => {
  await simWorld(24).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 60; i++) await producer.send({ topic: "T", body: "x" });
    let running = 0;
    let runningMax = 0;
    const sizes: number[] = [];
    const consumer = client.pushConsumer({
      group: "CG",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      consumeConcurrency: 3,
      consumeMessageBatchMaxSize: 4,
    });
    consumer.subscribe("T");
    consumer.onMessages(async (messages) => {
      runningMax = Math.max(runningMax, ++running);
      sizes.push(messages.length);
      await world.clock.sleep(20);
      running--;
    });
    await consumer.start();
    await world.until(() => sizes.reduce((a, b) => a + b, 0) === 60, "all messages");

    assertEquals(runningMax, 3);
    assert(Math.max(...sizes) <= 4);
  });
});

Deno.test("a shutdown waits for the listener and stores what it did", async () => {
  await simWorld(25).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic: "T", body: "x" });
    let done = 0;
    const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    let called = false;
    consumer.onMessages(async () => {
      called = true;
      await world.clock.sleep(2000);
      done++;
    });
    await consumer.start();
    await world.until(() => called, "a call of the listener");
    await consumer.shutdown();

    assertEquals(done, 1);
    await using reader = client.pullConsumer({ group: "CG" });
    await reader.start();
    assertEquals(await reader.fetchConsumeOffset(queue, true), 1);
  });
});
