/**
 * The table of what is in flight and its log beside a plain model, a map from message to pop time and due time: random pops,
 * acknowledgements, changes of time, expiries, turns that are taken back, and starts from the log. More with `POP_SEEDS=200`.
 */
import { assert, assertEquals } from "@std/assert";
import { SeededRandom } from "../../src/common/random.ts";
import { type Checkpoint, InFlightTable, type PopQueueKey } from "../../src/broker/pop/in_flight.ts";
import { REVIVE_GROUP, ReviveLog } from "../../src/broker/pop/revive_log.ts";
import type { BrokerMessage, PutOutcome } from "../../src/broker/message_put.ts";
import { encodeStored } from "../../src/broker/stored_message.ts";
import { AppendResult, type PullResult, PullStatus, PutStatus, type StoreQueue } from "../../src/store/store.ts";

const SEEDS = Number(Deno.env.get("POP_SEEDS") ?? 20);
const STEPS = 600;
const HOST = { hostBytes: Uint8Array.of(127, 0, 0, 1), port: 10911 };
const TOPIC = "rmq_sys_REVIVE_LOG_C";

/** A store with one queue: what the log writes, kept as records. */
class FakeStore {
  readonly records: Uint8Array[] = [];
  readonly #offsets = new Map<number, number>();

  putAsIs(message: BrokerMessage): PutOutcome {
    const result = new AppendResult();
    result.queueOffset = this.records.length;
    result.endOffset = this.records.length + 1;
    const stored = {
      ...message,
      queueOffset: result.queueOffset,
      physicalOffset: 0,
      storeTimestamp: 0,
      storeHost: HOST,
    };
    this.records.push(encodeStored(stored, message.topic, message.queueId));
    return { status: PutStatus.PUT_OK, refusal: null, result };
  }

  queue(topic: string, queueId: number): StoreQueue {
    return { topic, queueId, minOffset: 0, maxOffset: this.records.length };
  }

  queuesOf(topic: string): StoreQueue[] {
    return [this.queue(topic, 0)];
  }

  minOffset(): number {
    return 0;
  }

  maxOffset(): number {
    return this.records.length;
  }

  pull(_: unknown, offset: number, max: number, _bytes: number, _filter: unknown, out: PullResult): PullStatus {
    out.reset();
    out.parts.push(...this.records.slice(offset, offset + max));
    return out.parts.length > 0 ? PullStatus.FOUND : PullStatus.OFFSET_OVERFLOW_ONE;
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  safe(): Promise<PutStatus> {
    return Promise.resolve(PutStatus.PUT_OK);
  }

  problem(): string {
    return "";
  }

  query(_group: string, _topic: string, queueId: number): number {
    return this.#offsets.get(queueId) ?? -1;
  }

  commit(group: string, _topic: string, queueId: number, offset: number): boolean {
    assertEquals(group, REVIVE_GROUP);
    this.#offsets.set(queueId, offset);
    return true;
  }
}

/** What the model knows of a message. */
interface Flight {
  readonly popTimeMs: number;
  readonly dueMs: number;
}

class Run {
  readonly store = new FakeStore();
  readonly model = new Map<string, Flight>();
  readonly keys: PopQueueKey[] = [0, 1, 2].map((i) => ({ group: `g${i % 2}`, topic: `t${i}`, queueId: i }));
  readonly next = [0, 0, 0];
  readonly starts = [0];
  table = new InFlightTable();
  log: ReviveLog;
  now = 1000;
  /** Of the turn under way. */
  undos: (() => void)[] = [];

  constructor(readonly random: SeededRandom) {
    this.log = this.#makeLog(this.table);
  }

  /** What was when the turn under way began. */
  #before = this.#snapshot();

  /** The turn is written, or taken back. */
  endTurn(isWritten: boolean): void {
    const undos = this.undos;
    this.undos = [];
    if (!isWritten) {
      for (const undo of undos.toReversed()) undo();
      this.model.clear();
      for (const [name, flight] of this.#before.model) this.model.set(name, flight);
      this.next.splice(0, 3, ...this.#before.next);
      this.store.records.length = this.#before.records;
      const { length, startOffset } = this.#before.log;
      assertEquals([this.log.length, this.log.startOffset], [length, startOffset], "what the log knows of itself");
    }
    this.#before = this.#snapshot();
  }

  #snapshot() {
    const { length, startOffset } = this.log ?? { length: 0, startOffset: 0 };
    return {
      model: new Map(this.model),
      next: [...this.next],
      records: this.store.records.length,
      log: { length, startOffset },
    };
  }

  pop(): void {
    const i = this.random.int(3);
    const queue = this.keys[i]!;
    const startOffset = this.next[i]!;
    const offsets: number[] = [];
    for (let n = 1 + this.random.int(6); n > 0; n--) {
      this.next[i]! += this.random.int(3) === 0 ? 2 : 1; // some are filtered out
      offsets.push(this.next[i]! - 1);
    }
    const invisibleTimeMs = 1 + this.random.int(200);
    assert(this.log.checkpoint({ queue, startOffset, popTimeMs: this.now, invisibleTimeMs, offsets }) !== null);
    for (const offset of offsets) {
      this.model.set(`${i}:${offset}`, { popTimeMs: this.now, dueMs: this.now + invisibleTimeMs });
    }
  }

  acknowledge(): void {
    const some = this.#some();
    if (some === null) return;
    const [name, { popTimeMs }] = some;
    const { key, offset } = this.#parse(name);
    assertEquals(this.table.holder(key, offset, popTimeMs - 1), undefined, "a receipt of another pop");
    this.log.done(this.table.holder(key, offset, popTimeMs)!, [offset]);
    this.model.delete(name);
  }

  changeTime(): void {
    const some = this.#some();
    if (some === null) return;
    const [name, old] = some;
    const { key, offset } = this.#parse(name);
    const popTimeMs = Math.max(this.now, old.popTimeMs + 1);
    const invisibleTimeMs = this.random.int(300);
    this.log.move(this.table.holder(key, offset, old.popTimeMs)!, offset, popTimeMs, invisibleTimeMs);
    this.model.set(name, { popTimeMs, dueMs: popTimeMs + invisibleTimeMs });
  }

  /** Time passes; what is due leaves, in the order of its time. */
  expire(): void {
    this.now += this.random.int(40);
    let lastMs = 0;
    for (let due = this.table.earliest(); due !== undefined && due.dueMs <= this.now; due = this.table.earliest()) {
      assert(due.dueMs >= lastMs);
      lastMs = due.dueMs;
      for (const offset of due.offsets) {
        assertEquals(this.model.get(this.#name(due, offset))?.dueMs, due.dueMs);
        this.model.delete(this.#name(due, offset));
      }
      this.log.done(due, [...due.offsets]);
    }
    for (const { dueMs } of this.model.values()) assert(dueMs > this.now, "something due was left");
  }

  /** The start of the log is committed now and then; an older one must do as well. */
  commit(): void {
    this.endTurn(true);
    this.starts.push(this.log.startOffset);
    this.store.commit(REVIVE_GROUP, TOPIC, 0, this.log.startOffset);
  }

  async restart(): Promise<void> {
    this.endTurn(true);
    if (this.starts.length > 1 && this.random.int(2) === 0) {
      this.store.commit(REVIVE_GROUP, TOPIC, 0, this.starts[this.random.int(this.starts.length)]!);
    }
    this.table = new InFlightTable();
    this.log = this.#makeLog(this.table);
    await this.log.replay();
    this.endTurn(true);
  }

  check(): void {
    assertEquals(this.table.messageCount, this.model.size);
    for (const [name, { popTimeMs, dueMs }] of this.model) {
      const { key, offset } = this.#parse(name);
      assertEquals(this.table.holder(key, offset, popTimeMs)?.dueMs, dueMs, name);
    }
    const bound = 1024 + 8 * this.table.checkpointCount + 2;
    assert(
      this.log.length <= bound,
      `${this.log.length} records are kept for ${this.table.checkpointCount} checkpoints`,
    );
  }

  #makeLog(table: InFlightTable): ReviveLog {
    const { store } = this;
    const log = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} } as never;
    const undo = { add: (undo: () => void) => void this.undos.push(undo) };
    const parts = { store, put: store, offsets: store, table, undo, log, topic: TOPIC, brokerName: "b", host: HOST };
    return new ReviveLog({ ...parts, now: () => this.now });
  }

  #some(): [string, Flight] | null {
    const all = [...this.model];
    return all.length === 0 ? null : all[this.random.int(all.length)]!;
  }

  #name({ queue }: Checkpoint, offset: number): string {
    return `${this.keys.findIndex(({ topic }) => topic === queue.topic)}:${offset}`;
  }

  #parse(name: string): { key: PopQueueKey; offset: number } {
    const [i, offset] = name.split(":").map(Number);
    return { key: this.keys[i!]!, offset: offset! };
  }
}

Deno.test("the table holds what the model holds, also when it is read from the log", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = new Run(new SeededRandom(seed));
    try {
      for (let step = 0; step < STEPS; step++) {
        const choice = run.random.int(100);
        if (choice < 40) run.pop();
        else if (choice < 70) run.acknowledge();
        else if (choice < 80) run.changeTime();
        else if (choice < 93) run.expire();
        else if (choice < 98) run.commit();
        else await run.restart();
        run.check();
        if (run.random.int(4) > 0) continue;
        run.endTurn(run.random.int(3) > 0);
        run.check();
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

Deno.test("the log that is needed stays short while one message stays in flight and thousands pass by", async () => {
  const run = new Run(new SeededRandom(1));
  const [slow, fast] = run.keys;
  run.log.checkpoint({ queue: slow!, startOffset: 7, popTimeMs: 5, invisibleTimeMs: 1e9, offsets: [7, 8, 9] });
  run.log.done(run.table.holder(slow!, 8, 5)!, [8]);
  for (let offset = 0; offset < 20_000; offset++) {
    const pop = { queue: fast!, startOffset: offset, popTimeMs: 10 + offset, invisibleTimeMs: 100, offsets: [offset] };
    run.log.done(run.log.checkpoint(pop)!, [offset]);
    assert(run.log.length <= 1024 + 8 * 2);
  }
  run.commit();
  assert(run.store.records.length - run.log.startOffset <= 1040);
  await run.restart();
  assertEquals(run.table.messageCount, 2);
  assertEquals([7, 8, 9].map((offset) => run.table.holder(slow!, offset, 5)?.dueMs), [1e9 + 5, undefined, 1e9 + 5]);
  assertEquals([...run.table.queues].length, 1, "queues without anything in flight are not remembered");
});
