import { assertEquals } from "@std/assert";
import { type DocumentFile, Persisted } from "../../../src/broker/persisted.ts";
import type { Clock } from "../../../src/common/clock.ts";
import { SimClock } from "../../../src/common/clock_sim.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";

/** A document in memory, and a clock by which every look takes two milliseconds. */
function world() {
  const sim = new SimClock();
  let looks = 0;
  const clock = {
    now: () => sim.now(),
    monotonicMs: () => sim.monotonicMs() + 2 * looks++,
    after: (ms, fn) => sim.after(ms, fn),
    every: (ms, fn) => sim.every(ms, fn),
    sleep: (ms, signal) => sim.sleep(ms, signal),
  } satisfies Clock;
  const texts: string[] = [];
  const file: DocumentFile = {
    path: "/table.json",
    load: () => null,
    save: (text) => {
      texts.push(text);
      return Promise.resolve();
    },
    saveNow: (text) => void texts.push(text),
  };
  return { sim, texts, parts: { file, clock, log: SILENT_LOG } };
}

Deno.test("a long text is made in slices between which others work, and a change meanwhile is saved after it", async () => {
  const { sim, texts, parts } = world();
  const values = Array.from({ length: 200 }, () => "a");
  const persisted = new Persisted(parts, () => values.values());

  persisted.changed();
  await sim.advance(1);
  assertEquals(texts, []); // It has begun and is not done.
  values[199] = "b";
  persisted.mark();
  await sim.advance(1000);
  await persisted.saved();

  assertEquals(texts.map((text) => text.length), [200, 200]);
  assertEquals(texts[1]?.endsWith("ab"), true);
});

Deno.test("a close in the middle of a long text saves the whole table, and nothing comes after it", async () => {
  const { sim, texts, parts } = world();
  const persisted = new Persisted(parts, () => Array.from({ length: 200 }, () => "a").values());

  persisted.changed();
  await sim.advance(1);
  persisted.close();
  await sim.advance(1000);

  assertEquals(texts.map((text) => text.length), [200]);
});
