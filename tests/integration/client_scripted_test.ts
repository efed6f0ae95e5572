/**
 * The client against name servers and brokers that say what a test wants: slaves, brokers that go away, ordered topics, and
 * the requests that old brokers make of clients.
 */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../src/common/bytes.ts";
import { Client } from "../../src/client/client.ts";
import { decodeConsumerStatus, encodeOffsetTable } from "../../src/protocol/bodies/offset_table.ts";
import { encodeTopicRoute, type TopicRouteData } from "../../src/protocol/bodies/route.ts";
import { RequestCode, ResponseCode } from "../../src/protocol/codes.ts";
import type { Command, Reply } from "../../src/remoting/command.ts";
import type { Connection } from "../../src/remoting/connection.ts";
import { RemotingServer } from "../../src/remoting/server.ts";
import { type SimWorld, simWorld } from "../support/world.ts";

type Answer = (command: Command, connection: Connection) => Reply | Promise<Reply>;

/** A server on a machine of its own that answers what the script says, and SUCCESS to all else. Returns its address. */
function scripted(world: SimWorld, name: string, script: ReadonlyMap<number, Answer>): string {
  const machine = world.machine(name);
  const { net, clock, logging } = machine.boot();
  const server = new RemotingServer({ net, clock, log: logging.logger(name), idleMs: 120_000 });
  const codes = [...Object.values(RequestCode)];
  const handlers = new Map(codes.map((code) => [
    code,
    ({ command, connection }: { command: Command; connection: Connection }) =>
      script.get(command.code)?.(command, connection) ?? {},
  ]));
  server.listen({ host: machine.ip, port: 10911 }, handlers);
  return `${machine.ip}:10911`;
}

function routeTo(brokers: Record<string, Record<number, string>>, more: Partial<TopicRouteData> = {}): TopicRouteData {
  const names = Object.keys(brokers);
  return {
    brokerDatas: names.map((brokerName) => ({
      cluster: "c",
      brokerName,
      brokerAddrs: new Map(Object.entries(brokers[brokerName]!).map(([id, address]) => [Number(id), address])),
      enableActingMaster: false,
    })),
    queueDatas: names.map((brokerName) => ({
      brokerName,
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
      topicSysFlag: 0,
    })),
    filterServerTable: new Map(),
    ...more,
  };
}

function clientOf(world: SimWorld, route: TopicRouteData): Client {
  const namesrvAddr = scripted(
    world,
    "namesrv",
    new Map([[RequestCode.GET_ROUTEINFO_BY_TOPIC, () => ({ body: encodeTopicRoute(route) })]]),
  );
  const machine = world.machine("app");
  const own = machine.boot();
  return new Client({ namesrvAddr, clientIp: "10.9.9.9", instanceName: "app" }, {
    clock: own.clock,
    net: own.net,
    random: own.random,
    log: own.logging.logger("client"),
  });
}

/** What brokers answer to a consumer of {@linkcode clientOf} that is alone in its group. */
const ALONE: readonly (readonly [number, Answer])[] = [
  [RequestCode.GET_CONSUMER_LIST_BY_GROUP, () => ({ body: utf8('{"consumerIdList":["10.9.9.9@app"]}') })],
  [RequestCode.QUERY_CONSUMER_OFFSET, () => ({ ext: { offset: "3" } })],
];

function pullAnswer(suggestWhichBrokerId: number): Reply {
  const offsets = { nextBeginOffset: "5", minOffset: "0", maxOffset: "9" };
  return { code: ResponseCode.PULL_NOT_FOUND, ext: { ...offsets, suggestWhichBrokerId: String(suggestWhichBrokerId) } };
}

Deno.test("a pull goes to the broker that the last answer suggested, without an offset to store when that is a slave", async () => {
  await simWorld(41).run(async (world) => {
    const asked: string[] = [];
    const answers = (name: string, suggestion: () => number) =>
      new Map([[RequestCode.PULL_MESSAGE, (command: Command) => {
        asked.push(`${name} ${command.ext.sysFlag}`);
        return pullAnswer(suggestion());
      }]]);
    let suggestion = 1;
    const master = scripted(world, "master", answers("master", () => suggestion));
    const slave = scripted(world, "slave", answers("slave", () => suggestion));
    await using client = clientOf(world, routeTo({ b: { 0: master, 1: slave } }));
    const consumer = client.pullConsumer({ group: "CG" });
    await consumer.start();
    const [queue] = await consumer.fetchMessageQueues("T");

    await consumer.pull(queue!, 0); // at the master, which is busy and names its slave
    await consumer.pull(queue!, 0);
    suggestion = 0;
    await consumer.pull(queue!, 0); // still at the slave, which names the master
    await consumer.pull(queue!, 0);
    suggestion = 7;
    await consumer.pull(queue!, 0); // names a broker that nobody knows
    await consumer.pull(queue!, 0);
    assertEquals(asked, ["master 4", "slave 4", "slave 4", "master 4", "master 4", "master 4"]);
  });
});

Deno.test("a push consumer does not have a slave store its offsets", async () => {
  await simWorld(42).run(async (world) => {
    const commits: string[] = [];
    const answers = (name: string) =>
      new Map<number, Answer>([...ALONE, [RequestCode.PULL_MESSAGE, async (command) => {
        commits.push(`${name} ${Number(command.ext.sysFlag) & 1}`);
        await world.clock.sleep(100);
        return pullAnswer(1);
      }]]);
    const master = scripted(world, "master", answers("master"));
    const slave = scripted(world, "slave", answers("slave"));
    await using client = clientOf(world, routeTo({ b: { 0: master, 1: slave } }));
    const consumer = client.pushConsumer({ group: "CG" });
    consumer.subscribe("T");
    consumer.onMessages(() => {});
    await consumer.start();
    await world.until(() => commits.length >= 12, "some pulls");
    assertEquals(new Set(commits), new Set(["master 1", "slave 0"]));
  });
});

Deno.test("what a broker that goes away refuses is sent to another one", async () => {
  await simWorld(43).run(async (world) => {
    const leaving = scripted(
      world,
      "leaving",
      new Map([[RequestCode.SEND_MESSAGE_V2, () => ({ code: ResponseCode.GO_AWAY, remark: "[GO_AWAY]" })]]),
    );
    const stored: Reply = { ext: { msgId: "0A00000100002A9F0000000000000000", queueId: "0", queueOffset: "0" } };
    const staying = scripted(world, "staying", new Map([[RequestCode.SEND_MESSAGE_V2, () => stored]]));
    await using client = clientOf(world, routeTo({ a: { 0: leaving }, b: { 0: staying } }));
    const producer = client.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 4; i++) assertEquals((await producer.send({ topic: "T", body: "x" })).queue.brokerName, "b");
  });
});

Deno.test("the queues of an ordered topic are those of its configuration, whether their broker is there or not", async () => {
  await simWorld(44).run(async (world) => {
    const broker = scripted(world, "broker", new Map());
    const route = routeTo({ a: { 0: broker } }, { orderTopicConf: "a:2;gone:1" });
    await using client = clientOf(world, route);
    const producer = client.producer({ group: "PG" });
    await producer.start();
    const queues = await producer.fetchPublishMessageQueues("T");
    assertEquals(queues.map(({ brokerName, queueId }) => `${brokerName}${queueId}`), ["a0", "a1", "gone0"]);
    await using consumer = client.pullConsumer({ group: "CG" });
    await consumer.start();
    assertEquals((await consumer.fetchMessageQueues("T")).map(({ brokerName }) => brokerName), ["a", "a"]);
  });
});

Deno.test("an old broker asks a consumer where it is (221), and sets it elsewhere (220)", async () => {
  await simWorld(45).run(async (world) => {
    const pulled: string[] = [];
    const stored = new Map([["0", "3"], ["1", "3"]]);
    let connection: Connection | null = null;
    const broker = scripted(
      world,
      "broker",
      new Map<number, Answer>([
        ...ALONE,
        [RequestCode.HEART_BEAT, (_command, from) => {
          connection = from;
          return {};
        }],
        [RequestCode.PULL_MESSAGE, async ({ ext }) => {
          if (ext.topic === "T") pulled.push(`${ext.queueId}@${ext.queueOffset}`);
          await world.clock.sleep(200);
          const offset = ext.queueOffset!;
          const next = { nextBeginOffset: offset, minOffset: "0", maxOffset: "99", suggestWhichBrokerId: "0" };
          return { code: ResponseCode.PULL_NOT_FOUND, ext: next };
        }],
        [RequestCode.UPDATE_CONSUMER_OFFSET, ({ ext }) => {
          if (ext.topic === "T") stored.set(ext.queueId!, ext.commitOffset!);
          return {};
        }],
        [RequestCode.QUERY_CONSUMER_OFFSET, ({ ext }) => ({ ext: { offset: stored.get(ext.queueId!)! } })],
      ]),
    );
    await using client = clientOf(world, routeTo({ b: { 0: broker } }));
    const consumer = client.pushConsumer({ group: "CG" });
    consumer.subscribe("T");
    consumer.onMessages(() => {});
    await consumer.start();
    await world.until(() => pulled.length >= 4, "some pulls");
    const ask = (code: number, body?: Uint8Array) =>
      connection!.invoke(
        { code, ext: { topic: "T", group: "CG", timestamp: "0", isForce: "true" }, body: body! },
        3000,
      );

    const status = decodeConsumerStatus((await ask(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, utf8(""))).body);
    assertEquals(Array.from(status, ([{ queueId }, offset]) => `${queueId}@${offset}`).sort(), ["0@3", "1@3"]);

    const table = new Map([[{ brokerName: "b", queueId: 1, topic: "T" }, 42]]);
    connection!.oneway({
      code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
      ext: { topic: "T", group: "CG", timestamp: "0", isForce: "true" },
      body: encodeOffsetTable(table),
    });
    await world.until(() => pulled.includes("1@42"), "a pull from elsewhere");
    assertEquals(stored, new Map([["0", "3"], ["1", "42"]]));
    const before = pulled.length;
    await world.until(() => pulled.length >= before + 6, "more pulls");
    assertEquals(new Set(pulled.slice(before)), new Set(["0@3", "1@42"]));
  });
});
