import { assertEquals } from "@std/assert";
import { type Measurement, NOTHING_MEASURED } from "../../../../scripts/bench/measurement.ts";
import { outcomes } from "../../../../scripts/bench/targets.ts";

function series(scenario: string, platform: string, runs: Partial<Measurement>[]) {
  return { scenario, platform, runs: runs.map((run) => ({ ...NOTHING_MEASURED, ...run })) };
}

Deno.test("targets are judged by ratios of medians, and only where both sides ran", () => {
  const found = outcomes([
    series("send-1x64", "java 5.5.0", [{ messagesPerSecond: 10 }, { messagesPerSecond: 20 }, {
      messagesPerSecond: 90,
    }]),
    series("send-1x64", "rucola", [{ messagesPerSecond: 50 }]),
    series("batch-32", "java 5.5.0", [{ messagesPerSecond: 10 }]),
    series("batch-32", "rucola", [{ messagesPerSecond: 14 }]),
    series("pull-tail", "rucola", [{ messagesPerSecond: 10 }]),
  ]);

  const results = found.map(({ scenario, value, result }) => [scenario, value, result]);
  assertEquals(results, [["send-1x64", 2.5, "reached"], ["batch-32", 1.4, "missed"]]);
});

Deno.test("where less is better, a target is reached from above, and an aim is told apart", () => {
  const start = (java: number, rucola: number) =>
    outcomes([
      series("start-empty", "java 5.5.0", [{ more: { startMs: java } }]),
      series("start-empty", "rucola from source", [{ more: { startMs: rucola } }]),
    ]).map(({ result }) => result);

  assertEquals(start(5000, 140), ["reached", "aim reached"]);
  assertEquals(start(1000, 250), ["missed", "reached"]);
});
