/**
 * The delivery of delayed messages where the store does not have what it should, or refuses what becomes due.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { DelayLevels } from "../../../src/broker/delay_levels.ts";
import { DelayOffsets } from "../../../src/broker/delay_offsets.ts";
import type { BrokerMessage, MessagePut, PutOutcome } from "../../../src/broker/message_put.ts";
import { Schedule } from "../../../src/broker/schedule.ts";
import { encodeStored } from "../../../src/broker/stored_message.ts";
import { putI64, utf8, utf8Text } from "../../../src/common/bytes.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SimDisk } from "../../../src/common/disk_sim.ts";
import { JsonFile } from "../../../src/common/json_file.ts";
import { SeededRandom } from "../../../src/common/random.ts";
import { AppendResult, type MessageStore, type PullResult, PullStatus, PutStatus } from "../../../src/store/store.ts";

const HOST = { hostBytes: Uint8Array.of(10, 0, 0, 1), port: 1 };

/** What lies at an offset of the level's queue: a message that is due at a time, or nothing that can be read. */
type Slot = { readonly dueMs: number; readonly body: string } | "removed" | "damaged";

/** A schedule of one level over slots, whose deliveries a test can refuse. */
class ScheduleBench {
  readonly clock = new SimClock();
  readonly delivered: string[] = [];
  readonly log: string[] = [];
  reads = 0;
  refuses: (body: string) => PutStatus = () => PutStatus.PUT_OK;
  safe: () => PutStatus = () => PutStatus.PUT_OK;
  readonly offsets: DelayOffsets;
  readonly schedule: Schedule;

  constructor(readonly slots: Slot[], delay = "10s") {
    const disk = new SimDisk({ random: new SeededRandom(1) });
    const log = {
      info: () => {},
      warn: () => {},
      error: (text: string) => void this.log.push(text),
    };
    const file = new JsonFile(disk, "/store/config/delayOffset.json");
    this.offsets = new DelayOffsets({ clock: this.clock, log, file });
    this.schedule = new Schedule({
      store: this.#store() as unknown as MessageStore,
      put: this.#put() as unknown as MessagePut,
      levels: new DelayLevels(delay),
      offsets: this.offsets,
      clock: this.clock,
      log,
    });
  }

  /** A time in milliseconds from the start. */
  at(ms: number, body: string): Slot {
    return { dueMs: this.clock.now() + ms, body };
  }

  #put(): Pick<MessagePut, "putAsIs" | "safe"> {
    return {
      putAsIs: (message: BrokerMessage): PutOutcome => {
        const body = utf8Text(message.body);
        const status = this.refuses(body);
        if (status === PutStatus.PUT_OK) this.delivered.push(`${message.topic}/${message.queueId} ${body}`);
        return { status, refusal: null, result: new AppendResult() };
      },
      safe: async () => {
        const status = this.safe();
        if (status !== PutStatus.PUT_OK) await this.clock.sleep(50);
        return status;
      },
    };
  }

  #store() {
    const { slots } = this;
    return {
      queue: () => ({ topic: "", queueId: 0, minOffset: 0, maxOffset: slots.length }),
      maxOffset: () => slots.length,
      unitsAt: (_topic: string, _queueId: number, offset: number, count: number) => {
        const units = new Uint8Array(count * 20);
        for (const [i, slot] of slots.slice(offset, offset + count).entries()) {
          if (typeof slot === "object") putI64(units, i * 20 + 12, slot.dueMs);
        }
        return Promise.resolve(units);
      },
      pull: (_queue: unknown, offset: number, count: number, _bytes: number, _filter: null, out: PullResult) => {
        this.reads++;
        out.parts.length = 0;
        const slot = slots[offset];
        out.nextBeginOffset = offset + 1;
        if (slot === undefined) return PullStatus.OFFSET_OVERFLOW_ONE;
        if (slot === "removed") return PullStatus.MESSAGE_WAS_REMOVING;
        for (let at = offset; at < Math.min(slots.length, offset + count) && slots[at] !== "removed"; at++) {
          out.parts.push(recordOf(slots[at]!, at));
          out.nextBeginOffset = at + 1;
        }
        return PullStatus.FOUND;
      },
    };
  }
}

function recordOf(slot: Slot, queueOffset: number): Uint8Array {
  if (typeof slot !== "object") return new Uint8Array(100);
  const message = {
    topic: "SCHEDULE_TOPIC_XXXX",
    queueId: 0,
    queueOffset,
    physicalOffset: queueOffset * 1000,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: HOST,
    storeTimestamp: 1,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: utf8(slot.body),
    properties: new Map([["REAL_TOPIC", "T"], ["REAL_QID", "2"], ["DELAY", "1"]]),
  };
  return encodeStored(message, message.topic, 0);
}

Deno.test("messages go where they belong when they are due, in their order", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push(bench.at(100, "a"), bench.at(100, "b"), bench.at(5000, "c"));
  bench.schedule.start();
  await bench.clock.advance(99);
  assertEquals(bench.delivered, []);
  await bench.clock.advance(1);
  assertEquals(bench.delivered, ["T/2 a", "T/2 b"]);
  assertEquals(bench.offsets.get(1), 2);
  await bench.clock.advance(4900);
  assertEquals([bench.delivered.at(-1), bench.offsets.get(1)], ["T/2 c", 3]);
  await bench.schedule.stop();
});

Deno.test("a message that comes while the level sleeps wakes it", async () => {
  const bench = new ScheduleBench([]);
  bench.schedule.start();
  await bench.clock.advance(60_000);
  bench.slots.push(bench.at(1000, "a"));
  bench.schedule.arrived(0);
  await bench.clock.advance(1000);
  assertEquals(bench.delivered, ["T/2 a"]);
  await bench.schedule.stop();
});

Deno.test("messages that come behind one that is waited for are not looked at before its time", async () => {
  const bench = new ScheduleBench([]);
  bench.schedule.start();
  for (let i = 0; i < 1000; i++) {
    bench.slots.push(bench.at(5000, String(i)));
    bench.schedule.arrived(0);
    await bench.clock.advance(1);
  }
  assert(bench.reads <= 4, `${bench.reads} reads`);
  await bench.clock.advance(5000);
  assertEquals(bench.delivered.length, 1000);
  await bench.schedule.stop();
});

Deno.test("while much is due others have their turn now and then", async () => {
  const bench = new ScheduleBench([]);
  for (let i = 0; i < 6400; i++) bench.slots.push(bench.at(10, String(i)));
  // Each delivery takes a tenth of a millisecond.
  let workedMs = 0;
  const monotonicMs = bench.clock.monotonicMs.bind(bench.clock);
  bench.clock.monotonicMs = () => monotonicMs() + workedMs;
  bench.refuses = () => {
    workedMs += 0.1;
    return PutStatus.PUT_OK;
  };
  const seen: number[] = [];
  const others = () => {
    seen.push(bench.delivered.length);
    if (bench.delivered.length < 6400) bench.clock.after(0, others);
  };
  bench.clock.after(10, others);
  bench.schedule.start();
  await bench.clock.advance(100);
  assertEquals(bench.delivered.length, 6400);
  const atOnce = seen.map((count, i) => count - (seen[i - 1] ?? 0));
  assert(Math.max(...atOnce) <= 128, `${Math.max(...atOnce)} deliveries without a pause`);
  await bench.schedule.stop();
});

Deno.test("messages that were removed before they were due, or are damaged, do not stop their level", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push("removed", "removed", bench.at(10, "a"), "damaged", bench.at(20, "b"), "removed");
  bench.schedule.start();
  await bench.clock.advance(100);
  assertEquals(bench.delivered, ["T/2 a", "T/2 b"]);
  assertEquals(bench.offsets.get(1), 6);
  assert(bench.log.every((line) => line.includes("are not there: skipped")), bench.log.join("\n"));
  assertEquals(bench.log.length, 3);
  await bench.schedule.stop();
});

Deno.test("a delivery that the store refuses is tried again after a second, and nothing before it is repeated", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push(bench.at(10, "a"), bench.at(10, "b"), bench.at(10, "c"));
  bench.refuses = (body) => body === "b" ? PutStatus.SERVICE_NOT_AVAILABLE : PutStatus.PUT_OK;
  bench.schedule.start();
  await bench.clock.advance(500);
  assertEquals([bench.delivered, bench.offsets.get(1)], [["T/2 a"], 1]);
  bench.refuses = () => PutStatus.PUT_OK;
  await bench.clock.advance(1000);
  assertEquals(bench.delivered, ["T/2 a", "T/2 b", "T/2 c"]);
  await bench.schedule.stop();
});

Deno.test("a level does not move on, nor deliver again, before every replica that is waited for has what it delivered", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push(bench.at(100, "a"));
  const waits: PutStatus[] = [PutStatus.FLUSH_DISK_TIMEOUT, PutStatus.FLUSH_SLAVE_TIMEOUT];
  const offsetsMeanwhile: number[] = [];
  bench.safe = () => {
    offsetsMeanwhile.push(bench.offsets.get(1));
    return waits.shift() ?? PutStatus.PUT_OK;
  };
  bench.schedule.start();
  await bench.clock.advance(200);
  assertEquals([bench.delivered, offsetsMeanwhile, bench.offsets.get(1)], [["T/2 a"], [0, 0, 0], 1]);
  bench.slots.push(bench.at(100, "b"));
  bench.schedule.arrived(0);
  bench.safe = () => PutStatus.FLUSH_SLAVE_TIMEOUT;
  const stopped = bench.clock.sleep(150).then(() => bench.schedule.stop());
  await bench.clock.advance(1000);
  await stopped;
  assertEquals([bench.delivered, bench.offsets.get(1)], [["T/2 a", "T/2 b"], 1], "what was not safe comes again");
});

Deno.test("a message that the store can never take is dropped with a line in the log", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push(bench.at(10, "a"), bench.at(10, "b"));
  bench.refuses = (body) => body === "a" ? PutStatus.MESSAGE_ILLEGAL : PutStatus.PUT_OK;
  bench.schedule.start();
  await bench.clock.advance(100);
  assertEquals(bench.delivered, ["T/2 b"]);
  assertEquals(bench.log, ["delayed message at offset 0 of level 1 is illegal: dropped"]);
  await bench.schedule.stop();
});

Deno.test("a due time further away than the level's delay means that the clock was set back: it is due now", async () => {
  const bench = new ScheduleBench([]);
  bench.slots.push(bench.at(3_600_000, "a"));
  bench.schedule.start();
  await bench.clock.advance(1);
  assertEquals(bench.delivered, ["T/2 a"]);
  await bench.schedule.stop();
});
