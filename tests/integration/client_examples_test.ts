/** The examples, on virtual time against a whole broker: each does what its text says and prints Java's lines. */
import { assert, assertEquals } from "@std/assert";
import { splitBySize } from "../../src/examples/batch.ts";
import { broadcastPushConsumer } from "../../src/examples/broadcast.ts";
import type { Example } from "../../src/examples/example.ts";
import { tagFilterConsumer, tagFilterProducer } from "../../src/examples/filter.ts";
import {
  producerWithNamespace,
  pullConsumerWithNamespace,
  pushConsumerWithNamespace,
} from "../../src/examples/namespace.ts";
import { operationConsumer, operationProducer } from "../../src/examples/operation.ts";
import { orderConsumer, orderProducer } from "../../src/examples/ordermessage.ts";
import { quickstartProducer } from "../../src/examples/quickstart.ts";
import { RandomAsyncCommit, randomAsyncCommit } from "../../src/examples/random_async_commit.ts";
import { asyncRequestProducer, requestProducer, responseConsumer } from "../../src/examples/rpc.ts";
import {
  scheduledMessageConsumer,
  scheduledMessageProducer,
  timerMessageConsumer,
  timerMessageProducer,
} from "../../src/examples/schedule.ts";
import {
  litePullConsumerAssign,
  litePullConsumerAssignWithSubExpression,
  litePullConsumerSubscribe,
  pullConsumer,
  pullScheduleService,
  simplePushConsumer,
} from "../../src/examples/simple_consumers.ts";
import { asyncProducer, onewayProducer, simpleProducer } from "../../src/examples/simple_producers.ts";
import { traceProducer, tracePushConsumer } from "../../src/examples/tracemessage.ts";
import { transactionProducer } from "../../src/examples/transaction.ts";
import { simpleBatchProducer } from "../../src/examples/batch.ts";
import { ReceivedMessage } from "../../src/client/message.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { type Cluster, startCluster } from "./client_cluster.ts";

interface Running {
  readonly lines: string[];
  /** Ends an example that does not end by itself, and waits for it. */
  end(): Promise<void>;
  readonly done: Promise<void>;
}

/** Runs an example on a machine of its own. */
function start(world: SimWorld, cluster: Cluster, example: Example, options: Record<string, string> = {}): Running {
  const lines: string[] = [];
  const until = Promise.withResolvers<void>();
  const machine = `example${++examples}`;
  const done = example({
    connect: (more) => cluster.client(machine, more),
    clock: world.clock,
    print: (line) => void lines.push(line),
    until: until.promise,
    options: new Map(Object.entries(options)),
  });
  return {
    lines,
    done,
    async end() {
      until.resolve();
      await done;
    },
  };
}

let examples = 0;

function count(lines: readonly string[], pattern: RegExp): number {
  return lines.filter((line) => pattern.test(line)).length;
}

const SENT = /^SendResult \[sendStatus=SEND_OK, msgId=/;
const RECEIVED = /Receive New Messages: \[MessageExt \[brokerName=broker-a/;

function exampleTest(name: string, seed: number, test: (world: SimWorld, cluster: Cluster) => Promise<void>): void {
  Deno.test(name, async () => {
    await simWorld(seed).run(async (world) => {
      const cluster = await startCluster(world);
      await cluster.startBroker("broker-a");
      await test(world, cluster);
    });
  });
}

Deno.test("the quickstart producer ends when it is told to, also while no send succeeds", async () => {
  await simWorld(51).run(async (world) => {
    const cluster = await startCluster(world);
    const { lines, end } = start(world, cluster, quickstartProducer);
    await world.until(() => lines.length >= 3, "sends to fail", 60_000);
    const toldMs = world.clock.monotonicMs();
    await end();
    assert(world.clock.monotonicMs() - toldMs < 10_000, `it took ${world.clock.monotonicMs() - toldMs} ms`);
  });
});

exampleTest(
  "the producers of simple, quickstart and batch print a line for each message",
  51,
  async (world, cluster) => {
    const run = async (example: Example) => {
      const running = start(world, cluster, example);
      await running.done;
      return running.lines;
    };
    assertEquals(count(await run(simpleProducer), SENT), 128);
    assertEquals(count(await run(quickstartProducer), SENT), 1000);
    assertEquals(count(await run(asyncProducer), /^\d+ +OK [0-9A-F]{32} $/), 100);
    assertEquals(await run(onewayProducer), []);
    const [batch, ...none] = await run(simpleBatchProducer);
    assert(SENT.test(batch!));
    assertEquals(batch!.match(/msgId=(\S+), /)![1]!.split(",").length, 3);
    assertEquals(none, []);
  },
);

exampleTest("consumers of simple get what simple's producer has sent", 52, async (world, cluster) => {
  await start(world, cluster, simpleProducer).done;
  const push = start(world, cluster, simplePushConsumer);
  const broadcast = start(world, cluster, broadcastPushConsumer);
  const lite = start(world, cluster, litePullConsumerSubscribe);
  const schedule = start(world, cluster, pullScheduleService);
  await world.until(() => count(push.lines, RECEIVED) === 128, "all messages for the push consumer");
  await world.until(() => count(broadcast.lines, RECEIVED) === 128, "all messages for the broadcasting consumer");
  const polled = () => lite.lines.join("").split("MessageExt [").length - 1;
  await world.until(() => polled() === 128, "all messages for the lite pull consumer");
  await world.until(() => count(schedule.lines, /pullStatus=FOUND/) >= 4, "pulls of all queues");
  assert(push.lines.includes("Consumer Started."));
  assert(broadcast.lines.includes("Broadcast Consumer Started."));
  for (const each of [push, broadcast, lite, schedule]) await each.end();
});

exampleTest(
  "assigned lite pull consumers, and queues pulled by hand, go through the topic",
  53,
  async (world, cluster) => {
    for (let i = 0; i < 2; i++) await start(world, cluster, simpleProducer).done;
    const half = start(world, cluster, litePullConsumerAssign);
    await world.until(
      () => half.lines.join("").split("MessageExt [").length - 1 >= 20,
      "messages of the assigned queues",
    );
    await half.end();
    const tagged = start(world, cluster, litePullConsumerAssignWithSubExpression);
    await world.until(() => count(tagged.lines, /TAGS=TagA/) > 2, "messages with the tag");
    await tagged.end();
    const pulled = start(world, cluster, pullConsumer);
    await world.clock.sleep(5000);
    await pulled.end();
    assertEquals(pulled.lines, []);
    const commits = start(world, cluster, randomAsyncCommit);
    await world.until(() => commits.lines.length >= 64, "a queue's messages");
    await commits.end();
    assertEquals(commits.lines[31], "done: 0, commitable: 32");
  },
);

exampleTest("an ordered consumer, a tag filter and the operation programs", 54, async (world, cluster) => {
  const ordered = start(world, cluster, orderProducer);
  await ordered.done;
  assertEquals(count(ordered.lines, SENT), 100);
  await start(world, cluster, tagFilterProducer).done;
  const consumer = start(world, cluster, orderConsumer);
  const produce = { g: "PG", t: "TopicTest", a: "TagA", k: "K", c: "10" };
  const produced = start(world, cluster, operationProducer, produce);
  await produced.done;
  assert(/^0 {8}SendResult \[/.test(produced.lines[0]!));
  await world.until(() => count(consumer.lines, RECEIVED) >= 10, "messages in order");
  await consumer.end();
  const filtered = start(world, cluster, tagFilterConsumer);
  const failing = start(world, cluster, operationConsumer, { g: "CG", t: "TopicTest", f: "true" });
  await world.until(
    () => [filtered, failing].every(({ lines }) => lines.includes("Consumer Started.")),
    "both to be started",
  );
  await start(world, cluster, tagFilterProducer).done;
  await start(world, cluster, operationProducer, produce).done;
  await world.until(() => count(filtered.lines, RECEIVED) >= 40, "two of three tags");
  await world.until(() => failing.lines.length > 11, "a message to come again", 120_000);
  await filtered.end();
  await failing.end();
});

exampleTest("requests are answered, delayed messages come in time", 55, async (world, cluster) => {
  const replier = start(world, cluster, responseConsumer);
  await start(world, cluster, requestProducer).done; // makes the topic
  await world.clock.sleep(40_000); // until the consumer knows it
  for (const example of [requestProducer, asyncRequestProducer]) {
    const asked = start(world, cluster, example);
    await asked.done;
    assert(/^request to <RequestTopic> cost: \d+ replyMessage: MessageExt/.test(asked.lines[0]!), asked.lines[0]);
  }
  await replier.end();
  for (
    const [produce, consume] of [
      [scheduledMessageProducer, scheduledMessageConsumer],
      [timerMessageProducer, timerMessageConsumer],
    ] as const
  ) {
    await start(world, cluster, produce).done;
    const consumer = start(world, cluster, consume);
    await world.until(() => consumer.lines.length >= 10, "the delayed messages");
    const [, later] = consumer.lines[0]!.match(/^Receive message\[msgId=[0-9A-F]{32} (-?\d+) {2}ms later\]$/)!;
    if (consume === timerMessageConsumer) assert(Math.abs(Number(later) - 10_000) < 500, later);
    await consumer.end();
  }
});

exampleTest("namespaces, traces and transactions", 56, async (world, cluster) => {
  const produced = start(world, cluster, producerWithNamespace);
  await produced.done;
  assertEquals(count(produced.lines, /^Topic:NAMESPACE_TOPIC send success, misId is:/), 100);
  const pulled = start(world, cluster, pullConsumerWithNamespace);
  await pulled.done;
  assertEquals(count(pulled.lines, /^Topic is:NAMESPACE_TOPIC, msgId is:/), 100);
  const pushed = start(world, cluster, pushConsumerWithNamespace);
  await world.clock.sleep(1000);
  await start(world, cluster, producerWithNamespace).done;
  await world.until(() => pushed.lines.length >= 100, "messages in the namespace");
  await pushed.end();

  await start(world, cluster, traceProducer).done;
  const traced = start(world, cluster, tracePushConsumer);
  await world.until(() => count(traced.lines, RECEIVED) === 128, "traced messages");
  await traced.end();

  const transactions = start(world, cluster, transactionProducer);
  await world.until(() => count(transactions.lines, SENT) === 10, "ten half messages");
  await transactions.end();
});

Deno.test("a long list is cut below the limit, and a message beyond it goes alone", () => {
  const message = (size: number) => ({ topic: "T", body: new Uint8Array(size) });
  const cut = [...splitBySize([10, 10, 500, 10, 10].map(message), 100)];
  assertEquals(cut.map((part) => part.map(({ body }) => body.length)), [[10, 10], [500], [10, 10]]);
});

Deno.test("what may be committed is what comes before the first message in work", () => {
  const inWork = new RandomAsyncCommit();
  const queue = { topic: "T", brokerName: "b", queueId: 0 };
  assertEquals(inWork.commitableOffset(queue), -1);
  const messages = [5, 6, 7].map((queueOffset) => Object.assign(new ReceivedMessage(), { queueOffset }));
  inWork.putMessages(queue, messages);
  inWork.removeMessage(queue, 6);
  assertEquals(inWork.commitableOffset(queue), 5);
  inWork.removeMessage(queue, 5);
  assertEquals(inWork.commitableOffset(queue), 7);
  inWork.removeMessage(queue, 7);
  assertEquals(inWork.commitableOffset(queue), 8);
});
