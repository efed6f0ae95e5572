import { assertEquals } from "@std/assert";
import { isSteady } from "../../../../scripts/bench/steady.ts";

/** After how many rates warming up ends. */
function endsAfter(rates: readonly number[], count: number): number {
  return rates.findIndex((_, index) => isSteady(rates.slice(0, index + 1), count)) + 1;
}

Deno.test("warming up goes on over steps on which nothing gets faster, while each is followed by a faster one", () => {
  const rates = [10, 10, 9, 20, 19, 20, 20, 40, 41, 39, 40, 41, 42, 41];

  assertEquals(endsAfter(rates, 2), 3);
  assertEquals(endsAfter(rates, 5), 13);
});

Deno.test("small gains that add up are gains", () => {
  assertEquals(endsAfter([100, 104, 108, 112, 116, 117, 117, 117, 117, 117, 117], 4), 8);
});

Deno.test("there is nothing to compare with at first", () => {
  assertEquals([isSteady([], 2), isSteady([1, 1], 2), isSteady([1, 1, 1], 2)], [false, false, true]);
});
