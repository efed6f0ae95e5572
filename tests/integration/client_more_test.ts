import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClientError } from "../../src/client/errors.ts";
import { createReply } from "../../src/client/request_reply.ts";
import { simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

Deno.test("of transactions, consumers see what was committed, at once or when the broker asked", async () => {
  await simWorld(11).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const asked: string[] = [];
    const producer = client.transactionProducer({ group: "PG" }, {
      executeLocalTransaction(message) {
        if (message.tags === "commit") return "COMMIT_MESSAGE";
        if (message.tags === "rollback") return "ROLLBACK_MESSAGE";
        throw new Error("the local database does not answer");
      },
      checkLocalTransaction(message) {
        asked.push(message.text());
        return "COMMIT_MESSAGE";
      },
    });
    await producer.start();
    const states: string[] = [];
    for (const tags of ["commit", "rollback", "lost"]) {
      const result = await producer.sendMessageInTransaction({ topic: "T", tags, body: tags });
      states.push(result.localTransactionState);
    }
    const texts: string[] = [];
    const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(([message]) => {
      texts.push(message!.text());
    });
    await consumer.start();
    await world.until(() => texts.length === 2, "the committed messages", 200_000);
    await world.clock.sleep(60_000);

    assertEquals(states, ["COMMIT_MESSAGE", "ROLLBACK_MESSAGE", "UNKNOW"]);
    assertEquals(texts, ["commit", "lost"]);
    assertEquals(asked, ["lost"]);
    await assertRejects(
      () => producer.sendMessageInTransaction({ topic: "T", body: "x", delayLevel: 1 }),
      ClientError,
      "cannot be delayed",
    );
  });
});

Deno.test("a request gets the reply that its consumer sends, and an error when nobody replies", async () => {
  await simWorld(12).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using asking = cluster.client("asking");
    await using answering = cluster.client("answering");
    const requester = asking.producer({ group: "PG" });
    await requester.start();
    const replier = answering.producer({ group: "RG" });
    await replier.start();
    const consumer = answering.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(async ([message]) => {
      await replier.send(createReply(message!, `answer to ${message!.text()}`));
    });
    await requester.sendOneway({ topic: "Silent", body: "x" });
    await consumer.start();

    const reply = await requester.request({ topic: "T", body: "question" }, 60_000);
    assertEquals(reply.text(), "answer to question");
    const error = await assertRejects(() => requester.request({ topic: "Silent", body: "?" }, 500), ClientError);
    assertEquals([error.code, error.retriable], [10006, true]);
  });
});

Deno.test("a lite pull consumer hands messages to a loop, and goes on behind them after a restart", async () => {
  await simWorld(13).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i <= 40; i++) await producer.send({ topic: "T", body: String(i) });
    const seen: number[] = [];
    const consume = async (count: number) => {
      await using consumer = client.litePullConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
      consumer.subscribe("T");
      await consumer.start();
      const goal = seen.length + count;
      for await (const message of consumer) {
        if (seen.length === goal) break; // with a message that is not consumed, and will come again
        seen.push(Number(message.text()));
      }
    };
    await consume(25);
    await consume(15);

    assertEquals(new Set(seen).size, 40);
  });
});

Deno.test("an assigned lite pull consumer seeks, pauses and commits as told", async () => {
  await simWorld(14).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic: "T", body: "0" });
    for (let i = 1; i < 20; i++) await producer.send({ topic: "T", body: String(i) }, { queue });
    await using consumer = client.litePullConsumer({
      group: "CG",
      autoCommit: false,
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    });
    await consumer.assign([queue]);
    await consumer.start();
    const poll = async () => (await consumer.poll(2000)).map((message) => message.text());

    assertEquals(await poll(), Array.from({ length: 10 }, (_, i) => String(i)));
    consumer.seek(queue, 18);
    assertEquals(await poll(), ["18", "19"]);
    assertEquals(await consumer.committed(queue), 0); // what a broker says of a young queue
    assertEquals(await poll(), []);
    await consumer.commit();
    assertEquals(await consumer.committed(queue), 20);
    await consumer.seekToBegin(queue);
    consumer.pause([queue]);
    assertEquals(await poll(), []);
    consumer.resume([queue]);
    assertEquals((await poll())[0], "0");
    assertEquals(consumer.assignment(), [queue]);
  });
});

Deno.test("a pull consumer reads a queue from any place, waits for what is new, and keeps its offset", async () => {
  await simWorld(15).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic: "T", tags: "a", body: "0" });
    for (let i = 1; i < 100; i++) {
      await producer.send({ topic: "T", tags: i % 2 ? "b" : "a", body: String(i) }, { queue });
    }
    await using consumer = client.pullConsumer({ group: "CG" });
    await consumer.start();

    const texts: string[] = [];
    for await (const message of consumer.messages(queue, 90, { expression: "a" })) texts.push(message.text());
    assertEquals(texts, ["90", "92", "94", "96", "98"]);
    const beyond = await consumer.pull(queue, 1000);
    assertEquals([beyond.status, beyond.nextBeginOffset], ["OFFSET_ILLEGAL", 100]);
    const waiting = consumer.pullBlockIfNotFound(queue, 100);
    await world.clock.sleep(3000);
    const sentMs = world.clock.monotonicMs();
    await producer.send({ topic: "T", body: "100" }, { queue });
    assertEquals((await waiting).messages.map((message) => message.text()), ["100"]);
    assert(world.clock.monotonicMs() - sentMs < 100);

    assertEquals(await consumer.fetchConsumeOffset(queue), 0); // what a broker says of a young queue
    consumer.updateConsumeOffset(queue, 42);
    await consumer.persistOffsets();
    await world.clock.sleep(100);
    assertEquals(await consumer.fetchConsumeOffset(queue, true), 42);
    assertEquals([await consumer.minOffset(queue), await consumer.maxOffset(queue)], [0, 101]);
  });
});
