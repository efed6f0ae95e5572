/**
 * Ends of transactions, sent by hand: twice, late, by the original and by a copy, before and after a restart.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { type SimWorld, simWorld } from "../../support/world.ts";
import { type BenchBroker, goldenFrame, type Peer, startBenchBroker } from "./broker_bench.ts";

const COMMIT = "8";
const ROLLBACK = "12";
const GROUP = "TPG_550";
const HALF = "000310-send-v2-transaction-half-5.5.0";

/** A half by its two offsets, as an end names it. */
interface Half {
  readonly tranStateTableOffset: string;
  readonly commitLogOffset: string;
}

async function sendHalf(peer: Peer): Promise<Half> {
  const { ext } = await peer.replay(HALF);
  return {
    tranStateTableOffset: ext.queueOffset!,
    commitLogOffset: String(Number(`0x${ext.msgId!.slice(16)}`)),
  };
}

/** Ends a transaction and waits for the answer. */
function end(peer: Peer, half: Half, commitOrRollback: string, more: Readonly<Record<string, string>> = {}) {
  const { tranStateTableOffset, commitLogOffset } = half;
  const rest = { producerGroup: GROUP, commitOrRollback, fromTransactionCheck: "false", msgId: "x" };
  return peer.ask(37, { tranStateTableOffset, commitLogOffset, ...rest, ...more });
}

function beat(peer: Peer): Promise<unknown> {
  const text = JSON.stringify({ clientID: "c@t", consumerDataSet: [], producerDataSet: [{ groupName: GROUP }] });
  return peer.ask(34, {}, new TextEncoder().encode(text));
}

/** How many messages were delivered. */
async function delivered(peer: Peer): Promise<number> {
  return Number((await peer.ask(30, { topic: "Topic550", queueId: "3" })).ext.offset);
}

/** Waits until the broker asks for the state of a transaction. */
async function nextCheck(world: SimWorld, peer: Peer): Promise<Half> {
  const before = peer.received.length;
  while (peer.received.length === before) {
    await world.clock.sleep(5000);
    await beat(peer);
  }
  return peer.received.at(-1)!.ext as unknown as Half;
}

async function withBroker(
  test: (world: SimWorld, bench: BenchBroker, peer: Peer) => Promise<void>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  await simWorld(1, { limitMs: 3_600_000 }).run(async (world) => {
    const bench = await startBenchBroker(world, overrides);
    const peer = await bench.connect("producer");
    await beat(peer);
    await test(world, bench, peer);
  });
}

Deno.test("a transaction that was committed twice is delivered once, and a rollback after it changes nothing", async () => {
  await withBroker(async (_world, _bench, peer) => {
    const half = await sendHalf(peer);
    assertEquals(await delivered(peer), 0);
    for (const what of [COMMIT, COMMIT, ROLLBACK]) assertEquals((await end(peer, half, what)).code, 0);
    assertEquals(await delivered(peer), 1);
  });
});

Deno.test("an end that names the wrong half, group or offset is refused in RocketMQ's words", async () => {
  await withBroker(async (_world, _bench, peer) => {
    const half = await sendHalf(peer);
    const remarkOf = async (more: Readonly<Record<string, string>>) => {
      const { code, remark } = await end(peer, half, COMMIT, more);
      return [code, remark];
    };
    assertEquals(await remarkOf({ producerGroup: "other" }), [1, "The producer group wrong"]);
    assertEquals(await remarkOf({ tranStateTableOffset: "7" }), [1, "The transaction state table offset wrong"]);
    assertEquals(await remarkOf({ commitLogOffset: "99999" }), [1, "Find prepared transaction message failed"]);
    await peer.replay("000310-send-v2-5.5.0");
    assertEquals(await delivered(peer), 0);
  });
});

for (const restarts of [false, true]) {
  const when = restarts ? "after a restart" : "in one life";
  Deno.test(`a check's answer and the producer's own late end deliver once, ${when}`, async () => {
    await withBroker(async (world, bench, first) => {
      let peer = first;
      const half = await sendHalf(peer);
      const copy = await nextCheck(world, peer);
      assertEquals(Number(copy.tranStateTableOffset), Number(half.tranStateTableOffset) + 1);
      if (restarts) {
        bench.process.kill();
        peer = await (await startBenchBroker(world)).connect("producer");
        await beat(peer);
      }
      assertEquals((await end(peer, copy, COMMIT, { fromTransactionCheck: "true" })).code, 0);
      assertEquals(await delivered(peer), 1);
      await end(peer, half, COMMIT);
      await world.clock.sleep(70_000); // two rounds: what has ended is passed
      await end(peer, half, COMMIT);
      assertEquals(await delivered(peer), 1);
    });
  });

  Deno.test(`an end of the original ends its copy, which is not asked for again, ${when}`, async () => {
    await withBroker(async (world, bench, first) => {
      let peer = first;
      const half = await sendHalf(peer);
      await nextCheck(world, peer);
      if (restarts) {
        bench.process.kill();
        peer = await (await startBenchBroker(world)).connect("producer");
        await beat(peer);
      }
      assertEquals((await end(peer, half, ROLLBACK)).code, 0);
      const before = peer.received.length;
      for (let i = 0; i < 6; i++) {
        await world.clock.sleep(20_000);
        await beat(peer);
      }
      assertEquals([peer.received.length, await delivered(peer)], [before, 0]);
    });
  });
}

Deno.test("what was ended long ago and forgotten is refused, with the reason", async () => {
  await withBroker(async (world, bench, peer) => {
    const half = await sendHalf(peer);
    await end(peer, half, ROLLBACK);
    for (let i = 0; i < 4; i++) {
      await world.clock.sleep(20_000);
      await beat(peer);
    }
    await bench.broker.stop();
    const later = await (await startBenchBroker(world)).connect("producer");
    const { code, remark } = await end(later, half, COMMIT);
    assertEquals(code, 604);
    assertStringIncludes(remark!, "the transaction is over");
    assertEquals(await delivered(later), 0);
  });
});

Deno.test("a half with a delay is refused: a transaction cannot be delayed", async () => {
  await withBroker(async (_world, _bench, peer) => {
    const { properties = "" } = { properties: goldenFrame(HALF).request.ext.i };
    const answer = await peer.replayWith(HALF, { i: `${properties}DELAY\x013\x02` });
    assertEquals(answer.code, 13);
    assertStringIncludes(answer.remark!, "cannot be delayed");
  });
});

Deno.test("an end that comes later than the immunity that its message wants is refused: the broker will ask", async () => {
  await withBroker(async (world, _bench, peer) => {
    const properties = goldenFrame(HALF).request.ext.i!;
    const g = String(world.clock.now());
    const { ext } = await peer.replayWith(HALF, { g, i: `${properties}CHECK_IMMUNITY_TIME_IN_SECONDS\x0110\x02` });
    const half = { tranStateTableOffset: "0", commitLogOffset: String(Number(`0x${ext.msgId!.slice(16)}`)) };
    await world.clock.sleep(10_100);
    assertEquals((await end(peer, half, COMMIT)).code, 604);
    assertEquals((await end(peer, half, COMMIT, { fromTransactionCheck: "true" })).code, 0);
    assertEquals(await delivered(peer), 1);
  });
});

Deno.test("on a slow disk a producer is asked when its answer can be taken, and not again then", async () => {
  await withBroker(async (world, _bench, peer) => {
    await sendHalf(peer);
    world.machine("broker").disk.faults.slow({ operation: "sync", latencyMs: 300 });
    const copy = await nextCheck(world, peer);
    assertEquals((await end(peer, copy, COMMIT, { fromTransactionCheck: "true" })).code, 0);
    await world.clock.sleep(1000);
    assertEquals(await delivered(peer), 1);
    const before = peer.received.length;
    for (let i = 0; i < 6; i++) {
      await world.clock.sleep(20_000);
      await beat(peer);
    }
    assertEquals(peer.received.length, before);
  }, { flushDiskType: "SYNC_FLUSH" });
});

Deno.test("an end that overtakes the sync of a half that nobody waited for waits for it", async () => {
  await withBroker(async (world, _bench, peer) => {
    const half = await sendHalf(peer);
    world.machine("broker").disk.faults.slow({ operation: "sync", latencyMs: 300 });
    const { i: properties = "" } = goldenFrame(HALF).request.ext;
    const { ext } = await peer.replayWith(HALF, { i: properties.replace("WAIT\x01true", "WAIT\x01false") });
    const unsynced = {
      tranStateTableOffset: ext.queueOffset!,
      commitLogOffset: String(Number(`0x${ext.msgId!.slice(16)}`)),
    };
    assertEquals(Number(unsynced.tranStateTableOffset), Number(half.tranStateTableOffset) + 1);
    assertEquals((await end(peer, unsynced, COMMIT)).code, 0);
    await world.clock.sleep(1000);
    assertEquals(await delivered(peer), 1);
  }, { flushDiskType: "SYNC_FLUSH" });
});

/** While it holds, no turn can be written. */
function fullDisk(bench: BenchBroker) {
  return (bench.process.disk as SimDisk).faults.fail({ path: /commitlog/, operation: "write", fault: "no-space" });
}

Deno.test("a commit that found no space is refused, and taken when there is some", async () => {
  await withBroker(async (_world, bench, peer) => {
    const half = await sendHalf(peer);
    const full = fullDisk(bench);
    assertEquals((await end(peer, half, COMMIT)).code, 14);
    full.cancel();
    assertEquals([(await end(peer, half, COMMIT)).code, await delivered(peer)], [0, 1]);
    assertEquals([(await end(peer, half, COMMIT)).code, await delivered(peer)], [0, 1]);
  });
});

Deno.test("a commit whose op record alone would need a new segment that cannot be made is refused as a whole", async () => {
  await withBroker(async (_world, bench, peer) => {
    const segmentBytes = 4 * 1024 * 1024;
    const { request } = goldenFrame("000310-send-v2-5.5.0");
    const send = async (bodyBytes: number) => {
      const { ext } = await peer.ask(310, request.ext, new Uint8Array(bodyBytes));
      return Number(`0x${ext.msgId!.slice(16)}`);
    };
    const half = await sendHalf(peer);
    const first = await send(1);
    const overhead = await send(1) - first - 1;
    const halfBytes = first - Number(half.commitLogOffset);
    // What is left of the segment takes the message, and not the record that its transaction has ended as well.
    const tail = await send(1) + overhead + 1;
    const bulk = segmentBytes - tail - 2 * overhead - halfBytes - 40;
    for (const bytes of [bulk >> 1, bulk - (bulk >> 1)]) await send(bytes);
    const before = await delivered(peer);
    const fault = { path: /commitlog\/0+4194304/, operation: "create", fault: "no-space" } as const;
    const full = (bench.process.disk as SimDisk).faults.fail(fault);
    assertEquals((await end(peer, half, COMMIT)).code !== 0, true);
    assertEquals(await delivered(peer), before);
    full.cancel();
    assertEquals([(await end(peer, half, COMMIT)).code, await delivered(peer)], [0, before + 1]);
    assertEquals([(await end(peer, half, COMMIT)).code, await delivered(peer)], [0, before + 1]);
  });
});

Deno.test("a half that found no space to be stored again for its check is not forgotten", async () => {
  await withBroker(async (world, bench, peer) => {
    await sendHalf(peer);
    const full = fullDisk(bench);
    for (let i = 0; i < 10; i++) {
      await world.clock.sleep(5000);
      await beat(peer);
    }
    assertEquals(peer.received.length, 0);
    full.cancel();
    const check = await nextCheck(world, peer);
    assertEquals((await end(peer, check, COMMIT, { fromTransactionCheck: "true" })).code, 0);
    assertEquals(await delivered(peer), 1);
  });
});

Deno.test("an end that says neither commit nor rollback is refused; one that does not know yet is not answered", async () => {
  await withBroker(async (world, bench, peer) => {
    const half = await sendHalf(peer);
    const { code, remark } = await end(peer, half, "99");
    assertEquals(code, 1);
    assertStringIncludes(remark!, "commitOrRollback field wrong");
    const unsure = await bench.connect("unsure");
    let isAnswered = false;
    const silence = end(unsure, half, "0").then(() => void (isAnswered = true), () => {});
    await world.clock.sleep(1000);
    assertEquals(isAnswered, false);
    await end(peer, half, COMMIT);
    assertEquals(await delivered(peer), 1);
    unsure.close();
    await silence;
  });
});
