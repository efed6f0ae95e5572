import { assertEquals, assertRejects } from "@std/assert";
import { queryMessages } from "../../src/client/admin_messages.ts";
import type { Client } from "../../src/client/client.ts";
import type { SendMessageHook } from "../../src/client/hooks.ts";
import { decodeTrace, type TraceRecord } from "../../src/protocol/trace.ts";
import { simWorld } from "../support/world.ts";
import { startCluster } from "./client_cluster.ts";

/** All records of the trace topic, oldest first. */
async function readTraces(client: Client): Promise<TraceRecord[]> {
  await using reader = client.pullConsumer({ group: "trace_reader" });
  await reader.start();
  const records: TraceRecord[] = [];
  for (const queue of await reader.fetchMessageQueues("RMQ_SYS_TRACE_TOPIC")) {
    for await (const message of reader.messages(queue, 0)) records.push(...decodeTrace(message.text()));
  }
  return records;
}

Deno.test("a message's trace tells of its send, of each delivery and of what became of it, and is found by its id", async () => {
  await simWorld(31).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG", enableMsgTrace: true });
    await producer.start();
    const { msgId, offsetMsgId } = await producer.send({ topic: "T", tags: "a", keys: ["k1", "k2"], body: "hello" });
    await producer.shutdown();
    const consumer = client.pushConsumer({
      group: "CG",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      enableMsgTrace: true,
    });
    consumer.subscribe("T");
    let calls = 0;
    consumer.onMessages(() => {
      if (++calls === 1) throw new Error("not yet");
    });
    await consumer.start();
    await world.until(() => calls === 2, "the second delivery");
    await consumer.shutdown();

    const records = await readTraces(client);
    const [pub] = records.filter(({ type }) => type === "Pub");
    assertEquals(pub?.type === "Pub" && [pub.groupName, pub.topic, pub.msgId, pub.tags, pub.keys, pub.offsetMsgId], [
      "PG",
      "T",
      msgId,
      "a",
      "k1 k2",
      offsetMsgId,
    ]);
    const before = records.flatMap((each) => each.type === "SubBefore" ? [[each.msgId, each.retryTimes]] : []);
    assertEquals(before.sort(), [[msgId, 0], [msgId, 1]]);
    const after = records.flatMap((each) => each.type === "SubAfter" ? [[each.success, each.returnType]] : []);
    assertEquals(after.sort(), [[false, "EXCEPTION"], [true, "SUCCESS"]]);

    const found = await queryMessages(client.admin(), {
      topic: "RMQ_SYS_TRACE_TOPIC",
      key: msgId,
      maxNum: 64,
      beginMs: 0,
      endMs: world.clock.now(),
      isUniqueId: false,
    });
    assertEquals(found.length > 0, true);
  });
});

Deno.test("the trace of a transaction tells its outcome", async () => {
  await simWorld(32).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app");
    const producer = client.transactionProducer({ group: "PG", enableMsgTrace: true }, {
      executeLocalTransaction: () => "ROLLBACK_MESSAGE",
      checkLocalTransaction: () => "ROLLBACK_MESSAGE",
    });
    await producer.start();
    const { msgId } = await producer.sendMessageInTransaction({ topic: "T", body: "x" });
    await producer.shutdown();

    const [pub, end] = await readTraces(client);
    assertEquals(pub?.type === "Pub" && pub.msgType, "Trans_Msg_Half");
    assertEquals(
      end?.type === "EndTransaction" && [end.msgId, end.transactionState, end.fromTransactionCheck],
      [msgId, "ROLLBACK_MESSAGE", false],
    );
  });
});

Deno.test("a hook sees each attempt to send with its outcome, and can forbid one", async () => {
  await simWorld(33).run(async (world) => {
    const cluster = await startCluster(world);
    const a = await cluster.startBroker("broker-a");
    await cluster.startBroker("broker-b");
    await using client = cluster.client("app");
    const producer = client.producer({ group: "PG" });
    const attempts: string[] = [];
    const hook: SendMessageHook = {
      hookName: "attempts",
      sendMessageBefore() {},
      sendMessageAfter: ({ queue, sendResult, exception }) =>
        void attempts.push(`${queue.brokerName} ${sendResult?.sendStatus ?? (exception as Error).name}`),
    };
    producer.registerSendMessageHook(hook);
    producer.registerCheckForbiddenHook({
      hookName: "closed",
      checkForbidden({ messages }) {
        if (messages[0]!.tags === "secret") throw new TypeError("secrets are not sent");
      },
    });
    await producer.start();
    for (let i = 0; i < 8; i++) await producer.send({ topic: "T", body: "x" });
    a.process.kill();
    for (let i = 0; i < 8; i++) await producer.send({ topic: "T", body: "y" });
    assertEquals(new Set(attempts), new Set(["broker-a SEND_OK", "broker-b SEND_OK", "broker-a ConnectionError"]));
    const count = attempts.length;
    await assertRejects(() => producer.send({ topic: "T", tags: "secret", body: "x" }), TypeError, "secrets");
    assertEquals(attempts.length, count);
  });
});

Deno.test("two namespaces in one cluster do not see each other's messages, and see their own under short names", async () => {
  await simWorld(34).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    const seen: string[] = [];
    const clients: Client[] = [];
    for (const namespace of ["NS1", "NS2"]) {
      const client = cluster.client(namespace, { namespace });
      clients.push(client);
      const producer = client.producer({ group: "PG" });
      await producer.start();
      const result = await producer.send({ topic: "T", body: `of ${namespace}` });
      assertEquals(result.queue.topic, "T");
      const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
      consumer.subscribe("T");
      let failed = false;
      consumer.onMessages(([message]) => {
        seen.push(`${namespace}: ${message!.topic} ${message!.text()}`);
        if (!failed) {
          failed = true;
          throw new Error("once more");
        }
      });
      await consumer.start();
      assertEquals(new Set(consumer.assignedQueues().map(({ topic }) => topic)), new Set(["T", "%RETRY%CG"]));
    }
    await world.until(() => seen.length === 4, "two deliveries of each message");
    assertEquals(seen.sort(), ["NS1: T of NS1", "NS1: T of NS1", "NS2: T of NS2", "NS2: T of NS2"]);
    const topics = await clients[0]!.admin().namesrv.topics();
    assertEquals(["NS1%T", "%RETRY%NS1%CG", "NS2%T"].every((topic) => topics.includes(topic)), true);
    await Promise.all(clients.map((client) => client.close()));
  });
});

Deno.test("pull, lite pull and queue selectors work with short names in a namespace", async () => {
  await simWorld(35).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app", { namespace: "NS" });
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic: "T", body: "0" }, {
      selector: (queues, message) => {
        assertEquals([queues[0]!.topic, message.topic], ["T", "T"]);
        return queues[1]!;
      },
    });
    await producer.send({ topic: "T", body: "1" }, { queue });

    await using pull = client.pullConsumer({ group: "CG1" });
    await pull.start();
    const { messages } = await pull.pull(queue, 0);
    assertEquals(messages.map(({ topic, queueOffset }) => [topic, queueOffset]), [["T", 0], ["T", 1]]);
    await using lite = client.litePullConsumer({ group: "CG2", autoCommit: false });
    await lite.assign(await lite.fetchMessageQueues("T"));
    await lite.start();
    lite.seek(queue, 1);
    const [message] = await lite.poll(3000);
    assertEquals([message!.topic, message!.text()], ["T", "1"]);
    await lite.poll(0);
    await lite.commit();
    assertEquals(await lite.committed(queue), 2);
  });
});

Deno.test("a VIP channel sends to the port without pulls", async () => {
  await simWorld(36).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using client = cluster.client("app", { vipChannelEnabled: true });
    const producer = client.producer({ group: "PG" });
    const consumer = client.litePullConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    await producer.start();
    assertEquals((await producer.send({ topic: "T", body: "x" })).sendStatus, "SEND_OK");
    consumer.subscribe("T");
    await consumer.start();
    assertEquals((await consumer.poll(5000)).length, 1);
    await consumer.shutdown();
  });
});

Deno.test("pull tasks run for the queues of their member only, one call at a time, and go on where they left off", async () => {
  await simWorld(37).run(async (world) => {
    const cluster = await startCluster(world);
    await cluster.startBroker("broker-a");
    await using first = cluster.client("first");
    await using second = cluster.client("second");
    const producer = first.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 40; i++) await producer.send({ topic: "T", body: String(i) });
    const texts: string[] = [];
    const busy = new Set<number>();
    let overlaps = 0;
    const start = async (client: Client) => {
      const schedule = client.pullSchedule({ group: "CG" });
      schedule.registerPullTask("T", async (queue, { consumer }) => {
        if (busy.has(queue.queueId)) overlaps++;
        busy.add(queue.queueId);
        const offset = Math.max(0, await consumer.fetchConsumeOffset(queue));
        const { messages, nextBeginOffset } = await consumer.pull(queue, offset, { maxMessages: 3 });
        texts.push(...messages.map((message) => message.text()));
        consumer.updateConsumeOffset(queue, nextBeginOffset);
        busy.delete(queue.queueId);
        return 100;
      });
      await schedule.start();
      return schedule;
    };
    const one = await start(first);
    await world.until(() => texts.length === 40, "all messages");
    const two = await start(second);
    await world.until(() => two.consumer.queuesInBalance("T").length === 2, "half of the queues for each");
    await world.until(() => one.consumer.queuesInBalance("T").length === 2, "half of the queues for each");
    await one.shutdown();
    for (let i = 40; i < 60; i++) await producer.send({ topic: "T", body: String(i) });
    await world.until(() => new Set(texts).size === 60, "the other member to have all queues");
    await two.shutdown();

    assertEquals(overlaps, 0);
    // Messages before may come again: the second member may begin a queue before the first has stored where it left off.
    assertEquals(texts.filter((text) => Number(text) >= 40).length, 20);
  });
});
