import { assertEquals } from "@std/assert";
import { type HeldPull, PullHold } from "../../../src/broker/pull_hold.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";

/** A pull that is answered when `wants` says so, and remembers how. */
class FakePull implements HeldPull {
  readonly answers: ("found" | "last")[] = [];
  alive = true;
  tries = 0;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly deadlineMs: number,
    readonly wants: () => boolean = () => true,
  ) {}

  isAlive(): boolean {
    return this.alive;
  }

  retry(last: boolean): boolean {
    this.tries++;
    if (!last && !this.wants()) return false;
    this.answers.push(last ? "last" : "found");
    return true;
  }
}

function hold(max = 100) {
  const clock = new SimClock();
  return { clock, held: new PullHold(clock, max) };
}

Deno.test("a message wakes those who wait for its queue, at once, and nobody else", () => {
  const { held } = hold();
  const pulls = [
    new FakePull("T", 0, 1e6),
    new FakePull("T", 0, 1e6),
    new FakePull("T", 1, 1e6),
    new FakePull("U", 0, 1e6),
  ];
  for (const pull of pulls) held.hold(pull);
  held.arrived("T", 0);
  assertEquals(pulls.map(({ answers }) => answers), [["found"], ["found"], [], []]);
  assertEquals(held.count, 2);
  held.arrived("T", 0);
  assertEquals(pulls.map(({ tries }) => tries), [1, 1, 0, 0]);
  held.close();
});

Deno.test("one that does not want the message waits on, until its time is over", async () => {
  const { clock, held } = hold();
  const pull = new FakePull("T", 0, 15_000, () => false);
  held.hold(pull);
  held.arrived("T", 0);
  assertEquals([pull.tries, pull.answers], [1, []]);
  await clock.advance(14_900);
  assertEquals(pull.answers, []);
  await clock.advance(700);
  assertEquals([pull.answers, held.count], [["last"], 0]);
  held.close();
});

Deno.test("one whose client has gone is dropped without an answer", async () => {
  const { clock, held } = hold();
  const [gone, other] = [new FakePull("T", 0, 1e6), new FakePull("T", 1, 1e6)];
  held.hold(gone);
  held.hold(other);
  gone.alive = false;
  await clock.advance(1000);
  assertEquals([gone.tries, held.count], [0, 1]);
  other.alive = false;
  held.arrived("T", 1);
  assertEquals([other.tries, held.count], [0, 0]);
  held.close();
});

Deno.test("too many are not held", () => {
  const { held } = hold(2);
  assertEquals([1, 2, 3].map((i) => held.hold(new FakePull("T", i, 1e6))), [true, true, false]);
  held.arrived("T", 1);
  assertEquals(held.hold(new FakePull("T", 3, 1e6)), true);
  held.close();
});

Deno.test("a pull that comes while others are tried waits behind them and is not tried in the same round", () => {
  const { held } = hold();
  const late = new FakePull("T", 0, 1e6);
  const first = new FakePull("T", 0, 1e6, () => {
    held.hold(late);
    return true;
  });
  const stays = new FakePull("T", 0, 1e6, () => false);
  held.hold(first);
  held.hold(stays);
  held.arrived("T", 0);
  assertEquals([first.tries, stays.tries, late.tries, held.count], [1, 1, 0, 2]);
  held.arrived("T", 0);
  assertEquals([stays.tries, late.tries], [2, 1]);
  held.close();
});

Deno.test("releasing a topic answers all of its pulls, closing answers everybody", () => {
  const { held } = hold();
  const never = () => false;
  const [a, b, c] = [
    new FakePull("T", 0, 1e6, never),
    new FakePull("T", 5, 1e6, never),
    new FakePull("U", 0, 1e6, never),
  ];
  for (const pull of [a, b, c]) held.hold(pull!);
  held.release("T");
  assertEquals([a!.answers, b!.answers, c!.answers], [["last"], ["last"], []]);
  held.close();
  assertEquals([c!.answers, held.count], [["last"], 0]);
});
