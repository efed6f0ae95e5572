import { assert, assertEquals, assertThrows } from "@std/assert";
import { putI64 } from "../../../src/common/bytes.ts";
import { CorruptError } from "../../../src/common/errors.ts";
import { RecordAt } from "../../../src/protocol/record.ts";
import { PullResult, PullStatus, PutStatus } from "../../../src/store/store.ts";
import { messagesOf } from "./store_harness.ts";
import { Node, startMaster, startSlave } from "./ha_world.ts";
import { simWorld } from "../../support/world.ts";

async function readAll(node: Node, topic: string, queueId = 0): Promise<string[]> {
  const bodies: string[] = [];
  const out = new PullResult();
  for (let at = node.store.minOffset(topic, queueId);;) {
    const status = node.store.pull(node.store.queue(topic, queueId), at, 32, 262144, null, out);
    if (status === PullStatus.PENDING) await node.store.load([...out.missing]);
    else if (status !== PullStatus.FOUND) return bodies;
    else {
      for (const part of out.parts) for (const message of messagesOf(part)) bodies.push(message.body);
      at = out.nextBeginOffset;
    }
  }
}

const body = (n: number) => `message ${n} ${"x".repeat(n % 7 === 0 ? 3000 : n % 90)}`;

Deno.test("a slave has the same bytes as its master, over several files, and readers find the messages there", async () => {
  await simWorld(1).run(async (world) => {
    const { node: master, master: ha } = await startMaster(world, "a");
    const { node: slave, slave: following } = await startSlave(world, "b", "a");
    await world.until(() => [...ha.connections].some((each) => each.hasBegun), "the slave");
    for (let n = 0; n < 100; n++) {
      await master.send("T", body(n), n % 3);
      if (n % 10 === 0) await world.clock.sleep(7);
    }
    const { endOffset } = master.store.replicaLog;
    assert(endOffset > 3 * 16384, "several files");
    await world.until(() => [...ha.connections][0]!.ackOffset === endOffset, "the acknowledgement");
    assertEquals(await slave.bytes(), await master.bytes());
    for (let queueId = 0; queueId < 3; queueId++) {
      assertEquals(await readAll(slave, "T", queueId), await readAll(master, "T", queueId));
    }
    await slave.store.indexed();
    const found = await slave.store.queryMessages("T", "message-57", 10, 0, Number.MAX_SAFE_INTEGER);
    assertEquals(found.records.length, 1);
    await following.stop();
    ha.close();
    await slave.store.close();
    await master.store.close();
  });
});

Deno.test("a master with SYNC_MASTER tells its producers what its slaves have", async () => {
  await simWorld(2).run(async (world) => {
    const { node: master, master: ha } = await startMaster(world, "a", { brokerRole: "SYNC_MASTER" });
    assertEquals(await master.send("T", "nobody there"), PutStatus.SLAVE_NOT_AVAILABLE);
    assertEquals(master.store.maxOffset("T", 0), 1, "readers see it: nothing more was promised");
    const { node: slave, slave: following } = await startSlave(world, "b", "a");
    await world.until(() => master.store.replicaLog.endOffset === [...ha.connections][0]?.ackOffset, "the slave");
    assertEquals(await master.send("T", "safe"), PutStatus.PUT_OK);
    assertEquals(slave.store.maxOffset("T", 0), 2);

    world.net.partition("a", "b");
    const startMs = world.clock.monotonicMs();
    const late = master.send("T", "not there in time");
    await world.clock.sleep(100);
    assertEquals(master.store.maxOffset("T", 0), 2, "readers wait for the replica");
    assertEquals(await late, PutStatus.FLUSH_SLAVE_TIMEOUT);
    assertEquals(Math.floor((world.clock.monotonicMs() - startMs) / 100), 30);
    await world.until(() => ha.connections.size === 0, "the end of the silent connection", 40_000);
    assertEquals(master.store.maxOffset("T", 0), 3, "the promise has shrunk");
    assertEquals(await master.send("T", "alone"), PutStatus.SLAVE_NOT_AVAILABLE);
    world.net.heal();
    await world.until(() => master.store.replicaLog.endOffset === [...ha.connections][0]?.ackOffset, "the slave");
    assertEquals(await master.send("T", "again"), PutStatus.PUT_OK);
    assertEquals(await slave.bytes(), await master.bytes());
    await following.stop();
    ha.close();
    await slave.store.close();
    await master.store.close();
  });
});

Deno.test("what a turn has written is on its way to the slaves before anybody is told of it", async () => {
  await simWorld(3).run(async (world) => {
    const { node: master, master: ha } = await startMaster(world, "a", { brokerRole: "SYNC_MASTER" });
    const { node: slave, slave: following } = await startSlave(world, "b", "a");
    await world.until(() => [...ha.connections][0]?.hasBegun === true, "the slave");
    const sent = master.send("T", "to the slave");
    const { promise, resolve } = Promise.withResolvers<number>();
    master.store.whenSafe(0, false, { settle: () => resolve([...ha.connections][0]!.sentOffset) });
    assertEquals(await promise, master.store.replicaLog.endOffset);
    assertEquals(await sent, PutStatus.PUT_OK);
    await following.stop();
    ha.close();
    await slave.store.close();
    await master.store.close();
  });
});

Deno.test("of a stretch with a record that cannot be taken those before it are, and another one can come in its place", async () => {
  await simWorld(4).run(async (world) => {
    const { node: master, master: ha } = await startMaster(world, "a");
    for (let n = 1; n <= 3; n++) await master.send("T", `message ${n}`);
    const bytes = await master.bytes();
    const second = bytes.length / 3;
    const slave = await Node.open(world.machine("b").boot(), { brokerRole: "SLAVE" });
    const wrong = bytes.slice();
    putI64(wrong, second + RecordAt.QUEUE_OFFSET, 20_000_000);
    assertThrows(() => slave.store.appendReplica(0, wrong), CorruptError, "queue offset 20000000");
    await world.until(() => slave.store.replicaLog.endOffset === second, "what came before");
    slave.store.appendReplica(second, bytes.subarray(second));
    await world.until(() => slave.store.maxOffset("T", 0) === 3, "the rest");
    assertEquals(await slave.bytes(), bytes);
    assertEquals(await readAll(slave, "T"), await readAll(master, "T"));
    ha.close();
    await slave.store.close();
    await master.store.close();
  });
});
