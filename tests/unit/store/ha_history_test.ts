import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../../src/common/random.ts";
import { commonHistory, STRETCHES_MAX } from "../../../src/store/ha_history.ts";
import type { ReplicaLog } from "../../../src/store/replica_log.ts";
import type { MessageStore } from "../../../src/store/store.ts";
import { StoreHarness, type TestMessage } from "./store_harness.ts";

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

/** The end of what two logs have in common. */
async function commonEnd(own: ReplicaLog, remote: ReplicaLog, remoteEnd = remote.endOffset): Promise<number> {
  const common = await commonHistory(own, {
    minOffset: remote.minOffset,
    endOffset: remoteEnd,
    checksums: (stretches) => {
      assert(stretches.length <= STRETCHES_MAX);
      return Promise.all(stretches.map(({ offset, size }) => remote.checksum(offset, size)));
    },
  });
  return common.endOffset;
}

/** A log with files of 1 MiB: one message of both histories, and from a second later on those of its own. */
async function parted(seconds: number, own: readonly TestMessage[]): Promise<{ store: MessageStore; ends: number[] }> {
  const harness = StoreHarness.fresh({ mappedFileSizeCommitLog: 1 << 20 });
  await harness.open();
  const ends = [harness.send({ body: "common" }).out.endOffset];
  await harness.clock.advance(1000 * seconds);
  for (const message of own) ends.push(harness.send(message).out.endOffset);
  return { store: harness.store, ends };
}

const LARGE = "x".repeat(200_000);

for (
  const [what, mine, theirs] of [
    ["the last message was sent again", [{ body: LARGE }], [{ body: LARGE, queueId: 3 }]],
    [
      "the same large messages came to both",
      Array.from({ length: 20 }, () => ({ body: LARGE })),
      Array.from({ length: 40 }, () => ({ body: LARGE })),
    ],
    // The last one does not fit into the file: more than 64 KiB of filler end it.
    [
      "fillers are all that the ends have in common",
      [...Array.from({ length: 4 }, () => ({ body: LARGE })), { body: "mine" }, { body: LARGE + LARGE }],
      [...Array.from({ length: 4 }, () => ({ body: LARGE })), { body: "theirs, which is longer" }, {
        body: LARGE + LARGE,
      }],
    ],
  ] as const
) {
  Deno.test(`logs part where they part, though what follows looks alike: ${what}`, async () => {
    const [a, b] = [await parted(1, mine), await parted(2, theirs)];
    assertEquals(await commonEnd(a.store.replicaLog, b.store.replicaLog), a.ends[0]);
    assertEquals(await commonEnd(b.store.replicaLog, a.store.replicaLog), a.ends[0]);
    // As a leader has it that has written a filler, and not yet what follows it.
    if (a.store.replicaLog.endOffset > 1 << 20) {
      assertEquals(await commonEnd(b.store.replicaLog, a.store.replicaLog, 1 << 20), a.ends[0]);
    }
    await a.store.close();
    await b.store.close();
  });
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
