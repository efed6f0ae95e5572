/**
 * SQL92 against what RocketMQ's own evaluator said of the same expressions and properties: `tests/golden/sql92-<release>.json`,
 * written by `tests/interop/java/Sql92Results.java` from `tests/golden/sql92-expressions.json`.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileSql92, Sql92Error, type Sql92Filter } from "../../../src/protocol/sql92/filter.ts";

/** What RocketMQ said; see `Sql92Results.java`. */
interface Recorded {
  readonly expression: string;
  readonly results?: string;
  readonly unread?: readonly [line: number, column: number];
  readonly refused?: string;
}

type Properties = Readonly<Record<string, string>>;

const { propertySets } = golden<{ propertySets: readonly Properties[] }>("sql92-expressions");
const RECORDED = golden<readonly Recorded[]>("sql92-5.5.0");
const RECORDED_4 = golden<readonly Recorded[]>("sql92-4.9.7");

/** Arithmetic and LIKE, which RocketMQ refuses, or of which it reads only the beginning. Their meaning is tested elsewhere. */
const OURS: ReadonlySet<string> = new Set([
  "a-b = 1",
  "a + 1 = 6",
  "a - 1 = 4",
  "a * 2 = 10",
  "a / 2 = 2",
  "a % 2 = 1",
  "a = 5 + 1",
  "a = 5 - 1",
  "a = 5 * 1",
  "a = 2 + 3",
  "a+1 > 5",
  "a-1 > 5",
  "5 -3 = a",
  "a = 5-3",
  "a LIKE 'x%'",
  "a NOT LIKE 'x%'",
  "a LIKE 'x' ESCAPE '!'",
  "b = 'x' AND a LIKE '5'",
  "a LIKE 'h_' OR b = 'x'",
]);
/** Comments at the end of the text without a line end: RocketMQ stops reading there, which comes to the same. */
const TRAILING_COMMENTS: ReadonlySet<string> = new Set(["a = 'x' -- comment", "a = 'x' --", "a = 5--"]);
/** Operators of 5.x; names of properties in 4.x. */
const SINCE_5 = /contains|startswith|endswith/i;

function golden<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`../../golden/${name}.json`, import.meta.url)));
}

/** The results for all property sets in the letters of the recording. */
function resultsOf(filter: Sql92Filter): string {
  return propertySets.map((properties) => {
    const outcome = filter.outcome((name) => properties[name] ?? null);
    return outcome === null ? "n" : outcome === "failed" ? "!" : outcome ? "t" : "f";
  }).join("");
}

function refusalOf(expression: string): Sql92Error | null {
  try {
    compileSql92(expression);
    return null;
  } catch (error) {
    if (error instanceof Sql92Error) return error;
    throw error;
  }
}

Deno.test("every expression that RocketMQ 5.5.0 reads to its end gives RocketMQ's result for every message", () => {
  let compared = 0;
  for (const { expression, results, unread } of RECORDED) {
    if (results === undefined || unread !== undefined) continue;
    assertEquals(resultsOf(compileSql92(expression)), results, expression);
    compared++;
  }
  assert(compared > 600 && propertySets.length > 15, `${compared} expressions, ${propertySets.length} property sets`);
});

Deno.test("so does every one that RocketMQ 4.9.7 reads to its end", () => {
  let compared = 0;
  for (const { expression, results, unread } of RECORDED_4) {
    if (results === undefined || unread !== undefined || SINCE_5.test(expression)) continue;
    assertEquals(resultsOf(compileSql92(expression)), results, expression);
    compared++;
  }
  assert(compared > 500, `${compared} expressions`);
});

Deno.test("every expression that RocketMQ refuses is refused, but for arithmetic and LIKE", () => {
  let refused = 0;
  for (const recorded of RECORDED) {
    if (recorded.refused === undefined || OURS.has(recorded.expression)) continue;
    assert(refusalOf(recorded.expression) !== null, recorded.expression);
    refused++;
  }
  assert(refused > 250, `${refused} expressions`);
});

Deno.test("what RocketMQ leaves unread is refused where it begins", () => {
  let refused = 0;
  for (const { expression, results, unread } of RECORDED) {
    if (unread === undefined || OURS.has(expression)) continue;
    const refusal = refusalOf(expression);
    if (TRAILING_COMMENTS.has(expression)) {
      assertEquals(resultsOf(compileSql92(expression)), results, expression);
    } else if (expression !== "a = 5 LIKE 'x'") {
      assertEquals([refusal?.position.line, refusal?.position.column], [...unread], expression);
      refused++;
    }
  }
  assert(refused > 30, `${refused} expressions`);
});

/** Expression, and the message of its refusal. */
const REFUSALS: readonly (readonly [string, string])[] = [
  ["", 'line 1, column 1: expected a property, a literal, NOT or "(", found the end'],
  ["a = 5 AMD b = 5", 'line 1, column 7: expected an operator or the end, found "AMD"'],
  ["a = 5 AND\r\n  b == 6", 'line 2, column 6: expected a property, a literal, NOT or "(", found "="'],
  ["a != 5", 'line 1, column 3: "!" has no meaning here; unequal is written <>'],
  ['a = "x"', 'line 1, column 5: "\\"" has no meaning here; strings are written in single quotes'],
  ["a = 'x", "line 1, column 5: the string has no closing quote"],
  ["(a = 5", 'line 1, column 7: expected an operator or ")", found the end'],
  ["(a = 5))", 'line 1, column 8: expected an operator or the end, found ")"'],
  ["a IN ('x', 5)", 'line 1, column 12: expected a string in single quotes, found "5"'],
  ["a = 5 IN ('x')", "line 1, column 5: expected a property before IN, found 5"],
  ["a BETWEEN 1 OR 2", 'line 1, column 13: expected AND and the upper bound, found "OR"'],
  ["a BETWEEN 10 AND 1", "line 1, column 18: expected an upper bound of at least 10, found 1"],
  ["a > 'x'", "line 1, column 5: expected a number or a property, found 'x'"],
  ["a = NULL", "line 1, column 5: nothing equals NULL; expected IS NULL or IS NOT NULL"],
  ["TRUE = 'x'", "line 1, column 8: expected TRUE, FALSE or a property, found 'x'"],
  ["a AND 5", "line 1, column 7: expected a condition, found 5"],
  ["NOT a > 5", "line 1, column 1: expected a number or a property, found a condition"],
  ["a = 007", 'line 1, column 6: expected an operator or the end, found "0"'],
  [
    "a > 9223372036854775808",
    'line 1, column 5: expected an integer of at most 9223372036854775807, found "9223372036854775808"',
  ],
  ["a > 0.0", 'line 1, column 5: expected a number above 4.9E-324 or the integer 0, found "0.0"'],
  ["a IS 5", 'line 1, column 6: expected NULL or NOT NULL, found "5"'],
  ["a NOT b", 'line 1, column 7: expected BETWEEN, IN, CONTAINS, STARTSWITH, ENDSWITH or LIKE, found "b"'],
  ["a LIKE 'x!' ESCAPE '!'", "line 1, column 8: expected a character behind the escape character, found \"'x!'\""],
  ["a LIKE 'x' ESCAPE '!!'", "line 1, column 19: expected one character, found \"'!!'\""],
  ["a = 5 /* open", "line 1, column 7: the comment has no end"],
  ["a + 'x' > 5", "line 1, column 5: expected a number or a property with \"+\", found 'x'"],
];

for (const [expression, problem] of REFUSALS) {
  Deno.test(`${JSON.stringify(expression)} is refused with the place and what was expected`, () => {
    const error = assertThrows(() => compileSql92(expression), Sql92Error);
    assertEquals(error.message, `Wrong SQL92 expression at ${problem}`);
  });
}

Deno.test("a property is looked up once, and only when it is needed", () => {
  const asked: string[] = [];
  const filter = compileSql92("a = 'x' OR b = 'y' OR a = 'z' OR c = 'z'");
  const result = filter.evaluate((name) => {
    asked.push(name);
    return name === "b" ? "y" : "q";
  });
  assertEquals(result, true);
  assertEquals(asked, ["a", "b"]);
  assertEquals(filter.names, ["a", "b", "c"]);
});

Deno.test("a value that is not what the expression needs makes the result unknown", () => {
  const filter = compileSql92("a > 5 OR TRUE");
  assertEquals(filter.evaluate(() => "x"), null);
  assertEquals(filter.outcome(() => "x"), "failed");
  assertEquals(filter.evaluate(() => null), true);
});
