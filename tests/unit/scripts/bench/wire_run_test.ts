import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Latencies } from "../../../../scripts/bench/wire_run.ts";

Deno.test("percentiles of latencies are within 2 % of the sorted list's, and the greatest is exact", () => {
  const latencies = new Latencies();
  const list = Array.from({ length: 10_000 }, (_, index) => 1 + (index * 7919 % 10_000) ** 2 / 137);
  for (const us of list) latencies.add(us);
  list.sort((a, b) => a - b);
  for (const share of [0.001, 0.5, 0.99, 0.999]) {
    const exact = list[Math.ceil(share * list.length) - 1]!;
    assertAlmostEquals(latencies.within(share), exact, Math.max(1, exact * 0.02));
  }
  assertEquals(latencies.max, list.at(-1));
  assertEquals(latencies.within(1), latencies.max);
});

Deno.test("no latencies at all have percentiles of 0", () => {
  assertEquals(new Latencies().within(0.99), 0);
});
