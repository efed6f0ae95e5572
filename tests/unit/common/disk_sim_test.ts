/** What a simulated disk loses, keeps and refuses. @module */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { type Disk, readWhole } from "../../../src/common/disk.ts";
import { CRASH, SimDisk, type SimDiskOptions } from "../../../src/common/disk_sim.ts";
import { SimulatedCrash } from "../../../src/common/disk_sim_faults.ts";
import { DiskError } from "../../../src/common/errors.ts";
import { SeededRandom } from "../../../src/common/random.ts";

const SECTOR = 512;

/** A disk with a durable directory `/store`. */
function newDisk(seed = 1, options: Partial<SimDiskOptions> = {}): SimDisk {
  const disk = new SimDisk({ random: new SeededRandom(seed), ...options });
  disk.makeDirectory("/store");
  disk.settle();
  return disk;
}

function textOf(disk: Disk, path: string): string | null {
  const bytes = readWhole(disk, path);
  return bytes === null ? null : utf8Text(bytes);
}

function putSynced(disk: SimDisk, path: string, text: string): void {
  const file = disk.open(path, { create: true });
  file.write(utf8(text), 0);
  file.close();
  disk.settle();
}

Deno.test("a power loss takes unsynced bytes, and a file whose directory was not synced", async () => {
  const disk = newDisk();
  const file = disk.open("/store/a", { create: true });
  file.write(utf8("safe"), 0);
  await file.sync();

  assertEquals(disk.crash(CRASH.dropUnsynced).stat("/store/a"), null);

  const again = newDisk();
  const kept = again.open("/store/a", { create: true });
  again.syncDirectory("/store");
  kept.write(utf8("safe"), 0);
  await kept.sync();
  kept.write(utf8("lost"), 4);
  assertEquals(again.unsynced("/store/a"), 1);

  assertEquals(textOf(again.crash(CRASH.dropUnsynced), "/store/a"), "safe");
});

Deno.test("on a journaled file system a file's sync keeps its name as well", () => {
  const disk = newDisk(1, { names: "journaled" });
  const file = disk.open("/store/a", { create: true });
  file.write(utf8("safe"), 0);
  file.syncNow();

  assertEquals(textOf(disk.crash(CRASH.dropUnsynced), "/store/a"), "safe");
});

Deno.test("a killed process leaves everything written, free locks, and can do nothing more", () => {
  const disk = newDisk();
  const file = disk.open("/store/a", { create: true });
  file.write(utf8("text"), 0);
  assertNotEquals(disk.lock("/store/lock"), null);
  assertEquals(disk.anotherProcess().lock("/store/lock"), null);

  const next = disk.kill();

  assertEquals(textOf(next, "/store/a"), "text");
  assertNotEquals(next.lock("/store/lock"), null);
  assertThrows(() => file.write(utf8("more"), 4), SimulatedCrash);
  assertThrows(() => disk.stat("/store/a"), SimulatedCrash);
  assertEquals(next.crash(CRASH.dropUnsynced).stat("/store/a"), null);
});

Deno.test("a rename survives as a whole or not at all, and without a sync brings an empty file", () => {
  const results = new Set<string | null>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = newDisk(seed);
    putSynced(disk, "/store/a", "old");
    const temporary = disk.open("/store/a.tmp", { create: true });
    temporary.write(utf8("new"), 0);
    temporary.close();
    disk.rename("/store/a.tmp", "/store/a");

    const found = disk.crash(CRASH.reordered);
    results.add(textOf(found, "/store/a"));
  }
  assert(results.has("old") && results.has("new") && results.has(""), [...results].join());
});

Deno.test("a rename with both syncs in front and the directory's behind always shows the new file", () => {
  for (let seed = 0; seed < 30; seed++) {
    const disk = newDisk(seed);
    putSynced(disk, "/store/a", "old");
    const temporary = disk.open("/store/a.tmp", { create: true });
    temporary.write(utf8("new"), 0);
    temporary.syncNow();
    disk.rename("/store/a.tmp", "/store/a");
    disk.syncDirectory("/store");

    const found = disk.crash(CRASH.reordered);
    assertEquals(textOf(found, "/store/a"), "new");
    assertEquals(found.stat("/store/a.tmp"), null);
  }
});

Deno.test("a removal that no sync covered is undone", () => {
  const disk = newDisk();
  putSynced(disk, "/store/a", "text");
  disk.remove("/store/a");
  assertEquals(textOf(disk, "/store/a"), null);

  assertEquals(textOf(disk.ifCrashed(CRASH.dropUnsynced), "/store/a"), "text");
  disk.syncDirectory("/store");
  assertEquals(disk.crash(CRASH.dropUnsynced).stat("/store/a"), null);
});

Deno.test("a sync covers what was written before it was called, not what came while it ran", async () => {
  const clock = new SimClock();
  const disk = newDisk(1, { clock, latencyMs: 5 });
  putSynced(disk, "/store/a", "");
  const file = disk.open("/store/a");
  file.write(utf8("one"), 0);
  const sync = file.sync();
  file.write(utf8("two"), 3);

  assertEquals(textOf(disk.crash(CRASH.dropUnsynced), "/store/a"), "");

  const alive = newDisk(1, { clock, latencyMs: 5 });
  putSynced(alive, "/store/a", "");
  const other = alive.open("/store/a");
  other.write(utf8("one"), 0);
  const otherSync = other.sync();
  other.write(utf8("two"), 3);
  await clock.advance(5);
  await otherSync;
  assertEquals(textOf(alive.crash(CRASH.dropUnsynced), "/store/a"), "one");

  // The first machine lost power before its sync ended: nobody will ever hear of it.
  assertEquals(await Promise.race([sync.then(() => "answered"), Promise.resolve("silent")]), "silent");
});

Deno.test("keepPrefix keeps the writes before one of them, whole", () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const disk = newDisk(seed);
    putSynced(disk, "/store/a", "");
    const file = disk.open("/store/a");
    for (let i = 0; i < 4; i++) file.write(new Uint8Array(1000).fill(i + 1), i * 1000);

    const found = readWhole(disk.crash(CRASH.keepPrefix), "/store/a")!;

    assertEquals(found.length % 1000, 0);
    found.forEach((byte, at) => assert(byte === Math.floor(at / 1000) + 1));
    lengths.add(found.length);
  }
  assertEquals([...lengths].sort((a, b) => a - b), [0, 1000, 2000, 3000, 4000]);
});

Deno.test("torn writes break at sectors of the file, and only there", () => {
  let torn = 0;
  for (let seed = 0; seed < 200; seed++) {
    const disk = newDisk(seed);
    putSynced(disk, "/store/a", "");
    const file = disk.open("/store/a");
    file.write(new Uint8Array(3000).fill(1), 100);

    const found = readWhole(disk.crash(CRASH.reordered), "/store/a")!;

    for (let at = 101; at < Math.min(found.length, 3100); at++) {
      if (found[at] !== found[at - 1]) assertEquals(at % SECTOR, 0);
    }
    if (found.length > 0 && found.indexOf(0, 100) !== -1) torn++;
  }
  assert(torn > 20, `only ${torn} of 200 were torn`);
});

Deno.test("reordered keeps later writes without earlier ones", () => {
  let laterOnly = 0;
  for (let seed = 0; seed < 100; seed++) {
    const disk = newDisk(seed);
    putSynced(disk, "/store/a", "");
    const file = disk.open("/store/a");
    file.write(utf8("a"), 0);
    file.write(utf8("b"), SECTOR);

    const found = readWhole(disk.crash(CRASH.reordered), "/store/a")!;
    if (found.length === SECTOR + 1 && found[0] === 0 && found[SECTOR] === 98) laterOnly++;
  }
  assert(laterOnly > 5, `${laterOnly} of 100`);
});

Deno.test("the same seed loses the same", () => {
  const outcome = (seed: number) => {
    const disk = newDisk(seed);
    for (const name of ["a", "b", "c", "d"]) {
      const file = disk.open(`/store/${name}`, { create: true });
      for (let i = 0; i < 20; i++) file.write(new Uint8Array(700).fill(i), i * 600);
      file.close();
    }
    const found = disk.crash(CRASH.reordered);
    return found.list("/store").map(({ name }) => [name, readWhole(found, `/store/${name}`)]);
  };

  assertEquals(outcome(5), outcome(5));
  assertNotEquals(outcome(5), outcome(6));
});

Deno.test("a full disk takes what fits, says no space, and has room again after a removal", () => {
  const disk = newDisk(1, { capacityBytes: 4 * 4096 });
  const file = disk.open("/store/a", { create: true });
  file.write(new Uint8Array(3 * 4096), 0);
  assertEquals(disk.usage("/store"), { totalBytes: 16384, availableBytes: 4096, usedBytes: 12288 });

  const error = assertThrows(() => file.write(new Uint8Array(8192), 3 * 4096), DiskError);

  assertEquals([error.fault, error.retriable], ["no-space", true]);
  assertEquals(file.size(), 4 * 4096);
  file.write(utf8("overwriting needs no room"), 0);
  disk.remove("/store/a");
  assertEquals(disk.usage("/store").availableBytes, 0, "an open file keeps its room");
  file.close();
  assertEquals(disk.usage("/store").availableBytes, 16384);
  disk.setCapacity(0);
  assertThrows(() => disk.open("/store/b", { create: true }).write(utf8("x"), 0), DiskError, "no-space");
});

Deno.test("room is given back by truncation, replacement and a power loss", () => {
  const disk = newDisk();
  putSynced(disk, "/store/a", "x".repeat(8192));
  putSynced(disk, "/store/b", "y");
  disk.rename("/store/b", "/store/a");
  assertEquals(disk.usage("/").usedBytes, 4096);
  const file = disk.open("/store/a");
  file.write(new Uint8Array(40_960), 0);
  file.truncate(4097);
  assertEquals(disk.usage("/").usedBytes, 8192);
  assertEquals(disk.crash(CRASH.dropUnsynced).usage("/").usedBytes, 3 * 4096);
});

Deno.test("faults hit the path, the operation and the turn they were set for", () => {
  const disk = newDisk();
  const a = disk.open("/store/commitlog", { create: true });
  const b = disk.open("/store/other", { create: true });
  const rule = disk.faults.fail({ path: /commitlog$/, operation: "write", nth: 2, fault: "io" });

  a.write(utf8("1"), 0);
  b.write(utf8("1"), 0);
  const error = assertThrows(() => a.write(utf8("2"), 0), DiskError);
  assertEquals([error.fault, error.path], ["io", "/store/commitlog"]);
  a.write(utf8("3"), 0);
  rule.cancel();

  const readOnly = disk.faults.fail({ fault: "read-only" });
  assertThrows(() => b.write(utf8("4"), 0), DiskError, "read-only");
  assertThrows(() => disk.rename("/store/other", "/store/x"), DiskError, "read-only");
  assertEquals(textOf(disk, "/store/commitlog"), "3");
  readOnly.cancel();
  b.write(utf8("5"), 0);
});

Deno.test("after a failed sync the bytes are readable, but no later sync saves them", async () => {
  const disk = newDisk();
  putSynced(disk, "/store/a", "....");
  const file = disk.open("/store/a");
  disk.faults.fail({ operation: "sync", nth: 1, fault: "io" });
  file.write(utf8("AA"), 0);

  await assertRejects(() => file.sync(), DiskError);
  file.write(utf8("BB"), 2);
  await file.sync();

  assertEquals(textOf(disk, "/store/a"), "AABB");
  assertEquals(textOf(disk.crash(CRASH.keepAll), "/store/a"), "..BB");
});

Deno.test("slow syncs and reads take their virtual time", async () => {
  const clock = new SimClock();
  const disk = newDisk(1, { clock });
  disk.faults.slow({ path: /a$/, operation: "sync", latencyMs: 100 });
  disk.faults.slow({ operation: "read", latencyMs: 3 });
  const file = disk.open("/store/a", { create: true });
  const done: string[] = [];
  file.sync().then(() => done.push(`sync@${clock.monotonicMs()}`));
  file.readAsync(new Uint8Array(1), 0).then(() => done.push(`read@${clock.monotonicMs()}`));

  await clock.advance(200);

  assertEquals(done, ["read@3", "sync@100"]);
});

Deno.test("a flipped bit is there at once and after everything", () => {
  const disk = newDisk();
  putSynced(disk, "/store/a", "aaa");

  disk.flipBit("/store/a", 1, 1);

  assertEquals(textOf(disk, "/store/a"), "aca");
  assertEquals(textOf(disk.crash(CRASH.dropUnsynced), "/store/a"), "aca");
});

Deno.test("a run can be stopped before each of its changes in turn", () => {
  const write = (disk: SimDisk) => {
    const file = disk.open("/store/a.tmp", { create: true });
    file.write(utf8("new"), 0);
    file.syncNow();
    disk.rename("/store/a.tmp", "/store/a");
    disk.syncDirectory("/store");
  };
  const whole = newDisk();
  putSynced(whole, "/store/a", "old");
  const before = whole.faults.changes;
  write(whole);
  assertEquals(whole.faults.changes - before, 5);

  const found: (string | null)[] = [];
  for (let change = before + 1; change <= whole.faults.changes + 1; change++) {
    const disk = newDisk();
    putSynced(disk, "/store/a", "old");
    disk.faults.stopAt(change);
    if (change <= whole.faults.changes) {
      assertThrows(() => write(disk), SimulatedCrash);
      assertThrows(() => disk.list("/store"), SimulatedCrash);
    } else write(disk);
    found.push(textOf(disk.crash(CRASH.dropUnsynced), "/store/a"));
  }
  assertEquals(found, ["old", "old", "old", "old", "old", "new"]);
});

Deno.test("a gibibyte file with little in it costs little", () => {
  const disk = newDisk();
  const file = disk.open("/store/a", { create: true });
  file.truncate(1024 ** 3);
  file.write(utf8("end"), 1024 ** 3 - 3);

  assertEquals(file.size(), 1024 ** 3);
  assertEquals(disk.usage("/store").usedBytes, 4096);
});
