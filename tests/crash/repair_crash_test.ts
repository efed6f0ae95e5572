/**
 * A repair is stopped at every change of the disk. Before it has begun to change the store, a broker finds the store as it was;
 * afterwards no broker opens it; and whenever it was stopped, the same command brings it to the end, with a copy of all that it
 * replaced. `CRASH_STEP=1` stops at each change.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SimClock } from "../../src/common/clock_sim.ts";
import type { Disk } from "../../src/common/disk.ts";
import { CRASH, SimDisk } from "../../src/common/disk_sim.ts";
import { CorruptError } from "../../src/common/errors.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { inspectStore } from "../../src/store/inspect.ts";
import { repairStore } from "../../src/store/repair.ts";
import { segmentName } from "../../src/store/segment_file.ts";
import { StoreHarness } from "../unit/store/store_harness.ts";

const STEP = Number(Deno.env.get("CRASH_STEP") ?? 11);
const SIZE = 4096;
const OPTIONS = { mappedFileSizeCommitLog: SIZE, mappedFileSizeConsumeQueue: 100, maxHashSlotNum: 20, maxIndexNum: 25 };

/** What is asked of a repair, and what the store has suffered before. */
const REPAIRS = {
  "after the index was damaged": { happen: damageIndex, truncates: false, acceptsLoss: false, left: 60 },
  "with --truncate-at": { happen: damageIndex, truncates: true, acceptsLoss: false, left: 30 },
  "with --accept-loss": {
    happen: (disk: Disk) => {
      disk.remove(`/store/commitlog/${segmentName(SIZE)}`);
      disk.syncDirectory("/store/commitlog");
    },
    truncates: false,
    acceptsLoss: true,
    left: 36,
  },
} as const;

function damageIndex(disk: Disk): void {
  const file = disk.open(`/store/index/${disk.list("/store/index")[0]!.name}`);
  file.write(new Uint8Array(60).fill(7), 40);
  file.syncNow();
  file.close();
}

/** A damaged store on a disk that stops at a change of the repair, and the offset of message 30. */
async function makeStore(happen: (disk: Disk) => void): Promise<{ h: StoreHarness; disk: SimDisk; middle: number }> {
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(1), clock });
  const h = new StoreHarness(disk, clock, OPTIONS);
  await h.open();
  let middle = 0;
  for (let i = 0; i < 60; i++) {
    const { out } = h.send({ queueId: i % 2, body: `${i} ${"x".repeat(60)}`, keys: `k${i}` });
    if (i === 30) middle = out.physicalOffset;
  }
  await h.store.close();
  happen(disk);
  return { h, disk, middle };
}

async function messages(h: StoreHarness): Promise<number> {
  await h.open();
  const count = (await h.readAll("T", 0)).length + (await h.readAll("T", 1)).length;
  await h.store.close();
  return count;
}

for (const [name, { happen, truncates, acceptsLoss, left }] of Object.entries(REPAIRS)) {
  for (const policy of ["keepAll", "dropUnsynced", "reordered"] as const) {
    Deno.test(`a repair ${name}, stopped anywhere (${policy}), has done nothing or is brought to its end`, async () => {
      for (let stopAfter = 1;; stopAfter += STEP) {
        const { h, disk, middle } = await makeStore(happen);
        const request = { truncateAt: truncates ? middle : null, acceptsLoss };
        disk.faults.stopAt(disk.faults.changes + stopAfter);
        const run = (on: StoreHarness) =>
          repairStore({ disk: on.disk, clock: on.clock, options: on.options, report: () => {} }, request);
        const isOver = await run(h).then(() => true, (error) => {
          if (!disk.faults.stopped) throw error;
          return false;
        });
        const after = h.on(disk.crash(CRASH[policy]));
        const at = `stopped after ${stopAfter} changes`;
        const isHalf = after.disk.stat("/store/repair.work/plan") !== null;
        if (isHalf) {
          const error = await assertRejects(() => after.open(), CorruptError, undefined, at);
          assert(error.message.includes("finish it with: rucola store repair /store"), error.message);
        } else if (
          !isOver && !acceptsLoss && after.disk.list("/store").every((each) => !each.name.startsWith("repair-"))
        ) {
          assertEquals(await messages(after), 60, at);
        }
        await run(after);
        const { counts, findings } = await inspectStore({ disk: after.disk, clock: h.clock, options: h.options });
        assertEquals([counts.lost, counts.derived], [0, 0], `${at}: ${JSON.stringify(findings)}`);
        assertEquals(await messages(after), left, at);
        const copies = after.disk.list("/store").filter((each) => each.name.startsWith("repair-"));
        assert(copies.some((copy) => after.disk.stat(`/store/${copy.name}/index`) !== null), at);
        if (truncates) {
          assert(
            copies.some((copy) => after.disk.list(`/store/${copy.name}/commitlog`).length > 0),
            `${at}: cut bytes`,
          );
        }
        assertEquals(after.disk.stat("/store/repair.work"), null, at);
        if (isOver) break;
      }
    });
  }
}
