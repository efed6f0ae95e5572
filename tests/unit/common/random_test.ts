/** Chance that can be repeated, and chance that cannot. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Random, SeededRandom, SystemRandom } from "../../../src/common/random.ts";

function take(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

Deno.test("the same seed gives the same numbers, another seed others", () => {
  assertEquals(take(new SeededRandom(7), 100), take(new SeededRandom(7), 100));
  assertEquals(take(new SeededRandom(7), 10), take(new SeededRandom(7 + 2 ** 32), 10));
  assertNotEquals(take(new SeededRandom(7), 10), take(new SeededRandom(8), 10));
  assertNotEquals(take(new SeededRandom(-1), 10), take(new SeededRandom(1), 10));
});

for (const [name, random] of [["seeded", new SeededRandom(1)], ["system", new SystemRandom()]] as const) {
  Deno.test(`numbers lie in [0, 1) and spread evenly (${name})`, () => {
    const buckets = new Array<number>(10).fill(0);
    for (const value of take(random, 20_000)) {
      assert(value >= 0 && value < 1);
      buckets[Math.floor(value * 10)]!++;
    }
    for (const count of buckets) assert(count > 1700 && count < 2300, buckets.join());
  });

  Deno.test(`integers lie below their bound and reach all values (${name})`, () => {
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) seen.add(random.int(6));
    assertEquals([...seen].sort(), [0, 1, 2, 3, 4, 5]);
    assertEquals(random.int(1), 0);
    for (let i = 0; i < 1000; i++) {
      const value = random.int(2 ** 32);
      assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
    }
  });
}
