import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { CRASH, SimDisk } from "../../../src/common/disk_sim.ts";
import { CorruptError } from "../../../src/common/errors.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { outMsOf, requestedDueMs, storedDueMs } from "../../../src/broker/timer/due_time.ts";
import { compareKeys, endOf, FIRST_KEY, sortEntries, type TimerEntry } from "../../../src/broker/timer/entry.ts";
import { decodeRecallHandle, encodeRecallHandle } from "../../../src/broker/timer/rewriter.ts";
import { BLOCK_ENTRIES, RunCursor, RunFile, RunWriter } from "../../../src/broker/timer/run_file.ts";
import { SlotFile } from "../../../src/broker/timer/slot_file.ts";

function disk(seed = 1): SimDisk {
  const made = new SimDisk({ random: new SeededRandom(seed), clock: new SimClock() });
  made.makeDirectory("/d");
  made.settle();
  return made;
}

function entry(dueMs: number, queueOffset: number): TimerEntry {
  return { dueMs, queueOffset, physicalOffset: queueOffset * 400, sizeBytes: 400, isDelete: false, topicHash: -7 };
}

const properties = (record: Record<string, string>) => new Map(Object.entries(record));

Deno.test("a due time is noted as RocketMQ notes it, and found again to the millisecond", () => {
  assertEquals(outMsOf(5000, 1000), 4000);
  assertEquals(outMsOf(5001, 1000), 5000);
  assertEquals(requestedDueMs(properties({ TIMER_DELAY_SEC: "2", TIMER_DELAY_MS: "9" }), 100), 2100);
  assertEquals(requestedDueMs(properties({ TIMER_DELAY_MS: "1e3" }), 100), NaN);
  const stored = (record: Record<string, string>, storeTimestamp = 0, bornTimestamp = 0) =>
    storedDueMs({ properties: properties(record), storeTimestamp, bornTimestamp }, 1000);
  assertEquals(stored({ TIMER_OUT_MS: "5000", TIMER_DELIVER_MS: "5718" }), 5718);
  assertEquals(stored({ TIMER_OUT_MS: "5000", TIMER_DELAY_MS: "3000" }, 2718), 5718);
  assertEquals(stored({ TIMER_OUT_MS: "5000", TIMER_DELAY_SEC: "3" }, 90_000, 2700), 5700, "stored again by RocketMQ");
  assertEquals(stored({ TIMER_OUT_MS: "5000", TIMER_DELIVER_MS: "99999" }), 6000, "the end of the tick");
  assertEquals(stored({ TIMER_OUT_MS: "never" }), null);
  assertEquals(stored({}), null);
});

Deno.test("a recall handle is RocketMQ's, and anything else is none", () => {
  const handle = { topic: "T", brokerName: "broker-a", timeMs: 1795238188001, uniqueKey: "FD00" };
  assertEquals(encodeRecallHandle(handle), "djEgVCBicm9rZXItYSAxNzk1MjM4MTg4MDAxIEZEMDA=");
  assertEquals(decodeRecallHandle(encodeRecallHandle(handle)), handle);
  for (const bad of ["", "%%%", btoa("v2 T b 1 k"), btoa("v1 T b 1")]) assertEquals(decodeRecallHandle(bad), null, bad);
  assertEquals(decodeRecallHandle(btoa("v1 T b soon k"))?.timeMs, -1);
});

Deno.test("entries are sorted by due time and then by arrival, whatever the span", () => {
  const random = new SeededRandom(7);
  for (const span of [1, 1000, 2 ** 38, 2 ** 46]) {
    const entries = Array.from(
      { length: 500 },
      (_, i) => entry(1_700_000_000_000 + Math.floor(random.next() * span), i),
    );
    const shuffled = [...entries].sort(() => random.next() - 0.5);
    assertEquals(sortEntries(shuffled), [...entries].sort(compareKeys), `span ${span}`);
  }
});

Deno.test("a run gives back its entries from any place on", async () => {
  const d = disk();
  const count = 3 * BLOCK_ENTRIES + 5;
  const entries = Array.from({ length: count }, (_, i) => entry(1000 + Math.floor(i / 3), i));
  const writer = new RunWriter(d, "/d", "1.run");
  for (const each of entries) writer.add(each);
  const written = writer.finish()!;
  assertEquals(written.info, { name: "1.run", count, minQueueOffset: 0, minPhysicalOffset: 0 });
  const run = RunFile.open(d, "/d", written.info);
  const cursor = new RunCursor(run);
  for (const from of [FIRST_KEY, entries[0]!, entries[BLOCK_ENTRIES - 1]!, entries[200]!, endOf(1050), endOf(9999)]) {
    await cursor.seek(from);
    const read: TimerEntry[] = [];
    for (; !cursor.isAtEnd; cursor.advance()) {
      if (!cursor.isReady) await cursor.load();
      read.push(cursor.entry());
    }
    assertEquals(read, entries.filter((each) => compareKeys(each, from) > 0));
  }
  d.flipBit("/d/1.run", 4096 + 100, 2);
  await assertRejects(() => run.readBlocks(1), CorruptError, "does not match its CRC");
  assertThrows(() => RunFile.open(d, "/d", { ...written.info, count: 10 * count }), CorruptError, "entries need");
});

Deno.test("of a document in two slots one is always whole, wherever the power fails", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const d = disk(seed);
    const file = new SlotFile(d, "/d/progress");
    assertEquals(file.load(), null);
    let saved = 0;
    for (let i = 1; i <= seed % 7; i++) {
      await file.save(`text ${"x".repeat(3000 * (i % 3))} ${i}`);
      saved = i;
    }
    const text = `text ${"y".repeat(5000)} ${saved + 1}`;
    void file.save(text).catch(() => {});
    const after = new SlotFile(d.crash(seed % 2 ? CRASH.reordered : CRASH.tornPrefix), "/d/progress").load();
    const number = after === null ? 0 : Number(after.split(" ").at(-1));
    assert(number === saved || number === saved + 1, `seed ${seed}: saved ${saved}, found ${number}`);
  }
});
