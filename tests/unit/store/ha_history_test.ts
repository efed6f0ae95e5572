import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../../src/common/random.ts";
import { commonHistory, STRETCHES_MAX } from "../../../src/store/ha_history.ts";
import type { MessageStore } from "../../../src/store/store.ts";
import { StoreHarness } from "./store_harness.ts";

/** A store with `count` messages of a history, and then `more` of another. Ends of all records are returned. */
async function store(count: number, more: number, seed: number): Promise<{ store: MessageStore; ends: number[] }> {
  const harness = StoreHarness.fresh({ mappedFileSizeCommitLog: 65536 });
  await harness.open();
  const ends = [0];
  const send = (body: string) => void ends.push(harness.send({ body }).out.endOffset);
  const common = new SeededRandom(7);
  const own = new SeededRandom(seed);
  for (let n = 0; n < count; n++) send(`message ${n} ${"x".repeat(common.int(600))}`);
  for (let n = 0; n < more; n++) send(`own ${seed} ${n} ${"y".repeat(own.int(600))}`);
  return { store: harness.store, ends };
}

Deno.test("the end of the common history is found wherever two logs part", async () => {
  for (
    const [count, mine, theirs] of [[500, 3, 200], [1, 700, 400], [700, 0, 5], [700, 5, 0], [333, 1, 1], [40, 90, 90]]
  ) {
    const a = await store(count!, mine!, 1);
    const b = await store(count!, theirs!, 2);
    const remote = b.store.replicaLog;
    let questions = 0;
    const common = await commonHistory(a.store.replicaLog, {
      minOffset: remote.minOffset,
      endOffset: remote.endOffset,
      checksums: (stretches) => {
        questions++;
        assert(stretches.length <= STRETCHES_MAX);
        return Promise.all(stretches.map(({ offset, size }) => remote.checksum(offset, size)));
      },
    });
    // A filler behind the last common record is common, too, when both histories needed it.
    const end = a.ends[count!]!;
    assertEquals(common.endOffset, end, `${count} common, ${mine} and ${theirs} own`);
    assertEquals(common.lastRecordOffset <= end, true);
    assert(questions < 300);
    await a.store.close();
    await b.store.close();
  }
});

Deno.test("logs that have nothing in common are told apart", async () => {
  const a = await store(0, 50, 1);
  const b = await store(0, 50, 2);
  const remote = b.store.replicaLog;
  const common = await commonHistory(a.store.replicaLog, {
    minOffset: remote.minOffset,
    endOffset: remote.endOffset,
    checksums: (stretches) => Promise.all(stretches.map(({ offset, size }) => remote.checksum(offset, size))),
  });
  assertEquals(common.endOffset, -1);
  await a.store.close();
  await b.store.close();
});
