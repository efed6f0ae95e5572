/** What every `Disk` promises, asked of the machine's and of the simulated one. @module */
import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { utf8, utf8Text } from "../../../src/common/bytes.ts";
import { type Disk, makeDurableDirectory, parentOf, readWhole, removeTree } from "../../../src/common/disk.ts";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { DiskError, type DiskFault } from "../../../src/common/errors.ts";
import { SeededRandom } from "../../../src/common/random.ts";

/** Runs a test on both disks, in an empty directory. */
function onBoth(name: string, body: (disk: Disk, directory: string) => void | Promise<void>): void {
  Deno.test(`${name} (machine)`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "rucola-disk-" });
    try {
      await body(new DenoDisk(), directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
  Deno.test(`${name} (simulated)`, async () => {
    const disk = new SimDisk({ random: new SeededRandom(1) });
    disk.makeDirectory("/store");
    await body(disk, "/store");
  });
}

function assertFault(fault: DiskFault, action: () => unknown): void {
  assertEquals(assertThrows(action, DiskError).fault, fault);
}

function put(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, { create: true });
  file.write(utf8(text), 0);
  file.close();
}

function textOf(disk: Disk, path: string): string | null {
  const bytes = readWhole(disk, path);
  return bytes === null ? null : utf8Text(bytes);
}

onBoth("written bytes are read back at any position, by other handles too", (disk, directory) => {
  const file = disk.open(`${directory}/a`, { create: true });
  const other = disk.open(`${directory}/a`, { readOnly: true });

  file.write(utf8("hello world"), 0);
  file.write(utf8("W"), 6);
  file.write(utf8("!"), 11);

  assertEquals(file.size(), 12);
  const into = new Uint8Array(5);
  assertEquals(other.read(into, 6), 5);
  assertEquals(utf8Text(into), "World");
  assertEquals(file.read(into, 9), 3);
  assertEquals(utf8Text(into.subarray(0, 3)), "ld!");
  assertEquals(file.read(into, 12), 0);
  assertEquals(file.read(into, 1000), 0);
  assertEquals(file.path, `${directory}/a`);
  file.close();
  other.close();
});

onBoth("writes, reads and sizes in any order agree with a plain array", (disk, directory) => {
  const random = new SeededRandom(7);
  const model = new Uint8Array(40_000);
  let size = 0;
  const file = disk.open(`${directory}/a`, { create: true });
  for (let round = 0; round < 400; round++) {
    const position = random.int(30_000);
    const bytes = new Uint8Array(random.int(9_000)).fill(round);
    switch (random.int(4)) {
      case 0:
        file.write(bytes, position);
        break;
      case 1:
        file.writeMany([bytes.subarray(0, 10), bytes.subarray(10, 10), bytes.subarray(10)], position);
        break;
      case 2: {
        const count = file.read(bytes, position);
        assertEquals(count, Math.max(0, Math.min(bytes.length, size - position)));
        assertEquals(bytes.subarray(0, count), model.subarray(position, position + count));
        continue;
      }
      default:
        file.truncate(position);
        model.fill(0, position);
        size = position;
        assertEquals(file.size(), size);
        continue;
    }
    model.set(bytes, position);
    if (bytes.length > 0) size = Math.max(size, position + bytes.length);
  }
  file.close();
  assertEquals(readWhole(disk, `${directory}/a`), model.subarray(0, size));
});

onBoth("many parts, small and larger than any buffer, are written one behind the other", (disk, directory) => {
  const parts = [1, 0, 300_000, 5, 262_144, 262_143, 2, 1_000_000].map((size, i) => new Uint8Array(size).fill(i + 1));
  const file = disk.open(`${directory}/a`, { create: true });

  file.writeMany(parts, 3);
  file.writeMany([], 0);

  let at = 3;
  for (const part of parts) {
    const read = new Uint8Array(part.length);
    assertEquals(file.read(read, at), part.length);
    assertEquals(read, part);
    at += part.length;
  }
  assertEquals(file.size(), at);
  file.close();
});

onBoth("asynchronous reads give the same, several at a time and beside writes", async (disk, directory) => {
  const file = disk.open(`${directory}/a`, { create: true });
  file.write(new Uint8Array(10_000).fill(1), 0);
  file.write(new Uint8Array(10_000).fill(2), 10_000);
  const first = new Uint8Array(4000), second = new Uint8Array(30_000), third = new Uint8Array(10);

  const counts = Promise.all([file.readAsync(first, 8000), file.readAsync(second, 0), file.readAsync(third, 50_000)]);
  file.write(new Uint8Array(100).fill(3), 30_000);
  file.size();

  const [a, b, c] = await counts;
  assertEquals([a, c], [4000, 0]);
  assert(b === 20_000 || b === 30_000);
  assertEquals([first[1999], first[2000], second[9999], second[10_000]], [1, 2, 1, 2]);
  file.close();
});

onBoth("an asynchronous read reaches the file it opened, although removed or replaced", async (disk, directory) => {
  for (const replace of [false, true]) {
    put(disk, `${directory}/a`, "old");
    const file = disk.open(`${directory}/a`);
    if (replace) {
      put(disk, `${directory}/b`, "new");
      disk.rename(`${directory}/b`, `${directory}/a`);
    } else disk.remove(`${directory}/a`);
    const into = new Uint8Array(3);

    assertEquals(await file.readAsync(into, 0), 3);
    assertEquals(utf8Text(into), "old");
    file.close();
  }
});

onBoth("a grown file reads as zeros and takes no room yet", (disk, directory) => {
  const file = disk.open(`${directory}/a`, { create: true });
  file.write(new Uint8Array(100).fill(9), 0);
  const before = disk.usage(directory).usedBytes;

  file.truncate(10);
  file.truncate(1024 ** 3);

  assertEquals(file.size(), 1024 ** 3);
  const into = new Uint8Array(100).fill(7);
  file.read(into, 0);
  assertEquals(into.subarray(0, 11), new Uint8Array([9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0]));
  assertEquals(into.subarray(10), new Uint8Array(90));
  assert(disk.usage(directory).usedBytes - before < 512 * 1024 ** 2);
  file.close();
});

onBoth("syncs succeed, blocking or not, and of a directory", async (disk, directory) => {
  const file = disk.open(`${directory}/a`, { create: true });
  file.write(utf8("x"), 0);

  const sync = file.sync();
  file.write(utf8("y"), 1);
  await sync;
  file.syncNow();
  disk.syncDirectory(directory);

  file.close();
  assertEquals(textOf(disk, `${directory}/a`), "xy");
});

onBoth("a closed file refuses everything except being closed again", async (disk, directory) => {
  const file = disk.open(`${directory}/a`, { create: true });
  file.write(utf8("x"), 0);
  await file.readAsync(new Uint8Array(1), 0);
  file.close();
  file.close();

  assertFault("closed", () => file.size());
  assertFault("closed", () => file.read(new Uint8Array(1), 0));
  assertFault("closed", () => file.write(utf8("x"), 0));
  assertFault("closed", () => file.writeMany([utf8("x")], 0));
  assertFault("closed", () => file.truncate(0));
  assertFault("closed", () => file.syncNow());
  assertEquals((await assertRejects(() => file.sync(), DiskError)).fault, "closed");
  assertEquals((await assertRejects(() => file.readAsync(new Uint8Array(1), 0), DiskError)).fault, "closed");
});

onBoth("opening tells missing files, missing directories and directories apart from files", (disk, directory) => {
  assertFault("not-found", () => disk.open(`${directory}/a`));
  assertFault("not-found", () => disk.open(`${directory}/a`, { create: true, readOnly: true }));
  assertFault("not-found", () => disk.open(`${directory}/no/a`, { create: true }));
  assertFault("io", () => disk.open(directory));
  const error = assertThrows(() => disk.open(`${directory}/a`), DiskError);
  assertStringIncludes(error.message, `Cannot open: ${directory}/a`);
  assertEquals(error.path, `${directory}/a`);
});

onBoth("a file opened for reading only is not written", (disk, directory) => {
  put(disk, `${directory}/a`, "old");
  const file = disk.open(`${directory}/a`, { readOnly: true });

  assertThrows(() => file.write(utf8("new"), 0), DiskError);

  file.close();
  assertEquals(textOf(disk, `${directory}/a`), "old");
});

onBoth("directories are made with their parents and listed by name", (disk, directory) => {
  disk.makeDirectory(`${directory}/x/y/z`);
  disk.makeDirectory(`${directory}/x/y/z`);
  put(disk, `${directory}/x/b`, "bb");
  put(disk, `${directory}/x/a`, "a");

  assertEquals(
    disk.list(`${directory}/x`).map(({ name, isDirectory, sizeBytes }) => ({ name, isDirectory, sizeBytes })),
    [
      { name: "a", isDirectory: false, sizeBytes: 1 },
      { name: "b", isDirectory: false, sizeBytes: 2 },
      { name: "y", isDirectory: true, sizeBytes: 0 },
    ],
  );
  assertEquals(disk.list(`${directory}/none`), []);
  assertFault("exists", () => disk.makeDirectory(`${directory}/x/a`));
});

onBoth("stat tells what is there", (disk, directory) => {
  put(disk, `${directory}/a`, "four");

  const file = disk.stat(`${directory}/a`);
  assertEquals([file?.name, file?.isDirectory, file?.sizeBytes], ["a", false, 4]);
  assert(Number.isInteger(file?.modifiedMs));
  assertEquals(disk.stat(`${directory}/`)?.isDirectory, true);
  assertEquals(disk.stat(`${directory}/none`), null);
  assertEquals(disk.stat(`${directory}/none/none`), null);
});

onBoth("a rename replaces the target and the old name is gone", (disk, directory) => {
  put(disk, `${directory}/a`, "new");
  put(disk, `${directory}/b`, "old");

  disk.rename(`${directory}/a`, `${directory}/b`);
  disk.rename(`${directory}/b`, `${directory}/b`);

  assertEquals(textOf(disk, `${directory}/b`), "new");
  assertEquals(textOf(disk, `${directory}/a`), null);
  assertFault("not-found", () => disk.rename(`${directory}/a`, `${directory}/c`));
  assertFault("not-found", () => disk.rename(`${directory}/b`, `${directory}/no/c`));
});

onBoth("a directory moves with everything in it", (disk, directory) => {
  disk.makeDirectory(`${directory}/x/y`);
  put(disk, `${directory}/x/y/a`, "text");

  disk.rename(`${directory}/x`, `${directory}/z`);

  assertEquals(textOf(disk, `${directory}/z/y/a`), "text");
  assertEquals(disk.stat(`${directory}/x`), null);
});

onBoth("files and empty directories are removed, a tree only by removeTree", (disk, directory) => {
  disk.makeDirectory(`${directory}/x/y`);
  put(disk, `${directory}/x/a`, "1");
  put(disk, `${directory}/x/y/b`, "2");

  assertThrows(() => disk.remove(`${directory}/x`), DiskError);
  disk.remove(`${directory}/x/a`);
  disk.remove(`${directory}/x/a`);
  assertEquals(disk.list(`${directory}/x`).map((entry) => entry.name), ["y"]);

  removeTree(disk, `${directory}/x`);
  removeTree(disk, `${directory}/x`);
  assertEquals(disk.stat(`${directory}/x`), null);
});

onBoth("usage adds up", (disk, directory) => {
  const usage = disk.usage(directory);

  assert(usage.totalBytes > 0 && usage.usedBytes >= 0 && usage.availableBytes > 0);
  assert(usage.usedBytes + usage.availableBytes <= usage.totalBytes);
  assertFault("not-found", () => disk.usage(`${directory}/none`));
});

onBoth("a lock is held by one until it is released", (disk, directory) => {
  const first = disk.lock(`${directory}/lock`);
  assertNotEquals(first, null);

  assertEquals(disk.lock(`${directory}/lock`), null);
  first?.release();
  first?.release();
  const second = disk.lock(`${directory}/lock`);
  assertNotEquals(second, null);
  // A lock given back twice does not free the next holder's.
  first?.release();
  assertEquals(disk.lock(`${directory}/lock`), null);
  second?.release();
  assertFault("not-found", () => disk.lock(`${directory}/no/lock`));
});

onBoth("what is appended goes behind what others have written meanwhile, whatever its position", (disk, directory) => {
  const path = `${directory}/log`;
  const one = disk.open(path, { create: true, append: true });
  const other = disk.open(path, { append: true });
  one.write(utf8("one "), 0);
  other.write(utf8("two "), 0);
  one.writeMany([utf8("three "), utf8("four ")], 2);
  other.write(utf8("five"), 0);
  const read = new Uint8Array(3);
  one.read(read, 4);
  assertEquals(utf8Text(read), "two");
  one.close();
  other.close();
  assertEquals(textOf(disk, path), "one two three four five");
});

onBoth("a directory is made with its parents, and made again without effect", (disk, directory) => {
  makeDurableDirectory(disk, `${directory}/a/b/c`);
  makeDurableDirectory(disk, `${directory}/a/b/c/`);
  assertEquals(disk.stat(`${directory}/a/b/c`)?.isDirectory, true);
});

Deno.test("the parent of a path is what lies before its last part", () => {
  const paths = ["/a/b", "/a/b/", "/a", "/", "a/b", "a", "."];
  assertEquals(paths.map(parentOf), ["/a", "/a", "/", "/", "a", ".", "."]);
});
