/**
 * A slave's store is given its master's log in pieces of any size, which end anywhere, several in a turn, on a disk that is full
 * now and then: what it said is safe stays, and in the end the logs and their queues are the same, also after a kill. More with
 * `REPLICA_SEEDS=200`.
 */
import { assert, assertEquals } from "@std/assert";
import type { SimDisk } from "../../src/common/disk_sim.ts";
import { DiskError } from "../../src/common/errors.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { RecordCutter } from "../../src/store/ha_records.ts";
import { PullResult, PullStatus, PutStatus } from "../../src/store/store.ts";
import { type SimWorld, simWorld } from "../support/world.ts";
import { Node, startMaster } from "../unit/store/ha_world.ts";
import { messagesOf } from "../unit/store/store_harness.ts";

const SEEDS = Number(Deno.env.get("REPLICA_SEEDS") ?? 30);
const MESSAGES = 150;
const TOPICS = ["T0", "T1", "T2"];
const QUEUES = 2;

/** A master's log over many files, some of whose topics were deleted and made again. */
async function masterLog(world: SimWorld, random: SeededRandom): Promise<Node> {
  const { node, master } = await startMaster(world, "a");
  master.close();
  for (let n = 0; n < MESSAGES; n++) {
    const size = random.int(5) === 0 ? random.int(12_000) : random.int(300);
    void node.send(TOPICS[random.int(TOPICS.length)]!, `message ${n} ${"x".repeat(size)}`, random.int(QUEUES));
    if (random.int(4) === 0) await world.clock.sleep(1);
    if (random.int(30) > 0) continue;
    await world.clock.sleep(1);
    node.store.deleteTopic(TOPICS[random.int(TOPICS.length)]!);
  }
  await world.clock.sleep(5);
  return node;
}

/** Gives a slave the bytes; returns how often something found no space. */
async function copy(world: SimWorld, slave: Node, bytes: Uint8Array, random: SeededRandom): Promise<number> {
  const { store, process } = slave;
  const { faults } = process.disk as SimDisk;
  const cutter = new RecordCutter(store.replicaLog.fileSize);
  cutter.startAt(0);
  let [safeOffset, failures, isBroken] = [0, 0, false];
  const take = (piece: Uint8Array) => {
    const whole = cutter.take(piece);
    if (whole === null) return;
    store.appendReplica(whole.offset, whole.bytes);
    const endOffset = whole.offset + whole.bytes.length;
    const settle = (status: PutStatus) => {
      if (status === PutStatus.PUT_OK) safeOffset = Math.max(safeOffset, endOffset);
      else isBroken = true;
    };
    store.whenSafe(endOffset, true, { settle });
  };
  while (safeOffset < bytes.length) {
    const at = cutter.endOffset;
    const rule = {
      path: /commitlog\/0/,
      operation: random.int(2) === 0 ? "write" : "open",
      fault: "no-space",
    } as const;
    const full = random.int(12) === 0 ? faults.fail({ ...rule, nth: 1 + random.int(2) }) : null;
    try {
      take(bytes.subarray(at, at + 1 + random.int(random.int(3) === 0 ? 40_000 : 700)));
    } catch (error) {
      // What came before a turn that was taken back in the middle is not stored, or there is no room for a file.
      assert(error instanceof DiskError || String(error).includes("is not stored"), String(error));
      isBroken = true;
    }
    if (random.int(3) === 0 || full !== null || at === bytes.length) await world.clock.sleep(1);
    full?.cancel();
    if (!isBroken) continue;
    // As a slave does: the connection ends, and the next one begins where the log does.
    failures++;
    isBroken = false;
    await world.clock.sleep(1);
    assert(
      store.replicaLog.endOffset >= safeOffset,
      `${safeOffset} was safe, the log ends at ${store.replicaLog.endOffset}`,
    );
    cutter.startAt(store.replicaLog.endOffset);
  }
  return failures;
}

async function readAll({ store }: Node, topic: string, queueId: number): Promise<string[]> {
  const bodies: string[] = [];
  const out = new PullResult();
  for (let at = store.minOffset(topic, queueId);;) {
    const status = store.pull(store.queue(topic, queueId), at, 32, 262_144, null, out);
    if (status === PullStatus.PENDING) await store.load([...out.missing]);
    else if (status !== PullStatus.FOUND) return bodies;
    else {
      bodies.push(...out.parts.flatMap((part) => messagesOf(part).map(({ body }) => body)));
      at = out.nextBeginOffset;
    }
  }
}

Deno.test(`a slave's copy, ${SEEDS} random lives on a disk that is full now and then`, async () => {
  let failures = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    await simWorld(seed).run(async (world) => {
      const random = new SeededRandom(seed);
      const master = await masterLog(world, random);
      const bytes = await master.bytes();
      const process = world.machine("b").boot();
      const slave = await Node.open(process, { brokerRole: "SLAVE" });
      failures += await copy(world, slave, bytes, random);
      assertEquals(await slave.bytes(), bytes);
      process.kill();
      const next = await Node.open(world.machine("b").boot(), { brokerRole: "SLAVE" });
      assertEquals(await next.bytes(), bytes);
      for (const topic of TOPICS) {
        for (let queueId = 0; queueId < QUEUES; queueId++) {
          const theirs = await readAll(master, topic, queueId);
          // A deleted topic is deleted at a slave by its table of topics, not by the log.
          const mine = await readAll(next, topic, queueId);
          assertEquals(mine.slice(mine.length - theirs.length), theirs, `${topic}-${queueId}`);
        }
      }
      await next.store.close();
      await master.store.close();
    });
  }
  assert(failures > SEEDS, `${failures} failures`);
});
