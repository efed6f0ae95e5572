/**
 * Transactions with our producer: what is delivered, how often the broker asks, and what becomes of what nobody decides.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Client } from "../../src/client/client.ts";
import { ClientError } from "../../src/client/errors.ts";
import type { LocalTransactionState, TransactionListener } from "../../src/client/transaction_producer.ts";
import { CRASH } from "../../src/common/disk_sim.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { ClusterWorld, readTopic, type RunningBroker } from "./cluster_world.ts";

const GIVE_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";
const SETTINGS = { transactionCheckMax: "4" };

/** A producer's side: the body says what happens, e.g. `UNKNOW,UNKNOW,COMMIT_MESSAGE` for an end at the second check. */
class Script implements TransactionListener {
  readonly checks: { text: string; atMs: number }[] = [];

  constructor(readonly world: SimWorld) {}

  executeLocalTransaction(message: { body: Uint8Array | string }): LocalTransactionState {
    return stateOf(String(message.body), 0);
  }

  checkLocalTransaction(message: { text(): string }): LocalTransactionState {
    const text = message.text();
    this.checks.push({ text, atMs: this.world.clock.now() });
    return stateOf(text, this.countOf(text));
  }

  countOf(text: string): number {
    return this.checks.filter((check) => check.text === text).length;
  }
}

function stateOf(script: string, step: number): LocalTransactionState {
  const states = script.split("#")[0]!.split(",") as LocalTransactionState[];
  return states[Math.min(step, states.length - 1)]!;
}

async function delivered(client: Client): Promise<string[]> {
  return (await readTopic(client, "T")).map((message) => message.text()).sort();
}

/** A body that ends with `end` after `checks` checks. */
function script(checks: number, end: LocalTransactionState, name = ""): string {
  return [...Array.from({ length: checks }, () => "UNKNOW"), end].join(",") + `#${name}`;
}

Deno.test("commits are delivered once, rollbacks never, and undecided ones are asked for exactly as often as configured", async () => {
  await simWorld(1, { limitMs: 3_600_000 }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a", SETTINGS);
    await using app = cluster.client("app");
    const listener = new Script(world);
    const producer = app.transactionProducer({ group: "TPG" }, listener);
    await producer.start();
    await producer.send({ topic: "T", body: "not in a transaction#" });
    const committed = [0, 1, 3].map((checks) => script(checks, "COMMIT_MESSAGE"));
    const rolledBack = [0, 1, 3].map((checks) => script(checks, "ROLLBACK_MESSAGE"));
    const undecided = ["a", "b"].map((name) => script(1, "UNKNOW", name));
    for (const body of [...committed, ...rolledBack, ...undecided]) {
      await producer.sendMessageInTransaction({ topic: "T", body });
    }
    assertEquals(await delivered(app), [committed[0]!, "not in a transaction#"].sort());
    await world.clock.sleep(20 * 60_000);

    assertEquals(await delivered(app), [...committed, "not in a transaction#"].sort());
    const counts = [...committed, ...rolledBack, ...undecided].map((body) => listener.countOf(body));
    assertEquals(counts, [0, 1, 3, 0, 1, 3, 4, 4]);
    const givenUp = await readTopic(app, GIVE_UP_TOPIC);
    assertEquals(givenUp.map((message) => message.text()), undecided);
    assertEquals(givenUp.map((message) => message.properties.get("REAL_TOPIC")), ["T", "T"]);
    await producer.shutdown();
    await broker.stop();
  });
});

Deno.test("nobody is asked before the transaction's time-out, nor before the immunity that a message wants", async () => {
  await simWorld(2, { limitMs: 3_600_000 }).run(async (world) => {
    const cluster = new ClusterWorld(world, 1);
    await cluster.startNameServers();
    const broker = await cluster.startBroker("broker-a", {
      transactionTimeOut: "6000",
      transactionCheckInterval: "10000",
    });
    await using app = cluster.client("app");
    const listener = new Script(world);
    const producer = app.transactionProducer({ group: "TPG" }, listener);
    await producer.start();
    const sentMs = world.clock.now();
    const immune = script(1, "COMMIT_MESSAGE", "immune");
    const ordinary = script(1, "COMMIT_MESSAGE", "ordinary");
    const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "100" };
    await producer.sendMessageInTransaction({ topic: "T", body: immune, properties });
    await producer.sendMessageInTransaction({ topic: "T", body: ordinary });
    await world.clock.sleep(200_000);

    const [first, second, ...others] = listener.checks;
    assertEquals([first!.text, second!.text, others.length], [ordinary, immune, 0]);
    assert(first!.atMs - sentMs >= 6000 && first!.atMs - sentMs <= 21_000, `first check after ${first!.atMs - sentMs}`);
    assert(second!.atMs - sentMs >= 100_000 && second!.atMs - sentMs <= 121_000, `after ${second!.atMs - sentMs}`);
    assertEquals(await delivered(app), [immune, ordinary].sort());
    await producer.shutdown();
    await broker.stop();
  });
});

/** Ends of a broker. */
const ENDS: Readonly<Record<string, (world: SimWorld, broker: RunningBroker) => void>> = {
  "that was killed": (_world, broker) => broker.process.kill(),
  "whose machine lost power": (world) => {
    world.machine("broker-a").powerOff(CRASH.dropUnsynced);
    world.machine("broker-a").powerOn();
  },
};

for (const [end, endOf] of Object.entries(ENDS)) {
  Deno.test(`a broker ${end} between half and end asks after its restart, and delivers nothing twice`, async () => {
    for (let seed = 1; seed <= 4; seed++) {
      await simWorld(seed, { limitMs: 3_600_000 }).run(async (world) => {
        const cluster = new ClusterWorld(world, 1);
        await cluster.startNameServers();
        let broker = await cluster.startBroker("broker-a", { flushDiskType: "SYNC_FLUSH" });
        await using app = cluster.client("app");
        const listener = new Script(world);
        const producer = app.transactionProducer({ group: "TPG" }, listener);
        await producer.start();
        const bodies = Array.from({ length: 30 }, (_, i) => script(i % 3, "COMMIT_MESSAGE", String(i)));
        const stored: string[] = [];
        for (const [i, body] of bodies.entries()) {
          try {
            await producer.sendMessageInTransaction({ topic: "T", body });
            stored.push(body);
          } catch {
            // the half may or may not be there; if it is, it will be asked for
          }
          if (i % 10 === 9) {
            await world.clock.sleep(world.random(`pause ${i}`).int(70_000));
            endOf(world, broker);
            await world.clock.sleep(100);
            broker = await cluster.startBroker("broker-a", { flushDiskType: "SYNC_FLUSH" });
            await world.clock.sleep(35_000); // until clients have found it again
          }
        }
        await world.clock.sleep(15 * 60_000);

        const texts = await delivered(app);
        assertEquals(texts.filter((text, i) => texts.indexOf(text) !== i), [], "delivered twice");
        assertEquals(stored.filter((body) => !texts.includes(body)), [], "lost");
        await assertRejects(() => readTopic(app, GIVE_UP_TOPIC), ClientError, "Can not find Message Queue");
        await producer.shutdown();
        await broker.stop();
      });
    }
  });
}
