import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { concatBytes, utf8 } from "../../../src/common/bytes.ts";
import type { Socket } from "../../../src/common/net.ts";
import { encodeReport, FrameReader } from "../../../src/store/ha_protocol.ts";
import { PutStatus } from "../../../src/store/store.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { HA_PORT, type Node, startMaster } from "./ha_world.ts";

/** A slave by hand: sends any report, keeps what comes. */
class HandSlave {
  readonly frames: { offset: number; size: number; atMs: number }[] = [];
  readonly bodies: Uint8Array[] = [];
  closed = false;

  private constructor(readonly socket: Socket, world: SimWorld) {
    this.#read(world);
  }

  static async connect(world: SimWorld, machine: string): Promise<HandSlave> {
    const { net } = world.machine(machine).boot();
    return new HandSlave(await net.connect({ host: world.machine("a").ip, port: HA_PORT }, 1000), world);
  }

  async report(offset: number): Promise<void> {
    await this.socket.write(encodeReport(offset));
  }

  async #read(world: SimWorld): Promise<void> {
    const reader = new FrameReader();
    for (;;) {
      const count = await this.socket.read(reader.room()).catch(() => null);
      if (count === null) break;
      reader.filled(count);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        this.frames.push({ offset: frame.physicalOffset, size: frame.body.length, atMs: world.clock.monotonicMs() });
        this.bodies.push(frame.body.slice());
      }
    }
    this.closed = true;
  }
}

/** As a client sends it: sizes of frame and header, the header in JSON. */
const CLIENT_REQUEST = concatBytes([new Uint8Array([0, 0, 0, 16, 0, 0, 0, 12]), utf8('{"code":105}')]);

const KNOWN = { slavesAt: () => 1 };

async function filled(world: SimWorld, count: number, parts = {}) {
  const started = await startMaster(world, "a", { brokerRole: "SYNC_MASTER" }, {}, parts);
  for (let n = 0; n < count; n++) void started.node.send("T", `message ${n} ${"x".repeat(400)}`);
  await world.clock.sleep(1);
  return started;
}

async function end(node: Node, ...slaves: HandSlave[]): Promise<void> {
  for (const slave of slaves) slave.socket.close();
  await node.store.close();
}

Deno.test("a slave without a log is sent the newest file, another one what it lacks, in frames of at most haTransferBatchSize", async () => {
  await simWorld(11).run(async (world) => {
    const { node, master } = await filled(world, 60);
    const { replicaLog } = node.store;
    const start = replicaLog.newestFileOffset;
    assert(start > 0 && start % 16384 === 0);
    const empty = await HandSlave.connect(world, "b");
    await world.clock.sleep(500);
    assertEquals(empty.frames, [], "nothing comes before the first report");
    await empty.report(0);
    const behind = await HandSlave.connect(world, "c");
    await behind.report(16384);
    await world.clock.sleep(50);
    const size = (slave: HandSlave) => concatBytes(slave.bodies).length;
    assertEquals([empty.frames[0]!.offset, size(empty)], [start, replicaLog.endOffset - start]);
    assertEquals([behind.frames[0]!.offset, size(behind)], [16384, replicaLog.endOffset - 16384]);
    assertEquals(concatBytes(behind.bodies), await replicaLog.bytes(16384, replicaLog.endOffset - 16384));
    for (const { offset, size } of behind.frames) {
      assert(Math.floor(offset / 16384) === Math.floor((offset + size - 1) / 16384), "a frame is of one file");
    }
    master.close();
    await end(node, empty, behind);
  });
});

Deno.test("a replica that could be elected is sent the whole log when it has none: what is acknowledged may be in its oldest file", async () => {
  await simWorld(12).run(async (world) => {
    const { node, master } = await filled(world, 60);
    const { replicaLog } = node.store;
    assert(replicaLog.newestFileOffset > 0);
    const empty = await HandSlave.connect(world, "b");
    master.identify({ end: empty.socket.local, replicaId: 2 });
    await empty.report(0);
    await world.clock.sleep(50);
    assertEquals(empty.frames[0]!.offset, 0);
    assertEquals(concatBytes(empty.bodies), await replicaLog.bytes(0, replicaLog.endOffset));
    master.close();
    await end(node, empty);
  });
});

Deno.test("a quiet master sends a heartbeat every 5 s and closes a connection that is quiet for 20 s", async () => {
  await simWorld(12).run(async (world) => {
    const { node, master } = await filled(world, 3);
    const slave = await HandSlave.connect(world, "b");
    await slave.report(node.store.replicaLog.endOffset);
    await world.clock.sleep(16_500);
    assertEquals(slave.frames.map(({ offset, size }) => [offset, size]), [
      [node.store.replicaLog.endOffset, 0],
      [node.store.replicaLog.endOffset, 0],
      [node.store.replicaLog.endOffset, 0],
    ]);
    await world.until(() => slave.closed, "the end", 6000);
    assertEquals(master.connections.size, 0);
    master.close();
    await end(node, slave);
  });
});

Deno.test("reports that no slave of this master can make close the connection and move no promise", async () => {
  await simWorld(13).run(async (world) => {
    const { node, master } = await filled(world, 60, KNOWN);
    const { endOffset } = node.store.replicaLog;
    const beyond = await HandSlave.connect(world, "b");
    await beyond.report(endOffset + 1);
    await world.until(() => beyond.closed, "the refusal");

    const liar = await HandSlave.connect(world, "c");
    await liar.report(endOffset);
    await world.clock.sleep(5);
    const late = node.send("T", "who has it?");
    await liar.report(2 ** 40);
    await world.until(() => liar.closed, "the refusal");
    assertEquals(await late, PutStatus.SLAVE_NOT_AVAILABLE);
    assertEquals(master.gate.liveReplicas(), 1);
    master.close();
    await end(node);
  });
});

Deno.test("a stranger is served but moves no promise; identified, its acknowledgements count", async () => {
  await simWorld(14).run(async (world) => {
    const { node, master } = await filled(world, 3, { slavesAt: () => 0 });
    const slave = await HandSlave.connect(world, "b");
    await slave.report(node.store.replicaLog.endOffset);
    await world.clock.sleep(5);
    assertEquals(await node.send("T", "a stranger has it"), PutStatus.SLAVE_NOT_AVAILABLE);
    await world.clock.sleep(5);
    assertEquals(concatBytes(slave.bodies).length > 0, true, "it is served all the same");

    master.identify({ end: slave.socket.local, replicaId: null });
    await slave.report(node.store.replicaLog.endOffset);
    const safe = node.send("T", "a slave has it");
    await world.clock.sleep(5);
    await slave.report(node.store.replicaLog.endOffset);
    assertEquals(await safe, PutStatus.PUT_OK);
    master.close();
    await end(node, slave);
  });
});

Deno.test("from the host of one Java slave one connection counts, and the next when that is gone", async () => {
  await simWorld(18).run(async (world) => {
    const { node, master } = await filled(world, 3, KNOWN);
    const slave = await HandSlave.connect(world, "b");
    const stranger = await HandSlave.connect(world, "b");
    for (const each of [slave, stranger]) await each.report(node.store.replicaLog.endOffset);
    await world.clock.sleep(5);
    master.reviewTrust();
    assertEquals([...master.connections].map(({ isKnown }) => isKnown), [true, false]);
    slave.socket.close();
    await world.until(() => master.connections.size === 1, "the end of the slave's connection");
    master.reviewTrust();
    assertEquals([...master.connections].map(({ isKnown }) => isKnown), [true]);
    master.close();
    await end(node, stranger);
  });
});

Deno.test("any number of strangers, silent or with garbage, keep no slave away", async () => {
  await simWorld(19).run(async (world) => {
    const { node, master } = await filled(world, 3, {
      slavesAt: (host: string) => host === world.machine("b").ip ? 1 : 0,
    });
    const garbage = new Uint8Array(64).fill(0xff);
    const strangers = [];
    for (let i = 0; i < 100; i++) {
      const stranger = await HandSlave.connect(world, "c");
      if (i % 2 === 0) await stranger.socket.write(garbage).catch(() => {});
      strangers.push(stranger);
    }
    const slave = await HandSlave.connect(world, "b");
    await slave.report(node.store.replicaLog.endOffset);
    await world.clock.sleep(5);
    assertEquals(master.gate.liveReplicas(), 2);
    assertEquals(master.connections.size <= 64, true);
    const safe = node.send("T", "a slave has it");
    await world.clock.sleep(5);
    await slave.report(node.store.replicaLog.endOffset);
    assertEquals(await safe, PutStatus.PUT_OK);
    master.close();
    await end(node, slave, ...strangers);
  });
});

Deno.test("an address that is not allowed is not served", async () => {
  await simWorld(15).run(async (world) => {
    const { node, master } = await filled(world, 3, { isAllowed: (host: string) => host !== world.machine("b").ip });
    const slave = await HandSlave.connect(world, "b");
    await world.until(() => slave.closed, "the refusal");
    const other = await HandSlave.connect(world, "c");
    await other.report(0);
    await world.until(() => other.frames.length > 0, "frames");
    master.close();
    await end(node, other);
  });
});

Deno.test("flow control lets through so many bytes in a second and no more", async () => {
  await simWorld(16).run(async (world) => {
    const { node, master } = await startMaster(world, "a", {}, {
      haFlowControlEnable: true,
      maxHaTransferByteInSecond: 5000,
    });
    for (let n = 0; n < 24; n++) void node.send("T", `message ${n} ${"x".repeat(500)}`);
    await world.clock.sleep(1);
    const slave = await HandSlave.connect(world, "b");
    await slave.report(0);
    const { endOffset } = node.store.replicaLog;
    assert(endOffset > 10_000 && endOffset < 16384);
    await world.clock.sleep(800);
    assertEquals(concatBytes(slave.bodies).length, 5000);
    await world.until(() => concatBytes(slave.bodies).length === endOffset, "everything", 5000);
    const startMs = slave.frames[0]!.atMs;
    assert(slave.frames.at(-1)!.atMs - startMs > 1000);
    master.close();
    await end(node, slave);
  });
});

Deno.test("with fewer replicas than minInSyncReplicas messages are refused before they are written", async () => {
  await simWorld(17).run(async (world) => {
    const { node, master } = await startMaster(world, "a", { brokerRole: "SYNC_MASTER" }, {
      inSyncReplicas: 2,
      minInSyncReplicas: 2,
    });
    assertEquals(await node.send("T", "alone"), PutStatus.IN_SYNC_REPLICAS_NOT_ENOUGH);
    assertEquals(node.store.replicaLog.endOffset, 0);
    const slave = await HandSlave.connect(world, "b");
    await slave.report(0);
    await world.clock.sleep(5);
    const safe = node.send("T", "not alone");
    await world.clock.sleep(5);
    await slave.report(node.store.replicaLog.endOffset);
    assertEquals(await safe, PutStatus.PUT_OK);
    const stuck = node.send("T", "the slave goes");
    await world.clock.sleep(5);
    slave.socket.close();
    assertEquals(await stuck, PutStatus.FLUSH_SLAVE_TIMEOUT);
    assertEquals(node.store.maxOffset("T", 0), 1, "readers do not get what too few have");
    master.close();
    await end(node);
  });
});

Deno.test("a connection that was no slave's is told as one, with what came, or that nothing came", async () => {
  await simWorld(33).run(async (world) => {
    const { node, master } = await filled(world, 1);
    const last = () => world.logLines.findLast((line) => line.includes(" closed: ")) ?? "";
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [
        utf8("GET / HTTP/1.1\r\n"),
        'no slave\'s, closed: an offset is out of range; what came was "GET / HTTP/1.1\\r\\n"',
      ],
      [utf8("hi"), 'no slave\'s, closed: closed by the other side; what came was "hi"'],
      [new Uint8Array([22, 3, 1, 2]), "what came was 16 03 01 02"],
      [new Uint8Array(0), "closed by the other side; nothing came"],
      [
        CLIENT_REQUEST,
        "a client's request: this is the port for slaves (haListenPort), not that for clients; what came was 00 00",
      ],
    ];
    for (const [bytes, expected] of cases) {
      const stranger = await HandSlave.connect(world, "b");
      for (let sent = 0; sent < bytes.length;) sent += await stranger.socket.write(bytes.subarray(sent));
      await world.clock.sleep(100);
      stranger.socket.close();
      await world.until(() => master.connections.size === 0, "the end");
      assertStringIncludes(last(), expected);
      assert(!last().includes("HA connection to slave"), last());
    }
    const silent = await HandSlave.connect(world, "b");
    await world.until(() => silent.closed, "the end", 30_000);
    assertMatch(last(), /no slave's, closed: no report for \d+ ms; nothing came: a look whether the port is open/);
    assertMatch(last(), /\bINFO\b/, "a load balancer looks every few seconds");
    const slave = await HandSlave.connect(world, "b");
    await slave.report(0);
    await world.clock.sleep(100);
    slave.socket.close();
    await world.until(() => master.connections.size === 0, "the end");
    assertStringIncludes(last(), "HA connection to slave ");
    master.close();
    await end(node);
  });
});
