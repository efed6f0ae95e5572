import { assertEquals, assertThrows } from "@std/assert";
import { JsonError, parseJson, stringifyJson } from "../../../src/protocol/json.ts";

Deno.test("integers of any length are exact, also as long as one that would round", () => {
  for (const text of ["9007199254740991", "9007199254740993", "-9223372036854775808", `1${"0".repeat(40)}`]) {
    assertEquals(stringifyJson(parseJson(text)), text);
  }
});

Deno.test("a number that 64 bits do not hold is refused in both dialects, one that they hold is read", () => {
  for (const text of ['{"a":5e800}', "[-1e+309]", "{1:5e800}", `[1${"0".repeat(40)}e280]`]) {
    assertThrows(() => parseJson(text), JsonError, "number too large for 64 bits at position");
  }
  assertEquals(parseJson('{"a":1e308,"b":5e-800,"c":1e007}'), { a: 1e308, b: 0, c: 1e7 });
});
