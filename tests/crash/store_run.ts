/**
 * A scripted life of a store that can be stopped at any change of the disk, and the check of what is found afterwards.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { SimClock } from "../../src/common/clock_sim.ts";
import { SimDisk } from "../../src/common/disk_sim.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { getI64 } from "../../src/common/bytes.ts";
import { inspectStore } from "../../src/store/inspect.ts";
import { AppendResult, PutStatus, type StoreOptions } from "../../src/store/store.ts";
import { StoreHarness } from "../unit/store/store_harness.ts";

/** A message that was sent and what the producer knows of it. */
interface Sent {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly body: string;
  readonly key: string;
  /** Where its record ends in the log. */
  readonly endOffset: number;
  /** The producer was told PUT_OK. */
  promised: boolean;
}

/** What a run did before it was stopped. */
export interface Run {
  readonly harness: StoreHarness;
  readonly disk: SimDisk;
  readonly sent: Sent[];
  /** Everything in the log below was synced when the run ended. */
  readonly flushedOffset: number;
  /** Changes of the disk that it made. */
  readonly changes: number;
}

const OPTIONS: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: 4096,
  mappedFileSizeConsumeQueue: 100,
  maxHashSlotNum: 20,
  maxIndexNum: 25,
  flushConsumeQueueThoroughInterval: 3000,
};

/** Resolves with the promise, or with undefined when the machine stopped and it never will. */
export async function unlessStopped<T>(disk: SimDisk, promise: Promise<T>): Promise<T | undefined> {
  let isOver = false;
  const stopped = (async () => {
    while (!disk.faults.stopped && !isOver) await new Promise((resolve) => setTimeout(resolve, 0));
    return undefined;
  })();
  const guarded = promise.catch((error) => {
    if (disk.faults.stopped) return undefined;
    throw error;
  });
  const result = await Promise.race([guarded, stopped]);
  isOver = true;
  await stopped;
  return result;
}

/** Lives through the script until change number `stopAt`. */
export async function live(seed: number, options: Partial<StoreOptions>, stopAt = Infinity): Promise<Run> {
  const random = new SeededRandom(seed);
  const clock = new SimClock();
  const disk = new SimDisk({ random: new SeededRandom(seed + 1), clock });
  disk.faults.stopAt(stopAt);
  const harness = new StoreHarness(disk, clock, { ...OPTIONS, ...options });
  const sent: Sent[] = [];
  const run = () => {
    const flushedOffset = sent.length === 0 ? 0 : harness.store.figures().flushedOffset;
    return { harness, disk, sent, flushedOffset, changes: disk.faults.changes };
  };
  for (let life = 0; life < 2; life++) {
    if (await unlessStopped(disk, harness.open()) === undefined) return run();
    for (let turn = 0; turn < 12; turn++) {
      unlessDead(disk, () => sendTurn(harness, random, sent));
      if (disk.faults.stopped) return run();
      await clock.advance(random.int(4) === 0 ? 2000 : random.int(300));
      if (disk.faults.stopped) return run();
    }
    await unlessStopped(disk, harness.store.close());
    if (disk.faults.stopped) return run();
  }
  return run();
}

function sendTurn(harness: StoreHarness, random: SeededRandom, sent: Sent[]): void {
  const count = 1 + random.int(6);
  for (let i = 0; i < count; i++) {
    const topic = `T${random.int(2)}`;
    const queueId = random.int(2);
    const n = sent.length;
    const body = `body ${n} ${"x".repeat(random.int(10) === 0 ? 900 : random.int(120))}`;
    const { status, out } = harness.append({ topic, queueId, body, keys: `k${n}` }, new AppendResult());
    if (status !== PutStatus.PUT_OK) continue;
    const { queueOffset, physicalOffset, endOffset } = out;
    const key = `k${n}`;
    const message: Sent = { topic, queueId, queueOffset, physicalOffset, endOffset, body, key, promised: false };
    sent.push(message);
    harness.store.whenSafe(out.endOffset, true, {
      settle: (told) => {
        if (told === PutStatus.PUT_OK) message.promised = true;
      },
    });
  }
  harness.endTurn();
}

/** Does something that the stop of the machine may interrupt. */
function unlessDead(disk: SimDisk, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!disk.faults.stopped) throw error;
  }
}

/** Opens what the disk became and checks that it is what producers and readers were promised. */
export async function check(run: Run, disk: SimDisk): Promise<void> {
  const harness = run.harness.on(disk);
  await harness.open();
  await checkContents(harness, run.sent);
  await harness.store.indexed();
  for (const message of run.sent) {
    if (!message.promised) continue;
    const found = await harness.store.queryMessages(message.topic, message.key, 64, 0, Number.MAX_SAFE_INTEGER);
    assert(
      found.records.some((record) => getI64(record, 28) === message.physicalOffset),
      `key ${message.key} is indexed`,
    );
  }
  const kept = await goOn(harness, run.sent);
  await harness.store.close();
  assertEquals(disk.stat("/store/abort"), null);
  const again = run.harness.on(disk);
  await again.open();
  await checkContents(again, kept);
  assertEquals(again.log.filter((line) => !line.startsWith("info")), []);
  await again.store.close();
  const { counts, findings } = await inspectStore({ disk, clock: again.clock, options: again.options });
  const isHurt = harness.store.damages.length > 0;
  assert(counts.derived === 0 && (isHurt || counts.lost === 0), JSON.stringify(findings));
}

/** ASYNC_FLUSH promises nothing of what was not synced when the power went. */
export function promiseOnlySynced(run: Run): Run {
  for (const message of run.sent) message.promised &&= message.endOffset <= run.flushedOffset;
  return run;
}

async function checkContents(harness: StoreHarness, sent: readonly Sent[]): Promise<void> {
  for (const topic of ["T0", "T1"]) {
    for (let queueId = 0; queueId < 2; queueId++) {
      const read = await harness.readAll(topic, queueId);
      const of = sent.filter((message) => message.topic === topic && message.queueId === queueId);
      const byOffset = new Map(read.map((message) => [message.queueOffset, message]));
      assertEquals(byOffset.size, read.length, `${topic}-${queueId}: no queue offset twice`);
      for (let i = 1; i < read.length; i++) {
        assert(read[i]!.queueOffset > read[i - 1]!.queueOffset, "queue offsets grow");
        assert(read[i]!.physicalOffset > read[i - 1]!.physicalOffset, "physical offsets grow");
      }
      for (const message of of.filter((each) => each.promised)) {
        const found = byOffset.get(message.queueOffset);
        assertEquals(
          found?.body,
          message.body,
          `${topic}-${queueId} ${message.queueOffset} at ${message.physicalOffset}`,
        );
      }
      const bodies = new Set(of.map((message) => message.body));
      for (const message of read) assert(bodies.has(message.body), "nothing is read that was not sent");
    }
  }
}

/** Sends one more message to each queue; returns all that must now be there. */
async function goOn(harness: StoreHarness, sent: readonly Sent[]): Promise<Sent[]> {
  const kept = sent.map((message) => ({ ...message }));
  for (const topic of ["T0", "T1"]) {
    for (let queueId = 0; queueId < 2; queueId++) {
      const before = harness.store.maxOffset(topic, queueId);
      const body = `more ${topic} ${queueId}`;
      const { out, settled } = harness.send({ topic, queueId, body });
      assertEquals(await settled, PutStatus.PUT_OK);
      assertEquals(out.queueOffset, before);
      const { queueOffset, physicalOffset, endOffset } = out;
      kept.push({ topic, queueId, queueOffset, physicalOffset, endOffset, body, key: "", promised: true });
    }
  }
  return kept;
}
