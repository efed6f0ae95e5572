import { assert, assertEquals, assertThrows } from "@std/assert";
import { concatBytes, putI32 } from "../../../src/common/bytes.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { HistoryError, RecordCutter } from "../../../src/store/ha_records.ts";
import { StoreHarness } from "./store_harness.ts";

const FILE_SIZE = 16384;

/** A log of several files as a store makes it. */
async function log(): Promise<Uint8Array> {
  const harness = StoreHarness.fresh();
  await harness.open();
  for (let n = 0; n < 120; n++) harness.send({ body: `message ${n} ${"x".repeat((n * 37) % 900)}` });
  const { replicaLog } = harness.store;
  const bytes = (await replicaLog.bytes(0, replicaLog.endOffset))!;
  await harness.store.close();
  return bytes;
}

Deno.test("whatever the frames, whole records come out, and all of them", async () => {
  const bytes = await log();
  assert(bytes.length > 2 * FILE_SIZE);
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SeededRandom(seed);
    const cutter = new RecordCutter(FILE_SIZE);
    cutter.startAt(0);
    const out: Uint8Array[] = [];
    let offset = 0;
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random.int(3000));
      const whole = cutter.take(bytes.subarray(at, end));
      at = end;
      assertEquals(cutter.endOffset, end);
      if (whole === null) continue;
      assertEquals(whole.offset, offset);
      out.push(whole.bytes.slice());
      offset += whole.bytes.length;
    }
    assertEquals(concatBytes(out), bytes);
  }
});

Deno.test("bytes that cannot follow are refused: another offset, zeros, garbage, another file size", async () => {
  const bytes = await log();
  const takes = (from: number, fileSize: number, change: (bytes: Uint8Array) => void = () => {}) => {
    const cutter = new RecordCutter(fileSize);
    cutter.startAt(from);
    const changed = bytes.slice();
    change(changed);
    return cutter.take(changed);
  };
  assertThrows(() => takes(FILE_SIZE, FILE_SIZE), HistoryError, "lies at 0, but lies at 16384");
  assertThrows(() => takes(0, FILE_SIZE, (b) => b.fill(0)), HistoryError, "is zeros");
  assertThrows(() => takes(0, FILE_SIZE, (b) => b.fill(77)), HistoryError, "magic");
  assertThrows(() => takes(0, FILE_SIZE, (b) => putI32(b, 0, 0x7fffffff)), HistoryError, "says that it has");
  assertThrows(() => takes(0, 8192), HistoryError, "mappedFileSizeCommitLog");
});

Deno.test("damage in the master's log is asked for once more, and copied when it comes again", async () => {
  const bytes = await log();
  for (
    const harm of [
      (b: Uint8Array) => b[8]! ^= 1,
      (b: Uint8Array) => b.fill(0, 300, 900),
      (b: Uint8Array) => b.fill(9, 0, 5000),
    ]
  ) {
    const harmed = bytes.slice();
    harm(harmed);
    const cutter = new RecordCutter(FILE_SIZE);
    cutter.isSameHistory = true;
    cutter.startAt(0);
    assertThrows(() => cutter.take(harmed), HistoryError, "asked for once more");
    cutter.startAt(0);
    const out: Uint8Array[] = [];
    for (let at = 0; at < harmed.length; at += 1000) {
      const whole = cutter.take(harmed.subarray(at, at + 1000));
      if (whole !== null) out.push(whole.bytes.slice());
    }
    assertEquals(concatBytes(out), harmed);
  }
});

Deno.test("a connection that begins anew after records were taken goes on from where it is told", async () => {
  const bytes = await log();
  const cutter = new RecordCutter(FILE_SIZE);
  cutter.startAt(0);
  const first = cutter.take(bytes.subarray(0, 3000))!;
  const end = first.offset + first.bytes.length;
  cutter.startAt(end);
  assertEquals(cutter.endOffset, end);
  const second = cutter.take(bytes.subarray(end, end + 3000))!;
  assertEquals(second.offset, end);
  assertEquals(second.bytes, bytes.subarray(end, end + second.bytes.length));
});
