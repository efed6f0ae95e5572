/**
 * POP on a disk that is full: the store takes whole turns back, and with them must go what POP noted of them. Nothing is lost
 * then, and nothing that was acknowledged with SUCCESS comes again. More with `POP_SEEDS=40`.
 */
import { assert, assertEquals } from "@std/assert";
import type { SimDisk } from "../../../src/common/disk_sim.ts";
import { utf8 } from "../../../src/common/bytes.ts";
import { RequestCode, ResponseCode } from "../../../src/protocol/codes.ts";
import { bodies, type PopBench, type Popped, withPopBroker } from "./pop_harness.ts";

const SEEDS = Number(Deno.env.get("POP_SEEDS") ?? 6);

/** While it holds, no turn can be written; with `nth`, one cannot. */
function fullDisk({ bench }: PopBench, nth?: number) {
  const rule = { path: /commitlog/, operation: "write", fault: "no-space" } as const;
  return (bench.process.disk as SimDisk).faults.fail(nth === undefined ? rule : { ...rule, nth });
}

/** The broker ends in one way or the other and begins again; the client has heard of it then. */
async function restartAfter(bench: PopBench, end: () => Promise<void> | void): Promise<void> {
  await end();
  await bench.restart();
  await bench.world.clock.sleep(10);
}

function killAndRestart(bench: PopBench): Promise<void> {
  return restartAfter(bench, () => bench.bench.process.kill());
}

async function withMessages(count: number, test: (bench: PopBench) => Promise<void>): Promise<void> {
  await withPopBroker(async (bench) => {
    await bench.client.makeTopic("T", 1);
    for (let i = 0; i < count; i++) await bench.client.send("T", `m${i}`);
    await test(bench);
  });
}

Deno.test("a message that found no space to come again comes when there is some, once", async () => {
  await withMessages(1, async (bench) => {
    const { client, world } = bench;
    await client.pop({ invisibleTime: 10_000 });
    const full = fullDisk(bench);
    await world.clock.sleep(30_000);
    assertEquals(bodies(await client.pop()), []);
    full.cancel();
    const again = await client.pop({ pollTime: 5000 });
    assertEquals(again.messages.map(({ body, reconsumeTimes }) => [body, reconsumeTimes]), [["m0", 1]]);
    assertEquals((await client.ack(again.messages[0]!)).code, 0);
    await world.clock.sleep(60_000);
    assertEquals(bodies(await client.pop()), []);
    await killAndRestart(bench);
    await world.clock.sleep(60_000);
    assertEquals(bodies(await client.pop()), []);
  });
});

Deno.test("one write that fails while messages come again delays them by a second at most", async () => {
  await withMessages(3, async (bench) => {
    const { client, world } = bench;
    await client.pop({ invisibleTime: 10_000 });
    fullDisk(bench, 1);
    await world.clock.sleep(11_100);
    assertEquals(bodies(await client.pop()), ["m0", "m1", "m2"]);
    assertEquals(bodies(await client.pop()), [], "each is there once");
  });
});

Deno.test("a pop that found no space is refused, its messages come to the next, and the offset stays before them", async () => {
  await withMessages(3, async (bench) => {
    const { client, world } = bench;
    const [first] = (await client.pop({ maxMsgNums: 1 })).messages;
    assertEquals((await client.ack(first!)).code, 0);
    const full = fullDisk(bench);
    const refused = await client.pop();
    assertEquals([refused.code, refused.messages.length], [ResponseCode.SYSTEM_ERROR, 0]);
    await world.clock.sleep(1000);
    full.cancel();
    // The log grows beyond where the turn would have ended.
    await client.send("T", "m3");
    // Offsets are saved every five seconds.
    await world.clock.sleep(6000);
    await killAndRestart(bench);
    const popped = await client.pop();
    assertEquals(bodies(popped), ["m1", "m2", "m3"]);
    for (const message of popped.messages) assertEquals((await client.ack(message)).code, 0);
    await world.clock.sleep(60_000);
    assertEquals(bodies(await client.pop()), []);
  });
});

Deno.test("an acknowledgement that found no space is refused; repeated it counts, and without it the message comes again", async () => {
  await withMessages(2, async (bench) => {
    const { client, world } = bench;
    const { messages } = await client.pop({ invisibleTime: 10_000 });
    const full = fullDisk(bench);
    for (const message of messages) assertEquals((await client.ack(message)).code, ResponseCode.SYSTEM_ERROR);
    full.cancel();
    assertEquals((await client.ack(messages[1]!)).code, 0);
    assertEquals(bodies(await client.pop({ pollTime: 15_000 })), ["m0"]);
    await world.clock.sleep(60_000);
    assertEquals(bodies(await client.pop()), ["m0"]);
  });
});

Deno.test("a change of the time that found no space is refused, and the old receipt counts as before", async () => {
  await withMessages(1, async (bench) => {
    const { client } = bench;
    const { messages: [message], ext } = await client.pop({ invisibleTime: 10_000 });
    const full = fullDisk(bench);
    assertEquals((await client.change(message!, 60_000)).code, ResponseCode.SYSTEM_ERROR);
    full.cancel();
    assertEquals((await client.change(message!, 20_000)).code, 0);
    assertEquals((await client.change(message!, 20_000)).code, ResponseCode.NO_MESSAGE);
    const again = await client.pop({ pollTime: 30_000 });
    assertEquals(bodies(again), ["m0"]);
    const waitedMs = Number(again.ext.popTime) - Number(ext.popTime);
    assert(waitedMs >= 20_000 && waitedMs < 20_500, `${waitedMs} ms`);
  });
});

Deno.test("retries that found no space when their group was set to PULL are brought when that is repeated", async () => {
  await withMessages(2, async (bench) => {
    const { client, world } = bench;
    await client.pop({ invisibleTime: 100 });
    await world.clock.sleep(200);
    const body = utf8(JSON.stringify({ topic: "T", consumerGroup: "G", mode: "PULL", popShareQueueNum: 0 }));
    const setMode = () => client.ask(RequestCode.SET_MESSAGE_REQUEST_MODE, {}, body);
    const full = fullDisk(bench);
    assertEquals((await setMode()).code, ResponseCode.SYSTEM_ERROR);
    full.cancel();
    assertEquals((await setMode()).code, 0);
    assertEquals(bodies(await client.pop({ topic: "%RETRY%G", group: "Reader" })), ["m0", "m1"]);
    assertEquals((await setMode()).code, 0);
    assertEquals(bodies(await client.pop({ topic: "%RETRY%G", group: "Reader" })), []);
  });
});

Deno.test("POP on a disk that is full now and then: nothing is lost, and nothing acknowledged comes again", async () => {
  let refusals = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const flushDiskType = seed % 2 === 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH";
    await withPopBroker(
      async (bench) => {
        refusals += await fillNowAndThen(bench);
      },
      { flushDiskType },
      seed,
    );
  }
  assert(refusals > 50, `${refusals} refusals`);
});

/** @returns how often the broker refused something. */
async function fillNowAndThen(bench: PopBench): Promise<number> {
  const { client, world } = bench;
  const random = world.random("full");
  const acked = new Set<string>();
  const held: Popped[] = [];
  let refusals = 0;
  const pop = async (invisibleTime: number) => {
    const { code, messages } = await client.pop({ maxMsgNums: 1 + random.int(8), invisibleTime });
    if (code === ResponseCode.SYSTEM_ERROR) refusals++;
    for (const { body } of messages) assert(!acked.has(body), `${body} was acknowledged`);
    held.push(...messages);
    return messages.length;
  };
  const acknowledge = async () => {
    const message = held.splice(random.int(held.length), 1)[0]!;
    const changed = await client.change(message, 60_000);
    if (changed.code === ResponseCode.SYSTEM_ERROR) refusals++;
    if (changed.code !== 0) return;
    const words = message.receipt.split(" ");
    const receipt = [words[0], changed.ext.popTime, changed.ext.invisibleTime, ...words.slice(3)].join(" ");
    const { code } = await client.ack({ ...message, receipt });
    if (code === 0) acked.add(message.body);
    else refusals++;
  };
  await client.makeTopic("T", 2);
  for (let i = 0; i < 60; i++) await client.send("T", `m${i}`, { queueId: i % 2 });
  let full = { cancel() {} };
  for (let step = 0; step < 150; step++) {
    if (random.int(6) === 0) full.cancel();
    else if (random.int(10) === 0) full = (full.cancel(), fullDisk(bench));
    const tasks = Array.from({ length: 1 + random.int(3) }, () => {
      const choice = random.int(10);
      if (choice < 4) return pop(500 + random.int(4000));
      if (choice < 8 && held.length > 0) return acknowledge();
      return world.clock.sleep(random.int(1000));
    });
    await Promise.all(tasks);
  }
  full.cancel();
  if (random.int(2) === 0) await restartAfter(bench, () => bench.bench.broker.stop());
  held.length = 0;
  for (let round = 0; round < 400 && acked.size < 60; round++) {
    if (await pop(30_000) === 0) await world.clock.sleep(500);
    while (held.length > 0) await acknowledge();
  }
  assertEquals(acked.size, 60, "messages that were lost");
  return refusals;
}
