/** Rounds of reading: who waits, and until when. @module */
import { assertEquals } from "@std/assert";
import { CROWD, ReadRounds } from "../../../src/common/net_rounds.ts";

/** Rounds over `open` sockets, with looks that the test makes happen. */
function setup(open: number) {
  const looks: (() => void)[] = [];
  const rounds = new ReadRounds((fn) => looks.push(fn));
  for (let i = 0; i < open; i++) rounds.opened();
  const served = new Array<number>(open).fill(-1);
  return {
    rounds,
    looks,
    served,
    /** A turn in which these sockets are served. */
    async turn(from: number, to: number): Promise<void> {
      for (let i = from; i < to; i++) served[i] = rounds.served();
      await Promise.resolve();
    },
    async look(): Promise<void> {
      looks.shift()?.();
      await Promise.resolve();
    },
  };
}

Deno.test("few sockets never wait, however many are open and however often they are served", async () => {
  const { rounds, served, turn } = setup(5000);
  for (let i = 0; i < 100; i++) {
    await turn(0, CROWD - 1);
    assertEquals(rounds.mustWait(served[0]!), false);
  }
});

Deno.test("in a crowd a served socket waits until most of the open ones were served, the others do not wait", async () => {
  const { rounds, served, turn, look } = setup(200);
  await turn(0, 100);
  assertEquals([rounds.mustWait(served[0]!), rounds.mustWait(served[150]!)], [true, false]);
  const order: number[] = [];
  for (let i = 0; i < 3; i++) rounds.nextRound().then(() => order.push(i));

  await look();
  assertEquals(order, []);
  await turn(100, 161);
  await look();

  assertEquals(order, [0, 1, 2]);
  assertEquals(rounds.mustWait(served[0]!), false);
  await turn(0, 10);
  assertEquals(rounds.mustWait(served[0]!), true);
});

Deno.test("a round ends when nobody else has anything, and a thin one ends the rounds", async () => {
  const { rounds, served, turn, look, looks } = setup(1000);
  await turn(0, 100);
  let ended = 0;
  rounds.nextRound().then(() => ended++);
  await look(); // too early to tell
  await look();
  assertEquals([ended, looks.length], [1, 0]);

  await turn(0, 5);
  assertEquals(rounds.mustWait(served[0]!), true);
  rounds.nextRound().then(() => ended++);
  await look();
  await turn(5, 6);
  await look();
  assertEquals(ended, 1);
  await look();
  assertEquals(ended, 2);

  await turn(0, 5);
  assertEquals(rounds.mustWait(served[0]!), false);
});
