/**
 * Random sends, deletions, cancellations, moves, clock jumps, restarts, kills and power losses, beside a plain model: a map
 * from message to due time. After each run everything pending is let become due.
 *
 * - Nothing is delivered before its time, nor more than 100 ms after it while the broker runs and the clock is left alone.
 * - Everything that was acknowledged and not taken away is delivered; without crashes exactly once.
 * - What is delivered at one instant comes in order of due time, then of arrival.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { utf8Text } from "../../src/common/bytes.ts";
import { CRASH } from "../../src/common/disk_sim.ts";
import { SeededRandom } from "../../src/common/random.ts";
import { PutStatus } from "../../src/store/store.ts";
import { TimerHarness } from "../unit/broker/timer_harness.ts";

interface Expected {
  dueMs: number;
  /** Whether it must come, must not, or may (a change of it was under way in a crash). */
  fate: "must" | "must-not" | "may";
}

class Run {
  readonly random: SeededRandom;
  readonly model = new Map<string, Expected>();
  harness: TimerHarness;
  next = 0;
  lastDueMs = 0;
  mayRepeat = false;
  /** The clock was moved: lateness says nothing. */
  clockMoved = false;
  /** The end of the run: from here on time is only skipped. */
  steadyUntilMs = 0;

  constructor(readonly seed: number, readonly allowsCrashes: boolean) {
    this.random = new SeededRandom(seed);
    this.harness = TimerHarness.fresh(seed, { flushDiskType: "SYNC_FLUSH", flushConsumeQueueThoroughInterval: 2000 });
  }

  async go(steps: number): Promise<void> {
    await this.harness.start();
    for (let i = 0; i < steps; i++) await this.step();
    // What was cancelled or moved counts as pending until its old time.
    const restMs = Math.max(0, this.lastDueMs - this.harness.clock.now());
    this.steadyUntilMs = this.harness.clock.now();
    if (restMs > 30_000) this.harness.clock.jumpWall(restMs - 10_000);
    await this.harness.clock.advance(45_000);
    await this.check();
    await this.harness.close();
  }

  async step(): Promise<void> {
    const { random } = this;
    const kind = random.int(100);
    if (kind < 45) await this.send();
    else if (kind < 52) await this.deleteByKey();
    else if (kind < 58) await this.cancel();
    else if (kind < 64) await this.retime();
    else if (kind < 90) await this.harness.clock.advance(random.int(4000));
    else if (kind < 93) this.jump();
    else await this.restart();
  }

  async send(): Promise<void> {
    const count = 1 + this.random.int(12);
    const delays = [500, 3000, 20_000, 86_400_000];
    for (let i = 0; i < count; i++) {
      const body = `m${this.next++}`;
      const delay = 1 + this.random.int(delays[this.random.int(delays.length)]!);
      const dueMs = this.harness.clock.now() + delay;
      const way = this.random.int(2) === 0 ? { TIMER_DELAY_MS: String(delay) } : { TIMER_DELIVER_MS: String(dueMs) };
      const outcome = this.harness.send(body, way);
      assertEquals(outcome.status, PutStatus.PUT_OK);
      this.model.set(body, { dueMs, fate: "must" });
      this.lastDueMs = Math.max(this.lastDueMs, dueMs);
    }
    // Acknowledged: synced.
    await this.harness.clock.advance(50);
  }

  somePending(): [string, Expected] | null {
    const soon = this.harness.clock.now() + 2500;
    const pending = [...this.model].filter(([, each]) => each.fate === "must" && each.dueMs > soon);
    return pending.length === 0 ? null : pending[this.random.int(pending.length)]!;
  }

  async deleteByKey(): Promise<void> {
    const some = this.somePending();
    if (some === null) return;
    const [body, expected] = some;
    this.harness.send(`del${this.next++}`, {
      TIMER_DELIVER_MS: String(expected.dueMs),
      TIMER_DEL_UNIQKEY: `T+U${body}`,
    });
    expected.fate = "must-not";
    await this.harness.clock.advance(50);
  }

  async cancel(): Promise<void> {
    const some = this.somePending();
    if (some === null) return;
    const { harness } = this;
    const offset = await this.offsetOf(some[0]);
    assertEquals(await harness.drive(() => harness.pending.cancel(offset)), "changed", some[0]);
    some[1].fate = "must-not";
  }

  async retime(): Promise<void> {
    const some = this.somePending();
    if (some === null) return;
    const { harness } = this;
    const dueMs = harness.clock.now() + 1000 + this.random.int(20_000);
    const offset = await this.offsetOf(some[0]);
    assertEquals(await harness.drive(() => harness.pending.retime(offset, dueMs)), "changed", some[0]);
    some[1].dueMs = dueMs;
    this.lastDueMs = Math.max(this.lastDueMs, dueMs);
  }

  /** The newest copy: a message that was moved is there twice. */
  async offsetOf(body: string): Promise<number> {
    const offsets = await this.harness.drive(() => this.harness.pending.find("T", `U${body}`));
    assert(offsets.length > 0, `${body} is found by its key`);
    return Math.max(...offsets);
  }

  jump(): void {
    const byMs = this.random.int(2) === 0 ? this.random.int(60_000) : -this.random.int(3000);
    this.harness.clock.jumpWall(byMs);
    this.clockMoved = true;
  }

  async restart(): Promise<void> {
    const { harness, random } = this;
    const how = this.allowsCrashes ? random.int(3) : 0;
    let disk;
    if (how === 0) {
      await harness.close();
      disk = harness.disk.kill();
    } else {
      this.mayRepeat = true;
      disk = how === 1 ? harness.disk.kill() : harness.disk.crash(CRASH.keepPrefix);
    }
    this.clockMoved = true; // what became due meanwhile is late
    harness.clock.jumpWall(random.int(10_000));
    this.harness = await harness.on(disk).start();
    await this.harness.clock.advance(100);
  }

  async check(): Promise<void> {
    const seen = new Map<string, number>();
    let before: { at: number; dueMs: number; number: number } | null = null;
    for (const message of await this.harness.read()) {
      const body = utf8Text(message.body);
      const expected = this.model.get(body)!;
      const at = Number(message.properties.get("TIMER_DEQUEUE_MS"));
      assert(expected.fate !== "must-not", `${body} was taken away and came`);
      assert(at >= expected.dueMs, `${body} came ${expected.dueMs - at} ms early`);
      if (!this.clockMoved && at < this.steadyUntilMs) {
        assert(at - expected.dueMs <= 100, `${body} came ${at - expected.dueMs} ms late`);
        const number = message.queueOffset;
        if (before !== null && before.at === at) assert(before.dueMs <= expected.dueMs, `${body} came out of order`);
        before = { at, dueMs: expected.dueMs, number };
      }
      seen.set(body, (seen.get(body) ?? 0) + 1);
    }
    for (const [body, { fate }] of this.model) {
      if (fate === "must") assert(seen.has(body), `${body} never came`);
      if (!this.mayRepeat) assert((seen.get(body) ?? 0) <= 1, `${body} came twice`);
    }
    assertEquals(this.harness.timer.figures().pending, 0, "the count of pending messages");
  }
}

for (const allowsCrashes of [false, true]) {
  Deno.test(`timers agree with a plain model ${allowsCrashes ? "with" : "without"} crashes`, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const run = new Run(seed, allowsCrashes);
      try {
        await run.go(60);
      } catch (error) {
        console.error(`seed ${seed}`, run.harness.log.slice(-10));
        throw error;
      }
    }
  });
}
