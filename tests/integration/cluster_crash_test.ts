/**
 * Brokers that lose power, are killed or run out of room while producers send and consumers read, on virtual time.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { BrokerError } from "../../src/client/errors.ts";
import type { Producer } from "../../src/client/producer.ts";
import { CRASH } from "../../src/common/disk_sim.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { ClusterWorld, readTopic, type RunningBroker } from "./cluster_world.ts";

const SENDERS = 8;

/** What producers were told. */
interface Acknowledged {
  readonly body: string;
  readonly place: string;
}

/** Sends from several loops until told to stop; what fails is not acknowledged and not sent again. */
class Load {
  readonly acknowledged: Acknowledged[] = [];
  failed = 0;
  #stopped = false;
  readonly #loops: Promise<void>[];

  constructor(readonly world: SimWorld, producer: Producer, topic: string) {
    this.#loops = Array.from({ length: SENDERS }, (_, sender) => this.#send(producer, topic, sender));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #send(producer: Producer, topic: string, sender: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const body = `${sender}:${n}`;
      try {
        const { sendStatus, queue, queueOffset } = await producer.send({ topic, body });
        if (sendStatus === "SEND_OK") this.acknowledged.push({ body, place: `${queue.queueId}@${queueOffset}` });
      } catch {
        this.failed++;
        await this.world.clock.sleep(20);
      }
      await this.world.clock.sleep(1);
    }
  }
}

/** Ends of a broker, each followed by a start. */
const ENDS: Readonly<Record<string, (world: SimWorld, broker: RunningBroker) => void>> = {
  "the process is killed": (_world, broker) => broker.process.kill(),
  "the power fails and everything unsynced is lost": (world) => powerCycle(world, "dropUnsynced"),
  "the power fails and sectors survive at random": (world) => powerCycle(world, "reordered"),
  "the power fails in the middle of a write": (world) => powerCycle(world, "tornPrefix"),
};

function powerCycle(world: SimWorld, policy: keyof typeof CRASH): void {
  world.machine("broker-a").powerOff(CRASH[policy]);
  world.machine("broker-a").powerOn();
}

/** Those with 24 and 44 have left holes in the log. */
const SEEDS = [4, 24, 44];

for (const [end, endOf] of Object.entries(ENDS)) {
  Deno.test(`with SYNC_FLUSH nothing acknowledged is lost and no offset is given twice when ${end}`, async () => {
    for (const seed of SEEDS) await crashUnderLoad(seed, endOf);
  });
}

async function crashUnderLoad(seed: number, endOf: (world: SimWorld, broker: RunningBroker) => void): Promise<void> {
  await simWorld(seed, { disk: { latencyMs: 2 } }).run(async (world) => {
    const cluster = new ClusterWorld(world);
    await cluster.startNameServers();
    const settings = { flushDiskType: "SYNC_FLUSH" };
    let broker = await cluster.startBroker("broker-a", settings);
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG", retryTimesWhenSendFailed: 0, sendMsgTimeoutMs: 500 });
    await producer.start();
    await producer.send({ topic: "T", body: "first" });
    const seen = new Map<string, Set<string>>();
    const consumer = app.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
    consumer.subscribe("T");
    consumer.onMessages((messages) => {
      for (const message of messages) {
        const place = `${message.queueId}@${message.queueOffset}`;
        seen.set(place, (seen.get(place) ?? new Set()).add(message.text()));
      }
    });
    await consumer.start();
    const load = new Load(world, producer, "T");
    for (let round = 0; round < 4; round++) {
      const before = load.acknowledged.length;
      await world.until(() => load.acknowledged.length > before + 50, "sends to go on");
      await world.clock.sleep(world.random(`pause ${round}`).int(40));
      endOf(world, broker);
      await world.clock.sleep(50);
      broker = await cluster.startBroker("broker-a", settings);
    }
    const before = load.acknowledged.length;
    await world.until(() => load.acknowledged.length > before + 50, "sends after the last restart");
    await load.stop();

    const missing = () => {
      const bodies = new Set([...seen.values()].flatMap((set) => [...set]));
      return load.acknowledged.filter(({ body }) => !bodies.has(body)).length;
    };
    // A pull that was under way when the power failed is given up after half a minute.
    for (let tries = 0; missing() > 0; tries++) {
      assert(tries < 120, `${missing()} acknowledged messages did not come`);
      await world.clock.sleep(500);
    }
    // What is read at a place stays there: neither the consumer nor a producer was told of another message.
    assertEquals([...seen].filter(([, texts]) => texts.size > 1), []);
    const places = load.acknowledged.map(({ place }) => place);
    assertEquals(new Set(places).size, places.length, "an offset was acknowledged twice");
    for (const { body, place } of load.acknowledged) assertEquals([...seen.get(place)!], [body]);
    // A torn write may leave a hole, of which nobody was promised anything; no place is there twice.
    const stored = await readTopic(app, "T");
    const offsets = Map.groupBy(stored, (message) => message.queueId);
    for (const messages of offsets.values()) {
      const found = messages.map((message) => message.queueOffset);
      assertEquals(found, [...new Set(found)].sort((a, b) => a - b));
    }
    assert(load.failed > 0, "the load was not under way when the broker ended");
    await consumer.shutdown();
    await broker.stop();
  });
}

Deno.test("a clean stop under load loses nothing that was acknowledged, with ASYNC_FLUSH and a power loss right after", async () => {
  await simWorld(11).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const first = await cluster.startBroker("broker-a");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG", retryTimesWhenSendFailed: 0, sendMsgTimeoutMs: 500 });
    await producer.start();
    await producer.send({ topic: "T", body: "first" });
    const load = new Load(world, producer, "T");
    await world.until(() => load.acknowledged.length > 200, "some sends");
    await first.stop();
    powerCycle(world, "dropUnsynced");
    const second = await cluster.startBroker("broker-a");
    const before = load.acknowledged.length;
    await world.until(() => load.acknowledged.length > before + 50, "sends after the restart");
    await load.stop();

    const texts = new Set((await readTopic(app, "T")).map((message) => message.text()));
    assertEquals(load.acknowledged.filter(({ body }) => !texts.has(body)), []);
    await second.stop();
  });
});

Deno.test("a full disk refuses sends with RocketMQ's code and the reason, and takes them again when there is room", async () => {
  await simWorld(12).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG", retryTimesWhenSendFailed: 0 });
    await producer.start();
    const acknowledged: string[] = [];
    const send = async (body: string) => {
      await producer.send({ topic: "T", body });
      acknowledged.push(body);
    };
    for (let i = 0; i < 20; i++) await send(`before ${i} ${"x".repeat(2000)}`);
    const { disk } = world.machine("broker-a");
    disk.setCapacity(disk.usage("/").usedBytes + 100 * 1024);
    const refusals: BrokerError[] = [];
    for (let i = 0; i < 400 && refusals.length < 10; i++) {
      try {
        await send(`full ${i} ${"x".repeat(2000)}`);
      } catch (error) {
        const cause = error instanceof Error ? error.cause : error;
        assert(cause instanceof BrokerError, String(error));
        refusals.push(cause);
      }
    }
    assertEquals([...new Set(refusals.map(({ code }) => code))], [14]);
    const { remark } = refusals.at(-1)!;
    assert(remark.startsWith("service not available now."), remark);
    assert(/Cause: /.test(remark), remark);
    assert(refusals.length === 10, "the disk did not become full");
    // Readers are served all the same.
    assertEquals((await readTopic(app, "T")).length, acknowledged.length);

    disk.setCapacity(2 ** 40);
    await world.until(
      () => acknowledged.at(-1) === "again" || (void send("again").catch(() => {}), false),
      "a send",
      120_000,
    );
    const texts = (await readTopic(app, "T")).map((message) => message.text());
    assertEquals(acknowledged.filter((body) => !texts.includes(body)), []);
    await broker.stop();
  });
});
