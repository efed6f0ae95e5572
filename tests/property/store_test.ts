/**
 * Random operations on a store beside a plain model: for each queue an array of bodies. The store is closed, killed and
 * opened again at random; topics are deleted; readers start anywhere, with and without a filter. A failing seed is named;
 * `STORE_SEEDS=1000` runs more.
 */
import { assertEquals } from "@std/assert";
import { javaHash } from "../../src/common/bytes.ts";
import type { SimDisk } from "../../src/common/disk_sim.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { PutStatus } from "../../src/store/store.ts";
import { messagesOf, StoreHarness } from "../unit/store/store_harness.ts";

const SEEDS = Number(Deno.env.get("STORE_SEEDS") ?? 25);

interface Modelled {
  readonly body: string;
  readonly tag: string;
  readonly time: number;
}

class Model {
  readonly queues = new Map<string, Modelled[]>();

  queue(topic: string, queueId: number): Modelled[] {
    const name = `${topic}/${queueId}`;
    let queue = this.queues.get(name);
    if (queue === undefined) this.queues.set(name, queue = []);
    return queue;
  }
}

async function sendSome(h: StoreHarness, random: SeededRandom, model: Model): Promise<void> {
  const settled: Promise<PutStatus>[] = [];
  for (let i = random.int(20); i >= 0; i--) {
    const topic = `T${random.int(3)}`;
    const queueId = random.int(3);
    const queue = model.queue(topic, queueId);
    const size = random.int(20) === 0 ? random.int(6000) : random.int(60);
    const message = { body: `${queue.length} ${"x".repeat(size)}`, tag: `tag${random.int(3)}`, time: h.clock.now() };
    const key = `${topic}/${queueId}/${queue.length}`;
    const sent = h.sendInTurn({ topic, queueId, body: message.body, tags: message.tag, keys: key });
    assertEquals(sent.out.queueOffset, queue.length);
    settled.push(sent.settled);
    queue.push(message);
  }
  h.endTurn();
  for (const status of await Promise.all(settled)) assertEquals(status, PutStatus.PUT_OK);
}

async function readSome(h: StoreHarness, random: SeededRandom, model: Model): Promise<void> {
  for (const [name, queue] of model.queues) {
    const [topic = "", id] = name.split("/");
    assertEquals(h.store.maxOffset(topic, Number(id)), queue.length, name);
    const from = random.int(queue.length + 1);
    const read = await h.readAll(topic, Number(id), from);
    assertEquals(read.map((each) => each.body), queue.slice(from).map((each) => each.body), name);
    assertEquals(read.map((each) => each.queueOffset), queue.slice(from).map((_, i) => from + i), name);
    const code = javaHash(`tag${random.int(3)}`);
    const some = await h.readAll(topic, Number(id), from, { matchesCode: (each) => each === code });
    const wanted = queue.slice(from).filter((each) => javaHash(each.tag) === code);
    assertEquals(some.map((each) => each.body), wanted.map((each) => each.body), name);
  }
}

async function lookUpSome(h: StoreHarness, random: SeededRandom, model: Model): Promise<void> {
  await h.store.indexed();
  for (const [name, queue] of model.queues) {
    if (queue.length === 0) continue;
    const [topic = "", id] = name.split("/");
    const at = random.int(queue.length);
    const found = await h.store.queryMessages(topic, `${name}/${at}`, 10, 0, Number.MAX_SAFE_INTEGER);
    // A deleted topic's messages with the same key may still be in the log, before it.
    assertEquals(messagesOf(found.records[0]!)[0]?.body, queue[at]!.body, `${name}/${at}`);
    const time = queue[at]!.time;
    const lower = queue.findIndex((each) => each.time >= time);
    const upper = queue.findLastIndex((each) => each.time <= time);
    assertEquals(await h.store.offsetByTime(topic, Number(id), time), lower);
    assertEquals(await h.store.offsetByTime(topic, Number(id), time, "UPPER"), upper);
    assertEquals(await h.store.storeTimeAt(topic, Number(id), at), time);
  }
}

async function reopen(h: StoreHarness, random: SeededRandom): Promise<StoreHarness> {
  if (random.int(2) === 0) {
    await h.store.close();
    await h.open();
    return h;
  }
  const next = h.on((h.disk as SimDisk).kill());
  await next.open();
  return next;
}

async function runSeed(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const flushDiskType = random.int(2) === 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH";
  const small = { storeRecentBytesMax: random.int(2) * 40_000, storeOpenFilesMax: 4 + random.int(20) };
  let h = StoreHarness.fresh({ flushDiskType, ...small }, seed);
  await h.open();
  const model = new Model();
  for (let step = 0; step < 40; step++) {
    const what = random.int(12);
    if (what < 6) await sendSome(h, random, model);
    else if (what < 8) await readSome(h, random, model);
    else if (what < 9) await lookUpSome(h, random, model);
    else if (what < 10) await h.clock.advance(random.int(70_000));
    else if (what < 11) h = await reopen(h, random);
    else if (random.int(3) === 0) {
      const topic = `T${random.int(3)}`;
      h.store.deleteTopic(topic);
      for (const name of [...model.queues.keys()]) if (name.startsWith(`${topic}/`)) model.queues.delete(name);
      await h.clock.advance(10);
    }
  }
  await readSome(h, random, model);
  await h.store.close();
}

Deno.test("a store is a map of arrays, whatever happens to its process", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await runSeed(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
