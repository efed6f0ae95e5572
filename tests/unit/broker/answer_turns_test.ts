import { assertEquals } from "@std/assert";
import { AnswerTurns } from "../../../src/broker/answer_turns.ts";
import type { Connection } from "../../../src/remoting/connection.ts";

/** A connection whose unwritten bytes the test owns. */
function connectionWith(state: { pendingBytes: number }) {
  const waiting: (() => void)[] = [];
  const connection = {
    closed: false,
    outbox: state,
    drained: () => new Promise<void>((resolve) => waiting.push(resolve)),
  } as unknown as Connection;
  const drain = () => {
    state.pendingBytes = 0;
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { connection, drain };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("a connection's reads follow each other, those of others go on meanwhile", async () => {
  const turns = new AnswerTurns(4);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const { connection: a } = connectionWith({ pendingBytes: 0 });
  const { connection: b } = connectionWith({ pendingBytes: 0 });
  turns.take(a, async () => {
    await first.promise;
    order.push("a1");
  });
  turns.take(a, () => Promise.resolve(void order.push("a2")));
  turns.take(b, () => Promise.resolve(void order.push("b1")));
  await settle();
  assertEquals(order, ["b1"]);
  first.resolve();
  await settle();
  assertEquals(order, ["b1", "a1", "a2"]);
});

Deno.test("a peer that does not read what it was sent waits until it has", async () => {
  const turns = new AnswerTurns(4);
  const order: string[] = [];
  const state = { pendingBytes: 2_000_000 };
  const { connection, drain } = connectionWith(state);
  turns.take(connection, () => Promise.resolve(void order.push("read")));
  await settle();
  assertEquals(order, []);
  drain();
  await settle();
  assertEquals(order, ["read"]);
});

Deno.test("a turn that ends goes to who waits for it, and not also to who comes just then", async () => {
  const turns = new AnswerTurns(1);
  const ends: (() => void)[] = [];
  let [underWay, most] = [0, 0];
  const take = () =>
    turns.take(connectionWith({ pendingBytes: 0 }).connection, async () => {
      most = Math.max(most, ++underWay);
      await new Promise<void>((resolve) => ends.push(resolve));
      underWay--;
    });
  take();
  take();
  await settle();

  // Between the end of the first and the beginning of the second, whatever they take.
  for (let steps = 0; steps < 8; steps++) {
    ends.shift()!();
    for (let i = 0; i < steps; i++) await Promise.resolve();
    take();
    await settle();
  }

  assertEquals([most, underWay], [1, 1]);
  ends.shift()!();
  await settle();
  assertEquals(underWay, 1);
});
