/**
 * The verdict of the demonstration, and percentiles.
 * @module
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { QUICKSTART_MESSAGES } from "../../../src/examples/quickstart_producer.ts";
import { type DemoResult, summary } from "../../../src/tools/demo.ts";
import { percentile } from "../../../src/tools/percentile.ts";

function result(copies: (index: number) => number): DemoResult {
  const ids = Array.from({ length: QUICKSTART_MESSAGES }, (_, index) => `id-${index}`);
  return {
    sentMs: new Map(ids.map((id, index) => [id, index])),
    sendTimesMs: ids.map(() => 0.5),
    cameMs: new Map(
      ids.map((id, index) => [id, Array<number>(copies(index)).fill(index + 2)] as const).filter(([, each]) =>
        each.length
      ),
    ),
  };
}

Deno.test("Each message once is a success with rates and latencies", () => {
  const { lines, succeeded } = summary(result(() => 1));
  assertEquals(succeeded, true);
  assertStringIncludes(lines[0]!, "1,000 messages in 1.00 s, 1,001 a second; send to answer: p50 0.50 ms, p99 0.50 ms");
  assertStringIncludes(lines[1]!, "send to listener: p50 2.00 ms");
});

Deno.test("A lost message and one that came twice are failures", () => {
  const { lines, succeeded } = summary(result((index) => index === 3 ? 0 : index === 5 ? 2 : 1));
  assertEquals(succeeded, false);
  assertStringIncludes(lines.at(-1)!, "1 did not come, 1 came more than once, 0 were never sent");
});

Deno.test("Fewer messages than the example sends are a failure", () => {
  assertEquals(summary({ sentMs: new Map(), sendTimesMs: [], cameMs: new Map() }).succeeded, false);
});

Deno.test("Percentiles are by nearest rank", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assertEquals([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)], [50, 99, 100]);
  assertEquals(percentile([7], 0.01), 7);
  assertThrows(() => percentile([], 0.5), RangeError);
});
