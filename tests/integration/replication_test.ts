import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ClientError } from "../../src/client/errors.ts";
import { messageQueue } from "../../src/protocol/message_queue.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { type Cluster, startCluster } from "./client_cluster.ts";
import { ClusterWorld } from "./cluster_world.ts";
import { caughtUp, commitlog, haStatus, startReplica } from "./replication_cluster.ts";

const MASTER = { brokerRole: "SYNC_MASTER" };
const SLAVE = { brokerRole: "SLAVE", brokerId: "1" };

/** Consumes from the beginning until `count` messages came, and stops. */
async function consume(world: SimWorld, cluster: Cluster, machine: string, count: number): Promise<string[]> {
  const bodies: string[] = [];
  await using client = cluster.client(machine);
  const consumer = client.pushConsumer({ group: "CG", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  consumer.subscribe("T");
  consumer.onMessages((messages) => {
    for (const message of messages) bodies.push(new TextDecoder().decode(message.body));
    return Promise.resolve();
  });
  await consumer.start();
  await world.until(() => bodies.length >= count, `${count} messages at ${machine}`, 120_000);
  return bodies;
}

Deno.test("when a SYNC_MASTER's machine is lost, consumers read everything acknowledged from the slave and no offset goes back", async () => {
  await simWorld(31).run(async (world) => {
    const cluster = await startCluster(world);
    const master = await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 50; i++) {
      assertEquals((await producer.send({ topic: "T", body: `m${i}` })).sendStatus, "SEND_OK");
    }
    const first = await consume(world, cluster, "reader", 50);
    assertEquals(new Set(first).size, 50);
    for (let i = 50; i < 100; i++) await producer.send({ topic: "T", body: `m${i}` });
    await world.clock.sleep(15_000); // the slave copies topics, groups and offsets every 10 s
    void master;
    world.machine("a").powerOff();

    const second = await consume(world, cluster, "reader2", 50);
    assertEquals(new Set(second), new Set(Array.from({ length: 50 }, (_, i) => `m${50 + i}`)));
    assertEquals(second.length, 50, "nothing was read again");
  });
});

Deno.test("offsets that were committed at the slave go back to the master when it returns", async () => {
  await simWorld(32).run(async (world) => {
    const cluster = await startCluster(world);
    const master = await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 40; i++) await producer.send({ topic: "T", body: `m${i}` });
    await world.clock.sleep(15_000);
    master.process.kill();
    await world.clock.sleep(1000);
    await consume(world, cluster, "reader", 40);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await world.clock.sleep(30_000);
    for (let i = 40; i < 60; i++) await producer.send({ topic: "T", body: `m${i}` });
    const later = await consume(world, cluster, "reader2", 20);
    assertEquals(new Set(later), new Set(Array.from({ length: 20 }, (_, i) => `m${40 + i}`)));
    assertEquals(later.length, 20);
  });
});

Deno.test("a slave whose master has lost its last messages keeps them aside and follows the master's history", async () => {
  await simWorld(33).run(async (world) => {
    const cluster = await startCluster(world);
    const asynchronous = { brokerRole: "ASYNC_MASTER" };
    await startReplica(world, cluster.namesrvAddr, "a", asynchronous);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    for (let i = 0; i < 300; i++) await producer.send({ topic: "T", body: `old ${i} ${"x".repeat(i * 7)}` });
    await world.clock.sleep(12_000); // everything so far is synced
    for (let i = 0; i < 8; i++) await producer.send({ topic: "T", body: `lost ${i}` });
    await world.clock.sleep(20);
    const { masterCommitLogMaxOffset: slaveEnd } = await haStatus(world, "b");
    world.machine("a").powerOff();
    world.machine("a").powerOn();
    await startReplica(world, cluster.namesrvAddr, "a", asynchronous);
    const { masterCommitLogMaxOffset: masterEnd } = await haStatus(world, "a");
    assert(masterEnd < slaveEnd, "the master has lost something");
    for (let i = 0; i < 30; i++) await producer.send({ topic: "T", body: `new ${i}` });
    await caughtUp(world, "a", "b");

    assertEquals(commitlog(world, "b"), commitlog(world, "a"));
    const kept = world.machine("b").disk.list("/store/truncated");
    assertEquals(kept.map(({ sizeBytes }) => sizeBytes), [slaveEnd - masterEnd]);
    world.machine("a").powerOff();
    const bodies = await consume(world, cluster, "reader", 330);
    assertEquals(bodies.filter((body) => body.startsWith("lost")), []);
    assertEquals(new Set(bodies).size, 330);
  });
});

Deno.test("a slave follows again within two seconds of its master's return, and the SYNC_MASTER's promise is whole again", async () => {
  await simWorld(34).run(async (world) => {
    const cluster = await startCluster(world);
    const master = await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    master.process.kill();
    await world.clock.sleep(21_500);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    const backMs = world.clock.monotonicMs();
    await caughtUp(world, "a", "b");
    const tookMs = world.clock.monotonicMs() - backMs;
    assert(tookMs <= 2000, `it took ${tookMs} ms`);
  });
});

Deno.test("a master that comes back at another port has its slave again within seconds, and clients see no stale address", async () => {
  await simWorld(35).run(async (world) => {
    const cluster = await startCluster(world);
    const master = await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    master.process.kill();
    await world.clock.sleep(1000);
    await startReplica(world, cluster.namesrvAddr, "a", { ...MASTER, listenPort: "20911" });
    const backMs = world.clock.monotonicMs();
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const stored = () => producer.send({ topic: "T", body: "m" }).then(({ sendStatus }) => sendStatus);
    assertEquals(await stored(), "SLAVE_NOT_AVAILABLE", "the new address is told at once");
    while (await stored() !== "SEND_OK") {
      assert(world.clock.monotonicMs() - backMs < 8000, "the slave does not find its master");
      await world.clock.sleep(100);
    }
  });
});

Deno.test("a slave finds its master at the new port although one of two name servers still tells the old one", async () => {
  await simWorld(36).run(async (world) => {
    const cluster = new ClusterWorld(world, 2);
    await cluster.startNameServers();
    const { namesrvAddr } = cluster;
    const master = await startReplica(world, namesrvAddr, "a", MASTER);
    await startReplica(world, namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    world.net.partition("a", "namesrv-2");
    master.process.kill();
    await world.clock.sleep(1000);
    await startReplica(world, namesrvAddr, "a", { ...MASTER, listenPort: "20911" });
    const backMs = world.clock.monotonicMs();
    await using app = cluster.client("app", { namesrvAddr: namesrvAddr.split(";")[0]! });
    const producer = app.producer({ group: "PG" });
    await producer.start();
    while ((await producer.send({ topic: "T", body: "m" })).sendStatus !== "SEND_OK") {
      assert(world.clock.monotonicMs() - backMs < 15_000, "the slave does not find its master");
      await world.clock.sleep(100);
    }
    assert(world.clock.monotonicMs() - backMs < 60_000, "the old address is still told by then");
  });
});

Deno.test("a slave whose disk is full counts as one that is away, and goes on by itself when there is room", async () => {
  await simWorld(37).run(async (world) => {
    const cluster = await startCluster(world);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    // Else it deletes its oldest files to make room, as RocketMQ does.
    await startReplica(world, cluster.namesrvAddr, "b", { ...SLAVE, cleanFileForciblyEnable: "false" });
    await caughtUp(world, "a", "b");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    const send = async () => (await producer.send({ topic: "T", body: "x".repeat(4000) })).sendStatus; // not worth compressing
    assertEquals(await send(), "SEND_OK");
    const { disk } = world.machine("b");
    const { totalBytes, availableBytes } = disk.usage("/store");
    disk.setCapacity(totalBytes - availableBytes + 100_000);
    const told = new Set<string>();
    for (let i = 0; i < 60; i++) told.add(await send());
    assert(told.size > 1, `producers were told ${[...told]} only`);
    await world.clock.sleep(30_000);
    assert((await send()) !== "SEND_OK", "a full slave has nothing more");
    disk.setCapacity(totalBytes);
    await caughtUp(world, "a", "b");
    assertEquals(await send(), "SEND_OK");
    await caughtUp(world, "a", "b");
    assertEquals(commitlog(world, "b"), commitlog(world, "a"));
  });
});

Deno.test("a slave that is started before its master follows within seconds of the master's start", async () => {
  await simWorld(38).run(async (world) => {
    const cluster = await startCluster(world);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await world.clock.sleep(1500);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    const bornMs = world.clock.monotonicMs();
    await caughtUp(world, "a", "b");
    assert(world.clock.monotonicMs() - bornMs < 6000, `it took ${world.clock.monotonicMs() - bornMs} ms`);
  });
});

Deno.test("a slave whose haMasterAddress is the master's port for clients says so, on the terminal once", async () => {
  await simWorld(39).run(async (world) => {
    const cluster = await startCluster(world);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    const address = `${world.machine("a").ip}:10911`;
    const { notices } = await startReplica(world, cluster.namesrvAddr, "b", { ...SLAVE, haMasterAddress: address });
    await world.clock.sleep(20_000);
    const why = `it is a broker's port for clients (listenPort; the name servers tell ${address} for the master): ` +
      "set the master's haListenPort, which is listenPort + 1";
    assertEquals(notices.length, 1);
    assertStringIncludes(notices[0]!, `command line: haMasterAddress=${address}: not followed: ${why}`);
    const told = world.logLines.filter((line) => line.includes(`HA: not following the master ${address}: `));
    assert(told.length > 0 && told.every((line) => line.includes("ERROR") && line.includes(why)), told.join("\n"));
  });
});

Deno.test("a slave sends nothing but reports to where it is to follow, also when that has ended the connection without a word", async () => {
  await simWorld(41).run(async (world) => {
    const cluster = await startCluster(world);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    // RocketMQ takes whatever comes there for reports, and believes them: its producers would not wait for slaves any more.
    const { net } = world.machine("m").boot();
    const listener = net.listen({ host: "0.0.0.0", port: 10912 });
    const received: number[][] = [];
    const accept = async () => {
      for (let socket = await listener.accept(); socket !== null; socket = await listener.accept()) {
        const bytes: number[] = [];
        received.push(bytes);
        const chunk = new Uint8Array(64);
        for (let count: number | null = 0; count !== null && bytes.length < 8;) {
          count = await socket.read(chunk);
          bytes.push(...chunk.subarray(0, count ?? 0));
        }
        socket.close();
      }
    };
    void accept();
    const haMasterAddress = `${world.machine("m").ip}:10912`;
    const { notices } = await startReplica(world, cluster.namesrvAddr, "b", { ...SLAVE, haMasterAddress });
    await world.until(() => received.length > 3, "three attempts", 60_000);
    for (const bytes of received.slice(0, 3)) assertEquals(bytes, [0, 0, 0, 0, 0, 0, 0, 0]);
    assertEquals(notices, []);
    listener.close();
  });
});

Deno.test("who sends while only a slave is there is told so, and not that there is no such topic", async () => {
  await simWorld(40).run(async (world) => {
    const cluster = await startCluster(world);
    await startReplica(world, cluster.namesrvAddr, "a", MASTER);
    await startReplica(world, cluster.namesrvAddr, "b", SLAVE);
    await caughtUp(world, "a", "b");
    await using app = cluster.client("app");
    const producer = app.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "m" });
    await world.clock.sleep(15_000); // the slave copies topics every 10 s
    world.machine("a").powerOff();
    await world.clock.sleep(200_000); // a name server forgets a broker that is silent for two minutes
    const slave = `brokerId 1 at ${world.machine("b").ip}:10911`;
    const words =
      `the master of broker-a (brokerId 0) is away, and only its slaves are there (${slave}), which can be ` +
      "read and take no messages";
    await using late = cluster.client("late");
    const other = late.producer({ group: "PG2" });
    await other.start();
    const send = (topic: string) => other.send({ topic, body: "m" });
    const { message } = await assertRejects(() => send("T"), ClientError);
    assertEquals(message, `No route info of this topic: T: ${words}`);
    const chosen = messageQueue("broker-a", 0, "T");
    const atQueue = await assertRejects(() => other.send({ topic: "T", body: "m" }, { queue: chosen }), ClientError);
    assertStringIncludes(atQueue.message, words);
    assertStringIncludes(
      (await assertRejects(() => send("unknown"), ClientError)).message,
      "No route info of this topic: unknown",
    );
  });
});
