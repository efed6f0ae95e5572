import { assert, assertEquals } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { InFlightTable } from "../../../src/broker/pop/in_flight.ts";
import { ReviveLog } from "../../../src/broker/pop/revive_log.ts";
import { ackMessage, checkpointMessage, readReviveRecord } from "../../../src/broker/pop/revive_record.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { AppendResult, PullStatus, PutStatus } from "../../../src/store/store.ts";
import { bodies, type PopBench, withPopBroker } from "./pop_harness.ts";

const REVIVE = "rmq_sys_REVIVE_LOG_DefaultCluster";
const queue = { group: "G", topic: "T", queueId: 2 };

Deno.test("records are those of RocketMQ's brokers, and read back", () => {
  const checkpoint = { queue, startOffset: 100, popTimeMs: 5000, invisibleTimeMs: 3000, offsets: [100, 102, 105] };
  const message = checkpointMessage(checkpoint, "b");
  assertEquals(
    utf8Text(message.body),
    '{"bm":0,"bn":"b","c":"G","d":[0,2,5],"it":3000,"n":3,"pt":5000,"q":2,"ro":0,"so":100,"t":"T"}',
  );
  assertEquals(Object.fromEntries(message.properties), { TAGS: "ck", UNIQ_KEY: "T@2@100@G@5000@b@ck" });
  assertEquals(readReviveRecord(message), { kind: "checkpoint", checkpoint });

  const one = ackMessage({ queue, startOffset: 100, popTimeMs: 5000, offsets: [102] }, "b");
  assertEquals(utf8Text(one.body), '{"ao":102,"bn":"b","c":"G","pt":5000,"q":2,"so":100,"t":"T"}');
  assertEquals(Object.fromEntries(one.properties), { TAGS: "ack", UNIQ_KEY: "T@2@102@G@5000@b@ack" });
  const ack = { queue, startOffset: 100, popTimeMs: 5000, offsets: [100, 105] };
  const several = ackMessage(ack, "b");
  assertEquals(several.properties.get("UNIQ_KEY"), "T@2@[100, 105]@G@5000@bAck");
  assertEquals(readReviveRecord(several), { kind: "ack", ack });
});

Deno.test("a checkpoint with acknowledged bits, or without distances, is read as RocketMQ means it; damage is no record", () => {
  const read = (body: string, tag = "ck") =>
    readReviveRecord({ body: utf8(body), properties: new Map([["TAGS", tag]]) });
  const marked = read('{"bm":5,"c":"G","d":[0,1,2,4],"it":1,"n":4,"pt":2,"q":0,"so":10,"t":"T"}');
  assert(marked?.kind === "checkpoint");
  assertEquals(marked.checkpoint.offsets, [11, 14]);
  const plain = read('{"bm":0,"c":"G","it":1,"n":3,"pt":2,"q":0,"so":10,"t":"T"}');
  assert(plain?.kind === "checkpoint");
  assertEquals(plain.checkpoint.offsets, [10, 11, 12]);
  assertEquals(read("{"), null);
  assertEquals(read("{}", "other"), null);
});

/** What RocketMQ's broker writes to the revive queue of a pop. */
async function writeForeign({ client }: PopBench, tag: string, body: unknown, queueId = 3): Promise<void> {
  await client.send(REVIVE, JSON.stringify(body), { queueId, properties: { TAGS: tag, TIMER_OUT_MS: "1" } });
}

Deno.test("what another broker's timer delivers late is taken over: checkpoints, then their acknowledgements", async () => {
  await withPopBroker(async (bench) => {
    const { client, world } = bench;
    await client.makeTopic("T", 1);
    for (let i = 0; i < 4; i++) await client.send("T", `m${i}`);
    // The other broker's consumer has popped all four.
    assertEquals((await client.pop({ invisibleTime: 3_600_000 })).messages.length, 4);
    const target = { consumerGroup: "G", topic: "T", queueId: "0" };
    const common = { c: "G", t: "T", q: 0, so: 0, pt: world.clock.now() - 60_000, bn: "broker-a" };
    for (const queueId of [3, 0]) {
      const first = queueId === 3 ? 0 : 2;
      await writeForeign(bench, "ck", { ...common, so: first, bm: 0, d: [0, 1], it: 60_000, n: 2, ro: 0 }, queueId);
      await writeForeign(bench, "ack", { ...common, so: first, ao: first + 1 }, queueId);
    }
    await world.clock.sleep(3500);
    assertEquals(bodies(await client.pop({ invisibleTime: 60_000 })).sort(), ["m0", "m2"]);
    await world.clock.sleep(1000);
    const offset = await client.ask(14, {
      ...target,
      consumerGroup: "CID_RMQ_SYS_REVIVE_GROUP",
      topic: REVIVE,
      queueId: "3",
    });
    assertEquals(offset.ext.offset, "2");
  });
});

Deno.test("what another broker left in its revive queues is in flight after a start", async () => {
  await withPopBroker(async (bench) => {
    const { client, world, restart } = bench;
    await client.makeTopic("T", 1);
    for (let i = 0; i < 4; i++) await client.send("T", `m${i}`);
    await client.pop({ topic: "T", group: "G", queueId: 0, initMode: 1, exp: "none", expType: "TAG" });
    const target = { consumerGroup: "G", topic: "T", queueId: "0" };
    await client.ask(15, { ...target, commitOffset: "4" });
    const common = { c: "G", t: "T", q: 0, so: 1, pt: world.clock.now(), bn: "broker-a" };
    await writeForeign(bench, "ck", { ...common, bm: 0, d: [0, 1, 2], it: 5000, n: 3, ro: 0 }, 3);
    await writeForeign(bench, "bAck", { ...common, ao: -1, aol: [1, 3] }, 3);
    await bench.bench.broker.stop();
    await restart({ brokerClusterName: "DefaultCluster" });
    await world.clock.sleep(4000);
    assertEquals(bodies(await client.pop()), []);
    await world.clock.sleep(1100);
    assertEquals(bodies(await client.pop()), ["m2"]);
    await bench.bench.broker.stop();
    await restart({ brokerClusterName: "DefaultCluster" });
    assertEquals(bodies(await client.pop()), [], "taken over once");
  }, { brokerClusterName: "Before" });
});

/** A revive log whose queue 3 has got a record of another broker, and what `safe` answers one after the other. */
function foreignRecord(clock: SimClock, answers: PutStatus[]) {
  const committed: number[] = [];
  let asked = 0;
  const log = new ReviveLog({
    store: {
      queue: () => null,
      queuesOf: () => [],
      minOffset: () => 0,
      maxOffset: (_topic, queueId) => queueId === 3 ? 1 : 0,
      pull: () => PullStatus.NO_MATCHED_MESSAGE,
      load: () => Promise.resolve(),
      problem: () => "",
      sync: () => Promise.resolve(),
    },
    put: {
      putAsIs: () => ({ status: PutStatus.PUT_OK, refusal: null, result: new AppendResult() }),
      safe: async () => {
        await clock.sleep(50);
        return answers[Math.min(asked++, answers.length - 1)]!;
      },
    },
    offsets: {
      query: () => -1,
      commit: (_group, _topic, _queueId, offset) => committed.push(offset) > 0,
    },
    table: new InFlightTable(),
    undo: { add: () => {} },
    log: SILENT_LOG,
    topic: REVIVE,
    brokerName: "b",
    host: { hostBytes: new Uint8Array(4), port: 1 },
    now: () => clock.now(),
  });
  log.checkpoint({ queue, startOffset: 1, popTimeMs: 1, invisibleTimeMs: 1000, offsets: [1] });
  log.arrived(3);
  return { log, committed, asked: () => asked };
}

Deno.test("records of another queue count as taken over only when every replica that is waited for has them", async () => {
  const clock = new SimClock();
  const late = [PutStatus.FLUSH_SLAVE_TIMEOUT, PutStatus.FLUSH_DISK_TIMEOUT, PutStatus.PUT_OK];
  const { committed, asked } = foreignRecord(clock, late);
  await clock.advance(120);
  assertEquals([committed, asked()], [[], 2], "slaves copy the offset");
  await clock.advance(100);
  assertEquals([committed, asked()], [[1], 3]);
});

Deno.test("a stop does not wait for replicas that have not come, and commits nothing", async () => {
  const clock = new SimClock();
  const { log, committed } = foreignRecord(clock, [PutStatus.FLUSH_SLAVE_TIMEOUT]);
  await clock.advance(120);
  const stopped = log.stop();
  await clock.advance(100);
  await stopped;
  assertEquals(committed, []);
});
