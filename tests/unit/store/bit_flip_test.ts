/**
 * A bit flips at every 64th byte of a small store that was stopped cleanly. An audit must name the damage, or nothing must be
 * wrong with what is read; what is read must be what was sent; and one flip must cost one message at most.
 */
import { assert } from "@std/assert";
import { parentOf, readWhole } from "../../../src/common/disk.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import type { StoreOptions } from "../../../src/store/store.ts";
import { type ReadMessage, StoreHarness } from "./store_harness.ts";

const STEP = 64;
const MESSAGES = 60;
const QUEUES: readonly (readonly [string, number])[] = [["T", 0], ["T", 1], ["U", 0], ["U", 1]];

/** A store with some messages, stopped cleanly. */
async function makeStore(options: Partial<StoreOptions>): Promise<StoreHarness> {
  const h = StoreHarness.fresh({ mappedFileSizeCommitLog: 4096, ...options });
  await h.open();
  for (let i = 0; i < MESSAGES; i++) {
    h.send({ topic: i % 3 === 0 ? "U" : "T", queueId: i % 2, body: `body ${i} ${"x".repeat(i % 50)}`, keys: `k${i}` });
    await h.clock.advance(20);
  }
  await h.store.close();
  return h;
}

async function readAll(h: StoreHarness): Promise<Map<string, ReadMessage>> {
  const found = new Map<string, ReadMessage>();
  for (const [topic, queueId] of QUEUES) {
    for (const message of await h.readAll(topic, queueId)) {
      found.set(`${topic}-${queueId}-${message.queueOffset}`, message);
    }
  }
  return found;
}

/** What one flip led to. */
interface Outcome {
  readonly isFound: boolean;
  readonly isRefused: boolean;
  /** Messages that are not served. */
  readonly missing: number;
  /** Messages that are served and are not what was sent. */
  readonly wrong: number;
}

async function flip(
  h: StoreHarness,
  place: { readonly path: string; readonly position: number },
  sent: ReadonlyMap<string, ReadMessage>,
): Promise<Outcome> {
  const disk = copyOf(h);
  disk.flipBit(place.path, place.position, (place.position / STEP) % 8);
  const { counts } = await inspectStore({ disk, clock: h.clock, options: h.options });
  const isFound = counts.lost + counts.derived + counts.note > 0;
  const hurt = h.on(disk);
  try {
    await hurt.open();
  } catch {
    return { isFound, isRefused: true, missing: 0, wrong: 0 };
  }
  const read = await readAll(hurt);
  await hurt.store.close();
  const missing = [...sent.keys()].filter((key) => !read.has(key)).length;
  const wrong = [...read].filter(([key, message]) => sent.get(key)?.body !== message.body).length;
  return { isFound, isRefused: false, missing, wrong };
}

/** The store's files on a disk of their own. */
function copyOf(h: StoreHarness): SimDisk {
  const disk = new SimDisk({ random: new SeededRandom(1), clock: h.clock });
  for (const path of filesOf(h, "/store")) {
    disk.makeDirectory(parentOf(path));
    const file = disk.open(path, { create: true });
    file.write(readWhole(h.disk, path)!, 0);
    file.close();
  }
  disk.settle();
  return disk;
}

function filesOf(h: StoreHarness, directory: string): string[] {
  return h.disk.list(directory).flatMap((entry) =>
    entry.isDirectory ? filesOf(h, `${directory}/${entry.name}`) : [`${directory}/${entry.name}`]
  );
}

/** Flips a bit at every 64th byte of all files below `directory`; `start` shifts the places. */
async function flipEverywhere(
  h: StoreHarness,
  directory: string,
  judge: (at: string, outcome: Outcome) => void,
  start = 0,
): Promise<number> {
  await h.open();
  const sent = await readAll(h);
  await h.store.close();
  let flips = 0;
  for (const path of filesOf(h, directory)) {
    const size = h.disk.stat(path)!.sizeBytes;
    for (let position = start; position < size; position += STEP, flips++) {
      judge(`${path} at ${position}`, await flip(h, { path, position }, sent));
    }
  }
  return flips;
}

function costsOneMessageAtMost(at: string, outcome: Outcome): void {
  assert(!outcome.isRefused, `${at}: the store opens`);
  assert(outcome.wrong === 0, `${at}: nothing is served that was not sent`);
  assert(outcome.missing <= 1, `${at}: ${outcome.missing} messages are not served`);
  assert(outcome.missing === 0 || outcome.isFound, `${at}: the audit names what is missing`);
}

Deno.test("with a CRC over whole records no flipped bit of any record goes unnoticed", async () => {
  const h = await makeStore({ enabledAppendPropCRC: true });
  const end = h.store.figures().maxPhysicalOffset;
  for (const start of [0, 9, 26, 43]) {
    await flipEverywhere(h, "/store/commitlog", (at, outcome) => {
      const [, name, position] = at.match(/\/(\d{20}) at (\d+)$/)!;
      costsOneMessageAtMost(at, outcome);
      if (Number(name) + Number(position) >= end) return;
      assert(outcome.isFound || outcome.missing === 0 && isFiller(h, at), `${at}: the audit names it`);
    }, start);
  }
});

/** Whether a place lies in the filler at the end of a file, of which only the first 8 bytes mean anything. */
function isFiller(h: StoreHarness, at: string): boolean {
  const [, path, position] = at.match(/^(.*) at (\d+)$/)!;
  const bytes = new Uint8Array(4096);
  const file = h.disk.open(path!);
  file.read(bytes, 0);
  file.close();
  const magic = [0xcb, 0xd4, 0x31, 0x94];
  const filler = bytes.findIndex((_, i) => magic.every((byte, j) => bytes[i + j] === byte));
  return filler >= 4 && Number(position) >= filler + 4;
}

Deno.test("without it a flipped bit is served by no one as a body, and costs one message at most", async () => {
  await flipEverywhere(await makeStore({}), "/store/commitlog", costsOneMessageAtMost, 3);
});

Deno.test("a flipped bit in a consumequeue is named, and costs the message of its unit at most", async () => {
  const h = await makeStore({});
  for (const start of [0, 9, 18, 27]) {
    await flipEverywhere(h, "/store/consumequeue", (at, outcome) => {
      costsOneMessageAtMost(at, outcome);
      assert(outcome.isFound, `${at}: the audit names it`);
    }, start);
  }
});

Deno.test("a flipped bit in index or checkpoint costs no message", async () => {
  const h = await makeStore({});
  for (const directory of ["/store/index", "/store"]) {
    await flipEverywhere(h, directory, (at, outcome) => {
      if (!/checkpoint|index/.test(at)) return;
      assert(!outcome.isRefused && outcome.wrong === 0 && outcome.missing === 0, at);
    });
  }
});
