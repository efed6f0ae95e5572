/** Texts as numbers against the JDK: `tests/golden/java-numbers.json`, written by `tests/interop/java/Sql92Numbers.java`. */
import { assert, assertEquals } from "@std/assert";
import { parseDouble, parseInt32, parseInt64 } from "../../../src/protocol/sql92/numbers.ts";

/** A text and what Java makes of it; a member is missing where Java refuses the text. */
interface Recorded {
  readonly text: string;
  readonly int?: string;
  readonly long?: string;
  /** Of the double, hexadecimal. */
  readonly bits?: string;
}

const RECORDED: readonly Recorded[] = JSON.parse(
  Deno.readTextFileSync(new URL("../../golden/java-numbers.json", import.meta.url)),
);

function bitsOf(value: number | null): string | undefined {
  if (value === null) return undefined;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  // There is one NaN only, in either language; its sign is not a part of it.
  if (Number.isNaN(value)) return "7ff8000000000000";
  return view.getBigUint64(0).toString(16);
}

Deno.test("32-bit integers are read as Java reads them", () => {
  for (const { text, int } of RECORDED) assertEquals(parseInt32(text)?.toString(), int, JSON.stringify(text));
  assert(RECORDED.filter(({ int }) => int !== undefined).length > 50);
});

Deno.test("64-bit integers are read as Java reads them", () => {
  for (const { text, long } of RECORDED) assertEquals(parseInt64(text)?.toString(), long, JSON.stringify(text));
  assert(RECORDED.filter(({ long }) => long !== undefined).length > 60);
});

Deno.test("doubles are read as Java reads them, to the last bit", () => {
  for (const { text, bits } of RECORDED) assertEquals(bitsOf(parseDouble(text)), bits, JSON.stringify(text));
  assert(RECORDED.filter(({ bits }) => bits !== undefined).length > 150);
});
