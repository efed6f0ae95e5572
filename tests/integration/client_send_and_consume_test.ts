import { assert, assertEquals } from "@std/assert";
import { simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

Deno.test("a message that is sent comes to the consumer that asked for its tag, within milliseconds", async () => {
  await simWorld(1).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", tags: "TagA", body: "first" });
    const texts: string[] = [];
    const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T", "TagA || TagB");
    consumer.onMessages((messages) => {
      texts.push(...messages.map((message) => message.text()));
    });
    await consumer.start();
    await world.until(() => texts.length === 1, "the first message");

    await producer.send({ topic: "T", tags: "TagC", body: "not wanted" });
    const sentMs = world.clock.monotonicMs();
    await producer.send({ topic: "T", tags: "TagB", body: "second" });
    await world.until(() => texts.length === 2, "the second message");

    assertEquals(texts, ["first", "second"]);
    assert(world.clock.monotonicMs() - sentMs < 100);
  });
});

Deno.test("each of many messages comes exactly once, and again after a restart of the consumer only what is new", async () => {
  await simWorld(2).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const counts = new Map<string, number>();
    const consume = async (wanted: number) => {
      const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
      consumer.subscribe("T");
      consumer.onMessages((messages) => {
        for (const message of messages) counts.set(message.text(), (counts.get(message.text()) ?? 0) + 1);
      });
      await consumer.start();
      await world.until(() => counts.size >= wanted, `${wanted} messages`);
      await consumer.shutdown();
    };
    await Promise.all(Array.from({ length: 500 }, (_, i) => producer.send({ topic: "T", body: `a${i}` })));
    await consume(500);
    await producer.sendBatch(Array.from({ length: 50 }, (_, i) => ({ topic: "T", body: `b${i}` })));
    await producer.sendOneway({ topic: "T", body: "c" });
    await consume(551);

    assertEquals([...counts.values()].filter((count) => count !== 1), []);
  });
});

Deno.test("what a listener throws at comes again, with the delays of RocketMQ", async () => {
  await simWorld(3).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const deliveries: { topic: string; reconsumeTimes: number; atMs: number }[] = [];
    const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(([message]) => {
      const { topic, reconsumeTimes } = message!;
      deliveries.push({ topic, reconsumeTimes, atMs: world.clock.monotonicMs() });
      if (deliveries.length < 3) throw new Error("not yet");
    });
    await producer.send({ topic: "T", body: "x" });
    await consumer.start();
    await world.until(() => deliveries.length === 3, "three deliveries", 120_000);

    assertEquals(deliveries.map(({ topic, reconsumeTimes }) => [topic, reconsumeTimes]), [["T", 0], ["T", 1], [
      "T",
      2,
    ]]);
    const [first, second, third] = deliveries.map(({ atMs }) => atMs);
    assert(Math.abs(second! - first! - 10_000) < 1500, `first retry after ${second! - first!} ms`);
    assert(Math.abs(third! - second! - 30_000) < 1500, `second retry after ${third! - second!} ms`);
  });
});

Deno.test("a broadcasting consumer gets everything, and goes on where its file says", async () => {
  await simWorld(4).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using sending = cluster.client("sender");
    const producer = sending.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 5; i++) await producer.send({ topic: "T", body: `a${i}` });
    const texts: string[] = [];
    const consume = async (machine: string, wanted: number) => {
      await using client = cluster.client(machine);
      const consumer = client.pushConsumer({
        group: "CG",
        messageModel: "BROADCASTING",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      });
      consumer.subscribe("T");
      consumer.onMessages((messages) => {
        texts.push(...messages.map((message) => message.text()));
      });
      await consumer.start();
      await world.until(() => texts.length >= wanted, `${wanted} messages`);
    };
    await consume("one", 5);
    await consume("two", 10);
    await producer.send({ topic: "T", body: "b" });
    await consume("one", 11);

    assertEquals(texts.filter((text) => text === "b").length, 1);
    assertEquals(texts.length, 11);
  });
});
