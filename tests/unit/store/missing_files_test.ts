import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Disk, readWhole } from "../../../src/common/disk.ts";
import { CorruptError } from "../../../src/common/errors.ts";
import { inspectStore } from "../../../src/store/inspect.ts";
import { repairStore } from "../../../src/store/repair.ts";
import { segmentName } from "../../../src/store/segment_file.ts";
import { StoreHarness } from "./store_harness.ts";

const SIZE = 16384;
const path = (n: number) => `/store/commitlog/${segmentName(n * SIZE)}`;

/** A store with messages in five files, stopped cleanly. */
async function makeStore(): Promise<StoreHarness> {
  const h = StoreHarness.fresh();
  await h.open();
  for (let i = 0; i < 260; i++) h.send({ queueId: i % 3, body: `${i} ${"x".repeat(150)}`, keys: `k${i}` });
  await h.store.close();
  assertEquals(h.disk.list("/store/commitlog").length, 5);
  return h;
}

function snapshot(disk: Disk, directory = "/store"): Map<string, string> {
  const all = new Map<string, string>();
  for (const { name, isDirectory } of disk.list(directory)) {
    const child = `${directory}/${name}`;
    if (isDirectory) { for (const [key, value] of snapshot(disk, child)) all.set(key, value); }
    else all.set(child, String(readWhole(disk, child)));
  }
  return all;
}

function cut(disk: Disk, file: string, size: number): void {
  const handle = disk.open(file);
  handle.truncate(size);
  handle.close();
}

/** Something that happens to a store, and what the refusal says of it. */
const ACCIDENTS: Readonly<Record<string, { happen: (disk: Disk) => void; file: string; says: RegExp }>> = {
  "a file in the middle is missing": {
    happen: (disk) => disk.remove(path(2)),
    file: path(2),
    says: /is missing: the log goes on in .*49152/,
  },
  "a file in the middle is short": {
    happen: (disk) => cut(disk, path(1), 5000),
    file: path(1),
    says: /is 5000 bytes long, 16384 are expected/,
  },
  "a file in the middle is empty": { happen: (disk) => cut(disk, path(1), 0), file: path(1), says: /is 0 bytes long/ },
  "the last file is missing": {
    happen: (disk) => disk.remove(path(4)),
    file: path(4),
    says: /messages up to offset \d+ were on the device, files end at 65536/,
  },
  "the last file is short": { happen: (disk) => cut(disk, path(4), 100), file: path(4), says: /files end at 65636/ },
  "no file is there": {
    happen: (disk) => [0, 1, 2, 3, 4].forEach((n) => disk.remove(path(n))),
    file: path(4),
    says: /files end at 0/,
  },
};

for (const [name, { happen, file, says }] of Object.entries(ACCIDENTS)) {
  for (const isClean of [true, false]) {
    Deno.test(`${name}, the stop was ${isClean ? "" : "not "}clean: refused untouched, with the file and the way on`, async () => {
      const h = await makeStore();
      happen(h.disk);
      if (!isClean) h.disk.open("/store/abort", { create: true }).close();
      const before = snapshot(h.disk);
      const error = await assertRejects(() => h.open(), CorruptError);
      assert(error.message.includes(file) && says.test(error.message), error.message);
      assert(error.message.includes("rucola store repair /store --accept-loss"), error.message);
      const { disk, clock, options } = h;
      const request = { truncateAt: null, acceptsLoss: false };
      await assertRejects(() => repairStore({ disk, clock, options, report: () => {} }, request), CorruptError);
      assertEquals(snapshot(h.disk), before);
      const { findings } = await inspectStore({ disk, clock, options });
      assert(findings.some((each) => each.severity === "lost" && each.path === file), JSON.stringify(findings));
    });
  }

  Deno.test(`${name}: with --accept-loss the store goes on with everything that is there`, async () => {
    const h = await makeStore();
    const { disk, clock, options } = h;
    await h.open();
    const all = await h.readAll("T", 0);
    await h.store.close();
    happen(disk);
    const gone = (at: number) => disk.stat(path(Math.floor(at / SIZE))) === null;
    const request = { truncateAt: null, acceptsLoss: true };
    const { missing } = await repairStore({ disk, clock, options, report: () => {} }, request);
    assert(missing.length > 0);
    const { counts, findings } = await inspectStore({ disk, clock, options });
    assertEquals([counts.lost, counts.derived], [0, 0], JSON.stringify(findings));
    await h.open();
    assertEquals(h.store.damages, []);
    const read = await h.readAll("T", 0);
    assert(read.length < all.length);
    const known = new Map(all.map((each) => [each.queueOffset, each.body]));
    for (const each of read) assertEquals(each.body, known.get(each.queueOffset));
    if (name.includes("middle")) {
      assertEquals(read.at(-1), all.at(-1));
      assertEquals(h.send({ queueId: 0 }).out.queueOffset, all.length);
    }
    for (const each of read) assert(!gone(each.physicalOffset));
    await h.store.close();
  });
}

Deno.test("that the oldest files were removed by hand is no accident", async () => {
  const h = await makeStore();
  h.disk.remove(path(0));
  h.disk.remove(path(1));
  await h.open();
  assertEquals(h.store.figures().minPhysicalOffset, 2 * SIZE);
  assertEquals((await h.readAll("T", 1)).at(-1)!.queueOffset, 86);
  await h.store.close();
  const { counts } = await inspectStore({ disk: h.disk, clock: h.clock, options: h.options });
  assertEquals([counts.lost, counts.derived], [0, 0]);
});

for (const isClean of [true, false]) {
  Deno.test(`a log of nothing but garbage is refused and kept, the stop was ${isClean ? "" : "not "}clean`, async () => {
    const h = await makeStore();
    for (const n of [0, 1, 2, 3, 4]) {
      const file = h.disk.open(path(n));
      file.write(new Uint8Array(SIZE).fill(0x5a), 0);
      file.close();
    }
    if (!isClean) h.disk.open("/store/abort", { create: true }).close();
    const before = snapshot(h.disk);
    const error = await assertRejects(() => h.open(), CorruptError);
    assert(/the log had messages and has none that can be found.*--accept-loss/.test(error.message), error.message);
    for (const [file, content] of snapshot(h.disk)) assertEquals(content, before.get(file), file);
  });

  Deno.test(`zeros over a whole first file take no message behind it, the stop was ${isClean ? "" : "not "}clean`, async () => {
    const h = await makeStore();
    await h.open();
    const all = await h.readAll("T", 2);
    await h.store.close();
    const file = h.disk.open(path(0));
    file.write(new Uint8Array(SIZE), 0);
    file.close();
    // Nothing says any more how far the log was: everything is walked over.
    h.disk.remove("/store/checkpoint");
    if (!isClean) h.disk.open("/store/abort", { create: true }).close();
    await h.open();
    const read = await h.readAll("T", 2);
    assertEquals(read.at(-1), all.at(-1));
    assertEquals(read, all.filter((each) => each.physicalOffset >= SIZE));
    await h.store.close();
  });

  Deno.test(`a damaged end that was on the device is no end: offsets go on behind it, the stop was ${isClean ? "" : "not "}clean`, async () => {
    const h = await makeStore();
    await h.open();
    const end = h.store.figures().maxPhysicalOffset;
    await h.store.close();
    const last = h.disk.open(path(4));
    last.write(new Uint8Array(400), end - 400 - 4 * SIZE);
    last.close();
    if (!isClean) h.disk.open("/store/abort", { create: true }).close();
    for (let life = 0; life < 2; life++) {
      await h.open();
      assertEquals(h.store.damages.length, 1);
      assertEquals(h.store.figures().maxPhysicalOffset, end);
      await h.store.close();
    }
    await h.open();
    assertEquals(h.send({ body: "more" }).out.physicalOffset, end);
    await h.store.close();
    const { findings } = await inspectStore({ disk: h.disk, clock: h.clock, options: h.options });
    assertEquals(findings.filter((each) => each.severity !== "note").map((each) => each.invariant), [
      "commitlog.record",
    ]);
  });
}
