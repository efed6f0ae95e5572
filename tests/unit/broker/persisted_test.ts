import { assertEquals } from "@std/assert";
import { type DocumentFile, Persisted } from "../../../src/broker/persisted.ts";
import { SILENT_LOG } from "../../../src/common/log.ts";
import { BusyClock } from "../../support/busy_clock.ts";

/** A document in memory. */
function world() {
  const clock = new BusyClock();
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
  return { clock, texts, parts: { file, clock, log: SILENT_LOG } };
}

Deno.test("a long text is made in slices between which others work, and a change meanwhile is saved after it", async () => {
  const { clock, texts, parts } = world();
  const values = Array.from({ length: 200 }, () => "a");
  const persisted = new Persisted(parts, () => values.values());

  persisted.changed();
  await clock.advance(1);
  assertEquals(texts, []); // It has begun and is not done.
  values[199] = "b";
  persisted.mark();
  await clock.advance(1000);
  await persisted.saved();

  assertEquals(texts.map((text) => text.length), [200, 200]);
  assertEquals(texts[1]?.endsWith("ab"), true);
});

Deno.test("a close in the middle of a long text saves the whole table, and nothing comes after it", async () => {
  const { clock, texts, parts } = world();
  const persisted = new Persisted(parts, () => Array.from({ length: 200 }, () => "a").values());

  persisted.changed();
  await clock.advance(1);
  persisted.close();
  await clock.advance(1000);

  assertEquals(texts.map((text) => text.length), [200]);
});
