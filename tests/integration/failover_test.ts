import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../src/common/bytes.ts";
import { removeTree } from "../../src/common/disk.ts";
import { ConfigError } from "../../src/common/options.ts";
import { RequestCode } from "../../src/protocol/codes.ts";
import { writeHeader } from "../../src/protocol/header.ts";
import { RemotingClient } from "../../src/remoting/client.ts";
import { ElectedGroup } from "../support/elected_group.ts";
import { readTopic } from "./cluster_world.ts";
import { type SimWorld, simWorld } from "../support/world.ts";

/** Sends one message after the other until `count` are acknowledged; returns their bodies. */
async function send(world: SimWorld, group: ElectedGroup, count: number, prefix: string): Promise<string[]> {
  await using client = group.cluster.client(`app ${prefix}`, { pollNameServerIntervalMs: 1000 });
  const producer = client.producer({ group: "PG" });
  await producer.start();
  const sent: string[] = [];
  const endMs = world.clock.monotonicMs() + 60_000;
  for (let i = 0; sent.length < count; i++) {
    const body = `${prefix} ${i}`;
    const result = await producer.send({ topic: "T", body }, { timeoutMs: 3000 }).catch(() => null);
    if (result?.sendStatus === "SEND_OK") sent.push(body);
    else await world.clock.sleep(50);
    if (world.clock.monotonicMs() > endMs) throw new Error(`${sent.length} of ${count} sent`);
  }
  return sent;
}

/** Which of these bodies a consumer does not find in the topic. */
async function missing(group: ElectedGroup, sent: readonly string[]): Promise<string[]> {
  await using reader = group.cluster.client("reader");
  const bodies = new Set((await readTopic(reader, "T")).map(({ body }) => new TextDecoder().decode(body)));
  return sent.filter((body) => !bodies.has(body));
}

Deno.test("three replicas elect a leader, all come in sync, and messages are acknowledged", async () => {
  await simWorld(1).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    assert(leader >= 1 && leader <= 3);
    assertEquals((await send(world, group, 20, "a")).length, 20);
  });
});

Deno.test("when the leader dies another one has everything acknowledged, queue offsets go on, and the old one follows", async () => {
  await simWorld(2).run(async (world) => {
    const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
    const first = await group.settled(3);
    const before = await send(world, group, 40, "before");
    const startMs = world.clock.monotonicMs();
    group.kill(first);
    const after = await send(world, group, 40, "after");
    const second = group.leaders()[0]!;
    assert(second !== first && group.view().state!.value.epoch === 2);
    assert(world.clock.monotonicMs() - startMs < 10_000, "the outage is a lease, a change of role and a second's poll");
    await group.startReplica(first);
    await group.settled(3);
    await using reader = group.cluster.client("reader");
    const messages = await readTopic(reader, "T");
    const bodies = new Set(messages.map(({ body }) => new TextDecoder().decode(body)));
    assertEquals([...before, ...after].filter((body) => !bodies.has(body)), []);
    const places = messages.map(({ queueId, queueOffset }) => `${queueId} ${queueOffset}`);
    assertEquals(new Set(places).size, places.length);
  });
});

for (const [what, areKilled] of [["", false], [", when that was killed as well", true]] as const) {
  Deno.test(`a message of a topic that is as new as itself can be read from the next leader${what}`, async () => {
    await simWorld(6).run(async (world) => {
      const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
      const first = await group.settled(3);
      // The others have a table of topics by then, one without the new topic.
      await send(world, group, 1, "older");
      await world.clock.sleep(15_000);
      await using client = group.cluster.client("app");
      const producer = client.producer({ group: "PG" });
      await producer.start();
      const { sendStatus } = await producer.send({ topic: "NEW", body: "first" });
      assertEquals(sendStatus, "SEND_OK");
      group.kill(first);
      const others = [1, 2, 3].filter((id) => id !== first);
      if (areKilled) { for (const id of others) group.kill(id); }
      if (areKilled) { for (const id of others) await group.startReplica(id); }
      await world.until(() => group.leaders().some((each) => each !== first), "another leader");
      await world.clock.sleep(1000);
      await using reader = group.cluster.client("reader");
      const bodies = (await readTopic(reader, "NEW")).map(({ body }) => new TextDecoder().decode(body));
      assertEquals(bodies, ["first"]);
    });
  });
}

Deno.test("a hand-over takes less than a second, fails no send of a client with an old route, and moves brokerId 0", async () => {
  await simWorld(3).run(async (world) => {
    const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
    const first = await group.settled(3);
    // Its route is asked for every 30 s, as Java's is.
    await using client = group.cluster.client("app");
    const producer = client.producer({ group: "PG" });
    await producer.start();
    await producer.send({ topic: "T", body: "before" });
    const next = first === 1 ? 2 : 1;
    const startMs = world.clock.monotonicMs();
    group.authority.commit({ compare: [], puts: [{ key: group.keys.handOver, value: JSON.stringify({ to: next }) }] });
    await world.until(() => group.leaders()[0] === next, "the hand-over");
    assert(world.clock.monotonicMs() - startMs < 1000, `it took ${world.clock.monotonicMs() - startMs} ms`);
    await group.settled(3);
    const { sendStatus } = await producer.send({ topic: "T", body: "after, by way of the former leader" });
    assertEquals(sendStatus, "SEND_OK");
    assertEquals(group.view().handOver, null);
    await using admin = group.cluster.client("admin");
    const members = await admin.admin().members("DefaultCluster");
    assertEquals(members.map(({ brokerId }) => brokerId).sort(), [0, first, 6 - first - next].sort());
    const address = `${world.machine(`r${next}`).ip}:10911`;
    assertEquals(members.find(({ brokerId }) => brokerId === 0)?.address, address);
  });
});

Deno.test("losing the authority stops no sends while the leader reaches its followers; with one of them gone it must stop", async () => {
  await simWorld(4).run(async (world) => {
    const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
    const leader = await group.settled(3);
    group.authority.isDown = true;
    await world.clock.sleep(20_000);
    assertEquals(group.leaders(), [leader]);
    await send(world, group, 10, "without the authority");
    group.kill(leader === 1 ? 2 : 1);
    await world.clock.sleep(4000);
    assertEquals(group.leaders(), [], "who may be elected has not promised to wait");
    group.authority.isDown = false;
    await group.settled(2);
    await send(world, group, 10, "with it again");
  });
});

Deno.test("a leader whose machine loses its power with unsynced messages waits for those who have them", async () => {
  await simWorld(5).run(async (world) => {
    const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
    const leader = await group.settled(3);
    const sent = await send(world, group, 30, "before");
    const others = [1, 2, 3].filter((id) => id !== leader);
    for (const id of others) group.kill(id);
    group.losePower(leader);
    await group.startReplica(leader);
    await world.clock.sleep(20_000);
    assertEquals(group.leaders(), [], "its log may lack what it acknowledged");
    for (const id of others) await group.startReplica(id);
    await group.settled(3);
    assertEquals(await missing(group, sent), []);
  });
});

Deno.test("a leader that is lost before anybody follows it keeps nobody waiting, and its unacknowledged messages were never seen", async () => {
  await simWorld(7).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const first = await group.settled(3);
    const before = await send(world, group, 20, "before");
    group.kill(first);
    await world.until(() => group.view().leader?.value.epoch === 2, "the second leader");
    const second = group.view().leader!.value.replica;
    group.kill(second);
    const last = 6 - first - second;
    await world.until(() => group.leaders()[0] === last, "the last replica to lead");
    assertEquals(group.view().state!.value.inSync, [last]);
    await group.startReplica(second);
    await group.startReplica(first);
    await group.settled(3);
    assertEquals(await missing(group, before), []);
  });
});

Deno.test("a new leader that its followers do not reach shows nothing until they are out of the in-sync set", async () => {
  await simWorld(8).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const first = await group.settled(3);
    await send(world, group, 20, "before");
    const [a, b] = [1, 2, 3].filter((id) => id !== first) as [number, number];
    world.net.partition(`r${a}`, `r${b}`);
    group.kill(first);
    await world.until(() => group.view().leader?.value.epoch === 2, "the next leader");
    const second = group.view().leader!.value.replica;
    await world.until(() => group.running.get(second)!.replica.figures()!.isLeader, "its term");
    await using reader = group.cluster.client("reader");
    let read = -1;
    const reading = readTopic(reader, "T").then((messages) => read = messages.length, () => {});
    await world.clock.sleep(300);
    assertEquals([read, group.leaders()], [-1, []]);
    assertEquals(group.view().state!.value.inSync, [a, b]);
    await world.until(() => group.leaders()[0] === second, "the follower to be late");
    assertEquals(group.view().state!.value.inSync, [second]);
    await reading;
    await using later = group.cluster.client("later");
    assertEquals((await readTopic(later, "T")).length, 20);
  });
});

Deno.test("a replica whose commitlog was removed does not lead, though it is named as in sync, before it has everything again", async () => {
  await simWorld(9).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    const sent = await send(world, group, 20, "before");
    await world.clock.sleep(31_000);
    for (const id of [1, 2, 3]) group.kill(id);
    const emptied = leader % 3 + 1;
    const { disk } = world.machine(`r${emptied}`).boot();
    removeTree(disk, "/store/commitlog");
    removeTree(disk, "/store/consumequeue");
    removeTree(disk, "/store/index");
    disk.remove("/store/checkpoint");
    await group.startReplica(emptied);
    await world.clock.sleep(20_000);
    assertEquals(group.leaders(), [], "it has nothing of what it acknowledged");
    for (const id of [1, 2, 3]) if (id !== emptied) await group.startReplica(id);
    await group.settled(3);
    assertEquals(await missing(group, sent), []);
  });
});

Deno.test("a stranger can neither speak for a replica nor keep one from standing", async () => {
  await simWorld(10).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    const follower = leader % 3 + 1;
    const { net, clock, logging } = world.machine("stranger").boot();
    const client = new RemotingClient({ net, clock, log: logging.logger("remoting"), idleMs: 3_600_000 });
    const ask = (id: number, header: Record<string, string | number>) =>
      client.invoke(`${world.machine(`r${id}`).ip}:10911`, { code: 906, ext: writeHeader(header) }, 3000);
    const identity = { clusterName: "DefaultCluster", brokerName: "broker-a", brokerId: follower };
    const replica = { replica: 1, ...identity, replicaId: follower, epoch: 1, replicaAddress: "10.9.9.9:1" };
    for (const replicaKey of [{}, { replicaKey: "guess" }]) {
      const introduced = await ask(leader, { ...replica, haClientAddress: "10.9.9.9:2", stretches: "", ...replicaKey });
      assertEquals(introduced.code, 1);
      assert(introduced.remark!.includes(`is not the replica ${follower}`), introduced.remark!);
      const granted = await ask(follower, { grantEpoch: 1, grantMs: 3000, replicaId: leader, ...replicaKey });
      assertEquals([granted.code, granted.ext.granted], [0, "false"]);
    }
    client.close();
    await send(world, group, 5, "still in sync");
    assertEquals(group.view().state!.value.inSync, [1, 2, 3]);
  });
});

Deno.test("a hand-over takes consumer offsets along, and a follower has those of two seconds ago", async () => {
  await simWorld(11).run(async (world) => {
    const group = await ElectedGroup.start(world, 3, { minInSyncReplicas: "2" });
    const leader = await group.settled(3);
    await send(world, group, 5, "m");
    const { net, clock, logging } = world.machine("consumer").boot();
    const client = new RemotingClient({ net, clock, log: logging.logger("remoting"), idleMs: 3_600_000 });
    const queue = { topic: "T", consumerGroup: "G", queueId: 0 };
    const ask = (id: number, code: number, more = {}) =>
      client.invoke(`${world.machine(`r${id}`).ip}:10911`, { code, ext: writeHeader({ ...queue, ...more }) }, 3000);
    const offsetAt = async (id: number) => (await ask(id, RequestCode.QUERY_CONSUMER_OFFSET)).ext.offset;
    const commit = async (id: number, commitOffset: number) =>
      assertEquals((await ask(id, RequestCode.UPDATE_CONSUMER_OFFSET, { commitOffset })).code, 0);
    const makeGroup = {
      code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      ext: {},
      body: utf8('{"groupName":"G"}'),
    };
    assertEquals((await client.invoke(`${world.machine(`r${leader}`).ip}:10911`, makeGroup, 3000)).code, 0);
    await commit(leader, 1);
    await world.clock.sleep(2500);
    const next = leader % 3 + 1;
    assertEquals(await offsetAt(next), "1");
    await commit(leader, 2);
    group.authority.commit({ compare: [], puts: [{ key: group.keys.handOver, value: JSON.stringify({ to: next }) }] });
    await world.until(() => group.leaders()[0] === next, "the hand-over");
    assertEquals(await offsetAt(next), "2");
    client.close();
  });
});

Deno.test("the operator sees who leads, that the authority is away and what each replica does meanwhile, once", async () => {
  await simWorld(31).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    const last = (id: number) => group.running.get(id)!.notices.at(-1)!;
    assertEquals(last(leader), `Replica ${leader} of broker-a leads in epoch 1: it serves clients`);
    const others = [1, 2, 3].filter((id) => id !== leader);
    for (const id of others) assertStringIncludes(last(id), `Replica ${id} of broker-a follows replica ${leader} at `);
    const before = [1, 2, 3].map((id) => group.running.get(id)!.notices.length);
    group.authority.isDown = true;
    await world.clock.sleep(30_000);
    const setting = "warning: command line: haElection=etcd://etcd:2379: ";
    for (const id of [1, 2, 3]) assertStringIncludes(last(id), setting);
    assertStringIncludes(
      last(leader),
      `Replica ${leader} of broker-a leads on while all that are in sync grant it time`,
    );
    for (const id of others) assertStringIncludes(last(id), `Replica ${id} of broker-a follows replica ${leader} on`);
    group.authority.isDown = false;
    await world.clock.sleep(10_000);
    for (const id of [1, 2, 3]) assertStringIncludes(last(id), "takes part in the election again");
    assertEquals([1, 2, 3].map((id, at) => group.running.get(id)!.notices.length - before[at]!), [2, 2, 2]);
  });
});

Deno.test("a replica that is started without the authority says at once that it waits for it, and claims no lost messages", async () => {
  await simWorld(32).run(async (world) => {
    const group = await ElectedGroup.start(world, 0);
    group.authority.isDown = true;
    for (let life = 0; life < 2; life++) {
      const { notices, process } = await group.startReplica(1);
      await world.clock.sleep(5000);
      assertEquals(notices.length, 1, notices.join("\n"));
      assertStringIncludes(
        notices[0]!,
        "Replica 1 of broker-a is a candidate that waits for etcd, and serves no clients",
      );
      process.kill();
    }
  });
});

Deno.test("a second replica under a number that is taken is refused at its start, and the first one goes on", async () => {
  await simWorld(41).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    const taken = leader % 3 + 1;
    const first = group.running.get(taken)!;
    const error = await assertRejects(() => group.startReplica(taken, "impostor"), ConfigError);
    const addr = first.replica.advertisedAddress;
    assertStringIncludes(
      error.message,
      `haReplicaId=${taken}: a replica of that number is alive at ${addr}: give each`,
    );
    group.running.set(taken, first);
    assertEquals(group.view().replicas.find(({ value }) => value.replica === taken)?.value.brokerAddr, addr);
    assertEquals((await send(world, group, 20, "a")).length, 20);
    // Its own machine may be another one, once the former life's lease has ended.
    group.kill(taken);
    const moved = await group.startReplica(taken, "other machine");
    assertEquals(await group.settled(3), leader);
    assertEquals(moved.replica.figures()?.leader, leader);
  });
});

Deno.test("of two replicas that come to one number while the authority is away the second takes no part, and its operator is told", async () => {
  await simWorld(42).run(async (world) => {
    const group = await ElectedGroup.start(world, 2);
    await group.settled(2);
    group.authority.cutOff.add("impostor");
    const first = group.running.get(1)!;
    const second = await group.startReplica(1, "impostor");
    group.authority.cutOff.clear();
    group.running.set(1, first);
    await world.until(
      () => second.notices.some((text) => text.includes("haReplicaId=1: a replica of that number")),
      "it",
    );
    assertStringIncludes(second.replica.figures()!.idle!, "this one has the same number");
    assertEquals((await send(world, group, 20, "a")).length, 20);
    assertEquals(
      group.view().replicas.find(({ value }) => value.replica === 1)?.value.brokerAddr,
      first.replica.advertisedAddress,
    );
    await second.replica.stop();
  });
});

Deno.test("a replica that an operator has taken out says so while it follows", async () => {
  await simWorld(43).run(async (world) => {
    const group = await ElectedGroup.start(world, 3);
    const leader = await group.settled(3);
    const out = leader % 3 + 1;
    const state = { ...group.view().state!.value, inSync: [1, 2, 3].filter((id) => id !== out), removed: [out] };
    group.authority.commit({ compare: [], puts: [{ key: group.keys.state, value: JSON.stringify(state) }] });
    const idle = () => group.running.get(out)!.replica.figures()?.idle ?? "";
    await world.until(() => idle().includes("taken it out of the group"), "its word");
  });
});
