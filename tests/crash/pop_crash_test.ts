/**
 * Brokers that are stopped, killed or lose their power while messages are popped, acknowledged, given more time and come
 * again. Whatever happens, every message that was sent ends acknowledged; what was acknowledged comes again after a kill or a
 * loss of power at most, never in normal operation. More with `CRASH_SEEDS=20`.
 */
import { assert, assertEquals } from "@std/assert";
import { CRASH } from "../../src/common/disk_sim.ts";
import { ConnectionError } from "../../src/common/errors.ts";
import { ResponseCode } from "../../src/protocol/codes.ts";
import { PopClient, type Popped } from "../unit/broker/pop_harness.ts";
import { startBenchBroker } from "../unit/broker/broker_bench.ts";
import { type SimWorld, simWorld } from "../support/world.ts";

const SEEDS = Number(Deno.env.get("CRASH_SEEDS") ?? 3);
const ROUNDS = 120;
const QUEUES = 3;

type End = "stop" | "kill" | "power";

/** One life of a broker with a client that accounts for every message. */
class Run {
  readonly sent = new Set<string>();
  /** Acknowledged with success, and how often. */
  readonly acked = new Map<string, number>();
  /** Deliveries of messages that had been acknowledged. */
  repeats = 0;
  readonly #held: Popped[] = [];
  readonly #client: PopClient;
  #next = 0;
  /** How often the broker ended. */
  ends = 0;

  /** @param sendsFirst how many messages are sent, and have reached the device, before the rest begins; 0: any time. */
  constructor(
    readonly world: SimWorld,
    readonly end: End,
    readonly overrides: Readonly<Record<string, string>>,
    readonly sendsFirst = 0,
  ) {
    this.#client = new PopClient(world, "client");
  }

  async go(): Promise<void> {
    const random = this.world.random("run");
    let bench = await startBenchBroker(this.world, this.overrides);
    await this.#client.makeTopic("T", QUEUES);
    for (let i = 0; i < this.sendsFirst; i++) await this.#send(i % QUEUES);
    if (this.sendsFirst > 0) await this.world.clock.sleep(30_000);
    for (let round = 0; round < ROUNDS; round++) {
      const choice = random.int(100);
      if (choice < 35 && this.sendsFirst === 0) await this.#send(random.int(QUEUES));
      else if (choice < 65) await this.#pop(1 + random.int(8), 500 + random.int(4000));
      else if (choice < 85) await this.#acknowledge(random.int(this.#held.length + 1));
      else if (choice < 90) await this.#change(random.int(this.#held.length + 1), random.int(3000));
      else await this.world.clock.sleep(random.int(2000));
      if (random.int(40) !== 0) continue;
      this.ends++;
      const answers = this.#inFlight();
      if (this.end === "stop") await bench.broker.stop();
      else if (this.end === "kill") bench.process.kill();
      else {
        this.world.machine("broker").powerOff(CRASH.dropUnsynced);
        this.world.machine("broker").powerOn();
      }
      await answers;
      bench = await startBenchBroker(this.world, this.overrides);
    }
    await this.#drain();
    this.#client.close();
    await bench.broker.stop();
  }

  /** Requests that are under way when the broker ends. */
  async #inFlight(): Promise<void> {
    const send = this.sendsFirst === 0 ? this.#send(0) : null;
    await Promise.all([this.#pop(4, 1000), send, this.#acknowledge(0)]);
  }

  async #send(queueId: number): Promise<void> {
    const body = `m${this.#next++}`;
    if (await this.#tried(this.#client.send("T", body, { queueId })) !== null) this.sent.add(body);
  }

  async #pop(maxMsgNums: number, invisibleTime: number): Promise<number> {
    const answer = await this.#tried(this.#client.pop({ maxMsgNums, invisibleTime }));
    if (answer === null) return 0;
    assert(answer.code === 0 || answer.code === ResponseCode.POLLING_TIMEOUT, `${answer.code} ${answer.remark}`);
    for (const message of answer.messages) {
      if (this.acked.has(message.body)) this.repeats++;
      this.#held.push(message);
    }
    return answer.messages.length;
  }

  /** Acknowledges a held message; it counts when the broker can still tell that it was in flight. */
  async #acknowledge(index: number): Promise<void> {
    const message = this.#held.splice(index, 1)[0];
    if (message === undefined) return;
    // The change tells whether the receipt counts still: an acknowledgement says yes in any case.
    const changed = await this.#tried(this.#client.change(message, 60_000));
    if (changed === null || changed.code !== 0) return;
    const words = message.receipt.split(" ");
    const receipt = [words[0], changed.ext.popTime, changed.ext.invisibleTime, ...words.slice(3)].join(" ");
    const answer = await this.#tried(this.#client.ack({ ...message, receipt }));
    if (answer === null) return;
    assertEquals(answer.code, 0);
    this.acked.set(message.body, (this.acked.get(message.body) ?? 0) + 1);
  }

  async #change(index: number, invisibleMs: number): Promise<void> {
    const message = this.#held.splice(index, 1)[0];
    if (message !== undefined) await this.#tried(this.#client.change(message, invisibleMs));
  }

  /** Nobody acknowledges what is held; everything that is left comes and is acknowledged. */
  async #drain(): Promise<void> {
    this.#held.length = 0;
    const endMs = this.world.clock.monotonicMs() + 400_000;
    while (this.world.clock.monotonicMs() < endMs && !this.#isComplete()) {
      if (await this.#pop(32, 30_000) === 0) await this.world.clock.sleep(500);
      while (this.#held.length > 0) await this.#acknowledge(0);
    }
    assertEquals([...this.sent].filter((body) => !this.acked.has(body)), [], "messages that were lost");
    // Whatever comes now was acknowledged before.
    await this.world.clock.sleep(100_000);
    while (await this.#pop(32, 100_000) > 0);
  }

  #isComplete(): boolean {
    return [...this.sent].every((body) => this.acked.has(body));
  }

  /** What it resolves to; null when the connection ended. */
  async #tried<T>(request: Promise<T>): Promise<T | null> {
    try {
      return await request;
    } catch (error) {
      if (error instanceof ConnectionError) return null;
      throw error;
    }
  }
}

async function runAll(
  end: End,
  overrides: Readonly<Record<string, string>>,
  { mayRepeat, sendsFirst = 0 }: { mayRepeat: boolean; sendsFirst?: number },
): Promise<void> {
  let ends = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    await simWorld(seed, { limitMs: 4 * 3_600_000 }).run(async (world) => {
      const run = new Run(world, end, overrides, sendsFirst);
      await run.go();
      ends += run.ends;
      assert(run.acked.size > 15, "something was consumed");
      if (!mayRepeat) assertEquals(run.repeats, 0, "acknowledged messages came again");
    });
  }
  assert(ends >= SEEDS, "brokers ended");
}

Deno.test("POP over ordinary restarts: nothing is lost, and nothing acknowledged comes again", async () => {
  await runAll("stop", {}, { mayRepeat: false });
});

Deno.test("POP over kills: nothing is lost", async () => {
  await runAll("kill", {}, { mayRepeat: true });
});

Deno.test("POP over losses of power with SYNC_FLUSH: nothing is lost", async () => {
  await runAll("power", { flushDiskType: "SYNC_FLUSH" }, { mayRepeat: true });
});

Deno.test("POP over losses of power with ASYNC_FLUSH: nothing is lost that was on the device when it was popped", async () => {
  await runAll("power", { flushDiskType: "ASYNC_FLUSH" }, {
    mayRepeat: true,
    sendsFirst: 60,
  });
});
