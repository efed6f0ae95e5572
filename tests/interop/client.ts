/**
 * Our own client as a check of servers, and of what it shares with Java's client: every scenario runs against the server under
 * test, ours or (with `--target java`) Java's, so that client and broker cannot agree on the same mistake.
 *
 * @module
 */
import { type Client, createClient, createReply, decodeTrace, type ReceivedMessage } from "../../src/client/mod.ts";
import { queryMessages } from "../../src/client/admin_messages.ts";
import type { ClientOptions } from "../../src/client/options.ts";
import type { Check, CheckContext } from "../../scripts/interop/check.ts";
import { runJava, runMqadmin } from "../../scripts/interop/java_process.ts";
import { waitFor } from "../../scripts/interop/process.ts";
import { createTopic } from "../../scripts/interop/raw_client.ts";

const TIMEOUT_MS = 60_000;
const TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";

/** Where a scenario runs. */
interface Ground {
  readonly context: CheckContext;
  readonly namesrvAddr: string;
  /** A topic of its own with four queues, which exists. */
  readonly topic: string;
  connect(options?: Partial<ClientOptions>): Client;
}

type Scenario = (ground: Ground) => Promise<void>;

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Consumes until `count` messages are there; returns them in the order they came. */
async function consume(
  { connect, topic }: Ground,
  count: number,
  more: { expression?: string; type?: "TAG" | "SQL92"; orderly?: boolean; failFirst?: boolean } = {},
): Promise<ReceivedMessage[]> {
  const got: ReceivedMessage[] = [];
  await using client = connect();
  const consumer = client.pushConsumer({
    group: `CG_${topic}`,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    suspendCurrentQueueTimeMs: 100,
  });
  consumer.subscribe(topic, more.expression ?? "*", more.type ?? "TAG");
  let failed = false;
  const take = (messages: readonly ReceivedMessage[]) => {
    if (more.failFirst && !failed) {
      failed = true;
      throw new Error("the first call fails on purpose");
    }
    got.push(...messages);
  };
  if (more.orderly) consumer.onMessagesOrderly((messages) => take(messages));
  else consumer.onMessages((messages) => take(messages));
  await consumer.start();
  await waitFor(`${count} messages of ${topic}`, TIMEOUT_MS, () => got.length >= count, () => `${got.length} came`);
  return got;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  async sendEveryWay({ connect, topic }) {
    for (const headerEncoding of ["JSON", "ROCKETMQ"] as const) {
      await using client = connect({ headerEncoding });
      const producer = client.producer({ group: "PG" });
      await producer.start();
      const one = await producer.send({ topic, tags: "a", keys: "k", body: "größe 消息" });
      expect(one.sendStatus === "SEND_OK" && one.offsetMsgId.length === 32, "a send is acknowledged with its ids");
      const batch = await producer.sendBatch([{ topic, body: "1" }, { topic, body: "2" }]);
      expect(batch.msgId.split(",").length === 2, "a batch is acknowledged");
      await producer.send({ topic, body: "x".repeat(100_000) });
      await producer.sendOneway({ topic, body: "oneway" });
      const { queue } = await producer.send({ topic, body: "0" }, { queue: { ...one.queue, queueId: 2 } });
      expect(queue.queueId === 2, "a message goes to the queue that was named");
    }
  },
  async consumeEachMessageOnceAndRetries(ground) {
    await using client = ground.connect();
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 40; i++) await producer.send({ topic: ground.topic, body: `${i}` });
    await producer.send({ topic: ground.topic, body: "large".repeat(10_000) });
    const got = await consume(ground, 41, { failFirst: true });
    expect(new Set(got.map((message) => message.text())).size === 41, "each message came");
    const retried = got.filter(({ reconsumeTimes }) => reconsumeTimes === 1);
    expect(
      retried.length === 1 && retried[0]!.topic === ground.topic,
      "the failed one came again, under its own topic",
    );
  },
  async filterByTagAndSql(ground) {
    await using client = ground.connect();
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 12; i++) {
      await producer.send({ topic: ground.topic, tags: `t${i % 3}`, properties: { n: `${i}` }, body: `${i}` });
    }
    const tagged = await consume(ground, 8, { expression: "t0 || t2" });
    expect(tagged.every(({ tags }) => tags !== "t1"), "tags choose");
    await using reader = ground.connect();
    const lite = reader.litePullConsumer({ group: "CG_SQL", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    lite.subscribe(ground.topic, "n BETWEEN 3 AND 5 AND TAGS <> 't0'", "SQL92");
    await lite.start();
    const texts: string[] = [];
    while (texts.length < 2) texts.push(...(await lite.poll(TIMEOUT_MS)).map((message) => message.text()));
    expect(texts.sort().join() === "4,5", `SQL chooses: ${texts}`);
  },
  async keepTheOrderOfAQueue(ground) {
    await using client = ground.connect();
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 60; i++) {
      await producer.send({ topic: ground.topic, shardingKey: `${i % 3}`, body: `${i % 3}-${i}` }, {
        selector: (queues, _message, key) => queues[Number(key) % queues.length]!,
        arg: i % 3,
      });
    }
    const got = await consume(ground, 60, { orderly: true, failFirst: true });
    for (const key of ["0", "1", "2"]) {
      const numbers = got.map((message) => message.text().split("-")).filter(([of]) => of === key).map(([, n]) =>
        Number(n)
      );
      expect(numbers.length === 20 && numbers.every((n, i) => i === 0 || n > numbers[i - 1]!), `order of key ${key}`);
    }
  },
  async deliverLater(ground) {
    await using client = ground.connect();
    const producer = client.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: ground.topic, delayLevel: 1, body: "level" });
    await producer.send({ topic: ground.topic, deliverAtMs: Date.now() + 3000, body: "time" });
    const begin = Date.now();
    const got = await consume(ground, 2);
    expect(got.map((message) => message.text()).join() === "level,time", `by delay: ${got.map((each) => each.text())}`);
    expect(Date.now() - begin > 1500, "not before they were due");
  },
  async commitRollBackAndCheckTransactions(ground) {
    await using client = ground.connect();
    const asked: string[] = [];
    const producer = client.transactionProducer({ group: `PG_${ground.topic}` }, {
      executeLocalTransaction: ({ tags }) =>
        tags === "commit" ? "COMMIT_MESSAGE" : tags === "rollback" ? "ROLLBACK_MESSAGE" : "UNKNOW",
      checkLocalTransaction(message) {
        asked.push(message.text());
        return "COMMIT_MESSAGE";
      },
    });
    await producer.start();
    for (const tags of ["commit", "rollback", "unknown"]) {
      await producer.sendMessageInTransaction({ topic: ground.topic, tags, body: tags });
    }
    const got = await consume(ground, 2);
    expect(got.map((message) => message.text()).join() === "commit,unknown", "what was committed, at once or later");
    expect(asked.join() === "unknown", `the broker asked for what was open: ${asked}`);
  },
  async requestAndReply({ connect, topic }) {
    await using asking = connect();
    await using answering = connect();
    const replier = answering.producer({ group: "PG_REPLY" });
    const consumer = answering.pushConsumer({ group: `CG_${topic}` });
    consumer.subscribe(topic);
    consumer.onMessages(async ([request]) => {
      await replier.send(createReply(request!, `re: ${request!.text()}`));
    });
    const requester = asking.producer({ group: "PG_ASK" });
    await Promise.all([replier.start(), consumer.start(), requester.start()]);
    const reply = await requester.request({ topic, body: "question" }, 10_000);
    expect(reply.text() === "re: question", "the reply came back");
  },
  async pullByHandAndOnSchedule({ connect, topic }) {
    await using client = connect();
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 40; i++) await producer.send({ topic, body: `${i}` });
    const consumer = client.pullConsumer({ group: "CG_PULL" });
    await consumer.start();
    const texts = new Set<string>();
    for (const queue of await consumer.fetchMessageQueues(topic)) {
      for await (const message of consumer.messages(queue, await consumer.minOffset(queue))) texts.add(message.text());
    }
    expect(texts.size === 40, "each message was pulled");
    const schedule = client.pullSchedule({ group: "CG_SCHEDULE" });
    const scheduled = new Set<string>();
    schedule.registerPullTask(topic, async (queue, { consumer }) => {
      const result = await consumer.pull(queue, Math.max(0, await consumer.fetchConsumeOffset(queue)), {
        maxMessages: 4,
      });
      for (const message of result.messages) scheduled.add(message.text());
      consumer.updateConsumeOffset(queue, result.nextBeginOffset);
      return 10;
    });
    await schedule.start();
    await waitFor("the scheduled pulls", TIMEOUT_MS, () => scheduled.size === 40, () => `${scheduled.size} came`);
    await schedule.shutdown();
  },
  async keepNamespacesApart({ connect, topic, context, namesrvAddr }) {
    await using client = connect({ namespace: "NS1" });
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const { queue } = await producer.send({ topic, body: "in NS1" });
    expect(queue.topic === topic, "the user sees the short name");
    const consumer = client.litePullConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe(topic);
    await consumer.start();
    const [message] = await consumer.poll(TIMEOUT_MS);
    expect(message?.topic === topic && message.text() === "in NS1", "and so does its consumer");
    const java = { version: "5.5.0" as const, dir: `${context.dir}/mqadmin`, namesrvAddr };
    const { stdout } = await runMqadmin({ ...java, args: ["topicList"] });
    expect(stdout.includes(`NS1%${topic}`), `the cluster knows the long name: ${stdout}`);
  },
  async useTheVipChannel({ connect, topic }) {
    await using client = connect({ vipChannelEnabled: true });
    const producer = client.producer({ group: "PG" });
    await producer.start();
    expect(
      (await producer.send({ topic, body: "x" })).sendStatus === "SEND_OK",
      "the port without pulls takes messages",
    );
  },
  async writeTracesThatJavaReads(ground) {
    await using client = ground.connect();
    const producer = client.producer({ group: "TRACED_PG", enableMsgTrace: true });
    const consumer = client.pushConsumer({
      group: "TRACED_CG",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      enableMsgTrace: true,
    });
    consumer.subscribe(ground.topic);
    let consumed = false;
    consumer.onMessages(() => void (consumed = true));
    await producer.start();
    await consumer.start();
    const { msgId } = await producer.send({ topic: ground.topic, keys: "order-1", body: "traced" });
    await waitFor("the traced message", TIMEOUT_MS, () => consumed);
    await consumer.shutdown();
    await producer.shutdown();
    const { context, namesrvAddr } = ground;
    const java = { version: "5.5.0" as const, dir: `${context.dir}/mqadmin`, namesrvAddr };
    const { stdout } = await runMqadmin({ ...java, args: ["queryMsgTraceById", "-i", msgId] });
    expect(/Pub +TRACED_PG .* success/.test(stdout), `Java's mqadmin shows the send: ${stdout}`);
    expect(/Sub +TRACED_CG .* success/.test(stdout), `Java's mqadmin shows the delivery: ${stdout}`);
  },
  async readTracesThatJavaWrites({ connect, context, namesrvAddr }) {
    const { stdout } = await runJava({
      version: "5.5.0",
      dir: `${context.dir}/client`,
      namesrvAddr,
      mainClass: "org.apache.rocketmq.example.tracemessage.TraceProducer",
    });
    const id = stdout.match(/msgId=([0-9A-F]+), offsetMsgId=([0-9A-F]+)/);
    expect(id !== null, `Java's TraceProducer sends: ${stdout.slice(-500)}`);
    await using client = connect();
    const query = {
      topic: TRACE_TOPIC,
      key: id![1]!,
      maxNum: 64,
      beginMs: 0,
      endMs: Date.now() + 60_000,
      isUniqueId: false,
    };
    const found = () => queryMessages(client.admin(), query).catch(() => []);
    const messages = await waitFor(
      "Java's trace",
      TIMEOUT_MS,
      async () => {
        const some = await found();
        return some.length > 0 ? some : false;
      },
    );
    const records = messages.flatMap((message) => decodeTrace(message.text()));
    const record = records.find((each) => each.msgId === id![1]);
    expect(
      record?.type === "Pub" && record.groupName === "ProducerGroupName" && record.offsetMsgId === id![2] &&
        record.success,
      `the record of the send: ${JSON.stringify(record)}`,
    );
  },
};

/** Each scenario is a case of one check, because they share their servers. */
export const CLIENT_CHECKS: readonly Check[] = [{
  name: "client.scenarios",
  about: "Our own client sends, consumes, pulls, orders, delays, commits, asks, traces and keeps namespaces apart",
  async run(context) {
    await using cluster = await context.startCluster({
      properties: {
        enablePropertyFilter: "true",
        traceTopicEnable: "true",
        transactionTimeOut: "2000",
        transactionCheckInterval: "2000",
        timerWheelEnable: "true",
      },
    });
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const topic = `Client_${name}`;
      await createTopic(cluster.broker.address, topic, 4);
      const startMs = performance.now();
      const ground: Ground = {
        context,
        topic,
        namesrvAddr: cluster.namesrvAddr,
        connect: (options = {}) => createClient({ namesrvAddr: cluster.namesrvAddr, ...options }),
      };
      let reason = "";
      try {
        await scenario(ground);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
      const ms = Math.round(performance.now() - startMs);
      context.report({ name: `client.${name}`, outcome: reason === "" ? "ok" : "FAIL", ms, reason });
    }
  },
}];
