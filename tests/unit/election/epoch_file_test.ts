import { assertEquals, assertThrows } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { CRASH, SimDisk } from "../../../src/common/disk_sim.ts";
import { CorruptError, DiskError } from "../../../src/common/errors.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { EpochFile } from "../../../src/election/epoch_file.ts";

const BOOT = { bootedAtMs: 1000, uptimeMs: () => 50_000, isUnclean: false, isSynced: false };

function disk(): SimDisk {
  return new SimDisk({ clock: new SimClock(), random: new SeededRandom(1) });
}

Deno.test("an epoch that was seen survives the loss of power, and never goes back", () => {
  let device = disk();
  const file = new EpochFile(device, "/store", BOOT);
  assertEquals(file.epoch, 0);
  file.seen(7);
  file.seen(5);
  device = device.crash(CRASH.dropUnsynced);
  const again = new EpochFile(device, "/store", BOOT);
  assertEquals(again.epoch, 7);
});

Deno.test("an epoch that could not be written is not taken for seen, and is written when there is room again", () => {
  let device = disk();
  const file = new EpochFile(device, "/store", BOOT);
  file.seen(7);
  device.setCapacity(0);
  assertThrows(() => file.seen(8), DiskError);
  assertEquals(file.epoch, 7);
  device.setCapacity(2 ** 30);
  file.seen(8);
  device = device.crash(CRASH.dropUnsynced);
  assertEquals(new EpochFile(device, "/store", BOOT).epoch, 8);
});

Deno.test("the log is doubted after an unclean stop in another boot, until it has caught up", () => {
  const device = disk();
  const trusted = (start: typeof BOOT) => new EpochFile(device, "/store", start).isTrusted;
  assertEquals([trusted(BOOT), trusted(BOOT)], [false, false], "the store is new");
  new EpochFile(device, "/store", BOOT).trust();
  assertEquals(trusted(BOOT), true);
  assertEquals(trusted({ ...BOOT, isUnclean: true, bootedAtMs: 1900 }), true, "only the process ended");
  assertEquals(trusted({ ...BOOT, bootedAtMs: 900_000 }), true, "it was stopped cleanly");
  assertEquals(
    trusted({ ...BOOT, bootedAtMs: 5_000_000, isUnclean: true, isSynced: true }),
    true,
    "everything was synced",
  );
  assertEquals(trusted({ ...BOOT, isUnclean: true, bootedAtMs: 9_000_000 }), false);
  assertEquals(trusted({ ...BOOT, isUnclean: true, bootedAtMs: 9_000_000 }), false, "a second end changes nothing");
  const file = new EpochFile(device, "/store", { ...BOOT, bootedAtMs: 9_000_000 });
  file.trust();
  assertEquals(trusted({ ...BOOT, isUnclean: true, bootedAtMs: 9_000_000 }), true);
});

Deno.test("a machine that is up for less time than it was has been booted since, whatever its wall clock says", () => {
  const device = disk();
  new EpochFile(device, "/store", BOOT).trust();
  const killed = { ...BOOT, isUnclean: true };
  assertEquals(new EpochFile(device, "/store", { ...killed, uptimeMs: () => 60_000 }).isTrusted, true);
  assertEquals(new EpochFile(device, "/store", { ...killed, uptimeMs: () => 59_999 }).isTrusted, false);
});

Deno.test("a log that is shorter than it was on the device is doubted, until it has caught up", async () => {
  const device = disk();
  const file = new EpochFile(device, "/store", BOOT);
  file.trust();
  await file.noteLog(500);
  const again = new EpochFile(device, "/store", BOOT);
  again.logFound(500);
  assertEquals([again.isTrusted, again.logBytes], [true, 500]);
  again.logFound(499);
  await again.noteLog(100);
  const third = new EpochFile(device, "/store", BOOT);
  assertEquals([third.isTrusted, third.logBytes], [false, 500], "what is missing is not forgotten");
  third.trust();
  await third.noteLog(100);
  const fourth = new EpochFile(device, "/store", BOOT);
  fourth.logFound(100);
  assertEquals([fourth.isTrusted, fourth.logBytes], [true, 100], "the leader has no more");
});

Deno.test("the newest state that was seen is known in this life, and in the next one when it could be written", () => {
  const device = disk();
  const file = new EpochFile(device, "/store", BOOT);
  file.stateSeen({ epoch: 3, version: 7 });
  file.stateSeen({ epoch: 2, version: 9 });
  device.setCapacity(0);
  assertThrows(() => file.stateSeen({ epoch: 3, version: 8 }), DiskError);
  assertEquals(file.newestState, { epoch: 3, version: 8 });
  device.setCapacity(2 ** 30);
  assertEquals(new EpochFile(device, "/store", BOOT).newestState, { epoch: 3, version: 7 });
  file.stateSeen({ epoch: 3, version: 8 });
  assertEquals(new EpochFile(device, "/store", BOOT).newestState, { epoch: 3, version: 8 });
});

Deno.test("a file that cannot be understood keeps the replica from starting", () => {
  const device = disk();
  const file = device.open("/haEpoch.json", { create: true });
  file.write(new TextEncoder().encode('{"epoch":-1}'), 0);
  file.close();
  assertThrows(() => new EpochFile(device, "", BOOT), CorruptError, '"epoch":-1');
});
