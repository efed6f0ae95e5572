import { assertEquals } from "@std/assert";
import { lineAt, listImports, maskSource } from "../../../scripts/source_text.ts";

Deno.test("Masking keeps code, quotes, lines and length, and blanks comments and texts", () => {
  const source = 'a = \'b\'; // c\n/* d\n*/ e = "\\"f";';
  assertEquals(maskSource(source), "a = ' ';     \n    \n   e = \"   \";");
});

Deno.test("Code inside a template stays, its text does not", () => {
  assertEquals(maskSource("`a${b({ c: `d${e}` })}f` + g"), "` ${b({ c: ` ${e}` })} ` + g");
});

Deno.test("A slash divides behind a value and begins a regular expression elsewhere", () => {
  assertEquals(maskSource("a / b / c; d(/e\"[/]'/g); return /f/;"), "a / b / c; d(/      /g); return / /;");
});

Deno.test("Every way to import is listed with its line and its kind", () => {
  const source = [
    'import { a } from "./a.ts";',
    "import {",
    "  b,",
    '} from "./b.ts";',
    'export * from "./c.ts";',
    'import type { D } from "./d.ts";',
    'import "./e.ts";',
    'const f = await import("./f.ts");',
    'const g = new URL("./g.ts", import.meta.url);',
    'import { type H } from "./h.ts";',
  ].join("\n");
  const listed = listImports(source).map(({ specifier, line, isTypeOnly, isDynamic }) =>
    `${specifier} ${line}${isTypeOnly ? " type" : ""}${isDynamic ? " dynamic" : ""}`
  );
  assertEquals(listed, [
    "./a.ts 1",
    "./b.ts 4",
    "./c.ts 5",
    "./d.ts 6 type",
    "./e.ts 7",
    "./f.ts 8 dynamic",
    "./g.ts 9 dynamic",
    "./h.ts 10 type",
  ]);
});

Deno.test("Lines are counted from one", () => {
  assertEquals([0, 1, 2, 3].map((position) => lineAt("a\nb\n", position)), [1, 1, 2, 2]);
});
