/**
 * Hours of delay levels and retries in a second of real time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Client } from "../../src/client/client.ts";
import type { Producer } from "../../src/client/producer.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { ClusterWorld, readTopic } from "./cluster_world.ts";

/** Delays of the 18 levels, seconds. */
const LEVELS_S = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];
const HOURS_MS = 3_600_000;
/** Issue of a level's message, later than due: what the broker needs, and a poll that begins anew. */
const LATE_MS_MAX = 100;

/** Sends three messages of every level, some time apart; returns when each is due. */
async function sendAllLevels(world: SimWorld, producer: Producer): Promise<Map<string, number>> {
  const due = new Map<string, number>();
  for (let round = 0; round < 3; round++) {
    for (const [index, delayS] of LEVELS_S.entries()) {
      const body = `${index + 1}:${round}`;
      await producer.send({ topic: "T", body, delayLevel: index + 1 });
      due.set(body, world.clock.now() + delayS * 1000);
    }
    await world.clock.sleep(137);
  }
  return due;
}

/** Messages as they came, by their body. */
async function consume(cluster: ClusterWorld, arrivals: [body: string, atMs: number][]) {
  const client = cluster.client("app");
  const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe("T");
  consumer.onMessages((messages) => {
    for (const message of messages) arrivals.push([message.text(), cluster.world.clock.now()]);
  });
  await consumer.start();
  return client;
}

/** Each level's messages came once, and were stored in their topic in the order in which they were sent. */
async function assertInOrder(app: Client, arrivals: readonly [string, number][]): Promise<void> {
  const stored = (await readTopic(app, "T")).sort((a, b) => a.physicalOffset - b.physicalOffset);
  for (let level = 1; level <= LEVELS_S.length; level++) {
    const ofLevel = (bodies: readonly string[]) => bodies.filter((body) => body.startsWith(`${level}:`));
    const wanted = [0, 1, 2].map((round) => `${level}:${round}`);
    assertEquals(ofLevel(stored.map((message) => message.text())), wanted, `level ${level} as stored`);
    assertEquals(ofLevel(arrivals.map(([body]) => body)).sort(), wanted, `level ${level} as consumed`);
  }
}

Deno.test("all 18 levels are delivered once, in order and within 100 ms of their time", async () => {
  await simWorld(1, { limitMs: 4 * HOURS_MS }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a");
    await using app = cluster.client("producer");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const due = await sendAllLevels(world, producer);
    const arrivals: [string, number][] = [];
    await using _reader = await consume(cluster, arrivals);
    while (arrivals.length < due.size) await world.clock.sleep(10_000);

    await assertInOrder(app, arrivals);
    const late = arrivals.map(([body, atMs]) => [body, atMs - due.get(body)!] as const);
    // What was due before the consumer came does not count.
    const wrong = late.filter(([body, ms]) => ms < -5 || (ms > LATE_MS_MAX && !body.startsWith("1:")));
    assertEquals(wrong, []);
    await broker.stop();
  });
});

Deno.test("delayed messages outlive a clean restart and a kill: each comes once and on time", async () => {
  await simWorld(2, { limitMs: 4 * HOURS_MS }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const first = await cluster.startBroker("broker-a");
    await using app = cluster.client("producer");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const due = await sendAllLevels(world, producer);
    const arrivals: [string, number][] = [];
    await using _reader = await consume(cluster, arrivals);
    await world.clock.sleep(450_000); // 7½ minutes: level 11 is through
    await first.stop();
    await world.clock.sleep(60_000); // over the time of level 12
    const second = await cluster.startBroker("broker-a");
    const restartMs = world.clock.now();
    await world.clock.sleep(40 * 60_000); // long after the last save of the delivery's progress
    second.process.kill();
    await world.clock.sleep(1000);
    const third = await cluster.startBroker("broker-a");
    while (arrivals.length < due.size) await world.clock.sleep(10_000);
    await world.clock.sleep(60_000);

    await assertInOrder(app, arrivals);
    for (const [body, atMs] of arrivals) {
      const lateMs = atMs - due.get(body)!;
      const level = Number(body.split(":")[0]);
      if (level === 12) assert(atMs - restartMs < 35_000, `level 12 came ${atMs - restartMs} ms after the restart`);
      else if (level > 1) assert(lateMs >= -5 && lateMs <= LATE_MS_MAX, `${body} came ${lateMs} ms late`);
    }
    await third.stop();
  });
});

Deno.test("a message that nobody can handle comes 17 times, later each time, and is then with the dead letters", async () => {
  await simWorld(3, { limitMs: 8 * HOURS_MS }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const tries: { atMs: number; times: number; topic: string }[] = [];
    const consumer = app.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages(([message]) => {
      tries.push({ atMs: world.clock.now(), times: message!.reconsumeTimes, topic: message!.topic });
      return "RECONSUME_LATER";
    });
    const sent = await producer.send({ topic: "T", body: "poison", keys: ["k"], tags: "A" });
    await consumer.start();
    while (tries.length < 17) await world.clock.sleep(60_000);
    await world.clock.sleep(3 * HOURS_MS);

    assertEquals(tries.map(({ times }) => times), Array.from({ length: 17 }, (_, times) => times));
    assertEquals(new Set(tries.map(({ topic }) => topic)), new Set(["T"]));
    // The first retry has level 3; the two after level 18 have its delay, too.
    const wanted = Array.from({ length: 16 }, (_, i) => LEVELS_S[Math.min(2 + i, 17)]! * 1000);
    const gaps = tries.slice(1).map(({ atMs }, i) => atMs - tries[i]!.atMs);
    for (const [i, gap] of gaps.entries()) {
      assert(gap >= wanted[i]! && gap < wanted[i]! + 200, `retry ${i + 1} came after ${gap} ms, not ${wanted[i]}`);
    }
    const [dead, ...others] = await readTopic(app, "%DLQ%CG");
    assertEquals(others, []);
    assertEquals(dead!.text(), "poison");
    assertEquals(dead!.properties.get("DLQ_ORIGIN_TOPIC"), "T");
    assertEquals(dead!.properties.get("DLQ_ORIGIN_MESSAGE_ID"), sent.offsetMsgId);
    assertEquals(dead!.properties.get("ORIGIN_MESSAGE_ID"), sent.offsetMsgId);
    assertEquals(dead!.properties.get("UNIQ_KEY"), sent.msgId);
    await consumer.shutdown();
    await broker.stop();
  });
});
