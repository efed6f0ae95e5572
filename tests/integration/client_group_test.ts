import { assert, assertEquals } from "@std/assert";
import { selectByHash } from "../../src/client/producer.ts";
import type { Client } from "../../src/client/client.ts";
import { simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

Deno.test("members share a topic's queues at once when one comes and when one goes", async () => {
  await simWorld(5).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using first = cluster.client("one");
    await using second = cluster.client("two");
    const producer = first.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "x" });
    const member = (client: Client) => {
      const consumer = client.pushConsumer({ group: "CG" });
      consumer.subscribe("T");
      consumer.onMessages(() => {});
      return consumer;
    };
    const count = (consumer: ReturnType<typeof member>) =>
      consumer.assignedQueues().filter(({ topic }) => topic === "T").length;
    const one = member(first);
    const two = member(second);

    await one.start();
    assertEquals(count(one), 4);
    await two.start();
    await world.until(() => count(one) === 2 && count(two) === 2, "an even share", 5000);
    await two.shutdown();
    await world.until(() => count(one) === 4, "all queues again", 5000);
  });
});

Deno.test("ordered messages stay in order and are never with two members, while members come and go", async () => {
  await simWorld(6).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using first = cluster.client("one");
    const producer = first.producer({ group: "PG" });
    await producer.start();
    const seen: number[][] = [[], [], [], [], []];
    const inListener = new Set<string>();
    let calls = 0;
    const member = (client: Client) => {
      const consumer = client.pushConsumer({
        group: "CG",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        suspendCurrentQueueTimeMs: 50,
      });
      consumer.subscribe("T");
      consumer.onMessagesOrderly(async ([message], { queue }) => {
        assert(!inListener.has(String(queue.queueId)), "one call at a time for each queue");
        inListener.add(String(queue.queueId));
        await world.clock.sleep(5);
        inListener.delete(String(queue.queueId));
        if (++calls % 50 === 0) return "SUSPEND_CURRENT_QUEUE_A_MOMENT";
        const [key, value] = message!.text().split(":").map(Number);
        seen[key!]!.push(value!);
      });
      return consumer;
    };
    await member(first).start();
    const send = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const key = i % 5;
        await producer.send({ topic: "T", body: `${key}:${i}` }, { selector: selectByHash, arg: key });
      }
    };
    await send(0, 200);
    {
      await using second = cluster.client("two");
      const consumer = member(second);
      await consumer.start();
      await send(200, 400);
      await world.until(() => consumer.assignedQueues().length > 0, "a share for the second member", 30_000);
    }
    await send(400, 600);
    await world.until(() => seen.flat().length >= 600, "all messages", 60_000);

    for (const [key, values] of seen.entries()) {
      assertEquals(values, Array.from({ length: 120 }, (_, i) => i * 5 + key), `key ${key}`);
    }
  });
});

Deno.test("consumption and sending go on when the broker comes back after a kill", async () => {
  await simWorld(7).run(async (world) => {
    const cluster = await startCluster(world);
    const { process } = await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "before" });
    const texts = new Set<string>();
    const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(([message]) => {
      texts.add(message!.text());
    });
    await consumer.start();
    await world.until(() => texts.has("before"), "the message before the kill");
    process.kill();
    await world.clock.sleep(5000);
    await cluster.startBroker("broker-a");

    let sent = false;
    while (!sent) {
      try {
        await producer.send({ topic: "T", body: "after" });
        sent = true;
      } catch {
        await world.clock.sleep(500);
      }
    }
    await world.until(() => texts.has("after"), "the message after the restart", 60_000);
  });
});

Deno.test("a consumer that was there before its topic gets the first message as soon as the route is polled", async () => {
  await simWorld(8).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using reading = cluster.client("one");
    await using writing = cluster.client("two");
    const texts: string[] = [];
    const consumer = reading.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(([message]) => {
      texts.push(message!.text());
    });
    await consumer.start();
    const producer = writing.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "first" });

    await world.until(() => texts.length === 1, "the first message", 31_000);
  });
});

Deno.test("members that do not answer any more lose their queues to the others", async () => {
  await simWorld(9).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using first = cluster.client("one");
    const second = cluster.client("two");
    const producer = first.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "x" });
    const consumers = [first, second].map((client) => {
      const consumer = client.pushConsumer({ group: "CG" });
      consumer.subscribe("T");
      consumer.onMessages(() => {});
      return consumer;
    });
    for (const consumer of consumers) await consumer.start();
    const count = () => consumers[0]!.assignedQueues().filter(({ topic }) => topic === "T").length;
    await world.until(() => count() === 2, "an even share", 5000);

    world.machine("two").powerOff();

    await world.until(() => count() === 4, "all queues", 180_000);
  });
});
