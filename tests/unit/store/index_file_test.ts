import { assertEquals } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { IndexFile, indexFileSize } from "../../../src/store/index_file.ts";
import { OpenFiles } from "../../../src/store/open_files.ts";
import { SegmentFile } from "../../../src/store/segment_file.ts";

/** Two megabytes of slots and a bit. */
const SLOTS = 2 * 262_144 + 10;
const ENTRIES = 100;

Deno.test("slots are written a megabyte at a time, as they were when the file was frozen", async () => {
  const disk = new SimDisk({ random: new SeededRandom(1), clock: new SimClock() });
  disk.makeDirectory("/index");
  const open = () => {
    const path = "/index/20260101000000000";
    const segment = new SegmentFile(disk, new OpenFiles(disk, 8), path, 0, indexFileSize(SLOTS, ENTRIES));
    return new IndexFile(segment, "20260101000000000", SLOTS, ENTRIES);
  };
  const file = open();
  file.segment.create();
  file.startEmpty();
  for (const slot of [3, 262_144 + 3, 2 * 262_144 + 3]) file.add(slot, 1000 + slot, 1);
  file.freeze();

  // A page in the first megabyte is written already when its slot changes, one in the last is not.
  const steps: number[] = [];
  for (const _gap of file.writeSlots()) {
    for (const slot of [3, 2 * 262_144 + 3]) file.add(slot, 5000 + slot, 1);
    steps.push(file.indexCount);
  }
  file.segment.syncNow();

  assertEquals(steps, [6, 8]);
  const saved = open();
  saved.load();
  const newest = await Promise.all([3, 262_144 + 3, 2 * 262_144 + 3].map((slot) => saved.newestEntry(slot)));
  assertEquals([saved.indexCount, newest], [4, [1, 2, 3]]);
  assertEquals(file.isUnsaved, true);

  // The next time writes what changed meanwhile, wherever that was.
  file.freeze();
  for (const _gap of file.writeSlots());
  file.segment.syncNow();
  const later = open();
  later.load();
  const newestLater = await Promise.all([3, 262_144 + 3, 2 * 262_144 + 3].map((slot) => later.newestEntry(slot)));
  assertEquals([later.indexCount, newestLater, file.isUnsaved], [8, [6, 2, 7], false]);
});
