/** What only the machine's disk can show: faults of the system, other processes. @module */
import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { utf8 } from "../../../src/common/bytes.ts";
import { readWhole } from "../../../src/common/disk.ts";
import { DenoDisk } from "../../../src/common/disk_deno.ts";
import { DiskError } from "../../../src/common/errors.ts";

Deno.test({
  name: "a write to a full device fails with no space, which may pass",
  ignore: Deno.build.os !== "linux",
  fn() {
    const file = new DenoDisk().open("/dev/full");
    for (const write of [() => file.write(utf8("x"), 0), () => file.writeMany([utf8("x")], 0)]) {
      const error = assertThrows(write, DiskError);
      assertEquals([error.fault, error.retriable, error.path], ["no-space", true, "/dev/full"]);
    }
    file.close();
  },
});

Deno.test("a failed write does not move the next one", async () => {
  const path = await Deno.makeTempFile();
  const file = new DenoDisk().open(path, { readOnly: true });
  const into = new Uint8Array(1);
  const writer = new DenoDisk().open(path);
  writer.write(utf8("abc"), 0);

  assertEquals(file.read(into, 0), 1);
  assertThrows(() => file.write(utf8("x"), 2), DiskError);
  assertEquals([file.read(into, 1), into[0]], [1, 98]);

  file.close();
  writer.close();
  await Deno.remove(path);
});

Deno.test("a lock excludes other processes and ends with the process that holds it", async () => {
  const directory = await Deno.makeTempDir({ prefix: "rucola-lock-" });
  const path = `${directory}/lock`;
  const source = new URL("../../../src/common/disk_deno.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { DenoDisk } from ${JSON.stringify(source)};
      globalThis.lock = new DenoDisk().lock(${JSON.stringify(path)});
      console.log(globalThis.lock !== null);
      setInterval(() => {}, 1000);`,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    assertEquals(new TextDecoder().decode((await reader.read()).value).trim(), "true");
    assertEquals(new DenoDisk().lock(path), null);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
  }

  const lock = new DenoDisk().lock(path);
  assertNotEquals(lock, null);
  lock?.release();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a path below a file is one where nothing is, and nothing can be", async () => {
  const file = await Deno.makeTempFile();
  const disk = new DenoDisk();
  assertEquals(disk.stat(`${file}/HEAD`), null);
  assertEquals(disk.list(`${file}/directory`), []);
  assertThrows(() => disk.makeDirectory(`${file}/directory`), DiskError, "Not a directory");
  await Deno.remove(file);
});

Deno.test("a removed file that is discarded is closed, whatever is asked of it then", async () => {
  const directory = await Deno.makeTempDir();
  const disk = new DenoDisk();
  const path = `${directory}/large`;
  const file = disk.open(path, { create: true });
  file.write(new Uint8Array(100_000), 0);

  disk.remove(path);
  await Promise.all([file.discard(), file.discard()]);

  assertThrows(() => file.size(), DiskError);
  assertEquals(disk.list(directory), []);
  await disk.syncDirectoryAsync(directory);
  await Deno.remove(directory);
});

Deno.test("a removed file that is discarded keeps its content where it has another name, as in a backup of links", async () => {
  const directory = await Deno.makeTempDir();
  const disk = new DenoDisk();
  const file = disk.open(`${directory}/large`, { create: true });
  file.write(new Uint8Array(100_000).fill(7), 0);
  await Deno.link(`${directory}/large`, `${directory}/backup`);

  disk.remove(`${directory}/large`);
  await file.discard();

  const backup = readWhole(disk, `${directory}/backup`)!;
  assertEquals([backup.length, backup[99_999]], [100_000, 7]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("syncing a directory that is not there tells so, off the event loop too", async () => {
  await assertRejects(() => new DenoDisk().syncDirectoryAsync("/nowhere/at/all"), DiskError);
});
