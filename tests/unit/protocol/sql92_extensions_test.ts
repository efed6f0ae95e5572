/** What SQL92 has and RocketMQ has not: LIKE and arithmetic. And the limits on what an expression can cost. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileSql92, Sql92Error } from "../../../src/protocol/sql92/filter.ts";
import { SQL92_LENGTH_MAX } from "../../../src/protocol/sql92/parser.ts";

function outcome(expression: string, properties: Readonly<Record<string, string>>): boolean | null | "failed" {
  return compileSql92(expression).outcome((name) => properties[name] ?? null);
}

/** Pattern, text, whether it matches. */
const LIKES: readonly (readonly [string, string, boolean])[] = [
  ["'abc'", "abc", true],
  ["'abc'", "ABC", false],
  ["'abc'", "abcd", false],
  ["''", "", true],
  ["''", "a", false],
  ["'%'", "", true],
  ["'%'", "anything\nat all", true],
  ["'%%'", "a", true],
  ["'_'", "a", true],
  ["'_'", "", false],
  ["'_'", "\u{1f600}", true],
  ["'__'", "\u{1f600}", false],
  ["'a%'", "abc", true],
  ["'a%'", "ba", false],
  ["'%c'", "abc", true],
  ["'%b%'", "abc", true],
  ["'%b%'", "ac", false],
  ["'a_c'", "abc", true],
  ["'a_c'", "ac", false],
  ["'a%b%c'", "a--b--c", true],
  ["'a%b%c'", "a--c--b", false],
  ["'%ab_b%'", "aabxabab!", true],
  ["'%aa_aa%'", "aabaaabaa", true],
  ["'.*'", "anything", false],
  ["'[a]'", "a", false],
  ["'it''s%'", "it's so", true],
  ["'100!%' ESCAPE '!'", "100%", true],
  ["'100!%' ESCAPE '!'", "1000", false],
  ["'a!_b' ESCAPE '!'", "a_b", true],
  ["'a!_b' ESCAPE '!'", "axb", false],
  ["'a!!b' ESCAPE '!'", "a!b", true],
  ["'a%%b' ESCAPE '%'", "a%b", true],
  ["'x\u{1f600}_y' ESCAPE '\u{1f600}'", "x_y", true],
  [`'${"ab_".repeat(40)}%z'`, "abc".repeat(40) + "--z", true],
  [`'${"ab_".repeat(40)}%z'`, "abc".repeat(39) + "--z", false],
];

for (const [pattern, text, isLike] of LIKES) {
  Deno.test(`${JSON.stringify(text.slice(0, 20))} is ${isLike ? "" : "not "}LIKE ${pattern.slice(0, 30)}`, () => {
    assertEquals(outcome(`a LIKE ${pattern}`, { a: text }), isLike);
    assertEquals(outcome(`a NOT LIKE ${pattern}`, { a: text }), !isLike);
  });
}

Deno.test("LIKE of a property that is not there is unknown, and LIKE and ESCAPE stay names of properties", () => {
  assertEquals(outcome("a LIKE '%'", {}), null);
  assertEquals(outcome("a NOT LIKE '%'", {}), null);
  assertEquals(outcome("like like 'y' escape '!' AND escape = 'n'", { like: "y", escape: "n" }), true);
});

/** Expression, properties, outcome. */
const SUMS: readonly (readonly [string, Readonly<Record<string, string>>, boolean | null | "failed"])[] = [
  ["a + 1 = 6", { a: "5" }, true],
  ["a * 2 + 1 = 11", { a: "5" }, true],
  ["1 + a * 2 = 11", { a: "5" }, true],
  ["(1 + a) * 2 = 12", { a: "5" }, true],
  ["a - 1 - 1 = 3", { a: "5" }, true],
  ["a - -1 = 6", { a: "5" }, true],
  ["-2 * a = -10", { a: "5" }, true],
  ["a / 2 = 2", { a: "5" }, true],
  ["a / 2 = 2.5", { a: "5.0" }, true],
  ["a / 2.0 = 2.5", { a: "5" }, true],
  ["-7 / 2 = -3", {}, true],
  ["-7 % 3 = -1", {}, true],
  ["a % 2 = 1", { a: "5" }, true],
  ["a + b > 7", { a: "5", b: "2.5" }, true],
  ["price * count >= 100 AND price * count < 200", { price: "12.5", count: "8" }, true],
  ["a BETWEEN b - 1 AND b + 1", { a: "5", b: "6" }, true],
  ["a + 1 = 6", {}, null],
  ["a + b = 6", { a: "5" }, null],
  ["(a + b) IS NULL", { a: "5" }, true],
  ["a + 1 = 6", { a: "x" }, "failed"],
  ["a / 0 = 1", { a: "5" }, "failed"],
  ["a % 0 = 1", { a: "5" }, "failed"],
  ["a / 0 > 1e300", { a: "5.0" }, true],
  ["a + 1 > 0", { a: "9223372036854775807" }, "failed"],
  ["a + 0 = 9223372036854775807", { a: "9223372036854775807" }, true],
  ["a + 1 > 0 OR TRUE", { a: "x" }, "failed"],
  ["FALSE AND a + 1 > 0", { a: "x" }, false],
  ["a -1 = 4 -- trailing", { a: "5" }, true],
];

for (const [expression, properties, expected] of SUMS) {
  Deno.test(`${expression} with ${JSON.stringify(properties)} is ${expected}`, () => {
    assertEquals(outcome(expression, properties), expected);
  });
}

Deno.test("brackets and prefixes may be as deep as the text is long", () => {
  const depth = 30_000;
  assertEquals(outcome("(".repeat(depth) + "a=5" + ")".repeat(depth), { a: "5" }), true);
  assertEquals(outcome("NOT ".repeat(16_000) + "(a=5)", { a: "5" }), true);
  assertEquals(outcome("a=" + "- ".repeat(depth) + "5", { a: "5" }), true);
  assertThrows(() => compileSql92("(".repeat(60_000)), Sql92Error);
  assertEquals(outcome("a=1" + " OR a=1".repeat(9_000), { a: "2" }), false);
});

Deno.test("an expression beyond the limit is refused where the limit is", () => {
  const error = assertThrows(() => compileSql92(" ".repeat(SQL92_LENGTH_MAX + 1)), Sql92Error);
  assertEquals(error.position.offset, SQL92_LENGTH_MAX);
});

/** With 16,000 characters to look for, a search by trial takes some 10⁸ steps in it. */
const HOSTILE_TEXT = "a".repeat(32_000);

Deno.test("patterns made to be slow are not", () => {
  const hostile = [
    `a CONTAINS '${"a".repeat(16_000)}b'`,
    `a LIKE '${"%a".repeat(250)}%b'`,
    `a LIKE '%${"_a".repeat(250)}b%'`,
    `a LIKE '%${"a".repeat(500)}b%'`,
    "a > 5",
    "a > 5.0",
  ];
  const digits = "1".repeat(32_000) + "x";
  const startMs = performance.now();
  for (const expression of hostile) {
    const filter = compileSql92(expression);
    assert(filter.evaluate(() => HOSTILE_TEXT) !== true);
    assert(filter.evaluate(() => digits) !== true);
    assert(filter.evaluate(() => `0x${digits}`) !== true);
  }
  const elapsedMs = performance.now() - startMs;
  assert(elapsedMs < 2000, `took ${elapsedMs} ms`);
});
