/** POP's progress, which slaves copy: it is never ahead of the log that they have. */
import { assertEquals } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { RequestCode } from "../../../src/protocol/codes.ts";
import { bodies, type PopBench, withPopBroker } from "./pop_harness.ts";

const SYNC_MASTER = { brokerRole: "SYNC_MASTER" };

/** A replica that has the log at once, but while it is held. */
function replicaOf({ bench }: PopBench): { hold(): void; release(): void } {
  const store = bench.broker.store!;
  let end = Infinity;
  store.attachReplicas({ available: () => true, replicatedOffset: () => end, refusal: () => null });
  return {
    hold: () => end = store.replicaLog.endOffset,
    release: () => {
      end = Infinity;
      store.replicasChanged();
    },
  };
}

/** What a slave would copy. */
async function offsetOf({ client }: PopBench, topic: string): Promise<number> {
  const ext = { consumerGroup: "G", topic, queueId: "0" };
  return Number((await client.ask(RequestCode.QUERY_CONSUMER_OFFSET, ext)).ext.offset);
}

Deno.test("the offset of a popping group follows when the replicas have what is in flight", async () => {
  await withPopBroker(async (bench) => {
    const { client, world } = bench;
    const replica = replicaOf(bench);
    await client.makeTopic("T", 1);
    for (let i = 0; i < 3; i++) await client.send("T", `m${i}`);
    assertEquals(bodies(await client.pop({ maxMsgNums: 1 })), ["m0"]);
    await world.clock.sleep(500);
    assertEquals(await offsetOf(bench, "T"), 1);
    replica.hold();
    const popped = client.pop({ maxMsgNums: 1 });
    await world.clock.sleep(2000);
    assertEquals(await offsetOf(bench, "T"), 1, "a slave that takes over would not know of m1");
    replica.release();
    assertEquals(bodies(await popped), ["m1"]);
    await world.clock.sleep(500);
    assertEquals(await offsetOf(bench, "T"), 2);
  }, SYNC_MASTER);
});

Deno.test("retries count as brought to pulling members when the replicas have them there", async () => {
  await withPopBroker(async (bench) => {
    const { client, world } = bench;
    const replica = replicaOf(bench);
    await client.makeTopic("T", 1);
    await client.send("T", "m0");
    await client.pop({ invisibleTime: 100 });
    await world.clock.sleep(1000);
    const before = await offsetOf(bench, "%RETRY%G_T");
    replica.hold();
    const body = utf8(JSON.stringify({ topic: "T", consumerGroup: "G", mode: "PULL", popShareQueueNum: 0 }));
    let code = -1;
    const set = client.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, body).then((reply) => code = reply.code);
    await world.clock.sleep(5000);
    assertEquals([code, await offsetOf(bench, "%RETRY%G_T")], [-1, before]);
    replica.release();
    await set;
    assertEquals(code, 0);
    await world.clock.sleep(500);
    assertEquals(await offsetOf(bench, "%RETRY%G_T"), before + 1);
    assertEquals(bodies(await client.pop({ topic: "%RETRY%G", group: "Reader" })), ["m0"]);
  }, SYNC_MASTER);
});

Deno.test("a broker that stops waits neither with POP's progress nor with retries for a replica that does not come", async () => {
  await withPopBroker(async (bench) => {
    const { client, world } = bench;
    const replica = replicaOf(bench);
    await client.makeTopic("T", 1);
    for (let i = 0; i < 2; i++) await client.send("T", `m${i}`);
    await client.pop({ maxMsgNums: 1, invisibleTime: 100 });
    await world.clock.sleep(1000);
    replica.hold();
    const body = utf8(JSON.stringify({ topic: "T", consumerGroup: "G", mode: "PULL", popShareQueueNum: 0 }));
    const asked = Promise.allSettled([
      client.pop({ maxMsgNums: 1 }),
      client.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, body),
    ]);
    await world.clock.sleep(1000);
    const startMs = world.clock.monotonicMs();
    await bench.bench.broker.stop();
    const tookMs = world.clock.monotonicMs() - startMs;
    assertEquals(tookMs < 1000, true, `it took ${tookMs} ms`);
    await asked;
    await bench.restart();
    await world.clock.sleep(10);
    assertEquals(await offsetOf(bench, "T"), 1);
  }, SYNC_MASTER);
});
