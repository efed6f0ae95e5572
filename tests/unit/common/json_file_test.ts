/**
 * Documents that are replaced as a whole and survive a crash.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { type Disk, readWhole } from "../../../src/common/disk.ts";
import { CRASH, SimDisk } from "../../../src/common/disk_sim.ts";
import { CorruptError, DiskError } from "../../../src/common/errors.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const PATH = "/store/config/topics.json";

function newDisk(seed = 1): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed), clock: new SimClock() });
}

function put(disk: Disk, path: string, text: string): void {
  disk.makeDirectory("/store/config");
  const file = disk.open(path, { create: true });
  file.truncate(0);
  file.write(utf8(text), 0);
  file.close();
}

function textAt(disk: Disk, path: string): string | null {
  const bytes = readWhole(disk, path);
  return bytes === null ? null : utf8Text(bytes);
}

Deno.test("a saved document is loaded, and the one before is kept", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  assertEquals(file.load(JSON.parse), null);
  await file.save(`{"a":1}`);
  await file.save(`{"a":"二"}`);
  assertEquals(new JsonFile(disk, PATH).load(JSON.parse), { value: { a: "二" }, backupReason: null });
  assertEquals(textAt(disk, `${PATH}.bak`), `{"a":1}`);
  assertEquals(disk.list("/store/config").map((entry) => entry.name), ["topics.json", "topics.json.bak"]);
});

Deno.test("the backup is taken when the document is missing, empty or damaged", () => {
  for (const damaged of [null, "", `{"a":`]) {
    const disk = newDisk();
    put(disk, `${PATH}.bak`, `{"a":1}`);
    if (damaged !== null) put(disk, PATH, damaged);
    const loaded = new JsonFile(disk, PATH).load<{ a: number }>(JSON.parse)!;
    assertEquals(loaded.value, { a: 1 });
    assert(loaded.backupReason !== null);
  }
});

Deno.test("a damaged document without a good backup is an error, and never taken for an empty one", () => {
  const disk = newDisk();
  put(disk, PATH, "{");
  const error = assertThrows(() => new JsonFile(disk, PATH).load(JSON.parse), CorruptError);
  assertEquals(error.path, PATH);
  put(disk, `${PATH}.bak`, "");
  assertThrows(() => new JsonFile(disk, PATH).load(JSON.parse), CorruptError);
});

Deno.test("an empty document does not replace a good backup", async () => {
  const disk = newDisk();
  put(disk, PATH, "");
  put(disk, `${PATH}.bak`, "1");
  await new JsonFile(disk, PATH).save("2");
  assertEquals([textAt(disk, PATH), textAt(disk, `${PATH}.bak`)], ["2", "1"]);
});

Deno.test("of several saves at a time the last one stays, and all of them resolve", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  await Promise.all(["1", "2", "3", "4"].map((text) => file.save(text)));
  assertEquals(textAt(disk, PATH), "4");
});

Deno.test("a save at stop wins over one that is under way", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  const underWay = file.save("1");
  await Promise.resolve();
  await Promise.resolve();
  file.saveNow("2");
  await underWay;
  assertEquals(textAt(disk, PATH), "2");
  file.saveNow("2");
  assertEquals(textAt(disk, PATH), "2");
});

Deno.test("the same text is not written again", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  await file.save("1");
  await file.save("1");
  assertEquals(textAt(disk, `${PATH}.bak`), null);
  await file.save("2");
  await file.save("1");
  assertEquals(textAt(disk, PATH), "1");
});

Deno.test("a full disk rejects the save, leaves the old document, and the next save works", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  await file.save("1");
  disk.setCapacity(0);
  await assertRejects(() => file.save("2".repeat(10_000)), DiskError);
  assertThrows(() => file.saveNow("2".repeat(10_000)), DiskError);
  assertEquals(new JsonFile(disk, PATH).load(JSON.parse)?.value, 1);
  disk.setCapacity(2 ** 30);
  await file.save("3");
  assertEquals(new JsonFile(disk, PATH).load(JSON.parse)?.value, 3);
});

Deno.test("the first document of a new directory survives a power loss", async () => {
  const disk = newDisk();
  await new JsonFile(disk, PATH).save(`{"a":1}`);
  new JsonFile(disk, "/other/place/groups.json").saveNow(`{"b":1}`);
  const after = disk.crash(CRASH.dropUnsynced);
  assertEquals(textAt(after, PATH), `{"a":1}`);
  assertEquals(textAt(after, "/other/place/groups.json"), `{"b":1}`);
});

Deno.test("a directory that somebody else has made without syncing its name survives with the document", async () => {
  const disk = newDisk();
  disk.makeDirectory("/store/config");
  await new JsonFile(disk, PATH).save(`{"a":1}`);
  assertEquals(textAt(disk.ifCrashed(CRASH.dropUnsynced), PATH), `{"a":1}`);
});

Deno.test("after any power loss the document is one that was saved, and none older than the last finished save's backup", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const policy = Object.values(CRASH)[random.int(Object.values(CRASH).length)]!;
    let disk = newDisk(seed);
    put(disk, "/store/config/other", "");
    disk.settle();
    const file = new JsonFile(disk, PATH);
    const finished = random.int(4);
    for (let version = 1; version <= finished; version++) {
      await file.save(JSON.stringify({ version, pad: "x".repeat(9000) }));
    }
    const changesLeft = random.int(8);
    disk.faults.stopAt(disk.faults.changes + 1 + changesLeft);
    void file.save(JSON.stringify({ version: finished + 1, pad: "x".repeat(9000) })).catch(() => {});
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    disk = disk.crash(policy);
    const loaded = new JsonFile(disk, PATH).load<{ version: number }>(JSON.parse);
    const version = loaded?.value.version ?? 0;
    assert(version === finished || version === finished + 1, `seed ${seed}: version ${version} of ${finished}`);
  }
});

Deno.test("a save waits for the device without holding anybody else up, and resolves when the name is there", async () => {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1), clock });
  disk.makeDirectory("/store/config");
  disk.faults.slow({ operation: "syncDirectory", latencyMs: 500 });
  const file = new JsonFile(disk, PATH);
  let savedAtMs = 0;

  const saved = file.save("{}").then(() => savedAtMs = clock.now());
  const startMs = clock.now();
  await clock.advance(1000);
  await saved;

  assertEquals(savedAtMs - startMs, 500);
});

Deno.test("a text whose name did not reach the device is not taken for saved", async () => {
  const disk = newDisk();
  const file = new JsonFile(disk, PATH);
  await file.save("[1]");
  disk.faults.fail({ operation: "syncDirectory", path: /config$/, nth: 1, fault: "io" });
  await assertRejects(() => file.save("[2]"), DiskError);

  const before = disk.faults.changes;
  await file.save("[2]");
  assert(disk.faults.changes > before);
  assertEquals(textAt(disk, PATH), "[2]");

  disk.faults.slow({ operation: "syncDirectory", latencyMs: 500 });
  void file.save("[3]");
  for (let i = 0; i < 20 && textAt(disk, PATH) !== "[3]"; i++) await Promise.resolve();
  const underWay = disk.faults.changes;
  file.saveNow("[3]");
  assert(disk.faults.changes > underWay, "a stop does not rely on a save that is under way");
});
